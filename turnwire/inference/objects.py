"""Calls whose arguments stand together: as a JSON object alone or inside the call's own, as keywords of a Python call,
as an object with bare keys, as nested elements."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, cast

from ..codecs import BareKeys, Elements, Envelope, Json, Keyed, PythonArguments, Quoted, dumps, python_value
from ..wire import Slot
from .fits import GIVEN, Candidate
from .samples import KEY, LAST, NAME, SECOND, TWO, VALUE, Samples
from .slots import divider, head_of, name_slot

ARGUMENTS = "zqarguments"
USUAL = ("arguments", "parameters")
TAG = re.compile(r"</[^<>]*>")
PRINTERS: tuple[Callable[[Any], str], ...] = (
    python_value, dumps, repr, Quoted("'"), Quoted('"'), Quoted("'", True), Quoted('"', True)
)  # fmt: skip
RAW = "strings have no escapes: one that holds a quote, and behind it what goes on with the call, ends there"
MAX_OUTER = 8  # objects around arguments that are looked at


def objects(samples: Samples) -> Iterator[Candidate]:
    """What a call might be that has its arguments in one place."""
    base = samples.base
    value = base.index(VALUE)
    key = base.rfind(KEY, 0, value)
    before, between, after = base[:key], base[key + len(KEY) : value], base[value + len(VALUE) :]
    opened = re.search(r'\{\s*"$', before)
    closed = re.match(r'"\s*\}', after)
    if opened and closed and re.fullmatch(r'"\s*:\s*"', between):
        end = value + len(VALUE) + closed.end()
        styles = json_styles(samples, opened.start(), end, between)
        yield from _json(samples, opened.start(), end, styles)
    elif re.match(r"\(\s*$", base[base.rfind(NAME, 0, key) + len(NAME) : key]):
        yield from _python(samples, key, between)
    elif before.endswith("{") and re.match(r":[^\"'\s]", between):
        yield from _bare(samples, key, between)
    elif KEY in after:
        yield from _elements(samples, key, between, after)


# JSON


def json_styles(samples: Samples, start: int, end: int, between: str) -> list[Json]:
    """How the object from `start` to `end` may be spaced and escaped."""
    colon = between[1:-1]
    base = samples.base
    comma, indent, margin = ", ", None, 0
    two = samples.text(TWO) or ""
    m = re.search(rf'"{VALUE}"(\s*,\s*)"{SECOND}"|"{LAST}"(\s*,\s*)"{KEY}"', two)
    if m is not None:
        comma = m[1] or m[2]
    inside = base[start + 1 : base.index(KEY, start) - 1]
    if "\n" in inside:
        margin = len(base[:end]) - 1 - base.rfind("\n", 0, end) - 1
        indent = len(inside) - 1 - margin
    made = [
        Json((", ", ": ") if indent is not None else (comma, colon), indent, margin, ascii, sort)
        for sort, ascii in product((False, True), repeat=2)
    ]
    return made if indent is None or colon == ": " else [Json((",", colon), indent, margin), *made]


def _json(samples: Samples, start: int, end: int, styles: list[Json]) -> Iterator[Candidate]:
    base = samples.base
    if m := re.search(rf'\{{\s*"{NAME}"\s*:\s*$', base[:start]):
        if closed := re.match(r"\s*\}", base[end:]):
            for style in styles:
                yield Candidate(m.start(), end + closed.end(), Slot("envelope", Keyed(style)))
        return
    found = _enclosing(samples, start, end)
    if found is not None:
        outer, outer_end, members = found
        yield from _envelopes(samples, outer, outer_end, (start, end), members, styles)
        return
    head = head_of(samples, start)
    if head is not None:
        for style in styles:
            yield Candidate(head.start, end, head.body + Slot("arguments", style), head.id)


def _enclosing(samples: Samples, start: int, end: int) -> tuple[int, int, dict[str, Any]] | None:
    """The innermost object that has the name and the arguments as members."""
    base = samples.base
    text = base[:start] + f'"{ARGUMENTS}"' + base[end:]
    decoder = json.JSONDecoder(strict=False)
    at = start
    for _ in range(MAX_OUTER):
        at = text.rfind("{", 0, at)
        if at < 0:
            return None
        try:
            value, stop = decoder.raw_decode(text, at)
        except ValueError:
            continue
        members = cast("dict[str, Any]", value)
        if NAME in members.values() and ARGUMENTS in members.values():
            return at, stop - len(ARGUMENTS) - 2 + end - start, members
    return None


def _envelopes(
    samples: Samples, start: int, end: int, inner: tuple[int, int], members: dict[str, Any], styles: list[Json]
) -> Iterator[Candidate]:
    keys = list(members)
    name = next(k for k in keys if members[k] == NAME)
    arguments = next(k for k in keys if members[k] == ARGUMENTS)
    id = next((k for k in keys if members[k] == samples.id()), "")
    number: str | None = GIVEN
    if not id:  # a number that counts the calls
        id = next((k for k in keys if "id" in k.split("_") and members[k] in ("0", "1")), "")
        number = members[id] if id else GIVEN
    read = (arguments, *(k for k in USUAL if k != arguments)) if name == "name" and arguments in USUAL else (arguments,)
    first = bool(id) and keys.index(id) < keys.index(name)
    for style in styles:
        yield Candidate(start, end, Slot("envelope", Envelope(name, read, id, first, style)), number)
    base = samples.base
    said = base[start : inner[0]] + "$arguments" + base[inner[1] : end]
    said = said.replace(f'"{NAME}"', '"$name"')
    if id:
        said = re.sub(rf'("{re.escape(id)}"\s*:\s*)"{re.escape(members[id])}"', r'\1"$id"', said)
    for style in styles:
        envelope = Envelope(name, read, id, first, style, said)
        yield Candidate(start, end, Slot("envelope", envelope), number)


# others


def _python(samples: Samples, key: int, between: str) -> Iterator[Candidate]:
    base = samples.base
    name = base.rfind(NAME, 0, key)
    quote = between[-1:] if between[-1:] in ("'", '"') else ""
    end = base.index(VALUE, key) + len(VALUE) + len(quote)
    if not between.startswith("=") or not base.startswith(")", end):
        return
    m = re.search(rf"{VALUE}{quote}(.*?){SECOND}=", samples.text(TWO) or "", re.DOTALL)
    sep = m[1] if m else ", "
    slot = name_slot(base[name + len(NAME) : key])
    for printer in PRINTERS:
        codec = PythonArguments(printer, sep, isinstance(printer, Quoted) and printer.raw)
        body = slot + divider(base[name + len(NAME) : key]) + Slot("arguments", codec)
        yield Candidate(name, end, body, notes=(RAW,) if codec.raw else ())


def _bare(samples: Samples, key: int, between: str) -> Iterator[Candidate]:
    base = samples.base
    quote = between[1:]
    end = base.index(VALUE, key) + len(VALUE) + len(quote)
    head = head_of(samples, key)
    if head is None or not base.startswith(quote + "}", end - len(quote)):
        return
    for null in ("null", "None"):
        yield Candidate(head.start, end, head.body + Slot("arguments", BareKeys(quote, null)), head.id)


def _elements(samples: Samples, key: int, between: str, after: str) -> Iterator[Candidate]:
    """Each tag behind a mark, which is what the tags that close an argument and the call have before them."""
    base = samples.base
    closer = f"</{KEY}>"
    mark = after[: after.find(closer)]
    start = key - len(mark) - 1
    rest = after[len(mark) + len(closer) :]
    end = TAG.match(rest, len(mark)) if rest.startswith(mark) else None
    if not mark or between != ">" or end is None or base[start:key] != mark + "<":
        return
    head = head_of(samples, start)
    if head is not None:
        body = head.body + Slot("arguments", Elements(mark, end[0]))
        yield Candidate(head.start, len(base) - len(rest), body, head.id)
