"""MiniMax: templates and vocabularies of the reference data."""

from __future__ import annotations

from typing import Any

from tests.families.prepare import no_null_content
from tests.families.reference import Message, Reference

DROPPED = "the template drops a system message that is not the first (line 44); we refuse it"
DIFFERS = {
    "system-middle": DROPPED,
    "system-twice": DROPPED,
    "system-last": DROPPED,
}
M2: dict[str, Any] = {
    "tokenizer": "minimax-m2",
    "prepare": no_null_content,
    "differs": DIFFERS,
    "avoid": ("system in the middle",),
}
M3_DIFFERS = dict.fromkeys(DIFFERS, DROPPED.replace("line 44", "line 122"))


def media_named_as_there(messages: list[Message], tools: Any) -> tuple[list[Message], Any]:
    """Pictures as {"type": "image"}, the only form that the template knows (line 62); it drops others."""
    messages, tools = no_null_content(messages, tools)
    for m in messages:
        content: Any = m["content"]
        if isinstance(content, list):
            parts: list[Any] = content
            m["content"] = [{"type": "image"} if p.get("type") == "image_url" else p for p in parts]
    return messages, tools


REFERENCES = (
    Reference("minimax-m2", "minimax-m2/chat_template.jinja", options=({}, {"model_identity": "You are X."}), **M2),
    Reference("minimax-m2.1", "minimax-m2/chat_template.m2.1.jinja", **M2),
    Reference("minimax-m2.5", "minimax-m2/chat_template.m2.5.jinja", **M2),
    Reference("minimax-m2.7", "minimax-m2/chat_template.m2.7.jinja", **M2),
    Reference(
        "minimax-m3",
        "minimax-m3/chat_template.jinja",
        "minimax-m3",
        prepare=media_named_as_there,
        lists=True,
        options=({}, {"thinking_mode": "enabled"}, {"thinking_mode": "disabled"}, {"model_identity": "X"}),
        differs=M3_DIFFERS,
        avoid=("system in the middle",),
    ),
)
