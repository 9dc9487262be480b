"""Keyword arguments of a Python call, `a=1, b="x"`, up to the parenthesis that closes it (which is left).

Values are Python literals, or JSON, which many models mix in. They are translated to one JSON object as they come;
keys are anything up to a `=`, so that a tool whose arguments are no identifiers can be called. An argument without
a key is a fault, and the call is unreadable: which parameter it means is not the model's to leave open.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..turns import Call
from ..wire import Symbols, is_symbol
from .literal import LiteralStream, RawStream
from .reading import BLANKS, BROKEN, DONE, MAX_DEPTH, MAX_KEY, MORE, Context, Inside, Reader, Sink, Took
from .text import dumps, loads

NO_KEY = ",()[]{}\"'"  # what comes before a `=` in no keyword argument
BEHIND = ",;]}<"  # what may stand behind a call, if not a control token
AHEAD = 64  # characters of a key, and of blanks, that are looked at behind a quote


class Anything:
    """Holds every character: a value may begin with any."""

    def __contains__(self, c: object) -> bool:
        return True


class PythonReader:
    """See the head of this file."""

    __slots__ = ("context", "dirty", "gap", "key", "keys", "positional", "stream", "value")

    def __init__(self, context: Context, raw: bool = False):
        self.context = context
        self.stream = RawStream if raw else LiteralStream
        self.key: list[str] = []
        self.keys = 0  # how many have been read
        self.value: LiteralStream | None = None  # of the open argument, once its key is known
        self.gap = False  # blanks behind (the beginning of) a value that may be whole
        self.positional = False  # an argument without a key was seen
        self.dirty = False  # a raw line end was seen in the open string

    def inside(self) -> Inside | None:
        where = self.value.where() if self.value is not None and not self.positional else None
        return None if where is None else ("arguments", (self.dirty, where))

    def resume(self, inside: Inside) -> None:
        self.dirty, where = inside[1]
        self.keys = self.keys or 1
        self.value = self.value or self.stream(lenient=True)
        self.value.resume(where)

    def take(self, s: str, i: int, sink: Sink) -> tuple[int, Took]:
        n, start, took = len(s), i, MORE
        out: list[str] = []

        def cut() -> None:
            """Hand over what was consumed."""
            nonlocal start
            if i > start or out:
                sink.piece("arguments", s[start:i], "".join(out))
                out.clear()
                start = i

        while i < n:
            c, value = s[i], self.value
            if value is not None and len(value.opening) == 2 and c != value.opening[0]:
                out.append(value.close())  # an empty string
            if value is not None and value.inside:
                if is_symbol(c) and value.escape is None:
                    ends = self.context.resync(s, i, self.dirty)
                    if ends is not False:
                        took = BROKEN if ends else MORE
                        break
                if isinstance(value, RawStream) and value.raw and c == value.delimiter:
                    last = self._ends(s, i + 1)
                    if last is None:
                        break
                    self._say(out, value.end() if last else value.feed(c))
                    i += 1
                    continue
                end = max(value.run(s, i), i + 1)
                self.dirty = (self.dirty or c == "\n") and len(value.delimiter) < 3 and self.stream is LiteralStream
                self._say(out, value.feed(s[i:end]))
                i = end
                continue
            top = value is None or value.depth == 0
            if is_symbol(c) or (value is not None and top and c in "]}"):
                took = BROKEN
                break
            if c == ")" and top:
                took = self._end(out)
                break
            if value is None and self._is_key(c):
                self._in_key(c, out)
                if self.value is not None:
                    i += 1
                    cut()  # so that no piece has more in it than a value
                    continue
            elif value is None:
                if not self.positional:
                    cut()
                    sink.fault("no-key", "an argument without a key", "".join(self.key)[:200])
                self.positional, self.key, self.value = True, [], LiteralStream(lenient=True)
                continue
            elif c == "," and top:
                self._say(out, value.close())
                cut()
                self.value = None
            elif value.depth == MAX_DEPTH and c in "[{(":
                cut()
                sink.fault("too-deep", f"a value nested deeper than {MAX_DEPTH}", "")
                took = BROKEN
                break
            else:
                self._in_value(value, c, out)
            i += 1
        cut()
        return i, took

    def _ends(self, s: str, i: int) -> bool | None:
        """Whether the quote before `s[i]` ends a string without escapes: behind it stands a key or the end of the call.
        None: not decided yet."""
        i = _blanks(s, i)
        if s[i : i + 1] == ",":
            i = start = _blanks(s, i + 1)
            while i < len(s) and s[i] not in NO_KEY and s[i] not in BLANKS and s[i] != "=" and i - start < AHEAD:
                i += 1
            named, i = i > start, _blanks(s, i)
            if i < len(s):
                return named and s[i] == "="
        elif s[i : i + 1] == ")":
            i = _blanks(s, i + 1)
            if i < len(s):
                return s[i] in BEHIND or is_symbol(s[i])
        elif i < len(s):
            return False
        return True if self.context.eof else None

    def _say(self, out: list[str], json: str) -> None:
        if not self.positional:  # behind an argument without a key nothing is worth telling
            out.append(json)

    def _is_key(self, c: str) -> bool:
        """Whether a key goes on, or ends, with `c`. Once one was missing, all is skipped as values are."""
        if self.positional:
            return False
        return c not in NO_KEY and len(self.key) < MAX_KEY and (c != "=" or bool(self.key))

    def _in_key(self, c: str, out: list[str]) -> None:
        if c == "=":
            self._say(out, ("{" if not self.keys else ", ") + dumps("".join(self.key).rstrip(BLANKS)) + ": ")
            self.keys += 1
            self.key, self.gap, self.dirty = [], False, False
            self.value = self.stream(lenient=True)
        elif self.key or c not in BLANKS:
            self.key.append(c)

    def _in_value(self, value: LiteralStream, c: str, out: list[str]) -> None:
        if value.depth == 0 and c in BLANKS:
            self._say(out, value.close())
            self.gap = True
            return
        if self.gap:
            self._say(out, " ")  # two values in one place are no JSON
            self.gap = False
        self.dirty = False
        self._say(out, value.feed(c))

    def _end(self, out: list[str]) -> Took:
        if self.value is not None:
            self._say(out, self.value.close())
        self.positional = self.positional or bool(self.key)
        self._say(out, "}" if self.keys else "{}")
        return BROKEN if self.positional else DONE


def _blanks(s: str, i: int) -> int:
    """Where the blanks from `s[i]` on end, of so many as are looked at."""
    end = min(len(s), i + AHEAD)
    while i < end and s[i] in BLANKS:
        i += 1
    return i


def python_value(value: Any) -> str:
    """A JSON value as a Python literal, strings in double quotes (with JSON's escapes, which Python has too)."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{dumps(k)}: {python_value(v)}" for k, v in value.items()) + "}"  # pyright: ignore
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(python_value, value)) + "]"  # pyright: ignore
    return dumps(value)


