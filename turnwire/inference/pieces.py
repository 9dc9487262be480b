"""Texts of templates in lexical pieces, so that nothing is cut inside a tag, and as words.

A piece is a tag, a bracketed word in capitals, one blank, a word or one other character. `Spelling` turns a text into
words: white space at its ends and around line ends is a `Pad`, spellings of control tokens are `Tok`s, the rest `Lit`.
Which spellings are control tokens a template does not say: the tokenizer does or, without one, the look of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire import NOTHING, Choice, End, Frame, If, Lit, Many, Pad, Seq, Tok, Word, children

if TYPE_CHECKING:
    from ..tokens import Tokenizer

PIECE = re.compile(r"<[^<>\n]*>|\[\|[^\]\s]{0,60}\|\]|\]~!?\w{1,8}[\[\]]|\[\w{1,8}~\[|\[/?[A-Z_]+\]|\s|\w+|.", re.S)
LOOKS = re.compile(
    r"<\|[^<>\s]{1,60}\|>|<｜[^<>\s]{1,60}｜>|<\|[^<>\s|]{1,60}>|<[^<>\s|]{1,60}\|>|\[/?[A-Z][A-Z_]{2,40}\]"
    r"|</?[A-Za-z_][\w:.-]{0,40}>|｜[^｜<>\s]{1,40}｜|\[\|[^\]\s]{1,40}\|\]|\]~!?\w{1,8}[\[\]]|\[\w{1,8}~\[|\]<\][^<>\s]{1,40}\[>\["
)
"""What a control token may look like."""
TAG = re.compile(r"</?([A-Za-z_][\w:.-]*)>")
BLANKS = re.compile(r"\s+")


def pieces(text: str) -> list[str]:
    """A text in lexical pieces."""
    return PIECE.findall(text)


def apart(text: str, alone: Callable[[re.Match[str]], bool]) -> list[str]:
    """A text, and by itself the white space at its ends, and the runs of white space of which `alone` says so."""
    out: list[str] = []
    at = 0
    for m in BLANKS.finditer(text):
        if m.start() == 0 or m.end() == len(text) or alone(m):
            out += [text[at : m.start()], m[0]]
            at = m.end()
    return [piece for piece in (*out, text[at:]) if piece]


def prefix(texts: Iterable[str]) -> str:
    """What all texts begin with, in whole pieces."""
    return "".join(_common([pieces(t) for t in texts]))


def suffix(texts: Iterable[str]) -> str:
    """What all texts end in, in whole pieces."""
    return "".join(_common([pieces(t)[::-1] for t in texts])[::-1])


def _common(lists: list[list[str]]) -> list[str]:
    out: list[str] = []
    for same in zip(*lists):
        if len(set(same)) > 1:
            break
        out.append(same[0])
    return out


def is_marker(piece: str) -> bool:
    """Whether a piece looks like a control token."""
    return LOOKS.fullmatch(piece) is not None


def is_end(text: str) -> bool:
    """Whether a text holds what may end a turn."""
    return any(is_marker(p) for p in pieces(text))


@dataclass(frozen=True, slots=True)
class Spelling:
    """See the head of this file; `known`: the vocabulary's entries, None if there is no tokenizer; `tags`: the plain
    tags (`<x>`) that are taken for control tokens without one; `also`: more that are control tokens."""

    known: frozenset[str] | None = None
    tags: frozenset[str] = frozenset()
    also: tuple[str, ...] = ()

    @classmethod
    def of(cls, tokenizer: Tokenizer | None, texts: Iterable[str]) -> Spelling:
        """For the texts that a format writes: without a tokenizer, a plain tag is a control token if its opener is
        among them, for `</parameter>` closes no tag of its own."""
        if tokenizer is not None:
            known, text = frozenset((*tokenizer.specials, *tokenizer.added)), "\0".join(texts)
            return cls(known, also=tuple(sorted(t for t in known if t in text and not t.isalnum() and t.strip() == t)))
        return cls(tags=frozenset(t for text in texts for t in re.findall(r"<([A-Za-z_][\w:.-]*)>", text)))

    def control(self, text: str) -> bool:
        """Whether a spelling is taken for a control token."""
        if self.known is not None or text in self.also:
            return text in self.also or text in (self.known or ())
        tag = TAG.fullmatch(text)
        return LOOKS.fullmatch(text) is not None and (tag is None or tag[1] in self.tags)

    def _marks(self, text: str) -> Iterator[re.Match[str]]:
        """What is known to be a control token, or looks like one; where both begin, what is known."""
        spelled = re.compile("|".join(sorted(map(re.escape, self.also), key=len, reverse=True)) or "(?!)")
        known, looks = spelled.search(text), LOOKS.search(text)
        while known or looks:
            first = known if known and not (looks and looks.start() < known.start()) else looks
            assert first is not None
            yield first
            at = first.end()
            known = spelled.search(text, at) if known and known.start() < at else known
            looks = LOOKS.search(text, at) if looks and looks.start() < at else looks

    def may_end(self, text: str) -> bool:
        """Whether a spelling may be a stop token: it is in the vocabulary, or nobody knows."""
        return self.known is None or text in self.known

    def markup(self, text: str) -> list[Word]:
        """A text without white space of its own as `Lit`s and `Tok`s."""
        out: list[Word] = []
        at = 0
        for m in self._marks(text):
            if self.control(m.group()):
                out += [Lit(text[at : m.start()])] if m.start() > at else []
                out.append(Tok(m.group()))
                at = m.end()
        return [*out, Lit(text[at:])] if at < len(text) else out

    def word(self, text: str, firm: bool = False) -> Word:
        """A text as words; `firm`: white space that stands alone between two values is no `Pad`."""
        out: list[Word] = []
        for run in apart(text, lambda m: "\n" in m[0]):
            out += [Pad(run)] if run.isspace() else _padded(self.markup(run))
        if firm and out and all(isinstance(w, Pad) for w in out):
            return Lit(text)
        return joined(*out)

    def plain(self, text: str) -> Word:
        """A text as it is, without `Pad`s."""
        return joined(*self.markup(text))

    def respelled(self, word: Word) -> Word:
        """A tree with its `Lit`s split at control tokens."""
        if isinstance(word, Lit):
            return self.plain(word.text)
        if isinstance(word, Seq):
            return joined(*map(self.respelled, word.parts))
        if isinstance(word, Frame):
            return Frame(word.kind, self.respelled(word.body))
        if isinstance(word, If):
            return If(word.test, self.respelled(word.word))
        if isinstance(word, Choice):
            return Choice(*map(self.respelled, word.items))
        if isinstance(word, Many):
            item, sep, opener, close = map(self.respelled, (word.item, word.sep, word.open, word.close))
            return Many(item, sep, opener, close, word.together)
        return word


def _padded(words: list[Word]) -> list[Word]:
    """White space of texts that is next to a control token as `Pad`s."""
    out: list[Word] = []
    for i, word in enumerate(words):
        if isinstance(word, Lit):
            core = word.text.lstrip() if i else word.text
            lead, core = word.text[: len(word.text) - len(core)], core.rstrip() if i + 1 < len(words) else core
            tail = word.text[len(lead) + len(core) :]
            out += [w for w in (Pad(lead), Lit(core), Pad(tail)) if w.text]
        else:
            out.append(word)
    return out


def joined(*words: Word) -> Word:
    """Words one after the other, as one word where there is one; neighbouring texts are one."""
    out: list[Word] = []
    for word in words:
        for part in word.parts if isinstance(word, Seq) else (word,):
            last = out[-1] if out else None
            if isinstance(part, (Lit, Pad)) and not part.text:
                continue
            if isinstance(part, Lit) and isinstance(last, Lit):
                out[-1] = Lit(last.text + part.text)
            else:
                out.append(part)
    return out[0] if len(out) == 1 else Seq(tuple(out)) if out else NOTHING


def literals(word: Word) -> Iterable[str]:
    """The texts of a tree's markup."""
    if isinstance(word, (Lit, Tok)):
        yield word.text
    elif isinstance(word, End):
        yield from word.toks
    for inner in children(word):
        yield from literals(inner)
