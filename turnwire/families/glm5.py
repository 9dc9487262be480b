"""GLM-5, 5.1, 5.2 and 5.3: GLM-4.7's calls; what differs is which think blocks stay, and the effort.

Facts: chat_template.jinja of zai-org/GLM-5 (sha256 45a1d563), GLM-5.1 (03b1bbff) and GLM-5.2 (172dc74a). GLM-5.3's
(3740abce) is not to be had: its facts are those that the public port thinking-machines-lab/tinker-cookbook,
renderers/glm5_3.py at 1e3e7518 documents, and canitoolcall's fixtures of zai-org/GLM-5.3.
"""

from __future__ import annotations

from ..layout import Context, Option
from ..templating.glm import Preamble, Thinking, bare_tool, effort_always, effort_unless_off, sort_results
from ..wire import Lit, Opt, Word
from .glm4 import CLOSER, OPENER, calls, clearing, end, glm_4_7, layout, think
from .qwen3 import splitting, thinking

UNABLE = (
    "<reminder>You are unable to process this {} because you don't have multi-modal input ability. "
    "Try different methods.</reminder>"
)


EMPTY = OPENER + CLOSER


def empty_block(context: Context) -> Word:
    """GLM-5.2, line 119."""
    return OPENER if context.options["enable_thinking"] else EMPTY


def always_thinking(context: Context) -> Word:
    """GLM-5.3 has no other mode."""
    return OPENER


def effort(*values: str) -> Option:
    return Option("reasoning_effort", "max", "how much to think", values)


layout_5_1 = layout.but(preamble=Preamble(show=bare_tool), arrange=(Thinking(whole=True, round=True),))
layout_5_2 = layout_5_1.but(
    preamble=Preamble(show=bare_tool, effort=effort_unless_off), arrange=(Thinking(made=True, whole=True),),
    prefill=empty_block, options=(thinking, clearing, effort("high", "max"), splitting),
    media=tuple((kind, Lit(UNABLE.format(kind))) for kind in ("image", "video", "audio")),
)  # fmt: skip
layout_5_3 = layout_5_2.but(
    preamble=Preamble(show=bare_tool, effort=effort_always), arrange=(Thinking(made=True, whole=True), sort_results),
    prefill=always_thinking, media=(),
    options=(Option("clear_thinking", False, clearing.doc, (True, False)), effort("low", "high", "max"), splitting),
)  # fmt: skip

glm_5 = glm_4_7.but(
    "glm-5", models=("zai-org/GLM-5",), source="zai-org/GLM-5 chat_template.jinja sha256 45a1d5635afd3d8e"
)
glm_5_1 = glm_4_7.but(
    "glm-5.1", layout=layout_5_1, models=("zai-org/GLM-5.1",),
    source="zai-org/GLM-5.1 chat_template.jinja sha256 03b1bbff20331e54",
)  # fmt: skip
glm_5_2 = glm_4_7.but(
    "glm-5.2", reply=Opt(think) + calls + end, layout=layout_5_2, models=("zai-org/GLM-5.2",),
    source="zai-org/GLM-5.2 chat_template.jinja sha256 172dc74a35e1752d",
)  # fmt: skip
glm_5_3 = glm_5_2.but(
    "glm-5.3", layout=layout_5_3, models=("zai-org/GLM-5.3",),
    source="thinking-machines-lab/tinker-cookbook renderers/glm5_3.py at 1e3e75182f57; its template is not to be had",
    notes=(*glm_4_7.notes, "proven by recorded replies only: its prompt follows a public port of the template",),
)  # fmt: skip
