"""Tables: the first searches, without a trie, find what the trie finds."""

from __future__ import annotations

import random
import re
from typing import Any

from turnwire.parsers.table import FIRST, Table, _trie  # pyright: ignore[reportPrivateUsage]


def table(words: list[str]) -> Table:
    return Table(dict.fromkeys(words))  # type: ignore[arg-type]


def said(m: Any) -> Any:
    return (m.start(), m.end(), m.group()) if m else None


def test_the_first_searches_find_what_the_trie_finds() -> None:
    rng = random.Random(1)
    partial = 0
    for _ in range(3_000):
        words = list({"".join(rng.choices("abc<", k=rng.randint(1, 5))) for _ in range(rng.randint(1, 6))})
        text = "".join(rng.choices("abc<", k=rng.randint(0, 14)))
        at = rng.randint(0, len(text))
        own, whole = table(words), re.compile(_trie(words, partial=False))
        found = said(own.search(text, at))
        assert found == said(re.compile(_trie(words, partial=True)).search(text, at)), (words, text, at)
        partial += found is not None and found[2] not in words
        assert said(own.search_whole(text, at)) == said(whole.search(text, at))
        assert said(own.match(text, at)) == said(whole.match(text, at))
        assert own.sub(lambda m: f"[{m.group()}]", text) == whole.sub(lambda m: f"[{m.group()}]", text)
    assert partial > 200


def test_what_is_asked_often_gets_its_trie() -> None:
    own = table(["<a>", "<b>"])
    for kind in ("search", "search_whole", "match"):
        first = getattr(own, kind)
        for _ in range(FIRST + 1):
            assert said(getattr(own, kind)("x<b>", 1)) == (1, 4, "<b>")
            assert said(first("x<b>", 1)) == (1, 4, "<b>")  # who kept the function gets it, too
        assert isinstance(getattr(own, kind)("<a>", 0), re.Match)
    assert own.search("<c>") is own.match("<c>") is None
    assert table([]).search("a") is table([]).match("a") is None


def test_what_stands_in_front_of_a_search_stays() -> None:
    """A search that somebody wrapped (to count its work) is not put in its place again."""
    own = table(["<a>"])
    search = own.search
    seen: list[int] = []

    def counting(text: str, at: int = 0) -> Any:
        seen.append(at)
        return search(text, at)

    own.search = counting
    for _ in range(2 * FIRST):
        own.search("<a>")
    assert own.search is counting and len(seen) == 2 * FIRST
