"""Validation: never raises, never fetches, never backtracks, and agrees with jsonschema where that is safe."""

from __future__ import annotations

import json
import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from turnwire.parsers import linear
from turnwire.parsers.coerce import coerce
from turnwire.parsers.validate import MAX_MESSAGE, Toolbox
from turnwire.tools import Tool, normalize_tools
from turnwire.turns import Violation


def box(**properties: Any) -> Toolbox:
    return whole({"type": "object", "properties": properties})


def whole(schema: Any) -> Toolbox:
    return Toolbox(normalize_tools([{"name": "f", "parameters": schema}]))


def check(tools: Toolbox, **arguments: Any) -> tuple[str, list[str]]:
    status, violations = tools.check("f", arguments)
    assert (status == "invalid") == any(v.checked for v in violations)
    for v in violations:
        assert len(v.message) <= MAX_MESSAGE and len(v.path) <= MAX_MESSAGE
        (v.path + v.message).encode()
        assert not re.match(r".*the rest, \w+:", v.message), v  # that net is for schemas that no one has normalised
    return status, [("" if v.checked else "? ") + f"{v.path}: {v.message}" for v in violations]


def test_statuses() -> None:
    tools = Toolbox((Tool("get_weather"), Tool("g", None, {"required": ["x"]})))
    assert tools.names == ("get_weather", "g")
    assert tools.check("get_weather", {"anything": 1}) == ("complete", ())
    assert tools.check("g", {}) == ("invalid", (Violation("$", "'x' is a required property"),))
    status, (violation,) = tools.check("get_wether", {})
    assert (status, violation.path) == ("unknown-tool", "$")
    assert violation.message == "no tool is named 'get_wether'; did you mean 'get_weather'?"
    assert tools.check("x" * 10_000, {})[0] == "unknown-tool"
    assert Toolbox(None).check("any", {"a": 1}) == ("complete", ())
    assert Toolbox(()).check("any", {})[0] == "unknown-tool"
    assert Toolbox(None).names is None


def test_paths_and_messages() -> None:
    tools = box(a={"items": {"type": "object", "additionalProperties": {"type": "integer"}}}, b={"enum": ["c", "f"]})
    assert check(tools, a=[{}, {"b": "x", "odd key": "y", "\ud800": None}], b="k") == (
        "invalid",
        [
            "$.a[1].b: 'x' is not of type 'integer'",
            "$.a[1][\"odd key\"]: 'y' is not of type 'integer'",
            "$.a[1][\"\\ud800\"]: None is not of type 'integer'",
            "$.b: 'k' is not one of ['c', 'f']",
        ],
    )
    strict = whole({"properties": {"city": {}}, "additionalProperties": False})
    assert check(strict, ctiy=1)[1] == [
        "$: Additional properties are not allowed ('ctiy' was unexpected); did you mean 'city'?"
    ]
    union = box(x={"anyOf": [{"properties": {"y": {"type": "integer"}}, "type": "object"}, {"type": "null"}]})
    assert check(union, x={"y": "z"})[1] == ["$.x.y: 'z' is not of type 'integer'"]
    assert check(union, x=3)[1] == [
        "$.x: 3 is not valid under any of the given schemas: 3 is not of type 'object'; 3 is not of type 'null'"
    ]
    assert check(box(x={"type": "null"}), x={"a" * 999: ["b" * 999] * 999})[0] == "invalid"


def test_the_order_does_not_depend_on_what_was_cached() -> None:
    a, b = {"x": {"type": "string"}}, {"y": {"type": "string"}}
    first, second = box(**a, **b), box(**b, **a)
    assert [m[2] for m in check(first, x=1, y=1)[1]] == ["x", "y"]
    assert [m[2] for m in check(second, x=1, y=1)[1]] == ["y", "x"]


def test_at_most_twenty_violations() -> None:
    status, found = check(box(x={"items": {"type": "string"}}), x=list(range(1000)))
    assert (status, len(found)) == ("invalid", 21)
    assert found[-1] == "? $: more than 20 violations, the rest left out"


