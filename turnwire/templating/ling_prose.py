"""The preambles of Ling and Ring: the caller's text, tools, and whether to think. Each cites its template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .preambles import as_json, hermes_tools

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

THINKING = "detailed thinking off"
SWITCHES = ("detailed thinking on", "detailed thinking off")


def ling_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Always a system turn: the caller's text, tools, the switch that the template holds off. Ling-flash-2.0
    chat_template.jinja, lines 1-14."""
    _system(w, system, layout, context, THINKING)


def ling_system_switched(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The same; without tools, the caller's text may hold the switch. Ling-2.6-flash chat_template.jinja, lines
    1-25."""
    own = system is not None and not context.tools and any(s in system.text for s in SWITCHES)
    _system(w, system, layout, context, "" if own else THINKING)


def _system(w: Writer, system: Placed | None, layout: Layout, context: Context, switch: str) -> None:
    wrap = layout.role("system")
    w.word(wrap.open)
    if system is not None:
        w.content(system, layout, context)
        w.markup("\n" if switch else "")
    if context.tools:
        hermes_tools(w, context)
        w.markup("\n")
    w.markup(switch)
    w.word(wrap.close)


def ring_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The caller's text in a system turn, if there is any; tools behind it, or bare. Ring-1T chat_template.jinja,
    lines 1-13."""
    if system is not None and system.text:
        layout.role("system").write(w, system, layout, context)
    if context.tools:
        w.markup("\n")
        hermes_tools(w, context)
        w.markup("\n")


RING_TOOLS = (
    "# Tools\nYou may call one or more functions to assist with the user query.\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>",
    "\n</tools>\nIf none of the functions can be used, point it out. If the given question lacks the parameters "
    "required by the function, also point it out.\nIf you need to use a function, for each function call, output the "
    "function name and arguments within the following XML format:\n<tool_call>{function-name}\n"
    "<arg_key>{arg-key-1}</arg_key>\n<arg_value>{arg-value-1}</arg_value>\n<arg_key>{arg-key-2}</arg_key>\n"
    "<arg_value>{arg-value-2}</arg_value>\n...\n</tool_call>",
)


def ring_2_6_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Always a system turn: the effort, the caller's text, tools; it ends if there is any of the last two. Ring-2.6-1T
    chat_template.jinja, lines 1-20."""
    wrap = layout.role("system")
    w.word(wrap.open)
    w.markup("Reasoning: ")
    w.data(context.options["reasoning_effort"] or "high", "template")
    w.markup("\n\n")
    if system is not None and system.text:
        w.content(system, layout, context)
        if context.tools:
            w.markup("\n\n")
        else:
            w.word(wrap.close)
    if context.tools:
        w.markup(RING_TOOLS[0])
        for w.tool, tool in enumerate(context.tools):
            w.markup("\n")
            w.data(tool.made(as_json), "tools")
        w.markup(RING_TOOLS[1])
        w.word(wrap.close)
