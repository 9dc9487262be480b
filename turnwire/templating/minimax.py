"""The preambles of MiniMax-M2 and M3, and what both ask of messages. Lines are those of chat_template.jinja of
MiniMaxAI/MiniMax-M2 (sha256 86cd6e57) and MiniMax-M3 (11421244).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..errors import RoleError
from ..layout import Placed, Wrap
from ..turns import Reasoning
from .preambles import function_as_json

if TYPE_CHECKING:
    from ..layout import Context, Layout
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


M3_IDENTITY = (
    "Your model version is MiniMax-M3, developed by MiniMax. Knowledge cutoff: January 2026. Founded in early 2022, "
    "MiniMax is a global AI foundation model company committed to advancing the frontiers of AI towards AGI."
)
M3_THINKING = (
    "\n\n<thinking_instructions>\nYou have a thinking capability that allows you to reason step by step before "
    "responding. When thinking is enabled, wrap your reasoning in <mm:think></mm:think> tags before your response. "
    "When thinking is disabled, begin your response directly after the </mm:think> prefix. When thinking is adaptive, "
    "decide on your own whether to think for the current turn.\nCurrent thinking mode: ",
    "\n</thinking_instructions>",
)
M3_MODES = {
    "enabled": "enabled. You MUST think step by step before every response, including after receiving function/tool "
    "results.",
    "disabled": "disabled. Do not output any thinking process.",
    "adaptive": "adaptive. You are encouraged to think for complex decision-making, multi-step reasoning, or when "
    "analyzing function/tool results.",
}
M3_USE = (
    "To call tools, wrap all invocations in a single ~<tool_call>~</tool_call> block. Parameter values containing "
    "nested objects or arrays are recursively expanded into XML elements. Example:\n\n~<tool_call>\n"
    '~<invoke name="tool-name-1">~<param-1>value-1~</param-1>~<param-2>~<item>~<key-a>val-a~</key-a>'
    '~<key-b>val-b~</key-b>~</item>~</param-2>~</invoke>\n~<invoke name="tool-name-2">~<param-1>value-1~</param-1>'
    "~</invoke>\n~</tool_call>"
)


def two_prompts(turns: list[Placed], context: Context) -> list[Placed]:
    """The turns of "root" and of the developer ("system" is another name for it), made up where they are not given;
    refuses those that come later, which the template drops. M3, lines 122-138."""
    rest = list(turns)
    root = rest.pop(0) if rest and rest[0].role == "root" else Placed("root", 0, ())
    given = bool(rest) and rest[0].role in ("system", "developer")
    developer = replace(rest.pop(0), role="developer") if given else Placed("developer", 0, ())
    for t in rest:
        if t.role in ("root", "system", "developer"):
            path = f"messages[{t.turn}]"
            raise RoleError(f"a {t.role} message that is not the first", value=t.role, path=path, expected="user")
    return [replace(root, turn=0), developer, *rest]


def m3_root(w: Writer, root: Placed | None, layout: Layout, context: Context) -> None:
    """What the model is, and whether it thinks. M3, lines 83-108 and 139-142."""
    wrap = layout.role("root")
    w.word(wrap.open)
    said(w, root, layout, context, M3_IDENTITY)
    w.markup(M3_THINKING[0] + M3_MODES[context.options["thinking_mode"]] + M3_THINKING[1])
    w.word(wrap.close)


@dataclass(frozen=True, slots=True)
class Developer(Wrap):
    """The developer's turn, with the tools. M3, lines 109-118 and 144-170. `mark`: what ~ stands for."""

    mark: str = ""

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        w.word(self.open)
        said(w, placed, layout, context, context.options["model_identity"])
        if context.tools:
            list_tools(w, context)
            w.markup(M3_USE.replace("~", self.mark))
        w.word(self.close)


def not_empty(turns: list[Placed], context: Context) -> list[Placed]:
    """No reasoning that is empty. M3, lines 190-196."""
    return [t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning) or p.text)) for t in turns]


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
        w.data(tool.made(function_as_json), "tools")
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
