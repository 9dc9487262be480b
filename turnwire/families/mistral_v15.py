"""Mistral with settings in the prompt (tokenizer version v15): Medium 3.5, Small 4, Leanstral.

Facts: chat_template.jinja of mistralai/Mistral-Medium-3.5-128B (sha256 68827dcf), Mistral-Small-4-119B-2603 (de56319d)
and Leanstral-1.5-119B-A6B (7a5a4bc3), one file but for the default system prompt. No tokenizer was had: that the
markers are entries of it is what mistral-common 1.13.1 says (`InstructTokenizerV15`), not verified.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..layout import Context, Layout, Option, Placed
from ..templating import mistral
from ..templating.mistral_prose import MEDIUM_3_5, SMALL_4
from ..wire import Lit, Tok
from .mistral_v13 import layout as v13
from .mistral_v13 import mistral_v13, system, user

if TYPE_CHECKING:
    from ..templating.writer import Writer

EFFORT = Option("reasoning_effort", "none", "whether to reason", ("none", "high"))


def default_system(text: str) -> Option:
    """The option for what is said where the first message is not a system message."""
    return Option("default_system_message", text, "the system prompt of a conversation without one, or ''", type=str)


def settings(w: Writer, context: Context) -> None:
    """Line 57, without tools too."""
    effort = Lit(f'{{"reasoning_effort": "{context.options["reasoning_effort"]}"}}')
    w.word(Tok("[MODEL_SETTINGS]") + effort + Tok("[/MODEL_SETTINGS]"))


def preamble(w: Writer, first: Placed | None, layout: Layout, context: Context) -> None:
    """Lines 39-41: a leading system message, or the default one."""
    default = context.options["default_system_message"]
    if first is not None:
        system.write(w, first, layout, context)
    elif default:
        w.word(system.open)
        w.data(default, "template")
        w.word(system.close)


layout = v13.but(
    roles=(("system", system), ("user", replace(user, tool=mistral.own_tool, settings=settings))),
    arrange=(
        mistral.in_order,
        mistral.begun_by_user,
        mistral.no_empty_reasoning,
        mistral.Join(within="", empty=True),
        mistral.Ask(first=True),
    ),
    preamble=preamble,
    leading=("system",),
    options=(EFFORT, default_system(MEDIUM_3_5)),
)
mistral_medium_3_5 = mistral_v13.but(
    "mistral-medium-3.5", layout=layout,
    control_extra=(*mistral.CONTROL, "[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"),
    models=("mistralai/Mistral-Medium-3.5-128B",),
    source="mistralai/Mistral-Medium-3.5-128B chat_template.jinja sha256 68827dcf5d",
)  # fmt: skip
mistral_small_4 = mistral_medium_3_5.but(
    "mistral-small-4", layout=layout.but(options=(EFFORT, default_system(SMALL_4))),
    models=("mistralai/Mistral-Small-4-119B-2603",),
    source="mistralai/Mistral-Small-4-119B-2603 chat_template.jinja sha256 de56319dee",
)  # fmt: skip
leanstral = mistral_medium_3_5.but(
    "leanstral", layout=layout.but(options=(EFFORT, default_system(""))),
    models=("mistralai/Leanstral-2603", "mistralai/Leanstral-1.5-119B-A6B"),
    source="mistralai/Leanstral-1.5-119B-A6B chat_template.jinja sha256 7a5a4bc329",
)  # fmt: skip
