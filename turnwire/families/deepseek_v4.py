"""DeepSeek V4 and V4.1: calls in DSML; users' turns and results that follow each other are one user's turn.

Facts: encoding_dsv4.py of deepseek-ai/DeepSeek-V4-Flash (sha256 bdbd57c1); for V4.1, whose encoding.py is at hand in
ports only, SGLang's encoding_dsv41.py (9c29c810) and vLLM 0.33's deepseek_v41_encoding.py. The budgets of named efforts
are SGLang's, which are those of DeepSeek's encoding.py (vLLM issue reports); vLLM's are 25, 50, 100.
"""

from __future__ import annotations

from ..layout import Option, Results, Wrap
from ..templating import deepseek_dsml as ds
from ..templating.call_ids import in_call_order
from ..templating.deepseek_prose import V4, V4_1
from ..wire import NOTHING, Lit, Opt, Tok
from .deepseek_v3 import USER, end
from .deepseek_v3_2 import deepseek_v3_2, dsml, layout, think

RESULT, CLOSED, SYSTEM = "<tool_result>", Lit("</tool_result>"), Tok("<｜System｜>")
roles = (
    ("user", Wrap(Tok(USER), NOTHING)),
    ("developer", Wrap(Tok(USER), NOTHING)),
    ("next user", Wrap(Lit("\n\n"), NOTHING)),
    ("result", Wrap(Tok(USER) + Lit(RESULT), CLOSED)),
    ("next result", Wrap(Lit("\n\n" + RESULT), CLOSED)),
)
effort = Option("reasoning_effort", None, "'max' asks for it in words", (None, "high", "max"))
numbers = Option("reasoning_effort", None, "1 to 100, or a name of one", (None, "low", "high", "max", *range(1, 101)))
options = (ds.THINKING_MODE, ds.DROP_THINKING, ds.RESPONSE_FORMAT)
queries = ("user", "developer", "tool")

deepseek_v4 = deepseek_v3_2.but(
    "deepseek-v4", reply=Opt(think) + dsml(("tool_calls", "function_calls")) + end,
    layout=layout.but(
        roles=(("system", Wrap(NOTHING, NOTHING)), *roles), results=Results(), headless=(), options=(*options, effort),
        preamble=ds.Prose(V4, effort=ds.loudest_effort),
        arrange=(ds.ThinkSinceUser(queries), in_call_order, ds.one_user_turn),
    ),
    models=("deepseek-ai/DeepSeek-V4-Flash", "deepseek-ai/DeepSeek-V4-Pro", "deepseek-ai/DeepSeek-V4-Flash-0731"),
    source="deepseek-ai/DeepSeek-V4-Flash encoding/encoding_dsv4.py sha256 bdbd57c132a1b372",
)  # fmt: skip
deepseek_v4_1 = deepseek_v4.but(
    "deepseek-v4.1", reply=Opt(think) + dsml((" calls", "calls", "tool_calls", "function_calls"), " ") + end,
    layout=deepseek_v4.layout.but(
        roles=(("system", Wrap(SYSTEM, NOTHING)), *roles), options=(*options, numbers),
        preamble=ds.Prose(V4_1, SYSTEM, ds.numbered_effort),
        arrange=(ds.ThinkSinceUser((*queries, "system")), in_call_order, ds.one_user_turn),
    ),
    models=("deepseek-ai/DeepSeek-V4.1-Flash",),
    source="SGLang's port of deepseek-ai/DeepSeek-V4.1-Flash encoding/encoding.py, sha256 9c29c810c440589f",
)  # fmt: skip
