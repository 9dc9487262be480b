"""What operators, formats and methods of texts may make, and how long they may take: rules that are asked before.

A rule takes what the operation takes, and raises; it may give other arguments to work on. None is the rule of what
makes no more than it is given, in a time that grows no faster. What is given wrongly is left to the operation.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Set
from typing import Any, cast
from weakref import WeakKeyDictionary

from ..errors import TemplateBudgetError
from . import budget
from .budget import COUNT, PIECE, SLOT, current, measured, over, weigh

WORK = 1_000_000_000  # characters that one operation may look at
CHAIN = 50  # filters that give their items one by one, each to the next
SHORT = 20_000  # characters of a text that nothing takes long for, and whose pieces are few
ENCODINGS = frozenset(("utf8", "utf16", "utf32", "ascii", "latin1", "iso88591"))
STRFTIME = 256  # characters that a time may take for one of its format, as Python has it
WORDS = re.compile(r"\S+")
LINES = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_DIGITS = frozenset("0123456789.")
_NUMBER = re.compile(r"\d+")
_FIELD = re.compile(r"\d[\d.]*[hlL]*[a-zA-Z%]?")  # of a format with %: numbers, and what they are for
Rule = Callable[..., Any] | None
_chained: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # of generators that take items from others, how many


def work(one: int, other: int) -> None:
    """Checks an operation that looks at each of one for each of the other."""
    if one * other > WORK:
        raise over("comparisons", one * other, WORK)


def room(pieces: int) -> None:
    """Charges objects that are about to be made."""
    current.get().charge(PIECE * pieces)


def fits(size: int) -> None:
    """Checks the characters of a value that is about to be made."""
    current.get().fits(size)


def counted(items: Any) -> Iterator[Any]:
    """The items, one by one: all of them may weigh as much as one value."""
    left = current.get()
    total = 0
    for item in items:
        left.tick()
        total += weigh(item)
        left.fits(total)
        yield item


def taken(items: Any) -> Any:
    """A generator or a range as a list."""
    if isinstance(items, (str, bytes, list, tuple, Mapping)) or not isinstance(items, Iterable):
        return items  # pyright: ignore[reportUnknownVariableType]
    left = current.get()
    return [item for item in counted(items) if left.step()]


def chain(made: Any, of: Any) -> None:
    """Checks how many generators work for one item, each for the next; they are freed one in the other, too."""
    if not (isinstance(made, Generator) and isinstance(of, Generator)):
        return
    depth = _chained.get(of, 1) + 1
    if depth > CHAIN:
        raise over("filters one behind the other", depth, CHAIN)
    _chained[made] = depth


def times(number: Any) -> int:
    """Checks how often something is repeated."""
    if isinstance(number, int) and abs(number) > COUNT:
        raise over("repetition", number, COUNT)
    return max(0, number) if isinstance(number, int) else 0


def size_of(value: Any) -> int:
    """Of a text or a list."""
    return len(cast("Any", value)) if isinstance(value, (str, bytes, list, tuple)) else 0


def markup(*values: Any) -> int:
    """What a text may grow by when it is joined to others."""
    return 5 if any(hasattr(value, "__html__") for value in values) else 1


# operators


def operator(symbol: str, left: Any, right: Any) -> None:
    """Checks an operator; what it makes is charged later."""
    if isinstance(left, int) and isinstance(right, int):
        one, other = left.bit_length(), right.bit_length()
        if one + other <= 64 and symbol != "**":
            return
        budget.digits(max(one, other))
        if symbol == "*":
            budget.digits(one + other)
        elif symbol == "**" and right > 0:
            budget.digits(one * right)
    elif symbol == "*":
        for a, b in ((left, right), (right, left)):
            if isinstance(b, int):
                fits(_takes(a) * max(0, b))
    elif symbol == "%":
        if isinstance(left, (str, bytes)):
            percent(left, cast("Any", right) if isinstance(right, tuple) else (right,))
    elif symbol == "+":
        fits(_takes(left) + markup(left, right) * _takes(right))
    elif symbol == "-" and isinstance(left, Set):
        work(len(cast("Any", left)), weigh(right))
        room(len(cast("Any", left)))


def _takes(value: Any) -> int:
    return size_of(value) * (SLOT if isinstance(value, (list, tuple)) else 1)


# formats


def _widest(values: Iterable[Any]) -> int:
    """The characters that values may take when formatted once."""
    total = 0
    for value in values:
        if isinstance(value, int):
            budget.digits(value.bit_length())
            total += 8 + 2 * value.bit_length()
        elif isinstance(value, float):
            total += 400
        else:
            weight = weigh(value)
            budget.spelled(value, weight)
            total += weight if isinstance(value, str) else weight * budget.GROWS
    return total


def _numbers(found: Iterable[str]) -> int:
    """The sum of numbers that are written there; none is longer than those that may repeat something."""
    total = 0
    for text in found:
        for number in _NUMBER.findall(text):
            if len(number) > 9:
                raise over("format width", COUNT, COUNT)
            total += int(number)
    return total


def percent(text: Any, values: Iterable[Any]) -> None:
    """Checks `text % values`: no width from a value."""
    shown = _as_text(text)
    fields = times(shown.count("%"))
    if fields and ("%*" in shown or ".*" in shown or re.search(r"%[-+ #0(]*\*", shown)):
        raise over("format width", COUNT, COUNT)
    wide = _numbers(found for found in _FIELD.findall(shown) if found[-1] not in _DIGITS) if fields else 0
    each = markup(text) * _widest(values) if fields else 0
    fits(len(shown) + wide + fields * each)


def _format(text: Any, *args: Any, **kwargs: Any) -> None:
    """`text.format(...)`: no width from a value."""
    fields = wide = steps = 0
    shown = str(text)
    times(shown.count("{"))
    try:
        for _, field, spec, _ in string.Formatter().parse(shown):
            if field is not None:
                fields += 1
                steps = times(steps + field.count(".") + field.count("["))
                if "{" in (spec or ""):
                    raise over("format width", COUNT, COUNT)
                wide += _numbers((spec or "",))
                fits(wide)
    except TemplateBudgetError:
        raise
    except ValueError:
        pass  # of the format, which says so itself
    each = markup(text) * _widest((*args, *kwargs.values())) if fields else 0
    fits(len(text) + wide + fields * each)


def _format_map(text: Any, values: Any = (), *_: Any) -> None:
    _format(text, values)


def strftime(format: Any = "", *_: Any, **__: Any) -> None:
    """Checks a format of a date."""
    fits(STRFTIME * size_of(format))


# texts


def _cased(name: str) -> Rule:
    how = getattr(str, name)

    def rule(text: Any, *_: Any, **__: Any) -> None:
        if isinstance(text, str) and 3 * len(text) > current.get().limits.text:
            fits(measured(text, how))

    return rule


def strip(text: Any, chars: Any = None, *_: Any, **__: Any) -> None:
    if chars is not None:
        work(len(text), size_of(chars))


def _backwards(text: Any, sub: Any = None, *_: Any, **__: Any) -> None:
    """A search from the end, which may compare all of `sub` at each place."""
    if len(text) > SHORT:
        work(max(0, len(text) - size_of(sub) + 1), size_of(sub))


def _pieces(most: int, exact: Callable[[], int]) -> None:
    """Checks that there is room for so many pieces, which are charged when they are there."""
    left = current.get()
    if PIECE * most > left.limits.made - left.made and PIECE * exact() > left.limits.made - left.made:
        raise over("memory", left.made + PIECE * most, left.limits.made)


def _split(text: Any, sep: Any = None, maxsplit: Any = -1, *_: Any, **__: Any) -> None:
    if len(text) <= SHORT:
        return
    most = maxsplit + 1 if isinstance(maxsplit, int) and maxsplit >= 0 else len(text)
    if size := size_of(sep):
        _pieces(min(most, len(text) // size + 1), lambda: min(most, text.count(sep) + 1))
    else:
        _pieces(min(most, len(text) // 2 + 1), lambda: min(most, sum(1 for _ in WORDS.finditer(_as_text(text)))))


def _rsplit(text: Any, sep: Any = None, maxsplit: Any = -1, *_: Any, **__: Any) -> None:
    _backwards(text, sep)
    _split(text, sep, maxsplit)


def splitlines(text: Any, *_: Any, **__: Any) -> None:
    """Checks that there is room for the lines."""
    _pieces(len(text) + 1, lambda: lines(text))


def lines(text: Any) -> int:
    """How many lines a text has, at most."""
    return sum(1 for _ in LINES.finditer(_as_text(text))) + 1


def _as_text(text: Any) -> str:
    return text.decode("latin-1") if isinstance(text, bytes) else text


def padded(text: Any, width: Any = 80, *_: Any, **__: Any) -> None:
    fits(max(len(text), times(width)))


def _expandtabs(text: Any, tabsize: Any = 8, *_: Any, **__: Any) -> None:
    fits(len(text) + times(tabsize) * text.count("\t" if isinstance(text, str) else b"\t"))


def replace(text: Any, old: Any = "", new: Any = "", count: Any = -1, *_: Any, **__: Any) -> None:
    if isinstance(text, str):
        old, new = str(old), str(new)  # as the filter has them
    elif not isinstance(old, bytes):
        return
    grows = markup(text) * size_of(new)
    if len(text) + (len(text) + 1) * grows <= current.get().limits.text:
        return
    found: int = cast("Any", text).count(old)
    if isinstance(count, int) and count >= 0:
        found = min(found, count)
    fits(len(text) + found * max(0, grows - len(old)))


def _join(text: Any, items: Any = (), *_: Any, **__: Any) -> Any:
    items = taken(items)
    fits(markup(text) * weigh(items) + len(items) * len(text))
    return (items,)


def _translate(text: Any, table: Any = None, *_: Any, **__: Any) -> None:
    values = cast("Any", table.values() if isinstance(table, Mapping) else table)
    fits(len(text) * max(map(size_of, values), default=1) if isinstance(table, (Mapping, list, tuple)) else 0)


def _encode_as(text: Any, encoding: Any = "utf-8", errors: Any = "strict", *_: Any, **__: Any) -> None:
    plain = str(encoding).lower().replace("-", "").replace("_", "") in ENCODINGS
    if not plain:  # some take a time that grows with the square
        work(len(text), len(text))
    if not (plain and isinstance(text, str) and text.isascii() and len(str(encoding)) <= 6):
        fits(len(text) * (4 if plain and errors == "strict" else 100) + 4)


def _short(text: Any, *_: Any, **__: Any) -> None:
    times(weigh(text))


def _maketrans(*args: Any, **_: Any) -> None:
    room(sum(map(weigh, args)))


def _hex(text: Any, *_: Any, **__: Any) -> None:
    fits(3 * size_of(text))


_ANY: dict[str, Rule] = {
    **dict.fromkeys(
        "count endswith find index isalnum isalpha isascii isdigit islower isspace istitle isupper removeprefix "
        "removesuffix startswith".split()
    ),
    **{name: _cased(name) for name in ("capitalize", "lower", "swapcase", "title", "upper")},
    **dict.fromkeys(("strip", "lstrip", "rstrip"), strip),
    **dict.fromkeys(("rfind", "rindex"), _backwards),
    **dict.fromkeys(("center", "ljust", "rjust", "zfill"), padded),
    "expandtabs": _expandtabs,
    "join": _join,
    "maketrans": _maketrans,
    "partition": None,
    "replace": replace,
    "rpartition": _backwards,
    "rsplit": _rsplit,
    "split": _split,
    "splitlines": splitlines,
    "translate": _translate,
}
TEXT: dict[str, Rule] = {
    **_ANY,
    **dict.fromkeys(("isdecimal", "isidentifier", "isnumeric", "isprintable")),
    "casefold": _cased("casefold"),
    "encode": _encode_as,
    "format": _format,
    "format_map": _format_map,
    **dict.fromkeys(("escape", "striptags", "unescape"), _short),  # of `Markup`
}
BYTES: dict[str, Rule] = {**_ANY, "decode": _encode_as, "fromhex": None, "hex": _hex}