@dataclass(frozen=True, slots=True)
class Quoted:
    """Writes a value as templates do that put quotes around a string by hand: objects as JSON, all else as Python
    prints it. Quotes and backslashes, which those leave as they are, are escaped: they would not read back. `raw`:
    they are left, for arguments that are `raw` too."""

    quote: str = "'"
    raw: bool = False

    def __call__(self, value: Any) -> str:
        if isinstance(value, str) and self.raw:
            return self.quote + value + self.quote
        if isinstance(value, str):
            return self.quote + value.replace("\\", "\\\\").replace(self.quote, "\\" + self.quote) + self.quote
        return dumps(value) if isinstance(value, dict) else str(value)


@dataclass(frozen=True, slots=True)
class PythonArguments:
    """The arguments of a call as Python keyword arguments; `value` writes one, `sep` stands between them. `raw`:
    strings have no escapes; one ends at a quote behind which the call goes on, or ends."""

    value: Callable[[Any], str] = python_value
    sep: str = ", "
    raw: bool = False

    first = Anything()
    notation = "python"

    def reader(self, context: Context) -> Reader:
        return PythonReader(context, self.raw)

    def write(self, call: Call) -> str:
        """The model's own text where the call has it, and it is of this notation."""
        arguments = call.arguments or {}
        if isinstance(call.raw, str) and read_python(call.raw, self.raw) == arguments:
            return call.raw
        return self.sep.join(f"{key}={self.value(value)}" for key, value in arguments.items())


class _Whole:
    """A sink and a context for text that is at hand: what it gives as JSON."""

    eof = True

    def __init__(self) -> None:
        self.json: list[str] = []
        self.symbols = Symbols(())

    def piece(self, kind: str, raw: str, json: str | None = None) -> None:
        self.json.append(json or "")

    def named(self, name: str) -> None: ...

    def identified(self, id: str) -> None: ...

    def types(self) -> Any: ...

    def fault(self, code: str, message: str, text: str) -> None: ...

    def resync(self, s: str, i: int, damaged: bool) -> bool:
        return False


def read_python(text: str, raw: bool = False) -> Any:
    """The arguments that a text holds, None if it is not of this notation."""
    whole = _Whole()
    at, took = PythonReader(whole, raw).take(text + ")", 0, whole)
    if took is not DONE or at != len(text):
        return None
    try:
        return loads("".join(whole.json))
    except (ValueError, json.JSONDecodeError):
        return None
