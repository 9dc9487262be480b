"""Short values: names, keys, and the value of one argument."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..turns import Call
from .text import dumps


@dataclass(frozen=True, slots=True)
class Name:
    """A name or a key: one line without the characters in `without`, of at most `limit` characters. What cannot
    be one is no reason to believe the marker before it. `waits`: attributes of the call may come behind it, and are
    waited for."""

    limit: int = 128
    without: str = "<>"
    waits: bool = False

    @property
    def word(self) -> re.Pattern[str]:
        """Matches as much of a name as there is."""
        return re.compile(rf"[^\r\n{re.escape(self.without)}\ud800-\udfff]{{1,{self.limit}}}")


@dataclass(frozen=True, slots=True)
class CallId(Name):
    """The id of a call, in an "attrs" slot."""

    def read(self, text: str) -> dict[str, str]:
        return {"id": text.strip()} if text.strip() else {}

    def write(self, call: Call, index: int) -> str:
        return call.id or ""


@dataclass(frozen=True, slots=True)
class Noise:
    """Text of a "noise" slot, of at most `limit` characters without `without`: more is no reason to believe the marker
    before it."""

    limit: int = 16  # what the machine looks ahead
    without: str = "<>"

    @property
    def word(self) -> re.Pattern[str]:
        """Matches as much of it as there is."""
        return re.compile(rf"[^{re.escape(self.without)}\ud800-\udfff]{{1,{self.limit}}}")


@dataclass(frozen=True, slots=True)
class Value:
    """One argument's value in a key-value syntax: strings as they are, containers as JSON, other scalars as
    JSON or, `python=True`, as Jinja's `string` filter prints them (True, None); `containers`: so are containers.
    A string with one of the characters `of` is written between the two texts `around`; it is the tree that reads them,
    `Choice(NOTHING, Lit(...))`."""

    python: bool = False
    containers: bool = False
    of: str = ""
    around: tuple[str, str] = ("", "")

    notation = "key-value"

    def write(self, value: Any) -> str:
        if isinstance(value, str):
            begin, end = self.around
            return f"{begin}{value}{end}" if any(c in value for c in self.of) else value
        return str(value) if self.python and (self.containers or not isinstance(value, (dict, list))) else dumps(value)
