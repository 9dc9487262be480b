"""Turns what the machine reads into events and the turn.

A `Sink` for the machine: it counts characters (so that spans tile the input), opens and closes parts, types
the values of key-value calls by their schema, and decides what a call is worth when it ends. Arguments are
streamed as soon as the call's name is known; their deltas concatenate to exactly the final text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from ..codecs import escaped
from ..events import (
    ArgumentsDelta,
    CallEnd,
    CallStart,
    PartEnd,
    PartStart,
    ReasoningDelta,
    Span,
    TextDelta,
)
from ..turns import Call, Reasoning, Text, Turn, Violation
from ..wire import SYMBOL, Slot, Symbols
from .calls import ODD, ArgumentTypes, OpenArgument, OpenCall, judged, read_json
from .emitter import Emitter, collect
from .validate import Toolbox

NAMING = ("head", "attrs", "name", "named")  # kinds of pieces that have a call's name in them
Keep: TypeAlias = "Callable[[str], object] | None"
Way: TypeAlias = "tuple[Any, int, int, Keep, Keep]"
"""How text goes out: in which event, of which part and call (-1: none); where the text as it was written goes, and
where its JSON text."""


class Assembler(Emitter):
    """See the head of this file."""

    def __init__(
        self,
        symbols: Symbols,
        toolbox: Toolbox,
        *,
        one_value: bool,
        tokens: bool,
        keep: bool,
        name_call: Callable[[int, str, str | None], str | None],
    ):
        super().__init__(tokens, keep)
        self.symbols, self.toolbox, self.one_value = symbols, toolbox, one_value
        self.name_call = name_call  # (index, name, the model's id) -> id
        self.part = -1
        self.calls = 0
        self.kind: str | None = None  # of the open part
        self.chunks: list[str] = []
        self.prefilled = False
        self.in_reasoning = False
        self.head: list[str] = []
        self.info: dict[str, str] = {}
        self.arg: OpenArgument | None = None
        self.within: Span | None = None  # where a header has the call's name

    # the machine's side

    def mark(self, raw: str) -> None:
        text = self.symbols.show(raw)
        self.at += len(text)
        self.markup(text, self.at - len(text))

    def piece(self, kind: str, raw: str, json: str | None = None) -> None:
        text = self.symbols.show(raw)
        call, arg = self.call, self.arg
        if call is not None and kind == "arguments":
            self._no_more_attributes(call)
        start, self.at = self.at, self.at + len(text)
        if kind == self.kind:  # text or reasoning
            self._delta(text, start)
        elif kind == "arguments" and call is not None:
            if json is not None and text is not raw:  # symbols stand in strings only
                json = SYMBOL.sub(lambda m: escaped(self.symbols.show(m.group())), json)
            self._arguments(call, text, start, json)
        elif kind == "value" and call is not None and arg is not None and arg.name is not None and not arg.ignored:
            self._value(call, arg, text, start)
        else:
            if kind in NAMING:
                self.note(start)
            if kind in ("head", "attrs", "noise"):
                collect(self.head, text)
            elif kind == "key" and arg is not None:
                collect(arg.key, text)
            elif kind == "name" and call is not None:
                collect(call.spelled, text)
            self.markup(text, start)

    def header(self, head: Any) -> str:
        text = self._header_text()
        self.info = head.read(text)
        self.within = head.place(text) if "name" in self.info else None
        if "fault" in self.info:
            self.fault("bad-header", self.info["fault"], text[:200])
        return self.info.get("kind", "other")

    def _header_text(self) -> str:
        text, self.head = "".join(self.head), []
        return text

    def begin(self, kind: str) -> None:
        if kind == "arg":
            self.arg = OpenArgument(since=self.at)
            return
        if kind == "calls":
            self.together = []
            return
        self.part += 1
        info, self.info, self.head = self.info, {}, []
        channel = info.get("channel")
        self.chunks = []
        if kind == "call":
            self.kind = "call"
            self.emit(PartStart(self.part, "call", channel, *self.where()))
            self.call = OpenCall(self.calls, id=info.get("id"), in_reasoning=self.in_reasoning)
            self.calls += 1
            if "name" in info:
                self.named(info["name"], self.within)
        else:
            self.kind = kind
            if "name" in info:  # a call, read as words because calls are switched off
                info.setdefault("recipient", info["name"])
            self.info = info
            public: Literal["text", "reasoning"] = "reasoning" if kind == "reasoning" else "text"
            self.emit(PartStart(self.part, public, channel, *self.where(), info.get("recipient")))
        self.noted = None

    def end(self, kind: str) -> None:
        self._close(kind, ended=True)

    def cut(self, kind: str) -> None:
        self._close(kind, ended=False)

    def _close(self, kind: str, ended: bool) -> None:
        if kind == "arg":
            self._end_argument() if ended else self._cut_argument()
        elif kind == "call":
            self._end_call(ended)
        elif kind == "calls":
            self.list_ended(ended)
        else:
            self._end_part()

    def break_off(self, kind: str) -> None:
        """A marker came that this frame has no place for: an argument that has a value is kept, a call is cut."""
        arg = self.arg
        if kind == "call":
            self._end_call(ended=False)
        elif kind == "arg" and arg is not None and not (arg.raw or arg.done):
            self.fault("no-value", "an argument without a value", (arg.name or "".join(arg.key))[:200])
            if self.call is not None:
                self.call.readable = False
            self._cut_argument()
        else:
            self.end(kind)

    def named(self, name: str, within: Span | None = None) -> None:
        call = self.call
        place = self.name_at(within)
        if call is None or call.name is not None or not name:
            return
        if ODD.search(name):
            self.fault("odd-name", "a name with blanks or brackets in it", name[:200])
        call.name = name
        wrote, call.id = call.id, self.name_call(call.index, name, call.id)
        if wrote is not None and call.id != wrote:
            self.fault("bad-attributes", "a second call with this id: it gets another", wrote[:200])
        held, call.held = call.held, []
        since = held[0].span[0] if held else None
        start = CallStart(self.part, call.index, call.id, name, *self.where(since), *place)
        call.started = True
        self.out.append(start)
        self.out.extend(held)

    def identified(self, id: str) -> None:
        """An id that the model wrote: the call's, or, behind its name, what it has beside its own."""
        call = self.call
        if call is not None and id:
            call.id, call.written = (id, None) if call.name is None else (call.id, id)

    def slot_end(self, slot: Slot, readable: bool) -> None:
        call, arg, kind = self.call, self.arg, slot.kind
        if kind == "noise" and (text := self._header_text()).strip():
            self.fault("unexpected-text", "text where the format has none", text[:200])
        if call is None:
            return
        if kind == "attrs":
            self._attributes(call, arg, slot.codec)
        elif kind == "name":
            call.waits = True
            if not getattr(slot.codec, "waits", False):
                self._no_more_attributes(call)
        elif kind == "key" and arg is not None:
            self._key_known(call, arg)
        elif kind == "value" and arg is not None and (readable or arg.raw):
            self._value_ended(call, arg)
        elif kind in ("arguments", "envelope"):
            call.value_seen = True
            call.readable &= readable

    def types(self) -> ArgumentTypes:
        """What is known of the open call's arguments."""
        return ArgumentTypes(self.toolbox, (self.call.name if self.call is not None else None) or "")

    def calls_in_reasoning(self) -> None:
        """From here on calls were found inside reasoning that was never closed."""
        self.in_reasoning = True

    @property
    def needed(self) -> int:
        """The first character whose tokens may still be asked for."""
        arg = self.arg
        return self.since(arg.since if arg is not None and arg.held else self.at)

    def way(self, kind: str) -> Way | None:
        """How more text of a `kind` that is open goes out; None if more is to be done with it."""
        call, arg = self.call, self.arg
        if kind == self.kind:
            keep = self.chunks.append if self.keep else None
            return ReasoningDelta if kind == "reasoning" else TextDelta, self.part, -1, keep, None
        if call is None or not call.started or call.held:
            return None
        if kind == "arguments":
            spelled = call.spelling.append if call.spelling else None
            return ArgumentsDelta, self.part, call.index, spelled, call.json.append
        if kind == "value" and arg is not None and arg.string and arg.sent:
            return ArgumentsDelta, self.part, call.index, arg.raw.append, None
        return None

    # text and reasoning

    def _delta(self, text: str, start: int) -> None:
        if self.keep:
            self.chunks.append(text)
        span, tokens = self.where(start)
        if span[1] > span[0]:
            make = ReasoningDelta if self.kind == "reasoning" else TextDelta
            self.emit(make(self.part, text[len(text) - (span[1] - span[0]) :], span, tokens))

    def _end_part(self) -> None:
        text, prefilled = "".join(self.chunks), self.prefilled
        if self.keep and self.kind == "reasoning":
            self.parts.append(Reasoning(text, prefilled))
        elif self.keep:
            self.parts.append(Text(text, self.info.get("channel"), self.info.get("recipient"), prefilled))
        self.emit(PartEnd(self.part, *self.where()))
        self.kind, self.chunks, self.prefilled, self.info = None, [], False, {}

    # calls

    def _attributes(self, call: OpenCall, arg: OpenArgument | None, codec: Any) -> None:
        """What an "attrs" slot says of the open argument, else of the call."""
        text = self._header_text()
        said: Mapping[str, str] = codec.read(text)
        if "fault" in said:
            self.fault("bad-attributes", said["fault"], "")
        if arg is not None:
            arg.key, arg.form = [said.get("key", "".join(arg.key))], said.get("form", arg.form)
            self.noted = None
            if arg.key[0]:
                self._key_known(call, arg)
            return
        call.id = said.get("id", call.id)
        if "name" in said:
            self.named(said["name"], codec.place(text))
        self._no_more_attributes(call)
        self.noted = None

    def _no_more_attributes(self, call: OpenCall) -> None:
        if call.waits:
            call.waits = False
            text = "".join(call.spelled)
            name, blanks = text.strip(), len(text) - len(text.lstrip())
            self.named(name, (blanks, blanks + len(name)))

    def _arguments(self, call: OpenCall, text: str, start: int, json: str | None) -> None:
        span, tokens = self.where(start)
        if json is None:
            call.json.append(text)
            text = text[len(text) - (span[1] - span[0]) :]
        else:
            call.json.append(json)
            call.spelling.append(text)
            text = json
        event = ArgumentsDelta(self.part, call.index, text, span, tokens)
        if call.name is None or call.held:
            call.held.append(event)  # the name comes after the arguments
        else:
            self.out.append(event)

    def _send(self, call: OpenCall, json: str, start: int | None = None, stop: int | None = None) -> None:
        self.emit(ArgumentsDelta(self.part, call.index, json, *self.where(start, stop)))

    def _key_known(self, call: OpenCall, arg: OpenArgument) -> None:
        arg.key_known(call, self.toolbox, self.at)
        self._flaws(arg)

    def _value(self, call: OpenCall, arg: OpenArgument, text: str, start: int) -> None:
        lead = arg.lead(text) if arg.container else 0
        if lead:
            self._send(call, arg.take(call, text[:lead], start) or "", start, start + lead)
        if (json := arg.take(call, text[lead:], start + lead)) is not None:
            self._send(call, json, start + lead)

    def _value_ended(self, call: OpenCall, arg: OpenArgument) -> None:
        """The value is whole: what was held of it goes out, before the marker that ended it."""
        if arg.name is not None and not arg.ignored and not arg.done:
            held = arg.held
            self._send(call, arg.finish(call), arg.since if held else None)
            self._flaws(arg)

    def _flaws(self, arg: OpenArgument) -> None:
        for flaw in arg.flaws:
            self.fault(*flaw)
        arg.flaws.clear()

    def _end_argument(self) -> None:
        call, arg = self.call, self.arg
        if call is not None and arg is not None:
            if arg.name is None:
                self.fault("no-key", "an argument without a key", "".join(arg.key))
            else:
                self._value_ended(call, arg)
        self.arg = None

    def _cut_argument(self) -> None:
        call, arg = self.call, self.arg
        if arg is not None and arg.held:
            self.markup("".join(arg.raw), arg.since)  # never to be a value
        elif arg is not None and call is not None:
            arg.broken_off(call)
        self.arg = None

    def _end_call(self, ended: bool) -> None:
        call = self.call
        if call is None:
            return
        self._no_more_attributes(call)
        raw: str | dict[str, str]
        if self.one_value:
            text = "".join(call.json)
            raw = "".join(call.spelling) or text
            arguments, flaw = read_json(call, text)
            if flaw is not None:
                self.fault(*flaw, text[:80])
        else:
            if ended and call.started:
                call.json.append("}" if call.values else "{}")
                self._send(call, call.json[-1])
            arguments, text, raw = call.values, "".join(call.json), call.raws
        status, wrong = judged(call, ended, arguments)
        errors: tuple[Violation, ...] = ()
        if wrong is not None:
            self.fault(*wrong)
        elif status == "complete":
            status, errors = self.toolbox.check(call.name or "", arguments or {})
        known = arguments if status != "unreadable" else None
        done = Call(call.name, known, call.id, raw, text, status, errors, call.in_reasoning, call.written)
        self.out.extend(call.held)  # arguments, but never a name
        self.ended(CallEnd(self.part, call.index, done, done.complete, tuple(call.faults), *self.where()))
        self.call, self.arg, self.kind = None, None, None

    # the prompt's share

    def begin_reply(self, held: int) -> None:
        """What was read so far was the prompt's; `held` of its characters are not read yet."""
        self.parts = [replace(p, prefilled=True) if isinstance(p, (Text, Reasoning)) else p for p in self.parts]
        if self.together:
            self.parts, self.together = [*self.parts, *(e.call for e in self.together)], []
        self.out = []
        if self.noted is not None:
            self.noted -= self.at + held
        self.at = -held
        self.prefilled = self.kind is not None
        if self.kind is not None:
            name: Literal["text", "reasoning", "call"]
            name = "reasoning" if self.kind == "reasoning" else "call" if self.kind == "call" else "text"
            channel, recipient = self.info.get("channel"), self.info.get("recipient")
            self.out.append(PartStart(self.part, name, channel, *self.where(), recipient))
        if self.call is not None and self.call.started and self.call.name is not None:
            self.out.append(CallStart(self.part, self.call.index, self.call.id, self.call.name, *self.where()))

    def turn(self) -> Turn:
        """The turn so far; a part that is still open is included as far as it came."""
        parts = list(self.parts)
        if self.kind == "reasoning":
            parts.append(Reasoning("".join(self.chunks), self.prefilled))
        elif self.kind is not None and self.call is None:
            parts.append(
                Text("".join(self.chunks), self.info.get("channel"), self.info.get("recipient"), self.prefilled)
            )
        return Turn("assistant", tuple(parts))
