"""Fields: what of a reply says what. The place of each piece of a turn, in characters and in tokens, by the path that
one would write for it: `reasoning`, `text`, `calls[0].name`, `calls[0].arguments`, `calls[0].arguments.city`.

`fields` reads them from a reply's events, however it was fed. A string in quotes has its quotes with it, a name has
none, white space inside a value is its own. A token with characters of two fields (`"}}` and a line end are one token
of Qwen3) is in both: `tokens` is the smallest range that covers a field, and `own` leaves out what it shares with
anything else, marks and blanks too.
"""

from __future__ import annotations

import codecs
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import step
from .events import ArgumentsDelta, CallEnd, CallStart, Event, PartStart, ReasoningDelta, Span, TextDelta

if TYPE_CHECKING:
    from .tokens import Bound


@dataclass(frozen=True, slots=True)
class Field:
    """One piece of a turn: `path`, the `part` of the turn that it is of, its characters, the `tokens` that hold them,
    and those that hold nothing else (`own`). A field without characters, an argument `""` of a notation without quotes,
    has empty ranges."""

    path: str
    part: int
    span: Span
    tokens: Span
    own: Span


def fields(events: Iterable[Event], ids: Sequence[int], bound: Bound) -> list[Field]:
    """The fields of a reply, in the order of its parts; `events` are all of its events, `ids` its tokens."""
    ends = token_ends(ids, bound)
    return [Field(path, part, span, *tokens_of(ends, span)) for path, part, span in _places(events)]


def token_ends(ids: Sequence[int], bound: Bound) -> list[float]:
    """Where the characters of each token of a reply end, plus a half where bytes of a split character are left over, as
    a parser counts them: control tokens by their spelling, what is no text as U+FFFD."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    spelling = {symbol: text for text, symbol in bound.symbols.items()}
    out: list[float] = []
    at, partial = 0, False
    for i in ids:
        piece = bound.table[i] if 0 <= i < len(bound.table) else None
        if isinstance(piece, str) and not partial:
            at += len(piece)
        elif isinstance(piece, (str, bytes)):
            at += len(decoder.decode(piece.encode() if isinstance(piece, str) else piece))
            partial = bool(decoder.getstate()[0])
        else:
            at += len(decoder.decode(b"", True))
            decoder.reset()
            if partial:
                out[-1], partial = at, False
            at += len(spelling[piece[0]]) if piece is not None else 0
        out.append(at + 0.5 if partial else at)
    if partial:
        out[-1] = at + len(decoder.decode(b"", True))
    return out


def tokens_of(ends: Sequence[float], span: Span) -> tuple[Span, Span]:
    """The tokens that cover a span, and those of them with no other characters."""
    start, stop = span
    first = bisect_right(ends, start)
    if stop <= start:
        return (first, first), (first, first)
    last = min(bisect_left(ends, stop) + 1, len(ends))
    before = ends[first - 1] if first else 0
    own_first = first + (before < start)
    own_last = last - (ends[last - 1] > stop)
    return (first, last), (own_first, max(own_first, own_last))


def _places(events: Iterable[Event]) -> Iterator[tuple[str, int, Span]]:
    open_text: dict[int, list[Any]] = {}
    calls: dict[int, list[ArgumentsDelta]] = {}
    for event in events:
        if isinstance(event, PartStart) and event.kind != "call":
            open_text[event.part] = [event.kind, event.span[1], event.span[1], False]
        elif isinstance(event, (TextDelta, ReasoningDelta)):
            place = open_text.setdefault(event.part, ["text", *event.span, False])
            place[1:] = [event.span[0] if not place[3] else place[1], event.span[1], True]
        elif isinstance(event, CallStart):
            calls[event.part] = []
            if event.name_span is not None:
                yield f"calls[{event.index}].name", event.part, event.name_span
        elif isinstance(event, ArgumentsDelta):
            calls.setdefault(event.part, []).append(event)
        elif isinstance(event, CallEnd):
            yield from _arguments(event, calls.pop(event.part, []))
        if not isinstance(event, (PartStart, TextDelta, ReasoningDelta)) and open_text:
            part = getattr(event, "part", None)
            if part in open_text:
                kind, start, stop, _ = open_text.pop(part)
                yield kind, part, (start, stop)


def _arguments(end: CallEnd, deltas: Sequence[ArgumentsDelta]) -> Iterator[tuple[str, int, Span]]:
    """The places of a call's arguments. JSON is where it is; of another notation no delta has text of a value and text
    that is none, but for the JSON that opens a member."""
    path = f"calls[{end.index}].arguments"
    if not deltas:
        yield path, end.part, (end.span[0], end.span[0])
        return
    written = [d.span for d in deltas if d.span[1] > d.span[0]] or [deltas[0].span]
    yield path, end.part, (written[0][0], written[-1][1])
    text = end.call.arguments_json if end.call.json is None else end.call.json
    at = len(text) - sum(len(d.json) for d in deltas)  # what the prompt has of them
    starts: list[int] = []
    for delta in deltas:
        starts.append(at)
        at += len(delta.json)
    exact = end.call.raw == end.call.json
    seen: set[str] = set()
    for key, start, stop in members(text):
        if key in seen or stop <= starts[0]:
            continue
        seen.add(key)
        span = (_exact if exact else _whole)(deltas, starts, start, stop)
        yield argument(path, key), end.part, span


def argument(path: str, key: str) -> str:
    """The path of one argument, whole."""
    return step(path, key) if len(key) < 60 else f"{path}[{json.dumps(key, ensure_ascii=False)}]"


def _exact(deltas: Sequence[ArgumentsDelta], starts: Sequence[int], start: int, stop: int) -> Span:
    """Characters `start` to `stop` of the JSON text, which is what the model wrote."""
    i = max(0, bisect_right(starts, start) - 1)
    j = max(0, bisect_left(starts, stop) - 1)
    a, b = deltas[i], deltas[j]
    return (a.span[0] + max(0, start - starts[i]), b.span[0] + min(stop - starts[j], b.span[1] - b.span[0]))


def _whole(deltas: Sequence[ArgumentsDelta], starts: Sequence[int], start: int, stop: int) -> Span:
    """The deltas behind the key (the one that tells it, if the value begins there) up to the one that ends it."""
    i = bisect_right(starts, start) - 1
    while i > 0 and starts[i] == start and deltas[i - 1].json == "":
        i -= 1  # read, and not told yet
    j = max(i, bisect_left(starts, stop) - 1)
    inside = [d.span for d in deltas[max(i, 0) : j + 1] if d.span[1] > d.span[0]]
    if not inside:
        return (deltas[j].span[1], deltas[j].span[1])
    return (inside[0][0], inside[-1][1])


def members(text: str) -> Iterator[tuple[str, int, int]]:
    """The members of a JSON object: key, where the value begins and ends. As far as it can be read; a value that is
    cut goes to the end."""
    at = _blanks(text, 0)
    if text[at : at + 1] != "{":
        return
    at = _blanks(text, at + 1)
    while text[at : at + 1] == '"':
        try:
            key, at = _DECODER.raw_decode(text, at)
        except ValueError:
            return
        at = _blanks(text, at)
        if text[at : at + 1] != ":":
            return
        start = _blanks(text, at + 1)
        try:
            _, at = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            if start < len(text):
                yield key, start, len(text)
            return
        yield key, start, at
        at = _blanks(text, at)
        if text[at : at + 1] != ",":
            return
        at = _blanks(text, at + 1)


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)


def _blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
