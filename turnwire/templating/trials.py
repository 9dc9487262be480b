"""What a template writes around the turns of the assistant, seen by rendering short conversations (trials).

`lead` is what a prompt has behind the caller's last character: the end of that turn, and the generation prompt. `close`
is what stands between a turn's last character and whatever follows it: the next generation prompt, a user, nothing.
`block` is what the template writes around reasoning. A trial on a conversation of the same shape but with other texts
says the same for every render, and is remembered; one on the conversation itself, its texts cut short, is for templates
that look at what the texts say (see `likeness`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from ..messages import REASONING
from ..origins import Span
from .likeness import SAID, Message, Short

Shown = tuple[str, Sequence[Span]]
Render = Callable[[list[Message], bool, Mapping[str, Any]], "Shown | None"]
"""The text and spans of messages, with a generation prompt or not, with further variables; None where the template
refuses."""

MARKER = re.compile(
    r"<\|[^|<>\s]{1,64}\|?>|<[^|<>\s]{1,64}\|>|<｜[^｜<>]{1,64}｜>|</?[\w:.｜|-]{1,64}>|\[\|[^|\[\]\s]{1,64}\|\]|\[/?[A-Z_]{2,32}\]"
)
"""What looks like a control token."""
LEADING = re.compile(rf"(?:\s*(?:{MARKER.pattern}))+")
"""Markers that a text begins with."""
CLOSER = re.compile(r"</|\[/|<[^|/｜][^<>]*\|>")
PART = re.compile(r"(?:<[^<>\s]{0,64}|\[\|?[^\[\]\s]{0,64})\Z")
"""A marker's beginning."""
SILENT = {"enable_thinking": False, "thinking": False}
"""How most templates that have a switch are told that the model shall not think."""
NONE: Mapping[str, Any] = {}
CALL: Message = {"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": {}}}]}
PLAIN = Short("plain", lambda: [{"role": "user", "content": SAID}, {"role": "assistant", "content": SAID}])
FAR = 12  # messages: a trial further on in a conversation begins at the user's last one
MOST = 512  # trials that are remembered


class Extent(NamedTuple):
    """Where a message's data is: its first character, the ends of its stretches, those of them that are of its text,
    reasoning or arguments, and whether reasoning is shown."""

    first: int
    ends: list[int]
    said: list[int]
    reasons: bool


