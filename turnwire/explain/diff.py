"""diff: two prompts of one conversation, where they first differ, everywhere else, and why.

Each side is whatever `sides.side` takes. Prompts that both have ids are the same if their ids are; else if their text
is.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError, TurnwireError
from ..tokens import Tokenizer
from .again import Asked, explained
from .case import Case
from .causes import NAMES, named
from .causes_own import owned
from .fragment import diverged
from .regions import Cause, Excerpt, Kind, Region, find_regions, readings
from .sides import Prompt, lent, side

LONGEST = 2_000  # characters of an excerpt that `to_dict` gives
MOST_NAMED = 1_000  # regions whose causes are looked for
UNKNOWN = Cause("unknown", NAMES["unknown"])


@dataclass(frozen=True)
class Divergence:
    """How two prompts differ. `kind`: "text"; "ids", one text in other tokens; "unread", ids that nothing spells.

    `regions` are in order, and what lies between them is equal. `messages`, `tools`, `options_a` and `options_b` are
    what was rendered."""

    kind: Kind
    a: Prompt
    b: Prompt
    regions: tuple[Region, ...]
    messages: Any = None
    tools: Any = None
    options_a: Mapping[str, Any] = field(default_factory=dict[str, Any])
    options_b: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def first(self) -> Region:
        """The first region."""
        return self.regions[0]

    @property
    def causes(self) -> dict[str, int]:
        """How many regions each cause explains, the commonest first."""
        return dict(Counter(c.name for r in self.regions for c in r.causes).most_common())

    def show(self, *, color: bool = True, every: bool = False) -> None:
        """Prints it for people, as `turnwire diff` does; needs rich (the extra `cli`)."""
        if importlib.util.find_spec("rich") is None:
            raise InputError("what people read needs rich", path="show", expected="pip install 'turnwire[cli]'")
        from ..show import console
        from .diffview import show

        show(console(color), self, every)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "equal": False,
            "kind": self.kind,
            "a": _prompt(self.a),
            "b": _prompt(self.b),
            "causes": self.causes,
            "regions": [_region(r) for r in self.regions],
            "conversation": {"messages": self.messages, "tools": self.tools},
            "options": {"a": dict(self.options_a), "b": dict(self.options_b)},
        }

    def _repr_html_(self) -> str:
        """For notebooks."""
        return diverged(self)

    def __str__(self) -> str:
        r = self.first
        said = "; ".join(f"{c.name}: {c.detail}" for c in r.causes)
        count = f"{len(self.regions)} region" + "s" * (len(self.regions) > 1)
        where = r.a.path or r.b.path or r.a.near or r.b.near
        return f"{self.a.name} / {self.b.name}: {count}; first at character {r.a.start} {where}: {said}".replace(
            "\n", "\\n"
        )


def diff(
    a: Any,
    b: Any,
    messages: Any = None,
    tools: Any = None,
    tokenizer: Tokenizer | None = None,
    options_a: Mapping[str, Any] | None = None,
    options_b: Mapping[str, Any] | None = None,
    **options: Any,
) -> Divergence | None:
    """How the prompts of `a` and `b` differ, None if they are the same.

    `a`, `b`: a `Format`, `ChatTemplate`, path of a model folder, template or GGUF, `Logged`, `Engine`, or a name such
    as `format:qwen3`. `options` are keywords of `render` for both sides, `options_a` and `options_b` for one. Without a
    tokenizer, that of a model folder among the sides is taken; without any, text is compared. Raises as `render` does.
    """
    ours, theirs = lent(side(a), side(b))
    own = [getattr(s, "tokenizer", None) for s in (ours, theirs)] if tokenizer is None else [tokenizer, tokenizer]
    asked: list[Asked] = []
    for s, mine, other, more in ((ours, own[0], own[1], options_a), (theirs, own[1], own[0], options_b)):
        given = {**options, **(more or {})}
        try:
            prompt = s.prompt(messages, tools, mine or other, given)
        except TurnwireError as e:
            raise e.on(s.name) from None
        asked.append(Asked(s, prompt, messages, tools, given))
    return compare(asked[0], asked[1])


def compare(a: Asked, b: Asked, *, why: bool = True) -> Divergence | None:
    """`diff`, of prompts that are there. `why=False`: without the causes."""
    pair = readings(a.prompt, b.prompt)
    if pair is None:
        return None
    regions = find_regions(*pair)
    if not regions:
        raise InputError("prompts that differ nowhere", path="side", expected="text, or ids")
    if why:
        few, rest = regions[:MOST_NAMED], regions[MOST_NAMED:]
        case = Case(*pair, few)
        few = named(case)
        few = explained(a, b, pair, few) if not rest else few
        regions = [*owned(case, few), *rest]
    done = tuple(r if r.causes else r.because((UNKNOWN,)) for r in regions)
    kinds = {r.kind for r in done}
    kind: Kind = "text" if "text" in kinds else "unread" if "unread" in kinds else "ids"
    return Divergence(kind, a.prompt, b.prompt, done, a.messages, a.tools, a.options, b.options)


def _prompt(p: Prompt) -> dict[str, Any]:
    tokens = None if p.ids is None else len(p.ids)
    return {"name": p.name, "characters": len(p.text), "tokens": tokens, "assets": dict(p.assets)}


def _region(r: Region) -> dict[str, Any]:
    causes = [{"name": c.name, "detail": c.detail, "side": c.side or None} for c in r.causes]
    return {"kind": r.kind, "causes": causes, "a": _excerpt(r.a), "b": _excerpt(r.b)}


def _excerpt(e: Excerpt) -> dict[str, Any]:
    long = len(e.text) > LONGEST
    text = e.text if not long else e.text[: LONGEST // 2] + "..." + e.text[-LONGEST // 2 :]
    return {
        "start": e.start, "stop": e.stop, "before": e.before, "text": text, "after": e.after, "cut": long,
        "tokens": e.tokens, "ids": None if e.ids is None else list(e.ids[:LONGEST]),
        "ids_before": list(e.ids_before), "ids_after": list(e.ids_after), "pieces": list(e.pieces[:LONGEST]),
        "path": e.path, "near": e.near, "message": e.message, "part": e.part, "part_kind": e.kind,
        "line": e.line, "source": e.source,
    }  # fmt: skip
