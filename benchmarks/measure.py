"""How the benchmarks measure and print.

All contenders of a table run in one process, in turns: on a shared machine only ratios within a round mean something,
so a ratio is the median over rounds of (this row / that row). Time is the process's own, of all its threads.
"""

from __future__ import annotations

import gc
import importlib.metadata
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence

Work = Callable[[], object]


class Times:
    """Seconds of each row in each round."""

    def __init__(self, rows: Mapping[str, Sequence[float]]):
        self.rows = rows

    def median(self, row: str) -> float:
        return statistics.median(self.rows[row])

    def ratio(self, row: str, base: str) -> float:
        """How many times as long as `base`: the median over the rounds."""
        return statistics.median(a / b for a, b in zip(self.rows[row], self.rows[base]))


def repeated(work: Work, times: int) -> Work:
    """`work`, several times over."""

    def all_of_it() -> None:
        for _ in range(times):
            work()

    return work if times == 1 else all_of_it


def interleave(rows: Mapping[str, Work], rounds: int = 9, warm: int = 1) -> Times:
    """Time every row once a round; `warm` rounds before are not counted. The order turns with each round."""
    times: dict[str, list[float]] = {name: [] for name in rows}
    order = list(rows.items())
    for n in range(-warm, rounds):
        order = [*order[1:], order[0]]
        for name, work in order:
            gc.collect()
            start = time.process_time()
            kept = work()
            spent = time.process_time() - start
            del kept
            if n >= 0:
                times[name].append(spent)
    return Times(times)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], markdown: bool) -> str:
    """A table; the first column is words, the others are numbers."""
    if markdown:
        lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
        return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
        for row in (head, *rows)
    )


def versions(*packages: str) -> str:
    """What ran, for the line under a table."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{package} not installed")
    return ", ".join(found)


def machine() -> str:
    """The processor, in a few words."""
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {platform.system()}"
