"""Values printed as Python prints them: `None`, `True`, `{'a': 1}`, and what is not there at all.

The source map tells a value that the template printed from a text that spells the same: constants have no character of
the caller's, and the brackets of a printed list have the list's path. So prose of the template's or a caller's text
with the word None is no fault. Nor is a value in a call that is written as Python (`f(x=None)`), where that reads back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...codecs import PythonArguments
from ...format import Format
from ...wire import Slot, walk
from .bench import Bench, Shown, owner
from .findings import Fault, Severity, Talk, window

CONSTANT = re.compile(r"None|True|False")
BRACKET = re.compile(r"\{'|\['|\[\{'|': |', '|'\}|'\]")
OBJECT = re.compile(r"<(?:generator object|bound method|function|built-in method|class|Undefined)\b|\b0x[0-9a-f]{9,}")


def reprs(bench: Bench, talk: Talk, shown: Shown) -> Iterator[Fault]:
    """All of them, for one conversation."""
    if found := OBJECT.search(shown.text):
        span = shown.at(found.start())
        if span is not None and span.offset is None and (span.kind != "template" or span.path):
            said = f"an object is printed: {window(shown.text[found.start() :], 0, 20)}"
            yield Fault("prints-repr", "object", said, span.line, window(shown.text, found.start()))
    for s in shown.spans:
        text = shown.text[s.start : s.stop]
        if s.offset is not None or (s.kind == "template" and not s.path):
            continue
        field = owner(s)
        if s.kind != "template" and (found := CONSTANT.search(text)):
            if _pythonic(bench, field):
                continue
            what, severity = _constant(field, found.group(), talk, shown, s.start)
            said = f"{field or 'a value'} is printed as Python's {found.group()}"
            yield Fault("prints-repr", f"{what} {s.line}", said, s.line, window(shown.text, s.start), severity)
        elif s.kind == "template" and BRACKET.search(text) and not _pythonic(bench, field):
            said = f"{field} is printed as Python prints it: {text}…"
            yield Fault("prints-repr", f"{_kind(field)} {s.line}", said, s.line, window(shown.text, s.start))


def _kind(field: str) -> str:
    if "tool_calls" in field:
        return "arguments"
    return "tools" if field.startswith("tools") else "content"


def _constant(field: str, word: str, talk: Talk, shown: Shown, at: int) -> tuple[str, Severity | None]:
    """Whose value it is. One of unknown origin: content that is None, else a value of the arguments or schema."""
    if field:
        return _kind(field), None
    nothing = any("content" in m and m["content"] is None for m in talk.messages)
    return ("content" if word == "None" and nothing else "value"), None


def _pythonic(bench: Bench, field: str) -> bool:
    """Whether a call's values are Python's by its notation."""
    if field.startswith("tools") or "content" in field or not bench.calls:
        return False
    fmt = bench.inferred
    return isinstance(fmt, Format) and any(
        isinstance(w, Slot) and isinstance(w.codec, PythonArguments) for w in walk(fmt.reply)
    )
