"""Nemotron 3: Qwen3-Coder's calls in ChatML, reasoning that the prompt opens, an empty block where there is none.

Facts: chat_template.jinja of nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 (sha256 ab7813c3; Nano-4B's, 967c7e2c, writes
the same), Super-120B-A12B (575fb74f) and Ultra-550B-A55B (82753bef). <think>, <tool_call> and <tool_response> are
tokens, though not special ones.
"""

from __future__ import annotations

from dataclasses import replace

from ..codecs import Value
from ..layout import Context, Option
from ..templating.arrange import SplitBlock, split_reasoning
from ..templating.think_blocks import CutThinking, Effort
from ..templating.xml_tools import XmlTools
from ..wire import NOTHING, Choice, End, Frame, Many, Opt, Pad, Slot, Tok, Word
from .qwen3 import NL, qwen3, splitting, text, thinking
from .qwen3_coder import call_of
from .qwen3_coder import layout as coder_layout

# reply: a line end before the first call and behind each (lines 117-160)
call = Frame("call", call_of(Value(python=True)).body + Pad("\n"))
first_text = Frame("text", Pad("\n", after="reasoning") + Slot("text"))
calls = Many(Many(call, open=Pad("\n")) + Opt(text))
end = End("<|im_end|>")
opened, empty = Tok("<think>") + NL, Tok("<think>") + Tok("</think>")


def think(close: Word) -> Word:
    """A block, its closer behind `close`; what stands where there is none."""
    return Choice(Frame("reasoning", Tok("<think>") + Pad("\n") + Slot("reasoning") + close + Tok("</think>")), empty)


def prefill(context: Context) -> Word:
    """Lines 197-203: a block is opened, or written empty."""
    return opened if context.options["enable_thinking"] else empty


def flag(name: str, does: str) -> Option:
    """An option that is off."""
    return Option(name, False, f"a bool: {does}", (True, False))


layout = coder_layout.but(
    preamble=XmlTools(always=True, ordered=True),
    arrange=(SplitBlock("<think>\n", "\n</think>\n"), split_reasoning, CutThinking()),
    prefill=prefill,
    options=(
        thinking, splitting,
        replace(flag("truncate_history_thinking", "False keeps the reasoning of all turns"), default=True),
    ),
)  # fmt: skip
nemotron_3 = qwen3.but(
    "nemotron-3", reply=think(Pad("\n")) + Opt(first_text) + calls + end, layout=layout,
    models=("nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B", "nvidia/NVIDIA-Nemotron-3-Nano-4B"),
    source="nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16 chat_template.jinja sha256 ab7813c3ab",
)  # fmt: skip
nemotron_3_super = nemotron_3.but(
    "nemotron-3-super",
    layout=layout.but(
        arrange=(*layout.arrange, Effort("low_effort", "{reasoning effort: low}")),
        options=(*layout.options, flag("low_effort", "ask for less reasoning")),
    ),
    models=("nvidia/NVIDIA-Nemotron-3-Super-120B-A12B",),
    source="nvidia/NVIDIA-Nemotron-3-Super-120B-A12B chat_template.jinja sha256 575fb74f54",
)  # fmt: skip
nemotron_3_ultra = nemotron_3.but(
    "nemotron-3-ultra", reply=think(NOTHING) + Opt(text) + calls + end,
    layout=layout.but(
        arrange=(
            SplitBlock("<think>\n", "</think>"), split_reasoning, CutThinking(trim=False, gap=""),
            Effort("medium_effort", "{reasoning effort: efficient}"),
        ),
        options=(*layout.options, flag("medium_effort", "ask for less reasoning")),
    ),
    models=("nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B",),
    source="nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B chat_template.jinja sha256 82753bef5c",
)  # fmt: skip
