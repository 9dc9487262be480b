"""What an untrusted template may use: steps, time, and the size of anything that it makes.

Jinja's sandbox keeps a template away from Python's insides, not from a machine's time and memory. Here every loop,
call, filter and operator that can grow a value is counted, and checked before it works: one operation never makes more
than `text` characters, and between two steps the clock is read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from ..errors import TemplateBudgetError

DIGITS = re.compile(r"\d{5,}")  # a width in a format string
COUNT = 100_000  # the largest number that an operation may repeat by; also the sandbox's longest range
_DICT: Any = dict  # as they are, whatever a subclass makes of them
_LIST: Any = list
BITS = 20_000  # of a number
SCALARS = frozenset((int, float, bool, type(None)))
CONTAINERS = (dict, list, tuple, Mapping, set, frozenset)


@dataclass(frozen=True, slots=True)
class Limits:
    """`text`: characters of one value; `made`: characters of all values made together; `steps`: loop iterations and
    calls; `seconds`: of wall clock."""

    text: int = 20_000_000
    made: int = 200_000_000
    steps: int = 2_000_000
    seconds: float = 10.0


class Budget:
    """What is left for one render."""

    __slots__ = ("deadline", "limits", "made", "steps")

    def __init__(self, limits: Limits):
        self.limits = limits
        self.steps = self.made = 0
        self.deadline = time.monotonic() + limits.seconds

    def step(self) -> bool:
        """One loop iteration or call; true, so that it can stand in a condition."""
        self.steps += 1
        if self.steps > self.limits.steps:
            raise over("steps", self.steps, self.limits.steps)
        if time.monotonic() > self.deadline:
            raise over("seconds", self.limits.seconds, self.limits.seconds)
        return True

    def size(self, size: int) -> None:
        """A value of so many characters is about to be made."""
        self.made += size
        if size > self.limits.text:
            raise over("text", size, self.limits.text)
        if self.made > self.limits.made:
            raise over("made", self.made, self.limits.made)

    def sum(self, size: int, made: int) -> None:
        """A sum of so many characters is about to be made, one after the other `made` of them."""
        self.made += made - size
        self.size(size)


current: ContextVar[Budget] = ContextVar("budget")


def over(what: str, value: float, limit: float) -> TemplateBudgetError:
    """The error of a limit."""
    problem = f"the template uses more {what} than it may: {value:,} of {limit:,}"
    return TemplateBudgetError(problem, value=value, path="template", expected="less")


def weigh(value: Any) -> int:
    """The characters and elements of a value, shared parts counted as often as they occur; raises beyond the limit."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is str:
        return len(value)
    if kind in SCALARS:
        return 1
    if isinstance(value, str):
        return len(value)
    if not isinstance(value, CONTAINERS):
        return 1
    budget = current.get()
    total, most = 0, budget.limits.text
    todo: list[Iterable[Any]] = [*_inside(value)]
    while todo:
        for item in todo.pop():
            kind = type(item)  # pyright: ignore[reportUnknownVariableType]
            if kind is str:
                total += len(item) + 2
            elif kind in SCALARS:
                total += 2
            else:
                total += 2 + len(item) if isinstance(item, str) else 2
                if isinstance(item, CONTAINERS):
                    todo += _inside(item)
            if total > most:
                raise over("text", total, most)
        if time.monotonic() > budget.deadline:
            raise over("seconds", budget.limits.seconds, budget.limits.seconds)
    return total


def _inside(value: Any) -> tuple[Iterable[Any], ...]:
    if isinstance(value, dict):
        return _DICT.keys(value), _DICT.values(value)
    if isinstance(value, Mapping):
        return ([x for pair in cast("Mapping[Any, Any]", value).items() for x in pair],)
    return (_LIST.__iter__(value) if isinstance(value, list) else value,)


def bounded(value: Any) -> Any:
    """The value itself, weighed first if it is a container: for comparing, hashing and printing."""
    if value is not None and not isinstance(value, (str, int, float)):
        weigh(value)
    return value


