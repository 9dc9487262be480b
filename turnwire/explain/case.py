"""A case: two prompts and the regions where they differ, as the functions look at it that tell causes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from .regions import Cause, Reading, Region
from .values import Value, Values


@dataclass
class Case:
    """Two prompts and their regions."""

    a: Reading
    b: Reading
    regions: Sequence[Region]

    def __post_init__(self) -> None:
        self._values: tuple[Values, Values] | None = None
        self._ends = [r.a.stop for r in self.regions], [r.b.stop for r in self.regions]
        self.spelled: dict[tuple[int, int], list[Cause]] = {}  # by where the values begin

    def one(self, region: Region) -> tuple[Value | None, Value | None]:
        """The value that holds a region, in either text."""
        if self._values is None:
            self._values = Values(self.a.text), Values(self.b.text)
        ours, theirs = self._values
        return ours.at(region.a.start, region.a.stop), theirs.at(region.b.start, region.b.stop)

    def values(self, region: Region) -> tuple[Value, Value] | None:
        """Those values, if there are both."""
        a, b = self.one(region)
        return (a, b) if a is not None and b is not None else None

    def facing(self, at: int, ours: bool) -> int | None:
        """The character of the other side that stands where character `at` of one does; None inside a region."""
        i = bisect_right(self._ends[0 if ours else 1], at)
        if i < len(self.regions) and (self.regions[i].a if ours else self.regions[i].b).start < at:
            return None
        last = self.regions[i - 1] if i else None
        if last is None:
            return at
        return at - last.a.stop + last.b.stop if ours else at - last.b.stop + last.a.stop


def core(region: Region) -> tuple[str, str]:
    """What differs of a region's texts: without their common ends."""
    a, b = region.a.text, region.b.text
    n = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    a, b = a[n:], b[n:]
    m = next((i for i, (x, y) in enumerate(zip(reversed(a), reversed(b))) if x != y), min(len(a), len(b)))
    return a[: len(a) - m], b[: len(b) - m]


def short(text: str, most: int = 60) -> str:
    """At most so many characters, of both ends."""
    return text if len(text) <= most else text[: most - 20] + "..." + text[-17:]
