"""A prompt that goes on from another is the prompt that would have been rendered alone: text, ids, runs, masks."""

from __future__ import annotations

import copy
import datetime
import random
from collections import Counter
from typing import Any

import pytest

import turnwire
from tests.families.conversations import CONVERSATIONS
from turnwire import Call, Text, Turn, layout
from turnwire.bytecache import ByteCache
from turnwire.templating import begun
from turnwire.tokenbackend import HfTokenizer
from turnwire.tokens import small_tokenizer

QWEN = turnwire.get_format("qwen3")
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}}}
AGENT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Go."},
    {"role": "assistant", "content": "", "reasoning_content": "Hm.", "tool_calls": [
        {"id": "c1", "function": {"name": "f", "arguments": {"a": 1, "b": [True, 2.0]}}}]},
    {"role": "tool", "tool_call_id": "c1", "content": "one é"},
    {"role": "assistant", "content": "Right.", "tool_calls": [
        {"id": "c2", "function": {"name": "f", "arguments": "{}"}}]},
    {"role": "tool", "tool_call_id": "c2", "content": "two 🙂"},
]  # fmt: skip


def pair(fmt: turnwire.Format) -> tuple[HfTokenizer, HfTokenizer]:
    """Two of a kind, the second of which remembers nothing."""
    warm, cold = (HfTokenizer(small_tokenizer(fmt).backend) for _ in range(2))  # type: ignore[attr-defined]
    fmt.bind(cold).prompts = ByteCache(0)
    return warm, cold


def said(out: turnwire.Rendered) -> Any:
    return out.text, out.symbols, out.ids, out.runs, out.mask("sampled"), out._starts, out._pieces, out.extents()


def same(fmt: turnwire.Format, tokenizers: Any, messages: Any, tools: Any, **options: Any) -> bool | None:
    """Whether both render the same; None if both refuse alike."""
    found: list[Any] = []
    for tokenizer in tokenizers:
        try:
            found.append(said(fmt.render(messages, tools, tokenizer, **options)))
        except turnwire.TurnwireError as e:
            found.append((type(e), str(e)))
    assert found[0] == found[1]
    return None if isinstance(found[0][0], type) else True


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_every_format_goes_on_as_it_would_begin(name: str) -> None:
    fmt = turnwire.get_format(name)
    tokenizers = pair(fmt)
    counts: Counter[str] = Counter()
    for n, c in enumerate(CONVERSATIONS[turnwire.list_formats().index(name) % 3 :: 3]):
        for end in range(1, len(c["messages"]) + 1):
            for add in (False, True) if n % 7 == 0 else (bool(end % 2),):
                prompt = {"add_generation_prompt": add}
                counts[str(same(fmt, tokenizers, c["messages"][:end], c["tools"], **prompt))] += 1
    if fmt.layout.whole is None:
        info = fmt.bind(tokenizers[0]).prompts.info()
        print(f"{name}: {dict(counts)}, {info.hits} went on from another")
        assert info.hits >= 10 and counts["True"] >= 30


def test_random_edits() -> None:
    rng = random.Random(3)
    edits: Counter[str] = Counter()

    def edit(messages: list[dict[str, Any]]) -> str:
        kind = rng.choice(("add", "add", "cut", "text", "true", "order", "parts", "again"))
        at = rng.randrange(len(messages))
        calls = [
            c["function"]
            for m in messages
            for c in m.get("tool_calls", ())
            if isinstance(c["function"]["arguments"], dict)
        ]
        if kind == "add":
            messages += copy.deepcopy(AGENT[2:4] if rng.random() < 0.7 else [AGENT[1]])
        elif kind == "cut":
            del messages[rng.randint(min(2, len(messages)), len(messages)) :]
            while messages[-1]["role"] == "tool":
                messages.pop()
        elif kind == "text":
            messages[at]["content"] = rng.choice(("x", "", "<think>\nz\n</think>\n\ny", "é", "<|im_end|>"))
        elif kind == "true" and calls:
            rng.choice(calls)["arguments"]["a"] = rng.choice((1, True, 1.0, 0.0, -0.0, "1", None, [1], {"b": 1}))
        elif kind == "order" and calls:
            call = rng.choice(calls)
            call["arguments"] = dict(reversed(call["arguments"].items()))
        elif kind == "parts":
            messages[at] = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
            del messages[at + 1 :]
        return kind

    for name in (
        "qwen3",
        "qwen3.5",
        "harmony",
        "deepseek-v3.2",
        "mistral-v3",
        "glm-4.5",
        "kimi-k2",
        "gemma-4",
        "command-a",
    ):
        fmt = turnwire.get_format(name)
        tokenizers = pair(fmt)
        for _ in range(6):
            messages = copy.deepcopy(AGENT)
            for _ in range(12):
                for _ in range(rng.choice((0, 1, 1, 2))):
                    edits[edit(messages)] += 1
                given = [messages, copy.deepcopy(messages)][rng.randint(0, 1)]  # the very dicts, or others that say it
                edits[
                    f"rendered: {same(fmt, tokenizers, given, rng.choice((None, [TOOL])), add_generation_prompt=True)}"
                ] += 1
        hits = fmt.bind(tokenizers[0]).prompts.info().hits
        edits["hits"] += hits
    print(dict(edits))
    assert edits["rendered: True"] >= 200 and edits["hits"] >= 200


