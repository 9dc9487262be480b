"""What is under the mask is what was sampled, token by token: in loops, and of messages that were there already."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import strategies as st

import turnwire
from tests.agent_loops import split
from tests.laws.law import Report, run_law
from tests.laws.shares import share
from tests.laws.strategies import TOOLS, turns
from turnwire import Call, Conversation, Sample, Text, Turn, samples_from_messages
from turnwire.errors import RefusedTurn, TurnwireError

UNSTOPPED = {"apertus": "results stand in the turn of their calls, and nothing says that the model waits for them"}
SAID = Turn("assistant", (Text("Several ordinary words, of which a model might write some in other tokens."),))
ASKED = {"role": "user", "content": "q"}


def under(sample: Sample, turn: int) -> list[int]:
    return [i for i, m, t in zip(sample.ids, sample.mask, sample.turns) if m and t == turn]


def follows(turn: Turn) -> list[dict[str, Any]]:
    """Results of all complete calls, or a question."""
    calls = [c for c in turn.calls if c.complete]
    made = [{"role": "tool", "tool_call_id": c.id, "name": c.name, "content": "r"} for c in calls]
    return [{k: v for k, v in m.items() if v is not None} for m in made] or [ASKED]


def check(fmt: turnwire.Format, tokenizer: Any, case: tuple[list[Turn], Any, bool], report: Report) -> None:
    said, rng, odd = case
    control = frozenset(i for t in fmt.control if (i := tokenizer.special(t)) is not None)
    stops = fmt.stop_token_ids(tokenizer)
    loop = Conversation(fmt, tokenizer, TOOLS)
    loop.add([ASKED])
    wrote: dict[int, list[int]] = {}
    own = True
    try:
        for turn in said:
            prompt = loop.prompt()
            ids = fmt.render_reply(turn, tokenizer, TOOLS, prompt=prompt).ids
            reply = split(ids, tokenizer, control, rng) if odd else ids
            own = own and reply == ids
            wrote[len(loop.messages)] = reply
            loop.add(follows(loop.sampled(reply, [-1.0] * len(reply), "stop")))
    except TurnwireError:
        report.admit(False)
        if not wrote:
            return
    report.admit(True)
    report.see("the tokenizer's own" if own else "other tokens", f"{len(wrote)} turns")
    (sample,) = loop.samples()
    assert {t: under(sample, t) for t in wrote} == wrote
    decode = fmt.bind(tokenizer).decode
    assert decode([i for i, m in zip(sample.ids, sample.mask) if m]) == decode([i for r in wrote.values() for i in r])
    assert all((x is None) != m for x, m in zip(sample.logprobs, sample.mask))
    assert sample.split()["completion_ids"][: len(next(iter(wrote.values())))] == next(iter(wrote.values()))
    kept = [i for i in sample.labels() if i != -100]
    assert kept == [i for r in wrote.values() for i in r]
    # one turn as messages: what the model would have written behind that prompt, and the token that ends it
    turn = loop.messages[1]
    try:
        prompt = fmt.render([ASKED], TOOLS, tokenizer, add_generation_prompt=True)
        ids = fmt.render_reply(turn, tokenizer, TOOLS, prompt=prompt).ids
        (made,) = samples_from_messages(fmt, [ASKED, turn], TOOLS, tokenizer, history="exact")
    except (RefusedTurn, TurnwireError):
        return
    report.see("messages")
    masked = under(made, 1)
    assert masked[: len(ids)] == ids and len(masked) - len(ids) in (0, 1)
    last = turn.parts[-1] if turn.parts else None
    if isinstance(last, Call) or (isinstance(last, Text) and last.text.strip() and last.channel in (None, "final")):
        (whole,) = samples_from_messages(fmt, [ASKED, turn], TOOLS, tokenizer)
        assert fmt.name in UNSTOPPED or (under(whole, 1)[-1] in stops and masked[-1] in stops)
        report.see("a template's end")


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_the_mask_is_what_was_sampled(name: str) -> None:
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    cases = st.tuples(st.lists(turns(fmt), min_size=1, max_size=3), st.randoms(use_true_random=False), st.booleans())
    need = {"messages": 60, "other tokens": 30, "a template's end": 30}
    run_law("mask", name, cases, lambda case, report: check(fmt, tokenizer, case, report), need=need,
            admitted=0.8, examples=max(4, share(name) // 10), shrink=False,
            regressions=[([SAID], random.Random(0), True)])  # fmt: skip


def test_a_mask_without_the_end_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    fmt = turnwire.get_format("glm-4.5")
    tokenizer = turnwire.small_tokenizer(fmt)
    monkeypatch.setattr("turnwire.supervised._end", lambda *_: None)
    cases = st.tuples(st.lists(turns(fmt), min_size=1, max_size=1), st.randoms(), st.just(False))
    with pytest.raises(AssertionError):
        run_law("mask, mutant", "glm-4.5", cases,
                lambda case, report: check(fmt, tokenizer, case, report), examples=20, shrink=False)  # fmt: skip
