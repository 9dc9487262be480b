"""search: conversations for which two sides differ, found and shrunk by Hypothesis (the extra `search`).

Conversations are such as an OpenAI client may send: an optional system message, users, assistants with text, reasoning
and calls, results of tools; with tools, options that both sides know, and a generation prompt. A conversation that a
side refuses shows no difference; such are counted. Where both sides are templates, arguments also come as strings and
content as lists of parts, which formats take for the same. The same seed gives the same search.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

from ..errors import InputError, TurnwireError
from ..tokens import Tokenizer
from .again import SWITCHES
from .diff import Divergence, diff
from .sides import FormatSide, Side, TemplateSide, side

DAY = "2026-01-15"  # where a prompt says the date
SPECIAL = {"bos_token": "<bos>", "eos_token": "<eos>"}
TEXTS = (
    "x", "Hi.", " x", "x\n", "é", "\n\nx ", 'a "b"', "\\", "{", "<b>", "&", "日本", "it's", "True", "null",
    "<think>", "x</think>y", "<think>\na\n</think>\n\nb", "\t1", "😀", "</tool_call>", "[1]", '{"a": 1}', "a\n\n\nb",
    " ",
)  # fmt: skip
SCALARS = ("x", "", 0, 1.5, True, False, None, "é", "<b>", "a\nb", '"', "'", -1, 1e20, "null")
NAMES = ("f", "get_weather", "a-b")
KEYS = ("a", "city", "description", "type", "é")
TYPES: tuple[Any, ...] = (
    {"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "string", "enum": ["x", "y"]},
    {"type": "array", "items": {"type": "number"}}, {"type": ["string", "null"]}, {"type": "string", "default": "é"},
    {"type": "object", "properties": {"b": {"type": "string"}}}, {"anyOf": [{"type": "string"}, {"type": "null"}]},
)  # fmt: skip


@dataclass(frozen=True)
class Searched:
    """What a search found. `found`: how the sides differ for the smallest conversation that showed it, None if none
    did. `tried`: conversations that both sides rendered, of `budget`, before a difference was found; `refused`: those
    that only "a", only "b", or both ("ab") did not render; `reasons`: the first of either side."""

    found: Divergence | None
    a: str
    b: str
    tried: int
    budget: int
    seed: int
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    shrunk: int = 0
    """Conversations that were looked at to make the first one smaller."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "equal": self.found is None, "a": self.a, "b": self.b, "tried": self.tried, "budget": self.budget,
            "seed": self.seed, "refused": dict(self.refused), "reasons": dict(self.reasons), "shrunk": self.shrunk,
            "found": None if self.found is None else self.found.to_dict(),
        }  # fmt: skip


def search(
    a: Any,
    b: Any,
    *,
    budget: int = 1_000,
    seed: int = 0,
    tools: Any = None,
    tokenizer: Tokenizer | None = None,
    options_a: Mapping[str, Any] | None = None,
    options_b: Mapping[str, Any] | None = None,
    **options: Any,
) -> Searched:
    """Looks for a conversation for which the prompts of `a` and `b` differ; see the head of this file.

    `tools`: these, instead of such as are made up. Options that are given are not varied. Raises `InputError` without
    the package hypothesis, and for a side that has one prompt only."""
    if importlib.util.find_spec("hypothesis") is None:
        raise InputError("the search needs hypothesis", path="search", expected="pip install 'turnwire[search]'")
    if budget < 1:
        raise InputError(f"a budget of {budget}", value=budget, path="budget", expected="1 or more")
    sides = side(a), side(b)
    for s in sides:
        if getattr(s, "fixed", False):
            raise InputError(f"{s.name} has one prompt only", value=s.name, path="search", expected="messages")
    if tokenizer is None and not all(isinstance(s, (FormatSide, TemplateSide)) for s in sides):
        tokenizer = next(
            (t for s in sides if (t := getattr(s, "tokenizer", None))), None
        )  # a server has ids of its own
    return _Search(
        sides, budget, seed, tools, tokenizer, ({**options, **(options_a or {})}, {**options, **(options_b or {})})
    ).run()


