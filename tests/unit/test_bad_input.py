"""What a caller can get wrong: each mistake raises its own error, says where and what would do, and changes nothing."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

import turnwire
from turnwire import Call, Media, Reasoning, Result, Text, Turn, errors
from turnwire.errors import (
    ArgumentsError,
    BadId,
    ClosedParser,
    ContentError,
    DuplicateTool,
    ForgeryError,
    FormatError,
    InputError,
    LeakyControlToken,
    MessageError,
    MissingControlToken,
    MixedInput,
    NoTokenizer,
    OptionError,
    RefusedTurn,
    ResultError,
    RoleError,
    SchemaError,
    StrictFault,
    SurrogateError,
    TokenizerError,
    ToolError,
    TurnwireError,
    UnknownFormat,
)
from turnwire.events import Fault, TextDelta
from turnwire.format import Format
from turnwire.wire import Lit

FORMATS = [
    "qwen3",
    "qwen3-instruct-2507",
    "qwen3-thinking-2507",
    "qwen3-coder",
    "qwen3.5",
    "harmony",
]  # what is refused does not depend on the family
USER = {"role": "user", "content": "Hi"}
SURROGATES = ("\ud800", "a\udfffb", "\ud83d", "\ud83d\ude00")
seen: set[type[TurnwireError]] = set()  # what `mistake` has met, for the last test of the file


def get(name: str) -> Format:
    return turnwire.get_format(name)


def mistake(error: type[TurnwireError], path: str | None, act: Callable[[], Any]) -> TurnwireError:
    """`act` raises exactly this error, with this path, in a message that helps."""
    with pytest.raises(TurnwireError) as caught:
        act()
    e = caught.value
    assert type(e) is error, f"{type(e).__name__}: {e}"
    seen.add(error)
    if path is not None:
        assert e.path == path
    message = str(e)
    message.encode()
    assert len(message.splitlines()) == 1 and len(message) < 4_000
    assert not e.path or message.startswith(e.path[:100].splitlines()[0].encode("ascii", "replace").decode()[:20])
    assert e.expected and e.expected[:100] in message, f"no fix in {message!r}"
    assert e.near is None or e.near in message
    again = pickle.loads(pickle.dumps(e))
    assert type(again) is type(e) and str(again) == message
    assert (again.path, again.expected, again.near) == (e.path, e.expected, e.near)
    assert str(copy.copy(e)) == message
    return e


# Messages.


def call(arguments: Any = "{}", **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": arguments}, **more}]}


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


ARGS = "messages[1].tool_calls[0].function.arguments"
CALLED = call()
MESSAGES: dict[str, tuple[list[Any], type[TurnwireError], str, str | None]] = {
    # what follows the user's message, the error, its path, the near match
    "role": ([{"role": "asistant", "content": "x"}], RoleError, "messages[1].role", "assistant"),
    "role missing": ([{"content": "x"}], RoleError, "messages[1].role", None),
    "role of no name": ([{"role": ["user"], "content": "x"}], RoleError, "messages[1].role", None),
    "role of a Turn": ([Turn("usr", (Text("x"),))], RoleError, "messages[1].role", "user"),
    "long role": ([{"role": "user\n" * 9_999, "content": "x"}], RoleError, "messages[1].role", None),
    "misspelled key": ([{"role": "user", "contents": "x"}], MessageError, "messages[1]", "content"),
    "misspelled calls": ([{"role": "assistant", "tool_call": []}], MessageError, "messages[1]", "tool_calls"),
    "not a message": (["Hi"], MessageError, "messages[1]", None),
    "content": ([{"role": "user", "content": 5}], ContentError, "messages[1].content", None),
    "content as a dict": ([{"role": "user", "content": {"type": "text"}}], ContentError, "messages[1].content", None),
    "content of bytes": ([{"role": "user", "content": b"x"}], ContentError, "messages[1].content", None),
    "part type": (
        [{"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "txt", "text": "x"}]}],
        ContentError, "messages[1].content[1]", "text",
    ),
    "part type missing": ([{"role": "user", "content": [{}]}], ContentError, "messages[1].content[0]", None),
    "part type of no name": (
        [{"role": "user", "content": [{"type": []}]}], ContentError, "messages[1].content[0]", None
    ),
    "part without text": (
        [{"role": "user", "content": [{"type": "text", "content": "x"}]}], ContentError, "messages[1].content[0]", None
    ),
    "part": ([{"role": "user", "content": [5]}], ContentError, "messages[1].content[0]", None),
    "part of a result": (
        [CALLED, {"role": "tool", "tool_call_id": "a", "content": [{"type": "imagee"}]}],
        ContentError, "messages[2].content[0]", "image",
    ),
    "reasoning": ([{"role": "assistant", "reasoning_content": 5}], ContentError, "messages[1].reasoning_content", None),
    "calls of a user": ([{**CALLED, "role": "user"}], MessageError, "messages[1].tool_calls", None),
    "calls": ([{"role": "assistant", "tool_calls": 5}], MessageError, "messages[1].tool_calls", None),
    "call": ([{"role": "assistant", "tool_calls": ["f()"]}], MessageError, "messages[1].tool_calls[0]", None),
    "call without a name": (
        [{"role": "assistant", "tool_calls": [{"function": {"arguments": "{}"}}]}],
        MessageError, "messages[1].tool_calls[0].function.name", None,
    ),
    "call id": ([call(id=7)], ContentError, "messages[1].tool_calls[0].id", None),
    "arguments not JSON": ([call("{'a': 1}")], ArgumentsError, ARGS, None),
    "arguments cut": ([call('{"a": "b')], ArgumentsError, ARGS, None),
    "arguments and more": ([call("{} {}")], ArgumentsError, ARGS, None),
    "arguments a list": ([call([1])], ArgumentsError, ARGS, None),
    "arguments a number": ([call("5")], ArgumentsError, ARGS, None),
    "arguments a string": ([call('"{}"')], ArgumentsError, ARGS, None),
    "arguments NaN": ([call('{"a": NaN}')], ArgumentsError, ARGS, None),
    "arguments 1e999": ([call('{"a": 1e999}')], ArgumentsError, ARGS, None),
    "arguments with a float NaN": ([call({"a": {"b": float("nan")}})], ArgumentsError, ARGS + ".a.b", None),
    "arguments with a set": ([call({"a": [1, {2}]})], ArgumentsError, ARGS + ".a[1]", None),
    "arguments with odd keys": ([call({"a\nb": {1}})], ArgumentsError, ARGS + '["a\\nb"]', None),
    "arguments with a key 1": ([call({"a": {1: 2}})], ArgumentsError, ARGS + ".a", None),
    "arguments with a huge number": ([call({"a": 10**5_000})], ArgumentsError, ARGS + ".a", None),
    "arguments with many digits": ([call('{"a": ' + "9" * 5_000 + "}")], ArgumentsError, ARGS, None),
    "arguments too deep": ([call({"a": deep(300)})], ArgumentsError, None, None),  # type: ignore[dict-item]
    "arguments much too deep": ([call('{"a":' + "[" * 90_000 + "]" * 90_000 + "}")], ArgumentsError, ARGS, None),
    "call of before tool_calls": (
        [{"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}],
        MessageError, "messages[1].function_call", "tool_calls",
    ),
    "result without a call": ([{"role": "tool", "content": "x"}], ResultError, "messages[1]", None),
    "result of another call": (
        [call(id="call_1"), {"role": "tool", "tool_call_id": "call_2", "content": "x"}],
        ResultError, "messages[2].tool_call_id", "call_1",
    ),
    "result too many": (
        [CALLED, {"role": "tool", "content": "x"}, {"role": "tool", "content": "y"}], ResultError, "messages[3]", None
    ),
    "result of an old call": (
        [CALLED, {"role": "tool", "tool_call_id": "a", "content": "x"}, {"role": "assistant", "content": "x"},
         {"role": "tool", "tool_call_id": "a", "content": "x"}], ResultError, "messages[4]", None,
    ),
    "result id": ([CALLED, {"role": "tool", "tool_call_id": 5}], ContentError, "messages[2].tool_call_id", None),
    "parts of a Turn": ([Turn("user", [Text("x")])], ContentError, "messages[1].parts", None),  # type: ignore[arg-type]
    "part of a Turn": ([Turn("user", ("x",))], ContentError, "messages[1].parts[0]", None),  # type: ignore[arg-type]
    "text of a Turn": ([Turn("user", (Text(5),))], ContentError, "messages[1].parts[0].text", None),  # type: ignore[arg-type]
    "call of a user's Turn": ([Turn("user", (Call("f", {}),))], MessageError, "messages[1].parts[0]", None),
    "reasoning of a user's Turn": ([Turn("user", (Reasoning("f"),))], MessageError, "messages[1].parts[0]", None),
    "text of a tool's Turn": ([CALLED, Turn("tool", (Text("x"),))], MessageError, "messages[2]", None),
    "result of a Turn": ([CALLED, Turn("tool", (Result("x"),))], ContentError, "messages[2].parts[0].content", None),  # type: ignore[arg-type]
    "media of a Turn": ([Turn("user", (Media("hologram"),))], ContentError, "messages[1].parts[0].media", None),  # type: ignore[arg-type]
    "arguments of a Turn": (
        [Turn("assistant", (Text("x"), Call("f", {"a": {1}})))],
        ArgumentsError, "messages[1].parts[1].arguments.a", None,
    ),
    "list arguments of a Turn": (
        [Turn("assistant", (Call("f", [1]),))], ArgumentsError, "messages[1].parts[0].arguments", None  # type: ignore[arg-type]
    ),
    "name of a Turn's call": ([Turn("assistant", (Call(None, {}),))], MessageError, "messages[1].parts[0].name", None),
    "raw of a Turn's call": (
        [Turn("assistant", (Call("f", {}, raw={"a": 5}),))], ContentError, "messages[1].parts[0].raw.a", None  # type: ignore[dict-item]
    ),
    "incomplete call": (
        [Turn("assistant", (Text("x"), Call("f", {}, status="incomplete")))], ContentError, "messages[1].parts[1]", None
    ),
    "unreadable call": (
        [{"role": "assistant", "tool_calls": [Call("f", None, raw="{", status="unreadable")]}],
        ContentError, "messages[1].tool_calls[0]", None,
    ),
    "parts in a dict": ([{"role": "user", "parts": 5}], ContentError, "messages[1]", None),
    "kind in a dict": ([{"role": "user", "parts": [{"kind": "txt"}]}], ContentError, "messages[1].parts[0]", "text"),
    "kind of no name": ([{"role": "user", "parts": [{"kind": {}}]}], ContentError, "messages[1].parts[0]", None),
    "field in a dict": (
        [{"role": "user", "parts": [{"kind": "text", "txt": "x"}]}], ContentError, "messages[1].parts[0]", None
    ),
    "content in a dict": (
        [CALLED, {"role": "tool", "parts": [{"kind": "result", "content": 5}]}],
        ContentError, "messages[2].parts[0].content", None,
    ),
    "errors in a dict": (
        [{"role": "assistant", "parts": [{"kind": "call", "name": "f", "arguments": {}, "errors": [5]}]}],
        ContentError, "messages[1].parts[0]", None,
    ),
    "incomplete call in a dict": (
        [Turn("assistant", (Call("f", {}, status="incomplete"),)).to_dict()], ContentError, "messages[1].parts[0]", None
    ),
}  # fmt: skip


@pytest.fixture
def nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def writer(*args: Any, **kwargs: Any) -> Any:
        raise AssertionError("rendering began")

    monkeypatch.setattr(Format, "writer", writer)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", MESSAGES)
@pytest.mark.usefixtures("nothing_is_written")
def test_messages(name: str, case: str) -> None:
    rest, error, path, near = MESSAGES[case]
    e = mistake(error, path, lambda: get(name).render([USER, *rest]))
    assert e.near == near


@pytest.mark.parametrize("messages", [None, "Hi", b"Hi", 5, USER, Turn("user", ())])
@pytest.mark.usefixtures("nothing_is_written")
def test_not_a_list_of_messages(messages: Any) -> None:
    for name in FORMATS:
        e = mistake(MessageError, "messages", lambda name=name: get(name).render(messages))
        assert e.value is messages


def test_messages_may_come_from_a_generator() -> None:
    def two() -> Iterator[Any]:
        yield USER
        yield {"role": "uzer", "content": "x"}

    mistake(RoleError, "messages[1].role", lambda: get("qwen3").render(two()))


def test_null_fields_and_unknown_ones_are_no_mistakes() -> None:
    """What OpenAI's client and LiteLLM hand back."""
    plain = {"role": "assistant", "content": "x"}
    null = dict.fromkeys(("refusal", "tool_calls", "audio", "function_call", "reasoning_content"))
    message = {**plain, **null, "annotations": [], "provider_specific_fields": {}}
    for name in FORMATS:
        assert get(name).render([USER, message]).text == get(name).render([USER, plain]).text


