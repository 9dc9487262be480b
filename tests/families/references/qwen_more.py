"""More of Qwen. `prepare` says in the template's own way what it has no key for, or cannot read."""

from __future__ import annotations

from typing import Any

from tests.families.prepare import text_content
from tests.families.reference import Reference

Options = dict[str, Any]
DEFAULT: Options = {}
OFF: Options = {"enable_thinking": False}
LOW: Options = {"reasoning_effort": "low"}
MEDIUM: Options = {"reasoning_effort": "medium"}
REFERENCES = (
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
)
