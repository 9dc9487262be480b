"""An agent: a model that acts with tools, in a loop. Only turnwire's public API; copy it.

`model` is any function from prompt ids to the ids of a reply as they are sampled: an engine's stream, or, in the
demo, a recording. `run` yields all that happens, so that a caller can show it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import turnwire
from turnwire.events import Event

Model = Callable[[list[int]], Iterable[int]]


@dataclass(frozen=True)
class Reply:
    """A reply is over: its ids and what they say."""

    ids: list[int]
    turn: turnwire.Turn


@dataclass(frozen=True)
class Answer:
    """A tool has answered a call."""

    call: turnwire.Call
    content: str


def run(
    fmt: turnwire.Format,
    tokenizer: turnwire.Tokenizer,
    model: Model,
    functions: Sequence[Callable[..., Any]],
    messages: list[Any],
    max_replies: int = 8,
    **options: Any,
) -> Iterator[turnwire.Rendered | Event | Reply | Answer]:
    """Talk to the model and run the tools it calls, until it answers without a call; `messages` grows."""
    tools = [turnwire.tool(function) for function in functions]
    stops = set(fmt.stop_token_ids(tokenizer))
    for _ in range(max_replies):
        prompt = fmt.render(messages, tools, tokenizer, add_generation_prompt=True, **options)
        yield prompt

        parser = fmt.parser(tokenizer, tools, prompt, new_id=lambda i: f"call_{len(messages)}_{i}")
        ids: list[int] = []
        for token in model(prompt.ids):
            ids.append(token)
            yield from parser.feed([token])
            if token in stops:
                break
        yield from parser.close("stop" if ids and ids[-1] in stops else "length")
        yield Reply(ids, parser.turn)

        # A call that was cut, or cannot be read, is not run and not kept: the model may write it again.
        parts = [p for p in parser.turn.parts if not isinstance(p, turnwire.Call) or p.complete]
        messages.append(turnwire.Turn("assistant", tuple(parts)))
        if not parser.turn.calls:
            return
        for call in messages[-1].calls:
            content = call_tool(call, functions)
            messages.append({"role": "tool", "tool_call_id": call.id, "name": call.name, "content": content})
            yield Answer(call, content)


def call_tool(call: turnwire.Call, functions: Sequence[Callable[..., Any]]) -> str:
    """Run one complete call; what is wrong with it, or goes wrong, is an answer too."""
    if call.status != "complete":  # "invalid" or "unknown-tool": tell the model what to change
        return json.dumps({"error": [f"{e.path}: {e.message}" for e in call.errors]}, ensure_ascii=False)
    function = next(f for f in functions if f.__name__ == call.name)
    try:
        return json.dumps(function(**call.arguments or {}), ensure_ascii=False)
    except Exception as e:
        return json.dumps({"error": f"{type(e).__name__}: {e}"}, ensure_ascii=False)
