"""The two tools of the demo: plain Python functions over shipped data, declared by their hints and docstrings."""

from __future__ import annotations

import functools
import json
import math
import re
from pathlib import Path
from typing import Any, Literal

DATA = Path(__file__).parent.parent / "data" / "demo"


def get_weather(location: str, unit: Literal["celsius", "fahrenheit"] = "celsius") -> dict[str, Any]:
    """Get this weekend's weather at a location.

    Args:
        location: City and country, such as "Copenhagen, Denmark".
        unit: The unit of the temperature.
    """
    city, _, country = (part.strip().casefold() for part in location.partition(","))
    for entry in _load("weather")["cities"]:
        if entry["city"].casefold() == city and country in ("", entry["country"].casefold()):
            celsius = entry["temperature"]
            return {
                "temperature": celsius if unit == "celsius" else round(celsius * 9 / 5 + 32),
                "condition": entry["condition"],
                "humidity": entry["humidity"],
                "wind_speed": entry["wind_speed"],
                "location": f"{entry['city']}, {entry['country']}",
                "unit": unit,
            }
    known = ", ".join(entry["city"] for entry in _load("weather")["cities"])
    raise LookupError(f"no weather for {location!r}; known: {known}")


def web_search(query: str, max_results: int = 3) -> dict[str, Any]:
    """Search the web.

    Args:
        query: What to search for.
        max_results: How many results to return, at most 10.
    """
    index = _index()
    scored: list[tuple[float, int]] = []
    for number, words in enumerate(index.words):
        score = sum(index.weight(word) * words.get(word, 0) / (words.get(word, 0) + 1.2) for word in _words(query))
        if score > 0:
            scored.append((-score, number))
    best = [index.documents[number] for _, number in sorted(scored)[: max(1, min(max_results, 10))]]
    return {"results": [{k: d[k] for k in ("title", "snippet", "url")} for d in best], "search_query": query}


class _Index:
    """How often each word stands in each document, a word of the title counting three times."""

    def __init__(self, documents: list[dict[str, str]]):
        self.documents = documents
        self.words: list[dict[str, int]] = []
        self.found: dict[str, int] = {}
        for document in documents:
            words: dict[str, int] = {}
            for word in _words(document["title"]) * 3 + _words(document["snippet"]):
                words[word] = words.get(word, 0) + 1
            for word in words:
                self.found[word] = self.found.get(word, 0) + 1
            self.words.append(words)

    def weight(self, word: str) -> float:
        """Rare words weigh more (as in BM25)."""
        n = self.found.get(word, 0)
        return math.log(1 + (len(self.documents) - n + 0.5) / (n + 0.5)) if n else 0.0


def _words(text: str) -> list[str]:
    return [w.removesuffix("s") for w in re.findall(r"\w+", text.casefold()) if w not in _COMMON]


_COMMON = frozenset(
    ["a", "an", "and", "at", "by", "for", "from", "in", "is", "it", "of", "on", "or", "the", "to", "with"]
)


@functools.cache
def _load(name: str) -> Any:
    return json.loads((DATA / f"{name}.json").read_text("utf-8"))


@functools.cache
def _index() -> _Index:
    return _Index(_load("search")["documents"])
