"""Qwen3.5: XML-ish calls, reasoning that the prompt opens, pictures and videos.

Facts: chat_template.jinja of Qwen/Qwen3.5-4B (sha256 a4aee8af), the same file for all sizes.
"""

from __future__ import annotations

from ..layout import Context, Layout, Option
from ..templating.arrange import ThinkSinceQuery, Trim, queried, split_reasoning
from ..templating.preambles import tools_then_system
from ..wire import Opt, Tok, Word
from .qwen3 import begin_thinking, end, layout, no_thinking, qwen3, splitting, think, thinking
from .qwen3_coder import calls


def prefill(context: Context) -> Word:
    """Lines 147-154: a think block is opened, or written empty."""
    return begin_thinking(context) if context.options["enable_thinking"] else no_thinking(context)


def label(kind: str, number: int, context: Context) -> str:
    """Lines 14-16: pictures and videos are numbered on demand."""
    return f"{ {'image': 'Picture', 'video': 'Video'}[kind] } {number}: " if context.options["add_vision_id"] else ""


def vision(pad: str) -> Word:
    """A placeholder of one token, to be expanded by the caller."""
    return Tok("<|vision_start|>") + Tok(pad) + Tok("<|vision_end|>")


qwen3_5_layout: Layout = layout.but(
    preamble=tools_then_system,
    arrange=(queried, Trim(), split_reasoning, ThinkSinceQuery(always=True, trim=None)),
    prefill=prefill,
    options=(thinking, splitting, Option("add_vision_id", False, "a bool: number the pictures", (True, False))),
    media=(("image", vision("<|image_pad|>")), ("video", vision("<|video_pad|>"))),
    media_label=label,
)

qwen3_5 = qwen3.but(
    "qwen3.5", reply=Opt(think) + calls + end, layout=qwen3_5_layout,
    models=tuple(f"Qwen/Qwen3.5-{s}" for s in ("0.8B", "2B", "4B", "9B", "27B", "35B-A3B", "122B-A10B", "397B-A17B")),
    source="Qwen/Qwen3.5-4B chat_template.jinja sha256 a4aee8afcf",
)  # fmt: skip
