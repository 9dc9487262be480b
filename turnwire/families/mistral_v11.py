"""Mistral of the tokenizer version v11: Small 3.2, Devstral 2507; and Magistral 2506, which reasons in words.

Facts: mistral-common 1.13.1, tokens/tokenizers/instruct.py (sha256 3279fa55, `InstructTokenizerV11`). The repositories
have no template. A call's id is written where there is one; models leave it out (vLLM's test_mistral_tool_parser.py)
or write it (llama.cpp's test-chat.cpp), as canitoolcall's fixtures of both show.
"""

from __future__ import annotations

from dataclasses import replace

from ..codecs import Alphanumeric, CallId, Json
from ..format import Format
from ..layout import Results
from ..templating import mistral
from ..templating.arrange import drop_reasoning
from ..templating.call_ids import CALL_IDS, in_call_order
from ..wire import NOTHING, Choice, Frame, Lit, Many, Opt, Pad, Slot, Tok
from .mistral_v13 import NAME, end, text
from .mistral_v13 import layout as v13

NO_THOUGHTS = "reasoning of history is not written: the encoder takes none below v13"

call_id = Tok("[CALL_ID]") + Slot("attrs", CallId(without='[]{}<>"'))
call = Frame(
    "call",
    Tok("[TOOL_CALLS]")
    + Slot("name", replace(NAME, waits=True))
    + Opt(call_id)
    + Tok("[ARGS]")
    + Slot("arguments", Json()),
)
calls = Many(Choice(text, call))
results = Results(
    item_open=Tok("[TOOL_RESULTS]"), item_close=Tok("[/TOOL_RESULTS]"), head=mistral.IdHead(),
)  # fmt: skip
layout = v13.but(
    results=results,
    arrange=(
        mistral.in_order, in_call_order, drop_reasoning, mistral.Join(), mistral.Ask(), mistral.right_trimmed
    ),
    options=(CALL_IDS,),
    ids=Alphanumeric(9),
)  # fmt: skip

mistral_v11 = Format(
    "mistral-v11", calls + end, NOTHING, layout,
    control_extra=mistral.CONTROL,
    models=("mistralai/Mistral-Small-3.2-24B-Instruct-2506", "mistralai/Devstral-Small-2507"),
    source="mistral-common 1.13.1, InstructTokenizerV11",
    notes=(NO_THOUGHTS,),
)  # fmt: skip

# <think> is ordinary text (huggingface.co/mistralai/Magistral-Small-2506, discussion 11); the card's system prompt has
# it, and its closer, on lines of their own
think = Frame(
    "reasoning",
    Lit("<think>") + Pad("\n") + Slot("reasoning") + Pad("\n") + Lit("</think>") + Pad("\n"),
)  # fmt: skip
magistral_2506 = mistral_v11.but(
    "magistral-2506", reply=Opt(think) + calls + end,
    models=("mistralai/Magistral-Small-2506",),
)  # fmt: skip
