"""The sandbox of `jinja.py`, whose texts know where they come from.

Literals are `Text` with the template's line; what is printed keeps the line that printed it; the filters that make
strings keep origins or know nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from jinja2.sandbox import SandboxedFormatter

from . import budget, jinja
from .traced_filters import FILTERS
from .traced_format import formatted, percent
from .traced_markup import escaped
from .traced_text import UNKNOWN, Run, Source, Text, joined, placed, plain
from .traced_values import READY, Mapped, doubt
from .traced_written import shown

T = TypeVar("T")
_get = cast("Any", dict).get
_literals: ContextVar[list[Text]] = ContextVar("literals")  # of the template that is being compiled


def literal(value: str, line: int, follow: bool) -> Text:
    """A text of the template. Template data goes on over lines; a string has the line that it begins on."""
    if not follow or "\n" not in value[:-1]:
        return placed(value, Source("template", line))
    lines = value.splitlines(keepends=True) if "\r" not in value else re.findall(r"[^\n]*\n|[^\n]+", value)
    return placed(value, [(len(part), Source("template", line + i), 0, 0) for i, part in enumerate(lines)])


class _Generator(CodeGenerator):
    """Writes literals as names of `Text`s, and what is printed as (line, text)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bare: set[int] = set()

    def _literal(self, value: str, line: int, follow: bool) -> None:
        known = _literals.get()
        self.write(f"lit{len(known)}")
        known.append(literal(value, line, follow))

    def visit_Getitem(self, node: nodes.Getitem, frame: Any) -> None:
        self._unprinted(node.arg)
        super().visit_Getitem(node, frame)

    def visit_Compare(self, node: nodes.Compare, frame: Any) -> None:
        self._unprinted(node.expr, *(operand.expr for operand in node.ops))
        super().visit_Compare(node, frame)

    def _unprinted(self, *where: nodes.Node) -> None:
        """Constants that are only looked at stay `str`, which is quicker."""
        self.bare |= {id(node) for node in where}

    def visit_Const(self, node: nodes.Const, frame: Any) -> None:
        if type(node.value) is str and id(node) not in self.bare:
            self._literal(node.value, node.lineno, False)
        else:
            super().visit_Const(node, frame)

    def visit_TemplateData(self, node: nodes.TemplateData, frame: Any) -> None:
        self._literal(node.data, node.lineno, True)

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> str:
        raise nodes.Impossible

    def _output_child_pre(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:
        if isinstance(node, nodes.TemplateData):
            self.write("(")
        elif frame.eval_ctx.volatile or frame.eval_ctx.autoescape:
            self.write(f"environment.escaped({node.lineno}, context.eval_ctx.autoescape, ")
        else:
            self.write(f"environment.printed({node.lineno}, ")

    def _output_child_post(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:
        self.write(")")


def printed(line: int, value: Any) -> tuple[int, str]:
    """What `{{ value }}` writes."""
    return line, value if type(value) is Text else shown(budget.bounded(value))


def _escaped(line: int, escaping: bool, value: Any) -> tuple[int, str]:
    return (line, str(escaped(value))) if escaping else printed(line, value)


def _concatenated(*values: Any) -> str:
    left = budget.current.get()
    parts: list[str] = []
    size = 0
    for value in values:
        if type(value) is not Text:
            size += 0 if isinstance(value, str) else budget.weigh(value)
            value = shown(value)
        size += len(value)
        parts.append(value)
    left.size(size)
    return joined("".join(parts), parts)


@lru_cache(256)
def compiled(source: str) -> jinja2.Template:
    """A template whose pieces have origins; for `TracedSandbox` to keep."""
    known: list[Text] = []
    token = _literals.set(known)
    try:
        template = jinja.compile_in(sandbox(), source)
    finally:
        _literals.reset(token)
    template.root_render_func.__globals__.update({f"lit{i}": text for i, text in enumerate(known)})
    return template


def run(source: str, variables: Mapping[str, Any], limits: budget.Limits, then: Callable[[str], T]) -> T:
    """What `then` makes of the text, within the budget; raises whatever the template raises."""
    template = compiled(source)
    token = budget.current.set(budget.Budget(limits))
    try:
        return then(template.render(variables))
    finally:
        budget.current.reset(token)


class TracedSandbox(jinja.Sandbox):
    """See the head of this file."""

    code_generator_class = _Generator

    def __init__(self) -> None:
        super().__init__()
        self.printed = printed
        self.escaped = _escaped
        self.filters |= {name: jinja.guarded(name, f) for name, f in FILTERS.items()}
        self.filters[jinja.JOINED] = _concatenated
        self.tests |= {name: _doubtful(name, self.tests[name]) for name in ("sameas", "escaped")}

    def concat(self, pieces: Iterable[Any]) -> str:  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
        """Joins what a template, a macro or a block wrote: texts, and pairs of a line and a text."""
        left = budget.current.get()
        most = left.limits.text
        total = 0
        texts: list[str] = []
        runs: list[Run] = []
        for piece in pieces:
            line, text = cast("tuple[int, str]", piece if type(piece) is tuple else (0, piece))
            size = len(text)
            if size:
                total += size
                if total > most:
                    raise budget.over("text", total, most)
                texts.append(text)
                if type(text) is Text:
                    runs.append((size, text._node, text._at, line))  # pyright: ignore[reportPrivateUsage]
                else:
                    runs.append((size, UNKNOWN, -1, line))
        left.size(total)
        return placed("".join(texts), runs)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`."""
        if type(obj) is Mapped and attribute not in jinja.METHODS:
            value = _get(obj, attribute, self)
            if type(value) in READY:
                return value
            return self.undefined(obj=obj, name=attribute) if value is self else obj.take(attribute, value)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`."""
        if type(obj) is Mapped and type(argument) is str:
            value = _get(obj, argument, self)
            if type(value) in READY:
                return value
            if value is not self:
                return obj.take(argument, value)
        return super().getitem(obj, argument)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operator that may grow a value."""
        if operator == "+" and type(left) is Text and type(right) is Text:
            budget.current.get().size(len(left) + len(right))
            return left + right
        if operator == "%" and isinstance(left, str) and not hasattr(left, "__html__"):
            budget.operator(operator, left, right)
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
