"""More of Qwen. `prepare` says in the template's own way what it has no key for, or cannot read."""

from __future__ import annotations

from typing import Any

from tests.families.prepare import Prepared, text_content
from tests.families.reference import Message, Reference


def last_block(messages: list[Message], tools: Any) -> Prepared:
    """QwQ's template knows no `reasoning_content`: in the last turn, which alone keeps it, it stands in the content."""
    messages, tools = text_content(messages, tools)
    last = messages[-1]
    reasoning = last.get("reasoning_content") or last.get("thinking") or last.get("reasoning")
    if last["role"] == "assistant" and reasoning:
        end = "\n</think>\n\n" if last["content"] or not last.get("tool_calls") else "\n</think>\n"
        messages[-1] = {**last, "content": f"<think>\n{reasoning}{end}{last['content']}"}
    return messages, tools


Options = dict[str, Any]
DEFAULT: Options = {}
OFF: Options = {"enable_thinking": False}
LOW: Options = {"reasoning_effort": "low"}
MEDIUM: Options = {"reasoning_effort": "medium"}
REFERENCES = (
    *(
        Reference(name, template, "qwen2.5", prepare=text_content)
        for name, template in (
            ("qwen2.5", "cd8e9439f0570856fd70470bf8889ebd8b5d1107207f67a5efb46e342330527f"),
            ("qwen2.5-1m", "44d5f08f3f72b837eaad09f13a54c1f9f4eb58d75240334548b7fd52a5437fa5"),
            ("qwen2.5-math", "c564d12c9977b8942423753b0c409a11f50142508ced170e9fe1c2f5b803cf70"),
        )
    ),
    Reference("qwq", "16488ad69d85833e5f66c50174f39834b688343337e9337f018deaa21b354117", "qwq-32b", prepare=last_block),
    Reference(
        "qwen3.5-small",
        "273d8e0e683b885071fb17e08d71e5f2a5ddfb5309756181681de4f5a1822d80",
        "qwen3.5",
        lists=True,
        options=(DEFAULT, {"enable_thinking": True}),
    ),
    Reference(
        "qwen3.6",
        "e84f32a23fdda27689f868aa4a1a5621f41133e51a48d7f3efcbea2839574259",
        "qwen3.6",
        lists=True,
        options=(DEFAULT, OFF, {"preserve_thinking": True}, {"add_vision_id": True}),
    ),
    Reference(
        "qwen3.8",
        "qwen3.8/chat_template.jinja",
        "qwen3.8",
        lists=True,
        options=(DEFAULT, OFF, {"preserve_thinking": False}, MEDIUM, LOW, {**LOW, **OFF}),
    ),
    Reference(
        "qwen3-coder-next",
        "c79a833039a43602150cce0902403d6e376c50930c1b2a139b2964e1f0c322a0",
        "qwen3",
        prepare=text_content,
    ),
    Reference(
        "qwen3-vl-instruct",
        "3636d0f0bd6bef02654cdffdc447b79cb2cef8ab02cc75267345946291a489e4",
        "qwen3",
        prepare=text_content,
        lists=True,
        options=(DEFAULT, {"add_vision_id": True}),
        differs=dict.fromkeys(
            ("system-middle", "system-twice", "system-last", "image-system"),
            "a system message that is not the first, and media in one, are refused; the template leaves them out "
            "(lines 3-12 and 38-61)",
        ),
        avoid=("system in the middle",),
    ),
    Reference(
        "qwen3-vl-thinking",
        "36e042fe45641f067b1f2381fcc8955d10d956a3ed333ecdf7f7eb0916f68956",
        "qwen3",
        prepare=text_content,
        lists=True,
        options=(DEFAULT, {"add_vision_id": True}),
        differs={
            "image-system": "pictures count from 1 in a system message too; the template counts none there (line 29)"
        },
    ),
)
