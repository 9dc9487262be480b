"""`Markup` that knows where its characters come from: what `|safe` and `|escape` make. Methods that are not here give a
`Markup` of which nothing is known."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, SupportsIndex

from markupsafe import Markup, escape

from . import budget
from .traced_text import Text, in_time, joined, plain, spread
from .traced_written import shown

_HTML = re.compile("[&<>'\"]")


def marked(text: Any) -> Markup:
    """`Markup(text)`."""
    if type(text) is not Text:
        return text if type(text) is Marked else Markup(text)
    out = str.__new__(Marked, text)
    out._text = text  # pyright: ignore[reportPrivateUsage]
    return out


def escaped(value: Any) -> Markup:
    """`markupsafe.escape(value)`."""
    if hasattr(value, "__html__"):
        return value if type(value) is Marked else escape(value)
    text = shown(value)
    out = plain(escape(text))
    if type(text) is not Text:
        return Markup(out)
    budget.current.get().charge(8 * budget.PIECE * sum(map(text.count, "&<>'\"")))
    parts: list[str] = []
    at = 0
    for found in _HTML.finditer(plain(text)):
        in_time()
        c = text[found.start() : found.end()]
        parts += (text[at : found.start()], spread(plain(escape(plain(c))), c))
        at = found.end()
    return marked(joined(out, [*parts, text[at:]]))


class Marked(Markup):
    """See the head of this file."""

    __slots__ = ("_text",)
    _text: Text

    def __new__(cls, object: Any = "", encoding: str | None = None, errors: str = "strict") -> Any:
        return Markup(object) if encoding is None else Markup(object, encoding, errors)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Markup({str.__repr__(self)})"

    def __reduce__(self) -> Any:
        return Markup, (plain(self),)

    def __add__(self, value: Any) -> Any:
        if isinstance(value, str) or hasattr(value, "__html__"):
            return marked(self._text + str(escaped(value)))
        return NotImplemented

    def __radd__(self, value: Any) -> Any:
        if isinstance(value, str) or hasattr(value, "__html__"):
            return marked(str(escaped(value)) + self._text)
        return NotImplemented

    def __mul__(self, value: SupportsIndex) -> Any:
        return marked(self._text * value)

    __rmul__ = __mul__

    def __getitem__(self, key: Any) -> Any:
        return marked(self._text[key])

    def join(self, iterable: Iterable[Any], /) -> Any:
        return marked(self._text.join([str(escaped(item)) for item in iterable]))

    def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> Any:
        return [marked(piece) for piece in self._text.split(sep, maxsplit)]

    def splitlines(self, keepends: bool = False) -> Any:
        return [marked(piece) for piece in self._text.splitlines(keepends)]

    def strip(self, chars: str | None = None, /) -> Any:
        return marked(self._text.strip(chars))

    def lstrip(self, chars: str | None = None, /) -> Any:
        return marked(self._text.lstrip(chars))

    def rstrip(self, chars: str | None = None, /) -> Any:
        return marked(self._text.rstrip(chars))
