"""The calls that a template is asked to write, and what it wrote: the evidence that a notation is judged by."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

Ask = Callable[[str, Mapping[str, Any], "str | None"], "str | None"]
"""(name, arguments, id) -> the text of an assistant turn that holds this call alone; None if the template refuses."""

NAME, OTHER = "zqfna", "zqOther-f_".ljust(64, "x")  # as long as one may be
KEY, SECOND = "zqkeyb", "zqKey_a"  # not in order, so that sorting shows
VALUE, LAST = "zqvala", "zqvalb"
IDS = ("zqid00aa1", "functions.{name}:0", "zqid00aa1zqid")
"""Ids that templates take: of nine letters and digits; with the function's name; others."""

ONE: dict[str, Any] = {KEY: VALUE}
TWO: dict[str, Any] = {KEY: VALUE, SECOND: LAST}
MANY: dict[str, Any] = {f"zqkey{n}": f"zqval{n}" for n in range(12)}

LONG = 1_000  # characters
OTHER_TYPE = re.compile(r"-?\d[\d.]*|true|false|null|None|True|False|[\[{].*[\]}]", re.DOTALL)
SURROGATE = re.compile("[\ud800-\udfff]")

PROBES: dict[str, tuple[Any, ...]] = {
    "string": (VALUE, "two words", " blanks ", "Mixed CASE, 70%?"),
    "string with quotes": ("a \"b\" 'c'", "it's"),
    "string with backslashes": ("C:\\new\\dir",),
    "string with line ends": ("a\nb\n\nc",),
    "string with markup": ("a < b & c > d",),
    "string of other scripts": ("é 東京 🎈",),
    "empty string": ("",),
    "string that looks like another type": ("42", "true", "null", "[1]"),
    "integer": (0, 42, -7),
    "number": (2.5, -0.125),
    "boolean": (True, False),
    "null": (None,),
    "array": (["a b", "q\"'", "é\n"], [["x"], ["y"]], [1, 2]),
    "array of several types": ([1, "a b", True, 0.5], [{"a": 1}, {"a": "x"}]),
    "object": ({"zb": "é\n", "za": 1}, {"x": {"y": [{"z": False}]}}),
    "null in an array or object": ([1, None], {"a": None}),
    "empty array": ([],),
    "empty object": ({},),
    "long string": ("many words " * 200 + "end",),
}
"""Values by what they test."""


def kinds_of(value: Any) -> set[str]:
    """Which of these a value is an example of."""
    if isinstance(value, str):
        found = {
            "string with quotes": "'" in value or '"' in value,
            "string with backslashes": "\\" in value,
            "string with line ends": "\n" in value,
            "string with markup": any(c in value for c in "<>&"),
            "string of other scripts": not value.isascii(),
            "long string": len(value) > LONG,
            "empty string": not value,
            "string that looks like another type": OTHER_TYPE.fullmatch(value) is not None,
        }
        return {"string", *(kind for kind, is_so in found.items() if is_so)}
    if isinstance(value, (list, Mapping)):
        held = cast("list[Any]", value if isinstance(value, list) else [*cast("Mapping[str, Any]", value).values()])
        found = {
            "array": bool(held) and isinstance(value, list),
            "object": bool(held) and not isinstance(value, list),
            "empty array": not held and isinstance(value, list),
            "empty object": not held and not isinstance(value, list),
            "array of several types": isinstance(value, list) and any(schema(v) != schema(held[0]) for v in held),
            "null in an array or object": None in held,
        }
        inside = {"array of several types", "null in an array or object"}
        nested = {kind for v in held for kind in kinds_of(v) & inside}
        return nested | {kind for kind, is_so in found.items() if is_so}
    return {{"boolean": "boolean", "integer": "integer", "number": "number"}.get(schema(value)["type"], "null")}


def schema(value: Any) -> dict[str, Any]:
    """The type of a value, and of what is in it."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {"type": "object", "properties": {key: schema(inner) for key, inner in members.items()}}
    if isinstance(value, list):
        items = [schema(item) for item in cast("list[Any]", value)]
        alike = items and all(item == items[0] for item in items)
        return {"type": "array", "items": items[0]} if alike else {"type": "array"}
    kinds = ((str, "string"), (int, "integer"), (float, "number"))
    return {"type": next((name for type, name in kinds if isinstance(value, type)), "null")}


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
        calls += [(label, {KEY: value}, NAME) for label, values in PROBES.items() for value in values]
        return [*calls, ("many arguments", MANY, NAME)]


def everything() -> dict[str, Any]:
    """The arguments of one call with a value of each kind, keys not in order."""
    values = [value for kind in PROBES.values() for value in kind]
    return {f"zq{chr(97 + 7 * n % 26)}{n}": value for n, value in enumerate(values)}