def test_the_declared_draft_is_honoured() -> None:
    pair = {"items": [{"type": "integer"}, {"type": "string"}]}
    draft7 = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"x": pair}}
    assert check(whole(draft7), x=["a", "b"])[0] == "invalid"
    assert check(box(x={"prefixItems": pair["items"]}), x=["a", "b"])[0] == "invalid"
    draft4 = {"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"x": {"const": 1}}}
    assert check(whole(draft4), x=2)[0] == "complete"


def test_format_is_not_asserted() -> None:
    assert check(box(x={"type": "string", "format": "email"}), x="nobody")[0] == "complete"


# Hazards.


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    used: list[Any] = []

    def refuse(*args: Any, **_: Any) -> Any:
        used.append(args)
        raise OSError("no network here")

    for module, name in ((socket, "socket"), (socket, "create_connection"), (socket, "getaddrinfo")):
        monkeypatch.setattr(module, name, refuse)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    yield
    assert not used


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
@pytest.mark.parametrize("uri", ["http://example.com/a.json", "https://example.com/a#/b", "ftp://x/y", "a.json"])
def test_a_remote_reference_is_never_fetched(keyword: str, uri: str) -> None:
    schema = {"properties": {"x": {keyword: uri}}}
    with pytest.raises(ValueError, match="remote references are not fetched"):
        whole(schema)
    unseen = Toolbox((Tool("f", None, schema),))  # a Tool that no one has normalised
    status, found = unseen.check("f", {"x": 1})
    assert (status, [v.checked for v in found]) == ("complete", [False])
    assert found[0].message.startswith("unchecked: the rest, ")


@pytest.mark.usefixtures("offline")
def test_a_declared_draft_is_never_fetched() -> None:
    hidden = {"properties": {"x": {"$schema": "https://example.com/meta", "type": "string"}}}
    assert check(Toolbox((Tool("f", None, hidden),)), x=1)[0] == "invalid"


@pytest.mark.parametrize("schema", [{}, {"$schema": "https://json-schema.org/draft/2020-12/schema"}])
@pytest.mark.parametrize(
    "hide",
    [
        lambda s: s,
        lambda s: {"properties": {"x": {"$schema": "http://json-schema.org/draft-07/schema#", **s["properties"]["x"]}}},
        lambda s: {"properties": {"x": {"$ref": "#/odd"}}, "odd": s["properties"]["x"]},
        lambda s: {"unevaluatedProperties": False, **s},
        lambda s: {"unevaluatedProperties": False, "allOf": [{"$ref": "#/odd"}], "odd": s},
    ],
)
def test_an_exponential_pattern_never_runs_on_re(schema: Any, hide: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = "^(a+)+$"
    text = "a" * 5000 + "b"
    searched: list[Any] = []
    texts = whole(schema | hide({"properties": {"x": {"pattern": evil}}}))
    keys = whole(schema | hide({"properties": {"x": {"patternProperties": {evil: False}}}}))
    monkeypatch.setattr(re, "search", lambda *args: searched.append(args))
    assert check(texts, x=text)[0] == "invalid"
    assert check(keys, x={text: 1})[0] == "complete"
    evaluated = whole(schema | {"patternProperties": {evil: True}, "unevaluatedProperties": False})
    assert check(evaluated, **{text: 1}) == (
        "complete",
        ["? $: unchecked: unevaluated items or properties, in a schema with patterns"],
    )
    assert not searched


def test_patterns_are_checked_where_they_can_be() -> None:
    tools = box(x={"pattern": "^(a+)+$"}, y={"pattern": "(?=a)b"}, z={"patternProperties": {"^n": {"type": "null"}}})
    assert check(tools, x="aaa", z={"n": None, "m": 1})[1] == []
    assert check(tools, x="aab")[1] == ["$.x: 'aab' does not match '^(a+)+$'"]
    assert check(tools, y="a") == ("complete", ["? $.y: unchecked: pattern '(?=a)b'"])
    assert check(tools, z={"n": 1})[1] == ["$.z.n: 1 is not of type 'null'"]


UNKNOWN = {"pattern": "(?=a)"}
WRONG: dict[str, Any] = {"type": "null"}


@pytest.mark.parametrize(
    ("schema", "value", "status", "told"),
    [
        ({"not": UNKNOWN}, "a", "complete", False),
        ({"not": {"not": UNKNOWN}}, "a", "complete", False),
        ({"not": {**UNKNOWN, "type": "null"}}, "a", "complete", True),
        ({"anyOf": [UNKNOWN, WRONG]}, "a", "complete", False),
        ({"anyOf": [UNKNOWN, {}]}, "a", "complete", True),
        ({"oneOf": [UNKNOWN, {}]}, "a", "complete", False),
        ({"oneOf": [UNKNOWN, {}, {}]}, "a", "invalid", True),
        ({"if": UNKNOWN, "then": False, "else": False}, "a", "complete", False),
        ({"contains": UNKNOWN, "minContains": 2}, ["a"], "invalid", True),
        ({"contains": UNKNOWN}, ["a", 1], "complete", True),
        ({"contains": UNKNOWN, "maxContains": 1}, ["a", 1], "complete", False),
        ({"patternProperties": {"(?=a)": {}}, "additionalProperties": False}, {"a": 1}, "complete", False),
    ],
)
def test_what_cannot_be_told_is_neither_yes_nor_no(schema: Any, value: Any, status: str, told: bool) -> None:
    got, found = check(box(x=schema), x=value)
    assert (got, any(m.startswith("?") for m in found)) == (status, not told)


def nested(depth: int, key: str = "x") -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {key: value}
    return value


def test_deep_arguments() -> None:
    recursive = whole({"properties": {"x": {"$ref": "#"}}, "additionalProperties": False})
    assert check(recursive, **nested(60)) == ("complete", [])
    assert check(recursive, x={"x": {"y": 1}})[1][0].startswith("$.x.x: Additional properties")
    status, (found,) = check(recursive, **nested(5000))
    assert status == "complete"
    assert found.startswith("? $.x.x") and "nested deeper than 128 levels" in found


def test_a_schema_without_end() -> None:
    for schema in ({"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"anyOf": [{"$ref": "#"}]}, {"not": {"$ref": "#"}}):
        assert check(whole(schema), x=1) == ("complete", ["? $: unchecked: the rest, nested too deep"])


def test_a_bomb_of_references_is_given_up() -> None:
    defs: dict[str, Any] = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(40)}
    tools = whole({"$defs": {**defs, "a40": {}}, "$ref": "#/$defs/a0", "required": ["y"]})
    assert check(tools, x=1) == ("complete", ["? $: unchecked: the rest, too much work"])


def test_many_values() -> None:
    assert check(box(x={}), x=[0] * 100_001)[1] == ["? $.x[99998]: unchecked: more than 100,000 values"]


def test_unique_items_is_linear_and_exact() -> None:
    tools = box(x={"uniqueItems": True})
    assert check(tools, x=[[i] for i in range(40_000)])[0] == "complete"
    assert check(tools, x=[{"a": i % 39_999} for i in range(40_000)])[0] == "invalid"
    assert check(tools, x=[1, True, "1", None, "None", [1], [True], 0, False, ["0x1"], ["1"], "0x1"])[0] == "complete"
    for equal in ([1, 1.0], [{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], [[0], [-0.0]], [2**70, float(2**70)]):
        assert check(tools, x=equal)[0] == "invalid"


HARD = [10**5000, -(10**5000), float("nan"), float("inf"), 1e308, {1: 2}, object(), "\ud800"]


@pytest.mark.parametrize("value", HARD, ids=range(len(HARD)))
def test_values_that_are_hard_to_print(value: Any) -> None:
    for schema in (
        {"type": "null"},
        {"enum": ["a"]},
        {"const": 1.5},
        {"multipleOf": 0.3},
        {"multipleOf": 7},
        {"maximum": 1},
        {"minimum": 1e300},
        {"uniqueItems": True},
        {"not": {}},
        {"anyOf": [{"type": "null"}, {"type": "array"}]},
        {"type": ["integer", "number", "string", "object"]},
    ):
        check(box(x=schema), x=value)
        check(box(x={"items": schema}), x=[value, value])
    assert check(box(x={"type": "integer"}), x=10**5000)[0] == "complete"
    assert check(box(x={"type": "number"}), x=float("nan"))[1] == ["$.x: nan is not a JSON number"]


def test_nan_and_1e999_do_not_get_in_as_text() -> None:
    tools = box(x={"type": "number"})
    for raw in ("NaN", "1e999", "-Infinity", "9" * 5000):
        value = coerce(raw, tools.schema("f", "x")).value
        assert value == raw
        assert check(tools, x=value)[0] == "invalid"


def test_threads_share_compiled_schemas() -> None:
    tools = box(x={"items": {"type": "integer", "pattern": "(a|b)*c"}})
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(check(tools, x=[1] * 2000))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [("complete", [])] * 8


def test_compiled_schemas_do_not_follow_the_callers_object() -> None:
    schema: dict[str, Any] = {"properties": {"x": {"type": "integer"}}}
    tools = whole(schema)
    schema["properties"]["x"]["type"] = "string"
    assert check(tools, x="a")[0] == "invalid"


# The schema of one argument.

DEFS = {"n": {"type": "integer"}, "o": {"properties": {"x": {"$ref": "#/$defs/n"}}}, "loop": {"$ref": "#/$defs/loop"}}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"properties": {"x": {"type": "string"}}}, {"type": "string"}),
        ({"properties": {"y": {}}}, None),
        ({"properties": {"x": {"$ref": "#/$defs/n"}}}, {"type": "integer"}),
        ({"properties": {"x": {"$ref": "#/$defs/n", "title": "t"}}}, {"title": "t", "allOf": [{"type": "integer"}]}),
        ({"properties": {"x": {"anyOf": [{"$ref": "#/$defs/n"}]}}}, {"anyOf": [{"type": "integer"}]}),
        ({"$ref": "#/$defs/o"}, {"type": "integer"}),
        ({"allOf": [{"properties": {"y": {}}}, {"$ref": "#/$defs/o"}]}, {"type": "integer"}),
        ({"anyOf": [{"$ref": "#/$defs/o"}, {"properties": {"x": {}}}]}, {"anyOf": [{"type": "integer"}, {}]}),
        ({"oneOf": [{"$ref": "#/$defs/o"}, {"$ref": "#/$defs/o"}]}, {"type": "integer"}),
        ({"additionalProperties": {"type": "null"}}, {"type": "null"}),
        ({"additionalProperties": False}, None),
        ({"patternProperties": {"^y": {}, "^x$": {"type": "null"}}}, {"type": "null"}),
        ({"patternProperties": {"(?=x)": {"type": "null"}}}, None),
        ({"$ref": "#/$defs/loop"}, None),
        ({"properties": {"x": {"$ref": "#/$defs/loop"}}}, {}),
    ],
)
def test_the_schema_of_an_argument(schema: Any, expected: Any) -> None:
    tools = whole({**schema, "$defs": DEFS})
    assert tools.schema("f", "x") == expected == tools.schema("f", "x")


