"""The JSON values, and Python's prints of such, that stand in a prompt; and how two spellings of a value differ.

Found in one pass whose failed attempts are bounded, so that text full of brackets costs no more than other text.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..messages import MEDIA, TEXTS

OPENER = re.compile(r"""\{(?=\s*["'}])|\[(?=\s*[\[\]{"'\w-])""")
SIZES = (1 << 8, 1 << 12, 1 << 16, 1 << 20, 1 << 26)  # of the pieces that are decoded
QUOTED = r'"[^"\\]*(?:\\.[^"\\]*)*"'
STRING = re.compile(QUOTED, re.S)
SPACED = re.compile(f"{QUOTED}|([,:])(\\s*)|([\\[{{])(\\s+)|(\\s+)(?=[\\]}}])", re.S)
PYTHON = re.compile(
    r"'[^'\\]*(?:\\.[^'\\]*)*'|" + QUOTED + r"|[\[\]{}:,]|-?\d[\d.]*(?:[eE][+-]?\d+)?|True|False|None|\s+", re.S
)
WORDS = {"True": "true", "False": "false", "None": "null"}
TRIES = 8  # times the length of a text that failed attempts may read


@dataclass(frozen=True)
class Value:
    """A value at characters [start, stop) of a text. `python`: it is spelled as Python prints it."""

    start: int
    stop: int
    value: Any
    python: bool
    text: str


def value_at(text: str, start: int) -> Value | None:
    """The JSON value that begins there."""
    decoder = json.JSONDecoder(parse_int=_number, parse_float=_number)
    try:
        value, stop = decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return Value(start, stop, value, False, text[start:stop])


class Values:
    """The outermost values of a text, in order."""

    def __init__(self, text: str):
        self.all = list(_values(text))
        self._starts = [v.start for v in self.all]

    def at(self, start: int, stop: int) -> Value | None:
        """The value that holds characters [start, stop), or meets them where they are none."""
        i = bisect_right(self._starts, start) - 1
        if i < 0 or self.all[i].stop < stop:
            return None
        found = self.all[i]
        return found if start < found.stop or stop > start else None


def _values(text: str) -> Iterator[Value]:
    decoder = json.JSONDecoder(parse_int=_number, parse_float=_number)
    room = TRIES * len(text) + 1_000
    at = 0
    while room > 0 and (m := OPENER.search(text, at)) is not None:
        start = m.start()
        found, cost = _decoded(decoder, text, start)
        if found is None and text[start + 1 : start + 3].strip("[{ ")[:1] == "'":
            found, stop = _python(text, start)
            cost += (len(text) if found is None and text[stop : stop + 1] in ("'", '"') else stop) - start
        if found is None:
            room -= cost + 16
            at = start + 1
        else:
            at = found.stop
            if found.value:
                yield found


def _decoded(decoder: json.JSONDecoder, text: str, start: int) -> tuple[Value | None, int]:
    """The JSON value that begins there, if one does, and how much text was looked at. Decoded from as little of the
    text as will do, since the position of an error is counted from its beginning."""
    cost = 0
    for size in SIZES:
        piece = text[start : start + size]
        cost += min(size, len(piece)) // 16
        try:
            value, stop = decoder.raw_decode(piece)
            return Value(start, start + stop, value, False, piece[:stop]), cost
        except json.JSONDecodeError as e:
            far = len(piece) if e.msg.startswith("Unterminated") else e.pos
        except (ValueError, RecursionError):
            return None, cost + 1_000
        cost += far
        if far < len(piece) - 8 or len(piece) < size:
            return None, cost
    return None, cost


def _number(text: str) -> Any:
    return _Number(text)


class _Number(str):
    """A number as it is spelled."""


def _python(text: str, start: int) -> tuple[Value | None, int]:
    """A value as Python prints it: dicts, lists, strings, numbers, True, False, None; and how far it was read."""
    depth, at = 0, start
    out: list[str] = []
    while (m := PYTHON.match(text, at)) is not None:
        token, at = m.group(), m.end()
        if token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
        out.append(_quoted(token) if token[0] in "'\"" else WORDS.get(token, token))
        if not depth:
            break
        if depth > 64:
            break
    if depth:
        return None, at
    try:
        value = json.loads("".join(out), parse_int=_number, parse_float=_number)
    except (ValueError, RecursionError):
        return None, at
    return Value(start, at, value, True, text[start:at]), at


_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)", re.S)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": ""}


def _quoted(token: str) -> str:
    def plain(m: re.Match[str]) -> str:
        said = m[1]
        return chr(int(said[1:], 16)) if len(said) > 1 else _PLAIN.get(said, m[0])

    return json.dumps(_ESCAPE.sub(plain, token[1:-1]))


# how two spellings differ


def same(a: Any, b: Any) -> bool:
    """Equal values, whatever the order of their keys."""
    if isinstance(a, dict) and isinstance(b, dict):
        x, y = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
        return x.keys() == y.keys() and all(same(v, y[k]) for k, v in x.items())
    if isinstance(a, list) and isinstance(b, list):
        u, w = cast("list[Any]", a), cast("list[Any]", b)
        return len(u) == len(w) and all(map(same, u, w))
    kinds: Any = type(a), type(b)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return kinds[0] is kinds[1] and a == b


def reordered(a: Any, b: Any) -> tuple[list[str], list[str]] | None:
    """The first keys that are in another order, of those that both have; None if none are."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(a, dict) and isinstance(b, dict):
        x, y = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
        ours, theirs = [k for k in x if k in y], [k for k in y if k in x]
        if ours != theirs:
            return ours, theirs
        inner = [(x[k], y[k]) for k in ours]
    elif isinstance(a, list) and isinstance(b, list):
        inner = [*zip(cast("list[Any]", a), cast("list[Any]", b))]
    return next((found for v, w in inner if (found := reordered(v, w)) is not None), None)


def style(a: str, b: str) -> Iterator[str]:
    """What differs between two spellings in JSON of values that hold the same: "spacing", "escapes"."""
    ours, theirs = STRING.findall(a), STRING.findall(b)
    if sorted(ours) != sorted(theirs) and sorted(map(_read, ours)) == sorted(map(_read, theirs)):
        yield "escapes"
    if _spacing(a) != _spacing(b):
        yield "spacing"


def _read(text: str) -> str:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _spacing(text: str) -> set[str]:
    """The blanks behind and in front of punctuation: what does not change with the order of keys."""
    return {"".join(p or "" for p in m.groups()) for m in SPACED.finditer(text) if m.lastindex}


def as_text(a: Any, b: Any, path: str = "") -> str | None:
    """Where one holds an object and the other its JSON as a string, and all else is equal; None if that is not so."""
    if isinstance(a, dict) and isinstance(b, dict):
        x, y = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
        if x.keys() != y.keys():
            return None
        found: list[tuple[Any, str | None]] = [
            (k, as_text(v, y[k], f"{path}.{k}" if path else k)) for k, v in x.items() if not same(v, y[k])
        ]
    elif isinstance(a, list) and isinstance(b, list):
        u, w = cast("list[Any]", a), cast("list[Any]", b)
        if len(u) != len(w):
            return None
        found = [(i, as_text(v, n, f"{path}[{i}]")) for i, (v, n) in enumerate(zip(u, w)) if not same(v, n)]
    else:
        text, other = cast("tuple[Any, Any]", (a, b) if type(a) is str else (b, a))  # pyright: ignore[reportUnknownArgumentType]
        return path if type(text) is str and type(other) in (dict, list) and _holds(text, other) else None
    return None if not found or any(p is None for _, p in found) else found[0][1]


def _holds(text: str, other: Any) -> bool:
    try:
        return same(json.loads(text, parse_int=_number, parse_float=_number), other)
    except (ValueError, RecursionError):
        return False


def dropped(more: Any, less: Any, path: str = "") -> list[str] | None:
    """The keys that `less` lacks, if that is all that differs; None if it is not."""
    if isinstance(more, dict) and isinstance(less, dict):
        x, y = cast("dict[str, Any]", more), cast("dict[str, Any]", less)
        if not y.keys() <= x.keys():
            return None
        out = [f"{path}.{k}" if path else k for k in x if k not in y]
        inner = [(x[k], y[k], f"{path}.{k}" if path else k) for k in y]
    elif isinstance(more, list) and isinstance(less, list):
        u, w = cast("list[Any]", more), cast("list[Any]", less)
        if len(u) != len(w):
            return None
        out, inner = [], [(v, n, f"{path}[{i}]") for i, (v, n) in enumerate(zip(u, w))]
    else:
        return [] if same(more, less) else None
    for v, n, where in inner:
        found = dropped(v, n, where)
        if found is None:
            return None
        out += found
    return out


def parts_of(value: Any) -> str | None:
    """The text of a list of content parts, None for any other value."""
    items = cast("list[Any]", value if isinstance(value, list) else [])
    if not items or not all(isinstance(p, Mapping) and str(p.get("type")) in (*TEXTS, *MEDIA) for p in items):  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        return None
    return "".join(str(p.get("text", "")) for p in items)
