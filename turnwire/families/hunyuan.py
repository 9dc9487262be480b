"""Hunyuan: Hy3 and Hy3-preview. Calls of keys and values, in a section.

Facts: chat_template.jinja of tencent/Hy3 (sha256 7fc351fe) and tencent/Hy3-preview (54909415). Engine switches of the
templates that make up a prompt around a broken reply (`fallback_strategy`, `raw_last_assistant`) are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..codecs import Name, Value
from ..format import Format
from ..layout import Context, Layout, Option, Results, Wrap
from ..templating.hunyuan import EFFORTS, Preamble, gather, leave_open, think, think_if_interleaved
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .notes import UNSEEN

NL = Pad("\n")


def made(suffix: str, begin: str, arrange: Callable[..., Any], option: Option) -> dict[str, Any]:
    """The reply, the header and the layout with this suffix of the control tokens."""

    def tok(name: str) -> Tok:
        return Tok(name.replace(">", f"{suffix}>"))

    def role(name: str) -> Tok:
        return Tok(f"<｜hy_{name}{suffix}｜>")

    key = tok("<arg_key>") + Slot("key") + tok("</arg_key>") + NL
    argument = Frame("arg", key + tok("<arg_value>") + Slot("value", Value()) + tok("</arg_value>") + NL)
    call = Frame(
        "call",
        tok("<tool_call>") + Slot("name", Name(without="<> ")) + tok("<tool_sep>") + NL + Many(argument)
        + tok("</tool_call>") + NL,
    )  # fmt: skip
    block = Frame("reasoning", tok("<think>") + Slot("reasoning") + tok("</think>"))
    calls = Many(call, open=tok("<tool_calls>") + NL, close=tok("</tool_calls>"))

    opened = tok("<think>")
    empty = opened + tok("</think>")

    def prefill(context: Context) -> Word:
        """Lines 212-222: nothing behind a turn that was left open."""
        if context.behind:
            return NOTHING
        return empty if context.options["reasoning_effort"] == "no_think" else opened

    layout = Layout(
        roles=(("system", Wrap(NOTHING, NOTHING)), ("user", Wrap(role("User"), NOTHING))),
        results=Results(
            tok("<tool_responses>") + Lit("\n"),
            tok("<tool_response>") + Lit("\n"),
            Lit("\n") + tok("</tool_response>") + Lit("\n"),
            tok("</tool_responses>"),
        ),
        begin=Tok(begin),
        preamble=Preamble(suffix),
        arrange=(gather, arrange, leave_open),
        prefill=prefill,
        options=(
            Option("reasoning_effort", "no_think", "how much to think", EFFORTS),
            option,
            Option("is_training", False, "a bool: the last turn is ended, and all reasoning stays", (True, False)),
        ),
    )
    reply = Opt(block) + Many(Choice(Frame("text", Slot("text")), calls)) + End(role("eos").text)
    control = (f"<｜reasoning_mode{suffix}｜>",)
    return {"reply": reply, "header": role("Assistant"), "layout": layout, "control_extra": control}


hunyuan = Format(
    "hunyuan",
    **made(
        ":opensource", "<｜hy_begin_of_sentence:opensource｜>", think,
        Option("preserved_thinking", None, "a bool: all reasoning stays; None: with tools", (None, True, False)),
    ),
    models=("tencent/Hy3",), notes=(UNSEEN,), source="tencent/Hy3 chat_template.jinja sha256 7fc351fee674c137",
)  # fmt: skip
hunyuan_preview = hunyuan.but(
    "hunyuan-preview",
    **made(
        "", "<｜hy_begin▁of▁sentence｜>", think_if_interleaved,
        Option("interleaved_thinking", False, "a bool: reasoning stays between calls", (True, False)),
    ),
    models=("tencent/Hy3-preview",), source="tencent/Hy3-preview chat_template.jinja sha256 549094157c938228",
)  # fmt: skip
