"""A template's tree, made ready for `template_code` in one pass.

Guards are put in, so that nothing runs uncounted (see `budget`): a step into every loop and macro; what is compared,
tested, hashed or joined is weighed first. A step says how many things the nodes of its body make by themselves: what
they print, lists that are written there. Nobody changes the tree after that. So each statement, and each expression
in one, keeps a list of what may be looked for in it (names, filters, tests), and jinja's analyses walk no further: they
go through a loop's body once for each loop around it, and once more for each question.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Any, cast

import jinja2
from jinja2 import nodes
from jinja2.parser import Parser

from .budget import BITS, PIECE

BOUNDED, STEP, JOINED = "<bounded>", "<step>", "<joined>"  # filters that no template may name
INSIDE = frozenset((BOUNDED, STEP, JOINED))
GLANCES = frozenset(  # tests that look at no more than a value's type
    "defined undefined none boolean false true integer float string mapping number sequence iterable callable "
    "sameas escaped odd even".split()
)
SOUGHT: frozenset[type[Any]] = frozenset((nodes.Name, nodes.NSRef, nodes.Filter, nodes.Test, nodes.ImportedName))
"""The expressions that an analysis looks for; of others only for what is in them."""
LITERALS: frozenset[type[Any]] = frozenset((nodes.List, nodes.Tuple, nodes.Dict))
DEEP = "nested too deep"
MACRO = 8  # things that a macro is, and a loop
Found = list[nodes.Node]


def tree_of(environment: jinja2.Environment, source: str) -> nodes.Template:
    """The tree of a template, see the head of this file."""
    parser = Parser(environment, source)
    try:
        tree = nodes.Template(parser.subparse(), lineno=1)
    except RecursionError:
        raise jinja2.TemplateSyntaxError(DEEP, parser.stream.current.lineno) from None
    try:
        _Pass(environment).statement(tree)
    except RecursionError:
        raise too_deep(tree) from None
    return tree


def too_deep(tree: nodes.Template) -> jinja2.TemplateSyntaxError:
    """The error of a tree that is nested too deep for Python; with the line where it is deepest."""
    deepest, line = 0, 1
    todo: list[tuple[Any, int, int]] = [(tree, 0, 1)]
    while todo:
        value, depth, at = todo.pop()
        if isinstance(value, nodes.Node):
            at = value.lineno or at
            if depth > deepest:
                deepest, line = depth, at
            todo += [(getattr(value, name, None), depth + 1, at) for name in value.fields]
        elif isinstance(value, list):
            todo += [(item, depth, at) for item in cast("list[Any]", value)]
    return jinja2.TemplateSyntaxError(DEEP, line)


class _Pass:
    def __init__(self, environment: jinja2.Environment):
        self._environment = environment
        self._made = 0  # what the nodes so far make by themselves, when they run once

    def statement(self, node: Any) -> Found:
        """Makes a statement ready; what is to be found in it."""
        found: dict[str, Found] = {}
        node.environment = self._environment
        before = self._made
        for name in node.fields:
            value = getattr(node, name)
            if isinstance(value, nodes.Node):
                inside: Found = []
                found[name] = inside
                setattr(node, name, self._part(value, inside))
            elif type(value) is list:
                inside = []
                found[name] = inside
                held = cast("list[Any]", value)
                held[:] = [self._part(v, inside) if isinstance(v, nodes.Node) else v for v in held]
        if isinstance(node, nodes.Output):
            self._made += sum(type(part) is not nodes.TemplateData for part in node.nodes)
        if isinstance(node, (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)):
            made = self._made - before
            node.body.insert(0, nodes.ExprStmt(_step(node.lineno, PIECE * made), lineno=node.lineno))
            self._made += MACRO
        if isinstance(node, nodes.For) and node.test is not None:
            node.test = nodes.And(_step(node.lineno, 0), node.test, lineno=node.lineno)
            vars(node.test)["iter_child_nodes"] = found["test"].__iter__
        return _keep(node, found)

    def _part(self, node: nodes.Node, found: Found) -> nodes.Node:
        """A part of a statement, ready; notes what is to be found in it."""
        if isinstance(node, nodes.Stmt):
            said = self.statement(node)
            found += said if type(node) is nodes.Output else (node,)
            return node
        inside: Found = []
        made = self._expression(node, inside)
        if type(made) in SOUGHT:
            found.append(made)
            inside = [n for n in inside if n is not made]
        else:
            found += inside
        vars(made)["iter_child_nodes"] = inside.__iter__
        return made

    def _expression(self, node: Any, found: Found) -> Any:
        """An expression with its guards; notes all that is to be found in it, itself too."""
        kind = type(node)  # pyright: ignore[reportUnknownVariableType]
        node.environment = self._environment
        if kind in SOUGHT:
            found.append(node)
            vars(node)["iter_child_nodes"] = ().__iter__
        for name in node.fields:
            value = getattr(node, name)
            if isinstance(value, nodes.Node):
                setattr(node, name, self._expression(value, found))
            elif type(value) is list:
                held = cast("list[Any]", value)
                held[:] = [self._expression(v, found) if isinstance(v, nodes.Node) else v for v in held]
        if kind is nodes.Const and type(node.value) is int and node.value.bit_length() > BITS:
            raise jinja2.TemplateSyntaxError("a number of too many digits", node.lineno)
        if kind in LITERALS:
            self._made += 1 + len(node.items)
        guard = GUARDS.get(cast("Any", kind))
        if guard is not None:
            guard(node)
        elif kind is nodes.Concat:
            node = _filtered(JOINED, node.nodes[0], node.nodes[1:])
            found.append(node)
            vars(node)["iter_child_nodes"] = ().__iter__
        return node


def _keep(node: Any, found: dict[str, Found]) -> Found:
    """Has a statement answer with what was found in its fields."""
    every = [n for inside in found.values() for n in inside]

    def iter_child_nodes(
        exclude: Container[str] | None = None, only: Container[str] | None = None
    ) -> Iterator[nodes.Node]:
        if exclude is None and only is None:
            return iter(every)
        asked = (f for f in found if (f in only if only is not None else f not in (exclude or ())))
        return iter([n for field in asked for n in found[field]])

    vars(node)["iter_child_nodes"] = iter_child_nodes
    return every


def _filtered(name: str, node: nodes.Expr, more: Sequence[nodes.Expr] = ()) -> nodes.Filter:
    return nodes.Filter(node, name, list(more), [], None, None, lineno=node.lineno)


def _step(line: int, made: int) -> nodes.Filter:
    return _filtered(STEP, nodes.Const(made, lineno=line))


def _bounded(node: Any) -> Any:
    return node if isinstance(node, nodes.Const) else _filtered(BOUNDED, node)


# what is weighed first


def _compared(node: Any) -> None:
    node.expr = _bounded(node.expr)
    for operand in node.ops:
        operand.expr = _bounded(operand.expr)


def _tested(node: Any) -> None:
    if node.name not in GLANCES:
        node.node = _bounded(node.node)
        node.args = [_bounded(arg) for arg in node.args]


def _taken(node: Any) -> None:
    if node.ctx == "load" and not isinstance(node.arg, (nodes.Const, nodes.Slice)):
        node.arg = _bounded(node.arg)


def _paired(node: Any) -> None:
    node.key = _bounded(node.key)


GUARDS: dict[type[nodes.Node], Callable[[Any], None]] = {
    nodes.Compare: _compared, nodes.Test: _tested, nodes.Getitem: _taken, nodes.Pair: _paired,
}  # fmt: skip
