"""Cost of parsing a reply as it streams: `python -m benchmarks.stream [--formats qwen3,...] [--sizes 2k,20k,200k]`.
`--syntaxes` compares one format of each call syntax at 20k, one token a call; `--peers` compares with transformers'
ResponseParser; `--idle` measures what a parser holds that waits for its next token.

Rows, and the floor below them, are those of `case.py`; rows of turnwire and of openai-harmony's Rust parser run in the
same rounds. Every row is checked: reasoning, content, calls with arguments.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import tracemalloc
from typing import Any

import turnwire
from tests.laws.shares import SYNTAXES

from .case import ALL, FLOOR, FORMATS, LEAN, ONE, RUST, RUST_DELTA, TEXT_ONE, Case
from .measure import Times, Work, interleave, machine, repeated, table, versions
from .workload import TOOLS

THEIRS = "transformers ResponseParser, one token's text a call"
IDLE = 100_000
MARKS = (0.1, 0.4, 0.8)  # twice in the long first part, and in the second call, in the value of a file


def syntaxes(rounds: int, markdown: bool) -> None:
    """One token a call, 20k tokens, in each syntax: us a token, and times the floor."""
    lines: list[list[str]] = []
    for name in SYNTAXES:
        case = Case(name, "20k")
        rows: dict[str, Work] = {FLOOR: case.floor, ONE: case.one, ALL: case.all}
        result = " ".join(sorted({case.check(row, work) for row, work in rows.items()} - {""}))
        times = interleave(rows, rounds)
        us = times.median(ONE) / len(case.ids) * 1e6
        ratios = [f"{times.ratio(row, FLOOR):.2f}" for row in (ONE, ALL)]
        lines.append([name, f"{len(case.ids):,}", f"{us:.2f}", *ratios, result])
    print()
    print(
        table(
            ["format", "tokens", "us a token", "one a call, x floor", "all in one, x floor", "result"], lines, markdown
        )
    )


class ResponseParser:
    """transformers' parser with the response template that it or TRL ships for a format, fed as its server feeds it."""

    NAMES = ("qwen3", "qwen3-coder", "harmony")

    def __init__(self, case: Case):
        from transformers.cli.serving.utils import _RESPONSE_TEMPLATE_FALLBACKS as shipped
        from transformers.utils.chat_parsing.response_templates import load_response_template

        if case.name == "harmony":
            from trl.chat_template_utils import gptoss_template as template
        else:
            model = {"qwen3": "qwen3", "qwen3-coder": "qwen3_5"}[case.name]
            template = next(t for models, t in shipped.items() if model in models)
        self.case, self.spec = case, load_response_template(template)

    def run(self) -> dict[str, Any]:
        from transformers.utils.chat_parsing import ResponseParser as Theirs

        prefix = "<|start|>assistant" if self.case.name == "harmony" else "<|im_start|>assistant\n"
        p = Theirs(self.spec, prefix=prefix, tools=TOOLS)
        for text in self.case.texts:
            p.feed(text)
        return p.finalize()[0]

    def result(self) -> str:
        """Whether all calls are found, with their arguments."""
        calls = [c["function"] for c in self.run().get("tool_calls", ())]
        found = [(c["name"], json.loads(a) if isinstance(a := c["arguments"], str) else a) for c in calls]
        return "ok" if found == list(self.case.wanted.calls) else f"WRONG calls ({len(found)})"


def peers(rounds: int, markdown: bool) -> None:
    """transformers' parser at 20k tokens: us a token, and how many times as long as ours. It is fed text, and pays for
    no decoding."""
    lines: list[list[str]] = []
    for name in ResponseParser.NAMES:
        case = Case(name, "20k")
        theirs = ResponseParser(case)
        times = interleave({ONE: case.one, TEXT_ONE: case.text_one, THEIRS: theirs.run}, rounds)
        us = [f"{times.median(row) / len(case.ids) * 1e6:.2f}" for row in (ONE, TEXT_ONE, THEIRS)]
        ratios = [f"{times.ratio(THEIRS, row):.1f}" for row in (ONE, TEXT_ONE)]
        lines.append([name, *us, *ratios, case.check(ONE, case.one), theirs.result()])
    print()
    head = ["us per token, 20k", "ids", "text", "theirs", "theirs / ids", "theirs / text", "result", "their result"]
    print(table(head, lines, markdown))


