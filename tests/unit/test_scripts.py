"""A turn that is played from the script of another is written as if its reply tree were walked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import turnwire
from tests.laws.strategies import turns
from turnwire import Call, Reasoning, Text, Turn
from turnwire.spans import Rendered
from turnwire.templating.reply import NoPlace, write_reply
from turnwire.templating.script import shape

FORMATS = [turnwire.get_format(n) for n in turnwire.list_formats()]
SHAPED = [fmt for fmt in FORMATS if fmt.plan.shaped and fmt.layout.whole is None]


def written(fmt: turnwire.Format, turn: Turn, scripts: dict[Any, Any] | None) -> Any:
    w = fmt.writer()
    w.turn, w.sampled = 3, True
    parts = [(index or None, part) for index, part in enumerate(turn.parts)]  # the first is the layout's
    try:
        write_reply(w, fmt.plan, parts, dict(fmt.options), history=True, scripts=scripts)
    except NoPlace as e:
        return str(e), e.part
    out = Rendered(w.stretches, fmt.program.symbols.show, None)
    return out.symbols, out.runs


def otherwise(part: Any) -> Any:
    """A part of the same shape that says something else."""
    if isinstance(part, Call):
        return Call("other", {"city": "Zürich", "n": [1]}, part.id and "z" + part.id)
    if isinstance(part, Reasoning):
        return Reasoning(part.text and part.text + "?")
    return Text(part.text and part.text[::-1], part.channel, part.recipient)


@pytest.mark.parametrize("fmt", SHAPED, ids=lambda fmt: fmt.name)
def test_a_played_turn_is_written_as_a_walked_one(fmt: turnwire.Format) -> None:
    played = 0

    @settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(turns(fmt))
    def check(turn: Turn) -> None:
        nonlocal played
        scripts: dict[Any, Any] = {}
        like = Turn("assistant", tuple(map(otherwise, turn.parts)))
        for each in (turn, like, turn):
            assert written(fmt, each, scripts) == written(fmt, each, None)
        assert len(scripts) <= 1
        played += any(scripts.values())

    check()
    assert played >= 10


def test_a_shape_is_all_but_what_slots_say() -> None:
    def of(*parts: Any) -> Any:
        return shape([*enumerate(parts)])

    assert of(Reasoning("a"), Text("b"), Call("f", {})) == of(Reasoning("c"), Text("d"), Call("g", {"x": 1}, "id"))
    assert of(Text("")) != of(Text("b")) != of(Text("b", "final")) != of(Text("b", "final", "user"))
    assert len({of(Reasoning("a")), of(Text("a")), of(Call("f", {})), of(), of(Text("a"), Text("a"))}) == 5
    assert of(Text("", prefilled=True)) is None and of(Reasoning("a", prefilled=True)) is None


def test_formats_whose_trees_look_at_more_are_walked() -> None:
    walked = {fmt.name for fmt in FORMATS} - {fmt.name for fmt in SHAPED}
    assert {"llama-3.1", "qwen3-coder"} <= walked and {"qwen3", "harmony", "deepseek-v3.1"}.isdisjoint(walked)
