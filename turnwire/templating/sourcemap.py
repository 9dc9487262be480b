"""The source map of a render: for each character the template's line, and the field of the variables that it is from.

The template runs in a sandbox whose texts know their origins (`traced.py`), under the same limits as a plain render.
Each operation there takes its text from `str` itself, so that the text is the plain render's; where a template could
tell the two apart, or the traced render fails, the plain render decides: there may be no map, and `why` says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from functools import partial
from typing import Any, NamedTuple

from ..errors import UnmappedError
from ..origins import Kind, OriginMap, Span, named
from . import budget, costs, jinja, traced
from .traced_json import Written
from .traced_text import UNKNOWN, Path, Run, Source, entered, ours, placed
from .traced_values import doubts, wrapped

MARKUP = frozenset(
    "bos_token eos_token unk_token pad_token sep_token cls_token mask_token image_token audio_token video_token".split()
)
"""Variables whose text counts as the template's: a tokenizer gives them."""
ROLES = frozenset("system developer user assistant model tool tool_response function ipython environment".split())
"""Roles that count as the template's: some build their markers from them."""


class Traced(NamedTuple):
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
    check: bool = False,
    deadline: float | None = None,
) -> Traced:
    """Renders as `jinja.render` does, and raises as it does. `check` renders plain in any case, and compares. The spans
    are laid out when somebody asks for one, so the variables must not have changed by then."""
    clock = now
    deadline = time.monotonic() + limits.seconds if deadline is None else deadline  # of both renders
    token = doubts.set([])
    try:
        reads = jinja.program_of(source).reads
        given = wrapped({k: v for k, v in variables.items() if k in reads}, markup, roles)
        if "strftime_now" in reads:
            if clock is None and "strftime_now" not in variables:
                clock = datetime.now()  # one for both renders
            if clock is not None:
                given["strftime_now"] = told(clock)
        text, runs = traced.run(source, given, limits, deadline)
        doubtful = doubts.get()
    except Exception as e:  # whatever it is, the plain render decides
        plain = jinja.render(source, variables, limits, clock, deadline)
        return Traced(plain, None, f"the traced render fails: {e}"[:400])
    finally:
        doubts.reset(token)
    if check or doubtful:
        other = jinja.render(source, variables, limits, clock, deadline)
        if text != other:
            return Traced(other, None, "the traced render has another text")
    return Traced(text, OriginMap(partial(_laid, runs, limits, deadline - time.monotonic())))


def told(clock: date) -> Callable[[str], str]:
    """`strftime_now`: what a format of the template says is the template's."""

    def strftime_now(format: str) -> str:
        costs.strftime(format)
        text = clock.strftime(format)
        return placed(text, Source("template") if ours(format) else UNKNOWN, -1)

    return strftime_now


def _laid(runs: list[Run], limits: budget.Limits, left: float) -> list[Span]:
    """The spans of a text that knows its origins, in the seconds that its render left. Raises `UnmappedError` for one
    that was made of another, and that of another, too often."""
    token = budget.current.set(budget.Budget(limits, time.monotonic() + left))
    try:
        return _spans(runs)
    except RecursionError:
        problem = "no source map: a text is made of others, one of the other, too often"
        raise UnmappedError(problem, path="template", expected="trust_content=True") from None
    finally:
        budget.current.reset(token)


def _spans(runs: list[Run]) -> list[Span]:
    """(The loop of `flatten`, once more for speed.)"""
    out: list[Span] = []
    say = out.append
    start = stop = 0  # of the last span
    kind: Kind = "unknown"
    path: Path = ()
    line: int | None = None
    first: int | None = None
    following = -1  # the offset that continues it
    outside: list[tuple[Iterator[Run], int | None]] = []
    inside, around = iter(runs), None
    whose: Kind
    field: Any
    while True:
        for length, field, offset, own in inside:
            here = own or around
            of = type(field)  # pyright: ignore[reportUnknownVariableType]
            if of is tuple:
                whose = "data"
            elif of is Source:
                whose, here, field = field.kind, field.line or here, field.path
                if not field:
                    offset = -1
            else:
                json = field.spans(length, stop, here) if of is Written else None
                if json is None:
                    outside.append((inside, around))
                    inside, around = entered(field, offset, length), here
                    break
                if stop > start:
                    last: Any = (start, stop, kind, line, path, first)
                    if first is None and last[2:] == json[0][2:] and _like(path, json[0][4]):
                        json[0] = named(Span, (start, *json[0][1:]))
                    else:
                        say(named(Span, last))
                start, stop, kind, line, path, first = json.pop()  # more of it may follow
                out += json
                following = -1 if first is None else first + stop - start
                continue
            if offset == following and whose == kind and here == line and field == path and _like(path, field):
                stop += length
                following += length if offset >= 0 else 0
                continue
            if stop > start:
                say(named(Span, (start, stop, kind, line, path, first)))
            start, kind, path, line = stop, whose, field, here
            stop += length
            if offset < 0:
                first, following = None, -1
            else:
                first, following = offset, offset + length
        else:
            if not outside:
                break
            inside, around = outside.pop()
    if stop > start:
        say(named(Span, (start, stop, kind, line, path, first)))
    return out


def _like(one: Path, other: Path) -> bool:
    """Whether equal paths are the same: a step to a key equals the one to the value under it."""
    return not one or type(one[-1]) is type(other[-1])