def idle(markdown: bool) -> None:
    """Bytes of the process for each of many parsers that have read the beginning of a reply."""
    case = Case("qwen3", "2k")
    case.lean()
    gc.collect()
    before, held = _resident(), list[turnwire.Parser]()
    for _ in range(IDLE):
        p = case.parser(keep_turn=False)
        for i in case.ids[:20]:
            p.feed([i])
        held.append(p)
    gc.collect()
    each = (_resident() - before) / len(held)
    lines = [[case.name, f"{IDLE:,}", f"{each:,.0f}", f"{each * 1e6 / 2**30:.1f}"]]
    print()
    print(table(["idle parsers, keep_turn=False", "made", "bytes each", "GiB for a million"], lines, markdown))


def _resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def memory(case: Case, keep_turn: bool) -> list[float]:
    """KiB that a parser holds at `MARKS` of the reply."""
    p = case.parser(keep_turn=keep_turn)
    feed, ids, held = p.feed, case.ids, list[float]()
    gc.collect()
    tracemalloc.start()
    for n, i in enumerate(ids):
        feed([i])
        if n in [int(len(ids) * mark) for mark in MARKS]:
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0] / 1024)
    tracemalloc.stop()
    p.close("stop")
    return held


def measure(name: str, sizes: list[str], rounds: int, markdown: bool) -> None:
    cases = {size: Case(name, size) for size in sizes}
    print(f"\n### {name}: " + ", ".join(f"{size} = {len(c.ids):,} tokens" for size, c in cases.items()) + "\n")
    checks: dict[str, set[str]] = {}
    times, repeats = dict[str, Times](), dict[str, int]()
    for size, case in cases.items():
        rows = case.rows()
        for row, work in rows.items():
            checks.setdefault(row, set()).add(case.check(row, work))
        repeat = max(1, 20_000 // len(case.ids))  # as long as one of 20k, so that a short reply is not timed cold
        times[size] = interleave({row: repeated(work, repeat) for row, work in rows.items()}, rounds)
        repeats[size] = repeat
    lines: list[list[str]] = []
    us: dict[str, float] = {}
    for row in checks:
        cells: list[str] = []
        for size, case in cases.items():
            us[size] = times[size].median(row) / repeats[size] / len(case.ids) * 1e6
            cells += [f"{us[size]:.2f}", f"{times[size].ratio(row, FLOOR):.2f}"]
        growth = us[sizes[-1]] / us[sizes[0]]
        against = "" if RUST not in checks else f"{times[sizes[-1]].ratio(RUST_DELTA, row):.2f}"
        lines.append([row, *cells, f"{growth:.2f}", against, " ".join(sorted(checks[row]))])
    head = ["us per token"]
    for size in sizes:
        head += [size, "x floor"]
    head += [f"{sizes[-1]} / {sizes[0]}", "x faster than Rust with delta", "result"]
    if RUST not in checks:
        head, lines = [*head[:-2], head[-1]], [[*row[:-2], row[-1]] for row in lines]
    print(table(head, lines, markdown))
    case = cases[sizes[-1]]
    held = [[row, *(f"{kib:,.1f}" for kib in memory(case, keep))] for row, keep in ((LEAN, False), (ONE, True))]
    print()
    print(table([f"KiB held by the parser, {sizes[-1]}", *(f"at {mark:.0%}" for mark in MARKS)], held, markdown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--sizes", default="2k,20k,200k")
    parser.add_argument("--syntaxes", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--idle", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    print(f"{machine()}; {versions('tokenizers', 'openai-harmony', 'transformers')}; medians of {args.rounds} rounds.")
    if args.syntaxes:
        return syntaxes(args.rounds, args.markdown)
    if args.peers:
        return peers(args.rounds, args.markdown)
    if args.idle:
        return idle(args.markdown)
    for name in args.formats.split(","):
        measure(name, args.sizes.split(","), args.rounds, args.markdown)


if __name__ == "__main__":
    main()
