"""How a law runs: Hypothesis over one format, counting what the examples reached.

A law reports its examples, the share that the format admitted and the features seen, and fails when a share or
a feature stays under its minimum: a property that never meets the hard case proves nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("TURNWIRE_EXAMPLES", "200"))
RANDOM = bool(os.environ.get("TURNWIRE_RANDOM"))  # else the same examples in each run

ADMITTED = 0.95  # the least share of hostile turns that a format must be able to write, by ids

reports: list[str] = []


class Report:
    """What a law's examples reached."""

    def __init__(self, law: str, subject: str):
        self.law, self.subject = law, subject
        self.examples = self.admitted = self.asked = 0
        self.features: Counter[str] = Counter()

    def see(self, *features: str) -> None:
        self.features.update(set(features))

    def admit(self, yes: bool) -> bool:
        self.asked += 1
        self.admitted += yes
        return yes

    def __str__(self) -> str:
        share = f"{self.admitted / self.asked:.1%} admitted" if self.asked else "all admitted"
        mix = ", ".join(f"{name} {n}" for name, n in sorted(self.features.items()))
        return f"{self.law} {self.subject}: {self.examples} examples, {share}; {mix}"


def run_law(
    law: str,
    subject: str,
    strategy: st.SearchStrategy[Any],
    check: Callable[[Any, Report], None],
    *,
    need: Mapping[str, int] | None = None,
    admitted: float = 0.0,
    examples: int = EXAMPLES,
    shrink: bool = True,
    regressions: Sequence[Any] = (),
) -> Report:
    """Run `check` on `regressions`, then on examples; `need` and `admitted` are minimums. They are those of a full run.
    A part of one (see shares.py) draws few examples, and Hypothesis draws neighbours of each: there a third of a
    feature's share will do, rounded down, but once it must be met (what is drawn too seldom for that is
    given, see `shares.rare`), and three times the error of a sample of that size."""
    report = Report(law, subject)
    phases = (Phase.explicit, Phase.generate, *((Phase.shrink,) if shrink else ()))

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=not RANDOM,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(strategy)
    def run(case: Any) -> None:
        report.examples += 1
        check(case, report)

    for regression in regressions:
        run = example(regression)(run)
    run()
    reports.append(str(report))
    assert report.examples >= examples * 0.9, report
    part = examples < EXAMPLES
    for feature, minimum in (need or {}).items():
        least = minimum * examples // (600 if part else 200)
        least = max(least, min(1, minimum * EXAMPLES // 200))
        assert report.features[feature] >= least, f"{feature} too rare: {report}"
    if admitted:
        error = 3 * (report.asked * admitted * (1 - admitted)) ** 0.5 + 1 if part else 0
        assert report.admitted >= admitted * report.asked - error, f"too few admitted: {report}"
    return report
