"""Values that a template writes out whole, as JSON or as Python shows them.

The text is what `json.dumps` and `str` make; the origins are found later, by spelling the value once more, piece by
piece: the pieces give the same text, or nothing is known. Quotes, brackets and commas are the template's, with the
path of the value; true, false and null are data where the field is known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, cast

from jinja2 import Undefined

from ..origins import Key
from . import budget, jinja
from .guards import written
from .traced_json import FINE, Written, bland, scalar, strings_of
from .traced_text import UNKNOWN, Path, Rope, Run, Source, ours, placed, plain, run_of, sources
from .traced_values import Root, doubt, place_of, raw


class _Style(NamedTuple):
    """How values are spelled."""

    encode: Callable[[str], str]  # a string, in quotes
    odd: re.Pattern[str]  # characters that are not spelled as themselves, and some that are
    scalar: Callable[[Any], str]
    between: str = ", "
    colon: str = ": "
    step: str | None = None  # of indentation; None: no lines
    sort: bool = False
    python: bool = False
    escape: re.Pattern[str] | None = None  # what is written for one character


class _Walk:
    """Spells a value once more, and keeps runs."""

    def __init__(self, style: _Style, mark: Source):
        self.style, self.mark = style, mark
        self.pieces: list[str] = []
        self.runs: list[Run] = []
        self.gap = 0  # characters of punctuation behind the last run

    def skip(self, mark: str) -> None:
        """Punctuation."""
        self.pieces.append(mark)
        self.gap += len(mark)

    def add(self, size: int, node: Any, offset: int, line: int = 0) -> None:
        """What shows a value."""
        if self.gap:
            self.runs.append((self.gap, self.mark, -1, 0))
            self.gap = 0
        self.runs.append((size, node, offset, line))

    def value(self, value: Any, path: Path | None, root: Root | None, level: int = 0) -> None:
        """A value. `path` and `root` are those of a value that the variables hold as it is."""
        if isinstance(value, str):
            self.string(value, path, root)
            return
        place = place_of(value)
        if place:
            path, root = place
        if not isinstance(value, (dict, list, tuple)):
            shown = self.style.scalar(value)
            self.pieces.append(shown)
            known = path is not None and (place or value is None or isinstance(value, (bool, int, float)))
            self.add(len(shown), path if known else UNKNOWN, -1)
            return
        step = self.style.step
        inner = "" if step is None else "\n" + step * (level + 1)
        lead, between = inner, self.style.between + inner
        values: Any = raw(value)
        tuples = self.style.python and isinstance(value, tuple)
        self.skip("{" if isinstance(value, dict) else "(" if tuples else "[")
        if isinstance(value, dict):
            items: Any = sorted(values.items()) if self.style.sort else values.items()
            colon, say = self.style.colon, self.pieces.append
            for key, item in items:
                say(lead)
                self.gap += len(lead)
                lead = between
                self.key(key, path, root)
                say(colon)
                self.gap += len(colon)
                below = None if path is None else (*path, key)
                if type(item) is str:
                    self.string(item, below, root)
                else:
                    self.value(item, below, root, level + 1)
            close = "}"
        else:
            for i, item in enumerate(values):
                self.skip(lead)
                lead = between
                self.value(item, None if path is None else (*path, i), root, level + 1)
            close = "]" if not tuples else ",)" if len(values) == 1 else ")"
        if step is not None and values:
            self.skip("\n" + step * level)
        self.skip(close)

    def key(self, key: Any, path: Path | None, root: Root | None) -> None:
        """A key of a mapping."""
        if isinstance(key, str):
            step = Key(key) if root is None or type(key) is not str else root.keys[key]
            self.string(key, None if path is None else (*path, step), root)
        elif self.style.python:
            self.value(key, None if path is None else (*path, Key(key)), root)
        else:
            self.skip('"')
            self.value(key, None if path is None else (*path, Key(self.style.scalar(key))), root)
            self.skip('"')

    def string(self, value: str, path: Path | None, root: Root | None) -> None:
        """A string in quotes."""
        shown = self.style.encode(value)
        self.pieces.append(shown)
        size, inside = len(value), len(shown) - 2
        if type(value) is not str or path is None or root is None:
            run = run_of(value)
        elif root.roles:
            run = (size, root.source(value, path), 0, 0)
        else:
            run = (size, Source("template", 0, path) if root.markup else path, 0, 0)
        if inside == size:  # each character stands for itself
            if size:
                self.runs.append((self.gap + 1, self.mark, -1, 0))
                self.runs.append(run)
                self.gap = 1
            else:
                self.gap += 2
            return
        self.gap += 1
        single = type(run[1]) is tuple or type(run[1]) is Source
        if single and inside - size > FINE:
            self.add(inside, run[1], -1, run[3])
        elif single and self.style.escape is not None:
            self.respelled(shown, run, self.style.escape)
        else:
            self.escaped(value, [run] if single else sources(value), shown[0], inside)
        self.gap += 1

    def respelled(self, shown: str, run: Run, escape: re.Pattern[str]) -> None:
        """A string of one source, in its quotes; what `escape` finds stands for one character each."""
        _, node, at, line = run
        note = self.runs.append
        note((self.gap, self.mark, -1, 0))
        self.gap = 0
        last = 1
        shift = at - 1
        for found in escape.finditer(shown, 1, len(shown) - 1):
            i, j = found.span()
            if i > last:
                note((i - last, node, last + shift if at >= 0 else -1, line))
            note((j - i, node, -1, line))
            shift -= j - i - 1
            last = j
        if last < len(shown) - 1:
            note((len(shown) - 1 - last, node, last + shift if at >= 0 else -1, line))

    def escaped(self, value: str, runs: Any, quote: str, inside: int) -> None:
        """A string, some characters of which are spelled otherwise."""
        text = plain(value)
        start = 0
        for length, node, at, line in runs:
            last, stop = start, start + length
            if inside - len(text) > FINE:
                self.add(inside if length == len(text) else self.size(text[start:stop], quote), node, -1, line)
                start = stop
                continue
            for found in self.style.odd.finditer(text, start, stop):
                i = found.start()
                size = self.size(found.group(), quote)
                if size != 1:
                    if i > last:
                        self.add(i - last, node, at + last - start if at >= 0 else -1, line)
                    self.add(size, node, -1, line)
                    last = i + 1
            if stop > last:
                self.add(stop - last, node, at + last - start if at >= 0 else -1, line)
            start = stop

    def size(self, text: str, quote: str) -> int:
        """Of a part of a string, when it is spelled in these quotes."""
        if not self.style.python:
            return len(self.style.encode(text)) - 2
        other = '"' if quote == "'" else "'"  # with it, Python quotes as it did for the whole
        return len(repr(text + other)) - 3


def _runs(text: str, value: Any, style: _Style, mark: Source) -> list[Run]:
    """Of a text that spells a value. If the walk does not come to the same text, nothing is known."""
    walk = _Walk(style, mark)
    try:
        walk.value(value, None, None)
    except (RecursionError, TypeError, ValueError):
        return [(len(text), UNKNOWN, -1, 0)]
    if walk.gap:
        walk.runs.append((walk.gap, mark, -1, 0))
    if "".join(walk.pieces) != text or sum([run[0] for run in walk.runs]) != len(text):
        return [(len(text), UNKNOWN, -1, 0)]
    return walk.runs


def _mark(value: Any, *extra: Any) -> Source:
    """Of punctuation: the template's, unless data says what it is."""
    if extra and not all(ours(e) for e in extra if isinstance(e, str)):
        return UNKNOWN
    place = place_of(value)
    return Source("template", 0, place[0] if place else ())


