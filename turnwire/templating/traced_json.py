"""The spans of JSON, quickly: most of what a template prints of tools and calls is JSON of plain values.

The quotes of a JSON text are around its strings, in order: if those are the strings of the value, and what is bare
between them its numbers and words, each is from where the value has it. What is less plain (other classes than JSON's,
texts of several origins, variables that count as the template's) is left to `traced_written`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import accumulate, repeat
from operator import itemgetter
from typing import Any, cast

from ..origins import Place
from .traced_text import UNKNOWN, Path, Rope, Run, Source, Text, in_time
from .traced_values import Keys, place_of

FINE = 64  # of a string that grows by more when escaped, it is not said which character is which
_BARE = re.compile(r'[^\s,:\[\]{}"]+')
_MARKS = re.compile(r"[\s,:]*")
_WORDS = {True: "true", False: "false", None: "null"}
_encode = json.encoder.encode_basestring


def scalar(value: Any) -> str:
    """A number or a word."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return int.__repr__(value) if isinstance(value, int) else json.dumps(value)


def bland(*marks: str) -> bool:
    """Whether nothing between values can be taken for one."""
    return all(map(_MARKS.fullmatch, marks))


class _Odd(Exception):
    """A value that is not as plain."""


class Written(Rope):
    """JSON of a value in its own order, in which letters are spelled as themselves."""

    __slots__ = ("_mark", "_text", "_value")

    def __init__(self, text: str, value: Any, mark: Source, runs: Callable[[], list[Run]]):
        super().__init__(len(text), runs)
        self._text, self._value, self._mark = text, value, mark

    def places(self, length: int, at: int, line: int) -> list[Place] | None:
        """Of the whole, printed at `at` by that line; None if it takes more than this module, or is not the whole."""
        if length != self._size:
            return None
        in_time()
        try:
            return _places(self._text, _Strings(self._value), self._mark, at, line)
        except (_Odd, RecursionError):
            return None


class _Strings:
    """The strings of a value, keys too, as JSON has them one after the other, and whose they are; numbers and words,
    each with the count of strings before it."""

    def __init__(self, value: Any):
        self.texts: list[str] = []
        self.nodes: list[Any] = []
        self.bare: list[tuple[int, str, Any]] = []
        self.other = False  # whether some are not a field's
        self._other(value, None, None)

    # of what the variables hold; adding to a path is quicker than unpacking it

    def _mapping(self, value: Any, path: Path, keys: Keys) -> None:
        say, note = self.texts.append, self.nodes.append
        for key, item in value.items():
            if type(key) is not str:
                raise _Odd
            say(key)
            note(path + (keys[key],))  # noqa: RUF005
            if type(item) is str:
                say(item)
                note(path + (key,))  # noqa: RUF005
            elif type(item) is dict:
                self._mapping(item, path + (key,), keys)  # noqa: RUF005
            else:
                self._other(item, path + (key,), keys)  # noqa: RUF005

    def _list(self, value: Any, path: Path, keys: Keys) -> None:
        for i, item in enumerate(value):
            if type(item) is str:
                self.texts.append(item)
                self.nodes.append(path + (i,))  # noqa: RUF005
            else:
                self._other(item, path + (i,), keys)  # noqa: RUF005

    def _other(self, value: Any, path: Path | None, keys: Keys | None) -> None:
        """Of any value; one without a path a template has made."""
        if place := place_of(value):
            path, root = place
            if root.markup or (root.roles and len(path) < 3):  # a role may be the template's
                raise _Odd
            value, keys = value._raw, root.keys
        kind = cast("Any", type(value))
        if path is not None and keys is not None and (kind is dict or kind is list):
            (self._mapping if kind is dict else self._list)(value, path, keys)
            return
        if kind is int or kind is float or kind is bool or value is None:
            self.bare.append((len(self.texts), scalar(value), UNKNOWN if path is None else path))
        elif kind is Text and value._at == 0 and type(value._node) in (tuple, Source):
            self.texts.append(value)
            self.nodes.append(value._node)
            self.other |= type(value._node) is Source
        elif path is not None:
            raise _Odd
        elif kind is dict:
            for key, item in value.items():
                if type(key) is not Text:
                    raise _Odd
                self._other(key, None, None)
                self._other(item, None, None)
        elif kind is list or kind is tuple:
            for item in value:
                self._other(item, None, None)
        else:
            raise _Odd


