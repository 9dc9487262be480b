"""Regions: where two prompts differ, and who wrote what stands there.

Prompts that both have ids are compared by ids, since those are what a model reads; else by their text, in words. Each
region has an excerpt of either side, with the field of the messages or the line of the template that it is from.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ..errors import TokenizerError
from ..origins import spell
from ..spans import FIELDS, Run, char_ends
from ..tokens import Detokenizer, pieces_of
from .align import Gap, align
from .sides import Prompt

Kind = Literal["text", "ids", "unread"]
UNIT = re.compile(r"<[^\s<>]{1,60}>|\[/?[A-Z_]{2,40}\]|\w+(?:-\w+)*|\n|[^\S\n]+|.", re.S)
WINDOW = 5  # tokens of context on either side of a region
WORDS = 12  # words of it
SLIDE = 64  # how far an insertion is moved to begin at a marker


@dataclass(frozen=True)
class Excerpt:
    """What one side has in a region: characters [start, stop) of its text, and `tokens` of its ids.

    `text` stands between `before` and `after`; `ids` between `ids_before` and `ids_after`, each with its piece, where
    there are ids. `path`: the field that the text is from (`messages[1].content`), "" if the template wrote it; `near`
    is then the last field in front of it. `message`, `part`, `kind` as of a `Run`. `line`, `source`: of the template.
    """

    start: int
    stop: int
    text: str
    before: str = field(repr=False)
    after: str = field(repr=False)
    tokens: tuple[int, int] | None = None
    ids: tuple[int, ...] | None = None
    ids_before: tuple[int, ...] = field(default=(), repr=False)
    ids_after: tuple[int, ...] = field(default=(), repr=False)
    pieces: tuple[str, ...] = field(default=(), repr=False)
    path: str = ""
    near: str = ""
    message: int | None = None
    part: int | None = None
    kind: str = ""
    line: int | None = None
    source: str = ""


@dataclass(frozen=True)
class Cause:
    """Why: `name` is one of those of `causes.CAUSES`, `detail` says what was seen, `side` where the odd thing is."""

    name: str
    detail: str
    side: Literal["a", "b", ""] = ""


@dataclass(frozen=True)
class Region:
    """A place where the sides differ. `kind`: "text"; "ids", the same text in other tokens; "unread", other ids, and
    nothing that says what they spell. `causes`: as many as apply; one named "unknown" if none does."""

    kind: Kind
    gap: Gap  # in the units that were compared
    causes: tuple[Cause, ...] = ()
    sides: tuple[Reading, Reading] = field(kw_only=True, repr=False, compare=False)

    @cached_property
    def a(self) -> Excerpt:
        """What the first side has."""
        return self.sides[0].excerpt(self.gap.a_start, self.gap.a_stop)

    @cached_property
    def b(self) -> Excerpt:
        """What the second side has."""
        return self.sides[1].excerpt(self.gap.b_start, self.gap.b_stop)

    def because(self, causes: Sequence[Cause]) -> Region:
        """The same region with these causes."""
        out = Region(self.kind, self.gap, tuple(causes), sides=self.sides)
        out.__dict__.update({k: v for k, v in self.__dict__.items() if k in ("a", "b")})
        return out


class Reading:
    """A prompt in the units that are compared, and what is known of each character."""

    def __init__(self, prompt: Prompt, by_ids: bool):
        self.prompt, self.by_ids = prompt, by_ids
        self.units: Sequence[Any]
        self.text = prompt.text
        if not by_ids:
            self.units = UNIT.findall(prompt.text)
        else:
            self.units = prompt.ids or []

    @cached_property
    def offsets(self) -> list[float]:
        """Where the characters of each unit end; a half where a character is cut."""
        if not self.by_ids:
            ends, at = list[float](), 0
            for unit in self.units:
                at += len(unit)
                ends.append(at)
            return ends
        tokenizer = self.prompt.tokenizer
        if tokenizer is None:
            return [0] * len(self.units)
        text = Detokenizer(tokenizer).whole(self.units)
        if self.prompt.rendered is not None and text != self.text:
            return self._searched()
        self.text = text
        table = self._table
        return char_ends(table if max(self.units, default=0) < len(table) else _Padded(table), self.units)

    def _searched(self) -> list[float]:
        """Of a tokenizer that changes text: where the last character is that a token holds."""
        rendered: Any = self.prompt.rendered
        held = [rendered.tokens(c, c + 1)[1] for c in range(len(self.text))]
        return [bisect_right(held, t + 1) for t in range(len(self.units))]

    def chars(self, start: int, stop: int) -> tuple[int, int]:
        """The characters of units [start, stop)."""
        ends = self.offsets
        first = int(ends[start - 1]) if start else 0
        return first, max(first, -int(-ends[stop - 1] // 1)) if stop > start else first

    @cached_property
    def _table(self) -> Sequence[Any]:
        """What each id spells: text, bytes of a part of a character, None."""
        return () if self.prompt.tokenizer is None else pieces_of(self.prompt.tokenizer)

    def piece(self, number: int) -> str:
        """What an id spells, for people."""
        piece = self._table[number] if number < len(self._table) else None
        if isinstance(piece, bytes):
            return "".join(f"\\x{byte:02x}" for byte in piece)
        return f"[{number}]" if piece is None else piece

    def data(self, start: int, stop: int) -> bytes | None:
        """The bytes of units, None if nobody knows."""
        if not self.by_ids:
            return "".join(self.units[start:stop]).encode("utf-8", "surrogatepass")
        if self.prompt.tokenizer is None:
            return None
        table, out = self._table, b""
        for i in self.units[start:stop]:
            piece = table[i] if i < len(table) else None
            out += piece.encode() if isinstance(piece, str) else piece or b"\xff[%d]" % i
        return out

    # who owns a character

    @cached_property
    def _runs(self) -> tuple[Sequence[Run], list[int]]:
        runs = self.prompt.rendered.stretched if self.prompt.rendered is not None else ()
        return runs, [r.start for r in runs]

    @cached_property
    def _lines(self) -> list[str]:
        return self.prompt.source.split("\n")

    def excerpt(self, start: int, stop: int) -> Excerpt:
        """Of units [start, stop)."""
        first, last = self.chars(start, stop)
        before, after = (
            self.chars(max(0, start - WINDOW), start)[0],
            self.chars(stop, min(len(self.units), stop + WINDOW)),
        )
        text = self.text[first:last]
        out = Excerpt(
            first, last, text, self.text[before:first], self.text[last : after[1]], **self._owner(first, last)
        )
        ids = self.prompt.ids
        if ids is None:
            return out
        if self.by_ids:
            tokens = start, stop
        elif self.prompt.rendered is not None:
            tokens = self.prompt.rendered.tokens(first, last)
        else:
            return out
        more: dict[str, Any] = {
            "tokens": tokens,
            "ids": tuple(ids[slice(*tokens)]),
            "ids_before": tuple(ids[max(0, tokens[0] - WINDOW) : tokens[0]]),
            "ids_after": tuple(ids[tokens[1] : tokens[1] + WINDOW]),
            "pieces": tuple(self.piece(i) for i in ids[slice(*tokens)]),
        }
        return Excerpt(**{**out.__dict__, **more})

    def _owner(self, start: int, stop: int) -> dict[str, Any]:
        rendered = self.prompt.rendered
        if rendered is None or not self.text:
            return {}
        at = min(start, len(self.text) - 1)
        if start == stop and start:  # nothing here: whose end it stands behind
            at = start - 1
        runs, starts = self._runs
        i = max(0, bisect_right(starts, at) - 1)
        run = runs[i]
        out: dict[str, Any] = {"message": run.turn, "part": run.part, "kind": run.kind}
        if rendered.origins is None:
            out["path"] = field_of(run)
        else:
            origin = rendered.origins.at(at)
            out |= {"path": origin.path, "line": origin.line}
            if origin.line is not None and origin.line <= len(self._lines):
                out["source"] = self._lines[origin.line - 1].strip()
        if not out["path"]:
            out["near"] = self._near(i)
        return out

    def _near(self, i: int) -> str:
        """The last field in front of a run of the template's, or the first behind it."""
        runs, _ = self._runs
        for n in (*range(i - 1, max(-1, i - 32), -1), *range(i + 1, min(len(runs), i + 32))):
            if runs[n].kind != "template":
                said = field_of(runs[n])
                if said:
                    return f"behind {said}" if n < i else f"in front of {said}"
        return ""

    def fields(self, start: int, stop: int, most: int = 64) -> list[tuple[str, int, int]]:
        """The fields of the caller's in characters [start, stop), and where each is; `most` of them."""
        rendered = self.prompt.rendered
        if rendered is None:
            return []
        out: list[tuple[str, int, int]] = []
        if rendered.origins is None:
            runs, starts = self._runs
            i = max(0, bisect_right(starts, start) - 1)
            while i < len(runs) and runs[i].start < stop and len(out) < most:
                if runs[i].kind != "template":
                    out.append((field_of(runs[i]), max(start, runs[i].start), min(stop, runs[i].stop)))
                i += 1
            return out
        spans = rendered.origins.spans
        i = max(0, bisect_right(self._starts, start) - 1)
        while i < len(spans) and spans[i].start < stop and len(out) < most:
            if spans[i].kind == "data":
                out.append((spell(spans[i].path), max(start, spans[i].start), min(stop, spans[i].stop)))
            i += 1
        return out

    @cached_property
    def _starts(self) -> list[int]:
        rendered = self.prompt.rendered
        return (
            [s.start for s in rendered.origins.spans] if rendered is not None and rendered.origins is not None else []
        )


