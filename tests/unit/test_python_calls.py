"""Python's notation for calls: its arguments become JSON as they come, and a guard tells a call from other text."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwire
from tests.laws.law import EXAMPLES, reports
from turnwire import Call, Text, Turn
from turnwire.codecs import (
    BROKEN,
    DONE,
    MAX_DEPTH,
    MORE,
    JsonCall,
    LiteralStream,
    PythonArguments,
    PythonCall,
    PythonReader,
    Quoted,
    Took,
    loads,
    python_value,
)
from turnwire.codecs.python_call import AHEAD
from turnwire.wire import Choice, End, Frame, If, Lit, Look, Many, Slot, Symbols, Tok

WORDS = st.lists(st.sampled_from(["a", "'", '"', "\\", "\n", "é", "🙂", "\x00", '"""', ",", ")", "{", "="])).map(
    "".join
)
VALUES = st.recursive(
    st.one_of(WORDS, st.booleans(), st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=5,
)


class Sink:
    """Keeps what it is told; no control token ends a value."""

    eof = False

    def __init__(self) -> None:
        self.raw = self.json = ""
        self.faults: list[str] = []
        self.symbols = Symbols(())

    def piece(self, kind: str, raw: str, json: str | None = None) -> None:
        assert kind == "arguments" and json is not None
        self.raw += raw
        self.json += json

    def named(self, name: str) -> None:
        raise AssertionError

    def identified(self, id: str) -> None:
        raise AssertionError

    def fault(self, code: str, message: str, text: str) -> None:
        self.faults.append(f"{code} at {len(self.raw)}")

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        return damaged


def read(text: str, sizes: Callable[[], int] = lambda: 10**6, raw: bool = False) -> tuple[Sink, Took, str]:
    """What a reader makes of a text, and what it leaves of it."""
    sink = Sink()
    reader = PythonReader(sink, raw)
    took, at, seen = MORE, 0, 0
    while seen < len(text) and took is MORE:
        seen = min(len(text), seen + sizes())
        sink.eof = seen == len(text)
        i, took = reader.take(text[:seen], at, sink)
        assert i > at or took is not MORE or raw
        at = i
    assert sink.raw == text[:at]
    return sink, took, text[at:]


PRINTERS = [repr, python_value, Quoted(), Quoted('"')]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "_b", "c-d", "é"]), VALUES), st.sampled_from(PRINTERS), st.data())
def test_values_read_back(arguments: dict[str, Any], write: Callable[[Any], str], data: Any) -> None:
    text = PythonArguments(write).write(Call("f", arguments)) + ") and more"
    whole = read(text)
    assert loads(whole[0].json) == arguments and whole[1:] == (DONE, ") and more") and not whole[0].faults
    cut = read(text, lambda: data.draw(st.integers(1, 4)))
    assert (cut[0].json, cut[1:]) == (whole[0].json, whole[1:])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", {}),
        (" \n", {}),
        ("a = 1 , b=[1, (2,), {'k': None}],", {"a": 1, "b": [1, [2], {"k": None}]}),
        ("a=-1.5e3, b=true, c=null, d=False", {"a": -1500.0, "b": True, "c": None, "d": False}),
        ("a='''it's\n''', b=\"\"\"\"x\" y\"\"\", c=''", {"a": "it's\n", "b": '"x" y', "c": ""}),
        ("a='line\nend\\'', b='\\x41\\u00e9'", {"a": "line\nend'", "b": "Aé"}),
        ("path='a)b', c d=1", {"path": "a)b", "c d": 1}),
    ],
)
def test_notations(text: str, wanted: dict[str, Any]) -> None:
    sink, took, rest = read(text + ")")
    assert (loads(sink.json), took, rest, sink.faults) == (wanted, DONE, ")", [])


@pytest.mark.parametrize("text", ['"x"', "1, a=2", "a=1, 'x', b=2", "**{'a': 1}", "a=1, b", "x"])
def test_an_argument_without_a_key_is_a_fault(text: str) -> None:
    sink, took, rest = read(text + ")")
    assert took is BROKEN and rest == ")" and len(sink.faults) == (text[-1] not in "bx")
    cut = read(text + ")", lambda: 1)[0]
    assert (cut.json, cut.faults) == (sink.json, sink.faults)


@pytest.mark.parametrize(
    "text", ["a=1 2", "a='x' 'y'", "a=", "a=f(x)", "a=x", "a=1,,b=2", "a={1, 2}", "a=1]", "a='\\q'"]
)
def test_what_is_no_value_is_not_made_one(text: str) -> None:
    sink, took, _ = read(text + ")")
    try:
        loads(sink.json)
    except ValueError:
        return
    assert took is BROKEN


