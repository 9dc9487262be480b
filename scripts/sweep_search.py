"""Searches the real pairs of tests/unit/search_pairs.py for a difference, as `turnwire diff A B --search` does; writes
what it prints to docs/search.json, from which docs/debugging.md has its table.

    python scripts/sweep_search.py [--budget 1000] [--json FILE] [NAME ...]      (make search)
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.unit.search_pairs import PAIRS, Pair
from turnwire.cli import main as turnwire
from turnwire.explain.again import SWITCHES


def run(pair: Pair, budget: int) -> dict[str, Any]:
    """What the command says of a pair."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        names = pair.a(place), pair.b(place)
        os.chdir(place)
        try:
            args = ["diff", *names, "--search", "--budget", str(budget), "--seed", str(pair.seed), *["-g"] * pair.asked]
            start = time.process_time()
            form = json.loads(said([*args, "--json"]))
            seconds = time.process_time() - start
            text = said(args) if pair.shown else ""
        finally:
            os.chdir(here)
    found = form["found"]
    return {
        "name": pair.name, "note": pair.note.replace("|", "\\|"),
        "command": f"turnwire {' '.join(args)}", "seconds": round(seconds, 2),
        "causes": [] if found is None else [*found["causes"]], "tried": form["tried"], "refused": form["refused"],
        "budget": budget, "seed": pair.seed, "reasons": form["reasons"],
        "conversation": None if found is None else found["conversation"], "output": text,
        "options": {} if found is None else {k: v for k, v in found["options"]["a"].items() if k in SWITCHES},
    }  # fmt: skip


def said(args: list[str]) -> str:
    """What a command prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        turnwire([*args, *([] if "--json" in args else ["--no-color"])])
    return "".join(line.rstrip() + "\n" for line in out.getvalue().rstrip().split("\n"))


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--budget", type=int, default=1_000)
    parser.add_argument("--json", metavar="FILE")
    args = parser.parse_args()
    os.environ["COLUMNS"] = "100"
    rows: list[dict[str, Any]] = []
    for pair in PAIRS:
        if args.names and pair.name not in args.names:
            continue
        rows.append(row := run(pair, min(args.budget, pair.budget)))
        odd = (
            "" if set(row["causes"]) >= pair.causes and bool(row["causes"]) == bool(pair.causes) else "  NOT AS LISTED"
        )
        print(f"{row['seconds']:6.2f} s  {pair.name}: {', '.join(row['causes']) or 'no difference'}; "
              f"{row['tried']} tried, refused {row['refused']}{odd}", flush=True)  # fmt: skip
        if odd and row["conversation"]:
            print("         ", json.dumps(row["conversation"])[:300])
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
