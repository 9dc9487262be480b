"""The guard counts the same each time, and notices more work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import guard
from turnwire.templating import begun
from turnwire.tokens import Bound


def test_counts_are_the_same_each_time() -> None:
    first, again = (guard.count(guard.validate) for _ in range(2))
    assert first == again and min(first.values()) > 1_000


def test_more_work_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt that is written anew where it goes on from another."""
    before = guard.count(guard.render_again)
    again = guard.count(guard.render_again)  # caches that other tests have filled may be emptied meanwhile
    assert all(abs(again[k] - before[k]) < (guard.TOLERANCE - 1) * before[k] / 10 for k in before)
    monkeypatch.setattr(begun, "_same_units", lambda a, b: False)
    assert guard.count(guard.render_again)["lines"] > 2 * before["lines"]


def test_encoding_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before, encode_each = guard.count(guard.render), Bound.encode_each

    def twice(self: Bound, texts: Any) -> Any:
        encode_each(self, texts)
        return encode_each(self, texts)

    monkeypatch.setattr(Bound, "encode_each", twice)
    assert guard.count(guard.render)["calls"] > guard.TOLERANCE * before["calls"]


def test_the_baseline_has_all_workloads() -> None:
    known = json.loads(guard.BASELINE.read_text("utf-8"))
    assert len(guard.WORKLOADS) >= 10 and all(set(found) == set(guard.WORKLOADS) for found in known.values())
