"""Qwen3.5: XML-ish calls, reasoning that the prompt opens, pictures and videos.

Facts: chat_template.jinja of Qwen/Qwen3.5-4B (sha256 a4aee8af), the same file for all sizes but 0.8B and 2B, which do
not think unless told to (273d8e0e, line 149); of Qwen/Qwen3.6-35B-A3B (e84f32a2); and of Qwen/Qwen3.8-27B (c3cf9e34,
lines 45-87 and 113-116: reasoning effort, no think block taken out of content, reasoning of all turns).
"""

from __future__ import annotations

from dataclasses import replace

from ..layout import Context, Layout, Option
from ..templating.arrange import ThinkSinceQuery, Trim, queried, split_reasoning
from ..templating.preambles import ToolsThenSystem, tools_then_system
from ..wire import Opt, Tok, Word
from .qwen3 import begin_thinking, end, layout, no_thinking, qwen3, splitting, think, thinking
from .qwen3_coder import calls, json_calls


def prefill(context: Context) -> Word:
    """Lines 147-154: a think block is opened, or written empty."""
    return begin_thinking(context) if context.options["enable_thinking"] else no_thinking(context)


def label(kind: str, number: int, context: Context) -> str:
    """Lines 14-16: pictures and videos are numbered on demand."""
    return f"{ {'image': 'Picture', 'video': 'Video'}[kind] } {number}: " if context.options["add_vision_id"] else ""


def vision(pad: str) -> Word:
    """A placeholder of one token, to be expanded by the caller."""
    return Tok("<|vision_start|>") + Tok(pad) + Tok("<|vision_end|>")


EFFORT = {
    "xhigh": "Reasoning effort is set to xhigh. Please think carefully through the task, validate key assumptions, "
    "consider plausible alternatives, and prioritize correctness, consistency, and clarity in the final answer.",
    "medium": "",
    "low": "Reasoning effort is set to low. Keep your thinking brief and focused, moving directly to the conclusion "
    "without unnecessary elaboration.",
}


def effort(context: Context) -> str:
    """Qwen3.8, lines 45-56."""
    return EFFORT[context.options["reasoning_effort"]] if context.options["enable_thinking"] else ""


vision_id = Option("add_vision_id", False, "a bool: number the pictures", (True, False))
preserving = Option("preserve_thinking", False, "a bool: keep the reasoning of all turns", (True, False))
qwen3_5_layout: Layout = layout.but(
    preamble=tools_then_system,
    arrange=(queried, Trim(), split_reasoning, ThinkSinceQuery(always=True, trim=None)),
    prefill=prefill,
    options=(thinking, splitting, vision_id),
    media=(("image", vision("<|image_pad|>")), ("video", vision("<|video_pad|>"))),
    media_label=label,
)

qwen3_5 = qwen3.but(
    "qwen3.5", reply=Opt(think) + calls + end, layout=qwen3_5_layout,
    models=tuple(f"Qwen/Qwen3.5-{s}" for s in ("4B", "9B", "27B", "35B-A3B", "122B-A10B", "397B-A17B")),
    source="Qwen/Qwen3.5-4B chat_template.jinja sha256 a4aee8afcf",
)  # fmt: skip
qwen3_5_small = qwen3_5.but(
    "qwen3.5-small", layout=qwen3_5_layout.but(options=(replace(thinking, default=False), splitting, vision_id)),
    models=("Qwen/Qwen3.5-0.8B", "Qwen/Qwen3.5-2B"), source="Qwen/Qwen3.5-0.8B chat_template.jinja sha256 273d8e0e68",
)  # fmt: skip
qwen3_6 = qwen3_5.but(
    "qwen3.6", reply=Opt(think) + json_calls + end,
    layout=qwen3_5_layout.but(options=(*qwen3_5_layout.options, preserving)),
    models=("Qwen/Qwen3.6-27B", "Qwen/Qwen3.6-35B-A3B"),
    source="Qwen/Qwen3.6-35B-A3B chat_template.jinja sha256 e84f32a23f",
)  # fmt: skip
qwen3_8 = qwen3_6.but(
    "qwen3.8",
    layout=qwen3_5_layout.but(
        preamble=ToolsThenSystem(effort),
        arrange=tuple(p for p in qwen3_5_layout.arrange if p is not split_reasoning),
        options=(
            thinking, vision_id, replace(preserving, default=True),
            Option("reasoning_effort", "xhigh", "'xhigh', 'medium' or 'low'", tuple(EFFORT)),
        ),
    ),
    models=("Qwen/Qwen3.8-27B",), source="Qwen/Qwen3.8-27B chat_template.jinja sha256 c3cf9e34ab",
)  # fmt: skip
