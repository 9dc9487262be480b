"""Counts the machine's work on a fresh copy of a format: characters that were searched, matched, copied or read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import turnwire
from turnwire.parsers import memo
from turnwire.parsers.compile import Table
from turnwire.parsers.machine import Machine


class Work:
    """`chars`: how many characters were looked at."""

    chars = 0


@contextmanager
def counted(fmt: turnwire.Format) -> Iterator[tuple[turnwire.Format, Work]]:
    """A copy of the format whose parsers count."""
    work = Work()
    copy = fmt.but(fmt.name)
    program = copy.program
    states: list[Any] = [*program._points.values(), *program._slots.values(), *program.junk.values()]
    tables = {id(t): t for s in states for t in (s.table, getattr(s, "own", s.table))}
    for table in [*tables.values(), program.home_table, program.lexer]:
        longest = max(map(len, table.by), default=0)
        for name, most in (("search", None), ("search_whole", None), ("match", longest)):
            setattr(table, name, _counting(getattr(table, name), work, most))
    feed, read = Machine.feed, Machine._read

    def counting_feed(self: Machine, symbols: str, eof: bool = False) -> None:
        work.chars += len(self.buf) + len(symbols)
        feed(self, symbols, eof)

    def counting_read(self: Machine, state: Any, reader: Any) -> bool:
        before = self.pos
        more = read(self, state, reader)
        work.chars += self.pos - before + 1
        return more

    with mock.patch.object(Machine, "feed", counting_feed), mock.patch.object(Machine, "_read", counting_read):
        yield copy, work


def _counting(search: Callable[[str, int], Any], work: Work, most: int | None) -> Callable[..., Any]:
    def run(s: str, at: int = 0) -> Any:
        m = search(s, at)
        looked = (m.end() if m else len(s)) - at + 1
        work.chars += looked if most is None else min(looked, most + 1)
        return m

    return run


def tables(fmt: turnwire.Format) -> list[Table]:
    """All tables of a format."""
    return [p.table for p in fmt.program._points.values()] + [s.table for s in fmt.program._slots.values()]


def linear(fmt: turnwire.Format, unit: str, by: str, chunk: int) -> tuple[float, float]:
    """`per_character` of one flood."""
    with counted(fmt) as (copy, work):
        return per_character(copy, work, unit, by, chunk)


def per_character(copy: turnwire.Format, work: Work, unit: str, by: str, chunk: int) -> tuple[float, float]:
    """Work per character on a flood of `unit` (in symbols), at one size and at four times that size, in what is fed:
    symbols or, by text, the characters that spell them. Of a `counted` copy, which takes longer to make than most
    floods; nothing is remembered of those before."""
    out: list[float] = []
    once = unit if by == "ids" else copy.program.symbols.show(unit)
    for long in (500, 2000):
        memo._MEMOS.pop(copy.program, None)
        work.chars = 0
        text = (once * (long // len(once) + 1))[:long]
        p = copy.parser(tools=None)
        feed = p.feed_symbols if by == "ids" else p.feed_text
        for i in range(0, len(text), chunk):
            feed(text[i : i + chunk])
        p.close("stop")
        out.append(work.chars / len(text))
    return out[0], out[1]
