"""Tools: what a caller says the model may call, in one shape.

`normalize_tools` reads OpenAI, MCP and Anthropic definitions and `Tool` objects; every caller mistake raises here,
with its path, before anything is rendered. A schema that comes out is plain JSON (dicts, lists, scalars), at most
`MAX_DEPTH` deep and `MAX_NODES` large, valid for its draft, and every reference in it is local. Schemas are
untrusted: nothing is fetched, and no pattern of theirs is run.
"""

from __future__ import annotations

import functools
import inspect
import json
import marshal
import re
import types
import typing
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from .errors import DuplicateTool, SchemaError, ToolError, check_text
from .schemas import MAX_DIGITS, Schema, find_flaw, step

T = TypeVar("T")
MAX_DEPTH = 64
MAX_NODES = 20_000


class _Made:
    """Room for what was made of a tool, which is no field of it."""

    __slots__ = ("_made",)

    _made: dict[Any, Any]


@dataclass(frozen=True, slots=True)
class Tool(_Made):
    """A tool. `parameters` is the JSON Schema of its arguments, None where the caller gave none.

    `openai` is the definition that templates print: exactly the caller's keys, in the caller's order, when the
    caller wrote an OpenAI definition, else made from the other fields. Do not change what it holds.
    """

    name: str
    description: str | None = None
    parameters: Schema | None = field(default=None, hash=False)
    openai: dict[str, Any] = field(default_factory=dict[str, Any], hash=False, repr=False)

    def __post_init__(self) -> None:
        if not self.openai:
            given = {"name": self.name, "description": self.description, "parameters": self.parameters}
            function = {k: v for k, v in given.items() if v is not None}
            object.__setattr__(self, "openai", {"type": "function", "function": function})

    @property
    def function(self) -> dict[str, Any]:
        """The inner part of `openai`: name, description, parameters and whatever else the caller gave."""
        return self.openai["function"]

    def made(self, make: Callable[[Tool], T]) -> T:
        """What a function makes of the tool: once, since prompt after prompt shows the same tools."""
        try:
            return self._made[make]
        except AttributeError:
            object.__setattr__(self, "_made", {})
        except KeyError:
            pass
        return self._made.setdefault(make, make(self))


def normalize_tools(tools: object, path: str = "tools") -> tuple[Tool, ...] | None:
    """The tools in one shape; None stays None. Raises `ToolError` and its kind, or `SurrogateError`."""
    if tools is None:
        return None
    if not isinstance(tools, Sequence) or isinstance(tools, (str, bytes, bytearray)):
        what = "one tool" if isinstance(tools, (Mapping, Tool)) else type(tools).__name__
        raise ToolError(f"not a sequence of tools but {what}", value=tools, path=path, expected="a list of tools")
    out: list[Tool] = []
    index: dict[str, int] = {}
    for i, definition in enumerate(cast("Sequence[object]", tools)):
        tool = _read(definition, f"{path}[{i}]")
        if (first := index.setdefault(tool.name, i)) != i:
            raise DuplicateTool(
                f"{tool.name!r} is also the name of {path}[{first}]",
                value=tool.name,
                path=f"{path}[{i}]",
                expected="tools of different names",
            )
        out.append(tool)
    return tuple(out)


def known_tools(tools: object) -> tuple[Tool, ...] | None:
    """`normalize_tools`, remembered by value for definitions in plain data."""
    if isinstance(tools, list):
        try:
            return _known(marshal.dumps(cast("list[Any]", tools), 2))
        except ValueError:  # not plain data
            pass
    return normalize_tools(cast("object", tools))


@functools.lru_cache(maxsize=64)
def _known(data: bytes) -> tuple[Tool, ...] | None:
    return normalize_tools(marshal.loads(data))


def _read(tool: object, path: str) -> Tool:
    """One definition of any shape."""
    if isinstance(tool, Tool):
        return _build(_mapping(tool.openai.get("function"), path), path, "parameters", tool.openai)
    definition = _mapping(tool, path)
    if "function" in definition:
        if definition.get("type", "function") != "function":
            raise _unknown(f"a tool of type {definition['type']!r}", definition, f"{path}.type")
        where = f"{path}.function"
        return _build(_mapping(definition["function"], where), where, "parameters", definition)
    if definition.get("type", "function") not in ("function", "custom"):
        raise _unknown(f"a tool of type {definition['type']!r}", definition, f"{path}.type")
    for key in ("inputSchema", "input_schema"):
        if key in definition:
            return _build(definition, path, key, None)
    if "name" not in definition and "parameters" not in definition:
        raise _unknown(f"a tool of unknown shape, with the keys {list(definition)}", definition, path)
    flat = {k: v for k, v in definition.items() if k != "type"}
    return _build(flat, path, "parameters", {"type": "function", "function": flat})


def _build(function: Mapping[str, Any], path: str, schema_key: str, openai: Mapping[str, Any] | None) -> Tool:
    """The tool that `function` describes; `openai` is what holds it, None where it has to be made."""
    name, description = function.get("name"), function.get("description")
    if not isinstance(name, str) or not name:
        problem = "the tool has no name" if name is None else f"the name is {name!r}"
        raise ToolError(problem, value=name, path=f"{path}.name", expected="a non-empty string")
    if description is not None and not isinstance(description, str):
        raise ToolError(
            f"the description is a {type(description).__name__}",
            value=description,
            path=f"{path}.description",
            expected="a string",
        )
    room = [MAX_NODES]
    copy = {
        key: _plain(value, step(path, key), 0, room, SchemaError if key == schema_key else ToolError)
        for key, value in function.items()
    }
    parameters = copy.get(schema_key)
    if parameters is not None:
        _check_schema(parameters, step(path, schema_key))
    if openai is None:
        return Tool(name, description, parameters)
    whole = {k: copy if k == "function" else _plain(v, step(path, k), 0, room, ToolError) for k, v in openai.items()}
    return Tool(name, description, parameters, whole)


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _unknown(f"a tool of type {type(value).__name__}", value, path)
    for key in cast("Mapping[object, Any]", value):
        if not isinstance(key, str):
            raise ToolError(f"the key {key!r} is not a string", value=key, path=path, expected="string keys")
        check_text(key, f"{path} (a key)")
    return cast("Mapping[str, Any]", value)


