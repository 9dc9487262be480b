"""Qwen3-Coder: calls as XML-ish parameters in ChatML, no reasoning.

Facts: chat_template.jinja of Qwen/Qwen3-Coder-30B-A3B-Instruct (sha256 5a38bfa0) and of
Qwen3-Coder-Next (c79a8330), which prints values as JSON (line 89) and wraps results as Qwen3 does (lines 99-111).
"""

from __future__ import annotations

from ..codecs import Name, Value
from ..layout import Layout, Results
from ..templating.arrange import Trim, drop_reasoning, has_calls
from ..templating.xml_tools import XmlTools
from ..wire import NOTHING, Choice, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .qwen3 import NL, chatml, end, qwen3, text

DEFAULT = "You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks."
NL_PAD = Pad("\n")


def call_of(
    value: Value, pad: Word = NL_PAD, open: str = "<tool_call>", close: str = "</tool_call>", bare: bool = True
) -> Frame:
    """A call; `pad` stands around each value. What is missing is forgiven where white space tells the next marker
    from text: </parameter> with a pad, the opener if `bare` (vLLM and llama.cpp test both)."""
    opener = Tok(open) + Pad("\n")
    end_of_value = Lit("</parameter>") + Pad("\n")
    argument = Frame(
        "arg",
        Lit("<parameter=") + Slot("key", Name()) + Lit(">") + pad + Slot("value", value) + pad
        + (Opt(end_of_value) if pad != NOTHING else end_of_value),
    )  # fmt: skip
    return Frame(
        "call",
        (Opt(opener) if bare else opener) + Lit("<function=") + Slot("name", Name()) + Lit(">") + Pad("\n")
        + Many(argument) + Lit("</function>") + Pad("\n") + Tok(close),
    )  # fmt: skip


def calls_of(call: Frame) -> Word:
    """Text and calls, a blank line and line ends between."""
    return Many(Choice(text, Many(call, open=Pad("\n\n", after="text"), sep=Pad("\n"))))


calls = calls_of(call_of(Value(python=True)))
json_calls = calls_of(call_of(Value()))  # from Qwen3-Coder-Next on

layout = Layout(
    roles=(("system", chatml("system")), ("user", chatml("user"))),
    results=Results(
        Tok("<|im_start|>") + Lit("user\n"),
        Tok("<tool_response>") + NL,
        NL + Tok("</tool_response>") + NL,
        Tok("<|im_end|>") + NL,
    ),
    preamble=XmlTools(DEFAULT),
    arrange=(drop_reasoning, Trim(has_calls)),
    after=NL,
)

qwen3_coder = qwen3.but(
    "qwen3-coder", reply=calls + end, layout=layout,
    models=("Qwen/Qwen3-Coder-30B-A3B-Instruct", "Qwen/Qwen3-Coder-480B-A35B-Instruct"),
    source="Qwen/Qwen3-Coder-30B-A3B-Instruct chat_template.jinja sha256 5a38bfa058",
)  # fmt: skip
qwen3_coder_next = qwen3_coder.but(
    "qwen3-coder-next", reply=json_calls + end,
    layout=layout.but(results=qwen3.layout.results, preamble=XmlTools(DEFAULT, json=True)),
    models=("Qwen/Qwen3-Coder-Next",),
    source="Qwen/Qwen3-Coder-Next chat_template.jinja sha256 c79a833039",
)  # fmt: skip
