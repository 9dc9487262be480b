"""The one parsing machine. It is fed symbols (text in which control tokens are single private characters)
and tells a sink what it reads; no family is named here.

Every character fed reaches the sink exactly once, in order, as `text` of a slot or as `mark`. The machine
never raises on what a model wrote. One rule decides every doubt: a marker is believed if what must follow
it can follow. Held back is at most a marker, `LOOKAHEAD` blanks and what those need to be decided; all work
is linear, because nothing held is searched again but those few characters.
"""

from __future__ import annotations

from typing import Any, Literal

from ..codecs import BROKEN, DONE, MORE, Reader
from ..wire import is_symbol
from .compile import BLANKS, Exit, InSlot, Ops, Point, Program, Stack, Table, has_reader
from .sink import MachineSink

LOOKAHEAD = 16  # blanks that may stand between a marker and what confirms it
Policy = Literal["recover_if_unclosed", "recover", "ignore"]


class Machine:
    """`feed` symbols, then `close`. `wary`: the input was text, so that a spelled control token may be data
    and needs the same confirmation as any marker."""

    __slots__ = (
        "buf", "calls", "eof", "held", "in_reader", "last", "lead", "looks", "pad", "policy", "pos", "program", "seen",
        "sink", "stack", "state", "symbols", "wary",
    )  # fmt: skip

    def __init__(self, program: Program, sink: MachineSink, wary: bool, policy: Policy, calls: bool = True):
        self.program, self.sink, self.wary, self.policy, self.calls = program, sink, wary, policy, calls
        self.symbols = program.symbols
        self.buf: str = ""
        self.pos: int = 0
        self.eof = False
        self.stack: list[str] = []
        self.pad = self.lead = ""  # the slot's leading pad, and what of it may still come
        self.last = ""  # the marker taken last, if nothing but its pad was read since
        self.in_reader: Reader | None = None
        self.looks: list[list[Any]] | None = None  # of each recogniser: itself, its verdict, where it leads
        self.seen = 0  # characters the recognisers of `looks` have seen
        self.held: list[str] | None = None  # reasoning behind a call's opener: reasoning or calls?
        self.state: Point | InSlot = program.start
        self._arrive(program.start)

    # input

    def feed(self, symbols: str, eof: bool = False) -> None:
        """Read on; with `eof` nothing is held back any more."""
        self.buf = self.buf[self.pos :] + symbols
        self.pos, self.eof = 0, eof
        while self._step():
            pass
        if self.pos == len(self.buf):
            self.buf, self.pos = "", 0

    def close(self, finished: bool) -> None:
        """The stream ended; `finished`: by a stop token, which may have been taken off."""
        self.feed("", eof=True)
        state = self.state
        point = state if isinstance(state, Point) else None if self.in_reader else state.next
        if finished and point is not None:
            stop = next((e for e, _ in point.exits if e.stop), None)
            if stop is not None or point.end is not None:
                if isinstance(state, InSlot) and state.kind != "junk":
                    self.sink.slot_end(state.slot, True)
                    self._run(point.enter)
                self._run(stop.ops if stop is not None else point.end or ())
                if stop is not None:
                    self._arrive(stop.target)
        if isinstance(state, InSlot) and state.kind == "head":
            self.sink.fault("incomplete-header", "the reply ends in a header", "")
        while self.stack:
            kind = self.stack.pop()
            if finished and kind == "reasoning":
                self.sink.fault("unclosed-reasoning", "the reply ends in reasoning", "")
            elif finished and kind == "calls":
                self.sink.fault("unclosed-calls", "the reply ends in a list of calls", "")
                self.sink.break_off(kind)
                continue
            self.sink.cut(kind)

    @property
    def pending(self) -> str:
        """What is held back."""
        return self.buf[self.pos :]

    # steps: each consumes something, or changes the state, or returns False for "need more"

    def _step(self) -> bool:
        state = self.state
        if isinstance(state, Point):
            return self._at_point(state)
        while self.lead and self.pos < len(self.buf):
            if self.buf[self.pos] == self.lead[0]:
                self._mark(self.pos + 1)
                self.lead = self.lead[1:]
            else:
                self.lead = ""
        if self.lead and not self.eof:
            return False
        if self.in_reader:
            return self._read(state, self.in_reader)
        return self._in_slot(state) if self.held is None else self._hold(state, self.held)

    def _at_point(self, point: Point) -> bool:
        s, i, eof = self.buf, self.pos, self.eof
        table = point.table
        if m := table.match(s, i):
            if not eof and table.begins(s, i):  # of a longer one
                return False
            e, home = table.by[m.group()]
            if home is not None and e.marker == self.last:
                return self._doubled(e, m.end())
            believed: bool | None = self.calls or not (e.opens_call or (home is not None and "call" in home))
            if believed and point.slot is not None and home is None:
                believed = self._believe(e, False, m.end())  # an empty slot has a slot's exits
            if believed is None:
                return False
            if believed:
                self._mark(m.end())
                self._take(e, home)
                return True
        elif not eof and (i == len(s) or table.begins(s, i)):
            return False
        if i == len(s):
            return False
        if point.looks and self._look(point, s[i:]) is not None:
            return self.looks is None
        if point.slot is not None:
            state, ops, self.pad = point.slot
            self.lead = self.pad
            self._run(ops)
            self.state = state
            self.in_reader = state.slot.codec.reader(self) if has_reader(state.slot) else None
            return True
        if s[i] in BLANKS:
            self._mark(self._skip_blanks(point, i))
            return True
        self.sink.fault("unexpected-text", "text where the format has none", "")
        self.state, self.lead = self.program.junk[id(point)], ""
        return True

    def _look(self, point: Point, rest: str) -> bool | None:
        """Ask the recognisers: True one agreed (and was followed), False wait, None none agrees."""
        if self.looks is None:
            asked = [look for look in point.looks if self.calls or not getattr(look[0], "calls", False)]
            self.looks, self.seen = [[guard.begin(), None, ops, target] for guard, ops, target in asked], 0
        new, self.seen = rest[self.seen :], len(rest)
        for look in self.looks:
            if look[1] is None and new:
                look[1] = look[0](new)
        for _, verdict, ops, target in self.looks:
            if verdict is None and not self.eof:
                return False
            if verdict:
                self.looks = None
                self._run(ops)
                self._arrive(target)
                return True
        self.looks = None
        return None

    def _skip_blanks(self, point: Point, i: int) -> int:
        """The end of blanks that open no marker (at least one is skipped)."""
        s, table, j = self.buf, point.table, i + 1
        while j < len(s) and s[j] in BLANKS and not table.match(s, j):
            if j - i > LOOKAHEAD:
                return j
            if not self.eof and table.begins(s, j):
                break
            j += 1
        return j

    def _in_slot(self, state: InSlot) -> bool:
        s, start, table = self.buf, self.pos, state.table
        junk = state.kind == "junk"
        at = start
        hold = len(s)
        search = table.search_whole if self.eof else table.search
        while m := search(s, at):
            word = m.group()
            if not self.eof and m.end() == len(s) and (word in table.prefixes or word not in table.by):
                hold = m.start()
                break
            e, home = table.by[word]
            if home is not None and e.marker == self.last and m.start() == start:
                self.lead = self.pad
                return self._doubled(e, m.end())
            opens = e.opens_call
            believed: bool | None = self.calls or not opens
            stray_call = opens and home is not None and state.kind == "reasoning"
            inside_call = (state.kind == "reasoning" or not self.calls) and home is not None and "call" in home
            if inside_call or (stray_call and self.policy == "ignore"):
                believed = False
            if believed and not junk:
                believed = self._believe(e, home is not None, m.end())
            if believed is None:
                hold = m.start()
                break
            if believed:
                self._text(state.kind, m.start())
                if stray_call:
                    if self.policy == "recover_if_unclosed":
                        self.held = []
                        return True
                    self.sink.calls_in_reasoning()
                if not junk:
                    self.sink.slot_end(state.slot, home is None)
                self._mark(m.end())
                if home is None and not junk:
                    self._run(state.next.enter)
                self._take(e, home)
                return True
            at = m.start() + 1
        self._text(state.kind, hold)
        return False

    def _hold(self, state: InSlot, held: list[str]) -> bool:
        """Behind a call's opener in reasoning: if the reasoning is closed, it was reasoning; if not, calls."""
        s, table = self.buf, state.next.own
        at = self.pos
        hold = len(s)
        while m := (table.search_whole if self.eof else table.search)(s, at):
            word = m.group()
            if not self.eof and m.end() == len(s) and (word in table.prefixes or word not in table.by):
                hold = m.start()
                break
            e, _ = table.by[word]
            believed = None if e.stop else self._believe(e, False, m.end())  # no reasoning behind a stop token
            if believed is None:
                hold = m.start()
                break
            if believed:
                held.append(s[self.pos : m.start()])
                self.sink.piece(state.kind, "".join(held))
                self.pos, self.held = m.start(), None
                self.sink.slot_end(state.slot, True)
                self._mark(m.end())
                self._run(state.next.enter)
                self._take(e, None)
                return True
            at = m.start() + 1
        held.append(s[self.pos : hold])
        self.pos = hold
        if not self.eof:
            return False
        self.buf, self.pos, self.held = "".join(held) + s[hold:], 0, None
        self.policy = "recover"
        return True

    def _read(self, state: InSlot, reader: Reader) -> bool:
        before = self.pos
        self.pos, took = reader.take(self.buf, before, self.sink)
        if self.pos > before:
            self.last = ""
        if took is MORE:
            return False
        if took is BROKEN:
            self.sink.fault("broken-value", "a value that its notation cannot hold", "")
        self.sink.slot_end(state.slot, took is DONE)
        self._arrive(state.next)
        return True

    # moves

    def _doubled(self, e: Exit, to: int) -> bool:
        """A marker twice in a row, with nothing between: the second says nothing."""
        marker = self.program.symbols.show(e.marker)
        self.sink.fault("doubled-marker", f"a second {marker} in a row", marker)
        self._mark(to)
        return True

    def _run(self, ops: Ops) -> None:
        for op, kind in ops:
            if op == "begin":
                self.stack.append(kind)
                self.sink.begin(kind)
            elif self.stack and self.stack[-1] == kind:
                self.stack.pop()
                self.sink.end(kind)

    def _arrive(self, point: Point) -> None:
        if point.cases is not None:
            kind = self.sink.header(self.state.slot.codec if isinstance(self.state, InSlot) else None)
            if kind == "call" and not self.calls:
                kind = "other"
            point = point.cases.get(kind) or next(iter(point.cases.values()))
        self.state, self.in_reader = point, None
        self._run(point.enter)

    def _take(self, e: Exit, home: Stack | None) -> None:
        if home is not None:
            keep = 0
            while keep < min(len(self.stack), len(home)) and self.stack[keep] == home[keep]:
                keep += 1
            marker = self.program.symbols.show(e.marker)
            self.sink.fault("out-of-place", f"{marker} out of place: resynchronised", marker)
            while len(self.stack) > keep:
                self.sink.break_off(self.stack.pop())
            if any(op == "begin" for op, _ in e.ops):  # else it closes what is not open: nothing is made up
                for kind in home[keep:]:
                    self.stack.append(kind)
                    self.sink.begin(kind)
        self.last = e.marker
        self._run(e.ops)
        self._arrive(e.target)

    def _text(self, kind: str, to: int) -> None:
        if to > self.pos:
            self.sink.piece(kind, self.buf[self.pos : to])
            self.pos, self.last = to, ""

    def _mark(self, to: int) -> None:
        self.sink.mark(self.buf[self.pos : to])
        self.pos = to

    # belief

    def _believe(self, e: Exit, stray: bool, j: int) -> bool | None:
        """May what follows at `buf[j:]` follow this marker? None: not known yet."""
        target = e.target
        header = target.slot[0].begins if target.slot is not None else None
        if target.cases is not None:
            return True
        if stray and header is not None:
            return True if header.match(self.buf, j) else self._maybe(header, j)
        quotable = stray and self.stack[-1:] == ["arg"]  # in a value, markers in a row may be quoted
        if stray and len(e.marker) > 1 and not quotable:
            return True  # several tokens in a row are no accident
        if not stray and not self.wary and any(map(is_symbol, e.marker)):
            return True
        if target.slot is not None and target.slot[0].word is not None and not quotable:
            cut = self.eof and j == len(self.buf) and not stray and is_symbol(e.marker[-1])  # where a name would come
            own = True if cut or target.own.match(self.buf, j) else self._maybe(target.own, j)  # no word is needed
            return self._is_word(target.slot[0], j) if own is False else own
        if not stray and (target.looks or (target.slot is not None and target.slot[0].first is None)):
            return True  # free text may follow
        s, far = self.buf, j + LOOKAHEAD
        while j < len(s) and s[j] in BLANKS:
            if target.own.match(s, j):
                return True  # a marker that begins with blanks
            if self._maybe(target.own, j) is None:
                return None
            j += 1
            if j == far:
                return not stray
        if j == len(s):
            return True if self.eof else None
        return self._follows(target, j, at_end=True)

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        """`codecs.Context`: inside a string of a value a control token is data, unless what must follow it
        does follow (behind a name, a control token), or the string is damaged already. Spelled ones are data."""
        if self.wary:
            return False
        table = self.program.home_table
        m = table.match(s, i)
        if m is None:
            return None if not self.eof and table.begins(s, i) else False
        if damaged:
            return True
        j, far = m.end(), m.end() + LOOKAHEAD
        while j < len(s) and s[j] in BLANKS:
            j += 1
            if j == far:
                return False
        if j == len(s):
            return False if self.eof else None
        to = table.by[m.group()][0].target
        word = not to.exits and to.slot and to.slot[0].word
        named = word and to.slot and any(map(is_symbol, "".join(to.slot[0].next.own.by)))
        return self._is_word(to.slot[0], j) if to.slot and named else self._follows(to, j, at_end=False)

    def _follows(self, target: Point, j: int, at_end: bool) -> bool | None:
        s = self.buf
        c = s[j]
        if c in self.program.stops or (at_end and is_symbol(c) and target.end is not None and not target.exits):
            return True
        slot = target.slot[0] if target.slot is not None else None
        if slot is not None and (c in (slot.first or "") or (slot.begins is not None and slot.begins.match(s, j))):
            return True
        return True if target.own.match(s, j) else self._maybe(target.own, j)

    def _is_word(self, state: InSlot, j: int) -> bool | None:
        """Whether a whole short value comes at `buf[j:]`, and behind it a way out of its slot."""
        m = state.word.match(self.buf, j) if state.word else None
        end = m.end() if m else j
        if end == len(self.buf):
            return None if not self.eof else False
        return m is not None and (state.next.own.match(self.buf, end) is not None or self._maybe(state.next.own, end))

    def _maybe(self, table: Table, j: int) -> bool | None:
        """Not one of these markers; None if it may become one."""
        return None if not self.eof and (j == len(self.buf) or table.begins(self.buf, j)) else False
