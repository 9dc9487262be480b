"""Coercion: the value is a function of (raw text, schema), and its JSON text parses to it."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from turnwire.parsers.coerce import Coerced, coerce, kind_of, kinds, python_to_json, read_json, streams_as_string


def typed(*names: str) -> dict[str, Any]:
    return {"type": names[0] if len(names) == 1 else list(names)}


STRING_OR_NULL = {"anyOf": [{"type": "string"}, {"type": "null"}]}
REFERENCE = {"$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}
LOOP = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}

# (schema, raw, value, flagged). Public fixtures and threads: PrimeIntellect-ai/renderers#52, #63 (unions of string and
# boolean), lablup/mlxcel#1336, #1575 ("02134"), unslothai/unsloth#10019 ("false"), canitoolcall's qwen3-xml.
CASES: list[tuple[Any, str, Any, bool]] = [
    (typed("string"), "02134", "02134", False),
    (typed("string"), "null", "null", False),
    (typed("string"), " x ", " x ", False),
    (typed("string"), '{"a": 1}', '{"a": 1}', False),
    (typed("string"), "1e5", "1e5", False),
    ({}, "5", "5", False),
    (None, "true", "true", False),
    ({"description": "d"}, "null", "null", False),
    (typed("integer"), "5", 5, False),
    (typed("integer"), " 5\n", 5, False),
    (typed("integer"), "02134", "02134", False),
    (typed("integer"), "5.0", 5.0, False),
    (typed("integer"), "5.5", "5.5", False),
    (typed("integer"), "five", "five", False),
    (typed("integer"), '"5"', '"5"', False),
    (typed("integer"), "9" * 4300, int("9" * 4300), False),
    (typed("integer"), "9" * 5000, "9" * 5000, False),
    (typed("number"), "0.75", 0.75, False),
    (typed("number"), "30", 30, False),
    (typed("number"), "1e20", 1e20, False),
    (typed("number"), "1e999", "1e999", False),
    (typed("number"), "NaN", "NaN", False),
    (typed("number"), "-Infinity", "-Infinity", False),
    (typed("number"), "true", "true", False),
    (typed("boolean"), "true", True, False),
    (typed("boolean"), "True", True, False),
    (typed("boolean"), "false", False, False),
    (typed("boolean"), "False", False, False),
    (typed("boolean"), "1", "1", False),
    (typed("boolean"), "yes", "yes", False),
    (typed("null"), "null", None, False),
    (typed("null"), "None", None, False),
    (typed("string", "null"), "null", None, False),
    (typed("string", "null"), "None", "None", False),
    (typed("string", "null"), "gym", "gym", False),
    (typed("integer", "null"), "42", 42, False),
    (typed("integer", "null"), "None", None, False),
    (typed("string", "boolean"), "true", True, True),
    (typed("string", "boolean"), "maybe", "maybe", False),
    (typed("string", "integer"), "5", 5, True),
    (typed("string", "integer"), "5.5", "5.5", False),
    (typed("string", "integer"), "null", "null", False),
    (typed("string", "object"), '{"a": 1}', {"a": 1}, True),
    (typed("string", "object"), '"a"', '"a"', False),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": 5}, "5", 5, False),
    (STRING_OR_NULL, "hello", "hello", False),
    ({"anyOf": [{"type": "array"}, {"type": "null"}]}, '["a", "b"]', ["a", "b"], False),
    ({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}, "some text", "some text", False),
    ({"allOf": [{"type": ["integer", "string"]}, {"type": ["integer", "null"]}]}, "5", 5, False),
    ({"enum": [1, 2.5]}, "2.5", 2.5, False),
    ({"enum": ["c", "f"]}, "c", "c", False),
    ({"enum": ["1", "2"]}, "1", "1", False),
    ({"enum": ["auto", 1]}, "1", 1, False),
    ({"enum": ["1", 2]}, "1", "1", False),
    ({"enum": ["1", 1]}, "1", 1, True),
    ({"const": None}, "null", None, False),
    ({"const": 3}, "3", 3, False),
    (REFERENCE, "5", 5, False),
    (LOOP, "5", "5", False),
    ({"properties": {}}, '{"a": 1}', {"a": 1}, False),
    (typed("object"), '{"a": 1, "a": 2}', {"a": 1}, False),
    (typed("object"), "{'a': True, 'b': None}", {"a": True, "b": None}, False),
    (typed("object"), "{'it': 'isn\\'t', \"x\": \"'\"}", {"it": "isn't", "x": "'"}, False),
    (typed("object"), "{1: 2}", "{1: 2}", False),
    (typed("array"), "(1, 'a', (2,), [], ())", [1, "a", [2], [], []], False),
    (typed("array"), "[1, 2,]", [1, 2], False),
    (typed("array"), "[,]", "[,]", False),
    (typed("array"), "[1 2]", "[1 2]", False),
    (typed("array"), "(1)", "(1)", False),
    (typed("array"), "(1]", "(1]", False),
    (typed("array"), "{1, 2}", "{1, 2}", False),
    (typed("array"), "['a' 'b']", "['a' 'b']", False),
    (typed("array"), "[__import__('os')]", "[__import__('os')]", False),
    (typed("array"), "['\\x41\\u00e9\\n\\q']", ["Aé\n\\q"], False),
    (typed("array"), "['\\ud83d\\ude00']", ["😀"], False),
    (typed("array"), "[" * 128 + "]" * 128, json.loads("[" * 128 + "]" * 128), False),
    (typed("array"), "[" * 129 + "]" * 129, "[" * 129 + "]" * 129, False),
    (typed("array"), "(" * 100_000, "(" * 100_000, False),
    (typed("array"), "[" * 100_000, "[" * 100_000, False),
    (typed("array"), '["' + "[" * 200 + '"]', ["[" * 200], False),
    (typed("array"), "", "", False),
]


@pytest.mark.parametrize(("schema", "raw", "value", "flagged"), CASES)
def test_cases(schema: Any, raw: str, value: Any, flagged: bool) -> None:
    got = coerce(raw, schema)
    assert (got.value, type(got.value)) == (value, type(value))
    assert got.flag == ("ambiguous-type" if flagged else None)


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="older Python")
def test_the_bound_on_digits_is_ours(request: pytest.FixtureRequest) -> None:
    before = sys.get_int_max_str_digits()
    request.addfinalizer(lambda: sys.set_int_max_str_digits(before))
    sys.set_int_max_str_digits(0)
    assert coerce("9" * 5000, typed("integer")).value == "9" * 5000


@pytest.mark.parametrize(
    ("schema", "raw", "text"),
    [
        (typed("number"), " 1e20 ", "1e20"),
        (typed("number"), "1.0", "1.0"),
        (typed("array"), '[1,  {"a":"\\u00e9"}]\n', '[1,  {"a":"\\u00e9"}]'),
        (typed("array"), "[1,'é']", '[1, "é"]'),
        (typed("array"), "['\\ud800']", '["\\ud800"]'),
        (typed("boolean"), "True", "true"),
        (typed("string"), "é\n", '"é\\n"'),
    ],
)
def test_the_models_own_json_is_kept(schema: Any, raw: str, text: str) -> None:
    assert coerce(raw, schema).json == text


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (None, ""),
        ({}, ""),
        (True, ""),
        ({"type": "strange"}, ""),
        ({"type": [["string"], 3]}, ""),
        (typed("string"), "string"),
        (typed("number", "integer"), "number"),
        ({"anyOf": [typed("integer"), {}]}, ""),
        ({"anyOf": [typed("integer"), typed("string")], "type": "string"}, "string"),
        ({"allOf": [typed("number"), typed("integer")]}, "integer"),
        ({"enum": [1, None, "a", True, 2.5, [], {}]}, "null string boolean number array object"),
        ({"enum": [1, 2]}, "integer"),
        ({"const": None}, "null"),
        ({"type": "string", "enum": [1]}, ""),
        ({"properties": {}}, "object"),
        ({"items": {}}, "array"),
        (REFERENCE, "integer"),
        (LOOP, ""),
    ],
)
def test_kinds(schema: Any, expected: str) -> None:
    assert kinds(schema) == frozenset(expected.split())
    assert streams_as_string(schema) == (expected in ("", "string"))


def test_references_are_looked_up_in_the_root() -> None:
    root = {"$defs": {"n": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}}
    assert kinds({"$ref": "#/$defs/n"}, root) == {"integer", "null"}
    assert coerce("5", {"$ref": "#/$defs/n"}, root).value == 5


def test_a_bomb_of_references_costs_little() -> None:
    names = [f"#/$defs/{i}" for i in range(50)]
    bomb = {"$defs": {str(i): {"allOf": [{"$ref": n}, {"$ref": n}]} for i, n in enumerate(names[1:])}, "$ref": names[0]}
    assert kinds(bomb) == frozenset()


# Laws.

TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
NAMES = st.sampled_from(["string", "number", "integer", "boolean", "null", "object", "array"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda s: st.lists(s, max_size=3) | st.dictionaries(TEXT, s, max_size=3),
    max_leaves=10,
)
SCHEMAS = st.recursive(
    st.builds(lambda n: {"type": n}, NAMES)
    | st.builds(lambda n: {"type": n}, st.lists(NAMES, max_size=3))
    | st.builds(lambda v: {"enum": v}, st.lists(VALUES, max_size=3))
    | st.builds(lambda v: {"const": v}, VALUES)
    | st.dictionaries(st.sampled_from(["type", "enum", "anyOf", "allOf", "$ref", "properties"]), VALUES, max_size=2)
    | VALUES,
    lambda s: st.builds(
        lambda k, v: {k: v}, st.sampled_from(["anyOf", "oneOf", "allOf"]), st.lists(s, min_size=1, max_size=3)
    ),
    max_leaves=4,
)
LITERALS = st.sampled_from(
    ["null", "None", "True", "false", "NaN", "1e999", "-0", "1e20", "02134", "[1,2", "('a',)", "{'a':1}", '"x"', "[]"]
)
NEARLY = st.text(st.sampled_from("[](){},:'\"\\ 12.e-truefalsnN\n\ud83d\ude00"), max_size=20)
RAW = TEXT | LITERALS | NEARLY | VALUES.map(repr) | VALUES.map(json.dumps)


@given(RAW, SCHEMAS)
@example("['\ud83d\\ude00']", {"type": "array"})
def test_total_and_the_json_parses_to_the_value(raw: str, schema: Any) -> None:
    got = coerce(raw, schema)
    assert repr(json.loads(got.json)) == repr(got.value)
    assert got == coerce(raw, schema)
    if streams_as_string(schema):
        assert got == Coerced(raw, json.dumps(raw, ensure_ascii=False))
    if got.value != raw:
        kind = kind_of(got.value)
        assert kind in kinds(schema) or (kind == "integer" and "number" in kinds(schema))


@given(VALUES.filter(lambda v: not isinstance(v, str)), st.booleans())
def test_a_value_of_the_declared_type_is_read(value: Any, python: bool) -> None:
    raw = repr(value) if python else json.dumps(value)
    got = coerce(raw, {"type": kind_of(value)})
    assert repr(got.value) == repr(value if not python else json.loads(json.dumps(value)))


@given(NEARLY)
def test_python_literals_are_read_as_python_does(text: str) -> None:
    import ast

    translated = python_to_json(text)
    read = None if translated is None else read_json(translated)
    if read is not None and text not in ("true", "false", "null") and not re.search(r"true|false|null|\\", text):
        assert json.dumps(read[0]) == json.dumps(ast.literal_eval(text.strip(" \t\r\n")))


def test_the_public_fixtures() -> None:
    from pathlib import Path

    canitoolcall = pytest.importorskip("canitoolcall")
    checked = 0
    for file in sorted((Path(canitoolcall.__file__).parent / "_data/fixtures/qwen3-xml").glob("*.jsonl")):
        for line in file.read_text().splitlines():
            fixture = json.loads(line)
            schemas = {t["function"]["name"]: t["function"].get("parameters", {}) for t in fixture["tools"]}
            bodies = re.findall(r"<function=(\w+)>\n(.*?)</function>", fixture["raw_output"], re.S)
            calls = fixture.get("expected", {}).get("tool_calls") or ()
            if len(bodies) != len(calls):
                continue
            for (name, body), call in zip(bodies, calls, strict=True):
                pairs = re.findall(r"<parameter=(\w+)>\n(.*?)\n</parameter>\n", body, re.S)
                if len(pairs) == body.count("<parameter=") == body.count("</parameter>") and name in schemas:
                    root = schemas[name]
                    got = {k: coerce(v, root.get("properties", {}).get(k), root).value for k, v in pairs}
                    assert got == call["arguments"], fixture["id"]
                    checked += 1
    assert checked >= 30
