"""Olmo 3 Think: reasoning between markers that are ordinary text, of which the prompt opens the first.

Facts: chat_template.jinja of allenai/Olmo-3-32B-Think (sha256 eba6e269), Olmo-3-7B-Think (6d549883) and
Olmo-3.1-32B-Think (fb2b8736). They know functions and calls as texts that the caller makes; <think> is no added token.
"""

from __future__ import annotations

from ..format import Format
from ..layout import Context, Layout
from ..templating import olmo_prose as prose
from ..templating.lfm_prose import drop_empty_reasoning
from ..wire import Frame, Lit, Opt, Slot, Word
from .olmo_3 import IDENTITY, olmo_3, system
from .qwen3 import chatml

think = Frame("reasoning", Lit("<think>") + Slot("reasoning") + Lit("</think>"))
SEVEN = (
    "You are OLMo, a helpful function-calling AI assistant built by Ai2. Your date cutoff is November 2024, and your "
    "model weights are available at https://huggingface.co/allenai."
)


OPENED = Lit("<think>")


def begin_thinking(context: Context) -> Word:
    return OPENED


def layout(intro: str, silent: bool = True) -> Layout:
    return olmo_3.layout.but(
        roles=(
            ("system", prose.ThinkSystem(system.open, system.close)),
            ("user", chatml("user")),
            (prose.DEFAULT, prose.ThinkSystem(system.open, system.close, intro, silent)),
        ),
        arrange=(drop_empty_reasoning, prose.default_system),
        prefill=begin_thinking,
    )


olmo_3_think: Format = olmo_3.but(
    "olmo-3-think", reply=Opt(think) + olmo_3.reply, layout=layout("You are a helpful AI assistant."),
    models=("allenai/Olmo-3-32B-Think",),
    source="allenai/Olmo-3-32B-Think chat_template.jinja sha256 eba6e269f669706e",
)  # fmt: skip
olmo_3_7b_think = olmo_3_think.but(
    "olmo-3-7b-think", layout=layout(SEVEN, False), models=("allenai/Olmo-3-7B-Think",),
    source="allenai/Olmo-3-7B-Think chat_template.jinja sha256 6d549883b5ed1287",
)  # fmt: skip
olmo_3_1_think = olmo_3_think.but(
    "olmo-3.1-think", layout=layout(IDENTITY), models=("allenai/Olmo-3.1-32B-Think",),
    source="allenai/Olmo-3.1-32B-Think chat_template.jinja sha256 fb2b8736121ab400",
)  # fmt: skip
