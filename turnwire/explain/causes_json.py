"""Causes in JSON, and in what should be JSON: one value in two spellings. See `causes.py`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

from .case import Case, short
from .regions import Cause, Region
from .values import Value, as_text, dropped, parts_of, reordered, same, style, value_at


def json_style(case: Case, region: Region) -> list[Cause]:
    """A value that is the same on both sides, or nearly, is spelled in two ways."""
    a, b = case.one(region)
    key = a.start if a else -1, b.start if b else -1
    if key not in case.spelled:
        found = _spelled(a, b) if a is not None and b is not None else []
        case.spelled[key] = found or _python(case, a, b)
    return case.spelled[key]


def _python(case: Case, a: Value | None, b: Value | None) -> list[Cause]:
    """A value as Python prints it, inside of what is JSON on the other side."""
    for name, mine, other in (("a", a, case.b.text), ("b", b, case.a.text)):
        at = case.facing(mine.start, name == "a") if mine is not None and mine.python else None
        theirs = None if at is None else value_at(other, at)
        if mine is not None and theirs is not None and same(mine.value, theirs.value):
            return _spelled(mine, theirs) if name == "a" else _spelled(theirs, mine)
    return []


def _spelled(a: Value, b: Value) -> list[Cause]:
    if parts_of(a.value) is not None and parts_of(b.value) is not None and a.python != b.python:
        return [Cause("content-list-printed", "both sides print a list of parts", "")]
    if a.python != b.python and same(a.value, b.value):
        side: Literal["a", "b"] = "a" if a.python else "b"
        return [Cause("python-repr", f"{short((a if a.python else b).text)} is Python, not JSON", side)]
    if same(a.value, b.value):
        if a.python:
            return []
        return [*_order(a, b), *_style(a, b)]
    at = as_text(a.value, b.value)
    if at is not None:
        where = f"{at}: " if at else ""
        return [Cause("arguments-form", f"{where}a string of JSON on one side, an object on the other", "")]
    for name, more, less in (("b", a, b), ("a", b, a)):
        keys = dropped(more.value, less.value)
        if keys:
            shown = ", ".join(keys[:6]) + (f" and {len(keys) - 6} more" if len(keys) > 6 else "")
            made = Cause("keys-dropped", shown, "a" if name == "a" else "b")
            return [made, *_order(a, b), *([] if a.python or b.python else _style(a, b))]
    return []


def _blanks(a: str, b: str) -> str:
    kinds = [f"{c!r}" for c in (", ", ": ", ",", ":") if (c in a) != (c in b)]
    return (
        "one side writes "
        + (" and ".join(kinds[:2]) if kinds else "line ends or other blanks")
        + " where the other does not"
    )


def _escapes(a: str, b: str) -> str:
    found = [m for m in re.findall(r"\\u[0-9a-fA-F]{4}|\\/", a + b) if (m in a) != (m in b)]
    return f"such as {found[0]}" if found else "strings are escaped in two ways"


def _style(a: Value, b: Value) -> list[Cause]:
    return [Cause(f"json-{name}", _STYLES[name](a.text, b.text)) for name in style(a.text, b.text)]


def _order(a: Value, b: Value) -> list[Cause]:
    found = reordered(a.value, b.value)
    return [] if found is None else [Cause("json-order", " / ".join(short(", ".join(keys)) for keys in found))]


_STYLES: Mapping[str, Callable[[str, str], str]] = {"spacing": _blanks, "escapes": _escapes}


def printed(case: Case, region: Region) -> Cause | None:
    """A list of content parts stands where the other side has their text."""
    a, b = case.one(region)
    for name, value, other in (("a", a, region.b.text), ("b", b, region.a.text)):
        text = None if value is None else parts_of(value.value)
        if text is not None and value is not None:
            reading = case.b if name == "a" else case.a
            mine, theirs = (region.a, region.b) if name == "a" else (region.b, region.a)
            before = mine.start - value.start  # of the list, what both have
            whole = reading.text[max(0, theirs.start - max(0, before)) : theirs.stop + max(0, value.stop - mine.stop)]
            if other.strip() in text and (text in whole or whole.strip() in text or text.strip() in reading.text):
                return Cause(
                    "content-list-printed",
                    f"{short(value.text)} instead of {short(text)}",
                    "a" if name == "a" else "b",
                )
    return None


ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def escapes(case: Case, region: Region) -> Cause | None:
    """Characters stand as \\uXXXX, outside of what is JSON too: the texts are the same with them read."""
    for name, mine, other in (("a", region.a.text, region.b.text), ("b", region.b.text, region.a.text)):
        found = ESCAPED.search(mine)
        if found and not ESCAPED.search(other) and ESCAPED.sub(lambda m: chr(int(m[1], 16)), mine) == other:
            return Cause("json-escapes", f"such as {found.group()}", "a" if name == "a" else "b")
    return None


SCALARS = {"True": "true", "False": "false", "None": "null"}


def scalars(case: Case, region: Region) -> Cause | None:
    """True, False, None where the other side has JSON."""
    for name, mine, other in (("a", region.a.text, region.b.text), ("b", region.b.text, region.a.text)):
        said = SCALARS.get(mine.strip())
        if said is not None and said == other.strip():
            return Cause("python-repr", f"{mine.strip()} is Python, {said} is JSON", "a" if name == "a" else "b")
    return None
