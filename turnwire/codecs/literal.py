"""A value on its way from what a model writes to JSON text, piece by piece.

JSON passes through as it is. Of Python literals the tokens are translated as they come (quotes of all kinds, True,
False, None, tuples, a last comma, escapes), so that a value need not wait for its end. Nothing is checked: the
text that comes out is read as strict JSON when the value is whole. Held back is at most a word, an escape or two
quotes. With `lenient`, a raw line end in a string is taken for an escaped one, as it is between triple quotes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .text import escaped

CONSTANTS = {"True": "true", "False": "false", "None": "null"}
BRACKETS = {"(": "[", ")": "]"}
ESCAPES = {"a": "\a", "v": "\v", "0": "\0", "\n": ""}
HEX = {"x": 2, "U": 8}  # escapes that JSON lacks, and their digits
MAX_WORD = 64
# Text that is copied, by the quote that ends its string: escapes that JSON has too (bounded: each takes memory).
_PLAIN = '[^%s"\\\\\x00-\x1f\ud800-\udfff]*'
_RUN = _PLAIN + "(?:\\\\[^avxU0'\x00-\x1f\ud800-\udfff]" + _PLAIN + "){0,1000}"
RUNS = {quote: re.compile(_RUN % (quote, quote)).match for quote in "\"'"}
RAW_RUNS = {quote: re.compile(f"[^{quote}\ud800-\udfff]*").match for quote in "\"'"}


class LiteralStream:
    """`feed` text, get JSON text; `close` gives what was held back."""

    __slots__ = ("comma", "delimiter", "depth", "escape", "lenient", "opening", "quotes", "word")

    def __init__(self, lenient: bool = False) -> None:
        self.lenient = lenient
        self.depth = 0
        self.delimiter = ""  # of the open string
        self.opening = ""  # quotes that open a string, or are an empty one
        self.quotes = 0  # of the three that close a string, how many were read
        self.escape: str | None = None  # an escape as far as it was read, its backslash left out
        self.word = ""  # a bare word as far as it was read
        self.comma = ""  # a comma and blanks behind it: dropped before a closing bracket that is not JSON's habit

    @property
    def inside(self) -> bool:
        """Whether a string is open (or may be: two quotes were read)."""
        return bool(self.delimiter or self.opening)

    def run(self, text: str, i: int) -> int:
        """The end of what is copied as it is, from `text[i]` on: none outside strings."""
        if not self.delimiter or self.escape is not None or self.quotes or self.opening:
            return i
        return RUNS[self.delimiter[0]](text, i).end()  # type: ignore[union-attr]

    def where(self) -> tuple[Any, ...] | None:
        """All that matters for how text goes on, inside a string; None elsewhere, and in an escape of many digits."""
        if not self.delimiter or self.opening or (self.escape is not None and len(self.escape) > 1):
            return None
        return self.delimiter, self.quotes, self.escape, self.depth, self.lenient

    def resume(self, where: tuple[Any, ...]) -> None:
        """Be where `where` said."""
        self.delimiter, self.quotes, self.escape, self.depth, self.lenient = where
        self.opening = self.word = self.comma = ""

    def feed(self, text: str) -> str:
        """The JSON text of `text`, as far as it is certain."""
        out: list[str] = []
        i, n = 0, len(text)
        while i < n:
            end = self.run(text, i)
            if end > i:
                out.append(text[i:end])
                i = end
                continue
            c = text[i]
            i += 1
            if self.escape is not None:
                self._escaped(c, out)
            elif self.opening:
                self._opened(c, out)
            elif self.delimiter:
                self._in_string(c, out)
            else:
                self._outside(c, out)
        return "".join(out)

    def close(self) -> str:
        """What is left."""
        out: list[str] = []
        if len(self.opening) == 2:
            self.opening = ""
            out.append('""')
        self._flush(out)
        return "".join(out)

    def _flush(self, out: list[str]) -> None:
        out += (self.comma, CONSTANTS.get(self.word, self.word))
        self.comma = self.word = ""

    def _outside(self, c: str, out: list[str]) -> None:
        if c in " \t\r\n":
            if self.comma:
                self.comma += c
            elif self.depth:
                self._flush(out)
                out.append(c)
            return
        if (c.isalpha() or (self.word and c.isalnum())) and len(self.word) < MAX_WORD:
            if self.comma:
                self._flush(out)
            self.word += c
            return
        if c in "]})" and self.comma:
            self.comma = ""
        self._flush(out)
        if c == ",":
            self.comma = c
        elif c in "\"'":
            self.opening = c
        else:
            self.depth += (c in "[{(") - (c in "]})")
            out.append(BRACKETS.get(c, c))

    def _opened(self, c: str, out: list[str]) -> None:
        """Behind one or two quotes: a string in quotes of one or of three, or an empty one."""
        if c == self.opening[0]:
            self.opening += c
            if len(self.opening) == 3:
                self.delimiter, self.opening = self.opening, ""
                out.append('"')
        elif len(self.opening) == 1:
            self.delimiter, self.opening = self.opening, ""
            out.append('"')
            self._in_string(c, out)
        else:
            self.opening = ""
            out.append('""')
            self._outside(c, out)

    def _in_string(self, c: str, out: list[str]) -> None:
        if c == self.delimiter[0]:
            self.quotes += 1
            if self.quotes == len(self.delimiter):
                self.delimiter, self.quotes = "", 0
                out.append('"')
            return
        if self.quotes:
            out.append(escaped(self.delimiter[0] * self.quotes))
            self.quotes = 0
        if c == "\\":
            self.escape = ""
        elif c == '"' or (c < " " and (self.lenient or len(self.delimiter) == 3)):
            out.append(escaped(c))
        else:
            out.append(c)

    def _escaped(self, c: str, out: list[str]) -> None:
        self.escape = (self.escape or "") + c
        kind = self.escape[0]
        if kind in HEX and len(self.escape) <= HEX[kind]:
            return
        escape, self.escape = self.escape, None
        if kind in HEX:
            try:
                out.append(json.dumps(chr(int(escape[1:], 16)))[1:-1])
            except (ValueError, OverflowError):
                out.append("\\" + escape)
        elif kind == "'":
            out.append("'")
        else:
            out.append(json.dumps(ESCAPES[kind])[1:-1] if kind in ESCAPES else "\\" + escape)


class RawStream(LiteralStream):
    """Strings outside brackets are text as it is, without escapes: whoever feeds it says (`end`) which quote is the
    last, and feeds no text that goes beyond."""

    __slots__ = ()

    @property
    def raw(self) -> bool:
        """Whether such a string is open."""
        return bool(self.delimiter) and not self.depth

    def run(self, text: str, i: int) -> int:
        return RAW_RUNS[self.delimiter](text, i).end() if self.raw else super().run(text, i)  # type: ignore[union-attr]

    def feed(self, text: str) -> str:
        return escaped(text) if self.raw else super().feed(text)

    def end(self) -> str:
        """The open string ends here."""
        self.delimiter = ""
        return '"'

    def _outside(self, c: str, out: list[str]) -> None:
        if self.depth or c not in "\"'":
            super()._outside(c, out)
            return
        self._flush(out)
        self.delimiter = c
        out.append('"')