def test_no_schema() -> None:
    assert Toolbox(None).schema("f", "x") is None
    assert Toolbox(()).schema("f", "x") is None
    assert Toolbox((Tool("f"),)).schema("f", "x") is None


# Laws.

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, -1.0, 1e300])
    | st.text("ab", max_size=2)
)
VALUES = st.recursive(
    SCALARS, lambda s: st.lists(s, max_size=3) | st.dictionaries(st.sampled_from("abc"), s, max_size=3), max_leaves=8
)
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda s: st.lists(s, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=()), max_size=3), s),
    max_leaves=10,
)
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "null", "object", "array"])
SMALL = st.integers(0, 3)


def schemas(patterns: bool) -> st.SearchStrategy[Any]:
    def bigger(s: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        some = st.lists(s, min_size=1, max_size=3)
        named = st.dictionaries(st.sampled_from("abc"), s, max_size=3)
        keywords: dict[str, Any] = {
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=3, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "properties": named,
            "required": st.lists(st.sampled_from("abc"), unique=True),
            "additionalProperties": s,
            "unevaluatedProperties": s,
            "propertyNames": s,
            "dependentSchemas": named,
            "items": s,
            "prefixItems": some,
            "contains": s,
            "minContains": SMALL,
            "maxContains": SMALL,
            "unevaluatedItems": s,
            "uniqueItems": st.booleans(),
            "minItems": SMALL,
            "maxProperties": SMALL,
            "maxLength": SMALL,
            "minimum": st.integers(-3, 3),
            "exclusiveMaximum": st.integers(-3, 3),
            "multipleOf": st.sampled_from([1, 2, 0.5, 0.3]),
            "allOf": some,
            "anyOf": some,
            "oneOf": some,
            "not": s,
            "if": s,
            "then": s,
            "else": s,
        }
        if patterns:
            keywords["pattern"] = st.sampled_from(["^a", "(a|b)*$", "(?=a)", "[", "(a+)+$", r"\1", ""])
            keywords["patternProperties"] = st.dictionaries(keywords["pattern"], s, max_size=2)
            keywords["$ref"] = st.sampled_from(["#", "#/properties/a"])
        chosen = st.lists(st.sampled_from(sorted(keywords)), min_size=1, max_size=3, unique=True)
        return chosen.flatmap(lambda names: st.fixed_dictionaries({n: keywords[n] for n in names}))

    return st.recursive(st.booleans() | st.builds(lambda t: {"type": t}, TYPES), bigger, max_leaves=6)


def arguments(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from("abc"), values, max_size=3)


def tricky(value: Any) -> bool:
    """jsonschema's `uniqueItems` compares neighbours of a sort in which [1] and [true] are equal."""
    return '"uniqueItems": true' in json.dumps(value)


@settings(max_examples=400, deadline=None)
@given(schemas(False).filter(lambda s: isinstance(s, dict)), arguments(VALUES))
def test_the_verdict_is_that_of_jsonschema(schema: dict[str, Any], args: dict[str, Any]) -> None:
    from jsonschema import Draft202012Validator

    assume(
        schema.get("type", "object") == "object" or ("object" in schema["type"] and isinstance(schema["type"], list))
    )
    tools = whole(schema)
    status, violations = tools.check("f", args)
    assert all(v.checked or "more than" in v.message for v in violations)
    assume(not tricky(schema))
    assert (status == "complete") == Draft202012Validator(schema).is_valid(args)


@settings(max_examples=300, deadline=None)
@given(schemas(True), arguments(HOSTILE))
def test_check_never_raises(schema: Any, args: dict[str, Any]) -> None:
    root = {"properties": {"a": schema}, "additionalProperties": schema}
    tools = Toolbox((Tool("f", None, root),))
    status, found = check(tools, **args)
    assert check(tools, **args) == (status, found)
    for name in "abc":
        assert coerce("1", tools.schema("f", name)).value in (1, "1")


# The linear engine. Each piece is (ECMA-262, the same for `re`).

PIECES = st.sampled_from(
    [(c, c) for c in "abc1_- "]
    + [(".", "."), ("^", "^"), ("$", r"\Z"), (r"\d", "[0-9]"), (r"\w", r"\w"), (r"\W", r"\W"), (r"\b", r"\b")]
    + [(r"\B", r"\B"), ("[ab]", "[ab]"), ("[^a-c]", "[^a-c]"), (r"[\d_-]", r"[\d_-]"), (r"\.", r"\."), ("", "")]
)


def join(parts: list[tuple[str, str]], by: str) -> tuple[str, str]:
    return f"(?:{by.join(p[0] for p in parts)})", f"(?:{by.join(p[1] for p in parts)})"


REGEXES = st.recursive(
    PIECES,
    lambda r: (
        st.builds(join, st.lists(r, min_size=1, max_size=3), st.sampled_from(["", "|"]))
        | st.builds(
            lambda p, q: (f"(?:{p[0]}){q}", f"(?:{p[1]}){q}"),
            r,
            st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{1,}", "*?"]),
        )
    ),
    max_leaves=6,
)


@settings(max_examples=500, deadline=None)
@given(REGEXES, st.lists(st.text("abc1_- .é", min_size=1, max_size=8), min_size=1, max_size=5))
def test_the_linear_engine_agrees_with_re(regex: tuple[str, str], texts: list[str]) -> None:
    engine = linear.compile(regex[0])
    assert engine is not None
    for text in texts:
        assert engine.search(text, lambda n: None) == bool(re.search(regex[1], text, re.ASCII))


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        (r"^\d{4}-\d{2}-\d{2}$", "2026-01-02", "2026-1-2"),
        (r"^[\w.+-]+@[\w-]+\.[a-z]{2,}$", "a.b@c.de", "a.b@c"),
        (r"^(?<year>\d+)$", "12", "x"),
        (r"^\p{Lu}\P{L}$", "É1", "éa"),
        (r"^\u00e9\x41\u{1F600}$", "éA😀", "eA"),
        (r"^a$", "a", "a\n"),
        (r"^\d$", "3", "٣"),
        (r"^\s$", "\ufeff", "\x1c"),
        (r"^[\b]\/\-$", "\b/-", "b/-"),
        (r"^x{,3}{$", "x{,3}{", "xx"),
        (r"^a{2,3}?$", "aaa", "aaaa"),
        (r"a||b", "", None),
        (r"", "anything", None),
    ],
)
def test_the_linear_engine_reads_ecma(pattern: str, yes: str, no: str | None) -> None:
    engine = linear.compile(pattern)
    assert engine is not None
    assert engine.search(yes, lambda n: None)
    assert no is None or not engine.search(no, lambda n: None)