def _unknown(problem: str, value: object, path: str) -> ToolError:
    expected = (
        'an OpenAI function ({"type": "function", "function": {"name", "description", "parameters"}}), '
        'an MCP ("inputSchema") or Anthropic ("input_schema") definition, or a Tool'
    )
    return ToolError(problem, value=value, path=path, expected=expected)


def _plain(value: Any, path: str, depth: int, room: list[int], error: type[ToolError]) -> Any:
    """A deep copy in plain JSON types. `room` counts down the nodes that are left."""
    room[0] -= 1
    if room[0] < 0:
        raise error("too large", path=path, expected=f"at most {MAX_NODES:,} values")
    if depth > MAX_DEPTH:
        raise error("nested too deep", path=path, expected=f"at most {MAX_DEPTH} levels")
    if isinstance(value, str):
        check_text(value, path)
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) >= _TOO_LONG:
            raise error("a number of too many digits", path=path, expected=f"at most {MAX_DIGITS:,} digits")
        return int(value)
    if isinstance(value, float) and value - value == 0:
        return float(value)
    if isinstance(value, Mapping):
        copy: dict[str, Any] = {}
        for key, inner in cast("Mapping[Any, Any]", value).items():
            if not isinstance(key, str):
                raise error(f"the key {key!r} is not a string", value=key, path=path, expected="string keys")
            check_text(key, f"{path} (a key)")
            copy[str(key)] = _plain(inner, step(path, key), depth + 1, room, error)
        return copy
    if isinstance(value, (list, tuple)):
        items = cast("Sequence[Any]", value)
        return [_plain(inner, step(path, i), depth + 1, room, error) for i, inner in enumerate(items)]
    raise error(f"{type(value).__name__} {value!r} is not JSON", value=value, path=path, expected="plain JSON values")


_TOO_LONG = 10**MAX_DIGITS


def _check_schema(schema: Any, path: str) -> None:
    flaw = find_flaw(json.dumps(schema, ensure_ascii=False))
    if flaw is not None:
        raise SchemaError(flaw.problem, value=flaw.value, path=path + flaw.path, expected=flaw.expected, near=flaw.near)


# Tools from Python functions.


def tool(function: Callable[..., Any]) -> Tool:
    """The tool that a Python function with type hints and a docstring describes.

    The description is the docstring up to its `Args:` section, whose entries describe the parameters. A parameter
    without a default is required. Types: str, int, float, bool, None, list[...], dict[str, ...], Literal, unions.
    """
    name: str = getattr(function, "__name__", "")
    summary, notes = _docstring(inspect.getdoc(function) or "")
    try:
        hints = typing.get_type_hints(function)
    except (NameError, TypeError) as e:
        raise ToolError(f"a type hint cannot be read ({e})", value=function, path=name, expected=_HINTS) from None
    properties: dict[str, Any] = {}
    required: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        where = f"{name}({parameter.name})"
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ToolError(f"a parameter that is {parameter.kind.description}", path=where, expected="a named one")
        if parameter.name not in hints:
            raise ToolError("a parameter without a type hint", path=where, expected=_HINTS)
        schema = _schema_of(hints[parameter.name], where)
        if parameter.name in notes:
            schema["description"] = notes[parameter.name]
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        elif isinstance(parameter.default, (str, int, float)):
            schema["default"] = parameter.default
        properties[parameter.name] = schema
    parameters: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    return _read(Tool(name, summary or None, parameters), name)


_HINTS = "one of str, int, float, bool, None, list[...], dict[str, ...], Literal[...] and unions of them"
_SCALARS: dict[object, str] = {
    str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", list: "array", dict: "object",
}  # fmt: skip


def _schema_of(hint: Any, path: str) -> dict[str, Any]:
    if isinstance(hint, Hashable) and hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return {"type": "array", "items": _schema_of(args[0], path)}
    if origin is dict and args[0] is str:
        return {"type": "object", "additionalProperties": _schema_of(args[1], path)}
    if origin is Literal:
        names = list(dict.fromkeys(_SCALARS.get(cast("object", type(a)), "") for a in args))
        if "" not in names:
            return {"type": names[0] if len(names) == 1 else names, "enum": list(args)}
    if origin in (typing.Union, types.UnionType):
        parts = [_schema_of(a, path) for a in args]
        if all(list(p) == ["type"] for p in parts):
            return {"type": [p["type"] for p in parts]}
        return {"anyOf": parts}
    raise ToolError(f"no JSON Schema for the type {hint!r}", value=hint, path=path, expected=_HINTS)


_SECTION = re.compile(r"^(Args|Arguments|Parameters|Returns|Yields|Raises|Examples?):[ ]*$", re.M)


def _docstring(doc: str) -> tuple[str, dict[str, str]]:
    """The text before the first section, and the entries of `Args:` by name."""
    summary, *sections = _SECTION.split(doc)
    notes: dict[str, str] = {}
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        if title not in ("Args", "Arguments", "Parameters"):
            continue
        for entry in re.split(r"\n(?=[ ]{1,4}\S)", body):
            name, colon, text = entry.strip().partition(":")
            if colon:
                notes[name.split(" ")[0].split("(")[0]] = " ".join(text.split())
    return summary.strip(), notes
