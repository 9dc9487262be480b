"""The alignment under `diff`: it tiles, it is symmetric, and its work is linear whatever the sequences are."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.law import reports
from turnwire.explain.align import Gap, Work, align

small = st.lists(st.integers(0, 3), max_size=40)


def applied(a: list[int], b: list[int], gaps: list[Gap]) -> list[int]:
    """`a` with the gaps of `b` put in; what lies between must be equal."""
    out: list[int] = []
    i = j = 0
    for g in gaps:
        assert a[i : g.a_start] == b[j : g.b_start] and (g.a_start < g.a_stop or g.b_start < g.b_stop)
        out += a[i : g.a_start] + b[g.b_start : g.b_stop]
        i, j = g.a_stop, g.b_stop
    assert a[i:] == b[j:]
    return out + a[i:]


def check(a: list[int], b: list[int]) -> None:
    gaps = align(a, b)
    assert applied(a, b, gaps) == b
    assert bool(gaps) == (a != b)
    assert [Gap(g.b_start, g.b_stop, g.a_start, g.a_stop) for g in align(b, a)] == gaps
    assert all(g.a_stop < h.a_start or g.b_stop < h.b_start for g, h in pairwise(gaps)), "gaps that touch"


@settings(deadline=None, max_examples=400)
@given(small, small)
def test_gaps_tile(a: list[int], b: list[int]) -> None:
    check(a, b)


def test_gaps_tile_after_edits() -> None:
    rng = random.Random(5)
    for _ in range(1500):
        kinds = rng.choice([1, 2, 5, 50])
        a = [rng.randrange(kinds) for _ in range(rng.choice([0, 3, 60, 300]))]
        b = list(a)
        for _ in range(rng.randrange(6)):
            at = rng.randrange(len(b) + 1)
            b[at : at + rng.randrange(60)] = [rng.randrange(kinds) for _ in range(rng.randrange(60))]
        check(a, b)


def test_a_change_is_found_where_it_is() -> None:
    a = [n % 97 for n in range(5000)]
    b = [*a[:1000], -1, *a[1000:3000], *a[3010:]]
    assert align(a, b) == [Gap(1000, 1000, 1000, 1001), Gap(3000, 3010, 3001, 3001)]


Make = Callable[[list[int], random.Random], list[int]]
BASES: dict[str, Callable[[int, random.Random], list[int]]] = {
    "random": lambda n, r: [r.randrange(50_000) for _ in range(n)],
    "common words": lambda n, r: [int(r.paretovariate(1)) for _ in range(n)],
    "one turn, again and again": lambda n, r: [r.randrange(9) for _ in range(20)] * (n // 20),
    "one element": lambda n, r: [1] * n,
    "two elements": lambda n, r: [r.randrange(2) for _ in range(n)],
}
EDITS: dict[str, Make] = {
    "nothing": lambda s, r: list(s),
    "one": lambda s, r: [*s[: len(s) // 2], -1, *s[len(s) // 2 + 1 :]],
    "after each 20": lambda s, r: [y for i, x in enumerate(s) for y in ([x, -5] if i % 20 == 19 else [x])],
    "each third twice": lambda s, r: [y for i, x in enumerate(s) for y in ([x, x] if i % 3 == 2 else [x])],
    "half of it": lambda s, r: [*s[: len(s) // 4], *(r.randrange(9) for _ in s[::2]), *s[len(s) * 3 // 4 :]],
    "moved": lambda s, r: [*s[len(s) // 9 : len(s) // 2], *s[: len(s) // 9], *s[len(s) // 2 :]],
    "all of it": lambda s, r: [r.randrange(50_000) for _ in s],
    "reversed": lambda s, r: s[::-1],
    "a tenth": lambda s, r: [x + (r.random() < 0.1) for x in s],
}


@pytest.mark.parametrize("base", BASES)
def test_work_is_linear(base: str) -> None:
    """Elements looked at, for each of the two sequences': bounded, and no more for ten times the length."""
    worst = 0.0
    for edit in EDITS.values():
        each: list[float] = []
        for size in (2_000, 20_000):
            rng = random.Random(size)
            a = BASES[base](size, rng)
            b = edit(a, rng)
            work = Work()
            align(a, b, work)
            each.append(work.steps / (len(a) + len(b)))
        assert each[1] <= max(4.0, each[0] * 1.6), each
        worst = max(worst, *each)
    reports.append(f"diff of {base}: at most {worst:.1f} steps an element")
    assert worst < 16
