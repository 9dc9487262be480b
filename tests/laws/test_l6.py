"""L6, linear work: counted, not timed, on floods of everything that a format could stumble over."""

from __future__ import annotations

import pytest

import turnwire
from tests.laws import checks, law
from tests.laws.shares import SYNTAXES, full
from tests.laws.strategies import HALVES, MARKERS
from tests.laws.work import counted, per_character
from turnwire.parsers.machine import LOOKAHEAD

FLOODS = (
    " ",
    "\n",
    "\n\n<",
    "{",
    "[",
    "}",
    '"',
    "\\",
    '\\"',
    '{"a":',
    '{"name": "f", "arguments": {"a": "',
    "x",
    "</",
    "<|",
    "é",
)


def distinct() -> list[str]:
    """One format of each reply tree: work depends on nothing else."""
    found: dict[str, turnwire.Format] = {}
    names = turnwire.list_formats()
    for fmt in map(turnwire.get_format, dict.fromkeys([*(n for n in SYNTAXES if n in names), *names])):
        if all(other.reply != fmt.reply for other in found.values()):
            found[fmt.name] = fmt
    return list(found)


def floods(fmt: turnwire.Format) -> list[str]:
    """Units to repeat: markers and their halves, brackets, quotes, blanks, and each behind every opener; where a format
    of the same syntax runs all of them, only those of its own."""
    program = fmt.program
    openers = [w for w in program.homes if len(w) < 40]
    own = [*program.symbols.of.values(), *fmt.forgeable, *openers]
    foreign = (*MARKERS, *HALVES) if full(fmt.name) else ()
    plain = [*FLOODS, *foreign, *(w[: len(w) // 2 + 1] for w in own), *own]
    return plain + [a + b for a in own[:6] for b in ("{", '"', " ", "x")]


@pytest.mark.parametrize("by", ["ids", "text"])
@pytest.mark.parametrize("name", distinct())
def test_l6_linear_work(name: str, by: str) -> None:
    fmt = turnwire.get_format(name)
    bound = checks.longest(fmt) + LOOKAHEAD
    units = floods(fmt)
    worst = 0.0
    with counted(fmt) as (copy, work):
        for unit in units:
            for chunk in (1, 10**6) if full(name) else (1,):
                short, long = per_character(copy, work, unit, by, chunk)
                assert long <= bound, f"{long:.0f} characters a character on a flood of {unit!r} in chunks of {chunk}"
                assert long <= 1.5 * short + 8, f"{short:.0f} -> {long:.0f} on a flood of {unit!r} in chunks of {chunk}"
                worst = max(worst, long)
    law.reports.append(
        f"L6 linear work by {by} {name}: {len(units)} floods, worst {worst:.0f} of at most {bound} a character"
    )
