"""Records what a running server answers to the conversations of tests/engines/conversations.py.

    python scripts/record_engine.py URL "how it was run" [PATH STATUS BODY] > tests/engines/NAME.json

With PATH it is as if the server answered so there: what another server of the kind does.

The server has to serve Qwen3's template and tokenizer. Tests replay the answers over HTTP: what is asked then has to be
what was asked here, and what comes of it has to be what turnwire renders, or a difference that is listed with a source.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engines.conversations import CASES
from turnwire.errors import EngineError
from turnwire.explain.engines import Engine
from turnwire.explain.jsonhttp import Client

exchanges: list[dict[str, Any]] = []
_get, _post = Client.get, Client.post


def noted(method: str, path: str, body: Any, ask: Any) -> Any:
    """What `ask` gives, written down."""
    status, answer = 200, None
    try:
        answer = ask()
    except EngineError as e:
        status, answer = e.status, e.body
        raise
    finally:
        entry = {"method": method, "path": path, "body": body, "status": status, "answer": answer}
        if entry not in exchanges:
            exchanges.append(entry)
    return answer


def main() -> None:
    url, made, *off = sys.argv[1:]

    def get(self: Client, path: str) -> Any:
        return noted("GET", path, None, lambda: _get(self, path))

    def post(self: Client, path: str, body: Any) -> Any:
        if off and path == off[0]:
            raise EngineError("off", url=url, status=int(off[1]), body=off[2], expected="another path")
        return noted("POST", path, body, lambda: _post(self, path, body))

    Client.get, Client.post = get, post  # type: ignore[method-assign]
    engine = Engine(url)
    for case in CASES:
        try:
            engine.prompt(case.messages, case.tools, None, case.options)
        except EngineError as e:
            print(f"{case.name}: {e}", file=sys.stderr)
    engine.tokens("<|im_start|>user\nHi<|im_end|>\n")
    head = {"made": made, "found": str(engine.found), "off": off}
    lines = ",\n".join(json.dumps(e, ensure_ascii=False) for e in exchanges)
    print(json.dumps(head, ensure_ascii=False)[:-1] + f', "exchanges": [\n{lines}\n]}}')


main()
