"""Llama 3.1 and 3.3 (one template, one vocabulary) and 3.2."""

from tests.families.reference import Reference

E10 = "e10ca381b1ccc5cf9db52e371f3b6651576caee0a630b452e2816b2d404d4b65"
BOS = {"bos_token": "<|begin_of_text|>"}
SETS = (
    {"date_string": "15 Jan 2026"},
    {"date_string": "15 Jan 2026", "tools_in_user_message": False},
)
BUILTIN = {"builtin_tools": ["brave_search", "code_interpreter", "wolfram_alpha"]}
SINGLE = (
    'lines 71-73 refuse turns of several calls; models write them (vLLM\'s llama3_json parser reads "; " between '
    "objects), and a conversation has to go on behind them"
)
FIRST = "line 54 takes the first message for the user's, whoever said it; we want a user message, and say so"
DIFFERS = {
    **dict.fromkeys(("parallel*", "arguments-empty", "calls-three", "calls-two-rounds", "results-end"), SINGLE),
    "calls-empty-list": "line 71 takes an empty list of calls for calls, and refuses it",
    "call-flat": "a call without the key `function`: we read it, line 74 fails",
    "result-none": "line 97 fails on a result without content",
    "no-user-calls": FIRST,
}
AVOID = ("parallel calls", "tools, no user first")  # SINGLE, FIRST

REFERENCES = (
    Reference("llama-3.1", E10, "llama-3.1", variables=BOS, options=({}, *SETS, BUILTIN), differs=DIFFERS, avoid=AVOID),
    Reference(
        "llama-3.2",
        "5816fce10444e03c2e9ee1ef8a4a1ea61ae7e69e438613f3b17b69d0426223a4",
        "llama-3.1",
        variables=BOS,
        options=SETS,
        differs=DIFFERS,
        avoid=AVOID,
    ),
    Reference("llama-3.3", E10, "llama-3.1", variables=BOS, options=({}, *SETS, BUILTIN), differs=DIFFERS, avoid=AVOID),
)
