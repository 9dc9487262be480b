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
