"""Values that a template writes out whole, as JSON or as Python shows them.

The text is what `json.dumps` and `str` make; the origins are found later, by walking the value beside the text: they
account for each character of it, or nothing is known. Quotes, brackets and commas are the template's, with the
path of the value; true, false and null are data where the field is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, cast

from jinja2 import Undefined

from ..origins import Key
from . import jinja
from .traced_text import UNKNOWN, Rope, Run, Source, Text, placed, plain, run_of, sources
from .traced_values import Listed, Mapped, Path, Root, doubt, place_of, raw

FINE = 64  # of a string that grows by more when escaped, it is not said which character is which
_WORDS = {True: "true", False: "false", None: "null"}
Place = tuple[Path, Root]
Encode = Callable[[str], str]


class _Lost(Exception):
    """The text is not what the value should give."""


class _Walk:
    """Goes along a text."""

    def __init__(self, text: str, mark: Source, encode: Encode, odd: re.Pattern[str]):
        self.text, self.mark, self.encode, self.odd = text, mark, encode, odd
        self.runs: list[Run] = []
        self.done = self.at = 0  # behind the last run; behind the last character that is accounted for

    def skip(self, mark: str) -> None:
        """Punctuation."""
        if not self.text.startswith(mark, self.at):
            raise _Lost
        self.at += len(mark)

    def add(self, size: int, node: Any, offset: int, line: int = 0) -> None:
        """What shows a value."""
        if self.at > self.done:
            self.runs.append((self.at - self.done, self.mark, -1, 0))
        self.runs.append((size, node, offset, line))
        self.at += size
        self.done = self.at

    def string(self, value: str, place: Place | None) -> None:
        """A string in quotes."""
        shown = self.encode(value)
        if not self.text.startswith(shown, self.at):
            raise _Lost
        if type(value) is str and place is not None:
            run: Run = (len(value), place[1].source(value, place[0]), 0, 0)
        else:
            run = run_of(value)
        self.at += 1
        inside = len(shown) - 2
        if inside == len(value):  # each character stands for itself
            if inside:
                self.add(*run)
        else:
            stop = self.at + inside
            if isinstance(run[1], Source):
                self._escaped(value, [run], shown[0], inside)
            else:
                self._escaped(value, sources(value), shown[0], inside)
            if self.at != stop:
                raise _Lost
        self.at += 1

    def _escaped(self, value: str, runs: Any, quote: str, inside: int) -> None:
        text = plain(value)
        start = 0
        for length, node, at, line in runs:
            last, stop = start, start + length
            if inside - len(text) > FINE:
                whole = inside if length == len(text) else self._size(text[start:stop], quote)
                self.add(whole, node, -1, line)
                start = stop
                continue
            for found in self.odd.finditer(text, start, stop):
                i = found.start()
                size = self._size(found.group(), quote)
                if size != 1:
                    if i > last:
                        self.add(i - last, node, at + last - start if at >= 0 else -1, line)
                    self.add(size, node, -1, line)
                    last = i + 1
            if stop > last:
                self.add(stop - last, node, at + last - start if at >= 0 else -1, line)
            start = stop

    def _size(self, text: str, quote: str) -> int:
        """Of a part of a string, when it is shown in these quotes."""
        if self.encode is not repr:
            return len(self.encode(text)) - 2
        other = '"' if quote == "'" else "'"  # with it, Python quotes as it did for the whole
        return len(repr(text + other)) - 3

    def scalar(self, value: Any, shown: str, place: Place | None) -> None:
        """A number, true, null or what else has no characters of its own."""
        if not self.text.startswith(shown, self.at):
            raise _Lost
        own = place_of(value)
        if own is None and (value is None or isinstance(value, (bool, int, float))):
            own = place
        self.add(len(shown), UNKNOWN if own is None else Source("data", 0, own[0]), -1)

    def end(self) -> list[Run]:
        if self.at != len(self.text):
            raise _Lost
        if self.at > self.done:
            self.runs.append((self.at - self.done, self.mark, -1, 0))
        return self.runs


def _lazily(
    text: str, value: Any, mark: Source, encode: Encode, odd: re.Pattern[str], go: Callable[[_Walk], None]
) -> Text:
    def runs() -> list[Run]:
        walk = _Walk(text, mark, encode, odd)
        try:
            go(walk)
            return walk.end()
        except (_Lost, RecursionError):
            return [(len(text), UNKNOWN, -1, 0)]

    return placed(text, Rope(len(text), runs))


def _mark(value: Any, *extra: Any) -> Source:
    """Of punctuation: the template's, unless data says what it is."""
    if not all(run[1].kind == "template" for e in extra if isinstance(e, str) for run in sources(e)):
        return UNKNOWN
    place = place_of(value)
    return Source("template", 0, place[0] if place else ())


