"""The spans of JSON, quickly: most of what a template prints of tools and calls is JSON of plain values.

The quotes of a JSON text are around its strings, in order: if those are the strings of the value, and what is bare
between them its numbers and words, each is from where the value has it. What is less plain (other classes than JSON's,
texts of several origins, variables that count as the template's) is left to `traced_written`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Any, cast

from ..origins import Span
from .traced_text import UNKNOWN, Path, Rope, Run, Source, Text, in_time
from .traced_values import Keys, place_of

FINE = 64  # of a string that grows by more when escaped, it is not said which character is which
_BARE = re.compile(r'[^\s,:\[\]{}"]+')
_MARKS = re.compile(r"[\s,:]*")
_ODD = re.compile(r'(["\\\x00-\x1f]+)')  # characters that are not spelled as themselves
_ESCAPES = re.compile(r"((?:\\(?:u....|.))+)")
_WORDS = {True: "true", False: "false", None: "null"}
_encode = json.encoder.encode_basestring
_new = cast("Any", tuple).__new__


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

    def spans(self, length: int, at: int, line: int) -> list[Span] | None:
        """Of the whole, printed at `at` by that line; None if it takes more than this module, or is not the whole."""
        if length != self._size:
            return None
        in_time()
        try:
            return _spans(self._text, _Strings(self._value), self._mark, at, line)
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


def _spans(text: str, of: _Strings, mark: Source, at: int, line: int) -> list[Span]:
    quoted = text.replace("\\\\", "--").replace('\\"', "--") if "\\" in text else text  # left are those around strings
    pieces = quoted.split('"')
    texts = of.texts
    if len(pieces) != 2 * len(texts) + 1 or len(_BARE.findall('"'.join(pieces[::2]))) != len(of.bare):
        raise _Odd
    out: list[Span] = []
    say = out.append
    kind, path, own = mark.kind, mark.path, line or None
    last = at  # where what is told ends
    end = at - 1  # of the string before

    def tell(start: int, stop: int, node: Any, offset: int | None) -> None:
        nonlocal last
        if type(node) is not Source:
            node = Source("data", 0, node)
        whose, here, field = node.kind, node.line or own, node.path
        if stop > start and (whose, here, field) != (kind, own, path):
            if start > last:
                say(Span(last, start, kind, own, path))
            say(Span(start, stop, whose, here, field, offset if field else None))
            last = stop

    sizes = list(map(len, pieces))
    strings = zip(sizes[::2], sizes[1::2], of.nodes)
    done = 0
    for before, bare, owner in sorted([*of.bare, *_odd(of, pieces), (len(texts), "", UNKNOWN)], key=_first):
        for gap, size, node in islice(strings, before - done):
            start = end + gap + 2
            say(_new(Span, (last, start, kind, own, path, None)))
            last = end = start + size
            say(_new(Span, (start, last, "data", own, node, 0)))
        done = before
        if bare:
            found = _BARE.search(text, max(last, end) - at, end + 1 + sizes[2 * done] - at)
            if not found or found.group() != bare:
                raise _Odd
            tell(at + found.start(), at + found.end(), owner, None)
        elif done < len(texts):
            gap, size, _ = next(strings)
            start = end + gap + 2
            end = start + size
            shown = text[start - at : end - at]
            if f'"{shown}"' != _encode(texts[done]):
                raise _Odd
            for part, offset in _respelled(texts[done], shown, type(owner) is tuple or owner.path):
                tell(start, start + part, owner, offset)
                start += part
            done += 1
    if at + len(text) > last:
        say(Span(last, at + len(text), kind, own, path))
    return out


_first = itemgetter(0)


def _odd(of: _Strings, pieces: list[str]) -> Iterator[tuple[int, str, Any]]:
    """The strings that are empty, not spelled as they are, or not a field's."""
    if of.other or "" in of.texts or of.texts != pieces[1::2]:
        for i, (text, node, piece) in enumerate(zip(of.texts, of.nodes, pieces[1::2])):
            if not text or text != piece or type(node) is not tuple:
                yield i, "", node


def _respelled(string: str, shown: str, offsets: object) -> Iterator[tuple[int, int | None]]:
    """The sizes of the parts of a string that are spelled as themselves, with their offsets, and of others."""
    grown = len(shown) - len(string)
    if not grown or grown > FINE or not offsets:
        yield len(shown), None if grown else 0
        return
    at = 0
    for i, (part, spelled) in enumerate(zip(_ODD.split(string), _ESCAPES.split(shown))):
        yield len(spelled), None if i % 2 else at
        at += len(part)
