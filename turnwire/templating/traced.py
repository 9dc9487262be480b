"""The sandbox of `jinja.py`, whose texts know where they come from.

Literals are `Text` with the template's line; what is printed keeps the line that printed it; the filters that make
strings keep origins or know nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache, wraps
from typing import Any, cast

import jinja2
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from jinja2.sandbox import SandboxedFormatter

from . import budget, costs, jinja
from .guards import guarded
from .template_code import Literal
from .template_tree import JOINED
from .traced_filters import FILTERS
from .traced_format import formatted, percent
from .traced_markup import escaped
from .traced_text import Run, Source, Text, joined, placed, plain, run_of
from .traced_values import READY, Mapped, doubt, taken, text_under
from .traced_written import shown

_get = cast("Any", dict).get
Piece = tuple[Any, "Run | int"]
"""A text that is printed and its run; or another value, and the line that prints it."""


def printed(line: int, value: Any) -> Piece:
    """What `{{ value }}` writes."""
    if type(value) is Text:
        return value, (len(value), value._node, value._at, line)  # pyright: ignore[reportPrivateUsage]
    return value, line


def _escaped(line: int, escaping: bool, value: Any) -> Piece:
    return printed(line, str(escaped(value)) if escaping else value)


def _text(value: Any, run: Any) -> Any:
    """What a piece prints."""
    return value if type(run) is int else placed(value, run[1], run[2])


def gathered(pieces: Iterable[Any]) -> tuple[str, list[Run]]:
    """Joins what a template wrote: pieces, sums (see `summed`), and texts that have their own lines."""
    left = budget.current.get()
    most = left.limits.text
    total: int = 0
    texts: list[str] = []
    runs: list[Any] = []
    say, note = texts.append, runs.append
    for piece in pieces:
        kind = type(piece)  # pyright: ignore[reportUnknownVariableType]
        if kind is not list:
            if kind is not tuple:
                piece = printed(0, piece)
            text, run = piece
            if type(run) is int:
                text = shown(text)
                run = run_of(text, run)
            if text:
                say(text)
                note(run)
                total += len(text)
        else:
            total += piece.pop()
            for text, run in piece:
                say(text)
                note(run)
        if total > most:
            raise budget.beyond(pieces, total)
    left.size(total)
    return "".join(texts), runs


@pass_eval_context
def _concatenated(context: EvalContext, *values: Any) -> Any:
    if context.autoescape and any(hasattr(value, "__html__") for value in values):
        return jinja.concatenated(context, *[v if isinstance(v, str) else shown(v) for v in values])
    parts: list[str] = [value if type(value) is Text else shown(value) for value in values]
    budget.current.get().size(sum(map(len, parts)))
    return joined("".join(parts), parts)


def literal(of: Literal) -> Any:
    """A text of the template; the piece, if it is printed."""
    value, line, follows, piece = of
    if not follows or "\n" not in value[:-1]:
        text = placed(value, Source("template", line))
    else:
        lines = value.splitlines(keepends=True) if "\r" not in value else re.findall(r"[^\n]*\n|[^\n]+", value)
        text = placed(value, [(len(part), Source("template", line + i), 0, 0) for i, part in enumerate(lines)])
    return printed(0, text) if piece else text


@lru_cache(256)
def compiled(source: str) -> jinja2.Template:
    """A template whose pieces have origins; for `TracedSandbox` to keep."""
    made = jinja.program_of(source)
    return made.within(sandbox(), map(literal, made.literals))


def run(source: str, variables: dict[str, Any], limits: budget.Limits, deadline: float) -> tuple[str, list[Run]]:
    """The text of a template and its runs, within the budget; raises whatever the template raises."""
    template = compiled(source)
    token = budget.current.set(budget.Budget(limits, deadline))
    try:
        return gathered(template.root_render_func(template.new_context(variables)))
    finally:
        budget.current.reset(token)


class TracedSandbox(jinja.Sandbox):
    """See the head of this file."""

    text = Text
    passed = READY | {int}

    def __init__(self) -> None:
        super().__init__()
        self.printed = printed
        self.escaped = _escaped
        self.filters |= {name: guarded(name, f, name == "tojson") for name, f in FILTERS.items()}
        self.filters[JOINED] = _concatenated
        self.tests |= {name: _doubtful(name, self.tests[name]) for name in ("sameas", "escaped")}

    def concat(self, pieces: Iterable[Any]) -> str:  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
        """Joins what a macro or a block wrote."""
        return placed(*gathered(pieces))

    def added(self, context: Any, values: tuple[Any, ...]) -> Any:
        """`a + b + c`."""
        if budget.summed(values, Text):
            return placed("".join(values), [(len(v), v._node, v._at, 0) for v in values if v])
        return super().added(context, values)

    def summed(self, context: Any, line: int, pieces: tuple[bool, ...], values: tuple[Any, ...]) -> Any:
        """What `{{ a + b + c }}` writes: if they are texts, the terms, and last their size."""
        out: list[Any] = []
        size = made = 0
        for piece, value in zip(pieces, values):
            term = value if piece else printed(line, value)
            run: Any = term[1]
            if type(run) is int:
                break
            if length := run[0]:
                out.append(term)
                size += length
            made += size
        else:
            first = values[0][0] if pieces[0] else values[0]
            budget.current.get().sum(size, made - len(first))
            out.append(size)
            return out
        terms = [_text(*value) if piece else value for piece, value in zip(pieces, values)]
        return printed(line, super().added(context, tuple(terms)))

    def joined(self, line: int, pieces: tuple[bool, ...], values: tuple[Any, ...]) -> Any:
        """What `{{ a ~ b ~ c }}` writes: the terms, and last their size."""
        out: list[Any] = []
        size = 0
        for piece, value in zip(pieces, values):
            term: Any = value if piece else printed(line, value)
            text, run = term
            if type(run) is int:
                text = shown(text)
                term = text, run_of(text, run)
            if text:
                out.append(term)
                size += len(text)
        budget.current.get().size(size)
        out.append(size)
        return out

    def shown(self, line: int, obj: Any, key: str, item: bool) -> Any:
        """The piece that `{{ obj.key }}` writes, or `{{ obj["key"] }}`, alone or in a sum."""
        if type(obj) is Mapped:
            value = _get(obj, key, self)
            if type(value) is str:
                path: Any = obj._path + (key,)  # noqa: RUF005  # pyright: ignore[reportPrivateUsage]
                if key == "role" or obj._root.markup:  # pyright: ignore[reportPrivateUsage]
                    path = obj._root.source(value, path)  # pyright: ignore[reportPrivateUsage]
                return value, (len(value), path, 0, line)
            if type(value) is Text:
                return value, (len(value), value._node, value._at, line)  # pyright: ignore[reportPrivateUsage]
        return printed(line, self.item(obj, key) if item else self.field(obj, key))

    part = shown

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`."""
        if type(obj) is Mapped and attribute in jinja.READING:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def field(self, obj: Any, name: str) -> Any:
        """`obj.name`, which is no method of a mapping."""
        if type(obj) is Mapped:
            value = _get(obj, name, self)
            if type(value) is str:
                return text_under(obj, name, value)
            if type(value) in READY:
                return value
            return self.undefined(obj=obj, name=name) if value is self else taken(obj, name, value)
        return super().field(obj, name)

    def seen(self, obj: Any, name: str) -> Any:
        """As `field`, of which nothing is printed."""
        if type(obj) is not Mapped:
            return self.field(obj, name)
        value = _get(obj, name, self)
        return self.undefined(obj=obj, name=name) if value is self else value

    def item(self, obj: Any, key: str) -> Any:
        """`obj["key"]`."""
        if type(obj) is Mapped:
            value = _get(obj, key, self)
            if type(value) is str:
                return text_under(obj, key, value)
            if type(value) in READY:
                return value
            if value is not self:
                return taken(obj, key, value)
        return super().getitem(obj, key)

    def seen_item(self, obj: Any, key: str) -> Any:
        """As `item`, of which nothing is printed."""
        value = _get(obj, key, self) if type(obj) is Mapped else self
        return super().getitem(obj, key) if value is self else value

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`."""
        return self.item(obj, argument) if type(argument) is str else super().getitem(obj, argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operator that may grow a value."""
        if operator == "%" and isinstance(left, str) and not hasattr(left, "__html__"):
            costs.operator(operator, left, right)
            return percent(left, right)
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Any:
        """`str.format`, within the sandbox."""
        plain_format = super().wrap_str_format(value)
        if plain_format is None or hasattr(value.__self__, "__html__"):
            return plain_format

        @wraps(value)  # `call` looks there for the text, to check its budget
        def run(*args: Any, **kwargs: Any) -> str:
            out = plain(plain_format(*args, **kwargs))
            positional, named = (args, kwargs) if value.__name__ == "format" else ((), args[0])
            return formatted(SandboxedFormatter(self), value.__self__, positional, named, out)

        return run


def _doubtful(name: str, f: Any) -> Any:
    @wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        doubt(f"the test {name}")
        return f(*args, **kwargs)

    return run


@lru_cache(1)
def sandbox() -> TracedSandbox:
    """The environment, made on first use."""
    return TracedSandbox()
