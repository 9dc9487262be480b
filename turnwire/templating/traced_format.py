"""Formatting that keeps origins: `%`, `str.format`.

The text is Python's; the pieces are found beside it, and count only when they give the same text. Of fields with a
width, a precision or a conversion nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter
from typing import Any, cast

from . import budget
from .traced_text import UNKNOWN, Text, joined, placed, plain
from .traced_written import shown

_FIELD = re.compile(r"%(?:\((?P<key>[^()]*)\))?(?P<how>[^a-zA-Z%]*)(?P<kind>[a-zA-Z%])")


def known(text: Any) -> Text:
    """A text; of a `str` nothing is known."""
    return text if type(text) is Text else placed(text, UNKNOWN, -1)


def _checked(out: str, fields: int, parts: Callable[[], list[str]]) -> str:
    budget.current.get().charge(2 * budget.PIECE * fields)
    try:
        found = parts()
    except (TypeError, ValueError, LookupError, AttributeError):
        return out
    return joined(out, found) if "".join(found) == out else out


def percent(text: str, values: Any) -> str:
    """`text % values`."""
    out = str.__mod__(text, values)
    return _checked(out, text.count("%"), lambda: list(_percent(known(text), values)))


def _percent(text: Text, values: Any) -> Iterator[str]:
    each = iter(cast("tuple[Any, ...]", values) if isinstance(values, tuple) else (values,))
    named: Any = cast("Any", values)
    at = 0
    for found in _FIELD.finditer(plain(text)):
        yield text[at : found.start()]
        at = found.end()
        if found["kind"] == "%":
            yield text[at - 1 : at]
            continue
        value: Any = named[found["key"]] if found["key"] is not None else next(each, "")
        if found["kind"] in "sd" and not found["how"]:
            yield shown(value)
        elif found["key"] is not None:
            yield plain(str.__mod__(plain(found.group()), values))
        else:
            yield plain(str.__mod__(plain(found.group()), (value,)))
    yield text[at:]


def formatted(formatter: Formatter, text: str, args: Sequence[Any], kwargs: Mapping[str, Any], out: str) -> str:
    """`out`, which is `text.format(*args, **kwargs)` by this formatter."""
    return _checked(out, text.count("{"), lambda: list(_formatted(formatter, known(text), args, kwargs)))


def _formatted(formatter: Formatter, text: Text, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[str]:
    at = auto = 0
    for literal, field, spec, conversion in formatter.parse(plain(text)):
        yield text[at : at + len(literal)]
        at += len(literal)
        if field is None:
            at += text.startswith(("{{", "}}"), at - 1) if literal else 0
            continue
        at = text.index("{", at) + 1 + len(field)
        at = text.index("}", at) + 1 if not spec else text.index("}", at + len(spec)) + 1
        if not field or field[0] in ".[":
            field, auto = f"{auto}{field}", auto + 1
        value = formatter.get_field(field, args, kwargs)[0]
        plainly = not spec and not conversion and isinstance(value, (str, int, float))
        yield shown(value) if plainly else plain(format(formatter.convert_field(value, conversion), spec or ""))
