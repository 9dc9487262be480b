"""A reply in a format: its ids and its text, the ways to read it that are measured, and whether one finds what was
written.

The floor is what no Python parser can go below: a table from id to bytes and an incremental UTF-8 decoder, in a for
loop. A way's time covers making the parser, feeding everything and closing it.
"""

from __future__ import annotations

import codecs
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import turnwire
from tests.families.reference import references
from tests.real import harmony_encoding, o200k_harmony, qwen3
from tests.real import load as load_real
from turnwire import Call, Reasoning, Text, Turn
from turnwire.errors import RefusedTurn
from turnwire.events import ArgumentsDelta, CallEnd, Event, ReasoningDelta, TextDelta, TurnEnd
from turnwire.wire import Frame, walk

from . import workload
from .measure import Work
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