class Trials:
    """See the head of this file. What is learned does not depend on what was asked before, so it may be shared."""

    def __init__(self, render: Render):
        self._render = render
        self._known: dict[Hashable, Any] = {}

    def _once(self, key: Hashable, learn: Callable[[], Any]) -> Any:
        found = self._known.get(key, self)
        if found is self:
            if len(self._known) >= MOST:
                self._known.clear()  # other threads may be here too
            found = self._known[key] = learn()
        return found

    @property
    def prompt(self) -> str:
        """The generation prompt behind a user's question; "" if it cannot be told."""

        def learn() -> str:
            asked = [{"role": "user", "content": SAID}]
            prompt, rest = self._shown(asked, True), self._shown(asked, False)
            return "" if prompt is None or rest is None else prompt[0][common(rest[0], prompt[0]) :]

        return self._once("prompt", learn)

    def lead(self, before: Short, variables: Mapping[str, Any] = NONE) -> str | None:
        """What a prompt that ends in `before` has behind their last character; None if the template refuses them."""

        def learn() -> str | None:
            shown = self._shown(before.messages, True, variables) if before.messages else None
            return None if shown is None else shown[0][_last(shown[1]) :]

        return self._once(("lead", bool(variables), before.key), learn)

    def close(self, short: Short, silent: int | None, last: bool) -> str:
        """What ends the turn that is the last of `short`. `silent`: it has no data, and begins so many characters
        behind that before it. `last`: nothing follows it, no prompt either; some templates end such one otherwise."""

        def learn() -> str:
            upto = short.messages
            at = len(upto) - 1
            alone, goes_on = (_behind(self._shown(upto, prompt), at, silent) for prompt in (False, True))
            if self.prompt and goes_on.endswith(self.prompt):
                found = goes_on.removesuffix(self.prompt)
                if not found.strip() or (last and not alone.startswith(found.rstrip())):
                    found = alone
                found = found if upto == PLAIN.messages else self._as_plain(found, last)
            else:
                found = self._ends_here(alone, upto, silent)
            return found if found.strip() else self._whatever(goes_on, upto, silent) or found

        return self._once(("close", silent, last, short.key), learn)

    def between(self, short: Short) -> str:
        """`close` of a turn that another follows, or `ended`, if that begins so."""

        def learn() -> str:
            found, more = self.close(short, None, False), self.ended(short)
            return more if more.startswith(found.rstrip()) else found

        return self._once(("between", short.key), learn)

    def ended(self, short: Short) -> str:
        """As `close` up to its last marker, of a turn that another follows: some templates end it otherwise, or do not
        end the last one."""

        def learn() -> str:
            upto = short.messages
            found = self._whatever(_behind(self._shown(upto, True), len(upto) - 1, None), upto, None)
            return self._as_plain(_marked(found), False)

        return self._once(("ended", short.key), learn)

    def block(self, short: Short) -> str:
        """What stands around the reasoning of a turn behind `short`, up to what stands before the text of one without
        reasoning; without blanks; "" if reasoning is not shown."""

        def learn() -> str:
            plain: Message = {"role": "assistant", "content": SAID[::-1]}
            said = plain | dict.fromkeys(REASONING, SAID)
            for more in ({}, CALL):  # some show it where calls follow only
                if block := "".join(self._around(short, said | more, SAID)):
                    front, _ = self._around(short, plain | more, SAID[::-1])
                    return block.removesuffix(front) or block
            return ""

        return self._once("block", learn)

    def _around(self, before: Short, turn: Message, said: str) -> tuple[str, str]:
        """What stands before and behind a text of a turn, less the prompt, without blanks."""
        text, spans = self._shown([*before.messages, turn], False) or ("", ())
        of = [s for s in spans if s.path[:2] == ("messages", len(before.messages)) and s.kind == "data"]
        at = next((n for n, s in enumerate(of) if text[s.start : s.stop] == said), None)
        if at is None:
            return "", ""
        floor = max((s.stop for s in spans if s.stop <= of[at].start and s.kind == "data"), default=0)
        start = floor + common(self.lead(before) or "", text[floor:])
        behind = of[at + 1].start if at + 1 < len(of) else len(text)
        return "".join(text[start : of[at].start].split()), "".join(text[of[at].stop : behind].split())

    def _as_plain(self, close: str, last: bool) -> str:
        """A turn ends where one of text alone does, whatever the template writes behind that."""
        end = self.close(PLAIN, None, last).strip()
        return close[: close.index(end) + len(end)] if end and end in close else close

    def _ends_here(self, alone: str, upto: list[Message], silent: int | None) -> str:
        """For a template whose prompt cannot be told, as it writes one in any case or never: of what stands behind a
        turn at the end, what stands before a user too, or does not stand behind a user at the end."""
        asked = self._asked(upto)
        if asked is None or not alone.strip():
            return alone
        between = _behind(asked, len(upto) - 1, silent)
        if between.startswith(alone):
            return alone
        both = _before(_marked(between[: shared(between, alone)]), self.openers)
        user = self._question(False)
        if alone[len(both) : len(both) + shared(alone[len(both) :], user)].strip():
            return both
        stop = len(alone) - shared(alone[::-1], user[::-1])
        stop = next((m.end() for m in MARKER.finditer(alone) if m.start() < stop < m.end()), stop)
        return max(both, alone[:stop], key=len)

    def _whatever(self, goes_on: str, upto: list[Message], silent: int | None) -> str:
        """For a template that ends a turn only where another follows: what stands there before a user and before a
        prompt, or before a user, less the user's header."""
        asked = self._asked(upto)
        if asked is None:
            return ""
        between = _behind(asked, len(upto) - 1, silent)
        prompt = goes_on if goes_on.strip() else self._question(True)
        both = _before(_marked(between[: shared(between, prompt)]), self.openers)
        less = self._headless(asked, upto, silent)
        found = max(both, _marked(less), key=len) or less
        unended = silent is not None or self._question(True).lstrip().startswith(found.strip())
        if found.strip() in self.openers and unended:
            return ""  # nothing ends the user's turn either, or nothing was said: it begins the next
        return found

    def _question(self, prompt: bool) -> str:
        """What stands behind a user's question that ends a conversation."""
        shown = self._shown([{"role": "user", "content": SAID}], prompt)
        return "" if shown is None else shown[0][_last(shown[1]) :]

    @property
    def openers(self) -> frozenset[str]:
        """Markers that a turn begins with: those that a text does, and the user's that has the role behind it."""

        def learn() -> frozenset[str]:
            text, spans = self._shown([{"role": "user", "content": SAID}], False) or ("", ())
            asked = (s.start for s in spans if s.kind == "data" and s.path[:1] == ("messages",))
            front = text[: next(asked, 0)]
            first = LEADING.match(front)
            roles = [m.group() for m in MARKER.finditer(front) if front[m.end() : m.end() + 1].isalnum()]
            return frozenset([*(MARKER.findall(first.group()) if first else ()), *roles[-1:]])

        return self._once("openers", learn)

    @property
    def headers(self) -> frozenset[str]:
        """Those of the openers that the prompt begins with, or that have the user's role behind them: no text does."""

        def learn() -> frozenset[str]:
            text, _ = self._shown([{"role": "user", "content": SAID}], False) or ("", ())
            first = MARKER.search(self.prompt)
            asked = {m.group() for m in MARKER.finditer(text) if text.startswith("user", m.end())}
            return self.openers & (asked | {first.group() if first else ""})

        return self._once("headers", learn)

    def _asked(self, upto: list[Message]) -> Shown | None:
        """`upto` and a user's turn behind it, to where its text begins."""
        shown = self._shown([*upto, {"role": "user", "content": SAID[::-1]}], False)
        asked = (
            [s.start for s in shown[1] if s.path[:2] == ("messages", len(upto)) and s.kind == "data"] if shown else []
        )
        if shown is None or not asked:
            return None
        return shown[0][: asked[-1]], [s for s in shown[1] if s.start < asked[-1]]

    def _headless(self, asked: Shown, upto: list[Message], silent: int | None) -> str:
        """What stands before a user behind `upto`, less the user's header, which stands before the first one too."""
        text, spans = asked
        found = extents(spans, len(upto))
        users = [e for m, e in zip(upto, found) if e is not None and m["role"] == "user"]
        if not users:
            return ""
        stop = len(text) - shared(text[: users[0].first][::-1], text[::-1])
        if end := self._end_of_user(text[users[-1].ends[-1] :]):  # where all turns end so: before the first user too
            turn = found[-1].ends[-1] if found[-1] else 0
            at = text.rfind(end, turn)
            stop = max(stop, at + len(end)) if turn and at >= 0 else stop
        cut = (m.end() for m in MARKER.finditer(text) if m.start() < stop < m.end())
        return _before(_behind((text[: next(cut, stop)], spans), len(upto) - 1, silent), self.openers)

    def _end_of_user(self, behind: str) -> str:
        """The markers behind a user's text, before the one that the generation prompt begins with."""
        opener = MARKER.search(self.prompt)
        own = behind[: max(0, behind.find(opener.group()))] if opener else ""
        return own[: max((m.end() for m in MARKER.finditer(own)), default=0)]

    def _shown(self, messages: list[Message], prompt: bool, variables: Mapping[str, Any] = NONE) -> Shown | None:
        """A trial; far into a conversation, of its end alone, if the template renders that."""
        users = [n for n, m in enumerate(messages[:-1]) if m.get("role") == "user"]
        if len(messages) > FAR and users:
            system = messages[:1] if messages[0].get("role") == "system" else []
            shown = self._render([*system, *messages[users[-1] :]], prompt, variables)
            if shown is not None:
                moved = users[-1] - len(system)
                return shown[0], [_moved(s, moved, len(system)) for s in shown[1]]
        return self._render(messages, prompt, variables)


