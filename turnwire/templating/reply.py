"""Writes what a model would have written: a reply tree, walked along the parts of a turn.

The inverse of the parsing machine, from the same tree. A part that has no place raises `NoPlace`; whether
what was written also reads back is for `Format.admits` to say.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from ..errors import as_mapping
from ..turns import Call, Part, Reasoning, Refusal
from ..wire import (
    NOTHING,
    Choice,
    End,
    Frame,
    If,
    Lit,
    Many,
    OfWords,
    Pad,
    Seq,
    Slot,
    Switch,
    Symbols,
    Tok,
    Word,
    flat,
    plain,
    walk,
)
from .script import Recorder, Script, play, shape
from .writer import Writer

Indexed = Sequence[tuple["int | None", Part]]


PLACES = "parts in an order that the format has"


class NoPlace(Exception):
    """A part that the tree has no place for."""

    def __init__(self, part: Part, problem: str):
        super().__init__(problem)
        self.part = part

    def refusal(self, path: str) -> Refusal:
        """The same as a value."""
        return Refusal(path, str(self))


def frame_kind(reply: Word) -> Callable[[Part], str]:
    """What a format calls a part: its kind, or what the header of its `Switch` calls it."""
    head = next((w.head for w in walk(reply) if isinstance(w, Switch)), None)
    named: Any = getattr(head, "kind", None)
    return named or attrgetter("kind")


def write_reply(
    w: Writer,
    plan: Plan,
    parts: Indexed,
    options: Mapping[str, Any],
    *,
    history: bool,
    goes_on: bool = False,
    begun: bool = False,
    scripts: dict[Any, Script] | None = None,
) -> None:
    """Write the parts; `history`: as in a prompt, else as sampled; `goes_on`: see `Placed.open`; `begun`: its
    generation prompt begins the reply. `scripts`: of other turns with the same `options` and `begun`, to which this
    one's is added. Raises `NoPlace`."""
    like = shape(parts) if scripts is not None and plan.shaped else None
    key = goes_on, like
    if scripts is None or like is None or key not in scripts:
        plan.walk(_Walk(w, plan.kind, parts, options, history, goes_on, begun))
        if scripts is not None:
            scripts[key] = []  # recorded when the next one comes
    else:
        if not scripts[key]:
            recorder = Recorder(w)
            told = [*enumerate([part for _, part in parts])]
            plan.walk(_Walk(recorder, plan.kind, told, options, history, goes_on, begun))
            scripts[key] = recorder.script
        play(w, scripts[key], parts)
    w.part = None


