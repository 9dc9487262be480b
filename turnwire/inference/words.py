"""Trees, changed: control tokens put in the place of their spellings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ..wire import NOTHING, Choice, Frame, If, Lit, Many, Seq, Switch, Tok, Word


def spelled(word: Word, tokens: Iterable[str]) -> Word:
    """The same tree, where ordinary text spells one of the tokens the token itself. The longest counts."""
    known = sorted({t for t in tokens if t}, key=len, reverse=True)
    if not known:
        return word
    return _walk(word, re.compile("(" + "|".join(map(re.escape, known)) + ")"))


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
        return Many(*(_walk(w, known) for w in (word.item, word.sep, word.open, word.close)))
    if isinstance(word, Switch):
        cases = tuple(replace(case, body=_walk(case.body, known)) for case in word.cases)
        return replace(word, close=_walk(word.close, known), cases=cases)
    return word
