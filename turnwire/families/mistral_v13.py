"""Mistral from the tokenizer version v13 on: reasoning between control tokens, no ids of calls.

Facts: mistral-common 1.13.1, tokens/tokenizers/instruct.py (sha256 3279fa55, `InstructTokenizerV13`), with which
Mistral's models are served; the templates of Ministral-3 (2f545122, 6b504407) write the same, but for a default system
prompt, which differs from size to size. Reasoning may stand anywhere: content is a list of chunks (`AssistantMessage`).
"""

from __future__ import annotations

from ..codecs import Json, Name
from ..format import Format
from ..layout import Layout, Results
from ..templating import mistral
from ..templating.call_ids import in_call_order
from ..wire import NOTHING, Choice, End, Frame, Many, Slot, Tok

NAME = Name(without='[]{}<>"')  # what a marker or arguments begin with

# reply
think = Frame("reasoning", Tok("[THINK]") + Slot("reasoning") + Tok("[/THINK]"))
text = Frame("text", Slot("text"))
call = Frame("call", Tok("[TOOL_CALLS]") + Slot("name", NAME) + Tok("[ARGS]") + Slot("arguments", Json()))
end = End("</s>")

# layout
system = mistral.Said(Tok("[SYSTEM_PROMPT]"), Tok("[/SYSTEM_PROMPT]"))
user = mistral.Said(Tok("[INST]"), Tok("[/INST]"))
layout = Layout(
    roles=(("system", system), ("user", user)),
    results=Results(item_open=Tok("[TOOL_RESULTS]"), item_close=Tok("[/TOOL_RESULTS]")),
    arrange=(mistral.in_order, in_call_order, mistral.Join(), mistral.Ask(first=True), mistral.right_trimmed),
    leading=(),
    media=(("image", Tok("[IMG]")),),
    begin=Tok("<s>"),
    headless=("system", "user", "tool"),
)

mistral_v13 = Format(
    "mistral-v13", Many(Choice(think, text, call)) + end, NOTHING, layout,
    control_extra=mistral.CONTROL,
    models=(
        "mistralai/Ministral-3-*-Instruct-2512", "mistralai/Ministral-3-*-Reasoning-2512",
        "mistralai/Magistral-Small-2509", "mistralai/Devstral-*2-*-Instruct-2512",
        "mistralai/Mistral-Large-3-675B-Instruct-2512",
    ),
    source="mistral-common 1.13.1, InstructTokenizerV13",
)  # fmt: skip
