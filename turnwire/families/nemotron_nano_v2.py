"""Nemotron Nano v2 and Llama-3.3 Nemotron Super v1.5: calls as a JSON list in <TOOLCALL>, /think and /no_think.

Facts: chat_template.jinja of nvidia/NVIDIA-Nemotron-Nano-9B-v2 (sha256 b7a3a520; 12B-v2 has the same file) and
Llama-3_3-Nemotron-Super-49B-v1_5 (1b13a386). <think> and <TOOLCALL> are ordinary text: the template of Nano names the
vocabulary's unused entries (<SPECIAL_10>) where it has some, and Super has the vocabulary of Llama 3.
"""

from __future__ import annotations

from ..codecs import Envelope
from ..format import Format
from ..layout import Context, Layout, Results, Wrap
from ..templating import nemotron_prose as nemotron
from ..templating.smollm_prose import one_system
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .hermes_4 import llama
from .notes import UNSEEN

# reply
full = Pad("\n", full=True)
think = Frame("reasoning", Lit("<think>") + full + Slot("reasoning") + full + Lit("</think>") + Pad("\n\n", full=True))
text = Frame("text", Slot("text"))
call = Frame("call", Slot("envelope", Envelope()))
gap = Pad("\n\n", after="text")
calls = Many(call, open=gap + Lit("<TOOLCALL>["), sep=Lit(",") + Pad(" "), close=Lit("]</TOOLCALL>"))
NL = Lit("\n")


def role(token: str, name: str) -> Wrap:
    return Wrap(Tok(token) + Lit(name + "\n"), NL)


OPENED, EMPTY = Lit("<think>\n"), Lit("<think></think>")


def thinks(context: Context) -> Word:
    """A think block is opened, or written empty."""
    return OPENED if context.options.get("thinks", True) else EMPTY


layout = Layout(
    roles=(("system", role("<SPECIAL_10>", "System")), ("user", role("<SPECIAL_11>", "User"))),
    results=Results(
        Tok("<SPECIAL_11>") + Lit("User\n<TOOL_RESPONSE>["), close=Lit("]</TOOL_RESPONSE>\n"), sep=Lit(", ")
    ),
    preamble=nemotron.nano_system,
    settle=nemotron.nano_switched,
    arrange=(one_system, nemotron.without_switches, nemotron.answers),
    prefill=thinks,
    after=NL,
)
nemotron_nano_v2 = Format(
    "nemotron-nano-v2", Opt(think) + Many(Choice(text, calls)) + Pad("\n") + End("<SPECIAL_12>", "</s>"),
    role("<SPECIAL_11>", "Assistant").open, layout, notes=(UNSEEN,),
    models=("nvidia/NVIDIA-Nemotron-Nano-9B-v2", "nvidia/NVIDIA-Nemotron-Nano-12B-v2"),
    source="nvidia/NVIDIA-Nemotron-Nano-9B-v2 chat_template.jinja sha256 b7a3a520a4",
)  # fmt: skip


EMPTY_LINES = Lit("<think>\n\n</think>\n\n")


def empty(context: Context) -> Word:
    """Without thinking, an empty block."""
    return NOTHING if context.options.get("thinks", True) else EMPTY_LINES


super_think = Frame(
    "reasoning", Lit("<think>") + Pad("\n") + Slot("reasoning") + Pad("\n") + Lit("</think>") + Pad("\n\n")
)
super_calls = Many(call, open=Lit("<TOOLCALL>["), sep=Lit(",") + Pad(" "), close=Lit("]</TOOLCALL>"))
nemotron_super_1_5 = nemotron_nano_v2.but(
    "nemotron-super-1.5",
    reply=Opt(super_think) + Many(Choice(text, super_calls)) + End("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>"),
    header=llama("assistant").open,
    layout=Layout(
        roles=(("system", llama("system")), ("user", llama("user"))),
        results=Results(
            llama("tool").open + Lit("<TOOL_RESPONSE>["), close=Lit("]</TOOL_RESPONSE>") + Tok("<|eot_id|>"),
            sep=Lit(", "),
        ),
        preamble=nemotron.super_system,
        settle=nemotron.super_switched,
        arrange=(one_system, nemotron.super_answers),
        prefill=empty,
        begin=Tok("<|begin_of_text|>"),
    ),
    models=("nvidia/Llama-3_3-Nemotron-Super-49B-v1_5",), notes=(),
    source="nvidia/Llama-3_3-Nemotron-Super-49B-v1_5 chat_template.jinja sha256 1b13a386b1",
)  # fmt: skip
