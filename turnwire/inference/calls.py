"""A list of calls: what opens and closes one, what stands between two, what surrounds all of them.

`CallShape` is what `infer_call` finds out of one call (its arguments' notation is in `body`); turns of two and three
calls, and the joints to other parts, split what stands around the body.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..codecs import IdForm
from ..turns import Call
from ..wire import Frame, Lit, Many, Word
from .arguments import CallShape
from .hand import Hand
from .pieces import prefix, suffix
from .probe import KEY, NAMES, SAID, VALUE, Called, Odd, Probe, Said
from .segments import Seen, join

FORMS = ("given", "own", "ordinal")
BETWEEN = "\x00"
ID = "\x01"  # stands for a call's id in what surrounds calls


@dataclass(frozen=True, slots=True)
class CallList:
    """`before` one call and `behind` it; `seps` between the end of one and the beginning of the next; `most`: how many
    calls the template shows at most; `close`: what it writes behind the last of several calls, but not of one;
    `lost`, `ids`: see `CallShape`."""

    body: Word
    before: str
    behind: str
    seps: tuple[str, ...]
    most: int | None
    notes: tuple[str, ...] = ()
    close: str = ""
    lost: tuple[str, ...] = ()
    ids: IdForm | None = None


def bodies(body: Word, calls: tuple[Call, ...]) -> list[str]:
    """How each of some calls is written, from its first slot to its last."""
    text = Hand(Many(Frame("call", body), sep=Lit(BETWEEN))).tries(calls)
    return text.split(BETWEEN) if text is not None else []


def observe_calls(probe: Probe, seen: Seen, shape: CallShape, apart: bool = False) -> CallList:
    """Split what surrounds a call; fills `seen.joints` (`apart`: see `join`)."""
    beside = None if "K" in seen.turns else SAID

    def called(n: int) -> tuple[Called, ...]:
        return tuple(Called(name, {KEY: VALUE}, probe.mode.id(Called(name, {}), i)) for i, name in enumerate(NAMES[:n]))

    def text_of(calls: tuple[Called, ...]) -> str | None:
        return seen.behind(probe.turn(Said(None, beside, calls)))

    shown = [t for n in (1, 2, 3) if (t := text_of(called(n))) is not None and all(x in t for x in NAMES[:n])]
    if not shown:
        raise Odd("a single call is lost")
    ours: list[str] = []
    for form in FORMS:
        seen.ids = form
        ours = bodies(
            shape.body, tuple(Call(c.name, c.arguments, id=seen.id(c.id, i)) for i, c in enumerate(called(3)))
        )
        if len(ours) == 3 and all(b in t for t in shown for b in ours[: shown.index(t) + 1]):
            break
    else:  # the notation writes it otherwise: cut it out of the template's
        ours.clear()
        for i in range(3):
            alone = text_of((called(3)[i],)) or ""
            if not (alone.startswith(shape.head) and alone.endswith(shape.tail)):
                raise Odd("a call does not stand between the same texts each time")
            ours.append(alone[len(shape.head) : len(alone) - len(shape.tail)])
    join(seen, ours[0], apart)
    ids = [str(c.id) for c in called(3)]
    seen.joints = {k: tuple(_unnamed(t, ids) for t in ts) if "K" in k else ts for k, ts in seen.joints.items()}
    between: list[str] = []
    rests: list[str] = []
    most: int | None = 1
    for n in (2, 3):
        if len(shown) < n:
            break
        text, at = shown[n - 1], 0
        between = []
        for i in range(n):
            start = text.find(ours[i], at)
            if start < 0:
                raise Odd(f"call {i + 1} of {n} is written otherwise than the first")
            if i:
                between.append(_unnamed(text[at:start], ids))
            at = start + len(ours[i])
        most = None
        rests.append(_unnamed(text[at:], ids))
    heads = [t for (_, b), ts in seen.joints.items() if b == "K" for t in ts]
    tails = [t for (a, _), ts in seen.joints.items() if a == "K" for t in ts]
    out = CallList(shape.body, "", "", (), most, shape.notes, lost=shape.lost, ids=shape.ids)
    if len(between) == 2 and between[0] != between[1] and rests[0] == rests[1] and between[1].startswith(rests[0]):
        closing = rests[0]  # a template that closes the list behind each call but the first
        note = "it closes the list of calls behind each call but the first: read, of two calls at most, as closed once"
        one = _split(out, heads, [*tails, closing], between[:1])
        return replace(one, most=2, close=closing[len(one.behind) :], notes=(*one.notes, note))
    if between:
        return _split(out, heads, tails, between)
    before = suffix(heads)
    return replace(out, before=before.lstrip() or before if len(set(heads)) > 1 else before)


def _unnamed(text: str, ids: list[str]) -> str:
    for id in ids:
        text = text.replace(id, ID)
    return text


def _split(out: CallList, heads: list[str], tails: list[str], between: list[str]) -> CallList:
    before = suffix([*heads, *between])
    before = before.lstrip() or before
    behind = prefix([*tails, *between])
    shortest = min(between, key=len)
    if len(before) + len(behind) > len(shortest):  # what both could have belongs to the opener
        rest = shortest[: len(shortest) - len(before)]
        behind = prefix([behind, rest])
    seps = tuple(dict.fromkeys(t[len(behind) : len(t) - len(before)] for t in between))
    notes = out.notes + (("separators of calls differ by their place",) if len(seps) > 1 else ())
    return replace(out, before=before, behind=behind, seps=seps, notes=notes)
