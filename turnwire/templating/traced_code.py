"""The code of a template whose texts know where they come from.

Literals are names of `Text`s; what is printed is yielded with its line, a sum as its terms. Fields, methods of strings
and sums have ways of their own, which are quicker where what they meet is ours, and jinja's where it is not.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator

from . import jinja
from .traced_text import Source, Text, placed

literals: ContextVar[list[Text]] = ContextVar("literals")  # of the template that is being compiled
ASKED = frozenset(name for name in dir(str) if name[0] != "_") - {"format", "format_map"}  # methods, run as they are


def literal(value: str, line: int, follow: bool) -> Text:
    """A text of the template. Template data goes on over lines; a string has the line that it begins on."""
    if not follow or "\n" not in value[:-1]:
        return placed(value, Source("template", line))
    lines = value.splitlines(keepends=True) if "\r" not in value else re.findall(r"[^\n]*\n|[^\n]+", value)
    return placed(value, [(len(part), Source("template", line + i), 0, 0) for i, part in enumerate(lines)])


def terms(node: nodes.Expr) -> list[nodes.Expr]:
    """What is added up, from the left."""
    out: list[nodes.Expr] = []
    while isinstance(node, nodes.Add):
        out.append(node.right)
        node = node.left
    return [node, *reversed(out)]


class Generator(CodeGenerator):
    """See the head of this file."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bare: set[int] = set()  # what no one prints
        self.printed: set[int] = set()  # sums that are printed

    def _literal(self, value: str, line: int, follow: bool) -> None:
        known = literals.get()
        self.write(f"lit{len(known)}")
        known.append(literal(value, line, follow))

    # what is only looked at stays as it is, which is quicker: compared, tested, true or not

    def visit_Getattr(self, node: nodes.Getattr, frame: Any) -> None:
        own = "getattr" if node.attr in jinja.METHODS else "seen" if id(node) in self.bare else "field"
        self._taken(own, node.node, repr(node.attr), frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Any) -> None:
        key = node.arg
        if isinstance(key, nodes.Const) and type(key.value) is str:
            self._taken("seen_item" if id(node) in self.bare else "item", node.node, repr(key.value), frame)
        else:
            super().visit_Getitem(node, frame)

    def _taken(self, how: str, node: nodes.Node, key: str, frame: Any) -> None:
        self.write(f"environment.{how}(")
        self.visit(node, frame)
        self.write(f", {key})")

    def visit_Compare(self, node: nodes.Compare, frame: Any) -> None:
        for operand in (node.expr, *(operand.expr for operand in node.ops)):
            self._look(operand)
        super().visit_Compare(node, frame)

    def visit_Test(self, node: nodes.Test, frame: Any) -> None:
        if node.name in jinja.GLANCES:
            self._look(node.node)
        super().visit_Test(node, frame)

    def visit_If(self, node: nodes.If, frame: Any) -> None:
        for branch in (node, *node.elif_):
            self._decide(branch.test)
        super().visit_If(node, frame)

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Any) -> None:
        self._decide(node.test)
        super().visit_CondExpr(node, frame)

    def visit_Not(self, node: nodes.UnaryExpr, frame: Any) -> None:
        self._decide(node.node)
        super().visit_Not(node, frame)

    def _look(self, node: nodes.Node) -> None:
        self.bare.add(id(node.node if isinstance(node, nodes.Filter) and node.name == jinja.BOUNDED else node))

    def _decide(self, node: nodes.Node) -> None:
        self.bare.add(id(node))
        if isinstance(node, (nodes.And, nodes.Or)):
            self._decide(node.left)
            self._decide(node.right)

    # what makes text

    def visit_Const(self, node: nodes.Const, frame: Any) -> None:
        if type(node.value) is str and id(node) not in self.bare:
            self._literal(node.value, node.lineno, False)
        else:
            super().visit_Const(node, frame)

    def visit_TemplateData(self, node: nodes.TemplateData, frame: Any) -> None:
        self._literal(node.data, node.lineno, True)

    def visit_Add(self, node: nodes.BinExpr, frame: Any) -> None:
        whole = id(node) not in self.printed
        self.write("environment.added(context, (" * whole)
        for term in terms(node):
            self.visit(term, frame)
            self.write(", ")
        self.write("))" * whole)

    def visit_Call(self, node: nodes.Call, frame: Any, forward_caller: bool = False) -> None:
        method = node.node
        named = forward_caller or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None
        if named or not isinstance(method, nodes.Getattr) or method.attr not in ASKED:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        loop, block = ("_loop_vars" if frame.loop_frame else None), ("_block_vars" if frame.block_frame else None)
        self.write(f"environment.asked(context, {loop}, {block}, {method.attr!r}")
        for value in (method.node, *node.args):
            self.write(", ")
            self.visit(value, frame)
        self.write(")")

    # what is printed: a text that has its lines, (line, value), or (line, None, texts)

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> str:
        raise nodes.Impossible

    def _output_child_pre(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:
        if isinstance(node, nodes.TemplateData):
            self.write("(")
        elif frame.eval_ctx.volatile or frame.eval_ctx.autoescape:
            self.write(f"environment.escaped({node.lineno}, context.eval_ctx.autoescape, ")
        elif isinstance(node, nodes.Const) and type(node.value) is str:
            self.write("(")
        elif isinstance(node, nodes.Add):
            self.printed.add(id(node))
            self.write(f"environment.summed(context, {node.lineno}, (")
        elif frame.buffer is None:  # it is read at once
            self.write(f"({node.lineno}, ")
        else:
            self.write(f"environment.printed({node.lineno}, ")

    def _output_child_post(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:
        self.write("))" if id(node) in self.printed else ")")
