"""What the machine does with a short piece of text at a place, remembered.

Most tokens of a reply are text in the middle of a value. What the machine does with such a token depends on nothing
but its `Place`: it hands text to the open part, holds back some characters or none, and is at a place of the same value
again. So the first time a piece is met at a place, a machine of its own is put there, fed, and watched; if it did
nothing but that, its `Step` is kept, and a parser takes it from then on with one look into a table. Whatever else
happens (a marker, a fault, the end of a string) is left to the parser's own machine. A character that goes by and
leaves the machine where it was does so in any company, for the machine does the same however its text is cut (law L2):
a piece of such characters need not be tried.

A memo belongs to a format's program and a tokenizer, neither of which ever changes, so that it cannot be out of date.
It is shared by all parsers and threads: two that learn at once write the same. It holds at most `MOST` steps, and then
starts afresh.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast
from weakref import WeakKeyDictionary

from ..codecs import escaped
from .compile import Program
from .machine import Machine
from .place import Place, place, put

MOST = 1 << 16  # steps of a memo: under 26 MB
LONG = 32  # characters of a text that is worth remembering, fed or held

Step: TypeAlias = "tuple[str, str, Known, bool]"
"""The text handed on, the JSON text that it stands for in arguments, where that leads, and whether it is calm: between
two places where nothing is held."""


class Known:
    """A place, the steps from it by the pieces that they take (ids, or texts), and the pieces that the machine must
    see. `plain`, `odd`: the ASCII characters that go by and leave the machine here, and those that do not, as far as
    they were tried."""

    __slots__ = ("held", "machine", "odd", "place", "plain", "steps")

    def __init__(self, place: Place):
        self.place, self.held = place, len(place.held)
        self.steps: dict[Any, Step] = {}
        self.machine: set[Any] = set()
        self.plain: set[str] = set()
        self.odd: set[str] = set()

    def passes(self, program: Program, text: str) -> bool:
        """Whether an ASCII text goes by, character by character."""
        if self.plain.issuperset(text):
            return True
        if self.held or not text.isascii():
            return False
        for c in set(text).difference(self.plain, self.odd):
            by = try_out(program, self.place, c) == (c, json_of(self.place.kind, c), self.place)
            (self.plain if by else self.odd).add(c)
        return self.plain.issuperset(text)


class Memo:
    """The places that parsers of one program, fed by one tokenizer (or with text), have been at."""

    __slots__ = ("places", "size")

    def __init__(self) -> None:
        self.places: dict[Place, Known] = {}
        self.size = 0

    def at(self, place: Place) -> Known:
        """What is known of a place."""
        known = self.places.get(place)
        if known is None:
            self._grow()
            known = self.places.setdefault(place, Known(place))
        return known

    def learn(self, program: Program, known: Known, piece: int | str, text: str) -> Step | None:
        """Find out what the machine does with the text of a piece."""
        self._grow()
        if self.places.get(known.place) is not known:  # one of old learns nothing more
            known = self.at(known.place)
        if text and known.passes(program, text):
            step = text, json_of(known.place.kind, text), known, True
        else:
            tried = try_out(program, known.place, text)
            if tried is None:
                known.machine.add(piece)
                return None
            after = self.at(tried[2])
            step = tried[0], tried[1], after, not known.held and not after.held
        known.steps[piece] = step
        return step

    def _grow(self) -> None:
        self.size += 1
        if self.size > MOST:  # a parser goes on with the place of old that it is at, until a step leads out of it
            self.places, self.size = {}, 0


_MEMOS: WeakKeyDictionary[Any, WeakKeyDictionary[Program, Memo]] = WeakKeyDictionary()


def memo_of(program: Program, owner: object) -> Memo:
    """The memo of a program and of who its pieces belong to: a `Bound`, or (text) the program itself."""
    memos = _MEMOS.get(owner)
    if memos is None:
        memos = _MEMOS.setdefault(owner, WeakKeyDictionary())
    memo = memos.get(program)
    return memo if memo is not None else memos.setdefault(program, Memo())


class _Watcher:
    """A machine's sink that keeps the pieces, and whether there was anything else."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, str, str | None]] = []
        self.only = True

    def piece(self, kind: str, raw: str, json: str | None = None) -> None:
        self.pieces.append((kind, raw, json))

    def types(self) -> Any:
        """Nobody asks for the type of an argument whose value has begun."""

    def header(self, head: Any) -> str:
        self.only = False
        return "other"

    def _other(self, *said: Any) -> None:
        self.only = False

    begin = end = cut = break_off = named = identified = slot_end = mark = fault = calls_in_reasoning = _other


def try_out(program: Program, at: Place, text: str) -> tuple[str, str, Place] | None:
    """What the machine does with a text at a place: what it hands on, that as JSON text, and where it is then. None if
    it does anything else."""
    sink = _Watcher()
    machine = Machine(program, cast("Any", sink), at.wary, at.policy, at.calls)
    put(machine, at)
    sink.pieces, sink.only = [], True
    machine.feed(text)
    after = place(machine)
    if not text or not sink.only or len(sink.pieces) > 1 or after is None or len(after.held) > LONG:
        return None
    if (after.state, after.kind) != (at.state, at.kind):
        return None
    if not sink.pieces:
        return "", "", after
    _, raw, json = sink.pieces[0]
    return raw, json if json is not None else json_of(at.kind, raw), after


def json_of(kind: str, text: str) -> str:
    """The JSON text that a text of arguments stands for, where its notation does not say."""
    return escaped(text) if kind == "value" else text
