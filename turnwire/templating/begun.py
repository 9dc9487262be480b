"""Prompts that go on from one that was rendered: what both have is neither read, written nor encoded again.

A prompt is kept with a print of each of its messages, taken by value, since a caller's messages may change. The next
one that begins with those messages takes over the turns that they were read to. All of it is arranged anew, as arrange
passes look at whole conversations, and of what they leave, the units (a turn, or a run of tool results) that are
exactly as they were are taken over as written. So the cost is in proportion to what is new, but for the prints, the
arranging and the copying of lists.

Only for plain prompts with a tokenizer: content that is trusted, or searched for markers, is always written anew.
"""

from __future__ import annotations

import functools
import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..layout import Context, Placed
from ..spans import Begun, Rendered, Stretch
from ..turns import PARTS, Reasoning, Text, Turn
from ..wire import Symbols

if TYPE_CHECKING:
    from ..format import Format
    from ..tokens import Bound


@dataclass(frozen=True, slots=True)
class Unit:
    """What is written at once. `placed`: a turn, or a run of results; `before`: the role before it, and whether its
    turn goes on; `media`: how many were written before it; where it begins in the prompt's symbols and text."""

    placed: tuple[Placed, ...]
    before: tuple[str, bool]
    media: Mapping[str, int]
    symbols: int
    text: int


class Mark(NamedTuple):
    """A unit as it is written: how many stretches stand before it; the rest as in `Unit`."""

    placed: tuple[Placed, ...]
    stretches: int
    before: tuple[str, bool]
    media: Mapping[str, int]


@dataclass(frozen=True)
class Kept:
    """A prompt that others may go on from. `marks`: of its `stretches`, behind what it took over (`taken`, `begun`)."""

    prints: tuple[bytes, ...]
    turns: tuple[Turn, ...]
    placed: tuple[Placed, ...]
    fmt: Format
    setting: bytes
    taken: tuple[Unit, ...]
    begun: Begun | None
    marks: Sequence[Mark]
    stretches: Sequence[Stretch]
    symbols: Symbols
    rendered: Rendered

    @functools.cached_property
    def units(self) -> tuple[Unit, ...]:
        """All units and the end, with their places: looked for when another prompt goes on from it."""
        units = [*self.taken]
        done, at, text = 0, *((self.begun.symbols, self.begun.text) if self.begun is not None else (0, 0))
        for mark in self.marks:
            for s in self.stretches[done : mark.stretches]:
                at += len(s.symbols)
                text += len(self.symbols.show(s.symbols))
            done = mark.stretches
            units.append(Unit(mark.placed, mark.before, mark.media, at, text))
        return tuple(units)


class Memory:
    """Of one render: what is known of its beginning, and where to keep it for the next one."""

    def __init__(self, bound: Bound, fmt: Format, messages: Sequence[Any]):
        self._bound, self._fmt = bound, fmt
        self._setting: bytes | None = None
        self._prints = tuple(_prints(messages))
        self._whole = len(self._prints) == len(messages)
        self._keys: list[tuple[int, int, int]] = []
        at = 0
        for n, data in enumerate(self._prints):
            at = hash((at, len(data), data[-64:]))  # enough to find it; the prints themselves are compared
            self._keys.append((id(fmt), n, at))
        kept: Kept | None = bound.prompts.get(*reversed(self._keys))
        if kept is not None and (kept.fmt is not fmt or kept.prints != self._prints[: len(kept.prints)]):
            kept = None
        self._kept = kept

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of the first messages."""
        return self._kept.turns if self._kept is not None else ()

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The same turns, each at its place."""
        return self._kept.placed if self._kept is not None else ()

    def shared(self, units: Sequence[tuple[Placed, ...]], context: Context) -> tuple[Unit, ...]:
        """The units that begin a prompt and were written so before, and one more, which says where they end."""
        self._setting = _setting(context)
        if self._kept is None or self._setting is None or self._setting != self._kept.setting:
            return ()
        known = self._kept.units
        same = 0
        while same < min(len(units), len(known) - 1) and _same_units(units[same], known[same].placed):
            same += 1
        return known[: same + 1] if same else ()

    def begun(self, unit: Unit) -> Begun:
        """The prompt up to a unit that `shared` gave."""
        assert self._kept is not None
        return Begun(self._kept.rendered, unit.symbols, unit.text)

    def keep(
        self,
        turns: Sequence[Turn],
        placed: Sequence[Placed],
        known: tuple[Unit, ...],
        marks: Sequence[Mark],
        stretches: Sequence[Stretch],
        out: Rendered,
    ) -> None:
        """Keep what was rendered: behind `known` units, what `marks` say of `stretches`."""
        if not (self._whole and self._keys and self._setting is not None):
            return
        begun = self.begun(known[-1]) if known else None
        kept = Kept(
            self._prints, tuple(turns), tuple(placed), self._fmt, self._setting, known[:-1], begun, marks, stretches,
            self._fmt.program.symbols, out,
        )  # fmt: skip
        cost = sum(map(len, self._prints)) + 4 * out.text.__sizeof__() + 36 * len(out.ids) + 4_000 * len(placed)
        self._bound.prompts.put_each([(self._keys[-1], kept, cost)])


