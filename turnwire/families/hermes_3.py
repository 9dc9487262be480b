"""Hermes 3: Hermes JSON calls in ChatML behind a BOS, on Llama's vocabulary; another preamble where there are tools.

Facts: tokenizer_config.json of NousResearch/Hermes-3-Llama-3.1-8B has two templates: default (sha256 9ff2eb30), which
knows no calls, and tool_use, which begins as Hermes-2-Pro-Llama-3-8B's (7ce09d55): the whole of that one is what could
be had. eos_token is <|im_end|> (special_tokens_map). A line end stands behind each result and each turn of results,
and text stays beside calls, as in NousResearch/Hermes-Function-Calling, functioncall.py (`generate_function_call`),
which takes all through the default template; tool_use leaves them out. Calls look the same whether tools are given.
"""

from __future__ import annotations

from ..layout import Layout, Results
from ..templating.arrange import drop_reasoning
from ..templating.nous_prose import hermes_3_system
from ..wire import End, Tok
from .notes import UNSEEN
from .qwen3 import NL, calls, chatml, qwen3

layout = Layout(
    roles=(("system", chatml("system")), ("user", chatml("user"))),
    results=Results(
        chatml("tool").open, Tok("<tool_response>") + NL, NL + Tok("</tool_response>") + NL, chatml("tool").close
    ),
    preamble=hermes_3_system,
    arrange=(drop_reasoning,),
    after=NL,
    begin=Tok("<|begin_of_text|>"),
)
hermes_3 = qwen3.but(
    "hermes-3", reply=calls + End("<|im_end|>", "<|end_of_text|>"), layout=layout,
    models=tuple(f"NousResearch/Hermes-3-Llama-{size}" for size in ("3.2-3B", "3.1-8B", "3.1-70B", "3.1-405B")),
    notes=(
        UNSEEN,
        "line ends behind results, and text beside calls, are written as by Nous's own program; the official tool_use "
        "template leaves them out",
    ),
    source="NousResearch/Hermes-3-Llama-3.1-8B tokenizer_config.json, templates sha256 9ff2eb30a1 and 7ce09d55d3",
)  # fmt: skip
