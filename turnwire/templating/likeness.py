"""Short conversations that stand in trials for the one that is rendered: of the same shape with texts that say nothing,
or the same with its texts cut short. Each message is looked at once, however many turns ask about it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, cast

from ..codecs import dumps, loads
from ..messages import REASONING

Message = dict[str, Any]
SAID = "xyzzy"
KEPT = 24  # characters of each end of a text
IDS = ((re.compile(r"functions\..{1,256}:\d{1,6}"), "functions.f:0"), (re.compile(r"[A-Za-z0-9]{9}"), "abcdefgh1"))


class Short:
    """A conversation, made when it is asked for. For trials, all of one key are the same."""

    def __init__(self, key: Hashable, made: Callable[[], list[Message]]):
        self.key, self._made = key, made

    @cached_property
    def messages(self) -> list[Message]:
        return self._made()


class Likenesses:
    """Of each turn of a conversation, and of what stands before it."""

    def __init__(self, messages: list[Message]):
        self._messages = messages
        self._known: dict[int, tuple[Message, str]] = {}
        self._short: dict[int, Message] = {}
        self._asked: list[int | None] = [None]  # at each message, the last one before it of a user
        self._calling: list[int | None] = [None]  # and the last one with calls
        for i, m in enumerate(messages):
            self._asked.append(i if m.get("role") == "user" else self._asked[i])
            self._calling.append(i if m.get("tool_calls") else self._calling[i])

    def before(self, i: int) -> Short:
        """As the conversation before message `i`, its texts say nothing."""
        steps = self._steps(i)
        return Short(tuple([key for _, key in steps]), lambda: [m for m, _ in steps])

    def upto(self, i: int) -> Short:
        """As `before`, and message `i`; behind a question that says something, for a turn's end is looked for there."""
        steps = self._steps(i)
        asks = [n for n, (m, _) in enumerate(steps) if m.get("role") == "user"]
        if not asks:
            steps = [*steps[: i > 0], _ASKED, *steps[i > 0 :]]
        elif not steps[asks[-1]][0].get("content"):
            steps = [*steps[: asks[-1]], _ASKED, *steps[asks[-1] + 1 :]]
        steps = [*steps, self._like(i)]
        return Short(tuple([key for _, key in steps]), lambda: [m for m, _ in steps])

    def itself(self, count: int, key: Hashable) -> Short:
        """The first `count` messages, their texts cut short."""
        return Short(key, lambda: [self._few(n) for n in range(count)])

    def key(self, i: int) -> Hashable:
        """The same for messages of the same shape."""
        return self._like(i)[1]

    def _steps(self, i: int) -> list[tuple[Message, str]]:
        if not i:
            return []
        role = self._messages[i - 1].get("role")
        out = [self._like(0)] if self._messages[0].get("role") in ("system", "developer") else []
        if i == 1 and out:
            return out
        asked, calling = self._asked[i], self._calling[i]
        out.append(_ASKED if asked is None else self._like(asked))
        if role == "tool" and calling is not None:
            message, key = self._like(calling)
            out.append(({**message, "tool_calls": message["tool_calls"][:1]}, "one of " + key))
        return out if role == "user" else [*out, self._like(i - 1)]

    def _like(self, i: int) -> tuple[Message, str]:
        if i not in self._known:
            message: Message = _like(self._messages[i])
            self._known[i] = message, repr(message)
        return self._known[i]

    def _few(self, i: int) -> Message:
        if i not in self._short:
            self._short[i] = _few(self._messages[i])
        return self._short[i]


_ASKED: tuple[Message, str] = ({"role": "user", "content": SAID}, "")


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


def _few(value: Any) -> Any:
    """The same message with its texts cut short."""
    if isinstance(value, str):
        return value if len(value) <= 2 * KEPT else value[:KEPT] + value[-KEPT:]
    if isinstance(value, list):
        return [_few(v) for v in cast("list[Any]", value)]
    if isinstance(value, dict):
        given = cast("dict[str, Any]", value)
        return {k: v if k == "arguments" and isinstance(v, str) else _few(v) for k, v in given.items()}
    return value


def kind(message: Message) -> Hashable:
    """What a turn's surroundings may depend on, roughly."""
    content: Any = message.get("content")
    calls: Any = message.get("tool_calls")
    shape = "parts" if isinstance(content, list) else bool(content)
    count = len(cast("list[Any]", calls)) if isinstance(calls, list) else 0
    return (message.get("role"), shape, count, bool(message.get(REASONING[0])))
