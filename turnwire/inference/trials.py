"""Random turns for an inferred format: easy ones, and ones whose content looks like the format.

The same seed gives the same turns. Content is without blanks at its ends, which templates trim.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

from .probe import Called, Said

WORDS = (
    "alpha", "beta", "gamma", "naïve", "東京", "x=1,", '"quoted"', "it's", "a\\b", "(paren)", "3.14", "a<b", "{brace}",
    "[br]", "a:b,", "c;", "d!", "user", "content", "function", "name", "arguments", "é\u00a0è", "<", "</", "<|", "🙂",
)  # fmt: skip
STRINGS = (
    'def f(x):\n    return "a" + \'b\'', "42", "true", "a\\nb", "null", "C:\\dir", '{"a": 1}', "日本 é", "", "a, b",
    "[1]", "name", "<b>bold</b> & more", "x\ny\n\nz", "it's", 'say "hi"', "don't \"mix\"", "0", "None", "k=v", "}", ")",
)  # fmt: skip
EASY = ("Paris", "hello", "foo bar", "x", "a b")
NAMES = ("get_weather", "search", "calc", "name", "function", "a_b-c", "Lookup2")
KEYS = ("city", "unit", "count", "name", "arguments", "value", "x1")


def turns(seed: int, count: int, kinds: Sequence[str], most: int | None, beginnings: Sequence[str]) -> Iterator[Said]:
    """`count` turns of the kinds given (of parts); every second one is hard. `beginnings`: of markers."""
    rng = random.Random(seed)
    for n in range(count):
        shape = kinds[n % len(kinds)] if n < len(kinds) else rng.choice(kinds)
        hard = n % 2 == 1
        hostile = (*WORDS, *beginnings) if hard else WORDS[:12]
        yield Said(
            _text(rng, hostile, hard) if "R" in shape else None,
            _text(rng, hostile, hard) if "C" in shape else None,
            _calls(rng, hard, most or 3) if "K" in shape else (),
        )


def _text(rng: random.Random, words: Sequence[str], hard: bool) -> str:
    text = " ".join(rng.choice(words) for _ in range(rng.randint(1, 8)))
    if hard and rng.random() < 0.4:
        text += "\n" * rng.randint(1, 2) + rng.choice("xyz") + " end"
    return text.strip()


def _calls(rng: random.Random, hard: bool, most: int) -> tuple[Called, ...]:
    """Calls of different tools, so that the types of all arguments can be declared."""
    names = rng.sample(NAMES, rng.randint(1, most))
    return tuple(
        Called(name, {key: _value(rng, hard, 0) for key in rng.sample(KEYS, rng.randint(not hard, 3))})
        for name in names
    )


def _value(rng: random.Random, hard: bool, depth: int) -> Any:
    kind = rng.choice("ssifbnld" if depth < 2 else "sifb")
    if kind == "s":
        return rng.choice(STRINGS if hard else EASY)
    if kind == "i":
        return rng.randint(-50, 9999)
    if kind == "f":
        return rng.choice((0.5, -3.25, 12.75))
    if kind == "b":
        return rng.random() < 0.5
    if kind == "n":
        return None
    size = rng.randint(0 if hard else 1, 3)
    if kind == "l":
        return [_value(rng, hard, depth + 1) for _ in range(size)]
    return {f"k{i}": _value(rng, hard, depth + 1) for i in range(size)}
