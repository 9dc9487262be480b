"""Random conversations, with Hypothesis (the extra `search`): what the chosen ones do not show.

They are of the shape that the template is happiest with, so that what they show is not due to the shape; their texts
hold what templates are known to trip over. A fault that is not known yet is kept and made smaller without chance
(`shrink`). The same seed and budget draw the same conversations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import OptionError
from ...inference.probe import Called
from .cases import RICH, TOOL, UNTYPED, Case, Shape
from .findings import Talk

if TYPE_CHECKING:
    from . import Lint

TEXTS = (
    "Hi.", "Rain?", "It will rain.", "  padded  ", "two\n\nlines", "\n", "ends\n", "it's", 'say "hi"', "a\\b", "日本 é",
    "<b>x</b> & y", "<think>why</think>so", "</think>", "{{ x }} {% y %}", "{'a': None}", "None", "[1, 2]", '{"k": 1}',
    "```py\nx\n```", "</tool_call>", "<|im_end|>", "[INST]", "0", "a" * 300,
)  # fmt: skip
KEYS = ("city", "days", "name", "arguments", "type", "items", "x y", "ü")
NAMES = ("get_weather", "plan_trip", "note_down")


def search_faults(lint: Lint, budget: int, seed: int) -> int:
    """Adds the faults of `budget` random conversations to those that are known; how many were tried."""
    try:
        import hypothesis
        from hypothesis import strategies as st
    except ImportError:
        raise OptionError("searching needs Hypothesis", value=budget, path="search",
                          expected="pip install 'turnwire[search]'") from None  # fmt: skip
    tried = 0
    every: Any = hypothesis.HealthCheck  # a slow template is no reason to stop

    def look(talk: Talk) -> None:
        nonlocal tried
        tried += 1
        lint.add(Case(f"search:{tried}", talk), again=False)

    given: Any = hypothesis.given
    run: Any = given(talks(st, Shape(lint.bench.mode), lint.bench.calls))(look)
    run = hypothesis.settings(
        max_examples=budget, database=None, deadline=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=[*every],
    )(run)  # fmt: skip
    seeded: Any = hypothesis.seed(seed)
    seeded(run)()
    return tried


def talks(st: Any, shape: Shape, calls: bool) -> Any:
    """A strategy of conversations: rounds of a user and the assistant, some with calls and their results."""
    text = st.sampled_from(TEXTS)
    thought = st.none() | text if shape.mode.reasoning else st.none()

    def within(inner: Any) -> Any:
        return st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)

    def built(drawn: Any) -> Talk:
        opened, rounds, last, tools = drawn
        return _talk(shape, opened, rounds, last, tools and calls)

    plain = st.none() | st.booleans() | st.integers(-9, 9_999) | st.sampled_from((0.5, -2.25)) | text
    value = st.recursive(plain, within, max_leaves=4)
    called = st.tuples(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(KEYS), value, max_size=3))
    worked = st.tuples(st.lists(called, min_size=1, max_size=3), st.none() | text, thought, st.lists(text, min_size=3))
    steps = st.lists(worked, max_size=2) if calls else st.just([])
    rounds = st.lists(st.tuples(text, steps, text, thought), min_size=1, max_size=3)
    last = st.sampled_from(("user", "assistant", "result"))
    return st.tuples(st.none() | text, rounds, last, st.booleans()).map(built)


def _talk(shape: Shape, opened: str | None, rounds: list[Any], last: str, tools: bool) -> Talk:
    messages: list[dict[str, Any]] = [] if opened is None else [shape.system(opened)]
    thinks = False
    for asked, steps, answer, thought in rounds:
        messages.append(shape.user(asked))
        for calls, text, mind, results in steps:
            some = [Called(name, arguments) for name, arguments in calls]
            messages.append(shape.said(text, *some, thought=mind))
            messages += [shape.result(c, results[n], n) for n, c in enumerate(some)]
            thinks |= mind is not None
        messages.append(shape.said(answer, thought=thought))
        thinks |= thought is not None
    while len(messages) > 1 and last != "assistant" and messages[-1]["role"] == "assistant":
        if last == "result" and messages[-2]["role"] != "tool":
            break
        messages.pop()
    talk = shape.working(*messages, thinks=thinks) if tools else shape.talk(*messages, thinks=thinks)
    return talk._replace(tools=[TOOL, RICH, UNTYPED]) if talk.tools else talk
