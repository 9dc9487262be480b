"""Phi-4 and Phi-4-reasoning: text, and reasoning before it. No calls: their templates leave out tools, calls and
results, and so do prompts here.

Facts: chat_template.jinja of microsoft/phi-4 (sha256 fe412041) and Phi-4-reasoning (5a4c7c0b; -plus has the same
file). The vocabulary is cl100k with Phi's own tokens.
"""

from __future__ import annotations

from ..format import Format
from ..layout import Layout, NoResults, Wrap
from ..templating.arrange import drop_calls, drop_reasoning
from ..templating.phi_prose import fixed_system, no_system
from ..wire import End, Frame, Lit, Many, Opt, Pad, Slot, Tok

# reply
text = Frame("text", Slot("text"))
think = Frame("reasoning", Tok("<think>") + Pad("\n") + Slot("reasoning") + Pad("\n") + Tok("</think>") + Pad("\n\n"))
end = End("<|im_end|>", "<|endoftext|>")


def role(name: str) -> Wrap:
    """<|im_start|>name<|im_sep|>, the content, <|im_end|>."""
    return Wrap(Tok("<|im_start|>") + Lit(name) + Tok("<|im_sep|>"), Tok("<|im_end|>"))


SILENT = "tools, calls and results are left out of prompts, as by the official template"
layout = Layout(
    roles=(("system", role("system")), ("user", role("user"))),
    results=NoResults(),
    arrange=(drop_calls, drop_reasoning),
)
phi_4 = Format(
    "phi-4", Many(text) + end, role("assistant").open, layout,
    models=("microsoft/phi-4",), notes=(SILENT,),
    source="microsoft/phi-4 chat_template.jinja sha256 fe4120415a",
)  # fmt: skip
phi_4_reasoning = phi_4.but(
    "phi-4-reasoning", reply=Opt(think) + Many(text) + end,
    layout=layout.but(preamble=fixed_system, arrange=(no_system, *layout.arrange)),
    models=("microsoft/Phi-4-reasoning", "microsoft/Phi-4-reasoning-plus"),
    notes=(SILENT, "system messages are left out too: the template has a fixed one"),
    source="microsoft/Phi-4-reasoning chat_template.jinja sha256 5a4c7c0b12",
)  # fmt: skip
