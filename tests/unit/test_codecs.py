"""Codecs: a value is read the same whole, character by character and with more behind it; nothing is lost or held."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from turnwire.codecs import (
    BROKEN,
    DONE,
    MAX_DEPTH,
    MORE,
    Envelope,
    Json,
    JsonReader,
    Keyed,
    Name,
    PythonReader,
    Took,
    Value,
    decode_string,
    dumps,
    dumps_encodable,
    escaped,
    loads,
    loads_counting,
)
from turnwire.turns import Call

Pieces = list[tuple[str, str]]


class Recorder:
    """A sink: pieces of one kind joined, names and faults in between."""

    def __init__(self) -> None:
        self.said: Pieces = []

    def piece(self, kind: str, raw: str) -> None:
        assert raw
        if self.said and self.said[-1][0] == kind:
            self.said[-1] = (kind, self.said[-1][1] + raw)
        else:
            self.said.append((kind, raw))

    def named(self, name: str) -> None:
        self.said.append(("NAME", name))

    def identified(self, id: str) -> None:
        self.said.append(("ID", id))

    def fault(self, code: str, message: str, text: str) -> None:
        self.said.append(("FAULT", code))

    @property
    def text(self) -> str:
        return "".join(t for k, t in self.said if not k.isupper())


class Data:
    """A context in which a control token in a string is data."""

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        return False


class Ends(Data):
    """One in which it ends the value."""

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        return True


class EndsIfDamaged(Data):
    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        return damaged


class Waits(Data):
    """One that has to see two more characters."""

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        return None if len(s) < i + 3 else s[i + 1 : i + 3] == "{}"


def read(reader: Any, chunks: list[str]) -> tuple[Pieces, Took, str]:
    """What is read of the chunks, how it stopped, and what is left."""
    sink = Recorder()
    held = ""
    took = MORE
    for k, chunk in enumerate(chunks):
        held += chunk
        i, took = reader.take(held, 0, sink)
        held = held[i:]
        if took is not MORE:
            return sink.said, took, held + "".join(chunks[k + 1 :])
    return sink.said, took, held


def ways(text: str) -> list[list[str]]:
    """Whole, character by character, and cut once anywhere."""
    return [[text], list(text), *([text[:i], text[i:]] for i in range(1, len(text)))]


def three_ways(make: Callable[[], Any], value: str, pieces: Pieces, took: Took = DONE, left: str = "") -> None:
    for chunks in ways(value):
        assert read(make(), chunks) == (pieces, took, left), chunks
    if took is DONE:
        for behind in ("}", "{}", "\n", '"', " , ", "\ud800", "x" * 9):
            for chunks in ([value + behind], [*value, *behind], [value, behind]):
                assert read(make(), chunks) == (pieces, DONE, left + behind), chunks
        for i in range(len(value)):
            _, stopped, rest = read(make(), [value[:i]])
            assert stopped is MORE and rest == ""  # nothing is held back


VALUES = [
    "{}",
    "[]",
    "{ }",
    "[ \n]",
    '{"a": 1}',
    '{"a":{"b":[1,2,{"c":null}]},"d":"x"}',
    '[{"a":"}"},"]",[[]]]',
    '{"a": "\\"}"}',
    '{"a": "\\\\"}',
    '{"a": "\\\\\\"}"}',
    '{"\\"": 1}',
    '{"a": "\\ud83d\\ude42 é🙂 \\u0022}"}',
    '{"a": "x\\ny", "b": "x\ty\nz\x00"}',
    '{"a": -1.5e+10, "b": true, "c": false}',
    '{"a": "</tool_call>"}',
    '{"arguments": {"name": "g"}, "name": "f"}',
    '{"a" : 1 ,\r\n "b"\t: 2 }',
    '{"": ""}',
    '["{", "[", "\\\\"]',
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_read_three_ways(value: str) -> None:
    three_ways(lambda: JsonReader(Data()), value, [("arguments", value)])
    three_ways(lambda: Json().reader(Data()), value, [("arguments", value)])


@pytest.mark.parametrize(
    "value, at",
    [
        ("x", 0),
        ('"a"', 0),
        ("1", 0),
        ("}", 0),
        ("{<", 1),
        ("{'a': 1}", 1),
        ('{"a": (1)}', 6),
        ('{"a": 1;', 7),
        ("[1, 2)", 5),
        ('{"a": 1} x', None),
        ("\ud800{}", 0),
        ('{"a": \ud800', 6),
        ("{é", 1),
    ],
)
def test_what_no_json_holds_breaks_it_off(value: str, at: int | None) -> None:
    if at is None:
        assert read(JsonReader(Data()), [value])[1:] == (DONE, " x")
        return
    for chunks in ways(value):
        said, took, left = read(JsonReader(Data()), chunks)
        assert (took, left) == (BROKEN, value[at:]) and "".join(t for _, t in said) == value[:at]


def test_control_tokens_in_strings() -> None:
    value = '{"a": "x\ud800y"}'
    three_ways(lambda: JsonReader(Data()), value, [("arguments", value)])
    three_ways(lambda: JsonReader(Ends()), value, [("arguments", '{"a": "x')], BROKEN, '\ud800y"}')
    three_ways(lambda: JsonReader(EndsIfDamaged()), value, [("arguments", value)])
    damaged = '{"a": "x\n\ud800y"}'
    three_ways(lambda: JsonReader(EndsIfDamaged()), damaged, [("arguments", '{"a": "x\n')], BROKEN, '\ud800y"}')
    healed = '{"a": "x\n", "b": "\ud800"}'  # the next string is a new one
    three_ways(lambda: JsonReader(EndsIfDamaged()), healed, [("arguments", healed)])
    escaped_ = '{"a": "\\\ud800"}'  # behind a backslash
    three_ways(lambda: JsonReader(Ends()), escaped_, [("arguments", escaped_)])
    for chunks in ways('{"a": "\ud800yz"}'):
        assert read(JsonReader(Waits()), chunks) == ([("arguments", '{"a": "\ud800yz"}')], DONE, "")
    for chunks in ways('{"a": "\ud800{}'):
        assert read(JsonReader(Waits()), chunks) == ([("arguments", '{"a": "')], BROKEN, "\ud800{}")
    assert read(JsonReader(Waits()), ['{"a": "\ud800{']) == ([("arguments", '{"a": "')], MORE, "\ud800{")


def test_depth_is_bounded() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    three_ways(lambda: JsonReader(Data()), deep, [("arguments", deep)])
    too_deep = "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)
    for chunks in ways(too_deep):
        said, took, left = read(JsonReader(Data()), chunks)
        assert said == [("arguments", "[" * MAX_DEPTH), ("FAULT", "too-deep")]
        assert took is BROKEN and left == "[" + "]" * (MAX_DEPTH + 1)
    wide = "[" + "[]," * 5_000 + "[]]"
    assert read(JsonReader(Data()), [wide]) == ([("arguments", wide)], DONE, "")


ENVELOPES: list[tuple[str, Pieces]] = [
    (
        '{"name": "f", "arguments": {"a": 1}}',
        [
            ("syntax", '{"name": '),
            ("named", '"f"'),
            ("NAME", "f"),
            ("syntax", ', "arguments": '),
            ("arguments", '{"a": 1}'),
            ("syntax", "}"),
        ],
    ),
    (
        '{"arguments":{"name":"g"},"name":"f"}',
        [
            ("syntax", '{"arguments":'),
            ("arguments", '{"name":"g"}'),
            ("syntax", ',"name":'),
            ("named", '"f"'),
            ("NAME", "f"),
            ("syntax", "}"),
        ],
    ),
    (
        '{"parameters": [1], "x": {"name": "g"}, "name" : "f" }',
        [
            ("syntax", '{"parameters": '),
            ("arguments", "[1]"),
            ("syntax", ', "x": {"name": "g"}, "name" : '),
            ("named", '"f"'),
            ("NAME", "f"),
            ("syntax", " }"),
        ],
    ),
    (
        '{"name": "f", "arguments": 12 }',
        [
            ("syntax", '{"name": '),
            ("named", '"f"'),
            ("NAME", "f"),
            ("syntax", ', "arguments": '),
            ("arguments", "12"),
            ("syntax", " }"),
        ],
    ),
    (
        '{"name": "f", "arguments": "{}", "y": 1}',
        [
            ("syntax", '{"name": '),
            ("named", '"f"'),
            ("NAME", "f"),
            ("syntax", ', "arguments": '),
            ("arguments", '"{}"'),
            ("syntax", ', "y": 1}'),
        ],
    ),
    (
        '{"n\\u0061me": "\\u0066", "z": "name"}',
        [("syntax", '{"n\\u0061me": '), ("named", '"\\u0066"'), ("NAME", "f"), ("syntax", ', "z": "name"}')],
    ),
    (
        '{"name": 5, "arguments": null}',
        [("syntax", '{"name": 5, "arguments": '), ("arguments", "null"), ("syntax", "}")],
    ),
    ('{"name": {"name": "f"}}', [("syntax", '{"name": {"name": "f"}}')]),
    ('{"name": ["f"]}', [("syntax", '{"name": ["f"]}')]),
    (
        '{"name": "f", "name": "g", "arguments": {}, "parameters": {"a": 1}}',
        [
            ("syntax", '{"name": '),
            ("named", '"f"'),
            ("NAME", "f"),
            ("syntax", ', "name"'),
            ("FAULT", "duplicate-key"),
            ("syntax", ': "g", "arguments": '),
            ("arguments", "{}"),
            ("syntax", ', "parameters"'),
            ("FAULT", "duplicate-key"),
            ("syntax", ': {"a": 1}}'),
        ],
    ),
    ("{}", [("syntax", "{}")]),
]


@pytest.mark.parametrize("value, pieces", ENVELOPES)
def test_envelopes(value: str, pieces: Pieces) -> None:
    three_ways(lambda: Envelope().reader(Data()), value, pieces)


def test_an_envelope_is_an_object() -> None:
    assert read(Envelope().reader(Data()), ["[]"]) == ([], BROKEN, "[]")
    assert read(Envelope("fn", ("args",)).reader(Data()), ['{"fn": "f", "args": {}}']) == (
        [
            ("syntax", '{"fn": '),
            ("named", '"f"'),
            ("NAME", "f"),
            ("syntax", ', "args": '),
            ("arguments", "{}"),
            ("syntax", "}"),
        ],
        DONE,
        "",
    )


def test_an_envelope_tells_the_id_in_it() -> None:
    shape = Envelope(id="id", id_first=True)
    text = shape.write(Call("f", {}, '"0'))
    assert text == '{"id": "\\"0", "name": "f", "arguments": {}}'
    said = [s for s in read(shape.reader(Data()), [*text])[0] if s[0].isupper()]
    assert said == [("ID", '"0'), ("NAME", "f")]
    assert Envelope(id="id").write(Call("f", {}, "0")) == '{"name": "f", "arguments": {}, "id": "0"}'
    assert [s for s in read(shape.reader(Data()), ['{"id": 0, "name": "f", "id": "1"}'])[0] if s[0].isupper()] == [
        ("NAME", "f"),
        ("FAULT", "duplicate-key"),
    ]


def test_a_huge_key_is_not_remembered() -> None:
    text = '{"' + "x" * 1_000_000 + '": 1, "name": "f", "arguments": {}}'
    reader = Envelope().reader(Data())
    sink = Recorder()
    assert reader.take(text[:900_000], 0, sink) == (900_000, MORE)
    assert sum(map(len, reader.captured or ())) < 5_000  # type: ignore[attr-defined]
    assert read(Envelope().reader(Data()), [text])[1] is DONE
    assert ("NAME", "f") in read(Envelope().reader(Data()), [text])[0]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(_json, max_size=3) | st.dictionaries(st.text(max_size=3), _json, max_size=3), st.data())
@settings(max_examples=200, deadline=None)
def test_any_json_any_cut(value: Any, data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])]
    assert read(JsonReader(Data()), chunks) == ([("arguments", text)], DONE, "")
    envelope = '{"x": 1, "name": "f", "arguments": ' + text + ', "y": {}}'
    said, took, _ = read(Envelope().reader(Data()), [envelope[:20], *envelope[20:]])
    assert took is DONE and "".join(t for k, t in said if k == "arguments") == text and ("NAME", "f") in said


@given(st.text(st.sampled_from('{}[]",:\\abn1 \n\x01\ud800'), max_size=20), st.booleans())
@settings(max_examples=500, deadline=None)
@example('{"a\\', False)
@example('{"\ud800', True)
def test_any_text_is_consumed_once_and_cuts_do_not_matter(text: str, envelope: bool) -> None:
    def make() -> Any:
        return (Envelope() if envelope else Json()).reader(Data())

    whole = read(make(), [text])
    for chunks in (list(text), [text[: len(text) // 2], text[len(text) // 2 :]]):
        assert read(make(), chunks) == whole
    assert "".join(t for k, t in whole[0] if not k.isupper()) + whole[2] == text


class Told(Recorder):
    """A sink that keeps what a piece stands for too."""

    def piece(self, kind: str, raw: str, json: str | None = None) -> None:
        self.said.append((kind, f"{raw} {json}"))


# A reader, and what it has read when it is inside a value.
BEGUN: list[tuple[Callable[[], Any], str]] = [
    (lambda: JsonReader(Data()), '{"a": "'),
    (lambda: JsonReader(Data()), '[[{"a": ['),
    (lambda: Envelope().reader(Data()), '{"name": "f", "arguments": {"a": "'),
    (lambda: Keyed().reader(Data()), '{"f": {"a": "'),
    (lambda: PythonReader(Data()), 'a="'),
    (lambda: PythonReader(Data()), 'a=["b", \''),
    (lambda: PythonReader(Data()), 'a="""'),
]


