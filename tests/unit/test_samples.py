"""Samples: masks, weights, logprobs of fields, and what callers get wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest

import turnwire
from tests.families import official
from turnwire import Call, ChatTemplate, Conversation, Reasoning, Sample, Text, Turn, samples_from_messages
from turnwire.errors import InputError, MaskError, NoTokenizer, OptionError, RefusedTurn, TurnwireError

QWEN = turnwire.get_format("qwen3")
TOK = turnwire.small_tokenizer(QWEN)
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "get_weather", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}}}  # fmt: skip
CALL = {"function": {"name": "get_weather", "arguments": {"city": "Oslo", "days": 3}}}
MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "Rain in Oslo?"},
    {"role": "assistant", "reasoning_content": "Look it up.", "content": "Let me see.", "tool_calls": [CALL]},
    {"role": "tool", "content": "No."},
    {"role": "assistant", "content": "No rain."},
    {"role": "user", "content": "Thanks"},
    {"role": "assistant", "content": "Welcome."},
]


def shown(ids: list[int]) -> str:
    return QWEN.bind(TOK).decode(ids)


def counted(sample: Sample) -> str:
    return shown([i for i, w in zip(sample.ids, sample.loss_weights) if w])


def sampled() -> Sample:
    loop = Conversation(QWEN, TOK, [TOOL])
    loop.add(MESSAGES[:1])
    turn = Turn("assistant", (Reasoning("Look it up."), Call("get_weather", {"city": "Oslo", "days": 3})))
    ids = QWEN.render_reply(turn, TOK, [TOOL], prompt=loop.prompt()).ids
    loop.sampled(ids, [-float(n) for n in range(len(ids))], "stop")
    (sample,) = loop.samples()
    return sample


def test_logprobs_of_fields() -> None:
    sample = sampled()
    first = sample.mask.index(True)
    for path, text, own in (
        ("reasoning", "Look it up.\n", "Look it up"),  # `.` and the line end are one token
        ("calls[0].name", "get_weather", "get_weather"),
        ("calls[0].arguments.city", ' "Oslo",', "Oslo"),
        ("calls[0].arguments.days", "3", "3"),
        ("calls[0].arguments", ' {"city": "Oslo", "days": 3}}\n', 'city": "Oslo", "days": 3'),
    ):
        ((start, stop),) = sample.tokens_of(1, path)
        assert shown(sample.ids_of(1, path)) == shown(sample.ids[start:stop]) == text
        assert sample.logprobs_of(1, path) == [-float(n - first) for n in range(start, stop)]
        (place,) = [p for p in sample.places if p.path == path]
        assert shown(sample.ids[slice(*place.own)]) == own
        assert sample.logprobs_of(1, path, own=True) == [-float(n - first) for n in range(*place.own)]


def test_arrays_and_rows() -> None:
    np = pytest.importorskip("numpy")
    datasets = pytest.importorskip("datasets")
    sample = sampled()
    arrays = sample.to_numpy()
    assert {len(a) for a in arrays.values()} == {len(sample)}
    assert arrays["input_ids"].tolist() == sample.ids and arrays["sampled"].tolist() == sample.mask
    assert arrays["turns"].dtype == np.int32 and set(arrays["turns"].tolist()) == {-1, 1}
    assert np.isnan(arrays["logprobs"]).tolist() == [not m for m in sample.mask]
    table = datasets.Dataset.from_list([sample.to_dict(), sample.to_dict()])
    assert table[1]["labels"] == sample.labels() and set(table.column_names) == set(sample.to_dict())
    full = datasets.Dataset.from_list([sample.to_dict(full=True)])[0]
    assert full["turns"] == sample.turns and full["logprobs"] == pytest.approx(sample.logprobs)
    assert [p["path"] for p in full["places"]] == [p.path for p in sample.places]


def test_messages_as_the_template_has_them() -> None:
    (sample,) = samples_from_messages(QWEN, MESSAGES, [TOOL], TOK)
    out = QWEN.render(MESSAGES, [TOOL], TOK)
    assert (sample.ids, sample.mask) == (out.ids, out.mask("sampled")) and not sample.weights
    assert {t for t in sample.turns if t is not None} == {1, 3, 5}
    assert shown(sample.ids_of(1, "calls[0].name")) == "get_weather" and counted(sample).endswith("Welcome.<|im_end|>")
    with pytest.raises(InputError, match=r"no field 'reasoning'"):  # the template has dropped it
        sample.tokens_of(1, "reasoning")


def test_messages_as_they_would_have_been_sampled() -> None:
    (exact,) = samples_from_messages(QWEN, MESSAGES, [TOOL], TOK, history="exact")
    assert shown(exact.ids_of(1, "reasoning")) == "Look it up.\n"
    first, second = samples_from_messages(QWEN, MESSAGES, [TOOL], TOK, history="segment")
    assert counted(first).startswith("<think>") and "No rain.<|im_end|>" in counted(first)
    assert counted(second) == "Welcome.<|im_end|>" and "<think>" not in shown(second.ids)


def test_a_template_gives_the_same_as_its_format() -> None:
    tpl = ChatTemplate(official.template("qwen3"), eos_token="<|im_end|>")
    (ours,) = samples_from_messages(QWEN, MESSAGES, None, TOK)
    (theirs,) = samples_from_messages(tpl, MESSAGES, None, TOK)
    kept = [[i for i, m in zip(s.ids, s.mask) if m] for s in (ours, theirs)]
    assert kept[0] == kept[1] and set(filter(None, ours.turns)) == set(filter(None, theirs.turns))


def test_nothing_in_front_of_a_block_that_the_template_makes_up_was_sampled() -> None:
    """inclusionAI/Ring-2.6-1T, lines 48-97: a line end, and an empty think block for reasoning of line ends alone."""
    fmt = turnwire.get_format("ring-2.6")
    tok = turnwire.small_tokenizer(fmt)
    turn = Turn("assistant", (Reasoning("\n"), Text("Yo")))
    (sample,) = samples_from_messages(fmt, [MESSAGES[0], turn], None, tok)
    said = fmt.bind(tok).decode([i for i, m in zip(sample.ids, sample.mask) if m])
    assert said == "Yo<|role_end|>"


def test_weights_of_messages_and_parts() -> None:
    given = [*MESSAGES[:-1], {**MESSAGES[-1], "weight": 0}]  # as in OpenAI's format for fine-tuning
    (sample,) = samples_from_messages(QWEN, given, [TOOL], TOK)
    assert counted(sample).endswith("No rain.<|im_end|>") and sum(sample.mask) > sum(sample.loss_mask)
    assert sample.labels()[-2] == -100 and shown(sample.ids_of(5, "text")) == "Welcome."
    (last,) = samples_from_messages(QWEN, MESSAGES, [TOOL], TOK, train_on="last_assistant_message")
    assert counted(last) == "Welcome.<|im_end|>"
    (turn,) = samples_from_messages(QWEN, MESSAGES[:4], [TOOL], TOK, train_on="last_assistant_turn")
    assert counted(turn).startswith("<think>") and counted(turn).endswith("No rain.<|im_end|>")
    kinds = {"reasoning": 0, "markup": 0.5, "call": 2}
    (parts,) = samples_from_messages(QWEN, MESSAGES[:2], [TOOL], TOK, part_weights=kinds)
    by = {w: shown([i for i, x in zip(parts.ids, parts.weights) if x == w]) for w in sorted(set(parts.weights))}
    assert by[2.0].strip() == '{"city": "Oslo", "days": 3}}' and by[1.0] == "Let me see.\n"
    assert "<think>" in by[0.5] and "<|im_end|>" in by[0.5] and "Look" not in by[0.5]
    (exact,) = samples_from_messages(
        QWEN, MESSAGES, [TOOL], TOK, history="exact", weights=[None, 0, None, 0.25, None, 1]
    )
    assert counted(exact) == "No rain.<|im_end|>Welcome.<|im_end|>" and set(exact.weights) == {0.0, 0.25, 1.0}


def test_a_sum_of_zero_is_an_error() -> None:
    """marin-community/marin issue 7237: masks of zeros, and no error."""
    cases: list[Any] = [
        lambda: samples_from_messages(QWEN, MESSAGES[:1], None, TOK),
        lambda: samples_from_messages(QWEN, [MESSAGES[0], {**MESSAGES[3], "weight": 0}], None, TOK),
        lambda: samples_from_messages(QWEN, MESSAGES[:2], [TOOL], TOK, history="exact", weights=[None, 0]),
        lambda: Sample([1, 2], [False, False]).labels(),
        lambda: Sample([1, 2], [False, True], weights=[0.0, 0.0]).to_dict(),
        lambda: Sample([1], [False]).to_numpy(),
        lambda: Sample([1], [False], [None], [None], [None]).split(),
        lambda: turnwire.pack([Sample([1, 2], [False, False], logprobs=[None, None])], 8),
        lambda: turnwire.trainers.trl_sft(Sample([1], [False])),
    ]
    for case in cases:
        with pytest.raises(MaskError):
            case()


def test_logprobs_that_are_missing() -> None:
    sample = Sample([1, 2, 3], [False, True, True], [None, 1, 1], [None] * 3, [None, -0.5, None])
    with pytest.raises(InputError, match="1 sampled tokens have no logprob, token 2 first"):
        sample.split()
    sample.logprobs = [None] * 3
    assert sample.split()["logprobs"] is None and turnwire.trainers.trl_rollout([sample])["logprobs"] is None
    sample.logprobs = [None, -0.5, -0.25]
    assert sample.split()["logprobs"] == [-0.5, -0.25]


@pytest.mark.parametrize(
    ("error", "match", "wrong"),
    [
        (NoTokenizer, "samples are of ids", lambda: samples_from_messages(QWEN, MESSAGES)),
        (OptionError, "history does not take", lambda: samples_from_messages(QWEN, MESSAGES, None, TOK, history="x")),  # type: ignore[arg-type]
        (OptionError, "train_on does not take", lambda: samples_from_messages(QWEN, MESSAGES, None, TOK, train_on="")),  # type: ignore[arg-type]
        (InputError, "weight of a user message",
         lambda: samples_from_messages(QWEN, [{**MESSAGES[0], "weight": 1}, MESSAGES[3]], None, TOK)),
        (InputError, "not a weight: nan",
         lambda: samples_from_messages(QWEN, [MESSAGES[0], {**MESSAGES[3], "weight": math.nan}], None, TOK)),
        (InputError, "1 weights of 6", lambda: samples_from_messages(QWEN, MESSAGES, None, TOK, weights=[1])),
        (InputError, "no kind of part 'reason'.*did you mean 'reasoning'",
         lambda: samples_from_messages(QWEN, MESSAGES, None, TOK, part_weights={"reason": 0})),
        (InputError, r"did you mean 'calls\[0\].name'", lambda: sampled().tokens_of(1, "call[0].name")),
        (InputError, "a message that was sampled: 1", lambda: sampled().tokens_of(2, "text")),
        (InputError, "no logprob",
         lambda: samples_from_messages(QWEN, MESSAGES, [TOOL], TOK)[0].logprobs_of(3, "text")),
        (InputError, "no length", lambda: turnwire.pack([], 0)),
        (OptionError, "overlong does not take", lambda: turnwire.pack([], 8, overlong="cut")),  # type: ignore[arg-type]
        (InputError, "at most 8", lambda: turnwire.pack([sampled()], 8)),
        (InputError, "no logprobs were given",
         lambda: turnwire.trainers.prime_rl_sample(samples_from_messages(QWEN, MESSAGES, [TOOL], TOK)[0])),
    ],
)  # fmt: skip
def test_bad_input(error: type[TurnwireError], match: str, wrong: Any) -> None:
    with pytest.raises(error, match=match):
        wrong()


def test_interleaved_parts_have_a_range_each() -> None:
    """can1357/oh-my-pi issue 3541: reasoning, text, reasoning, text."""
    fmt = turnwire.get_format("harmony")
    tokenizer = turnwire.small_tokenizer(fmt)
    loop = Conversation(fmt, tokenizer)
    loop.add(MESSAGES[:1])
    parts = (Reasoning("one"), Text("two", "commentary"), Reasoning("three"), Text("four", "final"))
    ids = fmt.render_reply(Turn("assistant", parts), tokenizer, prompt=loop.prompt()).ids
    loop.sampled(ids, [-1.0] * len(ids), "stop")
    (sample,) = loop.samples()
    decode = fmt.bind(tokenizer).decode
    assert [decode(sample.ids[a:b]) for a, b in sample.tokens_of(1, "reasoning")] == ["one", "three"]
    assert [decode(sample.ids[a:b]) for a, b in sample.tokens_of(1, "text")] == ["two", "four"]
    assert len(sample.logprobs_of(1, "text")) == sum(b - a for a, b in sample.tokens_of(1, "text"))


@pytest.mark.parametrize("history", ["exact", "segment"])
def test_a_turn_without_a_place_is_named_by_its_message(history: Any) -> None:
    fmt = turnwire.get_format("llama-3.1")
    messages = [{"role": "user", "content": "Go"}, {"role": "assistant", "reasoning_content": "Hm.", "content": "No."}]
    with pytest.raises(RefusedTurn, match="no place for 'reasoning'") as caught:
        samples_from_messages(fmt, messages, None, turnwire.small_tokenizer(fmt), history=history)
    assert caught.value.path == "messages[1]" and caught.value.refusal is not None
