"""How laws run: Hypothesis over one format, counting what the examples reached.

A law reports its examples, the share that the format admitted and the features seen, and fails when a share or
a feature stays under its minimum: a property that never meets the hard case proves nothing. Laws of one strategy run
on the same examples (`run_laws`): drawing them takes longer than most checks.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, example, given, note, settings
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


@dataclass(frozen=True)
class Law:
    """`check` raises where the law is broken; `need` and `admitted` are minimums of a full run."""

    name: str
    check: Callable[[Any, Report], None]
    need: Mapping[str, int] = field(default_factory=dict[str, int])
    admitted: float = 0.0


def run_law(
    law: str,
    subject: str,
    strategy: st.SearchStrategy[Any],
    check: Callable[[Any, Report], None],
    *,
    need: Mapping[str, int] | None = None,
    admitted: float = 0.0,
    **how: Any,
) -> Report:
    """One law alone; `how` as for `run_laws`."""
    (report,) = run_laws(subject, strategy, Law(law, check, need or {}, admitted), **how)
    return report


def run_laws(
    subject: str,
    strategy: st.SearchStrategy[Any],
    *laws: Law,
    examples: int = EXAMPLES,
    shrink: bool = True,
    regressions: Sequence[Any] = (),
) -> list[Report]:
    """Check each law on `regressions`, then on the same examples. The minimums of the laws are those of a full run.
    A part of one (see shares.py) draws few examples, and Hypothesis draws neighbours of each: there a third of a
    feature's share will do, rounded down, but once it must be met (what is drawn too seldom for that is
    given, see `shares.rare`), and three times the error of a sample of that size."""
    report, found = Report("", subject), [Report(law.name, subject) for law in laws]
    phases = (Phase.explicit, Phase.generate, *((Phase.shrink,) if shrink else ()))

    def check(case: Any, _: Report) -> None:
        for law, own in zip(laws, found):
            note(law.name)
            own.examples += 1
            law.check(case, own)

    # Hypothesis seeds its draws by the text of this function: another text draws other examples.
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
    for law, report in zip(laws, found):
        reports.append(str(report))
        assert report.examples >= examples * 0.9, report
        part = examples < EXAMPLES
        for feature, minimum in law.need.items():
            least = minimum * examples // (600 if part else 200)
            least = max(least, min(1, minimum * EXAMPLES // 200))
            assert report.features[feature] >= least, f"{feature} too rare: {report}"
        if law.admitted:
            error = 3 * (report.asked * law.admitted * (1 - law.admitted)) ** 0.5 + 1 if part else 0
            assert report.admitted >= law.admitted * report.asked - error, f"too few admitted: {report}"
    return found