def _prints(messages: Sequence[Any]) -> list[bytes]:
    """Each message as bytes that say it exactly (`True` is not 1, order counts), up to one that cannot be said so.
    marshal is the quickest way there; nothing reads it back."""
    out: list[bytes] = []
    for message in messages:
        try:
            out.append(marshal.dumps(_said(message) if isinstance(message, Turn) else message, 2))
        except ValueError:
            break
    return out


def _said(turn: Turn) -> Any:
    return [turn.role, [_part(part) for part in turn.parts]]


def _part(part: Any) -> Any:
    if type(part) not in PARTS.values():
        raise ValueError("not a part")
    values = {name: getattr(part, name) for name in _NAMES[part.kind]}
    if part.kind == "result":
        values["content"] = [_part(p) for p in part.content]
    return [part.kind, values]


_NAMES = {kind: [f.name for f in fields(cls) if f.name not in ("kind", "errors")] for kind, cls in PARTS.items()}


def _setting(context: Context) -> bytes | None:
    """What else decides a prompt: options, tools, the day (some layouts say it). None if it cannot be said exactly."""
    options = {k: ("date", str(v)) if type(v) is date else v for k, v in context.options.items()}
    tools = None if context.tools is None else [(t.name, t.description, t.parameters, t.openai) for t in context.tools]
    try:
        return marshal.dumps((options, tools, date.today().toordinal(), context.count > 0), 2)
    except ValueError:
        return None


def _same_units(a: tuple[Placed, ...], b: tuple[Placed, ...]) -> bool:
    return len(a) == len(b) and all(p is q or _same_placed(p, q) for p, q in zip(a, b))


def _same_placed(p: Placed, q: Placed) -> bool:
    """As `_same`, in less time where the parts are the very ones that they were."""
    if type(p) is not Placed or type(q) is not Placed:
        return _same(p, q)
    if (p.role, p.turn, p.headed, p.open, len(p.parts)) != (q.role, q.turn, q.headed, q.open, len(q.parts)):
        return False
    return all(i == j and (x is y or _same(x, y)) for (i, x), (j, y) in zip(p.parts, q.parts))


def _same(a: Any, b: Any) -> bool:
    """Whether two values are the same in everything that can be written: equality takes 1 for True, and leaves out the
    fields of parts that say where they come from."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, str):
        return a == b
    if isinstance(a, (Text, Reasoning)):
        return a == b and a.prefilled is b.prefilled
    if isinstance(a, (tuple, list)):
        return len(cast("list[Any]", a)) == len(b) and all(map(_same, cast("list[Any]", a), b))
    if isinstance(a, dict):
        return _same(list(cast("dict[Any, Any]", a).items()), list(b.items()))
    if is_dataclass(a):
        return all(_same(getattr(a, name), getattr(b, name)) for name in a.__dataclass_fields__)
    return repr(a) == repr(b) if isinstance(a, float) else a == b
