"""Llama: what the common conversations do not meet: built-in tools, other variants of replies, images."""

from __future__ import annotations

from typing import Any

import pytest

import turnwire
from tests.families import official, parity
from tests.families.conversations import assistant, call, result, user
from turnwire import Call, Text, Turn

BUILTIN = {"builtin_tools": ["brave_search", "code_interpreter"]}


@pytest.mark.parametrize("name", ["llama-3.1", "llama-3.3"])
@pytest.mark.parametrize("arguments", [{"query": "Oslo"}, {"query": "a b", "lang": "no"}, {}])
def test_builtin_calls(name: str, arguments: dict[str, Any]) -> None:
    messages = [user("Go"), assistant("", [call("brave_search", arguments)]), result("x"), assistant("So.")]
    assert parity.compare(name, messages, None, BUILTIN, official.plain(messages, name)) == "equal"


def parts(name: str, reply: str) -> tuple[Any, ...]:
    read = turnwire.get_format(name).parse(reply, finish_reason="stop")
    assert not read.faults
    return read.turn.parts


F, G = Call("f", {"a": 1}), Call("g", {})


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ('<|python_tag|>f.call(a="x")<|eom_id|>', (Call("f", {"a": "x"}),)),
        ('<|python_tag|>{"name": "f", "parameters": {"a": 1}}; {"name": "g", "parameters": {}}<|eom_id|>', (F, G)),
        ('{"name": "f", "arguments": {"a": 1}};{"name": "g", "parameters": {}}', (F, G)),
        ('{"name": "f", "parameters": {"a": 1}}\n{"type": "function", "name": "g", "parameters": {}}', (F, G)),
        ('\n\n{"parameters": {"a": 1}, "name": "f"}', (F,)),
        ("[f(a=1), g()]", (F, G)),
        ("<|python_tag|>print(f(a=1))<|eom_id|>", (Text("print(f(a=1))"),)),
        ('{"name": "f"}', (Text('{"name": "f"}'),)),
    ],
)
def test_variants_of_llama_3(reply: str, wanted: tuple[Any, ...]) -> None:
    assert parts("llama-3.1", reply) == wanted


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("<|python_start|>[f(a=1), g()]<|python_end|><|eom|>", (F, G)),
        ("<|python_start|>[f(a=1),\n g( )]<|eot|>", (F, G)),
        ('{"name": "f", "parameters": {"a": 1}}{"name": "g", "parameters": {}}<|eot|>', (F, G)),
        ('<|python_start|>Look:<|python_end|>{"name": "f", "parameters": {"a": 1}}<|eot|>', (Text("Look:"), F)),
        ("Look:<|python_start|>[f(a=1)]<|python_end|>", (Text("Look:"), F)),
        ("[1] As noted, [f] is [a list](x).", (Text("[1] As noted, [f] is [a list](x)."),)),
    ],
)
def test_variants_of_llama_4(reply: str, wanted: tuple[Any, ...]) -> None:
    assert parts("llama-4", reply) == wanted


def test_a_positional_argument_makes_a_call_unreadable() -> None:
    read = turnwire.get_format("llama-4").parse('[f("x", b=1), g()]', finish_reason="stop")
    assert [c.status for c in read.turn.calls] == ["unreadable", "complete"]
    assert [f.code for f in read.faults] == ["no-key", "broken-value"]


def test_images_of_llama_4() -> None:
    """The template's placeholder, and the same spelling in text stays text."""
    fmt = turnwire.get_format("llama-4")
    content = [{"type": "text", "text": "<|image|> "}, {"type": "image", "image": "x"}, {"type": "text", "text": "?"}]
    messages = [{"role": "user", "content": content}]
    out = fmt.render(messages, tokenizer=official.tokenizer("llama-4"), add_generation_prompt=True)
    assert out.text == official.text("llama-4", messages, add_generation_prompt=True)
    assert [(r.kind, out.text[r.start : r.stop]) for r in out.runs][1:4] == [
        ("text", "<|image|> "),
        ("media", "<|image|>"),
        ("text", "?"),
    ]
    assert out.ids.count(official.tokenizer("llama-4").special("<|image|>")) == 1


def test_turns_go_on_behind_parallel_calls() -> None:
    """The template of Llama 3 refuses a turn of several calls, which models write."""
    fmt = turnwire.get_format("llama-3.1")
    turn = Turn("assistant", (F, G))
    assert fmt.render_reply(turn).text in fmt.render([user("Go"), turn, result("x")]).text
