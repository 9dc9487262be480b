"""The preambles of Nous Research's Hermes. Each cites its template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..wire import Word
from .preambles import json_tools

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

HERMES_4 = "You are Hermes, created by Nous Research."
DEEP = (
    "You are a deep thinking AI, you may use extremely long chains of thought to deeply consider the problem and "
    "deliberate with yourself via systematic reasoning processes to help come to a correct solution prior to "
    "answering. You should enclose your thoughts and internal monologue inside <think> </think> tags, and then provide "
    "your solution or response to the problem."
)
TOOLS = (
    "\n\n# Tools\n\nYou are a function calling AI model. You may call one or more functions to assist with the user "
    "query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>",
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
    '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": "<function-name>", "arguments": <args-json-object>}\n'
    "</tool_call>",
)


@dataclass(frozen=True, slots=True)
class Hermes4System:
    """One system turn: the caller's text, or a default that asks to think or does not; then the tools. `open`: what
    opens it when there are tools. Hermes-4-14B chat_template.jinja, lines 1-25."""

    open: Word

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        wrap = layout.role("system")
        w.word(self.open if context.tools else wrap.open)
        if system is not None:
            w.content(system, layout, context)
        else:  # with its tags as text: the template's own control tokens are where they stand
            w.markup(DEEP if context.options["thinking"] else HERMES_4)
        if context.tools:
            w.markup(TOOLS[0])
            json_tools(w, context)
            w.markup(TOOLS[1])
        w.word(wrap.close)
