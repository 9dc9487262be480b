"""Arguments with bare keys: what is written, what is read of it, however it is cut, and what models write instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwire
from tests.laws.strategies import hostile
from turnwire import Call
from turnwire.codecs import BROKEN, DONE, MAX_DEPTH, MAX_KEY, MORE, BareKeys
from turnwire.events import ArgumentsDelta
from turnwire.wire import Symbols, Tok

Q = '<|"|>'
CODEC = BareKeys(Q)
SYMBOLS = Symbols((Q, "<|tool_call>"))
QUOTE, OTHER = SYMBOLS.of[Q], SYMBOLS.of["<|tool_call>"]


class Context:
    """Other control tokens in a string are data, unless `ends`."""

    def __init__(self, ends: bool | None = False):
        self.symbols, self.ends = SYMBOLS, ends

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        return self.ends


class Recorder:
    def __init__(self) -> None:
        self.raw = self.json = ""
        self.faults: list[str] = []

    def piece(self, kind: str, raw: str, json: str | None = None) -> None:
        assert kind == "arguments" and json is not None
        self.raw, self.json = self.raw + raw, self.json + json

    def named(self, name: str) -> None:
        raise AssertionError(name)

    def identified(self, id: str) -> None:
        raise AssertionError(id)

    def fault(self, code: str, message: str, text: str) -> None:
        self.faults.append(code)


def read(text: str, size: int = 10**6, ends: bool | None = False) -> tuple[Recorder, Any, str]:
    """What comes out, how it stopped, and what is left; read `size` characters at a time."""
    sink, reader = Recorder(), CODEC.reader(Context(ends))
    held, took = "", MORE
    for i in range(0, len(text), size):
        held += text[i : i + size]
        at, took = reader.take(held, 0, sink)
        held = held[at:]
        if took is not MORE:
            return sink, took, held + text[i + size :]
    return sink, took, held


def spelled(pieces: list[Any]) -> str:
    return "".join(p.text if isinstance(p, Tok) else p for p in pieces)


def symbols(pieces: list[Any]) -> str:
    return "".join(SYMBOLS.of[p.text] if isinstance(p, Tok) else p for p in pieces)


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), hostile()
)
values = st.recursive(
    scalars, lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(hostile(max_size=2), v, max_size=3))
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(hostile(max_size=3), values, max_size=4), st.integers(1, 9))
def test_round_trip(arguments: dict[str, Any], size: int) -> None:
    text = symbols(CODEC.write(Call("f", arguments))) + "}rest"
    for n in (10**6, size, 1):
        sink, took, left = read(text, n)
        assert took is DONE and left == "}rest"
        assert json.loads(sink.json) == arguments
        assert sink.raw == text[: -len(left)]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*"a1-e \n:=,{}[]'\"\\é\0", "tru", "null", "1e5", QUOTE, OTHER])), st.integers(1, 4))
def test_any_cut_is_the_same(pieces: list[str], size: int) -> None:
    text = "".join(pieces)
    for ends in (False, True):
        whole, took, left = read(text, ends=ends)
        cut, how, rest = read(text, size, ends=ends)
        assert (whole.raw, whole.json, whole.faults, took, left) == (cut.raw, cut.json, cut.faults, how, rest)


WRITTEN = [
    # vllm-project/vllm issue 51284: strings of containers in JSON's or Python's quotes
    ('data_refs:["ds_1"],opts:{"mode": "fast"}', {"data_refs": ["ds_1"], "opts": {"mode": "fast"}}),
    ("data_refs:['ds_1','it\\'s \"x\"']", {"data_refs": ["ds_1", 'it\'s "x"']}),
    # vllm-project/vllm pull request 51307 and ollama/ollama issue 17882: = for :
    (f'code:{Q}x{Q},refs=["ds_1"],note="a \\"b\\" \\u00e9"', {"code": "x", "refs": ["ds_1"], "note": 'a "b" é'}),
    ("save_as='report.docx'", {"save_as": "report.docx"}),
    # osaurus-ai/vmlx-swift pull request 11: quoted keys
    ('"url":"https://x","wait_until":"networkidle"', {"url": "https://x", "wait_until": "networkidle"}),
    # canitoolcall gemma4/bug-ollama-18390-key-with-spaces, gemma4/sglang-nested-array-with-spaces
    (f"c:{{LLM Chain:{{main:[[{{n:{Q}X{Q}, i:0}}]]}}}}", {"c": {"LLM Chain": {"main": [[{"n": "X", "i": 0}]]}}}),
    # text without quotes, as vLLM's parser reads it; dates are no numbers, 007 is none in JSON
    ("a:Oslo ,b:2026-01-15,c:007,d:New York", {"a": "Oslo", "b": "2026-01-15", "c": "007", "d": "New York"}),
    ("a:true,b:False,c:null,d:None,e:tru", {"a": True, "b": False, "c": None, "d": None, "e": "tru"}),
    ("a:nullx,b:1 2", {"a": "nullx", "b": "1 2"}),
    ("a:[1, -2.5e3 ,1e-05,],", {"a": [1, -2500.0, 1e-05]}),
    (f"{Q}a b{Q}:1,:2", {"a b": 1, "": 2}),
    ("", {}),
    (" ", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), WRITTEN, ids=range(len(WRITTEN)))
def test_what_models_write(text: str, value: Any) -> None:
    assert CODEC.read(text) == value
    sink, took, left = read(text.replace(Q, QUOTE) + "}", 1)
    assert took is DONE and left == "}" and json.loads(sink.json) == value


@pytest.mark.parametrize(
    "text", ["{", "a", "a:}", "a:,b:1}", "a:1]", "[1]", f"a:{Q}x{Q}b:1}}", "a:[1}", "a:{b:1]", ",", "a{", f"a:1{Q}"]
)
def test_broken(text: str) -> None:
    assert CODEC.read(text) is None
    sink, took, _ = read(text.replace(Q, QUOTE) + "}")
    assert took is BROKEN and not sink.faults


def test_bounds() -> None:
    sink, took, _ = read("a:" + "[" * MAX_DEPTH)
    assert took is BROKEN and sink.faults == ["too-deep"]
    assert read("a:" + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1) + "}")[1] is DONE
    assert read("k" * MAX_KEY + ":1}")[1] is DONE
    for size in (1, 10**6):
        sink, took, left = read("k" * (MAX_KEY + 9), size)
        assert took is BROKEN and len(sink.raw) == MAX_KEY + 1 and left == "k" * 8


def test_control_tokens_in_strings() -> None:
    """Data by their spelling, or the end of the value, as the machine finds."""
    text = f"a:{QUOTE}x {OTHER} y{QUOTE}}}"
    assert json.loads(read(text)[0].json) == {"a": "x <|tool_call> y"}
    sink, took, left = read(text, ends=True)
    assert took is BROKEN and left.startswith(OTHER) and sink.json == '{"a": "x '
    sink, took, left = read(text, ends=None)
    assert took is MORE and left.startswith(OTHER)


def test_key_order_and_quoted_keys() -> None:
    """Keys as `dictsort` sorts them; those that would not read back bare are quoted."""
    arguments = {"b": 1, "A": 2, "a_c": "x", "Zeta": True, "k:v": None, "'q": 1.0}
    assert spelled(CODEC.write(Call("f", arguments))) == f"{Q}'q{Q}:1.0,A:2,a_c:{Q}x{Q},b:1,{Q}k:v{Q}:null,Zeta:true"
    assert (
        spelled(BareKeys("<escape>", null="None").write(Call("f", {"a": [None, "x"]}))) == "a:[None,<escape>x<escape>]"
    )


def test_what_the_model_wrote_comes_back() -> None:
    """`raw` is written as it was, its quotes as control tokens; not where it says something else."""
    fmt = turnwire.get_format("gemma-4")
    of = fmt.program.symbols.of
    sampled = f"{of['<|tool_call>']}call:f{{b: 1,a:{of[Q]}x{of[Q]}}}{of['<tool_call|>']}"
    parser = fmt.parser(prompt="<|turn>model\n")
    parser.feed_symbols(sampled)
    parser.close("stop")
    (call,) = parser.turn.calls
    assert call.raw == f"b: 1,a:{Q}x{Q}" and call.arguments == {"a": "x", "b": 1}
    written = fmt.render_reply(parser.turn, prompt="<|turn>model\n")
    assert written.symbols == sampled + of["<|tool_response>"]
    changed = Call("f", {"a": Q}, raw=f"a:{Q}{Q}{Q}")
    assert CODEC.write(changed) == ["a:", Tok(Q), Q, Tok(Q)]


def test_arguments_stream() -> None:
    """Each piece of a string is told at once, as JSON; a number when it is whole."""
    fmt = turnwire.get_format("gemma-4")
    parser = fmt.parser()
    parser.feed_text(f"<|tool_call>call:f{{a:{Q}")
    deltas = []
    for piece in ("one ", 'tw"o', f"{Q},n:1", "2", "}"):
        deltas.append("".join(e.json for e in parser.feed_text(piece) if isinstance(e, ArgumentsDelta)))
    assert deltas == ["one ", 'tw\\"o', '", "n": ', "", "12}"]
