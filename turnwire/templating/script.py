"""Scripts: how turns of one shape are written. A reply tree writes turns of the same kinds of part alike, but for what
their slots say; so it is walked for the first two of them in a prompt, and played for the others in less time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from ..turns import Call, Part, Reasoning, Text
from .writer import Writer

Fill = Callable[[Writer, Any], None]
"""Writes what a slot says of a part."""
Script: TypeAlias = "list[tuple[str, Fill | None, int | None, bool]]"
"""Markup in symbols, or what fills a slot; which part of the turn it is of, and whether the model wrote it."""


class Recorder(Writer):
    """Takes down what would be written. Parts are told by their places in the turn."""

    def __init__(self, w: Writer):
        super().__init__(w.symbols, str)
        self.sampled = w.sampled
        self.script: Script = []

    def symbols_of_markup(self, symbols: str) -> None:
        if self.script and self.script[-1][1:] == (None, self.part, self.sampled):
            symbols = self.script.pop()[0] + symbols
        if symbols:
            self.script.append((symbols, None, self.part, self.sampled))

    def slot(self, fill: Fill, part: Any) -> None:
        self.script.append(("", fill, self.part, self.sampled))


def play(w: Writer, script: Script, parts: Sequence[tuple[int | None, Part]]) -> None:
    """Write a turn."""
    turn, add = w.turn, w.stretches.append
    for symbols, fill, at, sampled in script:
        index, part = parts[at] if at is not None else (None, None)
        if fill is None:
            add((symbols, turn, index, "template", sampled))
        else:
            w.part, w.sampled = index, sampled
            fill(w, part)


def shape(parts: Sequence[tuple[int | None, Part]]) -> tuple[Any, ...] | None:
    """What a walk looks at of a turn's parts; None for what it had better look at itself."""
    out: list[Any] = []
    for _, part in parts:
        if isinstance(part, Text) and not part.prefilled:
            out.append((not part.text, part.channel, part.recipient))
        elif isinstance(part, Call):
            out.append("call")
        elif isinstance(part, Reasoning) and not part.prefilled:
            out.append(not part.text)
        else:
            return None
    return tuple(out)
