"""L1 to L3, L6 and L7 of every format (L4 is in families/test_forgery.py, L5 in families/test_*_parity.py)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st

import turnwire
from tests.laws import checks
from tests.laws.law import ADMITTED, EXAMPLES, Law, run_laws
from tests.laws.shares import rare, share
from tests.laws.strategies import TOOLS, damaged, frame_kinds, parallel, prefills_reasoning, turns, untyped
from turnwire import Call, Reasoning, Text, Turn

FORMATS = turnwire.list_formats()
# Hypothesis draws constants from the modules that are loaded, so the mix moves: minimums are well under what is met.
HARD = {"text": 30, "marker in text": 15, "half marker": 15, "lone surrogate": 3}
CALLS = {"call": 25}
PARALLEL = {"parallel calls": 8}
# The same by text, in a full run. In a quarter of it neighbours of one refused example weigh more.
BY_TEXT = 0.8
finishes = st.sampled_from(("stop", "tool_calls", "length", "abort", None))
policies = st.sampled_from(("recover_if_unclosed", "recover", "ignore"))


def hard(fmt: turnwire.Format) -> dict[str, int]:
    """What the turns of a format must have met."""
    return {**HARD, **(CALLS if "call" in frame_kinds(fmt) else {}), **(PARALLEL if parallel(fmt.reply) else {})}


def read(fmt: turnwire.Format) -> dict[str, int]:
    """The events that its replies must have given."""
    faults = 10 if frame_kinds(fmt) == {"text"} else 20  # little can go wrong in a reply of text alone
    return {"Fault": faults, "TextDelta": 20, **({"CallEnd": 15} if "call" in frame_kinds(fmt) else {})}


def damage(fmt: turnwire.Format) -> list[tuple[str, int, str, str]]:
    """A reply with text, one with a call, one with all markers doubled: the events and faults of each law."""
    kinds, of = frame_kinds(fmt), fmt.program.symbols.of
    said: list[Any] = [Text("word", "final" if "preamble" in kinds else None), Call("now", {})]
    turns = [Turn("assistant", (*thought, part)) for part in said for thought in ((), (Reasoning("why"),))]
    written = [fmt.render_reply(t, tools=TOOLS).symbols for t in turns if fmt.admits(t, TOOLS) is None]
    return [(text, 0, "stop", "recover") for text in (*written, "".join(2 * marker for marker in of.values()))]


def replies(fmt: turnwire.Format) -> st.SearchStrategy[tuple[str, int, str, str]]:
    """A damaged reply, a seed for cutting it, how it ended, the policy for calls in reasoning."""
    return st.tuples(damaged(fmt), st.integers(0, 10**6), finishes, policies)


def both(law: str, check: Any, fmt: turnwire.Format, **given: Any) -> list[Law]:
    """A law by ids and by text; `check` as in checks.py."""
    return [Law(f"{law} by {by}", partial(check, fmt, by=by), **given) for by in ("ids", "text")]


@pytest.mark.parametrize("name", FORMATS)
def test_l1_round_trip(name: str) -> None:
    fmt = turnwire.get_format(name)
    by_id, by_text = both("L1 round trip", checks.round_trip, fmt, need=hard(fmt))
    run_laws(
        name,
        turns(fmt, surrogates=True),
        replace(by_id, admitted=ADMITTED if not untyped(fmt) else BY_TEXT),
        replace(by_text, admitted=BY_TEXT if share(name) == EXAMPLES else BY_TEXT - 0.1),
        examples=share(name),
        regressions=rare(hostile_turns(fmt), name),
    )


def hostile_turns(fmt: turnwire.Format) -> list[Turn]:
    """Turns with each of the hard things: a lone surrogate, markers and halves of them, parallel calls."""
    channel = "final" if "preamble" in frame_kinds(fmt) else None
    calls = (Call("search", {"query": "</tool_call>"}), Call("now", {}))
    said = [Text("a\ud800", channel)], [Text("<think> and </thi", channel)], calls if "call" in frame_kinds(fmt) else ()
    return [Turn("assistant", tuple(parts)) for parts in said if parts]


def broken_before(fmt: turnwire.Format) -> list[tuple[str, int, str, str]]:
    """Replies that once gave other events in other groupings."""
    of = fmt.program.symbols.of
    think = of.get("</think>", "")
    return [
        ("a" + of.get("<think>", ""), 0, "stop", "recover_if_unclosed"),  # a doubled marker, with text between
        ("word ", 0, "stop", "recover_if_unclosed"),  # token ranges of empty spans at the end
        (f"\n{think}\n\n" + of[fmt.stop_tokens[0]], 438790, "stop", "recover_if_unclosed"),  # an unknown id in a pad
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_l2_chunk_invariance_and_l3_total_and_lossless(name: str) -> None:
    fmt = turnwire.get_format(name)
    by_id, by_text = both("L2 chunk invariance", checks.chunk_invariance, fmt, need=read(fmt))
    run_laws(
        name,
        replies(fmt),
        replace(by_id, need={**read(fmt), "unknown id": 10}),
        by_text,
        Law("L3 total, lossless", partial(checks.lossless, fmt), {**read(fmt), "random ids": 30}),
        examples=share(name),
        regressions=[*broken_before(fmt), *rare(damage(fmt), name)],
    )


@pytest.mark.parametrize("name", FORMATS)
def test_l7_prompt_emission(name: str) -> None:
    fmt = turnwire.get_format(name)
    need = {"TextDelta": 40, **({"ArgumentsDelta": 40} if "call" in frame_kinds(fmt) else {})}
    need |= {"ReasoningDelta": 60} if prefills_reasoning(fmt) else {}
    laws = both("L7 prompt emission", checks.prompt_emission, fmt, need=need)
    run_laws(name, st.tuples(turns(fmt), st.integers(0, 10**6)), *laws, examples=share(name))
