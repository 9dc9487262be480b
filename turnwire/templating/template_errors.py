"""What went wrong in a template, where, and while it rendered what.

`failed(error, ...)` makes of an exception that a template raised a `TemplateError`: the line, an excerpt of the source
around it, and the path of the message (or call, content part, tool) that it was at. The path is found in the local
variables of the frames of the compiled template, innermost first: one of them is that very message. It is left out
where it is not certain. Of an undefined variable it says which one is meant, if its name is close to one that is there,
and which other variables the template reads were not given either.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, cast

import jinja2
from jinja2 import meta, nodes
from jinja2.parser import Parser
from jinja2.runtime import LoopContext, Undefined
from jinja2.utils import missing

from ..errors import TemplateBudgetError, TemplateError, nearest, step
from .budget import Budget, Limits, current

AROUND = 2  # lines of an excerpt before and after the one that failed
WIDTH = 160  # characters of each
SEEN = 200_000  # values that are looked through for the one that was rendered
LOCAL = re.compile(r"l_(\d+)_(.+)")  # a template's variable in its compiled code, and how deep its scope is
ROOTS = ("messages", "tools", "documents")


class Place(NamedTuple):
    """A line that was running, and its variables by the depth of their scope."""

    line: int
    variables: Mapping[str, Any]


def places(trace: TracebackType | None) -> list[Place]:
    """Where a template was, the innermost place last."""
    found: list[Place] = []
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            found.append(Place(template.get_corresponding_lineno(trace.tb_lineno), trace.tb_frame.f_locals))
        trace = trace.tb_next
    return found


def failed(
    error: Exception, environment: jinja2.Environment, source: str, variables: Mapping[str, Any]
) -> TemplateError:
    """The error to raise for what a template raised; a `TemplateError` is told where it was, and returned."""
    running = places(error.__traceback__)
    line = running[-1].line if running else None
    unknown = _undefined(error)
    if isinstance(error, TemplateError):
        out, needle = error, ""
    elif isinstance(error, MemoryError):
        out, needle = TemplateBudgetError("the template uses more memory than there is", expected="less"), ""
    elif isinstance(error, RecursionError):
        out, needle = _error("it calls itself too often", "failed", "a template that ends"), ""
    elif unknown is not None:
        out, needle = _of_undefined(error, unknown, environment, source, variables, running), unknown[0]
    elif type(error) is jinja2.TemplateError:  # `raise_exception`
        message = _shown(error)
        out, needle = _error(f"the template refuses: {message}", "refused", ""), message[:24]
    else:
        problem = f"{type(error).__name__}: {_shown(error)}"
        out, needle = _error(problem, "failed", "values that the template can work with"), ""
    out.line, out.excerpt = line, excerpt(source, line, needle)
    out.value = source.split("\n")[line - 1].strip()[:200] if line and out.value is None else out.value
    if not out.path or out.path == "template":
        out.path = rendered(environment, source, variables, running, None if unknown is None else unknown[1])
    return out


def _shown(value: object) -> str:
    """`str(value)`, of one that a template may have nested too deep for that."""
    try:
        return str(value)
    except RecursionError:
        return "what is nested too deep to be shown"


def malformed(error: jinja2.TemplateSyntaxError, source: str) -> TemplateError:
    """The error to raise for a template that is none."""
    out = _error(f"not a Jinja template: {error.message}", "syntax", "a Jinja template")
    out.line = error.lineno
    return placed(out, source)


def placed(error: TemplateError, source: str) -> TemplateError:
    """The error, with the excerpt of its line."""
    error.excerpt = excerpt(source, error.line)
    return error


def _error(problem: str, kind: str, expected: str, near: str | None = None) -> TemplateError:
    return TemplateError(problem, kind=kind, expected=expected, near=near)


# the source


def excerpt(source: str, line: int | None, needle: str = "") -> str:
    """The line and its neighbours, numbered, the line marked; of a long one what is around `needle`."""
    if line is None:
        return ""
    lines = source.split("\n")
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    shown: list[str] = []
    for number in range(first, last + 1):
        text = lines[number - 1]
        at = max(0, text.find(needle) - WIDTH // 2) if number == line and needle and len(text) > WIDTH else 0
        cut = ("..." if at else "") + text[at : at + WIDTH] + ("..." if at + WIDTH < len(text) else "")
        cut = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut.expandtabs(4).rstrip())
        shown.append(f"{'>' if number == line else ' '} {number:>{len(str(last))}} | {cut}".rstrip())
    return "\n".join(shown)


@functools.lru_cache(8)
def _tree(environment: jinja2.Environment, source: str) -> nodes.Template:
    token = current.set(Budget(Limits()))
    try:
        return Parser(environment, source).parse()
    finally:
        current.reset(token)


def _targets(environment: jinja2.Environment, source: str, line: int) -> list[str]:
    """The variables of the loops around a line, the innermost first."""
    loops: list[tuple[int, list[str]]] = []
    for loop in _tree(environment, source).find_all(nodes.For):
        end = max((n.lineno or 0 for n in loop.find_all(nodes.Node)), default=loop.lineno)
        if loop.lineno <= line <= end:
            names = [n.name for n in nodes.Tuple([loop.target], "store").find_all(nodes.Name)]
            loops.append((end - loop.lineno, names))
    return [name for _, names in sorted(loops, key=lambda pair: pair[0]) for name in names]


# undefined


def _undefined(error: Exception) -> tuple[str, Any] | None:
    """The name that an `UndefinedError` is about, and what it was looked for in (`missing` for a variable)."""
    if not isinstance(error, jinja2.UndefinedError):
        return None
    trace, found = error.__traceback__, None
    while trace is not None:
        mine = trace.tb_frame.f_locals.get("self")
        if isinstance(mine, Undefined):
            found = mine
        trace = trace.tb_next
    if found is None:
        return None
    return _shown(found._undefined_name), found._undefined_obj  # pyright: ignore[reportPrivateUsage]


def _of_undefined(
    error: Exception,
    unknown: tuple[str, Any],
    environment: jinja2.Environment,
    source: str,
    variables: Mapping[str, Any],
    running: list[Place],
) -> TemplateError:
    name, holder = unknown
    if holder is not missing:
        keys = list(map(_shown, cast("Mapping[Any, Any]", holder))) if isinstance(holder, Mapping) else []
        there = f" beside {', '.join(keys[:8])}" if keys else ""
        return _error(_shown(error), "undefined", f"a value for {name!r}{there}", nearest(name, keys))
    here = {match[2] for place in running for key in place.variables if (match := LOCAL.fullmatch(key))}
    given = {*variables, *environment.globals}
    out = _error(_shown(error), "undefined", f"a value for {name!r}", nearest(name, sorted({*given, *here} - {name})))
    out.needs = functools.partial(_not_given, environment, source, frozenset(given))
    return out


@functools.lru_cache(8)
def _not_given(environment: jinja2.Environment, source: str, given: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(meta.find_undeclared_variables(_tree(environment, source)) - given))


# what was rendered


def rendered(
    environment: jinja2.Environment,
    source: str,
    variables: Mapping[str, Any],
    running: list[Place],
    holder: Any = None,
) -> str:
    """The path of what the template was at: of `holder` if that is in the messages, else of a local variable. "" if
    there is none, or no telling which."""
    scopes = [_scopes(place) for place in reversed(running)]
    values = [holder, *(value for levels in scopes for level in levels for value in level.values())]
    paths = _paths(variables, values)
    if len(paths.get(id(holder), ())) == 1:
        return _spelled(paths[id(holder)][0])
    for place, levels in zip(reversed(running), scopes):
        for level in levels:
            found = {name: paths[id(value)] for name, value in level.items() if id(value) in paths}
            if found:
                return _chosen(found, level, _targets(environment, source, place.line) if len(found) > 1 else [])
    return _numbered(environment, source, variables, running[-1], holder) if running else ""


def _numbered(
    environment: jinja2.Environment, source: str, variables: Mapping[str, Any], place: Place, holder: Any
) -> str:
    """The path of a `messages[i]` in the line, in which `holder` is, if there is only one."""
    found: set[Path] = set()
    for node in _tree(environment, source).find_all(nodes.Getitem):
        if node.lineno == place.line and isinstance(node.node, nodes.Name) and node.node.name in ROOTS:
            root, index = node.node.name, _value(node.arg, place)
            items = cast("list[Any]", variables.get(root))
            if _value(node.node, place) is items and isinstance(items, list) and type(index) is int:  # pyright: ignore[reportUnnecessaryIsInstance]
                index += len(items) if index < 0 else 0
                message = items[index] if 0 <= index < len(items) else None
                if isinstance(message, dict) and any(v is holder for v in cast("dict[Any, Any]", message).values()):
                    found.add((root, index))
    return _spelled(found.pop()) if len(found) == 1 else ""


def _value(node: nodes.Node, place: Place) -> Any:
    """Of a variable, a number, the number of a loop, or a sum of such; None of others."""
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.Name):
        names = [m for key in place.variables if (m := LOCAL.fullmatch(key)) and m[2] == node.name]
        return place.variables[max(names, key=lambda m: int(m[1]))[0]] if names else None
    if isinstance(node, nodes.Getattr) and node.attr in ("index", "index0"):
        loop = _value(node.node, place)
        return getattr(loop, node.attr) if isinstance(loop, LoopContext) else None
    if isinstance(node, nodes.Neg):
        value = _value(node.node, place)
        return -value if type(value) is int else None
    if isinstance(node, (nodes.Add, nodes.Sub)):
        left, right = _value(node.left, place), _value(node.right, place)
        if type(left) is int and type(right) is int:
            return left + right if isinstance(node, nodes.Add) else left - right
    return None


def _scopes(place: Place) -> list[dict[str, Any]]:
    """The variables of a frame by scope, the innermost first. Not those of the template as a whole: what is kept there
    may have been rendered long ago."""
    levels: dict[int, dict[str, Any]] = {}
    for key, value in place.variables.items():
        match = LOCAL.fullmatch(key)
        if match and match[1] != "0" and isinstance(value, (dict, list, LoopContext)):
            levels.setdefault(int(match[1]), {})[match[2]] = value
    return [levels[n] for n in sorted(levels, reverse=True)]


Path = tuple[object, ...]


def _chosen(found: Mapping[str, list[Path]], level: Mapping[str, Any], targets: Iterable[str]) -> str:
    """Of several variables of a scope the one that its loop is at, else all that can be said of them together."""
    loop = level.get("loop")
    if isinstance(loop, LoopContext):
        item = loop._current  # pyright: ignore[reportPrivateUsage]
        for name, paths in found.items():
            if level[name] is item:
                return _spelled(paths[0]) if len(paths) == 1 else ""
    target = next((t for t in targets if t in found), None)
    candidates = [paths for name, paths in found.items() if target in (None, name)]
    if any(len(paths) != 1 for paths in candidates):
        return ""
    longest = max((paths[0] for paths in candidates), key=len)
    same = all(longest[: len(paths[0])] == paths[0] for paths in candidates)
    return _spelled(longest) if same else ""


def _paths(variables: Mapping[str, Any], values: Iterable[Any]) -> dict[int, list[Path]]:
    """Where in the conversation these very objects are."""
    wanted = {id(value) for value in values}
    found: dict[int, list[Path]] = {}
    todo: list[tuple[Any, Path]] = [(variables.get(root), (root,)) for root in reversed(ROOTS)]
    seen = 0
    while todo and seen < SEEN:
        value, path = todo.pop()
        seen += 1
        if id(value) in wanted and len(path) > 1:  # dicts and lists only: other values may be shared
            found.setdefault(id(value), []).append(path)
        todo.extend(_inside(value, path))
    return found


def _inside(value: Any, path: Path) -> Iterator[tuple[Any, Path]]:
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
    elif isinstance(value, list):
        items = enumerate(cast("list[Any]", value))
    for key, inner in items:
        if isinstance(inner, (dict, list)):
            yield inner, (*path, key if isinstance(key, int) else str(key))


def _spelled(path: Path) -> str:
    out = ""
    for key in path:
        out = step(out, cast("str | int", key)) if out else str(key)
    return out
