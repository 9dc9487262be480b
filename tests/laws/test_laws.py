"""L1 to L3, L6 and L7 of every format (L4 is in families/test_forgery.py, L5 in families/test_*_parity.py)."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

import turnwire
from tests.laws import checks
from tests.laws.law import ADMITTED, EXAMPLES, run_law
from tests.laws.shares import rare, share
from tests.laws.strategies import damaged, frame_kinds, parallel, prefills_reasoning, turns
from turnwire import Text, Turn
from turnwire.wire import Slot, walk

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


def untyped(fmt: turnwire.Format) -> bool:
    """Whether a value inside an object that no schema describes comes back as text, and an odd key not at all."""
    return any(getattr(w.codec, "untyped", False) for w in walk(fmt.reply) if isinstance(w, Slot))


def replies(fmt: turnwire.Format) -> st.SearchStrategy[tuple[str, int, str, str]]:
    """A damaged reply, a seed for cutting it, how it ended, the policy for calls in reasoning."""
    return st.tuples(damaged(fmt), st.integers(0, 10**6), finishes, policies)


@pytest.mark.parametrize("by", ["ids", "text"])
@pytest.mark.parametrize("name", FORMATS)
def test_l1_round_trip(name: str, by: str) -> None:
    fmt = turnwire.get_format(name)
    run_law(
        f"L1 round trip by {by}",
        name,
        turns(fmt, surrogates=True),
        lambda turn, report: checks.round_trip(fmt, turn, report, by),
        need=hard(fmt),
        admitted=(ADMITTED if not untyped(fmt) else BY_TEXT)
        if by == "ids"
        else BY_TEXT
        if share(name) == EXAMPLES
        else BY_TEXT - 0.1,
        examples=share(name),
        regressions=rare([surrogate(fmt)], name),
    )


def surrogate(fmt: turnwire.Format) -> Turn:
    """A turn with a lone surrogate in it."""
    return Turn("assistant", (Text("a\ud800", "final" if "preamble" in frame_kinds(fmt) else None),))


def broken_before(fmt: turnwire.Format) -> list[tuple[str, int, str, str]]:
    """Replies that once gave other events in other groupings."""
    of = fmt.program.symbols.of
    think = of.get("</think>", "")
    return [
        ("a" + of.get("<think>", ""), 0, "stop", "recover_if_unclosed"),  # a doubled marker, with text between
        ("word ", 0, "stop", "recover_if_unclosed"),  # token ranges of empty spans at the end
        (f"\n{think}\n\n" + of[fmt.stop_tokens[0]], 438790, "stop", "recover_if_unclosed"),  # an unknown id in a pad
    ]


@pytest.mark.parametrize("by", ["ids", "text"])
@pytest.mark.parametrize("name", FORMATS)
def test_l2_chunk_invariance(name: str, by: str) -> None:
    fmt = turnwire.get_format(name)
    run_law(
        f"L2 chunk invariance by {by}",
        name,
        replies(fmt),
        lambda example, report: checks.chunk_invariance(fmt, example, report, by),
        need={**read(fmt), **({"unknown id": 10} if by == "ids" else {})},
        examples=share(name),
        regressions=broken_before(fmt),
    )


@pytest.mark.parametrize("name", FORMATS)
def test_l3_total_and_lossless(name: str) -> None:
    fmt = turnwire.get_format(name)
    run_law(
        "L3 total, lossless",
        name,
        replies(fmt),
        lambda example, report: checks.lossless(fmt, example, report),
        need={**read(fmt), "random ids": 30},
        examples=share(name),
    )


@pytest.mark.parametrize("by", ["ids", "text"])
@pytest.mark.parametrize("name", FORMATS)
def test_l7_prompt_emission(name: str, by: str) -> None:
    fmt = turnwire.get_format(name)
    need = {"TextDelta": 40, **({"ArgumentsDelta": 40} if "call" in frame_kinds(fmt) else {})}
    need |= {"ReasoningDelta": 60} if prefills_reasoning(fmt) else {}
    run_law(
        f"L7 prompt emission by {by}",
        name,
        st.tuples(turns(fmt), st.integers(0, 10**6)),
        lambda example, report: checks.prompt_emission(fmt, example, report, by),
        need=need,
        examples=share(name),
    )
