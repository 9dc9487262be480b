"""Trinity-Large-Thinking: Qwen3-Coder's calls in ChatML behind a BOS, reasoning that the prompt opens and turns keep.

Facts: chat_template.jinja of arcee-ai/Trinity-Large-Thinking (sha256 e0e9a78c). The vocabulary could not be had: that
<think> and <tool_call> are tokens follows from the parsers that recipes.vllm.ai names for it (deepseek_r1,
qwen3_coder), which look them up by id; of <tool_response> and the BOS it is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..codecs import Value
from ..layout import Context, Placed
from ..templating.arrange import SplitBlock, Trim
from ..templating.xml_tools import XmlTools
from ..turns import Part, Reasoning
from ..wire import NOTHING, Choice, End, Frame, If, Many, Opt, Pad, Slot, Tok, Word
from .notes import UNSEEN
from .qwen3 import qwen3, splitting, text
from .qwen3_coder import call_of
from .qwen3_coder import layout as coder_layout

DEFAULT = (
    "You are Trinity Large, a helpful assistant developed by Arcee AI, that can interact with a computer to solve "
    "tasks."
)
NL = Pad("\n")


# reply, lines 117-141. The line end behind </think> is in what the model wrote for its card: content "\n" beside a
# call (README.md at 6d6f35d, line 123)
def goes_on(options: Mapping[str, Any], part: Part | None) -> bool:
    """Whether something stands behind the reasoning, which comes first of all parts."""
    return part is not None


think = Frame("reasoning", Tok("<think>") + Slot("reasoning") + Tok("</think>") + Choice(If(goes_on, NL), NOTHING))
calls = Many(Choice(text, Many(call_of(Value(python=True)), open=Pad("\n", after="text"), sep=NL)))


# layout
def speaks(t: Placed) -> bool:
    """A turn whose content is trimmed: one with reasoning or calls (lines 118-130)."""
    return t.role == "assistant" and any(p.kind in ("reasoning", "call") for _, p in t.parts)


def trim_reasoning(turns: list[Placed], context: Context) -> list[Placed]:
    """Line 120."""
    return [
        t.having(*((i, replace(p, text=p.text.strip()) if isinstance(p, Reasoning) else p) for i, p in t.parts))
        for t in turns
    ]


OPENED = Tok("<think>")


def begin_thinking(context: Context) -> Word:
    """Line 160."""
    return OPENED


trinity = qwen3.but(
    "trinity", reply=Opt(think) + calls + End("<|im_end|>"),
    layout=coder_layout.but(
        preamble=XmlTools(DEFAULT, nulls=False),
        arrange=(trim_reasoning, Trim(speaks), SplitBlock("<think>", "</think>\n")),
        prefill=begin_thinking,
        options=(splitting,),
        begin=Tok("<|begin_of_text|>"),
    ),
    models=("arcee-ai/Trinity-Large-Thinking",), notes=(UNSEEN,),
    source="arcee-ai/Trinity-Large-Thinking chat_template.jinja sha256 e0e9a78ce1",
)  # fmt: skip
