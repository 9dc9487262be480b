"""mistral-common as a reference: its normalizer and its encoder, and of its validator what concerns the order of
messages. What else the validator refuses are rules of Mistral's API (names of functions, valid schemas, answers to
all calls): the encoder writes them all the same. Needs Python 3.11."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.families.official import Raised
from tests.families.reference import Message, Oracle
from tests.real_mistral import mistral_file
from turnwire import get_format
from turnwire.messages import REASONING, read_messages
from turnwire.templating.call_ids import settle_ids
from turnwire.templating.render import place
from turnwire.turns import Call, Result


@functools.cache
def peer(tokenizer: str) -> Any:
    """The encoder of a tokenizer. That of v3 refuses text and calls in one turn; it is given v7's method, which writes
    the one and then the other with v3's own means."""
    module = pytest.importorskip("mistral_common.tokens.tokenizers.mistral", reason="needs mistral-common")
    whole = module.MistralTokenizer.from_file(str(mistral_file(tokenizer)))
    if tokenizer in ("v3", "tekken-v3"):
        from mistral_common.tokens.tokenizers.instruct import InstructTokenizerV7

        whole._instruct_request_normalizer._allow_tool_call_and_content = True
        encoder: Any = whole.instruct_tokenizer
        encoder.encode_assistant_message = types.MethodType(InstructTokenizerV7.encode_assistant_message, encoder)
    return whole


def encoder(tokenizer: str, reasons: bool = False) -> Oracle:
    """An oracle: ids, and text where the tokenizer is a tekken. `reasons`: it takes reasoning."""

    def encode(messages: list[Message], tools: Any, options: Mapping[str, Any]) -> tuple[str | None, list[int]]:
        whole = peer(tokenizer)
        from mistral_common.protocol.instruct.request import ChatCompletionRequest

        make: Any = ChatCompletionRequest.from_openai  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        if not reasons:
            messages = [{k: v for k, v in m.items() if k != "reasoning_content"} for m in messages]
        try:
            goes_on = bool(options.get("continue_final_message"))
            request: Any = make(messages, tools, continue_final_message=goes_on)
            whole._chat_completion_request_validator._validate_message_order(request.messages)
            normal = whole._instruct_request_normalizer.from_chat_completion_request(request)
            out = whole.instruct_tokenizer.encode_instruct(normal)
        except Exception as e:  # it has no base class for what it raises
            raise Raised(f"{type(e).__name__}: {e}") from e
        return (out.text if "tekken" in type(whole.instruct_tokenizer.tokenizer).__name__.lower() else None), out.tokens

    return encode


def prepare(name: str) -> Callable[[list[Message], Any], tuple[list[Message], Any]]:
    """The conversation as mistral-common's classes take it: one key for reasoning, calls with their "function", no
    content as empty text; and the ids of calls that we give them, since it refuses all but nine letters or digits."""

    def prepared(messages: list[Message], tools: Any) -> tuple[list[Message], Any]:
        ids = named(name, messages)
        out: list[Message] = []
        for at, m in enumerate(messages):
            reasoning = next((m[k] for k in REASONING if m.get(k) is not None), None)
            m = {k: v for k, v in m.items() if k not in REASONING}
            if reasoning is not None:
                m["reasoning_content"] = reasoning
            if m.get("content") is None and m["role"] != "assistant":
                m["content"] = ""
            if m["role"] == "tool":
                m["tool_call_id"] = ids[at][0]
            if m.get("tool_calls"):
                m["tool_calls"] = [
                    {"id": id, "function": c.get("function", c)} for c, id in zip(m["tool_calls"], ids[at], strict=True)
                ]
            out.append(m)
        return out, tools

    return prepared


def named(name: str, messages: list[Message]) -> dict[int, list[str]]:
    """The ids of the calls, or of the call answered, of each message."""
    layout = get_format(name).layout
    turns = read_messages(messages, ("system", "user", "assistant", "tool"))
    placed = settle_ids(place(turns), layout, {})
    return {t.turn: [p.id or "callid000" for _, p in t.parts if isinstance(p, (Call, Result))] for t in placed}
