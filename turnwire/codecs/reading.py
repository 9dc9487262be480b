"""How a value is read piece by piece: the protocol between a codec's reader, the machine and the sink.

A `Reader` consumes a value piece by piece: `take(s, i, sink)` reads from `s[i:]`, hands every character it
consumes to `sink.piece(kind, raw)`, and returns how far it came with MORE, DONE or BROKEN. It holds back
nothing but what the context's `resync` asks for, and its work is linear in the characters.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Protocol, TypeAlias

from ..wire import Symbols

BLANKS = " \t\r\n"
MAX_DEPTH = 128  # nesting of a value
MAX_KEY = 1024  # characters of a key or a name that are remembered


Inside: TypeAlias = "tuple[str, Any]"  # hashable


class Took(Enum):
    """How a reader stopped: out of text, at the end of its value, or at something no value can hold."""

    MORE = 0
    DONE = 1
    BROKEN = 2


MORE, DONE, BROKEN = Took.MORE, Took.DONE, Took.BROKEN


class Types(Protocol):
    """What is known of the types of the arguments that are being read, for a notation that has none of its own."""

    def schema(self, key: str) -> Any:
        """The schema of one argument; None if none is declared."""
        ...

    def inner(self, schema: Any, step: str | None) -> Any:
        """The schema of a member, or (None) of an item, of a value that has `schema`."""
        ...

    def kinds(self, schema: Any) -> frozenset[str]:
        """The JSON types that a schema declares; empty where it declares none."""
        ...

    def json(self, text: str, schema: Any) -> str:
        """The JSON text that a text stands for."""
        ...


class Sink(Protocol):
    """Where a reader's pieces go. Kinds: "arguments", "syntax", "named" (a name, with quotes, told before `named`).
    `json`: the JSON text that a piece of arguments stands for, where the notation is not JSON; the pieces of a value
    together must be one JSON object, and none has text of a member's value and other text."""

    def piece(self, kind: str, raw: str, json: str | None = None) -> None: ...

    def named(self, name: str) -> None: ...

    def identified(self, id: str) -> None: ...

    def fault(self, code: str, message: str, text: str) -> None: ...

    def types(self) -> Types: ...


class Context(Protocol):
    """What a reader may ask about control tokens."""

    @property
    def symbols(self) -> Symbols:
        """Their symbols."""
        ...

    @property
    def eof(self) -> bool:
        """Whether nothing comes behind what there is."""
        ...

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        """Does the value end, broken, at the control token `s[i]` inside a string? None: not decided yet, wait."""
        ...


class Reader(Protocol):
    """See the head of this file."""

    def take(self, s: str, i: int, sink: Sink) -> tuple[int, Took]: ...

    def inside(self) -> Inside | None:
        """Inside a value: the kind of piece that text is there, and all else that matters for how text goes on (text
        alone, no control tokens). None where that is much or changes with each piece."""
        ...

    def resume(self, inside: Inside) -> None:
        """Be there: what `inside` gave, here or in another reader of the same codec."""
        ...


class MembersReader:
    """Base of readers whose notation has no braces around the members of the arguments: they are told as a JSON
    object, whose own brace opens with the first piece. `_take` reads as `take`, and says in `out` what JSON text
    that stands for; `_cut` where a member's value begins and ends, so that no piece has more in it than a value."""

    __slots__ = ("begun", "told")

    def __init__(self) -> None:
        self.begun = False  # the object's brace was told
        self.told = 0  # how far `take` was told

    def take(self, s: str, i: int, sink: Sink) -> tuple[int, Took]:
        out: list[str] = []
        self.told = i
        at, took = self._take(s, i, out, sink)
        self._cut(s, at, out, sink, took is DONE)
        if took is DONE:
            sink.piece("arguments", "", "}")
        return at, took

    def _cut(self, s: str, to: int, out: list[str], sink: Sink, done: bool = False) -> None:
        """Tell what was read so far."""
        json, start = "".join(out), self.told
        if (to > start or done) and not self.begun:
            self.begun, json = True, "{" + json
        if to > start or json:
            sink.piece("arguments", s[start:to], json)
        self.told = to
        out.clear()

    def _take(self, s: str, i: int, out: list[str], sink: Sink) -> tuple[int, Took]:
        raise NotImplementedError
