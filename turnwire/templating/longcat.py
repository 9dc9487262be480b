"""What the templates of LongCat do around a reply. The lines are those of chat_template.jinja of
meituan-longcat/LongCat-Flash-Chat (sha256 4d9c94b9) and LongCat-2.0 (d426adef).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..codecs import dumps
from ..layout import Wrap
from ..turns import Reasoning, Result, Text
from ..wire import NOTHING, Lit, Word

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

FLASH_USE = (
    "**Note**: For each function call, return a json object with function name and arguments within "
    "<longcat_tool_call></longcat_tool_call> XML tags as follows:\n<longcat_tool_call>\n"
    '{"name": <function-name>, "arguments": <args-dict>}\n</longcat_tool_call>\n'
    "When multiple functions need to be called simultaneously, each function call should be wrapped in its own "
    "<longcat_tool_call> tag and placed consecutively. For example:\n<longcat_tool_call>\n"
    '{"name": <function-name>, "arguments": <args-dict>}\n</longcat_tool_call><longcat_tool_call>\n'
    '{"name": <function-name>, "arguments": <args-dict>}\n</longcat_tool_call>\n\n# Messages\n'
)
USE = (
    "**Note**: For each function call, output the function name and arguments within the following XML format:\n"
    "<longcat_tool_call>{function-name}\n<longcat_arg_key>{arg-key-1}</longcat_arg_key>\n"
    "<longcat_arg_value>{arg-value-1}</longcat_arg_value>\n<longcat_arg_key>{arg-key-2}</longcat_arg_key>\n"
    "<longcat_arg_value>{arg-value-2}</longcat_arg_value>\n...\n</longcat_tool_call>\n</longcat_tool_declare>"
)


def flash_tools(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Tools, then the caller's text. Flash, lines 4-70."""
    if shown(context):
        w.markup("# Tools\nYou have access to the following tools: \n\n## Tool namespace: function\n\n")
        for w.tool, tool in enumerate(context.tools or ()):
            parameters = json.dumps(tool.function.get("parameters") or {}, ensure_ascii=False, indent=2)
            _tool(w, tool.name, "\n\n", tool.description, "\n" + parameters)
        w.markup(FLASH_USE)
    if system is not None:
        layout.role(system.role).write(w, system, layout, context)


def tools(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The same in 2.0, lines 60-79."""
    if shown(context):
        w.markup("<longcat_tool_declare>\n# Tools\nYou have access to the following tools:\n\n")
        w.markup("## Tool namespace: function\n\n")
        for w.tool, tool in enumerate(context.tools or ()):
            _tool(w, tool.name, "\n", tool.description, dumps(tool.function.get("parameters") or {}))
        w.markup(USE)
    if system is not None:
        layout.role(system.role).write(w, system, layout, context)


def _tool(w: Writer, name: str, gap: str, description: str | None, parameters: str) -> None:
    for label, text, end in (
        ("### Tool name: ", name, gap),
        ("Description: ", description or "", "\n\n"),
        ("InputSchema: ", parameters, "\n\n"),
    ):
        w.markup(label)
        w.data(text, "tools")
        w.markup(end)


def shown(context: Context) -> bool:
    """Whether the prompt has tools."""
    return bool(context.tools) and context.options["tool_choice"] != "none"


@dataclass(frozen=True, slots=True)
class Round(Wrap):
    """A user turn with its number. Flash, lines 72-86."""

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        n = context.media.get("round", 0)
        context.media["round"] = n + 1
        w.markup(f"{' ' if placed.turn else ''}[Round {n}] USER:")
        w.content(placed, layout, context)


def as_object(w: Writer, result: Result) -> None:
    """A result as a JSON object. Flash, lines 113-119."""
    text = "".join(p.text for p in result.content if isinstance(p, Text))
    named = {"name": result.name} if result.name else {}
    w.data(dumps({**named, "content": text}), "result")


def result_name(w: Writer, placed: Placed, context: Context) -> None:
    """2.0, line 169."""
    w.turn = placed.turn
    for w.part, part in placed.parts:
        if isinstance(part, Result):
            w.data(part.name or "", "result")
    w.turn = w.part = None
    w.markup("\n")


def since_answer(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning stays behind the last answer without calls, with tools, if thinking is on. Flash, lines 60-66 and
    89-95."""
    on = context.options["enable_thinking"] and shown(context)
    plain = (
        at for at, t in enumerate(turns[:-1]) if t.role == "assistant" and all(p.kind != "call" for _, p in t.parts)
    )
    last = max(plain, default=-1) if on else len(turns)
    return [
        t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning) or (p.text and at > last)))
        if t.role == "assistant"
        else t
        for at, t in enumerate(turns)
    ]


def every_block(turns: list[Placed], context: Context) -> list[Placed]:
    """A think block in every turn, empty where thinking is off. 2.0, lines 134-146."""
    out: list[Placed] = []
    for t in turns:
        if t.role == "assistant":
            rest = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning)]
            found = [(i, p.text.strip()) for i, p in t.parts if isinstance(p, Reasoning) and p.text]
            index, text = found[0] if found and context.options["enable_thinking"] else (None, "")
            t = t.having((index, Reasoning(text, prefilled=not text)), *rest)
        out.append(t)
    return out


def switch(context: Context) -> Word:
    """Whether to think, and how long. Flash, lines 122-138; 2.0, lines 180-193."""
    on, budget = context.options["enable_thinking"], context.options["thinking_budget"]
    if on is None:
        return NOTHING
    if not on:
        return Lit(" /think_off")
    return Lit(" /think_on" + (f"\nthinking_budget: < {max(budget, 1024)}." if budget else ""))
