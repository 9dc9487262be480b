"""Table: the markers that may come at one place, searched for in linear time.

Tries of literals as regular expressions: nothing in them backtracks further than one marker's length. To make one takes
as long as a hundred searches, and most places of a format are seldom or never at work: so the first searches look for
each marker by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import FormatError

if TYPE_CHECKING:
    from .compile import Hit

MAX_MARKER = 192  # characters: a trie nests as deep
FIRST = 64  # searches of each kind that are made without a trie


class Found:
    """A marker in a text, as `re.Match` says it."""

    __slots__ = ("_end", "_start", "_text")

    def __init__(self, text: str, start: int, end: int):
        self._text, self._start, self._end = text, start, end

    def start(self) -> int:
        """Where it begins."""
        return self._start

    def end(self) -> int:
        """Where it ends."""
        return self._end

    def group(self) -> str:
        """The marker."""
        return self._text[self._start : self._end]


def checked(marker: str) -> str:
    """The marker, if a table can take it."""
    if len(marker) > MAX_MARKER:
        problem = f"a marker of {len(marker)} characters"
        raise FormatError(problem, value=marker, path="reply", expected=f"at most {MAX_MARKER}")
    return marker


Match = re.Match[str] | Found
Search = Callable[..., "re.Match[str] | Found | None"]


class Table:
    """Markers to look for. `search` finds the leftmost one (the longest there), or a beginning of one at the end of the
    text. `search_whole` and `match` (at that very place) find no beginnings; `sub` replaces markers."""

    __slots__ = ("_heads", "_whole", "by", "longest", "match", "prefixes", "search", "search_whole")
    prefixes: set[str]
    search: Search
    search_whole: Search
    match: Search
    _whole: re.Pattern[str]
    _heads: dict[str, list[str]]  # by what they begin with, the longest first

    def __init__(self, by: dict[str, Hit]):
        self.by = by
        self.longest = len(checked(max(by, key=len, default="")))

    def __getattr__(self, name: str) -> Any:
        """What it searches with is made when it first does: many places of a format are never reached."""
        if name == "prefixes":
            self.prefixes = {w[:i] for w in self.by for i in range(1, len(w))}
        elif name == "search":
            self.search = self._first(name, self._leftmost, lambda: re.compile(_trie(list(self.by), True)).search)
        elif name == "search_whole":
            self.search_whole = self._first(name, self._leftmost_whole, lambda: self._whole.search)
        elif name == "match":
            self.match = self._first(name, self._here, lambda: self._whole.match)
        elif name == "_heads":
            heads: dict[str, list[str]] = {}  # other threads see it when it is whole
            for w in sorted(self.by, key=len, reverse=True):
                heads.setdefault(w[0], []).append(w)
            self._heads = heads
        elif name == "_whole":
            self._whole = re.compile(_trie(list(self.by), False))
        else:
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def _first(self, name: str, simple: Search, trie: Callable[[], Search]) -> Search:
        """Searches without a trie for the first times, then with it, by itself."""
        if not self.by:
            return _nowhere
        left = FIRST
        search = simple

        def first(text: str, at: int = 0) -> Any:
            nonlocal left, search
            left = now = left - 1  # by several threads: each number is some thread's
            if not now:
                search = trie()
                if getattr(self, name) is first:
                    setattr(self, name, search)
            return search(text, at)

        return first

    def _here(self, text: str, at: int = 0) -> Found | None:
        for w in self._heads.get(text[at : at + 1], ()):
            if text.startswith(w, at):
                return Found(text, at, at + len(w))
        return None

    def _leftmost_whole(self, text: str, at: int = 0) -> Found | None:
        first = len(text) + 1
        for w in self.by:
            i = text.find(w, at, first + len(w))
            first = i if 0 <= i < first else first
        return self._here(text, first) if first <= len(text) else None

    def _leftmost(self, text: str, at: int = 0) -> Found | None:
        found = self._leftmost_whole(text, at)
        size = len(text)
        last = size if found is None else found.start() + 1
        for i in range(max(at, size - self.longest + 1), last):
            if text[i] in self._heads and text[i:] in self.prefixes:
                return Found(text, i, size)
        return found

    def sub(self, by: Callable[[Any], str], text: str) -> str:
        """The text with what `by` makes of each marker."""
        out: list[str] = []
        at = 0
        while m := self.search_whole(text, at):
            out += (text[at : m.start()], by(m))
            at = m.end()
        return "".join((*out, text[at:])) if at else text

    def begins(self, s: str, i: int) -> bool:
        """Whether all of `s[i:]` is the beginning of a marker, and not the whole of it."""
        return len(s) - i < self.longest and s[i:] in self.prefixes


def _nowhere(text: str, at: int = 0) -> None:
    """No markers, nothing found."""


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
