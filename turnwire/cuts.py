"""A prompt as the encoder gets it: cut at every control token, and wherever tokens that the model wrote meet tokens
that it did not, so that the mask "sampled" is exact.

A `Cut` has `parts`: text, mark, text, mark, ..., text, where texts may be empty. A mark is the symbol of a control
token, a special token that trusted text spells, or `FLIP`. Texts are encoded each by itself, and all that are not known
in one call; marks are ids already. A prompt that goes on from another one takes over the parts and ids of that, in the
strings and lists that they came in.

An encoder that can be told where control tokens stand (`Bound.marks`) does that itself, in less time than it takes to
cut; then parts and their counts are made when somebody asks for masks or ranges of tokens.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from .wire import SYMBOL

if TYPE_CHECKING:
    from .tokens import Bound

FLIP = "\udfff"
"""What is sampled ends here, or begins. No control token has this symbol, and nothing is written for it."""
LEAD = "\ufdd0"
"""What a mark for an encoder begins with: a character that Unicode promises never to give a meaning."""
CUT = re.compile(f"({SYMBOL.pattern})")
MARKUP = frozenset(("template", "media"))
"""What a control token can stand in, of a prompt whose content is not trusted."""
SYMBOLS = itemgetter(0)  # of a stretch
SHORT = 32
"""Characters: texts of fewer come several times in a prompt, most of them."""


Stretch: TypeAlias = "tuple[str, int | None, int | None, str, bool]"
"""A run in symbols, as a `Writer` leaves it: symbols, turn, part, kind, sampled. A plain tuple, because a prompt makes
several of each message and a named one takes four times as long."""


class Ids:
    """Ids in lists that are never changed, and behind them maybe an array, of which a list is made when another prompt
    goes on from it, because most are asked for once."""

    __slots__ = ("_known", "_new")

    def __init__(self, known: Sequence[list[int]], new: array[int]):
        self._known, self._new = known, new

    @property
    def held(self) -> int:
        """About how many bytes they take."""
        return 36 * sum(map(len, self._known)) + 4 * len(self._new)

    def all(self) -> list[int]:
        """A list of the caller's own."""
        out: list[int] = []
        for ids in self._known:
            out += ids
        new = self._new.tolist()
        return out + new if out and new else out or new

    def but(self, count: int) -> list[list[int]]:
        """The lists of all but the last `count`."""
        out = [*self._known, self._new.tolist()]
        while count > 0:
            last = out.pop()
            if len(last) > count:
                out.append(last[: len(last) - count])
            count -= len(last)
        return out


class Begun(NamedTuple):
    """What a prompt takes over of another: its first stretches; its parts up to a mark, their counts and ids; and the
    text behind that mark, which may be encoded otherwise when more follows."""

    stretches: list[Stretch]
    parts: list[str]
    counts: list[int]
    ids: Sequence[list[int]]
    left: Stretch
    sampled: bool


NEW = Begun([], [], [], (), ("", None, None, "", False), False)


