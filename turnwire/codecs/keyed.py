"""A call as a JSON object with one member: the function's name is the key, its arguments the value (`{"f": {...}}`)."""

from __future__ import annotations

from dataclasses import dataclass

from ..turns import Call
from ..wire import is_symbol
from .json_object import STRING_STOP, Json, JsonReader, decode_string
from .reading import BLANKS, BROKEN, DONE, MAX_KEY, MORE, Context, Inside, Reader, Sink, Took
from .text import dumps

OPENING, KEY, NAME, COLON, VALUE, CLOSING = range(6)


class KeyedReader:
    """Reads `{"f": VALUE}`: the key is told as the name, the value comes out as arguments, the rest as syntax."""

    __slots__ = ("captured", "context", "escaped", "state", "value")

    def __init__(self, context: Context):
        self.context = context
        self.value = JsonReader(context)
        self.state = OPENING
        self.escaped = False
        self.captured: list[str] = []

    def inside(self) -> Inside | None:
        return self.value.inside() if self.state == VALUE else None

    def resume(self, inside: Inside) -> None:
        self.state = VALUE
        self.value.resume(inside)

    def take(self, s: str, i: int, sink: Sink) -> tuple[int, Took]:
        start = i
        while i < len(s):
            if self.state == NAME:
                i, took = self._name(s, i, sink, start)
                start = i
                if took is not None:
                    return i, took
                continue
            c = s[i]
            if self.state == VALUE and (self.value.depth or c not in BLANKS):
                if i > start:
                    sink.piece("syntax", s[start:i])
                i, took = self.value.take(s, i, sink)
                if took is not DONE:
                    return i, took
                start, self.state = i, CLOSING
            elif c in BLANKS:
                i += 1
            elif c == '"' and self.state == KEY:
                if i > start:
                    sink.piece("syntax", s[start:i])
                start, self.state = i, NAME
                i += 1
            elif c == {OPENING: "{", KEY: "", COLON: ":", CLOSING: "}"}[self.state]:
                i += 1
                if self.state == CLOSING:
                    sink.piece("syntax", s[start:i])
                    return i, DONE
                self.state += 1
            else:
                if i > start:
                    sink.piece("syntax", s[start:i])
                return i, BROKEN
        if i > start:
            sink.piece("named" if self.state == NAME else "syntax", s[start:i])
        return i, MORE

    def _name(self, s: str, i: int, sink: Sink, start: int) -> tuple[int, Took | None]:
        """The key from `i` on, to its quote."""
        first = i
        took: Took | None = None
        while i < len(s):
            if self.escaped:
                self.escaped = False
                i += 1
                continue
            m = STRING_STOP.search(s, i)
            if m is None:
                i = len(s)
                break
            i, c = m.end(), m.group()
            if c == "\\":
                self.escaped = True
            elif c == '"':
                self.state = COLON
                break
            elif is_symbol(c):
                ends = self.context.resync(s, i - 1, False)
                if ends is not False:
                    i -= 1
                    took = MORE if ends is None else BROKEN
                    break
        if sum(map(len, self.captured)) < MAX_KEY:
            self.captured.append(s[first:i][:MAX_KEY])
        if i > start:
            sink.piece("named", s[start:i])
        if self.state == COLON:
            sink.named(decode_string('"' + "".join(self.captured)) or "")
        return i, took if took is not None or self.state == COLON else MORE


@dataclass(frozen=True, slots=True)
class Keyed:
    """See the head of this file. `json` writes the arguments."""

    json: Json = Json()  # noqa: RUF009

    first = "{"
    notation = "json"

    def reader(self, context: Context) -> Reader:
        return KeyedReader(context)

    def write(self, call: Call) -> str:
        return f"{{{dumps(call.name)}{self.json.separators[1]}{self.json.write(call)}}}"
