"""The laws themselves: one function each, from an example to an assertion. `test_laws.py` runs them over all
formats; `test_mutants.py` shows that each notices the bugs it is for."""

from __future__ import annotations

import codecs
import dataclasses
import random
import re
from collections.abc import Iterable
from typing import Any

import turnwire
from tests.laws.law import Report
from tests.laws.strategies import TOOLS, features, has_surrogate, normalised, tokenizer
from turnwire import Reasoning, Turn
from turnwire.errors import RefusedTurn, SurrogateError
from turnwire.events import (
    ArgumentsDelta,
    CallEnd,
    CallStart,
    Event,
    Fault,
    Markup,
    PartEnd,
    PartStart,
    ReasoningDelta,
    TextDelta,
    TurnEnd,
)  # fmt: skip
from turnwire.parsers.coerce import streams_as_json, streams_as_string
from turnwire.parsers.machine import LOOKAHEAD
from turnwire.tokens import Detokenizer
from turnwire.wire import Look, Many, walk

DELTAS = (TextDelta, ReasoningDelta, ArgumentsDelta, Markup)


# L1


def round_trip(fmt: turnwire.Format, turn: Turn, report: Report, by: str) -> None:
    """parse(render_reply(x)) == canon(x); a refused turn would not read back; a lone surrogate raises."""
    if has_surrogate(turn):
        report.see("lone surrogate")
        try:
            fmt.render_reply(turn, tools=TOOLS)
        except SurrogateError as e:
            assert "parts[" in e.path
            return
        raise AssertionError("a lone surrogate was let through")
    assert fmt.canon(fmt.canon(turn)) == fmt.canon(turn)
    tok = tokenizer(fmt) if by == "ids" else None
    refusal = fmt.admits(turn, TOOLS, by)  # type: ignore[arg-type]
    report.see(*features(turn))
    try:
        out = fmt.render_reply(turn, tok, TOOLS)
    except RefusedTurn:
        assert refusal is not None
        report.admit(False)
        return
    got = fmt.parse(out.ids if tok else out.text, TOOLS, tokenizer=tok, finish_reason="stop")
    wanted = fmt.canon(turn)
    if tok is not None:
        wanted = normalised(wanted, tok.normalize)
    parts = got.turn.parts
    if parts and parts[0] == Reasoning("") and parts[0].prefilled and wanted.parts[:1] != parts[:1]:
        parts = parts[1:]  # the prompt opened it, the reply closed it at once
    same = parts == wanted.parts
    if report.admit(refusal is None):
        assert same, (got.turn, wanted)
        assert not [f for f in got.faults if f.code != "ambiguous-type"], got.faults
    else:
        assert not same, f"refused ({refusal}), but it reads back"


# L2


def merged(events: Iterable[Event]) -> list[Event]:
    """Adjacent deltas of one part joined."""
    out: list[Event] = []
    for e in events:
        last = out[-1] if out else None
        if isinstance(e, DELTAS) and type(last) is type(e) and getattr(last, "part", 0) == getattr(e, "part", 0):
            field = "json" if isinstance(e, ArgumentsDelta) else "text"
            values = {name: getattr(last, name) for name in e.__slots__}
            values[field] += getattr(e, field)
            values["span"] = (last.span[0], e.span[1])  # type: ignore[union-attr]
            values["tokens"] = (last.tokens[0], e.tokens[1]) if e.tokens else None  # type: ignore[union-attr,index]
            out[-1] = type(e)(**values)
        else:
            out.append(e)
    return [e for e in out if not (isinstance(e, ArgumentsDelta) and not e.json and e.span[0] == e.span[1])]


def parse_in(fmt: turnwire.Format, chunks: Iterable[Any], tok: Any, finish: Any, **kw: Any) -> tuple[list[Event], Turn]:
    p = fmt.parser(tok, TOOLS, **kw)
    events: list[Event] = []
    for chunk in chunks:
        events += p.feed(chunk) if tok else p.feed_text(chunk)
    events += p.close(finish)
    return merged(events), p.turn


def cut_randomly(whole: Any, seed: int) -> list[Any]:
    rng = random.Random(seed)
    out, at = [], 0
    while at < len(whole):
        n = rng.randint(1, 7)
        out.append(whole[at : at + n])
        at += n
    return out


