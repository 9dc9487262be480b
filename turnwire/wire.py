"""The vocabulary: frozen values that describe, once, what a model writes.

A reply is a tree of these words. `templating.render` walks the tree to write a turn, `parsers.compile` turns
it into the states of the one parsing machine; neither knows a family. `+` joins words. Values compare,
hash and pickle; a description that cannot work fails when its `Format` is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from .errors import FormatError

T = TypeVar("T")


class Word:
    """Base of the words; `a + b` is `a` then `b`."""

    __slots__ = ()

    def __add__(self, other: Word) -> Seq:
        return Seq(_parts(self) + _parts(other))


def _parts(word: Word) -> tuple[Word, ...]:
    return word.parts if isinstance(word, Seq) else (word,)


@dataclass(frozen=True, slots=True)
class Seq(Word):
    """One after the other; `NOTHING` is the empty one."""

    parts: tuple[Word, ...] = ()


NOTHING = Seq()


@dataclass(frozen=True, slots=True)
class Lit(Word):
    """Ordinary text, written and matched as text."""

    text: str


@dataclass(frozen=True, slots=True)
class Tok(Word):
    """One vocabulary entry, written and matched by id (in text mode by its spelling)."""

    text: str


@dataclass(frozen=True, slots=True)
class Pad(Word):
    """White space next to a marker: written (with `after`, only behind a part of that kind; `filled`, only behind a
    slot that is not empty; `full`, not beside spaces or nothing that a prompt holds); reading removes at most
    exactly this, any suffix of it, and never strips."""

    text: str
    after: str = ""
    filled: bool = False
    full: bool = False


@dataclass(frozen=True, slots=True)
class Slot(Word):
    """A value. Without a codec: free text to the next believed exit. With a codec that finds its own end
    (`reader`): exactly one value of it. Of kind "attrs", with a codec that reads and writes a short text
    (`read`, `write`): attributes of the call, or of the argument, that it stands in. Of kind "noise": text that should
    not be there, read as markup and a fault; it is optional, `Choice(NOTHING, Slot("noise", ...))`."""

    kind: str
    codec: Any = None


@dataclass(frozen=True, slots=True)
class Frame(Word):
    """One part ("text", "reasoning", "call", ...) or one argument ("arg") of a call."""

    kind: str
    body: Word


@dataclass(frozen=True, slots=True, init=False)
class Choice(Word):
    """Writes the first that can take the next part, reads any. NOTHING last among plain markup: written
    always, forgiven when missing; NOTHING first: read, never written. Inside a frame, markup alone beside an
    alternative with a slot takes only an empty part that the prompt held."""

    items: tuple[Word, ...]

    def __init__(self, *items: Word):
        object.__setattr__(self, "items", items)

    def __reduce__(self) -> Any:
        return Choice, self.items


def Opt(word: Word, absent: Word = NOTHING) -> Choice:
    """`word`, or `absent` where there is no such part."""
    return Choice(word, absent)


@dataclass(frozen=True, slots=True)
class Many(Word):
    """As many as there are parts (or arguments) for; `open` and `close` surround them if there is any. Read: markers
    with nothing between them too, and without those that end in `Choice(..., NOTHING)`. Calls `together` are one
    expression of their notation: none of them has ended before it is closed, and a cut one holds no whole call."""

    item: Word
    sep: Word = NOTHING
    open: Word = NOTHING
    close: Word = NOTHING
    together: bool = False


@dataclass(frozen=True, slots=True, init=False)
class End(Word):
    """The end of a message. `toks` stop generation; `also` is read and does not. The end of the stream with
    finish "stop" stands for a stop token. Written: `between` where another part follows, else `sampled` in a
    reply (`called` behind a call) and `history` in a prompt; each defaults to the one before it, the first to
    `toks[0]`. "" writes nothing."""

    toks: tuple[str, ...]
    also: tuple[str, ...]
    between: str
    sampled: str
    history: str
    called: str

    def __init__(
        self,
        *toks: str,
        also: tuple[str, ...] = (),
        between: str | None = None,
        sampled: str | None = None,
        history: str | None = None,
        called: str | None = None,
    ):
        if not toks:
            raise FormatError("an End without a token", value=self, expected='End("<stop token>", ...)')
        between = toks[0] if between is None else between
        sampled = toks[0] if sampled is None else sampled
        history = sampled if history is None else history
        called = sampled if called is None else called
        for name, value in zip(self.__slots__, (toks, also, between, sampled, history, called)):
            object.__setattr__(self, name, value)

    def __reduce__(self) -> Any:
        return _end, (self.toks, self.also, self.between, self.sampled, self.history, self.called)

    def written(self, more: bool, history: bool, call: bool, goes_on: bool = False) -> Word:
        """What to write: `more` parts follow, in a prompt's `history`, behind a `call`; `goes_on`: the next turn is
        the same turn of the model, so only a call ends in something."""
        tok = self.between if more else self.history if history else self.called if call else self.sampled
        if goes_on and not more:
            tok = self.called if call else ""
        return Tok(tok) if tok else NOTHING


def _end(toks: tuple[str, ...], also: tuple[str, ...], between: str, sampled: str, history: str, called: str) -> End:
    return End(*toks, also=also, between=between, sampled=sampled, history=history, called=called)


@dataclass(frozen=True, slots=True)
class Switch(Word):
    """A header, text up to `close`, decides which of the frames `cases` follows."""

    head: Header
    close: Word
    cases: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Look(Word):
    """Consumes nothing; goes on only if `guard` recognises what comes (see `codecs.Guard`)."""

    guard: Any


@dataclass(frozen=True, slots=True)
class If(Word):
    """In a Choice: written only where `test(options, part)` says so, of the part that comes next (where none does, of
    the last one that was written; None inside the first); read like `word`."""

    test: Callable[[Mapping[str, Any], Any], bool]
    word: Word


@runtime_checkable
class Header(Protocol):
    """What a `Switch` needs: `toks` it may contain, `begins` what one may begin with (control tokens spelled),
    `read` its text, `write` it for a part."""

    @property
    def toks(self) -> tuple[str, ...]: ...

    @property
    def begins(self) -> tuple[str, ...]: ...

    def read(self, text: str) -> dict[str, str]:
        """What a header says: "kind" names the case; "name", "channel", "recipient" are passed on;
        "fault" says what is wrong with it, if anything is."""
        ...

    def place(self, text: str) -> tuple[int, int] | None:
        """Where in it "name" stands."""
        ...

    def write(self, part: Any, options: Mapping[str, Any]) -> Word:
        """The header of a part: by its kind, its channel and its recipient; what else it says is for a `Slot`."""
        ...


def children(word: Word) -> tuple[Word, ...]:
    """The words directly inside `word`, in reading order."""
    if isinstance(word, Seq):
        return word.parts
    if isinstance(word, Frame):
        return (word.body,)
    if isinstance(word, If):
        return (word.word,)
    if isinstance(word, Choice):
        return word.items
    if isinstance(word, Many):
        return (word.open, word.item, word.sep, word.close)
    if isinstance(word, Switch):
        return (word.close, *word.cases)
    return ()


def walk(word: Word) -> Iterator[Word]:
    """`word` and every word inside it."""
    yield word
    for inner in children(word):
        yield from walk(inner)


def flat(word: Word) -> Iterator[Word]:
    """A word, or of a sequence the words in it, sequences in sequences opened."""
    for inner in word.parts if isinstance(word, Seq) else (word,):
        if isinstance(inner, Seq):
            yield from flat(inner)
        else:
            yield inner


def control_tokens(word: Word) -> set[str]:
    """The spellings of all vocabulary entries that a tree mentions."""
    out: set[str] = set()
    for w in walk(word):
        if isinstance(w, Tok):
            out.add(w.text)
        elif isinstance(w, End):
            out.update(w.toks, w.also, filter(None, (w.between, w.sampled, w.history, w.called)))
        elif isinstance(w, Switch):
            out.update(w.head.toks)
        elif isinstance(w, Slot):
            out.update(getattr(w.codec, "toks", ()))
    return out


def stop_tokens(word: Word) -> tuple[str, ...]:
    """The stop tokens of a tree, in the order they are first mentioned."""
    return tuple(dict.fromkeys(t for w in walk(word) if isinstance(w, End) for t in w.toks))


def end_tokens(word: Word) -> tuple[str, ...]:
    """What the messages of a tree end in, in a reply or in a prompt, as `stop_tokens`."""
    ends = [w for w in walk(word) if isinstance(w, End)]
    return tuple(dict.fromkeys(t for w in ends for t in (*w.toks, w.sampled, w.history, w.called) if t))


def plain(word: Word) -> bool:
    """Whether a tree is markup only."""
    return all(isinstance(w, (Lit, Tok, Pad, Seq)) for w in walk(word))


def required(word: Word) -> Word:
    """A word without the alternative of nothing at its end."""
    if isinstance(word, Choice) and len(word.items) > 1 and word.items[-1] == NOTHING:
        return Choice(*word.items[:-1])
    return word


SYMBOL = re.compile("[\ud800-\udfff]")


class OfWords(Generic[T]):
    """What is made of words, known by the very word: most are a layout's own, the same for every turn."""

    __slots__ = ("_known", "_make")

    def __init__(self, make: Callable[[Word], T]):
        self._make = make
        self._known: dict[int, tuple[Word, T]] = {}

    def of(self, word: Word) -> T:
        """What is made of a word."""
        known = self._known.get(id(word))
        if known is None or known[0] is not word:
            if len(self._known) >= 256:  # of a layout that makes words for each prompt
                self._known.clear()
            known = self._known[id(word)] = word, self._make(word)
        return known[1]


