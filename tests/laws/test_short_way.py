"""L8, the short way: what a parser says of a feed does not depend on whether its machine had to see it.

The same feeds go to a parser that may remember (`turnwire.parsers.memo`) and to one that may not. Each feed's events
are the same, spans and tokens too, and so is the turn. The first runs twice: it learns, and then it only remembers.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from hypothesis import strategies as st

import turnwire
from tests.laws import checks
from tests.laws.law import Report, run_laws
from tests.laws.shares import share
from tests.laws.strategies import TOOLS, damaged, frame_kinds, tokenizer, turns
from tests.laws.test_laws import both
from tests.laws.test_mutants import quietly
from turnwire import Call, Turn
from turnwire.codecs import JsonReader
from turnwire.errors import RefusedTurn
from turnwire.events import ArgumentsDelta, Event
from turnwire.parsers import memo, place, short, stream

finishes = st.sampled_from(("stop", "length", None))
policies = st.sampled_from(("recover_if_unclosed", "recover", "ignore"))


def feeds(fmt: turnwire.Format, chunks: Sequence[Any], tok: Any, finish: Any, **kw: Any) -> tuple[list[Any], list[Any]]:
    """Each feed's events and the turn; and the feeds that the machine did not see."""
    seen = 0

    def feed_symbols(self: Any, symbols: str, _feed: Any = stream.Parser.feed_symbols) -> list[Event]:
        nonlocal seen
        seen += 1
        return _feed(self, symbols)

    said, unseen = list[Any](), list[Any]()
    with mock.patch.object(stream.Parser, "feed_symbols", feed_symbols):
        p = fmt.parser(tok, TOOLS, **kw)
        for chunk in chunks:
            before = seen
            said.append(p.feed(chunk) if tok else p.feed_text(chunk))
            unseen += [chunk] if seen == before else []
    said += [p.close(finish), checks.everything(p.turn)]
    return said, unseen


def words(whole: Any, seed: int) -> list[Any]:
    """Tokens one by one; or, of text, what a token may be."""
    if not isinstance(whole, str):
        return [[i] for i in whole]
    rng, out = random.Random(seed), list[Any]()
    while whole:
        n = rng.choice((1, 2, 4, 6))
        out.append(whole[:n])
        whole = whole[n:]
    return out


def short_way(fmt: turnwire.Format, example: tuple[Any, int, str, str], report: Report, by: str) -> None:
    """See the head of this file."""
    reply, seed, finish, policy = example
    tok = tokenizer(fmt) if by == "ids" else None
    if isinstance(reply, str):
        whole: Any = checks.to_ids(fmt, reply, tok) if tok else fmt.program.symbols.show(reply)
    else:
        try:
            out = fmt.render_reply(reply, tok, TOOLS)
        except RefusedTurn:
            return
        whole = out.ids if tok else out.text
    for chunks in (words(whole, seed), checks.cut_randomly(whole, seed)):
        kw = {"calls_in_reasoning": policy, "calls": seed % 7 > 0}
        with mock.patch.object(short, "SHORT", 0):
            slow, none = feeds(fmt, chunks, tok, finish, **kw)
        assert not none or not all(chunks)
        for _ in range(2):
            fast, unseen = feeds(fmt, chunks, tok, finish, **kw)
            assert fast == slow, next((a, b) for a, b in zip(fast, slow) if a != b)
        told = [e for events in fast[:-2] for e in events]
        report.see(*(["short way"] if len(unseen) > 1 else []))
        report.see(*(["in a call"] if len(unseen) > 1 and any(isinstance(e, ArgumentsDelta) for e in told) else []))
        if tok and any(isinstance(tok.table[i], bytes) for chunk in unseen for i in chunk):
            report.see("amid a character")
        if any(e.tokens is not None and e.tokens[1] - e.tokens[0] > 1 for e in told):
            report.see("held")


def examples(fmt: turnwire.Format) -> Any:
    return st.tuples(damaged(fmt) | turns(fmt), st.integers(0, 10**6), finishes, policies)


