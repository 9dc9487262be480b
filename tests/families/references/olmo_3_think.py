"""Olmo 3 Think: functions, calls and reasoning are texts that the caller gives the template; so it is given them."""

import json
from collections.abc import Callable
from typing import Any

from tests.families.prepare import KEYS, Prepared, text_content
from tests.families.reference import Message, Reference
from tests.families.references.olmo_3 import END


def texts(intro: str) -> Callable[[list[Message], Any], Prepared]:
    """A system message holds the functions; if there is none, one that says what the template says by itself."""

    def prepare(messages: list[Message], tools: Any) -> Prepared:
        shown = json.dumps(tools, ensure_ascii=False)
        messages = text_content(messages, tools)[0]
        if tools is not None and all(m["role"] != "system" for m in messages):
            messages = [{"role": "system", "content": intro}, *messages]
        out: list[Message] = []
        for m in messages:
            m = dict(m)
            said = next((m[k] for k in KEYS if m.get(k) is not None), "") if m["role"] == "assistant" else ""
            if said:
                m["content"] = f"<think>{said}</think>{m['content']}"
            if calls := m.pop("tool_calls", None):
                m["function_calls"] = "\n".join(map(_call, calls))
            if m["role"] == "system" and tools is not None:
                m["functions"] = shown
            out.append({**m, "role": "environment"} if m["role"] == "tool" else m)
        return out, None

    return prepare


def _call(call: Message) -> str:
    f = call.get("function", call)
    return f"{f['name']}({', '.join(f'{k}={json.dumps(v, ensure_ascii=False)}' for k, v in f['arguments'].items())})"


OLMO = (
    "built by Ai2. Your date cutoff is {} 2024, and your model weights are available at https://huggingface.co/allenai."
)
REFERENCES = (
    Reference(
        "olmo-3-think",
        "eba6e269f669706e5c788e370160dad953137f3fa7014fa69d03c7b3ad9f0e72",
        "olmo-3",
        variables=END,
        prepare=texts("You are a helpful AI assistant."),
    ),
    Reference(
        "olmo-3-7b-think",
        "6d549883b5ed12879e191845c256a30c7dfd4eced0a4f160060a3ea0199d9e3a",
        "olmo-3",
        variables=END,
        prepare=texts("You are OLMo, a helpful function-calling AI assistant " + OLMO.format("November")),
    ),
    Reference(
        "olmo-3.1-think",
        "fb2b8736121ab4001112a9ccfb33c0081230536c861c706bf24b1b390964c1cd",
        "olmo-3",
        variables=END,
        prepare=texts("You are Olmo, a helpful AI assistant " + OLMO.format("December")),
    ),
)
