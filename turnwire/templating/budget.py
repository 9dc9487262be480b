"""What an untrusted template may use: steps, time, and the size of anything that it makes.

Jinja's sandbox keeps a template away from Python's insides, not from a machine's time and memory. Here every loop,
call, filter and operator is counted, and between two steps the clock is read. What it will make is checked before it
works (`costs` has a rule for each): one operation never makes more than `text` characters. What it made is charged
afterwards, whoever keeps it: all values of a render together are never more than `made`.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Generator, ItemsView, Iterable, KeysView, Mapping, Set, ValuesView
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from jinja2.utils import Namespace

from ..errors import TemplateBudgetError

COUNT = 100_000  # the largest number that an operation may repeat by; also the sandbox's longest range
PIECE, SLOT = 50, 8  # an object weighs as much as so many characters, a place in a list
GROWS = 12  # characters of a value that is spelled out for each that `weigh` counts, at most
FEW = 8  # arguments of a call
BITS = 14_285  # of a number: 4,300 digits, which is what Python reads and writes
_DICT: Any = dict  # as they are, whatever a subclass makes of them
_LIST: Any = list
SCALARS = frozenset((int, float, bool, type(None)))
VIEWS = (KeysView, ValuesView, ItemsView)
CONTAINERS = (dict, list, tuple, Mapping, Set, *VIEWS, Namespace)


@dataclass(frozen=True, slots=True)
class Limits:
    """`text`: characters of one value; `made`: characters of all values made together, an object and its place in a
    list counted as about as many as they take bytes; `steps`: loop iterations and calls; `seconds`: of wall clock."""

    text: int = 20_000_000
    made: int = 200_000_000
    steps: int = 2_000_000
    seconds: float = 10.0


class Budget:
    """What is left for one render."""

    __slots__ = ("deadline", "limits", "made", "steps")

    def __init__(self, limits: Limits, deadline: float | None = None):
        self.limits = limits
        self.steps = self.made = 0
        self.deadline = time.monotonic() + limits.seconds if deadline is None else deadline

    def step(self, made: int = 0) -> bool:
        """One loop iteration or call, which makes so much by itself; true, so that it can stand in a condition."""
        self.steps += 1
        if self.steps > self.limits.steps:
            raise over("steps", self.steps, self.limits.steps)
        if made:
            self.charge(made)
        if time.monotonic() > self.deadline:
            raise over("seconds", self.limits.seconds, self.limits.seconds)
        return True

    def tick(self) -> None:
        """Reads the clock."""
        if time.monotonic() > self.deadline:
            raise over("seconds", self.limits.seconds, self.limits.seconds)

    def fits(self, size: int) -> None:
        """A value of so many characters, at most, would be made."""
        if size > self.limits.text:
            raise over("text", size, self.limits.text)

    def size(self, size: int) -> None:
        """A value of so many characters is made."""
        if size > self.limits.text:
            raise over("text", size, self.limits.text)
        self.made += size
        if self.made > self.limits.made:
            raise over("memory", self.made, self.limits.made)

    def charge(self, size: int) -> None:
        """Values of so many characters are made together."""
        self.made += size
        if self.made > self.limits.made:
            raise over("memory", self.made, self.limits.made)

    def sum(self, size: int, made: int) -> None:
        """A sum of so many characters is about to be made, one after the other `made` of them."""
        self.made += made - size
        self.size(size)

    def result(self, value: Any) -> Any:
        """The value itself, which an operation made: what it takes is charged, but for what is in it."""
        kind = _base(cast("Any", type(value)))
        if kind is str:
            self.size(len(value))
        elif kind is int:
            if (bits := value.bit_length()) > 64:
                digits(bits)
                self.charge(bits >> 3)
        elif kind is list:
            self.charge(PIECE + SLOT * len(value))
        elif kind is dict:
            self.charge(PIECE + PIECE * len(value))
        return value


@functools.lru_cache(256)
def _base(kind: type) -> type | None:
    """By what a value of this type is measured: as a text, a number, a list or a dict."""
    likes: tuple[tuple[type, tuple[type, ...]], ...] = (
        (str, (str, bytes)), (int, (int,)), (list, (list, tuple)), (dict, (dict, set, frozenset)),
    )  # fmt: skip
    return next((base for base, kinds in likes if issubclass(kind, kinds)), None)


current: ContextVar[Budget] = ContextVar("budget")


def over(what: str, value: float, limit: float) -> TemplateBudgetError:
    """The error of a limit."""
    problem = f"the template uses more {what} than it may: {value:,} of {limit:,}"
    return TemplateBudgetError(problem, value=value, path="template", expected="less")


def beyond(pieces: Iterable[Any], size: int) -> TemplateBudgetError:
    """The error of a text that is joined of pieces; raised where the template is that writes them, if that runs."""
    error = over("text", size, current.get().limits.text)
    if isinstance(pieces, Generator):
        pieces.throw(error)
    return error


def digits(bits: int) -> None:
    """Checks a number of so many bits."""
    if bits > BITS:
        raise over("digits", bits * 301 // 1000, BITS * 301 // 1000)


def weigh(value: Any, of: Callable[[Any], int] = len, scalar: int = 2) -> int:
    """The characters and elements of a value, shared parts counted as often as they occur; raises beyond the limit.
    `of`: what a text counts as, `scalar`: a number or a word in a list."""
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is str:
        return of(value)
    if kind in SCALARS:
        return 1
    if not _holds(kind):
        return of(value) if isinstance(value, (str, bytes)) else 1
    budget = current.get()
    total, most = 0, budget.limits.text
    todo: list[Iterable[Any]] = [*inside(value)]
    while todo:
        for item in todo.pop():
            kind = type(item)  # pyright: ignore[reportUnknownVariableType]
            if kind is str:
                total += of(item) + 2
            elif kind is int:
                total += scalar + 20 * (item.bit_length() >> 6)
            elif kind in SCALARS:
                total += scalar
            elif _holds(kind):
                total += scalar
                todo += inside(item)
            else:
                total += 2 + of(item) if isinstance(item, (str, bytes)) else scalar
            if total > most:
                raise over("text", total, most)
        if time.monotonic() > budget.deadline:
            raise over("seconds", budget.limits.seconds, budget.limits.seconds)
    return total


@functools.lru_cache(256)
def _holds(kind: type) -> bool:
    return issubclass(kind, CONTAINERS)


def inside(value: Any) -> tuple[Iterable[Any], ...]:
    if isinstance(value, dict):
        return _DICT.keys(value), _DICT.values(value)
    if isinstance(value, Mapping):
        return ([x for pair in cast("Mapping[Any, Any]", value).items() for x in pair],)
    if isinstance(value, Namespace):
        return inside(object.__getattribute__(value, "_Namespace__attrs"))
    return (_LIST.__iter__(value) if isinstance(value, list) else value,)


def spelled(value: Any, weight: int | None = None, spell: Callable[[str], str] = repr) -> None:
    """Checks that a value may be written out, as Python or JSON shows it. What may be long is measured."""
    most = current.get().limits.text
    if GROWS * (weigh(value) if weight is None else weight) > most:
        current.get().fits(weigh(value, lambda text: measured(text, spell), 24))


def measured(text: Any, how: Callable[[Any], Any]) -> int:
    """The length of what `how` makes of a text, character by character, without making it."""
    return sum([len(how(text[i : i + 10_000])) for i in range(0, len(text), 10_000)])


def bounded(value: Any) -> Any:
    """The value itself, weighed first if it is a container: for comparing and hashing."""
    if value is not None and not isinstance(value, (str, int, float)):
        weigh(value)
    return value


def shown(value: Any) -> str:
    """`str(value)`."""
    if not isinstance(value, (str, int, float)) and value is not None:
        spelled(value)
    text = str(value)
    current.get().size(len(text))
    return text


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


def arguments(values: Collection[Any]) -> None:
    """Checks what a call or a filter is given. Many are of a `*`; some objects keep them."""
    if len(values) > FEW:
        current.get().charge(PIECE * len(values))
    for value in values:
        if isinstance(value, int):
            digits(value.bit_length())
        elif not isinstance(value, str):
            weigh(value)
