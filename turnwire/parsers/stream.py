"""The streaming parser that users hold: ids or text in, events out.

`feed` and `feed_text` return the events that became certain; `close` says why the stream ended and returns
the rest. Grouping does not matter: any way of cutting the input gives the same events, adjacent deltas of a
part merged. What a model wrote never raises; only a caller's mistakes do, or, with `strict`, the first fault.
"""

from __future__ import annotations

import importlib
import operator
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from ..errors import ClosedParser, InputError, MixedInput, NoTokenizer, StrictFault, check_ids, check_text, nearest
from ..events import Event, Fault, FinishReason, TurnEnd
from ..turns import Turn
from .assemble import Assembler
from .compile import InSlot, Program
from .machine import Machine, Policy
from .memo import LONG, memo_of
from .short import NOTHING, SHORT, ShortWay, new
from .tokenmap import TokenMap
from .validate import Toolbox

if TYPE_CHECKING:
    from ..tokens import Bound

FINISH_REASONS: tuple[str, ...] = get_args(FinishReason)
Piece: TypeAlias = "int | str | Sequence[int]"


@dataclass(slots=True)
class ParseResult:
    """A whole reply, parsed: the turn, the faults and all events."""

    turn: Turn
    faults: list[Fault]
    events: list[Event]

    def _repr_html_(self) -> str:
        """For notebooks."""
        return importlib.import_module("turnwire.explain.fragment").parsed(self)  # above this layer