@given(
    st.sampled_from(range(len(BEGUN))),
    st.text(st.sampled_from("{}[]\"',:\\abnx1 \n\x01é()="), max_size=12),
    st.text(st.sampled_from("\"'\\anx1 \n\x01},]é"), min_size=1, max_size=8),
)
@settings(max_examples=1500, deadline=None)
@example(0, "a\\", '"')
@example(4, "\\x", "1f")
@example(6, '""b"', '""')
def test_what_a_reader_says_of_itself_is_all_that_matters(which: int, before: str, piece: str) -> None:
    """Another reader that is put inside the same value reads on alike, as long as it is the same value."""
    make, begun = BEGUN[which]
    reader, twin, sinks = make(), make(), (Told(), Told())
    if reader.take(begun + before, 0, Told())[1] is not MORE or (inside := reader.inside()) is None:
        return
    twin.resume(inside)
    assert twin.inside() == inside
    took = [r.take(piece, 0, sink) for r, sink in zip((reader, twin), sinks)]
    if took[0] == (len(piece), MORE) and twin.inside() is not None and len(sinks[1].said) == 1:
        assert took[0] == took[1] and sinks[0].said == sinks[1].said
        assert reader.inside() == twin.inside()


def test_work_is_linear_in_the_characters() -> None:
    """Counted: each character is looked at in at most one call of `take`, and handed over in few pieces."""
    text = '{"a": "' + "x\\n" * 20_000 + '", "b": [' + "[1]," * 20_000 + "1]}"
    sink = Recorder()
    reader = JsonReader(Data())
    assert reader.take(text, 0, sink) == (len(text), DONE)
    assert len(sink.said) == 1


