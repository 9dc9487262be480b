"""What Olmo 3's templates say where there is no system turn, and how they declare functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..layout import Context, Layout, Placed, Wrap
from .preambles import as_json

if TYPE_CHECKING:
    from .writer import Writer

NONE = "You do not currently have access to any functions. <functions></functions>"
USE = (
    "You are provided with function signatures within <functions></functions> XML tags. You may call one or more "
    "functions to assist with the user query. Output any function calls within <function_calls></function_calls> XML "
    "tags. Do not make assumptions about what values to plug into functions."
)
DEFAULT = "system (default)"
"""The role of a system turn that the layout made up."""


def nothing(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """No preamble: system turns are written in their places."""


def default_system(turns: list[Placed], context: Context) -> list[Placed]:
    """A system turn first, if there is none anywhere. Olmo-3-7B-Instruct chat_template.jinja, its first block."""
    return turns if any(t.role == "system" for t in turns) else [Placed(DEFAULT, 0, ()), *turns]


def _functions(w: Writer, context: Context) -> None:
    w.markup("<functions>")
    w.data("[", "tools")
    for w.tool, tool in enumerate(context.tools or ()):
        w.data((", " if w.tool else "") + tool.made(as_json), "tools")
    w.tool = None
    w.data("]", "tools")
    w.markup("</functions>")


@dataclass(frozen=True, slots=True)
class System(Wrap):
    """A system turn, the functions behind its text: `message['role'] == 'system'` in the template."""

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        w.word(self.open)
        w.content(placed, layout, context)
        if context.tools is not None:
            _functions(w, context)
        w.word(self.close)


@dataclass(frozen=True, slots=True)
class DefaultSystem(Wrap):
    """The system turn that there is none of: `intro`, and how to call. `empty`: a list of no tools counts as tools
    (Olmo-3-7B-Instruct asks whether they are none, Olmo-3.1-32B-Instruct whether there are any)."""

    intro: str
    empty: bool

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        tools: Any = context.tools
        w.word(self.open)
        w.markup(self.intro + " ")
        if tools is None or not (tools or self.empty):
            w.markup(NONE)
        else:
            w.markup(USE)
            _functions(w, context)
        w.word(self.close)


@dataclass(frozen=True, slots=True)
class ThinkSystem(Wrap):
    """A system turn of a Think model: the text or, where there is no turn, `intro`; then the functions, or that there
    are none (`silent`: of a made-up turn that is not said). Olmo-3-32B-Think chat_template.jinja, whose callers give
    the functions as a text of the system message."""

    intro: str = ""
    silent: bool = False

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        w.word(self.open)
        w.markup(self.intro)
        w.content(placed, layout, context)
        if context.tools is not None:
            w.markup(" ")
            _functions(w, context)
        elif not self.silent:
            w.markup(" " + NONE)
        w.word(self.close)
