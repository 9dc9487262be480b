"""The spans of JSON, quickly: most of what a template prints of tools and calls is JSON of plain values.

The quotes of a JSON text are around its strings, in order: if those are the strings of the value, and what is bare
between them its numbers and words, each is from where the value has it. What is less plain (other classes than JSON's,
texts of several origins, variables that count as the template's) is left to `traced_written`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from itertools import islice
from string import whitespace
from typing import Any

from ..origins import Kind, Span, named
from . import budget
from .traced_text import UNKNOWN, Path, Rope, Run, Source, Text
from .traced_values import Keys, Listed, Mapped, Real, Whole

FINE = 64  # of a string that grows by more when escaped, it is not said which character is which
_BETWEEN = re.compile(r"[\s,:]*", re.ASCII)
_MARKS = str.maketrans("", "", whitespace + ",:[](){}\"'")  # all but numbers and words
BARE = frozenset((int, float, bool, type(None)))
PLACED = frozenset((Mapped, Listed, Whole, Real))
_WORDS = {True: "true", False: "false", None: "null"}
_encode = json.encoder.encode_basestring


def scalar(value: Any) -> str:
    """A number or a word."""
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    if isinstance(value, int):
        return int.__repr__(value)
    return float.__repr__(value) if value - value == 0 else json.dumps(value)  # those that are no numbers have names


def bland(*marks: str) -> bool:
    """Whether nothing between values can be taken for one."""
    return all(map(_BETWEEN.fullmatch, marks))


class _Odd(Exception):
    """A value that is not as plain."""


class Written(Rope):
    """JSON of a value in its own order, in which letters are spelled as themselves; or, between the other quotes, what
    Python shows of it."""

    __slots__ = ("_mark", "_quote", "_strings", "_text")

    def __init__(self, text: str, strings: Strings, mark: Source, runs: Callable[[], list[Run]], quote: str = '"'):
        super().__init__(len(text), runs)
        self._text, self._strings, self._mark, self._quote = text, strings, mark, quote

    def spans(self, length: int, at: int, line: int | None) -> list[Span] | None:
        """The spans of the whole, printed at `at` by that line; None if it is not the whole."""
        if length != self._size:
            return None
        return spans(self._text, self._quote, self._strings, self._mark, at, line)


def strings_of(value: Any) -> Strings | None:
    """The strings of a value, which is weighed as `budget.weigh` does it; None if it is not as plain."""
    found = Strings()
    try:
        found.of(value)
    except (_Odd, RecursionError):
        return None
    found.size = size = found.weight + sum(map(len, found.texts))
    if size > found.left.limits.text:
        raise budget.over("text", size, found.left.limits.text)
    return found


class Strings:
    """The strings of a value, keys too, as JSON has them one after the other, and whose they are; numbers and words,
    each with the count of strings before it."""

    __slots__ = ("bare", "keys", "left", "parents", "size", "steps", "texts", "weight")
    keys: Keys  # of the variable that a mapping is from

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.parents: list[Any] = []  # whose it is: a path, and the step from there (None: to the key), or a source
        self.steps: list[Any] = []
        self.bare: list[tuple[int, Any, Any]] = []
        self.weight = self.size = 0  # without the strings' characters, and with them
        self.left = budget.current.get()

    def _weigh(self, weight: int) -> None:
        """A container is entered."""
        self.weight += weight
        if self.weight > self.left.limits.text:
            raise budget.over("text", self.weight, self.left.limits.text)
        if time.monotonic() > self.left.deadline:
            raise budget.over("seconds", self.left.limits.seconds, self.left.limits.seconds)

    # of what the variables hold; adding to a path is quicker than unpacking it

    def _mapping(self, value: Any, path: Path) -> None:
        self._weigh(4 * len(value))
        say, under, step = self.texts.append, self.parents.append, self.steps.append
        for key, item in value.items():
            if type(key) is not str:
                raise _Odd
            say(key)
            under(path)
            step(None)
            kind = type(item)  # pyright: ignore[reportUnknownVariableType]
            if kind is str:
                say(item)
                under(path)
                step(key)
            elif kind is dict:
                self._mapping(item, path + (key,))  # noqa: RUF005
            else:
                self._other(item, kind, path + (key,))  # noqa: RUF005  # pyright: ignore[reportUnknownArgumentType]

    def _list(self, value: Any, path: Path) -> None:
        self._weigh(2 * len(value))
        for i, item in enumerate(value):
            kind = type(item)  # pyright: ignore[reportUnknownVariableType]
            if kind is str:
                self.texts.append(item)
                self.parents.append(path)
                self.steps.append(i)
            else:
                self._other(item, kind, path + (i,))  # noqa: RUF005  # pyright: ignore[reportUnknownArgumentType]

    def _other(self, value: Any, kind: type[Any], path: Path) -> None:
        if kind in BARE:
            self.bare.append((len(self.texts), value, path))
        elif kind is dict:
            self._mapping(value, path)
        elif kind is list:
            self._list(value, path)
        else:
            raise _Odd

    def of(self, value: Any) -> None:
        """Of any value: of the variables, or one that a template has made of those."""
        kind = type(value)  # pyright: ignore[reportUnknownVariableType]
        if kind in PLACED:
            path, root, of = value._path, value._root, value._raw
            if root.markup or (root.roles and len(path) < 3):  # a role may be the template's
                raise _Odd
            self.keys = root.keys
            self._other(of, type(of), path)  # pyright: ignore[reportUnknownArgumentType]
        elif kind in BARE:
            self.bare.append((len(self.texts), value, UNKNOWN))
        elif kind is Text and value._at == 0 and type(value._node) in (tuple, Source):
            node: Any = value._node
            field = type(node) is tuple
            self.texts.append(value)
            self.parents.append(node[:-1] if field else node)
            self.steps.append(node[-1] if field else None)
        elif kind is dict:
            self._weigh(4 * len(value))
            for key, item in value.items():
                if type(key) is not Text:
                    raise _Odd
                self.of(key)
                self.of(item)
        elif kind is list or kind is tuple:
            self._weigh(2 * len(value))
            for item in value:
                self.of(item)
        else:
            raise _Odd


def spans(text: str, quote: str, of: Strings, mark: Source, at: int, line: int | None) -> list[Span]:
    """The spans of a text, printed at `at` by that line, which spells these strings; if it spells others, nothing is
    known of it."""
    try:
        return _spans(text, quote, of, mark, at, line)
    except _Odd:
        return [Span(at, at + len(text), "unknown", line)]


def _spans(text: str, quote: str, of: Strings, mark: Source, at: int, line: int | None) -> list[Span]:
    if len(of.texts) == 1 and text[0] == text[-1] == quote:
        pieces = ["", text[1:-1], ""]
    elif "\\" not in text:
        pieces = text.split(quote)
    else:  # left are those around strings
        pieces = text.replace("\\\\", "--").replace('\\"', "--").split(quote)
    between = pieces[::2]
    words = list(map(scalar if quote == '"' else repr, [value for _, value, _ in of.bare]))
    if len(pieces) != 2 * len(of.texts) + 1 or "".join(between).translate(_MARKS) != "".join(words):
        raise _Odd
    out: list[Span] = []
    say = out.append
    kind, path = mark.kind, mark.path
    told, stop = at, at - 1  # where the last span ends, and the last string
    worded = done = 0  # where the last number or word ends in the text, and how many strings that are
    strings = zip(between, of.texts, pieces[1::2], of.parents, of.steps)
    bare: list[tuple[int, Any, Any]] = [*of.bare, (len(of.texts), None, None)]
    for (before, _, whose), word in zip(bare, [*words, ""]):
        for gap, string, shown, node, step in islice(strings, before - done):
            start = stop + len(gap) + 2
            stop = start + len(shown)
            data = type(node) is tuple
            if data:
                node += (of.keys[string] if step is None else step,)
            if data and shown == string and shown:  # most are
                say(named(Span, (told, start, kind, line, path, None)))
                say(named(Span, (start, stop, "data", line, node, 0)))
                told = stop
            elif shown or string:
                spans = _of_string(text[start - at : stop - at], start, string, _owner(node, line))
                if spans[0][2:5] != (kind, line, path):
                    say(named(Span, (told, start, kind, line, path, None)))
                    out += spans
                    told = stop
        if whose is None:
            break
        done = before
        start = text.find(word, max(worded, stop - at), stop - at + len(between[done]) + 2)
        if start < 0:
            raise _Odd
        worded = start + len(word)
        owner = _owner(whose, line)
        if owner != (kind, line, path):
            if at + start > told:
                say(named(Span, (told, at + start, kind, line, path, None)))
            told = at + worded
            say(named(Span, (at + start, told, *owner, None)))
    if at + len(text) > told:
        say(named(Span, (told, at + len(text), kind, line, path, None)))
    return out


def _owner(node: Path | Source, line: int | None) -> tuple[Kind, int | None, Path]:
    """Kind, line and path of the spans of a node that a line prints."""
    return (node.kind, node.line or line, node.path) if isinstance(node, Source) else ("data", line, node)


def _of_string(shown: str, at: int, string: str, owner: tuple[Kind, int | None, Path]) -> list[Span]:
    """The spans of a string that is shown at `at`: of what is spelled as itself, with offsets, and of escapes."""
    if f'"{shown}"' != _encode(string):
        raise _Odd
    grown = len(shown) - len(string)
    if not grown or grown > FINE or not owner[2]:
        return [Span(at, at + len(shown), *owner, None if grown or not owner[2] else 0)]
    out: list[Span] = []
    say = out.append
    kind, line, path = owner
    parts = iter(shown.replace("\\\\", "\\-").split("\\"))
    offset = len(next(parts))
    start = stop = at + offset  # of what is escaped
    if offset:
        say(named(Span, (at, start, kind, line, path, 0)))
    for part in parts:
        letters = 5 if part[0] == "u" else 1
        stop += 1 + letters
        offset += 1
        plain = len(part) - letters
        if plain:
            say(named(Span, (start, stop, kind, line, path, None)))
            start = stop + plain
            say(named(Span, (stop, start, kind, line, path, offset)))
            stop = start
            offset += plain
    if stop > start:
        say(named(Span, (start, stop, kind, line, path, None)))
    return out
