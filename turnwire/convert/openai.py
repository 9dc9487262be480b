"""Events and turns as OpenAI chat completions: chunks as they stream, or one completion.

Every chunk stands for one event and is made as soon as the event comes. The first delta of a call has its index,
id, type and name; the others have arguments only. Arguments of a call that may yet be cut are streamed. What a
client that puts deltas together can know of them: under finish_reason "length" the last call may be half a call;
under "stop" no call is complete; under "tool_calls" at least one is, and one that the model itself broke off does
not parse. With `only_complete=True` a call is sent whole, once it is complete, and a cut one never. What the shape
cannot hold is told to `lost`, in words.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

from ..events import (
    ArgumentsDelta,
    CallEnd,
    CallStart,
    Event,
    Fault,
    FinishReason,
    PartStart,
    ReasoningDelta,
    TextDelta,
    TurnEnd,
)
from ..turns import Call, Reasoning, Text, Turn

VISIBLE = (None, "final", "commentary")
"""Channels whose text is for the user."""

DONE = b"data: [DONE]\n\n"
"""The last line of a stream of server-sent events."""


def chunks(
    events: Iterable[Event],
    *,
    id: str | None = None,
    model: str = "",
    created: int | None = None,
    include_reasoning: bool = True,
    only_complete: bool = False,
    lost: list[str] | None = None,
) -> Iterator[dict[str, Any]]:
    """The chunks of a streamed chat completion, one as each event comes; the finish_reason comes with `TurnEnd`.

    Calls without an id get one that is unique. `only_complete` holds a call back until it is known to be complete.
    """
    writer = _Writer(id, model, created, include_reasoning, only_complete, lost)
    yield writer.chunk({"role": "assistant"})
    for event in events:
        yield from writer.on(event)


async def achunks(
    events: AsyncIterable[Event],
    *,
    id: str | None = None,
    model: str = "",
    created: int | None = None,
    include_reasoning: bool = True,
    only_complete: bool = False,
    lost: list[str] | None = None,
) -> AsyncIterator[dict[str, Any]]:
    """As `chunks`, from an async iterable."""
    writer = _Writer(id, model, created, include_reasoning, only_complete, lost)
    yield writer.chunk({"role": "assistant"})
    async for event in events:
        for chunk in writer.on(event):
            yield chunk


def completion(
    turn: Turn,
    finish_reason: FinishReason | None = None,
    *,
    id: str | None = None,
    model: str = "",
    created: int | None = None,
    include_reasoning: bool = True,
    lost: list[str] | None = None,
) -> dict[str, Any]:
    """A turn as one chat completion; `finish_reason` is what the parser was closed with. Calls that are not
    complete are left out."""
    parts = [p for p in turn.parts if include_reasoning or not isinstance(p, Reasoning)]
    if lost is not None and len(parts) < len(turn.parts):
        lost.append("reasoning")
    shown = tuple(p for p in parts if not (isinstance(p, Text) and p.recipient is None and p.channel not in VISIBLE))
    if lost is not None and len(shown) < len(parts):
        lost.append("text in a channel that is not for the user")
    flat = Turn(turn.role, shown).to_openai(lost=lost)
    message: dict[str, Any] = {"role": "assistant", "content": flat["content"], "refusal": None}
    if flat["reasoning_content"] is not None:
        message["reasoning_content"] = flat["reasoning_content"]
    calls = [c for c in turn.calls if c.name is not None and c.complete]
    if calls:
        message["tool_calls"] = [_whole(c) for c in calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _reason(finish_reason, bool(calls))}
    return {**_head(id, model, created, "chat.completion"), "choices": [choice]}


def sse(chunks: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Chunks as server-sent events, `[DONE]` at the end."""
    for chunk in chunks:
        yield sse_line(chunk)
    yield DONE


def sse_line(chunk: dict[str, Any]) -> bytes:
    """One chunk as a server-sent event. ASCII, so that no reader can take a character for the end of a line."""
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + b"\n\n"


class _Writer:
    """What the chunks of one reply have in common, and where they are."""

    def __init__(
        self,
        id: str | None,
        model: str,
        created: int | None,
        include_reasoning: bool,
        only_complete: bool,
        lost: list[str] | None,
    ):
        self.head = _head(id, model, created, "chat.completion.chunk")
        self.include_reasoning, self.only_complete = include_reasoning, only_complete
        self.lost = lost if lost is not None else []
        self.place: dict[int, int] = {}  # the index of a call among those sent, by its own
        self.hidden: set[int] = set()  # parts whose text is not for the user
        self.complete = False  # a call is

    def chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self.head, "choices": [choice]}

    def on(self, event: Event) -> Iterator[dict[str, Any]]:
        if isinstance(event, TextDelta):
            if event.text and event.part not in self.hidden:
                yield self.chunk({"content": event.text})
        elif isinstance(event, ReasoningDelta):
            if event.text and self.include_reasoning:
                yield self.chunk({"reasoning_content": event.text})
        elif isinstance(event, ArgumentsDelta):
            if event.json and event.index in self.place and not self.only_complete:
                at = self.place[event.index]
                yield self.chunk({"tool_calls": [{"index": at, "function": {"arguments": event.json}}]})
        elif isinstance(event, CallStart):
            if not self.only_complete:
                yield self.start(event.index, event.id, event.name, "")
        elif isinstance(event, CallEnd):
            self.complete = self.complete or event.complete
            if not event.complete:
                self.lose(f"a call that is {event.call.status}: {event.call.name!r}")
            elif self.only_complete and event.call.name is not None:
                yield self.start(event.index, event.call.id, event.call.name, event.call.arguments_json)
        elif isinstance(event, PartStart):
            self.part(event)
        elif isinstance(event, Fault):
            self.lose(f"a fault: {event.code}")
        elif isinstance(event, TurnEnd):
            yield self.chunk({}, _reason(event.reason, self.complete))

    def start(self, index: int, id: str | None, name: str, arguments: str) -> dict[str, Any]:
        at = self.place[index] = len(self.place)
        function = {"name": name, "arguments": arguments}
        return self.chunk({"tool_calls": [{"index": at, "id": _call_id(id), "type": "function", "function": function}]})

    def part(self, event: PartStart) -> None:
        recipient = event.recipient
        if event.kind == "text" and (recipient is not None or event.channel not in VISIBLE):
            self.hidden.add(event.part)
            self.lose(f"text addressed to {recipient!r}" if recipient else f"text in the channel {event.channel!r}")
        elif event.kind == "reasoning" and not self.include_reasoning:
            self.lose("reasoning")

    def lose(self, what: str) -> None:
        if what not in self.lost:
            self.lost.append(what)


def _head(id: str | None, model: str, created: int | None, kind: str) -> dict[str, Any]:
    return {
        "id": id if id is not None else f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": created if created is not None else int(time.time()),
        "model": model,
    }


def _call_id(id: str | None) -> str:
    return id if id is not None else f"call_{secrets.token_hex(12)}"


def _whole(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments_json}
    return {"id": _call_id(call.id), "type": "function", "function": function}


def _reason(reason: FinishReason | None, calls: bool) -> str:
    """OpenAI's word for how a reply ended; `calls`: it holds a complete call. An aborted reply is "length",
    the one word that says it may be cut."""
    if reason in ("length", "abort"):
        return "length"
    return "tool_calls" if calls else "stop"
