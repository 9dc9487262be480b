"""Packing: every token of every sample is in one row, in order, and no row is longer than asked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnwire import Sample, pack
from turnwire.errors import InputError


@st.composite
def samples(draw: st.DrawFn) -> list[Sample]:
    out: list[Sample] = []
    for n in range(draw(st.integers(1, 12))):
        size = draw(st.integers(2, 20))
        mask = [False, *draw(st.lists(st.booleans(), min_size=size - 2, max_size=size - 2)), True]
        weights = draw(st.sampled_from(([], [0.5 * m for m in mask])))
        ids = [100 * n + k for k in range(size)]
        out.append(Sample(ids, mask, [None] * size, [None] * size, [-0.5 if m else None for m in mask], weights))
    return out


@settings(max_examples=150, deadline=None)
@given(samples(), st.integers(10, 40))
def test_nothing_is_cut_or_lost(given: list[Sample], length: int) -> None:
    if any(len(s) > length for s in given):
        with pytest.raises(InputError, match="at most"):
            pack(given, length)
    rows = pack(given, length, overlong="drop")
    kept = [i for i, s in enumerate(given) if len(s) <= length]
    assert sorted(i for row in rows for i in row.sources) == kept
    for row in rows:
        assert len(row) <= length and row.cu_seqlens[0] == 0 and row.cu_seqlens[-1] == len(row)
        for n, (a, b, i) in enumerate(zip(row.cu_seqlens, row.cu_seqlens[1:], row.sources)):
            s = given[i]
            assert row.ids[a:b] == s.ids and row.position_ids[a:b] == list(range(len(s)))
            assert row.sequence_ids[a:b] == [n] * len(s) and row.logprobs[a:b] == s.logprobs
            assert row.labels[a] == -100 and row.labels[a + 1 : b] == s.labels()[1:]
            assert row.weights[a + 1 : b] == s.loss_weights[1:]
    total = sum(len(given[i]) for i in kept)
    assert len(rows) <= -(-2 * total // length) + 1  # no two rows would fit in one


def test_arrays() -> None:
    np = pytest.importorskip("numpy")
    given = [Sample([n] * size, [False] + [True] * (size - 1), logprobs=[None] * size) for n, size in enumerate((3, 5))]
    (row,) = pack(given, 8)
    arrays = row.to_numpy()
    assert arrays["cu_seqlens"].dtype == np.int32 and arrays["cu_seqlens"].tolist() == [0, 5, 8]
    assert arrays["max_seqlen"] == 5 and arrays["position_ids"].tolist() == [0, 1, 2, 3, 4, 0, 1, 2]
    assert row.lengths == [5, 3] and row.sources == (1, 0)


def test_a_thousand_samples_fill_their_rows() -> None:
    given = [Sample([1] * (n % 97 + 2), [False] + [True] * (n % 97 + 1), logprobs=[]) for n in range(1000)]
    rows = pack(given, 256)
    share = sum(map(len, rows)) / (256 * len(rows))
    assert share > 0.99
