"""What the model would have written of a template's prompt, for any template, without `{% generation %}`.

At every turn of the assistant the text is compared with what trials say that stands before and behind such a turn (see
`trials`). Where they part, only whole markers that both have count. So a reasoning block that the prompt opens is not
sampled, nor one that the template makes up for a turn without reasoning; the stop token is, the line end behind it not.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..codecs import dumps
from ..origins import Span
from .mapped import Sampled
from .trials import MARKER, NONE, SILENT, Close, Extent, Message, Trials, common, extents, few, kind, like, likeness


@dataclass(frozen=True, slots=True)
class Found:
    """Where the model wrote, and the turns of which that cannot be told: message -> why."""

    ranges: tuple[Sampled, ...]
    unknown: Mapping[int, str]


def find(text: str, spans: Sequence[Span], messages: list[Message], usual: Trials, exact: Trials) -> Found:
    """The characters of `text` that the model would have written. `usual` trials are on likenesses of the conversation,
    `exact` ones on itself."""
    return _Search(text, spans, messages, usual, exact).run()


class _Search:
    def __init__(self, text: str, spans: Sequence[Span], messages: list[Message], usual: Trials, exact: Trials):
        self.text, self.messages, self.usual, self.exact = text, messages, usual, exact
        self.extents = extents(spans, len(messages))

    def run(self) -> Found:
        ranges: list[Sampled] = []
        unknown: dict[int, str] = {}
        floor = 0  # where the data before the turn ends
        for i, message in enumerate(self.messages):
            here = self.extents[i]
            found = self._turn(i, here, floor) if message.get("role") == "assistant" else ""
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

    def _turn(self, i: int, here: Extent | None, floor: int) -> tuple[Sampled, int] | str:
        """Where the turn was sampled, and where its data ends."""
        if here is None and not _silent(self.messages[i]):
            return "the template does not show it"
        if here is not None and here.first < floor:
            return "its text does not stand behind the turns before it"
        lead = self._lead(i, floor, NONE)
        if lead is None:
            prompt = self.usual.prompt or self.exact.prompt
            at = self.text.find(prompt, floor, here.first if here else None) if prompt else -1
            if at < 0:
                return "the template does not render the turns before it by themselves"
            lead = self.text[floor : at + len(prompt)]
        start = floor + common(lead, self.text[floor : floor + len(lead)])
        if here is None:
            start = self._unreasoned(i, len(self.text), floor, start)
            said = self._close(i, None, start - floor)[0]
            return Sampled(start, start + self._end(start, start, said.text), i), start
        if not here.reasons:
            start = self._unreasoned(i, here.first, floor, start)
        close, ends = self._close(i, here, None)
        stop, last = self._stop(start, here, close, ends)
        if not ends and i + 1 < len(self.messages):
            close = self.usual.ended(self._upto(i))
            if ends := self._followed(here, close):
                stop, last = max((stop, last), self._stop(start, here, close, ends))
        return Sampled(start, stop, i), last

    def _stop(self, start: int, here: Extent, close: Close, ends: list[int]) -> tuple[int, int]:
        """Where a turn ends that `close` ends, which stands at `ends`, and where its data does."""
        last = max(start, ends[close.times - 1] if 0 < close.times <= len(ends) else here.ends[-1])
        return last + self._end(start, last, close.text), last

    def _lead(self, i: int, floor: int, variables: Mapping[str, Any]) -> str | None:
        """What a prompt would have had before the turn."""
        before = likeness(self.messages, i)
        lead = self.usual.lead(before, _key(before), variables)
        if lead is not None:
            prompt = len(self.usual.prompt) if lead.endswith(self.usual.prompt) else 0
            if variables or self.text.startswith(lead[: len(lead) - prompt], floor):
                return lead  # a prompt of which the template takes something back, in a history, is no surprise
        other = self.exact.lead(few(self.messages[:i]), kind(self.messages[i - 1]) if i else None, variables)
        if other is None or lead is None:
            return lead if other is None else other
        near = self.text[floor : floor + max(len(lead), len(other))]
        return other if common(other, near) > common(lead, near) else lead

    def _upto(self, i: int) -> list[Message]:
        """A short conversation that ends in a turn of this shape."""
        return [*likeness(self.messages, i), like(self.messages[i])]

    def _close(self, i: int, here: Extent | None, silent: int | None) -> tuple[Close, list[int]]:
        """What ends the turn, and where it stands behind data of the turn."""
        upto = self._upto(i)
        close = self.usual.close(upto, _key(upto), silent)
        ends = self._followed(here, close)
        if not ends and here is not None:
            other = self.exact.close(few(self.messages[: i + 1]), _key([like(self.messages[i])]), silent)
            if found := self._followed(here, other):
                return other, found
        return close, ends

    def _followed(self, here: Extent | None, close: Close) -> list[int]:
        if here is None or not close.text.strip():
            return []
        return [end for end in here.ends if self.text.startswith(close.text, end)]

    def _end(self, start: int, last: int, close: str) -> int:
        """How much of what stands behind a turn's last character is sampled: all of `close` but the blanks at its end;
        where the text is another, what both have, up to the last marker."""
        behind = self.text[last : last + len(close)]
        if behind == close:
            return len(close.rstrip())
        both = behind[: common(close, behind)]
        ends = [m.end() for m in MARKER.finditer(both)]
        if not ends and last == start:  # nothing was said
            ends = [len(m.group()) for m in MARKER.finditer(close) if behind.startswith(m.group())]
        return max(ends, default=0)

    def _unreasoned(self, i: int, first: int, floor: int, start: int) -> int:
        """Where a turn without reasoning begins: behind the prompt of a model that shall not think, or behind the empty
        block that the template makes up."""
        text = self.text
        off = self._lead(i, floor, SILENT)
        if off and floor + len(off) > start and text.startswith(off, floor):
            return floor + len(off)
        if not MARKER.search(text, start, first):
            return start
        block = self.usual.block(likeness(self.messages, i))
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


def _key(messages: list[Message]) -> Hashable:
    return dumps(messages)


def _silent(message: Message) -> bool:
    content: Any = message.get("content")
    return not message.get("tool_calls") and not (content.strip() if isinstance(content, str) else content)
