"""Events: what a streaming parser says while a model writes. Data only.

`span` is half-open, in characters of the decoded reply; the non-empty spans tile it exactly, in order.
`tokens` is the smallest half-open range of reply tokens that covers the span (neighbours may share a
token), or None when text was fed. A part's events come in the order PartStart, deltas, PartEnd; a call's
are PartStart, CallStart (as soon as its name is known), ArgumentsDelta..., CallEnd, PartEnd. Where a list of calls is
one expression of its notation (`wire.Many(together=True)`), each CallEnd and PartEnd come when the list is closed.
Arguments of a call that may yet be cut are streamed: act on a call only when its CallEnd says `complete`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from .turns import Call

Span = tuple[int, int]
FinishReason = Literal["stop", "length", "tool_calls", "abort"]


@dataclass(slots=True)
class PartStart:
    """A part begins. `channel` is the name the format gives it (Harmony), else None; `recipient` is set when
    the part is text that is not for the user ("": for nobody that the format knows)."""

    part: int
    kind: Literal["text", "reasoning", "call"]
    channel: str | None
    span: Span
    tokens: Span | None
    recipient: str | None = None


@dataclass(slots=True)
class TextDelta:
    """More text of a text part."""

    part: int
    text: str
    span: Span
    tokens: Span | None


@dataclass(slots=True)
class ReasoningDelta:
    """More text of a reasoning part."""

    part: int
    text: str
    span: Span
    tokens: Span | None


@dataclass(slots=True)
class CallStart:
    """A call's name is known. `index` counts the turn's calls; `id` is what the model wrote, or what names calls.
    `name_span`, `name_tokens`: where the name is, without quotes; None where the prompt has it."""

    part: int
    index: int
    id: str | None
    name: str
    span: Span
    tokens: Span | None
    name_span: Span | None = None
    name_tokens: Span | None = None


@dataclass(slots=True)
class ArgumentsDelta:
    """More of a call's arguments, as JSON text; the deltas concatenate to exactly the final text."""

    part: int
    index: int
    json: str
    span: Span
    tokens: Span | None


@dataclass(slots=True)
class CallEnd:
    """A call ended. Only a `complete` call may be run; `call.errors` has the violations of its schema."""

    part: int
    index: int
    call: Call
    complete: bool
    faults: tuple[Fault, ...]
    span: Span
    tokens: Span | None


@dataclass(slots=True)
class PartEnd:
    """A part ended."""

    part: int
    span: Span
    tokens: Span | None


@dataclass(slots=True)
class Markup:
    """Characters that belong to no part's text: markers, pads, separators, names, junk."""

    text: str
    span: Span
    tokens: Span | None


@dataclass(slots=True)
class Fault:
    """The model's output breaks the format. `code` is stable, `text` the offending characters (they are
    also in the events around it, so `span` is empty and stands where the fault was noticed)."""

    code: str
    message: str
    text: str
    span: Span
    tokens: Span | None


@dataclass(slots=True)
class TurnEnd:
    """The reply is over; always the last event."""

    reason: FinishReason | None
    span: Span
    tokens: Span | None


Event: TypeAlias = (
    "PartStart | TextDelta | ReasoningDelta | CallStart | ArgumentsDelta | CallEnd | PartEnd | Markup | Fault | TurnEnd"
)
