"""Tools as TypeScript, each schema as a type with its description above it: tool_declaration_ts.py of
moonshotai/Kimi-K2.5 (as in the package tinker-cookbook 0.6.1, renderers/kimi_k2_5_tool_declaration_ts.py, sha256
03d1677d), quirks included: required members first, each group by name; numbers and booleans of a default as Python
prints them; a schema that refers to itself is named, and its members then are not sorted. What that file raises for
(a schema without a type, say) is `Undeclared` here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ..codecs import dumps
from ..tools import Tool

INDENT = "  "
UNION = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null",
         "object": "{}", "array": "Array<any>"}  # fmt: skip
BOUNDS = {"string": ("maxLength", "minLength", "pattern"), "number": ("maximum", "minimum"),
          "integer": ("maximum", "minimum"), "array": ("maxItems", "minItems")}  # fmt: skip
CHECKS: dict[Any, Any] = {"string": str, "number": (int, float), "integer": int, "boolean": bool}


class Undeclared(Exception):
    """A schema that has no declaration."""


class Type(NamedTuple):
    """A type: what is said of it, and itself, each for an indent."""

    notes: Callable[[str], str]
    text: Callable[[str], str]


class Member(NamedTuple):
    """A member of an object."""

    name: str
    type: Type
    optional: bool
    default: Any

    def text(self, indent: str) -> str:
        """The member with its notes, on lines of their own."""
        notes = self.type.notes(indent)
        if self.default is not None:
            plain = isinstance(self.default, (int, float))
            notes += (
                f"{indent}// Default: {self.default!r}\n" if plain else f"{indent}// Default: {dumps(self.default)}\n"
            )
        return f"{notes}{indent}{self.name}{'?' if self.optional else ''}: {self.type.text(indent)}"


def declarations(tools: Iterable[Tool]) -> str:
    """The functions of all tools; raises `Undeclared`."""
    functions = [_function(tool.function) for tool in tools if tool.openai.get("type") == "function"]
    if not functions:
        return ""
    return "# Tools\n\n## functions\nnamespace functions {\n" + "\n".join(functions) + "\n}\n"


def _function(function: Mapping[str, Any]) -> str:
    parameters: Any = function.get("parameters") or {}
    if not isinstance(parameters, Mapping):
        raise Undeclared("parameters that are no object")
    names = _Names()
    members, root = names.object(parameters)  # pyright: ignore[reportUnknownArgumentType]
    lines: list[str] = []
    if names.itself:
        inner = ",\n".join(m.text(INDENT) for m in members)
        lines.append("interface parameters {" + (f"\n{inner}\n" if inner else "") + "}")
    shown = "parameters" if names.itself else root.text("")
    for name, schema in list(names.known.items()):
        if not isinstance(schema, Mapping):
            raise Undeclared("a definition that is no object")
        text = names.type(schema).text("")
        said = _get(schema, "description", "")
        lines.append(f"{_comment(said)}\ninterface {name} {text}" if said else f"interface {name} {text}")
    if function.get("description"):
        lines.append(_comment(function["description"]))
    return "\n".join([*lines, f"type {function.get('name', 'function')} = (_: {shown}) => any;"])


class _Names:
    """The schemas of one tool that have names: those in `$defs`, and whether it refers to itself."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}
        self.itself = False

    def type(self, schema: Any) -> Type:
        """A schema as a type."""
        if isinstance(schema, bool):
            return _named("any" if schema else "null")
        if not isinstance(schema, Mapping):
            raise Undeclared("a schema that is no object")
        given: Mapping[str, Any] = schema  # pyright: ignore[reportUnknownVariableType]
        if "$ref" in given:
            return _noted(given, self._reference(given["$ref"]))
        if "anyOf" in given:
            types = [self.type(t) for t in given["anyOf"]]
            return _noted(given, lambda indent: " | ".join(t.text(indent) for t in types))
        if "enum" in given:
            return _noted(given, _enum(given))
        if "type" not in given:
            if given:
                raise Undeclared("a schema without a type")
            return _named("any")
        kind = given["type"]
        if isinstance(kind, list):
            union = " | ".join(UNION[k] for k in kind)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            return _noted(given, _always(union))
        if kind == "object":
            return self.object(given)[1]
        if kind == "array":
            item = self.type(given["items"]) if given.get("items") else _named("any")
            return _noted(given, lambda indent: _array(item, indent), BOUNDS["array"])
        name = "number" if kind == "integer" else kind
        return _noted(given, _always(name), BOUNDS.get(kind, ()))

    def object(self, schema: Mapping[str, Any]) -> tuple[list[Member], Type]:
        """An object's members, and its type."""
        self.known.update(schema.get("$defs") or {})
        more = schema.get("additionalProperties")
        rest = self.type(more) if isinstance(more, Mapping) else more
        required = schema.get("required", ())
        members = [
            Member(name, self.type(inner), name not in required, _get(inner, "default", None))
            for name, inner in schema.get("properties", {}).items()
        ]
        ordered = sorted(members, key=lambda m: (m.optional, m.name))

        def text(indent: str) -> str:
            deeper = indent + INDENT
            lines = [m.text(deeper) for m in ordered]
            if rest is not None:
                shown = rest.text(deeper) if isinstance(rest, Type) else "any" if rest else "never"
                lines.append(f"{deeper}[k: string]: {shown}")
            return "{\n" + ",\n".join(lines) + f"\n{indent}}}" if lines else "{}"

        return members, _noted(schema, text)

    def _reference(self, to: Any) -> Callable[[str], str]:
        if to == "#":
            self.itself = True
            return _always("parameters")
        name = str(to).rpartition("/")[2]
        if not str(to).startswith("#/$defs/") or not isinstance(self.known.get(name), Mapping):
            raise Undeclared(f"a reference to {to!r}")
        return _always(name)