# JSON text.


@pytest.mark.parametrize(
    "text, value, duplicates",
    [
        ('{"a": 1}', {"a": 1}, []),
        ('{"a": 1, "a": 2}', {"a": 1}, ["a"]),
        ('{"a": 1, "b": 2, "a": 3, "a": 4}', {"a": 1, "b": 2}, ["a", "a"]),
        ('{"a": {"b": 1, "b": 2}, "c": [{"d": 1, "d": 2}]}', {"a": {"b": 1}, "c": [{"d": 1}]}, ["b", "d"]),
        (' [1, 2.5, "x", true, null] ', [1, 2.5, "x", True, None], []),
        ('"x"', "x", []),
        ("-0", 0, []),
        ("1e2", 100.0, []),
        ('"\\ud83d\\ude42"', "🙂", []),
        ('"\\ud800"', "\ud800", []),
        ('{"a": 1, "\\u0061": 2}', {"a": 1}, ["a"]),
        ("9" * 4_300, int("9" * 4_300), []),
        ("1e308", 1e308, []),
        ("1e-999", 0.0, []),
    ],
)
def test_loads(text: str, value: Any, duplicates: list[str]) -> None:
    assert loads_counting(text) == (value, duplicates)
    assert loads(text) == value and type(loads(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{} {}",
        "NaN",
        "[Infinity]",
        '{"a": -Infinity}',
        "1e999",
        "[-1e999]",
        "9" * 4_301,
        "-" + "9" * 5_000,
        "'a'",
        "{'a': 1}",
        '{"a": 1,}',
        "[1,]",
        '"a\nb"',
        '"\x00"',
        "01",
        "1.",
        ".5",
        "+1",
        "0x1",
        "True",
        "None",
        "//x\n1",
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "\ufeff{}",
        '"\\x41"',
        '"\\u12"',
    ],
)
def test_what_is_not_json_is_a_value_error_and_no_other(text: str) -> None:
    with pytest.raises(ValueError):
        loads(text)


