"""The quick spans of JSON are those that the walk of `traced_written` gives."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.laws.law import RANDOM
from turnwire import ChatTemplate
from turnwire.errors import TemplateBudgetError
from turnwire.origins import OriginMap, Span
from turnwire.templating import budget
from turnwire.templating.sourcemap import trace
from turnwire.templating.traced_json import Written, strings_of
from turnwire.templating.traced_text import Source
from turnwire.templating.traced_values import Root, wrap

STRINGS = st.sampled_from(
    ["", "a", '"', "\\", '\\"', "\n", "\\\\n", "\x00", "é\u2028🙂", "1", "true", "x: 1, ", "role"]
)
TEXTS = STRINGS | st.lists(STRINGS, max_size=6).map("".join)
BARE = st.none() | st.booleans() | st.sampled_from([0, 1, 12, 21, 121, -1, 10**20, 0.5, 1e-7, -2.5e30])
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | BARE,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXTS, inside, max_size=4),
    max_leaves=25,
)
TEMPLATES = (
    "<{{ x|tojson }}\n>{{ x|tojson }}",
    "{{ x|tojson(indent=2) }}{{ x|tojson(indent='') }}",
    "{{ x|tojson(separators=(',', ':')) }}{{ x|tojson(separators=('1', '\"')) }}{{ x|tojson(indent='ab') }}",
    "{{ {'a': x, 'b\n': [x, 'a', 1, true, none, '', []]}|tojson }}{{ (x, y.content|trim, y.role)|tojson }}",
    "{{ (x|tojson)[1:] }}{{ x|tojson|trim }}{{ x|tojson|replace('1', '2') }}{{ x|tojson(sort_keys=true) }}",
    "{{ messages|tojson }}{{ messages[0]|tojson }}{{ messages[0].role|tojson }}{{ bos_token|tojson }}{{ m|tojson }}",
    "{{ x|tojson(separators=(z, ': ')) }}{{ [x, 'a']|tojson(indent=z) }}",
    "{{ x }}{{ [x, 'a', 1.5, none, (x, 'b')] }}{{ y|string }}{{ {'a': x}|string|trim }}",
    "[{{ x|tojson }}{{ x|tojson }}{{ [] }}{{ {'a': [x]}|tojson }}]",
)


def _spans(template: str, x: Any) -> tuple[Span, ...] | None:
    y = {"role": "user", "content": " is "}
    variables = {"x": x, "y": y, "messages": [{"role": "user", "content": x}], "bos_token": "<s>", "m": x, "z": " "}
    found = trace(template, variables, markup=("bos_token", "m")).map
    return None if found is None else found.spans


@contextmanager
def _asked(keep: bool) -> Generator[list[bool]]:
    """Whether each text had quick spans; without `keep`, none has."""
    out: list[bool] = []
    quick = Written.spans

    def spans(self: Written, length: int, at: int, line: int | None) -> list[Span] | None:
        found = quick(self, length, at, line) if keep else None
        out.append(found is not None)
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Written, "spans", spans)
        yield out


@pytest.mark.parametrize("template", TEMPLATES)
@settings(derandomize=not RANDOM, max_examples=60, deadline=None)
@given(x=VALUES)
def test_as_the_walk_has_it(template: str, x: Any) -> None:
    with _asked(False):
        slow = _spans(template, x)
    assert slow is not None
    assert _spans(template, x) == slow


@given(x=VALUES)
@settings(derandomize=not RANDOM, max_examples=60, deadline=None)
def test_plain_values_have_quick_spans(x: Any) -> None:
    with _asked(True) as quick:
        _spans("{% set y = {'a': x} %}{{ [x, y]|tojson }}{{ x|tojson(indent=1) }}", x)
    assert quick == [True, True] or (x is not None and not isinstance(x, (str, dict, list)))


class Name(str):
    """A text of another class."""


@pytest.mark.parametrize("x", [{1: "a"}, {None: "a", "b": 1}, {Name("a"): Name("b")}, [Name("a")], {"a": ("b", 1)}])
@pytest.mark.parametrize("template", TEMPLATES[:2])
def test_values_of_other_classes(template: str, x: Any) -> None:
    with _asked(False):
        slow = _spans(template, x)
    assert slow is not None
    assert _spans(template, x) == slow


@pytest.mark.parametrize("marks", ["separators=('1', ': ')", "separators=(', ', '\"')", "indent='-'", "sort_keys=true"])
def test_marks_that_could_be_values(marks: str) -> None:
    with _asked(True) as quick:
        assert _spans(f"{{{{ x|tojson({marks}) }}}}", {"a": [1, "b"]})
    assert quick == []


OTHERS: list[tuple[Any, Any]] = [
    ([1, 12], [12, 1]),
    ([1, "a", 2], [1, 2, "a"]),
    (["a"], ["b"]),
    (["a\n"], ["a\t"]),
    (["a", "b"], ["ab"]),
    ([1], []),
    ([], [True]),
    ({"a": "b"}, {"b": "a"}),
    (["", "a"], ["a", ""]),
]


@pytest.mark.parametrize(("shown", "value"), OTHERS)
def test_a_text_of_another_value(shown: Any, value: Any) -> None:
    mark = Source("template", 0, ("x",))
    token = budget.current.set(budget.Budget(budget.Limits()))
    try:
        for of, found in ((shown, True), (value, False)):
            given = wrap(of, ("x",), Root((), False))
            strings = strings_of(given)
            assert strings is not None
            written = Written(json.dumps(shown), strings, mark, list)
            spans = written.spans(len(json.dumps(shown)), 0, 1)
            assert spans is not None
            assert ([span.kind for span in spans] != ["unknown"]) is found
    finally:
        budget.current.reset(token)


def test_what_grows_much_is_one_span() -> None:
    for size, spans in ((64, 128), (65, 1)):
        found = _spans("{{ x|tojson }}", "a\n" * size)
        assert found is not None and len([s for s in found if s.kind == "data"]) == spans


def test_values_are_weighed() -> None:
    """A value of the caller's in which parts stand again and again, and others: within the budget or not as the plain
    render has it."""
    shared: list[Any] = []
    for _ in range(80):
        shared = [shared, shared]
    text = "a" * 1000
    for x in (shared, {"a": shared}, [[text] * 100] * 100, {"k": {str(i): text for i in range(20)}}):
        for most in (10_000, 50_000):
            limits = budget.Limits(text=most)
            token = budget.current.set(budget.Budget(limits))
            try:
                strings = strings_of(wrap(x, ("x",), Root((), False)))
                assert strings is not None
                assert strings.weight + sum(map(len, strings.texts)) == budget.weigh(x) <= most
                assert trace("{{ x|tojson }}", {"x": x}, limits).text == json.dumps(x)
            except TemplateBudgetError as e:
                assert "more text" in str(e)
                with pytest.raises(TemplateBudgetError, match="more text"):
                    budget.weigh(x)
                with pytest.raises(TemplateBudgetError, match="more text"):
                    trace("{{ x|tojson }}", {"x": x}, limits)
            finally:
                budget.current.reset(token)


def test_spans_that_are_asked_for_late() -> None:
    """What a caller changed after the render changes nothing; one character or all spans may be asked for first."""
    source = "{{ x|tojson }}{{ x }}{{ [x]|tojson(indent=1) }}"

    def made() -> Any:
        return {"a": ["b", 1, 'c"d\n'], "e": {"f": "", "g": None}}

    def found(x: Any) -> OriginMap:
        out = ChatTemplate(source).render([], x=x).origins
        assert out is not None
        return out

    spans = found(made()).spans
    assert all(a.stop == b.start and a[2:] != b[2:] for a, b in pairwise(spans))
    x = made()
    late = found(x)
    x["a"][0], x["e"]["f"] = "other", "others"
    del x["a"][1]
    one = [late.at(i) for i in range(spans[-1].stop)]
    assert late.spans == spans
    assert one == [late.at(i) for i in range(spans[-1].stop)]
