"""Conversations for the tests of the bulk path: many shapes, and rows that fail."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}
OTHER = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
WORDS = "rain in oslo is warm — trip ünder 日本 <|im_end|> book of weather {x} \n".split(" ")


def row(rng: random.Random) -> dict[str, Any]:
    """A conversation; some have calls and results, reasoning, tools of their own, empty or no content."""

    def text() -> str:
        return " ".join(rng.choices(WORDS, k=rng.randrange(1, 12)))

    messages: list[dict[str, Any]] = []
    if rng.random() < 0.4:
        messages.append({"role": "system", "content": text()})
    for _ in range(rng.randrange(1, 4)):
        messages.append({"role": "user", "content": text()})
        if rng.random() < 0.5:
            arguments = {"city": text(), **({"days": rng.randrange(9)} if rng.random() < 0.5 else {})}
            call = {"type": "function", "function": {"name": "get_weather", "arguments": arguments}}
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
            messages.append({"role": "tool", "content": text()})
        answer: dict[str, Any] = {"role": "assistant", "content": text()}
        if rng.random() < 0.3:
            answer["reasoning_content"] = text()
        messages.append(answer)
    out: dict[str, Any] = {"messages": messages}
    if rng.random() < 0.5:
        out["tools"] = [TOOL] if rng.random() < 0.7 else [TOOL, OTHER]
    return out


def rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Conversations that render."""
    rng = random.Random(seed)
    return [row(rng) for _ in range(count)]


BAD = (
    '{"messages": [{"role": "usr", "content": "x"}]}',
    "not JSON",
    '{"message": []}',
    '"text"',
    '{"messages": [{"role": "user", "content": "only a question"}]}',
    '{"messages": "[{"}',
    '{"messages": [{"role": "user", "content": "\\ud800"}, {"role": "assistant", "content": "x"}]}',
    '{"messages": [{"role": "tool", "content": "no call"}]}',
    '{"messages": [' * 2000,
)
REASONS = (
    "RoleError", "not JSON", "did you mean 'message'", "not a row", "nothing was sampled", "not JSON", "Surrogate",
    "without a call", "JSON",
)  # fmt: skip


def lines(count: int, seed: int = 0) -> Iterator[str]:
    """Lines of JSONL."""
    for value in rows(count, seed):
        yield json.dumps(value, ensure_ascii=False) + "\n"


def write(path: Path, count: int, seed: int = 0) -> Path:
    """A file of them."""
    path.write_text("".join(lines(count, seed)), "utf-8")
    return path
