"""MiMo-V2: Qwen3-Coder's calls in ChatML, without line ends behind turns; values exactly as they are; a think block in
every turn.

Facts: chat_template.jinja of XiaomiMiMo/MiMo-V2-Flash (sha256 4beaf026), MiMo-V2.5 (3134ac10) and MiMo-V2.5-Pro
(bafea0fe). The vocabulary is Qwen3's, with media tokens behind it.
"""

from __future__ import annotations

from dataclasses import replace

from ..codecs import Value
from ..layout import Context, Layout, Option, Results, Wrap
from ..templating.arrange import SplitReasoning
from ..templating.coder_prose import MIMO, MIMO_PRO, MIMO_TOOLS, MIMO_USE
from ..templating.think_blocks import BlockInEveryTurn
from ..templating.xml_tools import XmlTools
from ..wire import NOTHING, Choice, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .qwen3 import end, header, qwen3, splitting, text, thinking
from .qwen3_5 import vision
from .qwen3_coder import call_of

# reply: nothing between text and calls (lines 101-117); a line end between calls is read
think = Frame("reasoning", Tok("<think>") + Slot("reasoning") + Tok("</think>"))
tight = Choice(NOTHING, Pad("\n"))
calls = Many(Choice(text, Many(call_of(Value(python=True), pad=NOTHING, bare=False), sep=tight)))


def tight_turn(role: str) -> Wrap:
    """ChatML without the line end behind a turn."""
    return Wrap(Tok("<|im_start|>") + Lit(role + "\n"), Tok("<|im_end|>"))


EMPTY = Tok("<think>") + Tok("</think>")


def no_thinking(context: Context) -> Word:
    """Lines 138-142: an empty block, if thinking is switched off."""
    return NOTHING if context.options["enable_thinking"] else EMPTY


def made(default: str, on: bool) -> Layout:
    """The layout with this system text; `on`: whether it thinks, and keeps all reasoning, by default."""
    keeping = Option("keep_all_reasoning", on, "a bool: keep the reasoning of all turns", (True, False))
    return Layout(
        roles=(("system", tight_turn("system")), ("user", tight_turn("user"))),
        results=Results(
            Tok("<|im_start|>") + Lit("tool\n"), Tok("<tool_response>") + Lit("\n"),
            Lit("\n") + Tok("</tool_response>") + Lit("\n"), Tok("<|im_end|>"),
        ),
        preamble=XmlTools(default, always=True, intro=MIMO_TOOLS, use=MIMO_USE),
        arrange=(SplitReasoning(trim=None), BlockInEveryTurn("keep_all_reasoning")),
        prefill=no_thinking,
        options=(replace(thinking, default=on), keeping, splitting),
    )  # fmt: skip


mimo_v2 = qwen3.but(
    "mimo-v2", reply=Opt(think) + calls + end, header=header, layout=made(MIMO, False),
    models=("XiaomiMiMo/MiMo-V2-Flash",), source="XiaomiMiMo/MiMo-V2-Flash chat_template.jinja sha256 4beaf0261e",
)  # fmt: skip
audio = Tok("<|mimo_audio_start|>") + Tok("<|audio_pad|>") + Tok("<|mimo_audio_end|>")
media = (("image", vision("<|image_pad|>")), ("video", vision("<|video_pad|>")), ("audio", audio))
mimo_v2_5 = mimo_v2.but(
    "mimo-v2.5", layout=made(MIMO, True).but(media=media),
    models=("XiaomiMiMo/MiMo-V2.5",), source="XiaomiMiMo/MiMo-V2.5 chat_template.jinja sha256 3134ac101a",
)  # fmt: skip
mimo_v2_5_pro = mimo_v2.but(
    "mimo-v2.5-pro", layout=made(MIMO_PRO, True),
    models=("XiaomiMiMo/MiMo-V2.5-Pro",), source="XiaomiMiMo/MiMo-V2.5-Pro chat_template.jinja sha256 bafea0fe0b",
)  # fmt: skip
