"""What the templates of Nemotron Nano v2 and Super v1.5 say of tools, and what messages switch. Facts:
nvidia/NVIDIA-Nemotron-Nano-9B-v2 chat_template.jinja (sha256 b7a3a520), Llama-3_3-Nemotron-Super-49B-v1_5 (1b13a386).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..turns import Part, Reasoning, Text
from .preambles import function_as_json

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

ON, OFF, CLOSE = "/think", "/no_think", "</think>"
LIST = "You can use the following tools to assist the user if required:\n<AVAILABLE_TOOLS>["
CALL = (
    "If you decide to call any tool(s), use the following format:\n"
    '<TOOLCALL>[{{"name": "tool_name1", "arguments": "tool_args1"}}, '
    '{{"name": "tool_name2", "arguments": "tool_args2"}}]</TOOLCALL>\n\n'
)
NANO = (
    "The user will execute tool-calls and return responses from tool(s) in this format:\n"
    '<TOOL_RESPONSE>[{{"tool_response1"}}, {{"tool_response2"}}]</TOOL_RESPONSE>\n\n'
    "Based on the tool responses, you can call additional tools if needed, correct tool calls if any errors are found, "
    "or just respond to the user."
)
SUPER = (
    "Response from tool(s) will be returned in this format:\n"
    '<TOOL_RESPONSE>[{{"response": "tool_response1"}}, {{"response": "tool_response2"}}]</TOOL_RESPONSE>\n\n'
    "Based on the results returned by the tool(s), you can call additional tools if needed, correct tool calls if any "
    "errors are found, or just respond with the answer to the user."
)


def tool_list(w: Writer, context: Context, use: str) -> None:
    """The functions as a list of JSON objects, how to call them, and how results look."""
    w.markup(LIST)
    for w.tool, tool in enumerate(context.tools or ()):
        w.markup(", " if w.tool else "")
        w.data(tool.made(function_as_json), "tools")
    w.markup("]</AVAILABLE_TOOLS>\n\n" + CALL + use)


def nano_switched(turns: list[Placed], context: Context) -> Mapping[str, Any]:
    """The last switch in a system or user message decides (nano, line 1)."""
    thinks = True
    for t in turns:
        if t.role in ("system", "user"):
            thinks = True if ON in t.text else False if OFF in t.text else thinks
    return {"thinks": thinks}


def super_switched(turns: list[Placed], context: Context) -> Mapping[str, Any]:
    """A switch in the leading system message decides, and off counts for more (Super v1.5)."""
    return {"thinks": not (bool(turns) and turns[0].role == "system" and OFF in turns[0].text)}


def nano_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Always a system turn: the caller's text, a blank line, the tools."""
    wrap = layout.role("system")
    w.word(wrap.open)
    if system is not None:
        w.content(system, layout, context)
    if context.tools:
        w.markup("\n\n" if system is not None and system.text else "")
        tool_list(w, context, NANO)
    w.word(wrap.close)


def super_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Always a system turn: the caller's text and a blank line, the tools. A text that holds a switch is trimmed; one
    that was nothing else leaves the blank line."""
    wrap = layout.role("system")
    w.word(wrap.open)
    if system is not None and system.parts:
        w.content(_switchless(system), layout, context)
        w.markup("\n\n")
    if context.tools:
        tool_list(w, context, SUPER)
    w.word(wrap.close)


def _switchless(system: Placed) -> Placed:
    switch = next((s for s in (OFF, ON) if s in system.text), None)
    if switch is None:
        return system
    text = system.text.replace(switch, "").strip()
    return system.having((system.parts[0][0], Text(text)))


def without_switches(turns: list[Placed], context: Context) -> list[Placed]:
    """No switch in what the system and users say, nor blanks around it (nano)."""
    return [_without(t) if t.role in ("system", "user") else t for t in turns]


def _without(t: Placed) -> Placed:
    index = next((i for i, p in t.parts if isinstance(p, Text)), None)
    text = t.text.replace(ON, "").replace(OFF, "").strip()
    rest = [(i, p) for i, p in t.parts if not isinstance(p, Text)]
    return t.having(*([(index, Text(text))] if text else []), *rest)


def answers(turns: list[Placed], context: Context) -> list[Placed]:
    """Of an assistant turn, what is behind the first </think> (up to a second), trimmed; no reasoning. But the last
    turn of the conversation, which the template takes for the beginning of a reply, keeps its own, and without
    thinking begins with the empty block of the prompt (nano)."""
    end = len(turns) - 1
    return [_answer(t, at == end, context) if t.role == "assistant" else t for at, t in enumerate(turns)]


def _answer(t: Placed, last: bool, context: Context) -> Placed:
    said = t.text
    pieces = said.split(CLOSE)
    index = next((i for i, p in t.parts if isinstance(p, Text)), None)
    text = (pieces[1] if len(pieces) > 1 else said).strip()
    given = next((p.text for _, p in t.parts if isinstance(p, Reasoning)), None)
    if given is None and len(pieces) > 1:
        given = pieces[0].strip().removeprefix("<think>").strip()
    rest = [(i, p) for i, p in t.parts if not isinstance(p, (Text, Reasoning))]
    parts: list[tuple[int | None, Part]] = [*([(index, Text(text))] if text else []), *rest]
    if last and not context.options["thinks"]:
        parts.insert(0, (None, Reasoning("", prefilled=True)))
    elif last and given is not None:
        parts.insert(0, (None, Reasoning(given)))
    return t.having(*parts)


def super_answers(turns: list[Placed], context: Context) -> list[Placed]:
    """Of an assistant turn, what is behind the last </think>, without blanks before it; no reasoning (Super v1.5)."""
    return [_super_answer(t) if t.role == "assistant" else t for t in turns]


def _super_answer(t: Placed) -> Placed:
    rest = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning)]
    if CLOSE not in t.text:
        return t.having(*rest)
    index = next(i for i, p in rest if isinstance(p, Text))
    text = t.text.split(CLOSE)[-1].lstrip()
    calls = [(i, p) for i, p in rest if not isinstance(p, Text)]
    return t.having(*([(index, Text(text))] if text else []), *calls)
