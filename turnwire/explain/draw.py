"""Random conversations, with Hypothesis (the extra `search`): one strategy, for `diff` and for `lint`.

What is said is drawn (`Drawn`): an optional system message, rounds of a user and the assistant with text, reasoning,
calls and their results, tools. `written` makes messages of it in a `Shape`: what a client sends, or what a template is
happiest with. The texts hold what templates and engines are known to trip over. The simplest come first, toward which
Hypothesis shrinks. The same seed and number draw the same.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, NamedTuple, TypeAlias, cast

from ..errors import InputError
from ..inference.probe import Called, Mode
from .lint.cases import Shape

TEXTS = (
    "x", "Hi.", " x", "x\n", "é", "\n\nx ", 'a "b"', "\\", "{", "<b>x</b> & y", "&", "日本", "it's", "True", "null",
    "0", "<think>", "x</think>y", "<think>\na\n</think>\n\nb", "\t1", "😀", "</tool_call>", "[1]", '{"a": 1}',
    "{'a': None}", "a\n\n\nb", " ", "\n", "[INST]", "{{ x }} {% y %}", "```py\nx\n```", "a" * 300,
)  # fmt: skip
SCALARS = ("x", "", 0, 1.5, True, False, None, "é", "<b>", "a\nb", '"', "'", -1, 1e20, "null", " padded ", 9_999)
NAMES = ("f", "get_weather", "a-b")
KEYS = ("a", "city", "description", "type", "é", "name", "arguments", "x y", "items")
TYPES: tuple[Any, ...] = (
    {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "string", "enum": ["x", "y"]},
    {"type": "array", "items": {"type": "number"}}, {"type": ["string", "null"]}, {"type": "string", "default": "é"},
    {"type": "object", "properties": {"b": {"type": "string"}}}, {"anyOf": [{"type": "string"}, {"type": "null"}]},
)  # fmt: skip

Call: TypeAlias = "tuple[str, dict[str, Any]]"


class Step(NamedTuple):
    """A turn of the assistant's that calls: what it says and thinks beside the calls, and the results."""

    calls: list[Call]
    text: str | None
    thought: str | None
    results: tuple[str, ...]


class Round(NamedTuple):
    """What a user asks, and what comes of it. `answer`: the last round may have none."""

    asked: str
    steps: list[Step]
    answer: str | None
    thought: str | None


class Drawn(NamedTuple):
    """A conversation."""

    opened: str | None
    rounds: list[Round]
    tools: list[dict[str, Any]] | None


def client(strings: bool = False, parts: bool = False) -> Shape:
    """What an OpenAI client sends: arguments as JSON text, content as lists of parts."""
    return Shape(Mode(strings=strings, nothing="", listed=parts, reasoning=("reasoning_content",)))


def hypothesis() -> Any:
    """The package; raises `InputError` without it."""
    if importlib.util.find_spec("hypothesis") is None:
        raise InputError("the search needs hypothesis", path="search", expected="pip install 'turnwire[search]'")
    importlib.import_module("hypothesis.strategies")
    return importlib.import_module("hypothesis")


def talks(calls: bool = True, thoughts: bool = True) -> Any:
    """The strategy of `Drawn`."""
    st: Any = hypothesis().strategies
    text = st.sampled_from(TEXTS)
    thought = st.none() | text if thoughts else st.none()

    def within(inner: Any) -> Any:
        return st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=2)

    value = st.recursive(st.sampled_from(SCALARS), within, max_leaves=3)
    call = st.tuples(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(KEYS), value, max_size=2))
    step = st.builds(
        Step, st.lists(call, min_size=1, max_size=3), st.none() | text, thought, st.tuples(text, text, text)
    )
    listing = st.none() | st.lists(_tool(st, text), min_size=1, max_size=2, unique_by=_called)

    @st.composite  # type: ignore[untyped-decorator]
    def made(draw: Any) -> Drawn:
        agent = calls and draw(st.booleans())
        steps = st.lists(step, max_size=2) if agent else st.just([])
        rounds = st.lists(st.builds(Round, text, steps, st.none() | text, thought), min_size=1, max_size=3)
        return Drawn(draw(st.none() | text), draw(rounds), draw(listing) if agent else None)

    return made()


def written(shape: Shape, drawn: Drawn) -> list[dict[str, Any]]:
    """The messages."""
    messages = [] if drawn.opened is None else [shape.system(drawn.opened)]
    number = 0
    for n, (asked, steps, answer, thought) in enumerate(drawn.rounds, 1):
        messages.append(shape.user(asked))
        for calls, text, mind, results in steps:
            some: list[Called] = []
            for name, arguments in calls:
                number += 1
                some.append(Called(name, arguments, f"call{number:05}"))
            messages.append(shape.said(text, *some, thought=mind))
            messages += [shape.result(c, results[i], i) for i, c in enumerate(some)]
        if answer is not None or n < len(drawn.rounds):
            messages.append(shape.said(answer or TEXTS[0], thought=thought))
    return messages


def _tool(st: Any, word: Any) -> Any:
    properties = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(TYPES), max_size=2)

    def schema(drawn: tuple[Any, bool, bool]) -> dict[str, Any]:
        inner, required, more = drawn
        out: dict[str, Any] = {"type": "object", "properties": inner}
        return out | ({"required": [*inner]} if required else {}) | ({"additionalProperties": False} if more else {})

    parameters = st.tuples(properties, st.booleans(), st.booleans()).map(schema)
    function: Any = st.fixed_dictionaries(
        {"name": st.sampled_from(NAMES), "description": word, "parameters": parameters},
        optional={"strict": st.just(True)},
    )

    def whole(made: dict[str, Any]) -> dict[str, Any]:
        return {"type": "function", "function": made}

    return function.map(whole)


def _called(tool: Any) -> str:
    return cast("str", tool["function"]["name"])


def examples(strategy: Any, look: Any, number: int, seed: int) -> None:
    """Calls `look` with what a strategy draws: `number` of them, the same for a seed. None is shrunk or kept."""
    package = hypothesis()
    run: Any = package.settings(
        max_examples=number, database=None, deadline=None, phases=[package.Phase.generate],
        suppress_health_check=[*package.HealthCheck],
    )(package.given(strategy)(look))  # fmt: skip
    package.seed(seed)(run)()
