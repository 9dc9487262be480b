"""Arrange passes of templates that write a think block in every assistant turn, if an empty one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..layout import Context, Placed
from ..turns import Reasoning, Text
from .arrange import Indexed, has_calls, strip_ends, without_empty


def last_user(turns: list[Placed]) -> int:
    """Where the last user turn is, -1 if there is none."""
    return max((at for at, t in enumerate(turns) if t.role == "user"), default=-1)


def joined(parts: Sequence[Indexed]) -> list[Indexed]:
    """Texts that stand side by side as one, and none that are empty."""
    out: list[Indexed] = []
    for i, p in parts:
        before = out[-1] if out else None
        if isinstance(p, Text) and before is not None and isinstance(before[1], Text):
            out[-1] = (before[0] if before[0] is not None else i, replace(p, text=before[1].text + p.text))
        elif not isinstance(p, Text) or p.text:
            out.append((i, p))
    return out


@dataclass(frozen=True, slots=True)
class BlockInEveryTurn:
    """Reasoning stays behind the last user turn, or everywhere with the option `keep`; every other turn has an empty
    block. MiMo-V2-Flash chat_template.jinja, lines 25-29 and 96-100."""

    keep: str

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        since = -1 if context.options[self.keep] else last_user(turns)
        return [self._turn(t, at > since) if t.role == "assistant" else t for at, t in enumerate(turns)]

    def _turn(self, t: Placed, kept: bool) -> Placed:
        text = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning)) if kept else ""
        index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None) if text else None
        rest = ((i, p) for i, p in without_empty(t) if not isinstance(p, Reasoning))
        return t.having((index, Reasoning(text, prefilled=not text)), *rest)


@dataclass(frozen=True, slots=True)
class CutThinking:
    """Option `truncate_history_thinking`: no reasoning before the last user turn. Blanks behind a turn's content are
    trimmed, and those before it in an old turn with calls (`trim`). An old turn without calls that had reasoning keeps
    the line end that stood behind it (`gap`). Nemotron-3-Nano chat_template.jinja, lines 106-174; Nemotron-3-Ultra,
    lines 99-162, without both."""

    trim: bool = True
    gap: str = "\n"

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        since = last_user(turns) if context.options["truncate_history_thinking"] else -1
        return [self._turn(t, at < since) if t.role == "assistant" else t for at, t in enumerate(turns)]

    def _turn(self, t: Placed, old: bool) -> Placed:
        text = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning))
        index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None)
        rest: list[Indexed] = [(i, p) for i, p in without_empty(t) if not isinstance(p, Reasoning)]
        thought = bool(text.strip())
        if old and not has_calls(t) and thought and self.gap:
            rest = [(None, Text(self.gap)), *rest]
        if not old or not has_calls(t) or self.trim:
            rest = strip_ends(rest, start=old and has_calls(t))
        rest = joined(rest)
        if thought and not old:
            rest = [(index, Reasoning(text)), *rest]
        return t.having(*rest)


@dataclass(frozen=True, slots=True)
class Effort:
    """With the option `name`, a line behind the last user turn. Nemotron-3-Super chat_template.jinja, lines 180-181;
    Nemotron-3-Ultra, lines 167-168."""

    name: str
    line: str

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        if not context.options[self.name]:
            return turns
        user = last_user(turns)
        return [t.having(*t.parts, (None, Text("\n\n" + self.line))) if at == user else t for at, t in enumerate(turns)]
