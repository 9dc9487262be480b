"""Coercion: the value that a piece of raw argument text stands for, given the schema declared for it.

A function of (raw, schema) only, so a streamed value and a parsed one agree. A string-only or undeclared value is the
raw text, byte for byte. Anything else is read as strict JSON, then as a Python literal, and kept only if the schema
admits its type; what cannot be read so stays the raw string, and validation reports it. Total: never raises on
any text or schema; work is linear in the text; nothing is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast

from ..codecs import dumps_encodable, loads_counting
from ..schemas import JSON_TYPES, resolve

MAX_NESTING = 128
MAX_SCHEMAS = 200

Flag = Literal["ambiguous-type"]


class Coerced(NamedTuple):
    """`json` is the exact JSON text of `value`. `flag` is "ambiguous-type" where the schema also admits a string,
    so that the raw text was a possible reading too."""

    value: Any
    json: str
    flag: Flag | None = None


def coerce(raw: str, schema: Any, root: Any = None) -> Coerced:
    """The value of `raw` under `schema`; references are looked up in `root` (the schema itself if None)."""
    admitted = kinds(schema, root)
    if admitted <= _STRING:
        return _string(raw)
    text = raw.strip(_BLANKS)
    read = read_json(text)
    if read is None:
        translated = python_to_json(text)
        read = None if translated is None else read_json(translated)
        if read is None:
            return _string(raw)
        read = (read[0], dumps_encodable(read[0]))
    value, text = read
    kind = kind_of(value)
    if kind == "string" or not _admits(admitted, kind, value):
        return _string(raw)
    if "string" not in admitted:
        return Coerced(value, text)
    if value is None:
        return Coerced(value, text) if raw.strip(_BLANKS) == "null" else _string(raw)
    listed = _listed(schema)
    if listed is not None and (raw in listed) != _contains(listed, value):
        return _string(raw) if raw in listed else Coerced(value, text)
    return Coerced(value, text, "ambiguous-type")


def as_json(raw: str, schema: Any, root: Any = None) -> Coerced:
    """The value of `raw` where the model says that it is JSON; what is not is coerced by its schema."""
    read = read_json(raw.strip(_BLANKS))
    return coerce(raw, schema, root) if read is None else Coerced(*read)


def streams_as_string(schema: Any, root: Any = None) -> bool:
    """Whether a value can be streamed as a JSON string at once: its type is undeclared, or string only."""
    return kinds(schema, root) <= _STRING


def streams_as_json(schema: Any, root: Any = None) -> bool:
    """True when a value that begins with a bracket can only be a container, and be sent as it comes."""
    found = kinds(schema, root)
    return "string" not in found and bool(found & {"object", "array"})


def kinds(schema: Any, root: Any = None) -> frozenset[str]:
    """The JSON types that a schema declares; empty where it declares none ("integer" is left out beside "number").

    A schema with no type but with `properties` or `items` declares an object or an array.
    """
    if isinstance(schema, dict):  # most say their type, and nothing else that matters here
        said = cast("dict[str, Any]", schema)
        name = said.get("type")
        if isinstance(name, str) and name in JSON_TYPES and said.keys().isdisjoint(_BESIDE):
            return _ALONE[name]
    found = _kinds(schema, schema if root is None else root, [MAX_SCHEMAS])
    if found is None:
        return frozenset()
    return frozenset(found - {"integer"} if "number" in found else found)


_BLANKS = " \t\r\n"
_OPENERS = ("[", "{", "(")
_STRING = frozenset({"string"})
_COMBINED = ("$ref", "allOf", "anyOf", "const", "enum", "oneOf", "type")
_BESIDE = frozenset(_COMBINED) - {"type"}
_ALONE = {name: frozenset({name}) for name in JSON_TYPES}


def _kinds(schema: Any, root: Any, room: list[int]) -> set[str] | None:
    """The types that a schema admits, with "integer" beside every "number"; None is all of them.

    `room` counts the schemas that may still be looked at, since references may be circular.
    """
    room[0] -= 1
    if not isinstance(schema, Mapping) or room[0] < 0:
        return None
    schema = cast("Mapping[str, Any]", schema)
    found: set[str] | None = None
    for keyword in _COMBINED:
        value = schema.get(keyword)
        if value is None and (keyword != "const" or "const" not in schema):
            continue
        part: set[str] | None = None
        if keyword == "type":
            names = cast("list[Any]", value) if isinstance(value, list) else [value]
            part = {name for name in names if isinstance(name, str) and name in JSON_TYPES} or None
        elif keyword == "const":
            part = {kind_of(value)}
        elif keyword == "enum" and isinstance(value, list) and value:
            part = {kind_of(v) for v in cast("list[Any]", value)}
        elif keyword == "$ref" and isinstance(value, str) and isinstance(root, Mapping):
            part = _kinds(resolve(cast("Mapping[str, Any]", root), value), root, room)
        elif keyword == "allOf" and isinstance(value, list):
            for inner in cast("list[Any]", value):
                part = _meet(part, _kinds(inner, root, room))
        elif keyword in ("anyOf", "oneOf") and isinstance(value, list):
            part = set()
            for inner in cast("list[Any]", value):
                branch = _kinds(inner, root, room)
                if branch is None:
                    part = None
                    break
                part |= branch
        if part is not None and "number" in part:
            part.add("integer")
        found = _meet(found, part)
    if found is None and not any(keyword in schema for keyword in _COMBINED):
        hints = {"object"} if "properties" in schema else {"array"} if "items" in schema else None
        return hints
    return found


def _meet(a: set[str] | None, b: set[str] | None) -> set[str] | None:
    return b if a is None else a if b is None else a & b


def kind_of(value: Any) -> str:
    """The JSON type of a decoded value; a number without a fraction is an integer."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "integer" if isinstance(value, int) or value.is_integer() else "number"
    return "string" if isinstance(value, str) else "object" if isinstance(value, Mapping) else "array"