@given(_json)
def test_dumps_and_loads(value: Any) -> None:
    assert loads(dumps(value)) == value
    assert dumps_encodable(value) == dumps(value)


@given(st.text(st.characters()))
@example('"\\\x00\x1f\x7f\u2028\ud800')
def test_escaped_is_the_inside_of_a_json_string(text: str) -> None:
    assert escaped(text) == dumps(text)[1:-1]
    assert json.loads('"' + escaped(text) + '"') == text
    assert dumps_encodable(text).encode() and json.loads(dumps_encodable(text)) == text


def test_escaped_pieces_concatenate() -> None:
    text = 'a"\\\n\x00é🙂\u2028'
    assert "".join(escaped(c) for c in text) == escaped(text)


@pytest.mark.parametrize(
    "text, value",
    [
        ('"a"', "a"),
        ('"\\u0061"', "a"),
        ('"\\ud800"', None),
        ('"\\ud83d\\ude42"', "🙂"),
        ("1", None),
        ("", None),
        ('"a', None),
        ('"a\nb"', None),
        ("[]", None),
        ("null", None),
    ],
)
def test_decode_string(text: str, value: str | None) -> None:
    assert decode_string(text) == value


# Writing.


def test_json_writes_what_the_model_wrote_or_canonical_json() -> None:
    assert Json().write(Call("f", {"a": 1, "é": [True, None, 1.5]})) == '{"a": 1, "é": [true, null, 1.5]}'
    assert Json().write(Call("f", {"a": 1}, raw='{"a":1 }')) == '{"a":1 }'
    assert Json().write(Call("f", {"a": "1"}, raw={"a": "1"})) == '{"a": "1"}'  # raw of another syntax
    assert Json().write(Call("f", None)) == "{}"
    assert Envelope().write(Call("f", {"a": 1}, raw='{"a":1 }')) == '{"name": "f", "arguments": {"a":1 }}'
    assert Envelope("fn", ("args", "x")).write(Call('"é', {})) == '{"fn": "\\"é", "args": {}}'


