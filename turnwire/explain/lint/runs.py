"""How a template behaves as a program: whether it says the same twice, what it asks the clock, how much it uses, and
whether other engines know its constructs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...errors import TemplateBudgetError, TemplateError
from ...templating.trials import shared
from .bench import LATER, LIMITS, TODAY, Bench, Shown, asks
from .cases import ALSO, MORE, Shape
from .findings import Fault, window

MANY = 100  # turns of a long conversation


def runs(bench: Bench) -> Iterator[Fault]:
    """All of them."""
    yield from _clock(bench)
    yield from _again(bench)
    yield from _long(bench)
    yield from _prompt(bench)
    yield from _undefined(bench)
    yield from _engines(bench)


def _clock(bench: Bench) -> Iterator[Fault]:
    if "strftime_now" not in bench.source:
        return
    s = Shape(bench.mode)
    for talk in (s.talk(s.user()), s.talk(s.system(), s.user()), s.working(s.user())):
        a, b = bench.show(talk, True, TODAY), bench.show(talk, True, LATER)
        if isinstance(a, Shown) and isinstance(b, Shown) and a.text != b.text:
            at = shared(a.text, b.text)
            span = a.at(at)
            what = a.text[span.start : span.stop] if span else a.text[at : at + 30]
            said = f"on another day {what[:40]!r} is another text"
            yield Fault("date-in-prompt", "date", said, span.line if span else None, window(a.text, at), None, talk)
            return


def _again(bench: Bench) -> Iterator[Fault]:
    """Rendered anew, not remembered."""
    s = Shape(bench.mode)
    for talk in (s.talk(s.user()), s.working(*s.called()) if bench.calls else s.talk(s.user(), tools=s.tools)):
        first = bench.show(talk, asks(talk))
        if not isinstance(first, Shown):
            continue
        for _ in range(2):
            again = bench.anew(talk, asks(talk))
            if isinstance(again, Shown) and again.text != first.text:
                at = shared(first.text, again.text)
                span = first.at(at)
                said = f"rendered twice, the texts part at {first.text[at : at + 30]!r}"
                line = span.line if span else None
                yield Fault("not-deterministic", "text", said, line, window(first.text, at), None, talk)
                return


def _long(bench: Bench) -> Iterator[Fault]:
    """A long conversation, which must not use what none needs."""
    s = Shape(bench.mode)
    turns = [m for _ in range(MANY) for m in (s.user(), s.said(ALSO))]
    talk = s.talk(*turns, s.user(MORE))
    try:
        bench.plain(talk, LIMITS)
    except TemplateBudgetError as e:
        short = s.talk(s.user(), s.said(ALSO), s.user(MORE))
        yield Fault("over-budget", "long", f"with {2 * MANY} messages: {e.problem}", e.line, "", None, short)
    except ValueError:
        return  # said elsewhere


def _prompt(bench: Bench) -> Iterator[Fault]:
    """Whether add_generation_prompt does something."""
    s = Shape(bench.mode)
    talk = s.talk(s.user())
    a, b = bench.text(talk, True), bench.text(talk, False)
    if a is None or a != b or "add_generation_prompt" in bench.source:
        return  # where it depends on more, `history` says what comes of it
    whole = bench.text(s.talk(s.user(), s.said(ALSO))) or ""
    if whole.startswith(a) and not whole[len(a) : whole.find(ALSO)].strip():
        return  # the user's turn ends in all that asks for a reply
    yield Fault("no-generation-prompt", "", "the prompt is the same with and without a generation prompt", None,
                window(a), None, talk)  # fmt: skip


def _undefined(bench: Bench) -> Iterator[Fault]:
    """No tools: None, as transformers has it, and nothing at all, as other engines do."""
    s = Shape(bench.mode)
    for talk in (s.talk(s.user()), s.talk(s.system(), s.user()), s.talk(s.user(), s.said(ALSO), s.user(MORE))):
        if bench.text(talk, True) is None:
            continue
        try:
            bench.plain(talk, LIMITS, tools=False)
        except TemplateError as e:
            said = f"where `tools` is not defined, as some engines leave it when there are none: {e.problem[:160]}"
            yield Fault("crashes", f"no tools {e.line}", said, e.line, str(e).partition("\n")[0], "warning", talk)


# Constructs that an engine was publicly reported not to know, then at least: pattern, what, where.
ENGINES = (
    (
        r"\{%[-+]?\s*generation\b",
        "{% generation %} is transformers' own; llama-cpp-python failed to load a template with it",
        "abetlen/llama-cpp-python#2225",
    ),
    (
        r"\{%[-+]?\s*(?:break|continue)\b",
        "{% break %} and {% continue %} are an extension of Jinja; llama.cpp's parser failed on it",
        "ggml-org/llama.cpp#11443",
    ),
    (
        r"\|\s*rejectattr\b",
        "the filter rejectattr was unknown to the engine of node-llama-cpp",
        "withcatai/node-llama-cpp#366",
    ),
)


def _engines(bench: Bench) -> Iterator[Fault]:
    for pattern, what, where in ENGINES:
        for n, line in enumerate(bench.lines, 1):
            if re.search(pattern, line):
                s = Shape(bench.mode)
                yield Fault("engine-feature", what, f"{what} ({where})", n, line.strip()[:160], None, s.talk(s.user()))
                break
