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
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from ..cuts import NEW, Begun, Cut
from ..layout import Context, Placed
from ..messages import KNOWN
from ..tools import Tool
from ..turns import PARTS, Reasoning, Text, Turn

if TYPE_CHECKING:
    from ..format import Format
    from ..tokens import Bound

NO_MEDIA: Mapping[str, int] = {}


class Units(NamedTuple):
    """What is written at once: what the preamble takes, if only nothing, then each turn or run of results. In columns,
    since an object for each would be a tenth of all that a prompt makes.

    `placed`: their turns; `ends`: how many of them stand before the end of each unit. As far as they are written,
    `starts`: how many stretches stand before each unit, and `media`: how many of each kind were written before it; both
    have one more, for the end.
    """

    placed: list[Placed]
    ends: list[int]
    starts: list[int]
    media: list[Mapping[str, int]]

    @classmethod
    def of(cls, placed: list[Placed], leading: tuple[str, ...]) -> Units:
        """Nothing of it written yet; `leading`: the roles that the preamble takes."""
        leads = bool(placed) and placed[0].turn == 0 and placed[0].role in leading
        ends = [int(leads)]
        last = ""
        for at, p in enumerate(placed[ends[0] :], ends[0] + 1):
            if p.role == "tool" == last:
                ends[-1] = at
            else:
                ends.append(at)
            last = p.role
        return cls(placed, ends, [], [])

    def before(self, n: int) -> Placed | None:
        """The turn behind which unit `n` stands, the first of a run; None behind the preamble."""
        return self.placed[self.ends[n - 2]] if n > 1 else None


Print: TypeAlias = "tuple[str | bytes, ...]"


class Kept(NamedTuple):
    """A prompt that others may go on from."""

    prints: tuple[Print, ...]
    turns: tuple[Turn, ...]
    placed: tuple[Placed, ...]
    fmt: Format
    setting: bytes
    units: Units
    cut: Cut


class Memory:
    """Of one render: what is known of its beginning, and where to keep it for the next one."""

    def __init__(self, bound: Bound, fmt: Format, messages: Sequence[Any], context: Context):
        self._bound, self._fmt = bound, fmt
        self._setting: bytes | None = None
        self._prints = tuple(_prints(messages))
        self._whole = len(self._prints) == len(messages)
        self._keys: list[int] = []
        # one conversation with other tools, or other options, is kept beside this one; the rest of them is compared
        tools = [(tool.name, tool.description) for tool in context.tools or ()]
        at = hash((id(fmt), *tools, *[v for v in context.options.values() if isinstance(v, (str, int))]))
        self._sizes = [sum(map(len, said)) for said in self._prints]
        for size, said in zip(self._sizes, self._prints):
            at = hash((at, size, said[-1][-64:]))  # enough to find it; the prints themselves are compared
            self._keys.append(at)
        kept: Kept | None = bound.prompts.get(*reversed(self._keys))
        if kept is not None and (kept.fmt is not fmt or kept.prints != self._prints[: len(kept.prints)]):
            kept = None
        if kept is not None:  # what two prompts keep is kept once
            self._prints = kept.prints + self._prints[len(kept.prints) :]
        self._kept = kept

    @property
    def turns(self) -> tuple[Turn, ...]:
        """The turns of the first messages."""
        return self._kept.turns if self._kept is not None else ()

    @property
    def placed(self) -> tuple[Placed, ...]:
        """The same turns, each at its place."""
        return self._kept.placed if self._kept is not None else ()

    def shared(self, units: Units, context: Context) -> int:
        """How many units begin a prompt and were written so before; `units` are written as far."""
        self._setting = _setting(context)
        if self._kept is None or self._setting is None or self._setting != self._kept.setting:
            return 0
        known = self._kept.units
        alike = (p is q or _same_placed(p, q) for p, q in zip(units.placed, known.placed))
        turns = len([*takewhile(bool, alike)])
        # of the same turns the same units are made; the last of them may go on in one of the two
        same = min(bisect_right(units.ends, turns), bisect_right(known.ends, turns))
        units.starts.extend(known.starts[:same])
        units.media.extend(known.media[:same])
        return same

    def begun(self, same: int) -> tuple[Begun, int, Mapping[str, int]]:
        """The prompt up to where the first units end that are the same; how many stretches those have, and how many
        media were written."""
        if not same or self._kept is None:
            return NEW, 0, NO_MEDIA
        known = self._kept.units
        return self._kept.cut.begun(known.starts[same]), known.starts[same], known.media[same]

    def keep(self, turns: Sequence[Turn], placed: Sequence[Placed], units: Units, cut: Cut) -> None:
        """Keep what was rendered."""
        if not (self._whole and self._keys and self._setting is not None):
            return
        kept = Kept(self._prints, tuple(turns), tuple(placed), self._fmt, self._setting, units, cut)
        # a picture, or a field that no prompt shows, is in the print and in the turn
        cost = cut.held + 4_000 * len(placed) + 2 * sum(self._sizes) + len(self._setting)
        self._bound.prompts.put_each([(self._keys[-1], kept, cost)])


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
    said: Any = message
    if type(message) is dict and said and KNOWN.issuperset(said):
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
    options: Any = context.options
    if date in map(type, options.values()):
        options = {k: ("date", str(v)) if type(v) is date else v for k, v in options.items()}
    try:
        tools = None if context.tools is None else [tool.made(_tool) for tool in context.tools]
        return marshal.dumps((options, tools, date.today().toordinal(), context.count > 0), 2)
    except ValueError:
        return None


def _tool(tool: Tool) -> bytes:
    said: Any = tool.name, tool.description, tool.parameters, tool.openai
    return marshal.dumps(said, 2)


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
