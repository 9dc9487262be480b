"""Hermes 4: Hermes JSON calls, reasoning on demand; in ChatML (14B) or between Llama 3's headers (70B, 405B).

Facts: chat_template.jinja of NousResearch/Hermes-4-14B (sha256 6a0543ce) and Hermes-4-70B (89116c1a). The 14B is
trained from Qwen3-14B and has its vocabulary.
"""

from __future__ import annotations

from dataclasses import replace

from ..layout import Context, Option, Placed, Results, Wrap, no_prefill
from ..templating.arrange import drop_reasoning
from ..templating.nous_prose import Hermes4System
from ..turns import Reasoning, Text
from ..wire import NOTHING, End, Frame, Lit, Opt, Pad, Slot, Tok
from .notes import UNSEEN
from .qwen3 import NL, calls, chatml, end, qwen3
from .qwen3 import layout as qwen3_layout

# reply: an emptied block of an old turn is "<think> </think>", without line ends inside (line 36)
full = Pad("\n", full=True)
think = Frame("reasoning", Tok("<think>") + full + Slot("reasoning") + full + Tok("</think>") + Pad("\n"))


def keep_cots(turns: list[Placed], context: Context) -> list[Placed]:
    """Without `thinking`, reasoning that was given apart is not shown; with it, whole if `keep_cots`, else as an
    emptied block before each text (lines 31-38; the template looks for it in the content only)."""
    if not context.options["thinking"]:
        return drop_reasoning(turns, context)
    return turns if context.options["keep_cots"] else [_emptied(t) if t.role == "assistant" else t for t in turns]


def _emptied(t: Placed) -> Placed:
    if not t.text:
        return t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning)))
    parts = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning)]
    for at, (i, p) in enumerate(parts):
        if isinstance(p, Text) and "</think>" in p.text:
            parts[at] = (i, replace(p, text=p.text.split("</think>", 1)[1].removeprefix("\n")))
            break
    return t.having((None, Reasoning(" ", prefilled=True)), *parts)


OPTIONS = (
    Option("thinking", False, "a bool: ask for reasoning, where the caller has no system prompt", (True, False)),
    Option("keep_cots", False, "a bool: with thinking, keep the reasoning of old turns", (True, False)),
)
layout = qwen3_layout.but(
    preamble=Hermes4System(chatml("system").open), arrange=(keep_cots,), prefill=no_prefill, options=OPTIONS
)
hermes_4 = qwen3.but(
    "hermes-4", reply=Opt(think) + calls + end, layout=layout,
    models=("NousResearch/Hermes-4-14B",),
    source="NousResearch/Hermes-4-14B chat_template.jinja sha256 6a0543ce21",
)  # fmt: skip


def llama(role: str, gap: str = "\n\n") -> Wrap:
    """<|start_header_id|>role<|end_header_id|>, line ends, the content, <|eot_id|>."""
    return Wrap(Tok("<|start_header_id|>") + Lit(role) + Tok("<|end_header_id|>") + Lit(gap), Tok("<|eot_id|>"))


hermes_4_llama = hermes_4.but(
    "hermes-4-llama",
    reply=Opt(think) + calls + End("<|eot_id|>", "<|end_of_text|>", "<|eom_id|>"),
    header=llama("assistant").open,
    layout=layout.but(
        roles=(("system", llama("system")), ("user", llama("user"))),
        results=Results(
            llama("user", "\n").open, NL + Tok("<tool_response>") + NL, NL + Tok("</tool_response>"), Tok("<|eot_id|>")
        ),
        preamble=Hermes4System(llama("system", "\n").open),
        after=NOTHING,
        begin=Tok("<|begin_of_text|>"),
    ),
    models=("NousResearch/Hermes-4-70B", "NousResearch/Hermes-4-405B"), notes=(UNSEEN,),
    source="NousResearch/Hermes-4-70B chat_template.jinja sha256 89116c1ac2",
)  # fmt: skip
