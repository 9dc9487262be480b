"""L1 to L3, L6 and L7 of every format (L4 is in families/test_forgery.py, L5 in families/test_*_parity.py)."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

import turnwire
from tests.laws import checks
from tests.laws.law import ADMITTED, run_law
from tests.laws.strategies import damaged, prefills_reasoning, turns

FORMATS = turnwire.list_formats()
# Hypothesis draws constants from the modules that are loaded, so the mix moves: minimums are well under what is met.
HARD = {"text": 50, "call": 40, "marker in text": 20, "half marker": 20, "lone surrogate": 3, "parallel calls": 10}
finishes = st.sampled_from(("stop", "tool_calls", "length", "abort", None))
policies = st.sampled_from(("recover_if_unclosed", "recover", "ignore"))


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
        need=HARD,
        admitted=ADMITTED if by == "ids" else 0.8,
    )


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
        need={"Fault": 30, "CallEnd": 20, "TextDelta": 30, **({"unknown id": 10} if by == "ids" else {})},
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
        need={"Fault": 30, "CallEnd": 20, "TextDelta": 30, "random ids": 30},
    )


@pytest.mark.parametrize("by", ["ids", "text"])
@pytest.mark.parametrize("name", FORMATS)
def test_l7_prompt_emission(name: str, by: str) -> None:
    fmt = turnwire.get_format(name)
    need = {"ArgumentsDelta": 60, "TextDelta": 60, **({"ReasoningDelta": 60} if prefills_reasoning(fmt) else {})}
    run_law(
        f"L7 prompt emission by {by}",
        name,
        st.tuples(turns(fmt), st.integers(0, 10**6)),
        lambda example, report: checks.prompt_emission(fmt, example, report, by),
        need=need,
    )
