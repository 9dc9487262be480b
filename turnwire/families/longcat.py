"""LongCat-Flash-Chat and LongCat-2.0: calls as JSON, and as keys and values.

Facts: chat_template.jinja of meituan-longcat/LongCat-Flash-Chat (sha256 4d9c94b9) and LongCat-2.0 (d426adef). Flash's
template has a line end before <longcat_think> in history (line 90) that its generation prompt lacks (line 133): it is
not written, for a turn then is what was sampled. 2.0's `save_history_reasoning_content=False` is left out.
"""

from __future__ import annotations

from ..codecs import Envelope, Name, Value
from ..format import Format
from ..layout import Context, EachResult, Layout, Option, Results, Wrap
from ..templating import longcat as cat
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .notes import UNSEEN

NL = Pad("\n")
opener, closer = Tok("<longcat_think>"), Tok("</longcat_think>")
think = Frame("reasoning", opener + NL + Slot("reasoning") + NL + closer + NL)
text = Frame("text", Slot("text"))
called, ended = Tok("<longcat_tool_call>"), Tok("</longcat_tool_call>")
flash_call = Frame("call", called + NL + Slot("envelope", Envelope()) + NL + ended)
argument = Frame(
    "arg",
    Tok("<longcat_arg_key>") + Slot("key") + Tok("</longcat_arg_key>") + NL
    + Tok("<longcat_arg_value>") + Slot("value", Value()) + Tok("</longcat_arg_value>") + NL,
)  # fmt: skip
call = Frame("call", called + Slot("name", Name(without="<> ")) + NL + Many(argument) + ended + NL)
end = End("</longcat_s>")
opened = opener + Lit("\n")
empty = opener + Lit("\n\n") + closer + Lit("\n")


def flash_prefill(context: Context) -> Word:
    """Flash, lines 133-142."""
    on = context.options["enable_thinking"]
    return NOTHING if on is None else opened if on else empty


def prefill(context: Context) -> Word:
    """2.0, lines 189-196."""
    return opener if context.options["enable_thinking"] else empty


def flash_cue(context: Context, before: str, role: str) -> Word:
    """In a generation prompt only: Flash, lines 122-138."""
    return NOTHING if role else cat.switch(context)


def cue(context: Context, before: str, role: str) -> Word:
    """Before each answer to a user, behind results, and in a generation prompt: 2.0, lines 91-128 and 170-193."""
    said = not role or before == "tool" or (before, role) == ("user", "assistant")
    return cat.switch(context) + Lit(" ") if said else NOTHING


choice = Option("tool_choice", "auto", '"none" hides the tools', ("auto", "none"))
budget = Option("thinking_budget", None, "tokens to think, None or an int", type=(int, type(None)))
layout = Layout(
    roles=(("system", Wrap(Lit("SYSTEM:"), NOTHING)), ("user", cat.Round(NOTHING, NOTHING))),
    results=EachResult(Lit(" TOOL:"), NOTHING, cat.as_object), preamble=cat.flash_tools, arrange=(cat.since_answer,),
    prefill=flash_prefill, cue=flash_cue,
    options=(Option("enable_thinking", None, "a bool or None", (None, True, False)), budget, choice),
)  # fmt: skip
longcat = Format(
    "longcat", Opt(think) + Many(Choice(text, Many(flash_call))) + end, Lit(" ASSISTANT:"), layout,
    models=("meituan-longcat/LongCat-Flash-Chat",), notes=(UNSEEN,),
    source="meituan-longcat/LongCat-Flash-Chat chat_template.jinja sha256 4d9c94b9d8362d0d",
)  # fmt: skip
longcat_2 = longcat.but(
    "longcat-2", reply=Opt(think) + Many(Choice(text, Many(call))) + end, header=Tok("<longcat_assistant>"),
    layout=layout.but(
        roles=tuple((role, Wrap(Tok(f"<longcat_{role}>"), NOTHING)) for role in ("system", "user")),
        results=Results(
            Tok("<longcat_observation>"), Tok("<longcat_tool_response>"), Tok("</longcat_tool_response>"),
            head=cat.result_name,
        ),
        preamble=cat.tools, arrange=(cat.every_block,), prefill=prefill, cue=cue,
        options=(Option("enable_thinking", True, "a bool", (True, False)), budget, choice),
    ),
    control_extra=("<longcat_tool_declare>", "</longcat_tool_declare>"),
    models=("meituan-longcat/LongCat-2.0",),
    source="meituan-longcat/LongCat-2.0 chat_template.jinja sha256 d426adef28c9bdaa",
)  # fmt: skip