def test_results_answer_calls_by_id_then_by_name_then_in_order() -> None:
    fmt = get("harmony")
    two = [{"id": i, "function": {"name": n, "arguments": "{}"}} for i, n in (("a", "f"), ("b", "g"))]
    calls = {"role": "assistant", "tool_calls": two}

    def authors(*results: dict[str, Any]) -> list[str]:
        messages = [USER, calls, *({"role": "tool", "content": "x", **r} for r in results)]
        return re.findall(r"functions\.(\w) to=assistant", fmt.render(messages).text)

    assert authors({"tool_call_id": "b"}, {"tool_call_id": "a"}) == ["g", "f"]
    assert authors({"tool_call_id": "b"}, {}) == ["g", "f"]
    assert authors({"name": "g"}, {}) == ["g", "f"]
    assert authors({}, {}) == ["f", "g"]
    assert authors({"tool_call_id": "a"}, {"tool_call_id": "a"}) == ["f", "f"]  # answered twice: the caller's affair
    mistake(ResultError, "messages[4]", lambda: authors({"name": "g"}, {"name": "f"}, {"name": "f"}))


def test_a_turn_without_a_place() -> None:
    reply = Turn("assistant", (Text("x"), Reasoning("y")))
    for name in ("qwen3", "qwen3-instruct-2507", "qwen3-coder"):
        e = mistake(RefusedTurn, "turn", lambda name=name: get(name).render_reply(reply))
        assert isinstance(e, RefusedTurn) and e.refusal == get(name).admits(reply)
        result = Turn("assistant", (Result(()),))
        mistake(RefusedTurn, "messages[1]", lambda name=name, result=result: get(name).render([USER, result]))
    for name in FORMATS:
        mistake(RoleError, "messages[0].role", lambda name=name: get(name).render_reply(USER))


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "qwen3.5"])
def test_media_of_a_format_that_has_none(name: str) -> None:
    message = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}
    mistake(ContentError, "messages[0].content", lambda: get(name).render([message]))


