"""The filters that make strings, keeping origins. Others are jinja's own: what they make of parts of a `Text` by its
methods keeps its origins, and of the rest nothing is known."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from jinja2 import filters, pass_eval_context

from . import budget
from .traced_format import known, percent
from .traced_markup import escaped, marked
from .traced_text import Source, Text, blurred, joined, placed, spread
from .traced_values import doubt
from .traced_written import shown, tojson


@pass_eval_context
def join(context: Any, value: Any, d: Any = "", attribute: Any = None) -> str:
    """`x|join(d)`."""
    if context.autoescape:
        return filters.sync_do_join(context, value, d, attribute)
    if attribute is not None:
        value = map(filters.make_attrgetter(context.environment, attribute), value)
    return known(shown(d)).join([shown(item) for item in value])


def indent(s: Any, width: Any = 4, first: bool = False, blank: bool = False) -> str:
    """`x|indent`: line ends are those of the text, blanks are the template's."""
    out = filters.do_indent(s, width, first, blank)
    if type(s) is not Text or hasattr(out, "__html__"):
        return out
    budget.current.get().charge(3 * budget.PIECE * s.count("\n"))
    step: str = width if isinstance(width, str) else placed(" " * width, Source("template"))
    parts: list[str] = [step] if first else []
    lines: list[tuple[str, str]] = [
        (line, whole[len(line) :]) for line, whole in zip(s.splitlines(), s.splitlines(keepends=True))
    ]
    if not lines or lines[-1][1]:
        lines.append((s[:0], s[:0]))
    for i, (line, end) in enumerate(lines):
        if i and (line or blank):
            parts.append(step)
        parts.append(line)
        if i + 1 < len(lines):
            parts.append(end if end == "\n" else spread("\n", end))
    return joined(out, parts) if "".join(parts) == out else out


def string(value: Any) -> Any:
    """`x|string`."""
    return value if isinstance(value, str) else shown(value)


def _of_text(f: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that works on `str(value)`."""

    skip = hasattr(f, "jinja_pass_arg")

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        return f(*args[:skip], string(args[skip]), *args[skip + 1 :], **kwargs)

    return run


def title(value: Any) -> str:
    """`x|title`."""
    text = shown(value)
    return blurred(filters.do_title(text), text)


def format(value: Any, *args: Any, **kwargs: Any) -> str:
    """`x|format(...)`."""
    if (args and kwargs) or hasattr(value, "__html__"):
        return filters.do_format(value, *args, **kwargs)
    return percent(shown(value), kwargs or args)


def forceescape(value: Any) -> Any:
    """`x|forceescape`."""
    return escaped(str(value.__html__()) if hasattr(value, "__html__") else shown(value))


def safe(value: Any) -> Any:
    """`x|safe`."""
    return marked(value if hasattr(value, "__html__") else shown(value))


def _doubtful(name: str) -> Callable[..., Any]:
    """A filter that may tell a `Text` from a `str`, or gives something else each time."""
    f: Any = filters.FILTERS[name]

    @functools.wraps(f)
    def run(*args: Any, **kwargs: Any) -> Any:
        doubt(f"the filter {name}")
        return f(*args, **kwargs)

    return run


FILTERS: dict[str, Callable[..., Any]] = {
    "e": escaped,
    "escape": escaped,
    "forceescape": forceescape,
    "format": format,
    "indent": indent,
    "join": join,
    "safe": safe,
    "string": string,
    "title": title,
    "tojson": tojson,
}
for _name in ("capitalize", "center", "lower", "replace", "trim", "upper"):
    FILTERS[_name] = _of_text(filters.FILTERS[_name])
for _name in ("filesizeformat", "pprint", "random", "striptags", "urlencode", "urlize", "wordwrap", "xmlattr"):
    FILTERS[_name] = _doubtful(_name)
