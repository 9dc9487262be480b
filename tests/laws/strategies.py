"""What the laws are tried on: hostile text, turns with tools, damaged replies, garbage."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import strategies as st

import turnwire
from tests import real
from tests.families.reference import references
from turnwire import Call, Reasoning, Text, Turn
from turnwire.wire import Choice, Frame, If, Many, Seq, Slot, Switch, Word, walk

MARKERS = (
    "<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "<function=f>", "</function>",
    "<parameter=x>", "</parameter>", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|start|>assistant",
    "<|channel|>final<|message|>", "<|end|>", "<|call|>", "<|return|>", "<|constrain|>json", " to=functions.f",
    "[TOOL_CALLS]", "[ARGS]", "</s>", "<arg_key>", "</arg_value>", "｜DSML｜", "<|python_tag|>", "<|eot_id|>",
    '<|"|>', "[f(x=1)]", "```json\n",
)  # fmt: skip
HALVES = (
    "<",
    "</",
    "<think",
    "</thi",
    "<tool_ca",
    "</tool_cal",
    "<|im_",
    "<|",
    "|>",
    "<function=",
    "<parameter=",
    "</para",
    "<|chan",
)
TEXTS = (
    "a", "word ", "Hello, world.", " ", "\n", "\n\n", "\r\n", "\t", "  \n ", '"', "'", "\\", '\\"', "\\u00e9", "{", "}", "[", "]",
    '{"name": "f", "arguments": {}}', ": ", ", ", "é", "e\u0301", "漢字", "🙂", "👩‍💻", "\u200b", "\ufeff", "\x00", "\x1f", "\u2028",
    "true", "null", "None", "02134", "-1e5", "3.0",
)  # fmt: skip
SURROGATES = ("\ud800", "x\udfffy", "\ud83d")


def hostile(surrogates: bool = False, max_size: int = 6, own: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """Text that is out to be mistaken for something else; `own`: markers of the format at hand."""
    pieces = st.one_of(
        st.sampled_from(TEXTS),
        st.sampled_from(MARKERS + own),
        st.sampled_from(HALVES + tuple(m[: len(m) // 2 + 1] for m in own)),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    )
    some, any_ = (st.lists(pieces, min_size=least, max_size=max_size) for least in (1, 0))
    inner = st.sampled_from((any_, *[some] * 9)).flatmap(lambda lists: lists).map("".join)
    edge = st.sampled_from(("", "", "", "", "", "\n", "\n\n", " ", "\r\n"))
    text = st.tuples(edge, inner, edge).map("".join)
    if not surrogates:
        return text
    broken = st.tuples(text, st.sampled_from(SURROGATES), text).map("".join)
    return st.sampled_from([False] * 11 + [True]).flatmap(lambda yes: broken if yes else text)


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": parameters}}
    for name, parameters in {
        "write_file": schema(path={"type": "string"}, content={"type": "string"}),
        "calc": schema(x={"type": "number"}, n={"type": "integer"}, exact={"type": "boolean"}),
        "search": schema(query={"type": "string"}, filters={"type": "object"}, sites={"type": "array"}),
        "now": schema(),
    }.items()
]
_json = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), hostile(max_size=3)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hostile(max_size=2), inner, max_size=3)),
    max_leaves=5,
)
_named = st.recursive(  # texts under names
    hostile(max_size=3),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(st.sampled_from(("city", "max_price", "a-b", "x.y", "n1")), inner, min_size=1, max_size=3),
    ),
    max_leaves=5,
)
_mostly_named = st.sampled_from([_named] * 9 + [_json]).flatmap(lambda values: values)


def values(kind: str, surrogates: bool, inner: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> Any:
    """Arguments of a JSON type; `inner`, `keys`: of what no schema describes."""
    made: Mapping[str, Callable[[], st.SearchStrategy[Any]]] = {
        "string": lambda: hostile(surrogates),
        "number": lambda: st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
        "integer": lambda: st.integers(-(10**20), 10**20),
        "boolean": st.booleans,
        "object": lambda: st.dictionaries(keys, inner, max_size=3),
        "array": lambda: st.lists(inner, max_size=3),
    }
    return made[kind]()


def untyped(fmt: turnwire.Format) -> bool:
    """Whether a value inside an object that no schema describes comes back as text, and an odd key not at all."""
    return any(getattr(w.codec, "untyped", False) for w in walk(fmt.reply) if isinstance(w, Slot))


def calls(surrogates: bool = False, as_text: bool = False) -> st.SearchStrategy[Call]:
    """A call of one of TOOLS with arguments of the declared types. `as_text`: for a format that is `untyped`, what no
    schema describes is mostly texts under names, so that a law is not about what it refuses."""
    odd = hostile(max_size=2)
    inner = _mostly_named if as_text else _json
    keys = st.sampled_from([st.sampled_from(("city", "n1"))] * 9 + [odd]).flatmap(lambda k: k) if as_text else odd

    def of(tool: Any) -> st.SearchStrategy[Call]:
        f = tool["function"]
        given = f["parameters"]["properties"].items()
        optional = {k: values(v["type"], surrogates, inner, keys) for k, v in given}
        return st.fixed_dictionaries({}, optional=optional).map(lambda a: Call(f["name"], a))

    return st.one_of(*map(of, TOOLS))


def turns(fmt: turnwire.Format, surrogates: bool = False) -> st.SearchStrategy[Turn]:
    """An assistant turn of the kinds of parts that the format knows, in an order that its reply has behind the
    default prompt."""
    text = hostile(surrogates, own=own_markers(fmt))
    channel = "final" if "preamble" in frame_kinds(fmt) else None
    made: Mapping[str, st.SearchStrategy[Any]] = {
        "reasoning": text.map(Reasoning),
        "call": calls(surrogates, untyped(fmt)),
        "preamble": text.map(lambda t: Text(t, "commentary")),
        "text": text.map(lambda t: Text(t, channel)),
    }
    closed, order = closes_reasoning(fmt), orders(fmt.reply)

    @st.composite
    def turn(draw: Any) -> Turn:
        kinds = [k for k in draw(order) if k in made and not (closed and k == "reasoning")]
        return Turn("assistant", tuple(draw(made[k]) for k in kinds))

    return turn()


def own_markers(fmt: turnwire.Format) -> tuple[str, ...]:
    return (*fmt.control, *fmt.forgeable)


def orders(word: Word) -> st.SearchStrategy[list[str]]:
    """Kinds of parts in an order that a tree can write."""
    if isinstance(word, Frame):
        return st.just([] if word.kind == "arg" else [word.kind])
    if isinstance(word, If):
        return orders(word.word)
    if isinstance(word, Switch):
        return st.sampled_from([[k] for k in ("reasoning", "text", "preamble", "call", "call") if k in kinds_of(word)])
    if isinstance(word, Seq):
        return st.tuples(*map(orders, word.parts)).map(lambda found: [k for kinds in found for k in kinds])
    if isinstance(word, Choice):
        return st.one_of(*map(orders, word.items))
    if isinstance(word, Many):
        item = orders(word.item)
        several = [st.lists(item, min_size=n, max_size=n) for n in (0, 1, 2, 2, 3, 4)]
        inner = st.sampled_from(several).flatmap(lambda lists: lists)
        return inner.map(lambda found: [k for kinds in found for k in kinds][:5])
    return st.just([])


def kinds_of(word: Word) -> set[str]:
    return {w.kind for w in walk(word) if isinstance(w, Frame)}


def frame_kinds(fmt: turnwire.Format) -> set[str]:
    return {w.kind for w in walk(fmt.reply) if isinstance(w, Frame)}


def parallel(word: Word) -> bool:
    """Whether a reply can have several calls."""
    return any(
        isinstance(w, Many) and any(isinstance(x, Frame) and x.kind == "call" for x in walk(w.item)) for w in walk(word)
    )


def prefills_reasoning(fmt: turnwire.Format) -> bool:
    """Whether the default prompt opens reasoning and leaves it open."""
    parser = fmt.parser()
    return bool(parser.turn.parts) and isinstance(parser.turn.parts[-1], Reasoning) and parser._sink.kind == "reasoning"


def closes_reasoning(fmt: turnwire.Format) -> bool:
    """Whether the default prompt holds all of the reasoning, so that a reply behind it has none."""
    return any(isinstance(p, Reasoning) for p in fmt.parser().turn.parts) and not prefills_reasoning(fmt)


def tokenizer(fmt: turnwire.Format) -> Any:
    """The real tokenizer of a format; where none can be had, the small one with the format's control tokens."""
    found = references()[fmt.name].tokenizer if fmt.name in references() else None
    if found is not None:
        try:
            return real.load(found)
        except pytest.skip.Exception:
            pass
    key = (fmt.name, fmt.control)  # a format's own hash walks its tree
    if key not in _small:
        _small.clear()
        _small[key] = turnwire.small_tokenizer(fmt)
    return _small[key]


