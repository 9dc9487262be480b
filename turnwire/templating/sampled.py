"""What the model would have written of a template's prompt, for any template, without `{% generation %}`.

In front of an assistant turn a prompt ends in what the template writes for `add_generation_prompt`, and behind it the
template writes what ends a turn. Both are seen by rendering the beginning of the conversation by itself, its texts cut
short (a trial): `lead` is what a prompt has behind the caller's last character, `close` what stands between the last
character of a turn and the next generation prompt. Each is seen once per kind of turn and compared with the text at
every turn; where they part, only whole markers that both have count. So a reasoning block that the prompt opens is not
sampled, nor one that the template makes up for a turn without reasoning; the stop token is, the line end behind it not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from ..messages import REASONING
from ..origins import Span
from .mapped import Sampled

Message = dict[str, Any]
Shown = tuple[str, Sequence[Span]]
Render = Callable[[list[Message], bool, Mapping[str, Any]], "Shown | None"]
"""The text and spans of messages, with a generation prompt or not, with further variables; None where the template
refuses."""

MARKER = re.compile(
    r"<\|[^|<>\s]{1,64}\|?>|<[^|<>\s]{1,64}\|>|<｜[^｜<>]{1,64}｜>|</?[\w:.｜|-]{1,64}>|\[\|[^|\[\]\s]{1,64}\|\]|\[/?[A-Z_]{2,32}\]"
)
"""What looks like a control token."""
PART = re.compile(r"(?:<[^<>\s]{0,64}|\[\|?[^\[\]\s]{0,64})\Z")
"""A marker's beginning."""
KEPT = 24  # characters that a trial keeps of each end of a text
FAR = 12  # messages: a trial further on in a conversation begins at the user's last one
SAID = "xyzzy"
SILENT = {"enable_thinking": False, "thinking": False}
"""How most templates that have a switch are told that the model shall not think."""


@dataclass(frozen=True, slots=True)
class Found:
    """Where the model wrote, and the turns of which that cannot be told: message -> why."""

    ranges: tuple[Sampled, ...]
    unknown: Mapping[int, str]


class _Extent(NamedTuple):
    """Where a message's data is: its first character, the ends of its stretches, and whether reasoning is shown."""

    first: int
    ends: list[int]
    reasons: bool


class _Close(NamedTuple):
    """What stands behind a turn's last character, and behind how many of its stretches that stands."""

    text: str
    times: int


