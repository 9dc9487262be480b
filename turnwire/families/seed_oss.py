"""Seed-OSS: Qwen3-Coder's calls between its own markers, a thinking budget.

Facts: chat_template.jinja of ByteDance-Seed/Seed-OSS-36B-Instruct (sha256 3f9e0dc4). Each <seed:...> is a token: the
vocabulary could not be had, but engines look these up by id. A turn that says nothing has no end in the template
(lines 154-163); here every turn has.
"""

from __future__ import annotations

from ..codecs import Value
from ..format import Format
from ..layout import Context, Layout, Option, Results, Wrap
from ..templating.seed_prose import NO_THINKING, doubao_tools, trim_assistant
from ..wire import NOTHING, End, Frame, Lit, Opt, Pad, Slot, Tok, Word
from .qwen3_coder import call_of, calls_of

# reply (lines 123-163): values exactly as they are, containers as Python prints them (line 145)
think = Frame("reasoning", Tok("<seed:think>") + Slot("reasoning") + Tok("</seed:think>") + Pad("\n"))
value = Value(python=True, containers=True)
calls = calls_of(call_of(value, pad=NOTHING, open="<seed:tool_call>", close="</seed:tool_call>"))
REFLECT = ("<seed:cot_budget_reflect>", "</seed:cot_budget_reflect>")


def said(role: str) -> Wrap:
    """<seed:bos>, the role, a line end, the content, <seed:eos>."""
    return Wrap(Tok("<seed:bos>") + Lit(role + "\n"), Tok("<seed:eos>"))


def no_thinking(context: Context) -> Word:
    """Lines 171-173."""
    if context.options["thinking_budget"] != 0:
        return NOTHING
    reflection = Tok(REFLECT[0]) + Lit(NO_THINKING) + Tok(REFLECT[1])
    return Tok("<seed:think>") + Lit("\n") + reflection + Lit("\n") + Tok("</seed:think>")


seed_oss = Format(
    "seed-oss", Opt(think) + calls + End("<seed:eos>"), said("assistant").open,
    Layout(
        roles=(("system", said("system")), ("user", said("user"))),
        results=Results(item_open=said("tool").open, item_close=said("tool").close),
        preamble=doubao_tools,
        arrange=(trim_assistant,),
        prefill=no_thinking,
        options=(
            Option("thinking_budget", -1, "an int: tokens to think with, 0 for none, -1 for any", type=int),
            Option("use_json_tooldef", False, "a bool: tools as JSON", (True, False)),
        ),
    ),
    control_extra=REFLECT,
    models=("ByteDance-Seed/Seed-OSS-36B-Instruct",),
    source="ByteDance-Seed/Seed-OSS-36B-Instruct chat_template.jinja sha256 3f9e0dc4ad",
)  # fmt: skip
