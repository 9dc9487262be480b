"""Quick: jsonschema-rs, where it is installed, for the one answer that most calls get: valid.

`compile` gives a function that says True for an instance that is surely valid, and False for "look closer": whatever
else there is to say, `hardened` says. It takes only schemas whose work is bounded by their size (no references, no
patterns, nothing unevaluated) and whose keywords mean the same to both, and only instances whose numbers do.
`MAX_WORK` is that of `hardened`: schema and instance together must stay far below it.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import Any, cast

from ..schemas import Schema, subschemas, validator_class

MAX_STEPS = 50_000  # schemas in the schema * values in the instance
MAX_DEPTH = 64  # of an instance
EXACT = 2**53

SAME = frozenset(
    "$schema $comment title description default examples deprecated readOnly writeOnly type properties required items "
    "prefixItems additionalProperties enum const minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength "
    "minItems maxItems minProperties maxProperties allOf anyOf oneOf not".split()
)
"""The keywords that both understand alike."""
DRAFTS = {"Draft202012Validator", "Draft201909Validator", "Draft7Validator", "Draft6Validator"}

Check = Callable[[Any], bool]


@functools.lru_cache(maxsize=1)
def _module() -> Any:
    try:
        return importlib.import_module("jsonschema_rs")
    except ImportError:
        return None


def compile(schema: Schema) -> Check | None:
    """See the head of this file; None where `hardened` has to look at everything."""
    rs = _module()
    cls = validator_class(schema)
    if rs is None or cls is None or cls.__name__ not in DRAFTS:
        return None
    size = 0
    for inner, path, _ in subschemas(schema):
        size += 1
        if not SAME.issuperset(inner) or (path and "$schema" in inner) or not _exact(inner):
            return None
        if isinstance(inner.get("items"), list):  # of older drafts
            return None
    try:
        valid: Check = getattr(rs, cls.__name__)(dict(schema), validate_formats=False).is_valid
    except Exception:  # whatever it does not take
        return None

    def check(instance: Any) -> bool:
        try:
            return _count(instance, MAX_STEPS // size) > 0 and valid(instance)
        except Exception:  # lone surrogates, too
            return False

    return check


def _exact(schema: Mapping[str, Any]) -> bool:
    """Whether what a schema compares with means the same to both."""
    said = [v for k, v in schema.items() if k in ("enum", "const") or k.startswith(("min", "max", "exclusive"))]
    return _count(said, 1_000) > 0


def _count(value: Any, room: int, depth: int = MAX_DEPTH) -> int:
    """What is left of `room` behind the values in a value; below one for what is not plain JSON, is nested deeper than
    `depth`, or has numbers that a float does not hold."""
    room -= 1
    kind = cast("type[Any]", type(value))
    if kind is str:
        if not value.isascii():
            value.encode()
        return room
    if value is None or kind is bool:
        return room
    if kind is int or kind is float:
        return room if -EXACT < value < EXACT else 0
    if depth == 0:
        return 0
    if kind is dict:
        for key, inner in value.items():
            if room < 1 or type(key) is not str or not (key.isascii() or key.encode()):
                return 0
            room = _count(inner, room, depth - 1)
        return room
    if kind is list:
        for inner in value:
            if room < 1:
                return 0
            room = _count(inner, room, depth - 1)
        return room
    return 0
