"""Conversations that a template cannot render: it fails ("crashes"), refuses with `raise_exception` ("refuses"), or
uses too much ("over-budget")."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import TemplateBudgetError, TemplateError
from .findings import Fault


def crash(error: TemplateError) -> Iterator[Fault]:
    """What an error means. Two are the same if they are of one line and say the same."""
    problem = error.problem.removeprefix("the template refuses: ")
    what = f"{error.line}: {problem}"
    shown = str(error).partition("\n")[0]
    if isinstance(error, TemplateBudgetError):
        yield Fault("over-budget", str(error.line), problem, error.line, shown)
    elif error.kind == "refused":
        yield Fault("refuses", what, f"refuses: {problem.strip()[:200]}", error.line, shown, "warning")
    else:
        also = f"; it reads {', '.join(error.missing[:4])}, which was not given" if error.missing else ""
        yield Fault("crashes", what, problem[:200] + also, error.line, shown)