def summed(values: tuple[Any, ...], kind: type[str]) -> bool:
    """Whether they are all texts of a kind; then their sum, one after the other, is within the budget."""
    size = made = 0
    for value in values:
        if type(value) is not kind:
            return False
        size += len(value)
        made += size
    current.get().sum(size, made - len(values[0]))
    return True


def arguments(values: Iterable[Any]) -> int:
    """Checks what a call or a filter is given; its weight."""
    total = 0
    for value in values:
        if isinstance(value, int) and abs(value) > COUNT:
            if abs(value).bit_length() > BITS:
                raise over("digits", value.bit_length(), BITS)
        else:
            total += weigh(value)
    return total


def operator(symbol: str, left: Any, right: Any) -> None:
    """Checks an operator that may grow a value."""
    budget = current.get()
    if symbol == "*":
        if isinstance(left, int) and isinstance(right, int):
            _bits(left.bit_length() + right.bit_length())
        else:
            for a, b in ((left, right), (right, left)):
                if isinstance(b, int) and isinstance(a, (str, list, tuple)):
                    budget.size(max(0, b) * (len(cast("Any", a)) + 1))
    elif symbol == "**":
        if isinstance(left, int) and isinstance(right, int) and right > 0:
            _bits(left.bit_length() * right)
    elif symbol == "%":
        if isinstance(left, str):
            formatting(left, right if isinstance(right, tuple) else (right,))
    elif isinstance(left, (str, list, tuple)) and isinstance(right, (str, list, tuple)):
        budget.size(len(cast("Any", left)) + len(cast("Any", right)))


def _bits(bits: int) -> None:
    if bits > BITS:
        raise over("digits", bits, BITS)


def formatting(text: str, values: Any) -> None:
    """Checks a format string: no wide fields, no width from a value."""
    if DIGITS.search(text) or "*" in text or re.search(r":[^}]*\{", text):
        raise over("format width", COUNT, COUNT)
    fields = max(text.count("{"), text.count("%"))
    current.get().size(len(text) + (fields + 1) * sum(map(weigh, values)))


def method(name: str, text: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Checks a method of a string that may grow it."""
    if name in ("format", "format_map"):
        formatting(text, (*args, *kwargs.values()))
    elif name in ("center", "ljust", "rjust", "zfill", "expandtabs"):
        width = max((a for a in (*args, *kwargs.values()) if isinstance(a, int)), default=8)
        _count(width)
        current.get().size(len(text) + width * (1 + text.count("\t")))
    elif name in ("replace", "join", "translate"):
        growth(name, text, args)


def growth(name: str, text: Any, args: tuple[Any, ...]) -> None:
    """Checks an operation on a text (or a list) whose result may be a product of sizes."""
    budget = current.get()
    if name == "replace" and isinstance(text, str) and len(args) > 1:
        old, new = str(args[0]), str(args[1])
        budget.size(len(text) + (text.count(old) if old else len(text) + 1) * len(new))
    elif name == "join":
        items, separator = (args[0] if args else (), text) if isinstance(text, str) else (text, args[0] if args else "")
        if isinstance(items, (str, list, tuple, Mapping)):
            budget.size(weigh(items) + (len(cast("Any", items)) + 1) * len(str(separator)))
    elif name == "format" and isinstance(text, str):
        formatting(text, args)
    elif name in ("indent", "wordwrap", "center", "batch", "slice", "truncate", "round"):
        numbers = [a for a in args if isinstance(a, int)]
        for number in numbers:
            _count(number)
        texts = [len(a) for a in args if isinstance(a, str)]
        size = len(text) if isinstance(text, str) else weigh(text)
        lines = text.count("\n") + 1 if name == "indent" and isinstance(text, str) else 1
        each = size if name in ("wordwrap", "batch", "slice") else lines
        budget.size(size + max(numbers, default=0) * lines + max(texts, default=0) * each)
    elif name in ("urlize", "striptags", "xmlattr", "forceescape", "pprint", "wordcount"):
        _count(weigh(text))


def _count(number: int) -> None:
    if abs(number) > COUNT:
        raise over("repetition", number, COUNT)
