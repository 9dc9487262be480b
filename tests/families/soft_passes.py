"""Fixtures of canitoolcall that can only pass softly, each with the evidence. One that passes in full fails."""

from __future__ import annotations

_BLANK = (
    "blanks are all of the content before a call; a turn whose text is these blanks renders to the same ids, so that "
    "dropping them would break L1, and glm/glm47-vllm-whitespace-preserved-in-value shows that blanks can be meant"
)
SOFT: dict[tuple[str, str], str] = {
    **{("glm/glm47-vllm-whitespace-only-content", by): _BLANK for by in ("ids", "text")},
}
"""(fixture id, "ids" or "text") -> why."""
