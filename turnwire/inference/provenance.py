"""The second opinion: what the source map says of the texts that were found by sentinels.

What is taken for a value must be the message's, what is taken for markup must not be anybody's data: a text of the
conversation (a date, a description, an id) that ended up in a tree as markup would be wrong in every other prompt.
"""

from __future__ import annotations

from ..errors import TemplateError
from ..origins import Key, Span, spell
from ..templating.sourcemap import trace
from .probe import KEY, LIMITS, ONE, QUESTION, RESULT, SAID, THOUGHT, TODAY, VALUE, Probe, Said
from .segments import Seen

SENTINELS = (THOUGHT, SAID, ONE.name, KEY, VALUE)


def agreement(probe: Probe, seen: Seen) -> tuple[float | None, list[str]]:
    """The share of the characters of the fullest turn on which sentinels and source map agree (None: there is no map);
    and which data stand where markup was seen."""
    kinds = max(seen.turns, key=len)
    said = Said(THOUGHT if "R" in kinds else None, SAID if "C" in kinds else None, (ONE,) if "K" in kinds else ())
    try:
        traced = trace(probe.source, probe.variables_of(*probe.conversation(said)), LIMITS, TODAY)
    except TemplateError:
        return None, []
    text = traced.text
    start = text.rindex(QUESTION) + len(QUESTION) if QUESTION in text else len(text)
    stop = text.index(RESULT, start) if RESULT in text[start:] else len(text)
    reply = seen.behind(text[start:stop])
    if traced.map is None or not reply:
        return None, []
    start = stop - len(reply)
    values = [False] * len(reply)
    for sentinel in SENTINELS:
        at = reply.find(sentinel)
        while at >= 0:
            values[at : at + len(sentinel)] = [True] * len(sentinel)
            at = reply.find(sentinel, at + 1)
    wrong = 0
    fields: dict[str, None] = {}
    last = len(probe.mode.before())
    for span in traced.map.spans:
        for i in range(max(span.start, start), min(span.stop, stop)):
            if span.kind == "unknown" or _constant(span, values[i - start]):
                continue
            if values[i - start] != _of_turn(span, last):
                wrong += 1
                if not values[i - start] and span.path[:2] != ("messages", last):
                    fields.setdefault(spell(span.path))
    return 1 - wrong / len(reply), [f"markup that comes from {field}" for field in fields]


def _constant(span: Span, value: bool) -> bool:
    """Whether data may be markup: it is the same in every call, or all of an argument's JSON text."""
    last = span.path[-1] if span.path else None
    if isinstance(last, Key):
        return last in ("function", "name", "arguments", "type", "id")
    return last in ("type", "role", "id") or (last == "arguments" and not value)


def _of_turn(span: Span, last: int) -> bool:
    return span.kind == "data" and span.path[:2] == ("messages", last)
