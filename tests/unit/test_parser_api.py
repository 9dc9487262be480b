"""The parser as its users hold it: streams, options, start states, what calls are worth; and the values it deals in."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import json
import pickle
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from json import decoder as json_decoder
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwire
from tests.laws.checks import everything, merged, to_ids
from turnwire import Call, Media, Reasoning, Result, Text, Turn
from turnwire.errors import ClosedParser, RefusedTurn, StrictFault
from turnwire.events import (
    ArgumentsDelta,
    CallEnd,
    CallStart,
    Event,
    Fault,
    Markup,
    PartEnd,
    PartStart,
    ReasoningDelta,
    TextDelta,
    TurnEnd,
)
from turnwire.format import Format
from turnwire.turns import Violation

FORMATS = ["qwen3", "qwen3-instruct-2507", "qwen3-thinking-2507", "qwen3-coder", "qwen3.5", "harmony"]
XML = ("qwen3-coder", "qwen3.5")
USER = {"role": "user", "content": "Hi"}
CITY = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]}
WEATHER: list[dict[str, Any]] = [{"name": "weather", "parameters": CITY}]


def get(name: str) -> Format:
    return turnwire.get_format(name)


def some_turn(fmt: Format, *calls: Call) -> Turn:
    """Reasoning where the format has it, text, calls."""
    calls = calls or (Call("f", {"a": "é🙂", "b": "[1, null]"}), Call("g", {}))
    channel = "commentary" if fmt.name == "harmony" else None
    parts = (Reasoning("So, 漢字."), Text("Well: ", channel), *calls)
    return Turn("assistant", parts if fmt.admits(Turn("assistant", parts)) is None else parts[1:])


def spelled(fmt: Format, text: str, tok: Any) -> list[int]:
    """The ids of a text in which control tokens are spelled out."""
    return to_ids(fmt, fmt.program.symbolise(text), tok)


def calls_of(events: list[Event]) -> list[CallEnd]:
    return [e for e in events if isinstance(e, CallEnd)]


# Streams.


@pytest.mark.parametrize("name", FORMATS)
def test_stream_takes_ids_lists_and_strings(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    out = fmt.render_reply(some_turn(fmt), tok)
    want = fmt.parse(out.ids, tokenizer=tok, finish_reason="stop")
    for pieces in (
        out.ids,
        iter(out.ids),
        [out.ids],
        [out.ids[:3], out.ids[3], tuple(out.ids[4:])],
        [[], *out.ids, []],
    ):
        p = fmt.parser(tok)
        events = list(p.stream(pieces, "stop"))
        assert merged(events) == merged(want.events) and p.turn == want.turn == some_turn(fmt)
        with pytest.raises(ClosedParser):
            p.close()
    want = fmt.parse(out.text, finish_reason="stop")
    for texts in ([out.text], list(out.text), ["", out.text, ""], iter(out.text)):
        p = fmt.parser()
        assert merged(list(p.stream(texts, "stop"))) == merged(want.events) and p.turn == want.turn
    assert isinstance(list(fmt.parser().stream([]))[-1], TurnEnd)


def test_stream_yields_as_it_reads() -> None:
    taken: list[str] = []

    def source() -> Iterator[str]:
        for word in ("Hel", "lo ", "there"):
            taken.append(word)
            yield word

    p = get("qwen3").parser()
    stream = p.stream(source())
    assert isinstance(next(stream), PartStart) and taken == ["Hel"]
    assert isinstance(next(stream), TextDelta) and taken == ["Hel"]
    assert isinstance(next(stream), TextDelta) and taken == ["Hel", "lo "]


def closed(p: turnwire.Parser) -> bool:
    try:
        p.feed_text("")
    except ClosedParser:
        return True
    return False


def test_stream_closes_when_its_source_fails() -> None:
    class Lost(Exception):
        pass

    def source() -> Iterator[str]:
        yield "abc"
        raise Lost

    for strict in (False, True):
        p = get("qwen3").parser(strict=strict)
        got: list[Event] = []
        with pytest.raises(Lost):
            for event in p.stream(source(), "stop"):
                got.append(event)
        assert closed(p) and p.turn == Turn("assistant", (Text("abc"),))
        assert not any(isinstance(e, TurnEnd) for e in got)


def test_stream_closes_when_it_is_left() -> None:
    p = get("qwen3").parser()
    stream = p.stream(iter(["<tool_call>\n", '{"name": "f", "arguments": {"a": 1', "}}\n</tool_call>"]))
    for event in stream:
        if isinstance(event, CallStart):
            break
    stream.close()
    assert closed(p)
    (call,) = p.turn.calls
    assert not call.complete  # what was not read cannot make it complete

    p = get("qwen3").parser()
    with pytest.raises(StrictFault):
        list(get("qwen3").parser(strict=True).stream(["<tool_call>x", "</tool_call>"]))
    p = get("qwen3").parser(strict=True)
    with pytest.raises(StrictFault):
        for _ in p.stream(["<tool_call>{]", "y"]):
            pass
    assert closed(p)


async def arrive(*pieces: Any, error: BaseException | None = None) -> AsyncIterator[Any]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece
    if error is not None:
        raise error


@pytest.mark.parametrize("name", FORMATS)
def test_astream(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    out = fmt.render_reply(some_turn(fmt), tok)

    async def run() -> None:
        events = [e async for e in fmt.parser(tok).astream(arrive(*out.ids), "stop")]
        assert events == list(fmt.parser(tok).stream(out.ids, "stop"))
        events = [e async for e in fmt.parser(tok).astream(arrive(out.ids[:5], *out.ids[5:]), "stop")]
        assert merged(events) == merged(fmt.parse(out.ids, tokenizer=tok, finish_reason="stop").events)
        events = [e async for e in fmt.parser().astream(arrive(*out.text))]
        assert events == list(fmt.parser().stream(out.text))

        for error in (OSError("lost"), asyncio.CancelledError(), KeyboardInterrupt()):
            p = fmt.parser(tok)
            with pytest.raises(type(error)):
                async for _ in p.astream(arrive(*out.ids[:9], error=error)):
                    pass
            assert closed(p)

        p = fmt.parser(tok)
        stream = p.astream(arrive(*out.ids))
        async for event in stream:
            if isinstance(event, (TextDelta, ReasoningDelta)):
                break
        await stream.aclose()  # type: ignore[attr-defined]
        assert closed(p)

    asyncio.run(run())


# strict, keep_turn, new_id, calls.


def test_strict_raises_the_first_fault_and_only_then() -> None:
    for name in FORMATS:
        fmt = get(name)
        text = fmt.render_reply(some_turn(fmt)).text
        assert fmt.parse(text, strict=True, finish_reason="stop").turn == some_turn(fmt)
        for cut in range(len(text)):
            loose = fmt.parse(text[:cut], finish_reason="length")
            if not loose.faults:
                assert fmt.parse(text[:cut], finish_reason="length", strict=True).events == loose.events
                continue
            with pytest.raises(StrictFault) as caught:
                fmt.parse(text[:cut], finish_reason="length", strict=True)
            assert caught.value.fault == loose.faults[0] and loose.faults[0].code in str(caught.value)


def growth(fmt: Format, keep: bool, unit: str, times: int, by_ids: bool) -> int:
    """Bytes that a parser comes to hold over `times` repetitions of `unit`: all but what json's own decoder holds,
    whose memo comes and goes with what ran before."""
    tok = turnwire.small_tokenizer(fmt)
    p = fmt.parser(tok if by_ids else None, keep_turn=keep)
    pieces: Any = spelled(fmt, unit, tok) if by_ids else list(unit)

    def feed(n: int) -> None:
        for _ in range(n):
            for piece in pieces:
                p.feed([piece]) if by_ids else p.feed_text(piece)

    feed(20)
    tracemalloc.start()
    feed(times)
    held = tracemalloc.take_snapshot()
    tracemalloc.stop()
    ours = held.filter_traces(
        [tracemalloc.Filter(False, name) for name in (json_decoder.__file__, tracemalloc.__file__)]
    )
    return sum(trace.size for trace in ours.traces)


UNITS = {
    "qwen3": 'Some words, é🙂.\n<tool_call>\n{"name": "f", "arguments": {"a": [1, "x"]}}\n</tool_call>\n',
    "qwen3-coder": "Words.\n\n<tool_call>\n<function=f>\n<parameter=a>\n12\n</parameter>\n</function>\n</tool_call>",
    "harmony": '<|channel|>commentary to=functions.f<|message|>{"a": 1}<|call|><|start|>assistant',
}


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("by_ids", [True, False])
def test_keep_turn_false_does_not_grow(name: str, by_ids: bool) -> None:
    fmt = get(name)
    kept = growth(fmt, True, UNITS[name], 150, by_ids)
    not_kept = growth(fmt, False, UNITS[name], 150, by_ids)
    assert not_kept < 6_000 < kept, (not_kept, kept)
    text = growth(fmt, False, "only words, and no end of them. " if name != "harmony" else UNITS[name], 150, by_ids)
    assert text < 6_000, text


@pytest.mark.parametrize("name", FORMATS)
def test_keep_turn_false_says_the_same(name: str) -> None:
    fmt = get(name)
    text = fmt.render_reply(some_turn(fmt)).text
    p = fmt.parser(keep_turn=False)
    events = list(p.stream([text], "stop"))
    assert events == fmt.parse(text, finish_reason="stop").events
    assert p.turn == Turn("assistant")


@pytest.mark.parametrize("name", FORMATS)
def test_new_id(name: str) -> None:
    fmt = get(name)
    text = fmt.render_reply(some_turn(fmt)).text
    result = fmt.parse(text, finish_reason="stop", new_id=lambda index: f"id-{index}")
    assert [c.id for c in result.turn.calls] == ["id-0", "id-1"]
    assert [(e.index, e.id) for e in result.events if isinstance(e, CallStart)] == [(0, "id-0"), (1, "id-1")]
    assert [e.call.id for e in calls_of(result.events)] == ["id-0", "id-1"]
    assert [c.id for c in fmt.parse(text).turn.calls] == [None, None]


@pytest.mark.parametrize("name", FORMATS)
def test_no_calls_makes_markers_text(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    out = fmt.render_reply(some_turn(fmt), tok)
    by_text = fmt.parse(out.text, calls=False, finish_reason="stop")
    by_ids = fmt.parse(out.ids, tokenizer=tok, calls=False, finish_reason="stop")
    assert by_text.turn == by_ids.turn and not by_text.faults and not by_ids.faults
    assert not by_text.turn.calls
    text = "".join(p.text for p in by_text.turn.parts if isinstance(p, Text))
    if name != "harmony":  # whose calls are known by their header
        assert text == out.text[out.text.index("Well: ") : -len(fmt.stop_tokens[0])]
    assert '"a"' in text or "=a>" in text
    assert fmt.parse("just words", calls=False).turn.text == fmt.parse("just words").turn.text


# Tools: what calls are worth.


def one_call(name: str, arguments: dict[str, Any]) -> dict[str, str]:
    """A call of `name` in each syntax."""
    turn = Turn("assistant", (Call(name, arguments),))
    return {f: get(f).render_reply(turn).text for f in ("qwen3", "qwen3-coder", "harmony")}


def test_statuses() -> None:
    for tools, call, arguments, status, paths in [
        (None, "weather", {"city": "Oslo"}, "complete", []),
        (None, "anything", {"x": "[1]"}, "complete", []),
        ([], "weather", {"city": "Oslo"}, "unknown-tool", ["$"]),
        (WEATHER, "weather", {"city": "Oslo", "days": 3}, "complete", []),
        (WEATHER, "weathr", {"city": "Oslo"}, "unknown-tool", ["$"]),
        (WEATHER, "weather", {"city": "Oslo", "days": "many"}, "invalid", ["$.days"]),
        (WEATHER, "weather", {"days": 3}, "invalid", ["$"]),
        (WEATHER, "weather", {}, "invalid", ["$"]),
    ]:
        for name, text in one_call(call, arguments).items():
            result = get(name).parse(text, tools, finish_reason="stop")
            (end,) = calls_of(result.events)
            assert (end.call.status, [v.path for v in end.call.errors]) == (status, paths), (name, tools, call)
            assert end.complete and end.call is result.turn.calls[0]
            assert end.call.arguments == arguments
            if call == "weathr":
                assert "weather" in end.call.errors[0].message
            assert result.turn.to_openai()["tool_calls"][0]["function"]["name"] == call


def test_one_bad_call_costs_its_siblings_nothing() -> None:
    for name in ("qwen3", "qwen3-coder", "harmony"):
        fmt = get(name)
        calls = [
            Call("weather", {"city": "Oslo"}),
            Call("wether", {}),
            Call("weather", {"city": 5}),
            Call("weather", {"city": "Rom"}),
        ]
        if name == "qwen3-coder":
            calls[2] = Call("weather", {"days": "x"})
        result = fmt.parse(fmt.render_reply(Turn("assistant", tuple(calls))).text, WEATHER, finish_reason="stop")
        assert [c.status for c in result.turn.calls] == ["complete", "unknown-tool", "invalid", "complete"]
        assert [e.index for e in calls_of(result.events)] == [0, 1, 2, 3]


# finish_reason.

REASONS = ("stop", "tool_calls", "length", "abort", None)
ALWAYS, NEVER, ENDED = (True,) * 5, (False,) * 5, (True, True, False, False, False)
INTEGER = [{"name": "f", "parameters": {"properties": {"a": {"type": "integer"}}}}]
HERMES = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}'
CODER = "<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n"
GPT = '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a": 1'
COMPLETE = [
    ("qwen3", HERMES + "\n</tool_call><|im_end|>", ALWAYS),
    ("qwen3", HERMES + "\n</tool_call>", ALWAYS),
    ("qwen3", HERMES + "\n<|im_end|>", NEVER),
    ("qwen3", HERMES, NEVER),
    ("qwen3", HERMES[:-1], NEVER),
    ("qwen3", HERMES[:-2], NEVER),
    ("qwen3-coder", CODER + "</function>\n</tool_call><|im_end|>", ALWAYS),
    ("qwen3-coder", CODER + "</function>\n</tool_call>", ALWAYS),
    ("qwen3-coder", CODER + "</function>\n<|im_end|>", NEVER),
    ("qwen3-coder", CODER + "</function>\n", NEVER),
    ("qwen3-coder", CODER, NEVER),
    ("qwen3-coder", CODER[:-14], NEVER),
    ("harmony", GPT + "}<|call|>", ALWAYS),
    ("harmony", GPT + "}<|return|>", ALWAYS),
    ("harmony", GPT + "}<|end|>", ALWAYS),
    ("harmony", GPT + "}", ENDED),
    ("harmony", GPT, NEVER),
    ("harmony", GPT + "<|call|>", NEVER),
]


@pytest.mark.parametrize("name, text, complete", COMPLETE)
def test_finish_reason_decides_only_what_a_stop_token_could(name: str, text: str, complete: tuple[bool, ...]) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    for reason, want in zip(REASONS, complete):
        for result in (
            fmt.parse(text, INTEGER, finish_reason=reason),  # type: ignore[arg-type]
            fmt.parse(spelled(fmt, text, tok), INTEGER, tokenizer=tok, finish_reason=reason),  # type: ignore[arg-type]
        ):
            (end,) = calls_of(result.events)
            assert end.complete is end.call.complete is want, (reason, text)
            assert (end.call.status in ("incomplete", "unreadable")) is not want
            assert result.events[-1] == TurnEnd(reason, *_place(result.events[-1]))  # type: ignore[arg-type]
            assert bool(end.faults) is not want and list(end.faults) == [f for f in result.faults if f in end.faults]
            sent = result.turn.to_openai()["tool_calls"]
            assert [c["function"]["arguments"] for c in sent] == (['{"a": 1}'] if want else [])
            kept = result.turn.to_openai(incomplete=True)["tool_calls"]
            assert len(kept) == 1 and end.call.raw is not None


def _place(event: Any) -> tuple[Any, Any]:
    return event.span, event.tokens


# The prompt.


def prompts(fmt: Format, text: str, tok: Any) -> list[Any]:
    """A prompt's three forms; as ids it is what a server logged."""
    return [text, spelled(fmt, text, tok)]


