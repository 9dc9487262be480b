"""The guard counts the same each time, and notices more work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import guard
from turnwire.parsers import short
from turnwire.templating import begun
from turnwire.tokens import Bound


def test_counts_are_the_same_each_time() -> None:
    first, again = (guard.count(lambda: guard.validate(False)) for _ in range(2))
    assert first == again and min(first.values()) > 1_000


def test_more_work_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prompt that is written anew where it goes on from another."""

    def work() -> guard.Work:
        return guard.render_again(10)

    before = guard.count(work)
    again = guard.count(work)  # caches that other tests have filled may be emptied meanwhile
    assert all(abs(again[k] - before[k]) < (guard.TOLERANCE - 1) * before[k] / 10 for k in before)
    monkeypatch.setattr(begun, "_same_placed", lambda a, b: False)
    assert guard.count(work)["lines"] > 2 * before["lines"]


def test_encoding_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    before, encode_each = guard.count(guard.render), Bound.encode_each

    def twice(self: Bound, texts: Any) -> Any:
        encode_each(self, texts)
        return encode_each(self, texts)

    monkeypatch.setattr(Bound, "encode_each", twice)
    assert guard.judged("render", guard.count(guard.render), before)  # 3.2% more lines: short texts come once


def test_parsing_without_what_is_remembered_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    make = guard.WORKLOADS["parse, JSON"]
    before = guard.count(make)
    monkeypatch.setattr(short, "SHORT", 0)
    assert all(n > guard.TOLERANCE * before[what] for what, n in guard.count(make).items())


def test_tokens_in_tuples_are_known_like_those_in_lists() -> None:
    """A step more for each, where the machine itself would take five times as many lines."""
    before = guard.count(guard.WORKLOADS["parse, JSON"])["lines"]
    assert guard.count(lambda: guard.parse("qwen3", shape=lambda i: (i,)))["lines"] < 2 * before


def test_work_that_grew_is_wrong_and_so_is_a_baseline_that_allows_too_much() -> None:
    allowed = {"lines": 10_000, "calls": 1_000}
    assert not guard.judged("w", {"lines": 10_250, "calls": 975}, allowed) and not guard.judged("w", allowed, {})
    (more,) = guard.judged("w", {"lines": 10_400, "calls": 1_000}, allowed)
    (less,) = guard.judged("w", {"lines": 10_000, "calls": 500}, allowed)
    assert "1.040 times the lines" in more and "0.500 of the calls" in less and "--update" in less


def test_the_baseline_has_all_workloads() -> None:
    known = json.loads(guard.BASELINE.read_text("utf-8"))
    assert len(guard.WORKLOADS) >= 10 and all(set(found) == set(guard.WORKLOADS) for found in known.values())
