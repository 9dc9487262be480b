"""The preambles of Nous Research's Hermes. Each cites its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ..codecs import dumps
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


HERMES_3 = (
    "You are a function calling AI model. You are provided with function signatures within <tools></tools> XML tags. "
    "You may call one or more functions to assist with the user query. Don't make assumptions about what values to "
    "plug into functions. Here are the available tools: <tools> ",
    " </tools>Use the following pydantic model json schema for each tool call you will make: "
    '{"properties": {"name": {"title": "Name", "type": "string"}, "arguments": {"title": "Arguments", "type": '
    '"object"}}, "required": ["name", "arguments"], "title": "FunctionCall", "type": "object"}}\n'
    "For each function call return a json object with function name and arguments within <tool_call></tool_call> XML "
    'tags as follows:\n<tool_call>\n{"name": <function-name>, "arguments": <args-dict>}\n</tool_call>',
)
PYTHON = {"string": "str", "number": "float", "integer": "int", "boolean": "bool", "null": "None"}


def hermes_3_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """With tools (if none of them), a system turn of the format's own and then the caller's; without, the caller's or a
    default. The templates tool_use, lines 30-81, and default of Hermes-3-Llama-3.1-8B."""
    wrap = layout.role("system")
    if context.tools is not None:
        w.word(wrap.open)
        w.markup(HERMES_3[0])
        for w.tool, tool in enumerate(context.tools):
            w.markup("\n" if w.tool else "")
            _signature(w, tool.function)
        w.tool = None
        w.markup(HERMES_3[1])
        w.word(wrap.close)
    if system is not None:
        wrap.write(w, system, layout, context)
    elif context.tools is None and context.count:
        w.word(wrap.open)
        w.markup("You are a helpful assistant.")
        w.word(wrap.close)


def _signature(w: Writer, function: Mapping[str, Any]) -> None:
    """A function whose description begins with its signature in Python, and tells its arguments. Nothing is escaped,
    and no line ends between arguments, as in the template (lines 34-68)."""
    name = str(function["name"])
    parameters = _mapping(function.get("parameters"))
    properties = _mapping(parameters.get("properties"))
    returned = function.get("return")
    w.markup('{"type": "function", "function": {"name": "')
    w.data(name, "tools")
    w.markup('", "description": "')
    listed = ", ".join(f"{key}: {python_type(spec)}" for key, spec in properties.items())
    result = f" -> {python_type(returned)}" if "return" in function else ""
    w.data(f"{name}({listed}){result} - {function.get('description') or ''}\n\n", "tools")
    w.markup("    Args:\n" if properties else "")
    for key, spec in properties.items():
        said = str(_mapping(spec).get("description", "")).strip()
        w.data(f"        {key}({python_type(spec)}): {said}", "tools")
    if "description" in _mapping(returned):
        w.markup("\n    Returns:\n        ")
        w.data(str(_mapping(returned)["description"]), "tools")
    w.markup('", "parameters": ')
    w.data(dumps(dict(parameters)) if properties else "{}", "tools")
    w.markup("}")


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def python_type(spec: Any) -> str:
    """A schema's type as Python has it. tool_use, lines 1-27: it loses the items of arrays and what has no type, and
    recurses without end on "null" and on types that JSON does not have."""
    depth = 0
    while _mapping(spec).get("type") == "object" and "additionalProperties" in spec:
        spec, depth = spec["additionalProperties"], depth + 1
    known = _mapping(spec)
    kind = known.get("type")
    if "type" not in known:
        text = "Union[]"
    elif isinstance(kind, (list, tuple)):
        kinds = cast("list[Any]", kind)
        text = f"Union[{','.join(python_type({'type': k}) if isinstance(k, str) else 'Any' for k in kinds)}]"
    else:
        named = {**PYTHON, "array": "list[Union[]]", "object": "dict"}
        text = named.get(kind, "Any") if isinstance(kind, str) else "Any"
    return "dict[str, " * depth + text + "]" * depth
