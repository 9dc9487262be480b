"""Compares a rendered prompt with transformers', id by id, and says how they agree.

"equal": the same ids. "break": the same text, and ids that differ only because the official tokenizer merges across
a place where tokens that the model wrote meet tokens that it did not: the two sides are encoded separately by the
official tokenizer, and must give our ids. "trusted": the text is the same, and `trust_content=True`, which lets data
spell control tokens, gives the ids ("equal" or "break"). "raises": both refuse. "equal text": no tokenizer can be
had, and the texts are the same. Everything else is a `Difference`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.families import official
from turnwire import Format, Rendered
from turnwire.errors import TurnwireError


class Difference(AssertionError):
    """The prompts differ, and nothing excuses it."""


def sides(out: Rendered) -> list[str]:
    """The text, cut where tokens that the model wrote meet tokens that it did not."""
    cut: list[str] = []
    sampled: bool | None = None
    for run in out.runs:
        text = out.text[run.start : run.stop]
        if run.sampled is sampled:
            cut[-1] += text
        else:
            cut.append(text)
        sampled = run.sampled
    return cut


def spells(name: str, *given: Any) -> bool:
    """Whether a caller's data spells a control token of the real tokenizer."""
    text = json.dumps(given, ensure_ascii=False, default=str)
    return any(spelling in text for spelling in official.tokenizer(name).added)


def compare(
    name: str,
    messages: Any,
    tools: Any,
    options: Mapping[str, Any],
    reference: Any = None,
    reference_tools: Any = None,
    fmt: Format | None = None,
    **how: Any,
) -> str:
    """How the prompts agree; `reference`: the messages (and tools) for the template, where they differ from ours."""
    fmt = fmt or official.format_of(name)
    theirs = reference if reference is not None else messages
    shown = reference_tools if reference_tools is not None else tools
    ours: Any = None  # without ids to compare, none are made
    try:
        text, ids = official.both(name, theirs, shown, **options)
        ours = official.tokenizer(name) if ids is not None else None
    except official.Raised as e:
        try:
            out = fmt.render(messages, tools, **options, **how)
        except TurnwireError:
            return "raises"
        raise Difference(f"the template refuses ({e}), we write {out.text!r}") from e
    try:
        out = fmt.render(messages, tools, ours, **options, **how)
    except TurnwireError as e:
        raise Difference(f"we refuse ({e}), the template writes {text!r}") from e
    if text is not None and out.text != text:
        at = next((i for i, (a, b) in enumerate(zip(out.text, text)) if a != b), min(len(out.text), len(text)))
        before = max(0, at - 60)
        raise Difference(f"at character {at}: we write {out.text[before : at + 90]!r}, they {text[before : at + 90]!r}")
    if ids is None:
        return "equal text"
    if out.ids == ids:
        return "equal"
    if text is not None and out.ids == [i for side in sides(out) for i in official.encode(name, side)]:
        return "break"
    if not how.get("trust_content"):
        return "trusted, " + compare(
            name, messages, tools, options, reference, reference_tools, fmt, trust_content=True
        )
    raise Difference(f"the text is the same, the ids differ: {out.text!r}: {out.ids} != {ids}")
