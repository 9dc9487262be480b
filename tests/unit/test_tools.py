"""Tools: every shape in, one shape out; every caller mistake raises with its path."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections import OrderedDict
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

import turnwire
from turnwire.errors import DuplicateTool, SchemaError, SurrogateError, ToolError
from turnwire.schemas import resolve, step, subschemas
from turnwire.tools import Tool, normalize_tools, tool

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION: dict[str, Any] = {"parameters": SCHEMA, "strict": True, "name": "f", "description": "d"}


def one(definition: Any) -> Tool:
    tools = normalize_tools([definition])
    assert tools is not None
    return tools[0]


def with_schema(schema: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": schema}}


@pytest.mark.parametrize(
    "definition",
    [
        {"type": "function", "function": FUNCTION},
        {"function": FUNCTION, "type": "function", "extra": [1]},
        FUNCTION,
        {"type": "function", **FUNCTION},
        {"name": "f", "description": "d", "inputSchema": SCHEMA, "annotations": {}},
        {"name": "f", "description": "d", "input_schema": SCHEMA, "type": "custom"},
        Tool("f", "d", SCHEMA),
    ],
)
def test_shapes(definition: Any) -> None:
    read = one(definition)
    assert (read.name, read.description, read.parameters) == ("f", "d", SCHEMA)
    assert read.function["name"] == "f" and read.function["parameters"] == SCHEMA
    assert one(read) == read
    assert pickle.loads(pickle.dumps(read)) == read


def test_openai_comes_out_as_it_went_in() -> None:
    definition = {"function": OrderedDict(FUNCTION), "z": ({"b": 1, "a": 2},), "type": "function"}
    before = json.dumps(definition)
    read = one(definition)
    assert json.dumps(read.openai) == before
    assert type(read.openai["function"]) is dict
    definition["function"]["parameters"]["properties"].clear()  # type: ignore[index, union-attr]
    try:
        assert json.dumps(read.openai) == before
    finally:
        SCHEMA["properties"]["city"] = {"type": "string"}


def test_made_definitions_leave_out_what_is_missing() -> None:
    assert Tool("f").openai == {"type": "function", "function": {"name": "f"}}
    assert one({"name": "f"}).parameters is None
    assert one({"name": "f", "parameters": {}}).parameters == {}
    assert one({"name": "f", "parameters": None}).openai["function"] == {"name": "f", "parameters": None}


def test_none_and_empty_differ() -> None:
    assert normalize_tools(None) is None
    assert normalize_tools([]) == ()


DEEP: dict[str, Any] = {}
for _ in range(70):
    DEEP = {"properties": {"x": DEEP}}
CIRCULAR: dict[str, Any] = {"type": "object"}
CIRCULAR["properties"] = {"a": CIRCULAR, "b": CIRCULAR}


@pytest.mark.parametrize(
    ("tools", "error", "message"),
    [
        (FUNCTION, ToolError, "tools: not a sequence of tools but one tool"),
        ("f", ToolError, "tools: not a sequence of tools but str"),
        (7, ToolError, "tools: not a sequence of tools but int"),
        ([FUNCTION, 3], ToolError, "tools[1]: a tool of type int"),
        ([{}], ToolError, "tools[0]: a tool of unknown shape, with the keys []"),
        ([{"type": "web_search", "name": "x"}], ToolError, "tools[0].type: a tool of type 'web_search'"),
        ([{"type": "code", "function": {}}], ToolError, "tools[0].type: a tool of type 'code'"),
        ([{"function": "f"}], ToolError, "tools[0].function: a tool of type str"),
        ([{1: 2}], ToolError, "tools[0]: the key 1 is not a string"),
        ([{"parameters": {}}], ToolError, "tools[0].name: the tool has no name"),
        ([{"function": {"name": ""}}], ToolError, "tools[0].function.name: the name is ''"),
        ([{"name": 3}], ToolError, "tools[0].name: the name is 3"),
        ([{"name": "f", "description": 3}], ToolError, "tools[0].description: the description is a int"),
        ([{"name": "f", "x": {1}}], ToolError, "tools[0].x: set {1} is not JSON"),
        ([FUNCTION, {"name": "g"}, Tool("f")], DuplicateTool, "tools[2]: 'f' is also the name of tools[0]"),
        ([{"name": "\ud800"}], SurrogateError, "tools[0].name: lone surrogate"),
        ([{"name": "f", "\ud800": 1}], SurrogateError, "tools[0] (a key): lone surrogate"),
        ([with_schema({"\ud800": 1})], SurrogateError, "tools[0].function.parameters (a key): lone surrogate"),
        ([with_schema([])], SchemaError, "tools[0].function.parameters: [] is not a schema of arguments"),
        ([with_schema(True)], SchemaError, "tools[0].function.parameters: True is not"),
        ([with_schema({"type": "array"})], SchemaError, "parameters.type: 'array' cannot hold named arguments"),
        ([with_schema({"type": ["null"]})], SchemaError, "parameters.type: ['null'] cannot hold"),
        ([with_schema({"properties": 3})], SchemaError, "parameters.properties: 3 is not of type 'object'"),
        ([with_schema({"required": "x"})], SchemaError, "parameters.required: 'x' is not of type 'array'"),
        ([with_schema({"x": float("nan")})], SchemaError, "parameters.x: float nan is not JSON"),
        ([with_schema({"x": 10**5000})], SchemaError, "parameters.x: a number of too many digits"),
        ([with_schema({"x": {1: 2}})], SchemaError, "parameters.x: the key 1 is not a string"),
        ([with_schema(DEEP)], SchemaError, "nested too deep; expected at most 64 levels"),
        ([with_schema(CIRCULAR)], SchemaError, "nested too deep"),
        ([with_schema({"enum": list(range(20_001))})], SchemaError, "too large; expected at most 20,000 values"),
        ([with_schema({"$schema": "http://json-schema.org/draft-99/schema"})], SchemaError, "$schema: unknown draft"),
        ([{"name": "f", "inputSchema": {"type": "objekt"}}], SchemaError, "tools[0].inputSchema.type: 'objekt'"),
        ([{"name": "f", "input_schema": 3}], SchemaError, "tools[0].input_schema: 3"),
    ],
)
def test_mistakes(tools: Any, error: type[ToolError], message: str) -> None:
    with pytest.raises(error) as caught:
        normalize_tools(tools)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_wrong_type_is_named_with_its_path_and_the_nearest() -> None:
    with pytest.raises(SchemaError) as caught:
        normalize_tools([with_schema({"properties": {"x": {"type": "strng"}}})])
    assert caught.value.path == "tools[0].function.parameters.properties.x.type"
    assert (caught.value.value, caught.value.near) == ("strng", "string")


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"properties": {"x": {"$ref": "https://example.com/a.json"}}}, "remote references are not fetched"),
        ({"properties": {"x": {"$ref": "file:///etc/passwd"}}}, "remote references are not fetched"),
        ({"properties": {"x": {"$ref": "other.json#/a"}}}, "remote references are not fetched"),
        ({"properties": {"x": {"$ref": "http://["}}}, "remote references are not fetched"),
        ({"$id": "https://a.b/c", "properties": {"x": {"$ref": "d"}}}, "remote references are not fetched"),
        ({"properties": {"x": {"$ref": "#/$defs/ct"}}, "$defs": {"cat": {}}}, "did you mean '#/$defs/cat'?"),
        ({"properties": {"x": {"$ref": "#cat"}}}, "points at nothing"),
        ({"properties": {"x": {"$ref": "#/title"}}, "title": "t"}, "points at 't'"),
    ],
)
def test_references_that_do_not_resolve(schema: Any, problem: str) -> None:
    with pytest.raises(SchemaError, match=r"properties\.x\.\$ref") as caught:
        normalize_tools([with_schema(schema)])
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"x": {"$ref": "#/$defs/a~1b"}}, "$defs": {"a/b": {}}},
        {"properties": {"x": {"$ref": "#here"}, "y": {"$anchor": "here"}}},
        {"properties": {"x": {"$ref": "#"}}},
        {"$id": "https://a.b/c", "properties": {"x": {"$ref": "https://a.b/c"}, "y": {"$ref": "c#/properties/x"}}},
        {"properties": {"x": {"$ref": "https://json-schema.org/draft/2020-12/schema"}}},
        {"properties": {"$ref": {"type": "string"}, "type": {"enum": ["strng"]}, "required": {}, "properties": {}}},
        {"properties": {"x": {"const": {"$ref": "https://a.b/c", "type": "strng"}}}},
        {"properties": {"x": {"default": {"type": "strng"}, "examples": [{"$ref": "nowhere"}]}}},
        {"$schema": "http://json-schema.org/draft-07/schema#", "definitions": {"a": {"items": [{}, {}]}}},
        {"$schema": "https://json-schema.org/draft-07/schema"},
        {"properties": {"x": {"pattern": "^(a+)+$"}, "y": {"pattern": r"\p{L}(?<n>a)["}}},
        {"type": ["object", "null"]},
    ],
)
def test_schemas_that_are_fine(schema: Any) -> None:
    assert one(with_schema(schema)).parameters == schema


def test_subschemas_are_walked_in_document_order() -> None:
    schema = {"properties": {"b": {"items": {}}, "odd name": {}}, "anyOf": [{}, True]}
    assert [path for _, path, _ in subschemas(schema)] == [
        "", ".properties.b", ".properties.b.items", '.properties["odd name"]', ".anyOf[0]",
    ]  # fmt: skip


def test_steps() -> None:
    assert step(step(step("$", "a"), 3), 'b "c"') == '$.a[3]["b \\"c\\""]'
    assert step("$", "é" * 100).endswith('..."]')
    step("$", "\ud800").encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda s: st.lists(s, max_size=3) | st.dictionaries(st.text(max_size=4), s, max_size=3),
    max_leaves=12,
)
KEYWORDS = st.sampled_from(["type", "properties", "$ref", "anyOf", "items", "required", "enum", "$id", "$defs", "x"])
SCHEMAS = st.recursive(
    JSON | st.sampled_from(["string", "object", "#", "#/$defs/x", "#x"]),
    lambda s: st.lists(s, max_size=3) | st.dictionaries(KEYWORDS, s, max_size=4),
    max_leaves=12,
)


@given(SCHEMAS)
def test_any_schema_is_taken_unchanged_or_refused(schema: Any) -> None:
    before = copy.deepcopy(schema)
    try:
        read = one(with_schema(schema))
    except (ToolError, SurrogateError) as e:
        assert e.path.startswith("tools[0].function.parameters")
    else:
        assert read.parameters == schema
    assert json.dumps(schema) == json.dumps(before)


@given(JSON)
def test_any_value_is_a_definition_or_refused(value: Any) -> None:
    try:
        normalize_tools([value])
    except (ToolError, SurrogateError) as e:
        assert e.path.startswith("tools")


def test_resolve() -> None:
    root = {"$defs": {"a b": [{"x": 1}], "c~d": 2}}
    assert resolve(root, "#/$defs/a%20b/0/x") == 1
    assert resolve(root, "#/$defs/c~0d") == 2
    for nowhere in ("#/$defs/a%20b/1", "#/$defs/a%20b/-1", "#/$defs/c~0d/x", "#/nope", "#nope", "x#/$defs", ""):
        assert resolve(root, nowhere) is None


# Tools from functions.


def weather(
    city: str, days: int = 3, unit: Literal["c", "f"] = "c", tags: list[str] | None = None, *, opts: dict[str, float]
) -> str:
    """Look the weather up.

    In one city.

    Args:
        city: The city,
            as it is spelled there.
        days (int): How many.

    Returns:
        Words.
    """
    return ""


def test_a_function_is_a_tool() -> None:
    assert tool(weather).openai == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Look the weather up.\n\nIn one city.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "The city, as it is spelled there."},
                    "days": {"type": "integer", "description": "How many.", "default": 3},
                    "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
                    "tags": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}]},
                    "opts": {"type": "object", "additionalProperties": {"type": "number"}},
                },
                "required": ["city", "opts"],
            },
        },
    }


def no_hint(x):  # type: ignore[no-untyped-def]
    ...


def strange(x: complex) -> None: ...


def rest(*args: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_hint, "no_hint(x): a parameter without a type hint"),
        (strange, "strange(x): no JSON Schema for the type"),
        (rest, "rest(args): a parameter that is variadic"),
    ],
)
def test_a_function_that_says_too_little(function: Any, message: str) -> None:
    with pytest.raises(ToolError) as caught:
        tool(function)
    assert message in str(caught.value)


def test_what_is_made_of_a_tool_is_no_part_of_it() -> None:
    asked: list[str] = []

    def loud(t: Tool) -> str:
        asked.append(t.name)
        return t.name.upper()

    made = Tool("search", "finds")
    assert [made.made(loud), made.made(loud), asked] == ["SEARCH", "SEARCH", ["search"]]
    assert made == Tool("search", "finds")
    assert list(dataclasses.asdict(made)) == ["name", "description", "parameters", "openai"]
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), dataclasses.replace(made, name="find")):
        assert other.made(loud) == other.name.upper()
    assert asked == ["search", "search", "search", "find"]


@pytest.mark.parametrize("name", ["qwen3", "harmony", "glm-4.5", "minimax-m2"])
def test_tools_that_the_caller_changes_are_shown_as_they_are_now(name: str) -> None:
    fmt = turnwire.get_format(name)
    function = {"name": "search", "description": "finds", "parameters": {"type": "object", "properties": {}}}
    tools, messages = [{"type": "function", "function": function}], [{"role": "user", "content": "Hi"}]
    before = [fmt.render(messages, given).text for given in (tools, [Tool("search", "finds")])]
    function["description"] = "looks"
    after = [fmt.render(messages, given).text for given in (tools, [Tool("search", "looks")])]
    assert [text.replace("finds", "looks") for text in before] == after != before
