"""The spans of JSON, quickly: most of what a template prints of tools and calls is JSON of plain values.

The quotes of a JSON text are around its strings, in order: if those are the strings of the value, and what is bare
between them its numbers and words, each is from where the value has it. What is less plain (other classes than JSON's,
texts of several origins, variables that count as the template's) is left to `traced_written`.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from itertools import accumulate, repeat
from operator import itemgetter
from typing import Any

from ..origins import Key, Place
from . import budget
from .traced_text import UNKNOWN, Path, Rope, Run, Source, Text
from .traced_values import Listed, Mapped, Real, Whole

FINE = 64  # of a string that grows by more when escaped, it is not said which character is which
_BARE = re.compile(r"""[^\s,:\[\](){}"']+""")
_MARKS = re.compile(r"[\s,:]*")
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
    return all(map(_MARKS.fullmatch, marks))


class _Odd(Exception):
    """A value that is not as plain."""


class Written(Rope):
    """JSON of a value in its own order, in which letters are spelled as themselves; or, between the other quotes, what
    Python shows of it."""

    __slots__ = ("_mark", "_quote", "_strings", "_text")

    def __init__(self, text: str, strings: Strings, mark: Source, runs: Callable[[], list[Run]], quote: str = '"'):
        super().__init__(len(text), runs)
        self._text, self._strings, self._mark, self._quote = text, strings, mark, quote

    def places(self, length: int, at: int, line: int) -> list[Place] | None:
        """The places of the whole, printed at `at` by that line; None if it is not the whole."""
        if length != self._size:
            return None
        return places(self._text, self._quote, self._strings, self._mark, at, line)


def strings_of(value: Any) -> Strings | None:
    """The strings of a value, which is weighed as `budget.weigh` does it; None if it is not as plain."""
    found = Strings()
    try:
        found.of(value)
    except (_Odd, RecursionError):
        return None
    size = found.weight + sum(map(len, found.texts))
    if size > found.left.limits.text:
        raise budget.over("text", size, found.left.limits.text)
    return found


class Strings:
    """The strings of a value, keys too, as JSON has them one after the other; numbers and words, each with the count of
    strings before it."""

    __slots__ = ("bare", "left", "other", "parents", "steps", "texts", "weight")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.parents: list[Any] = []  # whose it is: a path, and the step from there (None: to the key), or a source
        self.steps: list[Any] = []
        self.bare: list[tuple[int, Any, Any]] = []
        self.other = False  # whether some are not a field's
        self.weight = 0  # but for the strings' characters
        self.left = budget.current.get()

    def nodes(self) -> list[Any]:
        """Whose they are."""
        return [
            path if type(path) is Source else (*path, Key(text) if step is None else step)
            for text, path, step in zip(self.texts, self.parents, self.steps)
        ]

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
            self._other(of, type(of), path)  # pyright: ignore[reportUnknownArgumentType]
        elif kind in BARE:
            self.bare.append((len(self.texts), value, UNKNOWN))
        elif kind is Text and value._at == 0 and type(value._node) in (tuple, Source):
            node: Any = value._node
            field = type(node) is tuple
            self.texts.append(value)
            self.parents.append(node[:-1] if field else node)
            self.steps.append(node[-1] if field else None)
            self.other |= not field
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


def places(text: str, quote: str, of: Strings, mark: Source, at: int, line: int) -> list[Place]:
    """The places of a text, printed at `at` by that line, which spells these strings; if it spells others, nothing is
    known of it."""
    try:
        return _places(text, quote, of, mark, at, line)
    except _Odd:
        return [(at, at + len(text), "unknown", line or None, (), None)]


