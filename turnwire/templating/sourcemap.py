"""The source map of a render: for each character the template's line, and the field of the variables that it is from.

The template runs a second time, in a sandbox whose texts know their origins (`traced.py`), under the same limits. The
text is that of the plain render: where the two differ there is no map, and `why` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ..errors import TemplateError
from ..origins import OriginMap, Span
from . import budget, jinja, traced
from .traced_text import UNKNOWN, Source, placed, sources
from .traced_values import wrapped

MARKUP = frozenset(
    "bos_token eos_token unk_token pad_token sep_token cls_token mask_token image_token audio_token video_token".split()
)
"""Variables whose text counts as the template's: a tokenizer gives them."""
ROLES = frozenset("system developer user assistant model tool tool_response function ipython environment".split())
"""Roles that count as the template's: some build their markers from them."""


@dataclass(frozen=True, slots=True)
class Traced:
    """The text of a template, and its source map; without one, `why` says what happened."""

    text: str
    map: OriginMap | None
    why: str = ""


def trace(
    source: str,
    variables: Mapping[str, Any],
    limits: budget.Limits = budget.Limits(),  # noqa: B008
    now: date | None = None,
    *,
    markup: Collection[str] = MARKUP,
    roles: Collection[str] = ROLES,
) -> Traced:
    """Renders as `jinja.render` does, and raises as it does."""
    clock = now
    if clock is None and "strftime_now" not in variables:
        clock = datetime.now()  # one for both renders
    text = jinja.render(source, variables, limits, clock)
    try:
        given = wrapped(variables, markup, roles)
        if clock is not None:
            given["strftime_now"] = told(clock)
        same, spans = jinja.run(traced.compiled(source), source, given, limits, lambda out: (out == text, _spans(out)))
    except (TemplateError, RecursionError) as e:
        return Traced(text, None, f"the traced render fails: {e}")
    return Traced(text, OriginMap(spans)) if same else Traced(text, None, "the traced render has another text")


def told(clock: date) -> Callable[[str], str]:
    """`strftime_now`: what a format of the template says is the template's."""

    def strftime_now(format: str) -> str:
        text = clock.strftime(format)
        ours = all(run[1].kind == "template" for run in sources(format))
        return placed(text, Source("template") if ours else UNKNOWN, -1)

    return strftime_now


def _spans(text: str) -> list[Span]:
    out: list[Span] = []
    start = stop = line = 0
    following = -1  # the offset that continues the last span
    last = UNKNOWN
    for length, node, offset, own in sources(text):
        own = node.line or own
        if not node.path:
            offset = -1
        if (
            (node is not last and (node.kind != last.kind or node.path != last.path))
            or own != line
            or offset != following
        ):
            if stop > start:
                out.append(_span(start, stop, last, line, following))
            start, line, last = stop, own, node
            following = offset
        stop += length
        if offset >= 0:
            following += length
    if stop > start:
        out.append(_span(start, stop, last, line, following))
    return out


def _span(start: int, stop: int, node: Source, line: int, following: int) -> Span:
    offset = None if following < 0 else following - (stop - start)
    return Span(start, stop, node.kind, line or None, node.path, offset)
