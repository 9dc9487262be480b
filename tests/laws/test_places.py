"""Where the pieces of a reply are: the characters of each field say what the turn says, its tokens are the fewest that
cover them, and how the reply was fed does not matter."""

from __future__ import annotations

import json
from typing import Any

import pytest

import turnwire
from tests.families import official
from tests.laws.law import Report, reports, run_law
from tests.laws.shares import rare, share
from tests.laws.strategies import TOOLS, frame_kinds, turns
from turnwire import Call, Field, Turn, fields
from turnwire.codecs.python_call import read_python
from turnwire.errors import RefusedTurn
from turnwire.wire import Slot, Tok, walk


def says(fmt: turnwire.Format, text: str, span: tuple[int, int], call: Any, key: str) -> bool:
    """Whether the characters of an argument are its value, in the notation of the format."""
    said, value = text[span[0] : span[1]], call.arguments[key]
    if not isinstance(call.raw, str):
        return said == call.raw[key] or said == call.raw[key].strip()
    codec = next(w.codec for w in walk(fmt.reply) if isinstance(w, Slot) and w.kind in ("arguments", "envelope"))
    if codec.notation == "python":
        return read_python(f"x={said}") == {"x": value}
    if codec.notation == "bare-keys":
        if said in (value, f"{codec.quote}{value}{codec.quote}") or codec.read(f"x:{said}") == {"x": value}:
            return True
        # a string that spells the quote has no reading as text, only as tokens: what the format writes for it
        return f"x:{said}" == "".join(p.text if isinstance(p, Tok) else p for p in codec.members({"x": value}))
    if codec.notation == "elements":
        return text[: span[0]].endswith(f"{codec.mark}<{key}>") and text[span[1] :].startswith(f"{codec.mark}</{key}>")
    return json.loads(said) == value


def covers(ends: list[float], tokens: tuple[int, int], span: tuple[int, int]) -> bool:
    """Whether these tokens hold the span, and none at an edge could be left out; `ends[k]`: characters of k tokens."""
    (a, b), (start, stop) = tokens, span
    if start == stop:
        return a == b
    return ends[a] <= start < ends[a + 1] and ends[b - 1] < stop <= ends[b]


def check(fmt: turnwire.Format, tokenizer: Any, turn: Turn, report: Report) -> None:
    try:
        ids = fmt.render_reply(turn, tokenizer, TOOLS).ids
    except RefusedTurn:
        report.admit(False)
        return
    report.admit(True)
    bound = fmt.bind(tokenizer)
    text = bound.decode(ids)
    whole, single = fmt.parser(tokenizer, TOOLS), fmt.parser(tokenizer, TOOLS)
    found = fields([*whole.feed(ids), *whole.close("stop")], ids, bound)
    assert fields(list(single.stream(ids, "stop")), ids, bound) == found
    if "�" in text:
        return
    begun = [bound.decode(ids[:k]) for k in range(len(ids) + 1)]
    ends = [len(s) - 0.5 if s.endswith("�") else len(s) for s in begun]  # in the middle of a character
    by = {f.path: f for f in found}
    for field in found:
        report.see(field.path.partition("[")[0], "shared token" if field.own != field.tokens else "own tokens")
        assert covers(ends, field.tokens, field.span), field
        (a, b), (c, d) = field.tokens, field.own
        inside = all(field.span[0] <= ends[k] and ends[k + 1] <= field.span[1] for k in range(c, d))
        assert a <= c <= d <= b and b - a - (d - c) <= 2 and inside
    for n, call in enumerate(whole.turn.calls):
        report.see("call")
        if call.name is None:  # text that spells a marker of calls
            continue
        name = by[f"calls[{n}].name"].span
        assert text[name[0] : name[1]] in (call.name, json.dumps(call.name)[1:-1])
        if call.arguments is None:
            continue
        for key in call.arguments:
            report.see("argument")
            place = next(f for f in found if f.path.startswith(f"calls[{n}].arguments") and f.path.endswith(key))
            assert says(fmt, text, place.span, call, key), (place, text[place.span[0] : place.span[1]])
    said = {f.part: text[f.span[0] : f.span[1]] for f in found if f.path in ("text", "reasoning")}
    for n, part in enumerate(whole.turn.parts):
        if isinstance(part, (turnwire.Text, turnwire.Reasoning)) and (n in said or not part.prefilled):
            assert part.text == said[n] or (part.prefilled and part.text.endswith(said[n]))


