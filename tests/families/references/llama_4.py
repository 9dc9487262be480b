"""Llama 4: the template of a public copy of the gated repository. It writes calls in another notation than the model
card, so it is given them as text (see `turnwire/families/llama_4.py`)."""

from tests.families.pythonic import as_text
from tests.families.reference import Reference


def write(content: str, calls: list[str]) -> str:
    listed = f"[{', '.join(calls)}]"
    return f"{content}<|python_start|>{listed}<|python_end|>" if content else listed


NO_CONTENT = "lines 73-83 go through content that is None, and fail; we write an empty turn"
REFERENCES = (
    Reference(
        "llama-4",
        "01a91bfb2e84c8055bf7b635898fef3cae0b69e42ac5634c212d308e0e9091bd",
        "llama-4",
        variables={"bos_token": "<|begin_of_text|>"},
        prepare=as_text(write),
        options=({}, {"tools_in_user_message": False}),
        differs={
            "no-user-calls": "line 61 takes the first message for the user's, whoever said it; we want a user message",
            "result-none": "line 111 fails on a result without content",
        },
        avoid=("tools, no user first",),
    ),
)
