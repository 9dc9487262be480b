"""Where the characters of a stream come from: spans in characters to ranges of tokens.

A parser appends a token's end as it is fed and forgets what no event can ask for any more, so that the map is
as long as what is held back.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from ..events import Span


class TokenMap:
    """From characters of the stream to tokens: `ends[i]` is where the characters of token `base + i` end, plus
    a half where bytes of a character that is not whole yet are left over."""

    __slots__ = ("base", "ends")

    def __init__(self) -> None:
        self.base = 0
        self.ends: list[float] = []

    def range(self, start: int, stop: int) -> Span:
        """The tokens that cover characters [start, stop); an empty range for no characters."""
        first = bisect_right(self.ends, start)
        if stop <= start:
            return (self.base + first, self.base + first)
        return (self.base + first, self.base + min(bisect_left(self.ends, stop) + 1, len(self.ends)))

    def forget(self, before: int) -> None:
        """Drop the tokens whose characters all end at or before `before`."""
        n = bisect_right(self.ends, before)
        if n:
            del self.ends[:n]
            self.base += n
