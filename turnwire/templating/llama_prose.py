"""What Llama's templates say about dates and tools, and how they write results. Llama 3.1's chat_template.jinja
(sha256 e10ca381, the file of 3.3 too) is cited by its lines; 3.2's (5816fce1) and 4's (01a91bfb) differ in places."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from ..codecs import dumps
from ..errors import ContentError, MessageError
from ..layout import Context, Layout, Option, Placed, Wrap
from ..turns import Call, Media, Result
from ..wire import Word

if TYPE_CHECKING:
    from .writer import Writer

TOOLS_USER = "user (tools)"
"""The role of the user turn that holds the tools."""
FORMAT = (
    'Respond in the format {"name": function name, "parameters": dictionary of argument name and its value}.'
    "Do not use variables.\n\n"
)
IN_SYSTEM = (
    "You have access to the following functions. To call a function, please respond with JSON for a function call."
)
IN_USER = (
    "Given the following functions, please respond with a JSON for a function call "
    "with its proper arguments that best answers the given prompt.\n\n"
)
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
in_user = Option(
    "tools_in_user_message", True, "a bool: tools in the first user turn, not in the system", (True, False)
)
date_3_1 = Option("date_string", "26 Jul 2024", "today, as the prompt says it", type=str)
date_3_2 = Option("date_string", None, "today, as the prompt says it", type=str)
builtin = Option("builtin_tools", None, "a list of names: tools that Llama 3.1 knows", type=(list, tuple))


def built_in(options: Mapping[str, Any], part: Any) -> bool:
    """Whether a part is a call of a built-in tool (line 74)."""
    return isinstance(part, Call) and part.name in (options.get("builtin_tools") or ())


def in_ipython(options: Mapping[str, Any], part: Any) -> bool:
    """Whether a call ends a message and not a turn (lines 91-93)."""
    return isinstance(part, Call) and options.get("builtin_tools") is not None


def system_with_date(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """A system turn in any case: environment, dates, tools if they do not go to the user, text. Lines 23-48."""
    builtins: Sequence[Any] | None = context.options.get("builtin_tools")
    wrap: Any = layout.role("system")
    w.word(wrap.open)
    if builtins is not None or context.tools is not None:
        w.markup("Environment: ipython\n")
    if builtins is not None:
        w.markup("Tools: ")
        w.data(", ".join(str(b) for b in builtins if b != "code_interpreter"), "tools")
        w.markup("\n\n")
    w.markup("Cutting Knowledge Date: December 2023\nToday Date: ")
    today = date.today()
    said = context.options["date_string"]
    w.data(f"{today.day:02} {MONTHS[today.month - 1]} {today.year}" if said is None else said, "template")
    w.markup("\n\n")
    if not context.options["tools_in_user_message"]:
        _tools(w, IN_SYSTEM, context)
    if system is not None:
        w.content(system, layout, context)
    w.word(wrap.close)


def system_if_given(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Llama 4: the same without dates, and only where there is a system turn."""
    wrap: Any = layout.role("system")
    if system is None:
        return
    w.word(wrap.open)
    if context.tools is not None:
        w.markup("Environment: ipython\n")
    if not context.options["tools_in_user_message"]:
        _tools(w, IN_SYSTEM, context)
    w.content(system, layout, context)
    w.word(wrap.close)


def _tools(w: Writer, lead: str, context: Context) -> None:
    if context.tools is None:
        return
    w.markup(lead + FORMAT)
    for w.tool, tool in enumerate(context.tools):
        w.data(json.dumps(tool.openai, ensure_ascii=False, indent=4), "tools")
        w.markup("\n\n")
    w.tool = None


def tools_to_user(turns: list[Placed], context: Context) -> list[Placed]:
    """The first turn behind the system's holds the tools. Line 54 takes whatever turn is there; this one wants a
    user's. Option `tools_in_user_message`."""
    if context.tools is None or not context.options["tools_in_user_message"]:
        return turns
    at = int(bool(turns) and turns[0].role == "system")
    if len(turns) == at or turns[at].role != "user":
        expected = "a user message first, or tools_in_user_message=False"
        raise MessageError("no first user message to put the tools into", path="messages", expected=expected)
    return [replace(t, role=TOOLS_USER) if i == at else t for i, t in enumerate(turns)]


def calls_alone(turns: list[Placed], context: Context) -> list[Placed]:
    """A turn with calls has nothing else (lines 69-88)."""
    return [
        t.having(*((i, p) for i, p in t.parts if isinstance(p, Call)))
        if any(p.kind == "call" for _, p in t.parts)
        else t
        for t in turns
    ]


@dataclass(frozen=True, slots=True)
class ToolsUser(Wrap):
    """A user turn behind the tools. Lines 58-67."""

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        w.word(self.open)
        _tools(w, IN_USER, context)
        w.content(placed, layout, context)
        w.word(self.close)


def quoted(w: Writer, result: Result) -> None:
    """A result as a JSON string: line 96 asks whether content is iterable, and text is."""
    if media := next((p for p in result.content if isinstance(p, Media)), None):
        path = f"messages[{w.turn}].content"
        raise ContentError("media in a result", value=media, path=path, expected="text only")
    w.data(dumps(result.text), "result")


def roles(header: Callable[[str], Word], end: Word) -> tuple[tuple[str, Wrap], ...]:
    """The roles that are written, each behind its header."""
    return (
        ("system", Wrap(header("system"), end)),
        ("user", Wrap(header("user"), end)),
        (TOOLS_USER, ToolsUser(header("user"), end)),
    )
