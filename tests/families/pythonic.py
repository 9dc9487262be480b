"""What templates that know no calls, or another notation of them, are given instead: the calls as text, written here
independently of the package, in the notation that the model card shows. The rest of the prompt must then be equal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Prepare = Callable[[list[dict[str, Any]], Any], tuple[list[dict[str, Any]], Any]]


def literal(value: Any) -> str:
    """A JSON value as a Python literal, strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(literal, value)) + "]"
    return repr(value)


def as_text(write: Callable[[str, list[str]], str]) -> Prepare:
    """Turns with calls as turns of text: `write` puts the calls behind the content."""

    def prepare(messages: list[dict[str, Any]], tools: Any) -> tuple[list[dict[str, Any]], Any]:
        out: list[dict[str, Any]] = []
        for m in messages:
            m = dict(m)
            if calls := m.pop("tool_calls", None):
                shown: list[str] = []
                for c in calls:
                    f = c.get("function", c)
                    shown.append(f"{f['name']}({', '.join(f'{k}={literal(v)}' for k, v in f['arguments'].items())})")
                m["content"] = write(m["content"] or "", shown)
            if m["role"] == "assistant" and m["content"] is None:
                m["content"] = ""
            out.append(m)
        return out, tools

    return prepare
