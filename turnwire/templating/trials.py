"""What a template writes around the turns of the assistant, seen by rendering short conversations (trials).

`lead` is what a prompt has behind the caller's last character: the end of that turn, and the generation prompt. `close`
is what stands between a turn's last character and the next generation prompt. `block` is what the template writes
around reasoning. A trial on a conversation of the same shape but with other texts (`likeness`) says the same for every
render, and is remembered; one on the conversation itself, its texts cut short (`few`), is for templates that look at
what the texts say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from ..codecs import dumps, loads
from ..messages import REASONING
from ..origins import Span

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
SILENT = {"enable_thinking": False, "thinking": False}
"""How most templates that have a switch are told that the model shall not think."""
NONE: Mapping[str, Any] = {}
SAID = "xyzzy"
CALL: Message = {"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": {}}}]}
KEPT = 24  # characters of each end of a text
FAR = 12  # messages: a trial further on in a conversation begins at the user's last one
IDS = ((re.compile(r"functions\..{1,256}:\d{1,6}"), "functions.f:0"), (re.compile(r"[A-Za-z0-9]{9}"), "abcdefgh1"))
MOST = 512  # trials that are remembered


class Extent(NamedTuple):
    """Where a message's data is: its first character, the ends of its stretches, and whether reasoning is shown."""

    first: int
    ends: list[int]
    reasons: bool


class Close(NamedTuple):
    """What stands behind a turn's last character, and behind how many of its stretches that stands."""

    text: str
    times: int


class Trials:
    """See the head of this file. `key` says when two trials are the same. What is learned does not depend on what was
    asked before, so it may be shared."""

    def __init__(self, render: Render):
        self._render = render
        self._known: dict[Hashable, Any] = {}

    def _once(self, key: Hashable, learn: Callable[[], Any]) -> Any:
        if key not in self._known:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = learn()
        return self._known[key]

    @property
    def prompt(self) -> str:
        """The generation prompt behind a user's question; "" if it cannot be told."""

        def learn() -> str:
            asked = [{"role": "user", "content": SAID}]
            prompt, rest = self._shown(asked, True), self._shown(asked, False)
            return "" if prompt is None or rest is None else prompt[0][common(rest[0], prompt[0]) :]

        return self._once("prompt", learn)

    def lead(self, before: list[Message], key: Hashable, variables: Mapping[str, Any] = NONE) -> str | None:
        """What a prompt that ends in `before` has behind their last character; None if the template refuses them."""

        def learn() -> str | None:
            shown = self._shown(before, True, variables) if before else None
            return None if shown is None else shown[0][_last(shown[1]) :]

        return self._once(("lead", bool(variables), key), learn)

    def close(self, upto: list[Message], key: Hashable, silent: int | None) -> Close:
        """Of the last of `upto`. `silent`: it has no data, and begins so many characters behind that before it."""

        def learn() -> Close:
            alone, goes_on = self._shown(upto, False), self._shown(upto, True)
            found = Close("", 0)
            if alone is not None:
                found = _behind(alone, len(upto) - 1, silent, "")
            if goes_on is not None and self.prompt and goes_on[0].endswith(self.prompt):
                other = _behind(goes_on, len(upto) - 1, silent, self.prompt)
                found = other if other.text.strip() or not found.text.strip() else found
            return found if found.text.strip() else self._before_user(upto, silent) or found

        return self._once(("close", silent, key), learn)

    def ended(self, upto: list[Message]) -> Close:
        """As `close` up to its last marker, of a turn that another follows: some templates end it otherwise, or do not
        end the last one."""

        def learn() -> Close:
            found = self._before_user(upto, None) or Close("", 0)
            return found._replace(text=found.text[: max((m.end() for m in MARKER.finditer(found.text)), default=0)])

        return self._once(("ended", dumps(upto)), learn)

    def block(self, before: list[Message]) -> str:
        """What stands around the reasoning of a turn behind `before`, without blanks; "" if reasoning is not shown."""

        def learn() -> str:
            said = {"role": "assistant", **dict.fromkeys(REASONING, SAID), "content": SAID[::-1]}
            shown = self._shown([*before, said], False)  # some show it where calls follow only
            return self._around(shown, before) or self._around(self._shown([*before, said | CALL], False), before)

        return self._once("block", learn)

    def _around(self, shown: Shown | None, before: list[Message]) -> str:
        text, spans = shown or ("", ())
        of = [s for s in spans if s.path[:2] == ("messages", len(before)) and s.kind == "data"]
        at = next((n for n, s in enumerate(of) if text[s.start : s.stop] == SAID), None)
        if at is None:
            return ""
        floor = max((s.stop for s in spans if s.stop <= of[at].start and s.kind == "data"), default=0)
        start = floor + common(self.lead(before, "block") or "", text[floor:])
        behind = of[at + 1].start if at + 1 < len(of) else len(text)
        return "".join((text[start : of[at].start] + text[of[at].stop : behind]).split())

    def _before_user(self, upto: list[Message], silent: int | None) -> Close | None:
        """For a template that ends a turn only where another follows: what it has there, less the user's header."""
        shown = self._shown([*upto, {"role": "user", "content": SAID[::-1]}], False)
        if shown is None:
            return None
        text, spans = shown
        asked = [s.start for s in spans if s.path[:2] == ("messages", len(upto)) and s.kind == "data"]
        found = extents(spans, len(upto))
        users = [e.first for m, e in zip(upto, found) if e is not None and m["role"] == "user"]
        if not asked or not users:
            return None
        stop = asked[-1] - shared(text[: users[0]][::-1], text[: asked[-1]][::-1])
        user = next(e for m, e in zip(reversed(upto), reversed(found)) if m["role"] == "user" and e)
        if end := self._end_of_user(
            text[user.ends[-1] :]
        ):  # where all turns end so, it stands before the first user too
            turn = found[-1].ends[-1] if found[-1] else 0
            at = text.rfind(end, turn, asked[-1])
            stop = max(stop, at + len(end)) if turn and at >= 0 else stop
        cut = (m.end() for m in MARKER.finditer(text, 0, asked[-1]) if m.start() < stop < m.end())
        close = _behind((text[: next(cut, stop)], spans), len(upto) - 1, silent, "")
        begins = MARKER.match(text.lstrip())  # what begins a text ends no turn, unless it is all that does
        at = close.text.rfind(begins.group()) if begins else -1
        return close._replace(text=close.text[:at]) if at > 0 and MARKER.search(close.text, 0, at) else close

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


