"""The rules of what templates may do: every method and filter has one, and none changes what honest ones give."""

from __future__ import annotations

import datetime
import time
from typing import Any

import jinja2
import pytest
from jinja2.ext import loopcontrols
from jinja2.filters import FILTERS as JINJAS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from tests.unit.hostile_templates import HONEST
from turnwire import ChatTemplate
from turnwire.errors import TemplateBudgetError, TemplateError
from turnwire.templating import guards, jinja
from turnwire.templating.budget import Limits
from turnwire.templating.sourcemap import trace

OBJECTS: tuple[Any, ...] = (
    "", Markup(""), b"", [], (), {}, {}.keys(), {}.values(), {}.items(), 1, True, 1.5, 1j, range(2), {1}, frozenset(),
    (x for x in ()), datetime.date(2026, 1, 15), datetime.datetime(2026, 1, 15),
)  # fmt: skip


@pytest.mark.parametrize("value", OBJECTS, ids=lambda value: type(value).__name__)
def test_every_method_has_a_rule_or_is_refused(value: Any) -> None:
    """Of what the sandbox gives a template of a value, all that can be called."""
    environment = jinja.sandbox()
    known, refused = 0, set[str]()
    for name in dir(value):
        method = environment.getattr(value, name)
        if isinstance(method, jinja2.Undefined) or not callable(method):
            continue
        try:
            of, _ = guards.rule_of(method)
        except jinja2.exceptions.SecurityError:
            refused.add(name)
            continue
        assert of is not None, f"{type(value).__name__}.{name} is called without a rule"
        known += 1
    assert known or isinstance(value, type({}.values()))
    assert refused <= {"intersection_update"} or isinstance(value, datetime.date)


def test_every_filter_has_a_rule() -> None:
    assert {*JINJAS} <= {*guards.FILTERS}
    own = {name for name in jinja.sandbox().filters if not name.startswith("<")}
    assert own == {*guards.FILTERS} & {*JINJAS}


def _reference() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])


def _tried(render: Any) -> str | None:
    try:
        return render()
    except (jinja2.TemplateError, TemplateError, TypeError, ValueError, LookupError, AttributeError, AssertionError):
        return None


def test_honest_operations_are_as_in_jinja() -> None:
    """Also those that are used wrongly, which raise in both; and the traced ones."""
    theirs, tried, given = _reference(), 0, 0
    for line in HONEST.strip().split("\n"):
        for expression in line.split(" | "):
            source = "{{ " + expression + " }}"
            expected = _tried(lambda source=source: theirs.from_string(source).render())
            assert _tried(lambda source=source: jinja.render(source, {})) == expected, expression
            assert _tried(lambda source=source: trace(source, {}).text) == expected, expression
            tried, given = tried + 1, given + (expected is not None)
    assert given >= 160 and tried - given >= 12, (tried, given)


def test_what_is_kept_is_charged_whatever_made_it() -> None:
    """Each operation that makes a large value runs out of memory when all are kept, long before steps or time."""
    made = (
        "s|list", "s[1:]", "s.split('a')", "s.upper()", "s.encode()", "s|upper|lower", "s ~ 'b'", "s + 'b'", "s * 1",
        "s.partition('b')", "l[:]", "l + [1]", "l * 1", "l|list", "l|sort", "l|map('string')|list", "l|reverse|list",
        "l|batch(1)|list", "dict.fromkeys(l)", "d.copy()", "d.items()|list", "d|dictsort", "d|items|list", "[l|join]",
        "l|string", "l|tojson", "'%s' % s", "'{}'.format(s)", "s|replace('a', 'b')", "s.replace('b', '') ~ 'c'",
    )  # fmt: skip
    start = "{% set s = 'a' * 20000 %}{% set l = range(5000)|list %}{% set d = dict.fromkeys(l) %}"
    start += "{% set n = namespace(x=0) %}"
    for operation in made:
        source = start + "{% for i in range(2000) %}{% set n.x = [n.x, " + operation + "] %}{% endfor %}"
        with pytest.raises(TemplateBudgetError, match="more memory") as caught:
            jinja.render(source, {}, Limits(made=4_000_000))
        assert caught.value.line == 1


def test_the_time_of_a_render_is_that_of_all_its_trials() -> None:
    """A template that takes long is rendered often to find out what the model wrote: all of it together is bounded."""
    slow = "{% if range(4000)|select('in', range(5000, 9000)|list)|list %}{% endif %}"
    source = slow + "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}] * 2
    start = time.monotonic()
    with pytest.raises(TemplateBudgetError, match="more seconds"):
        _ = ChatTemplate(source, limits=Limits(seconds=1.0)).render(messages).runs
    assert time.monotonic() - start < 3