def _noted(schema: Mapping[str, Any], text: Callable[[str], str], bounds: tuple[str, ...] = ()) -> Type:
    """A type with its description and its bounds."""
    said = schema.get("description")
    limits = ", ".join(f"{k}: {schema[k]}" for k in bounds if k in schema)

    def notes(indent: str) -> str:
        return "".join([f"{_comment(said, indent)}\n" if said else "", f"{indent}// {limits}\n" if limits else ""])

    return Type(notes, text)


def _always(text: str) -> Callable[[str], str]:
    return lambda indent: text


def _named(name: str) -> Type:
    return Type(_always(""), _always(name))


def _array(item: Type, indent: str) -> str:
    notes = item.notes(indent + INDENT)
    if not notes:
        return f"Array<{item.text(indent)}>"
    return f"Array<\n{notes}{indent}{INDENT}{item.text(indent + INDENT)}\n{indent}>"


def _enum(schema: Mapping[str, Any]) -> Callable[[str], str]:
    values, kind = schema["enum"], schema.get("type")
    if isinstance(kind, list):
        others: list[Any] = [k for k in kind if k != "null"]  # pyright: ignore[reportUnknownVariableType]
        if len(kind) > 2 or (len(kind) == 2 and len(others) != 1):  # pyright: ignore[reportUnknownArgumentType]
            raise Undeclared("an enum of several types")
        kind = others[0] if others else "null"
    if kind in CHECKS and not all(v is None or isinstance(v, CHECKS[kind]) for v in values):
        raise Undeclared("a value of an enum is not of its type")
    shown = " | ".join(f'"{v}"' if isinstance(v, str) else str(v) for v in values)
    return _always(shown)


def _comment(text: str, indent: str = "") -> str:
    return "\n".join(f"{indent}// {line}" if line else "" for line in text.split("\n"))


def _get(schema: Any, key: str, default: Any) -> Any:
    return schema.get(key, default) if isinstance(schema, Mapping) else default  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
