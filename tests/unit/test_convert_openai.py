"""OpenAI chunks, read by the real client: a local server streams what turnwire makes of recorded replies."""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

import turnwire
from turnwire.convert.openai import DONE, achunks, chunks, completion, sse, sse_line
from turnwire.demo.recordings import encode, recording
from turnwire.demo.tools import get_weather, web_search
from turnwire.events import Event
from turnwire.tools import tool

openai = pytest.importorskip("openai", reason="needs the package openai")

TOOLS = [tool(get_weather), tool(web_search)]
FORMATS = [name for name in ("qwen3", "harmony") if name in turnwire.list_formats()]
CUTS = ("tokens", "characters", "at once")


@functools.cache
def replies(name: str) -> dict[str, dict[str, Any]]:
    recorded = recording(turnwire.get_format(name))
    return {r["name"]: r for r in (*recorded["replies"], recorded["malformed"])}


def fed(name: str, text: str, reason: Any, cut: str, tools: Any = TOOLS) -> tuple[Any, Iterator[Event]]:
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    if cut == "tokens":
        parser = fmt.parser(tokenizer, tools)
        return parser, parser.stream(encode(text, fmt, tokenizer), reason)
    parser = fmt.parser(tools=tools)
    return parser, parser.stream(text if cut == "characters" else [text], reason)


