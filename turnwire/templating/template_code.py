"""The code of a template, made once for both ways to run it: plain (`jinja`), and with texts that know where they come
from (`traced`).

What it does goes through its environment, which is the sandbox of the one or of the other: fields, methods of strings,
sums, what is printed, each with its line. Literals are names, which each gives its own kind of text. Only what is the
same for both is jinja's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from io import StringIO
from types import CodeType
from typing import Any, NamedTuple, cast

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, DependencyFinderVisitor, Frame
from jinja2.idtracking import VAR_LOAD_RESOLVE

from .template_tree import BOUNDED, GLANCES, JOINED, STEP, too_deep

METHODS = frozenset(dir(dict))
GUARDS = {BOUNDED: "bounded", STEP: "step"}  # filters that the code knows by these names
TELLING = frozenset("startswith endswith find rfind index rindex count".split())  # they give no text
ASKED = frozenset(name for name in dir(str) if name[0] != "_") - {"format", "format_map"}  # methods, run as they are


class Literal(NamedTuple):
    """A text of the template. Template data goes on over lines; a string has the line that it begins on. `piece`: it
    is printed, as it is or in a sum."""

    value: str
    line: int
    follows: bool
    piece: bool


class Program(NamedTuple):
    """The compiled code, its texts, and the variables that it asks for."""

    code: CodeType
    literals: tuple[Literal, ...]
    reads: frozenset[str]

    def within(self, environment: jinja2.Environment, literals: Iterable[Any]) -> jinja2.Template:
        """The template of an environment, its texts as it wants them."""
        template = jinja2.Template.from_code(environment, self.code, environment.globals)
        known = template.root_render_func.__globals__
        known.update({f"lit{i}": text for i, text in enumerate(literals)})
        known.update({made: environment.filters[name] for name, made in GUARDS.items()})
        return template


def program(environment: jinja2.Environment, tree: nodes.Template) -> Program:
    """The code of a template's tree (`tree_of`). What filters and tests an environment has, and what filters are given,
    has to be the same in all that run it."""
    stream = StringIO()
    generator = Generator(environment, None, None, stream, optimized=False)
    try:
        generator.visit(tree)
        code = environment._compile(stream.getvalue(), "<template>")  # pyright: ignore[reportPrivateUsage]
    except SyntaxError as e:  # Python's: a `break` without a loop
        at = next((line for line, own in reversed(generator.debug_info) if own <= (e.lineno or 0)), 1)
        raise jinja2.TemplateSyntaxError(e.msg, at) from None
    except AssertionError as e:  # jinja's: it has no place for a name, as in a filter of a `set` block
        raise jinja2.TemplateSyntaxError(str(e), generator.debug_info[-1][0] if generator.debug_info else 1) from None
    except (RecursionError, MemoryError):
        raise too_deep(tree) from None
    return Program(code, tuple(generator.literals), frozenset(generator.reads))


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
        self.literals: list[Literal] = []
        self.reads: set[str] = set()
        self.bare: set[int] = set()  # what no one prints
        self.pieces: dict[int, tuple[str, int]] = {}  # what is printed: how it is taken, and the line

    def _literal(self, value: str, line: int, follows: bool, piece: bool) -> None:
        self.write(f"lit{len(self.literals)}")
        self.literals.append(Literal(value, line, follows, piece))

    def enter_frame(self, frame: Any) -> None:
        """Notes which variables a template asks for, as `jinja2.meta` does in a run of its own."""
        super().enter_frame(frame)
        self.reads.update(name for action, name in frame.symbols.loads.values() if action == VAR_LOAD_RESOLVE)

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        """As jinja's, which makes and looks up the name of a method each time."""
        method = _METHODS.get(type(node))
        if method is None:
            found: Any = getattr(Generator, f"visit_{type(node).__name__}", Generator.generic_visit)
            method = _METHODS[type(node)] = found
        return method(self, node, *args, **kwargs)

    def pull_dependencies(self, nodes: Iterable[Any]) -> None:
        """Names the filters and tests that are used. Those that there are need nothing for the case that there are
        none; the others are left to jinja."""
        found = DependencyFinderVisitor()
        for node in nodes:
            found.visit(node)
        for kind, names, ids in (("filters", found.filters, self.filters), ("tests", found.tests, self.tests)):
            known = getattr(self.environment, kind)
            if not names <= known.keys():
                super().pull_dependencies(nodes)
                return
            for name in sorted(names):
                if name not in ids:
                    ids[name] = self.temporary_identifier()
                self.writeline(f"{ids[name]} = environment.{kind}[{name!r}]")

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        if id(node) in self.pieces:
            self._terms("joined(", node, [cast("nodes.Expr", node.node), *node.args], frame)
            return
        guard = GUARDS.get(node.name)
        if guard is None or node.node is None:
            super().visit_Filter(node, frame)
            return
        self.write(f"{guard}(")
        self.visit(node.node, frame)
        self.write(")")

    # what is only looked at stays as it is, which is quicker: compared, tested, true or not

    def visit_Getattr(self, node: nodes.Getattr, frame: Any) -> None:
        own = "getattr" if node.attr in METHODS else "seen" if id(node) in self.bare else "field"
        self._taken(own, node, node.attr, frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Any) -> None:
        key = _key(node)
        if isinstance(node.arg, nodes.Slice):
            self.write("environment.sliced(")
            for part in (node.node, node.arg.start, node.arg.stop, node.arg.step):
                if part is None:
                    self.write("None")
                else:
                    self.visit(part, frame)
                self.write(", ")
            self.write(")")
        elif key is None:
            super().visit_Getitem(node, frame)
        else:
            self._taken("seen_item" if id(node) in self.bare else "item", node, key, frame)

    def _taken(self, own: str, node: nodes.Getattr | nodes.Getitem, key: str, frame: Any) -> None:
        how, line = self.pieces.get(id(node), (own, 0))
        self.write(f"environment.{how}(" + f"{line}, " * (how != own))
        self.visit(node.node, frame)
        self.write(f", {key!r}" + f", {own == 'item'}" * (how != own) + ")")

    def visit_Compare(self, node: nodes.Compare, frame: Any) -> None:
        for operand in (node.expr, *(operand.expr for operand in node.ops)):
            self._look(operand)
        super().visit_Compare(node, frame)

    def visit_Test(self, node: nodes.Test, frame: Any) -> None:
        if node.name in GLANCES:
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
        self.bare.add(id(node.node if isinstance(node, nodes.Filter) and node.name == BOUNDED else node))

    def _decide(self, node: nodes.Node) -> None:
        self.bare.add(id(node))
        if isinstance(node, (nodes.And, nodes.Or)):
            self._decide(node.left)
            self._decide(node.right)

    # what makes text

    def visit_Const(self, node: nodes.Const, frame: Any) -> None:
        if type(node.value) is str and id(node) not in self.bare:
            self._literal(node.value, node.lineno, False, id(node) in self.pieces)
        elif node.value == math.inf:
            self.write("1e999")  # Python writes it as a name
        else:
            super().visit_Const(node, frame)

    def visit_TemplateData(self, node: nodes.TemplateData, frame: Any) -> None:
        self._literal(node.data, node.lineno, True, True)

    def visit_Add(self, node: nodes.BinExpr, frame: Any) -> None:
        if id(node) in self.pieces:
            self._terms("summed(context, ", node, terms(node), frame)
            return
        self.write("environment.added(context, (")
        for term in terms(node):
            self.visit(term, frame)
            self.write(", ")
        self.write("))")

    def _terms(self, how: str, node: nodes.Expr, several: list[nodes.Expr], frame: Any) -> None:
        """What is printed of several one after the other, and which of them are pieces."""
        pieces = [self._piece(term, "part", node.lineno) for term in several]
        self.write(f"environment.{how}{node.lineno}, {tuple(pieces)}, (")
        for term in several:
            self.visit(term, frame)
            self.write(", ")
        self.write("))")

    def _piece(self, node: nodes.Expr, how: str, line: int) -> bool:
        """Whether what is printed is a piece (a text, a field) without more ado; notes it."""
        piece = isinstance(node, nodes.Const) and type(node.value) is str
        piece |= isinstance(node, nodes.Getattr) and node.attr not in METHODS
        piece |= isinstance(node, nodes.Getitem) and _key(node) is not None
        if piece:
            self.pieces[id(node)] = how, line
        return piece

    def visit_Call(self, node: nodes.Call, frame: Any, forward_caller: bool = False) -> None:
        method = node.node
        named = forward_caller or node.kwargs or node.dyn_args is not None or node.dyn_kwargs is not None
        if named or not isinstance(method, nodes.Getattr) or method.attr not in ASKED:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        loop, block = ("_loop_vars" if frame.loop_frame else None), ("_block_vars" if frame.block_frame else None)
        if method.attr in TELLING or method.attr.startswith("is"):
            self._look(method.node)
        self.write(f"environment.asked(context, {loop}, {block}, {method.attr!r}")
        for value in (method.node, *node.args):
            self.write(", ")
            self.visit(value, frame)
        self.write(")")

    # what is printed: each with its line, but a text that has its own

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> str:
        raise nodes.Impossible

    def _output_child_pre(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:
        if isinstance(node, nodes.TemplateData):
            self.write("(")
        elif frame.eval_ctx.volatile or frame.eval_ctx.autoescape:
            self.write(f"environment.escaped({node.lineno}, context.eval_ctx.autoescape, ")
        elif isinstance(node, nodes.Add) or (isinstance(node, nodes.Filter) and node.name == JOINED):
            self.pieces[id(node)] = "terms", node.lineno
            self.write("(")
        elif self._piece(node, "shown", node.lineno):
            self.write("(")
        else:
            self.write(f"environment.printed({node.lineno}, ")

    def _output_child_post(self, node: nodes.Expr, frame: Any, finalize: Any) -> None:
        self.write(")")


def _key(node: nodes.Getitem) -> str | None:
    """The name that it asks for, if it is a name."""
    return node.arg.value if isinstance(node.arg, nodes.Const) and type(node.arg.value) is str else None


_METHODS: dict[type[nodes.Node], Callable[..., Any]] = {}
"""Of `Generator`, by the nodes that they take."""
