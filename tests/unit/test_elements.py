"""Arguments as nested elements (codecs/elements.py), read by the whole machine, at once and character by character."""

from __future__ import annotations

from typing import Any

import pytest

import turnwire
from tests.laws.checks import everything, merged
from turnwire import Call, ParseResult, Text, Turn

FMT = turnwire.get_format("minimax-m3")
STRING: dict[str, Any] = {"type": "string"}
PROPERTIES: dict[str, Any] = {
    "city": STRING,
    "n": {"type": "integer"},
    "tags": {"type": "array", "items": STRING},
    "o": {
        "type": "object",
        "properties": {
            "a": {"type": "number"},
            "b": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "boolean"}}}},
        },
    },
    "js": {"type": "object"},
    "none": {"type": "array"},
    "item": {"type": "object", "properties": {"item": STRING}},
}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": PROPERTIES}}}
]


def parse(body: str) -> ParseResult:
    """`~` is the mark."""
    text = f'Hi~<tool_call>\n~<invoke name="f">{body}~</invoke>\n~</tool_call>'.replace("~", "]<]minimax[>[")
    parser = FMT.parser(tools=TOOLS)
    events = [e for c in text for e in parser.feed_text(c)] + parser.close("stop")
    result = FMT.parse(text, TOOLS, finish_reason="stop")
    assert parser.turn == result.turn and result.turn.parts[0] == Text("Hi")
    (call,) = result.turn.calls
    deltas = "".join(e.json for e in events if isinstance(e, turnwire.events.ArgumentsDelta))
    assert deltas == call.arguments_json
    if call.complete:  # what it wrote is written again
        assert FMT.render_reply(Turn("assistant", (Text("Hi"), call))).text == f"</mm:think>{text}[e~["
    return result


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        ("", {}),
        ("~<city>Oslo~</city>~<n>3~</n>", {"city": "Oslo", "n": 3}),
        ("~<city> <b>x</b>\n~</city>", {"city": " <b>x</b>\n"}),
        ("~<city>~</city>", {"city": ""}),
        ("~<tags>~<item>a~</item>~<item>~</item>~</tags>", {"tags": ["a", ""]}),
        ("\n~<o>\n ~<a>1.5~</a>~<b>~<item>~<x>true~</x>~</item>~</b>\n~</o>\n", {"o": {"a": 1.5, "b": [{"x": True}]}}),
        ('~<js>{"a": [1]}~</js>', {"js": {"a": [1]}}),
        ("~<js>~</js>~<none>~</none>", {"js": {}, "none": []}),
        ("~<item>~<item>a~</item>~</item>", {"item": {"item": "a"}}),
        ("~<new>~<k>1~</k>~</new>~<list>~<item>1~</item>~</list>", {"new": {"k": "1"}, "list": ["1"]}),
        ("~<-A>1~</-A>", {"-A": "1"}),  # vllm-project/vllm-ascend issue 12815
        ("~offer.docx~</city>~<n>1~</n>", {"city": "offer.docx", "n": 1}),  # vllm-project/vllm pull request 51075
        ("~7~</n>", {"n": 7}),
    ],
)
def test_read(body: str, arguments: Any) -> None:
    result = parse(body)
    assert result.turn.calls[0].arguments == arguments and result.turn.calls[0].status == "complete"
    assert not result.faults


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("~<city>Oslo", "unreadable", "broken-value"),
        ("~<city>Oslo~</town>", "unreadable", "broken-value"),
        ("Oslo", "unreadable", "broken-value"),
        ("~<js>~<a>1~</a> text~</js>", "unreadable", "broken-value"),
        ("~<n>1~</n>~<n>2~</n>", "complete", "duplicate-key"),
        ("~<js>" + "~<a>" * 200 + "1" + "~</a>" * 200 + "~</js>", "unreadable", "too-deep"),
        ("~<n>x~</n>", "invalid", None),
    ],
)
def test_damaged(body: str, status: str, code: str | None) -> None:
    result = parse(body)
    assert result.turn.calls[0].status == status
    assert code in {f.code for f in result.faults} if code else not result.faults


def test_written() -> None:
    """As the template does: a null member is left out, so the turn would not read back; arguments that were changed
    are written anew."""
    call = Call("f", {"n": 1, "o": {"a": None, "b": [{"x": False}, None]}, "city": None})
    text = FMT.render_reply(Turn("assistant", (call,))).text
    said = "~<n>1~</n>~<o>~<b>~<item>~<x>false~</x>~</item>~<item>~</item>~</b>~</o>"
    assert said.replace("~", "]<]minimax[>[") in text
    assert FMT.admits(Turn("assistant", (call,)), TOOLS) is not None
    changed = Call("f", {"n": 2}, raw="]<]minimax[>[<n>1]<]minimax[>[</n>")
    assert "<n>2]" in FMT.render_reply(Turn("assistant", (changed,))).text


@pytest.mark.parametrize(
    "body", ["~<o> x", "~<o>~<a>1~</a> \n x", "~<n>1~</n> x~<n>", " x", "~<tags> ~<item>a~</item> b"]
)
def test_blanks_before_text_that_cannot_stand_there_are_told_alike_however_they_come(body: str) -> None:
    text = f'~<tool_call>\n~<invoke name="f">{body}~</invoke>\n~</tool_call>'.replace("~", "]<]minimax[>[")
    p, q = FMT.parser(tools=TOOLS), FMT.parser(tools=TOOLS)
    assert merged(p.feed_text(text) + p.close()) == merged([e for c in text for e in q.feed_text(c)] + q.close())
    assert everything(p.turn) == everything(q.turn)
