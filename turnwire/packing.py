"""Packing: several samples in one row of a given length, none of them cut.

A sample goes where it leaves the least room, the longest first (best fit, decreasing). Positions start again with each
sample, `cu_seqlens` says where each begins, and the first token of a sample is never a label: what stands before it in
the row is another conversation.
"""

from __future__ import annotations

import importlib
from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from .errors import InputError, OptionError, nearest
from .samples import IGNORED, Sample

OVERLONG = ("raise", "drop")


@dataclass(frozen=True, slots=True)
class Packed:
    """A row. `sources`: which of the samples are in it, in order. `cu_seqlens`: where each begins, and the end of the
    last. `sequence_ids` count the samples of the row; `weights`, `labels`, `logprobs` are theirs."""

    ids: list[int]
    labels: list[int]
    weights: list[float]
    logprobs: list[float | None]
    position_ids: list[int]
    sequence_ids: list[int]
    cu_seqlens: list[int]
    sources: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> list[int]:
        """How long each sample is."""
        return [b - a for a, b in zip(self.cu_seqlens, self.cu_seqlens[1:])]

    def to_dict(self) -> dict[str, list[Any]]:
        """As a row of a data set: input_ids, labels, position_ids, sequence_ids and seq_lengths, as TRL names it."""
        return {
            "input_ids": list(self.ids),
            "labels": list(self.labels),
            "position_ids": list(self.position_ids),
            "sequence_ids": list(self.sequence_ids),
            "seq_lengths": self.lengths,
        }

    def to_numpy(self) -> dict[str, Any]:
        """As arrays, cu_seqlens and max_seqlen as kernels for many lengths take them (int32)."""
        np = importlib.import_module("numpy")
        return {
            "input_ids": np.array(self.ids, np.int64),
            "labels": np.array(self.labels, np.int64),
            "weights": np.array(self.weights, np.float32),
            "position_ids": np.array(self.position_ids, np.int64),
            "sequence_ids": np.array(self.sequence_ids, np.int32),
            "cu_seqlens": np.array(self.cu_seqlens, np.int32),
            "max_seqlen": max(self.lengths),
        }


def pack(samples: Iterable[Sample], length: int, *, overlong: Literal["raise", "drop"] = "raise") -> list[Packed]:
    """Rows of at most `length` tokens with all samples in them. One that is longer raises `InputError`; with
    overlong="drop" it is in no row, which `sources` show. Raises `MaskError` for a sample that counts for nothing."""
    if overlong not in OVERLONG:
        raise OptionError(f"overlong does not take {overlong!r}", value=overlong, path="overlong",
                          expected="one of " + ", ".join(OVERLONG), near=nearest(str(overlong), OVERLONG))  # fmt: skip
    if type(length) is not int or length < 1:
        raise InputError(f"no length: {length!r}", value=length, path="length", expected="a positive number of tokens")
    given = list(samples)
    order = sorted(range(len(given)), key=lambda i: -len(given[i]))
    rows: list[list[int]] = []
    room: list[tuple[int, int]] = []  # of each row that has some, with its number; sorted
    for i in order:
        size = len(given[i])
        if size > length:
            if overlong == "raise":
                raise InputError(f"a sample of {size} tokens", value=size, path=f"samples[{i}]",
                                 expected=f'at most {length}, or overlong="drop"')  # fmt: skip
            continue
        at = bisect_left(room, (size, 0))
        if at == len(room):
            left, row = length, len(rows)
            rows.append([])
        else:
            left, row = room.pop(at)
        rows[row].append(i)
        if left > size:
            insort(room, (left - size, row))
    return [_packed(given, row) for row in rows]


def _packed(samples: Sequence[Sample], row: Sequence[int]) -> Packed:
    chosen = [samples[i] for i in row]
    labels: list[int] = []
    weights: list[float] = []
    for s in chosen:
        labels += [IGNORED, *s.labels()[1:]]
        weights += [0.0, *s.loss_weights[1:]]
    return Packed(
        ids=[i for s in chosen for i in s.ids],
        labels=labels,
        weights=weights,
        logprobs=[x for s in chosen for x in s.logprobs],
        position_ids=[n for s in chosen for n in range(len(s))],
        sequence_ids=[k for k, s in enumerate(chosen) for _ in range(len(s))],
        cu_seqlens=[0, *accumulate(len(s) for s in chosen)],
        sources=tuple(row),
    )
