"""Causes: why a region differs, by name. One function each; `CAUSES` is the table.

A function says nothing unless what it saw leaves no other reading: the two texts are equal but for what it names, or
(in `again.py`) one side, rendered with one thing changed, gives the other's text. Several may apply; what none explains
is "unknown".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from .case import Case, core, short
from .causes_json import escapes, json_style, printed, scalars
from .regions import Cause, Reading, Region
from .values import same

NAMES: Mapping[str, str] = {
    "bos-twice": "the beginning-of-sequence token is there twice",
    "bos-missing": "the beginning-of-sequence token is missing",
    "option-dropped": "an option did not reach one side",
    "tools-dropped": "the tools did not reach one side",
    "json-spacing": "JSON is written with other blanks",
    "json-order": "the keys of JSON are in another order",
    "json-escapes": "characters of JSON strings are escaped on one side",
    "arguments-form": "arguments are a string on one side, an object on the other",
    "python-repr": "a value is printed as Python prints it",
    "content-list-printed": "a list of content parts is printed",
    "keys-dropped": "keys of JSON are on one side only",
    "think-block": "a reasoning block is stripped or added",
    "whitespace": "blanks are trimmed, or added",
    "date": "another date",
    "special-token-forged": "content that spells a control token became one",
    "marker-as-text": "a marker of the template's became ordinary text",
    "bpe-boundary": "the same text, cut into other tokens",
    "tokenizer": "the sides have different tokenizers",
    "truncation": "one side ends too soon",
    "other-marker": "the sides write other control tokens",
    "template-text": "the sides' own words differ: no message holds them",
    "content-dropped": "what a message or tool holds is on one side only",
    "content-moved": "what a message or tool holds stands in another place",
    "unknown": "not one of the causes that turnwire knows",
}
"""What each cause is, in words."""

BOS = ("<s>", "[gMASK]<sop>", "]~!b[")
BEGINS = re.compile(r"<[^<>\s]{0,20}(?:bos|BOS|begin.of.(?:text|sentence)|startoftext|longcat_s)[^<>\s]{0,20}>")
THINK = (
    ("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<seed:think>", "</seed:think>"), ("<mm:think>", "</mm:think>"),
    ("<longcat_think>", "</longcat_think>"), ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"), ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant"),
)  # fmt: skip
DATE = re.compile(
    r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6},? \d{4}\b"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6} \d{1,2},? \d{4}\b"
)
WHOLE = re.compile(r"\.(?:content|reasoning_content)(?:\[\d+\]\.text)?$")  # fields that are shown as they are
LINE = 400  # characters of a line that are looked at, on either side


def _sides(region: Region) -> tuple[tuple[Literal["a", "b"], str, str], ...]:
    """(side, what it has, what the other has), for either side."""
    a, b = core(region)
    return ("a", a, b), ("b", b, a)


def bos(case: Case, region: Region) -> Cause | None:
    """One side begins with a token that the other lacks, or has once."""
    for name, more, less in _sides(region):
        reading, mine, other = (case.a, region.a, case.b) if name == "a" else (case.b, region.b, case.a)
        token = _bos(reading.text)
        if less or not token or not more or len(more) % len(token):
            continue
        again = token * (mine.stop // len(token) + 1)  # the region may begin inside of a token
        if not again.startswith(reading.text[: mine.stop]):
            continue
        if other.text.startswith(token):
            return Cause("bos-twice", f"{token} is there {_times(reading.text, token)} times", name)
        if not _bos(other.text):
            return Cause("bos-missing", f"the other side begins with {token}", "b" if name == "a" else "a")
    return None


def _bos(text: str) -> str:
    """The beginning-of-sequence token that a text begins with, or ""."""
    spelled = BEGINS.match(text)
    return spelled.group() if spelled else next((t for t in BOS if text.startswith(t)), "")


def _times(text: str, token: str) -> int:
    n = 0
    while text.startswith(token, n * len(token)):
        n += 1
    return n


def think(case: Case, region: Region) -> Cause | None:
    """The texts are equal without reasoning blocks; of one, only what ends it may be there."""
    for opened, closed in THINK:
        a, b = region.a.text, region.b.text
        counts = [(t.count(opened), t.count(closed)) for t in (a, b)]
        if counts[0] == counts[1]:
            continue
        for name, mine, other in (("a", a, b), ("b", b, a)):
            if not other.strip() and mine.count(closed) == 1 and mine.rstrip().endswith(closed) and opened not in mine:
                return Cause("think-block", f"only this side has {short(mine.strip())}", "a" if name == "a" else "b")
        ours, theirs = (_without(t, opened, closed) for t in (a, b))
        if ours == theirs:
            more: Literal["a", "b"] = "a" if counts[0] > counts[1] else "b"
            longer = region.a if more == "a" else region.b
            inner = short(_inside(longer.text, opened, closed))
            what = (
                f"only this side has {opened}{inner}{closed}"
                if all(counts["ab".index(more)])
                else (f"only this side has {opened if counts['ab'.index(more)][0] else closed}")
            )
            return Cause("think-block", what, more)
    return None


def _without(text: str, opened: str, closed: str) -> str:
    """Text without reasoning blocks, of which a half may stand alone, and without blanks."""
    out, at = list[str](), 0
    while (start := text.find(opened, at)) >= 0:
        stop = text.find(closed, start)
        if stop < 0:
            break
        out.append(text[at:start])
        at = stop + len(closed)
    rest = "".join(out) + text[at:].replace(opened, "").replace(closed, "")
    return "".join(rest.split())


def _inside(text: str, opened: str, closed: str) -> str:
    start = text.find(opened)
    stop = text.find(closed, start + len(opened))
    return text[start + len(opened) : stop] if 0 <= start < stop else ""


def reasoning(case: Case, region: Region) -> Cause | None:
    """One side shows only reasoning of a message's here, the other nothing."""
    for name, mine, other, reading in (("a", region.a, region.b, case.a), ("b", region.b, region.a, case.b)):
        if other.text.strip() or not mine.text.strip():
            continue
        fields = reading.fields(mine.start, mine.stop)
        if fields and all(re.search(r"\.(reasoning_content|reasoning|thinking)$", path) for path, _, _ in fields):
            return Cause("think-block", f"only this side has {fields[0][0]}", "a" if name == "a" else "b")
    return None


