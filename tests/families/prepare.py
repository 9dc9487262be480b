"""What some official templates need done to a conversation before they can take it; see `Reference.prepare`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.families.reference import Message

Prepared = tuple[list[Message], Any]


def text_content(messages: list[Message], tools: Any) -> Prepared:
    """No content is empty text: templates that concatenate it raise for None, which OpenAI's form has."""
    return [{**m, "content": ""} if m.get("content") is None else m for m in messages], tools


def lists_with_media(messages: list[Message], tools: Any) -> Prepared:
    """Lists only where there is a picture in them, and its type without "_url", for templates that know no other."""
    out: list[Message] = []
    for m in text_content(messages, tools)[0]:
        if isinstance(m["content"], list):
            parts = [{**p, "type": p["type"].removesuffix("_url")} for p in m["content"]]
            said = "".join(p.get("text", "") for p in parts)
            m = {**m, "content": parts if any(p["type"] != "text" for p in parts) else said}
        out.append(m)
    return out, tools


def calls_in_content(
    write: Callable[[list[tuple[str, str]]], str], gap: str = "\n"
) -> Callable[[list[Message], Any], Prepared]:
    """Calls as the model writes them, at the end of the content (behind a text and `gap`): for templates that leave
    `tool_calls` out. `write` makes text of (name, arguments as JSON)."""

    def prepare(messages: list[Message], tools: Any) -> Prepared:
        out: list[Message] = []
        for m in text_content(messages, tools)[0]:
            if calls := m.get("tool_calls"):
                functions = [c.get("function", c) for c in calls]
                pairs = [(f["name"], json.dumps(f["arguments"], ensure_ascii=False)) for f in functions]
                text = write(pairs)
                m = {k: v for k, v in m.items() if k != "tool_calls"} | {
                    "content": m["content"] + (gap if m["content"] and text else "") + text
                }
            out.append(m)
        return out, tools

    return prepare


def hermes_calls(calls: list[tuple[str, str]]) -> str:
    return "\n".join(f'<tool_call>\n{{"name": "{n}", "arguments": {a}}}\n</tool_call>' for n, a in calls)


KEYS = ("reasoning_content", "thinking", "reasoning")


def one_reasoning_key(messages: list[Message], tools: Any) -> Prepared:
    """Reasoning under `reasoning_content`, the only key that most templates read; we read it under each that clients
    write, the first that is not None."""
    out: list[Message] = []
    for m in messages:
        found = next((m[key] for key in KEYS if m.get(key) is not None), None)
        m = {k: v for k, v in m.items() if k not in KEYS}
        out.append(m if found is None else {**m, "reasoning_content": found})
    return out, tools


def no_null_content(messages: list[Message], tools: Any) -> Prepared:
    """Content that is None as "": templates that lack a case for it write the word None."""
    out, tools = one_reasoning_key(messages, tools)
    return [{**m, "content": ""} if m.get("content", "") is None else m for m in out], tools


def under_function(calls: list[Any]) -> list[Any]:
    """Each call under `function`."""
    return [c if "function" in c else {"type": "function", "function": c} for c in calls]


def called(m: Message) -> Message:
    """A message with its calls under `function`, and without the key for them where there are none."""
    calls = m.get("tool_calls")
    rest = {k: v for k, v in m.items() if k != "tool_calls"}
    return {**rest, "tool_calls": under_function(calls)} if calls else rest


def calls_in_full(messages: list[Message], tools: Any) -> Prepared:
    """Calls under `function`, the only form that the templates take (Hy3, line 170)."""
    out: list[Message] = []
    for m in no_null_content(messages, tools)[0]:
        calls: list[Any] = m.get("tool_calls") or []
        if calls:
            m = {**m, "tool_calls": under_function(calls)}
        out.append(m)
    return out, tools


def names_and_parameters(messages: list[Message], tools: Any) -> Prepared:
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
