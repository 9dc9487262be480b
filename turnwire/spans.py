"""Rendered: text plus runs. Ids, masks and token ranges are derived from them.

A run is a maximal stretch of the prompt of one turn, part and kind; the runs tile the text. How the text is cut for the
encoder is in `cuts`.
"""

from __future__ import annotations

import codecs
import importlib
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from .cuts import NEW, Begun, Cut
from .cuts import Stretch as Stretch
from .errors import InputError, MaskError, NoTokenizer, nearest
from .origins import Origin, OriginMap
from .tokenchars import char_ends as char_ends
from .tokenchars import kept_at

if TYPE_CHECKING:
    from .tokens import Bound

FIELDS = {"text": "content", "result": "content", "reasoning": "reasoning_content", "call": "tool_calls"}
"""Where a message holds what a kind of run shows."""
KINDS = ("template", "text", "reasoning", "call", "result", "tools", "media")


@dataclass(frozen=True, slots=True)
class Run:
    """`start`, `stop`: characters of the text, half-open; `tokens`: the smallest token range that covers
    them, None without a tokenizer. `turn` and `part` count `messages` and the turn's parts, None where the
    layout itself speaks. `kind` is one of "template", "text", "reasoning", "call", "result", "tools",
    "media". `sampled`: the model would have written it."""

    start: int
    stop: int
    turn: int | None
    part: int | None
    kind: str
    sampled: bool
    tokens: tuple[int, int] | None = None


Bare: TypeAlias = "tuple[int, int, int | None, int | None, str, bool]"
"""What a `Run` holds but its tokens."""


