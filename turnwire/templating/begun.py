"""Prompts that go on from one that was rendered: what both have is neither read, written nor encoded again.

A prompt is kept with a print of each of its messages, taken by value, since a caller's messages may change. The next
one that begins with those messages takes over the turns that they were read to. All of it is arranged anew, as arrange
passes look at whole conversations, and of what they leave, the units (a turn, or a run of tool results) that are
exactly as they were are taken over as written. So the cost is in proportion to what is new, but for the prints, the
arranging and the copying of lists.

Only for plain prompts with a tokenizer: content that is trusted, or searched for markers, is always written anew.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from ..cuts import Begun, Cut
from ..layout import Context, Placed
from ..messages import KNOWN
from ..turns import PARTS, Reasoning, Text, Turn

if TYPE_CHECKING:
    from ..format import Format
    from ..tokens import Bound

NO_MEDIA: Mapping[str, int] = {}


class Unit(NamedTuple):
    """What is written at once. `placed`: a turn, or a run of results; `start`: how many stretches stand before it;
    `before`: the role before it; `goes_on`: whether that turn does; `media`: how many were written before it."""

    placed: tuple[Placed, ...]
    start: int
    before: str = ""
    goes_on: bool = False
    media: Mapping[str, int] = NO_MEDIA


Print: TypeAlias = "tuple[str | bytes, ...]"


class Kept(NamedTuple):
    """A prompt that others may go on from; the last of its units is its end."""

    prints: tuple[Print, ...]
    turns: tuple[Turn, ...]
    placed: tuple[Placed, ...]
    fmt: Format
    setting: bytes
    units: tuple[Unit, ...]
    cut: Cut


class Memory:
    """Of one render: what is known of its beginning, and where to keep it for the next one."""

    def __init__(self, bound: Bound, fmt: Format, messages: Sequence[Any]):
        self._bound, self._fmt = bound, fmt
        self._setting: bytes | None = None
        self._prints = tuple(_prints(messages))
        self._whole = len(self._prints) == len(messages)
        self._keys: list[int] = []
        at = id(fmt)
        for said in self._prints:
            at = hash((at, *map(len, said), said[-1][-64:]))  # enough to find it; the prints themselves are compared
            self._keys.append(at)
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
        return self._kept.cut.begun(unit.start)

    def keep(self, turns: Sequence[Turn], placed: Sequence[Placed], units: tuple[Unit, ...], cut: Cut) -> None:
        """Keep what was rendered."""
        if not (self._whole and self._keys and self._setting is not None):
            return
        kept = Kept(self._prints, tuple(turns), tuple(placed), self._fmt, self._setting, units, cut)
        self._bound.prompts.put_each([(self._keys[-1], kept, cut.held + 4_000 * len(placed))])


def _prints(messages: Sequence[Any]) -> list[Print]:
    """What each message says, exactly (`True` is not 1, order counts), up to one that cannot be said so."""
    out: list[Print] = []
    for message in messages:
        try:
            out.append(_print(message))
        except ValueError:
            break
    return out


def _print(message: Any) -> Print:
    """Keys and values, strings as they are, which cannot change, all else in bytes: marshal is the quickest way there,
    and nothing reads it back."""
    if type(message) is dict and message and KNOWN.issuperset(said := cast("dict[str, Any]", message)):
        return (*said, *[v if type(v) is str else marshal.dumps(v, 2) for v in said.values()])
    return (marshal.dumps(_said(message) if isinstance(message, Turn) else cast("Any", message), 2),)


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