ENDS = re.compile(r"""['"]\s*(,\s*[^\s,()\[\]{}"'=]+\s*=|\)\s*([,;\]}<]|$))""")
"""What ends a string that has no escapes."""
RAW_TEXTS = st.lists(
    st.sampled_from(["a", "'", '"', "\\", "\n", "é", ",", ", b", "=", ")", ") ", "]", " ", "f('x', 'y')", "it's"])
).map("".join)


def test_strings_without_escapes_read_back() -> None:
    """Whatever they hold, if it does not spell how the call goes on; however the text is cut."""
    tried: Counter[str] = Counter()

    @settings(max_examples=EXAMPLES, deadline=None)
    @given(st.dictionaries(st.sampled_from("abc"), RAW_TEXTS | VALUES), st.sampled_from("\"'"), st.data())
    def check(arguments: dict[str, Any], quote: str, data: Any) -> None:
        text = PythonArguments(Quoted(quote, True), raw=True).write(Call("f", arguments)) + ")] and more"
        whole = read(text, raw=True)
        cut = read(text, lambda: data.draw(st.integers(1, 4)), raw=True)
        assert (cut[0].json, cut[1:]) == (whole[0].json, whole[1:])
        strings = [v for v in arguments.values() if isinstance(v, str)]
        spelled = any(ENDS.search(v + quote) for v in strings)
        tried["spells an end" if spelled else "holds a quote" if quote in "".join(strings) else "other"] += 1
        if not spelled:
            assert loads(whole[0].json) == arguments and whole[1:] == (DONE, ")] and more") and not whole[0].faults

    check()
    reports.append(f"strings without escapes: {dict(tried)}")
    assert tried["holds a quote"] >= EXAMPLES / 10 and tried["spells an end"] <= EXAMPLES / 2


@pytest.mark.parametrize(
    ("text", "wanted", "left"),
    [
        ("a='it's', b=''", {"a": "it's", "b": ""}, ")]"),
        ("a='f('x', 'y')\n', b=[\"q'\", 'it\\'s']", {"a": "f('x', 'y')\n", "b": ["q'", "it's"]}, ")]"),
        ("a='C:\\new', b='''", {"a": "C:\\new", "b": "'"}, ")]"),
        ("a='x' ,\nb = 1", {"a": "x", "b": 1}, ")]"),
        ("a='x'), g(b='y'", {"a": "x"}, "), g(b='y')]"),
    ],
)
def test_quotes_in_strings_without_escapes(text: str, wanted: dict[str, Any], left: str) -> None:
    sink, took, rest = read(text + ")]", raw=True)
    assert (loads(sink.json), took, rest, sink.faults) == (wanted, DONE, left, [])


def test_how_far_a_quote_looks_ahead() -> None:
    """Not far: a reply that looks like a key, or like blanks, for long is no more work than any other."""
    for text in ("a='x'" + " " * 10_000, "a='x', " + "k" * 10_000):
        sink = Sink()
        reader, at = PythonReader(sink, True), 0
        for seen in range(1, len(text)):
            at, _ = reader.take(text[:seen], at, sink)
            assert seen - at <= 2 * AHEAD + 3


def test_nesting_is_bounded() -> None:
    sink, took, _ = read("a=" + "[" * (MAX_DEPTH + 1))
    assert took is BROKEN and sink.faults == [f"too-deep at {MAX_DEPTH + 2}"]


def test_a_control_token_ends_only_a_string_that_is_damaged() -> None:
    assert read("a='x\ud800y')")[1] is DONE
    assert read("a='x\ny\ud800z')")[1:] == (BROKEN, "\ud800z')")
    assert read("a='''x\ny\ud800z''')")[1] is DONE
    assert read("a=1\ud800)")[1:] == (BROKEN, "\ud800)")


def test_literals_hold_two_quotes_at_most() -> None:
    stream = LiteralStream()
    assert [stream.feed(c) for c in "'''a''b'''"] == ["", "", '"', "a", "", "", "''b", "", "", '"']
    stream = LiteralStream()
    assert stream.feed("''") + stream.close() == '""'


# Guards.

