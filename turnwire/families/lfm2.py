"""LFM2 and LFM2.5: a list of calls in Python's notation between two control tokens, in ChatML.

Facts: chat_template.jinja of LiquidAI/LFM2-1.2B (sha256 cef18740; the Tool and 8B-A1B files say the same),
LFM2.5-1.2B-Instruct (f05bf4b9) and LFM2.5-8B-A1B (6d65c880). The first two leave `tool_calls` out of the prompt: calls
are written as the model cards show them, and as docs.liquid.ai (key-concepts/tool-use) says: a Python list, or a JSON
list where the system prompt asks for one. The markers are added tokens 6 to 13 of LFM2's tokenizer.json (98cff83b),
<think> and </think> are 64400 and 64401 of LFM2.5's.
"""

from __future__ import annotations

from ..codecs import Envelope, JsonCall, PythonArguments, Quoted
from ..format import Format
from ..layout import Layout, Results, Wrap
from ..templating import lfm_prose as prose
from ..templating.arrange import drop_reasoning
from ..wire import NOTHING, Choice, End, Frame, Lit, Look, Many, Opt, Pad, Slot, Tok, Word
from .llama_3 import name, text
from .qwen3 import NL, chatml

json_call = Frame("call", Look(JsonCall(("arguments", "parameters"))) + Slot("envelope", Envelope()))
blank = Choice(NOTHING, Pad(" "), Pad("\n"))


def replies(arguments: PythonArguments) -> Word:
    """Text and lists of calls; blanks around the brackets are read."""
    call = Frame("call", name + Lit("(") + Slot("arguments", arguments) + Lit(")"))
    section = Many(
        Choice(call, json_call),
        open=Tok("<|tool_call_start|>") + blank + Lit("["),
        sep=Lit(",") + Pad(" "),
        close=Lit("]") + blank + Tok("<|tool_call_end|>"),
    )
    return Many(Choice(text, section))


end = End("<|im_end|>", "<|endoftext|>")
think = Frame("reasoning", Tok("<think>") + Slot("reasoning") + Tok("</think>"))
tool: Wrap = chatml("tool")
layout = Layout(
    roles=(("system", chatml("system")), ("user", chatml("user"))),
    results=Results(
        item_open=tool.open + Tok("<|tool_response_start|>"),
        item_close=Tok("<|tool_response_end|>") + tool.close,
    ),
    preamble=prose.ListOfTools(Tok("<|tool_list_start|>"), Tok("<|tool_list_end|>")),
    arrange=(drop_reasoning,),
    after=NL,
    begin=Tok("<|startoftext|>"),
)
lfm2 = Format(
    "lfm2", replies(PythonArguments()) + end, chatml("assistant").open, layout,
    models=tuple(f"LiquidAI/LFM2-{s}" for s in ("350M", "700M", "1.2B", "1.2B-Tool", "2.6B", "2.6B-Exp", "8B-A1B")),
    control_extra=("<|tool_list_start|>", "<|tool_list_end|>"),
    source="LiquidAI/LFM2-1.2B chat_template.jinja sha256 cef187400d62a595",
)  # fmt: skip
lfm2_5_layout: Layout = layout.but(
    results=Results(item_open=tool.open, item_close=tool.close), preamble=prose.ListOfTools(),
    arrange=(prose.drop_empty_reasoning, prose.DropOldThinking("keep_past_thinking")), options=(prose.keep_past,),
)  # fmt: skip
lfm2_5 = lfm2.but(
    "lfm2.5", reply=Opt(think) + lfm2.reply, layout=lfm2_5_layout, control_extra=(),
    models=(*(f"LiquidAI/LFM2.5-{s}" for s in ("350M", "1.2B-Instruct", "1.2B-JP", "1.2B-Thinking")),
            "LiquidAI/LFM2-24B-A2B"),
    source="LiquidAI/LFM2.5-1.2B-Instruct chat_template.jinja sha256 f05bf4b967dc993b",
)  # fmt: skip
# values: LFM2.5-8B-A1B, lines 4-12
lfm2_5_moe = lfm2_5.but(
    "lfm2.5-moe", reply=Opt(think) + replies(PythonArguments(Quoted())) + end,
    layout=lfm2_5_layout.but(arrange=(prose.DropOldThinking("preserve_thinking", True),), options=(prose.preserve,)),
    models=("LiquidAI/LFM2.5-8B-A1B", "LiquidAI/LFM2.5-230M"),
    source="LiquidAI/LFM2.5-8B-A1B chat_template.jinja sha256 6d65c8804847ad74",
)  # fmt: skip
