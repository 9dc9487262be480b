"""MiniMax-M3: calls as nested elements, each tag behind a control token; reasoning if the model finds it fit.

Facts: chat_template.jinja of MiniMaxAI/MiniMax-M3 (sha256 11421244); tokenizer.json (bb1f1626): ]<]minimax[>[,
<tool_call>, <mm:think> and their closers are entries of the vocabulary, tags of calls and arguments are text.
"""

from __future__ import annotations

from ..codecs import Elements, Name
from ..format import Format
from ..layout import Context, Layout, Option, Results
from ..templating.arrange import SplitReasoning
from ..templating.minimax import M3_MODES, Developer, m3_root, not_empty, two_prompts
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Pad, Slot, Tok, Word
from .minimax_m2 import END, stop, text, turn
from .qwen3 import splitting

# reply, lines 190-226
MARK = "]<]minimax[>["
mark, opened, closed = Tok(MARK), Tok("<mm:think>"), Tok("</mm:think>")
think = Frame("reasoning", opened + Slot("reasoning") + closed)
# A tag without its "<": vllm-project/vllm-gaudi, pull request 1724
call = Frame(
    "call",
    Choice(mark + Lit('<invoke name="'), mark + Lit('invoke name="')) + Slot("name", Name(without='<>"')) + Lit('">')
    + Slot("arguments", Elements(MARK, "</invoke>")) + mark + Lit("</invoke>") + Pad("\n"),
)  # fmt: skip
section = Choice(mark + Tok("<tool_call>"), Tok("<tool_call>")) + Pad("\n")
calls = Many(Choice(text, Many(call, open=section, close=mark + Tok("</tool_call>"))))


def begin_thinking(context: Context) -> Word:
    """Lines 273-286."""
    return {"enabled": opened, "disabled": closed}.get(context.options["thinking_mode"], NOTHING)


layout = Layout(
    roles=(
        ("root", turn("system")),
        ("system", turn("developer")),
        ("developer", Developer(Tok("]~b]") + Lit("developer\n"), stop, MARK)),
        ("user", turn("user")),
    ),
    results=Results(Tok("]~b]") + Lit("tool"), Lit("\n<response>"), Lit("</response>"), stop),
    begin=Tok("]~!b["),
    preamble=m3_root,
    leading=("root",),
    arrange=(two_prompts, SplitReasoning("<mm:think>", "</mm:think>", ends=True), not_empty),
    prefill=begin_thinking,
    after=END,
    options=(
        Option("thinking_mode", "adaptive", "whether to think", tuple(M3_MODES)),
        Option(
            "model_identity", "You are a helpful assistant.", "what the developer says if nothing is given", type=str
        ),
        splitting,
    ),
    media=(("image", Tok("]<]image[>[")), ("video", Tok("]<]video[>["))),
)
minimax_m3 = Format(
    "minimax-m3", Choice(think, closed, NOTHING) + calls + End("[e~["), turn("ai").open, layout,
    models=("MiniMaxAI/MiniMax-M3",), source="MiniMaxAI/MiniMax-M3 chat_template.jinja sha256 11421244f6755349",
)  # fmt: skip