_small: dict[Any, Any] = {}


def normalised(turn: Turn, normalize: Callable[[str], str]) -> Turn:
    """A turn as its tokens keep it."""

    def deep(v: Any) -> Any:
        if isinstance(v, str):
            return normalize(v)
        if isinstance(v, dict):
            return {normalize(k): deep(x) for k, x in v.items()}
        return [deep(x) for x in v] if isinstance(v, list) else v

    def part(p: Any) -> Any:
        if isinstance(p, Call):
            return Call(p.name, deep(p.arguments))
        return type(p)(normalize(p.text), *((p.channel, p.recipient) if isinstance(p, Text) else ()))

    return Turn(turn.role, tuple(part(p) for p in turn.parts))


def features(turn: Turn) -> list[str]:
    """What a turn has of the hard things."""
    out = [p.kind for p in turn.parts]
    text = "".join(p.text for p in turn.parts if not isinstance(p, Call))
    inside = json.dumps([p.arguments for p in turn.parts if isinstance(p, Call)], ensure_ascii=False, default=str)
    if sum(isinstance(p, Call) for p in turn.parts) > 1:
        out.append("parallel calls")
    kinds = [p.kind for p in turn.parts]
    if "call" in kinds and "text" in kinds[kinds.index("call") :]:
        out.append("text after a call")
    if any(m in text for m in MARKERS):
        out.append("marker in text")
    if any(m in inside for m in MARKERS):
        out.append("marker in arguments")
    if any(h in text + inside for h in HALVES):
        out.append("half marker")
    if unicodedata.normalize("NFC", text + inside) != text + inside:
        out.append("decomposed")
    if "\n" in text[:1] + text[-1:]:
        out.append("line end at the edge")
    if any(not p.text for p in turn.parts if not isinstance(p, Call)):
        out.append("empty part")
    if any(not p.arguments for p in turn.parts if isinstance(p, Call)):
        out.append("no arguments")
    return out


