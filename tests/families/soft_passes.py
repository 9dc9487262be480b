"""Fixtures of canitoolcall that can only pass softly, each with the evidence. One that passes in full fails."""

from __future__ import annotations

_BLANK = (
    "blanks are all of the content before a call; a turn whose text is these blanks renders to the same ids, so that "
    "dropping them would break L1, and glm/glm47-vllm-whitespace-preserved-in-value shows that blanks can be meant"
)
_CONTRADICTED = (
    "a blank between text and call is left out; gemma4/sglang-text-before-call and gemma4/sglang-text-around-call, of "
    "the same shape (text, a blank, <|tool_call>), keep it, and so do the ids of a turn whose text ends in a blank"
)
SOFT: dict[tuple[str, str], str] = {
    **{("gemma4/vllm-text-before-call", by): _CONTRADICTED for by in ("ids", "text")},
    **{("glm/glm47-vllm-whitespace-only-content", by): _BLANK for by in ("ids", "text")},
}
"""(fixture id, "ids" or "text") -> why."""

CONTRADICTED: dict[str, str] = {
    "llama/l4-truncated-missing-close-bracket": (
        "a list of calls is cut in its second call, and the fixture wants the first, which is whole, dropped. Five "
        "others want it kept where a reply is cut in its second call (deepseek/v32-, v4- and v41-, gemma4/ and "
        "qwen3-hermes/truncated-second-parallel-call). To drop it, the end of every call of a list would have to be "
        "withheld from a streaming client until the list is closed"
    ),
}
"""Fixtures that contradict others: we fail them, for the reason given. One that passes fails here."""