class Cut:
    """See the head of this file. `stretches`: what was cut; `sampled`: whether the first part is, and whether the last
    one is."""

    __slots__ = ("_begun", "_bound", "_chars", "_counts", "_new", "_parts", "_trust", "ids", "sampled", "stretches")

    def __init__(self, stretches: Sequence[Stretch], bound: Bound | None, trust: bool = False, begun: Begun = NEW):
        self._new = [begun.left, *stretches]
        self._begun, self._bound, self._trust = begun, bound, trust
        self._parts: list[str] | None = None
        self._counts: list[int] | None = None
        self.stretches = [*begun.stretches, *stretches]
        self.sampled = begun.sampled, self._new[-1][4]
        texts = _marked(self._new, bound) if bound is not None and bound.marks and not trust else None
        known = bound.encode_marked(texts) if bound is not None and texts is not None else None
        self._chars = sum(map(len, texts or ()))
        if known is not None or bound is None:
            self.ids = Ids([*begun.ids, *(known or ())], NO_IDS)
        else:
            self.ids = Ids(begun.ids, self._encode())

    def _encode(self) -> array[int]:
        """Cut, and encode each part; special tokens that trusted texts spell are cut out too."""
        parts = _parts(self._new, self._trust)
        if self._trust and self._bound is not None:
            special = _spelled(self._bound)
            parts = [p for n, part in enumerate(parts) for p in ([part] if n % 2 else special.split(part))]
        counts, ids = _encoded(parts, self._bound) if self._bound is not None else ([], array("i"))
        self._parts, self._counts = self._begun.parts + parts, self._begun.counts + counts
        self._chars = sum(map(len, parts))
        return ids

    @property
    def parts(self) -> list[str]:
        """Text, mark, text, ..., text."""
        if self._parts is None:
            self._encode()
        return cast("list[str]", self._parts)

    @property
    def counts(self) -> list[int]:
        """How many ids each part has; nothing without a tokenizer."""
        if self._counts is None:
            self._encode()
        return cast("list[int]", self._counts)

    @property
    def held(self) -> int:
        """About how many bytes it holds."""
        return 4 * (self._chars + sum(map(len, self._begun.parts))) + self.ids.held

    def text(self, spell: Callable[[str], str]) -> str:
        """All of it, marks spelled out."""
        shown = [*self.parts]
        spelled = {**{mark: spell(mark) for mark in set(shown[1::2])}, FLIP: ""}
        shown[1::2] = map(spelled.__getitem__, shown[1::2])
        return "".join(shown)

    def symbols(self) -> str:
        """All of it, marks as they are."""
        return "".join(map(SYMBOLS, self.stretches))

    def pieces(self, spell: Callable[[str], str]) -> Iterator[tuple[int, tuple[int, int, bool]]]:
        """Of each part that is not empty: its first character; its first id, their end, and whether it is sampled."""
        at = first = 0
        sampled = self.sampled[0]
        for n, (part, count) in enumerate(zip(self.parts, self.counts)):
            if part == FLIP:
                sampled = not sampled
            elif part:
                yield at, (first, first + count, sampled)
                at += len(spell(part) if n % 2 else part)
                first += count

    def begun(self, count: int) -> Begun:
        """What a prompt that begins with the first `count` stretches takes over."""
        over = sum(map(len, map(SYMBOLS, self.stretches[count:])))
        first, sampled = self.sampled
        n = len(self.parts) - 1
        left = self.parts[n]
        while n and over >= len(left):
            over -= len(left)
            if self.parts[n - 1] == FLIP:
                sampled = not sampled
            elif over:
                over -= len(self.parts[n - 1])
            else:
                left = ""
                break
            n -= 2
            left = self.parts[n]
        text = left[: len(left) - over], None, None, "", sampled
        ids = self.ids.but(sum(self.counts[n:]))
        return Begun(self.stretches[:count], self.parts[:n], self.counts[:n], ids, text, first)


def _parts(stretches: Sequence[Stretch], trust: bool) -> list[str]:
    """Cut at marks, and where what is sampled begins or ends; the first stretch says how it begins. Data is never cut,
    unless it is trusted: whatever it holds, it is no mark."""
    out: list[str] = []
    text: list[str] = []  # of the part
    known: dict[str, list[str]] = {}  # markup, which comes again and again
    sampled = stretches[0][4]
    for symbols, _, _, kind, now in stretches:
        if now is not sampled:
            sampled = now
            out += ("".join(text), FLIP)
            text.clear()
        if symbols.isascii() or not (trust or kind in MARKUP):
            text.append(symbols)
            continue
        cut = known.get(symbols)
        if cut is None:
            cut = CUT.split(symbols)
            if len(symbols) < 64:
                known[symbols] = cut
        text.append(cut[0])
        if len(cut) > 1:
            out.append("".join(text))
            out += cut[1:-1]
            text = cut[-1:]
    out.append("".join(text))
    return out


