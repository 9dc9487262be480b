"""Olmo 3 Instruct. The template ends the last turn with `eos_token` (<|endoftext|>) and no line end, the others with
<|im_end|> and one; so that this one difference does not hide others, its eos_token is what ends the others."""

from typing import Any

from tests.families.prepare import Prepared, called, text_content
from tests.families.reference import Message, Reference

END = {"eos_token": "<|im_end|>\n"}


def plain(messages: list[Message], tools: Any) -> Prepared:
    """No calls are no key `tool_calls`, content that is None is empty text; a call has the key `function`."""
    return [called(m) for m in text_content(messages, tools)[0]], tools


REFERENCES = (
    Reference(
        "olmo-3",
        "f5186d42d99c8a0445d37fd8a6c7ccf07fe3e24a29ce622d8bd245da9507b12b",
        "olmo-3",
        variables=END,
        prepare=plain,
    ),
    Reference(
        "olmo-3.1",
        "49a944c9814e130bd3cc80a2420c55ff22e24a4e4ba97009aa60000909b5eac3",
        "olmo-3",
        variables=END,
        prepare=plain,
    ),
)
