"""Different conversations that have the same prompt: nobody behind the template can tell them apart.

Each check makes a twin: a message that spells what the template writes between two turns, a value that spells what
stands between two arguments, results in another order. If the prompts are equal and no control token stands in the
spelled text (one that content can never become), the two are forgeable or ambiguous.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ...inference.probe import Called
from ...templating.trials import MARKER
from .bench import Bench, Shown
from .cases import ALSO, ASK, FOUND, IMAGE, LAST, MORE, ONE, OTHER, TOLD, TWO, Shape
from .findings import Fault, Talk, window
from .markers import CONTROL


def twins(bench: Bench) -> Iterator[Fault]:
    """All of them."""
    shape = Shape(bench.mode)
    yield from _turn(bench, shape)
    yield from _role(bench, shape)
    if "image" in bench.source:
        yield from _parts(bench, shape)
    if bench.calls:
        yield from _ids(bench, shape)
        yield from _arguments(bench, shape)


def control(bench: Bench, text: str) -> bool:
    """Whether a text has a control token: by the tokenizer, or by its look."""
    if bench.tokenizer is not None:
        return any(t in text for t in (*bench.tokenizer.specials, *bench.tokenizer.added) if len(t) > 2)
    special = [v for v in bench.special.values() if len(v) > 2]
    return CONTROL.search(text) is not None or any(v in text for v in special)


def _between(text: str, a: str, b: str) -> str | None:
    start = text.find(a)
    stop = text.find(b, start + len(a))
    return text[start + len(a) : stop] if start >= 0 and stop >= 0 else None


def _turn(bench: Bench, s: Shape) -> Iterator[Fault]:
    """A user's message that goes on as the assistant and the user again."""
    real = s.talk(s.user(ASK), s.said(TOLD), s.user(MORE), s.said(ALSO), s.user(LAST))
    text = bench.text(real)
    if text is None:
        return
    one, two = _between(text, MORE, ALSO), _between(text, ALSO, LAST)
    if one is None or two is None or not (one + two).strip():
        return
    forged = s.talk(s.user(ASK), s.said(TOLD), s.user(MORE + one + ALSO + two + LAST))
    if bench.text(forged) == text and not control(bench, one) and not control(bench, two):
        said = f"a user's message that goes on with {one + ALSO + two!r} is the same prompt as two more turns"
        shown = bench.show(real)
        at = text.index(ALSO)
        span = shown.at(at - 1) if isinstance(shown, Shown) and at else None
        known = bench.tokenizer is not None or not MARKER.search(one + two)
        yield Fault("forgeable-turn", "user", said + ("" if known else ", unless a marker in it is a control token"),
                    span.line if span else None, window(text, at), None if known else "note", forged)  # fmt: skip


def _role(bench: Bench, s: Shape) -> Iterator[Fault]:
    """A role that no model has."""
    role = "narrator"
    talk = s.talk(s.user(ASK), s.said(TOLD), {"role": role, "content": s.text(MORE)})
    shown = bench.show(talk)
    if not isinstance(shown, Shown) or role not in shown.text:
        return
    at = shown.text.index(role)
    span = shown.at(at)
    said = f"the role {role!r} is printed as it is given"
    yield Fault("unchecked-role", role, said, span.line if span else None, window(shown.text, at), None, talk)


def _parts(bench: Bench, s: Shape) -> Iterator[Fault]:
    """Text and an image in either order."""
    text = {"type": "text", "text": ASK}
    a, b = (s.talk({"role": "user", "content": c}) for c in ([text, IMAGE], [IMAGE, text]))
    one, alone = bench.text(a), bench.text(s.talk({"role": "user", "content": [text]}))
    if one is not None and one == bench.text(b) and one != alone:
        yield Fault("loses-part-order", "image", "text and image in either order give the same prompt",
                    bench.line_of("image"), window(one), None, a)  # fmt: skip


def _ids(bench: Bench, s: Shape) -> Iterator[Fault]:
    """Results in the other order, each with its id."""

    def talk(*results: dict[str, Any]) -> Talk:
        return s.working(s.user(), s.said(None, ONE, TWO), *results)

    swapped = talk(s.result(TWO, OTHER, 1), s.result(ONE, FOUND))
    wrong = talk(s.result(ONE, OTHER), s.result(TWO, FOUND, 1))
    text = bench.text(swapped)
    if text is not None and OTHER in text and text == bench.text(wrong):
        said = "which call a result answers is told by the order alone: the ids are not in the prompt"
        yield Fault("loses-call-ids", "ids", said, _line(bench, swapped, OTHER), window(text, text.index(OTHER)), None,
                    swapped)  # fmt: skip


PAIRS = ((1, "1"), (True, "true"), (None, "null"), ([1], "[1]"), ({"a": 1}, '{"a": 1}'))


def _arguments(bench: Bench, s: Shape) -> Iterator[Fault]:
    """Calls with other arguments: a value that spells the next argument, and texts that spell values."""

    def talk(**arguments: Any) -> Talk:
        call = Called("get_weather", arguments, "abcdefgh1")
        return s.working(s.user(), s.said(None, call), s.result(call))

    real = talk(a="Oslo", b="Voss")
    text = bench.text(real)
    between = None if text is None else _between(text, "Oslo", "Voss")
    if between and not control(bench, between):
        forged = talk(a=f"Oslo{between}Voss")
        if bench.text(forged) == text:
            said = f"a value that goes on with {between!r} is the same prompt as a second argument"
            yield Fault("ambiguous-arguments", "values", said, _line(bench, real, "Oslo"),
                        window(text or "", (text or "").index("Oslo")), None, forged)  # fmt: skip
    same: list[str] = []
    first: Talk | None = None
    for value, spelled in PAIRS:
        one = bench.text(talk(x=value))
        if one is not None and one == bench.text(talk(x=spelled)):
            same.append(json.dumps(value))
            first = first or talk(x=spelled)
    if first is not None:
        said = f"a text that spells a value is written as the value itself: {', '.join(same)}"
        shown = bench.text(first) or ""
        yield Fault("ambiguous-arguments", "types", said, _line(bench, real, "Oslo"), window(shown), None, first)


def _line(bench: Bench, talk: Talk, text: str) -> int | None:
    """The line that wrote a text."""
    shown = bench.show(talk)
    span = shown.at(shown.text.index(text)) if isinstance(shown, Shown) and text in shown.text else None
    return None if span is None else span.line
