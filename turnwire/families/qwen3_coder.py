"""Qwen3-Coder: calls as XML-ish parameters in ChatML, no reasoning.

Facts: chat_template.jinja of Qwen/Qwen3-Coder-30B-A3B-Instruct (sha256 5a38bfa0).
"""

from __future__ import annotations

from ..codecs import Name, Value
from ..layout import Layout, Results
from ..templating.arrange import Trim, drop_reasoning, has_calls
from ..templating.preambles import xml_tools
from ..wire import Choice, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .qwen3 import NL, chatml, end, qwen3, text

# reply: a missing </parameter> or <tool_call> is forgiven (vLLM and llama.cpp test both)
argument = Frame(
    "arg",
    Lit("<parameter=") + Slot("key", Name()) + Lit(">") + Pad("\n") + Slot("value", Value(python=True)) + Pad("\n")
    + Opt(Lit("</parameter>") + Pad("\n")),
)  # fmt: skip
call = Frame(
    "call",
    Opt(Tok("<tool_call>") + Pad("\n")) + Lit("<function=") + Slot("name", Name()) + Lit(">") + Pad("\n")
    + Many(argument) + Lit("</function>") + Pad("\n") + Tok("</tool_call>"),
)  # fmt: skip
calls: Word = Many(Choice(text, Many(call, open=Pad("\n\n", after="text"), sep=Pad("\n"))))

layout = Layout(
    roles=(("system", chatml("system")), ("user", chatml("user"))),
    results=Results(
        Tok("<|im_start|>") + Lit("user\n"),
        Tok("<tool_response>") + NL,
        NL + Tok("</tool_response>") + NL,
        Tok("<|im_end|>") + NL,
    ),
    preamble=xml_tools,
    arrange=(drop_reasoning, Trim(has_calls)),
    after=NL,
)

qwen3_coder = qwen3.but(
    "qwen3-coder", reply=calls + end, layout=layout,
    models=("Qwen/Qwen3-Coder-30B-A3B-Instruct", "Qwen/Qwen3-Coder-480B-A35B-Instruct", "Qwen/Qwen3-Coder-Next"),
    source="Qwen/Qwen3-Coder-30B-A3B-Instruct chat_template.jinja sha256 5a38bfa058",
)  # fmt: skip