def _behind(shown: Shown | None, at: int, silent: int | None) -> str:
    """What stands behind the last character of message `at`."""
    if shown is None:
        return ""
    text, spans = shown
    extent = extents(spans, at + 1)[at]
    return text[_last(spans) + (silent or 0) if extent is None else extent.ends[-1] :]


def _marked(text: str) -> str:
    """To the end of its last marker."""
    return text[: max((m.end() for m in MARKER.finditer(text)), default=0)]


def _before(close: str, openers: Collection[str]) -> str:
    """Up to the marker that begins a turn, if one stands before that."""
    for n, m in enumerate(MARKER.finditer(close)):
        if n and m.group() in openers:
            return close[: m.start()]
    return close


def extents(spans: Sequence[Span], count: int) -> list[Extent | None]:
    """Where the data of each message is; None for one that is not shown."""
    out: list[Extent | None] = [None] * count
    for start, stop, kind, _, path, _ in spans:
        if kind != "data" or len(path) < 2 or path[0] != "messages":
            continue
        at, field = path[1], path[2] if len(path) > 2 else ""
        if not isinstance(at, int) or at >= count:
            continue
        had = out[at]
        if had is None:
            had = out[at] = Extent(start, [], [], False)
        had.ends.append(stop)
        if field in REASONING:
            out[at] = had._replace(reasons=True)
        if field == "content" or field in REASONING or "arguments" in path:
            had.said.append(stop)
    return out


def _last(spans: Sequence[Span]) -> int:
    """Where the last character of the messages' data ends."""
    return next((s.stop for s in reversed(spans) if s.kind == "data" and s.path[:1] == ("messages",)), 0)


def _moved(span: Span, by: int, but: int) -> Span:
    at = span.path[1] if span.path[:1] == ("messages",) and len(span.path) > 1 else None
    return span._replace(path=("messages", at + by, *span.path[2:])) if isinstance(at, int) and at >= but else span


def shared(a: str, b: str) -> int:
    """The length of the common beginning."""
    return next((n for n, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))


def parted(a: str, b: str) -> int:
    """As `shared`; where they part, cut back to whole markers."""
    n = shared(a, b)
    part = PART.search(a[:n]) if n < len(a) else None
    return part.start() if part else n


def common(a: str, b: str) -> int:
    """As `parted`, and cut back to before a marker that `a` closes again further on: a block that `a` opens and closes
    is not half there."""
    both = a[: parted(a, b)]
    if len(both) == len(a):
        return len(both)
    marks = list(MARKER.finditer(both))
    rest = {_name(m.group()) for m in MARKER.finditer(a, len(both))}
    opens = marks and not CLOSER.match(marks[-1].group()) and _name(marks[-1].group()) in rest
    return marks[-1].start() if opens else len(both)


def _name(marker: str) -> str:
    """What an opener and its closer have in common."""
    return re.sub(r"[^\w]|START|END|_", "", marker).lower()