CALLED = Turn("assistant", (Call("calc", {"x": 1.5, "n": 2, "exact": True}),))


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_fields(name: str) -> None:
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    calls = "call" in frame_kinds(fmt)
    run_law("fields", name, turns(fmt), lambda turn, report: check(fmt, tokenizer, turn, report),
            need={"own tokens": 60, **({"call": 30, "argument": 30} if calls else {"text": 30})}, admitted=0.8,
            examples=max(6, share(name) // 5), shrink=False, regressions=rare([CALLED] * calls, name))  # fmt: skip


def test_fields_of_a_key_that_spells_the_quote() -> None:
    fmt = turnwire.get_format("gemma-4")
    turn = Turn("assistant", (Call("search", {"query": "q", "filters": {'\n<|"|>\n': [1, {}]}}),))
    check(fmt, turnwire.small_tokenizer(fmt), turn, Report("fields", "gemma-4"))


def test_a_reader_that_tells_a_comma_with_the_value_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant tells what it read when it runs out of text only."""
    fmt = turnwire.get_format("gemma-4")
    tokenizer = turnwire.small_tokenizer(fmt)
    whole = turnwire.codecs.reading.MembersReader._cut  # pyright: ignore

    def late(self: Any, s: str, to: int, out: list[str], sink: Any, done: bool = False) -> None:
        if done or to == len(s):
            whole(self, s, to, out, sink, done)

    monkeypatch.setattr(turnwire.codecs.reading.MembersReader, "_cut", late)  # pyright: ignore
    with pytest.raises(AssertionError):
        run_law("fields, mutant", "gemma-4", turns(fmt), lambda turn, report: check(fmt, tokenizer, turn, report),
                examples=60, shrink=False)  # fmt: skip


CASES = {  # a format of each notation, with the official vocabulary: the tokens of some fields
    "qwen3": ("get_weather", ' "Oslo",', "3", "Look it up.\n"),
    "harmony": (".get_weather", ' "Oslo",', "3", "Look it up."),
    "qwen3-coder": ("=get_weather", "Oslo", "3", None),
    "glm-4.5": ("get_weather", "Oslo", "3", None),
    "lfm2": ("get_weather", '="Oslo",', "3", None),
    "kimi-k2": (".get_weather", ' "Oslo",', "3", None),
}
PATHS = ("calls[0].name", "calls[0].arguments.city", "calls[0].arguments.days", "reasoning")
WEATHER = [{"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {
    "city": {"type": "string"}, "days": {"type": "integer"}}}}}]  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_with_real_tokenizers(name: str) -> None:
    fmt, tokenizer = official.format_of(name), official.tokenizer(name)
    parts: list[Any] = [Call("get_weather", {"city": "Oslo", "days": 3})]
    if CASES[name][3]:
        parts.insert(0, turnwire.Reasoning("Look it up."))
    ids = fmt.render_reply(Turn("assistant", tuple(parts)), tokenizer, WEATHER).ids
    parser = fmt.parser(tokenizer, WEATHER)
    bound = fmt.bind(tokenizer)
    by: dict[str, Field] = {f.path: f for f in fields([*parser.feed(ids), *parser.close("stop")], ids, bound)}
    shown = tuple(bound.decode(ids[slice(*by[path].tokens)]) if path in by else None for path in PATHS)
    reports.append(f"fields {name}, real tokenizer: {shown}")
    assert shown == CASES[name]
