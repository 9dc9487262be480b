"""Kimi K2, K2 Thinking, K2.5, K2.6 and K2.7 Code: JSON calls in sections, each with an id that holds its name.

Facts: chat_template.jinja of moonshotai/Kimi-K2-Instruct-0905 (sha256 00938c35; that of Kimi-K2-Instruct, 39e8c195,
differs in blanks that are not printed), Kimi-K2-Thinking (07a791b8), Kimi-K2.5 (7c91e4b3), Kimi-K2.6 (8bf85969) and
Kimi-K2.7-Code (8d21200d); what their tokenizer class does to tools before, see templating/kimi.py.
"""

from __future__ import annotations

from ..codecs import Counted, CountedId, Json, Noise
from ..format import Format
from ..layout import Context, Layout, Option, Results, Wrap
from ..templating.arrange import drop_reasoning
from ..templating.call_ids import CALL_IDS
from ..templating.kimi import Declare, ThinkSinceAnswer, heading
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Slot, Tok, Word

# reply. Without section markers: vLLM's pull request 32216 tells of models that leave them out. Noise behind an opener,
# ids without their prefix: vLLM's tests/tool_parsers/test_kimi_k2_tool_parser.py.
PREFIX = "functions."
text = Frame("text", Slot("text"))
think = Frame("reasoning", Tok("<think>") + Slot("reasoning") + Tok("</think>"))
call = Frame(
    "call",
    Tok("<|tool_call_begin|>") + Slot("attrs", CountedId(PREFIX)) + Tok("<|tool_call_argument_begin|>")
    + Slot("arguments", Json()) + Tok("<|tool_call_end|>"),
)  # fmt: skip
section = Many(
    call,
    open=Choice(Tok("<|tool_calls_section_begin|>") + Choice(NOTHING, Slot("noise", Noise())), NOTHING),
    close=Choice(Tok("<|tool_calls_section_end|>"), NOTHING),
)
calls = Many(Choice(text, section)) + End("<|im_end|>")

# layout
IMAGE: Word = (
    Tok("<|media_begin|>") + Lit("image") + Tok("<|media_content|>") + Tok("<|media_pad|>") + Tok("<|media_end|>")
)
VIDEO = "<|kimi_k25_video_placeholder|>"  # text, which the processor replaces
SYSTEM = "<|im_system|>system<|im_middle|>You are Kimi, an AI assistant created by Moonshot AI.<|im_end|>"


def opener(role: str) -> Word:
    """A vocabulary entry for whose turn it is, the role, another entry."""
    return Tok(f"<|im_{role}|>") + Lit(role) + Tok("<|im_middle|>")


OPENED = Tok("<think>")
EMPTY = OPENED + Tok("</think>")


def begin_thinking(context: Context) -> Word:
    """Kimi-K2.5, lines 105-109."""
    return OPENED if context.options.get("thinking", True) else EMPTY


thinking = Option("thinking", True, "a bool: False prefills an empty think block", (True, False))
preserving = Option("preserve_thinking", False, "a bool: True keeps the reasoning of all turns", (True, False))
layout = Layout(
    roles=tuple((role, Wrap(opener(role), Tok("<|im_end|>"))) for role in ("system", "user")),
    results=Results(item_open=Tok("<|im_system|>"), head=heading, item_close=Tok("<|im_end|>")),
    preamble=Declare(SYSTEM + "\n", empty=False),  # the line end is the template's, line 21
    arrange=(drop_reasoning,), ids=Counted(PREFIX), options=(CALL_IDS,),
)  # fmt: skip
prefilled = layout.but(
    preamble=Declare(typescript=True), arrange=(ThinkSinceAnswer(),), prefill=begin_thinking,
    options=(thinking, CALL_IDS), media=(("image", IMAGE + Lit("\n")), ("video", Lit(VIDEO + "\n"))),
)  # fmt: skip

kimi_k2 = Format(
    "kimi-k2", calls, opener("assistant"), layout,
    models=("moonshotai/Kimi-K2-Instruct", "moonshotai/Kimi-K2-Instruct-0905"),
    source="moonshotai/Kimi-K2-Instruct-0905 chat_template.jinja sha256 00938c355ca7195f",
)  # fmt: skip
kimi_k2_thinking = kimi_k2.but(
    "kimi-k2-thinking", reply=Opt(think) + calls,
    layout=layout.but(preamble=Declare(SYSTEM), arrange=(ThinkSinceAnswer(),)), models=("moonshotai/Kimi-K2-Thinking",),
    source="moonshotai/Kimi-K2-Thinking chat_template.jinja sha256 07a791b8563c5159",
)  # fmt: skip
kimi_k2_5 = kimi_k2_thinking.but(
    "kimi-k2.5", layout=prefilled, models=("moonshotai/Kimi-K2.5",),
    source="moonshotai/Kimi-K2.5 chat_template.jinja sha256 7c91e4b3578b518b",
)  # fmt: skip
kimi_k2_6 = kimi_k2_5.but(
    "kimi-k2.6", layout=prefilled.but(options=(thinking, preserving, CALL_IDS)), models=("moonshotai/Kimi-K2.6",),
    source="moonshotai/Kimi-K2.6 chat_template.jinja sha256 8bf859698fd4781c",
)  # fmt: skip
kimi_k2_7_code = kimi_k2_5.but(
    "kimi-k2.7-code", layout=prefilled.but(arrange=(ThinkSinceAnswer(always=True),), options=(CALL_IDS,)),
    models=("moonshotai/Kimi-K2.7-Code",),
    source="moonshotai/Kimi-K2.7-Code chat_template.jinja sha256 8d21200dff7e85be",
)  # fmt: skip
