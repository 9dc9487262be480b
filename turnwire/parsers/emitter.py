"""Events with their places: characters are counted as they come, and each event gets the span it owns.

It keeps the ends of calls that count only together (`wire.Many`) until their list is closed; all else goes out at once.
"""

from __future__ import annotations

from dataclasses import replace

from ..events import CallEnd, Event, Fault, Markup, PartEnd, Span
from ..turns import Part
from .calls import OpenCall
from .tokenmap import TokenMap

MAX_HEAD = 4096  # characters of a header, a key or a name that are read


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
        self.noted: int | None = None  # where a name begins, or text that a name is read from

    def drain(self) -> list[Event]:
        out, self.out = self.out, []
        return out

    def where(self, start: int | None = None, stop: int | None = None) -> tuple[Span, Span | None]:
        start = self.at if start is None else start
        stop = self.at if stop is None else stop
        if start < 0:
            start = 0
        if stop < start:
            stop = start
        return (start, stop), self.map.range(start, stop) if self.map is not None else None

    def place(self) -> tuple[Span, Span | None]:
        """Here: an empty span and its place among the tokens."""
        return self.where()

    def note(self, start: int) -> None:
        """A name, or text that a name is read from, begins here, if it has not begun."""
        if self.noted is None:
            self.noted = start

    def since(self, start: int) -> int:
        """The first character whose tokens may still be asked for: `start`, or where a name began."""
        if self.noted is None:
            return start
        if self.at - self.noted > MAX_HEAD:
            self.noted = None
            return start
        return max(0, min(start, self.noted))

    def name_at(self, within: Span | None) -> tuple[Span | None, Span | None]:
        """Where the name is: `within` what was noted, or all of it but the quotes around it. Nowhere, if the prompt has
        some of it."""
        start, self.noted = self.noted, None
        if start is None or self.at - start > MAX_HEAD:
            return None, None
        first, last = within if within is not None else (1, self.at - start - 1)
        return self.where(start + first, start + last) if start + first >= 0 else (None, None)

    def emit(self, event: Event) -> None:
        (self.call.held if self.call is not None and self.call.held else self.out).append(event)

    def markup(self, text: str, start: int) -> None:
        span, tokens = self.where(start, start + len(text))
        if span[1] > span[0]:
            self.emit(Markup(text if start >= 0 else text[-span[1] :], span, tokens))

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


def collect(into: list[str], text: str) -> None:
    """More of a name, a key or a header, as far as it is read."""
    if len(into) < MAX_HEAD:
        into.append(text[:MAX_HEAD])