def test_a_message_that_was_changed_is_rendered_as_it_is_now() -> None:
    warm, cold = pair(QWEN)
    messages = copy.deepcopy(AGENT)
    assert same(QWEN, (warm, cold), messages[:2], [TOOL])
    assert same(QWEN, (warm, cold), messages, [TOOL])
    for value in (True, 1.0, 2, "1"):
        messages[2]["tool_calls"][0]["function"]["arguments"]["a"] = value
        assert same(QWEN, (warm, cold), messages, [TOOL])
    assert QWEN.bind(warm).prompts.info().hits == 5  # each begins as the first one did, which is shorter


def test_options_tools_and_the_day_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, options in (
        ("qwen3", ({}, {"enable_thinking": False}, {"split_reasoning": False})),
        ("harmony", ({"now": "2026-01-15"}, {"now": "2026-01-16"}, {"now": "2026-01-16", "reasoning_effort": "high"})),
    ):
        fmt = turnwire.get_format(name)
        tokenizers = pair(fmt)
        for given in (*options, *reversed(options)):
            for tools in (None, [TOOL], [{**TOOL, "function": {**TOOL["function"], "description": "d"}}]):
                assert same(fmt, tokenizers, AGENT, tools, **given)
    granite, tokenizers = turnwire.get_format("granite-3.3"), pair(turnwire.get_format("granite-3.3"))

    class Later(datetime.date):
        @classmethod
        def today(cls) -> datetime.date:
            return datetime.date(2031, 5, 4)

    said = [granite.render(AGENT[1:2], tokenizer=tokenizers[0]).text]
    monkeypatch.setattr(layout, "date", Later)
    monkeypatch.setattr(begun, "date", Later)
    said.append(granite.render(AGENT[1:2], tokenizer=tokenizers[0]).text)
    assert said[0] != said[1] and "May 04, 2031" in said[1]


def test_turns_are_remembered_by_all_that_they_say() -> None:
    warm, cold = pair(QWEN)
    told = [Turn("user", (Text("Go."),))]
    for call in (Call("f", {"a": 1}), Call("f", {"a": True}), Call("f", {"a": 1}, raw='{"a":1}'), Call("f", {"a": 1})):
        messages = [*told, Turn("assistant", (Text("x"), call)), {"role": "tool", "content": "r"}]
        assert same(QWEN, (warm, cold), messages, None)
    assert QWEN.bind(warm).prompts.info().hits == 1  # the last is the first


def test_ids_that_the_caller_changes_are_the_callers() -> None:
    warm, cold = pair(QWEN)
    out = QWEN.render(AGENT[:4], tokenizer=warm)
    out.ids[:] = [0]
    assert same(QWEN, (warm, cold), AGENT, None)


def test_nothing_is_remembered_where_content_is_trusted_or_searched() -> None:
    warm, _ = pair(QWEN)
    QWEN.render(AGENT, tokenizer=warm, trust_content=True)
    QWEN.render(AGENT, tokenizer=warm, forgery="raise")
    QWEN.render(AGENT[:3], tokenizer=warm, continue_final_message=True)
    assert QWEN.bind(warm).prompts.info().currsize == 0
    QWEN.render(AGENT, tokenizer=warm)
    assert QWEN.bind(warm).prompts.info().currsize > 0


def test_the_bound_holds() -> None:
    cache: ByteCache[int, int] = ByteCache(100)
    cache.put_each((n, n, 30) for n in range(5))
    assert cache.get_each([0, 1, 2, 3, 4]) == [None, None, 2, 3, 4]
    cache.put_each([(2, 22, 40), (9, 9, 101)])
    assert cache.get(9, 2) == 22 and cache.get(9) is None
    assert cache.info() == (4, 3, 100, 100)
    cache.put_each([(5, 5, 10)])
    assert cache.get_each([2, 3, 4, 5]) == [22, None, 4, 5] and cache.info().currsize == 80