def has_surrogate(turn: Turn) -> bool:
    try:
        json.dumps(turn.to_dict(), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def damaged(fmt: turnwire.Format) -> st.SearchStrategy[str]:
    """In symbols: a reply of the format, with pieces deleted, doubled, swapped or put in, or cut short; and
    plain garbage made of the format's own markers."""
    markers = sorted(fmt.program.symbols.of.values()) + list(fmt.forgeable) + list(fmt.program.homes)
    bit = st.one_of(
        st.sampled_from(markers), st.sampled_from(TEXTS + MARKERS + HALVES), st.sampled_from(["{", "}", '"', "\n"])
    )

    whole, garbage, scraps = turns(fmt), st.lists(bit, max_size=14), st.lists(bit, max_size=8)
    to_three, to_twelve = st.integers(0, 3), st.integers(0, 12)
    ways = st.sampled_from(("delete", "double", "insert", "cut"))

    @st.composite
    def reply(draw: Any) -> str:
        if draw(to_three) == 0:
            return "".join(draw(garbage))
        turn = draw(whole)
        try:
            s = fmt.render_reply(turn, tools=TOOLS).symbols
        except turnwire.errors.RefusedTurn:
            s = "".join(draw(scraps))
        for _ in range(draw(to_three)):
            a = draw(st.integers(0, len(s)))
            b = min(len(s), a + draw(to_twelve))
            how = draw(ways)
            s = {"delete": s[:a] + s[b:], "double": s[:b] + s[a:], "insert": s[:a] + draw(bit) + s[a:], "cut": s[:a]}[
                how
            ]
        return s

    return reply()
