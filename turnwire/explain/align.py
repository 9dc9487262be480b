"""Where two sequences differ, in linear work: gaps between equal stretches.

Common ends first; then anchors, the runs that occur once in either sequence, in the longest order that both share;
between anchors a bounded edit script (Myers), and where that would cost too much, the nearest place where the two run
on alike. What none of these aligns is one gap. Gaps are in order; what lies between them is equal, so that putting the
second sequence's gaps into the first gives the second. The gaps of (b, a) are those of (a, b), exchanged.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

ANCHORS = (16, 4)  # lengths of the runs that are looked for, one after the other
EDITS = 48  # of an edit script
NEAR, GROWTH = 32, 4  # the window in which sequences are brought together again, and how it grows
ALIKE = 4  # elements that must be equal there
ISLAND = 6  # a single equal element between gaps of this many is no meeting

Items: TypeAlias = Sequence[Hashable]


class Gap(NamedTuple):
    """`a[a_start:a_stop]` stands where `b[b_start:b_stop]` does."""

    a_start: int
    a_stop: int
    b_start: int
    b_stop: int


@dataclass
class Work:
    """How many elements were looked at."""

    steps: int = 0


def align(a: Items, b: Items, work: Work | None = None) -> list[Gap]:
    """The gaps; see the head of this file."""
    work = work or Work()
    if len(a) > len(b) or (len(a) == len(b) and list(a) != list(b) and _later(a, b)):  # one order for both
        return [Gap(g.b_start, g.b_stop, g.a_start, g.a_stop) for g in align(b, a, work)]
    found = _between(a, b, Gap(0, len(a), 0, len(b)), work, 0)
    return _islands(_joined(found))


def _later(a: Items, b: Items) -> bool:
    x, y = next((x, y) for x, y in zip(a, b) if x != y)
    return (str(type(x)), x) > (str(type(y)), y)  # type: ignore[operator]


def _between(a: Items, b: Items, gap: Gap, work: Work, level: int) -> Iterator[Gap]:
    """The gaps inside a gap."""
    gap = _trimmed(a, b, gap, work)
    if gap.a_start == gap.a_stop or gap.b_start == gap.b_stop:
        if gap.a_start != gap.a_stop or gap.b_start != gap.b_stop:
            yield gap
        return
    if level < len(ANCHORS):
        i, j = gap.a_start, gap.b_start
        for x, y, length in _anchors(a, b, gap, ANCHORS[level], work):
            yield from _between(a, b, Gap(i, x, j, y), work, level + 1)
            i, j = x + length, y + length
        yield from _between(a, b, Gap(i, gap.a_stop, j, gap.b_stop), work, level + 1)
        return
    script = _script(a, b, gap, work)
    if script is not None:
        yield from script
        return
    i, j = gap.a_start, gap.b_start
    while (met := _meeting(a, b, Gap(i, gap.a_stop, j, gap.b_stop), work)) is not None:
        x, y, length = met
        inner = Gap(i, x, j, y)
        yield from _script(a, b, inner, work) or [inner]
        i, j = x + length, y + length
    if i < gap.a_stop or j < gap.b_stop:
        yield Gap(i, gap.a_stop, j, gap.b_stop)


def _trimmed(a: Items, b: Items, gap: Gap, work: Work) -> Gap:
    """Without its common ends."""
    i, i_end, j, j_end = gap
    n = _common(a, i, i_end, b, j, j_end, work)
    i, j = i + n, j + n
    while i < i_end and j < j_end and a[i_end - 1] == b[j_end - 1]:
        i_end, j_end = i_end - 1, j_end - 1
        work.steps += 1
    return Gap(i, i_end, j, j_end)


def _common(a: Items, i: int, i_end: int, b: Items, j: int, j_end: int, work: Work) -> int:
    """How many elements are equal from `i` and `j` on."""
    most = min(i_end - i, j_end - j)
    n, step, growing = 0, 8, True
    while step:
        if n + step <= most and a[i + n : i + n + step] == b[j + n : j + n + step]:
            n += step
            step *= 2 if growing else 1
        else:
            growing = False
            step //= 2
        work.steps += 1 + min(step, most - n)
    work.steps += n
    return n


def _anchors(a: Items, b: Items, gap: Gap, size: int, work: Work) -> list[tuple[int, int, int]]:
    """Runs (start in a, start in b, length) of at least `size` that are once in either, in an order both share."""
    if min(gap.a_stop - gap.a_start, gap.b_stop - gap.b_start) < size:
        return []
    ours, theirs = _once(a, gap.a_start, gap.a_stop, size), _once(b, gap.b_start, gap.b_stop, size)
    work.steps += gap.a_stop - gap.a_start + gap.b_stop - gap.b_start
    runs: list[tuple[int, int, int]] = []
    for run, i in ours.items():
        j = theirs.get(run, -1)
        if i < 0 or j < 0:
            continue
        last = runs[-1] if runs else (-1, -1, 0)
        if i - last[0] == j - last[1] and i <= last[0] + last[2]:
            runs[-1] = (last[0], last[1], i + size - last[0])
        else:
            runs.append((i, j, size))
    return _ordered(runs)


def _once(items: Items, start: int, stop: int, size: int) -> dict[tuple[Hashable, ...], int]:
    """Where each run of `size` is, -1 for those that are more than once."""
    found: dict[tuple[Hashable, ...], int] = {}
    for i, run in enumerate(zip(*(items[start + k : stop - size + 1 + k] for k in range(size))), start):
        found[run] = -1 if run in found else i
    return found


def _ordered(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """The longest part of the runs, in order in a, that is in order in b and does not overlap."""
    tails: list[int] = []  # of the best chain of each length, where it ends in b
    at: list[int] = []
    before: list[int] = []
    for n, (_, j, _) in enumerate(runs):
        k = bisect_left(tails, j)
        before.append(at[k - 1] if k else -1)
        if k == len(tails):
            tails.append(j)
            at.append(n)
        else:
            tails[k], at[k] = j, n
    out: list[tuple[int, int, int]] = []
    n = at[-1] if at else -1
    while n >= 0:
        out.append(runs[n])
        n = before[n]
    kept: list[tuple[int, int, int]] = []
    for i, j, length in reversed(out):
        over = max(0, kept[-1][0] + kept[-1][2] - i, kept[-1][1] + kept[-1][2] - j) if kept else 0
        if over < length:
            kept.append((i + over, j + over, length - over))
    return kept


def _script(a: Items, b: Items, gap: Gap, work: Work) -> list[Gap] | None:
    """The shortest edit script, None if it is longer than `EDITS` or costs too much (Myers 1986)."""
    n, m = gap.a_stop - gap.a_start, gap.b_stop - gap.b_start
    if abs(n - m) > EDITS:
        return None
    budget = work.steps + 4 * (n + m) + EDITS * EDITS
    best = {1: 0}
    trail: list[dict[int, int]] = []
    for d in range(min(n + m, EDITS) + 1):
        trail.append(dict(best))
        work.steps += d
        for k in range(-d, d + 1, 2):
            x = best[k + 1] if k == -d or (k != d and best[k - 1] < best[k + 1]) else best[k - 1] + 1
            start = x
            while x < n and x - k < m and a[gap.a_start + x] == b[gap.b_start + x - k]:
                x += 1
            work.steps += x - start + 1
            best[k] = x
            if x >= n and x - k >= m:
                return _walked(trail, n, m, gap)
        if work.steps > budget:
            return None
    return None


def _walked(trail: list[dict[int, int]], n: int, m: int, gap: Gap) -> list[Gap]:
    """The edits of a script, from its end."""
    x, y = n, m
    out: list[Gap] = []
    for d in range(len(trail) - 1, 0, -1):
        best, k = trail[d], x - y
        down = k == -d or (k != d and best[k - 1] < best[k + 1])
        k = k + 1 if down else k - 1
        px = best[k]
        py = px - k
        sx, sy = (px, py + 1) if down else (px + 1, py)
        out.append(Gap(gap.a_start + px, gap.a_start + sx, gap.b_start + py, gap.b_start + sy))
        x, y = px, py
    return _joined(reversed(out))


def _meeting(a: Items, b: Items, gap: Gap, work: Work) -> tuple[int, int, int] | None:
    """The nearest place from which on both run alike, and for how long."""
    i, i_end, j, j_end = gap
    window = NEAR
    while min(i_end - i, j_end - j) >= ALIKE:
        runs: dict[tuple[Hashable, ...], int] = {}
        for x in range(i, min(i_end, i + window) - ALIKE + 1):
            runs.setdefault(tuple(a[x : x + ALIKE]), x)
        best: tuple[int, int] | None = None
        for y in range(j, min(j_end, j + window) - ALIKE + 1):
            if best is not None and y - j >= best[0] - i + best[1] - j:
                break
            met = runs.get(tuple(b[y : y + ALIKE]))
            if met is not None and (best is None or met - i + y - j < best[0] - i + best[1] - j):
                best = met, y
        work.steps += 2 * min(window, max(i_end - i, j_end - j))
        if best is not None:
            return (*best, _common(a, best[0], i_end, b, best[1], j_end, work))
        if window >= max(i_end - i, j_end - j):
            return None
        window *= GROWTH
    return None


def _joined(gaps: Iterator[Gap] | Sequence[Gap] | reversed[Gap]) -> list[Gap]:
    """Gaps that touch as one."""
    out: list[Gap] = []
    for g in gaps:
        if out and out[-1].a_stop == g.a_start and out[-1].b_stop == g.b_start:
            out[-1] = Gap(out[-1].a_start, g.a_stop, out[-1].b_start, g.b_stop)
        else:
            out.append(g)
    return out


def _islands(gaps: list[Gap]) -> list[Gap]:
    """Gaps that only one element keeps apart as one, if they are large."""
    out: list[Gap] = []
    for g in gaps:
        last = out[-1] if out else None
        if last is not None and g.a_start - last.a_stop <= 1 and _size(last) + _size(g) >= ISLAND:
            out[-1] = Gap(last.a_start, g.a_stop, last.b_start, g.b_stop)
        else:
            out.append(g)
    return out


def _size(gap: Gap) -> int:
    return min(gap.a_stop - gap.a_start, gap.b_stop - gap.b_start) * 2 and sum(
        (gap.a_stop - gap.a_start, gap.b_stop - gap.b_start)
    )
