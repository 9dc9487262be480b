"""The rules of all methods and filters that templates may use (see `costs`), and filters that keep to them.

The tables are complete: a method or a filter that is in none of them is refused.
"""

from __future__ import annotations

import datetime
import functools
import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any, cast
from urllib.parse import quote

from jinja2 import Undefined
from jinja2.exceptions import SecurityError
from markupsafe import escape

from . import budget
from .budget import SLOT, current, measured, over, weigh
from .costs import (
    BYTES,
    TEXT,
    Rule,
    chain,
    counted,
    fits,
    lines,
    markup,
    padded,
    percent,
    replace,
    room,
    size_of,
    splitlines,
    strftime,
    strip,
    taken,
    times,
    work,
)

DOTS = 20  # steps of an attribute that a filter looks for in each item
_encode = json.encoder.encode_basestring
_encode_ascii = json.encoder.encode_basestring_ascii


# methods


def _looked_for(items: Any, *_: Any, **__: Any) -> None:
    """Each item is compared."""
    weigh(items)


def _keys(_: Any, keys: Any = (), *args: Any, **__: Any) -> Any:
    """Of `fromkeys`."""
    return (counted(keys), *args)


def _sets(own: Any, *others: Any, **_: Any) -> Any:
    """Of a set, whose items may all have the same hash."""
    others = tuple(map(taken, others))
    work(weigh(own), sum(map(weigh, others)))
    return others


def _to_bytes(_: Any, size: Any = 1, *__: Any, **___: Any) -> None:
    fits(times(size))


def _strftime(_: Any, format: Any = "", *__: Any) -> None:
    strftime(format)


_INT: dict[str, Rule] = {
    **dict.fromkeys("as_integer_ratio bit_count bit_length conjugate from_bytes is_integer".split()),
    "to_bytes": _to_bytes,
}
_FREE_SET = ("copy", "difference", "intersection", "isdisjoint", "issubset", "issuperset", "symmetric_difference")
TABLES: tuple[tuple[type | tuple[type, ...], dict[str, Rule]], ...] = (
    (str, TEXT),
    (bytes, BYTES),
    ((dict, Mapping), {**dict.fromkeys(("copy", "get", "items", "keys", "values")), "fromkeys": _keys}),
    ((list, tuple), {"copy": None, "count": _looked_for, "index": _looked_for}),
    (int, _INT),
    ((float, complex), dict.fromkeys("as_integer_ratio conjugate from_number fromhex hex is_integer".split())),
    (range, {"count": None, "index": None}),
    (Set, dict.fromkeys((*_FREE_SET, "union"), _sets)),
    (datetime.date, {"strftime": _strftime}),
    (types.GeneratorType, dict.fromkeys(("close", "send", "throw"))),
)
"""The methods of each type of object."""


@functools.lru_cache(256)
def _table(kind: type) -> dict[str, Rule] | None:
    return next((table for kinds, table in TABLES if issubclass(kind, kinds)), None)


def rule_of(called: Any) -> tuple[Any, Rule]:
    """Whose method is called, and its rule; (None, None) for what is no method of these types. Raises for a method that
    has none."""
    method = getattr(called, "__wrapped__", called)  # the sandbox wraps str.format
    of = getattr(method, "__self__", None)
    if of is None and type(method) is not types.BuiltinFunctionType:
        return None, None
    name = getattr(method, "__name__", "")
    if of is None:
        of = str if name == "maketrans" else None
    table = _table(cast("Any", of if isinstance(of, type) else type(of)))
    if table is not None:
        if name in table:
            return of, table[name]
        raise SecurityError(f"{type(cast('object', of)).__name__}.{name} is not for templates")
    if isinstance(method, types.BuiltinFunctionType):
        raise SecurityError(f"{type(of).__name__}.{name} is not for templates")
    return None, None


# filters


def ticked(items: Any, weight: int = 0) -> Iterator[Any]:
    """The items, one by one: the clock is read, and so many characters are charged for each."""
    left = current.get()
    for item in items:
        left.tick()
        if weight:
            left.charge(weight)
        yield item


def _attribute(name: Any, *_: Any) -> None:
    if isinstance(name, str) and name.count(".") + name.count(",") > DOTS:
        raise over("steps of an attribute", name.count("."), DOTS)


