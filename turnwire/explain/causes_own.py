"""Causes that need to know who wrote what, on both sides: both were rendered here. See `causes.py`.

Asked last, of what nothing else explains. A region that no message or tool wrote, on either side, is the templates'
own text; where a field of the caller's is in it on one side only, it stands elsewhere on the other, or nowhere.
"""

from __future__ import annotations

import re
from typing import Literal

from .case import Case, short
from .regions import Cause, Excerpt, Reading, Region

FIELD = re.compile(r"(?:messages\[\d+\]\.\w+|\w+(?:\[\d+\])?)")
MARKERS = re.compile(
    r"(?:\s*(?:<\|[^<>\s]{1,64}>|<[^<>\s]{1,64}\|>|<｜[^<>]{1,64}｜>|</?\w{1,32}>|\[/?[A-Z_]{1,32}\])\s*)+"
)
EVERY = 1 << 20


def own(case: Case, region: Region) -> Cause | None:
    """What the source maps say."""
    if region.kind != "text" or not (_known(case.a, region.a) and _known(case.b, region.b)):
        return None
    ours, theirs = _fields(case.a, region.a), _fields(case.b, region.b)
    if not ours and not theirs:
        return _own(region)
    only, missing = ours - theirs, theirs - ours
    if not only and not missing:
        return None
    nowhere = only - _all(case.b), missing - _all(case.a)
    if only == nowhere[0] and missing == nowhere[1]:
        lacking: Literal["a", "b", ""] = "b" if only and not missing else "a" if missing and not only else ""
        return Cause("content-dropped", f"only one side has {', '.join(sorted(only | missing)[:4])}", lacking)
    if not nowhere[0] and not nowhere[1] and all(_size(case.a, f) == _size(case.b, f) for f in only | missing):
        return Cause("content-moved", f"{', '.join(sorted(only | missing)[:4])}: in another place on the other side")
    return None


def _own(region: Region) -> Cause:
    a, b = region.a.text.strip(), region.b.text.strip()
    name = "other-marker" if all(MARKERS.fullmatch(t) for t in (a, b) if t) else "template-text"
    if a and b:
        return Cause(name, f"{short(a)} / {short(b)}")
    return Cause(name, f"only this side says {short(a or b)}", "a" if a else "b")


def _known(reading: Reading, e: Excerpt) -> bool:
    rendered = reading.prompt.rendered
    if rendered is None:
        return False
    spans = () if rendered.origins is None else rendered.origins.spans
    return not any(s.kind == "unknown" and s.start < e.stop and s.stop > e.start for s in spans)


def _fields(reading: Reading, e: Excerpt) -> set[str]:
    """The caller's fields that have a character there."""
    held = reading.fields(e.start, e.stop, EVERY)
    return {m.group() for path, start, stop in held if stop > start and (m := FIELD.match(path))}


def _size(reading: Reading, field: str) -> int:
    """How many characters of a field are in the prompt."""
    held = reading.fields(0, len(reading.text), EVERY)
    return sum(stop - start for path, start, stop in held if (m := FIELD.match(path)) and m.group() == field)


def _all(reading: Reading) -> set[str]:
    return {m.group() for path, _, _ in reading.fields(0, len(reading.text), EVERY) if (m := FIELD.match(path))}
