"""Cost of parsing a reply as it streams: `python -m benchmarks.stream [--formats qwen3,...] [--sizes 2k,20k,200k]`.
`--syntaxes` compares one format of each call syntax at 20k, one token a call; `--peers` compares with transformers'
ResponseParser; `--idle` measures what a parser holds that waits for its next token.

A row's time covers making the parser, feeding everything and closing it. The floor is what no Python parser can go
below: a table from id to bytes and an incremental UTF-8 decoder, in a for loop. Rows of turnwire and of
openai-harmony's Rust parser run in the same rounds. Every row is checked: reasoning, content, calls with arguments.
"""

from __future__ import annotations

import argparse
import codecs
import dataclasses
import gc
import json
import resource
import tracemalloc
from collections.abc import Callable
from typing import Any

import turnwire
from tests.families.reference import references
from tests.laws.shares import SYNTAXES
from tests.real import harmony_encoding, o200k_harmony, qwen3
from tests.real import load as load_real
from turnwire import Call, Reasoning, Text, Turn
from turnwire.errors import RefusedTurn
from turnwire.events import ArgumentsDelta, CallEnd, Event, ReasoningDelta, TextDelta, TurnEnd
from turnwire.wire import Frame, walk

from . import workload
from .measure import Times, Work, interleave, machine, repeated, table, versions
from .workload import TOOLS, Completion, completion

FORMATS: dict[str, tuple[Callable[[], Any], Callable[[Completion], str]]] = {
    "qwen3": (qwen3, workload.qwen3),
    "qwen3-coder": (qwen3, workload.qwen3_coder),
    "harmony": (o200k_harmony, workload.harmony),
}
FLOOR = "floor: table id -> bytes, incremental UTF-8"
ONE = "turnwire, one token a call"
CHUNKS = "turnwire, 8 tokens a call"
ALL = "turnwire, all in one call"
TEXT_ONE = "turnwire, text, one token's a call"
TEXT_ALL = "turnwire, text, all in one call"
LEAN = "turnwire, one token a call, keep_turn=False"
RUST = "openai-harmony process"
RUST_DELTA = "openai-harmony process, delta, channel, recipient"
THEIRS = "transformers ResponseParser, one token's text a call"
IDLE = 100_000
MARKS = (0.1, 0.4, 0.8)  # twice in the long first part, and in the second call, in the value of a file


