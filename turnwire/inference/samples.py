"""The calls that a template is asked to write, and what it wrote: the evidence that a notation is judged by."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Ask = Callable[[str, Mapping[str, Any], "str | None"], "str | None"]
"""(name, arguments, id) -> the text of an assistant turn that holds this call alone; None if the template refuses."""

NAME, OTHER = "zqfna", "zqother"
KEY, SECOND = "zqkeyb", "zqkeya"  # not in order, so that sorting shows
VALUE, LAST = "zqvala", "zqvalb"
IDS = ("zqid00aa1", "functions.{name}:0", "zqid00aa1zqid")
"""Ids that templates take: of nine letters and digits; with the function's name; others."""

ONE: dict[str, Any] = {KEY: VALUE}
TWO: dict[str, Any] = {KEY: VALUE, SECOND: LAST}

SURROGATE = re.compile("[\ud800-\udfff]")

PROBES: dict[str, tuple[Any, ...]] = {
    "string": (VALUE, "two words", " blanks "),
    "string with quotes": ("a \"b\" 'c'", "it's"),
    "string with backslashes": ("C:\\new\\dir",),
    "string with line ends": ("a\nb\n\nc",),
    "string with markup": ("a < b & c > d",),
    "string of other scripts": ("é 東京 🎈",),
    "empty string": ("",),
    "string that looks like another type": ("42", "true", "null", '{"a": 1}'),
    "integer": (0, 42, -7),
    "number": (2.5, -0.125),
    "boolean": (True, False),
    "null": (None,),
    "array": ([1, "a b", "q\"'", True, None, 0.5], [["x"], [1, 2]]),
    "object": ({"zb": "é\n", "za": 1}, {"x": {"y": [1, {"z": None}]}}),
    "empty array": ([],),
    "empty object": ({},),
}
"""Values by what they test."""


class NoNotation(Exception):
    """Nothing of the vocabulary fits what the template writes; `reasons` say why."""

    def __init__(self, *reasons: str):
        super().__init__("; ".join(reasons))
        self.reasons = reasons


class Samples:
    """Asks once for each call, with an id under which the template shows everything. Raises `NoNotation` where there
    is none."""

    def __init__(self, ask: Ask):
        self._ask = ask
        self._known: dict[tuple[str, str, str | None], str | None] = {}
        best: list[str] = []
        for id in (*IDS, None):
            self._id = id
            text = self.text(ONE)
            shown = [s for s in (NAME, KEY, VALUE) if text is not None and s in text]
            if len(shown) == 3:
                self.base = text or ""
                return
            best = max(best, shown, key=len)
        missing = [what for s, what in ((NAME, "name"), (KEY, "key"), (VALUE, "value")) if s not in best]
        raise NoNotation(f"a call is written without its {' and '.join(missing)}")

    def id(self, name: str = NAME) -> str | None:
        """The id that a call of `name` is given."""
        return self._id.replace("{name}", name) if self._id is not None else None

    def refuses(self, id: str) -> bool:
        """Whether the template does not take an id."""
        return self._ask(NAME, ONE, id) is None

    def text(self, arguments: Mapping[str, Any], name: str = NAME) -> str | None:
        """The turn that holds this call; None for one that is no text, too."""
        asked = (name, json.dumps(arguments), self._id)
        if asked not in self._known:
            text = self._ask(name, arguments, self.id(name))
            self._known[asked] = None if text is None or SURROGATE.search(text) else text
        return self._known[asked]

    def trials(self) -> list[tuple[str, dict[str, Any], str]]:
        """All calls one by one, with what each tests: (what, arguments, name)."""
        calls: list[tuple[str, dict[str, Any], str]] = [
            ("two arguments", TWO, NAME), ("no arguments", {}, NAME), ("another name", TWO, OTHER)
        ]  # fmt: skip
        return calls + [(label, {KEY: value}, NAME) for label, values in PROBES.items() for value in values]


def everything() -> dict[str, Any]:
    """The arguments of one call with a value of each kind, keys not in order."""
    values = [value for kind in PROBES.values() for value in kind]
    return {f"zq{chr(97 + 7 * n % 26)}{n}": value for n, value in enumerate(values)}
