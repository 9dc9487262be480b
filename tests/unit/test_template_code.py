"""What makes a template's code in less time than jinja's own ways: the same tokens, names and filters."""

from __future__ import annotations

import random
from typing import Any

import jinja2
import pytest
from jinja2 import nodes
from jinja2.compiler import DependencyFinderVisitor, find_undeclared
from jinja2.lexer import get_lexer
from jinja2.parser import Parser

from tests.sourcemap_proof import corpus
from turnwire.templating import budget, jinja
from turnwire.templating.template_tree import BOUNDED, JOINED, STEP, tree_of

PIECES = (
    "{% ", "{%- ", " %}", "-%}\n", "+%}", "{{ ", "{{-", " }}", "-}}", "{# c #}", "a", "if", "é", "a²", "m.b", "0", "42",
    "007", "1_0", "1.5", "1e3", "x.0", ".5", "'s'", '"t"', r"'\n'", r'"\x4"', "'l\nm'", "'", '"', "\\", "==", "=",
    "===", "!", "!=", "<=", "//", "/", "**", "*", "~", "|", ",", ":", ";", "%", "-", "+", "(", ")", "[", "]", "{", "}",
    "<", " ", "\n", "\t", "\r\n", "text", "#", "$",
)  # fmt: skip


@pytest.fixture(scope="module")
def sources() -> list[str]:
    return [source for _, source in corpus()][::8]


def tokens(lexer: Any, source: str) -> Any:
    """All tokens, or what is wrong and where."""
    try:
        stream = lexer.tokenize(source)
        out: list[Any] = []
        while stream:
            out.append(tuple(next(stream)))
        return out
    except jinja2.TemplateSyntaxError as e:
        return e.message, e.lineno


def test_tokens_of_templates_are_those_of_jinja(sources: list[str]) -> None:
    own, theirs = jinja.sandbox().lexer, get_lexer(jinja.sandbox())
    assert type(own) is not type(theirs)
    for source in sources:
        assert tokens(own, source) == tokens(theirs, source)


def test_tokens_of_anything_are_those_of_jinja() -> None:
    own, theirs = jinja.sandbox().lexer, get_lexer(jinja.sandbox())
    rng = random.Random(5)
    errors = 0
    for _ in range(6_000):
        text = rng.choice(("{{ ", "{% ")) + "".join(rng.choices(PIECES, k=rng.randint(1, 14)))
        found = tokens(own, text)
        assert found == tokens(theirs, text), text
        errors += isinstance(found, tuple)
    assert 1_000 < errors < 5_500


@pytest.mark.parametrize(
    "text", ["(" * 3_000, "(a " * 3_000, "(" + "== " * 20_000, "('" + "\\a" * 20_000, "[" + "a\n" * 20_000]
)
def test_a_run_takes_no_long_time(text: str) -> None:
    """What opens a bracket and never closes it is looked at once more, not over and over."""
    own, theirs = jinja.sandbox().lexer, get_lexer(jinja.sandbox())
    assert tokens(own, "{{ " + text) == tokens(theirs, "{{ " + text)


def names(tree: nodes.Node) -> list[str]:
    return [f"{n.name} {n.ctx}" for n in tree.find_all(nodes.Name)]


def test_a_settled_tree_says_what_is_in_it(sources: list[str]) -> None:
    """The names of each statement in their order, its filters and tests, and what a loop's body asks for."""
    token = budget.current.set(budget.Budget(budget.Limits()))
    try:
        for source in sources:
            plain, made = Parser(jinja.sandbox(), source).parse(), tree_of(jinja.sandbox(), source)
            assert names(made) == names(plain)
            kept, whole = DependencyFinderVisitor(), DependencyFinderVisitor()
            kept.visit(made)
            whole.visit(plain)
            assert kept.filters - {JOINED} == whole.filters and kept.tests == whole.tests
            assert not kept.filters & {BOUNDED, STEP}
            pairs = zip(made.find_all((nodes.For, nodes.Macro)), plain.find_all((nodes.For, nodes.Macro)))
            for a, b in pairs:
                asked = ("loop", "caller", "message", "messages")
                inside: list[Any] = [find_undeclared(x.iter_child_nodes(only=("body",)), asked) for x in (a, b)]
                assert inside[0] == inside[1] and names(a) == names(b)
    finally:
        budget.current.reset(token)
