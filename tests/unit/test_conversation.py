"""Conversation, its samples, and prefix_stability: what a caller does with them, and gets wrong."""

from __future__ import annotations

import random
from typing import Any

import pytest

import turnwire
from tests.agent_loops import brute
from tests.families import official
from turnwire import Call, ChatTemplate, Conversation, Reasoning, Text, Turn, prefix_stability
from turnwire.errors import HistoryError, InputError, MaskError, OptionError, TurnwireError
from turnwire.stability import KINDS, stability_of

QWEN = turnwire.get_format("qwen3")
TOK = turnwire.small_tokenizer(QWEN)
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def begun(history: Any = "exact", fmt: turnwire.Format = QWEN) -> Conversation:
    conversation = Conversation(fmt, turnwire.small_tokenizer(fmt), [TOOL], history=history)
    conversation.add(user("Hi"))
    return conversation


def reply(conversation: Conversation, *parts: Any) -> list[int]:
    fmt, tok = conversation.format, conversation.tokenizer
    return fmt.render_reply(Turn("assistant", parts), tok, [TOOL], prompt=conversation.prompt()).ids


def text(conversation: Conversation) -> str:
    return conversation.format.bind(conversation.tokenizer).decode(conversation.ids)


def test_a_loop() -> None:
    c = begun()
    prompt = c.prompt()
    first = reply(c, Reasoning("hm"), Call("f", {"a": 1}))
    turn = c.sampled(first, [-0.5] * len(first), "stop")
    assert turn.calls[0].arguments == {"a": 1}
    c.add([{"role": "tool", "content": "sunny"}])
    second = c.prompt()
    assert second[: len(prompt) + len(first)] == prompt + first
    assert text(c).endswith("<tool_response>\nsunny\n</tool_response><|im_end|>\n<|im_start|>assistant\n")
    c.sampled(reply(c, Text("Sunny.")), finish_reason="stop")
    (sample,) = c.samples()
    kept = [i for i, m in zip(sample.ids, sample.mask) if m]
    assert c.format.bind(TOK).decode(kept) == (
        '<think>\nhm\n</think>\n\n<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call><|im_end|>'
        "Sunny.<|im_end|>"
    )
    assert {t for t in sample.turns if t is not None} == {1, 3}
    assert sample.logprobs[len(prompt)] == -0.5 and sample.logprobs[-1] is None
    assert {p for p, t in zip(sample.parts, sample.turns) if t == 1} == {None, 0, 1}


def test_history_that_the_template_rewrites() -> None:
    """QwenLM/Qwen3 issue 1826: old reasoning goes as soon as a question comes."""
    by: dict[str, Conversation] = {}
    for history in ("exact", "template", "segment"):
        c = by[history] = begun(history)
        c.sampled(reply(c, Reasoning("hm"), Text("Yo")), finish_reason="stop")
        c.add(user("More"))
        c.prompt()
        c.sampled(reply(c, Text("Ok")), finish_reason="stop")
    assert "hm" in text(by["exact"]) and not by["exact"].rewritten
    assert text(by["template"]) == text(by["segment"]) and "hm" not in text(by["template"])
    (what,) = by["template"].rewritten
    assert (what.message, what.was[:7], what.now[:2]) == (1, "<think>", "Yo")
    assert what.token == len(begun().prompt())
    assert len(by["template"].samples()) == 1
    first, second = by["segment"].samples()
    said = [[i for i, m in zip(s.ids, s.mask) if m] for s in (first, second)]
    decode = QWEN.bind(TOK).decode
    assert [decode(ids) for ids in said] == ["<think>\nhm\n</think>\n\nYo<|im_end|>", "Ok<|im_end|>"]


def test_a_turn_that_was_cut_goes_on() -> None:
    c = begun()
    whole = reply(c, Text("Once upon a time"))
    assert c.sampled(whole[:2], [-1.0] * 2, "length").text
    assert c.prompt() == c.ids
    turn = c.sampled(whole[2:], finish_reason="stop")
    assert turn.text == "Once upon a time" and len(c.messages) == 2
    (sample,) = c.samples()
    assert sum(sample.mask) == len(whole) and sample.logprobs[sample.mask.index(True)] == -1.0


