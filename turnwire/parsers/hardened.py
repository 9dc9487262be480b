"""Hardened: jsonschema with every keyword bounded, for schemas and instances that nobody vouches for.

`compile` gives a validator whose errors are lazy and whose work is counted: past `MAX_WORK` it raises `Exhausted`.
No reference is fetched, no pattern runs on `re`. A keyword that cannot be checked yields an error for which
`is_checked` is False, and verdicts are three-valued: `anyOf`, `oneOf`, `not`, `if` and `contains` do not turn
"cannot tell" into a yes or a no. Imports jsonschema, so import this on first use.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple, cast

from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]
from referencing import Registry

from ..errors import nearest
from ..schemas import validator_class
from . import linear

__all__ = ["MAX_WORK", "Exhausted", "compile", "is_checked", "start_work"]

MAX_WORK = 1_000_000

_NO_REGISTRY = Registry[Any]()
Errors = Iterator[ValidationError]
Keyword = Callable[[Any, Any, Any, Any], "Iterable[ValidationError] | None"]


class Exhausted(Exception):
    """The work of one check is used up."""


class _Work(threading.local):
    left = 0


_work = _Work()


def start_work() -> None:
    """Begin a check: `MAX_WORK` steps for this thread."""
    _work.left = MAX_WORK


def spend(steps: int) -> None:
    """Count work. Raises `Exhausted`."""
    _work.left -= steps
    if _work.left < 0:
        raise Exhausted


def compile(schema: Any) -> Any:
    """The validator of a schema that `normalize_tools` has accepted."""
    return _validator(validator_class(schema), _has_patterns(schema))(schema, registry=_NO_REGISTRY)


def _has_patterns(value: Any) -> bool:
    """Whether `patternProperties`, or a `pattern` that cannot be run, is anywhere (a reference may lead anywhere)."""
    if isinstance(value, list):
        return any(map(_has_patterns, cast("list[Any]", value)))
    if not isinstance(value, dict):
        return False
    schema = cast("dict[str, Any]", value)
    pattern = schema.get("pattern")
    opaque = isinstance(pattern, str) and linear.compile(pattern) is None
    return opaque or "patternProperties" in schema or any(map(_has_patterns, schema.values()))


@functools.lru_cache(maxsize=16)
def _validator(base: Any, patterns: bool) -> Any:
    """The class for a draft. With `patterns`, what jsonschema itself would match by `re` is not checked."""
    keywords: dict[str, Keyword] = dict(base.VALIDATORS)
    ours: dict[str, Keyword] = _KEYWORDS | ({} if "unevaluatedItems" in keywords else {"contains": _contains_any})
    keywords |= {k: v for k, v in ours.items() if k in keywords}
    if patterns:
        keywords |= {k: _unevaluated for k in keywords if k.startswith("unevaluated")}
    cls = cast("Any", extend(base, {k: _counted(k, v) for k, v in keywords.items()}))
    cls.evolve = _evolve
    return cls


def _evolve(self: Any, **changes: Any) -> Any:
    """jsonschema's own `evolve` leaves for an unhardened class where a subschema declares a `$schema`."""
    changes.setdefault("_resolver", self._resolver)
    return type(self)(registry=_NO_REGISTRY, **changes)


def _counted(name: str, keyword: Keyword) -> Keyword:
    base = 20 if name.endswith(("Ref", "$ref")) else 1

    def counted(validator: Any, value: Any, instance: Any, schema: Any) -> Iterable[ValidationError] | None:
        steps = base
        if isinstance(value, (list, dict)):
            steps += _weight(value) if name in ("const", "enum") else len(cast("list[Any]", value))
        if isinstance(instance, (list, dict)):
            steps += len(cast("list[Any]", instance))
        spend(steps)
        return keyword(validator, value, instance, schema)

    return counted


def _weight(value: Any) -> int:
    if isinstance(value, dict):
        value = list(cast("dict[str, Any]", value).values())
    return 1 + sum(map(_weight, cast("list[Any]", value))) if isinstance(value, list) else 1


# Verdicts. An error that says "not checked" is marked by its `validator`.


def _unchecked(message: str) -> ValidationError:
    return ValidationError(message, validator="unchecked")


def is_checked(error: Any) -> bool:
    """Whether an error is a breach; False where it says that something was not checked."""
    return error.validator != "unchecked"


class _Verdict(NamedTuple):
    """`holds` is None where it cannot be told; `why` is the first breach, or the doubts."""

    holds: bool | None
    why: list[ValidationError]


def _judge(errors: Iterable[ValidationError]) -> _Verdict:
    doubts: list[ValidationError] = []
    for error in errors:
        if is_checked(error):
            return _Verdict(False, [error])
        spend(20)
        doubts.append(error)
    return _Verdict(None if doubts else True, doubts)


