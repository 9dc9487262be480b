"""Writes what a model would have written: walks a reply tree along the parts of a turn.

The inverse of the parsing machine, from the same tree. A part that has no place raises `NoPlace`; whether
what was written also reads back is for `Format.admits` to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import as_mapping
from ..turns import Call, Part, Reasoning, Refusal
from ..wire import NOTHING, Choice, End, Frame, If, Lit, Many, Pad, Seq, Slot, Switch, Tok, Word, plain, walk
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
    return named or _kind


def _kind(part: Part) -> str:
    return part.kind


def write_reply(
    w: Writer,
    reply: Word,
    parts: Indexed,
    options: Mapping[str, Any],
    *,
    history: bool,
    goes_on: bool = False,
    begun: bool = False,
) -> None:
    """Write the parts; `history`: as in a prompt, else as sampled; `goes_on`: see `Placed.open`; `begun`: its
    generation prompt begins the reply. Raises `NoPlace`."""
    walk_ = _Walk(w, reply, parts, options, history)
    walk_.goes_on, walk_.begun = goes_on, begun
    walk_.write(reply)
    if walk_.next is not None:
        raise NoPlace(walk_.next, f"no place for {walk_.kind(walk_.next)!r} behind {walk_.previous or 'the header'!r}")
    w.part = None


class _Walk:
    def __init__(self, w: Writer, reply: Word, parts: Indexed, options: Mapping[str, Any], history: bool):
        self.w, self.parts, self.options, self.history = w, parts, dict(options), history
        self.kind = frame_kind(reply)
        self.at = 0
        self.calls = -1  # the open call's place among the calls of the turn
        self.previous = ""
        self.goes_on = self.begun = False
        self.filled = False  # the slot written last was not empty
        self.last: Part | None = None  # the last part written
        self.argument: tuple[str, Any, str | None] | None = None
        self._kinds: dict[int, frozenset[str]] = {}

    @property
    def next(self) -> Part | None:
        return self.parts[self.at][1] if self.at < len(self.parts) else None

    def takes(self, word: Word) -> bool:
        """Whether the next part could begin in `word`."""
        part = self.next
        return part is not None and self.kind(part) in self.kinds(word)

    def kinds(self, word: Word) -> frozenset[str]:
        known = self._kinds.get(id(word))
        if known is None:
            known = self._kinds[id(word)] = _kinds(word)
        return known

    def write(self, word: Word, part: Any = None) -> None:
        w = self.w
        if isinstance(word, (Lit, Tok)):
            w.word(word)
        elif isinstance(word, Pad):
            beside = (self.filled or not word.filled) and not (
                word.full and part.prefilled and not part.text.strip(" ")
            )
            if word.after in ("", self.previous) and beside:
                w.word(word)
        elif isinstance(word, End):
            w.word(word.written(self.next is not None, self.history, self.previous == "call", self.goes_on))
        elif isinstance(word, Seq):
            for inner in word.parts:
                self.write(inner, part)
        elif isinstance(word, Slot):
            self._slot(word, part)
        elif isinstance(word, Frame):
            self._frame(word, part)
        elif isinstance(word, If):
            self.write(word.word, part)
        elif isinstance(word, Choice):
            slotted = part is not None and any(isinstance(w, Slot) for w in walk(word))
            for item in word.items:
                if isinstance(item, If) and not item.test(self.options, self.next or self.last):
                    continue
                if slotted and not _held(part) and item != NOTHING and plain(item):
                    continue  # it has no place for what the part says
                if item == NOTHING or not self.kinds(item) or self.takes(item):
                    self._chosen(word, item, part)
                    break
        elif isinstance(word, Many):
            self._many(word, part)
        elif isinstance(word, Switch):
            self._switch(word)

    def _chosen(self, choice: Choice, item: Word, part: Any) -> None:
        """Behind a prompt that begins the reply, what stands for a part that is not there was not written by the
        model."""
        sampled = self.w.sampled
        if self.begun and self.kinds(choice) and not self.kinds(item):
            self.w.sampled = False
        self.write(item, part)
        self.w.sampled = sampled

    def _frame(self, frame: Frame, part: Any) -> None:
        if frame.kind == "arg":
            self.write(frame.body, part)
            return
        part = self.next
        if part is None or self.kind(part) != frame.kind:
            return
        self.w.part = self.parts[self.at][0]
        sampled = self.w.sampled
        if self.history and _held(part):
            self.w.sampled = False  # nothing was written behind what the prompt held
        self.at += 1
        self.calls += frame.kind == "call"
        self.write(frame.body, part)
        self.previous, self.last, self.w.part, self.w.sampled = frame.kind, part, None, sampled

    def _many(self, many: Many, part: Any) -> None:
        if isinstance(many.item, Frame) and many.item.kind == "arg":
            raw = as_mapping(part.raw) or {}
            formed = any(isinstance(w, Slot) and w.kind == "attrs" for w in walk(many.item))
            arguments: Mapping[str, Any] = part.arguments or {}
            for i, (key, value) in enumerate(arguments.items()):
                self.write(many.sep if i else many.open, part)
                text = raw.get(key)
                if formed and isinstance(value, str) and text != value:
                    text = None  # a string that was written as JSON: it is announced, and written, as text
                self.argument = (key, value, text)
                self.write(many.item, part)
            self.argument = None
            if arguments:
                self.write(many.close, part)
            return
        first = True
        while self.takes(many.item):
            self.write(many.open if first else many.sep, part)
            at, first = self.at, False
            self.write(many.item, part)
            if self.at == at:
                break
        if not first:
            self.write(many.close, part)

    def _switch(self, switch: Switch) -> None:
        part = self.next
        if part is None:
            return
        kind = self.kind(part)
        case = next((c for c in switch.cases if c.kind == kind), None)
        if case is None:
            raise NoPlace(part, f"no header for {kind!r}")
        self.w.part = self.parts[self.at][0]
        self.write(switch.head.write(part, self.options), part)
        self.write(switch.close)
        self.write(case)

    def _slot(self, slot: Slot, part: Any) -> None:
        if self.argument is not None:
            key, value, raw = self.argument
            if slot.kind == "key":
                self.w.data(key, "call")
            elif slot.kind == "attrs":
                self.w.data(slot.codec.write(key, value), "call")
            else:
                self.w.data(raw if raw is not None else slot.codec.write(value), "call")
        elif slot.kind == "name":
            self.w.data(part.name or "", "call")
        elif slot.kind == "attrs":
            self.w.data(slot.codec.write(part, self.calls), "call")
        elif isinstance(part, Call):
            self.w.value(slot.codec.write(part), "call")
        else:
            self.filled = bool(part.text)
            self.w.data(part.text, "reasoning" if isinstance(part, Reasoning) else "text")


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