def test_what_is_the_same() -> None:
    """Equality takes 1 for True, and some fields of parts are left out of it."""
    same_, text = begun._same, Text("a")
    for a, b in (
        (1, True), (1, 1.0), (0.0, -0.0), ([1], (1,)), ({"a": 1, "b": 2}, {"b": 2, "a": 1}), ({"a": 1}, {"a": True}),
        (text, Text("a", prefilled=True)), (text, Text("a", "final")), (Call("f", {"a": 1}), Call("f", {"a": 1}, "id")),
        (Call("f", {"a": 1}), Call("f", {"a": True})), (Call("f", {}), Call("f", {}, raw=" {}")),
    ):  # fmt: skip
        assert not same_(a, b), (a, b)
        assert same_(a, copy.deepcopy(a)) and same_(b, copy.deepcopy(b))


def test_prompts_that_are_kept_at_one_place() -> None:
    """Of one length and with one end: what is kept is compared, not only found."""
    warm, cold = pair(QWEN)
    for letter in "abab":
        asked = [{"role": "user", "content": letter + "." * 200}]
        assert same(QWEN, (warm, cold), asked, None)
        assert same(QWEN, (warm, cold), [*asked, {"role": "assistant", "content": "x"}], None)
    assert len(QWEN.bind(warm).prompts._items) == 2


def test_what_a_prompt_does_not_show_is_reckoned_too() -> None:
    """Pictures, other keys of a message, tools: all that is kept of a prompt counts, and is kept once in a loop."""
    fmt = turnwire.get_format("qwen3-vl-instruct")
    warm, cold = pair(fmt)
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Go."}]
    prompts = fmt.bind(warm).prompts
    for n in range(12):
        picture = {"type": "image_url", "image_url": {"url": f"data:{n}," + "A" * (300_000 + n)}}
        messages += [{**AGENT[2], "metadata": {"blob": "B" * 300_000}}, {**AGENT[3], "content": [picture]}]
        assert same(fmt, (warm, cold), messages, [TOOL], add_generation_prompt=True)
        kept = [kept for kept, _ in prompts._items.values()]
        held = {id(value): len(value) for k in kept for said in k.prints for value in said}
        assert 300_000 * len(messages) // 2 < sum(held.values()) < prompts.info().currsize <= prompts.limit
        assert sum(held.values()) < 310_000 * len(messages)
    assert prompts.info().hits == 11
    big = [{**TOOL, "function": {**TOOL["function"], "description": "d" * 1_000_000}}]
    before = prompts.info().currsize
    assert same(fmt, (warm, cold), AGENT[1:2], big)
    assert prompts.info().currsize - before > 1_000_000 or prompts.info().currsize < before


def test_branches_of_a_conversation_are_kept_beside_each_other() -> None:
    """Several replies to one prompt, in an order of keys that has the text first."""
    warm, cold = pair(QWEN)
    for n in range(2):
        for text in ("yes", "maybe", "certainly"):
            reply = {"content": text, "refusal": None, "role": "assistant", "function_call": None, "tool_calls": None}
            assert same(QWEN, (warm, cold), [AGENT[1], reply, {"content": "Why?", "role": "user"}][: 2 + n], None)
    assert QWEN.bind(warm).prompts.info().hits == 3 and len(QWEN.bind(warm).prompts._items) == 6


def test_a_conversation_with_other_tools_or_options_is_kept_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tools as dicts, as `Tool`s, and none; each prompt goes on from the one before with the same."""
    shared: list[int] = []
    real = begun.Memory.shared
    monkeypatch.setattr(
        begun.Memory, "shared", lambda memory, *given: (shared.append(real(memory, *given)), shared[-1])[1]
    )
    warm, cold = pair(QWEN)
    other = {**TOOL, "function": {**TOOL["function"], "name": "g"}}
    for end in (2, 4, 6):
        for tools, options in (
            ([TOOL], {}), (None, {}), ([turnwire.Tool("g", "d")], {}), ([other], {}),
            ([TOOL], {"split_reasoning": False}),
        ):  # fmt: skip
            assert same(QWEN, (warm, cold), AGENT[:end], tools, **options)
    assert shared[::2] == [*[0] * 5, *[2] * 5, *[4] * 5]  # the others are those of the cold one
    assert QWEN.bind(warm).prompts.info()[:2] == (10, 5)