class Plan:
    """A reply tree as functions, one a word, so that what is known of the tree is looked at once and not for each turn:
    plain markup is one string of symbols, and each alternative knows the kinds of part that it can begin with."""

    def __init__(self, reply: Word, symbols: Symbols, symbolise: Callable[[str], str] = str):
        self.kind = frame_kind(reply)
        self.markup = functools.lru_cache(maxsize=256)(symbolise)  # the layout's own text, most of which comes again
        self._symbols = symbols
        self._write = self._of(reply)
        asks = (w for w in walk(reply) if isinstance(w, If) or (isinstance(w, Frame) and w.kind == "arg"))
        self.shaped = next(asks, None) is None
        """Whether a turn's `shape` decides what is written, but for slots."""

    def walk(self, s: _Walk) -> None:
        """Write the parts; raises `NoPlace`."""
        self._write(s, None)
        if s.next is not None:
            raise NoPlace(s.next, f"no place for {s.kinds[s.at]!r} behind {s.previous or 'the header'!r}")

    def _of(self, word: Word) -> Write:
        if isinstance(word, (Lit, Tok, Seq)):
            return self._sequence(word)
        if isinstance(word, Pad):
            return self._pad(word)
        if isinstance(word, End):
            return self._end(word)
        if isinstance(word, Slot):
            return self._slot(word)
        if isinstance(word, Frame):
            return self._frame(word)
        if isinstance(word, If):
            return self._of(word.word)
        if isinstance(word, Choice):
            return self._choice(word)
        if isinstance(word, Many):
            return self._many(word)
        if isinstance(word, Switch):
            return self._switch(word)
        return _nothing

    def _sequence(self, word: Word) -> Write:
        """Words in a row, neighbours that are plain markup as one."""
        steps: list[Write] = []
        said = ""
        for inner in (*flat(word), None):
            if isinstance(inner, (Lit, Tok)) or (isinstance(inner, Pad) and inner == Pad(inner.text)):
                said += self._symbols.of_word(inner)
                continue
            if said:
                steps.append(functools.partial(_say, said))
                said = ""
            if inner is not None:
                steps.append(self._of(inner))
        if len(steps) == 1:
            return steps[0]

        def write(s: _Walk, part: Any) -> None:
            for step in steps:
                step(s, part)

        return write if steps else _nothing

    def _slot(self, slot: Slot) -> Write:
        codec = slot.codec

        def value(w: Writer, part: Any) -> None:
            w.value(codec.write(part), "call")

        def attributes(w: Writer, part: Any, nth: int) -> None:
            w.data(codec.write(part, nth), "call")

        def argument(w: Writer, key: str, value: Any, raw: str | None) -> None:
            if slot.kind == "key":
                w.data(key, "call")
            elif slot.kind == "attrs":
                w.data(codec.write(key, value), "call")
            else:
                w.data(raw if raw is not None else codec.write(value), "call")

        def write(s: _Walk, part: Any) -> None:
            if s.argument is not None:
                argument(s.w, *s.argument)
            elif slot.kind == "name":
                s.w.slot(_name, part)
            elif slot.kind == "attrs":
                s.w.slot(functools.partial(attributes, nth=s.calls), part)
            elif isinstance(part, Call):
                s.w.slot(value, part)
            else:
                s.filled = bool(part.text)
                s.w.slot(_text, part)

        return write

    def _end(self, end: End) -> Write:
        @functools.lru_cache(maxsize=16)
        def written(more: bool, history: bool, call: bool, goes_on: bool) -> str:
            return self._symbols.of_word(end.written(more, history, call, goes_on))

        def write(s: _Walk, part: Any) -> None:
            s.w.symbols_of_markup(written(s.at < s.count, s.history, s.previous == "call", s.goes_on))

        return write

    def _pad(self, pad: Pad) -> Write:
        def write(s: _Walk, part: Any) -> None:
            beside = (s.filled or not pad.filled) and not (pad.full and part.prefilled and not part.text.strip(" "))
            if pad.after in ("", s.previous) and beside:
                s.w.symbols_of_markup(pad.text)

        return write

    def _choice(self, choice: Choice) -> Write:
        slotted = any(isinstance(w, Slot) for w in walk(choice))
        whole = bool(_kinds(choice))
        items = [
            (item.test if isinstance(item, If) else None, slotted and item != NOTHING and plain(item), _kinds(item),
             self._of(item))
            for item in choice.items
        ]  # fmt: skip

        def write(s: _Walk, part: Any) -> None:
            for test, markup, kinds, step in items:
                if test is not None and not test(s.options, s.next or s.last):
                    continue
                if markup and part is not None and not _held(part):
                    continue  # it has no place for what the part says
                if kinds and s.kinds[s.at] not in kinds:
                    continue
                if s.begun and whole and not kinds:
                    # behind a prompt that begins the reply, what stands for a part that is not there was not written
                    # by the model
                    sampled, s.w.sampled = s.w.sampled, False
                    step(s, part)
                    s.w.sampled = sampled
                else:
                    step(s, part)
                return

        return write

    def _frame(self, frame: Frame) -> Write:
        body = self._of(frame.body)
        if frame.kind == "arg":
            return body

        def write(s: _Walk, part: Any) -> None:
            if s.kinds[s.at] != frame.kind:
                return
            index, part = s.parts[s.at]
            w = s.w
            w.part = index
            sampled = w.sampled
            if s.history and _held(part):  # the model wrote none of it, and nothing before it
                if not s.at:
                    w.unsample(s.since, w.said(s.since))
                w.sampled = False
            s.at += 1
            s.calls += frame.kind == "call"
            body(s, part)
            s.previous, s.last, w.part, w.sampled = frame.kind, part, None, sampled

        return write

    def _many(self, many: Many) -> Write:
        item, sep, opens, closes = map(self._of, (many.item, many.sep, many.open, many.close))
        if isinstance(many.item, Frame) and many.item.kind == "arg":
            return self._arguments(many.item, item, sep, opens, closes)
        kinds = _kinds(many.item)

        def write(s: _Walk, part: Any) -> None:
            first = True
            while s.kinds[s.at] in kinds:
                (opens if first else sep)(s, part)
                at, first = s.at, False
                item(s, part)
                if s.at == at:
                    break
            if not first:
                closes(s, part)

        return write

    def _arguments(self, word: Word, item: Write, sep: Write, opens: Write, closes: Write) -> Write:
        formed = any(isinstance(w, Slot) and w.kind == "attrs" for w in walk(word))

        def write(s: _Walk, part: Any) -> None:
            raw = as_mapping(part.raw) or {}
            arguments: Mapping[str, Any] = part.arguments or {}
            for i, (key, value) in enumerate(arguments.items()):
                (sep if i else opens)(s, part)
                text = raw.get(key)
                if formed and isinstance(value, str) and text != value:
                    text = None  # a string that was written as JSON: it is announced, and written, as text
                s.argument = (key, value, text)
                item(s, part)
            s.argument = None
            if arguments:
                closes(s, part)

        return write

    def _switch(self, switch: Switch) -> Write:
        close, head = self._of(switch.close), OfWords(self._of).of
        cases = {case.kind: self._of(case) for case in reversed(switch.cases)}

        def write(s: _Walk, part: Any) -> None:
            part = s.next
            if part is None:
                return
            kind = s.kinds[s.at]
            if kind not in cases:
                raise NoPlace(part, f"no header for {kind!r}")
            s.w.part = s.parts[s.at][0]
            head(switch.head.write(part, s.options))(s, part)
            close(s, None)
            cases[kind](s, None)

        return write


