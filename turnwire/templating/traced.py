"""The sandbox of `jinja.py`, whose texts know where they come from.

Literals are `Text` with the template's line; what is printed keeps the line that printed it; the filters that make
strings keep origins or know nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, cast

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator
from markupsafe import escape

from . import budget, jinja
from .traced_filters import FILTERS
from .traced_text import Rope, Run, Source, Text, placed, run_of
from .traced_written import shown

_literals: ContextVar[list[Text]] = ContextVar("literals")  # of the template that is being compiled


def literal(value: str, line: int, follow: bool) -> Text:
    """A text of the template. Template data goes on over lines; a string has the line that it begins on."""
    if not follow or "\n" not in value[:-1]:
        return placed(value, Source("template", line))
    lines = value.splitlines(keepends=True) if "\r" not in value else re.findall(r"[^\n]*\n|[^\n]+", value)
    return placed(value, Rope([(len(part), Source("template", line + i), 0, 0) for i, part in enumerate(lines)]))


class _Generator(CodeGenerator):
    """Writes literals as names of `Text`s, and what is printed as (line, text)."""

    def _literal(self, value: str, line: int, follow: bool) -> None:
        known = _literals.get()
        self.write(f"lit{len(known)}")
        known.append(literal(value, line, follow))

    def visit_Const(self, node: nodes.Const, frame: Any) -> None:
        if type(node.value) is str:
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
    if type(value) is Text:
        return line, value
    return line, shown(budget.bounded(value))


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


class TracedSandbox(jinja.Sandbox):
    """See the head of this file."""

    code_generator_class = _Generator

    def __init__(self) -> None:
        super().__init__()
        self.printed = printed
        self.escaped = _escaped
        self.filters |= {name: jinja.guarded(name, f) for name, f in FILTERS.items()}
        self.filters[jinja.JOINED] = _concatenated

    def concat(self, pieces: Iterable[Any]) -> str:  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
        """Joins what a template, a macro or a block wrote: texts, and pairs of a line and a text."""
        left = budget.current.get()
        most = left.limits.text
        total = 0
        texts: list[str] = []
        runs: list[Run] = []
        for piece in pieces:
            line, text = cast("tuple[int, str]", piece if type(piece) is tuple else (0, piece))
            if text:
                total += len(text)
                if total > most:
                    raise budget.over("text", total, most)
                texts.append(text)
                runs.append(run_of(text, line))
        left.size(total)
        return placed("".join(texts), Rope(runs))


def _escaped(line: int, escaping: bool, value: Any) -> tuple[int, str]:
    return (line, str(escape(value))) if escaping else printed(line, value)


def _concatenated(*values: Any) -> str:
    budget.current.get().size(sum(map(budget.weigh, values)))
    parts = [value if type(value) is Text else shown(value) for value in values]
    return placed("".join(parts), Rope([run_of(part) for part in parts if part]))


@lru_cache(1)
def sandbox() -> TracedSandbox:
    """The environment, made on first use."""
    return TracedSandbox()
