"""Preambles: what official templates say about tools, as prose. Each cites its template."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..codecs import dumps

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from ..tools import Tool
    from .writer import Writer

HERMES = (
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>",
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments within "
    '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n'
    "</tool_call>",
)
XML_USE = (
    "\n\nIf you choose to call a function ONLY reply in the following format with NO suffix:\n\n<tool_call>\n"
    "<function=example_function_name>\n<parameter=example_parameter_1>\nvalue_1\n</parameter>\n"
    "<parameter=example_parameter_2>\nThis is the value for the second parameter\nthat can span\nmultiple lines\n"
    "</parameter>\n</function>\n</tool_call>\n\n<IMPORTANT>\nReminder:\n"
    "- Function calls MUST follow the specified format: an inner <function=...></function> block must be nested "
    "within <tool_call></tool_call> XML tags\n- Required parameters MUST be specified\n"
    "- You may provide optional reasoning for your function call in natural language BEFORE the function call, "
    "but NOT after\n- If there is no function call available, answer the question like normal with your current "
    "knowledge and do not tell the user about function calls\n</IMPORTANT>"
)


def hermes_tools(w: Writer, context: Context) -> None:
    """Tools as JSON lines and the Hermes call syntax. Qwen3-8B chat_template.jinja, lines 6-11."""
    w.markup(HERMES[0])
    json_tools(w, context)
    w.markup(HERMES[1])


@dataclass(frozen=True, slots=True)
class SystemThenTools:
    """One system turn: the caller's text or the `default` (None: none), a blank line, the tools. Qwen3-8B
    chat_template.jinja, lines 1-16; Qwen2.5-7B-Instruct, lines 1-19, has a default and writes it without tools too;
    QwQ-32B, lines 1-18, has an empty one, of which the blank line is seen. `prose` stands around the tools; `effort` is
    the option whose value, if there is one, is told before everything (Step-3.7-Flash, lines 2-25)."""

    default: str | None = None
    prose: tuple[str, str] = HERMES
    effort: str = ""

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        wrap = layout.role("system")
        effort = context.options[self.effort] if self.effort else None
        if system is None and not context.tools and not self.default and effort is None:
            return
        w.word(wrap.open)
        if effort is not None:
            w.markup("Reasoning: ")
            w.data(effort, "text")
            w.markup("\n\n")
        if system is not None:
            w.content(system, layout, context)
        elif self.default:
            w.markup(self.default)
        if context.tools:
            w.markup("\n\n" * (system is not None or self.default is not None) + self.prose[0])
            json_tools(w, context)
            w.markup(self.prose[1])
        w.word(wrap.close)


system_then_tools = SystemThenTools()


@dataclass(frozen=True, slots=True)
class ToolsThenSystem:
    """One system turn: tools as JSON lines, the XML call syntax, then the caller's text. Qwen3.5-4B
    chat_template.jinja, lines 46-66. `lead` gives a text that comes before everything, in a system turn of its own
    if need be; with it an empty system turn is not written (Qwen3.8-27B, lines 45-87)."""

    lead: Callable[[Context], str] | None = None

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        wrap = layout.role("system")
        lead = self.lead(context) if self.lead is not None else ""
        said = system is not None and bool(system.parts)
        if not (context.tools or lead or (said if self.lead is not None else system is not None)):
            return
        w.word(wrap.open)
        w.markup(lead)
        if context.tools:
            w.markup("\n\n" * bool(lead) + "# Tools\n\nYou have access to the following functions:\n\n<tools>")
            json_tools(w, context)
            w.markup("\n</tools>" + XML_USE)
        if system is not None and said:
            w.markup("\n\n" * bool(context.tools or lead))
            w.content(system, layout, context)
        w.word(wrap.close)


tools_then_system = ToolsThenSystem()


def as_json(tool: Tool) -> str:
    """A tool as most templates print it, for `Tool.made`."""
    return dumps(tool.openai)


def function_as_json(tool: Tool) -> str:
    """The inner part alone."""
    return dumps(tool.function)


def json_tools(w: Writer, context: Context) -> None:
    """Each tool as JSON, on a line of its own."""
    for w.tool, tool in enumerate(context.tools or ()):
        w.markup("\n")
        w.data(tool.made(as_json), "tools")