class Case:
    """A completion in a format: its ids, its text piece by piece, and what a parser must find in it."""

    def __init__(self, name: str, size: str):
        self.name, self.fmt, self.wanted = name, turnwire.get_format(name), completion(size)
        if name in FORMATS:
            load, spell = FORMATS[name]
            self.tokenizer = load()
            self.ids: list[int] = self.tokenizer.backend.encode(spell(self.wanted), add_special_tokens=False).ids
        else:
            self.tokenizer = load_real(str(references()[name].tokenizer))
            self.ids, self.wanted = rendered(self.fmt, self.tokenizer, self.wanted)
        self.bytes = [self.tokenizer.piece(i) or b"" for i in range(self.tokenizer.size)]
        decode = codecs.getincrementaldecoder("utf-8")().decode
        self.texts = [text for i in self.ids if (text := decode(self.bytes[i]))]
        # the prompt: two tokens of it begin the first message's header
        if name == "harmony":
            self.start = self.tokenizer.backend.encode("<|start|>assistant", add_special_tokens=False).ids

    def parser(self, **options: Any) -> turnwire.Parser:
        return self.fmt.parser(self.tokenizer, TOOLS, **options)

    # rows

    def floor(self) -> None:
        decode, pieces = codecs.getincrementaldecoder("utf-8")("replace").decode, self.bytes
        for i in self.ids:
            decode(pieces[i])

    def one(self, **options: Any) -> turnwire.Parser:
        p = self.parser(**options)
        feed = p.feed
        for i in self.ids:
            feed([i])
        p.close("stop")
        return p

    def lean(self) -> turnwire.Parser:
        return self.one(keep_turn=False)

    def chunks(self) -> turnwire.Parser:
        p = self.parser()
        for at in range(0, len(self.ids), 8):
            p.feed(self.ids[at : at + 8])
        p.close("stop")
        return p

    def all(self) -> turnwire.Parser:
        p = self.parser()
        p.feed(self.ids)
        p.close("stop")
        return p

    def text_one(self) -> turnwire.Parser:
        p = self.parser()
        feed = p.feed_text
        for text in self.texts:
            feed(text)
        p.close("stop")
        return p

    def text_all(self) -> turnwire.Parser:
        p = self.parser()
        p.feed_text("".join(self.texts))
        p.close("stop")
        return p

    def rust(self) -> Any:
        p = self._streamable()
        process = p.process
        for i in self.ids:
            process(i)
        p.process_eos()
        return p

    def rust_delta(self) -> Any:
        p = self._streamable()
        process = p.process
        for i in self.ids:
            process(i)
            _ = p.last_content_delta, p.current_channel, p.current_recipient
        p.process_eos()
        return p

    def _streamable(self) -> Any:
        import openai_harmony

        return openai_harmony.StreamableParser(harmony_encoding(), openai_harmony.Role.ASSISTANT)

    # checks

    def check(self, row: str, work: Work) -> str:
        """ "ok", or what is wrong with the result of a row."""
        if row == FLOOR:
            return ""
        wanted = self.wanted
        if row == LEAN:
            found = self._from_events()
        else:
            found = self._from_harmony(work()) if row in (RUST, RUST_DELTA) else self._from_turn(work())
        reasoning, content = wanted.reasoning, wanted.content
        if self.name == "qwen3-coder":
            reasoning, content = "", f"{reasoning}\n\n{content}"
        expected = (reasoning, content, [(name, args) for name, args in wanted.calls])
        wrong = [what for what, a, b in zip(("reasoning", "content", "calls"), found, expected) if a != b]
        return "WRONG " + ", ".join(wrong) if wrong else "ok"

    def _from_turn(self, parser: Any) -> tuple[str, str, list[Any]]:
        message = parser.turn.to_openai()
        assert all(part.complete for part in parser.turn.parts if part.kind == "call")
        calls = [c["function"] for c in message.get("tool_calls") or ()]
        return (
            message.get("reasoning_content") or "",
            message.get("content") or "",
            [(c["name"], json.loads(c["arguments"])) for c in calls],
        )

    def _from_events(self) -> tuple[str, str, list[Any]]:
        """Each token's events looked at, as a server does."""
        reasoning: list[str] = []
        content: list[str] = []
        arguments: dict[int, list[str]] = {}
        calls: list[Any] = []
        event: Event | None = None
        for event in self.parser(keep_turn=False).stream(self.ids, "stop"):
            if isinstance(event, ReasoningDelta):
                reasoning.append(event.text)
            elif isinstance(event, TextDelta):
                content.append(event.text)
            elif isinstance(event, ArgumentsDelta):
                arguments.setdefault(event.index, []).append(event.json)
            elif isinstance(event, CallEnd):
                assert event.complete and event.call.arguments_json == "".join(arguments[event.index])
                calls.append((event.call.name, json.loads(event.call.arguments_json)))
        assert isinstance(event, TurnEnd)
        return "".join(reasoning), "".join(content), calls

    def _from_harmony(self, parser: Any) -> tuple[str, str, list[Any]]:
        texts = {"analysis": "", "commentary": ""}
        calls: list[Any] = []
        for message in parser.messages:
            text = message.content[0].text
            if message.recipient:
                calls.append((message.recipient.removeprefix("functions."), json.loads(text)))
            else:
                texts[message.channel] += text
        return texts["analysis"], texts["commentary"], calls

    def rows(self) -> dict[str, Work]:
        found: dict[str, Work] = {
            FLOOR: self.floor, ONE: self.one, LEAN: self.lean, CHUNKS: self.chunks, ALL: self.all,
            TEXT_ONE: self.text_one, TEXT_ALL: self.text_all,
        }  # fmt: skip
        if self.name == "harmony":
            found |= {RUST: self.rust, RUST_DELTA: self.rust_delta}
        return found


def rendered(fmt: turnwire.Format, tokenizer: Any, wanted: Completion) -> tuple[list[int], Completion]:
    """A completion spelled by the format itself, less what it has no place for."""
    thinks = any(isinstance(w, Frame) and w.kind == "reasoning" for w in walk(fmt.reply))
    plain = dataclasses.replace(wanted, reasoning="", content=f"{wanted.reasoning}\n{wanted.content}")
    tried = [
        kept
        for base in ((wanted, plain) if thinks else (plain,))
        for kept in (
            base,
            dataclasses.replace(base, content=""),
            dataclasses.replace(base, content="", calls=base.calls[1:2]),
        )
    ]
    for kept in tried:
        parts = [
            *([Reasoning(kept.reasoning)] if kept.reasoning else []),
            *([Text(kept.content)] if kept.content else []),
            *(Call(name, arguments) for name, arguments in kept.calls),
        ]
        try:
            return fmt.render_reply(Turn("assistant", tuple(parts)), tokenizer, TOOLS).ids, kept
        except RefusedTurn:
            continue
    raise AssertionError(fmt)


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
