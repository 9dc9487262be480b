"""Kimi K3: tags between vocabulary entries (XTML), arguments with their types.

Facts: encoding_k3.py of moonshotai/Kimi-K3 (commit c5d1dd4) as vLLM carries it (kimi_k3 chat encoding, which gives the
seven official goldens: k3_render_fixtures.json, sha256 a0db34d2). `thinking_effort` is "max" as in the tokenizer's
apply_chat_template (lablup/mlxcel, issue 1338), which calls that encoder.
"""

from __future__ import annotations

from ..codecs import ArgumentAttributes, CallAttributes, Value
from ..format import Format
from ..layout import Context, Layout, Option, Wrap
from ..templating.call_ids import in_call_order
from ..templating.kimi_k3 import Numbered, System, demand, head, number
from ..templating.kimi_k3 import think as thinking
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Slot, Tok, Word

OPEN, CLOSE, SEP = Tok("<|open|>"), Tok("<|close|>"), Tok("<|sep|>")


def begin(name: str, *attributes: Word) -> Word:
    """An opening tag."""
    tag: Word = OPEN + Lit(name)
    for attribute in attributes:
        tag = tag + Lit(" ") + attribute
    return tag + SEP


def end(name: str) -> Word:
    """A closing tag."""
    return CLOSE + Lit(name) + SEP


# reply. A response is opened and closed around no text too; a model that does not close its reasoning before, and
# closing tags that are missing at the end, are in canitoolcall's fixtures (k3-bug-response-only-completion, k3-vllm-*).
reflect, respond = begin("think"), begin("response")
think = Frame("reasoning", reflect + Slot("reasoning") + Choice(end("think") + Choice(respond, NOTHING), respond))
text = Opt(Frame("text", Slot("text"))) + Choice(end("response"), NOTHING)
argument = Frame(
    "arg",
    begin("argument", Slot("attrs", ArgumentAttributes("key", "type"))) + Slot("value", Value()) + end("argument"),
)
call = Frame("call", begin("call", Slot("attrs", CallAttributes("tool", "index"))) + Many(argument) + end("call"))
calls = Many(call, open=Choice(begin("tools"), NOTHING), close=Choice(end("tools"), NOTHING))
reply = Opt(think, Choice(respond, NOTHING)) + text + calls + Choice(end("message"), NOTHING) + End("<|end_of_msg|>")

# layout
AFTER = end("message") + Tok("<|end_of_msg|>")
header = OPEN + Lit('message role="assistant"') + SEP


def opened(context: Context) -> Word:
    """The block that the reply begins in."""
    return reflect if context.options["thinking"] else respond


layout = Layout(
    roles=(("system", System(OPEN, AFTER)), ("user", Wrap(OPEN + Lit('message role="user"') + SEP, AFTER))),
    results=Numbered(OPEN, AFTER), preamble=head, arrange=(in_call_order, number, thinking, demand), prefill=opened,
    options=(
        Option("thinking", True, "a bool: False gives turns without reasoning", (True, False)),
        Option("thinking_effort", "max", "how much to think; None says nothing", (None, "low", "high", "max")),
        Option("tool_choice", None, "what the next message must do", (None, "auto", "required", "none")),
        Option("response_format", None, "OpenAI's response_format or its type", type=(str, dict, type(None))),
    ),
    media=(("image", Lit("<|kimi_image_placeholder|>")),),
)  # fmt: skip

PROOF = (
    "the official encoder cannot be had: prompts are compared with the tests' own encoder, written from a copy of it, "
    "which gives the seven official goldens and 31 made with another copy; what tool_choice and response_format write "
    "is in none of these"
)
kimi_k3 = Format(
    "kimi-k3", reply, header, layout, models=("moonshotai/Kimi-K3",),
    notes=(PROOF,),
    source="vLLM's copy of moonshotai/Kimi-K3 encoding_k3.py at c5d1dd4; goldens sha256 a0db34d2b62623ed",
)  # fmt: skip
