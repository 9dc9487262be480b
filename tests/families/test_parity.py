"""Every format that has a reference: its prompts are the reference's, id by id (or, without a tokenizer, in text).

`parity.compare` says what counts as agreement. What we mean to do differently stands in the format's `Reference`,
and fails when stale. A family adds no test here.
"""

from __future__ import annotations

import fnmatch
import os
from collections import Counter
from typing import Any

import pytest

from tests.families import official, parity
from tests.families.qwen_conversations import ALL, examples, features
from tests.families.reference import references
from tests.laws.law import Report, reports, run_law
from tests.laws.shares import full
from turnwire.families.proof import proof
from turnwire.wire import is_symbol

NAMES = sorted(n for n, r in references().items() if n not in official.QWEN and (r.template or r.oracle))
PROMPT = {"add_generation_prompt": True}


def cases(name: str) -> list[tuple[str, list[Any], Any, dict[str, Any]]]:
    """The common conversations: as they are with what options they have, and with each option set of the reference."""
    fmt, ref = official.format_of(name), official.reference(name)
    known = (*fmt.options, "add_generation_prompt", "continue_final_message")
    kinds = tuple(kind for kind, _ in fmt.layout.media)
    out: list[tuple[str, list[Any], Any, dict[str, Any]]] = []
    for at, c in enumerate(ALL):
        if c["name"].startswith(("image", "video")) and not ({"image", "video"} <= set(kinds) and ref.lists):
            continue
        own = {k: v for k, v in c["options"].items() if k in known}
        ends = c["messages"][-1]["role"] == "assistant"
        known_to_differ = any(fnmatch.fnmatchcase(c["name"], p) for p in ref.differs)
        for n, more in enumerate(ref.options):
            if n and (own or not (at % 3 == 0 or known_to_differ or full(name))):
                continue  # of further option sets, a third of the conversations
            prompts = ({}, PROMPT) if full(name) else ({}, PROMPT)[at % 2 :][:1]
            for prompt in prompts if not (ends or own) else ({},):
                out.append((c["name"], c["messages"], c["tools"], {**own, **more, **prompt}))
    return out


@pytest.mark.parametrize("name", NAMES)
def test_conversations(name: str) -> None:
    ref = official.reference(name)
    outcomes: Counter[str] = Counter()
    equal: set[str] = set()
    stale = set(ref.differs)
    surprises: list[str] = []
    for which, messages, tools, options in cases(name):
        theirs, their_tools = official.shown(messages, tools, name)
        try:
            outcome = parity.compare(name, messages, tools, options, theirs, their_tools)
        except parity.Difference as e:
            outcome = "differs"
            reasons = {p for p in ref.differs if fnmatch.fnmatchcase(which, p)}
            stale -= reasons
            if not reasons:
                surprises.append(f"{which} {options}: {e}")
        outcomes[outcome] += 1
        if outcome in ("equal", "break", "equal text"):
            equal.add(which)
    reports.append(f"parity {name}: {len(equal)} conversations; {dict(sorted(outcomes.items()))}")
    assert not surprises, "\n".join([f"{len(surprises)} differ", *surprises[:20]])
    assert not stale, f"known differences that are none: {sorted(stale)}"
    assert len(equal) >= 40
    opened = official.format_of(name).prompt_tail(None)  # of ordinary text, its tokens merge with the model's
    assert outcomes["break"] <= (0.15 if opened and not any(map(is_symbol, opened)) else 0.05) * outcomes.total()
    if "equal" in outcomes and not os.environ.get("TURNWIRE_MEASURE"):
        assert proof(name).prompts == "ids", "turnwire/data/proof.json is stale: make measure"
    elif ref.tokenizer is not None and (missing := official.missing_tokenizer(name)):
        pytest.skip(f"the texts are equal, the ids were not compared: {missing}")


@pytest.mark.parametrize("name", NAMES)
def test_search(name: str) -> None:
    ref = official.reference(name)

    def check(example: Any, report: Report) -> None:
        messages, tools, options = example
        messages = ref.shape(messages) if ref.shape is not None else messages
        found = features(messages, tools, options)
        if not report.admit(not set(found) & set(ref.avoid)):
            return
        for more in ref.options if full(name) else (ref.options[len(str(messages)) % len(ref.options)],):
            theirs, their_tools = official.shown(messages, tools, name)
            outcome = parity.compare(name, messages, tools, {**options, **more}, theirs, their_tools)
            if outcome.startswith("trusted"):
                assert parity.spells(name, messages, tools), f"ids differ without a reason: {example}"
            report.see(*found, outcome.replace(", ", " "), *(["compared"] if outcome != "raises" else []))

    run_law(
        "parity search",
        name,
        examples(name),
        check,
        need={"compared": 60},
        admitted=0.3,
        examples=100 if full(name) else 60,
    )
