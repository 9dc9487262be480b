"""Trees, changed: control tokens put in the place of their spellings; line ends read where none are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ..wire import NOTHING, Choice, Frame, If, Lit, Many, Pad, Seq, Switch, Tok, Word


def spelled(word: Word, tokens: Iterable[str]) -> Word:
    """The same tree, where ordinary text spells one of the tokens the token itself. The longest counts."""
    known = sorted({t for t in tokens if t}, key=len, reverse=True)
    if not known:
        return word
    return _walk(word, re.compile("(" + "|".join(map(re.escape, known)) + ")"))


TAGS = re.compile("(?<=>)(?=<)")
ANY = Choice(NOTHING, Pad("\n"))


def loosened(body: Word, behind: str) -> Word:
    """The body of a call whose tags stand close, and that reads a line end between any two of them, and behind the
    name: models write those. `behind`: the text that follows."""
    out: list[Word] = []
    for part in body.parts if isinstance(body, Seq) else (body,):
        pieces: list[Word] = [part]
        if isinstance(part, Lit):
            pieces = [Lit(text) for text in TAGS.split(part.text)]
        elif isinstance(part, Many) and isinstance(part.item, Frame):
            item = loosened(part.item.body, behind)
            if part.sep == part.close == NOTHING and _closed(item) and behind.startswith("<"):
                item = item + ANY
            pieces = [replace(part, item=replace(part.item, body=item))]
        for piece in pieces:
            if out and _opens(piece) and (_closed(out[-1]) or getattr(out[-1], "kind", "") == "name"):
                out.append(ANY)
            out.append(piece)
    return out[0] if len(out) == 1 else Seq(tuple(out))


def _opens(word: Word) -> bool:
    """Whether a tag begins here."""
    if isinstance(word, Many) and isinstance(word.item, Frame):
        word = word.item.body if word.open == NOTHING else word.open
    if isinstance(word, Seq) and word.parts:
        word = word.parts[0]
    return isinstance(word, Lit) and word.text.startswith("<")


def _closed(word: Word) -> bool:
    """Whether a tag ends here."""
    if isinstance(word, Seq) and word.parts:
        word = word.parts[-1]
    return isinstance(word, Lit) and word.text.endswith(">")


def _walk(word: Word, known: re.Pattern[str]) -> Word:
    if isinstance(word, Lit):
        pieces = [(Tok if n % 2 else Lit)(piece) for n, piece in enumerate(known.split(word.text)) if piece]
        return pieces[0] if len(pieces) == 1 else Seq(tuple(pieces))
    if isinstance(word, Seq):
        out: Word = NOTHING
        for part in word.parts:
            out = out + _walk(part, known)
        return out
    if isinstance(word, Frame):
        return replace(word, body=_walk(word.body, known))
    if isinstance(word, If):
        return replace(word, word=_walk(word.word, known))
    if isinstance(word, Choice):
        return Choice(*(_walk(item, known) for item in word.items))
    if isinstance(word, Many):
        item, sep, opener, close = (_walk(w, known) for w in (word.item, word.sep, word.open, word.close))
        return Many(item, sep, opener, close, word.together)
    if isinstance(word, Switch):
        cases = tuple(replace(case, body=_walk(case.body, known)) for case in word.cases)
        return replace(word, close=_walk(word.close, known), cases=cases)
    return word