def _places(text: str, of: _Strings, mark: Source, at: int, line: int) -> list[Place]:
    quoted = text.replace("\\\\", "--").replace('\\"', "--") if "\\" in text else text  # left are those around strings
    pieces = quoted.split('"')
    texts = of.texts
    if len(pieces) != 2 * len(texts) + 1 or len(_BARE.findall('"'.join(pieces[::2]))) != len(of.bare):
        raise _Odd
    sizes = list(map(len, pieces))
    sizes[::2] = [size + 2 for size in sizes[::2]]  # quotes are no part of a string
    sizes[0] -= 1
    sizes[-1] -= 1
    ends = list(accumulate(sizes, initial=at))  # string i is [ends[2 * i + 1], ends[2 * i + 2])
    kind, path, own = mark.kind, mark.path, line or None
    # as if all were strings that are spelled as they are, and fields
    places: list[Any] = [None] * len(pieces)
    places[::2] = zip(ends[::2], ends[1::2], repeat(kind), repeat(own), repeat(path), repeat(None))
    places[1::2] = zip(ends[1::2], ends[2::2], repeat("data"), repeat(own), of.nodes, repeat(0))
    odd = [*of.bare, *_odd(of, pieces)]
    if not odd:
        return places
    out: list[Place] = []
    say = out.append
    last, done = at, 0  # where what is told ends, and how many strings that are
    for before, bare, owner in sorted(odd, key=_first):
        if before > done:
            first, after = 2 * done + 1, 2 * before
            say((last, ends[first], kind, own, path, None))
            out += places[first:after]
            last, done = ends[after], before
        start, stop = ends[2 * before : 2 * before + 2]
        whose, here, field = "data", own, owner
        if type(owner) is Source:
            whose, here, field = owner.kind, owner.line or own, owner.path
        if bare:
            found = _BARE.search(text, max(last, start) - at, stop - at)
            if not found or found.group() != bare:
                raise _Odd
            start, stop = at + found.start(), at + found.end()
            parts = [(start, stop, whose, here, field, None)]
        else:
            start, stop = stop, ends[2 * before + 2]
            done += 1
            shown = text[start - at : stop - at]
            if f'"{shown}"' != _encode(texts[before]):
                raise _Odd
            parts = _respelled(len(texts[before]), shown, (start, stop, whose, here, field, 0 if field else None))
        if stop > start and (whose, here, field) != (kind, own, path):
            if start > last:
                say((last, start, kind, own, path, None))
            out += parts
            last = stop
    if done < len(texts):
        say((last, ends[2 * done + 1], kind, own, path, None))
        out += places[2 * done + 1 : -1]
        last = ends[-2]
    if ends[-1] > last:
        say((last, ends[-1], kind, own, path, None))
    return out


_first = itemgetter(0)


def _odd(of: _Strings, pieces: list[str]) -> Iterator[tuple[int, str, Any]]:
    """The strings that are empty, not spelled as they are, or not a field's."""
    if of.other or "" in of.texts or of.texts != pieces[1::2]:
        for i, (text, node, piece) in enumerate(zip(of.texts, of.nodes, pieces[1::2])):
            if not text or text != piece or type(node) is not tuple:
                yield i, "", node


def _respelled(size: int, shown: str, place: Place) -> list[Place]:
    """The places of a string of so many characters: of what is spelled as itself, with offsets, and of escapes."""
    at, stop, whose, line, path, known = place
    grown = stop - at - size
    if not grown or known is None:
        return [place]
    if grown > FINE:
        return [(at, stop, whose, line, path, None)]
    out: list[Place] = []
    say = out.append
    parts = iter(shown.replace("\\\\", "\\-").split("\\"))
    offset = len(next(parts))
    start = stop = at + offset  # of what is escaped
    if offset:
        say((at, start, whose, line, path, 0))
    for part in parts:
        letters = 5 if part[0] == "u" else 1
        stop += 1 + letters
        offset += 1
        plain = len(part) - letters
        if plain:
            say((start, stop, whose, line, path, None))
            start = stop + plain
            say((stop, start, whose, line, path, offset))
            stop = start
            offset += plain
    if stop > start:
        say((start, stop, whose, line, path, None))
    return out
