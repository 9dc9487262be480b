"""Ids that stand behind a call's name, or behind its arguments: what a stream is told of them."""

from __future__ import annotations

import pytest

import turnwire
from turnwire.events import CallEnd, CallStart

V11, V3 = turnwire.get_format("mistral-v11"), turnwire.get_format("mistral-v3")


def told(fmt: turnwire.Format, text: str, finish: turnwire.events.FinishReason = "stop") -> list[CallStart | CallEnd]:
    parser = fmt.parser()
    found = [e for c in text for e in parser.feed_text(c)] + parser.close(finish)
    return [e for e in found if isinstance(e, (CallStart, CallEnd))]


def test_an_id_between_name_and_arguments_is_known_when_the_call_starts() -> None:
    start, end = told(V11, '[TOOL_CALLS]f[CALL_ID]abcdef123[ARGS]{"a": 1}</s>')
    assert isinstance(start, CallStart) and isinstance(end, CallEnd)
    assert (start.name, start.id, end.call.id, end.complete) == ("f", "abcdef123", "abcdef123", True)


def test_without_one_the_call_gets_one() -> None:
    start, end = told(V11, '[TOOL_CALLS]f[ARGS]{"a": 1}</s>')
    assert isinstance(start, CallStart) and isinstance(end, CallEnd)
    assert start.id is not None and len(start.id) == 9 and start.id.isalnum()
    assert end.call.id == start.id and not end.faults


@pytest.mark.parametrize("cut", ["[TOOL_CALLS]f[ARGS]", "[TOOL_CALLS]f[CALL_ID]abc[ARGS]"])
def test_a_name_that_waits_is_told_when_the_call_is_cut(cut: str) -> None:
    start, end = told(V11, cut, "length")
    assert isinstance(start, CallStart) and isinstance(end, CallEnd)
    assert start.name == "f" and end.call.status == "incomplete"


def test_an_id_behind_the_arguments_comes_too_late() -> None:
    start, end = told(V3, '[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}, "id": "abcdef123"}]</s>')
    assert isinstance(start, CallStart) and isinstance(end, CallEnd)
    assert end.complete and end.call.id == start.id != "abcdef123"


def test_ids_are_written_where_the_family_has_them() -> None:
    turn = turnwire.Turn("assistant", (turnwire.Call("f", {"a": 1}, "abcdef123"),))
    assert V11.render_reply(turn).text == '[TOOL_CALLS]f[CALL_ID]abcdef123[ARGS]{"a": 1}</s>'
    assert V3.render_reply(turn).text == '[TOOL_CALLS] [{"name": "f", "arguments": {"a": 1}, "id": "abcdef123"}]</s>'
