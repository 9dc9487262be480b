"""Step-3.5-Flash and Step-3.7-Flash: Qwen3-Coder's calls in ChatML behind a BOS, reasoning that the prompt opens.

Facts: chat_template.jinja of stepfun-ai/Step-3.5-Flash (sha256 b18b99df) and Step-3.7-Flash (f428623f). The vocabulary
is DeepSeek's; it could not be had, so which markers are tokens is taken from engines' parsers, which look them up.
"""

from __future__ import annotations

from ..codecs import Value
from ..layout import Layout, Option, Results
from ..templating.arrange import ThinkSinceQuery, split_reasoning
from ..templating.coder_prose import STEP_TOOLS, STEP_USE
from ..templating.preambles import SystemThenTools
from ..wire import NOTHING, Choice, End, Frame, Many, Opt, Pad, Slot, Tok
from .qwen3 import NL, begin_thinking, chatml, qwen3, splitting, text
from .qwen3_coder import call_of

# reply: one line end behind </think>, none between text and calls (lines 46-71); a line end between calls is read
think = Frame("reasoning", Tok("<think>") + Pad("\n") + Slot("reasoning") + Pad("\n") + Tok("</think>") + Pad("\n"))
calls = Many(Choice(text, Many(call_of(Value(python=True), bare=False), sep=Choice(NOTHING, Pad("\n")))))

layout = Layout(
    roles=(("system", chatml("system")), ("user", chatml("user"))),
    results=Results(
        chatml("tool_response").open, Tok("<tool_response>"), Tok("</tool_response>"), chatml("tool_response").close
    ),
    preamble=SystemThenTools(prose=(STEP_TOOLS, STEP_USE)),
    arrange=(split_reasoning, ThinkSinceQuery(always=True, trim="")),
    prefill=begin_thinking,
    after=NL,
    options=(splitting,),
    begin=Tok("<｜begin▁of▁sentence｜>"),
)
step_3_5 = qwen3.but(
    "step-3.5", reply=Opt(think) + calls + End("<|im_end|>"), layout=layout,
    models=("stepfun-ai/Step-3.5-Flash",), source="stepfun-ai/Step-3.5-Flash chat_template.jinja sha256 b18b99dff7",
)  # fmt: skip
step_3_7 = step_3_5.but(
    "step-3.7",
    layout=layout.but(
        preamble=SystemThenTools(prose=(STEP_TOOLS, STEP_USE), effort="reasoning_effort"),
        options=(splitting, Option("reasoning_effort", None, "a string, told before everything", type=str)),
        media=(("image", Tok("<im_patch>")),),
    ),
    models=("stepfun-ai/Step-3.7-Flash",), source="stepfun-ai/Step-3.7-Flash chat_template.jinja sha256 f428623fc8",
)  # fmt: skip