def test_how_json_is_spaced_and_escaped() -> None:
    call = Call("f", {"b": [1, "é\n"], "a": {}})
    assert Json((",", ":")).write(call) == '{"b":[1,"é\\n"],"a":{}}'
    assert Json(ascii=True, sort=True).write(call) == '{"a": {}, "b": [1, "\\u00e9\\n"]}'
    assert Json(indent=2).write(call) == json.dumps(call.arguments, ensure_ascii=False, indent=2)
    assert Json(indent=1, margin=2).write(Call("f", {"a": 1})) == '{\n   "a": 1\n  }'
    assert Json((",", ":")).write(Call("f", {"a": 1}, raw='{"a": 1}')) == '{"a": 1}'  # what the model wrote
    assert Keyed(Json((",", ":"))).write(call) == '{"f":{"b":[1,"é\\n"],"a":{}}}'
    assert Envelope(json=Json(ascii=True)).write(Call("é", {"é": 1})) == '{"name": "é", "arguments": {"\\u00e9": 1}}'


def test_strings_that_stand_between_texts() -> None:
    """The tree reads those texts, wherever a value begins and ends with them."""
    value = Value(of="<&", around=("<![", "]]>"))
    assert [value.write(v) for v in ("a", "a<b", "&", ["<"], None)] == ["a", "<![a<b]]>", "<![&]]>", '["<"]', "null"]


