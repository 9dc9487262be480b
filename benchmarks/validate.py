"""Checking calls against their schemas: `python -m benchmarks.validate [--rounds 9]`.

Typical calls of four tools, after the first check of each; with and without jsonschema-rs, and jsonschema itself, with
a validator that is made once, and by `jsonschema.validate`. What is checked is equal in all rows: all calls are valid.
"""

from __future__ import annotations

import argparse
import importlib
import random
from typing import Any

import jsonschema

from turnwire.parsers import quick
from turnwire.parsers.validate import Toolbox, _Compiled  # pyright: ignore[reportPrivateUsage]
from turnwire.tools import normalize_tools

from .measure import Work, interleave, machine, repeated, table, versions
from .workload import TOOLS, arguments

CALLS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    tools, rng = normalize_tools(TOOLS) or (), random.Random(4)
    lines: list[list[str]] = []
    for tool in tools:
        calls = [arguments(rng, tool.name, 900) for _ in range(CALLS)]
        schema: Any = tool.parameters
        prepared = jsonschema.Draft202012Validator(schema)
        alone = _Compiled(schema)
        alone._quick = None
        rows: dict[str, Work] = {
            "turnwire": lambda calls=calls, c=alone: [c.check(a) for a in calls],
            "jsonschema, prepared": lambda calls=calls, p=prepared: [list(p.iter_errors(a)) for a in calls],
            "jsonschema.validate": lambda calls=calls, s=schema: [jsonschema.validate(a, s) for a in calls[:20] * 10],
        }
        if quick.compile(schema) is not None:
            box = Toolbox(tools)
            rows["turnwire, with jsonschema-rs"] = lambda calls=calls, b=box, n=tool.name: [
                b.check(n, a) for a in calls
            ]
            rs: Any = importlib.import_module("jsonschema_rs").Draft202012Validator(schema)
            rows["jsonschema-rs itself"] = lambda calls=calls, rs=rs: [rs.is_valid(a) for a in calls]
        assert not any(alone.check(a) for a in calls)
        times = interleave({name: repeated(work, 1) for name, work in rows.items()}, given.rounds)
        for name in rows:
            us = times.median(name) * 1e6 / CALLS
            lines.append([f"{tool.name}: {name}", f"{us:.2f}", f"{times.ratio(name, 'turnwire'):.2f}"])
    print(f"{machine()}; {versions('jsonschema', 'jsonschema-rs')}; medians of {given.rounds} rounds.\n")
    print(table(["us a call", "us", "x turnwire"], lines, given.markdown))


if __name__ == "__main__":
    main()