JSON = [
    ('{"name": "f", "parameters": {', True),
    ('{"parameters": {"a": {"b": "}"}}, "name": "f"', True),
    (' \n{"type": "function", "name": "f", "arguments": {', True),
    ('{"name": "a\\"b", "arguments": {', True),
    ('{"a"', False),
    ("{}", False),
    ('{"name": "Paris", "country"', False),
    ('{"name": "f"}', False),
    ('{"name": ""', False),
    ('{"name": "f", "parameters": "', False),
    ('{"name" "', False),
    ("[", False),
    ("x", False),
    ('{"name": "' + "x" * JsonCall.limit, False),
    (" " * JsonCall.limit, False),
]
PYTHON = [
    ("[f(a=1", True),
    ("[f()", True),
    ('[f("', True),
    ("\n[ f(\n a =1", True),
    ("[a.b-c(x_1=3", True),
    ("[1]", False),
    ("[link]", False),
    ("[see(also)", False),
    ("[f(a==", False),
    ("[f ", False),
    ("f", False),
    ("[" + "x" * PythonCall.limit, False),
]


@pytest.mark.parametrize(
    ("guard", "text", "wanted"),
    [(JsonCall(), *case) for case in JSON]
    + [(PythonCall(), *case) for case in PYTHON]
    + [(PythonCall("", ".call("), 'search.call(q="', True), (PythonCall("", ".call("), "print(", False)],
)
def test_guards_answer_at_once(guard: Any, text: str, wanted: bool) -> None:
    """With the last character, not before, whatever the pieces; and say no more than yes or no behind it."""
    more = guard.begin()
    answers = [more(c) for c in text]
    first = next(i for i, a in enumerate(answers) if a is not None)
    assert answers[first] is wanted and first < guard.limit and (first == len(text) - 1 or len(text) > guard.limit)
    assert guard.begin()(text) is guard.begin()(text + " and more") is wanted


def test_text_that_is_no_call_comes_out_whole_and_soon() -> None:
    fmt = turnwire.get_format("llama-3.1")
    for said in ('{"capital": "Paris"}', '{"a": 1} is a dict', "{}", "[1] As noted", "[link](http://x)", '{"name": "f'):
        assert fmt.parse(said, finish_reason="stop").turn == Turn("assistant", (Text(said),))
    p = fmt.parser()
    assert not p.feed_text('{"capital') and p.feed_text('"')[-1].span == (0, 10)


def test_calls_switched_off_are_text() -> None:
    fmt = turnwire.get_format("llama-3.1")
    for said in ('{"name": "f", "parameters": {}}', "[f(a=1)]"):
        assert fmt.parse(said, finish_reason="stop").turn.calls
        assert fmt.parse(said, finish_reason="stop", calls=False).turn == Turn("assistant", (Text(said),))


def test_how_arguments_are_written() -> None:
    call = Call("f", {"a": 'it\'s \\ "x"', "b": {"c": True}, "d": [None, "x"]})
    assert PythonArguments(Quoted(), ",").write(call) == ("""a='it\\'s \\\\ "x"',b={"c": true},d=[None, 'x']""")
    assert Quoted('"')('"') == '"\\""'


def test_notations_do_not_mix() -> None:
    """What a model wrote in one notation is not copied into another."""
    fmt = turnwire.get_format("llama-3.1")
    (call,) = fmt.parse("[f(a='x', b=None)]", finish_reason="stop").turn.calls
    assert call.raw == "a='x', b=None" and json.loads(call.arguments_json) == {"a": "x", "b": None}
    assert fmt.render_reply(Turn("assistant", (call,))).text.startswith(
        '{"name": "f", "parameters": {"a": "x", "b": null}}'
    )
    assert PythonArguments().write(call) == call.raw
    (call,) = fmt.parse('{"name": "f", "parameters": {"a":1}}', finish_reason="stop").turn.calls
    assert PythonArguments().write(call) == "a=1"


def is_loud(options: Any, part: Any) -> bool:
    return isinstance(part, Call) and part.name == "loud"


def test_if_chooses_what_is_written_and_not_what_is_read() -> None:
    def call(mark: str) -> Frame:
        return Frame("call", Lit(mark) + Slot("name") + Lit("(") + Slot("arguments", PythonArguments()) + Tok("</c>"))

    word = Many(Choice(If(is_loud, call("!")), call("?"))) + Choice(If(is_loud, End("<x>", "<e>")), End("<e>", "<x>"))
    fmt = turnwire.get_format("qwen3").but("toy", reply=word)
    loud, quiet = Call("loud", {"a": 1}), Call("quiet", {})
    for parts, text in (((loud, quiet), "!loud(a=1</c>?quiet(</c><e>"), ((quiet, loud), "?quiet(</c>!loud(a=1</c><x>")):
        assert fmt.render_reply(Turn("assistant", parts)).text == text
    assert {Look(JsonCall()), Look(PythonCall())} == {Look(JsonCall()), Look(PythonCall())}
