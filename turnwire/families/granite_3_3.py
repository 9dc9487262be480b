"""Granite 3.3: calls as a JSON list behind <|tool_call|>, reasoning in <think> and answers in <response> on demand.

Facts: chat_template.jinja of ibm-granite/granite-3.3-8b-instruct (sha256 0bea7711; 2b and granite-speech-3.3-2b have
the same file). It leaves out tool_calls; the system prompt (line 14) says how the model writes them, and so do prompts
here. <|tool_call|> is an entry of the vocabulary (special_tokens_map.json), <think> and <response> are text;
<tool_call> instead is accepted by vLLM's granite_tool_parser.py. Its `controls` are not supported.
"""

from __future__ import annotations

from ..codecs import Envelope
from ..format import Format
from ..layout import Layout, Option, Results
from ..templating.arrange import drop_reasoning
from ..templating.granite_prose import granite_3_3 as preamble
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok
from .granite_4 import documents, role
from .qwen3 import NL

text = Frame("text", Slot("text"))
think = Frame("reasoning", Lit("<think>") + Slot("reasoning") + Lit("</think>"))
response = Frame("text", Lit("<response>") + Slot("text") + Lit("</response>"))
call = Frame("call", Slot("envelope", Envelope()))
opener = Choice(Tok("<|tool_call|>"), Lit("<tool_call>")) + Choice(NOTHING, Pad(" ")) + Lit("[")
calls = Many(call, open=opener, sep=Lit(",") + Pad(" "), close=Lit("]"))
layout = Layout(
    roles=(("system", role("system")), ("user", role("user"))),
    results=Results(item_open=role("tool").open, item_close=role("tool").close),
    preamble=preamble,
    arrange=(drop_reasoning,),
    after=NL,
    options=(
        documents,
        Option("thinking", False, "a bool: ask for reasoning, without a system message", (True, False)),
        Option("now", None, "the date in the default system message; today's if None"),
    ),
)
granite_3_3 = Format(
    "granite-3.3", Opt(think + Opt(response)) + Many(Choice(text, calls)) + End("<|end_of_text|>"),
    role("assistant").open, layout,
    models=("ibm-granite/granite-3.3-2b-instruct", "ibm-granite/granite-3.3-8b-instruct"),
    source="ibm-granite/granite-3.3-8b-instruct chat_template.jinja sha256 0bea771131",
)  # fmt: skip
