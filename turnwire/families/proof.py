"""How far each format is proven: what its prompts were compared with, and the public fixtures that its parser passes.

The figures are measured by the tests (`data/proof.json`, written by `make measure`), never by hand.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Proof:
    """`prompts`: compared id by id ("ids"), in text because no tokenizer of the family can be had ("text"), or not, for
    lack of an official renderer (""). `conversations`: how many were equal. `fixtures`: of canitoolcall, how many pass
    strictly, by ids and by text; of how many."""

    prompts: Literal["ids", "text", ""] = ""
    conversations: int = 0
    passed: int = 0
    fixtures: int = 0

    def __str__(self) -> str:
        prompts = f"{self.conversations} prompts by {self.prompts}" if self.prompts else "no prompts compared"
        return prompts + (f", {self.passed}/{self.fixtures} fixtures" if self.fixtures else "")


def proof(name: str) -> Proof:
    """The proof of a format; an empty one where nothing was measured."""
    return Proof(**_measured().get(name, {}))


@functools.cache
def _measured() -> dict[str, dict[str, Any]]:
    return json.loads((Path(__file__).parent.parent / "data" / "proof.json").read_text("utf-8"))
