"""A container value on its way from what a model writes to JSON text, piece by piece.

JSON passes through as it is. Of Python literals the tokens are translated as they come (single quotes, True,
False, None, tuples, a last comma, escapes), so that a value need not wait for its end. Nothing is checked: the
text that comes out is read as strict JSON when the value is whole. Held back is at most a word or an escape.
"""

from __future__ import annotations

import json

CONSTANTS = {"True": "true", "False": "false", "None": "null"}
BRACKETS = {"(": "[", ")": "]"}
ESCAPES = {"a": "\a", "v": "\v", "0": "\0", "\n": ""}
HEX = {"x": 2, "U": 8}  # escapes that JSON lacks, and their digits
MAX_WORD = 64


class LiteralStream:
    """`feed` text, get JSON text; `close` gives what was held back."""

    __slots__ = ("comma", "delimiter", "depth", "escape", "word")

    def __init__(self) -> None:
        self.depth = 0
        self.delimiter = ""  # of the open string
        self.escape: str | None = None  # an escape as far as it was read, its backslash left out
        self.word = ""  # a bare word as far as it was read
        self.comma = ""  # a comma and blanks behind it: dropped before a closing bracket that is not JSON's habit

    def feed(self, text: str) -> str:
        """The JSON text of `text`, as far as it is certain."""
        out: list[str] = []
        for c in text:
            if self.escape is not None:
                self._escaped(c, out)
            elif self.delimiter:
                self._in_string(c, out)
            else:
                self._outside(c, out)
        return "".join(out)

    def close(self) -> str:
        """What is left."""
        out: list[str] = []
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
            self.delimiter = c
            out.append('"')
        else:
            self.depth += (c in "[{(") - (c in "]})")
            out.append(BRACKETS.get(c, c))

    def _in_string(self, c: str, out: list[str]) -> None:
        if c == self.delimiter:
            self.delimiter = ""
            out.append('"')
        elif c == "\\":
            self.escape = ""
        else:
            out.append('\\"' if c == '"' else c)

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
