"""Table: the markers that may come at one place, searched for in linear time.

Tries of literals as regular expressions: nothing in them backtracks further than one marker's length.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import FormatError

if TYPE_CHECKING:
    from .compile import Hit

MAX_MARKER = 192  # characters: a trie nests as deep


class Table:
    """Markers to look for. `search` finds the leftmost marker, or a beginning of one at the end of the text."""

    __slots__ = ("by", "longest", "match", "prefixes", "search", "search_whole", "sub")
    prefixes: set[str]
    search: Callable[..., re.Match[str] | None]
    search_whole: Callable[..., re.Match[str] | None]
    match: Callable[..., re.Match[str] | None]
    sub: Callable[[Callable[[re.Match[str]], str], str], str]

    def __init__(self, by: dict[str, Hit]):
        self.by = by
        self.longest = max(map(len, by), default=0)
        if self.longest > MAX_MARKER:
            problem, longest = f"a marker of {self.longest} characters", max(by, key=len)
            raise FormatError(problem, value=longest, path="reply", expected=f"at most {MAX_MARKER}")

    def __getattr__(self, name: str) -> Any:
        """What it searches with is made when it first does: many places of a format are never reached."""
        if name == "prefixes":
            self.prefixes = {w[:i] for w in self.by for i in range(1, len(w))}
        elif name == "search":
            self.search = re.compile(_trie(list(self.by), partial=True)).search
        elif name in ("search_whole", "match", "sub"):
            whole = re.compile(_trie(list(self.by), partial=False))
            self.search_whole, self.match, self.sub = whole.search, whole.match, whole.sub
        else:
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def begins(self, s: str, i: int) -> bool:
        """Whether all of `s[i:]` is the beginning of a marker, and not the whole of it."""
        return len(s) - i < self.longest and s[i:] in self.prefixes


def _trie(words: list[str], partial: bool) -> str:
    if not words:
        return "(?!)"
    by: dict[str, list[str]] = {}
    for w in words:
        by.setdefault(w[0], []).append(w[1:])
    branches: list[str] = []
    for c, rests in by.items():
        longer = [r for r in rests if r]
        inner = _trie(longer, partial) if longer else ""
        if longer and partial:
            inner = f"(?:{inner}|\\Z)"
        if longer and len(longer) < len(rests):
            inner = f"(?:{inner})?"
        branches.append(re.escape(c) + inner)
    return "(?:" + "|".join(branches) + ")"


NO_MARKERS = Table({})
