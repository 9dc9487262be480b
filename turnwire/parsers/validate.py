"""Validate: the tools of one request, ready to check calls against.

A `Toolbox` is cheap to make (schemas are compiled on first use and cached by their JSON text, across toolboxes).
`check` never raises on what a model wrote, and its answer is deterministic and bounded: at most `MAX_ERRORS`
violations, each a line, in the order of the schema. A violation with `checked` False says what was not checked,
and does not make a call invalid.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any, cast

from ..errors import nearest
from ..schemas import cached_by_text, resolve, step
from ..tools import Tool
from ..turns import CallStatus, Violation
from . import linear, quick

MAX_DEPTH = 128
MAX_VALUES = 100_000
MAX_ERRORS = 20
MAX_MESSAGE = 300
MAX_INLINED = 200


class Toolbox:
    """Tools by name. `tools` None checks nothing; an empty tuple makes every name unknown."""

    def __init__(self, tools: tuple[Tool, ...] | None):
        self._tools = None if tools is None else {tool.name: tool for tool in tools}
        self._compiled: dict[str, _Compiled | None] = {}

    @property
    def names(self) -> tuple[str, ...] | None:
        """The names of the tools, None if none were given."""
        return None if self._tools is None else tuple(self._tools)

    def check(self, name: str, arguments: Mapping[str, Any]) -> tuple[CallStatus, tuple[Violation, ...]]:
        """Whether a call of `name` fits the tool: "complete", "invalid" or "unknown-tool", and what is wrong."""
        if self._tools is None:
            return "complete", ()
        if name not in self._tools:
            return "unknown-tool", (_unknown(name, list(self._tools)),)
        compiled = self._compile(name)
        if compiled is None:
            return "complete", ()
        violations = compiled.check(arguments)
        return "invalid" if any(v.checked for v in violations) else "complete", violations

    def schema(self, name: str, key: str) -> Any:
        """The schema that a tool declares for one argument, its references inlined; None if it declares none."""
        if self._tools is None or name not in self._tools:
            return None
        compiled = self._compile(name)
        return None if compiled is None else compiled.schema(key)

    def _compile(self, name: str) -> _Compiled | None:
        if name not in self._compiled and self._tools is not None:
            parameters = self._tools[name].parameters
            self._compiled[name] = None if parameters is None else _compile(json.dumps(parameters, ensure_ascii=False))
        return self._compiled[name]


def _unknown(name: str, names: list[str]) -> Violation:
    near = nearest(name, names) if len(name) <= 64 and len(names) <= 200 else None
    hint = f"; did you mean {near!r}?" if near else ""
    return Violation("$", _line(f"no tool is named {_brief(name)}{hint}"))


@cached_by_text
def _compile(text: str) -> _Compiled:
    return _Compiled(json.loads(text))


_UNKNOWN: Any = object()


class _Compiled:
    """A schema of arguments, with its validator made on the first check."""

    def __init__(self, root: dict[str, Any]):
        self._plain = root
        self._root: dict[str, Any] = bounded(root)
        self._validator: Any = None
        self._quick: Any = _UNKNOWN
        self._schemas: dict[str, Any] = {}

    def check(self, arguments: Mapping[str, Any]) -> tuple[Violation, ...]:
        if self._quick is _UNKNOWN:
            self._quick = quick.compile(self._plain)
        if self._quick is not None and self._quick(arguments):
            return ()
        from . import hardened

        if self._validator is None:
            self._validator = hardened.compile(self._root)
        found: list[Violation] = []
        try:
            instance = bounded(arguments)
            hardened.start_work()
            for i, error in enumerate(self._validator.iter_errors(instance)):
                if i == MAX_ERRORS:
                    found.append(Violation("$", f"more than {MAX_ERRORS} violations, the rest left out", False))
                    break
                path = _line(functools.reduce(step, error.absolute_path, "$"))
                violation = Violation(path, _line(error.message), hardened.is_checked(error))
                if violation not in found:
                    found.append(violation)
        except Refused as e:
            found.append(Violation(_line(functools.reduce(step, reversed(e.steps), "$")), e.problem, e.checked))
        except hardened.Exhausted:
            found.append(Violation("$", "unchecked: the rest, too much work", False))
        except RecursionError:
            found.append(Violation("$", "unchecked: the rest, nested too deep", False))
        except Exception as e:  # a reference to what is no schema, in ways that `normalize_tools` does not see
            found.append(Violation("$", _line(f"unchecked: the rest, {type(e).__name__}: {e}"), False))
        return tuple(found)

    def schema(self, key: str) -> Any:
        if key in self._schemas:
            return self._schemas[key]
        schema = inline(_property(self._root, key, self._root), self._root)
        if key in self._root.get("properties", ()):
            self._schemas[key] = schema
        return schema


# The schema of one argument.


def inner(schema: Any, step: str | None) -> Any:
    """What an inlined schema says of a member, or (None) of any item; None if nothing."""
    if not isinstance(schema, dict):
        return None
    if step is not None:
        return _property(schema, step, cast("dict[str, Any]", schema))
    return cast("dict[str, Any]", schema).get("items")


def _property(schema: Any, key: str, root: dict[str, Any], alternatives: bool = True) -> Any:
    """What `schema` says of the property `key`, None if nothing: by name, in a combined schema, by pattern, else."""
    for _ in range(16):
        if isinstance(schema, dict) and "$ref" in schema and "properties" not in schema:
            schema = resolve(root, str(cast("dict[str, Any]", schema)["$ref"]))
    if not isinstance(schema, dict):
        return None
    schema = cast("dict[str, Any]", schema)
    named: Any = schema.get("properties")
    if isinstance(named, dict) and key in named:
        return cast("dict[str, Any]", named)[key]
    for keyword in ("allOf", "anyOf", "oneOf") if alternatives else ():
        branches = [_property(s, key, root, False) for s in schema.get(keyword, ())]
        said = [b for b in branches if b is not None]
        if said:
            return said[0] if all(s == said[0] for s in said) else {keyword.replace("oneOf", "anyOf"): said}
    for pattern, inner in schema.get("patternProperties", {}).items():
        engine = linear.compile(pattern)
        if engine is not None and len(key) <= 1_000 and engine.search(key, _free):
            return inner
    rest = schema.get("additionalProperties")
    return cast("Any", rest) if isinstance(rest, dict) else None


def _free(steps: int) -> None:
    pass


def inline(schema: Any, root: dict[str, Any]) -> Any:
    """`schema` with the references that decide its type replaced by what they point at, so it stands alone.

    Past `MAX_INLINED` schemas (references may be circular) the rest admits anything.
    """
    room = MAX_INLINED

    def expand(schema: Any) -> Any:
        nonlocal room
        room -= 1
        if not isinstance(schema, dict):
            return schema
        if room < 0:
            return {}
        out = dict(cast("dict[str, Any]", schema))
        for keyword in ("allOf", "anyOf", "oneOf"):
            if isinstance(out.get(keyword), list):
                out[keyword] = [expand(s) for s in out[keyword]]
        ref = out.pop("$ref", None)
        if not isinstance(ref, str):
            return out
        target = expand(resolve(root, ref))
        return out | {"allOf": [*out.get("allOf", ()), target]} if out else target

    return expand(schema)


# Values whose repr is short, so that a message costs nothing to build.


class Refused(Exception):
    """A value that is not checked further: beyond the bounds (`checked` False), or not JSON at all."""

    def __init__(self, problem: str, checked: bool):
        super().__init__(problem)
        self.problem, self.checked = problem, checked
        self.steps: list[str | int] = []


def bounded(value: Any) -> Any:
    """A copy of a JSON value in which whatever has a long repr says it short. Raises `Refused`."""
    room = MAX_VALUES

    def copy(value: Any, depth: int) -> Any:
        nonlocal room
        room -= 1
        if room < 0:
            raise Refused(f"unchecked: more than {MAX_VALUES:,} values", False)
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str):
            return _Str(value) if len(value) > 60 else value
        if isinstance(value, int):
            return _Int(value) if value.bit_length() > 200 else value
        if isinstance(value, float):
            if value - value != 0:
                raise Refused(f"{value!r} is not a JSON number", True)
            return value
        if depth > MAX_DEPTH:
            raise Refused(f"unchecked: nested deeper than {MAX_DEPTH} levels", False)
        out: Any
        key: Any = None
        try:
            if isinstance(value, Mapping):
                out = _Dict()
                for key, inner in cast("Mapping[Any, Any]", value).items():
                    if not isinstance(key, str):
                        raise Refused("a key that is not a string", True)
                    out[_Str(key) if len(key) > 60 else key] = copy(inner, depth + 1)
                return out
            if isinstance(value, (list, tuple)):
                out = _List()
                for inner in cast("list[Any]", value):
                    key = len(out)
                    out.append(copy(inner, depth + 1))
                return out
        except Refused as e:
            if isinstance(key, (str, int)):
                e.steps.append(key)
            raise
        raise Refused(f"{type(value).__name__} is not a JSON value", True)

    return copy(value, 1)


class _Str(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return repr(str(self[:57])) + "..."


class _Int(int):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"<an integer of {self.bit_length()} bits>"

    __str__ = __repr__


class _Dict(dict[str, Any]):
    __slots__ = ()

    def __repr__(self) -> str:
        return _brief(self)


class _List(list[Any]):
    __slots__ = ()

    def __repr__(self) -> str:
        return _brief(self)


def _brief(value: Any, depth: int = 0) -> str:
    if isinstance(value, (dict, list)) and depth > 2:
        return "{...}" if isinstance(value, dict) else "[...]"
    if isinstance(value, dict):
        pairs = list(zip(cast("dict[str, Any]", value).items(), range(5), strict=False))
        shown = [f"{_brief(k)}: {_brief(v, depth + 1)}" for (k, v), i in pairs if i < 4]
        return "{" + ", ".join(shown + ["..."] * (len(pairs) > 4)) + "}"
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return "[" + ", ".join([_brief(v, depth + 1) for v in items[:6]] + ["..."] * (len(items) > 6)) + "]"
    if isinstance(value, str) and len(value) > 60:
        return repr(str(value[:57])) + "..."
    return repr(value)


def _line(text: str) -> str:
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 3] + "..."
