"""A call's arguments as JSON: the object alone (`Json`), or a whole call in one object (`Envelope`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..turns import Call
from ..wire import is_symbol
from .reading import BLANKS, BROKEN, DONE, MAX_DEPTH, MAX_KEY, MORE, Context, Inside, Reader, Sink, Took
from .text import dumps, encoder, escaped

STRING_STOP = re.compile('["\\\\\x00-\x1f\ud800-\udfff]')
_PLAIN = '[^"\\\\\x00-\x1f\ud800-\udfff]*'
IN_STRING = re.compile(rf"{_PLAIN}(?:\\[\s\S]{_PLAIN}){{0,1000}}").match  # escapes too, bounded: each takes memory
_SCALAR = re.compile(r"[0-9A-Za-z,:.+\-]")
PLACES = re.compile(r"(\$(?:name|arguments|id)\b)")


class JsonReader:
    """One JSON value. With `paths` ({key: kind}), the members of the object that have those keys come out as
    pieces of those kinds and everything else as "syntax"; a member of kind "name" or "id" is told decoded instead."""

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
        self.naming = ""  # the kind of the string that is being captured, if it is told
        self.seen: set[str] = set()

    def inside(self) -> Inside | None:
        if self.captured is not None or self.pending is not None or self.depth < (2 if self.paths else 1):
            return None  # deeper in, a path does not matter
        return self.kind, (self.depth, self.in_string, self.escaped, self.dirty)

    def resume(self, inside: Inside) -> None:
        self.kind, (self.depth, self.in_string, self.escaped, self.dirty) = inside

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
                i = IN_STRING(s, i).end()  # type: ignore[union-attr]
                if i == n:
                    break
                c = s[i]
                i += 1
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
                if top and self.kind in ("syntax", "named") and self.captured is None:
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
        if kind in ("name", "id"):
            cut("named" if kind == "name" and c == '"' else "syntax")
            self.naming = kind if c == '"' else ""
            self.captured = None
        elif kind is not None:
            cut(kind)

    def _name_ended(self, sink: Sink) -> None:
        if self.naming:
            said, kind = decode_string("".join(self.captured or ())), self.naming
            self.captured, self.naming = None, ""
            if said is not None:
                (sink.named if kind == "name" else sink.identified)(said)


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


@dataclass(frozen=True, slots=True)
class Json:
    """The arguments as one JSON object. How it is written, reading it any: what stands between members and behind
    keys, `indent` for a member on each line (behind `margin` blanks, all but the first), `ascii` escapes for other
    characters, keys in order with `sort`."""

    separators: tuple[str, str] = (", ", ": ")
    indent: int | None = None
    margin: int = 0
    ascii: bool = False
    sort: bool = False

    first = "{["
    notation = "json"

    def reader(self, context: Context) -> Reader:
        return JsonReader(context)

    def write(self, call: Call) -> str:
        """The model's own text where the call has it and it is JSON (`json` is then the same text), else canonical
        JSON."""
        own = isinstance(call.raw, str) and call.json in (None, call.raw)
        if own:
            return str(call.raw)
        arguments = call.arguments or {}
        return self.text(arguments if type(arguments) is dict else dict(arguments))  # json takes no other mapping

    def text(self, value: Any) -> str:
        """A value as text."""
        text = encoder(self.separators, self.indent, self.ascii, self.sort)(value)
        return text.replace("\n", "\n" + " " * self.margin) if self.margin else text


@dataclass(frozen=True, slots=True)
class Envelope:
    """A call as one JSON object, read by key path: spacing, key order and further keys do not matter. `id`: the key
    that a call's id is written under, first with `id_first`, else last; read, it is the call's only if it comes before
    the name, with which the call is told. `json` writes the arguments; `written` is the object where it is not written
    so, with $name and $id in their strings and $arguments: other blanks, other members."""

    name: str = "name"
    arguments: tuple[str, ...] = ("arguments", "parameters")
    id: str = ""
    id_first: bool = False
    json: Json = Json()
    written: str = ""

    first = "{"
    notation = "json"

    def reader(self, context: Context) -> Reader:
        id = {self.id: "id"} if self.id else {}
        return JsonReader(context, {self.name: "name", **dict.fromkeys(self.arguments, "arguments"), **id})

    def write(self, call: Call) -> str:
        if self.written:
            says = {
                "$name": escaped(call.name or ""),
                "$id": escaped(call.id or ""),
                "$arguments": self.json.write(call),
            }
            return "".join(says.get(piece, piece) for piece in PLACES.split(self.written))
        members = [f"{dumps(self.name)}: {dumps(call.name)}", f"{dumps(self.arguments[0])}: {self.json.write(call)}"]
        if self.id and call.id is not None:
            members.insert(0 if self.id_first else 2, f"{dumps(self.id)}: {dumps(call.id)}")
        return "{" + ", ".join(members) + "}"
