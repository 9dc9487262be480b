"""The search with sides that have ids of their own, as engines do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests import real
from turnwire import Tokenizer
from turnwire.explain.search import search
from turnwire.explain.sides import Prompt

pytest.importorskip("hypothesis", reason="needs the package hypothesis")


@dataclass
class Dumped:
    """What is asked, as JSON, and ids of it if it has them."""

    name: str
    ordered: bool = False
    ids: bool = False

    def prompt(self, messages: Any, tools: Any, tokenizer: Tokenizer | None, options: Mapping[str, Any]) -> Prompt:
        text = json.dumps([messages, tools], sort_keys=self.ordered)
        ids = list(text.encode()) if self.ids else tokenizer.encode(text) if tokenizer else None
        return Prompt(text, ids, None, self.name, {}, tokenizer=tokenizer)


def test_the_order_of_keys_is_a_difference_that_is_still_there_when_it_is_small() -> None:
    done = search(Dumped("a"), Dumped("b", ordered=True), budget=300)
    assert done.found is not None


def test_the_same_with_ids_on_both_sides() -> None:
    done = search(Dumped("a", ids=True), Dumped("b", ids=True), budget=50)
    assert done.found is None and done.tried > 40


def test_other_ids_are_a_difference() -> None:
    done = search(Dumped("a"), Dumped("b", ids=True), budget=50, tokenizer=real.load("qwen3"))
    assert done.found is not None
