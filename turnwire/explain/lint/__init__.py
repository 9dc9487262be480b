"""lint: whether a chat template does what any client may expect of it. Properties, not style.

`lint(template)` renders small conversations (`cases`), and looks at what came out with the source map: what crashed,
what was lost, printed as Python, moved, changed afterwards, forgeable. Each finding has the smallest conversation that
shows it. `search` tries random ones too (`draw`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from os import PathLike
from typing import TYPE_CHECKING

from ...chat_template import ChatTemplate
from ...errors import TemplateError
from ...templating.jinja import compiled
from ...templating.template_errors import excerpt
from .bench import Bench, Shown, asks
from .cases import Case, cases
from .crashes import crash
from .findings import RULES, SEVERITIES, Fault, Finding, Severity, Talk, lower, window
from .history import history
from .losses import losses
from .markers import balance, terminator, vocabulary
from .notation import notation
from .reprs import reprs
from .runs import runs
from .shrink import shrink
from .twins import twins

if TYPE_CHECKING:
    from ...tokens import Tokenizer


@dataclass
class _Found:
    """A defect, and the conversations that have it; the first of those with the highest severity is kept."""

    fault: Fault
    talk: Talk
    severity: Severity
    cases: list[str] = field(default_factory=list[str])


def lint(
    template: ChatTemplate | str | PathLike[str], *, tokenizer: Tokenizer | None = None, search: int = 0, seed: int = 0
) -> list[Finding]:
    """The findings, errors first. `template`: a ChatTemplate, its source, or (a PathLike) a file or model folder.
    `tokenizer`: then markers are looked up in its vocabulary. `search`: so many random conversations are tried too
    (needs Hypothesis), drawn from `seed`."""
    if isinstance(template, str):
        template = ChatTemplate(template)
    elif isinstance(template, PathLike):
        template = ChatTemplate.load(template)
    return check(template, tokenizer, search, seed).findings


def check(template: ChatTemplate, tokenizer: Tokenizer | None = None, search: int = 0, seed: int = 0) -> Lint:
    """As `lint`, with how much was tried."""
    run = Lint(template, tokenizer)
    try:
        compiled(template.source)
    except TemplateError as e:
        found = Finding("syntax", "error", e.problem, e.line, (), [], None, {}, "", RULES["syntax"].hint, e.excerpt)
        run.findings = [found]
        return run
    run.run(search, seed)
    return run


class Lint:
    """One run over a template: `findings`, the conversations that were `tried`, and those of them that were `drawn`."""

    def __init__(self, template: ChatTemplate, tokenizer: Tokenizer | None = None):
        self.bench = Bench(template, tokenizer)
        self.found: dict[tuple[str, str], _Found] = {}
        self.findings: list[Finding] = []
        self.tried = self.drawn = 0

    def run(self, search: int = 0, seed: int = 0) -> None:
        """All checks."""
        bench = self.bench
        for case in cases(bench.mode, bench.calls, bench.source):
            self.add(case)
            if any(code == "over-budget" for code, _ in self.found):
                break  # each render may take as long again
        for fault in (*runs(bench), *terminator(bench), *twins(bench), *notation(bench)):
            self._note(fault, fault.talk or Talk([]), "error", "")
        if search:
            from .draw import search_faults

            self.drawn = search_faults(self, search, seed)
        findings = [self._finding(key, f) for key, f in self.found.items()]
        self.findings = sorted(findings, key=_rank)

    def add(self, case: Case, again: bool = True) -> None:
        """The faults of one conversation; `again`: also those that are known."""
        self.tried += 1
        for fault in faults(self.bench, case.talk):
            if not again and fault.key in self.found:
                continue
            most = case.crash if fault.code in ("crashes", "refuses") else case.most
            self._note(fault, fault.talk or case.talk, most, case.name)

    def _note(self, fault: Fault, talk: Talk, most: Severity, case: str) -> None:
        severity = lower(most, fault.severity or RULES[fault.code].severity)
        known = self.found.get(fault.key)
        if known is None or SEVERITIES.index(severity) < SEVERITIES.index(known.severity):
            had = [] if known is None else known.cases
            known = self.found[fault.key] = _Found(fault, talk, severity, had)
        if case and case not in known.cases:
            known.cases.append(case)

    def _finding(self, key: tuple[str, str], found: _Found) -> Finding:
        talk, fault = found.talk, found.fault
        if found.cases:
            drawn = found.cases[0].startswith("search:")
            least = shrink(talk, lambda t: self._same(key, t) is not None, drawn)
            fault = self._same(key, least) or fault
            talk = least
        where = excerpt(self.bench.source, fault.line)
        return Finding(
            fault.code, found.severity, fault.message, fault.line, tuple(found.cases), talk.messages, talk.tools,
            talk.variables, fault.shown, RULES[fault.code].hint, where,
        )  # fmt: skip

    def _same(self, key: tuple[str, str], talk: Talk) -> Fault | None:
        return next((f for f in faults(self.bench, talk) if f.key == key), None)


def faults(bench: Bench, talk: Talk) -> Iterator[Fault]:
    """All that is wrong with the render of one conversation."""
    shown = bench.show(talk, asks(talk))
    if not isinstance(shown, Shown):
        yield from crash(shown)
        return
    yield from losses(bench, talk, shown)
    yield from reprs(bench, talk, shown)
    yield from balance(bench, talk)
    yield from vocabulary(bench, shown, talk)
    yield from history(bench, talk)


def _rank(finding: Finding) -> tuple[int, int, int]:
    return SEVERITIES.index(finding.severity), [*RULES].index(finding.code), finding.line or 0


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The highest severity there is."""
    there = {f.severity for f in findings}
    return next((s for s in SEVERITIES if s in there), None)


__all__ = ["RULES", "SEVERITIES", "Finding", "Lint", "Severity", "check", "lint", "window", "worst"]
