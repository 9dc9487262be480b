"""Values that a template writes out whole, as JSON or as Python shows them.

The text is what `json.dumps` and `str` make; the origins are found later, by walking the value beside the text: they
account for each character of it, or nothing is known. Quotes, brackets and commas are the template's, with the
path of the value; true, false and null are data where the field is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, cast

from ..origins import Key
from .traced_text import UNKNOWN, Rope, Run, Source, Text, placed, run_of, sources
from .traced_values import Listed, Mapped, Path, Real, Whole, path_of

_ODD = re.compile(r"[^ !#-&(-\[\]-~]")  # what JSON or Python may write in another way
_WORDS = {True: "true", False: "false", None: "null"}


class _Lost(Exception):
    """The text is not what the value should give."""


class _Walk:
    """Goes along a text."""

    def __init__(self, text: str, mark: Source):
        self.text, self.mark, self.runs = text, mark, list[Run]()
        self.done = self.at = 0  # behind the last run; behind the last character that is accounted for

    def skip(self, mark: str) -> None:
        """Punctuation."""
        if not self.text.startswith(mark, self.at):
            raise _Lost
        self.at += len(mark)

    def add(self, size: int, node: Source | Rope, offset: int, line: int = 0) -> None:
        """What shows a value."""
        if self.at > self.done:
            self.runs.append((self.at - self.done, self.mark, -1, 0))
        self.runs.append((size, node, offset, line))
        self.at += size
        self.done = self.at

    def string(self, value: str, encode: Callable[[str], str]) -> None:
        """A string in quotes."""
        shown = encode(value)
        if not self.text.startswith(shown, self.at):
            raise _Lost
        self.at += 1
        inside = len(shown) - 2
        if inside == len(value):  # each character stands for itself
            if inside:
                self.add(*run_of(value))
        else:
            stop = self.at + inside
            self._escaped(value, encode, shown[0])
            if self.at != stop:
                raise _Lost
        self.at += 1

    def _escaped(self, value: str, encode: Callable[[str], str], quote: str) -> None:
        start = 0
        plain = str.__getitem__(value, slice(None))
        for length, node, at, line in sources(value):
            last, stop = start, start + length
            for found in _ODD.finditer(plain, start, stop):
                c, i = found.group(), found.start()
                size = 1 if c in "'\"" and c != quote else 2 if c == quote else len(encode(c)) - 2
                if size != 1:
                    if i > last:
                        self.add(i - last, node, at + last - start if at >= 0 else -1, line)
                    self.add(size, node, -1, line)
                    last = i + 1
            if stop > last:
                self.add(stop - last, node, at + last - start if at >= 0 else -1, line)
            start = stop

    def scalar(self, value: Any, shown: str, path: Path | None) -> None:
        """A number, true, null or what else has no characters of its own."""
        if not self.text.startswith(shown, self.at):
            raise _Lost
        if type(value) in (Whole, Real):
            path = path_of(value)
        elif not (path and (value is None or isinstance(value, bool))):
            self.add(len(shown), UNKNOWN, -1)
            return
        self.add(len(shown), Source("data", 0, cast("Path", path)), -1)

    def end(self) -> list[Run]:
        if self.at != len(self.text):
            raise _Lost
        if self.at > self.done:
            self.runs.append((self.at - self.done, self.mark, -1, 0))
        return self.runs


def _lazily(text: str, mark: Source, go: Callable[[_Walk], None]) -> Text:
    def runs() -> list[Run]:
        walk = _Walk(text, mark)
        try:
            go(walk)
            return walk.end()
        except (_Lost, RecursionError):
            return [(len(text), UNKNOWN, -1, 0)]

    return placed(text, Rope(runs))


def _mark(value: Any, *extra: Any) -> Source:
    """Of punctuation: the template's, unless data says what it is."""
    ours = all(run[1].kind == "template" for e in extra if isinstance(e, str) for run in sources(e))
    return Source("template", 0, path_of(value) or ()) if ours else UNKNOWN


def tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """As `jinja.tojson`."""
    text = json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
    encode = json.encoder.encode_basestring_ascii if ensure_ascii else json.encoder.encode_basestring
    between, colon = separators or ((", ", ": ") if indent is None else (",", ": "))
    step = indent if isinstance(indent, str) else None if indent is None else " " * indent

    def go(walk: _Walk) -> None:
        def visit(value: Any, path: Path | None, level: int) -> None:
            if isinstance(value, str):
                walk.string(value, encode)
            elif isinstance(value, (dict, list, tuple)):
                inner = "" if step is None else "\n" + step * (level + 1)
                own = path_of(value)
                keyed = isinstance(value, dict)
                walk.skip("{" if keyed else "[")
                items: Any = cast("Any", value)
                if keyed:
                    items = sorted(items.items()) if sort_keys else items.items()
                else:
                    items = enumerate(items)
                first = True
                for key, item in items:
                    walk.skip(inner if first else between + inner)
                    first = False
                    if keyed:
                        if isinstance(key, str):
                            walk.string(key, encode)
                        else:
                            walk.skip('"')
                            walk.scalar(key, _scalar(key), own and (*own, Key(key)))
                            walk.skip('"')
                        walk.skip(colon)
                    visit(item, own and (*own, key), level + 1)
                if step is not None and not first:
                    walk.skip("\n" + step * level)
                walk.skip("}" if keyed else "]")
            else:
                walk.scalar(value, _scalar(value), path)

        visit(value, None, 0)

    return _lazily(text, _mark(value, indent, *(separators or ())), go)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return _WORDS[value]
    return int.__repr__(value) if isinstance(value, int) else json.dumps(value)


def shown(value: Any) -> str:
    """As `str`: of lists, tuples and mappings with their origins."""
    text = str(value)
    if type(text) is Text or not isinstance(value, (list, tuple, dict)):
        return text
    if type(text) is not str:
        return text

    def go(walk: _Walk) -> None:
        def visit(value: Any, path: Path | None) -> None:
            kind = cast("type[Any]", type(value))
            if isinstance(value, str) and not hasattr(value, "__html__"):
                walk.string(value, repr)
            elif kind is dict or kind is Mapped:
                own = path_of(value)
                walk.skip("{")
                for i, (key, item) in enumerate(cast("dict[Any, Any]", value).items()):
                    walk.skip(", " if i else "")
                    visit(key, own and (*own, Key(key)))
                    walk.skip(": ")
                    visit(item, own and (*own, key))
                walk.skip("}")
            elif kind is list or kind is Listed or kind is tuple:
                own = path_of(value)
                walk.skip("(" if kind is tuple else "[")
                for i, item in enumerate(value):
                    walk.skip(", " if i else "")
                    visit(item, own and (*own, i))
                if kind is tuple:
                    walk.skip(",)" if len(value) == 1 else ")")
                else:
                    walk.skip("]")
            else:
                walk.scalar(value, repr(value), path)

        visit(value, None)

    return _lazily(text, _mark(value), go)
