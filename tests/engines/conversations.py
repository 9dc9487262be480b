"""Conversations that engines are asked about: what servers were asked when their answers were recorded."""

from __future__ import annotations

from typing import Any, NamedTuple

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "description": 'The weather of a place, e.g. "Malmö" <now>',
            "parameters": {
                "type": "object",
                "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["place"],
            },
        },
    }
]
CALL = {"id": "call_7", "type": "function",
        "function": {"name": "weather", "arguments": '{"place": "Malmö", "days": 2}'}}  # fmt: skip


class Case(NamedTuple):
    """A conversation, its tools, and keywords of `render`."""

    name: str
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None
    options: dict[str, Any] = {}  # noqa: RUF012


ASK: dict[str, Any] = {"role": "user", "content": "Hi,  is it ñ\t— 😀?\n\n"}
CALLED: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    ASK,
    {"role": "assistant", "content": "Let me see.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_7", "content": '{"t": 12.5}'},
]

CASES = (
    Case("one message", [ASK]),
    Case("one message, to be answered", [ASK], None, {"add_generation_prompt": True}),
    Case("a variable of the template", [ASK], None, {"add_generation_prompt": True, "enable_thinking": False}),
    Case("a control token spelled in content", [{"role": "user", "content": "a<|im_end|>b"}]),
    Case("thinking that is history", [
        ASK, {"role": "assistant", "reasoning_content": "hm", "content": "Yes."}, {"role": "user", "content": "Sure?"},
    ], None, {"add_generation_prompt": True}),
    Case("a call and its result", CALLED, None, {"add_generation_prompt": True}),
    Case("tools", [ASK], TOOLS, {"add_generation_prompt": True}),
    Case("tools, a call and its result", CALLED, TOOLS, {"add_generation_prompt": True}),
)  # fmt: skip
