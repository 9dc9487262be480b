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


def calls_in_content(write: Callable[[list[tuple[str, str]]], str]) -> Callable[[list[Message], Any], Prepared]:
    """Calls as the model writes them, at the end of the content: for templates that leave `tool_calls` out. `write`
    makes text of (name, arguments as JSON)."""

    def prepare(messages: list[Message], tools: Any) -> Prepared:
        out: list[Message] = []
        for m in text_content(messages, tools)[0]:
            if calls := m.get("tool_calls"):
                functions = [c.get("function", c) for c in calls]
                pairs = [(f["name"], json.dumps(f["arguments"], ensure_ascii=False)) for f in functions]
                text = write(pairs)
                m = {k: v for k, v in m.items() if k != "tool_calls"} | {
                    "content": m["content"] + ("\n" if m["content"] and text else "") + text
                }
            out.append(m)
        return out, tools

    return prepare


def hermes_calls(calls: list[tuple[str, str]]) -> str:
    return "\n".join(f'<tool_call>\n{{"name": "{n}", "arguments": {a}}}\n</tool_call>' for n, a in calls)