def test_an_envelope_written_in_its_own_way() -> None:
    shape = Envelope(id="id", written='{ "type":"function", "id":"$id", "name":"$name","arguments":$arguments }')
    text = shape.write(Call('$id "f"', {"a": "$name"}, "1"))
    assert text == '{ "type":"function", "id":"1", "name":"$id \\"f\\"","arguments":{"a": "$name"} }'
    pieces, took, left = read(shape.reader(Data()), [text])
    assert (took, left) == (DONE, "")
    assert [p for p in pieces if p[0] != "syntax"] == [
        ("ID", "1"), ("named", '"$id \\"f\\""'), ("NAME", '$id "f"'), ("arguments", '{"a": "$name"}')
    ]  # fmt: skip
    assert Envelope(written='{"n": "$names"}').write(Call("f", {})) == '{"n": "$names"}'


@pytest.mark.parametrize(
    "value, plain, python",
    [
        ("x", "x", "x"),
        ("", "", ""),
        ("null", "null", "null"),
        (True, "true", "True"),
        (None, "null", "None"),
        (5, "5", "5"),
        (1e5, "100000.0", "100000.0"),
        (1e22, "1e+22", "1e+22"),
        (-0.0, "-0.0", "-0.0"),
        ([True, None], "[true, null]", "[true, null]"),
        ({"é": "x"}, '{"é": "x"}', '{"é": "x"}'),
        ({}, "{}", "{}"),
        (" a\n", " a\n", " a\n"),
    ],
)
def test_values_of_key_value_syntaxes(value: Any, plain: str, python: str) -> None:
    assert Value().write(value) == plain
    assert Value(python=True).write(value) == python


@pytest.mark.parametrize(
    "text, length",
    [
        ("city", 4),
        ("city>", 4),
        ("a b", 3),
        ("<x", 0),
        ("x\ny", 1),
        ("x\ry", 1),
        ("", 0),
        ("é🙂", 2),
        ("x" * 200, 128),
        ("x\ud800", 1),
    ],
)
def test_names(text: str, length: int) -> None:
    m = Name().word.match(text)
    assert (m.end() if m else 0) == length
    assert (Name(3).word.match("abcdef") or [""])[0] == "abc"


def test_codecs_are_values() -> None:
    import pickle

    codecs: list[Any] = [Json(), Envelope(), Envelope("fn"), Name(), Name(5), Value(), Value(python=True)]
    for codec in codecs:
        assert pickle.loads(pickle.dumps(codec)) == codec and hash(codec) == hash(pickle.loads(pickle.dumps(codec)))
    assert len(set(codecs)) == len(codecs)
