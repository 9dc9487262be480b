"""The preambles of MiniMax-M2 and M3, and what both ask of messages. Lines are those of chat_template.jinja of
MiniMaxAI/MiniMax-M2 (sha256 86cd6e57) and MiniMax-M3 (11421244).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..codecs import dumps
from ..errors import RoleError
from ..turns import Reasoning

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

TOOLS = (
    "\n\n# Tools\nYou may call one or more tools to assist with the user query.\n"
    "Here are the tools available in JSONSchema format:\n\n<tools>\n",
    "</tools>\n\n",
)
USE = (
    "When making tool calls, use XML format to invoke tools and pass parameters:\n\n<minimax:tool_call>\n"
    '<invoke name="tool-name-1">\n<parameter name="param-key-1">param-value-1</parameter>\n'
    '<parameter name="param-key-2">param-value-2</parameter>\n...\n</invoke>\n</minimax:tool_call>'
)


def m2_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """One system turn, always: the caller's text or who the model is, then the tools. M2, lines 27-73."""
    wrap = layout.role("system")
    w.word(wrap.open)
    said(w, system, layout, context, context.options["model_identity"])
    if context.tools:
        list_tools(w, context)
        w.markup(USE)
    w.word(wrap.close)


def said(w: Writer, turn: Placed | None, layout: Layout, context: Context, otherwise: str) -> None:
    """What a turn says, or, if it says nothing, something else."""
    if turn is not None and turn.parts:
        w.content(turn, layout, context)
    else:
        w.data(otherwise, "template")


def list_tools(w: Writer, context: Context) -> None:
    """The functions alone, each in an element. M2, lines 6-10 and 58-61."""
    w.markup(TOOLS[0])
    for w.tool, tool in enumerate(context.tools or ()):
        w.markup("<tool>")
        w.data(dumps(dict(tool.function)), "tools")
        w.markup("</tool>\n")
    w.markup(TOOLS[1])


def only_first(turns: list[Placed], context: Context) -> list[Placed]:
    """Refuses a system turn that is not the first: the templates drop it. M2, lines 44-47 and 78-164."""
    for at, t in enumerate(turns):
        if t.role == "system" and at:
            path = f"messages[{t.turn}]"
            raise RoleError("a system message that is not the first", value=t.role, path=path, expected="user")
    return turns


def since_user(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning stays behind the last user turn, if it is not empty. M2, lines 49-55 and 95-97."""
    last = max((at for at, t in enumerate(turns) if t.role == "user"), default=-1)
    return [
        t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning) or (p.text and at > last)))
        if t.role == "assistant"
        else t
        for at, t in enumerate(turns)
    ]
