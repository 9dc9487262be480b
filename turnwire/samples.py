"""Samples: what a training step needs of a conversation. Ids, what of them the model sampled, whose each token is, how
much it counts, and where the pieces of each reply are.

`trainers` gives them the shapes that TRL, verl, prime-rl and verifiers take, `packing` puts several into one row.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .errors import InputError, MaskError, nearest
from .events import Event, Span
from .places import Field

IGNORED = -100
"""The label of a token without loss, as in torch and transformers."""


class Place(NamedTuple):
    """A field of a sampled turn (see `places`): the message, the path, its tokens in the sample."""

    turn: int
    path: str
    part: int
    tokens: Span
    own: Span


@dataclass(slots=True)
class Sample:
    """Lists of one length. `mask`: the model sampled it. `turns`: the message, `parts`: the part of its turn, None for
    what was inserted (in a turn: for its markers). `logprobs`: as they were given. `weights`: what a token counts in
    the loss; left empty, 1 for each that was sampled. `places`: where names, arguments, reasoning and text are."""

    ids: list[int] = field(default_factory=list[int])
    mask: list[bool] = field(default_factory=list[bool])
    turns: list[int | None] = field(default_factory=list["int | None"])
    parts: list[int | None] = field(default_factory=list["int | None"])
    logprobs: list[float | None] = field(default_factory=list["float | None"])
    weights: list[float] = field(default_factory=list[float])
    places: list[Place] = field(default_factory=list[Place])

    def __len__(self) -> int:
        return len(self.ids)

    # the loss

    @property
    def loss_weights(self) -> list[float]:
        """What each token counts in the loss. Raises `MaskError` if none does."""
        out = self.weights or [float(m) for m in self.mask]
        if not any(out):
            raise MaskError("nothing was sampled" if True not in self.mask else "no token counts in the loss",
                            value=len(self.ids), path="mask", expected="a sampled turn with a weight")  # fmt: skip
        return out

    @property
    def loss_mask(self) -> list[int]:
        """1 for a token that counts in the loss, else 0. Raises `MaskError` if none does."""
        return [int(w != 0) for w in self.loss_weights]

    def labels(self, ignored: int = IGNORED) -> list[int]:
        """The ids, with `ignored` where they do not count. Raises `MaskError` if none does."""
        return [i if w else ignored for i, w in zip(self.ids, self.loss_weights)]

    # places

    def tokens_of(self, turn: int, path: str) -> list[Span]:
        """The tokens of a field of message `turn`: `reasoning`, `text`, `calls[0].name`, `calls[0].arguments.city`. One
        range, or one a part where reasoning or text is interleaved. Raises `InputError` if the turn has no such field.
        """
        return [p.tokens for p in self._find(turn, path)]

    def ids_of(self, turn: int, path: str) -> list[int]:
        """The ids of a field; see `tokens_of`."""
        return [i for start, stop in self.tokens_of(turn, path) for i in self.ids[start:stop]]

    def logprobs_of(self, turn: int, path: str, *, own: bool = False) -> list[float]:
        """The logprobs of a field's tokens; see `tokens_of`. A token that it shares with a neighbour is in it, and in
        the neighbour; with `own`, in neither. Raises `InputError` where none were given."""
        out: list[float] = []
        for place in self._find(turn, path):
            for n in range(*(place.own if own else place.tokens)):
                chance = self.logprobs[n]
                if chance is None:
                    raise InputError(f"token {n} has no logprob", value=n, path="logprobs",
                                     expected="sampled(ids, logprobs)")  # fmt: skip
                out.append(chance)
        return out

    def _find(self, turn: int, path: str) -> list[Place]:
        found = [p for p in self.places if p.turn == turn]
        out = [p for p in found if p.path == path]
        if not out:
            known = list(dict.fromkeys(p.path for p in found))
            turns = ", ".join(map(str, sorted({p.turn for p in self.places})))
            raise InputError(f"message {turn} has no field {path!r}", value=path, path="path",
                             expected="one of " + ", ".join(known) if known else f"a message that was sampled: {turns}",
                             near=nearest(path, known))  # fmt: skip
        return out

    # shapes

    def to_dict(self, full: bool = False) -> dict[str, list[Any]]:
        """As a row of a data set: input_ids, attention_mask, labels, assistant_masks (0 and 1). `full`: all lists too,
        `places` as dicts. Raises `MaskError` if nothing counts."""
        row: dict[str, list[Any]] = {
            "input_ids": list(self.ids),
            "attention_mask": [1] * len(self.ids),
            "labels": self.labels(),
            "assistant_masks": self.loss_mask,
        }
        if not full:
            return row
        more: dict[str, list[Any]] = {"sampled": list(self.mask), "turns": list(self.turns), "parts": list(self.parts),
                "logprobs": list(self.logprobs), "weights": list(self.loss_weights)}  # fmt: skip
        return {**row, **more, "places": [p._asdict() for p in self.places]}

    def to_numpy(self) -> dict[str, Any]:
        """As arrays: input_ids and labels (int64), sampled (bool), weights and logprobs (float32, NaN for none), turns
        and parts (int32, -1 for none)."""
        np = importlib.import_module("numpy")
        return {
            "input_ids": np.array(self.ids, np.int64),
            "labels": np.array(self.labels(), np.int64),
            "sampled": np.array(self.mask, np.bool_),
            "weights": np.array(self.loss_weights, np.float32),
            "logprobs": np.array([float("nan") if x is None else x for x in self.logprobs], np.float32),
            "turns": np.array([-1 if t is None else t for t in self.turns], np.int32),
            "parts": np.array([-1 if p is None else p for p in self.parts], np.int32),
        }

    def split(self) -> Mapping[str, Any]:
        """As trainers of reinforcement learning want it: prompt_ids up to the first sampled token, completion_ids from
        there on, completion_mask (0 for what was inserted, or does not count) and logprobs of the completion (0.0 for
        what was inserted; None if none were given). Raises `InputError` if some sampled tokens have none."""
        mask = self.loss_mask
        at = self.mask.index(True)
        return {
            "prompt_ids": self.ids[:at],
            "completion_ids": self.ids[at:],
            "completion_mask": mask[at:],
            "logprobs": self.chances(at),
        }

    def chances(self, start: int = 0) -> list[float] | None:
        """The logprobs from token `start` on, 0.0 for what was inserted; None if none were given. Raises `InputError`
        if sampled tokens have some and others none: a 0.0 would say that they were certain."""
        without = [n for n in range(start, len(self.ids)) if self.mask[n] and self.logprobs[n] is None]
        if len(without) == sum(self.mask[start:]):
            return None
        if without:
            raise InputError(f"{len(without)} sampled tokens have no logprob, token {without[0]} first",
                             value=without[0], path="logprobs", expected="one for each, or none")  # fmt: skip
        return [x if m and x is not None else 0.0 for x, m in zip(self.logprobs[start:], self.mask[start:])]


def parts_of_tokens(events: Iterable[Event], count: int) -> tuple[int | None, ...]:
    """The part that each token of a reply is of; a token of two parts is the first one's."""
    out: list[int | None] = [None] * count
    for event in events:
        part = getattr(event, "part", None)
        if part is None or event.tokens is None:
            continue
        for n in range(max(event.tokens[0], 0), min(event.tokens[1], count)):
            if out[n] is None:
                out[n] = part
    return tuple(out)


def placed(fields: Iterable[Field], turn: int, start: int) -> list[Place]:
    """The fields of a reply whose tokens begin at `start` of a sample."""
    return [
        Place(turn, f.path, f.part, (f.tokens[0] + start, f.tokens[1] + start), (f.own[0] + start, f.own[1] + start))
        for f in fields
    ]
