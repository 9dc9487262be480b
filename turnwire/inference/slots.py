"""The parts of a body that all notations share: markup between slots, and the slots of names and ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..codecs import CallAttributes, CallId, CountedId, Name
from ..wire import Lit, Opt, Pad, Seq, Slot, Word
from .fits import GIVEN
from .pieces import apart
from .samples import NAME, Samples

BRACKETS = "()[]{}'\"="
ATTRIBUTE = re.compile(r'([A-Za-z_]{1,64})="$')
NUMBERED = re.compile(r'" ([A-Za-z_]+)="1"')
COUNTED = re.compile(r"(?:[A-Za-z]{1,64}[.])?$")


def markup(text: str) -> Word:
    """Text around slots: white space at its ends, and between tags, is padding."""
    pieces = apart(text, lambda m: text[m.start() - 1] == ">" and text[m.end()] == "<")
    parts = [Pad(piece) if piece.isspace() else Lit(piece) for piece in pieces]
    return parts[0] if len(parts) == 1 else Seq(tuple(parts))


def divider(text: str) -> Word:
    """Text between two slots, which has to divide them: markup, of which something is no padding."""
    return Lit(text) if text.isspace() else markup(text)


def stops(following: str) -> str:
    """Characters that no name before this text has."""
    begins = following[:1]
    return "<>" + (BRACKETS if begins and begins in BRACKETS else begins if begins not in "<>\n" else "")


def name_slot(following: str, waits: bool = False) -> Slot:
    """A name, and what stands behind it."""
    return Slot("name", Name(without=stops(following), waits=waits))


@dataclass(frozen=True, slots=True)
class Head:
    """The slots of a call's name and id, and the markup up to its arguments. `id`: see `Candidate`."""

    start: int
    body: Word
    id: str | None = GIVEN


def head_of(samples: Samples, end: int, before: Callable[[str], Word] = divider) -> Head | None:
    """What stands before `end`, where the arguments begin, from the first slot on; `before` makes words of the text
    next to them. None if there is no name."""
    base, id = samples.base, samples.id()
    name = base.rfind(NAME, 0, end)
    if name < 0:
        return None
    behind = name + len(NAME)
    at = base.rfind(id, 0, end) if id else -1
    if base.startswith(":0", behind) and (m := COUNTED.search(base[:name])):
        return Head(m.start(), Slot("attrs", CountedId(m[0])) + before(base[behind + 2 : end]), None)
    named, numbered = ATTRIBUTE.search(base[:name]), NUMBERED.match(base[behind:end])
    if named and numbered:
        codec = CallAttributes(named[1], numbered[1])
        return Head(named.start(), Slot("attrs", codec) + before(base[behind + numbered.end() : end]))
    if id and at >= 0 and at + len(id) <= name:
        between, rest = base[at + len(id) : name], base[behind:end]
        said = Slot("attrs", CallId(without=stops(between))) + divider(between)
        return Head(at, said + name_slot(rest) + before(rest))
    if id and at > name:
        between, rest = base[behind:at], base[at + len(id) : end]
        said = divider(between) + Slot("attrs", CallId(without=stops(rest)))
        return Head(name, name_slot(between, waits=True) + Opt(said) + before(rest))
    return Head(name, name_slot(base[behind:end]) + before(base[behind:end]))
