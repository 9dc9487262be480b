"""How a tree writes parts: read once, then asked for many."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import TurnwireError
from ..templating.reply import NoPlace, Plan, write_reply
from ..templating.writer import Writer
from ..turns import Part
from ..wire import Symbols, Word, control_tokens


class Hand:
    """See the head of this file."""

    def __init__(self, word: Word):
        self._symbols = Symbols(tuple(control_tokens(word)))
        self._plan = Plan(word, self._symbols)

    def writes(self, parts: Sequence[Part]) -> str:
        """What is written; raises where there is no place for a part."""
        w = Writer(self._symbols, str)
        write_reply(w, self._plan, tuple(enumerate(parts)), {}, history=False)
        return self._symbols.show(w.said(0))

    def tries(self, parts: Sequence[Part]) -> str | None:
        """As `writes`; None where it raises."""
        try:
            return self.writes(parts)
        except (NoPlace, TurnwireError):
            return None