class Server(BaseHTTPRequestHandler):
    """Answers each request with what `model` names: format/reply/cut."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, reply, cut = request["model"].split("/")
        recorded = replies(name)[reply]
        parser, events = fed(name, recorded["text"], recorded["finish_reason"], cut)
        self.send_response(200)
        if not request.get("stream"):
            for _ in events:
                pass
            body = json.dumps(completion(parser.turn, recorded["finish_reason"], model=request["model"])).encode()
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for line in sse(chunks(events, model=request["model"])):
            self.wfile.write(line)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


@contextmanager
def client(url: str) -> Iterator[Any]:
    with openai.OpenAI(base_url=url, api_key="x", max_retries=0) as made:
        yield made


ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Plan a weekend trip."}]}


class Gathered:
    """What a client that knows nothing of turnwire puts together, with the checks that it can make."""

    def __init__(self) -> None:
        self.content = self.reasoning = ""
        self.calls: dict[int, dict[str, str]] = {}
        self.reasons: list[str] = []
        self.heads: set[tuple[Any, ...]] = set()

    def add(self, chunk: Any) -> None:
        self.heads.add((chunk.id, chunk.object, chunk.created, chunk.model))
        (choice,) = chunk.choices
        assert not self.reasons, "a chunk behind the finish_reason"
        if choice.finish_reason is not None:
            self.reasons.append(choice.finish_reason)
        self.content += choice.delta.content or ""
        self.reasoning += getattr(choice.delta, "reasoning_content", None) or ""
        for call in choice.delta.tool_calls or ():
            if call.index not in self.calls:
                assert call.index == len(self.calls), "indexes are dense and in order"
                assert call.id and call.type == "function" and call.function.name
                self.calls[call.index] = {"id": call.id, "name": call.function.name, "arguments": ""}
            else:
                assert call.id is None and call.function.name is None
            self.calls[call.index]["arguments"] += call.function.arguments

    def agrees_with(self, turn: turnwire.Turn) -> None:
        visible = [p for p in turn.parts if isinstance(p, turnwire.Text) and p.recipient is None]
        assert self.content == "".join(p.text for p in visible)
        assert self.reasoning == turn.reasoning
        named = [c for c in turn.calls if c.name is not None]
        assert [(c["name"], c["arguments"]) for c in self.calls.values()] == [(c.name, c.arguments_json) for c in named]
        assert len({c["id"] for c in self.calls.values()}) == len(self.calls)
        assert len(self.heads) == 1


def cases() -> list[Any]:
    return [pytest.param(f, r, id=f"{f}-{r}") for f in FORMATS for r in replies(f)]


@pytest.mark.parametrize("cut", CUTS)
@pytest.mark.parametrize("name, reply", cases())
def test_the_client_puts_the_chunks_together(url: str, name: str, reply: str, cut: str) -> None:
    recorded = replies(name)[reply]
    parser, events = fed(name, recorded["text"], recorded["finish_reason"], cut)
    list(events)
    gathered = Gathered()
    with client(url) as c:
        first = True
        for chunk in c.chat.completions.create(**ASK, model=f"{name}/{reply}/{cut}", stream=True):
            assert (chunk.choices[0].delta.role == "assistant") is first
            first = False
            gathered.add(chunk)
    gathered.agrees_with(parser.turn)
    calls = any(c.complete for c in parser.turn.calls)
    wanted = "length" if recorded["finish_reason"] == "length" else "tool_calls" if calls else "stop"
    assert gathered.reasons == [wanted]


@pytest.mark.parametrize("name, reply", cases())
def test_the_clients_stream_helper(url: str, name: str, reply: str) -> None:
    recorded = replies(name)[reply]
    parser, events = fed(name, recorded["text"], recorded["finish_reason"], "at once")
    list(events)
    with client(url) as c, c.chat.completions.stream(**ASK, model=f"{name}/{reply}/tokens") as stream:
        kinds = {event.type for event in stream}
        if recorded["finish_reason"] == "length":
            snapshot = stream.current_completion_snapshot
            assert snapshot.choices[0].finish_reason == "length"
            return
        message = stream.get_final_completion().choices[0].message
    flat = parser.turn.to_openai()
    assert message.content == flat["content"]
    assert [(t.function.name, json.loads(t.function.arguments)) for t in message.tool_calls or ()] == [
        (c.name, c.arguments) for c in parser.turn.calls
    ]
    assert ("tool_calls.function.arguments.delta" in kinds) is bool(parser.turn.calls)
    assert ("content.delta" in kinds) is bool(flat["content"])


@pytest.mark.parametrize("name, reply", cases())
def test_the_async_client(url: str, name: str, reply: str) -> None:
    recorded = replies(name)[reply]
    parser, events = fed(name, recorded["text"], recorded["finish_reason"], "at once")
    list(events)

    async def gather() -> Gathered:
        gathered = Gathered()
        async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0) as c:
            model = f"{name}/{reply}/characters"
            async for chunk in await c.chat.completions.create(**ASK, model=model, stream=True):
                gathered.add(chunk)
        return gathered

    asyncio.run(gather()).agrees_with(parser.turn)


@pytest.mark.parametrize("name, reply", cases())
def test_a_completion_is_what_the_client_reads(url: str, name: str, reply: str) -> None:
    recorded = replies(name)[reply]
    parser, events = fed(name, recorded["text"], recorded["finish_reason"], "at once")
    list(events)
    with client(url) as c:
        (choice,) = c.chat.completions.create(**ASK, model=f"{name}/{reply}/at once").choices
    calls = [c for c in parser.turn.calls if c.complete]
    assert choice.message.content == parser.turn.to_openai()["content"]
    assert getattr(choice.message, "reasoning_content", "") == parser.turn.reasoning
    got = [(t.type, t.function.name, t.function.arguments) for t in choice.message.tool_calls or ()]
    assert got == [("function", c.name, c.arguments_json) for c in calls]
    assert len({t.id for t in choice.message.tool_calls or ()}) == len(calls)
    wanted = "length" if recorded["finish_reason"] == "length" else "tool_calls" if calls else "stop"
    assert choice.finish_reason == wanted


# without a server

CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"location": "Oslo"}}\n</tool_call>'
CUT = '<tool_call>\n{"name": "get_weather", "arguments": {"locat'


def made(text: str, reason: Any, name: str = "qwen3", **kw: Any) -> list[dict[str, Any]]:
    return list(chunks(fed(name, text, reason, "characters")[1], **kw))


def reason_of(made: list[dict[str, Any]]) -> str | None:
    return made[-1]["choices"][0]["finish_reason"]


def calls_of(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [t for c in made for t in c["choices"][0]["delta"].get("tool_calls", ())]


@pytest.mark.parametrize(
    "text, reason, wanted",
    [
        ("hi<|im_end|>", "stop", "stop"),
        ("hi", "length", "length"),
        ("hi", "abort", "length"),
        ("hi", None, "stop"),
        (CALL + "<|im_end|>", "stop", "tool_calls"),
        (CALL, "tool_calls", "tool_calls"),
        (CALL, None, "tool_calls"),
        (CALL, "length", "length"),
        (CUT, "length", "length"),
        (CUT, "abort", "length"),
        (CUT + "<|im_end|>", "stop", "stop"),
        (CUT, None, "stop"),
        (CALL + "\n" + CUT + "<|im_end|>", "stop", "tool_calls"),
    ],
)
def test_finish_reason(text: str, reason: Any, wanted: str) -> None:
    assert reason_of(made(text, reason)) == wanted
    parser, events = fed("qwen3", text, reason, "at once")
    list(events)
    assert completion(parser.turn, reason)["choices"][0]["finish_reason"] == wanted


def test_the_role_comes_before_any_event() -> None:
    def nothing_yet() -> Iterator[Event]:
        raise AssertionError("pulled")
        yield

    assert next(chunks(nothing_yet()))["choices"][0]["delta"] == {"role": "assistant"}


def test_chunks_come_as_the_events_do() -> None:
    """A chunk for each character of an argument value, none held until the end."""
    deltas = [t["function"]["arguments"] for t in calls_of(made(CALL, "stop"))]
    assert deltas[0] == "" and len(deltas) > 10
    assert "".join(deltas) == '{"location": "Oslo"}'


def test_only_complete_sends_whole_calls_and_never_a_cut_one() -> None:
    lost: list[str] = []
    got = made(CALL + "\n" + CUT, "length", only_complete=True, lost=lost)
    (call,) = calls_of(got)
    assert call["index"] == 0 and call["function"] == {"name": "get_weather", "arguments": '{"location": "Oslo"}'}
    assert reason_of(got) == "length"
    assert "a call that is incomplete: 'get_weather'" in lost


def test_indexes_are_dense_where_a_call_never_got_a_name() -> None:
    nameless = '<tool_call>\n{"arguments": {"a": 1}}\n</tool_call>'
    got = calls_of(made(nameless + "\n" + CALL + "<|im_end|>", "stop"))
    assert {t["index"] for t in got} == {0}
    assert [t["function"]["name"] for t in got if "id" in t] == ["get_weather"]


def test_ids_are_the_models_or_unique() -> None:
    fmt = turnwire.get_format("qwen3")
    parser = fmt.parser(new_id=lambda i: f"mine_{i}")
    assert calls_of(list(chunks(parser.stream([CALL]))))[0]["id"] == "mine_0"
    ids = [t["id"] for t in calls_of(made(CALL + "\n" + CALL, "stop")) if "id" in t]
    assert len(set(ids)) == 2 and all(i.startswith("call_") for i in ids)


def test_reasoning_can_be_left_out() -> None:
    lost: list[str] = []
    text = "<think>\nsecret\n</think>\n\nhi<|im_end|>"
    got = made(text, "stop", include_reasoning=False, lost=lost)
    assert "secret" not in json.dumps(got) and lost == ["reasoning"]
    parser, events = fed("qwen3", text, "stop", "at once")
    list(events)
    said: list[str] = []
    assert "secret" not in json.dumps(completion(parser.turn, "stop", include_reasoning=False, lost=said))
    assert said == ["reasoning"]


@pytest.mark.skipif("harmony" not in FORMATS, reason="no harmony")
def test_text_to_a_tool_is_not_content() -> None:
    text = (
        "<|channel|>commentary to=python code<|message|>1+1<|end|><|start|>assistant"
        "<|channel|>final<|message|>Two.<|return|>"
    )
    lost: list[str] = []
    got = made(text, "stop", "harmony", lost=lost)
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in got) == "Two."
    assert "text addressed to 'python'" in lost
    parser, events = fed("harmony", text, "stop", "at once")
    list(events)
    assert completion(parser.turn, "stop")["choices"][0]["message"]["content"] == "Two."


def test_faults_are_told() -> None:
    lost: list[str] = []
    made(replies("qwen3")["malformed"]["text"], "length", lost=lost)
    assert "a fault: out-of-place" in lost and "a call that is incomplete: 'web_search'" in lost


def test_a_stream_without_its_end_has_no_finish_reason() -> None:
    parser = turnwire.get_format("qwen3").parser()
    assert reason_of(list(chunks(parser.feed_text("hi")))) is None


def test_a_line_holds_no_line_end() -> None:
    line = sse_line({"a": "x\ny\r\u2028\u0085é"})
    assert line.endswith(b"\n\n") and len(line.decode().splitlines()) == 2 and line.isascii()
    assert list(sse([])) == [DONE] == [b"data: [DONE]\n\n"]


def test_achunks_are_chunks() -> None:
    async def gather() -> list[dict[str, Any]]:
        async def pieces() -> AsyncIterator[str]:
            for character in CALL:
                yield character

        parser = turnwire.get_format("qwen3").parser(new_id=str)
        events = parser.astream(pieces(), "stop")
        return [c async for c in achunks(events, id="a", model="m", created=1)]

    parser = turnwire.get_format("qwen3").parser(new_id=str)
    assert asyncio.run(gather()) == list(chunks(parser.stream(CALL, "stop"), id="a", model="m", created=1))


def test_it_is_reached_from_the_package() -> None:
    assert turnwire.convert.openai.chunks is chunks
