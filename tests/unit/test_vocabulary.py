"""The words of `turnwire.wire`, one by one, in small formats made for the purpose; and what cannot be built."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

import turnwire
from tests.laws.checks import merged, to_ids
from turnwire import Call, Reasoning, Text, Turn
from turnwire.codecs import Envelope, Json, Name, Value
from turnwire.errors import FormatError, RefusedTurn, RoleError
from turnwire.events import ArgumentsDelta, CallEnd, CallStart, Event, Fault, Markup, PartStart, TextDelta
from turnwire.format import Format
from turnwire.layout import Context, Layout, NoResults, Placed, Results, Wrap
from turnwire.wire import (
    NOTHING,
    Choice,
    End,
    Frame,
    Lit,
    Look,
    Many,
    Opt,
    Pad,
    Seq,
    Slot,
    Switch,
    Tok,
    Word,
    children,
    control_tokens,
    end_tokens,
    plain,
    stop_tokens,
    walk,
)

end = End("<e>")
text = Frame("text", Slot("text"))
think = Frame("reasoning", Tok("<t>") + Slot("reasoning") + Tok("</t>"))
envelope = Frame("call", Tok("<c>") + Slot("envelope", Envelope()) + Tok("</c>"))
LAYOUT = Layout(
    roles=(("user", Wrap(Tok("<u>"), Tok("<e>"))),),
    results=Results(Tok("<r>"), NOTHING, NOTHING, Tok("<e>")),
)


def toy(reply: Word, **changes: Any) -> Format:
    return Format("toy", reply, Tok("<a>"), LAYOUT, **changes)


def turn(*parts: Any) -> Turn:
    return Turn("assistant", parts)


def written(fmt: Format, *parts: Any) -> str:
    return fmt.render_reply(turn(*parts)).text


def read(
    fmt: Format, reply: str, finish: Any = "stop", ids: bool = True, **kw: Any
) -> tuple[tuple[Any, ...], list[str]]:
    """Parts and fault codes; the same in every chunking and, if `ids`, by ids; lossless."""
    whole = fmt.parse(reply, finish_reason=finish, **kw)
    for chunks in (list(reply), [reply[i : i + 3] for i in range(0, len(reply), 3)]):
        p = fmt.parser(**kw)
        assert merged(list(p.stream(chunks, finish))) == merged(whole.events), chunks
        assert p.turn == whole.turn
    if ids:
        tok = turnwire.small_tokenizer(fmt)
        by_ids = fmt.parse(to_ids(fmt, fmt.program.symbolise(reply), tok), tokenizer=tok, finish_reason=finish, **kw)
        assert by_ids.turn == whole.turn and [f.code for f in by_ids.faults] == [f.code for f in whole.faults]
    lossless_spans(whole.events, len(reply))
    return whole.turn.parts, [f.code for f in whole.faults]


def _text(e: Event) -> str:
    return e.text if isinstance(e, (TextDelta, Markup)) else ""


def lossless_spans(events: list[Event], length: int) -> None:
    at = 0
    for e in events:
        assert e.span[0] == at or e.span[0] == e.span[1], e
        at = max(at, e.span[1])
    assert at == length


# Choice.


def test_nothing_last_is_written_and_forgiven() -> None:
    fmt = toy(Frame("text", Tok("<x>") + Slot("text") + Choice(Tok("</x>"), NOTHING)) + end)
    assert written(fmt, Text("hi")) == "<x>hi</x><e>"
    assert read(fmt, "<x>hi</x><e>") == ((Text("hi"),), [])
    assert read(fmt, "<x>hi<e>") == ((Text("hi"),), [])
    assert read(fmt, "<x>hi") == ((Text("hi"),), [])


def test_nothing_first_is_read_and_never_written() -> None:
    fmt = toy(Frame("text", Choice(NOTHING, Tok("<o>")) + Slot("text")) + end)
    assert written(fmt, Text("hi")) == "hi<e>"
    assert read(fmt, "<o>hi<e>") == read(fmt, "hi<e>") == ((Text("hi"),), [])
    assert not fmt.parse("hi<e>").turn.parts[0].prefilled  # type: ignore[union-attr]


def test_opt_writes_what_is_absent() -> None:
    fmt = toy(Opt(think, absent=Tok("<no>")) + text + end)
    assert written(fmt, Reasoning("why"), Text("hi")) == "<t>why</t>hi<e>"
    assert written(fmt, Text("hi")) == "<no>hi<e>"
    assert read(fmt, "<no>hi<e>") == ((Text("hi"),), [])
    assert read(fmt, "<t>why</t>hi<e>") == ((Reasoning("why"), Text("hi")), [])
    plain_opt = toy(Opt(think) + text + end)
    assert written(plain_opt, Text("hi")) == "hi<e>" and read(plain_opt, "hi<e>") == ((Text("hi"),), [])


def test_a_choice_writes_the_first_that_takes_the_part() -> None:
    fmt = toy(Choice(think, envelope, text) + end)
    assert written(fmt, Call("f", {})) == '<c>{"name": "f", "arguments": {}}</c><e>'
    assert written(fmt, Text("hi")) == "hi<e>"
    with pytest.raises(RefusedTurn, match="no place for 'reasoning' behind 'text'"):
        written(fmt, Text("hi"), Reasoning("why"))
    assert str(fmt.admits(turn(Text("hi"), Reasoning("why")))).startswith("turn: no place")


def test_alternatives_with_one_opener_are_merged() -> None:
    body = Tok("<x>") + Slot("text")
    fmt = toy(Frame("text", Choice(body + Tok("</x>"), body + Tok("</y>"))) + end)
    assert written(fmt, Text("hi")) == "<x>hi</x><e>"
    assert read(fmt, "<x>hi</x><e>") == read(fmt, "<x>hi</y><e>") == ((Text("hi"),), [])


# Many.


def test_calls_together_end_when_their_list_is_closed() -> None:
    one, two = Call("f", {"a": 1}), Call("g", {})
    for together in (False, True):
        fmt = toy(Many(Choice(text, Many(envelope, Lit(","), Lit("["), Lit("]"), together))) + end)
        reply = written(fmt, one, two, Text("hi"), two)
        assert reply == '[<c>{"name": "f", "arguments": {"a": 1}}</c>,<c>{"name": "g", "arguments": {}}</c>]hi[<c>' + (
            '{"name": "g", "arguments": {}}</c>]<e>'
        )
        assert read(fmt, reply) == ((one, two, Text("hi"), two), [])
        p = fmt.parser()
        ends = [(c, e.index) for c in reply for e in p.feed_text(c) if isinstance(e, CallEnd)]
        assert ends == ([("]", 0), ("]", 1), ("]", 2)] if together else [(">", 0), (">", 1), (">", 2)])
        cut = reply[: reply.index("]")]
        parts, faults = read(fmt, cut, finish="length", ids=False)
        assert [c.status for c in parts] == (["incomplete"] * 2 if together else ["complete"] * 2)
        assert faults == (["incomplete-call"] * 2 if together else [])
        for ended, code in ((cut, "unclosed-calls"), (cut + "<e>", "out-of-place")):  # by the model itself
            parts, faults = read(fmt, ended)
            assert parts == (one, two) and faults == ([code] if together or ended != cut else [])
        parts, faults = read(fmt, cut + "<c>{", finish="length", ids=False)
        assert [c.status for c in parts] == ["incomplete" if together else "complete"] * 2 + ["incomplete"]


def test_many_with_open_sep_and_close() -> None:
    fmt = toy(Opt(text) + Many(envelope, open=Tok("<cs>"), sep=Lit(","), close=Tok("</cs>")) + end)
    one, two = Call("f", {"a": 1}), Call("g", {})
    assert written(fmt, Text("hi"), one, two) == (
        'hi<cs><c>{"name": "f", "arguments": {"a": 1}}</c>,<c>{"name": "g", "arguments": {}}</c></cs><e>'
    )
    assert written(fmt, Text("hi")) == "hi<e>"  # neither opened nor closed
    assert read(fmt, written(fmt, Text("hi"), one, two)) == ((Text("hi"), one, two), [])
    assert read(fmt, written(fmt, one)) == ((one,), [])
    assert read(fmt, "hi<cs></cs><e>") == ((Text("hi"),), [])  # opened for nothing
    parts, faults = read(fmt, 'hi<cs><c>{"name": "f", "arguments": {"a": 1}}</c><e>')
    assert parts == (Text("hi"), one) and faults == ["out-of-place"] and parts[1].complete


def test_a_marker_that_begins_with_a_stop_token_is_waited_for() -> None:
    """GigaChat 3: `<|message_sep|>` ends a turn, and opens a call with what stands behind it."""
    call = Frame("call", Tok("<e>") + Lit("\n\ncall") + Slot("envelope", Envelope()))
    fmt = toy(Many(Choice(text, Many(call))) + end)
    reply = fmt.program.symbolise('<e>\n\ncall{"name": "f", "arguments": {"a": 1}}<e>')
    for cut in range(len(reply)):
        parser = fmt.parser()
        events = [*parser.feed_symbols(reply[:cut]), *parser.feed_symbols(reply[cut:]), *parser.close("stop")]
        assert parser.turn.parts == (Call("f", {"a": 1}),), cut
        assert not [e for e in events if isinstance(e, Fault)]


def test_many_arguments() -> None:
    arg = Frame("arg", Lit("<k=") + Slot("key", Name()) + Lit(">") + Slot("value", Value()) + Lit("</k>"))
    call = Frame("call", Tok("<c>") + Slot("name", Name()) + Lit(">") + Many(arg, sep=Lit(" ")) + Tok("</c>"))
    fmt = toy(Many(Choice(text, call)) + end)
    assert written(fmt, Call("f", {"a": "1", "b c": ""})) == "<c>f><k=a>1</k> <k=b c></k></c><e>"
    assert read(fmt, "<c>f><k=a>1</k> <k=bc></k></c><e>") == ((Call("f", {"a": "1", "bc": ""}),), [])
    assert written(fmt, Call("f", {})) == "<c>f></c><e>" and read(fmt, "<c>f></c><e>") == ((Call("f", {}),), [])
    (call_, *_), faults = read(fmt, "<c>f><k=a>1</k> <k=b>2", "length")
    assert call_ == Call("f", {"a": "1"}) and not call_.complete and faults == ["incomplete-call"]


def test_many_arguments_in_a_section() -> None:
    """What surrounds arguments is not there without them."""
    arg = Frame("arg", Lit("<k=") + Slot("key", Name()) + Lit(">") + Slot("value", Value()) + Lit("</k>"))
    section = Many(arg, open=Lit("<args>"), close=Pad("\n") + Lit("</args>"))
    fmt = toy(Many(Choice(text, Frame("call", Tok("<c>") + Slot("name", Name()) + section + Tok("</c>")))) + end)
    some, none = Call("f", {"a": "1", "b": ""}), Call("g", {})
    assert written(fmt, some, none) == "<c>f<args><k=a>1</k><k=b></k>\n</args></c><c>g</c><e>"
    assert read(fmt, written(fmt, some, none)) == ((some, none), [])
    assert read(fmt, "<c>f<args></args></c><e>") == ((Call("f", {}),), [])


# Look.


@dataclass(frozen=True)
class Begins:
    """Recognises a beginning; its `begin` gives what is called with more text each time."""

    word: str

    def begin(self) -> Callable[[str], bool | None]:
        seen = ""

        def more(new: str) -> bool | None:
            nonlocal seen
            seen += new
            calls.append(new)
            return True if seen.startswith(self.word) else None if self.word.startswith(seen) else False

        return more


calls: list[str] = []


def test_look_decides_by_a_beginning() -> None:
    bare = Frame("call", Slot("envelope", Envelope()))
    fmt = toy(Choice(Look(Begins('{"name"')) + bare, text) + end)
    call = Call("f", {"a": 1})
    assert written(fmt, call) == '{"name": "f", "arguments": {"a": 1}}<e>'
    assert read(fmt, written(fmt, call)) == ((call,), [])
    for said in ("hi", '{"x": 1}', '{"nam', "{", ' {"name"', 'hi {"name": "f"}'):
        assert read(fmt, said + "<e>") == ((Text(said),), [])
        assert read(fmt, said, "length")[0] == (Text(said),)
    assert pickle.loads(pickle.dumps(fmt)) == fmt


def test_look_is_told_each_character_once_and_holds_no_longer_than_it_must() -> None:
    fmt = toy(Choice(Look(Begins("{call")) + Frame("call", Lit("{call ") + Slot("envelope", Envelope())), text) + end)
    p = fmt.parser()
    calls.clear()
    assert [p.feed_text(c) for c in "{ca"] == [[], [], []] and calls == ["{", "c", "a"]
    events = p.feed_text("x")
    assert calls == ["{", "c", "a", "x"] and "".join(_text(e) for e in events) == "{cax"
    p = fmt.parser()
    assert not p.feed_text("{cal")
    assert any(isinstance(e, PartStart) and e.kind == "call" for e in p.feed_text("l "))


def test_of_two_looks_the_first_that_agrees_is_followed() -> None:
    short = Frame("call", Lit("@") + Slot("envelope", Envelope()))
    loud = Frame("reasoning", Lit("@!") + Slot("reasoning") + Tok("</t>"))
    fmt = toy(Choice(Look(Begins("@!")) + loud, Look(Begins("@{")) + short, text) + end)
    assert read(fmt, '@{"name": "f", "arguments": {}}<e>') == ((Call("f", {}),), [])
    assert read(fmt, "@!why</t><e>") == ((Reasoning("why"),), [])
    assert read(fmt, "@x<e>") == ((Text("@x"),), [])
    assert read(fmt, "@") == ((Text("@"),), [])


# Switch.


@dataclass(frozen=True)
class To:
    """A header: whom a message is for."""

    toks = ("<to>",)
    begins = ("<to>",)

    def read(self, text: str) -> dict[str, str]:
        name = text.removeprefix("<to>").strip()
        kind = {"user": "text", "self": "reasoning"}.get(name)
        if kind:
            return {"kind": kind, "channel": name}
        if name.startswith("tool:"):
            return {"kind": "call", "name": name[5:], "channel": "tool"}
        return {"kind": "other", "recipient": name, "fault": f"who is {name!r}?"}

    def place(self, text: str) -> tuple[int, int]:
        return (text.index(":") + 1, len(text.rstrip()))

    def write(self, part: Any, options: dict[str, Any]) -> Word:
        to = {"text": "user", "reasoning": "self"}.get(part.kind)
        return Tok("<to>") + (Lit(to) if to else Lit("tool:") + Slot("name"))


inner = End("<e>", "<done>", also=("<next>",), between="<next>", sampled="<e>", history="<done>")
messages = toy(
    Many(
        Switch(
            To(),
            Tok("<m>"),
            (
                Frame("other", Slot("other") + inner),
                Frame("text", Slot("text") + inner),
                Frame("reasoning", Slot("reasoning") + inner),
                Frame("call", Slot("arguments", Json()) + inner),
            ),
        ),
        sep=Tok("<a>"),
    )
)


def test_a_switch_is_led_by_its_header() -> None:
    parts = (Reasoning("why"), Text("hi", "user"), Call("f", {"a": 1}))
    spelled = '<to>self<m>why<next><a><to>user<m>hi<next><a><to>tool:f<m>{"a": 1}<e>'
    assert written(messages, *parts) == spelled
    assert read(messages, spelled) == (parts, [])
    assert [e.channel for e in messages.parse(spelled).events if isinstance(e, PartStart)] == ["self", "user", "tool"]
    assert [e.name for e in messages.parse(spelled).events if isinstance(e, CallStart)] == ["f"]
    assert read(messages, "<to>nobody<m>hm<e>") == ((Text("hm", None, "nobody"),), ["bad-header"])
    assert read(messages, "<to>user", "stop")[1] == ["incomplete-header"]
    (call,), faults = read(messages, '<to>tool:f<m>{"a": 1}', "length")
    assert not call.complete and faults == ["incomplete-call"]
    assert read(messages, '<to>tool:f<m>{"a": 1}', "stop") == ((Call("f", {"a": 1}),), [])


def test_the_end_is_written_by_its_place() -> None:
    a, b = Text("a", "user"), Text("b", "user")
    assert written(messages, a) == "<to>user<m>a<e>"
    assert written(messages, a, b) == "<to>user<m>a<next><a><to>user<m>b<e>"
    assert messages.render([turn(a, b)]).text == "<a><to>user<m>a<next><a><to>user<m>b<done>"
    assert messages.stop_tokens == ("<e>", "<done>")
    for stop in ("<e>", "<done>", "<next>"):  # any is read
        assert read(messages, f"<to>user<m>a{stop}") == ((a,), [])
        assert read(messages, f"<to>user<m>a{stop}<a><to>user<m>b<e>") == ((a, b), [])  # more may follow
    one = End("<x>")
    assert (one.between, one.sampled, one.history, one.also) == ("<x>", "<x>", "<x>", ())
    assert End("<x>", sampled="<y>").history == "<y>"
    assert End("<x>", "<y>") == End("<x>", "<y>") != End("<x>")


# Pad.


def test_the_tokens_that_ends_are_written_as() -> None:
    reply = text + End("<e>", "<call>", sampled="<ret>", history="<h>", called="<call>")
    assert stop_tokens(reply) == ("<e>", "<call>") and end_tokens(reply) == ("<e>", "<call>", "<ret>", "<h>")


def test_a_pad_is_removed_exactly() -> None:
    fmt = toy(Frame("text", Tok("<x>") + Pad("\n") + Slot("text") + Pad("\n\n") + Tok("</x>")) + end)
    assert written(fmt, Text("hi")) == "<x>\nhi\n\n</x><e>"
    for reply, said in {
        "<x>\nhi\n\n</x><e>": "hi",
        "<x>hi</x><e>": "hi",
        "<x>hi\n</x><e>": "hi",
        "<x>\n\nhi\n\n\n</x><e>": "\nhi\n",
        "<x>\n\n</x><e>": "",
        "<x> hi \n</x><e>": " hi ",
        "<x>\n</x><e>": "",
        "<x></x><e>": "",
        "<x>\r\nhi</x><e>": "\r\nhi",
    }.items():
        assert read(fmt, reply) == ((Text(said),), []), reply


def test_a_pad_behind_a_kind_of_part() -> None:
    gap = Pad("\n", after="text")
    fmt = toy(Many(Choice(text, Many(envelope, open=gap, sep=Pad(" ")))) + end)
    call, body = Call("f", {}), '<c>{"name": "f", "arguments": {}}</c>'
    assert written(fmt, call) == body + "<e>"
    assert written(fmt, Text("hi"), call, call) == f"hi\n{body} {body}<e>"
    assert read(fmt, f"hi\n{body} {body}<e>") == ((Text("hi"), call, call), [])
    assert read(fmt, f"hi{body}{body}<e>") == ((Text("hi"), call, call), [])
    assert read(fmt, f"hi\n\n{body}<e>") == ((Text("hi\n"), call), [])


# Slots, values.


def test_a_slot_ends_at_a_believed_exit_only() -> None:
    fmt = toy(Many(Choice(text, Frame("call", Lit("[[") + Slot("envelope", Envelope()) + Lit("]]")))) + end)
    call = Call("f", {"a": "]]"})
    assert read(fmt, written(fmt, Text("[[ see"), call))[0] == (Text("[[ see"), call)
    assert read(fmt, "a [[b]] [c] [[.") == ((Text("a [[b]] [c] [[."),), [])
    p = fmt.parser()
    events = [p.feed_text(c) for c in "a [[ x"]
    assert [_joined(e) for e in events] == ["a", " ", "", "", "", "[[ x"]  # held while it may be a call


def _joined(events: list[Event]) -> str:
    return "".join(_text(e) for e in events)


def test_json_arguments_without_an_envelope() -> None:
    call = Frame("call", Tok("<c>") + Slot("name", Name()) + Tok("<args>") + Slot("arguments", Json()) + Tok("</c>"))
    fmt = toy(Many(Choice(text, call)) + end)
    reply = '<c>f<args>{"a": [1]}</c><e>'
    assert written(fmt, Call("f", {"a": [1]})) == reply and read(fmt, reply) == ((Call("f", {"a": [1]}),), [])
    p = fmt.parser()
    deltas = [e.json for c in reply for e in p.feed_text(c) if isinstance(e, ArgumentsDelta)]
    assert "".join(deltas) == '{"a": [1]}' and len(deltas) > 5  # as it comes
    (broken,), faults = read(fmt, "<c>f<args>{'a': 1}</c><e>")
    assert broken.status in ("unreadable", "incomplete") and "broken-value" in faults
    ends = [e for e in fmt.parse("<c>f<args>{'a': 1}</c>hi<e>").events if isinstance(e, CallEnd)]
    assert len(ends) == 1 and not ends[0].complete


def test_junk_is_kept_with_a_fault() -> None:
    fmt = toy(Frame("text", Tok("<x>") + Slot("text") + Tok("</x>")) + end)
    tok = turnwire.small_tokenizer(fmt)
    result = fmt.parse(to_ids(fmt, fmt.program.symbolise("junk<x>hi</x> \n more<e>"), tok), tokenizer=tok)
    assert result.turn.parts == (Text("hi"),)
    assert [f.code for f in result.faults] == ["unexpected-text", "unexpected-text"]
    assert "".join(e.text for e in result.events if isinstance(e, Markup)) == "junk<x></x> \n more<e>"
    # by text, nothing confirms the closer: it is data
    assert read(fmt, "<x>hi</x> \n more</x><e>", ids=False) == ((Text("hi</x> \n more"),), [])
    assert read(fmt, "\n <x>hi</x>\n<e>") == ((Text("hi"),), [])  # blanks are no junk
    assert read(toy(Opt(think) + text + end), "<t><t>why</t>hi<e>") == (
        (Reasoning("why"), Text("hi")),
        ["doubled-marker"],
    )


# Words are values.

WORDS: list[Word] = [
    Lit("x"),
    Tok("<x>"),
    Pad("\n"),
    Pad("\n", after="text"),
    Slot("text"),
    Slot("envelope", Envelope()),
    text,
    NOTHING,
    end,
    Lit("x") + Tok("<x>"),
    Choice(text, NOTHING),
    Many(envelope, sep=Lit(",")),
    Many(envelope, open=Lit("[")),
    End("<e>", "<f>", also=("<g>",), between="<g>", sampled="<f>", history="<e>"),
    Look(Begins("x")),
    messages.reply,
]


def test_words_are_values() -> None:
    for word in WORDS:
        again = pickle.loads(pickle.dumps(word))
        assert again == word and hash(again) == hash(word) and repr(again) == repr(word)
        assert list(walk(again)) == list(walk(word)) and next(iter(walk(word))) is word
        assert set(children(word)) <= set(walk(word))
    assert len(set(WORDS)) == len(WORDS)
    assert Lit("a") + Lit("b") + Lit("c") == Lit("a") + (Lit("b") + Lit("c")) == Seq((Lit("a"), Lit("b"), Lit("c")))
    assert Lit("x") != Tok("x") and NOTHING + Lit("a") == Seq((Lit("a"),))
    assert plain(Lit("a") + Tok("b") + Pad("\n")) and not plain(text) and not plain(Choice(Lit("a"), NOTHING))
    assert control_tokens(messages.reply) == {"<to>", "<m>", "<e>", "<done>", "<next>", "<a>"}
    assert stop_tokens(messages.reply) == ("<e>", "<done>") and stop_tokens(text) == ()


def test_toys_are_formats() -> None:
    for fmt in (messages, toy(text + end)):
        again = pickle.loads(pickle.dumps(fmt))
        assert again == fmt and again.control == fmt.control
        tok = turnwire.small_tokenizer(fmt)
        out = fmt.render([{"role": "user", "content": "<e> <to> é🙂"}], tokenizer=tok, add_generation_prompt=True)
        assert out.ids[-1] == tok.special("<a>") and out.ids.count(tok.special("<e>") or 0) == 1
        reply = fmt.render_reply(turn(Text("hi <e>", "user" if fmt is messages else None)), tok)
        result = fmt.parse(reply.ids, prompt=out, tokenizer=tok, finish_reason="stop")
        assert result.turn.text == "hi <e>" and not result.faults


# What cannot be built.


@pytest.mark.parametrize(
    "reply, says",
    [
        (lambda: text, ["no stop token", "End"]),
        (
            lambda: text + Frame("reasoning", Slot("reasoning")) + end,
            ["'text'", "'reasoning'", "nothing tells them apart"],
        ),
        (
            lambda: Frame("call", Tok("<c>") + Slot("name", Name()) + Slot("arguments", Json())) + end,
            ["'name'", "'arguments'", "a marker between them"],
        ),
        (lambda: Choice(text, Frame("reasoning", Slot("reasoning"))) + end, ["'text'", "'reasoning'", "Look"]),
        (lambda: Choice(text, Frame("call", Slot("envelope", Envelope()))) + end, ["'text'", "'envelope'", "Look"]),
        (lambda: Opt(Frame("call", Slot("envelope", Envelope()))) + text + end, ["'envelope'", "'text'"]),
        (
            lambda: (
                Choice(Frame("text", Tok("<x>") + Slot("text")), Frame("reasoning", Tok("<x>") + Slot("reasoning")))
                + end
            ),
            ["'<x>'", "begin 'text'", "begin 'reasoning'"],
        ),
        (
            lambda: Many(Choice(text, Frame("call", Tok("<e>") + Slot("envelope", Envelope())))) + end,
            ["'<e>'", "begin 'call'"],
        ),
        (lambda: Frame("text", Tok("<x>") + Slot("text") + Lit("")) + end, ["empty marker"]),
        (lambda: Frame("text", Tok("") + Slot("text")) + end, ["empty marker"]),
        (lambda: Seq(("x",)) + end, ["not a word: 'x'"]),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_work_fails_when_it_is_built(reply: Callable[[], Word], says: list[str]) -> None:
    with pytest.raises(FormatError) as caught:
        toy(reply())
    assert caught.value.path == "toy" and caught.value.expected
    assert all(word in str(caught.value) for word in says), str(caught.value)


def test_markers_have_a_length() -> None:
    for make in (Lit, Tok):
        assert read(toy(Frame("text", make("<" * 192) + Slot("text")) + end), "<" * 192 + "x<e>") == ((Text("x"),), [])
        with pytest.raises(FormatError, match="a marker of 193 characters; expected at most 192"):
            toy(Frame("text", make("<" * 193) + Slot("text")) + end)


def test_an_end_needs_a_token() -> None:
    with pytest.raises(FormatError, match="without a token"):
        End()


def test_faults_name_the_marker() -> None:
    fmt = toy(Opt(think) + text + end)
    faults = [e for e in fmt.parse("<t>why", finish_reason="stop").events if isinstance(e, Fault)]
    assert [f.code for f in faults] == ["unclosed-reasoning"]
    doubled = fmt.parse("<t>why</t></t>hi<e>", finish_reason="stop").faults
    assert [f.code for f in doubled] == ["doubled-marker"] and "</t>" in doubled[0].message


def test_a_pad_not_beside_what_is_empty_in_a_prompt() -> None:
    full = Pad("\n", full=True)
    fmt = toy(Opt(Frame("reasoning", Tok("<t>") + full + Slot("reasoning") + full + Tok("</t>"))) + end)
    assert written(fmt, Reasoning("a")) == "<t>\na\n</t><e>"
    assert written(fmt, Reasoning("")) == "<t>\n\n</t><e>"
    assert written(fmt, Reasoning(" ", prefilled=True)) == "<t> </t><e>"
    assert written(fmt, Reasoning("", prefilled=True)) == "<t></t><e>"
    assert written(fmt, Reasoning("a", prefilled=True)) == "<t>\na\n</t><e>"
    for said in ("a", " ", "", "\n", "\n\n "):
        assert fmt.admits(turn(Reasoning(said))) is None


def test_a_pad_behind_a_slot_that_is_not_empty() -> None:
    fmt = toy(Opt(Frame("reasoning", Tok("<t>") + Slot("reasoning") + Pad("\n", filled=True) + Tok("</t>"))) + end)
    assert written(fmt, Reasoning("a")) == "<t>a\n</t><e>"
    assert written(fmt, Reasoning("")) == "<t></t><e>"
    for said in ("a", "", "\n", "a\n"):
        assert fmt.admits(turn(Reasoning(said))) is None


def test_a_turn_that_goes_on() -> None:
    """`Placed.open` and `headed`: nothing ends it but what a call ends in, nothing opens the next."""

    def joined(turns: list[Placed], context: Context) -> list[Placed]:
        said = [t.role == "assistant" for t in turns]
        return [
            replace(t, headed=not (at and said[at - 1] and said[at]), open=said[at] and any(said[at + 1 : at + 2]))
            for at, t in enumerate(turns)
        ]

    stop = End("<e>", "<x>", called="<x>")
    fmt = toy(Many(Choice(text, envelope)) + stop).but("joined", layout=LAYOUT.but(arrange=(joined,)))
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {}}}]}
    messages = [{"role": "user", "content": "u"}, call, *({"role": "assistant", "content": c} for c in "ab")]
    assert fmt.render(messages).text == '<u>u<e><a><c>{"name": "f", "arguments": {}}</c><x>ab<e>'


def test_a_format_without_results() -> None:
    with pytest.raises(RoleError) as caught:
        NoResults().write(toy(text + end).writer(), [Placed("tool", 3, ())], LAYOUT, Context({}, None))
    assert caught.value.path == "messages[3].role"


def test_options_that_the_conversation_decides() -> None:
    fmt = toy(Many(text) + end).but(
        "settled",
        layout=LAYOUT.but(
            settle=lambda turns, context: {"loud": "!" in turns[0].text},
            prefill=lambda context: Lit("LOUD ") if context.options.get("loud") else NOTHING,
        ),
    )
    for said, prompt in (("a", "<a>"), ("a!", "<a>LOUD ")):
        out = fmt.render([{"role": "user", "content": said}], add_generation_prompt=True)
        assert out.text == f"<u>{said}<e>{prompt}"