def below(place: Place | None, step: object) -> Place | None:
    """The place of an element."""
    return None if place is None else ((*place[0], step), place[1])


_JSON = re.compile(r'["\\\x00-\x1f]')
_ASCII = re.compile(r'["\\]|[^ -~]')
_PYTHON = re.compile(r"['\\]|[^ -~]")


def tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """As `jinja.tojson`."""
    text = jinja.tojson(raw(value), ensure_ascii, indent, separators, sort_keys)
    encode: Encode = json.encoder.encode_basestring_ascii if ensure_ascii else json.encoder.encode_basestring
    between, colon = separators or ((", ", ": ") if indent is None else (",", ": "))
    step = indent if isinstance(indent, str) else None if indent is None else " " * indent

    def visit(walk: _Walk, value: Any, place: Place | None, level: int) -> None:
        if isinstance(value, str):
            walk.string(value, place)
        elif isinstance(value, (dict, list, tuple)):
            place = place_of(value) or place
            inner = "" if step is None else "\n" + step * (level + 1)
            lead = inner
            values: Any = raw(value)
            if isinstance(value, dict):
                walk.skip("{")
                for key, item in sorted(values.items()) if sort_keys else values.items():
                    walk.skip(lead)
                    lead = between + inner
                    if isinstance(key, str):
                        walk.string(key, below(place, Key(key)))
                    else:
                        walk.skip('"')
                        walk.scalar(key, _scalar(key), below(place, Key(_scalar(key))))
                        walk.skip('"')
                    walk.skip(colon)
                    visit(walk, item, below(place, key), level + 1)
            else:
                walk.skip("[")
                for i, item in enumerate(values):
                    walk.skip(lead)
                    lead = between + inner
                    visit(walk, item, below(place, i), level + 1)
            if step is not None and values:
                walk.skip("\n" + step * level)
            walk.skip("}" if isinstance(value, dict) else "]")
        else:
            walk.scalar(value, _scalar(value), place)

    mark = _mark(value, indent, *(separators or ()))
    return _lazily(
        text, value, mark, encode, _ASCII if ensure_ascii else _JSON, lambda walk: visit(walk, value, None, 0)
    )


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return int.__repr__(value) if isinstance(value, int) else json.dumps(value)


def shown(value: Any) -> str:
    """As `str`: of lists, tuples and mappings with their origins."""
    if isinstance(value, (list, tuple, dict)):
        text = str(raw(value))  # pyright: ignore[reportUnknownArgumentType]
        if " at 0x" in text:
            doubt("an object is shown")
        return _lazily(text, value, _mark(value), repr, _PYTHON, lambda walk: _visit(walk, value, None))  # pyright: ignore[reportUnknownArgumentType]
    if not isinstance(value, (str, int, float, Undefined)) and value is not None:
        doubt(f"a {type(value).__name__} is shown")
    return str(value)


def _visit(walk: _Walk, value: Any, place: Place | None) -> None:
    kind = cast("type[Any]", type(value))
    own = place_of(value) or place
    values = raw(value)
    if kind is str or kind is Text:
        walk.string(value, place)
    elif kind is dict or kind is Mapped:
        walk.skip("{")
        for i, (key, item) in enumerate(values.items()):
            walk.skip(", " if i else "")
            _visit(walk, key, below(own, Key(key)))
            walk.skip(": ")
            _visit(walk, item, below(own, key))
        walk.skip("}")
    elif kind is list or kind is Listed or kind is tuple:
        walk.skip("(" if kind is tuple else "[")
        for i, item in enumerate(values):
            walk.skip(", " if i else "")
            _visit(walk, item, below(own, i))
        walk.skip("]" if kind is not tuple else ",)" if len(values) == 1 else ")")
    else:
        walk.scalar(value, repr(value), place)