def _behind(shown: Shown, at: int, silent: int | None, prompt: str) -> Close:
    """What stands behind the last character of message `at`, less `prompt` at its end."""
    text, spans = shown[0].removesuffix(prompt), shown[1]
    extent = extents(spans, at + 1)[at]
    if extent is None:
        return Close(text[_last(spans) + (silent or 0) :], 0)
    close = text[extent.ends[-1] :]
    return Close(close, sum(text.startswith(close, end) for end in extent.ends))


def extents(spans: Sequence[Span], count: int) -> list[Extent | None]:
    """Where the data of each message is; None for one that is not shown."""
    out: list[Extent | None] = [None] * count
    for s in spans:
        at = s.path[1] if s.kind == "data" and len(s.path) > 1 and s.path[0] == "messages" else None
        if not isinstance(at, int) or at >= count:
            continue
        had, said = out[at], len(s.path) > 2 and s.path[2] in REASONING
        if had is None:
            out[at] = Extent(s.start, [s.stop], said)
        else:
            had.ends.append(s.stop)
            out[at] = had._replace(reasons=had.reasons or said)
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


def common(a: str, b: str) -> int:
    """As `shared`. Where they part, it is cut back to whole markers, and to before one that `a` closes again further
    on: a block that `a` opens and closes is not half there."""
    both = a[: shared(a, b)]
    if len(both) == len(a):
        return len(both)
    if part := PART.search(both):
        both = both[: part.start()]
    marks = list(MARKER.finditer(both))
    rest = {_name(m.group()) for m in MARKER.finditer(a, len(both))}
    return marks[-1].start() if marks and _name(marks[-1].group()) in rest else len(both)


def _name(marker: str) -> str:
    """What an opener and its closer have in common."""
    return re.sub(r"[^\w]|START|END|_", "", marker).lower()


def likeness(messages: list[Message], i: int) -> list[Message]:
    """A short conversation as the one before message `i`, whose texts say nothing."""
    if not i:
        return []
    out = [_like(messages[0])] if messages[0].get("role") in ("system", "developer") else []
    before = messages[i - 1]
    if i == 1 and out:
        return out
    asked = next((m for m in reversed(messages[:i]) if m.get("role") == "user"), None)
    out.append(_like(asked or {"role": "user", "content": SAID}))
    if before.get("role") == "tool":
        calling = next((m for m in reversed(messages[:i]) if m.get("tool_calls")), None)
        out += [] if calling is None else [{**_like(calling), "tool_calls": _like(calling)["tool_calls"][:1]}]
    return out if before.get("role") == "user" else [*out, _like(before)]


def _like(value: Any, key: str = "") -> Any:
    """The same shape with other texts and numbers."""
    if isinstance(value, dict):
        return {k: _like(v, k) for k, v in cast("dict[str, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [_like(v, key) for v in cast("list[Any]", value)]
    if isinstance(value, str):
        if key in ("role", "type") or not value.strip():
            return value
        if key in ("id", "tool_call_id"):
            return next((like for form, like in IDS if form.fullmatch(value)), "call_1")
        if key == "arguments":
            try:
                return dumps(_like(loads(value)))
            except ValueError:
                return value
        return "f" if key == "name" else SAID
    return value if isinstance(value, bool) or value is None else type(value)(1)  # a number


def like(message: Message) -> Message:
    """A message of the same shape that says nothing."""
    return _like(message)


def few(value: Any) -> Any:
    """The same messages with their texts cut short."""
    if isinstance(value, str):
        return value if len(value) <= 2 * KEPT else value[:KEPT] + value[-KEPT:]
    if isinstance(value, list):
        return [few(v) for v in cast("list[Any]", value)]
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        return {k: v if k == "arguments" and isinstance(v, str) else few(v) for k, v in given.items()}
    return value


def kind(message: Message) -> Hashable:
    """What a turn's surroundings may depend on, roughly."""
    content: Any = message.get("content")
    calls: Any = message.get("tool_calls")
    shape = "parts" if isinstance(content, list) else bool(content)
    count = len(cast("list[Any]", calls)) if isinstance(calls, list) else 0
    return (message.get("role"), shape, count, bool(message.get(REASONING[0])))
