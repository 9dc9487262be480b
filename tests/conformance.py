"""Replays canitoolcall fixtures through a format's parser, as its adapters do for engines.

Two results are taken of every parse: the final turn's, and the one a streaming client puts together from the
events, where a call counts once its `CallEnd.complete` is true.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import canitoolcall
from canitoolcall.checks import run_checks
from canitoolcall.chunking import DEFAULT_STRATEGIES, ChunkStrategy, split, split_text
from canitoolcall.fixtures import load_family, load_fixtures
from canitoolcall.results import Observation, ParsedToolCall, ParseResult, Status

import turnwire
from tests.families import official
from turnwire.events import ArgumentsDelta, CallEnd, Event, PartStart, ReasoningDelta, TextDelta
from turnwire.tokens import Detokenizer

CHARS = tuple(ChunkStrategy("char", seed=s) for s in range(1, 6))
FAMILIES = ("deepseek", "gemma4", "glm", "gpt-oss", "kimi", "llama", "mistral", "qwen3-hermes", "qwen3-xml")


def fixtures_root() -> Path:
    return Path(canitoolcall.__file__).parent / "_data" / "fixtures"


@functools.cache
def load(family: str) -> tuple[Any, list[Any]]:
    """A family and its fixtures."""
    root = fixtures_root()
    return load_family(family, root), load_fixtures([root / family])


def format_of(model: str) -> turnwire.Format:
    """The format of a fixture's reference model."""
    return turnwire.get_format(model)


def from_turn(turn: turnwire.Turn) -> ParseResult:
    """What a client gets that reads the final turn."""
    message = turn.to_openai()
    return ParseResult(
        message["content"],
        message["reasoning_content"],
        tuple(ParsedToolCall(c["function"]["name"], c["function"]["arguments"]) for c in message["tool_calls"]),
    )


def from_events(events: Iterable[Event]) -> ParseResult:
    """What a client gets that adds up deltas; a call counts once its end says that it is complete."""
    text: list[str] = []
    reasoning: list[str] = []
    calls: list[ParsedToolCall] = []
    arguments: dict[int, list[str]] = {}
    shown: set[int] = set()
    for e in events:
        if isinstance(e, PartStart) and e.recipient is None:
            shown.add(e.part)
        elif isinstance(e, TextDelta) and e.part in shown:
            text.append(e.text)
        elif isinstance(e, ReasoningDelta):
            reasoning.append(e.text)
        elif isinstance(e, ArgumentsDelta):
            arguments.setdefault(e.index, []).append(e.json)
        elif isinstance(e, CallEnd) and e.complete:
            assert e.call.name is not None
            calls.append(ParsedToolCall(e.call.name, "".join(arguments.get(e.index, ()))))
    return ParseResult("".join(text) or None, "".join(reasoning) or None, tuple(calls))


def tokenizer_of(fixture: Any) -> Any:
    """The real tokenizer of a fixture's ids; skips where it cannot be had."""
    return official.tokenizer(format_of(fixture.reference_model).name)


def replay(fixture: Any, family: Any, by: str) -> dict[str, tuple[Status, list[Any]]]:
    """The status of a fixture, `by` "ids" or "text", as read from the "turn" and from the "events"."""
    fmt = format_of(fixture.reference_model)
    ref = family.reference_for(fixture.reference_model)
    prompt = fixture.generation_prompt or (ref.default_generation_prompt if ref else None)
    finish: Any = "length" if fixture.truncated else "stop"
    tok = tokenizer_of(fixture)
    tools = list(fixture.tools)

    def parse(chunks: Iterable[Any]) -> dict[str, ParseResult]:
        p = fmt.parser(tokenizer=tok if by == "ids" else None, tools=tools, prompt=prompt)
        events: list[Event] = []
        for chunk in chunks:
            events += p.feed(chunk) if by == "ids" else p.feed_text(chunk)
        events += p.close(finish)
        return {"turn": from_turn(p.turn), "events": from_events(events)}

    ids = list(fixture.output_token_ids or ())
    special = {*tok.specials.values(), *(tok.special(t) for t in fmt.control)}
    groups = {s.id: split(ids, s, special) for s in DEFAULT_STRATEGIES}
    if by == "ids":
        streams = {name: parse(chunks) for name, chunks in groups.items()}
        whole = parse([ids])
    else:
        streams = {name: parse(texts(fmt.bind(tok), chunks)) for name, chunks in groups.items()}
        streams |= {s.id: parse(split_text(fixture.raw_output, s)) for s in CHARS}
        whole = parse([fixture.raw_output])
    out: dict[str, tuple[Status, list[Any]]] = {}
    for what in whole:
        read = Observation(nonstream=whole[what], streams={name: r[what] for name, r in streams.items()})
        rows = run_checks(fixture, family, read)
        out[what] = worst(rows), rows
    return out


def texts(bound: Any, chunks: Iterable[list[int]]) -> list[str]:
    """Groups of ids as the text that a server would send for each."""
    decoder = Detokenizer(bound)
    return [*(decoder.feed(chunk) for chunk in chunks), decoder.close()]


def worst(rows: list[Any]) -> Status:
    """The worst status of all rows; character chunks count too, unlike in canitoolcall's own `case_status`."""
    order = (Status.FAIL, Status.ERROR, Status.SOFT_PASS, Status.PASS)
    return min((r.status for r in rows), key=order.index)
