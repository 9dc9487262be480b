"""The smallest conversation that still has a fault: by taking away, never by chance.

A text is said by a user alone; messages, tools, fields and parts are left out one by one, then texts are cut, as long
as the fault stays. What is left is no odder than what was given (`oddities`): a result stays with its call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from .findings import Talk

Still = Callable[[Talk], bool]
ROUNDS = 40
SIMPLE = ("Hi.", "")
LONG = 16  # characters of a text that need not be cut
OPTIONAL = ("name", "tool_calls", "reasoning_content", "thinking", "reasoning", "thought", "refusal")


def shrink(talk: Talk, still: Still, plain: bool = False, most: int = 500) -> Talk:
    """A smaller conversation for which `still` holds, tried at most so often. `plain`: odd texts are replaced too."""
    left = most

    def holds(other: Talk) -> bool:
        nonlocal left
        left -= 1
        return left >= 0 and oddities(other) <= odd and still(other)

    odd = oddities(talk)

    for _ in range(ROUNDS):
        for smaller in (*_smaller(talk), *(_plainer(talk) if plain else ())):
            if holds(smaller):
                talk = smaller
                break
        else:
            return talk
        if left < 0:
            return talk
    return talk


def _smaller(talk: Talk) -> Iterator[Talk]:
    messages = talk.messages
    for message in messages if len(messages) > 1 else []:
        if message.get("content"):  # what is said may be all that matters, whoever says it
            yield talk._replace(messages=[{"role": "user", "content": message["content"]}])
    for size in (4, 3, 2, 1):
        for start in range(len(messages) - size, -1, -1):
            if len(messages) > size:
                yield talk._replace(messages=messages[:start] + messages[start + size :])
    for n, message in enumerate(messages):
        calls = cast("list[Any]", message.get("tool_calls") or [])
        for call in calls if len(calls) > 1 else []:
            fewer = {**message, "tool_calls": [c for c in calls if c is not call]}
            after = [m for m in messages[n + 1 :] if m.get("tool_call_id") != call["id"]]
            yield talk._replace(messages=[*messages[:n], fewer, *after])
    if talk.tools:
        yield talk._replace(tools=None)
        for n in range(len(talk.tools) if len(talk.tools) > 1 else 0):
            yield talk._replace(tools=talk.tools[:n] + talk.tools[n + 1 :])
    for n, message in enumerate(messages):
        for other in _lesser(message):
            yield talk._replace(messages=[*messages[:n], other, *messages[n + 1 :]])


def _plainer(talk: Talk) -> Iterator[Talk]:
    """With a simple text for an odd one."""
    for n, message in enumerate(talk.messages):
        for key in ("content", *OPTIONAL[2:]):
            if isinstance(message.get(key), str) and message[key] not in SIMPLE:
                for text in SIMPLE:
                    other = {**message, key: text}
                    yield talk._replace(messages=[*talk.messages[:n], other, *talk.messages[n + 1 :]])


def _lesser(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The message with something less."""
    for key in OPTIONAL:
        if key in message:
            yield {k: v for k, v in message.items() if k != key}
    calls: Any = message.get("tool_calls")
    if isinstance(calls, list) and len(cast("list[Any]", calls)) > 1:
        some = cast("list[Any]", calls)
        for n in range(len(some)):
            yield {**message, "tool_calls": some[:n] + some[n + 1 :]}
    for n, call in enumerate(cast("list[Any]", calls or [])):
        arguments: Any = call["function"]["arguments"]
        if isinstance(arguments, dict):
            for key in list(cast("dict[str, Any]", arguments)):
                fewer = {k: v for k, v in cast("dict[str, Any]", arguments).items() if k != key}
                other = {**call, "function": {**call["function"], "arguments": fewer}}
                yield {**message, "tool_calls": [*calls[:n], other, *calls[n + 1 :]]}
    content: Any = message.get("content")
    if isinstance(content, list) and len(cast("list[Any]", content)) > 1:
        parts = cast("list[Any]", content)
        for n in range(len(parts)):
            yield {**message, "content": parts[:n] + parts[n + 1 :]}
    if isinstance(content, str) and len(content) > LONG:
        yield {**message, "content": content[:LONG].rstrip()}
        yield {**message, "content": content[-LONG:].lstrip()}


def oddities(talk: Talk) -> int:
    """How often the conversation is none that a client would send: a result without its call, a call without its
    result, a turn that says nothing, the assistant before any user."""
    count = 0
    open_ids: list[Any] = []
    for message in talk.messages:
        role = message.get("role")
        if role == "tool":
            if message.get("tool_call_id") in open_ids:
                open_ids.remove(message.get("tool_call_id"))
            else:
                count += 1
            continue
        count += len(open_ids)
        open_ids = [c.get("id") for c in message.get("tool_calls") or ()]
        if role == "assistant" and not open_ids and not message.get("content") and not message.get("refusal"):
            count += 1
    roles = [m.get("role") for m in talk.messages if m.get("role") not in ("system", "developer")]
    return count + len(open_ids) + (roles[:1] != ["user"])
