"""What DeepSeek's own encoders do from V3.2 on: the arrange passes and the preamble of the DSML families.

Quoted are encoding_dsv32.py of DeepSeek-V3.2 (sha256 5e068c2b), encoding_dsv4.py of V4 (bdbd57c1) and encoding.py of
V4.1, the last as two public ports have it (vLLM 0.33 deepseek_v41_encoding.py; SGLang encoding_dsv41.py, 9c29c810).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..codecs import dumps
from ..layout import Context, Option, Placed
from ..turns import Reasoning
from ..wire import NOTHING, Tok, Word
from .preambles import function_as_json

if TYPE_CHECKING:
    from ..layout import Layout
    from .writer import Writer

OPEN, CLOSE = Tok("<think>"), Tok("</think>")
LOUDEST = (
    "Reasoning Effort: Absolute maximum with no shortcuts permitted.\n"
    "You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the root cause, "
    "rigorously stress-testing your logic against all potential paths, edge cases, and adversarial scenarios.\n"
    "Explicitly write out your entire deliberation process, documenting every intermediate step, considered "
    "alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.\n\n"
)
BUDGETS = {"low": 50, "high": 75, "max": 100}

THINKING_MODE = Option("thinking_mode", "thinking", "'chat': the prompt closes reasoning", ("thinking", "chat"))
DROP_THINKING = Option("drop_thinking", True, "a bool: False keeps the reasoning of earlier turns", (True, False))
RESPONSE_FORMAT = Option("response_format", None, "a JSON schema that the reply must keep to, or None")


def thinks(context: Context) -> bool:
    return context.options["thinking_mode"] == "thinking"


def begin_thinking(context: Context) -> Word:
    """The generation prompt opens reasoning, or closes it."""
    return OPEN if thinks(context) else CLOSE


@dataclass(frozen=True, slots=True)
class ThinkSinceUser:
    """Reasoning stays behind the last turn of `users`; of earlier turns only with `drop_thinking=False` or, if
    `drops`, with tools (V4 on: `if any(m.get("tools") ...): effective_drop_thinking = False`; V3.2 never keeps it).
    Turns without are told so: their opener is followed by </think>. With reasoning dropped, developer turns before the
    last user's go too. An assistant's turn has an opener behind `users` and results alone."""

    users: tuple[str, ...]
    drops: bool = True

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        drop = context.options["drop_thinking"] and not (self.drops and context.tools)
        last = max((at for at, t in enumerate(turns) if self._asks(t, at)), default=-1)
        out: list[Placed] = []
        opened = False
        for at, t in enumerate(turns):
            if t.role == "assistant":
                kept = thinks(context) and (at > last or (self.drops and not drop))
                out.append(replace(_thinking(t, kept, opened), headed=opened))
            elif not (t.role == "developer" and at < last and thinks(context) and drop):
                out.append(t)
            opened = t.role == "tool" or self._asks(t, at)
        return out

    def _asks(self, t: Placed, at: int) -> bool:
        return t.role in self.users and (t.role != "system" or at > 0)


def _thinking(t: Placed, kept: bool, opened: bool) -> Placed:
    index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None)
    said = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning))
    rest = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning)]
    if kept:
        return t.having((index, Reasoning(said)), *rest)
    return t.having(*([(None, Reasoning("", prefilled=True))] if opened else []), *rest)


def unanswered(turns: list[Placed], context: Context) -> list[Placed]:
    """V3.2 opens an assistant's turn behind each user's and each run of results, and closes its reasoning: also where
    there is no such turn (`user_msg_template = "<｜User｜>{content}<｜Assistant｜>"`)."""
    after = [*turns[1:], None]
    out: list[Placed] = []
    for t, behind in zip(turns, after):
        out.append(t)
        if behind is not None and behind.role not in ("assistant", t.role if t.role == "tool" else ""):
            if t.role in ("user", "developer"):
                out[-1] = replace(t, role=f"{t.role}, unanswered")
            elif t.role == "tool":
                out.append(Placed("results, unanswered", t.turn, ()))
    return out


def one_user_turn(turns: list[Placed], context: Context) -> list[Placed]:
    """V4 on: users' turns and results that follow each other are one user's turn, a blank line between them
    (`merge_tool_messages`)."""
    names = {"user": "user", "tool": "result"}
    out: list[Placed] = []
    before = ""
    for t in turns:
        role = names.get(t.role, t.role)
        out.append(replace(t, role=f"next {role}" if t.role in names and before in names else role))
        before = t.role
    return out


def no_effort(context: Context) -> str:
    """V3.2 says nothing of it."""
    return ""


def loudest_effort(context: Context) -> str:
    """V4: `if index == 0 and thinking_mode == "thinking" and reasoning_effort == 'max'`."""
    return LOUDEST if thinks(context) and context.options["reasoning_effort"] == "max" else ""


def numbered_effort(context: Context) -> str:
    """V4.1: a number, given or named; without one, "high"."""
    effort: Any = context.options["reasoning_effort"] or "high"
    budget = BUDGETS.get(effort, effort)
    line = f"Reasoning Effort: {budget} (range 1-100, the higher the value, the more thorough the reasoning)\n\n"
    return line if thinks(context) else ""


@dataclass(frozen=True, slots=True)
class Prose:
    """The first turn: how hard to think, the caller's text, tools, the form of the reply. `tools`: what is said around
    the schemas. `open`: what stands before it, if there is anything."""

    tools: tuple[str, str]
    open: Word = NOTHING
    effort: Callable[[Context], str] = no_effort

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        effort = self.effort(context)
        schema = context.options["response_format"]
        if effort or system is not None or context.tools or schema is not None:
            w.word(self.open)
        w.markup(effort)
        if system is not None:
            w.content(system, layout, context)
        if context.tools:
            w.markup("\n\n" + self.tools[0])
            for w.tool, tool in enumerate(context.tools):
                w.markup("\n" if w.tool else "")
                w.data(tool.made(function_as_json), "tools")
            w.markup(self.tools[1])
        if schema is not None:
            w.tool = None
            w.markup("\n\n## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n")
            w.data(dumps(schema), "options")
