"""What a step of a conversation costs, counted: tokens parsed, characters rendered and encoded, messages read, calls of
functions, bytes allocated. Each is the same at a million tokens as at the beginning."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import Any

import pytest

import turnwire
import turnwire.messages
import turnwire.tokenbackend
from tests.counting import calls
from tests.unit.test_loop_cases import TOOL, made
from turnwire import Call, Conversation, Reasoning, Text, Turn
from turnwire.errors import TurnwireError
from turnwire.parsers.stream import Parser
from turnwire.spans import Rendered

TURNS, TOKENS = 200, 5_000
EARLY, LATE = range(8, 20), range(TURNS - 12, TURNS)


class Loop:
    """An agent's loop with large replies and results, a step at a time; no text was seen before."""

    def __init__(self, source: str, tokens: int):
        fmt, tokenizer = made(source)
        self.loop = Conversation(fmt, tokenizer, [TOOL])
        self.loop.add([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])
        prompt = self.loop.prompt()
        for parts in ((Call("f", {"a": "long"}),), (Reasoning("r"), Call("f", {"a": "long"})), (Text("long"),)):
            try:
                reply = fmt.render_reply(Turn("assistant", parts), tokenizer, [TOOL], prompt=prompt).ids
                break
            except TurnwireError:
                continue
        else:
            raise AssertionError(source)
        (word,) = tokenizer.encode("a")
        at = len(reply) - 6 if parts[-1].kind == "text" else next(
            n for n in range(len(reply)) if fmt.bind(tokenizer).decode(reply[: n + 1]).endswith("long"))  # fmt: skip
        self.reply = [*reply[: at + 1], *[word] * tokens, *reply[at + 1 :]]
        self.calls = parts[-1].kind == "call"
        self.n = 0

    def step(self) -> int:
        """One step; how many ids it added."""
        self.n += 1
        before = len(self.loop)
        turn = self.loop.sampled(self.reply, finish_reason="tool_calls" if self.calls else "stop")
        content = f"{self.n:06d} is the number"
        if self.calls:
            (call,) = turn.calls
            assert call.complete
            self.loop.add(
                [{"role": "tool", "name": "f", "content": content, **({"tool_call_id": call.id} if call.id else {})}]
            )
        else:
            self.loop.add([{"role": "user", "content": content}])
        delta = self.loop.delta()
        assert delta.kept == before + len(self.reply) and len(self.loop) == delta.kept + len(delta.ids)
        return len(self.loop) - before


def counting(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts of the work that is done from now on."""
    work: Counter[str] = Counter()
    feed, begin = Parser.feed, Rendered.__init__
    backend = turnwire.tokenbackend.HfTokenizer
    encode, read = backend.encode, turnwire.messages._read  # pyright: ignore[reportPrivateUsage]

    def fed(self: Parser, ids: Any) -> Any:
        work["tokens parsed"] += len(ids)
        return feed(self, ids)

    def begun(self: Rendered, stretches: Any, *args: Any, **kwargs: Any) -> None:
        text: str | None = kwargs.get("text")
        work["characters rendered"] += sum(len(s[0]) for s in stretches) if text is None else len(text)
        begin(self, stretches, *args, **kwargs)

    def encoded(self: Any, text: str, *args: Any) -> list[int]:
        work["characters encoded"] += len(text)
        return encode(self, text, *args)

    def reading(message: Any, *args: Any) -> Any:
        work["messages read"] += 1
        return read(message, *args)

    monkeypatch.setattr(Parser, "feed", fed)
    monkeypatch.setattr(Rendered, "__init__", begun)
    monkeypatch.setattr(backend, "encode", encoded)
    monkeypatch.setattr(turnwire.messages, "_read", reading)
    return work


@pytest.mark.parametrize("source", ["format qwen3", "format harmony", "format kimi-k2", "format mistral-v13",
                                    "template qwen3", "template kimi-k2"])  # fmt: skip
def test_work_of_a_step_is_that_of_its_new_tokens(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 turns, a million tokens of history."""
    loop = Loop(source, TOKENS)
    work = counting(monkeypatch)
    steps: list[Counter[str]] = []
    for _ in range(TURNS):
        work.clear()
        loop.step()
        steps.append(Counter(work))
    assert len(loop.loop) >= 1_000_000
    for key in ("tokens parsed", "characters rendered", "characters encoded"):
        early, late = ([steps[n][key] for n in part] for part in (EARLY, LATE))
        assert max(late) <= max(early) + 8, key  # a number has more digits
        assert max(late) <= 2 * len(loop.reply) + 2_000, key
    assert max(s["messages read"] for s in steps[2:]) <= 4


@pytest.mark.parametrize("source", ["format qwen3", "format kimi-k2", "format glm-4.5", "template qwen3"])
def test_calls_of_a_step_do_not_grow(source: str) -> None:
    loop = Loop(source, 50)
    counts = [calls(loop.step) for _ in range(TURNS)]
    assert max(counts[n] for n in LATE) <= 1.05 * max(counts[n] for n in EARLY)


@pytest.mark.parametrize("source", ["format qwen3", "format kimi-k2", "template qwen3"])
def test_a_step_copies_no_history(source: str) -> None:
    """Bytes that are allocated at once in a step: what is copied shows here, by whatever it is copied."""
    loop = Loop(source, TOKENS)
    peaks: list[int] = []
    tracemalloc.start()
    try:
        for _ in range(60):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            loop.step()
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    assert max(peaks[-12:]) <= 1.1 * max(peaks[5:20])
    assert len(loop.loop) * 8 > 1.2 * max(peaks), "a copy of all ids would have shown"


def test_prompt_copies_all_ids_once_and_nothing_else() -> None:
    loop = Loop("format qwen3", TOKENS)
    for _ in range(40):
        loop.step()
    tracemalloc.start()
    try:
        ids = loop.loop.prompt()
        assert tracemalloc.get_traced_memory()[1] <= 8 * len(ids) * 1.3 + 10_000
    finally:
        tracemalloc.stop()


def test_a_family_that_counts_rounds_reads_one_short_stand_in_for_each_message() -> None:
    """LongCat writes `[Round n]`: a step renders an outline, whose size is that of the number of messages only."""
    fmt = turnwire.get_format("longcat")
    tokenizer = turnwire.small_tokenizer(fmt)
    loop = Conversation(fmt, tokenizer)
    loop.add([{"role": "user", "content": "Hi"}])
    ids = [*tokenizer.encode("word " * 1_000), *fmt.stop_token_ids(tokenizer)[:1]]
    for n in range(30):
        loop.delta()
        loop.sampled(ids, finish_reason="stop")
        loop.add([{"role": "user", "content": f"More {n}" + " again" * 1_000}])
    rendered = 0
    begin = Rendered.__init__

    def begun(self: Rendered, stretches: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal rendered
        rendered += sum(len(s[0]) for s in stretches)
        begin(self, stretches, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rendered, "__init__", begun)
        added = loop.delta().ids
    assert "[Round 30]" in fmt.bind(tokenizer).decode(added)
    assert rendered <= 12 * 6_100 + 30 * 60 * 2  # the new question, some times; the outline