@pytest.mark.parametrize(
    "pattern",
    [r"(a)\1", "(?=a)", "(?!a)", "(?<=a)", "(?i)a", "(?P<n>a)", r"\k<n>", r"\A", r"\Z", "a**", "a++", "^*", "(", ")",
     "[", "[]a]", "[b-a]", r"[\d-z]", "a{2,1}", "a{2}{3}", r"\p{Greek}", r"\ud83d", "a" * 3000, "(" * 50 + ")" * 50,
     "(((a{99}){99}){99}){99}", "(((){9999}){9999}){9999}", "\\"],
)  # fmt: skip
def test_what_is_not_regular_or_too_big_is_left_out(pattern: str) -> None:
    assert linear.compile(pattern) is None


@pytest.mark.parametrize("pattern", ["^(a+)+$", "(a|a)*$", "(a*)*b", "a*a*a*a*b", "^(.*)*c$", "(a?){300}a{300}$"])
def test_the_linear_engine_is_linear(pattern: str) -> None:
    """Counted in steps, not seconds."""
    engine = linear.compile(pattern)
    assert engine is not None
    spent: list[int] = []
    for n in (1000, 2000, 4000):
        steps = 0

        def spend(more: int) -> None:
            nonlocal steps
            steps += more

        engine.search("a" * n + "!", spend)
        spent.append(steps)
    assert spent[2] <= 700 * 4000
    assert spent[2] <= 2.5 * max(spent[1], 1000)


def test_what_the_linear_engine_remembers_is_bounded() -> None:
    engine = linear.compile("^(?:a|.)*b$")
    assert engine is not None
    text = "".join(map(chr, range(0x4E00, 0x9E00))) * 2
    assert engine.search(text + "b", lambda n: None) and not engine.search(text, lambda n: None)
    assert engine._cached <= linear.MAX_CACHED
