"""LFM2 and LFM2.5. Two of the templates leave calls out: they are given them as text, as the model cards show them."""

from typing import Any

from tests.families.prepare import KEYS, Prepared, called
from tests.families.pythonic import as_text
from tests.families.reference import Message, Reference

ESCAPES = "lines 4-6 write quotes and backslashes in strings as they are; we escape them, or they would not read back"
BOS = {"bos_token": "<|startoftext|>"}
calls = as_text(lambda content, shown: f"{content}<|tool_call_start|>[{', '.join(shown)}]<|tool_call_end|>")


def plain(messages: list[Message], tools: Any) -> Prepared:
    """Content that is None is no content; reasoning is not looked at."""
    shown, tools = calls(messages, tools)
    return [{**m, "content": m["content"] or ""} for m in shown], tools


def thinking(messages: list[Message], tools: Any) -> Prepared:
    """Reasoning as the templates look for it: in the content."""
    out: list[Message] = []
    for given, m in zip(messages, plain(messages, tools)[0]):
        said = next((given[k] for k in KEYS if given.get(k) is not None), "")
        out.append({**m, "content": f"<think>{said}</think>{m['content']}"} if said else m)
    return out, tools


def moe(messages: list[Message], tools: Any) -> Prepared:
    """This template knows calls, and reasoning by one name."""
    out: list[Message] = []
    for m in messages:
        said = next((m[k] for k in KEYS if m.get(k) is not None), None)
        m = called({k: v for k, v in m.items() if k not in KEYS})
        out.append({**m, "content": m["content"] or ""} | ({} if said is None else {"thinking": said}))
    return out, tools


REFERENCES = (
    Reference(
        "lfm2",
        "cef187400d62a59507aab3a642ea9a8d2a2ef263562bc3430560e116945273cf",
        "lfm2",
        variables=BOS,
        prepare=plain,
    ),
    Reference(
        "lfm2.5",
        "f05bf4b967dc993bdc7a2fe6e43759ee218eb0eb340d68b063e1c4f8ad148176",
        "lfm2.5",
        variables=BOS,
        prepare=thinking,
        options=({}, {"keep_past_thinking": True}),
    ),
    Reference(
        "lfm2.5-moe",
        "6d65c8804847ad74eea912dd7eca3dc1cf7a457b53a77f47d841a14121910963",
        "lfm2.5",
        variables=BOS,
        prepare=moe,
        options=({}, {"preserve_thinking": True}),
        differs={
            **dict.fromkeys(("call-code*", "arguments", "arguments-string"), ESCAPES),
            "arguments-tuple": "a tuple is an array here, as in JSON",
        },
        avoid=("quotes in arguments",),
    ),
)
