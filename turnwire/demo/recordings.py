"""The recorded replies of the demo, as the ids that a model would have sampled.

Formats with a recording of their own (`data/demo/<format>.json`) have its raw text, in which control tokens are
spelled out; for all others the turns of `turns.json` are rendered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import turnwire
from turnwire.errors import RefusedTurn

from .agent import Model
from .tools import DATA


def recording(fmt: turnwire.Format) -> dict[str, Any]:
    """What is recorded for a format."""
    own = DATA / f"{fmt.name}.json"
    return json.loads((own if own.is_file() else DATA / "turns.json").read_text("utf-8"))


def player(fmt: turnwire.Format, tokenizer: turnwire.Tokenizer, wait: Callable[[], None] | None = None) -> Model:
    """A "model" that plays the recorded replies one after the other, token by token."""
    replies = iter(recording(fmt)["replies"])

    def model(prompt: list[int]) -> Iterator[int]:
        for token in ids_of(next(replies), fmt, tokenizer, prompt):
            if wait is not None:
                wait()
            yield token

    return model


def ids_of(
    reply: dict[str, Any], fmt: turnwire.Format, tokenizer: turnwire.Tokenizer, prompt: list[int] | None = None
) -> list[int]:
    """The ids of one recorded reply."""
    if "text" in reply:
        return encode(reply["text"], fmt, tokenizer)
    turn = turnwire.Turn.from_dict({"role": "assistant", "parts": reply["parts"]})
    try:
        ids = fmt.render_reply(turn, tokenizer, prompt=prompt).ids
    except RefusedTurn:  # a format without reasoning
        turn = replace(turn, parts=tuple(p for p in turn.parts if not isinstance(p, turnwire.Reasoning)))
        ids = fmt.render_reply(turn, tokenizer, prompt=prompt).ids
    return ids[: len(ids) - reply.get("drop_tokens", 0)]


def encode(text: str, fmt: turnwire.Format, tokenizer: turnwire.Tokenizer) -> list[int]:
    """A reply's text as ids, in which what spells a control token is that token, as it was for the model."""
    control = sorted(fmt.control, key=len, reverse=True)
    ids: list[int] = []
    for piece in re.split(f"({'|'.join(map(re.escape, control))})", text):
        special = tokenizer.special(piece) if piece in fmt.control else None
        ids += tokenizer.encode(piece, frozenset(control)) if special is None else [special]
    return ids
