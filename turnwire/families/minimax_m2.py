"""MiniMax-M2, M2.1, M2.5 and M2.7: calls as elements in one section, reasoning that the prompt opens.

Facts: chat_template.jinja of MiniMaxAI/MiniMax-M2 (sha256 86cd6e57), MiniMax-M2.1 (2aeb4804), MiniMax-M2.5 (f83cec52)
and MiniMax-M2.7 (893d908f), which differ in who the model says it is; tokenizer.json (75762212): the section's markers
and <think> are entries of the vocabulary, what is inside the section is text.
"""

from __future__ import annotations

from ..codecs import Name, Value
from ..format import Format
from ..layout import Context, Layout, Option, Results, Wrap
from ..templating.arrange import SplitReasoning
from ..templating.minimax import m2_system, only_first, since_user
from ..wire import Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .qwen3 import splitting

# reply, lines 84-123
NL = Pad("\n")
think = Frame("reasoning", Tok("<think>") + NL + Slot("reasoning") + NL + Tok("</think>") + Pad("\n\n"))
text = Frame("text", Slot("text"))
quoted = Name(without='<>"')
argument = Frame(
    "arg",
    Lit('<parameter name="') + Slot("key", quoted) + Lit('">') + Slot("value", Value()) + Lit("</parameter>") + NL,
)
call = Frame(
    "call", Lit('<invoke name="') + Slot("name", quoted) + Lit('">') + NL + Many(argument) + Lit("</invoke>") + NL
)
# Without its opener: what hiyouga/LlamaFactory taught (pull request 10607)
section = NL + Opt(Tok("<minimax:tool_call>") + NL)
calls = Many(Choice(text, Many(call, open=section, close=Tok("</minimax:tool_call>"))))

# layout
END = Lit("\n")
stop = Tok("[e~[") + END


def turn(role: str) -> Wrap:
    """]~b]role, a line end, the content, [e~[, a line end."""
    return Wrap(Tok("]~b]") + Lit(role + "\n"), stop)


OPENED = Tok("<think>") + END


def begin_thinking(context: Context) -> Word:
    """Line 168."""
    return OPENED


def layout(identity: str) -> Layout:
    """The layout of a model that says that it is this."""
    return Layout(
        roles=(("system", turn("system")), ("user", turn("user"))),
        results=Results(Tok("]~b]") + Lit("tool"), Lit("\n<response>"), Lit("</response>"), stop),
        begin=Tok("]~!b["),
        preamble=m2_system,
        arrange=(only_first, SplitReasoning(ends=True), since_user),
        prefill=begin_thinking,
        after=END,
        edge=END,
        options=(Option("model_identity", identity, "what the system turn says if none is given", type=str), splitting),
    )


def named(version: str) -> str:
    return f"You are a helpful assistant. Your name is MiniMax-{version} and is built by MiniMax."


minimax_m2 = Format(
    "minimax-m2", Opt(think) + calls + End("[e~["), turn("ai").open,
    layout("You are MiniMax-M2, a helpful AI assistant built by MiniMax. Knowledge cutoff: 2025-06."),
    models=("MiniMaxAI/MiniMax-M2",), source="MiniMaxAI/MiniMax-M2 chat_template.jinja sha256 86cd6e574dec52bf",
)  # fmt: skip
minimax_m2_1 = minimax_m2.but(
    "minimax-m2.1", layout=layout(named("M2.1")), models=("MiniMaxAI/MiniMax-M2.1",),
    source="MiniMaxAI/MiniMax-M2.1 chat_template.jinja sha256 2aeb48049bf0f720",
)  # fmt: skip
minimax_m2_5 = minimax_m2.but(
    "minimax-m2.5", layout=layout(named("M2.5")), models=("MiniMaxAI/MiniMax-M2.5",),
    source="MiniMaxAI/MiniMax-M2.5 chat_template.jinja sha256 f83cec52bb3a7e5a",
)  # fmt: skip
minimax_m2_7 = minimax_m2.but(
    "minimax-m2.7", layout=layout(named("M2.7")), models=("MiniMaxAI/MiniMax-M2.7",),
    source="MiniMaxAI/MiniMax-M2.7 chat_template.jinja sha256 893d908f7b5cc65f",
)  # fmt: skip
