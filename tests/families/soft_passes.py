"""Fixtures of canitoolcall that can only pass softly, each with the evidence. One that passes in full fails."""

from __future__ import annotations

SOFT: dict[tuple[str, str], str] = {}
"""(fixture id, "ids" or "text") -> why."""
