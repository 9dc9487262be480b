"""Qwen2.5 and QwQ-32B: Hermes JSON calls in ChatML, before Qwen3.

Facts: chat_template.jinja of Qwen/Qwen2.5-7B-Instruct (sha256 cd8e9439; 0.5B to 72B and Coder have the same),
Qwen2.5-Math-1.5B-Instruct (c564d12c) and Qwen2.5-14B-Instruct-1M (44d5f08f), which differ in the default system text,
and Qwen/QwQ-32B (16488ad6). In Qwen2.5's vocabulary <tool_call> is a token, <tool_response> and <think> are not.
"""

from __future__ import annotations

from ..layout import Layout, Option, Results, no_prefill
from ..templating.arrange import SplitBlock, drop_reasoning, last_reasoning_only
from ..templating.preambles import SystemThenTools
from ..wire import Lit, Opt, Tok
from .qwen3 import NL, begin_thinking, calls, end, layout, qwen3, think

PLAIN = "You are a helpful assistant."
NAMED = "You are Qwen, created by Alibaba Cloud. " + PLAIN
BOXED = r"Please reason step by step, and put your final answer within \boxed{}."
SIZES = ("0.5B", "1.5B", "3B", "7B", "14B", "32B", "72B")


def with_default(text: str) -> Layout:
    """The layout with this system text where the caller gives none."""
    return layout.but(
        results=Results(
            Tok("<|im_start|>") + Lit("user"),
            Lit("\n<tool_response>\n"),
            Lit("\n</tool_response>"),
            Tok("<|im_end|>") + NL,
        ),
        preamble=SystemThenTools(text),
        arrange=(drop_reasoning,),
        prefill=no_prefill,
        options=(),
    )


qwen2_5 = qwen3.but(
    "qwen2.5", reply=calls + end, layout=with_default(NAMED),
    models=tuple(f"Qwen/Qwen2.5-{coder}{size}-Instruct" for coder in ("", "Coder-") for size in SIZES)[:-1],
    source="Qwen/Qwen2.5-7B-Instruct chat_template.jinja sha256 cd8e9439f0",
)  # fmt: skip
qwen2_5_1m = qwen2_5.but(
    "qwen2.5-1m", layout=with_default(PLAIN),
    models=("Qwen/Qwen2.5-7B-Instruct-1M", "Qwen/Qwen2.5-14B-Instruct-1M"),
    source="Qwen/Qwen2.5-14B-Instruct-1M chat_template.jinja sha256 44d5f08f3f",
)  # fmt: skip
qwen2_5_math = qwen2_5.but(
    "qwen2.5-math", layout=with_default(BOXED),
    models=tuple(f"Qwen/Qwen2.5-Math-{size}-Instruct" for size in ("1.5B", "7B")),
    source="Qwen/Qwen2.5-Math-1.5B-Instruct chat_template.jinja sha256 c564d12c99",
)  # fmt: skip
qwq = qwen3.but(
    "qwq", reply=Opt(think) + calls + end,
    layout=layout.but(
        preamble=SystemThenTools(""), prefill=begin_thinking,
        arrange=(last_reasoning_only, SplitBlock("<think>\n", "\n</think>\n\n", last=True)),
        options=(Option("split_reasoning", True, "a bool: take a think block out of the last content", (True, False)),),
    ),
    models=("Qwen/QwQ-32B",), source="Qwen/QwQ-32B chat_template.jinja sha256 16488ad69d",
)  # fmt: skip