def whitespace(case: Case, region: Region) -> Cause | None:
    """Only blanks differ."""
    a, b = core(region)
    if a.strip() or b.strip() or region.kind != "text":
        return None
    pair = case.values(region)
    if pair is not None and same(pair[0].value, pair[1].value):
        return None  # JSON, which has causes of its own
    more, reading, name = (region.a, case.a, "a") if len(a) >= len(b) else (region.b, case.b, "b")
    fields = [
        path for path, start, stop in reading.fields(more.start, more.stop) if not reading.text[start:stop].strip()
    ]
    shown = f"{a!r} / {b!r}"
    at = more.start, more.stop - 1
    if fields and WHOLE.search(fields[0]) and {_field(reading, at[0] - 1), _field(reading, at[1] + 1)} != {fields[0]}:
        return Cause("whitespace", f"{shown}, of {fields[0]}: trimmed on the other side", "a" if name == "a" else "b")
    return Cause("whitespace", shown, "a" if name == "a" else "b")


def date(case: Case, region: Region) -> Cause | None:
    """The lines are equal but for a date."""
    ours, theirs = _line(case.a.text, region.a.start, region.a.stop), _line(case.b.text, region.b.start, region.b.stop)
    a, b = DATE.findall(ours), DATE.findall(theirs)
    if a and b and a != b and DATE.sub("\0", ours) == DATE.sub("\0", theirs):
        x, y = next((x, y) for x, y in zip(a, b) if x != y)
        return Cause("date", f"{x} / {y}", "")
    return None


