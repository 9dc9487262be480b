"""Value notations: how one value is written, and where it ends when a model writes it. Shared, family-free.

A codec is a frozen value. It may have
  toks      control tokens that occur inside its values
  first     characters its value may begin with (for a codec with `reader`)
  write     a call (or one argument's value) -> text
  word      a pattern that its whole value matches (for a codec without `reader`)
  reader    a `Reader`, made for each value

A `Reader` consumes a value piece by piece: `take(s, i, sink)` reads from `s[i:]`, hands every character it
consumes to `sink.piece(kind, raw)`, and returns how far it came with MORE, DONE or BROKEN. It holds back
nothing but what the context's `resync` asks for, and its work is linear in the characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import partial
from json.encoder import encode_basestring
from typing import Any, Protocol

from .schemas import MAX_DIGITS
from .turns import Call
from .wire import is_symbol

MAX_DEPTH = 128  # nesting of a value
MAX_KEY = 1024  # characters of a key or a name that are remembered


class Took(Enum):
    """How a reader stopped: out of text, at the end of its value, or at something no value can hold."""

    MORE = 0
    DONE = 1
    BROKEN = 2


MORE, DONE, BROKEN = Took.MORE, Took.DONE, Took.BROKEN


class Sink(Protocol):
    """Where a reader's pieces go. Kinds: "arguments", "syntax"."""

    def piece(self, kind: str, raw: str) -> None: ...

    def named(self, name: str) -> None: ...

    def fault(self, code: str, message: str, text: str) -> None: ...


class Context(Protocol):
    """What a reader may ask about a control token inside a string."""

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        """Does the value end, broken, at `s[i]`? None: not decided yet, wait."""
        ...


class Reader(Protocol):
    """See the head of this file."""

    def take(self, s: str, i: int, sink: Sink) -> tuple[int, Took]: ...

    def quick(self) -> tuple[str, Callable[[str], Any]] | None:
        """While any text without a match belongs to the piece kind returned: the kind and the search."""
        ...


STRING_STOP = re.compile('["\\\\\x00-\x1f\ud800-\udfff]')
# As STRING_STOP, but a piece whose escapes are whole passes too. Only for vocabulary pieces, which are short.
PIECE_STOP = re.compile('(?:\\A|[^\\\\])(?:\\\\\\\\)*(?:"|\\\\\\Z)|[\x00-\x1f\ud800-\udfff]')
_SCALAR = re.compile(r"[0-9A-Za-z,:.+\-]")
BLANKS = " \t\r\n"


class JsonReader:
    """One JSON value. With `paths` ({key: kind}), the members of the object that have those keys come out as
    pieces of those kinds and everything else as "syntax"; a member of kind "name" is told decoded instead."""

    __slots__ = (
        "captured",
        "context",
        "depth",
        "dirty",
        "escaped",
        "in_string",
        "kind",
        "naming",
        "paths",
        "pending",
        "seen",
    )

    def __init__(self, context: Context, paths: Mapping[str, str] | None = None):
        self.context, self.paths = context, paths
        self.depth = 0
        self.in_string = self.escaped = False
        self.dirty = False  # a raw control character was seen in the open string
        self.kind = "syntax" if paths else "arguments"
        self.pending: str | None = None  # the kind of the value that comes next
        self.captured: list[str] | None = None  # a key, or the name, as far as it was read
        self.naming = False
        self.seen: set[str] = set()

    def quick(self) -> tuple[str, Callable[[str], Any]] | None:
        if self.in_string and not self.escaped and self.captured is None:
            return self.kind, PIECE_STOP.search
        return None

    def take(self, s: str, i: int, sink: Sink) -> tuple[int, Took]:
        n, start = len(s), i

        def cut(to: int, kind: str | None = None) -> None:
            """Hand over what was consumed; what follows is of another kind."""
            nonlocal start
            if to > start:
                if self.captured is not None and len(self.captured) < MAX_KEY:
                    self.captured.append(s[start:to][:MAX_KEY])
                sink.piece(self.kind, s[start:to])
                start = to
            self.kind = kind or self.kind

        while i < n:
            top = self.paths is not None and self.depth == 1
            if self.in_string:
                if self.escaped:
                    self.escaped = False
                    i += 1
                    continue
                m = STRING_STOP.search(s, i)
                if m is None:
                    i = n
                    break
                i, c = m.end(), m.group()
                if c == '"':
                    self.in_string = self.dirty = False
                    if top:
                        cut(i, "syntax")
                        self._name_ended(sink)
                elif c == "\\":
                    self.escaped = True
                elif not is_symbol(c):
                    self.dirty = True
                else:
                    ends = self.context.resync(s, i - 1, self.dirty)
                    if ends is not False:
                        cut(i - 1)
                        return i - 1, MORE if ends is None else BROKEN
                continue
            c = s[i]
            if c in BLANKS:
                if top and self.kind != "syntax":
                    cut(i, "syntax")  # behind a scalar
                i += 1
                continue
            if self.pending is not None:
                self._value_begins(c, partial(cut, i))
            if c == '"' and self.depth:
                if top and self.kind == "syntax" and self.captured is None:
                    cut(i)
                    self.captured = []
                self.in_string = True
            elif c == "{" or (c == "[" and (self.depth or not self.paths)):
                if self.depth == MAX_DEPTH:
                    cut(i)
                    sink.fault("too-deep", f"a value nested deeper than {MAX_DEPTH}", "")
                    return i, BROKEN
                self.depth += 1
            elif c in "}]" and self.depth:
                if top:
                    cut(i, "syntax")
                self.depth -= 1
                if self.depth == 0:
                    cut(i + 1)
                    return i + 1, DONE
                if self.depth == 1 and self.paths:
                    cut(i + 1, "syntax")
            elif top and c == ":":
                cut(i)
                self._key_ended(sink)
            elif top and c == ",":
                cut(i, "syntax")
                self.captured = self.pending = None
            elif not self.depth or not _SCALAR.match(c):
                cut(i)
                return i, BROKEN
            i += 1
        cut(n)
        return n, MORE

    def _key_ended(self, sink: Sink) -> None:
        key = decode_string("".join(self.captured)) if self.captured else None
        self.captured = None
        kind = (self.paths or {}).get(key or "")
        if kind is not None and kind in self.seen:
            sink.fault("duplicate-key", f"a second {key!r} in a call: the first counts", "")
        elif kind is not None:
            self.seen.add(kind)
            self.pending = kind

    def _value_begins(self, c: str, cut: Callable[[str], None]) -> None:
        kind, self.pending = self.pending, None
        if kind == "name":
            cut("syntax")
            self.naming = c == '"'
            self.captured = None
        elif kind is not None:
            cut(kind)

    def _name_ended(self, sink: Sink) -> None:
        if self.naming:
            name = decode_string("".join(self.captured or ()))
            self.captured, self.naming = None, False
            if name is not None:
                sink.named(name)


