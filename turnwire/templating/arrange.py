"""Arrange passes: what official templates do to a list of turns before they write it. Named, shared, and each
citing the template line it copies. A pass maps a list of `Placed` to a list of `Placed`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..layout import Context, Placed
from ..turns import Media, Part, Reasoning, Result, Text

Indexed = tuple["int | None", Part]
OPEN, CLOSE = "<think>", "</think>"


def split_reasoning(turns: list[Placed], context: Context) -> list[Placed]:
    """Content that holds a reasoning block, in a turn without reasoning, becomes reasoning and content: what is
    before the first </think> (behind a <think>), and what is behind the last. Qwen3-8B chat_template.jinja,
    lines 38-46. Option `split_reasoning`."""
    return [_split(t) for t in turns] if context.options.get("split_reasoning", True) else turns


def _split(t: Placed) -> Placed:
    if t.role != "assistant" or any(isinstance(p, Reasoning) for _, p in t.parts) or CLOSE not in t.text:
        return t
    text = t.text
    index = next(i for i, p in t.parts if isinstance(p, Text))
    reasoning = text.split(CLOSE)[0].rstrip("\n").split(OPEN)[-1].lstrip("\n")
    content = text.split(CLOSE)[-1].lstrip("\n")
    rest: list[Indexed] = [(i, p) for i, p in t.parts if not isinstance(p, Text)]
    return t.having((index, Reasoning(reasoning)), *([(index, Text(content))] if content else []), *rest)


def drop_reasoning(turns: list[Placed], context: Context) -> list[Placed]:
    """No reasoning in any turn: templates of models that do not reason ignore `reasoning_content`."""
    return [
        t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning))) if t.role == "assistant" else t
        for t in turns
    ]


def last_query(turns: list[Placed], blanks: str | None = "") -> int:
    """Where the last user turn is that is not a wrapped tool response; the last turn if there is none.
    `blanks`: characters to trim before looking (None: all blanks)."""
    for at in range(len(turns) - 1, -1, -1):
        t = turns[at]
        text = t.text.strip(blanks)
        wrapped = text.startswith("<tool_response>") and text.endswith("</tool_response>")
        if t.role == "user" and not wrapped:
            return at
    return len(turns) - 1


@dataclass(frozen=True, slots=True)
class ThinkSinceQuery:
    """Reasoning stays behind the last query only. There, a think block stands in the last turn, in turns that
    have reasoning, and, if `always`, in every turn; one that the layout made up is marked prefilled. `trim`:
    characters trimmed off reasoning (None: all blanks). Qwen3-8B chat_template.jinja lines 18-25 and 47-56;
    Qwen3.5 the same with `always` and `trim=None`."""

    always: bool = False
    trim: str | None = "\n"

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        query = last_query(turns, None if self.trim is None else "")
        last = len(turns) - 1
        return [
            self._turn(t, at > query, at == last) if t.role == "assistant" else t for at, t in enumerate(turns)
        ]

    def _turn(self, t: Placed, thinks: bool, last: bool) -> Placed:
        rest = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning)]
        index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None)
        text = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning)).strip(self.trim)
        if thinks and (self.always or text or last):
            if self.trim is not None and rest and isinstance(rest[0][1], Text):
                rest[0] = (rest[0][0], replace(rest[0][1], text=rest[0][1].text.lstrip(self.trim)))
            rest = [(index, Reasoning(text, prefilled=not text)), *rest]
        return t.having(*(p for p in rest if not (isinstance(p[1], Text) and not p[1].text)))


@dataclass(frozen=True, slots=True)
class Trim:
    """Blanks at both ends of a turn's content are trimmed (Jinja's `trim`); of all turns, or of those `only`."""

    only: Callable[[Placed], bool] | None = None

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        return [t.having(*_trim_parts(list(t.parts))) if self.only is None or self.only(t) else t for t in turns]


def has_calls(t: Placed) -> bool:
    """An assistant turn with calls."""
    return t.role == "assistant" and any(p.kind == "call" for _, p in t.parts)


def _trim_parts(parts: list[Indexed]) -> list[Indexed]:
    texts = [at for at, (_, p) in enumerate(parts) if isinstance(p, (Text, Media, Result))]
    out: list[Indexed] = []
    for at, (i, p) in enumerate(parts):
        if isinstance(p, Result):
            inner = _trim_parts([(None, q) for q in p.content])
            p = replace(p, content=tuple(q for _, q in inner if isinstance(q, (Text, Media))))
        elif isinstance(p, Text):
            text = p.text
            if at == texts[0]:
                text = text.lstrip()
            if at == texts[-1]:
                text = text.rstrip()
            p = replace(p, text=text)
            if not text:
                continue
        out.append((i, p))
    return out