def test_a_cut_turn_that_does_not_go_on_is_ended() -> None:
    c = begun()
    whole = reply(c, Text("Once upon a time"))
    c.sampled(whole[:2], finish_reason="length")
    c.add(user("Go on"))
    c.prompt()
    assert text(c).count("<|im_end|>\n<|im_start|>user\nGo on") == 1
    (sample,) = c.samples()
    assert sum(sample.mask) == 2  # the stop token was not sampled


@pytest.mark.parametrize(
    "cut", ["hm", "hm<|END_THINKING|>", "hm<|END_THINKING|><|START_TEXT|>", "hm<|END_THINKING|><|START_TEXT|>Y"]
)
def test_a_cut_turn_is_ended_as_prompts_show_it(cut: str) -> None:
    """CohereLabs/North-Mini-Code-1.0, lines 240-247: behind reasoning alone stands a text of no characters."""
    fmt = turnwire.get_format("north-mini-code")
    tok = turnwire.small_tokenizer(fmt)
    c = Conversation(fmt, tok)
    c.add(user("Hi"))
    c.prompt()
    c.sampled(fmt.encode(fmt.program.symbolise(cut), tok), finish_reason="length")
    c.add(user("Go on"))
    assert c.prompt() == fmt.render(c.messages, None, tok, add_generation_prompt=True).ids


def test_a_missing_and_a_doubled_stop_token() -> None:
    """huggingface/trl issue 5317: what stands between a reply and what follows it."""
    c = begun()
    ids = reply(c, Text("Yo"))
    c.sampled(ids[:-1], finish_reason="stop")
    c.add(user("More"))
    c.prompt()
    assert text(c).endswith("Yo<|im_end|>\n<|im_start|>user\nMore<|im_end|>\n<|im_start|>assistant\n")


def test_a_stop_token_that_opens_the_next_turn_is_not_written_twice() -> None:
    """huggingface/trl issue 6044: GLM's turns end where the next one begins."""
    fmt = turnwire.get_format("glm-4.5")
    c = begun(fmt=fmt)
    ids = reply(c, Text("Yo"))
    user_token = c.tokenizer.special("<|user|>")
    assert user_token is not None
    c.sampled([*[i for i in ids if i != user_token], user_token], finish_reason="stop")
    c.add(user("More"))
    c.prompt()
    assert text(c).count("<|user|>") == 2
    d = begun(fmt=fmt)
    called = reply(d, Call("f", {}))
    d.sampled([*[i for i in called if i not in fmt.stop_token_ids(d.tokenizer)], user_token], finish_reason="stop")
    d.add([{"role": "tool", "content": "r"}])
    with pytest.raises(HistoryError, match=r"ends in '<\|user\|>'"):
        d.prompt()


def test_forks_and_rewinds() -> None:
    c = begun()
    a, b = c.fork(), c.fork()
    a.sampled(reply(a, Text("A")), finish_reason="stop")
    b.sampled(reply(b, Text("B")), finish_reason="stop")
    assert a.ids != b.ids and len(c.messages) == 1
    a.add(user("x"))
    a.sampled(reply(a, Text("C")), finish_reason="stop")
    assert a.rewind().ids == a.ids[: len(a.rewind().ids)]
    assert a.rewind(2).ids == c.prompt()
    again = a.rewind()
    again.sampled(reply(again, Text("D")), finish_reason="stop")
    assert text(again).endswith("D<|im_end|>") and text(a).endswith("C<|im_end|>")
    with pytest.raises(HistoryError, match="fewer than 3"):
        a.rewind(3)


def test_a_template_needs_no_format() -> None:
    tpl = ChatTemplate(official.template("qwen3"), eos_token="<|im_end|>")
    tok = turnwire.small_tokenizer(QWEN)
    c = Conversation(tpl, tok, [TOOL])
    c.add(user("Hi"))
    first = c.prompt()
    ids = QWEN.render_reply(Turn("assistant", (Call("f", {"a": 1}),)), tok, prompt=first).ids
    assert c.sampled(ids, finish_reason="stop").calls[0].arguments == {"a": 1}
    c.add([{"role": "tool", "content": "r"}])
    mine = begun()
    mine.prompt()
    mine.sampled(ids, finish_reason="stop")
    mine.add([{"role": "tool", "content": "r"}])
    assert c.prompt() == mine.prompt()


