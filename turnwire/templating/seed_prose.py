"""What Seed-OSS's template says about tools and the thinking budget, and what it trims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from ..codecs import dumps
from ..layout import Context, Layout, Placed
from ..turns import Reasoning
from .arrange import Indexed, Trim
from .think_blocks import joined

if TYPE_CHECKING:
    from .writer import Writer

# ByteDance-Seed/Seed-OSS-36B-Instruct chat_template.jinja
DOUBAO = "You are Doubao, a helpful AI assistant. You may call one or more functions to assist with the user query."
JSON_TOOLS = (
    "Tool List:\nYou are authorized to use the following tools (described in JSON Schema format). Before performing "
    "any task, you must decide how to call them based on the descriptions and parameters of these tools."
)
USE = (
    "工具调用请遵循如下格式:\n<seed:tool_call>\n<function=example_function_name>\n"
    "<parameter=example_parameter_1>value_1</parameter>\n"
    "<parameter=example_parameter_2>This is the value for the second parameter\nthat can span\nmultiple lines"
    "</parameter>\n</function>\n</seed:tool_call>\n"
)
NO_THINKING = "The current thinking budget is 0, so I will directly start answering the question."
BUDGET_0 = (
    "You are an intelligent assistant that can answer questions in one step without the need for reasoning and "
    "thinking, that is, your thinking budget is 0. Next, please skip the thinking process and directly start answering "
    "the user's questions."
)
BUDGET = (
    "You are an intelligent assistant with reflective ability. In the process of thinking and reasoning, you need to "
    "strictly follow the thinking budget, which is {0}. That is, you need to complete your thinking within {0} tokens "
    "and start answering the user's questions. You will reflect on your thinking process every {1} tokens, stating how "
    "many tokens have been used and how many are left."
)
INTERVALS = {0: 0, 512: 128, 1024: 256, 2048: 512, 4096: 512, 8192: 1024, 16384: 1024}
TYPES = {"string": "str", "number": "int", "integer": "int", "boolean": "bool", "array": "list"}


def trim_assistant(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning and content of assistant turns trimmed, and gone if nothing is left. Lines 128-133 and 155-160."""
    out: list[Placed] = []
    for t in turns:
        if t.role == "assistant":
            said = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning)).strip()
            index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None)
            rest = t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning)))
            (rest,) = Trim()([rest], context)
            block: tuple[Indexed, ...] = ((index, Reasoning(said)),) if said else ()
            t = t.having(*block, *joined(rest.parts))
        out.append(t)
    return out


def doubao_tools(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """One system turn: the caller's text or a default, tools as Python signatures or as JSON; then one about the
    budget. Lines 62-121."""
    wrap = layout.role("system")
    tools = context.tools or ()
    as_json = bool(context.options["use_json_tooldef"])
    if system is not None or tools:
        w.word(wrap.open)
        if system is not None:
            w.content(system, layout, context)
        else:
            w.markup(DOUBAO)
    if as_json:
        w.markup("\n" + JSON_TOOLS + "\n")
        w.data(dumps([tool.openai for tool in tools]), "tools")
    else:
        for w.tool, tool in enumerate(tools):
            _signature(w, tool.function)
    if tools:
        w.markup("\n" + USE)
    if system is not None or tools:
        w.word(wrap.close)
    budget = context.options["thinking_budget"]
    if budget != -1:
        w.word(wrap.open)
        interval = next((n for k, n in INTERVALS.items() if budget <= k), INTERVALS[16384])
        w.markup((BUDGET.format(budget, interval) if budget else BUDGET_0) + "\n")
        w.word(wrap.close)


def _signature(w: Writer, tool: Mapping[str, Any]) -> None:
    """Lines 77-105."""
    parameters = _mapping(tool.get("parameters"))
    fields = {name: _mapping(field) for name, field in _mapping(parameters.get("properties")).items()}
    required = parameters.get("required") or ()
    w.markup("\n\nFunction:\ndef ")
    named = ",".join(f"{name}: {_type(field)}" for name, field in fields.items())
    w.data(f"{tool['name']}({named})", "tools")
    w.markup(':\n    """\n    ')
    w.data(str(tool.get("description", "")).strip(), "tools")
    w.markup("\n\n" + "    Args:" * bool(fields))
    for name, field in fields.items():
        needed = "必填" if name in required else "选填"
        w.data(f"\n    - {name} ({_type(field)}) [{needed}]: {field.get('description') or ''}", "tools")
    w.markup("\n")
    returned = _mapping(_mapping(tool.get("returns")).get("properties"))
    w.markup("    Returns:" * bool(returned))
    for name, field in returned.items():
        field = _mapping(field)
        w.data(f"\n    - {name} ({_type(field)}): {field.get('description') or ''}", "tools")
    w.markup('\n    """')


def _type(field: Mapping[str, Any]) -> str:
    kind = field.get("type")
    return TYPES.get(kind, "Any") if isinstance(kind, str) else "Any"


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
