"""A template's text with its source map, as the stretches that `Rendered` is made of.

A control token is made only where the template itself wrote all of its spelling; text of the caller's, or of unknown
origin, stays text, also where several fields meet, in keys and in tool definitions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..messages import REASONING
from ..origins import OriginMap, Span, authored
from ..spans import Stretch
from ..wire import Symbols

if TYPE_CHECKING:
    from ..tokens import Tokenizer


class Sampled(NamedTuple):
    """Characters [start, stop) that the model would have written in message `turn`."""

    start: int
    stop: int
    turn: int


@dataclass(frozen=True, slots=True)
class Found:
    """Where the model wrote, and the turns of which that cannot be told: message -> why."""

    ranges: tuple[Sampled, ...]
    unknown: dict[int, str]


class Prompt:
    """See the head of this file. What the model would have written takes trials to find, and is found when somebody
    asks for what depends on it. `symbols`: the prompt's control tokens. `why` there is no map, if there is none."""

    def __init__(
        self,
        text: str,
        origins: OriginMap | None,
        messages: Sequence[Mapping[str, Any]],
        why: str,
        find: Callable[[], Found],
    ):
        self.text, self.messages, self.why = text, messages, why
        self.origins = origins or OriginMap([Span(0, len(text), "unknown", None)] * bool(text))
        self.symbols = Symbols(())
        self._find = find

    def control_of(self, tokenizer: Tokenizer, source: str) -> tuple[str, ...]:
        """The added tokens that the template's own part of the text spells, or that its source does; blanks and words
        that a template writes as ordinary text are no control tokens, unless they are special."""
        authors = authored(self.origins.spans)
        own = "\0".join(self.text[start:stop] for start, stop, template in authors if template) + "\0" + source
        return tuple(t for t in tokenizer.added if t in own and (t in tokenizer.specials or _marks(t)))

    @cached_property
    def found(self) -> Found:
        """What the model would have written."""
        return self._find()

    def unmasked(self) -> str:
        """Why nobody can say what the model wrote; "" if it is known."""
        if self.why:
            return f"no source map: {self.why}"
        if self.found.unknown:
            at, problem = next(iter(self.found.unknown.items()))
            return f"messages[{at}]: {problem}"
        if not self.found.ranges and any(m.get("role") == "assistant" for m in self.messages):
            return "nothing that the model wrote is in the prompt"
        return ""

    def stretches(self) -> list[Stretch]:
        """The text in pieces of one owner each, control tokens as symbols."""
        text, spans = self.text, self.origins.spans
        out: list[Stretch] = []
        marks = iter([*_tokens(text, spans, self.symbols), (len(text), len(text), "")])
        first, end, symbol = next(marks)
        at = 0  # a token may reach into the next span
        for start, stop, owner in _owned(spans, self.found.ranges, _Owners(self.messages)):
            at = max(at, start)
            while first < stop and at < stop:
                if first > at:
                    out.append((text[at:first], *owner))
                out.append((symbol, owner[0], owner[1], "template", owner[3]))
                at = end
                first, end, symbol = next(marks)
            if at < stop:
                out.append((text[at:stop], *owner))
        return out


def _marks(token: str) -> bool:
    return not token.isspace() and not token.isalnum()


def _tokens(text: str, spans: Sequence[Span], control: Symbols) -> Iterator[tuple[int, int, str]]:
    """(start, stop, symbol) of the control tokens that the template wrote; the longest at each place."""
    if not control.of:
        return
    spelled = re.compile("|".join(map(re.escape, sorted(control.of, key=lambda t: (-len(t), t)))))
    for start, stop, own in authored(spans):
        if own:
            for m in spelled.finditer(text, start, stop):
                yield m.start(), m.end(), control.of[m.group()]


Owner = tuple["int | None", "int | None", str, bool]
"""Turn, part, kind, and whether it is sampled, as in `spans.Run`."""


def _owned(spans: Sequence[Span], sampled: Sequence[Sampled], owners: _Owners) -> Iterator[tuple[int, int, Owner]]:
    """The spans with their owners, cut where what was sampled begins and ends."""
    ranges = iter([*sampled, Sampled(spans[-1].stop, spans[-1].stop, 0)] if spans else ())
    begin = end = turn = 0  # of the range that is met next, or that a span is in
    known: tuple[object, ...] | None = None  # whose owner is known
    owner: Owner = (None, None, "template", False)
    for start, stop, kind, _, path, _ in spans:
        head = path[:4] if kind == "data" else ()
        while start < stop:
            while end <= start:
                begin, end, turn = next(ranges)
            now = turn if begin <= start else None
            to = min(stop, end if begin <= start else begin)
            if (now, head) != known:
                known = now, head
                owner = owners.of(head, now)
            yield start, to, owner
            start = to


class _Owners:
    """Whose the start of a path is. Parts count as in the `Turn` that a message reads as: reasoning, content, calls."""

    def __init__(self, messages: Sequence[Mapping[str, Any]]):
        self._roles = [str(m.get("role")) for m in messages]
        self._first = [_first_parts(m) for m in messages]

    def of(self, path: tuple[object, ...], turn: int | None) -> Owner:
        """The owner of a field, or of the template's text (no path), that was sampled in this turn."""
        sampled = turn is not None
        if not path:
            return turn, None, "template", sampled
        if path[0] == "tools":
            return turn, None, "tools", sampled
        if path[0] != "messages" or len(path) < 3 or not isinstance(path[1], int):
            return turn, None, "text", sampled
        at, field = path[1], str(path[2])
        content, calls = self._first[at]
        if field == "tool_calls":
            return at, calls + (path[3] if len(path) > 3 and isinstance(path[3], int) else 0), "call", sampled
        if field in REASONING:
            return at, 0, "reasoning", sampled
        if self._roles[at] == "tool" or field in ("tool_call_id", "name"):
            return at, 0, "result", sampled
        inside = path[3] if len(path) > 3 and isinstance(path[3], int) else 0
        return at, content + inside, "text", sampled


def _first_parts(message: Mapping[str, Any]) -> tuple[int, int]:
    """The indices of the first part of the content and of the first call."""
    before = 1 if any(message.get(k) for k in REASONING) else 0
    content: Any = message.get("content")
    parts = len(cast("list[Any]", content)) if isinstance(content, list) else int(bool(content))
    return before, before + parts
