"""Qwen3 and its 2507 variants: Hermes JSON calls in ChatML.

Facts: chat_template.jinja of Qwen/Qwen3-8B (sha256 a55ee1b1), Qwen3-*-Instruct-2507 (64f85b19) and
Qwen3-*-Thinking-2507 (3802169b).
"""

from __future__ import annotations

from ..codecs import Envelope
from ..format import Format
from ..layout import Context, Layout, Option, Results, Wrap, no_prefill
from ..templating.arrange import ThinkSinceQuery, drop_reasoning, split_reasoning
from ..templating.preambles import system_then_tools
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word

# reply
text = Frame("text", Slot("text"))
think = Frame(
    "reasoning",
    Choice(
        Tok("<think>") + Pad("\n") + Slot("reasoning") + Pad("\n") + Tok("</think>") + Pad("\n\n"),
        Tok("</think>") + Pad("\n\n"),
    ),
)
call = Frame("call", Tok("<tool_call>") + Pad("\n") + Slot("envelope", Envelope()) + Pad("\n") + Tok("</tool_call>"))
gap = Choice(Pad("\n", after="text"), Pad(" "))  # a blank instead: SGLang's test_hermes_detector.py#L86 has it
calls = Many(Choice(text, Many(call, open=gap, sep=Pad("\n"))))
end = End("<|im_end|>", "<|endoftext|>")

# layout
NL = Lit("\n")


def chatml(role: str) -> Wrap:
    """<|im_start|>role, a line end, the content, <|im_end|>, a line end."""
    return Wrap(Tok("<|im_start|>") + Lit(role + "\n"), Tok("<|im_end|>") + NL)


header = chatml("assistant").open
thinking = Option("enable_thinking", True, "a bool: False prefills an empty think block", (True, False))
splitting = Option("split_reasoning", True, "a bool: take a think block out of content", (True, False))


OPENED = Tok("<think>") + NL
EMPTY = Tok("<think>") + Lit("\n\n") + Tok("</think>") + Lit("\n\n")


def no_thinking(context: Context) -> Word:
    """Line 87: an empty think block, if thinking is switched off."""
    return NOTHING if context.options["enable_thinking"] else EMPTY


def begin_thinking(context: Context) -> Word:
    """Thinking-2507, line 85."""
    return OPENED


layout = Layout(
    roles=(("system", chatml("system")), ("user", chatml("user"))),
    results=Results(
        Tok("<|im_start|>") + Lit("user"),
        NL + Tok("<tool_response>") + NL,
        NL + Tok("</tool_response>"),
        Tok("<|im_end|>") + NL,
    ),
    preamble=system_then_tools,
    arrange=(split_reasoning, ThinkSinceQuery()),
    prefill=no_thinking,
    after=NL,
    options=(thinking, splitting),
)

NEW = ("4B", "30B-A3B", "235B-A22B")
qwen3 = Format(
    "qwen3", Opt(think) + calls + end, header, layout,
    models=tuple(f"Qwen/Qwen3-{size}" for size in ("0.6B", "1.7B", "4B", "8B", "14B", "32B", "30B-A3B", "235B-A22B")),
    source="Qwen/Qwen3-8B chat_template.jinja sha256 a55ee1b1660128b7",
)  # fmt: skip
qwen3_instruct_2507 = qwen3.but(
    "qwen3-instruct-2507", reply=calls + end,
    layout=layout.but(arrange=(drop_reasoning,), prefill=no_prefill, options=()),
    models=tuple(f"Qwen/Qwen3-{size}" for size in (*(f"{s}-Instruct-2507" for s in NEW), "Next-80B-A3B-Instruct")),
    source="Qwen/Qwen3-30B-A3B-Instruct-2507 chat_template.jinja sha256 64f85b1980",
)  # fmt: skip
qwen3_thinking_2507 = qwen3.but(
    "qwen3-thinking-2507", layout=layout.but(prefill=begin_thinking, options=(splitting,)),
    models=tuple(f"Qwen/Qwen3-{size}" for size in (*(f"{s}-Thinking-2507" for s in NEW), "Next-80B-A3B-Thinking")),
    source="Qwen/Qwen3-30B-A3B-Thinking-2507 chat_template.jinja sha256 3802169b2a",
)  # fmt: skip
