"""The short way: how a parser takes text in the middle of a value without its machine, by what is known (memo.py).

A parser is at a `Known` place, or the machine must see what comes: `_arrive` looks where the machine is after it did
something, `_leave` tells it what went by without it. Each feed's events are those that the machine's way gives.
"""

from __future__ import annotations

import codecs
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from ..events import Event, Span
from ..wire import SYMBOL
from .assemble import Assembler, Way
from .compile import Program
from .machine import Machine
from .memo import Known, Memo, Step
from .place import place, put

SHORT = 16  # tokens of a feed that is worth a try without the machine; 0 switches the short way off, for its tests
new = object.__new__
NOTHING: dict[Any, Step] = {}


class ShortWay:
    """What a parser is between the machine's steps."""

    def __init__(self, program: Program, machine: Machine, sink: Assembler):
        self._program, self._machine, self._sink = program, machine, sink
        self._fed = 0  # characters fed, in the public spelling
        self._count = 0  # tokens fed
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._partial = False  # it holds bytes of a character that is not whole
        self._memo: Memo | None = None  # once fed
        self._type: Any = int  # of its pieces: ids, or
        self._table: Sequence[Any] | None = None  # what an id stands for; None by text
        self._here: Known | None = None
        self._steps: dict[Any, Step] = NOTHING  # from there, by whole pieces
        self._way: Way = (None, 0, 0, None, None)  # how text goes out
        self._open: Any = None  # what for: a kind of text in a part and an argument

    def _arrive(self, holding: bool) -> None:
        """The machine did something: where is it now? `holding`: something is held, in front of it or behind it."""
        self._here, self._steps = None, NOTHING
        sink = self._sink
        if not SHORT or self._memo is None or holding or sink.out or sink.at < 0:
            return
        at = place(self._machine)
        if at is None:
            return
        if self._open != (at.kind, sink.part, sink.arg):
            way = sink.way(at.kind)
            if way is None:
                return
            self._way, self._open = way, (at.kind, sink.part, sink.arg)
        self._here = self._memo.at(at)
        self._steps = NOTHING if self._partial else self._here.steps

    def _leave(self) -> None:
        """The machine must see what comes: tell it what went by."""
        if self._here is not None:
            put(self._machine, self._here.place)
            self._sink.at = self._fed - self._here.held
            self._here, self._steps = None, NOTHING
        if self._sink.map is not None and not self._sink.map.ends:
            self._sink.map.base = self._count

    def _short(self, pieces: Sequence[Any]) -> list[Event] | None:
        """The events of pieces (ids, or texts) by steps alone. None, and nothing has happened, if the machine must see
        one of them."""
        here = self._here
        if here is None or self._partial:
            return None
        before, kind, told = here, self._type, self._fed - here.held
        texts: list[str] = []
        jsons: list[str] = []
        ends: list[int] = []
        for piece in pieces:
            step = (here.steps.get(piece) or self._step(here, piece)) if type(piece) is kind else None
            if step is None:
                return None
            text, json, here, _ = step
            told += len(text)
            texts.append(text)
            jsons.append(json)
            ends.append(told + here.held)
        return self._go_far(before, ("".join(texts), "".join(jsons), here, False), ends, told + here.held)

    def _step(self, here: Known, piece: Any) -> Step | None:
        """The step of a piece, if there is one. By ids, a text is what bytes of several stand for."""
        step = here.steps.get(piece)
        if step is not None or piece in here.machine:
            return step
        table = self._table
        if table is None:
            text = piece if not self._program.lexer.search(piece) and not SYMBOL.search(piece) else None
        elif type(piece) is str:
            text = piece
        else:
            text = table[piece] if 0 <= piece < len(table) else None
        return self._learn(here, piece, text) if type(text) is str else None

    def _learn(self, here: Known, piece: Any, text: str) -> Step | None:
        """The step of a piece that is not known yet."""
        if piece in here.machine or self._memo is None:
            return None
        return self._memo.learn(self._program, here, piece, text)

    def _decode(self, data: bytes) -> str:
        """What is certain of bytes that are not whole text, or stand behind such."""
        text = self._decoder.decode(data)
        self._partial = bool(self._decoder.getstate()[0])
        return text

    def _go(self, here: Known, step: Step) -> list[Event]:
        """Take a step."""
        text, json, after, _ = step
        fed, n, token_map = self._fed, self._count, self._sink.map
        start = fed - here.held
        stop = start + len(text)
        tokens = None
        if token_map is not None:  # its ends are those of the tokens that have a share in what is held
            if text and stop < fed:
                return self._go_far(here, step, [stop + after.held], stop + after.held)
            ends = token_map.ends
            if not ends:
                token_map.base = n
            if text:
                behind = n if stop > fed else token_map.base + bisect_left(ends, stop)  # an id may have no characters
                tokens = (token_map.base, behind + 1)
                token_map.base = n
                ends.clear()
            if after.held:
                ends.append(stop + after.held)
        self._fed, self._count, self._here, self._steps = stop + after.held, n + 1, after, after.steps
        return self._say(text, json, (start, stop), tokens) if text else []

    def _go_far(self, here: Known, step: Step, ends: Sequence[float], fed: int) -> list[Event]:
        """Take a step of several tokens, or one behind which more is held than it brought. `ends`: of the tokens;
        `fed`: characters then."""
        text, json, after, _ = step
        span, tokens, token_map = (self._fed - here.held, fed - after.held), None, self._sink.map
        if token_map is not None:
            if not token_map.ends:
                token_map.base = self._count
            token_map.ends += ends
            tokens = token_map.range(*span)
            token_map.forget(span[1])
        self._fed, self._count, self._here, self._steps = fed, self._count + len(ends), after, after.steps
        return self._say(text, json, span, tokens) if text else []

    def _say(self, text: str, json: str, span: Span, tokens: Span | None) -> list[Event]:
        """Text goes to the open part, and out as its event, made without __init__ in half the time."""
        kind, part, call, keep, send = self._way
        if keep is not None:
            keep(text)
        event: Any = new(kind)
        if call < 0:
            event.text = text
        else:
            if send is not None:
                send(json)
            event.index = call
            event.json = json
        event.part = part
        event.span = span
        event.tokens = tokens
        return [event]
