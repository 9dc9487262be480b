"""What EXAONE's templates say about tools, and what they do to reasoning. Facts: LGAI-EXAONE/EXAONE-4.0-32B
chat_template.jinja (sha256 de64119e), EXAONE-4.5-33B (e4ece7ac), K-EXAONE-236B-A23B (fdb4ee5f).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..turns import Media, Reasoning, Text
from .preambles import as_json

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

TOOLS = (
    "# Available Tools\nYou can use none, one, or multiple of the following tools by calling them as functions to help "
    "with the user\u2019s query.\nHere are the tools available to you in JSON format within <tool> and </tool> tags:\n",
    "\nFor each function call you want to make, return a JSON object with function name and arguments within "
    '<tool_call> and </tool_call> tags, like:\n<tool_call>{"name": function_1_name, "arguments": {argument_1_name: '
    'argument_1_value, argument_2_name: argument_2_value}}</tool_call>\n<tool_call>{"name": function_2_name, '
    '"arguments": {...}}</tool_call>\n...\nNote that if no argument name is specified for a tool, you can just print '
    "the argument value directly, without the argument name or JSON formatting.",
)
OPEN, CLOSE = "<think>", "</think>"


def _list(w: Writer, context: Context) -> None:
    for w.tool, tool in enumerate(context.tools or ()):
        w.markup("<tool>")
        w.data(tool.made(as_json), "tools")
        w.markup("</tool>\n")


def system_and_tools(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """One system turn: the caller's text, a blank line, the tools. 4.0, lines 14-28 and 47-59."""
    if system is None and not context.tools:
        return
    wrap = layout.role("system")
    w.word(wrap.open)
    if system is not None:
        w.content(system, layout, context)
    if context.tools:
        w.markup("\n\n" * (system is not None) + TOOLS[0])
        _list(w, context)
        w.markup(TOOLS[1])
    w.word(wrap.close)


def declared(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Tools in a turn of their own, then the caller's system turn. 4.5, lines 16-22, 34-38 and 47-53."""
    if context.tools:
        w.markup("<|tool_declare|>\n# Tools\n")
        _list(w, context)
        w.markup("<|endofturn|>\n")
    if system is not None:
        layout.role("system").write(w, system, layout, context)


def last_reasoning(turns: list[Placed], context: Context) -> list[Placed]:
    """A think block before each text or call: empty, but with `skip_think=False` in the last turn, if that has text.
    A block in the content is taken out. 4.0, lines 64-93; its line 68 cuts two characters too many."""
    keep = not context.options["skip_think"]
    return [_last(t, keep and at == len(turns) - 1) if t.role == "assistant" else t for at, t in enumerate(turns)]


def _last(t: Placed, keep: bool) -> Placed:
    given = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning))
    rest = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning) and (not isinstance(p, Text) or p.text)]
    if not rest:
        return t.having()
    whole = t.text
    if CLOSE in whole:
        given = given or whole.split(CLOSE)[0].strip().removeprefix(OPEN).strip()
        index = next(i for i, p in rest if isinstance(p, Text))
        said = (index, Text(whole.split(CLOSE)[-1].strip()))
        rest = [said, *((i, p) for i, p in rest if not isinstance(p, Text))]
    shown = given if keep and whole else ""
    index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None)
    return t.having((index, Reasoning(shown, prefilled=not shown)), *rest)


def since_query(turns: list[Placed], context: Context) -> list[Placed]:
    """A think block in every turn: empty before the last user turn (one with pictures does not count), and everywhere
    with `skip_think`. A block in the content is taken out. 4.5, lines 25-32 and 59-76."""
    pictured = {t.turn for t in turns if any(isinstance(p, Media) for _, p in t.parts)}
    users = [at for at, t in enumerate(turns) if t.role == "user" and t.turn not in pictured]
    query = users[-1] if users else len(turns)
    keep = not context.options["skip_think"]
    return [_since(t, keep and at > query) if t.role == "assistant" else t for at, t in enumerate(turns)]


def _since(t: Placed, keep: bool) -> Placed:
    given = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning))
    rest = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning)]
    whole = t.text
    if not given and CLOSE in whole:
        given = whole.split(CLOSE)[0].removeprefix(OPEN)
        index = next(i for i, p in rest if isinstance(p, Text))
        said = (index, Text(whole.split(CLOSE)[-1]))
        rest = [said, *((i, p) for i, p in rest if not isinstance(p, Text))]
    shown = given.strip() if keep else ""
    index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None)
    return t.having((index, Reasoning(shown, prefilled=not shown)), *rest)


def is_assistant(t: Placed) -> bool:
    """Whose content is trimmed (4.5, line 74)."""
    return t.role == "assistant"


def picture(kind: str, number: int, context: Context) -> str:
    """4.5, lines 135-146: pictures and videos are numbered on demand."""
    return f"{ {'image': 'Picture', 'video': 'Video'}[kind] } {number}: " if context.options["add_vision_id"] else ""
