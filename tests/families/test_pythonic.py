"""Calls in Python's notation: variants of replies that documents and public parsers show."""

from __future__ import annotations

from typing import Any

import pytest

import turnwire
from turnwire import Call, Reasoning, Text

F, G = Call("f", {"a": "x"}), Call("g", {})
OPEN, CLOSE = "<|tool_call_start|>", "<|tool_call_end|>"


@pytest.mark.parametrize(
    ("name", "reply", "wanted"),
    [
        ("lfm2", OPEN + '[f(a="x")]' + CLOSE + "Checking.<|im_end|>", (F, Text("Checking."))),  # the model card
        ("lfm2", "Let me see." + OPEN + "[f(a='x'), g()]" + CLOSE, (Text("Let me see."), F, G)),
        ("lfm2", OPEN + '[{"name": "f", "arguments": {"a": "x"}}, {"name": "g", "arguments": {}}]' + CLOSE, (F, G)),
        ("lfm2", OPEN + ' [\nf(a="x"),\ng()\n]\n' + CLOSE, (F, G)),
        ("lfm2.5", "<think>Hm.</think>" + OPEN + '[f(a="x")]' + CLOSE, (Reasoning("Hm."), F)),
        ("lfm2.5-moe", OPEN + "[f(a='it\\'s\nso')]" + CLOSE, (Call("f", {"a": "it's\nso"}),)),
        ("olmo-3", '<function_calls>f(a="x")\ng()</function_calls>', (F, G)),
        ("olmo-3", "Yes.<function_calls>\nf(a='x')\ng()\n</function_calls>", (Text("Yes."), F, G)),
        ("olmo-3", "<function_calls>f(a=true, b=None)</function_calls>", (Call("f", {"a": True, "b": None}),)),
    ],
)
def test_variants(name: str, reply: str, wanted: tuple[Any, ...]) -> None:
    read = turnwire.get_format(name).parse(reply, finish_reason="stop")
    assert read.turn.parts == wanted and not read.faults