class Parser(ShortWay):
    """One reply's parser; made by `Format.parser`. Not for use from several threads at once."""

    def __init__(
        self,
        program: Program,
        bound: Bound | None,
        toolbox: Toolbox,
        *,
        prompt: str = "",
        strict: bool = False,
        calls_in_reasoning: Policy = "recover_if_unclosed",
        keep_turn: bool = True,
        name_call: Callable[[int, str, str | None], str | None],
        calls: bool = True,
    ):
        self._bound, self._strict, self._keep_turn = bound, strict, keep_turn
        sink = Assembler(
            program.symbols,
            toolbox,
            one_value=program.one_value,
            tokens=bound is not None,
            keep=keep_turn,
            name_call=name_call,
        )
        machine = Machine(program, sink, wary=False, policy=calls_in_reasoning, calls=calls)
        super().__init__(program, machine, sink)
        self._machine.feed(prompt)
        held = len(program.symbols.show(self._machine.pending))
        self._sink.begin_reply(held)
        self._sink.prefilled &= bool(prompt)  # a part that is open from the start began in no prompt
        self._mode = ""  # "ids" or "text" once fed, "closed"
        self._spelled = ""  # text that may become the spelling of a control token
        self._marker_seen = False
        state = self._machine.state
        slot = state if isinstance(state, InSlot) else state.slot[0] if state.slot else None
        self._marker_due = slot is not None and slot.begins is not None

    # input

    def feed(self, ids: Iterable[int]) -> list[Event]:
        """Read token ids; returns the events that became certain."""
        if isinstance(ids, list):
            # Most tokens are text in the middle of a value: one look at what is known of it, and what `_go` and `_say`
            # of short.py do then, in one piece.
            try:
                [token] = ids
                text, json, after, calm = step = self._steps[token]
            except (KeyError, TypeError, ValueError):
                pass
            else:
                if type(token) is int:  # not bool, which has the same hash
                    if not calm:
                        assert self._here is not None
                        return self._go(self._here, step)
                    if after is not self._here:
                        self._here, self._steps = after, after.steps
                    n, start = self._count, self._fed
                    self._count = behind = n + 1
                    self._fed = stop = start + len(text)
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
                    event.span = (start, stop)
                    event.tokens = (n, behind)
                    return [event]
            if self._mode == "ids" and len(ids) <= SHORT:
                events = self._feed_one(ids[0]) if len(ids) == 1 else self._short(ids)
                if events is not None:
                    return events
        elif isinstance(ids, tuple):
            return self.feed(list(ids))
        if self._mode != "ids":
            self._check_mode("ids")
        return self._feed_ids(ids)

    def feed_text(self, text: str) -> list[Event]:
        """Read text, control tokens spelled out; returns the events that became certain."""
        if self._mode != "text":
            self._check_mode("text")
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(
                f"not text but {type(text).__name__}", value=text, path="feed_text", expected="a str; ids go to feed"
            )
        here = self._here
        if here is not None and len(text) <= LONG and (step := self._step(here, text)) is not None:
            told, json, after, calm = step
            if not calm:
                return self._go(here, step)
            self._here, self._steps = after, after.steps
            start = self._fed
            self._fed = stop = start + len(told)
            return self._say(told, json, (start, stop), None)
        check_text(text, "feed_text")
        if not self._mode:
            self._machine.wary, self._sink.map, self._mode = True, None, "text"
            self._memo, self._type = memo_of(self._program, self._program), str
        self._leave()
        return self.feed_symbols(self._lex(text))

    def close(self, finish_reason: FinishReason | None = None) -> list[Event]:
        """End of the stream; returns the events that were held back, `TurnEnd` last.

        `finish_reason`: "stop" or "tool_calls" when the model ended by itself, so that a stop token may stand
        at the end even where it was taken off; "length", "abort" or None when it may have been cut.
        """
        if self._mode == "closed":
            raise ClosedParser("closed already", path="close", expected="a new parser for each reply")
        if finish_reason is not None and finish_reason not in FINISH_REASONS:
            raise InputError(
                f"unknown finish reason {finish_reason!r}",
                value=finish_reason,
                path="close",
                expected="one of " + ", ".join(FINISH_REASONS) + " or None",
                near=nearest(finish_reason, FINISH_REASONS),
            )
        self._leave()
        rest = self._lex("", eof=True) if self._mode == "text" else self._decoder.decode(b"", True)
        stripped = self._mode == "text" and self._fed and self._marker_due and not self._marker_seen
        self._mode = "closed"
        if self._sink.map is not None and self._partial:
            self._sink.map.ends[-1] = self._fed + len(rest)
        self._machine.feed(rest)
        self._machine.close(finish_reason in ("stop", "tool_calls"))
        if stripped:
            self._sink.fault("markers-stripped", "no control token in the text: a server may have removed them", "")
        events = [*self._sink.drain(), TurnEnd(finish_reason, *self._sink.place())]
        return self._checked(events) if self._strict else events

    @property
    def turn(self) -> Turn:
        """The turn so far (empty with `keep_turn=False`)."""
        return self._sink.turn() if self._keep_turn else Turn("assistant")

    def stream(self, pieces: Iterable[Piece], finish_reason: FinishReason | None = None) -> Iterator[Event]:
        """Feed ids, lists of ids or strings as they come; always closes."""
        try:
            for piece in pieces:
                yield from self._any(piece)
        except BaseException:
            self._abandon()
            raise
        yield from self.close(finish_reason)

    async def astream(
        self, pieces: AsyncIterable[Piece], finish_reason: FinishReason | None = None
    ) -> AsyncIterator[Event]:
        """As `stream`, from an async iterable."""
        try:
            async for piece in pieces:
                for event in self._any(piece):
                    yield event
        except BaseException:
            self._abandon()
            raise
        for event in self.close(finish_reason):
            yield event

    def _any(self, piece: Piece) -> list[Event]:
        if isinstance(piece, str):
            return self.feed_text(piece)
        try:
            operator.index(piece)  # type: ignore[arg-type]
        except TypeError:
            return self.feed(piece)  # type: ignore[arg-type]
        return self.feed([piece])  # type: ignore[list-item]

    def _abandon(self) -> None:
        if self._mode != "closed":
            self._strict = False
            self.close("abort")

    # ids and text -> symbols

    def _check_mode(self, mode: str) -> None:
        if self._mode == "closed":
            raise ClosedParser("fed after close", path="feed", expected="a new parser for each reply")
        if self._mode:
            raise MixedInput("ids and text in one parser", path="feed", expected=f"only {self._mode}, as before")
        if mode == "ids" and self._bound is None:
            raise NoTokenizer("ids without a tokenizer", path="feed", expected="parser(tokenizer=...)")

    def _feed_one(self, token: Any) -> list[Event] | None:
        """The events of a token; None of what is no id with a piece, and of a control token that interrupts a
        character, which `_feed_ids` takes."""
        here, table, token_map = self._here, self._table, self._sink.map
        if type(token) is not int or table is None or token_map is None or not 0 <= token < len(table):
            return None
        piece = table[token]
        shape: Any = type(piece)  # pyright: ignore[reportUnknownVariableType]
        if shape is bytes or (self._partial and shape is str):
            return self._feed_bytes(piece if shape is bytes else piece.encode(), token_map)
        if shape is str:
            if here is not None and (step := self._learn(here, token, piece)) is not None:
                return self._go(here, step)
            symbols, length = piece, len(piece)
        elif shape is tuple and not self._partial:
            symbols = piece[0]
            length = len(self._program.symbols.spelling[symbols])
        else:
            return None
        self._leave()
        self._fed += length
        self._count += 1
        token_map.ends.append(self._fed)
        return self.feed_symbols(symbols)

    def _feed_bytes(self, data: bytes, token_map: TokenMap) -> list[Event]:
        """The events of a token that is not whole text, or stands behind such."""
        here, text = self._here, self._decode(data)
        fed = self._fed + len(text)
        ends = [fed + 0.5 if self._partial else fed]
        if here is not None:
            step = self._step(here, text) if text else ("", "", here, False)
            if step is not None:
                events = self._go_far(here, step, ends, fed)
                if self._partial:
                    self._steps = NOTHING
                return events
        self._leave()
        self._fed = fed
        self._count += 1
        token_map.ends += ends
        return self.feed_symbols(text)

    def _feed_ids(self, given: Any) -> list[Event]:
        ids = check_ids(given, "ids")
        if not self._mode:
            assert self._bound is not None
            self._table, self._mode = self._bound.table, "ids"
            self._memo = memo_of(self._program, self._bound)
        table: Any = self._table
        size = len(table)
        token_map = self._sink.map
        assert token_map is not None
        self._leave()
        try:
            pieces: Sequence[Any] = itemgetter(*ids)(table) if len(ids) > 1 else [table[i] for i in ids]  # half a loop
        except IndexError:
            pieces = [table[i] if i < size else None for i in ids]
        odd = [k for k, piece in enumerate(pieces) if piece.__class__ is not str]
        texts: list[str] = []
        at = 0
        for k in [*odd, len(pieces)]:
            if at < k and self._partial:
                texts.append(self._decoded(pieces[at].encode(), token_map))
                at += 1
            if at < k:
                run = pieces[at:k]
                texts += run
                ends = list(accumulate(map(len, run), initial=self._fed))
                self._fed = ends[-1]
                del ends[0]
                token_map.ends += ends
            if k < len(pieces):
                piece = pieces[k]
                texts.append(
                    self._decoded(piece, token_map) if isinstance(piece, bytes) else self._interrupt(piece, token_map)
                )
                if piece is None:
                    self._machine.feed("".join(texts))
                    texts.clear()
                    token_map.ends.append(self._fed)
                    self._sink.fault("unknown-token", f"id {ids[k]} has no piece in the vocabulary", str(ids[k]))
            at = k + 1
        self._count += len(ids)
        return self.feed_symbols("".join(texts))

    def _decoded(self, data: bytes, token_map: TokenMap) -> str:
        """The text of a token that is not whole text, or stands behind such."""
        text = self._decode(data)
        self._fed += len(text)
        token_map.ends.append(self._fed + 0.5 if self._partial else self._fed)
        return text

    def _interrupt(self, piece: tuple[str] | None, token_map: TokenMap) -> str:
        """A control token, or None, an id without a piece: bytes that wait for more have waited in vain."""
        text = self._decoder.decode(b"", True)
        self._decoder.reset()
        self._fed += len(text)
        if self._partial:
            token_map.ends[-1] = self._fed
            self._partial = False
        if piece is None:
            return text
        self._fed += len(self._program.symbols.spelling[piece[0]])
        token_map.ends.append(self._fed)
        return text + piece[0]

    def _lex(self, text: str, eof: bool = False) -> str:
        """Spelled control tokens become symbols, the longest first; the beginning of one is kept for later."""
        lexer, of = self._program.lexer, self._program.symbols.of
        s = self._spelled + text
        out: list[str] = []
        at, keep = 0, len(s)
        search = lexer.search_whole if eof else lexer.search
        while m := search(s, at):
            word = m.group()
            if not eof and m.end() == len(s) and (word in lexer.prefixes or word not in lexer.by):
                keep = m.start()
                break
            self._marker_seen = True
            out += (s[at : m.start()], of[word])
            at = m.end()
        out.append(s[at:keep])
        self._spelled = s[keep:]
        self._fed += keep
        return "".join(out)

    def feed_symbols(self, symbols: str) -> list[Event]:
        """Read text in which control tokens are private symbols (see `wire.Symbols`); not for callers' input."""
        sink = self._sink
        self._machine.feed(symbols)
        needed = sink.needed
        if sink.map is not None:
            sink.map.forget(needed)
        events = sink.drain()
        self._arrive(bool(self._spelled) or needed < sink.at)
        return self._checked(events) if self._strict else events

    def _checked(self, events: list[Event]) -> list[Event]:
        """Of a strict parser."""
        for event in events:
            if isinstance(event, Fault):
                raise StrictFault(
                    f"{event.code}: {event.message}",
                    fault=event,
                    value=event.text,
                    path="the reply",
                    expected="output without faults, or strict=False",
                )
        return events


def parse_symbols(parser: Parser, symbols: str, by: str) -> ParseResult:
    """A whole reply in symbols (`by` "ids") or in text, without a tokenizer. For `Format.admits`."""
    events = parser.feed_text(symbols) if by == "text" else parser.feed_symbols(symbols)
    events += parser.close("stop")
    return ParseResult(parser.turn, [e for e in events if isinstance(e, Fault)], events)