def _by_attribute(at: int) -> Rule:
    def rule(value: Any, *args: Any, attribute: Any = None, **_: Any) -> None:
        _attribute(attribute)
        _attribute(args[at] if len(args) > at else None)

    return rule


def _groups(value: Any, attribute: Any = None, *_: Any, **__: Any) -> None:
    _attribute(attribute)
    room(4 * weigh(value))


def _batch(value: Any, linecount: Any = 0, *_: Any, **__: Any) -> None:
    room(1 + _size(value) + times(linecount))


def _size(value: Any) -> int:
    return len(value) if hasattr(value, "__len__") else 0


def _listed(value: Any, *_: Any) -> None:
    if not isinstance(value, (list, tuple)):
        room(_size(value))


def _sum(value: Any, attribute: Any = None, start: Any = 0, *_: Any, **__: Any) -> None:
    _attribute(attribute)
    if not isinstance(start, (int, float)):  # of lists: a product
        raise over("sum", 1, 0)


def _grown(factor: int, how: Callable[[str], Any]) -> Rule:
    """Each character becomes a few."""

    def rule(text: Any, *_: Any, **__: Any) -> None:
        if factor * len(text) > current.get().limits.text:
            fits(measured(text, how))

    return rule


_upper: Any = _grown(3, str.upper)
_escape: Any = _grown(5, escape)


def escapable(text: str) -> str:
    """A text that may be escaped."""
    _escape(text)
    return text


def _title(text: Any, *_: Any, **__: Any) -> None:
    """It is done word by word."""
    work(len(text), 200)
    _upper(text)


def _joined(value: Any, d: Any = "", attribute: Any = None, *_: Any, **__: Any) -> None:
    _attribute(attribute)
    weight = weigh(value)
    budget.spelled(value, weight)
    grows = markup(d, *value) if not isinstance(value, str) and hasattr(value, "__len__") else markup(d)
    fits(grows * (weight + (_size(value) + 1) * len(str(d))))


def _indent(text: Any, width: Any = 4, *_: Any, **__: Any) -> None:
    step = len(width) if isinstance(width, str) else times(width)
    if len(text) * (1 + step) > current.get().limits.text:
        fits(len(text) + step * lines(text))
    splitlines(text)


def _wordwrap(text: Any, width: Any = 79, long: Any = True, wrapstring: Any = "\n", *_: Any, **__: Any) -> None:
    times(width)
    work(len(text), len(text))
    fits(len(text) * (1 + size_of(wrapstring)))


def _truncate(text: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = 0, *_: Any) -> None:
    times(length)
    times(leeway)
    fits(len(text) + size_of(end))


def _round(value: Any, precision: Any = 0, *_: Any, **__: Any) -> None:
    times(precision)


def _short(value: Any, *args: Any, **_: Any) -> None:
    """Filters whose time grows with the square."""
    times(weigh(value))
    for arg in args:
        times(arg)


def _pretty(value: Any, *_: Any, **__: Any) -> None:
    """What is in it is written once more for each value that it is in."""
    weight = weigh(value)
    for depth, _level in enumerate(_levels(value), 1):
        times(weight * depth)


def _percent(text: Any, *args: Any, **kwargs: Any) -> None:
    percent(text, (*args, *kwargs.values()))


def _urlencode(value: Any, *_: Any) -> None:
    if isinstance(value, str):
        if 12 * len(value) > current.get().limits.text:
            fits(measured(value, quote))
    else:
        fits(12 * weigh(value))


def written(
    value: Any, ensure_ascii: Any = False, indent: Any = None, separators: Any = None, *_: Any,
    weight: int | None = None, **__: Any,
) -> None:  # fmt: skip
    """Checks JSON of a value, which may have been weighed."""
    weight = weigh(value) if weight is None else weight
    budget.spelled(value, weight, _encode_ascii if ensure_ascii else _encode)
    step = size_of(indent) if isinstance(indent, str) else indent if isinstance(indent, int) else 0
    if step > 64:
        raise over("indent", 65, 64)
    if indent is None and separators is None:
        return
    marks = cast("Any", separators) if isinstance(separators, (list, tuple)) else ()
    between = 2 + max(map(size_of, marks), default=2)
    most = weight // 2  # of values, and of values in each other
    if weight + most * (2 * between + step * most) <= current.get().limits.text:
        return
    size = weight
    for depth, level in enumerate(_levels(value)):
        size += len(level) * (2 * between + step * depth)
        fits(size)


