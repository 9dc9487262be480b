"""Conversations in the shape that official templates understand: values for `Reference.prepare`."""

from __future__ import annotations

from typing import Any

from tests.families.reference import Message

Given = tuple[list[Message], Any]
KEYS = ("reasoning_content", "thinking", "reasoning")


def one_reasoning_key(messages: list[Message], tools: Any) -> Given:
    """Reasoning under `reasoning_content`, the only key that most templates read; we read it under each that clients
    write, the first that is not None."""
    out: list[Message] = []
    for m in messages:
        found = next((m[key] for key in KEYS if m.get(key) is not None), None)
        m = {k: v for k, v in m.items() if k not in KEYS}
        out.append(m if found is None else {**m, "reasoning_content": found})
    return out, tools


def no_null_content(messages: list[Message], tools: Any) -> Given:
    """Content that is None as "": templates that lack a case for it write the word None."""
    out, tools = one_reasoning_key(messages, tools)
    return [{**m, "content": ""} if m.get("content", "") is None else m for m in out], tools