def _marked(stretches: Sequence[Stretch], bound: Bound) -> list[str] | None:
    """The texts to encode, with marks for control tokens; None where they have to be looked at one by one."""
    texts: list[str] = []
    text: list[str] = []  # of the next of them
    ended: dict[str, str] = {}
    ids, known = bound.ids, bound.marked
    sampled, before, behind = stretches[0][4], "", ""
    for symbols, _, _, kind, now in stretches:
        if now is not sampled:
            sampled = now
            if before[-1:] in ids or symbols[:1] in ids:
                pass  # what was sampled begins or ends at a control token
            else:
                if behind in MARKUP:
                    if before not in ended:
                        ended[before] = _ended(_mark(before, bound), bound)
                    text[-1] = ended[before]
                if not text[-1].endswith(LEAD):
                    texts.append("".join(text))
                    text.clear()
        before, behind = symbols, kind
        if kind in MARKUP:
            if (marked := known.get(symbols)) is None:
                if LEAD in symbols:
                    return None
                marked = _mark(symbols, bound)
            text.append(marked)
        elif symbols.isascii() or LEAD not in symbols:
            text.append(symbols)
        else:
            return None
    texts.append("".join(text))
    return texts


def _mark(markup: str, bound: Bound) -> str:
    """Markup with marks for control tokens, remembered if it is short: prompt after prompt has the same."""
    if (marked := bound.marked.get(markup)) is None:
        pieces: list[str] = CUT.split(markup)
        marked = "".join([bound.marks.get(piece, piece) for piece in pieces])
        if len(markup) < 4_000:
            if len(bound.marked) >= 256:
                bound.marked.clear()
            bound.marked[markup] = marked
    return marked


def _ended(markup: str, bound: Bound) -> str:
    """Marked markup that text follows which is encoded by itself: with a mark for its own last token too, if it can."""
    head, lead, text = markup.rpartition(LEAD)
    ids = bound.encode(text) if lead else []
    if ids and ids[-1] in bound.ends:
        end = (bound.tokenizer.piece(ids[-1]) or b"").decode("utf-8", "replace")
        rest = text.removesuffix(end)
        if end and bound.encode(rest) == ids[:-1]:
            return head + lead + rest + bound.ends[ids[-1]]
    return markup


def _encoded(parts: list[str], bound: Bound) -> tuple[list[int], array[int]]:
    """How many ids each part has, and all of them."""
    texts, marks = parts[::2], parts[1::2]
    numbers = {mark: _number(mark, bound) for mark in set(marks)}
    short = {text for text in texts if 0 < len(text) < SHORT}
    encoded = iter(bound.encode_each([*short, *[text for text in texts if len(text) >= SHORT]]))
    known = {"": NO_IDS, **{text: next(encoded) for text in short}}
    found: list[array[int]] = [NO_IDS] * len(parts)
    found[::2] = [known[text] if len(text) < SHORT else next(encoded) for text in texts]
    found[1::2] = map(numbers.__getitem__, marks)
    ids = array("i")  # of which lists are made in less time than of unsigned ones
    ids.frombytes(b"".join(found))
    return [*map(len, found)], ids


def _number(mark: str, bound: Bound) -> array[int]:
    if mark == FLIP:
        return NO_IDS
    number = bound.ids.get(mark, bound.tokenizer.special(mark))
    return array("I", bound.encode(mark) if number is None else [number])


def _spelled(bound: Bound) -> re.Pattern[str]:
    """What the official pipeline takes for a control token or a special one."""
    spellings = sorted(bound.control | bound.tokenizer.specials.keys(), key=lambda s: (-len(s), s))
    return re.compile("(" + "|".join(map(re.escape, spellings)) + ")")


NO_IDS: array[int] = array("I")
