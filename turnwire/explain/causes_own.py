"""Causes that need to know who wrote what, on both sides: both were rendered here. See `causes.py`.

Asked last, of what nothing else explains. A region that no message or tool wrote, on either side, is the templates'
own text; where a field of the caller's is in it on one side only, it stands elsewhere on the other, or nowhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from .case import Case, short
from .regions import Cause, Excerpt, Reading, Region

FIELD = re.compile(r"(?:messages\[\d+\]\.\w+|\w+(?:\[\d+\])?)")
MARKERS = re.compile(
    r"(?:\s*(?:<\|[^<>\s]{1,64}>|<[^<>\s]{1,64}\|>|<｜[^<>]{1,64}｜>|</?\w{1,32}>|\[/?[A-Z_]{1,32}\])\s*)+"
)
EVERY = 1 << 20


def owned(case: Case, regions: Iterable[Region]) -> list[Region]:
    """The regions, those without a cause with what the source maps say."""
    a, b = _Side(case.a), _Side(case.b)
    found = ((r, None if r.causes else _cause(a, b, r)) for r in regions)
    return [r if cause is None else r.because((cause,)) for r, cause in found]


class _Side:
    """What is known of who wrote a prompt, looked up once for all regions."""

    def __init__(self, reading: Reading):
        self._reading = reading

    def knows(self, e: Excerpt) -> bool:
        """Whether nothing there is of unknown origin."""
        return self._unknown is not None and not any(start < e.stop and stop > e.start for start, stop in self._unknown)

    def fields(self, e: Excerpt) -> set[str]:
        """The caller's fields that have a character there."""
        held = self._reading.fields(e.start, e.stop, EVERY)
        return {m.group() for path, start, stop in held if stop > start and (m := FIELD.match(path))}

    @cached_property
    def sizes(self) -> Counter[str]:
        """How many characters of each field are in the prompt."""
        out: Counter[str] = Counter()
        for path, start, stop in self._reading.fields(0, len(self._reading.text), EVERY):
            if m := FIELD.match(path):
                out[m.group()] += stop - start
        return out

    @cached_property
    def _unknown(self) -> list[tuple[int, int]] | None:
        rendered = self._reading.prompt.rendered
        if rendered is None:
            return None
        spans = () if rendered.origins is None else rendered.origins.spans
        return [(s.start, s.stop) for s in spans if s.kind == "unknown"]


def _cause(a: _Side, b: _Side, region: Region) -> Cause | None:
    if region.kind != "text" or not (a.knows(region.a) and b.knows(region.b)):
        return None
    ours, theirs = a.fields(region.a), b.fields(region.b)
    if not ours and not theirs:
        return _own(region)
    only, missing = ours - theirs, theirs - ours
    if not only and not missing:
        return None
    nowhere = only - b.sizes.keys(), missing - a.sizes.keys()
    if only == nowhere[0] and missing == nowhere[1]:
        lacking: Literal["a", "b", ""] = "b" if only and not missing else "a" if missing and not only else ""
        return Cause("content-dropped", f"only one side has {', '.join(sorted(only | missing)[:4])}", lacking)
    if not nowhere[0] and not nowhere[1] and all(a.sizes[f] == b.sizes[f] for f in only | missing):
        return Cause("content-moved", f"{', '.join(sorted(only | missing)[:4])}: in another place on the other side")
    return None


def _own(region: Region) -> Cause:
    a, b = region.a.text.strip(), region.b.text.strip()
    name = "other-marker" if all(MARKERS.fullmatch(t) for t in (a, b) if t) else "template-text"
    if a and b:
        return Cause(name, f"{short(a)} / {short(b)}")
    return Cause(name, f"only this side says {short(a or b)}", "a" if a else "b")
