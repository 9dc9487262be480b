"""Random conversations for lint (see `explain/draw.py`): what the chosen ones do not show.

They are of the shape that the template is happiest with, so that what they show is not due to the shape. A fault that
is not known yet is kept and made smaller without chance (`shrink`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..draw import Drawn, examples, talks, written
from .cases import RICH, TOOL, UNTYPED, Case, Shape
from .findings import Talk

if TYPE_CHECKING:
    from . import Lint


def search_faults(lint: Lint, budget: int, seed: int) -> int:
    """Adds the faults of `budget` random conversations to those that are known; how many were tried. Raises
    `InputError` without the package hypothesis."""
    tried = 0
    shape, calls = Shape(lint.bench.mode), lint.bench.calls

    def look(drawn: Drawn) -> None:
        nonlocal tried
        tried += 1
        lint.add(Case(f"search:{tried}", _talk(shape, drawn)), again=False)

    examples(talks(calls, bool(lint.bench.mode.reasoning)), look, budget, seed)
    return tried


def _talk(shape: Shape, drawn: Drawn) -> Talk:
    thinks = any(r.thought is not None or any(s.thought is not None for s in r.steps) for r in drawn.rounds)
    messages = written(shape, drawn)
    talk = shape.working(*messages, thinks=thinks) if drawn.tools else shape.talk(*messages, thinks=thinks)
    return talk._replace(tools=[TOOL, RICH, UNTYPED]) if talk.tools else talk
