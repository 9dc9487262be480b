"""JSON Schema as TypeScript, for prompts: openai/harmony src/encoding.rs, `json_schema_to_typescript` and
`template_tools_section` (0.0.8), quirks included: the description of a nested object comes twice, the second time
between the key and the type; a nested closing brace is indented as deep as the members; descriptions are not cut into
lines; only strings have an enum; `| null` is left out where the type's text contains "null".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..tools import Tool

SCALARS = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean"}


def namespace(name: str, tools: Iterable[Tool]) -> str:
    """The tools as functions of a namespace."""
    out = [f"## {name}\n", f"namespace {name} {{\n"]
    return "\n".join([*out, *[tool.made(function) for tool in tools], f"}} // namespace {name}"])


def function(tool: Tool) -> str:
    """A tool as a function, what it does in comments above it."""
    arguments = "" if tool.parameters is None else f"_: {typescript(tool.parameters)}"
    said = [f"// {line}" for line in _lines(tool.description or "")]
    return "\n".join([*said, f"type {tool.name} = ({arguments}) => any;\n"])


def typescript(schema: Any, indent: str = "") -> str:
    """A schema as a type."""
    variants = _get(schema, "oneOf")
    if isinstance(variants, list):
        return "".join(f"\n{indent} | {_variant(v, indent, None, False)}" for v in variants)  # pyright: ignore[reportUnknownVariableType]
    kind = _get(schema, "type")
    if isinstance(kind, list):
        names = ["number" if k == "integer" else k for k in kind if isinstance(k, str)]  # pyright: ignore[reportUnknownVariableType]
        return " | ".join(names)
    if kind == "object":
        return _object(schema, indent)
    if kind == "array":
        return typescript(schema["items"], indent) + "[]" if "items" in schema else "Array<any>"
    if kind == "string" and isinstance(schema.get("enum"), list):
        return " | ".join(f'"{v}"' for v in schema["enum"] if isinstance(v, str)) or "string"
    return SCALARS.get(kind, "any") if isinstance(kind, str) else "any"


def _object(schema: Mapping[str, Any], indent: str) -> str:
    out = _comment(schema.get("description"), indent) + "{\n"
    properties: Any = schema.get("properties")
    required: Any = schema.get("required")
    for key, value in properties.items() if isinstance(properties, dict) else ():  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        out += _property(
            f"{indent}{key}{'' if isinstance(required, list) and key in required else '?'}:",
            value,  # pyright: ignore[reportUnknownArgumentType]
            indent,
        )
    return out + indent + "}"


def _property(head: str, schema: Any, indent: str) -> str:
    title, description, examples = (_get(schema, k) for k in ("title", "description", "examples"))
    out = f"{indent}// {title}\n{indent}//\n" if isinstance(title, str) else ""
    variants = _get(schema, "oneOf")
    if variants is None:
        out += _comment(description, indent)
    if isinstance(examples, list) and examples:
        out += f"{indent}// Examples:\n"
        out += "".join(f'{indent}// - "{e}"\n' for e in examples if isinstance(e, str))  # pyright: ignore[reportUnknownVariableType]
    if isinstance(variants, list):
        above = isinstance(description, str) and not (variants and _get(variants[0], "description") == description)
        if above:
            out += _comment(description, indent)
        if "default" in schema:
            out += f"{indent}// {_default(schema)}\n"
        lines = (
            f"{indent} | {_variant(v, indent, description, above and not i, bare=True)}\n"
            for i, v in enumerate(variants)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        )
        return f"{out}{head}\n{''.join(lines)}{indent},\n"
    out += f"{head} {_nullable(schema, typescript(schema, indent + '    '))},"
    return out + (f" // {_default(schema)}\n" if _has(schema, "default") else "\n")


def _variant(schema: Any, indent: str, known: Any, silent: bool, bare: bool = False) -> str:
    """One of a union, with what is said of it behind it, but for a description that is `known` (or `silent`)."""
    description = _get(schema, "description")
    notes = [description] if isinstance(description, str) and description != known and not silent else []
    if _has(schema, "default"):
        notes.append(_default(schema, bare))
    return _nullable(schema, typescript(schema, indent + "   ")) + (f" // {' '.join(notes)}" if notes else "")


def _nullable(schema: Any, text: str) -> str:
    return f"{text} | null" if _get(schema, "nullable") is True and "null" not in text else text


def _default(schema: Mapping[str, Any], bare: bool = True) -> str:
    """Strings in quotes, unescaped; those of an enum `bare`, or as JSON."""
    value, enum = schema["default"], schema.get("enum")
    if not isinstance(value, str):
        return f"default: {_json(value)}"
    if not (isinstance(enum, list) and enum):
        return f'default: "{value}"'
    return f"default: {value if bare else _json(value)}"


def _comment(text: Any, indent: str) -> str:
    return f"{indent}// {text}\n" if isinstance(text, str) else ""


def _get(schema: Any, key: str) -> Any:
    return schema.get(key) if isinstance(schema, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _has(schema: Any, key: str) -> bool:
    return isinstance(schema, Mapping) and key in schema


def _lines(text: str) -> list[str]:
    """As Rust's `str::lines`."""
    *lines, last = text.split("\n")
    return [line.removesuffix("\r") for line in lines] + ([last] if last else [])


def _json(value: Any) -> str:
    """As serde_json prints it: no blanks, floats in its own notation."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(k)}:{_json(v)}" for k, v in value.items()) + "}"  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**64:
        value = float(value)
    return _float(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _float(value: float) -> str:
    """The shortest digits, as Rust's ryu lays them out."""
    sign, text = ("-", repr(value)[1:]) if repr(value).startswith("-") else ("", repr(value))
    mantissa, _, exponent = text.partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0") or "0"
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits)) if digits != "0" else 1
    digits = digits.rstrip("0") or "0"
    if len(digits) <= point <= 16:
        return f"{sign}{digits.ljust(point, '0')}.0"
    if 0 < point <= 16:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -5 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[0]}{'.' if digits[1:] else ''}{digits[1:]}e{point - 1}"