def decode_string(text: str) -> str | None:
    """A JSON string's value, None if it is not one (or holds a lone surrogate)."""
    try:
        value = json.loads(text)
        if isinstance(value, str):
            value.encode()
            return value
    except ValueError:
        pass
    return None


def dumps(value: Any) -> str:
    """JSON as the official templates print it: `tojson` of transformers, which is `ensure_ascii=False`."""
    return json.dumps(value, ensure_ascii=False)


def dumps_encodable(value: Any) -> str:
    """As `dumps`, but all ASCII where a lone surrogate, which a model can escape, would not survive UTF-8."""
    text = dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def escaped(text: str) -> str:
    """`text` as it stands inside a JSON string."""
    return encode_basestring(text)[1:-1]


def loads(text: str) -> Any:
    """Strict JSON, bounded: ValueError for NaN, numbers out of range, over-long integers, too deep nesting."""
    return loads_counting(text)[0]


def loads_counting(text: str) -> tuple[Any, list[str]]:
    """As `loads`; of a key that comes twice in an object the first value counts, and the key is reported."""
    duplicates: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) != len(pairs):
            out = {}
            for key, value in pairs:
                if key in out:
                    duplicates.append(key)
                else:
                    out[key] = value
        return out

    try:
        value = json.loads(
            text, parse_constant=_no_constant, parse_float=_finite, parse_int=_bounded, object_pairs_hook=members
        )
    except RecursionError:
        raise ValueError("nested too deep") from None
    return value, duplicates


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _bounded(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return value


@dataclass(frozen=True, slots=True)
class Json:
    """The arguments as one JSON object."""

    first = "{["

    def reader(self, context: Context) -> Reader:
        return JsonReader(context)

    def write(self, call: Call) -> str:
        """The model's own text where the call has it, else canonical JSON."""
        return call.raw if isinstance(call.raw, str) else dumps(dict(call.arguments or {}))


@dataclass(frozen=True, slots=True)
class Envelope:
    """A call as one JSON object, read by key path: spacing, key order and further keys do not matter."""

    name: str = "name"
    arguments: tuple[str, ...] = ("arguments", "parameters")

    first = "{"

    def reader(self, context: Context) -> Reader:
        return JsonReader(context, {self.name: "name", **dict.fromkeys(self.arguments, "arguments")})

    def write(self, call: Call) -> str:
        return f"{{{dumps(self.name)}: {dumps(call.name)}, {dumps(self.arguments[0])}: {Json().write(call)}}}"


@dataclass(frozen=True, slots=True)
class Name:
    """A name or a key: one line without angle brackets, of at most `limit` characters. What cannot be one is
    no reason to believe the marker before it."""

    limit: int = 128

    @property
    def word(self) -> re.Pattern[str]:
        """Matches as much of a name as there is."""
        return re.compile(rf"[^\r\n<>\ud800-\udfff]{{1,{self.limit}}}")


@dataclass(frozen=True, slots=True)
class Value:
    """One argument's value in a key-value syntax: strings as they are, containers as JSON, other scalars as
    JSON or, `python=True`, as Jinja's `string` filter prints them (True, None)."""

    python: bool = False

    def write(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return str(value) if self.python and not isinstance(value, (dict, list)) else dumps(value)
