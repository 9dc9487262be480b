"""Events with their places: characters are counted as they come, and each event gets the span it owns.

It keeps the ends of calls that count only together (`wire.Many`) until their list is closed; all else goes out at once.
"""

from __future__ import annotations

from dataclasses import replace

from ..events import CallEnd, Event, Fault, Markup, PartEnd, Span
from ..turns import Part
from .calls import OpenCall
from .tokenmap import TokenMap


class Emitter:
    """`drain` returns the events since the last time. A call without a name yet holds what belongs to it."""

    def __init__(self, tokens: bool, keep: bool):
        self.at = 0  # characters so far, in the public spelling
        self.map = TokenMap() if tokens else None
        self.out: list[Event] = []
        self.call: OpenCall | None = None
        self.keep = keep
        self.parts: list[Part] = []
        self.together: list[CallEnd] | None = None  # of an open list

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

    def ended(self, end: CallEnd) -> None:
        """A call ended, and its part."""
        if self.together is not None:
            self.together.append(end)
            return
        self.out += (end, PartEnd(end.part, *self.where()))
        if self.keep:
            self.parts.append(end.call)

    def list_ended(self, closed: bool) -> None:
        """So did a list of calls that count together: one that was cut holds none."""
        ends, self.together = self.together or [], None
        for end in ends:
            end.span, end.tokens = self.where()
            if not closed and end.call.status != "incomplete":
                cut = Fault(
                    "incomplete-call", "the list that the call stands in was cut", end.call.name or "", *self.where()
                )
                self.out.append(cut)
                end.call = replace(end.call, status="incomplete", errors=())
                end.complete, end.faults = False, (*end.faults, cut)
            self.ended(end)