class Terminators:
    """Leads and closes of a template, with some variables. Learns as it goes: not to be shared between threads."""

    def __init__(self, render: Render):
        self._render = render
        self._leads: dict[Any, str | None] = {}
        self._closes: dict[Any, _Close] = {}
        self._prompt = ""  # the generation prompt, as it was seen last
        self._block: str | None = None  # what the template writes around reasoning, without blanks

    def find(self, text: str, spans: Sequence[Span], messages: list[Message]) -> Found:
        """The characters of `text` that the model would have written."""
        extents = _extents(spans, len(messages))
        ranges: list[Sampled] = []
        unknown: dict[int, str] = {}
        floor = 0  # where the data before the turn ends
        for i, message in enumerate(messages):
            here = extents[i]
            if message.get("role") != "assistant":
                floor = max([floor, *(here.ends if here else ())])
                continue
            found = self._turn(text, messages, i, here, floor)
            if isinstance(found, str):
                unknown[i] = found
                floor = max([floor, *(here.ends if here else ())])
                continue
            turn, floor = found
            before = ranges[-1].stop if ranges else 0
            if turn.stop > max(turn.start, before):
                ranges.append(turn._replace(start=max(turn.start, before)))
        return Found(tuple(ranges), unknown)

    def _turn(
        self, text: str, messages: list[Message], i: int, here: _Extent | None, floor: int
    ) -> tuple[Sampled, int] | str:
        """Where the turn was sampled, and where its data ends."""
        if here is None and not _silent(messages[i]):
            return "the template does not show it"
        if here is not None and here.first < floor:
            return "its text does not stand behind the turns before it"
        lead = self._lead(messages, i, {})
        if lead is None:
            at = text.find(self._prompt, floor, here.first if here else None) if self._prompt else -1
            if at < 0:
                return "the template does not render the turns before it by themselves"
            lead = text[floor : at + len(self._prompt)]
        start = floor + _common(lead, text[floor : floor + len(lead)])
        if here is None:
            close = self._close(messages, i, start - floor).text
            return Sampled(start, start + _end(text, start, close), i), start
        if not here.reasons:
            start = self._unreasoned(text, messages, i, here.first, floor, start)
        close, ends = _Close("", 0), list[int]()
        for exact in (False, True):
            close = self._close(messages, i, None, exact)
            ends = [end for end in here.ends if text.startswith(close.text, end)] if close.text.strip() else []
            if ends:
                break
        last = max(start, ends[close.times - 1] if 0 < close.times <= len(ends) else here.ends[-1])
        return Sampled(start, last + _end(text, last, close.text), i), last

    def _unreasoned(self, text: str, messages: list[Message], i: int, first: int, floor: int, start: int) -> int:
        """Where a turn without reasoning begins: behind the prompt of a model that shall not think, or behind the empty
        block that the template makes up."""
        off = self._lead(messages, i, SILENT)
        if off and floor + len(off) > start and text.startswith(off, floor):
            return floor + len(off)
        if not MARKER.search(text, start, first):
            return start
        if self._block is None:
            self._block = self._around_reasoning(messages, i)
        at = start
        for c in self._block:
            while at < first and text[at] != c and text[at].isspace():
                at += 1
            if at >= first or text[at] != c:
                return start
            at += 1
        while self._block and at < first and text[at].isspace():
            at += 1
        return at

    def _lead(self, messages: list[Message], i: int, variables: Mapping[str, Any]) -> str | None:
        key = (i == 0, i and _kind(messages[i - 1]), bool(variables))
        if key not in self._leads:
            before = _few(messages[:i]) if i else [{"role": "user", "content": SAID}]
            prompt, rest = self._shown(before, True, variables), self._shown(before, False)
            self._leads[key] = None if prompt is None or not i else prompt[0][_last(prompt[1]) :]
            if prompt is not None and rest is not None and not variables:
                self._prompt = prompt[0][_common(rest[0], prompt[0]) :]
        return self._leads[key]

    def _close(self, messages: list[Message], i: int, silent: int | None, exact: bool = False) -> _Close:
        """`silent`: a turn without data begins so many characters behind the data before it. `exact`: seen on this
        turn, not on one like it."""
        key = _shape(messages[i]) if exact else _kind(messages[i])
        if key not in self._closes:
            upto = _few(messages[: i + 1])
            alone, goes_on = self._shown(upto, False), self._shown(upto, True)
            found = _Close("", 0)
            if alone is not None:
                found = _behind(alone, len(upto) - 1, silent, "")
            if goes_on is not None and self._prompt and goes_on[0].endswith(self._prompt):
                other = _behind(goes_on, len(upto) - 1, silent, self._prompt)
                found = other if other.text.strip() or not found.text.strip() else found
            if not found.text.strip():
                found = self._before_user(upto, silent) or found
            self._closes[key] = found
        return self._closes[key]

    def _before_user(self, upto: list[Message], silent: int | None) -> _Close | None:
        """For a template that ends a turn only where another follows: what it has there, less the user's header."""
        shown = self._shown([*upto, {"role": "user", "content": SAID}], False)
        if shown is None:
            return None
        text, spans = shown
        asked = [s.start for s in spans if s.path[:1] == ("messages",) and text[s.start : s.stop] == SAID]
        users = [e.first for m, e in zip(upto, _extents(spans, len(upto))) if e is not None and m["role"] == "user"]
        if not asked or not users:
            return None
        header = _shared(text[: users[0]][::-1], text[: asked[-1]][::-1])
        return _behind((text[: asked[-1] - header], spans), len(upto) - 1, silent, "")

    def _around_reasoning(self, messages: list[Message], i: int) -> str:
        said = {**messages[i], **dict.fromkeys(REASONING, SAID), "content": SAID[::-1]}
        said.pop("tool_calls", None)
        shown = self._shown([*_few(messages[:i]), said], False)
        if shown is None or SAID not in shown[0]:
            return ""
        text, spans = shown
        lead = self._lead(messages, i, {}) or ""
        of = [s for s in spans if s.path[:1] == ("messages",) and s.kind == "data"]
        reasoning = next((n for n, s in enumerate(of) if text[s.start : s.stop] == SAID), 0)
        floor = of[reasoning - 1].stop if reasoning else 0
        start = floor + _common(lead, text[floor:])
        behind = of[reasoning + 1].start if reasoning + 1 < len(of) else len(text)
        return "".join((text[start : of[reasoning].start] + text[of[reasoning].stop : behind]).split())

    def _shown(self, messages: list[Message], prompt: bool, variables: Mapping[str, Any] = {}) -> Shown | None:
        """A trial; far into a conversation, of its end alone, if the template renders that."""
        users = [n for n, m in enumerate(messages[:-1]) if m.get("role") == "user"]
        if len(messages) > FAR and users:
            system = messages[:1] if messages[0].get("role") == "system" else []
            shown = self._render([*system, *messages[users[-1] :]], prompt, variables)
            if shown is not None:
                moved = users[-1] - len(system)
                return shown[0], [_moved(s, moved, len(system)) for s in shown[1]]
        return self._render(messages, prompt, variables)


