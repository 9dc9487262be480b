"""Mistral of the tokenizer version v3: the system prompt stands in the last user message, results are JSON.

Facts: mistral-common 1.13.1, tokens/tokenizers/instruct.py (sha256 3279fa55, `InstructTokenizerV3`) and
protocol/instruct/normalize.py (24065931), by which the models were trained; the template of Mistral-7B-Instruct-v0.3
(e16746b4) differs (results are not quoted, text before calls is dropped, text is trimmed). SentencePiece vocabularies;
Nemo, Ministral 8B and Pixtral have a tekken. The encoder refuses text and calls in one turn; models write it
(canitoolcall mistral/vllm-v3-content-before-call), and so do we, in v7's order.
"""

from __future__ import annotations

from dataclasses import replace

from ..layout import EachResult, Wrap
from ..templating import mistral
from ..templating.arrange import drop_reasoning
from ..wire import NOTHING, Lit, Tok
from .mistral_v7 import layout as v7
from .mistral_v7 import mistral_tekken_v7, mistral_v7, spaced
from .mistral_v13 import user

results = EachResult(Tok("[TOOL_RESULTS]"), Tok("[/TOOL_RESULTS]"), mistral.as_object)
arrange = (mistral.in_order, drop_reasoning, mistral.Join(), mistral.Ask(system=True), mistral.right_trimmed)
unseen = ("system", Wrap(NOTHING, NOTHING))  # `Ask` takes its text
layout = v7.but(roles=(unseen, ("user", user)), results=results, arrange=arrange, headless=("user", "tool"))
mistral_v3 = mistral_v7.but(
    "mistral-v3",
    control_extra=mistral.TOOLS,
    layout=spaced(layout).but(results=replace(results, item_open=Tok("[TOOL_RESULTS]") + Lit(" "))),
    models=(
        "mistralai/Mistral-7B-Instruct-v0.3", "mistralai/Mixtral-8x22B-Instruct-v0.1",
        "mistralai/Mistral-Small-Instruct-2409", "mistralai/Mistral-Large-Instruct-2407",
    ),
    source="mistral-common 1.13.1, InstructTokenizerV3",
)  # fmt: skip
mistral_tekken_v3 = mistral_tekken_v7.but(
    "mistral-tekken-v3", control_extra=mistral.TOOLS, layout=layout.but(media=(("image", Tok("[IMG]")),)),
    models=(
        "mistralai/Mistral-Nemo-Instruct-2407", "mistralai/Ministral-8B-Instruct-2410", "mistralai/Pixtral-12B-2409",
    ),
    source="mistral-common 1.13.1, InstructTokenizerV3",
)  # fmt: skip
