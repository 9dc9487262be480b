"""Schemas: what JSON Schema says about itself, without looking at any instance.

`find_flaw` says what is wrong with the schema of a tool's arguments, with the path: a pure function of its JSON text,
cached by it. `subschemas`, `resolve` and `validator_class` are the only places that know where schemas are inside a
schema, what a local reference points at, and which draft is declared. Nothing is fetched, no pattern is run.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from .errors import nearest
from .errors import step as step

MAX_DIGITS = 4_300
JSON_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
DRAFTS = {
    "json-schema.org/draft/2020-12/schema": "Draft202012Validator",
    "json-schema.org/draft/2019-09/schema": "Draft201909Validator",
    "json-schema.org/draft-07/schema": "Draft7Validator",
    "json-schema.org/draft-06/schema": "Draft6Validator",
    "json-schema.org/draft-04/schema": "Draft4Validator",
    "json-schema.org/schema": "Draft202012Validator",
}

Schema = Mapping[str, Any]
T = TypeVar("T")


class Flaw(NamedTuple):
    """What is wrong with a schema: `path` is relative to it."""

    path: str
    problem: str
    value: Any = None
    expected: str = ""
    near: str | None = None


def cached_by_text(function: Callable[[str], T]) -> Callable[[str], T]:
    """A bounded cache for a pure function of a JSON text. Few long texts are kept."""
    small, large = functools.lru_cache(512)(function), functools.lru_cache(8)(function)
    return lambda text: (small if len(text) <= 20_000 else large)(text)


@cached_by_text
def find_flaw(text: str) -> Flaw | None:
    """The first flaw of the parameters schema whose JSON text this is."""
    root = json.loads(text)
    if not isinstance(root, dict):
        return Flaw("", f"{_short(root)} is not a schema of arguments", root, "a JSON Schema object")
    schema = cast("dict[str, Any]", root)
    declared = schema.get("type", "object")
    if declared != "object" and declared in JSON_TYPES:
        return Flaw(".type", f"{declared!r} cannot hold named arguments", declared, "'object'")
    if isinstance(declared, list) and "object" not in declared:
        return Flaw(".type", f"{declared!r} cannot hold named arguments", declared, "'object'")
    if validator_class(schema) is None:
        uri = schema["$schema"]
        return Flaw(".$schema", f"unknown draft {uri!r}", uri, "one of " + ", ".join(DRAFTS), nearest(uri, DRAFTS))
    return _flaw_of_types(schema) or _flaw_of_references(schema) or _flaw_by_metaschema(schema)


def _flaw_of_types(root: dict[str, Any]) -> Flaw | None:
    for schema, path, _ in subschemas(root):
        declared: Any = schema.get("type")
        for name in cast("list[Any]", declared) if isinstance(declared, list) else [declared]:
            if name is not None and name not in JSON_TYPES:
                expected = "one of " + ", ".join(JSON_TYPES)
                return Flaw(f"{path}.type", f"{_short(name)} is not a type", name, expected, nearest(name, JSON_TYPES))
    return None


def _flaw_of_references(root: dict[str, Any]) -> Flaw | None:
    found = list(subschemas(root))
    home = found[0][2]
    resources = {base for _, _, base in found}
    for schema, path, base in found:
        for keyword in ("$ref", "$dynamicRef", "$recursiveRef"):
            ref = schema.get(keyword)
            if not isinstance(ref, str):
                continue
            where = f"{path}.{keyword}"
            target = _join(base, ref).partition("#")[0]
            if target not in resources and _draft_key(ref) not in DRAFTS:
                expected = "a reference into the schema itself, such as '#/$defs/name'"
                return Flaw(where, f"remote references are not fetched: {_short(ref)}", ref, expected)
            if not ref.startswith("#") or target != home:
                continue
            at = resolve(root, ref)
            if at is None:
                names = [f"#/{kind}/{name}" for kind in ("$defs", "definitions") for name in _names(root.get(kind))]
                return Flaw(where, f"{_short(ref)} points at nothing", ref, "a part of the schema", nearest(ref, names))
            if not isinstance(at, (dict, bool)):
                return Flaw(where, f"{_short(ref)} points at {_short(at)}", ref, "a reference to a schema")
    return None


def _names(value: Any) -> list[str]:
    return list(cast("dict[str, Any]", value)) if isinstance(value, dict) else []


def _flaw_by_metaschema(schema: dict[str, Any]) -> Flaw | None:
    from jsonschema.exceptions import best_match  # pyright: ignore[reportUnknownVariableType]

    cls = validator_class(schema)
    try:
        error = cast("Any", best_match(_metavalidator(cls.__name__).iter_errors(schema)))
    except RecursionError:
        return Flaw("", "the schema nests too deep for the stack that is left", None, "fewer levels")
    if error is None:
        return None
    path = functools.reduce(step, error.absolute_path, "")
    return Flaw(path, _short(error.message, 300), error.instance, f"a schema valid for {cls.__name__[:-9]}")


@functools.lru_cache(maxsize=8)
def _metavalidator(name: str) -> Any:
    import jsonschema
    from referencing import Registry

    cls, registry = getattr(jsonschema, name), Registry[Any]()
    return cls(cls.META_SCHEMA, registry=registry)


def validator_class(schema: Schema) -> Any:
    """The jsonschema class of the draft that `$schema` declares (2020-12 if it declares none), None if unknown."""
    import jsonschema

    declared = schema.get("$schema")
    if declared is None:
        return jsonschema.Draft202012Validator
    name = DRAFTS.get(_draft_key(declared)) if isinstance(declared, str) else None
    return getattr(jsonschema, name) if name else None


def _draft_key(uri: str) -> str:
    return uri.partition("://")[2].rstrip("#").rstrip("/")


def _join(base: str, ref: str) -> str:
    from urllib.parse import urljoin

    try:
        return urljoin(base, ref)
    except ValueError:
        return ref


_ONE = ("additionalItems", "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not",
        "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties")  # fmt: skip
_LIST = ("allOf", "anyOf", "items", "oneOf", "prefixItems")
_MAP = ("$defs", "definitions", "dependencies", "dependentSchemas", "patternProperties", "properties")


def subschemas(root: Schema) -> Iterator[tuple[dict[str, Any], str, str]]:
    """Every schema in `root`, itself first: the schema, its path, its base URI. Names of properties and values
    of `enum`, `const`, `default` or `examples` are data, never keywords."""
    todo: list[tuple[Any, str, str]] = [(root, "", "")]
    while todo:
        schema, path, base = todo.pop()
        if not isinstance(schema, dict):
            continue
        schema = cast("dict[str, Any]", schema)
        own = schema.get("$id")
        if isinstance(own, str):
            base = _join(base, own).partition("#")[0]
        yield schema, path, base
        inner: list[tuple[Any, str, str]] = []
        for keyword, value in schema.items():
            where = f"{path}.{keyword}"
            if isinstance(value, dict) and keyword in _MAP:
                inner += [(v, step(where, k), base) for k, v in cast("dict[str, Any]", value).items()]
            elif isinstance(value, list) and keyword in _LIST:
                inner += [(v, step(where, i), base) for i, v in enumerate(cast("list[Any]", value))]
            elif keyword in _ONE:
                inner.append((cast("Any", value), where, base))
        todo += reversed(inner)


def resolve(root: Schema, ref: str) -> Any:
    """What a local reference (`#`, `#/$defs/a`, `#anchor`) points at; None if nothing, or if it is not local."""
    if not ref.startswith("#"):
        return None
    fragment = ref[1:]
    if "%" in fragment:
        from urllib.parse import unquote

        fragment = unquote(fragment)
    if fragment and not fragment.startswith("/"):
        for schema, _, _ in subschemas(root):
            if fragment in (schema.get("$anchor"), schema.get("$dynamicAnchor")) or schema.get("$id") == ref:
                return schema
        return None
    here: Any = root
    for part in fragment.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(here, Mapping):
            here = cast("Schema", here).get(key)
        elif isinstance(here, list) and key.isascii() and key.isdigit() and len(key) < 6:
            items = cast("list[Any]", here)
            here = items[int(key)] if int(key) < len(items) else None
        else:
            return None
    return here


def _short(value: Any, most: int = 80) -> str:
    text = value if isinstance(value, str) and most > 80 else repr(value)
    return text if len(text) <= most else text[: most - 3] + "..."