def _admits(admitted: frozenset[str], kind: str, value: Any) -> bool:
    return kind in admitted or (kind == "integer" and "number" in admitted)


def _string(raw: str) -> Coerced:
    return Coerced(raw, json.dumps(raw, ensure_ascii=False))


def _listed(schema: Any) -> list[Any] | None:
    """The values that a schema enumerates itself."""
    values: Any = cast("Mapping[str, Any]", schema).get("enum") if isinstance(schema, Mapping) else None
    return cast("list[Any]", values) if isinstance(values, list) else None


def _contains(values: list[Any], value: Any) -> bool:
    return any(kind_of(v) == kind_of(value) and v == value for v in values)


def read_json(text: str) -> tuple[Any, str] | None:
    """The value of strict JSON text, and the text without second values for a key. None if it is not JSON, or
    beyond the bounds: `MAX_NESTING` levels, and those of `codecs.loads`."""
    if text.count("[") + text.count("{") > MAX_NESTING and _nesting(text) > MAX_NESTING:
        return None
    try:
        value, duplicates = loads_counting(text)
        return (value, dumps_encodable(value) if duplicates else text)
    except ValueError:
        return None


def _nesting(text: str) -> int:
    deepest = depth = 0
    for token in _BRACKETS.findall(text):
        if token in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token in "]}":
            depth -= 1
    return deepest


_BRACKETS = re.compile(r'[\[\]{}]|"[^"\\]*(?:\\.[^"\\]*)*"?', re.S)


def python_to_json(text: str) -> str | None:
    """A Python literal as JSON text: True, False, None and containers of them, strings and numbers.

    Only the tokens are translated (brackets, constants, quotes, a last comma); JSON's own reader then judges
    the grammar. None if a token has no JSON counterpart.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[:1] not in _OPENERS:
        return None
    out: list[str] = []
    open_: list[list[str | bool]] = []
    at = 0
    while at < len(text):
        m = _TOKEN.match(text, at)
        if m is None:
            return None
        at = m.end()
        token = m[0]
        kind = m.lastgroup
        if kind == "blank":
            continue
        if kind == "string":
            token = dumps_encodable(_ESCAPE.sub(_unescape, token[1:-1]))
        elif kind == "word":
            if token not in _CONSTANTS:
                return None
            token = _CONSTANTS[token]
        elif token in _OPENERS:
            open_.append([token, False])
            if len(open_) > MAX_NESTING:
                return None
            token = token.replace("(", "[")
        elif token in ("]", "}", ")"):
            if not open_ or (opener := open_.pop())[0] != _PAIRS[token]:
                return None
            if out[-1] == "," and out[-2] not in ("[", "{"):
                out.pop()
            elif token == ")" and out[-1] != "[" and not opener[1]:
                return None
            token = token.replace(")", "]")
        elif token == "," and open_:
            open_[-1][1] = True
        out.append(token)
    return " ".join(out)


_CONSTANTS = {"True": "true", "False": "false", "None": "null", "true": "true", "false": "false", "null": "null"}
_PAIRS = {"]": "[", "}": "{", ")": "("}
_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
    |   (?P<string>'[^'\\\n]*(?:\\.[^'\\\n]*)*' | "[^"\\\n]*(?:\\.[^"\\\n]*)*")
    |   (?P<word>[A-Za-z]+)
    |   (?P<number>-?[0-9][0-9.eE+-]*)
    |   (?P<mark>[\[\]{}(),:])""",
    re.X | re.S,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.S)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v", "0": "\0", "\n": ""}


def _unescape(m: re.Match[str]) -> str:
    hexadecimal = m[1] or m[2] or m[3]
    if hexadecimal is None:
        return m[4] if m[4] in "'\"\\" else _SIMPLE.get(m[4], m[0])
    code = int(hexadecimal, 16)
    return chr(code) if code < 0x110000 else m[0]
