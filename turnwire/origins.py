"""Where the characters of a prompt come from: the template's own text (and its line), or a field of the messages,
the tools or the variables (and its path). Spans tile a text; neighbours differ.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

from .errors import InputError

Kind = Literal["template", "data", "unknown"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Of one character. `line`: the template's line that wrote it, from 1, None where no template did. `path`: the
    field that it was in, such as `messages[3].content`; "" for the template's own text. `offset`: the character of
    that field, None where the template changed it (escaped, upper-cased)."""

    kind: Kind
    line: int | None
    path: str = ""
    offset: int | None = None


class Span(NamedTuple):
    """Characters [start, stop) of a text. `offset` is that of the first; the others follow, if it is not None.
    `path` as steps: ("messages", 3, "content"); a key of a mapping is the step `Key("city")`."""

    start: int
    stop: int
    kind: Kind
    line: int | None
    path: tuple[object, ...] = ()
    offset: int | None = None


named = cast("Any", tuple).__new__
"""Makes a `Span` of a tuple, quicker than its own way."""


class Key(str):
    """A step to the key of a mapping itself, where `str` steps to the value under it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Key({str(self)!r})"


def spell(path: Sequence[object]) -> str:
    """A path as people write it: `messages[3].tool_calls[0].function.arguments.city`; a key itself ends in `.key`."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif isinstance(step, Key):
            out += f"[{str(step)!r}].key"
        else:
            name = str(step)
            out += (f".{name}" if out else name) if name.isidentifier() else f"[{name!r}]"
    return out


class OriginMap:
    """The spans of a text, and who owns a character. `laid`: the spans, or what gives them when somebody asks."""

    __slots__ = ("_laid", "_starts")
    _starts: list[int] | None

    def __init__(self, laid: Sequence[Span] | Callable[[], Sequence[Span]]):
        self._laid = tuple(laid) if not callable(laid) else laid
        self._starts = None

    def __reduce__(self) -> tuple[Any, ...]:
        return OriginMap, (self.spans,)

    @property
    def spans(self) -> tuple[Span, ...]:
        """They tile the text."""
        laid = self._laid
        if callable(laid):
            self._laid = laid = tuple(laid())
        return laid

    def at(self, index: int) -> Origin:
        """The origin of character `index` (negative ones count from the end); raises `InputError` beyond the text."""
        spans = self.spans
        size = spans[-1].stop if spans else 0
        at = index + size if index < 0 else index
        if not 0 <= at < size:
            raise InputError(f"no character {index}", value=index, path="index", expected=f"one of {size} characters")
        if self._starts is None:
            self._starts = [span.start for span in spans]
        start, _, kind, line, path, offset = spans[bisect_right(self._starts, at) - 1]
        return Origin(kind, line, spell(path), None if offset is None else offset + at - start)


def authored(spans: Sequence[Span]) -> Iterator[tuple[int, int, bool]]:
    """Stretches (start, stop, whether the template wrote them), as long as can be: what is of unknown origin counts as
    the caller's."""
    start = stop = 0
    own = False
    for s in spans:
        if (s.kind == "template") != own:
            if stop > start:
                yield start, stop, own
            start, own = s.start, s.kind == "template"
        stop = s.stop
    if stop > start:
        yield start, stop, own
