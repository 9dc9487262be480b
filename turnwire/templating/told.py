"""A conversation in the order in which a template tells it.

Some templates write the results of calls inside the turn that made them, and the turn's text or further calls behind
them. What stands there is a turn of its own: the model was asked again for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, cast

from ..messages import REASONING
from ..origins import Span
from .likeness import Message
from .trials import Extent, extents

Part = str | int
"""Reasoning or text by its field, a call by its number."""
Moved = dict[int, dict[Part, int]]
"""By message and part, the result that the part stands behind."""


class Told(NamedTuple):
    """`extents`: where the data of each message is. `of`: which one it was in the conversation as given."""

    messages: list[Message]
    extents: list[Extent | None]
    of: Sequence[int]


def told(spans: Sequence[Span], messages: list[Message]) -> Told:
    """See the head of this file."""
    found = extents(spans, len(messages))
    moved = _moved(spans, messages, found)
    if not moved:
        return Told(messages, found, range(len(messages)))
    later: dict[int, dict[int, set[Part]]] = {}  # result -> message -> its parts behind that
    for i, here in moved.items():
        for part, behind in here.items():
            later.setdefault(behind, {}).setdefault(i, set()).add(part)
    out: list[Message] = []
    of: list[int] = []
    places: dict[tuple[int, int], int] = {}  # a message, and what a part of it stands behind -> its new place
    for i, message in enumerate(messages):
        places[i, i] = len(out)
        out.append(_less(message, moved[i]) if i in moved else message)
        of.append(i)
        for j, parts in later.get(i, {}).items():
            places[j, i] = len(out)
            out.append(_less(messages[j], {p for p in _parts(messages[j]) if p not in parts}))
            of.append(j)
    renamed: list[Span] = []
    for s in spans:
        at = _message(s)
        if at is not None:
            behind = moved.get(at, {}).get(_part(s), at)
            renamed.append(s._replace(path=("messages", places[at, behind], *s.path[2:])))
    return Told(out, extents(renamed, len(out)), of)


def _moved(spans: Sequence[Span], messages: list[Message], found: list[Extent | None]) -> Moved:
    """The parts that are first shown behind a later message of another, where others of their turn stand before it."""
    inside = _interrupted(messages, found)
    moved: Moved = {}
    if not inside:
        return moved
    first: set[tuple[int, Part]] = set()  # shown before any
    behind = -1  # the last of another so far
    for s in spans:
        i = _message(s)
        if i is None:
            continue
        if messages[i].get("role") != "assistant":
            behind = max(behind, i)
        elif i in inside:
            part = _part(s)
            if behind < i:
                first.add((i, part))
            elif part != "" and (i, part) not in first:
                moved.setdefault(i, {}).setdefault(part, behind)
    begun = {i for i, _ in first}
    return {i: parts for i, parts in moved.items() if i in begun}


def _interrupted(messages: list[Message], found: list[Extent | None]) -> set[int]:
    """The turns of the assistant within which the data of another begins."""
    others = sorted(e.first for m, e in zip(messages, found) if e is not None and m.get("role") != "assistant")
    return {
        i
        for i, (m, e) in enumerate(zip(messages, found))
        if e is not None
        and m.get("role") == "assistant"
        and bisect_right(others, e.first) < bisect_right(others, e.ends[-1])
    }


def _message(span: Span) -> int | None:
    at = span.path[1] if span.kind == "data" and len(span.path) > 2 and span.path[0] == "messages" else None
    return at if isinstance(at, int) else None


def _part(span: Span) -> Part:
    """What data shows; "" for what is told again where results are, as a call's name."""
    _, _, field, *steps = span.path
    if field == "tool_calls":
        return steps[0] if "arguments" in steps and isinstance(steps[0], int) else ""
    return str(field) if field == "content" or field in REASONING else ""


def _parts(message: Message) -> list[Part]:
    calls = cast("list[Any]", message.get("tool_calls") or [])
    return [k for k in ("content", *REASONING) if k in message] + list(range(len(calls)))


def _less(message: Message, parts: Collection[Part]) -> Message:
    """A message without some of its parts."""
    out = {k: v for k, v in message.items() if k not in parts and k != "tool_calls"}
    if "content" in parts:
        out["content"] = ""
    calls = cast("list[Any]", message.get("tool_calls") or [])
    kept = [c for k, c in enumerate(calls) if k not in parts]
    return out | {"tool_calls": kept} if kept else out