class Symbols:
    """Control tokens as one-character private symbols, so that a marker and text that spells it differ.

    `of` maps a spelling to its symbol (a lone surrogate, which no public string may hold), `spelling` back; `pairs` is
    `of` as a set, which is hashed once. `show` spells a string out.
    """

    __slots__ = ("of", "of_word", "pairs", "spelling")

    FIRST = 0xD800

    def __init__(self, spellings: tuple[str, ...]):
        self.of = {s: chr(self.FIRST + i) for i, s in enumerate(sorted(set(spellings)))}
        self.spelling = {c: s for s, c in self.of.items()}
        self.pairs = frozenset(self.of.items())
        self.of_word = OfWords(self._of_word).of
        """Plain markup in symbols."""

    def _of_word(self, word: Word) -> str:
        if isinstance(word, (Lit, Pad)):
            return word.text
        if isinstance(word, Tok):
            return self.of[word.text]
        if not isinstance(word, Seq):
            raise TypeError(f"not plain markup: {word!r}")
        return "".join(map(self._of_word, word.parts))

    def show(self, text: str) -> str:
        """`text` with every symbol spelled out."""
        # A symbol's bytes begin with 0xED, and little else does: in a long text that is found 20 times as fast.
        if text.isascii() or (len(text) > 64 and b"\xed" not in text.encode("utf-8", "surrogatepass")):
            return text
        return self.spelling.get(text) or SYMBOL.sub(self._spell, text)

    def _spell(self, m: re.Match[str]) -> str:
        return self.spelling.get(m.group(), m.group())


def is_symbol(char: str) -> bool:
    """Whether a character is a private symbol."""
    return "\ud800" <= char <= "\udfff"