@dataclass
class _Search:
    sides: tuple[Side, Side]
    budget: int
    seed: int
    tools: Any
    tokenizer: Tokenizer | None
    given: tuple[dict[str, Any], dict[str, Any]]

    def __post_init__(self) -> None:
        self.tried = self.shrunk = 0
        self.refused = {"a": 0, "b": 0, "ab": 0}
        self.reasons: dict[str, str] = {}
        self.seen: dict[str, bool] = {}
        self.hit = False

    def run(self) -> Searched:
        hypothesis: Any = importlib.import_module("hypothesis")
        nothing: Any = importlib.import_module("hypothesis.errors").NoSuchExample
        how = hypothesis.settings(
            max_examples=self.budget, database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck),
            phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        )  # fmt: skip
        made = conversations(self.sides, self.given, self.tools)
        found: Divergence | None = None
        try:
            least: Any = hypothesis.find(made, self.differ, settings=how, random=Random(self.seed))
            ours, theirs = self.options(least["options"])
            found = diff(*self.sides, least["messages"], least["tools"], self.tokenizer, ours, theirs)
        except nothing:
            pass
        a, b = (s.name for s in self.sides)
        return Searched(found, a, b, self.tried, self.budget, self.seed, self.refused, self.reasons, self.shrunk)

    def options(self, more: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Of either side."""
        out: list[dict[str, Any]] = []
        for s, given in zip(self.sides, self.given):
            day: dict[str, Any] = {"now": DAY} if dated(s) else {}
            if all(isinstance(s, TemplateSide) and not s.template(None).bos_token for s in self.sides):
                day |= SPECIAL  # of templates without their tokenizers
            out.append({**day, **more, **given})
        return out[0], out[1]

    def differ(self, conversation: Any) -> bool:
        """Whether the sides differ here."""
        key = json.dumps(conversation)  # in its order: that of the keys may be the difference
        if key in self.seen:
            return self.seen[key]
        texts: list[Any] = []
        unwilling = ""
        messages, tools = conversation["messages"], conversation["tools"]
        for name, s, options in zip("ab", self.sides, self.options(conversation["options"])):
            try:
                if self.tokenizer is None and isinstance(s, (FormatSide, TemplateSide)):
                    texts.append(s.text(messages, tools, options))
                else:
                    prompt = s.prompt(messages, tools, self.tokenizer, options)
                    texts.append(prompt.ids or prompt.text)
            except TurnwireError as e:
                unwilling += name
                self.reasons.setdefault(name, str(e).partition("\n")[0])
        if unwilling:
            if not self.hit:
                self.refused[unwilling] += 1
            self.seen[key] = False
            return False
        result = self.seen[key] = texts[0] != texts[1]
        if self.hit:
            self.shrunk += 1
        else:
            self.tried += 1
        self.hit = self.hit or result
        return result


def dated(s: Side) -> bool:
    """Whether the side takes `now`."""
    return isinstance(s, TemplateSide) or (isinstance(s, FormatSide) and "now" in s.format.options)


def knows(s: Side, name: str) -> bool | None:
    """Whether a side reads an option; None if it takes any."""
    if isinstance(s, FormatSide):
        return name in s.format.options
    return name in s.template(None).source if isinstance(s, TemplateSide) else None


def _varied(sides: tuple[Side, Side], name: str) -> bool:
    """Whether an option is given both values: a side reads it, and no format is without it."""
    known = [knows(s, name) for s in sides]
    return any(known) and not any(isinstance(s, FormatSide) and not k for s, k in zip(sides, known))


def conversations(sides: tuple[Side, Side], given: tuple[Mapping[str, Any], Mapping[str, Any]], tools: Any) -> Any:
    """The strategy: {messages, tools, options}, the simplest first."""
    st: Any = importlib.import_module("hypothesis.strategies")
    both = all(isinstance(s, TemplateSide) for s in sides)
    word = st.sampled_from(TEXTS)
    scalar = st.sampled_from(SCALARS)
    value = st.one_of(scalar, st.lists(scalar, max_size=2), st.dictionaries(st.sampled_from(KEYS), scalar, max_size=2))
    arguments = st.dictionaries(st.sampled_from(KEYS), value, max_size=2)
    forms = [(a, c) for c in (False, True) for a in (False, True)] if both else [(False, False)]
    names = [n for n in SWITCHES if not any(n in g for g in given) and _varied(sides, n)]
    prompt = {} if any("add_generation_prompt" in g for g in given) else {"add_generation_prompt": st.booleans()}
    switches = st.fixed_dictionaries(prompt, optional={n: st.sampled_from(SWITCHES[n]) for n in names})

    listing = st.one_of(st.none(), st.lists(_tool(st, word), min_size=1, max_size=2, unique_by=_called))

    @st.composite  # type: ignore[untyped-decorator]
    def made(draw: Any) -> dict[str, Any]:
        written, parts = draw(st.sampled_from(forms))  # of one client: arguments as strings, content as parts
        agent = draw(st.booleans())
        messages: list[dict[str, Any]] = []

        def say(role: str) -> dict[str, Any]:
            text = draw(word)
            messages.append({"role": role, "content": [{"type": "text", "text": text}] if parts else text})
            return messages[-1]

        if draw(st.booleans()):
            say("system")
        number = 0
        for _ in range(draw(st.integers(1, 3))):
            say("user")
            for _ in range(draw(st.integers(0, 2 if agent else 1))):
                said = say("assistant")
                if draw(st.booleans()):
                    said["reasoning_content"] = draw(word)
                calls = draw(st.integers(0, 2)) if agent else 0
                if not calls:
                    break
                if draw(st.booleans()):
                    said["content"] = ""
                asked = said["tool_calls"] = list[dict[str, Any]]()
                for _ in range(calls):
                    number += 1
                    given = draw(arguments)
                    given = json.dumps(given) if written else given
                    function = {"name": draw(st.sampled_from(NAMES)), "arguments": given}
                    asked.append({"id": f"call{number:05}", "type": "function", "function": function})
                for call in asked:
                    say("tool").update({"tool_call_id": call["id"], "name": call["function"]["name"]})
        listed = tools if tools is not None else draw(listing) if agent else None
        return {"messages": messages, "tools": listed, "options": draw(switches)}

    return made()


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