def test_results_out_of_order() -> None:
    fmt = turnwire.get_format("kimi-k2")
    c = begun(fmt=fmt)
    turn = c.sampled(reply(c, Call("f", {"a": 1}), Call("f", {"a": 2})), finish_reason="tool_calls")
    one, two = (call.id for call in turn.calls)
    c.add(
        [{"role": "tool", "tool_call_id": two, "content": "2"}, {"role": "tool", "tool_call_id": one, "content": "1"}]
    )
    c.prompt()
    shown = text(c)
    assert shown.count(str(one)) == 2 and shown.count(str(two)) == 2  # in the call, and with its result


def test_samples_for_trainers() -> None:
    c = begun()
    ids = reply(c, Text("Yo"))
    c.sampled(ids, [-0.1] * len(ids), "stop")
    (sample,) = c.samples()
    row = sample.to_dict()
    assert {k: len(v) for k, v in row.items()} == dict.fromkeys(row, len(sample))
    assert [x for x in row["labels"] if x != -100] == ids and sum(row["assistant_masks"]) == len(ids)
    parts = sample.split()
    assert parts["completion_ids"] == ids and parts["logprobs"] == [-0.1] * len(ids)
    assert parts["prompt_ids"] + parts["completion_ids"] == c.ids


@pytest.mark.parametrize(
    ("error", "match", "wrong"),
    [
        (OptionError, "history", lambda c: Conversation(QWEN, TOK, history="exactly")),
        (InputError, "not a list", lambda c: c.add("Hi")),
        (HistoryError, "no prompt", lambda c: c.sampled([1])),
        (InputError, "2 logprobs of 1", lambda c: (c.prompt(), c.sampled([1], [0.0, 0.0]))),
        (TurnwireError, "finish reason", lambda c: (c.prompt(), c.sampled([1], None, "stopped"))),
        (MaskError, "nothing was sampled", lambda c: c.samples()),
        (HistoryError, "nothing was added", lambda c: (c.prompt(), c.sampled(reply(c, Text("x"))), c.prompt())),
        (HistoryError, "sampled there already",
         lambda c: (c.prompt(), c.sampled(reply(c, Text("x"))), c.sampled([1]))),
        (HistoryError, "not answered", lambda c: (c.prompt(), c.add(user("more")), c.prompt())),
        (HistoryError, "no turn of the assistant", lambda c: QWEN.extend([1, 2], user("x"), tokenizer=TOK)),
    ],
)  # fmt: skip
def test_bad_input(error: type[Exception], match: str, wrong: Any) -> None:
    with pytest.raises(error, match=match):
        wrong(begun())


def test_stability() -> None:
    """QwenLM/Qwen3 issue 1826, lmstudio-ai/mlx-engine issue 176: the template drops old reasoning, at this line."""
    tpl = ChatTemplate(official.template("qwen3"), eos_token="<|im_end|>")
    ours = {s.kind: s for s in prefix_stability(QWEN)}
    theirs = {s.kind: s for s in prefix_stability(tpl)}
    assert {k: s.stable for k, s in ours.items()} == {k: s.stable for k, s in theirs.items()}
    assert ours["a developer message behind text"].refused and theirs["a developer message behind text"].refused
    assert ours["a system message behind text"].stable and not ours["the second of two results behind the first"].stable
    broken = theirs["a question behind reasoning and text"]
    assert broken.was.startswith("<think>") and broken.now.startswith("t<|im_end|>") and broken.turn == 1
    line = tpl.source.split("\n")[(broken.line or 0) - 1]
    assert "content" in line
    assert ours["results behind reasoning and calls"].stable
    unstable = [s.kind for s in prefix_stability(turnwire.get_format("mistral-v3")) if not s.stable and not s.refused]
    assert unstable == [
        "results and a question behind calls", "a question behind a call, its results and text",
        "a question behind a question",
    ]  # fmt: skip


@pytest.mark.parametrize("name", turnwire.list_formats()[::9])
def test_stability_is_what_other_texts_show(name: str) -> None:
    """Against conversations with other texts: what is stable never changes, what is not always does."""
    fmt, rng = turnwire.get_format(name), random.Random(name)
    for kind in KINDS:
        found = stability_of(fmt, kind, {})
        if found is not None and not found.refused:
            seen = [brute(fmt, kind, rng) for _ in range(2)]
            assert all(s is None or s == found.stable for s in seen), kind.name