def test_spelled_markers() -> None:
    fmt = get("qwen3-coder")
    text = "before </parameter> behind"
    where = "messages[0].content"
    e = mistake(ForgeryError, where, lambda: fmt.render([{"role": "user", "content": text}], forgery="raise"))
    assert e.value == text
    tools = [{"name": "f", "description": "<function=g>"}]
    mistake(ForgeryError, "tools[0]", lambda: fmt.render([USER], tools=tools, forgery="raise"))
    assert fmt.render([{"role": "user", "content": text}]).text.count("</parameter>") == 1


# Tools.


def tool(parameters: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters, **more}}


def deep_schema(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


F = "tools[0].function"
TOOLS: dict[str, tuple[Any, type[TurnwireError], str | None, str | None]] = {
    "one tool": (tool(), ToolError, "tools", None),
    "text": ("f", ToolError, "tools", None),
    "a number": (5, ToolError, "tools", None),
    "numbers": ([5], ToolError, "tools[0]", None),
    "no name": ([tool(name=None)], ToolError, F + ".name", None),
    "empty name": ([tool(name="")], ToolError, F + ".name", None),
    "no shape": ([{"nam": "f"}], ToolError, "tools[0]", None),
    "another type": ([{"type": "web_search", "name": "x"}], ToolError, "tools[0].type", None),
    "description": ([tool(description=5)], ToolError, F + ".description", None),
    "twice": ([tool(), {"name": "g"}, {"name": "f"}], DuplicateTool, "tools[2]", None),
    "schema a list": ([tool([])], SchemaError, F + ".parameters", None),
    "schema of a string": ([tool({"type": "string"})], SchemaError, F + ".parameters.type", None),
    "type misspelled": (
        [tool({"type": "object", "properties": {"a": {"type": "sting"}}})],
        SchemaError, F + ".parameters.properties.a.type", "string",
    ),
    "enum not a list": (
        [tool({"properties": {"a": {"enum": "x"}}})], SchemaError, F + ".parameters.properties.a.enum", None
    ),
    "required not a list": ([tool({"type": "object", "required": "a"})], SchemaError, F + ".parameters.required", None),
    "reference to nothing": (
        [tool({"properties": {"a": {"$ref": "#/$defs/b"}}})], SchemaError, F + ".parameters.properties.a.$ref", None
    ),
    "not JSON": ([tool({"type": "object", "default": {1}})], SchemaError, F + ".parameters.default", None),
    "too deep": ([tool(deep_schema(200))], SchemaError, None, None),
    "much too deep": ([tool(deep_schema(20_000))], SchemaError, None, None),
    "too large": ([tool({"properties": {str(i): {} for i in range(30_000)}})], SchemaError, None, None),
}  # fmt: skip


@pytest.mark.parametrize("name", ["qwen3", "qwen3-coder", "harmony"])
@pytest.mark.parametrize("case", TOOLS)
@pytest.mark.usefixtures("nothing_is_written")
def test_tools(name: str, case: str) -> None:
    tools, error, path, near = TOOLS[case]
    fmt = get(name)
    for act in (
        lambda: fmt.render([USER], tools=tools),
        lambda: fmt.parser(tools=tools),
        lambda: fmt.parse("x", tools=tools),
        lambda: fmt.render_reply(Turn("assistant", ()), tools=tools),
    ):
        e = mistake(error, path, act)
        assert e.near == near


# Lone surrogates.


def surrogate_places(bad: str) -> dict[str, Callable[[Format], Any]]:
    """Everything that takes a string, given one."""

    def messages(*rest: Any) -> Callable[[Format], Any]:
        return lambda fmt: fmt.render([USER, *rest])

    def turns(role: str, *parts: Any) -> Callable[[Format], Any]:
        return lambda fmt: (fmt.render([USER, Turn(role, parts)]), fmt.render([USER, Turn(role, parts).to_dict()]))

    def as_dict(role: str, *parts: Any) -> Callable[[Format], Any]:
        return lambda fmt: fmt.render([USER, Turn(role, parts).to_dict()])

    def tools(**more: Any) -> Callable[[Format], Any]:
        return lambda fmt: fmt.render([USER], tools=[{"name": "f", **more}])

    escaped = json.dumps(bad)[1:-1]
    places = {
        "content": messages({"role": "user", "content": bad}),
        "system content": lambda fmt: fmt.render([{"role": "system", "content": bad}, USER]),
        "list content": messages({"role": "user", "content": [{"type": "text", "text": bad}]}),
        "list of strings": messages({"role": "user", "content": [bad]}),
        "list of Texts": messages({"role": "user", "content": [Text(bad)]}),
        "answer": messages({"role": "assistant", "content": bad}),
        "reasoning": messages({"role": "assistant", "reasoning_content": bad, "content": "x"}),
        "call name": messages({"role": "assistant", "tool_calls": [{"function": {"name": bad, "arguments": {}}}]}),
        "call id": messages(call(id=bad)),
        "argument": messages(call({"a": bad})),
        "argument key": messages(call({bad: 1})),
        "argument deep inside": messages(call({"a": [{"b": [bad]}]})),
        "argument key deep inside": messages(call({"a": [{bad: 1}]})),
        "arguments text": messages(call('{"a": "' + bad + '"}')),
        "result": messages(CALLED, {"role": "tool", "tool_call_id": "a", "content": bad}),
        "result list": messages(CALLED, {"role": "tool", "content": [{"type": "text", "text": bad}]}),
        "result id": messages(CALLED, {"role": "tool", "tool_call_id": bad, "content": "x"}),
        "result name": messages(CALLED, {"role": "tool", "name": bad, "content": "x"}),
        "tool name": lambda fmt: fmt.render([USER], tools=[{"name": bad}]),
        "tool description": tools(description=bad),
        "tool key": tools(**{bad: 1}),
        "schema enum": tools(parameters={"properties": {"a": {"enum": [bad]}}}),
        "schema key": tools(parameters={"properties": {bad: {}}}),
        "schema description": tools(parameters={"properties": {"a": {"description": bad}}}),
        "schema default": tools(parameters={"properties": {"a": {"default": {"b": [bad]}}}}),
        "Tool": lambda fmt: fmt.render([USER], tools=[turnwire.Tool("f", bad)]),
        "prompt": lambda fmt: fmt.parser(prompt=fmt.render([USER], add_generation_prompt=True).text + bad),
        "feed_text": lambda fmt: fmt.parser().feed_text(bad),
        "feed_text, later": lambda fmt: [p := fmt.parser(), p.feed_text("abc"), p.feed_text(bad)],
        "parse": lambda fmt: fmt.parse(bad),
        "stream": lambda fmt: list(fmt.parser().stream(["abc", bad])),
        "option": lambda fmt: fmt.render([USER], **{next(iter(fmt.options), "enable_thinking"): bad}),
        "render_reply": lambda fmt: fmt.render_reply({"role": "assistant", "content": bad}),
        "admits": lambda fmt: fmt.admits({"role": "assistant", "content": bad}),
        "Call": messages({"role": "assistant", "tool_calls": [Call("f", {"a": bad})]}),
    }  # fmt: skip
    if json.loads(f'"{escaped}"') == bad:  # else a pair, that is one character
        places["escaped arguments text"] = messages(call('{"a": "' + escaped + '"}'))
    for shape, make in {"Turn": turns, "dict of a Turn": as_dict}.items():
        places |= {
            f"{shape}: text": make("user", Text(bad)),
            f"{shape}: channel": make("assistant", Text("x", bad)),
            f"{shape}: recipient": make("assistant", Text("x", None, bad)),
            f"{shape}: reasoning": make("assistant", Reasoning(bad), Text("x")),
            f"{shape}: call name": make("assistant", Call(bad, {})),
            f"{shape}: call id": make("assistant", Call("f", {}, id=bad)),
            f"{shape}: argument": make("assistant", Call("f", {"a": bad})),
            f"{shape}: argument key": make("assistant", Call("f", {bad: 1})),
            f"{shape}: raw": make("assistant", Call("f", {}, raw='{"a": "' + bad + '"}')),
            f"{shape}: raw value": make("assistant", Call("f", {}, raw={"a": bad})),
            f"{shape}: raw key": make("assistant", Call("f", {}, raw={bad: "a"})),
            f"{shape}: result": lambda fmt, make=make: make("tool", Result((Text(bad),)))(_Called(fmt)),
            f"{shape}: result name": lambda fmt, make=make: make("tool", Result((Text("x"),), None, bad))(_Called(fmt)),
        }  # fmt: skip
    return places


class _Called:
    """A format that renders what follows a call."""

    def __init__(self, fmt: Format):
        self.fmt = fmt

    def render(self, messages: list[Any]) -> Any:
        return self.fmt.render([messages[0], CALLED, *messages[1:]])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("place", surrogate_places("\ud800"))
def test_lone_surrogates(name: str, place: str) -> None:
    fmt = get(name)
    if place == "option" and not fmt.options:
        pytest.skip("no options")
    for bad in SURROGATES:
        if act := surrogate_places(bad).get(place):
            e = mistake(SurrogateError, None, lambda act=act: act(fmt))
            assert e.path


@pytest.mark.parametrize("name", FORMATS)
def test_no_private_symbol_gets_in(name: str) -> None:
    """The symbols that stand for control tokens inside are lone surrogates: each of them is refused."""
    fmt = get(name)
    for symbol, spelling in fmt.program.symbols.spelling.items():
        for act in surrogate_places(f"x{symbol}y").values():
            try:
                act(fmt)
            except (SurrogateError, OptionError):
                continue
            raise AssertionError(f"{spelling} got in")


@pytest.mark.parametrize("name", FORMATS)
def test_a_surrogate_that_a_model_escaped_cannot_become_a_control_token(name: str) -> None:
    """The decoded value has it, the raw text does not: written from raw where the format can, refused where not."""
    fmt = get(name)
    for symbol in fmt.program.symbols.spelling:
        escaped = json.dumps({"a": symbol})
        for raw in (escaped, {"a": json.dumps(symbol)}):
            turn = Turn("assistant", (Call("f", {"a": symbol}, raw=raw),))
            try:
                out = fmt.render([USER, turn])
            except SurrogateError as e:
                assert e.path == "messages[1].tool_calls"
                continue
            assert json.dumps(symbol) in out.text and isinstance(raw, str) == (name not in ("qwen3-coder", "qwen3.5"))


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_a_surrogate_that_a_result_escapes_stays_escaped_or_is_refused(name: str) -> None:
    """A tool may return JSON with half a pair, and some formats read it."""
    fmt = turnwire.get_format(name)
    asked = call({}, id="a12345678")
    for content in ('"\\ud800"', '{"a": ["\\udfff"]}', '{"\\udc80": 1}'):
        try:
            out = fmt.render([USER, asked, {"role": "tool", "tool_call_id": "a12345678", "content": content}])
        except SurrogateError as e:
            assert e.path == "messages[2].content"
        except (RoleError, RefusedTurn):  # no calls there
            return
        else:
            assert out.text.encode()


def test_a_pair_that_json_escapes_is_one_character() -> None:
    for name in FORMATS:
        assert "🙂" in get(name).render([USER, call('{"a": "\\ud83d\\ude42"}')]).text


# Names, options, masks.


@pytest.mark.parametrize(
    "name, near",
    [
        ("qwen-3", "qwen3"), ("Qwen3", "qwen3"), ("harmonie", "harmony"), ("gptoss", "gpt-oss"),
        ("Qwen3-8B", "Qwen/Qwen3-8B"), ("qwen3-8b-gguf", "Qwen/Qwen3-8B"),
        ("unsloth/Qwen3-8B-GGUF", "Qwen/Qwen3-8B"),
        ("mlx-community/Qwen3-8B-4bit", "Qwen/Qwen3-8B"), ("lmstudio-community/gpt-oss-20b-GGUF", "openai/gpt-oss-20b"),
        ("THUDM/GLM-4.5", "zai-org/GLM-4.5"), ("Qwen/Qwen3-8B-Base", "Qwen/Qwen3-8B"),
        ("bartowski/Qwen_Qwen3-8B-GGUF", "Qwen/Qwen3-8B"), ("Qwen/Qwen3-8b-Instruct", None),
        ("meta-llama/Llama-3.1-8B", None), ("", None), ("x" * 9_999, None),
        (None, None), (3, None), (["qwen3"], None), ("qwen3\nx", None), ("\ud800", None),
    ],
)  # fmt: skip
def test_unknown_format(name: Any, near: str | None) -> None:
    e = mistake(UnknownFormat, "format", lambda: turnwire.get_format(name))
    assert isinstance(e, KeyError) and e.value == name
    assert near is None or e.near == near
    assert "turnwire.list_formats()" in str(e) and set(FORMATS) <= set(turnwire.list_formats())


@pytest.mark.parametrize("name", FORMATS)
def test_unknown_option(name: str) -> None:
    fmt = get(name)
    e = mistake(OptionError, "thinkingg", lambda: fmt.render([USER], thinkingg=True))
    assert e.value is True and all(o in str(e) for o in fmt.options)
    mistake(OptionError, "thinkingg", lambda: fmt.render_reply(Turn("assistant", (Text("x"),)), thinkingg=True))
    for option in fmt.options:
        misspelled = option[:-1] + "_"
        assert mistake(OptionError, misspelled, lambda o=misspelled: fmt.render([USER], **{o: 1})).near == option
        mistake(OptionError, option, lambda o=option: fmt.render([USER], **{o: object()}))
    said = mistake(OptionError, "add_generation_promt", lambda: fmt.render([USER], add_generation_promt=True))
    assert said.near == "add_generation_prompt"


@pytest.mark.parametrize(
    "name, option, value, near",
    [
        ("qwen3", "enable_thinking", "yes", None), ("qwen3", "enable_thinking", 1, None),
        ("qwen3", "enable_thinking", 0, None), ("qwen3", "enable_thinking", None, None),
        ("qwen3.5", "add_vision_id", 0, None), ("harmony", "reasoning_effort", "hgih", "high"),
        ("harmony", "reasoning_effort", None, None), ("harmony", "now", "yesterday", None), ("harmony", "now", 5, None),
        ("harmony", "builtin_tools", ("brwser",), None), ("harmony", "drop_analysis", "firstfinal", "first_final"),
    ],
)  # fmt: skip
def test_option_values(name: str, option: str, value: Any, near: str | None) -> None:
    e = mistake(OptionError, option, lambda: get(name).render([USER], **{option: value}))
    assert near is None or e.near == near


def test_a_value_that_cannot_be_shown() -> None:
    mistake(OptionError, "now", lambda: get("harmony").render([USER], now=10**5000))
    mistake(OptionError, "enable_thinking", lambda: get("qwen3").render([USER], enable_thinking=10**5000))


@pytest.mark.parametrize(
    "now", ["2026-01-15", "2026-01-15T23:59:59", "2026-01-15T10:00:00Z", "2026-01-15T10:00:00+02:00"]
)
def test_dates_are_read_alike_by_every_python(now: str) -> None:
    assert "Current date: 2026-01-15\n" in get("harmony").render([USER], now=now).text


def test_switches_of_render() -> None:
    for name in FORMATS:
        fmt = get(name)
        both = {"add_generation_prompt": True, "continue_final_message": True}
        mistake(OptionError, "options", lambda fmt=fmt, both=both: fmt.render([USER], **both))
        mistake(OptionError, "messages", lambda fmt=fmt: fmt.render([USER], continue_final_message=True))
        mistake(OptionError, "forgery", lambda fmt=fmt: fmt.render([USER], forgery="never"))  # type: ignore[arg-type]
        e = mistake(OptionError, "calls_in_reasoning", lambda fmt=fmt: fmt.parser(calls_in_reasoning="recovr"))  # type: ignore[arg-type]
        assert e.near == "recover"


def test_masks() -> None:
    for name in FORMATS:
        fmt = get(name)
        out = fmt.render([USER], tokenizer=turnwire.small_tokenizer(fmt))
        e = mistake(InputError, "mask", lambda out=out: out.mask("sampeld"))
        assert e.near == "sampled" and e.value == "sampeld"
        mistake(InputError, "mask", lambda out=out: out.mask(None))  # type: ignore[arg-type]
        plain = fmt.render([USER])
        for act in (lambda p=plain: p.ids, lambda p=plain: p.mask("sampled"), lambda p=plain: p.tokens(0, 1)):
            mistake(NoTokenizer, "ids", act)
        assert [r.tokens for r in plain.runs] == [None] * len(plain.runs)


# Tokenizers.


class Foreign:
    """Somebody's own tokenizer, by characters; `leaks`: it encodes what control tokens are spelled as to them."""

    name, specials = "foreign", {}

    def __init__(self, control: Sequence[str], leaks: bool):
        self.added = {text: 256 + i for i, text in enumerate(control)}
        self.size, self.leaks = 256 + len(control), leaks

    def special(self, text: str) -> int | None:
        return self.added.get(text)

    def piece(self, id: int) -> bytes | None:
        return bytes([id]) if id < 256 else list(self.added)[id - 256].encode()

    def encode(self, text: str, control: frozenset[str] = frozenset()) -> list[int]:
        if self.leaks:
            pattern = "(" + "|".join(map(re.escape, self.added)) + ")"
            pieces = re.split(pattern, text)
            return [i for p in pieces for i in ([self.added[p]] if p in self.added else p.encode())]
        return list(text.encode())

    def encode_batch(self, texts: Sequence[str], control: frozenset[str] = frozenset()) -> list[list[int]]:
        return [self.encode(text, control) for text in texts]

    def normalize(self, text: str, control: frozenset[str] = frozenset()) -> str:
        return text


@pytest.mark.parametrize("name", FORMATS)
def test_tokenizers_that_do_not_fit(name: str) -> None:
    fmt = get(name)
    other = turnwire.small_tokenizer(get("harmony" if name != "harmony" else "qwen3"))
    leaky = Foreign(fmt.control, leaks=True)

    def uses(tok: Any) -> list[Callable[[], Any]]:
        return [
            lambda: fmt.render([USER], tokenizer=tok),
            lambda: fmt.parser(tokenizer=tok),
            lambda: fmt.parse([1], tokenizer=tok),
            lambda: fmt.render_reply(Turn("assistant", (Text("x"),)), tokenizer=tok),
        ]

    for act in [*uses(other), lambda: fmt.stop_token_ids(other)]:
        e = mistake(MissingControlToken, "tokenizer", act)
        assert e.value in fmt.control
    for act in uses(leaky):
        e = mistake(LeakyControlToken, None, act)
        assert e.value in fmt.control
    for wrong in ("Qwen/Qwen3-8B", object(), turnwire.small_tokenizer(fmt).backend):  # type: ignore[attr-defined]
        for act in uses(wrong):
            mistake(TokenizerError, "tokenizer", act)
    good = Foreign(fmt.control, leaks=False)
    out = fmt.render([USER], tokenizer=good, add_generation_prompt=True)  # type: ignore[arg-type]
    assert b"".join(good.piece(i) or b"" for i in out.ids).decode() == out.text


# Ids.


class Index:
    """An integer of somebody else's (numpy, torch)."""

    def __init__(self, value: int):
        self.value = value

    def __index__(self) -> int:
        return self.value


BAD_IDS: dict[str, Any] = {
    "negative": [5, -1], "one negative": [-1], "bool": [True], "bools": [False, True], "bool among ids": [5, True],
    "float": [5.0], "floats": [5, 5.0], "digits": ["5"], "None": [None], "lists": [[5]], "decimal": [Decimal(5)],
    "negative index": [Index(-3)], "text": "abc", "no text": "", "bytes": b"abc", "a number": 5, "nothing": None,
    "a mapping of text": {"a": 1}, "a generator": (i for i in ("a",)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", BAD_IDS)
def test_bad_ids(name: str, case: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    bad = BAD_IDS[case] if case != "a generator" else (i for i in ("a",))
    if isinstance(bad, str):
        prompted: Any = None  # text is a prompt as well
    else:
        prompted = mistake(BadId, None, lambda: fmt.parser(tokenizer=tok, prompt=bad)) if case != "nothing" else None
    assert prompted is None or prompted.path.startswith("prompt")
    bad = BAD_IDS[case] if case != "a generator" else (i for i in ("a",))
    p = fmt.parser(tokenizer=tok)
    e = mistake(BadId, None, lambda: p.feed(bad))
    assert e.path.startswith("ids")
    if case not in ("text", "no text", "a number"):  # which are pieces of a stream
        bad = BAD_IDS[case] if case != "a generator" else (i for i in ("a",))
        mistake(BadId, None, lambda: list(fmt.parser(tokenizer=tok).stream([bad])))
    fmt.parser(tokenizer=tok)  # the first was not spoilt by what it refused: text goes into it as well as ids
    assert p.feed_text("abc") == fmt.parser(tokenizer=tok).feed_text("abc")


def reply(fmt: Format) -> list[int]:
    turn = Turn("assistant", (Text("Well, now: "), Call("f", {"a": "é🙂", "b": [1, None]})))
    if fmt.name == "harmony":
        turn = Turn("assistant", (Reasoning("é🙂"), Text("Well", "commentary"), Call("f", {"a": "é🙂"})))
    return fmt.render_reply(turn, tokenizer=turnwire.small_tokenizer(fmt)).ids


@pytest.mark.parametrize("name", FORMATS)
def test_a_refused_feed_changes_nothing(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    ids = reply(fmt)
    plain = [fmt.parser(tokenizer=tok), fmt.parser(tokenizer=tok)]
    for token in ids:
        assert plain[0].feed([token]) == plain[1].feed([token])
        for bad in ([-1], [token, True], [token, "x"], "text", None):
            mistake(BadId, None, lambda bad=bad: plain[1].feed(bad))
        mistake(MixedInput, "feed", lambda: plain[1].feed_text("x"))
        mistake(InputError, "close", lambda: plain[1].close("stopped"))  # type: ignore[arg-type]
    assert plain[0].close("stop") == plain[1].close("stop")
    assert plain[0].turn == plain[1].turn

    text = fmt.render_reply(plain[0].turn).text
    plain = [fmt.parser(), fmt.parser()]
    for character in text:
        assert plain[0].feed_text(character) == plain[1].feed_text(character)
        mistake(SurrogateError, "feed_text", lambda c=character: plain[1].feed_text(c + "\ud800"))
        mistake(InputError, "feed_text", lambda: plain[1].feed_text(5))  # type: ignore[arg-type]
        mistake(InputError, "feed_text", lambda: plain[1].feed_text(b"x"))  # type: ignore[arg-type]
        mistake(MixedInput, "feed", lambda: plain[1].feed([1]))
    assert plain[0].close("stop") == plain[1].close("stop")


@pytest.mark.parametrize("name", FORMATS)
def test_integers_of_others_are_ids(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    ids = reply(fmt)
    want = fmt.parse(ids, tokenizer=tok).events
    assert fmt.parse([Index(i) for i in ids], tokenizer=tok).events == want  # type: ignore[list-item]
    assert fmt.parse(tuple(ids), tokenizer=tok).events == want
    assert fmt.parse(iter(ids), tokenizer=tok).events == want  # type: ignore[arg-type]
    p, q = fmt.parser(tokenizer=tok), fmt.parser(tokenizer=tok)
    for i in ids:
        assert p.feed([Index(i)]) == q.feed([i])  # type: ignore[list-item]
    assert list(fmt.parser(tokenizer=tok).stream(map(Index, ids))) == list(fmt.parser(tokenizer=tok).stream(ids))  # type: ignore[arg-type]


def test_arrays_are_ids() -> None:
    numpy = pytest.importorskip("numpy")
    fmt = get("qwen3")
    tok = turnwire.small_tokenizer(fmt)
    ids = reply(fmt)
    want = fmt.parse(ids, tokenizer=tok).events
    array = numpy.array(ids)
    assert fmt.parse(array, tokenizer=tok).events == want
    assert list(fmt.parser(tokenizer=tok).stream(array)) == list(fmt.parser(tokenizer=tok).stream(ids))
    prompt = fmt.render([USER], tokenizer=tok, add_generation_prompt=True)
    assert fmt.parse(ids, tokenizer=tok, prompt=numpy.array(prompt.ids)).events == want
    for wrong in (array.astype(float), array > 5, array.reshape(1, -1)):
        mistake(BadId, "ids[0]", lambda wrong=wrong: fmt.parser(tokenizer=tok).feed(wrong))


@pytest.mark.parametrize("name", FORMATS)
def test_an_id_without_a_piece_is_a_fault(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    ids = reply(fmt)
    clean = fmt.parse(ids, tokenizer=tok, finish_reason="stop")
    for unknown in (tok.size, tok.size + 1_000, 2**63, 10**30):
        res = fmt.parse([unknown, *ids], tokenizer=tok, finish_reason="stop")
        assert [f.code for f in res.faults] == ["unknown-token"] and res.faults[0].text == str(unknown)
        assert res.turn == clean.turn
        p = fmt.parser(tokenizer=tok)
        one_by_one = [e for i in [unknown, *ids] for e in p.feed([i])] + p.close("stop")
        assert [e.code for e in one_by_one if isinstance(e, Fault)] == ["unknown-token"]
        e = mistake(StrictFault, "the reply", lambda u=unknown: fmt.parse([u], tokenizer=tok, strict=True))
        assert isinstance(e, StrictFault) and isinstance(e.fault, Fault)


# Parsers used wrongly.


@pytest.mark.parametrize("name", FORMATS)
def test_order_of_use(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    p = fmt.parser(tokenizer=tok)
    p.feed_text("a")
    mistake(MixedInput, "feed", lambda: p.feed([1]))
    before = p.turn
    p.close()
    assert p.turn == before
    for act in (lambda: p.feed([1]), lambda: p.feed_text("a"), lambda: p.feed([]), lambda: p.feed_text("")):
        mistake(ClosedParser, "feed", act)
    mistake(ClosedParser, "close", p.close)
    mistake(ClosedParser, "feed", lambda: list(p.stream(["x"])))
    mistake(ClosedParser, "close", lambda: list(p.stream([])))

    p = fmt.parser(tokenizer=tok)
    p.feed([1])
    mistake(MixedInput, "feed", lambda: p.feed_text("a"))
    mistake(MixedInput, "feed", lambda: list(fmt.parser(tokenizer=tok).stream([1, "a"])))

    p = fmt.parser()
    mistake(NoTokenizer, "feed", lambda: p.feed([1]))
    assert [type(e) for e in p.feed_text("abc<")] == [type(e) for e in fmt.parser().feed_text("abc<")]
    mistake(NoTokenizer, "feed", lambda: fmt.parse([1]))


@pytest.mark.parametrize("reason", ["stopp", "", "tool_use", 5, [], "\ud800"])
def test_finish_reason(reason: Any) -> None:
    for name in FORMATS:
        e = mistake(InputError, "close", lambda name=name: get(name).parse("x", finish_reason=reason))
        assert e.value == reason and (reason != "stopp" or e.near == "stop")


@pytest.mark.parametrize("name", FORMATS)
def test_prompts(name: str) -> None:
    fmt = get(name)
    tok = turnwire.small_tokenizer(fmt)
    answer = {"role": "assistant", "content": "x"}
    shut = fmt.render([USER, answer], tokenizer=tok)
    told = {"role": "tool", "content": "x"}
    asked = [fmt.render(m, tokenizer=tok) for m in ([USER], [USER, answer, USER], [USER, CALLED, told])]
    for out in asked if name == "harmony" else [*asked, shut]:  # Harmony's turns go on behind <|end|>
        for prompt in (out, out.ids, out.text):
            mistake(InputError, "prompt", lambda prompt=prompt: fmt.parser(tokenizer=tok, prompt=prompt))
    for prompt in ("", [], [1, 2, 3], "assistant", [tok.size + 5]):
        mistake(InputError, "prompt", lambda prompt=prompt: fmt.parser(tokenizer=tok, prompt=prompt))
    opened = fmt.render([USER], tokenizer=tok, add_generation_prompt=True)
    mistake(NoTokenizer, "prompt", lambda: fmt.parser(prompt=opened.ids))
    for wrong in (5, 5.0, b"x"):
        mistake(BadId, "prompt", lambda wrong=wrong: fmt.parser(tokenizer=tok, prompt=wrong))
    mistake(BadId, f"prompt[{len(opened.ids)}]", lambda: fmt.parser(tokenizer=tok, prompt=[*opened.ids, -1]))
    further = opened.text + "Other words"
    mistake(RefusedTurn, "turn", lambda: fmt.render_reply(Turn("assistant", (Text("x"),)), prompt=further))


def test_a_prompt_of_another_format() -> None:
    """Its private symbols mean other tokens here: that has to be noticed, not parsed."""
    for name in FORMATS:
        for other in FORMATS:
            a, b = get(name), get(other)
            for prompt in (
                b.render([USER], add_generation_prompt=True),
                b.render([USER, {"role": "assistant", "content": "Well"}], continue_final_message=True),
            ):
                try:
                    tail = a.prompt_tail(prompt)
                except InputError as e:
                    assert e.path == "prompt" and (a.header, a.control) != (b.header, b.control)
                else:
                    assert prompt.text.endswith(a.program.symbols.show(tail)) and a.header == b.header


# Formats that cannot be built: tests/unit/test_vocabulary.py has them all.


def test_a_format_without_an_end() -> None:
    e = mistake(FormatError, "mine", lambda: get("qwen3").but("mine", reply=Lit("x")))
    assert isinstance(e.value, Lit)


# A name where a format is wanted, a path where a tokenizer is.


def test_a_source_that_is_a_name() -> None:
    tokenizer: Any = turnwire.small_tokenizer(get("qwen3"))
    name: Any = "qwen3"
    for act in (
        lambda: turnwire.Conversation(name, tokenizer),
        lambda: turnwire.prefix_stability(name),
        lambda: turnwire.samples_from_messages(name, [USER], None, tokenizer),
        lambda: turnwire.samples_from_messages(name, [USER], None, tokenizer, history="exact"),
    ):
        assert mistake(OptionError, "source", act).value == "qwen3"
    mistake(OptionError, "fmt", lambda: turnwire.small_tokenizer(name))


def test_a_tokenizer_that_is_a_path() -> None:
    template = turnwire.ChatTemplate("{% for m in messages %}<s>{{ m.role }}: {{ m.content }}</s>{% endfor %}")
    path: Any = "model/"
    for source in (get("qwen3"), template, template.infer_format()):
        assert mistake(TokenizerError, "tokenizer", lambda s=source: s.render([USER], tokenizer=path)).value == path


# The hierarchy.


def public_errors() -> Mapping[str, type[TurnwireError]]:
    return {n: c for n, c in vars(errors).items() if inspect.isclass(c) and issubclass(c, TurnwireError)}


def test_the_docstring_is_the_hierarchy() -> None:
    told: dict[str, str] = {}
    stack: list[str] = []
    assert errors.__doc__
    for line in errors.__doc__.splitlines():
        m = re.match(r"([│ ├└─]*)(\w+)  ", line)
        if m and m[2] in public_errors():
            depth = len(m[1]) // 4
            stack = [*stack[:depth], m[2]]
            told[m[2]] = stack[-2] if depth else "ValueError"
    assert told == {n: c.__mro__[1].__name__ for n, c in public_errors().items()}
    assert all(issubclass(c, ValueError) and c.__doc__ for c in public_errors().values())


def test_an_error_with_a_value_that_does_not_pickle_crosses_processes() -> None:
    def local() -> None: ...

    e = mistake(MessageError, "messages[0]", lambda: get("qwen3").render([local]))
    assert e.value is local and "local" in pickle.loads(pickle.dumps(e)).value


def test_messages_are_short_whatever_the_value() -> None:
    long = "x\n\ud800" * 100_000
    for act in (
        lambda: turnwire.get_format(long),
        lambda: get("qwen3").render([{"role": long, "content": ""}]),
        lambda: get("qwen3").render([USER, call({long[:-1] + "x": {1}})]),
        lambda: get("qwen3").render([USER, call(long)]),
        lambda: get("harmony").render([USER], reasoning_effort=long),
        lambda: get("qwen3").parse("x", finish_reason=long),  # type: ignore[arg-type]
        lambda: get("qwen3").parser().feed_text(5),  # type: ignore[arg-type]
    ):
        with pytest.raises(TurnwireError) as caught:
            act()
        assert len(str(caught.value)) < 3_000 and str(caught.value).isprintable()


def test_every_error_was_met() -> None:
    """Runs last: with xdist each worker sees a part, so only a whole run can say."""
    if len(seen) < 10:
        pytest.skip("only a part of the file ran here")
    abstract = {TurnwireError}
    missing = set(public_errors().values()) - seen - abstract
    assert not missing or len(seen) < 20, missing


def test_fault_is_not_an_error() -> None:
    res = get("qwen3").parse("<tool_call>{</tool_call>x", finish_reason="stop")
    assert res.faults and all(isinstance(f, Fault) for f in res.faults)
    assert any(isinstance(e, TextDelta) for e in res.events)
