"""The preambles of Ling and Ring: the caller's text, tools, and whether to think. Each cites its template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .preambles import hermes_tools

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
