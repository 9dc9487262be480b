"""Malformed output, of every format: nothing raises, spans tile, siblings survive, what is cut is never complete."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

import turnwire
from tests.laws import law
from tests.laws.checks import lossless, parse_in, to_ids, together, well_formed
from tests.laws.law import Report
from tests.laws.strategies import TOOLS, frame_kinds, prefills_reasoning, tokenizer
from turnwire import Call, ParseResult, Reasoning, Text, Turn
from turnwire.errors import RefusedTurn
from turnwire.parsers.stream import parse_symbols
from turnwire.wire import Frame, control_tokens, is_symbol, walk

NAMES = turnwire.list_formats()
CALLING = [name for name in NAMES if "call" in frame_kinds(turnwire.get_format(name))]
ARGUMENTS = {"path": "Paris", "content": "x y"}
THREE = [
    {"type": "function", "function": {"name": n, "parameters": TOOLS[0]["function"]["parameters"]}}
    for n in ("aa", "bb", "cc")
]


def written(fmt: turnwire.Format, *parts: Any) -> str:
    """A reply in symbols."""
    return fmt.render_reply(Turn("assistant", parts), tools=TOOLS).symbols


def parse(fmt: turnwire.Format, symbols: str, tools: Any = TOOLS, **kw: Any) -> ParseResult:
    return parse_symbols(fmt.parser(tools=tools, **kw), symbols, "ids")


def replies(fmt: turnwire.Format) -> list[str]:
    """Twenty replies: parts of every kind, in several orders."""
    call = Call("write_file", ARGUMENTS)
    typed = Call("calc", {"x": 1.5, "n": 3, "exact": True})
    nested = Call("search", {"query": 'café "best"', "filters": {"a": [1, {"b": None}]}, "sites": ["x"]})
    empty = Call("now", {})
    calls = (call, typed, nested, empty)
    bodies: list[tuple[Any, ...]] = [(Text("Hello."),), *((c,) for c in calls), (call, typed), (nested, empty, call)]
    bodies += [(Text("Let me look.\n"), c) for c in calls] + [(Text("漢字 🙂 é"), call, Text("after"))]
    if "call" not in frame_kinds(fmt):
        bodies = [(Text(text * n),) for text in ("Hello.", "漢字 🙂 é", "a\n\n b ") for n in (1, 2, 3, 5)]
    out: list[str] = []
    for lead in ((Reasoning("I think\nso."),), ()):
        for body in bodies:
            try:
                out.append(written(fmt, *lead, *body))
            except RefusedTurn:
                continue
    return out


@pytest.mark.parametrize("name", NAMES)
def test_truncation_at_every_token(name: str) -> None:
    fmt = turnwire.get_format(name)
    tok = tokenizer(fmt)
    cases = replies(fmt)
    assert len(cases) >= 12
    cuts = 0
    report = Report("truncation", name)
    for symbols in cases[:20]:
        ids = to_ids(fmt, symbols, tok)
        whole = fmt.parse(ids, TOOLS, tokenizer=tok, finish_reason="stop").turn
        for n in range(len(ids)):
            events, turn = parse_in(fmt, [ids[:n]], tok, "length")
            well_formed(events, together(fmt))
            done = [c for c in turn.calls if c.complete]
            assert done == list(whole.calls[: len(done)]), "a call of a cut reply that the whole reply does not have"
            for call in turn.calls[len(done) :]:
                assert call.status in ("incomplete", "unreadable")
            cuts += 1
        lossless(fmt, (symbols, 1, "stop", "recover"), report)
    law.reports.append(f"truncation {name}: {len(cases[:20])} replies cut at {cuts} tokens")


@pytest.mark.parametrize("name", CALLING)
def test_one_damaged_call_leaves_its_siblings(name: str) -> None:
    """Every piece of the first of three calls is deleted, garbled and doubled. A call that begins without a control
    token can only be found behind a sound one: there, nothing is promised but that what is complete was written."""
    fmt = turnwire.get_format(name)
    three = [Call(n, ARGUMENTS) for n in ("aa", "bb", "cc")]
    lead = (Reasoning("r"),) if prefills_reasoning(fmt) else ()
    s = fmt.render_reply(Turn("assistant", (*lead, *three)), tools=THREE).symbols
    counts: Counter[str] = Counter()
    for m in re.finditer(r"[\ud800-\udfff]|\w+|\s+|[^\w\s\ud800-\udfff]+", s[: s.find("bb")]):
        a, b = m.span()
        for damage in ("", "@@", s[a:b] * 2):
            result = parse(fmt, s[:a] + damage + s[b:], THREE)
            done = [c for c in result.turn.calls if c.complete]
            counts["damages"] += 1
            counts["third call intact"] += three[2] in done
            counts["second call intact"] += three[1] in done
    marked = any(map(is_symbol, s[s.find("bb") : s.find("cc")]))
    assert counts["third call intact"] == counts["damages"] or not marked, counts
    law.reports.append(f"siblings {name}: {dict(counts)}")


def codes(result: ParseResult) -> set[str]:
    return {f.code for f in result.faults}


@pytest.mark.parametrize("name", ["qwen3", "qwen3-thinking-2507", "qwen3.5"])
def test_doubled_think_closer(name: str) -> None:
    fmt = turnwire.get_format(name)
    s = written(fmt, Reasoning("thought"), Text("answer")).replace(
        fmt.program.symbols.of["</think>"], 2 * fmt.program.symbols.of["</think>"]
    )
    result = parse(fmt, s)
    assert result.turn.reasoning == "thought" and result.turn.text == "answer"
    assert codes(result) == {"doubled-marker"}


@pytest.mark.parametrize("name", ["qwen3", "qwen3-thinking-2507", "qwen3.5"])
def test_call_inside_reasoning(name: str) -> None:
    """Of a reasoning that is never closed, a call; of one that is closed, words: by default, and as asked for."""
    fmt = turnwire.get_format(name)
    call = Call("write_file", ARGUMENTS)
    opener = "" if prefills_reasoning(fmt) else fmt.program.symbols.of["<think>"] + "\n"
    closer = "\n" + fmt.program.symbols.of["</think>"] + "\n\n"
    inner = written(turnwire.get_format("qwen3-coder" if name == "qwen3.5" else "qwen3-instruct-2507"), call)
    source = turnwire.get_format("qwen3-coder" if name == "qwen3.5" else "qwen3-instruct-2507").program.symbols
    inner = fmt.program.symbolise(source.show(inner)).replace(fmt.program.symbols.of["<|im_end|>"], "")
    stop = fmt.program.symbols.of["<|im_end|>"]
    unclosed = opener + "I should write.\n" + inner + stop
    closed = opener + "I should write.\n" + inner + closer + "Done." + stop
    for policy, found_unclosed, found_closed in (("recover_if_unclosed", 1, 0), ("recover", 1, 1), ("ignore", 0, 0)):
        result = parse(fmt, unclosed, calls_in_reasoning=policy)
        assert len([c for c in result.turn.calls if c.complete]) == found_unclosed, policy
        assert all(c.in_reasoning for c in result.turn.calls)
        assert result.turn.reasoning.startswith("I should write.")
        result = parse(fmt, closed, calls_in_reasoning=policy)
        assert len([c for c in result.turn.calls if c.complete]) == found_closed, policy
        if not found_closed:
            assert result.turn.text == "Done." and "write_file" in result.turn.reasoning


@pytest.mark.parametrize("name", CALLING)
def test_text_after_calls(name: str) -> None:
    fmt = turnwire.get_format(name)
    lead = (Reasoning("r"),) if prefills_reasoning(fmt) else ()
    channel = "final" if name == "harmony" else None
    turn = Turn("assistant", (*lead, Call("write_file", ARGUMENTS), Text("after", channel)))
    try:
        reply = written(fmt, *turn.parts)
    except turnwire.errors.RefusedTurn as e:  # a tree whose calls are last
        assert "no place for 'text' behind 'call'" in str(e)
        assert fmt.admits(turn) is not None
        return
    result = parse(fmt, reply)
    own = tuple(p for p in result.turn.parts if not (isinstance(p, Reasoning) and not p.text))  # the prompt's
    assert Turn("assistant", own) == turn and not result.faults


@pytest.mark.parametrize("name", CALLING)
def test_missing_closers(name: str) -> None:
    """A call without its closer is incomplete when the reply was cut, and never silently whole."""
    fmt = turnwire.get_format(name)
    lead = (Reasoning("r"),) if prefills_reasoning(fmt) else ()
    first, second = Call("write_file", ARGUMENTS), Call("calc", {"n": 1})
    s = written(fmt, *lead, first, second)
    call = [w for w in walk(fmt.reply) if isinstance(w, Frame) and w.kind == "call"]
    closers = [c for c in ("</tool_call>", "<|call|>") if any(c in control_tokens(w) for w in call)]  # of one call
    for closer in closers:
        symbol = fmt.program.symbols.of[closer]
        result = parse(fmt, s.replace(symbol, "", 1))  # the first call's
        assert [c for c in result.turn.calls if c.complete][-1] == second
        assert result.faults
        rest = s[: s.rindex(symbol)]
        for finish in ("length", "abort", None):
            p = fmt.parser(tools=TOOLS)
            p.feed_symbols(rest)
            p.close(finish)  # type: ignore[arg-type]
            assert [c.complete for c in p.turn.calls] == [True, False], (finish, p.turn)


def test_header_without_a_channel() -> None:
    fmt = turnwire.get_format("harmony")
    of = fmt.program.symbols.of
    result = parse(
        fmt,
        of["<|message|>"]
        + "words"
        + of["<|end|>"]
        + of["<|start|>"]
        + "assistant"
        + of["<|channel|>"]
        + "final"
        + of["<|message|>"]
        + "answer"
        + of["<|return|>"],
    )
    assert codes(result) == {"bad-header"}
    assert result.turn.text == "answer" and [p.text for p in result.turn.parts if isinstance(p, Text)] == [
        "words",
        "answer",
    ]


def test_markers_stripped() -> None:
    """A server that removed the control tokens is found out."""
    fmt = turnwire.get_format("harmony")
    result = fmt.parse(
        'analysisThinking.assistantcommentary to=functions.now json{"a": 1}', TOOLS, finish_reason="stop"
    )
    assert "markers-stripped" in codes(result)


def test_strict_raises_on_the_first_fault() -> None:
    fmt = turnwire.get_format("qwen3")
    of = fmt.program.symbols.of
    with pytest.raises(turnwire.errors.StrictFault) as caught:
        parse(fmt, of["<tool_call>"] + "\nnot json\n" + of["</tool_call>"], strict=True)
    assert caught.value.fault.code == "broken-value"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", "too-deep"),
        ('{"a": ' + "9" * 5000 + "}", "invalid-json"),
        ('{"a": NaN}', "invalid-json"),
        ('{"a": 1e999}', "invalid-json"),
        ('{"a": 1, "a": 2}', "duplicate-key"),
        ("[1]", "not-an-object"),
        ('{"a": "line\nend"}', "invalid-json"),
    ],
)
@pytest.mark.parametrize("name", ["qwen3", "harmony"])
def test_arguments_that_are_not_json(name: str, arguments: str, code: str) -> None:
    fmt = turnwire.get_format(name)
    s = written(fmt, Call("now", {}))
    result = parse(fmt, s.replace("{}", arguments))
    assert code in codes(result)
    (call,) = result.turn.calls
    assert call.complete == (code == "duplicate-key")
    assert code == "too-deep" or call.raw == arguments


def test_escaped_lone_surrogate_stays_escaped() -> None:
    """The arguments text is the model's own; a call that keeps it renders it byte for byte."""
    fmt = turnwire.get_format("qwen3")
    text = '<tool_call>\n{"name": "write_file", "arguments": {"path":  "\\ud800"}}\n</tool_call>'
    result = fmt.parse(text, TOOLS, finish_reason="stop")
    (call,) = result.turn.calls
    assert call.complete and call.arguments_json == '{"path":  "\\ud800"}'
    assert fmt.render_reply(result.turn).text == text + "<|im_end|>"


def test_server_kept_going_after_the_stop_token() -> None:
    fmt = turnwire.get_format("qwen3")
    of = fmt.program.symbols.of
    result = parse(fmt, "Hi." + of["<|im_end|>"] + "\n" + of["<|im_start|>"] + "user\nmore")
    assert result.turn.text == "Hi." and "unexpected-text" in codes(result)
