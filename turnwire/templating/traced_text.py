"""Text that knows where its characters come from.

`Text` is a `str`: equal, hashed and ordered like one. Beside its characters it holds a place in a node: the path of a
field, a `Source` (a literal of a template), or a `Rope` of places in other nodes, so that adding, joining and cutting
copy no origins; `flatten` finds them at the end. What comes out of an operation is always what `str` itself makes of
it; an origin is only put beside it, and one that is not certain is `UNKNOWN`.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any, SupportsIndex, cast

from ..origins import Kind
from . import budget

Path = tuple[object, ...]
"""Of a field whose characters are data: most nodes are such."""


class Source:
    """The characters of a literal, or of a field that is not (only) data; a place in it, as in a field, is an offset,
    -1 where the characters were changed."""

    __slots__ = ("kind", "line", "path")

    def __init__(self, kind: Kind, line: int = 0, path: Path = ()):
        self.kind: Kind = kind
        self.line = line
        self.path = path


UNKNOWN = Source("unknown")
Run = tuple[int, Any, int, int]
"""Length, whose (a `Path`, a `Source`, a `Rope`, or a list of runs, of which only all is meant), from where in it, and
the template's line (0: none)."""
Sourced = tuple[int, "Path | Source", int, int]


class Rope:
    """Runs after each other, of which parts may be asked for; they may be made on first use."""

    __slots__ = ("_asked", "_flat", "_runs", "_size")

    def __init__(self, size: int, runs: list[Run] | Callable[[], list[Run]]):
        self._size = size
        self._runs: Any = runs
        self._asked = 0
        self._flat: tuple[list[Run], list[int]] | None = None  # runs, and where they start

    def cut(self, at: int, length: int) -> list[Run]:
        """The runs of [at, at + length). Who is asked often keeps the answer flat."""
        if self._flat is None:
            runs: Any = self._runs
            if callable(runs):
                self._runs = runs = runs()  # another thread may have been quicker
            self._asked += 1
            if self._asked < 3:
                if length == self._size:
                    return runs
                return _cut(runs, list(accumulate([run[0] for run in runs], initial=0)), at, length)
            flat = cast("list[Run]", flatten(runs))
            self._flat = flat, list(accumulate([run[0] for run in flat], initial=0))
        return _cut(*self._flat, at, length)


class Blurred(Rope):
    """The runs of another text, as long as this one, without offsets."""

    __slots__ = ("of",)

    def __init__(self, of: str):
        super().__init__(len(of), lambda: [(n, node, -1, line) for n, node, _, line in sources(of)])
        self.of = of


def _cut(runs: list[Run], starts: list[int], at: int, length: int) -> list[Run]:
    stop = at + length
    out: list[Run] = []
    i = bisect_right(starts, at) - 1
    while at < stop:
        size, node, offset, line = runs[i]
        end = min(stop, starts[i + 1])
        if end - at < size and type(node) is list:
            node = Rope(size, cast("list[Run]", node))
        if end > at:
            out.append((end - at, node, offset + at - starts[i] if offset >= 0 else -1, line))
        at = end
        i += 1
    return out


def flatten(runs: list[Run]) -> list[Sourced]:
    """The same runs, of sources only; a line holds for all that is inside, which may have its own."""
    out: list[Sourced] = []
    outside: list[tuple[Iterator[Run], int]] = []
    inside, line = iter(runs), 0
    while True:
        for length, node, at, own in inside:
            if type(node) is tuple or type(node) is Source:
                if length:
                    out.append((length, cast("Path | Source", node), at, own or line))
            else:
                outside.append((inside, line))
                inside, line = entered(node, at, length), own or line
                break
        else:
            if not outside:
                return out
            inside, line = outside.pop()


def entered(node: Any, at: int, length: int) -> Iterator[Run]:
    """The runs of a place that is no source's."""
    if type(node) is list:
        return iter(cast("list[Run]", node))
    in_time()
    return iter(node.cut(at, length))


def in_time() -> None:
    """Raises when the render's time is over."""
    left = budget.current.get()
    if time.monotonic() > left.deadline:
        raise budget.over("seconds", left.limits.seconds, left.limits.seconds)


_new = str.__new__
_join = "".join


def placed(text: str, node: Path | Source | Rope | list[Run], at: int = 0) -> Text:
    """A text and its place."""
    out = _new(Text, text)
    out._node = node  # pyright: ignore[reportPrivateUsage]
    out._at = at  # pyright: ignore[reportPrivateUsage]
    return out


def plain(text: str) -> str:
    """The `str` alone."""
    return _join((text,)) if type(text) is str else str.__getitem__(text, slice(None))


def run_of(text: str, line: int = 0) -> Run:
    """The one run of a text; nothing is known of a plain `str`."""
    if type(text) is Text:
        return (len(text), text._node, text._at, line)  # pyright: ignore[reportPrivateUsage]
    return (len(text), UNKNOWN, -1, line)


def sources(text: str) -> list[Sourced]:
    """The runs of a text."""
    return flatten([run_of(text)])


def ours(text: str) -> bool:
    """Whether all of it is the template's."""
    return all(type(run[1]) is Source and run[1].kind == "template" for run in sources(text))


def joined(text: str, parts: Iterable[str]) -> str:
    """`text`, which is `parts` joined."""
    runs = [run_of(part) for part in parts if part]
    if sum([run[0] for run in runs]) != len(text):
        return text
    return placed(text, runs)


def blurred(text: str, source: str) -> str:
    """`text`, of which each character was made from the one of `source` at the same place."""
    if type(source) is not Text or len(text) != len(source):
        return text
    if text == source:
        return source
    node: Any = source._node  # pyright: ignore[reportPrivateUsage]
    return placed(text, Blurred(node.of if type(node) is Blurred and len(node.of) == len(source) else source))


