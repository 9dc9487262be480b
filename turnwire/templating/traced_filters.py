"""The filters that make strings, keeping origins. Others are jinja's own: what they make of parts of a `Text` by its
methods keeps its origins, and of the rest nothing is known."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from jinja2 import filters, pass_eval_context

from .traced_text import UNKNOWN, Source, Text, joined, placed, spread
from .traced_written import shown, tojson


def _text(value: Any) -> Text:
    text = shown(value)
    return text if type(text) is Text else placed(text, UNKNOWN, -1)


@pass_eval_context
def join(context: Any, value: Any, d: Any = "", attribute: Any = None) -> str:
    """`x|join(d)`."""
    if context.autoescape:
        return filters.sync_do_join(context, value, d, attribute)
    if attribute is not None:
        value = map(filters.make_attrgetter(context.environment, attribute), value)
    return _text(d).join([shown(item) for item in value])


def indent(s: Any, width: Any = 4, first: bool = False, blank: bool = False) -> str:
    """`x|indent`: line ends are those of the text, blanks are the template's."""
    out = filters.do_indent(s, width, first, blank)
    if type(s) is not Text:
        return out
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

    @functools.wraps(f)
    def run(value: Any, *args: Any, **kwargs: Any) -> Any:
        return f(string(value), *args, **kwargs)

    return run


FILTERS: dict[str, Callable[..., Any]] = {"indent": indent, "join": join, "string": string, "tojson": tojson}
for _name in ("trim", "lower", "upper", "capitalize", "center"):
    FILTERS[_name] = _of_text(filters.FILTERS[_name])
