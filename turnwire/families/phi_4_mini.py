"""Phi-4-mini: calls as a JSON list between <|tool_call|> markers; Phi-4-mini-reasoning, which thinks aloud.

Facts: chat_template.jinja of microsoft/Phi-4-mini-instruct (sha256 febf5892; Phi-4-multimodal-instruct and
Phi-4-mini-flash-reasoning have the same file) and Phi-4-mini-reasoning (cbb504cb). They have the message's content
only: that calls stand in it between <|tool_call|> and <|/tool_call|> is the model card's, that models write
functools[...] instead is vLLM's phi4mini_tool_parser.py.
"""

from __future__ import annotations

from ..codecs import Envelope
from ..format import Format
from ..layout import Layout, Results, Wrap
from ..templating import phi_prose as phi
from ..templating.arrange import drop_reasoning
from ..templating.smollm_prose import one_system
from ..wire import Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok
from .notes import UNSEEN
from .phi_4 import text, think

call = Frame("call", Slot("envelope", Envelope()))
comma, closed = Lit(",") + Pad(" "), Lit("]") + Tok("<|/tool_call|>")
marked = Many(call, open=Tok("<|tool_call|>") + Lit("["), sep=comma, close=closed)
bare = Many(call, open=Lit("functools["), sep=comma, close=Lit("]"))
calls = Many(Choice(text, marked, bare))
end = End("<|end|>", "<|endoftext|>")


def role(name: str) -> Wrap:
    """<|name|>, the content, <|end|>."""
    return Wrap(Tok(f"<|{name}|>"), Tok("<|end|>"))


layout = Layout(
    roles=(("system", role("system")), ("user", role("user"))),
    results=Results(item_open=role("tool").open, item_close=role("tool").close),
    preamble=phi.tools_in_system,
    arrange=(drop_reasoning,),
    finish=Tok("<|endoftext|>"),
)
phi_4_mini = Format(
    "phi-4-mini", calls + end, role("assistant").open, layout, control_extra=("<|/tool|>",),
    models=("microsoft/Phi-4-mini-instruct", "microsoft/Phi-4-multimodal-instruct"), notes=(UNSEEN,),
    source="microsoft/Phi-4-mini-instruct chat_template.jinja sha256 febf589225",
)  # fmt: skip
phi_4_mini_reasoning = phi_4_mini.but(
    "phi-4-mini-reasoning", reply=Opt(think) + calls + end,
    layout=layout.but(preamble=phi.math_expert, arrange=(one_system, drop_reasoning)),
    models=("microsoft/Phi-4-mini-reasoning",),
    source="microsoft/Phi-4-mini-reasoning chat_template.jinja sha256 cbb504cb43",
)  # fmt: skip
