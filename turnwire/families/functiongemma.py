"""FunctionGemma: Gemma 3's turns, tools in a developer turn, calls as objects with bare keys.

Facts: chat_template.jinja of unsloth/functiongemma-270m-it (sha256 0dbaf708), a copy of
google/functiongemma-270m-it's. Behind calls <start_function_response> stops, which is also how the first result begins.
"""

from __future__ import annotations

from ..codecs import BareKeys
from ..format import Format
from ..layout import Layout
from ..templating.arrange import drop_reasoning
from ..templating.gemma import Declarations, ModelTurns, Responses, SystemWithTools, TrimEach
from ..wire import Choice, End, Frame, Lit, Many, Slot, Tok
from .gemma3 import turn
from .gemma4 import name

QUOTE = "<escape>"
arguments = BareKeys(QUOTE, null="None")  # lines 70-95 have no case for a null
RESULT = "<start_function_response>"

# reply
call = Frame(
    "call",
    Tok("<start_function_call>") + Lit("call:") + name + Lit("{") + Slot("arguments", arguments) + Lit("}")
    + Tok("<end_function_call>"),
)  # fmt: skip
calls = Many(Choice(Frame("text", Slot("text")), Many(call)))
end = End("<end_of_turn>", RESULT, "<eos>", called=RESULT)

# layout
DEFAULT = "You are a model that can do function calling with the following functions"  # line 111
layout = Layout(
    roles=tuple((role, turn(role)) for role in ("system", "developer", "user")),
    results=Responses(Tok(RESULT), Tok("<end_function_response>"), turn("").close, arguments),
    preamble=SystemWithTools(
        Declarations(Tok("<start_function_declaration>"), Tok("<end_function_declaration>"), QUOTE, "None", False),
        "developer",
        DEFAULT,
    ),
    arrange=(TrimEach(), drop_reasoning, ModelTurns()),
    after=Lit("\n"),
    media=(("image", Tok("<start_of_image>")),),
    leading=("system", "developer"),
    begin=Tok("<bos>"),
    headless=("tool",),
)
functiongemma = Format(
    "functiongemma", calls + end, turn("model").open, layout,
    control_extra=("<start_function_declaration>", "<end_function_declaration>"),
    models=("google/functiongemma-270m-it", "unsloth/functiongemma-270m-it"),
    source="unsloth/functiongemma-270m-it chat_template.jinja sha256 0dbaf70819c970c9",
)  # fmt: skip
