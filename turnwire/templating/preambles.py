"""Preambles: what official templates say about tools, as prose. Each cites its template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ..codecs import dumps

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
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
    _json_tools(w, context)
    w.markup(HERMES[1])


def system_then_tools(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """One system turn: the caller's text, a blank line, the tools. Qwen3-8B chat_template.jinja, lines 1-16."""
    wrap = layout.role("system")
    if context.tools:
        w.word(wrap.open)
        if system is not None:
            w.content(system, layout, context)
            w.markup("\n\n")
        hermes_tools(w, context)
        w.word(wrap.close)
    elif system is not None:
        wrap.write(w, system, layout, context)


def tools_then_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """One system turn: tools as JSON lines, the XML call syntax, then the caller's text. Qwen3.5-4B
    chat_template.jinja, lines 46-66."""
    wrap = layout.role("system")
    if context.tools:
        w.word(wrap.open)
        w.markup("# Tools\n\nYou have access to the following functions:\n\n<tools>")
        _json_tools(w, context)
        w.markup("\n</tools>" + XML_USE)
        if system is not None and system.parts:
            w.markup("\n\n")
            w.content(system, layout, context)
        w.word(wrap.close)
    elif system is not None:
        wrap.write(w, system, layout, context)


def xml_tools(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """One system turn: the caller's text or a default, then tools as XML. Qwen3-Coder-30B-A3B
    chat_template.jinja, lines 14-79."""
    wrap = layout.role("system")
    if system is None and not context.tools:
        return
    w.word(wrap.open)
    if system is not None:
        w.content(system, layout, context)
    else:
        w.markup("You are Qwen, a helpful AI assistant that can interact with a computer to solve tasks.")
    if context.tools:
        w.markup("\n\n# Tools\n\nYou have access to the following functions:\n\n<tools>")
        for w.tool, tool in enumerate(context.tools):
            _xml_tool(w, tool.function)
        w.markup("\n</tools>" + XML_USE)
    w.word(wrap.close)


def _json_tools(w: Writer, context: Context) -> None:
    for w.tool, tool in enumerate(context.tools or ()):
        w.markup("\n")
        w.data(dumps(tool.openai), "tools")


def _xml_tool(w: Writer, tool: Mapping[str, Any]) -> None:
    w.markup("\n<function>\n<name>")
    w.data(tool["name"], "tools")
    w.markup("</name>")
    if "description" in tool:
        _xml_field(w, "description", _text(tool["description"]).strip())
    w.markup("\n<parameters>")
    parameters = _mapping(tool.get("parameters"))
    for name, given in _mapping(parameters.get("properties")).items():
        w.markup("\n<parameter>\n<name>")
        w.data(name, "tools")
        w.markup("</name>")
        fields = _mapping(given)
        if "type" in fields:
            _xml_field(w, "type", _text(fields["type"]))
        if "description" in fields:
            _xml_field(w, "description", _text(fields["description"]).strip())
        _xml_rest(w, fields, ("name", "type", "description"))
        w.markup("\n</parameter>")
    _xml_rest(w, parameters, ("type", "properties"))
    w.markup("\n</parameters>")
    _xml_rest(w, tool, ("type", "name", "description", "parameters"))
    w.markup("\n</function>")


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _xml_rest(w: Writer, fields: Mapping[str, Any], handled: tuple[str, ...]) -> None:
    for key, value in fields.items():
        if key not in handled:
            _xml_field(w, key, dumps(value) if isinstance(value, (Mapping, list, tuple)) else _text(value))


def _xml_field(w: Writer, key: str, text: str) -> None:
    w.data(f"\n<{key}>{text}</{key}>", "tools")


def _text(value: Any) -> str:
    """As Jinja's `string` filter."""
    return value if isinstance(value, str) else str(value)
