"""DeepSeek R1: V3's calls behind reasoning, which the prompt opens (R1) or the model does (R1-0528).

Facts: chat_template of deepseek-ai/DeepSeek-R1 (sha256 563b1ce7) and R1-0528 (53671bac); the markers are added tokens
in tokenizer.json. Not their distilled models: there the markers of calls are no tokens.
"""

from __future__ import annotations

from ..layout import Context, no_prefill
from ..templating.arrange import drop_reasoning
from ..templating.deepseek import DropThoughts, behind_users, gather_system
from ..wire import NOTHING, Frame, Opt, Pad, Slot, Tok, Word
from .deepseek_v3 import NL, deepseek_v3, end, fenced, first_layout, layout, results

block = Tok("<think>") + Pad("\n") + Slot("reasoning") + Pad("\n") + Tok("</think>") + Pad("\n\n")
think = Opt(Frame("reasoning", block))


OPENED = Tok("<think>") + NL


def begin_thinking(context: Context) -> Word:
    """`{{'<｜Assistant｜><think>\\n'}}`, but nothing behind results."""
    return NOTHING if context.behind == "tool" else OPENED


r1_layout = first_layout.but(
    results=results(NOTHING),
    prefill=begin_thinking,
    arrange=(gather_system, DropThoughts(), drop_reasoning),
)
deepseek_r1 = deepseek_v3.but(
    "deepseek-r1", reply=think + fenced + end, layout=r1_layout,
    models=("deepseek-ai/DeepSeek-R1", "deepseek-ai/DeepSeek-R1-Zero", "microsoft/MAI-DS-R1"),
    source="deepseek-ai/DeepSeek-R1 chat_template sha256 563b1ce7d61d50a9",
)  # fmt: skip
deepseek_r1_0528 = deepseek_r1.but(
    "deepseek-r1-0528",
    layout=layout.but(
        prefill=no_prefill, arrange=(gather_system, DropThoughts(answers=False), drop_reasoning, behind_users)
    ),
    models=("deepseek-ai/DeepSeek-R1-0528",),
    source="deepseek-ai/DeepSeek-R1-0528 chat_template sha256 53671bac29bcb3e1",
)  # fmt: skip