def spread(text: str, source: str) -> str:
    """`text`, each character of which was made from the first of `source`."""
    if type(source) is not Text or not source:
        return text
    _, node, _, line = sources(source[:1])[0]
    return placed(text, [(len(text), node, -1, line)])


def _pieces(many: int) -> None:
    """Charges pieces that are about to be made."""
    budget.current.get().charge(budget.PIECE * many)


class Text(str):
    """See the head of this file. Methods that are not here give a plain `str`: nothing is known of what they make."""

    __slots__ = ("_at", "_node")

    _node: Path | Source | Rope | list[Run]
    _at: int

    def __new__(cls, value: object = "") -> Text:
        return value if type(value) is Text else placed(str(value), UNKNOWN, -1)

    def __str__(self) -> str:
        return self

    def __reduce__(self) -> Any:
        return str, (plain(self),)

    def _place(self) -> tuple[Path | Source | Rope, int]:
        """Where parts can be cut from."""
        node = self._node
        if isinstance(node, list):
            self._node = node = Rope(len(self), node)
        return node, self._at

    def _cut(self, start: int, stop: int) -> Text:
        node, at = self._place()
        return placed(str.__getitem__(self, slice(start, stop)), node, at + start if at >= 0 else at)

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        out = str.__getitem__(self, key)
        if isinstance(key, slice):
            start, _, step = key.indices(len(self))
            if step != 1:
                _pieces(len(out))
                return joined(out, [self._cut(i, i + 1) for i in range(len(self))[key]])
        else:
            start = key.__index__()
            start += len(self) if start < 0 else 0
        node, at = self._place()
        return placed(out, node, at + start if at >= 0 else at)

    def __iter__(self) -> Iterator[str]:
        _pieces(len(self))
        node, at = self._place()
        for i, c in enumerate(str.__iter__(self)):
            yield placed(c, node, at + i if at >= 0 else at)

    def __add__(self, other: Any) -> str:
        if type(other) is not Text:
            if not isinstance(other, str) or hasattr(other, "__html__"):
                return NotImplemented
            return joined(str.__add__(self, other), (self, other))
        if not other:
            return self
        if not self:
            return other
        out = _new(Text, str.__add__(self, other))
        out._node = [(len(self), self._node, self._at, 0), (len(other), other._node, other._at, 0)]
        out._at = 0
        return out

    def __radd__(self, other: Any) -> str:
        if not isinstance(other, str):
            return NotImplemented
        return joined(str.__add__(other, self), (other, self))

    def __mul__(self, times: SupportsIndex) -> str:
        out = str.__mul__(self, times)
        _pieces(len(out) // (len(self) or 1))
        return joined(out, [self] * (len(out) // len(self)) if self else ())

    __rmul__ = __mul__  # pyright: ignore[reportAssignmentType]

    def strip(self, chars: str | None = None, /) -> str:
        size = len(str.strip(self, chars))
        if size == len(self):
            return self
        start = len(self) - len(str.lstrip(self, chars))
        return self._cut(start, start + size)

    def lstrip(self, chars: str | None = None, /) -> str:
        start = len(self) - len(str.lstrip(self, chars))
        return self._cut(start, len(self)) if start else self

    def rstrip(self, chars: str | None = None, /) -> str:
        stop = len(str.rstrip(self, chars))
        return self if stop == len(self) else self._cut(0, stop)

    def removeprefix(self, prefix: str, /) -> str:
        return self._cut(len(self) - len(str.removeprefix(self, prefix)), len(self))

    def removesuffix(self, suffix: str, /) -> str:
        return self._cut(0, len(str.removesuffix(self, suffix)))

    def _places(self, pieces: list[str], sep: str | None) -> Any:
        """The pieces of a split: between them is `sep`, or blanks."""
        _pieces(len(pieces))
        if len(pieces) == 1 and len(pieces[0]) == len(self):
            return [self]
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
        lines = str.splitlines(self, True)
        _pieces(len(lines))
        for line, shown in zip(lines, str.splitlines(self, keepends)):
            out.append(self._cut(at, at + len(shown)))
            at += len(line)
        return out

    def _parts(self, pieces: tuple[str, str, str]) -> Any:
        one, two = len(pieces[0]), len(pieces[0]) + len(pieces[1])
        between = pieces[1] if hasattr(pieces[1], "__html__") else self._cut(one, two)  # it is what was given
        return self._cut(0, one), between, self._cut(two, len(self))

    def partition(self, sep: str, /) -> Any:
        return self._parts(str.partition(self, sep))

    def rpartition(self, sep: str, /) -> Any:
        return self._parts(str.rpartition(self, sep))

    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str:
        out = str.replace(self, old, new, count)
        if old and old not in self:
            return self
        _pieces(2 * str.count(self, old))
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
        _pieces(2 * len(parts))
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
        _pieces(len(out) - len(self))
        pad = [fill] * (len(out) - len(self))
        return joined(out, [*pad[:left], self, *pad[left:]])

    def ljust(self, width: SupportsIndex, fill: str = " ", /) -> str:
        return self._padded(str.ljust(self, width, fill), fill, 0)

    def rjust(self, width: SupportsIndex, fill: str = " ", /) -> str:
        out = str.rjust(self, width, fill)
        return self._padded(out, fill, len(out) - len(self))

    def center(self, width: SupportsIndex, fill: str = " ", /) -> str:
        out = str.center(self, width, fill)
        more = len(out) - len(self)
        return self._padded(out, fill, more // 2 + (more & width.__index__() & 1))