class _Padded(Sequence[Any]):
    """A table that has None for every further id."""

    def __init__(self, table: Sequence[Any]):
        self._table = table

    def __getitem__(self, number: Any) -> Any:
        return self._table[number] if number < len(self._table) else None

    def __len__(self) -> int:
        return len(self._table)


def field_of(run: Run) -> str:
    """The field that a run shows."""
    if run.kind == "template":
        return ""
    if run.turn is None:
        return "tools" if run.kind == "tools" else ""
    return f"messages[{run.turn}].{FIELDS.get(run.kind, 'content')}"


def readings(a: Prompt, b: Prompt) -> tuple[Reading, Reading] | None:
    """Both prompts, to be compared; None if they are the same."""
    if a.ids is not None and b.ids is not None:
        if list(a.ids) == list(b.ids):
            return None
        ours, theirs = a.assets.get("tokenizer"), b.assets.get("tokenizer")
        if ours == theirs or a.text == b.text or not (a.text and b.text):
            return Reading(a, True), Reading(b, True)
    if (not a.text and a.ids) or (not b.text and b.ids):
        raise TokenizerError("ids on one side only", path="tokenizer",
                             expected="a tokenizer, or ids on both sides")  # fmt: skip
    if a.text == b.text:
        return None
    return Reading(a, False), Reading(b, False)


