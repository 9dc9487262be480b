"""Compiles a reply tree into the states of the one parsing machine.

tree -> steps -> states. A `Step` is a place in the tree together with what may follow it (continuations,
so repetition is a loop of steps). Following the empty moves of a step gives a `Point`: every marker that may
come next, at most one slot, whether the reply may end here. Frame operations that all ways out of a point
share are hoisted to its `enter`, so that the end of a call is known with its closing marker and not a token
later. Two ways out that begin with one marker are merged; where they differ in what they open, the tree is
ambiguous and building fails, naming the marker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from ..errors import FormatError
from ..wire import (
    NOTHING,
    Choice,
    End,
    Frame,
    If,
    Lit,
    Look,
    Many,
    Pad,
    Seq,
    Slot,
    Switch,
    Symbols,
    Tok,
    Word,
    control_tokens,
    is_symbol,
    plain,
    required,
    walk,
)
from .table import NO_MARKERS as NO_MARKERS
from .table import Table as Table
from .table import checked

Way = tuple[str, "Step", bool]  # a marker, what follows, is it a stop token
Op = tuple[Literal["begin", "end"], str]
Ops = tuple[Op, ...]
Stack = tuple[str, ...]
BLANKS = " \t\r\n"


@dataclass(slots=True, eq=False)
class Step:
    """A place in the tree; the fields say what can be done there."""

    exits: list[tuple[str, Step, bool]] = field(
        default_factory=list["tuple[str, Step, bool]"]
    )  # marker, what follows, is it a stop token
    forks: list[Step] = field(default_factory=list["Step"])  # empty moves, in order of preference
    ops: Ops = ()  # frames begun or ended on the way in
    slot: tuple[Slot, Step] | None = None
    pad: str = ""
    forgiven: bool = False  # a missing marker: the next one needs (the beginning of) its pad
    guard: Any = None
    cases: dict[str, Step] | None = None
    final: bool = False


@dataclass(eq=False)
class Exit:
    """A marker that may come at a point, and where it leads."""

    marker: str
    ops: Ops
    target: Point
    stop: bool

    @cached_property
    def opens_call(self) -> bool:
        """Whether a call begins with this marker, or with what comes behind it (a section of calls)."""
        begins: Op = ("begin", "call")
        slot, ways = self.target.slot, self.target.exits
        section = not self.ops and not self.target.enter and (slot is None or slot[0].kind == "noise")
        return (
            begins in self.ops
            or begins in self.target.enter
            or (section and any(begins in e.ops for e, _ in ways) and not any(e.stop for e, _ in ways))
        )


Pads = list[tuple[str, bool]]  # what may stand before a marker; whether (the beginning of) it must, see Step
Hit = tuple[Exit, Stack | None]  # an exit, and its home if it is out of place


@dataclass(slots=True, eq=False)
class Point:
    """A state between values: what may come next."""

    enter: Ops = ()
    exits: list[tuple[Exit, Pads]] = field(default_factory=list["tuple[Exit, Pads]"])
    slot: tuple[InSlot, Ops, str] | None = None  # state, operations, leading pad
    looks: list[tuple[Any, Ops, Point]] = field(default_factory=list["tuple[Any, Ops, Point]"])
    end: Ops | None = None  # operations of ending here, None if the reply may not end
    cases: dict[str, Point] | None = None
    own: Table = NO_MARKERS  # this point's markers
    table: Table = NO_MARKERS  # and, where no free text is allowed, everybody's


@dataclass(slots=True, eq=False)
class InSlot:
    """A state inside a value."""

    slot: Slot
    next: Point
    table: Table = NO_MARKERS
    first: str | None = None  # characters its codec's value may begin with; None for free text
    begins: Table | None = None  # of a header: what it begins with
    word: re.Pattern[str] | None = None  # what all of a short value matches
    kind: str = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.slot.kind


JUNK = Slot("junk")


class Program:
    """What the machine runs: `start`, the symbols, the stop symbols, and the home of every marker that can
    be recovered to. Immutable once built and shared by all parsers of a format."""

    def __init__(self, name: str, reply: Word, control: tuple[str, ...] = ()):
        self.name = name
        self.symbols = Symbols(tuple(control_tokens(reply)) + control)
        self.stops = frozenset(self.symbols.of[t] for w in walk(reply) if isinstance(w, End) for t in w.toks)
        self._points: dict[int, Point] = {}
        self._slots: dict[tuple[int, int], InSlot] = {}
        self._unions: dict[tuple[int, ...], Step] = {}
        self._keep: list[object] = []  # ids are keys above, so their owners must live
        self._none = Point()
        if "" in self.symbols.of:
            raise FormatError("an empty marker", value="", path=name, expected="text")
        self.lexer = Table({t: (Exit(t, (), self._none, False), None) for t in self.symbols.of})
        readers = [w for w in walk(reply) if isinstance(w, Slot) and has_reader(w)]
        self.one_value = any(w.kind in ("arguments", "envelope") for w in readers)  # or an argument at a time
        self.start = self._point(self._compile(reply, Step(final=True)))
        self.homes = self._find_homes()
        self.home_table = Table(dict(self.homes))
        for p in self._points.values():
            self._point_tables(p)
        for s in self._slots.values():
            self._slot_table(s)
        self.junk = {id(p): self._junk(p) for p in self._points.values()}

    def symbolise(self, text: str) -> str:
        """`text` with every spelled control token, the longest first, as its symbol."""
        return self.lexer.sub(lambda m: self.symbols.of[m.group()], text)

    # tree -> steps

    def _compile(self, word: Word, then: Step) -> Step:
        if isinstance(word, Lit) and not word.text:
            raise FormatError("an empty marker", value=word, path=self.name, expected="text")
        if isinstance(word, Lit):
            return Step(exits=[(word.text, then, False)])
        if isinstance(word, Tok):
            return Step(exits=[(self.symbols.of[word.text], then, False)])
        if isinstance(word, End):
            stops = [(self.symbols.of[t], then, True) for t in word.toks]
            return Step(exits=stops + [(self.symbols.of[t], then, False) for t in word.also])
        if isinstance(word, Pad):
            return Step(forks=[then], pad=word.text)
        if isinstance(word, Look):
            return Step(forks=[then], guard=word.guard)
        if isinstance(word, If):
            return self._compile(word.word, then)
        if isinstance(word, Slot):
            return Step(slot=(word, then))
        if isinstance(word, Seq):
            for part in reversed(self._fuse(word.parts)):
                then = self._compile(part, then)
            return then
        if isinstance(word, Frame):
            body = self._compile(word.body, Step(forks=[then], ops=(("end", word.kind),)))
            return Step(forks=[body], ops=(("begin", word.kind),))
        if isinstance(word, Choice):
            forgiven = len(word.items) > 1 and word.items[-1] == NOTHING and all(map(plain, word.items))
            return Step(
                forks=[
                    Step(forks=[then], forgiven=True) if forgiven and item == NOTHING else self._compile(item, then)
                    for item in word.items
                ]
            )
        if isinstance(word, Many):
            begin: Ops = (("begin", "calls"),) if word.together else ()
            after, closed = Step(), Step(forks=[then], ops=(("end", "calls"),)) if begin else then
            first = self._compile(word.item, after)
            after.forks = [self._compile(word.sep, first), self._compile(word.close, closed)]
            opener = required(word.open)
            if any(isinstance(w, (Lit, Tok)) for w in walk(opener)):  # then there may be none inside, if it is closed
                inside = Step(forks=[first, self._compile(required(word.close), closed)], ops=begin)
                bare = [] if opener == word.open else [Step(forks=[first], forgiven=plain(word.open))]
                return Step(forks=[self._compile(opener, inside), *bare, then])
            return Step(forks=[self._compile(word.open, first), then])
        if isinstance(word, Switch):
            cases = {frame.kind: self._compile(frame, then) for frame in word.cases}
            head = Slot("head", word.head)
            return Step(slot=(head, self._compile(word.close, Step(cases=cases))))
        raise FormatError(f"not a word: {word!r}", value=word, path=self.name, expected="a value of turnwire.wire")

    def _fuse(self, parts: tuple[Word, ...]) -> list[Word]:
        out: list[Word] = []
        for part in parts:
            lit = Lit(self.symbols.of[part.text]) if isinstance(part, Tok) else part
            if isinstance(lit, Lit) and out and isinstance(out[-1], Lit):
                out[-1] = Lit(out[-1].text + lit.text)
            else:
                out.append(lit)
        return out

    # steps -> points

    def _ways(
        self, step: Step, ops: Ops = (), pad: str = "", forgiven: bool = False, seen: tuple[int, ...] = ()
    ) -> Iterator[tuple[str, Any, Ops, str, bool]]:
        if id(step) in seen:
            return
        seen = (*seen, id(step))
        ops, pad, forgiven = ops + step.ops, pad + step.pad, forgiven or step.forgiven
        for way in step.exits:
            yield "exit", way, ops, pad, forgiven
        if step.final:
            yield "final", None, ops, pad, forgiven
        if step.slot:
            yield "slot", step.slot, ops, pad, forgiven
        for fork in step.forks:
            if step.guard is not None:
                yield "look", (step.guard, fork), ops, pad, forgiven
            else:
                yield from self._ways(fork, ops, pad, forgiven, seen)

    def _point(self, step: Step) -> Point:
        if id(step) in self._points:
            return self._points[id(step)]
        point = self._points[id(step)] = Point()
        self._keep.append(step)
        if step.cases is not None:
            point.cases = {kind: self._point(case) for kind, case in step.cases.items()}
        ways = list(self._ways(step))
        point.enter = _common([ops for _, _, ops, _, _ in ways])
        skip = len(point.enter)
        targets: dict[str, list[tuple[Step, Ops, str, bool, bool]]] = {}
        slots: list[tuple[Slot, Step, Ops, str]] = []
        for what, arg, ops, pad, forgiven in ways:
            ops = ops[skip:]
            if what == "exit":
                marker, target, stop = arg
                targets.setdefault(marker, []).append((target, ops, pad, forgiven, stop))
            elif what == "slot":
                slots.append((*arg, ops, pad))
            elif what == "look":
                guard, target = arg
                point.looks.append((guard, ops, self._point(target)))
            elif what == "final" and point.end is None:
                point.end = ops
        if slots:
            slot, _, ops, pad = slots[0]
            for other, _, theirs, _ in slots[1:]:
                if (other.kind, theirs) != (slot.kind, ops):
                    raise FormatError(
                        f"slot {slot.kind!r} or slot {other.kind!r} here: nothing tells them apart",
                        value=other.kind,
                        path=self.name,
                        expected="a marker or a Look before one of them",
                    )
            point.slot = (self._in_slot(slot, self._union([s[1] for s in slots])), ops, pad)
        for marker, group in targets.items():
            self._merge(point, marker, group)
        return point

    def _union(self, steps: list[Step]) -> Step:
        """One step that can do what each of these can."""
        unique = list({id(step): step for step in steps}.values())
        if len(unique) == 1:
            return unique[0]
        return self._unions.setdefault(tuple(map(id, unique)), Step(forks=unique))

    def _merge(self, point: Point, marker: str, group: list[tuple[Step, Ops, str, bool, bool]]) -> None:
        first_target, ops, _, _, stop = group[0]
        if any(g[1] != ops for g in group[1:] if g[0] is not first_target):
            shown = self.symbols.show(marker)
            first, second = (_describe(g[1]) for g in (group[0], next(g for g in group if g[1] != ops)))
            raise FormatError(
                f"two parts begin with {shown!r}: {first} and {second}",
                value=shown,
                path=self.name,
                expected="markers of their own, or one Frame around both",
            )
        target = self._union([g[0] for g in group])
        pads = list(dict.fromkeys((g[2], g[3]) for g in group))
        point.exits.append((Exit(marker, ops, self._point(target), stop), pads))

    def _in_slot(self, slot: Slot, then: Step) -> InSlot:
        key = (id(slot), id(then))
        if key not in self._slots:
            self._keep.append(slot)
            state = self._slots[key] = InSlot(slot, Point())
            state.first = getattr(slot.codec, "first", None) if has_reader(slot) else None
            state.word = getattr(slot.codec, "word", None)
            if slot.kind == "head":
                begins = map(self.symbolise, slot.codec.begins)
                state.begins = Table({b: (Exit(b, (), self._none, False), None) for b in begins})
            state.next = self._point(then)
            if state.first is None and state.next.slot and state.next.slot[0].kind != slot.kind:
                raise FormatError(
                    f"slot {slot.kind!r} runs into slot {state.next.slot[0].kind!r}: nothing tells them apart",
                    value=slot.kind,
                    path=self.name,
                    expected="a marker between them",
                )
        return self._slots[key]

    # tables

    def _find_homes(self) -> dict[str, Hit]:
        """Markers with a control token that begin or end a frame, or lead to a header or a section of calls, with the
        stack of frames where they belong. A fused marker is also known by its tail from its first control token."""
        homes: dict[str, Hit] = {}
        todo: list[tuple[Point, Stack]] = [(self.start, ())]
        seen: set[tuple[int, Stack]] = set()
        while todo:
            point, stack = todo.pop(0)
            if (id(point), stack) in seen:
                continue
            seen.add((id(point), stack))
            stack = _apply(point.enter, stack)
            for e, _ in point.exits:
                at = next((i for i, c in enumerate(e.marker) if is_symbol(c)), None)
                begins = any(op == "begin" for op, _ in e.ops)
                follows = e.target.slot[0] if e.target.slot else None
                header = follows is not None and follows.begins is not None
                ends = any(op == "end" for op, _ in e.target.enter)
                if at is not None and (e.stop or begins or header or ends or e.opens_call):
                    if at == 0 or begins:
                        homes.setdefault(e.marker, (e, stack))
                    homes.setdefault(e.marker[at:], (e, stack))
                todo.append((e.target, _apply(e.ops, stack)))
            for _, ops, target in point.looks:
                todo.append((target, _apply(ops, stack)))
            if point.slot:
                todo.append((point.slot[0].next, _apply(point.slot[1], stack)))
            for case in (point.cases or {}).values():
                todo.append((case, stack))
        return homes

    def _own(self, point: Point, in_slot: bool) -> dict[str, Hit]:
        by: dict[str, Hit] = {}
        for e, pads in point.exits:
            for pad, forgiven in pads:
                whole = checked(pad + e.marker)
                for i in range(len(pad) + 1 - (in_slot and forgiven and pad != "")):
                    by.setdefault(whole[i:], (e, None))
        return by

    def _point_tables(self, point: Point) -> None:
        by = self._own(point, in_slot=False)
        homes = self.homes if point.slot is None or point.slot[0].first is not None else {}
        point.own, point.table = Table(by), Table({**homes, **by})

    def _slot_table(self, state: InSlot) -> None:
        # A marker out of place takes the pad with it that every way out of the slot has.
        pad = min((pad for _, pads in state.next.exits for pad, _ in pads), key=len, default="")
        strays = {pad[i:] + m: hit for m, hit in self.homes.items() for i in range(len(pad) + 1)}
        state.table = Table({**strays, **self._own(state.next, in_slot=True)})

    def _junk(self, point: Point) -> InSlot:
        return InSlot(JUNK, point, point.table)


def has_reader(slot: Slot) -> bool:
    """Whether a slot's codec finds the end of its value by itself."""
    return hasattr(slot.codec, "reader")


def _apply(ops: Ops, stack: Stack) -> Stack:
    for op, kind in ops:
        stack = (*stack, kind) if op == "begin" else stack[:-1]
    return stack


def _describe(ops: Ops) -> str:
    """Frame operations, for a message."""
    return ", ".join(f"{op} {kind!r}" for op, kind in ops) or "no frame"


def _common(all_ops: list[Ops]) -> Ops:
    levels = list(zip(*all_ops))
    same = next((n for n, level in enumerate(levels) if len(set(level)) > 1), len(levels))
    return all_ops[0][:same] if all_ops else ()
