"""Loops of an agent, over all formats: the next prompt starts with what was sent and sampled, whatever the model wrote
and however its tokens were cut; where the family's template only appends, it is the whole conversation's prompt."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

import turnwire
from tests.families import official
from tests.laws.law import reports
from tests.laws.shares import full
from tests.laws.strategies import frame_kinds
from turnwire import Call, Conversation, Reasoning, Text, Turn
from turnwire.errors import HistoryError, RefusedTurn, TurnwireError

TOOLS = [
    {"type": "function", "function": {"name": name, "description": "d", "parameters": {
        "type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer"}}}}}
    for name in ("look", "find")
]  # fmt: skip
WORDS = ("Oslo", "7 × 13", "\n", "{", "</", "<|", "é", "<tool_call>", "it is", "  ")


def said(rng: random.Random) -> str:
    return "".join(rng.choice(WORDS) for _ in range(rng.randint(1, 5)))


def turns(rng: random.Random, kinds: set[str]) -> Turn:
    """A reply."""
    parts: list[Any] = []
    if "reasoning" in kinds and rng.random() < 0.5:
        parts.append(Reasoning("r " + said(rng) + "."))
    if rng.random() < 0.5 or "call" not in kinds:
        parts.append(Text("t " + said(rng) + "."))
    if "call" in kinds and rng.random() < 0.6:
        for _ in range(rng.choice((1, 1, 2))):
            parts.append(Call(rng.choice(("look", "find")), {"a": said(rng), "n": rng.randint(0, 9)}))
    return Turn("assistant", tuple(parts) or (Text("t"),))


def split(ids: list[int], tokenizer: Any, control: frozenset[int], rng: random.Random) -> list[int]:
    """The same text in other tokens, as models sample it: pieces of ordinary tokens, encoded by themselves."""
    out: list[int] = []
    for i in ids:
        piece = tokenizer.piece(i)
        if i in control or rng.random() < 0.7 or piece is None or not piece.isascii() or len(piece) < 2:
            out.append(i)
            continue
        text = piece.decode()
        at = rng.randint(1, len(text) - 1)
        out += tokenizer.encode(text[:at]) + tokenizer.encode(text[at:])
    return out


def loop(fmt: turnwire.Format, tokenizer: Any, rng: random.Random, counts: Counter[str], *, odd: bool) -> None:
    """One conversation of 3 to 8 turns. `odd`: other tokens, damaged and truncated replies."""
    conversation = Conversation(fmt, tokenizer, TOOLS)
    conversation.add([{"role": "user", "content": said(rng)}])
    control = frozenset(i for t in fmt.control if (i := tokenizer.special(t)) is not None)
    sent: list[int] = []
    for _ in range(rng.randint(3, 8)):
        try:
            prompt = conversation.prompt()
        except HistoryError:  # a stop token that the next turn cannot begin with
            counts["refused"] += 1
            return
        assert prompt[: len(sent)] == sent, "drift"
        assert conversation.prompt() == prompt
        try:
            reply = fmt.render_reply(turns(rng, frame_kinds(fmt)), tokenizer, TOOLS, prompt=prompt).ids
        except RefusedTurn:
            reply = fmt.render_reply(Turn("assistant", (Text("t"),)), tokenizer, prompt=prompt).ids
        finish: Any = "stop"
        if odd:
            reply = split(reply, tokenizer, control, rng)
            if rng.random() < 0.2:
                reply, finish = reply[: rng.randint(1, len(reply))], "length"
            elif rng.random() < 0.2:
                at = rng.randrange(len(reply))
                reply = reply[:at] + reply[at + 1 :] or reply
            elif rng.random() < 0.2:
                reply = reply[:-1]  # the engine took the stop token off
        logprobs = [-rng.random() for _ in reply]
        turn = conversation.sampled(reply, logprobs, finish)
        sent = [*prompt, *reply]
        counts["turns"] += 1
        counts[finish] += 1
        assert conversation.ids == sent
        parser = fmt.parser(tokenizer, TOOLS, prompt)
        parser.feed(reply)
        parser.close(finish)
        assert parser.turn == turn
        calls = [c for c in turn.calls if c.complete]
        counts["calls"] += len(calls)
        if calls:
            results = [{"role": "tool", "tool_call_id": c.id, "name": c.name, "content": said(rng)} for c in calls]
            conversation.add([{k: v for k, v in r.items() if v is not None} for r in results])
        else:
            conversation.add([{"role": "user", "content": said(rng)}])
    (sample,) = conversation.samples()
    assert len(sample) == len(conversation.ids) and sample.ids == conversation.ids
    assert sum(sample.mask) > 0 and all((x is not None) == m for x, m in zip(sample.logprobs, sample.mask))
    assert [i for i, m in zip(sample.ids, sample.mask) if m] == sampled_of(conversation)


def sampled_of(conversation: Conversation) -> list[int]:
    last = conversation._last  # pyright: ignore[reportPrivateUsage]
    pieces = [p.ids for p in last.chain() if p.turn is not None] if last is not None else []
    return [i for ids in reversed(pieces) for i in ids]


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_no_drift(name: str) -> None:
    """Non-canonical tokens, odd spacing, cut and damaged replies."""
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    counts: Counter[str] = Counter()
    for seed in range(12 if full(name) else 4):
        loop(fmt, tokenizer, random.Random(f"{name} {seed}"), counts, odd=True)
    reports.append(f"conversation {name}: {dict(sorted(counts.items()))}")
    assert counts["turns"] >= 8 and counts["refused"] <= 0.2 * counts["turns"]


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_what_is_appended_is_what_the_whole_prompt_has(name: str) -> None:
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    counts: Counter[str] = Counter()
    for seed in range(12 if full(name) else 4):
        rng = random.Random(f"{name} {seed}")
        messages: list[Any] = [{"role": "user", "content": said(rng)}]
        turn = turns(rng, frame_kinds(fmt))
        try:
            prompt = fmt.render(messages, TOOLS, tokenizer, add_generation_prompt=True)
            reply = fmt.render_reply(turn, tokenizer, TOOLS, prompt=prompt)
            read = fmt.parse(reply.ids, TOOLS, prompt, tokenizer, "stop").turn
        except TurnwireError:
            counts["refused"] += 1
            continue
        new = [{"role": "tool", "content": said(rng)} for c in read.calls if c.complete]
        new = new or [{"role": "user", "content": said(rng)}]
        sent = [*prompt.ids, *reply.ids]
        try:
            whole = fmt.render([*messages, read, *new], TOOLS, tokenizer, add_generation_prompt=True).ids
        except TurnwireError:
            counts["refused"] += 1
            continue
        longer = fmt.extend(sent, new, tokenizer=tokenizer, tools=TOOLS)
        added = longer[len(sent) :]
        assert longer[: len(sent)] == sent
        if whole[: len(sent)] == sent:
            assert longer == whole
            counts["appended, equal"] += 1
        else:
            counts["rewritten, the rest equal" if whole[-len(added) :] == added else "rewritten, tools moved"] += 1
    reports.append(f"extend {name}: {dict(sorted(counts.items()))}")
    assert counts.total() - counts["refused"] >= 1
    assert not counts["rewritten, tools moved"] or "mistral" in name or "magistral" in name


def test_a_parser_that_loses_a_token_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant re-renders what was sampled."""
    fmt = turnwire.get_format("qwen3")
    tokenizer = turnwire.small_tokenizer(fmt)

    def rendered(self: Conversation) -> list[int]:
        whole = self.format.render(self.messages, self.tools, self.tokenizer, add_generation_prompt=True).ids
        self._last = None  # pyright: ignore[reportPrivateUsage]
        return whole

    monkeypatch.setattr(Conversation, "_behind", rendered)
    with pytest.raises((AssertionError, TurnwireError)):
        for seed in range(20):
            loop(fmt, tokenizer, random.Random(seed), Counter(), odd=True)


@pytest.mark.parametrize("name", ["qwen3", "harmony", "glm-4.5", "gemma-4", "mistral-v13", "kimi-k2", "deepseek-v3.1"])
def test_with_real_tokenizers(name: str) -> None:
    fmt, tokenizer = official.format_of(name), official.tokenizer(name)
    counts: Counter[str] = Counter()
    for seed in range(10):
        loop(fmt, tokenizer, random.Random(f"{name} {seed}"), counts, odd=True)
    reports.append(f"conversation {name}, real tokenizer: {dict(sorted(counts.items()))}")
    assert counts["turns"] >= 20