class _Walk:
    """How far a turn is written."""

    __slots__ = (
        *("argument", "at", "begun", "calls", "count", "filled", "goes_on", "history", "kinds", "last", "options"),
        *("parts", "previous", "since", "w"),
    )

    def __init__(
        self,
        w: Writer,
        kind: Callable[[Part], str],
        parts: Indexed,
        options: Mapping[str, Any],
        history: bool,
        goes_on: bool,
        begun: bool,
    ):
        self.w, self.parts, self.options, self.history = w, parts, options, history
        self.since = len(w.stretches)  # where the turn begins
        self.goes_on, self.begun = goes_on, begun
        self.kinds = [*[kind(part) for _, part in parts], ""]  # "": the end
        self.count = len(parts)
        self.at = 0
        self.calls = -1  # the open call's place among the calls of the turn
        self.previous = ""
        self.filled = False  # the slot written last was not empty
        self.last: Part | None = None  # the last part written
        self.argument: tuple[str, Any, str | None] | None = None

    @property
    def next(self) -> Part | None:
        return self.parts[self.at][1] if self.at < self.count else None


Write = Callable[[_Walk, Any], None]


def _nothing(s: _Walk, part: Any) -> None:
    pass


def _say(symbols: str, s: _Walk, part: Any) -> None:
    s.w.symbols_of_markup(symbols)


def _text(w: Writer, part: Any) -> None:
    w.data(part.text, "reasoning" if isinstance(part, Reasoning) else "text")


def _name(w: Writer, part: Any) -> None:
    w.data(part.name or "", "call")


def _held(part: Any) -> bool:
    """An empty part that the prompt held, from its beginning to its end."""
    return getattr(part, "prefilled", False) and not getattr(part, "text", "")


def _kinds(word: Word) -> frozenset[str]:
    """The kinds of part that may come first in `word`."""
    found: set[str] = set()
    if isinstance(word, Frame) and word.kind != "arg":
        found = {word.kind}
    elif isinstance(word, Choice):
        for item in word.items:
            found |= _kinds(item)
    elif isinstance(word, If):
        found = set(_kinds(word.word))
    elif isinstance(word, Seq):
        found = set(next((k for k in map(_kinds, word.parts) if k), ()))
    elif isinstance(word, Many):
        found = set(_kinds(word.item))
    elif isinstance(word, Switch):
        found = {case.kind for case in word.cases}
    return frozenset(found)
