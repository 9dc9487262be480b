"""Tests of the laws: each planted bug is caught by the law that is for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from hypothesis import strategies as st

import turnwire
from tests.laws import checks
from tests.laws.law import Report, reports, run_law
from tests.laws.strategies import damaged, turns
from tests.laws.work import linear
from turnwire import format as format_module
from turnwire import messages
from turnwire.events import Event
from turnwire.parsers import calls, coerce, machine, stream
from turnwire.parsers.assemble import Assembler
from turnwire.parsers.compile import Point
from turnwire.parsers.machine import Machine
from turnwire.parsers.tokenmap import TokenMap

finishes = st.sampled_from(("stop", "length", None))
policies = st.sampled_from(("recover_if_unclosed", "recover"))
Law = Callable[[turnwire.Format], None]


def replies(fmt: turnwire.Format) -> Any:
    return st.tuples(damaged(fmt), st.integers(0, 10**6), finishes, policies)


def quietly(strategy: Any, check: Callable[[Any, Report], None], admitted: float = 0.0) -> None:
    try:
        run_law("mutant", "mutant", strategy, check, admitted=admitted, examples=300, shrink=False)
    finally:
        reports[:] = [r for r in reports if not r.startswith("mutant")]


def l1(fmt: turnwire.Format, by: str = "ids") -> None:
    quietly(turns(fmt, surrogates=True), lambda t, r: checks.round_trip(fmt, t, r, by), 0.97 if by == "ids" else 0)


def l1_text(fmt: turnwire.Format) -> None:
    l1(fmt, "text")


def l2(fmt: turnwire.Format, by: str = "ids") -> None:
    quietly(replies(fmt), lambda e, r: checks.chunk_invariance(fmt, e, r, by))


def l2_text(fmt: turnwire.Format) -> None:
    l2(fmt, "text")


def l3(fmt: turnwire.Format) -> None:
    quietly(replies(fmt), lambda e, r: checks.lossless(fmt, e, r))


def l6(fmt: turnwire.Format) -> None:
    for unit in ("\n", "<", fmt.program.symbols.of[fmt.stop_tokens[0]] + "x"):
        short, long = linear(fmt, unit, "ids", 1)
        assert long <= 1.5 * short + 8


def l7(fmt: turnwire.Format) -> None:
    quietly(st.tuples(turns(fmt), st.integers(0, 9)), lambda e, r: checks.prompt_emission(fmt, e, r, "ids"))


def stripping(self: Assembler, text: str, start: int, _delta: Any = Assembler._delta) -> None:
    _delta(self, text.strip() or text, start)
    if text.strip() and self.chunks:
        self.chunks[-1] = text.strip()


def greedy_pad(self: Machine, _step: Any = Machine._step) -> bool:
    if self.lead:
        self.lead = "\n" * 9
    return _step(self)


def guessing(raw: str, schema: Any, _coerce: Any = coerce.coerce) -> Any:
    return _coerce(raw, {} if raw.isdigit() else {"type": ["number", "boolean", "object"]})


def unheld(self: Machine, symbols: str, eof: bool = False, _feed: Any = Machine.feed) -> None:
    _feed(self, symbols, True)


def unmarked(self: Assembler, raw: str) -> None:
    self.at += len(self.symbols.show(raw))


def off_by_one(self: TokenMap, start: int, stop: int, _range: Any = TokenMap.range) -> Any:
    a, b = _range(self, start, stop)
    return (a, b + (stop - start > 3))


def chunk_counting(self: Machine, e: Any, stray: bool, j: int, _believe: Any = Machine._believe) -> Any:
    return _believe(self, e, stray, j) if j < len(self.buf) else True


def partial_lost(self: Any, ids: Any, _feed: Any = stream.Parser._feed_ids) -> list[Event]:
    self._decoder.reset()
    return _feed(self, ids)


def buffering(self: Any, ids: Any, _feed: Any = stream.Parser.feed) -> list[Event]:
    self.__dict__.setdefault("kept", []).extend(ids)
    return []


def flushing(self: Any, finish_reason: Any = None, _close: Any = stream.Parser.close) -> list[Event]:
    kept = self.__dict__.pop("kept", [])
    return (self._feed_ids(kept) if kept else []) + _close(self, finish_reason)


def rescanning(self: Machine, _step: Any = Machine._step) -> bool:
    if not isinstance(self.state, Point):
        self.state.table.search("x" * len(self.sink.chunks), 0)  # type: ignore[attr-defined]
    return _step(self)


def value_at_end(schema: Any) -> bool:
    return False


def name_first(
    self: Assembler, call: Any, text: str, start: int, json: Any, _arguments: Any = Assembler._arguments
) -> None:
    _arguments(self, call, text, start, json)
    if self.out and call.name is not None:
        call.held.append(self.out.pop())


def raising(self: Assembler, code: str, message: str, text: str) -> None:
    raise RuntimeError(message)


MUTANTS: list[tuple[str, Law, str, Any, str, Any]] = [
    ("text is stripped", l1, "qwen3", Assembler, "_delta", stripping),
    ("pads take all line ends", l1, "qwen3", Machine, "_step", greedy_pad),
    ("values are typed by their looks", l1, "qwen3-coder", calls, "coerce", guessing),
    ("surrogates are not checked", l1, "qwen3", messages, "check_strings", lambda value, path: None),
    ("refusals are not exact", l1_text, "qwen3", format_module.Format, "admits", lambda *a, **k: None),
    ("half a marker is not held", l2, "qwen3", Machine, "feed", unheld),
    ("half a marker is not held, in text", l2_text, "qwen3-coder", Machine, "feed", unheld),
    ("bytes of a split character are lost", l2, "qwen3", stream.Parser, "_feed_ids", partial_lost),
    ("belief looks at the chunk", l2, "qwen3-coder", Machine, "_believe", chunk_counting),
    ("markers have no events", l3, "harmony", Assembler, "mark", unmarked),
    ("token ranges are one too long", l3, "qwen3", TokenMap, "range", off_by_one),
    ("faults raise", l3, "harmony", Assembler, "fault", raising),
    ("held text is searched again", l6, "qwen3", Machine, "_step", rescanning),
    ("string values wait for their end", l7, "qwen3-coder", calls, "streams_as_string", value_at_end),
    ("arguments wait for the end of the call", l7, "harmony", Assembler, "_arguments", name_first),
]


@pytest.mark.parametrize(
    ("law", "name", "owner", "attribute", "bug"), [m[1:] for m in MUTANTS], ids=[m[0] for m in MUTANTS]
)
def test_mutant_is_killed(law: Law, name: str, owner: Any, attribute: str, bug: Any) -> None:
    fmt = turnwire.get_format(name).but(name)  # what its machine does is remembered with its program: of its own, here
    with mock.patch.object(owner, attribute, bug), pytest.raises((AssertionError, RuntimeError, Exception)) as caught:
        law(fmt)
    assert not isinstance(caught.value, (TypeError, AttributeError, NameError)), caught.value


def test_buffering_parser_is_killed() -> None:
    """A parser that says everything at close() keeps L2 and L3, and only L7 notices."""
    fmt = turnwire.get_format("qwen3").but("qwen3")
    with mock.patch.object(stream.Parser, "feed", buffering), mock.patch.object(stream.Parser, "close", flushing):
        l2(fmt)
        with pytest.raises(AssertionError, match="characters held"):
            l7(fmt)


def test_unmutated_laws_hold() -> None:
    """The same harness and formats, no bug."""
    for law, name in dict.fromkeys((law, name) for _, law, name, *_ in MUTANTS):
        law(turnwire.get_format(name))
    assert machine.LOOKAHEAD > 0