def _levels(value: Any) -> Iterator[list[Any]]:
    """A value, the values in it, those in them, and so on."""
    level: list[Any] = [value]
    while level:
        yield level
        level = [item for inner in level for item in _values(inner)]


def _values(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return budget.inside(value)[1]
    return budget.inside(value)[0] if isinstance(value, (list, tuple)) else ()


FILTERS: dict[str, Rule] = {
    **dict.fromkeys(
        "abs attr count d default dictsort filesizeformat first float int items last length random reverse safe "
        "string".split()
    ),
    **dict.fromkeys(("batch", "slice"), _batch),
    **dict.fromkeys(("capitalize", "lower", "upper"), _upper),
    **dict.fromkeys(("e", "escape", "forceescape"), _escape),
    **dict.fromkeys(("map", "rejectattr", "selectattr"), _by_attribute(0)),
    **dict.fromkeys(("max", "min", "unique"), _by_attribute(1)),
    **dict.fromkeys(("striptags", "urlize", "wordcount", "xmlattr"), _short),
    **dict.fromkeys(("reject", "select")),
    "center": padded,
    "format": _percent,
    "groupby": _groups,
    "indent": _indent,
    "join": _joined,
    "list": _listed,
    "pprint": _pretty,
    "replace": replace,
    "round": _round,
    "sort": _by_attribute(2),
    "sum": _sum,
    "title": _title,
    "tojson": written,
    "trim": strip,
    "truncate": _truncate,
    "urlencode": _urlencode,
    "wordwrap": _wordwrap,
}
"""The rules of filters."""
LOOKS = frozenset("length count first last default d attr".split())  # they pass on what they are given, or a part
LIGHT = frozenset("items join list map reject rejectattr reverse select selectattr tojson".split())
"""They look at no more of a value than its length, or weigh it themselves."""
TEXTS = frozenset(  # they work on `str(value)`
    "capitalize center e escape forceescape format indent lower replace striptags title trim truncate upper urlize "
    "wordcount wordwrap".split()
)


def _each(value: Any) -> Any:
    """What a filter takes item by item."""
    return ticked(value) if value and not isinstance(value, Undefined) else value


def _mapped(value: Any) -> Any:
    """As `_each`; each item may be made anew."""
    return ticked(value, 2 * SLOT) if value and not isinstance(value, Undefined) else value


def _all(value: Any) -> Any:
    """What is taken as a whole, and once."""
    return counted(value) if isinstance(value, Iterator) else value


def _few(value: Any) -> Any:
    return ticked(value) if isinstance(value, Iterator) else value


TAKEN: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("reject", "rejectattr", "select", "selectattr"), _each),
    **dict.fromkeys(("batch", "groupby", "max", "min", "slice", "sort", "sum"), _all),
    **dict.fromkeys(("join", "urlencode", "xmlattr"), taken),
    "list": _few,
    "map": _mapped,
    "unique": counted,
}
"""How filters are given a value that they take item by item, or that is a generator."""


def guarded(name: str, f: Any, own: bool = False) -> Any:
    """A filter within the budget, which may ask its rule by itself."""
    rule, take = None if own else FILTERS[name], TAKEN.get(name)
    skip = 1 if hasattr(f, "jinja_pass_arg") else 0  # the context or the environment comes first
    text, light = name in TEXTS, name in LIGHT

    @functools.wraps(f)
    def look(*args: Any, **kwargs: Any) -> Any:
        current.get().step()
        return f(*args, **kwargs)

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        left = current.get()
        left.step()
        given = None
        if take and len(args) > skip:
            given = args[skip]
            args = (*args[:skip], take(given), *args[skip + 1 :])
        values = args[skip:]
        budget.arguments((*values[light:], *kwargs.values()))
        if rule and values:
            value = values[0]
            rule(budget.shown(value) if text and not isinstance(value, str) else value, *values[1:], **kwargs)
        made = left.result(f(*args, **kwargs))
        if given is not None:
            chain(made, given)
        return made

    return look if name in LOOKS else run