def _any_of(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    doubts: list[ValidationError] = []
    breaches: list[ValidationError] = []
    for i, branch in enumerate(value):
        holds, why = _judge(validator.descend(instance, branch, schema_path=i))
        if holds:
            return
        (doubts if holds is None else breaches).extend(why)
    yield from doubts or [_none_holds(instance, breaches)]


def _one_of(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    doubts: list[ValidationError] = []
    breaches: list[ValidationError] = []
    holding: list[int] = []
    for i, branch in enumerate(value):
        holds, why = _judge(validator.descend(instance, branch, schema_path=i))
        if not holds:
            (doubts if holds is None else breaches).extend(why)
            continue
        holding.append(i)
        if len(holding) == 2:
            yield ValidationError(f"{instance!r} is valid under two of the given schemas, {holding[0]} and {i}")
            return
    if doubts:
        yield from doubts
    elif not holding:
        yield _none_holds(instance, breaches)


def _none_holds(instance: Any, breaches: list[ValidationError]) -> ValidationError:
    """The error where no branch holds: the one branch's that is of the right type, if there is one."""
    inside = [e for e in breaches if e.validator != "type" or e.path]
    if len(inside) == 1:
        return inside[0]
    reasons = "; ".join(dict.fromkeys(e.message for e in breaches[:4]))
    return ValidationError(f"{instance!r} is not valid under any of the given schemas: {reasons}")


def _not(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    holds, why = _judge(validator.descend(instance, value))
    if holds:
        yield ValidationError(f"{instance!r} should not be valid under {value!r}")
    elif holds is None:
        yield from why


def _if(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    holds, why = _judge(validator.descend(instance, value))
    branch = "then" if holds else "else"
    if holds is None:
        yield from why
    elif branch in schema:
        yield from validator.descend(instance, schema[branch], schema_path=branch)


def _contains(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    if isinstance(instance, list):
        yield from _count(validator, value, instance, schema.get("minContains", 1), schema.get("maxContains"))


def _contains_any(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    if isinstance(instance, list):
        yield from _count(validator, value, instance, 1, None)


def _count(validator: Any, value: Any, instance: Any, least: int, most: int | None) -> Errors:
    sure = unsure = 0
    doubts: list[ValidationError] = []
    for item in instance:
        holds, why = _judge(validator.descend(item, value))
        sure += holds is True
        unsure += holds is None
        doubts += why if holds is None else ()
    if most is not None and sure > most:
        yield ValidationError(f"{instance!r} contains too many matching items ({sure}, at most {most})")
    elif sure + unsure < least:
        yield ValidationError(f"{instance!r} contains too few matching items ({sure}, at least {least})")
    elif sure < least or (most is not None and sure + unsure > most):
        yield from doubts


# Keywords that would run a pattern.


def _pattern(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    if not isinstance(instance, str):
        return
    engine = linear.compile(value)
    if engine is None:
        yield _unchecked(f"unchecked: pattern {value!r}")
    elif not engine.search(instance, spend):
        yield ValidationError(f"{instance!r} does not match {value!r}")


def _pattern_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    if not isinstance(instance, dict):
        return
    for pattern, inner in value.items():
        engine = linear.compile(pattern)
        if engine is None:
            if instance:
                yield _unchecked(f"unchecked: patternProperties {pattern!r}")
            continue
        for key, item in cast("dict[str, Any]", instance).items():
            if engine.search(key, spend):
                yield from validator.descend(item, inner, path=key, schema_path=pattern)


def _additional_properties(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    if not isinstance(instance, dict) or value is True:
        return
    known = schema.get("properties", ())
    engines = [linear.compile(p) for p in schema.get("patternProperties", ())]
    extras: list[str] = []
    for key in cast("dict[str, Any]", instance):
        if key not in known and not any(e is not None and e.search(key, spend) for e in engines):
            extras.append(key)
    if extras and None in engines:
        yield _unchecked("unchecked: additionalProperties, beside patternProperties that cannot be run")
    elif value is not False:
        for key in extras:
            yield from validator.descend(instance[key], value, path=key)
    elif extras:
        names = ", ".join(map(repr, extras[:5])) + (", ..." if len(extras) > 5 else "")
        near = nearest(extras[0], known) if len(extras[0]) <= 60 and len(known) <= 200 else None
        hint = f"; did you mean {near!r}?" if near else ""
        verb = "was" if len(extras) == 1 else "were"
        yield ValidationError(f"Additional properties are not allowed ({names} {verb} unexpected){hint}")


def _unevaluated(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    if isinstance(instance, (list, dict)) and value is not True:
        yield _unchecked("unchecked: unevaluated items or properties, in a schema with patterns")


# Keywords that would cost too much, or fail, on hostile values.


def _unique_items(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    if value and isinstance(instance, list):
        items = cast("list[Any]", instance)
        if len({_identity(item) for item in items}) < len(items):
            yield ValidationError(f"{instance!r} has non-unique elements")


def _identity(value: Any) -> Any:
    """Something hashable that is equal for equal JSON values: 1 is 1.0 and not true."""
    spend(1)
    if isinstance(value, dict):
        return frozenset((k, _identity(v)) for k, v in cast("dict[str, Any]", value).items())
    if isinstance(value, list):
        return (list, *map(_identity, cast("list[Any]", value)))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int, hex(value)  # hashes of integers can be made to collide, those of strings cannot
    return value


def _multiple_of(validator: Any, value: Any, instance: Any, schema: Any) -> Errors:
    if isinstance(instance, bool) or not isinstance(instance, (int, float)):
        return
    try:
        fails = instance % value != 0 if isinstance(value, int) else int(instance / value) != instance / value
    except OverflowError:
        fails = (Fraction(instance) / Fraction(value)).denominator != 1
    if fails:
        yield ValidationError(f"{instance!r} is not a multiple of {value!r}")


_KEYWORDS: dict[str, Keyword] = {
    "additionalProperties": _additional_properties,
    "anyOf": _any_of,
    "contains": _contains,
    "if": _if,
    "multipleOf": _multiple_of,
    "not": _not,
    "oneOf": _one_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "uniqueItems": _unique_items,
}