def find_regions(a: Reading, b: Reading) -> list[Region]:
    """Where they differ, without causes."""
    out: list[Region] = []
    behind = Gap(0, 0, 0, 0)
    for gap in align(a.units, b.units):
        gap = behind = _slid(a, b, gap, behind)
        ours, theirs = a.data(gap.a_start, gap.a_stop), b.data(gap.b_start, gap.b_stop)
        kind: Kind = "unread" if ours is None or theirs is None else "ids" if ours == theirs else "text"
        out.append(Region(kind, gap, sides=(a, b)))
    return out


def _slid(a: Reading, b: Reading, gap: Gap, behind: Gap) -> Gap:
    """What only one side has, moved to begin at a marker or a line, if it may as well stand there."""
    if (gap.a_start == gap.a_stop) == (gap.b_start == gap.b_stop):
        return gap
    ours = gap.a_start < gap.a_stop
    start, stop = (gap.a_start, gap.a_stop) if ours else (gap.b_start, gap.b_stop)
    units, reading = (a.units, a) if ours else (b.units, b)
    room = min(SLIDE, gap.a_start - behind.a_stop, gap.b_start - behind.b_stop)

    def worth(at: int) -> int:
        text = reading.piece(units[at]) if reading.by_ids else units[at]
        return 2 if text[:1] in "<[" and len(text) > 2 else 1 if at and _ends_line(reading, at - 1) else 0

    best, found, t = worth(start), 0, 0
    while t < room and units[start - 1 - t] == units[stop - 1 - t]:
        t += 1
        if worth(start - t) > best:
            best, found = worth(start - t), t
    return Gap(gap.a_start - found, gap.a_stop - found, gap.b_start - found, gap.b_stop - found)


def _ends_line(reading: Reading, at: int) -> bool:
    unit = reading.units[at]
    return (reading.piece(unit) if reading.by_ids else unit).endswith("\n")


def applied(a: Reading, b: Reading, regions: Sequence[Region]) -> list[Any]:
    """The units of `a` with the regions of `b` put in: those of `b`."""
    out: list[Any] = []
    at = 0
    for r in regions:
        out += a.units[at : r.gap.a_start]
        out += b.units[r.gap.b_start : r.gap.b_stop]
        at = r.gap.a_stop
    return out + list(a.units[at:])