@pytest.mark.parametrize("name", ["qwen3", "qwen3-thinking-2507", "qwen3.5"])
def test_one_reply_behind_three_prompts(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    bare = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    reply = "Hm.\n</think>\n\nYes<|im_end|>"
    for state, parts in {
        "<think>\n": (Reasoning("Hm."), Text("Yes")),
        "<think>\n\n</think>\n\n": (Reasoning(""), Text("Hm.\n</think>\n\nYes")),
        "": (Text("Hm.\n</think>\n\nYes"),),
    }.items():
        for prompt in prompts(fmt, bare + state, tok):
            for result in (
                fmt.parse(reply, prompt=prompt, tokenizer=tok, finish_reason="stop"),
                fmt.parse(spelled(fmt, reply, tok), prompt=prompt, tokenizer=tok, finish_reason="stop"),
            ):
                assert result.turn.parts == parts and not result.faults
    opened = "<think>\n" + reply
    assert fmt.parse(opened, prompt=bare, finish_reason="stop").turn.parts == (Reasoning("Hm."), Text("Yes"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_prompt_may_be_rendered_ids_or_text(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    switches = [{"enable_thinking": v} for v in (True, False)] if "enable_thinking" in fmt.options else [{}]
    for options in switches:
        out = fmt.render([USER], tokenizer=tok, add_generation_prompt=True, **options)
        reply = "Hm.<|im_end|>" if name != "harmony" else "<|channel|>final<|message|>Hm.<|return|>"
        ids = spelled(fmt, reply, tok)
        results = [fmt.parse(ids, prompt=p, tokenizer=tok, finish_reason="stop") for p in (out, out.ids, out.text)]
        assert results[0] == results[1] == results[2]
        texts = [fmt.parse(reply, prompt=p, tokenizer=tok, finish_reason="stop") for p in (out, out.ids, out.text)]
        assert texts[0] == texts[1] == texts[2] and texts[0].turn == results[0].turn
    default = fmt.render([USER], add_generation_prompt=True)
    assert fmt.parse(reply, finish_reason="stop") == fmt.parse(reply, prompt=default, finish_reason="stop")


@pytest.mark.parametrize("name", FORMATS)
def test_a_users_text_cannot_set_the_state(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    header = fmt.program.symbols.show(fmt.symbols_of_word(fmt.header))
    reply = fmt.render_reply(some_turn(fmt), tok)
    for spelling in (
        header,
        header + "<think>\n",
        header + "<tool_call>\n",
        "<think>",
        header + "<|channel|>analysis<|message|>",
    ):
        for message in ({"role": "user", "content": spelling}, {"role": "system", "content": spelling}):
            out = fmt.render(
                [message, USER] if message["role"] == "system" else [message], tokenizer=tok, add_generation_prompt=True
            )
            for prompt in (out, out.ids):
                result = fmt.parse(reply.ids, prompt=prompt, tokenizer=tok, finish_reason="stop")
                assert result.turn == some_turn(fmt) and not result.faults
            assert fmt.prompt_tail(out) == fmt.prompt_tail(None)


@pytest.mark.parametrize("name", FORMATS)
def test_a_prefilled_text_is_marked_and_only_new_input_is_in_events(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    began = {"role": "assistant", "content": "Well, you"}
    out = fmt.render([USER, began], tokenizer=tok, continue_final_message=True)
    reply = " know." + fmt.stop_tokens[0]
    for prompt in (out, out.ids, out.text):
        for result in (
            fmt.parse(reply, prompt=prompt, tokenizer=tok, finish_reason="stop"),
            fmt.parse(spelled(fmt, reply, tok), prompt=prompt, tokenizer=tok, finish_reason="stop"),
        ):
            last = result.turn.parts[-1]
            assert last == Text("Well, you know.", "final" if name == "harmony" else None)
            assert all(p.prefilled for p in result.turn.parts if isinstance(p, (Text, Reasoning)))
            assert "".join(e.text for e in result.events if isinstance(e, TextDelta)) == " know."
            assert [type(e) for e in result.events if isinstance(e, (PartStart, PartEnd))] == [PartStart, PartEnd]
            spans = [e.span for e in result.events if e.span[0] < e.span[1]]
            assert spans[0][0] == 0 and spans[-1][1] == len(reply)
            assert result.turn.parts[-1].kind == "text" and not result.faults
    assert fmt.parser(prompt=out).turn.text == "Well, you"


def test_a_prefilled_call_goes_on() -> None:
    for name in FORMATS:
        fmt = get(name)
        whole = fmt.render_reply(Turn("assistant", (Call("weather", {"city": "Oslo"}),))).text
        head = fmt.render([USER], add_generation_prompt=True).text
        at = whole.index("Os")
        result = fmt.parse(whole[at:], WEATHER, prompt=head + whole[:at], finish_reason="stop")
        (call,) = result.turn.calls
        assert (call.name, call.arguments, call.status) == ("weather", {"city": "Oslo"}, "complete"), name
        assert not result.faults and calls_of(result.events)
        assert [e.name for e in result.events if isinstance(e, CallStart)] == ["weather"]
        spans = [e.span for e in result.events if e.span[0] < e.span[1]]
        assert (spans[0][0], spans[-1][1]) == (0, len(whole) - at)
        assert all(a[1] == b[0] for a, b in pairwise(spans))


@pytest.mark.parametrize("name", FORMATS)
def test_what_was_rendered_goes_on_from_its_prompt(name: str) -> None:
    """`render_reply` behind a prompt writes what is missing, and the parser puts the whole together again."""
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    turn = Turn("assistant", (Text("Well, you know.", "final" if name == "harmony" else None),))
    prompt = fmt.render(
        [USER, {"role": "assistant", "content": "Well, you"}], tokenizer=tok, continue_final_message=True
    )
    rest = fmt.render_reply(turn, tok, prompt=prompt)
    assert rest.text == " know." + fmt.stop_tokens[0]
    got = fmt.parse(rest.ids, prompt=prompt, tokenizer=tok, finish_reason="stop").turn
    assert got.parts[-1:] == turn.parts
    with pytest.raises(RefusedTurn):
        fmt.render_reply(Turn("assistant", (Text("No."),)), prompt=prompt)


# Values: turns, calls.

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_maybe = st.none() | _text
_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_text, inner, max_size=2),
    max_leaves=4,
)
_texts = st.builds(Text, _text, _maybe, _maybe, st.booleans())
_media = st.builds(Media, st.sampled_from(["image", "video", "audio"]), _json)
_calls = st.builds(
    Call, _maybe, st.none() | st.dictionaries(_text, _json, max_size=2), _maybe,
    st.none() | _text | st.dictionaries(_text, _text, max_size=2), _maybe,
    st.sampled_from(["complete", "incomplete", "unreadable", "unknown-tool", "invalid"]),
    st.lists(st.builds(Violation, _text, _text, st.booleans()), max_size=2).map(tuple), st.booleans(),
)  # fmt: skip
_results = st.builds(Result, st.lists(_texts | _media, max_size=3).map(tuple), _maybe, _maybe)
_parts = st.one_of(_texts, st.builds(Reasoning, _text, st.booleans()), _calls, _results, _media)
_turns = st.builds(Turn, _text, st.lists(_parts, max_size=4).map(tuple))


@given(_turns)
@settings(max_examples=300, deadline=None)
def test_to_dict_is_lossless(turn: Turn) -> None:
    d = turn.to_dict()
    assert everything(Turn.from_dict(d)) == everything(turn)
    assert everything(Turn.from_dict(json.loads(json.dumps(d)))) == everything(turn)
    assert Turn.from_dict(copy.deepcopy(d)).to_dict() == d
    assert everything(pickle.loads(pickle.dumps(turn))) == everything(turn)


def test_a_media_source_may_be_anything() -> None:
    class Picture:
        def __eq__(self, other: object) -> Any:
            raise ValueError("ambiguous, as an array's")

        __hash__ = None  # type: ignore[assignment]

    picture = Picture()
    d = Turn("user", (Media("image", picture),)).to_dict()
    assert d["parts"][0]["source"] is picture
    assert Turn.from_dict(d).parts[0].source is picture  # type: ignore[union-attr]


@pytest.mark.parametrize("name", FORMATS)
def test_a_turn_and_its_dict_are_messages(name: str) -> None:
    fmt = get(name)
    turn = some_turn(fmt)
    as_turn = fmt.render([USER, turn])
    assert (
        fmt.render([USER, turn.to_dict()]).text
        == fmt.render([USER, json.loads(json.dumps(turn.to_dict()))]).text
        == as_turn.text
    )
    if [p.kind for p in turn.parts] == sorted((p.kind for p in turn.parts), key=["reasoning", "text", "call"].index):
        assert fmt.render([USER, turn.to_openai()]).text == as_turn.text
    parsed = fmt.parse(fmt.render_reply(turn).text, finish_reason="stop").turn
    assert fmt.render([USER, parsed]).text == as_turn.text


def test_to_openai() -> None:
    call = Call("f", {"a": "é"}, "x1", json='{"a":"é"}')
    turn = Turn("assistant", (Reasoning("a"), Reasoning("b"), Text("c"), Text("d"), call, Call("g", {})))
    lost: list[str] = []
    assert turn.to_openai(lost=lost) == {
        "role": "assistant",
        "content": "cd",
        "reasoning_content": "ab",
        "tool_calls": [
            {"id": "x1", "type": "function", "function": {"name": "f", "arguments": '{"a":"é"}'}},
            {"id": "call_1", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    }
    assert lost == []
    empty = Turn("assistant", (Text(""), Reasoning(""))).to_openai()
    assert (empty["content"], empty["reasoning_content"], empty["tool_calls"]) == (None, None, [])


@pytest.mark.parametrize(
    "parts, said",
    [
        ((Call("f", {}), Text("x")), "order"),
        ((Text("x"), Reasoning("y")), "order"),
        ((Text("x", "commentary"), Text("y", "final")), "channels"),
        ((Text("x", "analysis", "python"),), "'python'"),
        ((Call("f", {}, status="incomplete"),), "incomplete"),
        ((Call("f", {}), Call("f", {}, status="incomplete")), "incomplete"),  # equal, but for what counts
        ((Call(None, None, status="unreadable"),), "unreadable"),
        ((Text("x"), Media("image", "y")), "media"),
        ((Result((Text("x"),)),), "result"),
    ],
)
def test_to_openai_says_what_it_loses(parts: tuple[Any, ...], said: str) -> None:
    lost: list[str] = []
    Turn("assistant", parts).to_openai(lost=lost)
    assert len(lost) == 1 and said in lost[0]
    if said == "incomplete":
        lost = []
        kept = Turn("assistant", parts).to_openai(incomplete=True, lost=lost)["tool_calls"]
        assert len(kept) == len(parts) and not lost


JSON_SPELLINGS = ['{ "a" :1 , "b":[ ]}', '{"a":1e2,"b":1.50,"é":"\\u00e9\\/"}', "{}", "{ }", '{"a": "\\ud83d\\ude42"}',
                  '{\n  "a": {\n    "b": null\n  }\n}', '{"a":"</tool_call>"}', '{"x":-0.0,"y":1E+2}',
                  '{"a": 1, "a": 2}']  # fmt: skip
RAW_VALUES = ["True", "1e5", " 5 ", "02134", "null", "None", "", " ", "\n", "a\n\nb\n", '{"a" :1}', "[1,2 ]",
              '"quoted"', "1.50", "<b>&amp;</b>", "false", "-0", "９", "NaN", "é\r\n"]  # fmt: skip


@pytest.mark.parametrize("spelling", JSON_SPELLINGS)
def test_json_arguments_render_as_the_model_wrote_them(spelling: str) -> None:
    for name, text in (
        ("qwen3", f'<tool_call>\n{{"name": "f", "arguments": {spelling}}}\n</tool_call><|im_end|>'),
        ("harmony", f" to=functions.f<|channel|>commentary <|constrain|>json<|message|>{spelling}<|call|>"),
    ):
        fmt = get(name)
        result = fmt.parse(text, finish_reason="stop")
        assert [f.code for f in result.faults] == (["duplicate-key"] if spelling == JSON_SPELLINGS[-1] else [])
        (call,) = result.turn.calls
        assert call.arguments_json == spelling == call.raw
        assert "".join(e.json for e in result.events if isinstance(e, ArgumentsDelta)) == spelling
        assert json.loads(spelling) == call.arguments or result.faults
        if name == "harmony":
            assert fmt.render_reply(result.turn).text == text
        for again in (result.turn, Turn.from_dict(result.turn.to_dict())):
            assert spelling in fmt.render_reply(again).text and spelling in fmt.render([USER, again]).text


@pytest.mark.parametrize("raw", RAW_VALUES)
@pytest.mark.parametrize("kind", ["string", "number", "integer", "boolean", "object", None])
def test_xml_arguments_render_as_the_model_wrote_them(raw: str, kind: str | None) -> None:
    schema = {"type": "object", "properties": {"a": {"type": kind} if kind else {}, "b": {"type": "string"}}}
    tools = [{"name": "f", "parameters": schema}]
    for name in XML:
        fmt = get(name)
        head = fmt.program.symbols.show(fmt.prompt_tail(None))
        text = ("\n</think>\n\n" if head else "") + (
            f"<tool_call>\n<function=f>\n<parameter=a>\n{raw}\n</parameter>\n<parameter=b>\nx\n</parameter>\n</function>\n"
            "</tool_call><|im_end|>"
        )
        result = fmt.parse(text, tools, finish_reason="stop")
        (call,) = result.turn.calls
        assert call.raw == {"a": raw, "b": "x"}
        if call.complete:
            assert fmt.render_reply(result.turn, tools=tools).text == text
            assert raw in fmt.render([USER, result.turn], tools).text
        if kind == "string":
            assert call.arguments == {"a": raw, "b": "x"} and call.status == "complete"
        sent = "".join(e.json for e in result.events if isinstance(e, ArgumentsDelta))
        assert sent == call.arguments_json and (not call.complete or json.loads(sent) == call.arguments)


# Envelopes.


def stream(fmt: Format, text: str) -> list[tuple[int, Event]]:
    """Events with the number of characters that had been fed when they came."""
    p = fmt.parser()
    out = [(i, e) for i, c in enumerate(text, 1) for e in p.feed_text(c)]
    return out + [(len(text) + 1, e) for e in p.close("stop")]


def test_the_name_may_come_after_the_arguments() -> None:
    fmt = get("qwen3")
    text = '<tool_call>\n{"arguments": {"a": [1, "x"]}, "name": "f"}\n</tool_call>'
    events = stream(fmt, text)
    start = next(at for at, e in events if isinstance(e, CallStart))
    assert start == text.index('"f"') + 3
    deltas = [(at, e.json) for at, e in events if isinstance(e, ArgumentsDelta)]
    assert deltas and all(at == start for at, _ in deltas)  # held, then flushed at once
    assert "".join(j for _, j in deltas) == '{"a": [1, "x"]}'
    kinds = [type(e) for _, e in events]
    assert kinds.index(CallStart) < kinds.index(ArgumentsDelta)
    (call,) = fmt.parse(text, finish_reason="stop").turn.calls
    assert call == Call("f", {"a": [1, "x"]}) and call.status == "complete"


@pytest.mark.parametrize(
    "body",
    [
        '{"name": "f", "arguments": {"a": 1}}', '{"name":"f","arguments":{"a": 1}}',
        '{ "name" : "f" , "arguments" : {"a": 1} }', '{\n  "name": "f",\n  "arguments": {"a": 1}\n}',
        '{"arguments": {"a": 1}, "name": "f"}', '{"id": "c1", "name": "f", "arguments": {"a": 1}}',
        '{"name": "f", "x": {"name": "g", "arguments": {}}, "arguments": {"a": 1}, "y": [1, {"z": "}"}]}',
        '{"name": "f", "parameters": {"a": 1}}', '{"type": "function", "name": "\\u0066", "arguments": {"a": 1}}',
        '{"na\\u006de": "f", "arguments": {"a": 1}}', '{"name": "f", "arguments": {"a": 1}, "name2": "g"}',
    ],
)  # fmt: skip
def test_envelopes_are_read_by_key_path(body: str) -> None:
    fmt = get("qwen3")
    for around in (
        "<tool_call>\n{}\n</tool_call>",
        "<tool_call>{}</tool_call>",
        "<tool_call>\n\n {} \n</tool_call><|im_end|>",
    ):
        result = fmt.parse(around.replace("{}", body, 1), finish_reason="stop")
        (call,) = result.turn.calls
        assert (call, call.raw, call.status) == (Call("f", {"a": 1}), '{"a": 1}', "complete") and not result.faults
        assert (
            fmt.render_reply(result.turn).text
            == '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call><|im_end|>'
        )


@pytest.mark.parametrize(
    "name, text, codes",
    [
        ("qwen3", '<tool_call>\n{"name": "f", "arguments": {"a": 1, "a": 2}}\n</tool_call>', ["duplicate-key"]),
        ("qwen3", '<tool_call>{"name": "f", "arguments": {"a": 1}, "arguments": 2}</tool_call>', ["duplicate-key"]),
        ("qwen3", '<tool_call>\n{"name": "f", "name": "g", "arguments": {"a": 1}}\n</tool_call>', ["duplicate-key"]),
        ("qwen3-coder", CODER + "<parameter=a>\n2\n</parameter>\n</function>\n</tool_call>", ["duplicate-key"]),
        ("harmony", GPT + ', "a": 2}<|call|>', ["duplicate-key"]),
    ],
)  # fmt: skip
def test_of_keys_that_come_twice_the_first_counts(name: str, text: str, codes: list[str]) -> None:
    result = get(name).parse(text, INTEGER, finish_reason="stop")
    (end,) = calls_of(result.events)
    assert end.call == Call("f", {"a": 1}) and end.complete
    assert [f.code for f in result.faults] == codes == [f.code for f in end.faults]
    with pytest.raises(StrictFault):
        get(name).parse(text, INTEGER, finish_reason="stop", strict=True)


@pytest.mark.parametrize("name", FORMATS)
def test_parallel_calls(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    calls = tuple(Call("f", {"n": i, "s": "x" * i}) for i in range(8))
    turn = some_turn(fmt, *calls)
    out = fmt.render_reply(turn, tok)
    tools = [{"name": "f", "parameters": {"properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}}]
    for result in (
        fmt.parse(out.ids, tools, tokenizer=tok, finish_reason="stop"),
        fmt.parse(out.text, tools, finish_reason="stop"),
    ):
        assert result.turn.calls == calls
        assert [e.index for e in result.events if isinstance(e, CallStart)] == list(range(8))
        parts = [e.part for e in result.events if isinstance(e, PartStart)]
        assert parts == list(range(len(parts))) and len(parts) == len(result.turn.parts)
        for i in range(8):
            mine = [e for e in result.events if getattr(e, "index", None) == i]
            assert [type(e) for e in mine if not isinstance(e, ArgumentsDelta)] == [CallStart, CallEnd]
            assert len({e.part for e in mine}) == 1  # type: ignore[union-attr]
            assert "".join(e.json for e in mine if isinstance(e, ArgumentsDelta)) == calls[i].arguments_json


def test_unknown_pieces_keep_the_rest_in_order() -> None:
    for name in FORMATS:
        fmt = get(name)
        tok = turnwire.small_tokenizer(fmt)
        turn = some_turn(fmt)
        ids = fmt.render_reply(turn, tok).ids
        clean = fmt.parse(ids, tokenizer=tok, finish_reason="stop")
        for at in range(0, len(ids) + 1, 5):
            dirty = [*ids[:at], tok.size + 7, *ids[at:]]
            result = fmt.parse(dirty, tokenizer=tok, finish_reason="stop")
            one = fmt.parser(tok)
            assert merged([*(e for i in dirty for e in one.feed([i])), *one.close("stop")]) == merged(result.events)
            faults = [f for f in result.faults if f.code == "unknown-token"]
            assert len(faults) == 1 and faults[0].text == str(tok.size + 7)
            assert (
                result.turn == clean.turn
                or any(f.code != "unknown-token" for f in result.faults)
                or "�" in str(result.turn)
            )
            spans = [e.span for e in result.events if e.span[0] < e.span[1]]
            assert all(a[1] == b[0] for a, b in pairwise(spans))
            tokens = [e.tokens for e in result.events if e.tokens]
            assert max(t[1] for t in tokens) == len(dirty)


# Formats are values.


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_values(name: str) -> None:
    fmt = get(name)
    again = pickle.loads(pickle.dumps(fmt))
    assert again == fmt and hash(again) == hash(fmt) and again is not fmt
    assert again.control == fmt.control and again.stop_tokens == fmt.stop_tokens
    assert copy.deepcopy(fmt) == fmt and get(name) is fmt
    renamed = fmt.but("mine")
    assert renamed != fmt and renamed.name == "mine" and renamed.but(name) == fmt and repr(renamed) == "<Format mine>"
    assert fmt.but(name, notes=("said",)) == fmt  # notes say nothing about what is written
    assert fmt.but(name, models=()) != fmt
    turn = some_turn(fmt)
    text = fmt.render_reply(turn).text
    assert again.render_reply(turn).text == renamed.render_reply(turn).text == text
    assert again.parse(text, finish_reason="stop") == fmt.parse(text, finish_reason="stop")
    assert again.render([USER, turn]).text == fmt.render([USER, turn]).text
    with pytest.raises(dataclasses.FrozenInstanceError):
        fmt.name = "other"  # type: ignore[misc]
    assert {fmt: 1}[again] == 1
    assert len({get(n) for n in FORMATS}) == len(FORMATS)


def test_events_and_results_are_values() -> None:
    result = get("qwen3").parse('x<tool_call>{"name": "f"}</tool_call>', finish_reason="stop")
    assert pickle.loads(pickle.dumps(result)) == result == copy.deepcopy(result)
    assert {type(e) for e in result.events} >= {PartStart, TextDelta, Markup, CallStart, CallEnd, Fault, TurnEnd}
    out = get("qwen3").render([USER])
    assert {out.runs[0]: 1}


@pytest.mark.parametrize("name", FORMATS)
def test_threads_share_a_format(name: str) -> None:
    """A fresh one, so that what is made on first use is made by sixteen at once."""
    fmt = get(name).but("shared")
    tok = turnwire.load_tokenizer(turnwire.small_tokenizer(fmt).backend)  # type: ignore[attr-defined]
    want = get(name)
    small = turnwire.small_tokenizer(want)
    turns = [some_turn(want, Call("weather", {"city": f"C{i}", "days": i})) for i in range(16)]
    barrier = Barrier(16)

    def work(i: int) -> Any:
        barrier.wait()
        out = []
        for k in range(4):
            turn = turns[(i + k) % 16]
            prompt = fmt.render([USER], WEATHER, tok, add_generation_prompt=True)
            reply = fmt.render_reply(turn, tok, WEATHER)
            p = fmt.parser(tok, WEATHER, prompt)
            events = [e for token in reply.ids for e in p.feed([token])] + p.close("stop")
            out.append((prompt.ids, reply.ids, merged(events), p.turn, fmt.control, fmt.forgeable))
        return out

    def expect(i: int) -> Any:
        out = []
        for k in range(4):
            turn = turns[(i + k) % 16]
            prompt = want.render([USER], WEATHER, small, add_generation_prompt=True)
            reply = want.render_reply(turn, small, WEATHER)
            result = want.parse(reply.ids, WEATHER, prompt, small, "stop")
            out.append((prompt.ids, reply.ids, merged(result.events), result.turn, want.control, want.forgeable))
        return out

    with ThreadPoolExecutor(16) as pool:
        got = list(pool.map(work, range(16)))
    assert got == [expect(i) for i in range(16)]


@pytest.mark.parametrize(
    "model, name",
    [
        ("Qwen/Qwen3-8B", "qwen3"), ("openai/gpt-oss-20b", "harmony"), ("Qwen/Qwen3-0.6B", "qwen3"),  # the issue's
        ("qwen/qwen3-8b", "qwen3"), ("Qwen/Qwen3-8B-FP8", "qwen3"), ("Qwen/Qwen3-14B-AWQ", "qwen3"),
        ("Qwen/Qwen3-8B-GGUF", "qwen3"), ("Qwen/Qwen3-30B-A3B", "qwen3"), ("Qwen/Qwen3-235B-A22B-FP8", "qwen3"),
        ("Qwen/Qwen3-30B-A3B-Instruct-2507", "qwen3-instruct-2507"),
        ("Qwen/Qwen3-4B-Instruct-2507-FP8", "qwen3-instruct-2507"),
        ("Qwen/Qwen3-235B-A22B-Thinking-2507-FP8", "qwen3-thinking-2507"),
        ("Qwen/Qwen3-4B-Thinking-2507", "qwen3-thinking-2507"),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", "qwen3-coder"),
        ("Qwen/Qwen3-Coder-480B-A35B-Instruct-FP8", "qwen3-coder"),
        ("Qwen/Qwen3.5-4B", "qwen3.5"), ("Qwen/Qwen3.5-397B-A17B-FP8", "qwen3.5"),
        ("openai/gpt-oss-120b", "harmony"), ("gpt-oss", "harmony"), (" qwen3 ", "qwen3"),
    ],
)  # fmt: skip
def test_get_format_by_model(model: str, name: str) -> None:
    assert get(model) is get(name)


@pytest.mark.parametrize(
    "model",
    ["Qwen/Qwen3-8B-Base", "Qwen/Qwen2-VL-7B-Instruct", "Qwen/Qwen3-Embedding-8B", "Qwen/Qwen1.5-7B-Chat",
     "Qwen3-8B", "someone/Qwen3-8B-abliterated", "Qwen/Qwen3", "Qwen/Qwen3-*", "../qwen3", "Qwen/Qwen3-8B/x"],
)  # fmt: skip
def test_get_format_does_not_guess(model: str) -> None:
    with pytest.raises(turnwire.errors.UnknownFormat):
        get(model)


def test_facts_of_formats() -> None:
    assert [get(n).name for n in FORMATS] == FORMATS
    FORMATS_AGAIN = turnwire.list_formats()
    FORMATS_AGAIN.clear()
    assert set(turnwire.list_formats()) >= set(FORMATS)  # a copy
    for name in FORMATS:
        fmt = get(name)
        tok = turnwire.small_tokenizer(fmt)
        stops = ["<|return|>", "<|call|>"] if name == "harmony" else ["<|im_end|>", "<|endoftext|>"]
        assert list(fmt.stop_tokens) == stops
        assert fmt.stop_token_ids(tok) == [tok.special(t) for t in stops]
        assert fmt.forgeable == (("</function>", "</parameter>", "<function=", "<parameter=") if name in XML else ())
        assert set(fmt.control) >= set(stops) and list(fmt.control) == sorted(fmt.control)
        assert all(tok.special(t) is not None for t in fmt.control)
        assert fmt.source and fmt.models


def test_a_stop_token_that_a_tokenizer_lacks_is_left_out() -> None:
    fmt = get("qwen3").but("mine", control_extra=())

    class Less:
        def __init__(self, tok: Any):
            self.tok = tok

        def special(self, text: str) -> int | None:
            return None if text == "<|endoftext|>" else self.tok.special(text)

    tok = turnwire.small_tokenizer(fmt)
    assert fmt.stop_token_ids(Less(tok)) == [tok.special("<|im_end|>")]  # type: ignore[arg-type]


def test_blanks_before_what_is_no_container_are_told_alike_however_they_come() -> None:
    """An argument that may be a list, and is not: cut, and with a fault of its own behind it."""
    fmt = get("qwen3-coder")
    tools = [{"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "array"}}}}]
    tok = turnwire.small_tokenizer(fmt)
    for value in (" x", "  \n x y", " \t", " [1]", " [1", "x"):
        text = f"<tool_call>\n<function=f>\n<parameter=a>\n{value}"
        for reply in (text, f"{text}\n</parameter>\n</function>\n</tool_call>"):
            ids = to_ids(fmt, fmt.program.symbolise(reply), tok)
            ids.insert(len(fmt.bind(tok).encode(value)) and len(ids) - 3, tok.size + 7)
            found: list[list[Event]] = []
            for chunks in ([ids], [[i] for i in ids]):
                p = fmt.parser(tok, tools)
                found.append(merged([e for chunk in chunks for e in p.feed(chunk)] + p.close("stop")))
            whole, ones = found
            assert whole == ones
            p, q = fmt.parser(tools=tools), fmt.parser(tools=tools)
            assert merged(p.feed_text(reply) + p.close()) == merged(
                [e for c in reply for e in q.feed_text(c)] + q.close()
            )
