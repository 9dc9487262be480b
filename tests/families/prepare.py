"""What some official templates need done to a conversation before they can take it; see `Reference.prepare`."""

from __future__ import annotations

from typing import Any

from tests.families.reference import Message

Prepared = tuple[list[Message], Any]


def text_content(messages: list[Message], tools: Any) -> Prepared:
    """No content is empty text: templates that concatenate it raise for None, which OpenAI's form has."""
    return [{**m, "content": ""} if m.get("content") is None else m for m in messages], tools