def _places(text: str, quote: str, of: Strings, mark: Source, at: int, line: int) -> list[Place]:
    if "\\" not in text:
        pieces = text.split(quote)
    else:  # left are those around strings
        pieces = text.replace("\\\\", "--").replace('\\"', "--").split(quote)
    texts, nodes = of.texts, of.nodes()
    if len(pieces) != 2 * len(texts) + 1 or len(_BARE.findall(quote.join(pieces[::2]))) != len(of.bare):
        raise _Odd
    sizes = list(map(len, pieces))
    sizes[::2] = [size + 2 for size in sizes[::2]]  # quotes are no part of a string
    sizes[0] -= 1
    sizes[-1] -= 1
    ends = list(accumulate(sizes, initial=at))  # string i is [ends[2 * i + 1], ends[2 * i + 2])
    kind, path, own = mark.kind, mark.path, line or None
    # as if all were strings that are spelled as they are, and fields
    regular: list[Any] = [None] * len(pieces)
    regular[::2] = zip(ends[::2], ends[1::2], repeat(kind), repeat(own), repeat(path), repeat(None))
    regular[1::2] = zip(ends[1::2], ends[2::2], repeat("data"), repeat(own), nodes, repeat(0))
    out: list[Any] = []
    say = out.append
    last, done = at, 0  # where what is told ends, and how many strings that are
    spell = scalar if quote == '"' else repr
    owner: Any
    for before, bare, owner in sorted([*of.bare, *_odd(of, nodes, pieces), (len(texts), STRING, None)], key=_first):
        if before > done:
            say((last, ends[2 * done + 1], kind, own, path, None))
            out += regular[2 * done + 1 : 2 * before]
            last, done = ends[2 * before], before
        if owner is None:
            break
        start, stop = ends[2 * before : 2 * before + 2]
        whose: tuple[Any, ...] = ("data", own, owner)
        if type(owner) is Source:
            whose = owner.kind, owner.line or own, owner.path
        shown = ""
        if bare is not STRING:
            found = _BARE.search(text, max(last, start) - at, stop - at)
            if not found or found.group() != spell(bare):
                raise _Odd
            start, stop = at + found.start(), at + found.end()
        else:
            start, stop = stop, ends[2 * before + 2]
            done += 1
            shown = text[start - at : stop - at]
            if f'"{shown}"' != _encode(texts[before]):
                raise _Odd
        if stop > start and whose != (kind, own, path):
            if start > last:
                say((last, start, kind, own, path, None))
            grown = stop - start - len(texts[before]) if bare is STRING else 0
            if 0 < grown <= FINE and whose[2]:
                _respelled(shown, start, whose, say)
            else:
                say((start, stop, *whose, None if grown or bare is not STRING or not whose[2] else 0))
            last = stop
    if ends[-1] > last:
        say((last, ends[-1], kind, own, path, None))
    return out


_first = itemgetter(0)
STRING = object()  # no number and no word


def _odd(of: Strings, nodes: list[Any], pieces: list[str]) -> Iterator[tuple[int, Any, Any]]:
    """The strings that are empty, not spelled as they are, or not a field's."""
    if of.other or "" in of.texts or of.texts != pieces[1::2]:
        for i, (text, node, piece) in enumerate(zip(of.texts, nodes, pieces[1::2])):
            if not text or text != piece or type(node) is Source:
                yield i, STRING, node


def _respelled(shown: str, at: int, whose: tuple[Any, ...], say: Callable[[Any], None]) -> None:
    """The places of a string that is shown at `at`: of what is spelled as itself, with offsets, and of escapes."""
    kind, line, path = whose
    parts = iter(shown.replace("\\\\", "\\-").split("\\"))
    offset = len(next(parts))
    start = stop = at + offset  # of what is escaped
    if offset:
        say((at, start, kind, line, path, 0))
    for part in parts:
        letters = 5 if part[0] == "u" else 1
        stop += 1 + letters
        offset += 1
        plain = len(part) - letters
        if plain:
            say((start, stop, kind, line, path, None))
            start = stop + plain
            say((stop, start, kind, line, path, offset))
            stop = start
            offset += plain
    if stop > start:
        say((start, stop, kind, line, path, None))
