"""DeepSeek V3.1: calls between tokens, arguments as bare JSON; a prompt that opens reasoning or closes it.

Facts: chat_template of deepseek-ai/DeepSeek-V3.1 and -Terminus (sha256 45690185), which ignores tools and says nothing
of old reasoning; the markers are added tokens in its tokenizer.json.
"""

from __future__ import annotations

from ..codecs import Json
from ..layout import Context, Option, Results
from ..templating.arrange import drop_reasoning
from ..templating.deepseek import DropThoughts, behind_users, close_thinking, gather_system
from ..wire import NOTHING, Choice, Frame, Opt, Slot, Tok, Word
from .deepseek_v3 import calls, deepseek_v3, end, first_layout

OPEN, CLOSE = Tok("<think>"), Tok("</think>")
think = Frame("reasoning", Choice(CLOSE, OPEN + Slot("reasoning") + CLOSE))
bare = calls(Slot("name") + Tok("<｜tool▁sep｜>") + Slot("arguments", Json()))
thinking = Option("thinking", False, "a bool: the prompt opens reasoning, else it closes it", (True, False))


def prefill(context: Context) -> Word:
    """`{%- if not thinking %}{{'</think>'}}{%- else %}{{'<think>'}}`; nothing behind results."""
    return NOTHING if context.behind == "tool" else OPEN if context.options["thinking"] else CLOSE


deepseek_v3_1 = deepseek_v3.but(
    "deepseek-v3.1", reply=Opt(think) + bare + end,
    layout=first_layout.but(
        results=Results(item_open=Tok("<｜tool▁output▁begin｜>"), item_close=Tok("<｜tool▁output▁end｜>")),
        prefill=prefill, options=(thinking,),
        arrange=(gather_system, DropThoughts(first=True), drop_reasoning, behind_users, close_thinking),
    ),
    models=("deepseek-ai/DeepSeek-V3.1", "deepseek-ai/DeepSeek-V3.1-Terminus"),
    source="deepseek-ai/DeepSeek-V3.1 chat_template sha256 45690185067ea25c",
)  # fmt: skip
