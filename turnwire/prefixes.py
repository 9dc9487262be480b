"""Beginnings of what is held in several strings or lists that stand for one, and places in sorted lists."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, TypeVar

S = TypeVar("S", str, list[int])


def first_of(parts: Sequence[S], count: int) -> list[S]:
    """The first `count` items."""
    out = list(parts)
    over = sum(map(len, out)) - count
    while over > 0:
        last = out.pop()
        if len(last) > over:
            out.append(last[: len(last) - over])
        over -= len(last)
    return out


def last_of(texts: Sequence[str], count: int) -> str:
    """The last `count` characters."""
    text = ""
    for piece in reversed(texts):
        if len(text) >= count:
            break
        text = piece + text
    return text[len(text) - count :]


def last_before(places: Sequence[Any], at: Any) -> int:
    """The index of the last of some sorted places that is before `at`, -1 if none is."""
    return bisect_left(places, at) - 1