class Rendered:
    """A rendered prompt or reply: `text` always; `ids`, `mask` and the runs' tokens with a tokenizer.

    `symbols` is the text with control tokens as private symbols; it is for parsers, never for showing. `origins`: where
    each character comes from, if it was rendered by a template (see `origin`). `whole`: the text is encoded at once by
    the tokenizer's own pipeline, control tokens that content spells included. `unmasked`: why the mask "sampled" cannot
    be given, if it cannot. `begun`: what stands before the stretches, which is not encoded again. Stretches and what
    depends on them may be given as functions, which are called when somebody asks, if the `text` is given too.
    """

    __slots__ = (
        *("_bare", "_bound", "_cut", "_ends", "_given", "_ids", "_placed", "_runs", "_spell", "_stretched", "_text"),
        *("_unmasked", "_whole", "origins"),
    )

    def __init__(
        self,
        stretches: list[Stretch] | Callable[[], list[Stretch]],
        spell: Callable[[str], str],
        bound: Bound | None,
        *,
        text: str | None = None,
        trust: bool = False,
        origins: OriginMap | None = None,
        whole: bool = False,
        unmasked: str | Callable[[], str] = "",
        begun: Begun = NEW,
    ):
        self._bound, self._spell = bound, spell
        self.origins = origins
        # all that follows is made when it is first asked for: most prompts are asked for their ids alone
        self._unmasked = unmasked
        self._text = text
        self._ids: list[int] | None = None
        self._bare: list[Bare] | None = None
        self._stretched: list[Run] | None = None
        self._runs: tuple[Run, ...] | None = None
        self._placed: tuple[list[int], list[tuple[int, int, bool]]] | None = None
        self._ends: tuple[int, list[float], bool] | None = None  # of the piece that was looked at last
        self._given = stretches, trust, begun
        self._cut: Cut | None = None
        self._whole: Any = None  # the tokenizer's own encoding of the whole
        if bound is not None and whole:
            self._whole = _encoded_whole(bound, self.text)
        elif bound is not None:
            self._cut = self.cut

    @property
    def cut(self) -> Cut:
        """What is encoded, and how it is cut."""
        if self._cut is None:
            stretches, trust, begun = self._given
            given = stretches() if callable(stretches) else stretches
            self._cut = Cut(given, self._bound if self._whole is None else None, trust, begun)
        return self._cut

    @property
    def unmasked(self) -> str:
        """Why the mask "sampled" cannot be given; "" if it can."""
        if callable(self._unmasked):
            self._unmasked = self._unmasked()
        return self._unmasked

    @property
    def text(self) -> str:
        """The prompt, control tokens spelled out."""
        if self._text is None:
            self._text = self.cut.text(self._spell)
        return self._text

    @property
    def symbols(self) -> str:
        """The text with control tokens as private symbols."""
        return self.cut.symbols()

    @property
    def _flat(self) -> list[Bare]:
        """What the runs hold but their tokens."""
        if self._bare is None:
            out: list[Bare] = []
            start = at = 0
            owner: tuple[int | None, int | None, str, bool] | None = None
            for s in self.cut.stretches:
                text = self._spell(s[0])
                if text and s[1:] != owner:
                    if owner is not None:
                        out.append((start, at, *owner))
                    start, owner = at, s[1:]
                at += len(text)
            if owner is not None:
                out.append((start, at, *owner))
            self._bare = out
        return self._bare

    @property
    def _places(self) -> tuple[list[int], list[tuple[int, int, bool]]]:
        """Of each piece that was encoded by itself its first character; its first id, their end, and whether it is
        sampled."""
        if self._placed is None and self._whole is not None:
            self._placed = self._tokens_of(self._whole.offsets)
        elif self._placed is None:
            found = [*self.cut.pieces(self._spell)]
            self._placed = [start for start, _ in found], [piece for _, piece in found]
        return self._placed

    @property
    def _starts(self) -> list[int]:
        return self._places[0]

    @property
    def _pieces(self) -> list[tuple[int, int, bool]]:
        return self._places[1]

    @property
    def ids(self) -> list[int]:
        """Token ids; raises `NoTokenizer` without a tokenizer."""
        if self._bound is None:
            raise NoTokenizer("no ids: rendered without a tokenizer", path="ids", expected="render(..., tokenizer=...)")
        if self._ids is None:
            self._ids = self.cut.ids.all() if self._whole is None else list(self._whole.ids)
        return self._ids

    @property
    def encoder(self) -> str | None:
        """What encoded the text ("tokenizers", "fastokens", or a tokenizer's own name); None without a tokenizer."""
        if self._bound is None:
            return None
        return getattr(self._bound.tokenizer, "encoder", self._bound.tokenizer.name)

    @property
    def stretched(self) -> Sequence[Run]:
        """The runs without their tokens, which take time to find."""
        if self._stretched is None:
            self._stretched = [Run(*run) for run in self._flat]
        return self._stretched

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs, in order; they tile the text."""
        if self._runs is None:
            self._runs = tuple(
                Run(*run, tokens=None if self._bound is None else self.tokens(run[0], run[1])) for run in self._flat
            )
        return self._runs

    def origin(self, index: int) -> Origin:
        """Where character `index` of the text comes from. For a format's prompt, by its runs: the field of a message,
        or the format ("template"). Raises `InputError` beyond the text."""
        if self.origins is not None:
            return self.origins.at(index)
        at = index + len(self.text) if index < 0 else index
        run = next((r for r in self.stretched if r.start <= at < r.stop), None)
        if run is None:
            raise InputError(f"no character {index}", value=index, path="index", expected=f"one of {len(self.text)}")
        if run.kind == "template":
            return Origin("template", None)
        field = f"messages[{run.turn}].{FIELDS.get(run.kind, 'content')}" if run.turn is not None else ""
        return Origin("data", None, "tools" if run.kind == "tools" else field)

    def mask(self, name: str) -> list[bool]:
        """One flag a token. "sampled": the tokens that the model would have written, stop token included and
        prefilled parts excluded, exactly; raises `MaskError` where that cannot be told. A kind of run: the tokens that
        hold a character of that kind."""
        ids = self.ids
        out = [False] * len(ids)
        if name == "sampled":
            if self.unmasked:
                raise MaskError(self.unmasked, path="mask", expected="turns of the assistant that the prompt shows")
            for first, end, sampled in self._pieces:
                out[first:end] = [sampled] * (end - first)
            return out
        if name not in KINDS:
            known = ("sampled", *KINDS)
            raise InputError(
                f"no mask {name!r}", value=name, path="mask", expected="one of " + ", ".join(known),
                near=nearest(name, known),
            )  # fmt: skip
        for run in self.runs:
            if run.kind == name and run.tokens is not None:
                first, end = run.tokens
                out[first:end] = [True] * (end - first)
        return out

    def tokens(self, start: int, stop: int) -> tuple[int, int]:
        """The smallest range of tokens that covers characters [start, stop) of the text."""
        ids = self.ids
        if stop <= start:
            n = self._token_at(start) if start < len(self.text) else len(ids)
            return (n, n)
        return (self._token_at(start), self._token_at(stop - 1, last=True) + 1)

    def extents(self) -> list[tuple[int, int]]:
        """Of each token the characters that it holds, or holds some bytes of, half-open: the inverse of `tokens`."""
        out: list[tuple[int, int]] = []
        later = stop = len(self.text)
        stops: list[int] = []  # of the pieces; in `whole` mode several may have a character in common
        for start in reversed(self._starts):
            later, stop = (later, stop) if start == later else (start, later)
            stops.append(stop)
        for (first, end, _), start, stop in zip(self._pieces, self._starts, reversed(stops)):
            if end - first <= 1 or self._bound is None:
                out += [(start, stop)] * (end - first)
                continue
            text = self.text[start:stop]
            at = kept_at(text, partial(self._bound.tokenizer.normalize, control=self._bound.control))
            begin = 0.0
            for until in char_ends(self._bound.table, self.ids[first:end]):
                low, high = (min(n, len(at) - 1) for n in (int(begin), math.ceil(until)))
                out.append((start + at[low], start + at[high]))
                begin = until
        return out

    def _repr_html_(self) -> str:
        """For notebooks."""
        return importlib.import_module("turnwire.explain.fragment").rendered(self)  # above this layer

    def _token_at(self, char: int, last: bool = False) -> int:
        """The first (or last) token of those that hold the character."""
        i = bisect_right(self._starts, char) - 1
        first, end, _ = self._pieces[i]
        if end - first <= 1 or self._bound is None:
            return first
        start = self._starts[i]
        if self._ends is None or self._ends[0] != i:
            stop = self._starts[i + 1] if i + 1 < len(self._starts) else len(self.text)
            text = self.text[start:stop]
            changed = not text.isascii() and self._bound.tokenizer.normalize(text, self._bound.control) != text
            self._ends = (i, char_ends(self._bound.table, self.ids[first:end]), changed)
        _, ends, changed = self._ends
        offset = char - start
        if changed:  # by the tokenizer: count in what it kept
            before, kept = (
                len(self._bound.tokenizer.normalize(self.text[start:to], self._bound.control))
                for to in (char, char + 1)
            )
            offset = max(0, kept - 1 if last else min(before, kept - 1))
        found = bisect_left(ends, offset + 1) if last else bisect_right(ends, offset)
        return first + min(found, len(ends) - 1)

    def _tokens_of(self, offsets: Sequence[tuple[int, int]]) -> tuple[list[int], list[tuple[int, int, bool]]]:
        """As `_places`: each token is a piece; it is sampled if all its characters are."""
        sampled: list[tuple[int, int]] = []
        for start, stop, *_, said in self._flat:
            if said and sampled and sampled[-1][1] == start:  # a token may hold some of both
                sampled[-1] = (sampled[-1][0], stop)
            elif said:
                sampled.append((start, stop))
        starts: list[int] = []
        pieces: list[tuple[int, int, bool]] = []
        at = 0
        for i, (start, stop) in enumerate(offsets):
            while at < len(sampled) and sampled[at][1] < stop:
                at += 1
            starts.append(start)
            pieces.append((i, i + 1, at < len(sampled) and sampled[at][0] <= start and stop <= sampled[at][1]))
        return starts, pieces


def _encoded_whole(bound: Bound, text: str) -> Any:
    """As the tokenizer itself encodes the text."""
    backend: Any = getattr(bound.tokenizer, "backend", None)
    if backend is None:
        raise NoTokenizer(f"{bound.tokenizer.name} has no pipeline of its own", path="trust_content", expected="False")
    return backend.encode(text, add_special_tokens=False)


def symbols_of(bound: Bound, ids: Sequence[int]) -> str:
    """Ids as text in which control tokens are private symbols; ids without a piece are left out."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    out: list[str] = []
    for i in ids:
        piece = bound.table[i] if 0 <= i < len(bound.table) else None
        if isinstance(piece, tuple):
            out += (decoder.decode(b"", True), piece[0])
            decoder.reset()
        elif piece is not None:
            out.append(decoder.decode(piece.encode() if isinstance(piece, str) else piece))
    return "".join(out) + decoder.decode(b"", True)
