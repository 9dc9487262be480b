"""What was said in a conversation, as a chain of pieces: each points to the one before it and never changes, so that
conversations that begin alike share what they have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from .errors import as_mapping
from .places import Field
from .samples import Sample, placed
from .turns import Call, Result, Turn

if TYPE_CHECKING:
    from .spans import Rendered
    from .tokens import Bound

SHOWN = 8  # tokens of each text in `Rewritten`
AHEAD = (64, 16, 8)  # characters that are looked for further on


class Rewritten(NamedTuple):
    """Where the template departs from what was sent and sampled: the index of the first token that differs, the message
    that owns it (None: the layout), what was there and what the template writes, a few tokens of each as text; `line`:
    of the template, where there is one; `reason`: in words."""

    token: int
    message: int | None
    was: str
    now: str
    line: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Ids that came at once, behind those before, and the messages `said` in them. `turn`: the message that was
    sampled, None for what was sent. `count`, `shown`, `calls`: ids, messages and calls up to the end of it."""

    before: Piece | None
    ids: tuple[int, ...]
    said: tuple[Any, ...]
    turn: int | None
    parts: tuple[int | None, ...]
    logprobs: tuple[float | None, ...]
    fields: tuple[Field, ...]
    count: int
    shown: int
    calls: int
    names: tuple[frozenset[str], ...]

    @classmethod
    def behind(
        cls,
        before: Piece | None,
        ids: tuple[int, ...],
        said: tuple[Any, ...],
        turn: int | None = None,
        parts: tuple[int | None, ...] = (),
        logprobs: tuple[float | None, ...] = (),
        fields: tuple[Field, ...] = (),
    ) -> Piece:
        """The next piece."""
        count, shown, calls, names = (
            (before.count, before.shown, before.calls, before.names) if before else (0, 0, 0, ())
        )
        asked = sum(len(_calls(m)) for m in said)
        new = frozenset(n for m in said for n in _ids(m))
        return cls(before, ids, said, turn, parts, logprobs, fields, count + len(ids), shown + len(said), calls + asked,
                   _merged(names, new))  # fmt: skip

    def chain(self) -> Iterator[Piece]:
        """All pieces, the last first."""
        piece: Piece | None = self
        while piece is not None:
            yield piece
            piece = piece.before

    @property
    def messages(self) -> tuple[Any, ...]:
        """All that was said, in order."""
        return tuple(m for piece in reversed(list(self.chain())) for m in piece.said)

    def since(self, count: int) -> list[int]:
        """The ids of this piece from id `count` of the conversation on."""
        return list(self.ids[max(0, count - self.count + len(self.ids)) :])

    def names_call(self, id: str) -> bool:
        """Whether a call or a result up to here has this id."""
        return any(id in some for some in self.names)


def joined_ids(last: Piece) -> list[int]:
    """All ids up to a piece."""
    out: list[int] = []
    for piece in reversed(list(last.chain())):
        out += piece.ids
    return out


def sample_of(last: Piece) -> Sample:
    """The sample of a segment."""
    out = Sample()
    for piece in reversed(list(last.chain())):
        n = len(piece.ids)
        said = piece.turn is not None
        if piece.turn is not None:
            out.places += placed(piece.fields, piece.turn, len(out))
        out.ids.extend(piece.ids)
        out.mask.extend([said] * n)
        out.turns.extend([piece.turn] * n)
        out.parts.extend(piece.parts if said else [None] * n)
        out.logprobs.extend(piece.logprobs if said else [None] * n)
    return out


def rewritten_at(had: list[int], now: list[int], out: Rendered, bound: Bound) -> Rewritten | None:
    """Where `now`, the ids of `out`, departs from `had`; None where it begins with all of that."""
    at = next((n for n, (a, b) in enumerate(zip(had, now)) if a != b), min(len(had), len(now)))
    if at == len(had):
        return None
    run = next((r for r in out.runs if r.tokens is not None and r.tokens[0] <= at < r.tokens[1]), None)
    was, is_ = bound.decode(had[at : at + SHOWN]), bound.decode(now[at : at + SHOWN])
    line = out.origin(run.start).line if run is not None and out.origins is not None else None
    why = _reason(bound.decode(had[at:]), bound.decode(now[at:]))
    return Rewritten(at, run.turn if run is not None else None, was, is_, line, why)


def _reason(was: str, now: str) -> str:
    """In words, what the template does with a text that was there."""
    if now.startswith(was):
        return "the same text in other tokens"
    if now.split()[: len(was.split())] == was.split():
        return "the same text with other white space"
    if any(now[:n] in was for n in AHEAD if len(now) >= n):
        return "the template leaves out what was there"
    return "the template writes something else"


def _merged(names: tuple[frozenset[str], ...], new: frozenset[str]) -> tuple[frozenset[str], ...]:
    """Sets that halve in size, so that there are few and each id is copied a few times only."""
    if not new:
        return names
    out = [*names, new]
    while len(out) > 1 and len(out[-2]) <= 2 * len(out[-1]):
        out[-2:] = [out[-2] | out[-1]]
    return tuple(out)


def _calls(message: Any) -> Sequence[Any]:
    if isinstance(message, Turn):
        return message.calls
    found = (as_mapping(message) or {}).get("tool_calls")
    return cast("Sequence[Any]", found) if isinstance(found, (list, tuple)) else ()


def _ids(message: Any) -> Iterator[str]:
    """The ids that a message gives to calls, or names results by."""
    found: list[Any]
    if isinstance(message, Turn):
        found = [p.id for p in message.parts if isinstance(p, (Call, Result))]
    else:
        calls = [as_mapping(c) or {} for c in _calls(message)]
        found = [*(c.get("id") for c in calls), (as_mapping(message) or {}).get("tool_call_id")]
    for id in found:
        if isinstance(id, str):
            yield id
