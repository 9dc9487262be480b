"""The public API as a user writes it, for type checkers to read: `pyright` (strict) and `mypy --strict` find nothing.

Every value is given the type that the documentation promises, so a signature that changes fails here.
`tests/unit/test_typing.py` runs the checkers, and this file.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import turnwire
from turnwire import (
    Call,
    Format,
    Media,
    Parser,
    ParseResult,
    Reasoning,
    Refusal,
    Rendered,
    Result,
    Run,
    Text,
    Tokenizer,
    Tool,
    Turn,
    TurnwireError,
    errors,
    events,
    tool,
)
from turnwire.convert import openai
from turnwire.events import ArgumentsDelta, CallEnd, CallStart, Event, Fault, PartStart, TextDelta, TurnEnd


def get_weather(city: str, days: int = 1) -> str:
    """The weather in a city.

    Args:
        city: Its name.
        days: How many days ahead.
    """
    return f"{city}: sunny for {days} days"


TOOLS: list[dict[str, Any]] = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Weather in Oslo?"}]


def find() -> tuple[Format, Tokenizer]:
    found: turnwire.Detection | None = None
    try:
        found = turnwire.detect_format("no-such-folder")
    except turnwire.errors.InputError as e:
        assert "no such file" in e.problem
    assert found is None or isinstance(found.format, Format)
    names: list[str] = turnwire.list_formats()
    fmt: Format = turnwire.get_format("qwen3" if "qwen3" in names else names[0])
    tok: Tokenizer = turnwire.small_tokenizer(fmt)
    again: Tokenizer = turnwire.load_tokenizer(tok)
    assert again is tok
    stops: list[int] = fmt.stop_token_ids(tok)
    spelled: tuple[str, ...] = fmt.stop_tokens
    control: tuple[str, ...] = fmt.control
    forgeable: tuple[str, ...] = fmt.forgeable
    options: Mapping[str, Any] = fmt.options
    special: int | None = tok.special(spelled[0])
    piece: bytes | None = tok.piece(stops[0])
    ids: list[int] = tok.encode("Hi")
    assert special == stops[0] and piece and ids and options and control and not forgeable
    variant: Format = fmt.but("mine", models=("me/*",))
    assert variant != fmt and {fmt: 1}[fmt] == 1
    return fmt, tok


def load(folder: Path) -> Tokenizer:
    return turnwire.load_tokenizer(folder / "tokenizer.json", name="mine")


def render(fmt: Format, tok: Tokenizer) -> Rendered:
    described: Tool = tool(get_weather)
    mixed: list[dict[str, Any] | Tool] = [*TOOLS, described]
    out: Rendered = fmt.render(MESSAGES, mixed, tok, add_generation_prompt=True, enable_thinking=False)
    ids: list[int] = out.ids
    text: str = out.text
    mask: list[bool] = out.mask("sampled")
    runs: tuple[Run, ...] = out.runs
    first: tuple[int, int] = out.tokens(0, 1)
    kind: str = runs[0].kind
    tokens: tuple[int, int] | None = runs[0].tokens
    turn: int | None = runs[0].turn
    assert len(mask) == len(ids) and text and first == (0, 1) and kind == "template" and tokens and turn is None
    conversation: list[dict[str, Any] | Turn] = [*MESSAGES, Turn("assistant", (Text("Sunny."),))]
    kept: Rendered = fmt.render(conversation, tokenizer=tok, forgery="raise", trust_content=False)
    assert any(kept.mask("sampled"))
    return out


def parse(fmt: Format, tok: Tokenizer, prompt: Rendered) -> Turn:
    turn = Turn("assistant", (Reasoning(""), Text("Look:"), Call("f", {"city": "Oslo"}, id="c1")))
    refusal: Refusal | None = fmt.admits(turn, TOOLS, by="text")
    assert refusal is None
    reply: Rendered = fmt.render_reply(turn, tok, TOOLS, prompt)
    result: ParseResult = fmt.parse(reply.ids, TOOLS, prompt, tok, finish_reason="stop")
    by_text: ParseResult = fmt.parse(reply.text, TOOLS, prompt, finish_reason="tool_calls")
    read: Turn = result.turn
    faults: list[Fault] = result.faults
    all_events: list[Event] = result.events
    assert read == by_text.turn and not faults and all_events
    message: dict[str, Any] = read.to_openai(incomplete=True, lost=[])
    stored: dict[str, Any] = read.to_dict()
    restored: Turn = Turn.from_dict(stored)
    calls: tuple[Call, ...] = restored.calls
    arguments: Mapping[str, Any] | None = calls[0].arguments
    json: str = calls[0].arguments_json
    complete: bool = calls[0].complete
    text: str = restored.text
    reasoning: str = restored.reasoning
    assert message["content"] == text and arguments and json and complete and not reasoning
    return read


def stream(fmt: Format, tok: Tokenizer, ids: list[int]) -> str:
    new_id: Callable[[int], str] = "call_{}".format
    p: Parser = fmt.parser(tok, tools=TOOLS, strict=False, calls_in_reasoning="recover", keep_turn=True, new_id=new_id)
    said: list[str] = []
    got: list[Event] = p.feed(ids[:1])
    pieces: Iterator[Event] = p.stream(ids[1:], "stop")
    for event in [*got, *pieces]:
        if isinstance(event, TextDelta):
            said.append(event.text)
        elif isinstance(event, CallStart):
            name: str = event.name
            index: int = event.index
            assert name and index >= 0
        elif isinstance(event, ArgumentsDelta):
            said.append(event.json)
        elif isinstance(event, CallEnd):
            call: Call = event.call
            assert event.complete is call.complete
        elif isinstance(event, PartStart):
            channel: str | None = event.channel
            assert channel is None or channel
        elif isinstance(event, TurnEnd):
            reason: events.FinishReason | None = event.reason
            assert reason == "stop"
        span: tuple[int, int] = event.span
        tokens: tuple[int, int] | None = event.tokens
        assert span[0] <= span[1] and tokens is not None
    turn: Turn = p.turn
    assert turn.role == "assistant"
    return "".join(said)


async def astream(fmt: Format, words: AsyncIterator[str]) -> int:
    p = fmt.parser()
    count = 0
    arriving: AsyncIterator[Event] = p.astream(words, "stop")
    async for event in arriving:
        count += isinstance(event, TextDelta)
    return count


async def words() -> AsyncIterator[str]:
    for word in ("Hello", ", ", "you"):
        yield word


def by_hand(fmt: Format) -> list[Event]:
    p = fmt.parser()
    out: list[Event] = p.feed_text("Hello")
    out += p.close("length")
    return out


def convert(fmt: Format) -> list[dict[str, Any]]:
    chunks: Iterator[dict[str, Any]] = openai.chunks(by_hand(fmt), model="mine")
    also: Iterator[dict[str, Any]] = turnwire.convert.openai.chunks(by_hand(fmt))
    assert list(also)
    return list(chunks)


def answer(fmt: Format) -> Rendered:
    parts = (Result((Text("Sunny."), Text(" 20 degrees.")), id="c1"),)
    result = Turn("tool", parts)
    assert parts[0].text == "Sunny. 20 degrees."
    asked = Turn("assistant", (Call("f", {}, "c1"),))
    return fmt.render([*MESSAGES, asked, result], TOOLS)


def mistakes(fmt: Format) -> TurnwireError:
    try:
        fmt.render([{"role": "usr", "content": "x"}])
    except errors.RoleError as e:
        path: str = e.path
        expected: str = e.expected
        near: str | None = e.near
        base: TurnwireError = e
        value_error: ValueError = e
        assert path and expected and near == "user" and value_error is base
        return base
    raise AssertionError


def compare(fmt: Format, tok: Tokenizer) -> int:
    found: turnwire.Divergence | None = turnwire.diff(fmt, fmt, MESSAGES, TOOLS, tok, add_generation_prompt=True)
    assert found is None
    sent = turnwire.Logged(text=fmt.render(MESSAGES).text.replace("Oslo", "Rome"))
    found = turnwire.diff(fmt, sent, MESSAGES, options_a={})
    assert found is not None and found.kind == "text" and found.to_dict()["regions"]
    path: str = found.first.a.path
    names: dict[str, int] = found.causes
    assert (path, names) == ("messages[0].content", {"unknown": 1})
    return len(found.regions)


def media() -> Turn:
    picture = Media("image", {"url": "https://example.org/x.png"})
    return Turn("user", (Text("What is this?"), picture))


def main() -> None:
    fmt, tok = find()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(TurnwireError):
        load(Path(folder))
    prompt = render(fmt, tok)
    turn = parse(fmt, tok, prompt)
    assert "Look:" in stream(fmt, tok, fmt.render_reply(Turn("assistant", turn.parts[1:]), tok, TOOLS).ids)
    assert asyncio.run(astream(fmt, words())) == 3
    assert convert(fmt)[-1]["choices"][0]["finish_reason"] == "length"
    assert "Sunny. 20 degrees." in answer(fmt).text
    assert compare(fmt, tok) == 1
    assert mistakes(fmt).path == "messages[0].role"
    assert turnwire.get_format("qwen3.5").render([media()]).text.count("<|image_pad|>") == 1


if __name__ == "__main__":
    main()