def damaged_strings(fmt: turnwire.Format) -> list[tuple[str, int, str, str]]:
    """An argument with a raw line end and control tokens in it: a damaged JSON string ends there, a sound one not."""
    if "call" not in frame_kinds(fmt):
        return []
    turn = Turn("assistant", (Call("get_weather", {"city": "one and two and three"}),))
    whole = fmt.program.symbolise(fmt.render_reply(turn, tools=TOOLS).text)
    ends = [fmt.program.symbols.of[t] for t in fmt.control[:2]]
    return [
        (whole.replace("and", f"{raw} more of it {end}"), seed, "stop", "recover")
        for raw in ("\n", "", "\\")
        for end in ends
        for seed in (0, 1)
    ]


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_l8_short_way(name: str) -> None:
    fmt = turnwire.get_format(name)
    need = {"short way": 60, **({"in a call": 20} if "call" in frame_kinds(fmt) else {})}
    by_id, by_text = both("L8 short way", short_way, fmt, need=need)
    run_laws(
        name,
        examples(fmt),
        replace(by_id, need={**need, "amid a character": 10}),
        by_text,
        examples=share(name) // 2,
        regressions=damaged_strings(fmt),
    )


# Mutants: what is known of a place is told wrong, or not at all.


def forgetful(field: str) -> Any:
    """Places that do not say one thing."""

    def place_without(m: Any, _place: Any = place.place) -> Any:
        at = _place(m)
        return at and at._replace(**{field: type(getattr(at, field))()})

    return place_without


def unescaped(self: Any, _inside: Any = JsonReader.inside) -> Any:
    found = _inside(self)
    return found and (found[0], (*found[1][:2], False, found[1][3]))


def undamaged(self: Any, _inside: Any = JsonReader.inside) -> Any:
    found = _inside(self)
    return found and (found[0], (*found[1][:3], False))


def shallow(self: Any, _inside: Any = JsonReader.inside) -> Any:
    found = _inside(self)
    return found and (found[0], (1, *found[1][1:]))


def unmoved(self: Any) -> None:
    if self._here is not None:
        place.put(self._machine, self._here.place)


def late(self: Any, here: Any, step: Any, _go: Any = short.ShortWay._go) -> list[Event]:
    events = _go(self, here, step)
    for e in events:
        e.tokens = e.tokens and (e.tokens[1] - 1, e.tokens[1])
    return events


def whole(self: Any, here: Any, step: Any, ends: Any, fed: int, _go: Any = short.ShortWay._go_far) -> list[Event]:
    return _go(self, here, step, [int(end) for end in ends], fed)


def unwatched(program: Any, at: Any, text: str, _try: Any = memo.try_out) -> Any:
    return _try(program, at, text) or (text, text, at)


MUTANTS: list[tuple[str, str, list[tuple[Any, str]], Any]] = [
    ("what is held is forgotten", "qwen3-coder", [(memo, "place"), (short, "place")], forgetful("held")),
    ("an escape is forgotten", "deepseek-v3.1", [(JsonReader, "inside")], unescaped),
    ("a damaged string is forgotten", "deepseek-v3.1", [(JsonReader, "inside")], undamaged),
    ("how deep a value is, is forgotten", "mistral-v13", [(JsonReader, "inside")], shallow),
    ("the frames around are forgotten", "qwen3-coder", [(memo, "place"), (short, "place")], forgetful("stack")),
    ("the machine is not told where it is", "qwen3", [(short.ShortWay, "_leave")], unmoved),
    ("held text has the last token only", "qwen3-coder", [(short.ShortWay, "_go")], late),
    ("half a character ends its token", "qwen3-coder", [(short.ShortWay, "_go_far")], whole),
    ("what the machine did besides is not seen", "qwen3", [(memo, "try_out")], unwatched),
]


@pytest.mark.parametrize(("name", "where", "bug"), [m[1:] for m in MUTANTS], ids=[m[0] for m in MUTANTS])
def test_mutant_is_killed(name: str, where: list[tuple[Any, str]], bug: Any) -> None:
    fmt = turnwire.get_format(name).but(name)  # with a memo of its own
    with contextlib.ExitStack() as stack, pytest.raises((AssertionError, Exception)) as caught:
        for owner, attribute in where:
            stack.enter_context(mock.patch.object(owner, attribute, bug))
        for example in damaged_strings(fmt):
            short_way(fmt, example, Report("mutant", name), "ids")
        quietly(examples(fmt), lambda example, report: short_way(fmt, example, report, "ids"))
    assert not isinstance(caught.value, (TypeError, NameError)), caught.value
