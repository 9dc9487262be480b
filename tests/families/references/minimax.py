"""MiniMax: templates and vocabularies of the reference data."""

from __future__ import annotations

from typing import Any

from tests.families.prepared import no_null_content
from tests.families.reference import Reference

DROPPED = "the template drops a system message that is not the first (line 44); we refuse it"
DIFFERS = {
    "system-middle": DROPPED,
    "system-twice": DROPPED,
    "system-last": DROPPED,
}
M2: dict[str, Any] = {
    "tokenizer": "minimax-m2",
    "prepare": no_null_content,
    "differs": DIFFERS,
    "avoid": ("system in the middle",),
}
REFERENCES = (
    Reference("minimax-m2", "minimax-m2/chat_template.jinja", options=({}, {"model_identity": "You are X."}), **M2),
    Reference("minimax-m2.1", "minimax-m2/chat_template.m2.1.jinja", **M2),
    Reference("minimax-m2.5", "minimax-m2/chat_template.m2.5.jinja", **M2),
    Reference("minimax-m2.7", "minimax-m2/chat_template.m2.7.jinja", **M2),
)
