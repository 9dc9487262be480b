"""Prints what the laws reached at the end of a run, from all workers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.laws import law


@pytest.fixture(autouse=True)
def _laws(request: pytest.FixtureRequest, record_property: Any) -> Any:
    before = len(law.reports)
    yield
    for line in law.reports[before:]:
        record_property("law", line)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with one tokenizer, of a format or by its own name, stand together: loading one takes a second, and few
    are kept."""
    from tests import real, real_sources
    from tests.families.reference import references

    known = {*real_sources.PACKAGES, *real.REFERENCE_ONLY, *real.MISTRAL}

    def tokenizer(item: pytest.Item) -> str:
        callspec = getattr(item, "callspec", None)
        name = callspec.params.get("name") if callspec is not None else None
        reference = references().get(name) if isinstance(name, str) else None
        used = reference.tokenizer if reference is not None else name
        used = real.ALIASES.get(used, used) if isinstance(used, str) else ""
        return used if used in known else ""

    items.sort(key=tokenizer)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        value
        for group in terminalreporter.stats.values()
        for report in group
        for name, value in getattr(report, "user_properties", ())
        if (name == "law" and getattr(report, "when", "") == "teardown") or name == "law"
    ]
    lines = sorted(set(lines))
    if lines:
        terminalreporter.section("laws: examples, share admitted, features reached")
        for line in lines:
            terminalreporter.write_line(line)
