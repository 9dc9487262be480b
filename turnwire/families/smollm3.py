"""SmolLM3: Hermes JSON calls in ChatML, reasoning that the prompt or the system message switches.

Facts: chat_template.jinja of HuggingFaceTB/SmolLM3-3B (sha256 3e0e275a). It leaves out tool_calls; the model writes
what line 53 asks for, and so do prompts here. Python code in <code>, which line 58 allows, stays text.
"""

from __future__ import annotations

from ..layout import Context, Option, Placed, Results
from ..templating import smollm_prose as smol
from ..templating.arrange import StripFirst, drop_reasoning
from ..turns import Reasoning
from ..wire import NOTHING, End, Frame, Lit, Opt, Pad, Slot, Tok, Word
from .notes import UNSEEN
from .qwen3 import NL, calls, chatml, qwen3
from .qwen3 import layout as qwen3_layout

think = Frame("reasoning", Tok("<think>") + Pad("\n") + Slot("reasoning") + Pad("\n") + Tok("</think>") + Pad("\n"))


def empty_blocks(turns: list[Placed], context: Context) -> list[Placed]:
    """Without thinking, each assistant turn begins with an empty block (lines 76-80)."""
    if context.options["enable_thinking"]:
        return turns
    block = (None, Reasoning("", prefilled=True))
    return [t.having(block, *t.parts) if t.role == "assistant" else t for t in turns]


EMPTY = Tok("<think>") + Lit("\n\n") + Tok("</think>") + NL


def prefill(context: Context) -> Word:
    """Lines 89-93."""
    return NOTHING if context.options["enable_thinking"] else EMPTY


TOOLS = (list, tuple, type(None))
layout = qwen3_layout.but(
    results=Results(item_open=chatml("user").open, item_close=chatml("user").close),
    preamble=smol.write_preamble,
    settle=smol.switched,
    arrange=(smol.one_system, drop_reasoning, StripFirst("\n"), empty_blocks),
    prefill=prefill,
    options=(
        Option("enable_thinking", True, "a bool; a /think or /no_think in the system message counts for more",
               (True, False)),
        Option("xml_tools", None, "a list: tools, if there are no `tools`", type=TOOLS),
        Option("python_tools", None, "a list: functions that Python code in the reply may use", type=TOOLS),
        Option("now", None, "the date in the system message; today's if None"),
    ),
)  # fmt: skip
smollm3 = qwen3.but(
    "smollm3", reply=Opt(think) + calls + End("<|im_end|>", "<|end_of_text|>"), layout=layout,
    models=("HuggingFaceTB/SmolLM3-3B",), notes=(UNSEEN,),
    source="HuggingFaceTB/SmolLM3-3B chat_template.jinja sha256 3e0e275a52",
)  # fmt: skip