_JSON = re.compile(r'["\\\x00-\x1f]')
_ESCAPE = re.compile(r"\\(?:u....|.)")
_ASCII = re.compile(r'["\\]|[^ -~]')
_PYTHON = re.compile(r"['\"\\]|[^ -~]")


def tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """As `jinja.tojson`; the value is weighed here."""
    strings = None if ensure_ascii or sort_keys else strings_of(value)
    weight = strings.size if strings is not None and strings.weight else None
    written(value, ensure_ascii, indent, separators, weight=weight)
    text = jinja.tojson(raw(value), ensure_ascii, indent, separators, sort_keys)
    if not (indent is None or isinstance(indent, (int, str))) or not isinstance(separators, (tuple, list, type(None))):
        return text
    if indent is separators is None and not ensure_ascii and not sort_keys:
        style, mark = _PLAIN, _mark(value)
    else:
        encode = json.encoder.encode_basestring_ascii if ensure_ascii else json.encoder.encode_basestring
        between, colon = cast("Any", separators) or ((", ", ": ") if indent is None else (",", ": "))
        step = indent if isinstance(indent, str) or indent is None else " " * indent
        odd, escape = (_ASCII, None) if ensure_ascii else (_JSON, _ESCAPE)
        style = _Style(encode, odd, scalar, between, colon, step, sort_keys, False, escape)
        mark = _mark(value, indent, *(separators or ()))
    runs = partial(_runs, text, value, style, mark)
    if strings is not None and (style is _PLAIN or bland(style.between, style.colon, style.step or "")):
        return placed(text, Written(text, strings, mark, runs))
    return placed(text, Rope(len(text), runs))


_PLAIN = _Style(json.encoder.encode_basestring, _JSON, scalar, escape=_ESCAPE)
_SHOWN = _Style(repr, _PYTHON, repr, python=True)


def shown(value: Any) -> str:
    """As `str`: of lists, tuples and mappings with their origins."""
    if not isinstance(value, (str, int, float)) and value is not None:
        budget.spelled(value)
    if isinstance(value, (list, tuple, dict)):
        text = str(cast("object", raw(value)))
        if " at 0x" in text:
            doubt("an object is shown")
        mark = _mark(value)
        runs = partial(_runs, text, value, _SHOWN, mark)
        strings = None if '"' in text or "\\" in text else strings_of(value)
        return placed(text, Rope(len(text), runs) if strings is None else Written(text, strings, mark, runs, "'"))
    if not isinstance(value, (str, int, float, Undefined)) and value is not None:
        doubt(f"a {type(value).__name__} is shown")
    return str(value)
