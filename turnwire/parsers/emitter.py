"""Events with their places: characters are counted as they come, and each event gets the span it owns."""

from __future__ import annotations

from ..events import Event, Fault, Markup, Span
from .calls import OpenCall
from .tokenmap import TokenMap


class Emitter:
    """`drain` returns the events since the last time. A call without a name yet holds what belongs to it."""

    def __init__(self, tokens: bool):
        self.at = 0  # characters so far, in the public spelling
        self.map = TokenMap() if tokens else None
        self.out: list[Event] = []
        self.call: OpenCall | None = None

    def drain(self) -> list[Event]:
        out, self.out = self.out, []
        return out

    def where(self, start: int | None = None, stop: int | None = None) -> tuple[Span, Span | None]:
        start = max(0, self.at if start is None else start)
        stop = max(start, self.at if stop is None else stop)
        return (start, stop), self.map.range(start, stop) if self.map is not None else None

    def place(self) -> tuple[Span, Span | None]:
        """Here: an empty span and its place among the tokens."""
        return self.where()

    def emit(self, event: Event) -> None:
        (self.call.held if self.call is not None and self.call.held else self.out).append(event)

    def markup(self, text: str, start: int) -> None:
        span, tokens = self.where(start, start + len(text))
        if span[1] > span[0]:
            self.emit(Markup(text[len(text) - (span[1] - span[0]) :], span, tokens))

    def fault(self, code: str, message: str, text: str) -> None:
        """A fault of the model, at this place; it also counts for the open call."""
        event = Fault(code, message, text, *self.where())
        if self.call is not None:
            self.call.faults.append(event)
        self.emit(event)
