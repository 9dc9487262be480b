"""Calls whose arguments stand one by one, each with its key and its value between markers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..codecs import ArgumentAttributes, Name, StringAttribute, Value
from ..wire import NOTHING, Choice, Frame, Lit, Many, Slot, Word
from .fits import Candidate
from .samples import KEY, LAST, NAME, SECOND, TWO, VALUE, Samples
from .slots import ATTRIBUTE, head_of, markup, stops
from .words import loosened

VALUES = (Value(), Value(python=True), Value(python=True, containers=True))
SPECIAL = "< > & \n \" '"
BEGINS = re.compile(r"[<\[({][^<\[({]*$")  # the last marker of a text
TYPED = re.compile(r'^" ([A-Za-z_]+)="string"')


@dataclass(frozen=True, slots=True)
class Split:
    """The markup of an argument: `open` key `colon` value `close`, with `sep` between two; `lead` stands before the
    first, `first` only if there is one; `last` behind the last."""

    lead: str
    first: str
    open: str
    colon: str
    close: str
    sep: str
    last: str


def key_values(samples: Samples) -> Iterator[Candidate]:
    """What a call might be that has its arguments one by one."""
    base = samples.base
    value = base.index(VALUE)
    key = base.rfind(KEY, 0, value)
    colon, rest = base[key + len(KEY) : value], base[value + len(VALUE) :]
    if not colon.strip() or KEY in rest or NAME in rest:
        return
    for split in _splits(samples, key, colon, rest):
        start = key - len(split.open) - len(split.first)
        head = head_of(samples, start, markup)
        if head is None:
            return
        end = value + len(VALUE) + len(split.close) + len(split.last)
        for argument in _arguments(samples, split):
            many = Many(Frame("arg", argument), markup(split.sep), markup(split.first), markup(split.last))
            body = head.body + many
            loose = loosened(body, base[end:])
            if loose != body:
                yield Candidate(head.start, end, loose, head.id)
            yield Candidate(head.start, end, body, head.id)


def _splits(samples: Samples, key: int, colon: str, rest: str) -> Iterator[Split]:
    """How the text between the slots may be divided."""
    base = samples.base
    two = samples.text(TWO) or ""
    bare = samples.text({})
    first, second = two.find(VALUE), two.find(SECOND)
    if not 0 <= first < second or two.find(LAST) < second:
        return
    between = two[first + len(VALUE) : second]
    begun = base[:key]
    shared = _shared_end(begun, between)
    seen: set[Split] = set()
    for opener in _openers(shared):
        lead, closed = begun[: len(begun) - len(opener)], between[: len(between) - len(opener)]
        for close in _closers(closed, rest):
            sep, tail = closed[len(close) :], rest[len(close) :]
            for opening, last in _around(lead, tail, bare):
                split = Split(lead[: len(lead) - len(opening)], opening, opener, colon, close, sep, last)
                if split not in seen:
                    seen.add(split)
                    yield split


def _openers(shared: str) -> Iterator[str]:
    """What may begin an argument: its last marker, with and without blanks before it."""
    m = BEGINS.search(shared)
    marker = shared[m.start() :] if m else shared.lstrip()
    if marker:
        lead = shared[: len(shared) - len(marker)]
        yield marker
        for blanks in (" \t", " \t\r\n"):
            yield lead[len(lead.rstrip(blanks)) :] + marker


def _closers(closed: str, rest: str) -> Iterator[str]:
    """What may end an argument: as much as two arguments and one have in common, with and without the white space at
    its end, up to the end of a marker."""
    common = _shared_begin(closed, rest)
    if common == closed:
        yield closed
    bare = common.rstrip()
    whole = bare if bare == closed.rstrip() else bare[: bare.rfind(">") + 1] or bare
    yield whole
    yield whole + common[len(whole) : len(common) - len(common[len(whole) :].lstrip())]


def _around(lead: str, tail: str, bare: str | None) -> Iterator[tuple[str, str]]:
    """What stands before and behind arguments only if there are any, from a call that has none."""
    yield "", ""
    if bare is None:
        return
    if bare.endswith(tail):
        kept = bare[: len(bare) - len(tail)]
        if lead.startswith(kept) and lead[len(kept) :].isspace():
            yield lead[len(kept) :], ""
    if bare.startswith(lead):
        kept = bare[len(lead) :]
        if tail.endswith(kept) and tail[: len(tail) - len(kept)].isspace():
            yield "", tail[: len(tail) - len(kept)]


def _arguments(samples: Samples, split: Split) -> Iterator[Word]:
    """An argument, its value in each notation."""
    close = markup(split.close)
    attribute = ATTRIBUTE.search(split.open)
    if attribute and '" string="' in split.colon:
        behind = split.colon[split.colon.index('string="') + len('string="true') :]
        for value in VALUES:
            opened = markup(split.open) + Slot("attrs", StringAttribute()) + markup(behind)
            yield opened + Slot("value", value) + close
    if attribute and (typed := TYPED.match(split.colon)):
        codec = ArgumentAttributes(attribute[1], typed[1])
        for value in VALUES:
            tag = split.open[: attribute.start()]  # the blank at its end is no padding
            lead = Lit(tag) if tag == tag.lstrip() else markup(tag)
            opened = lead + Slot("attrs", codec) + markup(split.colon[typed.end() :])
            yield opened + Slot("value", value) + close
    opened = markup(split.open) + Slot("key", Name(without=stops(split.colon))) + markup(split.colon)
    for value in VALUES:
        yield opened + Slot("value", value) + close
    around, held = _around_strings(samples, split)
    if held:
        begin, end = (Choice(NOTHING, markup(text)) for text in around)
        for value in VALUES:
            yield opened + begin + Slot("value", replace(value, of=held, around=around)) + end + close


def _around_strings(samples: Samples, split: Split) -> tuple[tuple[str, str], str]:
    """What stands around a string that holds special characters, and which do that."""
    text = samples.text({KEY: SPECIAL}) or ""
    at = text.find(SPECIAL)
    before = text[text.rfind(KEY, 0, max(at, 0)) + len(KEY) : max(at, 0)]
    rest = samples.base[samples.base.index(VALUE) + len(VALUE) :]
    end = text[at + len(SPECIAL) : len(text) - len(rest)]
    begin = before[len(split.colon) :]
    if at < 0 or not (begin and end and before.startswith(split.colon) and text.endswith(rest)):
        return ("", ""), ""
    held = "".join(c for c in SPECIAL if c != " " and f"{begin}a{c}b{end}" in (samples.text({KEY: f"a{c}b"}) or ""))
    return (begin, end), held


def _shared_end(a: str, b: str) -> str:
    return _shared_begin(a[::-1], b[::-1])[::-1]


def _shared_begin(a: str, b: str) -> str:
    n = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return a[:n]
