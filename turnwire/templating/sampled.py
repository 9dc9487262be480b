"""What the model would have written of a template's prompt, for any template, without `{% generation %}`.

At every turn of the assistant the text is compared with what trials say that stands before and behind such a turn (see
`trials`). Where they part, only whole markers that both have count. So a reasoning block that the prompt opens is not
sampled, nor one that the template makes up for a turn without reasoning; the stop token is, the line end behind it not.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

from ..origins import Span
from .likeness import Likenesses, Message, kind
from .mapped import Found, Sampled
from .told import Told, told
from .trials import MARKER, NONE, PLAIN, SILENT, Extent, Trials, common, parted

UNASKED = "the template does not ask the model for it"
UNTOLD = "nothing tells where the template begins or ends it"
BLANKS = re.compile(r"\s*")


def find(
    text: str, spans: Sequence[Span], messages: list[Message], usual: Trials, exact: Trials, prompt: bool
) -> Found:
    """The characters of `text` that the model would have written. `usual` trials are on likenesses of the conversation,
    `exact` ones on itself. `prompt`: a generation prompt was asked for."""
    shown = told(spans, messages)
    found = _Search(text, shown, usual, exact, prompt).run()
    interrupted = _interrupted(found.ranges, shown, spans)
    unknown = found.unknown | dict.fromkeys(interrupted, "what others wrote stands inside it")
    return Found(
        tuple(r._replace(turn=shown.of[r.turn]) for r in found.ranges if r.turn not in interrupted),
        {shown.of[i]: why for i, why in sorted(unknown.items())},
    )


def _interrupted(ranges: Sequence[Sampled], shown: Told, spans: Sequence[Span]) -> set[int]:
    """The turns whose ranges hold data of other messages."""
    ends = list(accumulate((max(e.ends) if e else 0 for e in shown.extents), max, initial=0))
    far = max(ends, default=0)
    firsts = list(accumulate((e.first if e else far for e in reversed(shown.extents)), min, initial=far))[::-1]
    doubtful = [r for r in ranges if ends[r.turn] > r.start or firsts[r.turn + 1] < r.stop]
    if not doubtful:
        return set()
    data = [s for s in spans if s.kind == "data" and s.path[:1] == ("messages",) and len(s.path) > 1]
    starts, stops = [s.start for s in data], [s.stop for s in data]
    return {
        r.turn
        for r in doubtful
        if any(s.path[1] != shown.of[r.turn] for s in data[bisect_right(stops, r.start) : bisect_left(starts, r.stop)])
    }


class _Search:
    def __init__(self, text: str, shown: Told, usual: Trials, exact: Trials, prompt: bool):
        self.text, self.messages, self.usual, self.exact, self.prompt = text, shown.messages, usual, exact, prompt
        self.extents = shown.extents
        self.like = Likenesses(self.messages)

    def run(self) -> Found:
        ranges: list[Sampled] = []
        unknown: dict[int, str] = {}
        floor = 0  # where the data before the turn ends
        for i, message in enumerate(self.messages):
            here = self.extents[i]
            nothing = ranges[-1] if ranges and ranges[-1].turn == i - 1 and not self.extents[i - 1] else None
            found = self._turn(i, here, floor, nothing) if message.get("role") == "assistant" else ""
            if isinstance(found, str):
                if found:
                    unknown[i] = found
                floor = max([floor, *(here.ends if here else ())])
                continue
            turn, floor = found
            before = ranges[-1].stop if ranges else 0
            if turn.stop > max(turn.start, before):
                ranges.append(turn._replace(start=max(turn.start, before)))
        return Found(tuple(ranges), unknown)

    def _turn(self, i: int, here: Extent | None, floor: int, nothing: Sampled | None) -> tuple[Sampled, int] | str:
        """Where the turn was sampled, and where its data ends. `nothing`: the turn before it, if that was the
        assistant's too and said nothing; trials cannot tell where such a turn begins."""
        if here is None and not _silent(self.messages[i]):
            return "the template does not show it"
        if here is not None and here.first < floor:
            return "its text does not stand behind the turns before it"
        lead = self._lead(i, floor, NONE)
        if nothing is not None:
            asked = self._headed(nothing.stop, here.first if here else len(self.text))
            lead = self.text[floor:asked] if asked > nothing.stop else lead
        if lead is None:
            prompt = self.usual.prompt or self.exact.prompt
            asked = self.text.find(prompt, floor, here.first if here else None) if prompt else -1
            if asked < 0:
                return "the template does not render the turns before it by themselves"
            lead = self.text[floor : asked + len(prompt)]
        start = floor + common(lead, self.text[floor : floor + len(lead)])
        if here is None:
            start = self._unreasoned(i, len(self.text), None if nothing else floor, start)
            if i + 1 == len(self.messages) and _another(lead, self.text[floor:]):
                return UNASKED
            end = self.text[nothing.start : nothing.stop] if nothing else ""
            if end and self.text.startswith(end, start):
                return Sampled(start, start + len(end), i), start
            if nothing is None and start == floor and lead:
                start = self._headed(start, next((e.first for e in self.extents[i + 1 :] if e), len(self.text)))
            begun = self._behind_header(start)
            if begun is None:
                return UNTOLD
            said = self._close(i, [], begun - floor)[0]
            return Sampled(begun, begun + self._end(begun, begun, said), i), begun
        start = max(start, self._headed(start, here.first))  # that no model writes
        if here.first < start < floor + len(lead):  # what a text and the prompt have in common by chance
            start = max([here.first, *(m.end() for m in MARKER.finditer(self.text, here.first, start))])
        parted = start
        if not here.reasons:
            start = self._unreasoned(i, here.first, None if nothing else floor, start)
        if start == parted < floor + len(lead) and _another(lead, self.text[floor : here.first]):
            return UNASKED
        ends = self._ends(i, here)
        close, at = self._close(i, ends, None)
        if at is None and not self._last(i):
            for upto in (self.like.upto(i), PLAIN):
                other = self.usual.ended(upto)
                if (at := self._followed(ends, other)) is not None:
                    close = other
                    break
        last = max(start, ends[-1] if at is None else at)
        stop = last + self._end(start, last, close)
        if header := self._opened(i, last, stop):
            stop = last + max((m.end() for m in MARKER.finditer(self.text[last:header])), default=0)
            if stop == last:
                return UNTOLD
        return Sampled(start, stop, i), last

    def _opened(self, i: int, start: int, stop: int) -> int:
        """Where the header of another turn stands between; 0 if none does. That of the last turn may stand in it again,
        in front of a part that says nothing."""
        marks = (m for m in MARKER.finditer(self.text, start, stop) if m.group() in self.usual.headers)
        own = self._heads[:1] if i + 1 == len(self.messages) else []
        return next((m.start() for m in marks if not any(self.text.startswith(h, m.start()) for h in own)), 0)

    def _behind_header(self, start: int) -> int | None:
        """Where a turn without data begins: behind the header that stands at `start`, if one does; None if that is not
        the prompt's."""
        blanks = BLANKS.match(self.text, start)
        mark = MARKER.match(self.text, blanks.end() if blanks else start)
        if mark is None or mark.group() not in self.usual.headers:
            return start
        heads = (head for head in self._heads if self.text.startswith(head, mark.start()))
        return next((mark.start() + len(head) for head in heads), None)

    def _last(self, i: int) -> bool:
        """Whether nothing follows the turn."""
        return i + 1 == len(self.messages) and not self.prompt

    def _ends(self, i: int, here: Extent) -> list[int]:
        """Where the turn's data may end: where a stretch does, no text of the turn behind it, and before the data of
        others begins. What is told again there, as a call's name in front of its result, is not the turn's."""
        if len(here.ends) == 1:
            return here.ends
        later = (self.extents[j] for j in range(i + 1, len(self.extents)))
        limit = next((e.first for e in later if e is not None and e.first > here.first), len(self.text))
        least = max((end for end in here.said if end <= limit), default=0)
        return [end for end in here.ends if least <= end <= limit] or here.ends

    def _lead(self, i: int, floor: int, variables: Mapping[str, Any]) -> str | None:
        """What a prompt would have had before the turn."""
        lead = self.usual.lead(self.like.before(i), variables)
        if lead is not None:
            prompt = len(self.usual.prompt) if lead.endswith(self.usual.prompt) else 0
            if variables or self.text.startswith(lead[: len(lead) - prompt], floor):
                return lead  # a prompt of which the template takes something back, in a history, is no surprise
        other = self.exact.lead(self.like.itself(i, kind(self.messages[i - 1]) if i else None), variables)
        if other is None or lead is None:
            return lead if other is None else other
        near = self.text[floor : floor + max(len(lead), len(other))]
        return other if common(other, near) > common(lead, near) else lead

    def _headed(self, start: int, stop: int) -> int:
        """Where a prompt ends that stands between, from its first marker on, or what of it stands there without its
        last ones; `start` if none does."""
        for head in self._heads:
            if (at := self.text.find(head, start, stop)) >= 0:
                return at + len(head)
        return start

    @cached_property
    def _heads(self) -> list[str]:
        """The prompt from its first marker on, then without its last ones."""
        prompt = self.usual.prompt or self.exact.prompt
        marks = [m.start() for m in MARKER.finditer(prompt)]
        first = marks[0] if marks else 0
        heads = [prompt[first:end] for end in (len(prompt), *reversed(marks))]
        return [head for head in heads if head.strip()]

    def _close(self, i: int, ends: list[int], silent: int | None) -> tuple[str, int | None]:
        """What ends the turn, and behind which of these ends of its data it stands."""
        upto, last = self.like.upto(i), self._last(i)
        between = silent is None and not last
        close = self.usual.between(upto) if between else self.usual.close(upto, silent, last)
        at = self._followed(ends, close)
        if at is None and ends:
            other = self.exact.close(self.like.itself(i + 1, self.like.key(i)), silent, last)
            if (found := self._followed(ends, other)) is not None:
                return other, found
        return close, at

    def _followed(self, ends: list[int], close: str) -> int | None:
        """The last of these places that `close` stands at."""
        if not close.strip():
            return None
        return next((end for end in reversed(ends) if self.text.startswith(close, end)), None)

    def _end(self, start: int, last: int, close: str) -> int:
        """How much of what stands behind a turn's last character is sampled: all of `close` but the blanks at its end;
        where the text is another, what both have, up to the last marker."""
        behind = self.text[last : last + len(close)]
        if behind == close:
            return len(close.rstrip())
        both = behind[: common(close, behind)]
        if last > start:
            return max((m.end() for m in MARKER.finditer(both)), default=0)
        marks = [m for m in MARKER.finditer(close) if m.group() not in self.usual.openers]  # nothing was said
        ends = [m.end() for m in marks if m.end() <= len(both)]
        ends = ends or [len(m.group()) for m in marks if behind.startswith(m.group())]
        return max(ends, default=0)

    def _unreasoned(self, i: int, first: int, floor: int | None, start: int) -> int:
        """Where a turn without reasoning begins: behind the prompt of a model that shall not think, or behind the empty
        block that the template makes up. `floor`: None where trials cannot tell a prompt."""
        text = self.text
        off = None if floor is None else self._lead(i, floor, SILENT)
        if floor is not None and off and floor + len(off) > start and text.startswith(off, floor):
            return floor + len(off)
        if not MARKER.search(text, start, first):
            return start
        block = self.usual.block(self.like.before(i))
        at = start
        for c in block:
            while at < first and text[at] != c and text[at].isspace():
                at += 1
            if at >= first or text[at] != c:
                return start
            at += 1
        while block and at < first and text[at].isspace():
            at += 1
        return at


def _another(lead: str, front: str) -> bool:
    """Whether what stands in front of a turn goes on with other words than the prompt, where they part: it is not what
    the prompt asks for, as in a task about a conversation, or in one where the model plays the user."""
    n = parted(lead, front)
    a, b = (text[n:].split(maxsplit=1) for text in (lead, front))
    if not a or not b or a[0] == b[0] or MARKER.match(b[0]):
        return False
    return not MARKER.match(a[0]) or not front[:n].strip()


def _silent(message: Message) -> bool:
    content: Any = message.get("content")
    return not message.get("tool_calls") and not (content.strip() if isinstance(content, str) else content)
