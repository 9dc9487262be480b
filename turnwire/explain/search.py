"""search: conversations for which two sides differ, found and shrunk by Hypothesis (the extra `search`).

Conversations are such as an OpenAI client may send (`draw.py`), with options that both sides know and a generation
prompt. One that a side refuses shows no difference; such are counted. Where both sides are templates, arguments also
come as strings and content as lists of parts, which formats take for the same. What is found is shrunk by Hypothesis,
then by taking away (`lint/shrink.py`). The same seed gives the same search.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ..errors import InputError, TurnwireError
from ..tokens import Tokenizer
from .again import SWITCHES
from .diff import Divergence, diff
from .draw import client, hypothesis, talks, written
from .lint.findings import Talk
from .lint.shrink import shrink
from .sides import FormatSide, Side, TemplateSide, lent, side

DAY = "2026-01-15"  # where a prompt says the date
SPECIAL = {"bos_token": "<bos>", "eos_token": "<eos>"}


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
    _ = hypothesis()
    if budget < 1:
        raise InputError(f"a budget of {budget}", value=budget, path="budget", expected="1 or more")
    sides = lent(side(a), side(b))
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
        package = hypothesis()
        nothing: Any = package.errors.NoSuchExample
        how = package.settings(
            max_examples=self.budget, database=None, deadline=None, suppress_health_check=list(package.HealthCheck),
            phases=(package.Phase.generate, package.Phase.shrink),
        )  # fmt: skip
        made = conversations(self.sides, self.given, self.tools)
        found: Divergence | None = None
        try:
            least: Any = package.find(made, self.differ, settings=how, random=Random(self.seed))
            least = shrink(Talk(least["messages"], least["tools"], least["options"]), self.shows)
            ours, theirs = self.options(least.variables)
            found = diff(*self.sides, least.messages, least.tools, self.tokenizer, ours, theirs)
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

    def shows(self, talk: Talk) -> bool:
        """Whether the sides differ in a conversation that is smaller than the one that was found."""
        return self.differ({"messages": talk.messages, "tools": talk.tools, "options": dict(talk.variables)})

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
    st: Any = hypothesis().strategies
    both = all(isinstance(s, TemplateSide) for s in sides)
    forms = [client(a, c) for c in (False, True) for a in (False, True)] if both else [client()]
    names = [n for n in SWITCHES if not any(n in g for g in given) and _varied(sides, n)]
    prompt = {} if any("add_generation_prompt" in g for g in given) else {"add_generation_prompt": st.booleans()}
    switches = st.fixed_dictionaries(prompt, optional={n: st.sampled_from(SWITCHES[n]) for n in names})

    def made(drawn: tuple[Any, Any, Any]) -> dict[str, Any]:
        form, said, options = drawn
        return {"messages": written(form, said), "tools": said.tools if tools is None else tools, "options": options}

    return st.tuples(st.sampled_from(forms), talks(), switches).map(made)
