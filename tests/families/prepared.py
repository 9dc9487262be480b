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


def calls_in_full(messages: list[Message], tools: Any) -> Given:
    """Calls under `function`, the only form that the templates take (Hy3, line 170)."""
    out: list[Message] = []
    for m in no_null_content(messages, tools)[0]:
        calls: list[Any] = m.get("tool_calls") or []
        if calls:
            m = {**m, "tool_calls": [c if "function" in c else {"type": "function", "function": c} for c in calls]}
        out.append(m)
    return out, tools


def names_and_parameters(messages: list[Message], tools: Any) -> Given:
    """Results with the name of the tool, which we take from the call, and tools with a description and parameters,
    for templates that raise where one is missing."""
    out: list[Message] = []
    names: dict[Any, str] = {}
    for m in calls_in_full(messages, None)[0]:
        if m["role"] == "assistant" and m.get("tool_calls"):
            names = {c.get("id"): c["function"]["name"] for c in m["tool_calls"]}
        if m["role"] == "tool" and not m.get("name"):
            found = names.get(m.get("tool_call_id"), next(iter(names.values()), None))
            m = {**m, "name": found}
        out.append(m)
    if not tools:
        return out, tools
    functions: list[Any] = [dict(t["function"]) for t in tools]
    for f in functions:
        f["description"] = f.get("description") or ""
        f["parameters"] = f.get("parameters") or {}
    return out, [{**t, "function": f} for t, f in zip(tools, functions)]
