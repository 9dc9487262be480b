"""The source map: the text is the plain render's, and no character is given to a field that it is not from."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import random
import re
import threading
from collections import Counter
from typing import Any, cast

import jinja2
import pytest
from jinja2.compiler import CodeGenerator

from tests.families.qwen_conversations import ALL  # pyright: ignore[reportUnknownVariableType]
from tests.laws.law import reports
from tests.sourcemap_proof import check, corpus, held_back
from turnwire.errors import TemplateBudgetError, UnmappedError
from turnwire.origins import Key, spell
from turnwire.templating import jinja, sourcemap
from turnwire.templating.budget import Limits
from turnwire.templating.sourcemap import trace
from turnwire.templating.template_code import Generator
from turnwire.templating.traced_text import Rope, Text
from turnwire.templating.traced_values import Listed, Mapped, Real, Whole


def owners(source: str, /, **variables: Any) -> list[str]:
    """The pieces of a render, as `text=owner`."""
    traced = trace(source, variables)
    assert traced.text == jinja.render(source, variables)
    assert traced.map, traced.why
    out: list[str] = []
    for s in traced.map.spans:
        owner = spell(s.path) + ("" if s.offset is None else f"+{s.offset}")
        out.append(f"{traced.text[s.start : s.stop]}={owner or s.kind}")
    return out


def test_lines_and_paths() -> None:
    source = "{{ bos_token }}a\nb\n{% for m in messages %}\n<|{{ m.role }}|>{{ m['content'] }}\n{% endfor %}\n"
    messages = [{"role": "user", "content": "hi"}, {"role": "<|x|>", "content": "you"}]
    traced = trace(source, {"messages": messages, "bos_token": "<s>"})
    assert traced.map and traced.text == "<s>a\nb\n<|user|>hi\n<|<|x|>|>you\n"
    spans = [(traced.text[s.start : s.stop], s.kind, s.line, s.path, s.offset) for s in traced.map.spans]
    assert spans == [
        ("<s>", "template", 1, ("bos_token",), 0),
        ("a\n", "template", 1, (), None),
        ("b\n", "template", 2, (), None),
        ("<|", "template", 4, (), None),
        ("user", "template", 4, ("messages", 0, "role"), 0),
        ("|>", "template", 4, (), None),
        ("hi", "data", 4, ("messages", 0, "content"), 0),
        ("\n<|", "template", 4, (), None),
        ("<|x|>", "data", 4, ("messages", 1, "role"), 0),
        ("|>", "template", 4, (), None),
        ("you", "data", 4, ("messages", 1, "content"), 0),
        ("\n", "template", 4, (), None),
    ]
    assert traced.map.at(9).path == "messages[0].role"


def test_keys_and_scalars() -> None:
    out = trace("{{ x|tojson }}", {"x": {"a": [1, True, None], "b": "é\n"}})
    assert out.map and [s.path for s in out.map.spans if s.kind == "data"] == [
        ("x", Key("a")),
        ("x", "a", 0),
        ("x", "a", 1),
        ("x", "a", 2),
        ("x", Key("b")),
        ("x", "b"),
        ("x", "b"),
    ]
    assert all(s.path == ("x",) for s in out.map.spans if s.kind == "template")


def test_a_key_and_the_value_under_it_are_told_apart() -> None:
    """Side by side, the one going on where the other ends."""
    out = trace("{{ (x|list)[0] }}{{ x.a[1:] }}{{ (x|list)[1]|upper }}{{ x.B|tojson }}", {"x": {"a": "bcd", "B": 7}})
    assert out.map and [(out.text[s.start : s.stop], s.path, s.offset) for s in out.map.spans] == [
        ("a", ("x", Key("a")), 0),
        ("cd", ("x", "a"), 1),
        ("B", ("x", Key("B")), 0),
        ("7", ("x", "B"), None),
    ]
    assert [out.map.at(i).path for i in range(5)] == ["x['a'].key", "x.a", "x.a", "x['B'].key", "x.B"]
    out = trace("{{ (x|list)[0]|lower }}{{ x.A|tojson }}", {"x": {"A": 7}})
    assert out.map and [out.map.at(i).path for i in range(2)] == ["x['A'].key", "x.A"]


def test_a_dict_of_its_own_class_method() -> None:
    out = trace("{{ x.fromkeys(['a'], y) }}{{ x.fromkeys(x.a, y)|tojson }}", {"x": {"a": "bc"}, "y": "z"})
    assert out.map and out.text == "{'a': 'z'}" + '{"b": "z", "c": "z"}'
    assert [s.path for s in out.map.spans if s.kind == "data"] == [("y",), ("x", "a"), ("y",), ("x", "a"), ("y",)]


@pytest.mark.parametrize(
    "source",
    [
        "{% autoescape true %}{{ y|indent('>'|safe, true) }}{% endautoescape %}",
        "{% autoescape true %}{{ y|indent('<b>'|e, true, true) ~ '<' }}{% endautoescape %}",
        "{{ x.partition('<'|safe) }}",
        "{{ x.rpartition('<'|safe) }}",
    ],
)
def test_markup_stays_markup(source: str) -> None:
    variables = {"x": "a <b\n& c", "y": "abc"}
    assert trace(source, variables).text == jinja.render(source, variables)


def test_wrappers_look_like_what_they_wrap() -> None:
    for made, of in ((Mapped, dict), (Listed, list), (Whole, int), (Real, float), (Text, str)):
        assert not [name for name in set(dir(made)) - set(dir(of)) if name[0] != "_"], made
    shown = "{{ m.text }}{{ m.take }}{{ m['node'] }}{{ l.key }}|{{ m.get('a') }}{{ m.items()|list }}"
    found = trace(shown, {"m": {"a": "b"}, "l": ["c"]})
    assert found.map is not None
    assert found.text == "|b[('a', 'b')]"


@pytest.mark.parametrize(
    "shown", ["[m.items()]", "'{}'.format(m.items())", "'{!r}'.format(m.keys())", "'%r' % m.values()", "m.keys()"]
)
def test_views_are_shown_as_those_of_a_dict(shown: str) -> None:
    variables = {"m": {"a": ["b", {"c": 1.5}], "d": 7}}
    assert trace("{{ " + shown + " }}", variables).text == jinja.render("{{ " + shown + " }}", variables)


def test_escapes_are_within_the_budget() -> None:
    """What a map keeps of each is charged; where there is no room for it, the plain render is."""
    few, many = (trace("{{ x|e }}", {"x": "<" * n}, Limits(made=1_000_000)) for n in (1000, 10_000))
    assert few.map and few.text == "&lt;" * 1000
    assert many.map is None and many.text == "&lt;" * 10_000 and "memory" in many.why
    with pytest.raises(TemplateBudgetError, match="more seconds"):
        trace("{{ x|e }}", {"x": "<" * 100_000}, Limits(seconds=0.1))


def test_no_map_says_why() -> None:
    out = trace("{{ 'a' if x is sameas 'a' else 'b' }}{{ x is sameas y }}", {"x": 7, "y": 7})
    assert out.text == "bTrue" and out.map is None and "another text" in out.why


def test_now() -> None:
    out = trace("{{ strftime_now('%d %b %Y') }}", {}, now=datetime.date(2026, 1, 15))
    assert out.map and out.text == "15 Jan 2026" and {s.kind for s in out.map.spans} == {"template"}


def test_by_mutation() -> None:
    """Of a sample of the corpus, each field in turn: see `tests/sourcemap_proof.py`."""
    rng = random.Random(4)
    templates = [text for _, text in corpus() if not held_back(text)]
    counts: Counter[str] = Counter()
    for text in rng.sample(templates, 100):
        for c in rng.sample(cast("list[dict[str, Any]]", ALL), 3):
            given = {"messages": c["messages"], "tools": c["tools"], "bos_token": "<s>", "eos_token": "</s>"}
            traced = check(text, given, counts, rng, 12)
            counts["refused" if traced is None else "rendered"] += 1
    size = sum(counts[f"{kind} characters"] for kind in ("template", "data", "unknown"))
    found = counts["found"] / (counts["found"] + counts["missed"])
    unknown = counts["unknown characters"] / size
    reports.append(f"source map: {counts['found']} characters found, {found:.2%}; {unknown:.2%} of {size} unknown")
    assert counts["rendered"] >= 200 and counts["found"] > 3000
    assert not counts["wrong"] and not counts["false"] and not counts["no map"]
    assert found >= 0.999 and unknown < 0.015


def test_renders_share_nothing_but_literals() -> None:
    """Threads that render the same template with their own data, each with its own map."""
    macro = "{% macro m(x) %}[{{ x }}]{% endmacro %}"
    source = macro + "{% for e in messages %}{{ m(e.content)[1:] ~ 'a\nb'[1:] }}{% endfor %}"
    wrong: list[str] = []

    def work(own: str) -> None:
        for n in range(60):
            messages = [{"role": "user", "content": f"{own}{i}" * (n % 3 + 1)} for i in range(5)]
            out = trace(source, {"messages": messages})
            assert out.map
            for s in out.map.spans:
                text = out.text[s.start : s.stop]
                if s.kind == "data":
                    i, k = int(str(s.path[1])), s.offset or 0
                    if messages[i]["content"][k : k + len(text)] != text:
                        wrong.append(text)
                elif own in text:
                    wrong.append(text)

    threads = [threading.Thread(target=work, args=(own,)) for own in "pqrs"]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_work_is_linear() -> None:
    """Runs that are looked at, of what templates do with long texts: twice the text, at most 2.5 times the runs."""
    words = "{% for p in x.split(' ') %}"
    kept, told = "{% set o = namespace(t='') %}" + words, "{% endfor %}{{ o.t }}"
    templates = (
        words + "{{ p }}-{% endfor %}",
        kept + "{% set o.t = o.t + p ~ '-' %}" + told,
        kept + "{% set o.t = (o.t + p ~ '--')[1:] %}" + told,
        "{% set s %}" + words + "{{ p }}<{% endfor %}{% endset %}{% for p in s.split('<') %}{{ p }}{% endfor %}",
        "{{ x|replace(' ', '--')|upper|replace('-', '+ ')|trim }}",
        "{{ x.split(' ')|tojson|replace('\"', '')|indent }}",
    )
    for source in templates:
        sizes = [len(looked_at(source, "ab " * n)) for n in (400, 800)]
        assert sizes[1] <= 2.5 * sizes[0], (source, sizes)


def looked_at(source: str, x: str) -> list[int]:
    """The sizes of the runs that are cut for a map."""
    seen: list[int] = []
    cut, enter = Rope.cut, sourcemap.entered
    with pytest.MonkeyPatch.context() as patch:

        def counted(self: Rope, at: int, length: int) -> list[Any]:
            out = cut(self, at, length)
            seen.extend([1] * len(out))
            return out

        def entered(node: Any, at: int, length: int) -> Any:
            seen.append(1)
            return enter(node, at, length)

        patch.setattr(Rope, "cut", counted)
        patch.setattr(sourcemap, "entered", entered)
        out = trace(source, {"x": x})
    assert out.map, out.why
    return seen


def test_jinja_is_one_that_this_was_run_with() -> None:
    """`template_code.py` overrides methods of Jinja's code generator: another minor version has to be looked at. `make
    jinja` runs these tests on each release of this one."""
    version = importlib.metadata.version("jinja2") if "TURNWIRE_JINJA" not in os.environ else jinja2.__version__
    assert os.environ.get("TURNWIRE_JINJA", version) == version
    assert re.fullmatch(r"3\.1\.\d+", version) and int(version.split(".")[2]) >= 6
    own = {name for name in vars(Generator) if name.startswith(("visit_", "_output_"))}
    assert len(own) == 15
    for name in own:
        assert hasattr(CodeGenerator, name), name


def test_texts_that_were_made_of_each_other_often() -> None:
    """In upper and lower case again and again: the map goes to the first. Where each is also another text: an error."""
    loop = "{% set n = namespace(x=a) %}{% for i in range(3000) %}{% set n.x = OF %}{% endfor %}{{ n.x }}"
    assert owners(loop.replace("OF", "n.x|upper|lower"), a="bc") == ["bc=a"]
    traced = trace(loop.replace("OF", "(n.x ~ 'd').swapcase()"), {"a": "bc"})
    assert traced.map and traced.text.startswith("bc")
    with pytest.raises(UnmappedError, match="too often"):
        _ = traced.map.spans