def to_ids(fmt: turnwire.Format, symbols: str, tok: Any) -> list[int]:
    """Symbols as ids: a symbol is its control token, text is ordinary tokens."""
    bound = fmt.bind(tok)
    ids: list[int] = []
    for piece in re.split("([\ud800-\udfff])", symbols):
        ids += [bound.ids[piece]] if piece in bound.ids else bound.encode(piece)
    return ids


def chunk_invariance(fmt: turnwire.Format, example: tuple[str, int, str, str], report: Report, by: str) -> None:
    """Any grouping of the tokens, any cut of the text, gives the same events."""
    symbols, seed, finish, policy = example
    tok = tokenizer(fmt) if by == "ids" else None
    whole: Any = to_ids(fmt, symbols, tok) if tok else fmt.program.symbols.show(symbols)
    if tok is not None and seed % 5 == 0 and whole:
        whole.insert(seed % len(whole), tok.size + 7)  # an id without a piece
        report.see("unknown id")
    kw = {"calls_in_reasoning": policy}
    reference, turn = parse_in(fmt, [whole], tok, finish, **kw)
    ones = [[i] for i in whole] if tok else list(whole)
    for chunks in (ones, cut_randomly(whole, seed)):
        events, other = parse_in(fmt, chunks, tok, finish, **kw)
        assert events == reference, first_difference(events, reference)
        assert everything(other) == everything(turn)
    for e in reference:
        report.see(type(e).__name__)
        if isinstance(e, Fault):
            report.see(f"fault {e.code}")


