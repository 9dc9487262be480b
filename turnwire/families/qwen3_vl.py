"""Qwen3-VL: Qwen3's 2507 models with pictures and videos.

Facts: chat_template.jinja of Qwen/Qwen3-VL-8B-Instruct (sha256 3636d0f0) and Qwen3-VL-8B-Thinking (36e042fe). The
Instruct template leaves out a system message that is not the first; here it is refused.
"""

from __future__ import annotations

from ..templating.arrange import one_system
from .qwen3 import qwen3_instruct_2507, qwen3_thinking_2507
from .qwen3_5 import label, qwen3_5_layout, vision_id

SIZES = ("2B", "4B", "8B", "32B", "30B-A3B", "235B-A22B")
media = qwen3_5_layout.media
plain, thinks = qwen3_instruct_2507.layout, qwen3_thinking_2507.layout

qwen3_vl_instruct = qwen3_instruct_2507.but(
    "qwen3-vl-instruct",
    layout=plain.but(
        media=media, media_label=label, options=(*plain.options, vision_id), arrange=(one_system, *plain.arrange)
    ),
    models=tuple(f"Qwen/Qwen3-VL-{size}-Instruct" for size in SIZES),
    source="Qwen/Qwen3-VL-8B-Instruct chat_template.jinja sha256 3636d0f0bd",
)  # fmt: skip
qwen3_vl_thinking = qwen3_thinking_2507.but(
    "qwen3-vl-thinking",
    layout=thinks.but(media=media, media_label=label, options=(*thinks.options, vision_id)),
    models=tuple(f"Qwen/Qwen3-VL-{size}-Thinking" for size in SIZES),
    source="Qwen/Qwen3-VL-8B-Thinking chat_template.jinja sha256 36e042fe45",
)  # fmt: skip
