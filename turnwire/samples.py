"""Samples: what a training step needs of a conversation. Ids, a loss mask, and whose each token is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import MaskError
from .events import Event

IGNORED = -100
"""The label of a token without loss, as in torch and transformers."""


@dataclass(slots=True)
class Sample:
    """Lists of one length. `mask`: the model sampled it. `turns`: the message, `parts`: the part of its turn, None for
    what was inserted (in a turn: for its markers). `logprobs`: as they were given."""

    ids: list[int] = field(default_factory=list[int])
    mask: list[bool] = field(default_factory=list[bool])
    turns: list[int | None] = field(default_factory=list["int | None"])
    parts: list[int | None] = field(default_factory=list["int | None"])
    logprobs: list[float | None] = field(default_factory=list["float | None"])

    def __len__(self) -> int:
        return len(self.ids)

    def labels(self, ignored: int = IGNORED) -> list[int]:
        """The ids, with `ignored` where the model did not sample. Raises `MaskError` if it never did."""
        self._check()
        return [i if m else ignored for i, m in zip(self.ids, self.mask)]

    def to_dict(self) -> dict[str, list[Any]]:
        """As a row of a data set: input_ids, attention_mask, labels, assistant_masks (0 and 1)."""
        return {
            "input_ids": list(self.ids),
            "attention_mask": [1] * len(self.ids),
            "labels": self.labels(),
            "assistant_masks": [int(m) for m in self.mask],
        }

    def split(self) -> Mapping[str, list[Any]]:
        """As trainers of reinforcement learning want it: prompt_ids up to the first sampled token, completion_ids from
        there on, completion_mask (0 for what was inserted) and logprobs of the completion (0.0 where there is none)."""
        self._check()
        at = self.mask.index(True)
        return {
            "prompt_ids": self.ids[:at],
            "completion_ids": self.ids[at:],
            "completion_mask": [int(m) for m in self.mask[at:]],
            "logprobs": [x if x is not None else 0.0 for x in self.logprobs[at:]],
        }

    def _check(self) -> None:
        if True not in self.mask:
            raise MaskError("nothing was sampled", value=len(self.ids), path="mask", expected="a sampled turn")


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
