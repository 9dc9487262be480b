"""Where a machine is inside a value: all that what it does with more text there depends on.

It says nothing of how the machine came there or of what stands around the value, so that many replies are at the same
place. `place` gives it, if there is one; `put` takes any machine of the same program there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..wire import SYMBOL
from .compile import InSlot, has_reader
from .machine import Machine

SHORT_KINDS = ("attrs", "head", "key", "name", "noise")  # of values that are read whole


class Place(NamedTuple):
    """See the head of this file. `held`: text that is read and not told yet; `inside`: of a string, from its reader."""

    state: InSlot
    kind: str
    held: str
    inside: Any
    stack: tuple[str, ...]
    wary: bool
    policy: Any
    calls: bool


def place(m: Machine) -> Place | None:
    """Where a machine is. None between values, behind a marker, in a pad, and where a control token is held."""
    state, reader = m.state, m.in_reader
    if not isinstance(state, InSlot) or m.lead or m.last or m.held is not None or state.kind in SHORT_KINDS:
        return None
    held = m.pending
    if SYMBOL.search(held):
        return None
    inside = reader.inside() if reader is not None else (state.kind, None)
    if inside is None or (reader is not None and held):
        return None
    return Place(state, inside[0], held, inside[1], tuple(m.stack), m.wary, m.policy, m.calls)


def put(m: Machine, at: Place) -> None:
    """Take a machine to a place."""
    m.state, m.stack, m.buf, m.pos = at.state, list(at.stack), at.held, 0
    m.lead = m.last = ""
    if has_reader(at.state.slot):
        reader = m.in_reader = m.in_reader or at.state.slot.codec.reader(m)
        reader.resume((at.kind, at.inside))
