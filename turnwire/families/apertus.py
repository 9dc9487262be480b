"""Apertus: calls as a JSON list of {"name": {arguments}} between <|tools_prefix|> and <|tools_suffix|>, results inside
the model's turn.

Facts: chat_template.jinja of swiss-ai/Apertus-8B-Instruct-2509 (sha256 56f72c27; 70B has the same file). The markers
are entries 61 to 72 of the vocabulary.
"""

from __future__ import annotations

from ..codecs import Keyed
from ..format import Format
from ..layout import Layout, Option, Wrap
from ..templating.apertus import Outputs, one_turn, write_preamble
from ..templating.arrange import drop_reasoning
from ..templating.smollm_prose import one_system
from ..wire import Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok

text = Frame("text", Slot("text"))
think = Frame("reasoning", Tok("<|inner_prefix|>") + Slot("reasoning") + Tok("<|inner_suffix|>"))
call = Frame("call", Slot("envelope", Keyed()))
calls = Many(
    call,
    open=Tok("<|tools_prefix|>") + Lit("["),
    sep=Lit(",") + Pad(" "),
    close=Lit("]") + Tok("<|tools_suffix|>"),
)
end = End("<|assistant_end|>", "</s>", called="")


def role(name: str) -> Wrap:
    """<|name_start|>, the content, <|name_end|>."""
    return Wrap(Tok(f"<|{name}_start|>"), Tok(f"<|{name}_end|>"))


layout = Layout(
    roles=(("system", role("system")), ("user", role("user"))),
    results=Outputs(),
    preamble=write_preamble,
    arrange=(one_system, drop_reasoning, one_turn),
    begin=Tok("<s>"),
    options=(
        Option("enable_thinking", False, "a bool: allow deliberation", (True, False)),
        Option("now", None, "the date in the default system message; today's if None"),
    ),
)
apertus = Format(
    "apertus", Opt(think) + Many(Choice(text, calls)) + end, role("assistant").open, layout,
    control_extra=("<|developer_start|>", "<|developer_end|>"),
    models=("swiss-ai/Apertus-8B-Instruct-2509", "swiss-ai/Apertus-70B-Instruct-2509"),
    source="swiss-ai/Apertus-8B-Instruct-2509 chat_template.jinja sha256 56f72c27fa",
)  # fmt: skip
