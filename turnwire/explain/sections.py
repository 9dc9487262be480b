"""Sections and blocks: the turns of a prompt and their parts, each a stretch of its text.

The runs of a prompt say whose content stands where, but what a format writes between two turns is one run of markup.
Here it is cut where the next turn begins: at the first marker that opens something directly behind those that close.
It is for showing; nothing is rendered or parsed by it. Sections tile the text, and blocks tile each section.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..spans import Run

MARKER = re.compile(r"<[^<>\s]{1,60}>|\[/?[A-Z][A-Z_]{2,30}\]")
"""What looks like a control token: it is only asked in what a format or template wrote itself."""
CLOSER = re.compile(r"</|\[/|<\w+\|>|.*(?:end|eot|eos|eom|return|call\|)", re.IGNORECASE)
"""Those of them that close."""
ROLES = ("system", "developer", "user", "assistant", "model", "tool", "ipython", "observation")
MARKUP = "markup"


@dataclass(frozen=True, slots=True)
class Section:
    """Characters [start, stop): what one turn takes. `turn` counts `messages`, None where the format speaks by itself;
    `role` is "" where it is not known; `note` is what else there is to say of it ("reply", "generation prompt")."""

    start: int
    stop: int
    turn: int | None
    role: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Characters [start, stop) of a section: a part of its turn with the markup inside it, or markup between parts."""

    start: int
    stop: int
    section: int
    part: int | None
    kind: str


def sections(text: str, runs: Sequence[Run], roles: Sequence[str] | None = None) -> list[Section]:
    """The turns of a prompt. Without `roles` (of the messages) they are told by what the runs and openers say."""
    owned: list[tuple[int, int, int]] = []  # a turn that another one stands inside of is there twice
    for run in runs:
        if run.turn is not None and owned and owned[-1][2] == run.turn:
            owned[-1] = (owned[-1][0], run.stop, run.turn)
        elif run.turn is not None:
            owned.append((run.start, run.stop, run.turn))
    own = _own(text, runs)
    gaps = list(zip([0, *(high for _, high, _ in owned)], [*(low for low, _, _ in owned), len(text)]))
    cuts = [_transitions(own, a, b) for a, b in gaps]
    often = Counter(m for c in cuts for m in {own[a:b] for a, b in c})  # in how many gaps each opens something
    openers = {own[slice(*max(c, key=lambda m: often[own[slice(*m)]]))] for c in cuts[1:] if c}
    openers |= {own[a:b] for a, b in cuts[0][:1]} if len(cuts) < 3 else set()
    sampled = {r.turn for r in runs if r.sampled}
    results = {r.turn for r in runs if r.kind == "result"}
    out: list[Section] = []
    told: set[int] = set()
    begin = 0
    for n, (low, high) in enumerate(gaps):
        starts = [a for a, b in cuts[n] if own[a:b] in openers]
        if n == 0:
            bare = not starts or not MARKER.sub("", own[: starts[0]]).strip(" \n\0")
            starts = [0, *starts[bare:]]
        elif not starts and low < high:
            starts = [_closed(own, low, high)] if n < len(owned) else []
        if n and starts:
            out[-1] = _section(out[-1], starts[0])
        for a, b in zip(starts, [*starts[1:], high]):
            last = n == len(owned) and b == len(text)
            out.append(Section(a, b, None, said(own[a:b]), "generation prompt" if last and owned else ""))
        begin = starts[-1] if starts else low
        if n < len(owned):
            turn, stop = owned[n][2], owned[n][1]
            if not starts and n:
                out.append(Section(low, stop, None, ""))
                begin = low
            role = roles[turn] if roles is not None and turn < len(roles) else ""
            seen = "assistant" if turn in sampled else "tool" if turn in results else ""
            role = role or seen or said(own[begin:high])
            out[-1] = Section(begin, stop, turn, role, "continued" if turn in told else "")
            told.add(turn)
        elif out:
            out[-1] = _section(out[-1], len(text))
    return [s for s in out if s.stop > s.start]


def blocks(runs: Sequence[Run], within: Sequence[Section]) -> list[Block]:
    """The parts of the turns, and the markup around them."""
    out: list[Block] = []
    pieces = list(_cut(runs, within))
    i = 0
    while i < len(pieces):
        start, stop, section, run = pieces[i]
        key = _key(run)
        if key is None:
            if out and out[-1].section == section and out[-1].kind == MARKUP:
                out[-1] = Block(out[-1].start, stop, section, None, MARKUP)
            else:
                out.append(Block(start, stop, section, None, MARKUP))
            i += 1
            continue
        last = i
        for j in range(i + 1, len(pieces)):
            other = _key(pieces[j][3])
            if pieces[j][2] != section or other not in (None, key):
                break
            last = j if other == key else last
        inside = [p[3].kind for p in pieces[i : last + 1] if p[3].kind != "template"]
        kind = Counter(inside).most_common(1)[0][0] if inside else MARKUP
        out.append(Block(start, pieces[last][1], section, run.part, kind))
        i = last + 1
    return out


def said(opener: str) -> str:
    """The role that an opener names."""
    head = opener[:80].casefold()
    found = [(at, role) for role in ROLES if (at := head.find(role)) >= 0]
    role = min(found)[1] if found else ""
    return {"model": "assistant", "ipython": "tool", "observation": "tool"}.get(role, role)


def _key(run: Run) -> tuple[int | None, int | None, str] | None:
    """What part a run is of; None for markup between parts."""
    if run.kind == "template" and run.part is None:
        return None
    return (run.turn, run.part, "" if run.part is not None else run.kind)


def _cut(runs: Iterable[Run], within: Sequence[Section]) -> Iterator[tuple[int, int, int, Run]]:
    """The runs, cut where sections meet."""
    n = 0
    for run in runs:
        at = run.start
        while at < run.stop:
            while within[n].stop <= at:
                n += 1
            stop = min(run.stop, within[n].stop)
            yield at, stop, n, run
            at = stop


def _section(section: Section, stop: int) -> Section:
    return Section(section.start, stop, section.turn, section.role, section.note)


def _own(text: str, runs: Sequence[Run]) -> str:
    """The text with what the format did not write blotted out: content that spells a marker opens nothing."""
    return "".join(
        text[r.start : r.stop] if r.kind == "template" else "\0" * (r.stop - r.start) for r in runs
    )  # fmt: skip


def _transitions(own: str, start: int, stop: int) -> list[tuple[int, int]]:
    """Markers that open something in a gap, directly behind one that closes or at the gap's begin."""
    out: list[tuple[int, int]] = []
    closed, at = True, start
    for m in MARKER.finditer(own, start, stop):
        closed = closed and not own[at : m.start()].strip()
        at = m.end()
        closes = CLOSER.match(m.group()) is not None
        if closed and not closes:
            out.append(m.span())
        closed = closes
    return out


def _closed(own: str, start: int, stop: int) -> int:
    """Behind the closing markers of a gap in which nothing opens, and the blanks after them."""
    last = max((m.end() for m in MARKER.finditer(own, start, stop)), default=start)
    return last + len(own[last:stop]) - len(own[last:stop].lstrip())
