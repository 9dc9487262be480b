"""How calls are written: in which form the template wants their arguments, and whether what it writes can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ...errors import InferenceError
from ...inference.evidence import Evidence
from ...inference.probe import Called, Said
from .bench import Bench, Shown
from .cases import Shape
from .findings import Fault, Talk, window

VALUE = {"city": "Oslo", "days": 2}


def notation(bench: Bench) -> Iterator[Fault]:
    """Both."""
    if bench.calls:
        yield from _form(bench)
        yield from _read(bench)


def _form(bench: Bench) -> Iterator[Fault]:
    """The same arguments as an object and as JSON text: the prompts should be equal but for blanks."""
    s = Shape(bench.mode)
    call = Called("get_weather", VALUE, "abcdefgh1")

    def talk(strings: bool) -> Talk:
        said = replace(bench.mode, strings=strings).message(Said(None, None, (call,)))
        return s.working(s.user(), said, s.result(call))

    wanted, other = talk(bench.mode.strings), talk(not bench.mode.strings)
    good, shown = bench.text(wanted), bench.show(other)
    if good is None or not isinstance(shown, Shown) or "".join(shown.text.split()) == "".join(good.split()):
        return  # a crash is said elsewhere
    form, wants = ("an object", "JSON text") if bench.mode.strings else ("JSON text", "an object")
    quoted = json.dumps(json.dumps(VALUE))
    if not bench.mode.strings and any(q in shown.text for q in (quoted, quoted.replace(" ", ""))):
        said, what = f"arguments given as {form} are encoded twice: {quoted}", "twice"
    elif str(VALUE) in shown.text:
        return  # `reprs` says so
    elif "Oslo" in shown.text:
        said, what = f"arguments given as {form} come out otherwise than as {wants}", "otherwise"
    else:
        said, what = f"arguments given as {form} are not in the prompt; the template wants {wants}", "lost"
    at = shown.text.find("get_weather", shown.text.find("Rain"))
    line = next((x.line for x in shown.spans if "arguments" in x.path), None) or bench.line_of("arguments")
    yield Fault("arguments-form", what, said, line, window(shown.text, max(0, at)), None, other)


def _read(bench: Bench) -> Iterator[Fault]:
    """What inference says of the calls."""
    found = bench.inferred
    s = Shape(bench.mode)
    call = s.working(*s.called())
    text = bench.text(call) or ""
    if isinstance(found, InferenceError):
        yield Fault("calls-unreadable", "inference", found.problem[:300], bench.line_of("tool_calls"),
                    window(text), None, call)  # fmt: skip
        return
    evidence: Any = getattr(found, "evidence", None)
    if isinstance(evidence, Evidence) and evidence.failures:
        failure = evidence.failures[0]
        message = bench.mode.message(failure.said)
        said = f"{evidence}; one that does not: {failure.got[:160]}"
        yield Fault("calls-misread", "inference", said, bench.line_of("tool_calls"), failure.text[:400], None,
                    s.working(s.user(), message))  # fmt: skip