def everything(value: Any) -> Any:
    """A value with the fields that do not take part in its equality."""
    if dataclasses.is_dataclass(value):
        return type(value).__name__, [(f.name, everything(getattr(value, f.name))) for f in dataclasses.fields(value)]
    if isinstance(value, dict):
        return {k: everything(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [everything(v) for v in value]
    return type(value).__name__, value


def first_difference(a: list[Event], b: list[Event]) -> str:
    for x, y in zip(a, b):
        if x != y:
            return f"{x}\n!=\n{y}"
    return f"{len(a)} events against {len(b)}: {a[len(b) :]} {b[len(a) :]}"


# L3


def lossless(fmt: turnwire.Format, example: tuple[str, int, str, str], report: Report) -> None:
    """Never raises; spans tile the input and hold what they say; tokens are the smallest cover; well-formed."""
    symbols, seed, finish, policy = example
    tok = tokenizer(fmt)
    ids = to_ids(fmt, symbols, tok)
    rng = random.Random(seed)
    if seed % 3 == 0:
        ids = [i for i in ids for i in ([i, rng.randrange(tok.size + 20)] if rng.random() < 0.2 else [i])]
        report.see("random ids")
    p = fmt.parser(tok, TOOLS, calls_in_reasoning=policy)
    events: list[Event] = []
    for chunk in cut_randomly(ids, seed):
        events += p.feed(chunk)
    events += p.close(finish)
    text, ends = decoded(fmt, ids, tok)
    at = 0
    for e in events:
        start, stop = e.span
        if start == stop:
            continue
        assert start == at, (e, at)
        at = stop
        if isinstance(e, (TextDelta, ReasoningDelta, Markup)):
            assert e.text == text[start:stop]
        assert e.tokens == cover(ends, start, stop), (e, cover(ends, start, stop))
    assert at == len(text)
    well_formed(events, together(fmt))
    report.see(*(type(e).__name__ for e in events))


def decoded(fmt: turnwire.Format, ids: list[int], tok: Any) -> tuple[str, list[tuple[int, int]]]:
    """The text of ids, and of each token the characters that it has a byte of, one token at a time."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    table = fmt.bind(tok).table
    out = ""
    shares: list[tuple[int, int]] = []
    for i in ids:
        piece = table[i] if i < len(table) else None
        before = len(out)
        if piece is None or isinstance(piece, tuple):
            if decoder.getstate()[0]:
                out += decoder.decode(b"", True)
                shares[-1] = (shares[-1][0], len(out))
                before = len(out)
            decoder.reset()
            out += fmt.program.symbols.spelling[piece[0]] if piece else ""
        else:
            out += decoder.decode(piece.encode() if isinstance(piece, str) else piece)
        shares.append((before, len(out) + bool(decoder.getstate()[0])))
    return out + decoder.decode(b"", True), shares


def cover(ends: list[tuple[int, int]], start: int, stop: int) -> tuple[int, int]:
    """The tokens with a share in characters [start, stop)."""
    having = [n for n, (a, b) in enumerate(ends) if a < stop and b > start]
    return (having[0], having[-1] + 1)


def well_formed(events: list[Event], together: bool = False) -> None:
    """Parts open and close once, in order; deltas belong to the open part; arguments add up; TurnEnd is last. A call
    ends before the next part begins, except in a list whose calls count `together`."""
    opened: list[int] = []
    kind = ""
    started: dict[int, str] = {}
    sent: dict[int, str] = {}
    ended: int | None = None  # a call whose part must end next
    for e in events:
        if ended is not None:
            assert isinstance(e, PartEnd) and e.part == ended
            ended = None
        if isinstance(e, PartStart):
            assert not opened or (together and kind == e.kind == "call")
            opened.append(e.part)
            assert opened == list(range(opened[0], e.part + 1))
            kind = e.kind
        elif isinstance(e, PartEnd):
            assert opened.pop(0) == e.part
        elif isinstance(e, (TextDelta, ReasoningDelta)):
            assert opened == [e.part] and kind == ("text" if isinstance(e, TextDelta) else "reasoning")
        elif isinstance(e, CallStart):
            assert opened[-1] == e.part and e.index not in started
            started[e.index] = e.name
        elif isinstance(e, ArgumentsDelta):
            assert opened[-1] == e.part
            sent[e.index] = sent.get(e.index, "") + e.json
        elif isinstance(e, CallEnd):
            ended = e.part
            assert opened[0] == ended
            assert started.get(e.index) == e.call.name
            if e.complete:
                assert sent[e.index] == e.call.arguments_json
    assert not opened
    assert isinstance(events[-1], TurnEnd) and sum(isinstance(e, TurnEnd) for e in events) == 1


def together(fmt: turnwire.Format) -> bool:
    """Whether a format has a list of calls that count only together."""
    return any(isinstance(w, Many) and w.together for w in walk(fmt.reply))


# L7


def longest(fmt: turnwire.Format) -> int:
    """The longest marker, as it is spelled."""
    show = fmt.program.symbols.show
    spelled = [len(show(w)) for p in fmt.program._points.values() for w in p.table.by]
    return max(spelled + [len(t) for t in fmt.control])


def prompt_emission(fmt: turnwire.Format, example: tuple[Turn, int], report: Report, by: str) -> None:
    """After each feed at most two markers and their blanks are held, or what a guard may ask for while it has not
    answered; names and arguments come at once."""
    turn, _ = example
    tok = tokenizer(fmt) if by == "ids" else None
    try:
        out = fmt.render_reply(turn, tok, TOOLS)
    except RefusedTurn:
        return
    whole: Any = out.ids if tok else out.text
    p = fmt.parser(tok, TOOLS, calls_in_reasoning="recover")
    bound = 2 * longest(fmt) + LOOKAHEAD
    asked = max((w.guard.limit for w in walk(fmt.reply) if isinstance(w, Look)), default=0)
    fed = told = 0
    held_value = 0
    detokenizer = Detokenizer(fmt.bind(tok)) if tok else None
    for one in [[i] for i in whole] if tok else whole:
        events = p.feed(one) if tok else p.feed_text(one)
        fed += len(detokenizer.feed(one)) if detokenizer else 1
        told = max([told, *(e.span[1] for e in events)])
        if fed - told > bound + (asked if p._machine.looks is not None else 0):
            value = p._sink.arg
            typed = value is not None and not streams_as_string(value.schema) and not streams_as_json(value.schema)
            assert typed, f"{fed - told} characters held at {fed}"  # only a value that its text alone types may wait
            held_value += 1
        report.see(*(type(e).__name__ for e in events))
    p.close("stop")
    report.see(*features(turn), *(["typed value held"] if held_value else []))