def _behind(shown: Shown, at: int, silent: int | None, prompt: str) -> _Close:
    """What stands behind the last character of message `at`, less `prompt` at its end."""
    text, spans = shown[0].removesuffix(prompt), shown[1]
    extent = _extents(spans, at + 1)[at]
    if extent is None:
        return _Close(text[_last(spans) + (silent or 0) :], 0)
    close = text[extent.ends[-1] :]
    return _Close(close, sum(text.startswith(close, end) for end in extent.ends))


def _end(text: str, last: int, close: str) -> int:
    """How much of what stands behind a turn's last character is sampled: all of `close` but the blanks at its end;
    where the text is another, what both have, up to the last marker."""
    behind = text[last : last + len(close)]
    if behind == close:
        return len(close.rstrip())
    both = behind[: _common(close, behind)]
    return max((m.end() for m in MARKER.finditer(both)), default=0)


def _common(a: str, b: str) -> int:
    """The length of the common beginning. Where they part, it is cut back to whole markers, and to before one that `a`
    closes again further on: a block that `a` opens and closes is not half there."""
    both = a[: _shared(a, b)]
    if len(both) == len(a):
        return len(both)
    if part := PART.search(both):
        both = both[: part.start()]
    marks = list(MARKER.finditer(both))
    rest = {_name(m.group()) for m in MARKER.finditer(a, len(both))}
    return marks[-1].start() if marks and _name(marks[-1].group()) in rest else len(both)


def _shared(a: str, b: str) -> int:
    """The length of the common beginning."""
    return next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def _name(marker: str) -> str:
    """What an opener and its closer have in common."""
    return re.sub(r"[^\w]|START|END|_", "", marker).lower()


def _extents(spans: Sequence[Span], count: int) -> list[_Extent | None]:
    out: list[_Extent | None] = [None] * count
    for s in spans:
        at = s.path[1] if s.kind == "data" and len(s.path) > 1 and s.path[0] == "messages" else None
        if not isinstance(at, int) or at >= count:
            continue
        had, said = out[at], len(s.path) > 2 and s.path[2] in REASONING
        if had is None:
            out[at] = _Extent(s.start, [s.stop], said)
        else:
            had.ends.append(s.stop)
            out[at] = had._replace(reasons=had.reasons or said)
    return out


def _last(spans: Sequence[Span]) -> int:
    """Where the last character of the messages' data ends."""
    return next((s.stop for s in reversed(spans) if s.kind == "data" and s.path[:1] == ("messages",)), 0)


def _moved(span: Span, by: int, but: int) -> Span:
    at = span.path[1] if span.path[:1] == ("messages",) and len(span.path) > 1 else None
    if not isinstance(at, int) or at < but:
        return span
    return span._replace(path=("messages", at + by, *span.path[2:]))


def _silent(message: Message) -> bool:
    content: Any = message.get("content")
    return not message.get("tool_calls") and not (content.strip() if isinstance(content, str) else content)


def _kind(message: Message) -> tuple[Any, ...]:
    """What a turn's surroundings may depend on, roughly."""
    content: Any = message.get("content")
    calls: Any = message.get("tool_calls")
    shape = "parts" if isinstance(content, list) else bool(content)
    count = len(cast("list[Any]", calls)) if isinstance(calls, list) else 0
    return (message.get("role"), shape, count, bool(message.get(REASONING[0])))


def _shape(value: Any) -> Any:
    """A message without what its texts and numbers are."""
    if isinstance(value, dict):
        return tuple((k, _shape(v)) for k, v in cast("dict[Any, Any]", value).items())
    if isinstance(value, (list, tuple)):
        return tuple(map(_shape, cast("list[Any]", value)))
    return (str, bool(value)) if isinstance(value, str) else type(cast("object", value))


def _few(value: Any) -> Any:
    """The same messages with their texts cut short."""
    if isinstance(value, str):
        return value if len(value) <= 2 * KEPT else value[:KEPT] + value[-KEPT:]
    if isinstance(value, list):
        return [_few(v) for v in cast("list[Any]", value)]
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        return {k: v if k == "arguments" and isinstance(v, str) else _few(v) for k, v in given.items()}
    return value