def _line(text: str, start: int, stop: int) -> str:
    begin = max(text.rfind("\n", max(0, start - LINE), start) + 1, start - LINE, 0)
    end = text.find("\n", stop, stop + LINE)
    return text[begin : end if end >= 0 else stop + LINE]


def tokens(case: Case, region: Region) -> Cause | None:
    """The same text in other tokens."""
    if region.kind != "ids":
        return None
    if case.a.prompt.assets.get("tokenizer") != case.b.prompt.assets.get("tokenizer"):
        return Cause("tokenizer", "their hashes differ", "")
    for name, mine, other in (("a", region.a, region.b), ("b", region.b, region.a)):
        here, there = (case.a, case.b) if name == "a" else (case.b, case.a)
        if here.prompt.tokenizer is None or mine.tokens is None:
            continue
        added = {number: text for text, number in here.prompt.tokenizer.added.items()}
        for n, number in enumerate(mine.ids or (), mine.tokens[0]):
            if number not in added or number in (other.ids or ()):
                continue
            at = here.chars(n, n + 1)[0]
            owner = _field(here, at) or _field(there, at - mine.start + other.start)
            if owner:
                said = f"{added[number]} in {owner} is one token here"
                return Cause("special-token-forged", said, "a" if name == "a" else "b")
            if here.prompt.rendered is not None or there.prompt.rendered is not None:
                return Cause("marker-as-text", f"{added[number]} is ordinary text here", "b" if name == "a" else "a")
            return None
    return Cause("bpe-boundary", f"{_cut(region.a.pieces)} / {_cut(region.b.pieces)}", "")


def _cut(pieces: Sequence[str]) -> str:
    return "|".join(repr(p)[1:-1] for p in pieces[:6]) + ("|..." if len(pieces) > 6 else "")


def truncation(case: Case, region: Region) -> Cause | None:
    """One side ends, begins, or leaves a field, in the middle of the caller's text."""
    for name, more, less, reading, other in (
        ("b", region.a, region.b, case.a, case.b),
        ("a", region.b, region.a, case.b, case.a),
    ):
        if less.text or not more.text.strip():
            continue
        which: Literal["a", "b"] = "a" if name == "a" else "b"
        fields = reading.fields(more.start, more.stop)
        first = _field(reading, more.start) if _field(reading, more.start - 1) == _field(reading, more.start) else ""
        last = _field(reading, more.stop) if _field(reading, more.stop - 1) == _field(reading, more.stop) else ""
        size = f"{len(more.text):,} characters"
        if less.stop == len(other.text) and more.stop == len(reading.text) and fields and (first or len(fields) > 1):
            return Cause("truncation", f"it ends {size} sooner, in {fields[0][0]}", which)
        if less.start == 0 and more.start == 0 and last:
            return Cause("truncation", f"it begins {size} later, in {last}", which)
        whole = WHOLE.search(first) and len(fields) == 1 and _field(reading, more.stop) != first
        if whole and case.values(region) is None:
            return Cause("truncation", f"{first} ends {size} sooner", which)
    return None


def _field(reading: Reading, at: int) -> str:
    """The field that a character is from, "" for the template's own."""
    return next((path for path, _, _ in reading.fields(at, at + 1)), "") if 0 <= at < len(reading.text) else ""


CAUSES: tuple[Callable[[Case, Region], Cause | list[Cause] | None], ...] = (
    bos, json_style, escapes, printed, scalars, think, reasoning, date, tokens, truncation, whitespace,
)  # fmt: skip


def named(case: Case) -> list[Region]:
    """The regions, each with its causes; none is left without one."""
    out: list[Region] = []
    for region in case.regions:
        found = list(region.causes)
        for function in CAUSES:
            said = function(case, region)
            for cause in said if isinstance(said, list) else [said] if said else []:
                if cause.name not in {c.name for c in found}:
                    found.append(cause)
        out.append(region.because(found))
    return out
