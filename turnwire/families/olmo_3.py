"""Olmo 3 Instruct: calls in Python's notation, one to a line, between two control tokens, in ChatML.

Facts: chat_template.jinja of allenai/Olmo-3-7B-Instruct (sha256 f5186d42) and Olmo-3.1-32B-Instruct (49a944c9). Values
are JSON there; Python's are read too, as public olmo3 parsers do. The markers are added tokens 100266 to 100269.
The template ends the very last turn with its eos_token, <|endoftext|>, and no line end; here every turn ends alike.
"""

from __future__ import annotations

from ..codecs import PythonArguments, dumps
from ..format import Format
from ..layout import Layout, Results
from ..templating import olmo_prose as prose
from ..templating.arrange import drop_reasoning
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Pad, Slot, Tok
from .llama_3 import name, text
from .qwen3 import NL, chatml

call = Frame("call", name + Lit("(") + Slot("arguments", PythonArguments(dumps)) + Lit(")"))
# line ends next to the markers are read: the documentation of public olmo3 parsers shows them
opening = Choice(Tok("<function_calls>"), Tok("<function_calls>") + Lit("\n"))
calls = Many(call, open=opening, sep=Pad("\n"), close=Choice(NOTHING, Pad("\n")) + Tok("</function_calls>"))
system, environment = chatml("system"), chatml("environment")
SEVEN = "You are a helpful function-calling AI assistant."
IDENTITY = (
    "You are Olmo, a helpful AI assistant built by Ai2. Your date cutoff is December 2024, and your model weights are "
    "available at https://huggingface.co/allenai."
)


def layout(intro: str, empty: bool) -> Layout:
    return Layout(
        roles=(
            ("system", prose.System(system.open, system.close)),
            ("user", chatml("user")),
            (prose.DEFAULT, prose.DefaultSystem(system.open, system.close, intro, empty)),
        ),
        results=Results(item_open=environment.open, item_close=environment.close),
        preamble=prose.nothing,
        leading=(),
        arrange=(drop_reasoning, prose.default_system),
        after=NL,
    )


olmo_3 = Format(
    "olmo-3", Many(Choice(text, calls)) + End("<|im_end|>", "<|endoftext|>"), chatml("assistant").open,
    layout(SEVEN, True), control_extra=("<functions>", "</functions>"),
    models=("allenai/Olmo-3-7B-Instruct",),
    source="allenai/Olmo-3-7B-Instruct chat_template.jinja sha256 f5186d42d99c8a04",
)  # fmt: skip
olmo_3_1 = olmo_3.but(
    "olmo-3.1", layout=layout(IDENTITY, False), models=("allenai/Olmo-3.1-32B-Instruct",),
    source="allenai/Olmo-3.1-32B-Instruct chat_template.jinja sha256 49a944c9814e130b",
)  # fmt: skip
