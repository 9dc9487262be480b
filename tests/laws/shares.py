"""How much of the laws each format is tried with: some ninety formats share some dozens of reply trees.

One format of each call syntax runs everything. Others run three tenths of the examples, if they are the first of their
file with a tree or a start of its own, else half of that. `TURNWIRE_FULL=1` (`make laws`) runs everything for all.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any

import turnwire
from tests.laws.law import EXAMPLES
from turnwire.families import FILES

FULL = bool(os.environ.get("TURNWIRE_FULL"))
SYNTAXES = (
    "qwen3 qwen3-coder harmony glm-4.5 deepseek-v3.1 deepseek-v3.2 kimi-k2 kimi-k3 minimax-m2 minimax-m3 gemma-4 "
    "llama-3.3 lfm2 mistral-v3 mistral-v13"
).split()
"""One format of each syntax of calls."""


def full(name: str) -> bool:
    """Whether a format runs everything."""
    return FULL or name in SYNTAXES


@functools.cache
def share(name: str) -> int:
    """How many examples of a law a format runs."""
    if full(name):
        return EXAMPLES
    fmt = turnwire.get_format(name)
    before = [n for n in (*SYNTAXES, *turnwire.list_formats()) if n in turnwire.list_formats()]
    first = next(n for n in before if same(turnwire.get_format(n), fmt))
    (file,) = (names for names in FILES.values() if name in names)
    return EXAMPLES * 3 // (10 if first == name == file[0] else 20)


def same(a: turnwire.Format, b: turnwire.Format) -> bool:
    """Whether two formats have one tree, and their replies start alike."""
    return a.reply == b.reply and begun(a) == begun(b)


def begun(fmt: turnwire.Format) -> str:
    return fmt.program.symbols.show(fmt.prompt_tail(None))


def rare(examples: Sequence[Any], name: str) -> Sequence[Any]:
    """Examples of what is drawn too seldom to be met for certain, for a format that does not run everything."""
    return () if full(name) else examples


def some(items: Sequence[Any], name: str) -> Sequence[Any]:
    """All items, or each third, for a format that does not run everything."""
    return items if full(name) else items[::3]
