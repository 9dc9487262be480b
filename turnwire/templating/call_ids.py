"""Ids of calls in a prompt: every call gets one that looks as the family expects (`Layout.ids`), no two alike, and the
results follow their calls. Ids that look so already, and are not another call's, stay as they are.

Calls are named in order, so that what is rendered of a conversation does not change when it goes on. Naming what was
named changes nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..codecs import IdForm, Namer
from ..layout import Context, Layout, Option, Placed
from ..messages import Answers
from ..spans import Rendered, symbols_of
from ..turns import Call, Part, Result

if TYPE_CHECKING:
    from ..tokens import Bound

CALL_IDS = Option("call_ids", "canonical", "'given' writes the caller's ids as they are", ("canonical", "given"))
"""An option for layouts that have `ids`."""


class Sent(list[int]):
    """The end of a prompt in ids, of which it is known how many calls it has, and which ids they and their results
    have."""

    def __init__(self, ids: Iterable[int], calls: int, names: Callable[[str], bool]):
        super().__init__(ids)
        self.calls, self.names = calls, names


def settle_ids(
    turns: list[Placed], layout: Layout, options: Mapping[str, Any], prompt: Any = None, bound: Bound | None = None
) -> list[Placed]:
    """The turns with the ids that the prompt will show; as they are for a family that shows none. With `call_ids`
    "given", only what has no id gets one. `prompt`: what comes before the turns (ids need `bound`), whose ids are not
    given again."""
    if layout.ids is None:
        return turns
    keep = options.get(CALL_IDS.name, CALL_IDS.default) == "given"
    namer = Namer(layout.ids, "always" if keep else "fitting", spelled_in(prompt, bound, layout.ids), calls_in(prompt))
    answers = Answers()
    names: list[str] = []
    out: list[Placed] = []
    for t in turns:
        if t.role == "assistant":
            calls = tuple(p for _, p in t.parts if isinstance(p, Call))
            answers.ask(calls)
            names = [namer(c.name or "", c.written or c.id) for c in calls]
        given = iter(names)
        parts: list[tuple[int | None, Part]] = []
        for index, part in t.parts:
            if isinstance(part, Call):
                part = replace(part, id=next(given))
            elif isinstance(part, Result) and (at := answers.find(part.id, part.name)) is not None:
                its = keep and part.id is not None and answers.calls[at].id is not None
                part = replace(part, id=part.id if its else names[at])
            parts.append((index, part))
        out.append(t.having(*parts))
    return out


def reply_names(
    layout: Layout, new_id: Callable[[int], str] | None, prompt: Any, bound: Bound | None
) -> Callable[[int, str, str | None], str | None]:
    """What names the calls of a reply: (index, name, the id that the model wrote, or None) -> its id. One that another
    call of the reply has is no id. Of a family without ids, calls have what the caller's `new_id` gives, or none."""
    if layout.ids is None or new_id is not None:
        return lambda index, name, id: id if id is not None or new_id is None else new_id(index)
    namer = Namer(layout.ids, "free", spelled_in(prompt, bound, layout.ids), calls_in(prompt))
    return lambda index, name, id: namer(name, id)


def spelled_in(prompt: Any, bound: Bound | None = None, form: IdForm | None = None) -> Callable[[str], bool]:
    """Whether a prompt (`Rendered`, text, or ids with their tokenizer) has an id in it, as its form
    shows it; looked at when asked."""

    @functools.cache
    def text() -> str:
        if isinstance(prompt, (Rendered, str)):
            return prompt if isinstance(prompt, str) else prompt.text
        return symbols_of(bound, prompt) if prompt is not None and bound is not None else ""

    if isinstance(prompt, Sent):
        return prompt.names
    shown: Callable[[str], str] = getattr(form, "shown", str)
    return lambda id: shown(id) in text()


def calls_in(prompt: Any) -> int:
    """How many calls a prompt holds, as far as it is known."""
    if isinstance(prompt, Sent):
        return prompt.calls
    return len({(r.turn, r.part) for r in prompt.stretched if r.kind == "call"}) if isinstance(prompt, Rendered) else 0


def in_call_order(turns: list[Placed], context: Context) -> list[Placed]:
    """An arrange pass: the results of each run in the order of the calls that they answer, if all have ids."""
    answers = Answers()
    out: list[Placed] = []
    run: list[tuple[int, Placed]] = []

    def flush() -> None:
        known = all(p.id is not None for _, t in run for _, p in t.parts if isinstance(p, Result))
        out.extend(t for _, t in (sorted(run, key=lambda item: item[0]) if known else run))
        run.clear()

    for t in turns:
        if t.role == "tool":
            found = [at for _, p in t.parts if isinstance(p, Result) and (at := answers.find(p.id, p.name)) is not None]
            run.append((min(found, default=-1), t))
            continue
        flush()
        out.append(t)
        if t.role == "assistant":
            answers.ask(tuple(p for _, p in t.parts if isinstance(p, Call)))
    flush()
    return out
