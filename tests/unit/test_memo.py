"""Memo: what is remembered of a machine is bounded, shared, and gone with its format."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest import mock

import pytest

import turnwire
from turnwire.events import TextDelta
from turnwire.parsers import memo


@pytest.fixture
def fmt() -> Iterator[turnwire.Format]:
    yield turnwire.get_format("qwen3").but("qwen3")


def known(fmt: turnwire.Format, tok: Any) -> memo.Memo:
    return memo.memo_of(fmt.program, fmt.bind(tok))


def steps(of: memo.Memo) -> int:
    return sum(len(k.steps) + len(k.machine) for k in of.places.values())


def words(tok: Any) -> list[int]:
    """Ids of all the ordinary text that there is."""
    special = set(tok.specials.values())
    return [i for i in range(tok.size) if i not in special and isinstance(tok.table[i], str)]


def said(fmt: turnwire.Format, tok: Any, ids: list[int]) -> list[Any]:
    p = fmt.parser(tok)
    return [p.feed([i]) for i in ids] + [p.close("stop"), p.turn]


def test_it_starts_afresh_when_it_is_full(fmt: turnwire.Format) -> None:
    tok = turnwire.small_tokenizer(fmt)
    ids = words(tok)[:300] * 2
    with mock.patch.object(memo, "MOST", 40):
        some = said(fmt, tok, ids)
        assert 0 < steps(known(fmt, tok)) <= 40
    assert some == said(fmt, tok, ids)
    assert steps(known(fmt, tok)) > 200


def test_a_step_takes_a_few_hundred_bytes(fmt: turnwire.Format) -> None:
    tok = turnwire.small_tokenizer(fmt)
    ids = words(tok)
    said(fmt, tok, ids[:3])
    tracemalloc.start()
    said(fmt, tok, ids)
    gc.collect()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held / steps(known(fmt, tok)) < 400
    assert memo.MOST * 400 < 32 << 20


def test_it_goes_with_its_format(fmt: turnwire.Format) -> None:
    tok = turnwire.small_tokenizer(fmt)
    mine = fmt.but("another")
    said(mine, tok, words(tok)[:5])
    gone = weakref.ref(mine.program)
    del mine
    gc.collect()
    assert gone() is None


def test_threads_share_it(fmt: turnwire.Format) -> None:
    tok = turnwire.small_tokenizer(fmt)
    ids = words(tok)[:400]
    alone = said(fmt.but("alone"), tok, ids)
    with ThreadPoolExecutor(8) as pool:
        assert all(one == alone for one in pool.map(lambda _: said(fmt, tok, ids), range(16)))


def test_an_id_without_characters_beside_text_that_is_held() -> None:
    """Its tokens are those of the text, however they come."""
    fmt = turnwire.get_format("nemotron-nano-v2")
    tok = turnwire.small_tokenizer(fmt)
    before, lines = fmt.encode("\n</think>\n\nHello.", tok), tok.encode("\n\n")
    ids = [*before, *lines, tok.size + 7, *lines, *tok.encode("<TOOLCALL>[")]
    (whole,) = (e for e in fmt.parser(tok).feed(ids) if isinstance(e, TextDelta) and e.text == "\n\n")
    assert whole.tokens == (len(before), len(before) + len(lines))
    parser = fmt.parser(tok)
    assert whole in [e for i in ids for e in parser.feed([i])]
