"""What DeepSeek's templates do to a list of turns before they write it. See `arrange.py` for what a pass is.

Quoted are chat_template.jinja of DeepSeek-V3-0324 (sha256 22e97ba0), R1 (563b1ce7), R1-0528 (53671bac) and V3.1
(45690185). They are one line each; what is quoted can be found in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..layout import Context, Placed
from ..turns import Reasoning, Text

CLOSE = "</think>"


def gather_system(turns: list[Placed], context: Context) -> list[Placed]:
    """All system turns are one, in front: `ns.system_prompt + '\\n\\n' + message['content']`."""
    said = [t for t in turns if t.role == "system"]
    if not said:
        return turns
    first, *more = said
    parts = [*first.parts, *((None, Text("\n\n" + t.text)) for t in more)]
    return [first.having(*parts), *(t for t in turns if t.role != "system")]


def behind_users(turns: list[Placed], context: Context) -> list[Placed]:
    """An assistant turn that is not behind a user's has no <｜Assistant｜>: it comes with the user's turn (V3-0324:
    `'<｜User｜>' + message['content'] + '<｜Assistant｜>'`; V3.1: `{%- if ns.is_last_user %}{{'<｜Assistant｜>'`)."""
    roles = ["", *(t.role for t in turns)]
    return [
        replace(t, headed=False) if t.role == "assistant" and before != "user" else t for t, before in zip(turns, roles)
    ]


@dataclass(frozen=True, slots=True)
class DropThoughts:
    """Of an assistant turn's content, what is behind </think>: the last one (`content.split('</think>')[-1]`), or
    the first (V3.1: `content.split('</think>', 1)[1]`). `answers`: only of turns without calls that no results are
    before (R1 and V3.1)."""

    first: bool = False
    answers: bool = True

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        roles = ["", *(t.role for t in turns)]
        return [self._turn(t, before) if t.role == "assistant" else t for t, before in zip(turns, roles)]

    def _turn(self, t: Placed, before: str) -> Placed:
        if CLOSE not in t.text or (self.answers and (before == "tool" or any(p.kind == "call" for _, p in t.parts))):
            return t
        text = t.text.split(CLOSE, 1)[1] if self.first else t.text.split(CLOSE)[-1]
        at = next(i for i, p in t.parts if isinstance(p, Text))
        return t.having((at, Text(text)), *((i, p) for i, p in t.parts if not isinstance(p, Text)))


def close_thinking(turns: list[Placed], context: Context) -> list[Placed]:
    """No turn of the past thought: <｜Assistant｜> is followed by </think>. V3.1: `'<｜Assistant｜></think>'`."""
    return [
        t.having((None, Reasoning("", prefilled=True)), *t.parts) if t.role == "assistant" and t.headed else t
        for t in turns
    ]
