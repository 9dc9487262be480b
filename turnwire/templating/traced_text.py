"""Text that knows where its characters come from.

`Text` is a `str`: equal, hashed and ordered like one. Beside its characters it holds a place in a node: a `Source`
(one field, or one literal of a template), or a `Rope` of places in other nodes, so that adding, joining and cutting
copy no origins; `flatten` finds them at the end. What comes out of an operation is always what `str` itself makes of
it; an origin is only put beside it, and one that is not certain is `UNKNOWN`.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any, SupportsIndex, Union

from ..origins import Kind
from . import budget


class Source:
    """The characters of one field or literal; a place in it is an offset, -1 where the characters were changed."""

    __slots__ = ("kind", "line", "path")

    def __init__(self, kind: Kind, line: int = 0, path: tuple[object, ...] = ()):
        self.kind: Kind = kind
        self.line = line
        self.path = path


UNKNOWN = Source("unknown")
Run = tuple[int, Union[Source, "Rope"], int, int]  # length, whose, from where in it, line of the template (0: none)
Sourced = tuple[int, Source, int, int]


class Rope:
    """Runs after each other, found when first asked for."""

    __slots__ = ("_asked", "_made")

    def __init__(self, runs: Sequence[Run] | Callable[[], Sequence[Run]]):
        self._asked = 0
        self._made: Callable[[], Sequence[Run]] | _Runs = runs if callable(runs) else _Runs(runs)

    def cut(self, at: int, length: int, line: int) -> list[Run]:
        """The runs of [at, at + length), last one first. Who is asked often keeps the answer flat."""
        made = self._made
        if not isinstance(made, _Runs):
            self._made = made = _Runs(made())
        self._asked += 1
        if self._asked == 3:
            self._made = made = _Runs(flatten(made.runs))  # put in place whole: threads may share it
        runs, starts = made.runs, made.starts
        stop = at + length
        out: list[Run] = []
        i = bisect_right(starts, at) - 1
        while at < stop:
            _, node, offset, own = runs[i]
            end = min(stop, starts[i + 1])
            if end > at:
                out.append((end - at, node, offset + at - starts[i] if offset >= 0 else -1, own or line))
            at = end
            i += 1
        out.reverse()
        return out


class _Runs:
    __slots__ = ("runs", "starts")

    def __init__(self, runs: Sequence[Run]):
        self.runs = runs
        self.starts = list(accumulate((run[0] for run in runs), initial=0))


def flatten(runs: Iterable[Run]) -> list[Sourced]:
    """The same runs, of sources only."""
    out: list[Sourced] = []
    todo = list(runs)
    todo.reverse()
    turns = 0
    while todo:
        length, node, at, line = todo.pop()
        if isinstance(node, Source):
            out.append((length, node, at, line))
        else:
            todo += node.cut(at, length, line)
            turns += 1
            if not turns & 1023:
                limit = budget.current.get()
                if time.monotonic() > limit.deadline:
                    raise budget.over("seconds", limit.limits.seconds, limit.limits.seconds)
    return out


_new = str.__new__


def placed(text: str, node: Source | Rope, at: int = 0) -> Text:
    """A text and its place."""
    out = _new(Text, text)
    out._node = node  # pyright: ignore[reportPrivateUsage]
    out._at = at  # pyright: ignore[reportPrivateUsage]
    return out


def run_of(text: str, line: int = 0) -> Run:
    """The one run of a text; nothing is known of a plain `str`."""
    if type(text) is Text:
        return (len(text), text._node, text._at, line)  # pyright: ignore[reportPrivateUsage]
    return (len(text), UNKNOWN, -1, line)


def sources(text: str) -> list[Sourced]:
    """The runs of a text."""
    return flatten([run_of(text)]) if text else []


def joined(text: str, parts: Iterable[str]) -> str:
    """`text`, which is `parts` joined."""
    runs = [run_of(part) for part in parts if part]
    if sum(run[0] for run in runs) != len(text):
        return text
    if len(runs) == 1:
        return placed(text, runs[0][1], runs[0][2])
    return placed(text, Rope(runs))


def blurred(text: str, source: str) -> str:
    """`text`, of which each character was made from the one of `source` at the same place."""
    if type(source) is not Text or len(text) != len(source):
        return text
    if text == source:
        return source
    run = run_of(source)
    return placed(text, Rope(lambda: [(n, node, -1, line) for n, node, _, line in flatten([run])]))


def spread(text: str, source: str) -> str:
    """`text`, each character of which was made from the first of `source`."""
    if type(source) is not Text or not source:
        return text
    _, node, _, line = sources(source)[0]
    return placed(text, Rope([(len(text), node, -1, line)]))


class Text(str):
    """See the head of this file. Methods that are not here give a plain `str`: nothing is known of what they make."""

    __slots__ = ("_at", "_node")

    _node: Source | Rope
    _at: int

    def __new__(cls, value: object = "") -> Text:
        return value if type(value) is Text else placed(str(value), UNKNOWN, -1)

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> Any:
        return str, (str.__str__(self),)

    def _cut(self, start: int, stop: int) -> Text:
        at = self._at
        return placed(str.__getitem__(self, slice(start, stop)), self._node, at + start if at >= 0 else at)

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        out = str.__getitem__(self, key)
        if isinstance(key, slice):
            start, _, step = key.indices(len(self))
            if step != 1:
                return joined(out, [self._cut(i, i + 1) for i in range(len(self))[key]])
        else:
            start = key.__index__()
            start += len(self) if start < 0 else 0
        return placed(out, self._node, self._at + start if self._at >= 0 else -1)

    def __iter__(self) -> Iterator[str]:
        node, at = self._node, self._at
        for i, c in enumerate(str.__iter__(self)):
            yield placed(c, node, at + i if at >= 0 else -1)

    def __add__(self, other: Any) -> str:
        if not isinstance(other, str) or hasattr(other, "__html__"):
            return NotImplemented
        return joined(str.__add__(self, other), (self, other))

    def __radd__(self, other: Any) -> str:
        if not isinstance(other, str):
            return NotImplemented
        return joined(str.__add__(other, self), (other, self))

    def __mul__(self, times: SupportsIndex) -> str:
        out = str.__mul__(self, times)
        return joined(out, [self] * (len(out) // len(self)) if self else ())

    __rmul__ = __mul__  # pyright: ignore[reportAssignmentType]

    def strip(self, chars: str | None = None, /) -> str:
        start = len(self) - len(str.lstrip(self, chars))
        return self._cut(start, start + len(str.strip(self, chars)))

    def lstrip(self, chars: str | None = None, /) -> str:
        return self._cut(len(self) - len(str.lstrip(self, chars)), len(self))

    def rstrip(self, chars: str | None = None, /) -> str:
        return self._cut(0, len(str.rstrip(self, chars)))

    def removeprefix(self, prefix: str, /) -> str:
        return self._cut(len(self) - len(str.removeprefix(self, prefix)), len(self))

    def removesuffix(self, suffix: str, /) -> str:
        return self._cut(0, len(str.removesuffix(self, suffix)))

    def _places(self, pieces: list[str], sep: str | None) -> Any:
        """The pieces of a split: between them is `sep`, or blanks."""
        out: list[str] = []
        at = 0
        for piece in pieces:
            if sep is None:
                at = self.find(piece, at)
            out.append(self._cut(at, at + len(piece)))
            at += len(piece) + (len(sep) if sep is not None else 0)
        return out

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> Any:
        return self._places(str.split(self, sep, maxsplit), sep)

    def rsplit(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> Any:
        return self._places(str.rsplit(self, sep, maxsplit), sep)

    def splitlines(self, keepends: bool = False) -> Any:
        out: list[str] = []
        at = 0
        for whole, line in zip(str.splitlines(self, True), str.splitlines(self, keepends)):
            out.append(self._cut(at, at + len(line)))
            at += len(whole)
        return out

    def _parts(self, pieces: tuple[str, str, str]) -> Any:
        one, two = len(pieces[0]), len(pieces[0]) + len(pieces[1])
        return self._cut(0, one), self._cut(one, two), self._cut(two, len(self))

    def partition(self, sep: str, /) -> Any:
        return self._parts(str.partition(self, sep))

    def rpartition(self, sep: str, /) -> Any:
        return self._parts(str.rpartition(self, sep))

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str:
        out = str.replace(self, old, new, count)
        if old and old not in self:
            return self
        left = count.__index__()
        parts: list[str] = []
        at = 0
        if not old:  # before each character, and at the end
            size = len(self)
            while left != 0 and at <= size:
                parts += (new, self._cut(at, at + 1))
                at += 1
                left -= 1
        else:
            while left != 0 and (found := self.find(old, at)) >= 0:
                parts += (self._cut(at, found), new)
                at = found + len(old)
                left -= 1
        parts.append(self._cut(at, len(self)))
        return joined(out, parts)

    def join(self, items: Iterable[str], /) -> str:
        parts = list(items)
        out = str.join(self, parts)
        if self and parts:
            spaced: list[str] = [self] * (2 * len(parts) - 1)
            spaced[::2] = parts
            return joined(out, spaced)
        return joined(out, parts)

    def lower(self) -> str:
        return blurred(str.lower(self), self)

    def upper(self) -> str:
        return blurred(str.upper(self), self)

    def title(self) -> str:
        return blurred(str.title(self), self)

    def capitalize(self) -> str:
        return blurred(str.capitalize(self), self)

    def swapcase(self) -> str:
        return blurred(str.swapcase(self), self)

    def casefold(self) -> str:
        return blurred(str.casefold(self), self)

    def _padded(self, out: str, fill: str, left: int) -> str:
        more = len(out) - len(self)
        pad = [fill] * more
        return joined(out, [*pad[:left], self, *pad[left:]])

    def ljust(self, width: SupportsIndex, fill: str = " ", /) -> str:
        return self._padded(str.ljust(self, width, fill), fill, 0)

    def rjust(self, width: SupportsIndex, fill: str = " ", /) -> str:
        out = str.rjust(self, width, fill)
        return self._padded(out, fill, len(out) - len(self))
