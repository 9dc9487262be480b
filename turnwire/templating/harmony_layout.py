"""The prompt of gpt-oss around what the model writes: system and developer message, tool results, and what history
keeps. Facts: openai/harmony src/encoding.rs (0.0.8) and docs/format.md; docs/harmony.md has the whole story.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..errors import OptionError, RoleError
from ..layout import Context, Layout, Option, Placed, as_date
from ..turns import Part, Reasoning, Text, Turn
from ..wire import NOTHING, Lit, Slot, Tok, Word
from .arrange import Indexed
from .typescript import namespace

if TYPE_CHECKING:
    from .writer import Writer

FUNCTIONS = "functions."
TO = re.compile(r"\bto=([^\s<]+)")
LEADING = ("system", "developer")
CONSTRAIN = "<|constrain|>"
TEXT = (str, type(None))
IDENTITY = "You are ChatGPT, a large language model trained by OpenAI."
OPTIONS = (
    Option("reasoning_effort", "medium", "how much to reason", ("low", "medium", "high")),
    Option("now", None, "the date in the system message; today's if None"),
    Option("model_identity", IDENTITY, "a text, or None for no such line", type=TEXT),
    Option("knowledge_cutoff", "2024-06", "a text, or None for no such line", type=TEXT),
    Option("builtin_tools", (), 'a list of "browser" and "python"', type=(list, tuple)),
    Option("tool_call_content_type", CONSTRAIN + "json", '"json" as in the official template, or None', type=TEXT),
    Option("drop_analysis", "documented", "which old analysis is dropped", ("documented", "first_final", "never")),
)

# openai-harmony 0.0.8, with_browser_tool() and with_python_tool()
BUILTIN = {
    "browser": """## browser

// Tool for browsing.
// The `cursor` appears in brackets before each browsing display: `[{cursor}]`.
// Cite information from the tool using the following format:
// `【{cursor}†L{line_start}(-L{line_end})?】`, for example: `【6†L9-L11】` or `【8†L3】`.
// Do not quote more than 10 words directly from the tool output.
// sources=web (default: web)
namespace browser {

// Searches for information related to `query` and displays `topn` results.
type search = (_: {
query: string,
topn?: number, // default: 10
source?: string,
}) => any;

// Opens the link `id` from the page indicated by `cursor` starting at line number `loc`, showing `num_lines` lines.
// Valid link ids are displayed with the formatting: `【{id}†.*】`.
// If `cursor` is not provided, the most recent page is implied.
// If `id` is a string, it is treated as a fully qualified URL associated with `source`.
// If `loc` is not provided, the viewport will be positioned at the beginning of the document or centered on the \
most relevant passage, if available.
// Use this function without `id` to scroll to a new location of an opened page.
type open = (_: {
id?: number | string, // default: -1
cursor?: number, // default: -1
loc?: number, // default: -1
num_lines?: number, // default: -1
view_source?: boolean, // default: false
source?: string,
}) => any;

// Finds exact matches of `pattern` in the current page, or the page given by `cursor`.
type find = (_: {
pattern: string,
cursor?: number, // default: -1
}) => any;

} // namespace browser""",
    "python": """## python

Use this tool to execute Python code in your chain of thought. The code will not be shown to the user. This tool \
should be used for internal reasoning, but not for code that is intended to be visible to the user (e.g. when creating \
plots, tables, or files).

When you send a message containing Python code to python, it will be executed in a stateful Jupyter notebook \
environment. python will respond with the output of the execution or time out after 120.0 seconds. The drive at \
'/mnt/data' can be used to save and persist user files. Internet access for this session is UNKNOWN. Depends on the \
cluster.""",
}


@functools.lru_cache(maxsize=64)
def header_of_call(kind: str | None) -> Word:
    """The header of a call whose arguments are of that content type."""
    content: Word = Lit(f" {kind}") if kind else NOTHING
    if kind and kind.startswith(CONSTRAIN):
        content = Lit(" ") + Tok(CONSTRAIN) + Lit(kind[len(CONSTRAIN) :])
    return Lit(f" to={FUNCTIONS}") + Slot("name") + Tok("<|channel|>") + Lit("commentary") + content


@functools.lru_cache(maxsize=64)
def header_of_text(channel: str, recipient: str) -> Word:
    """The header of text on a channel, "" for none."""
    to = Lit(f" to={recipient}") if recipient else NOTHING
    return to + (Tok("<|channel|>") + Lit(channel) if channel else NOTHING)


@dataclass(slots=True)
class Instructions(Placed):
    """The first of the leading system and developer turns; `more` are the others."""

    more: tuple[Placed, ...] = ()


def gather_instructions(turns: list[Placed], context: Context) -> list[Placed]:
    """System and developer turns at the start become one developer message. A system turn further on is an error:
    Harmony's own system message holds settings, and no encoder agrees on a second one."""
    n = next((i for i, t in enumerate(turns) if t.role not in LEADING), len(turns))
    for t in turns[n:]:
        if t.role == "system":
            raise RoleError(
                "a system message in mid-conversation has no agreed Harmony form",
                value="system",
                path=f"messages[{t.turn}].role",
                expected='system messages at the start only; "developer" may come anywhere',
            )
    first = [Instructions(turns[0].role, turns[0].turn, turns[0].parts, more=tuple(turns[1:n]))] if n else []
    return [*first, *turns[n:]]


def settle(parts: Sequence[Indexed]) -> tuple[Indexed, ...]:
    """Text without a channel goes to "commentary" where a call follows in the turn, else to "final"; neighbours of
    such texts are one, and one of no characters is none. A turn with nothing in it is an empty final message."""
    last_call = max([i for i, (_, p) in enumerate(parts) if p.kind == "call"], default=-1)
    out: list[Indexed] = []
    loose = False  # the last part of `out` had no channel
    for i, (index, part) in enumerate(parts):
        if not isinstance(part, Text) or part.channel is not None or part.recipient is not None:
            out.append(parts[i])
            loose = False
        elif part.text:
            if loose and isinstance(last := out[-1][1], Text):
                out[-1] = (out[-1][0], replace(last, text=last.text + part.text))
            else:
                out.append((index, Text(part.text, "commentary" if last_call > i else "final", None, part.prefilled)))
            loose = True
    return tuple(out) or ((None, Text("", "final")),)


def settle_channels(turns: list[Placed], context: Context) -> list[Placed]:
    """`settle` for the assistant's turns; reasoning of no characters is none."""
    return [
        t.having(*settle([ip for ip in t.parts if ip[1].kind != "reasoning" or ip[1].text]))
        if t.role == "assistant"
        else t
        for t in turns
    ]


def settled(turn: Turn) -> Turn:
    """The same for a turn that is read back."""
    return Turn(turn.role, tuple(p for _, p in settle(tuple((None, p) for p in turn.parts))))


def is_final(part: Part) -> bool:
    return isinstance(part, Text) and part.channel == "final"


def is_analysis(part: Part) -> bool:
    return isinstance(part, Reasoning) or (isinstance(part, Text) and part.channel == "analysis")


def drop_analysis(turns: list[Placed], context: Context) -> list[Placed]:
    """Option `drop_analysis`. "documented": everything on the analysis channel before the last final message goes
    (docs/format.md, "Handling reasoning output in subsequent sampling"). "first_final": as encoding.rs does it,
    what precedes the FIRST final message goes, if the last message of the assistant is a final one. A turn that is
    left open (continue_final_message) has no final message yet."""
    rule = context.options["drop_analysis"]
    closed = turns[:-1] if context.open else turns
    said = [(i, j, p) for i, t in enumerate(closed) if t.role == "assistant" for j, (_, p) in enumerate(t.parts)]
    finals = [(i, j) for i, j, p in said if p.kind == "text" and is_final(p)]
    if rule == "never" or not finals or (rule == "first_final" and finals[-1] != said[-1][:2]):
        return turns
    limit = finals[0] if rule == "first_final" else finals[-1]
    out: list[Placed] = []
    for i, t in enumerate(turns):
        if t.role == "assistant":
            if i <= limit[0]:
                t = t.having(*[p for j, p in enumerate(t.parts) if (i, j) > limit or not is_analysis(p[1])])
            if not t.parts:
                continue
        out.append(t)
    return out


def write_preamble(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The system message, and the developer message if there are instructions or tools."""
    options, tools = context.options, context.tools
    cutoff = options["knowledge_cutoff"]
    builtin: Any = options["builtin_tools"]
    for name in builtin:
        if name not in BUILTIN:
            problem, known = f"no built-in tool {name!r}", " and ".join(BUILTIN)
            raise OptionError(problem, value=name, path="builtin_tools", expected=f"some of {known}")
    top = (
        options["model_identity"],
        cutoff if cutoff is None else f"Knowledge cutoff: {cutoff}",
        f"Current date: {as_date(options['now'])}",
    )
    sections = [
        "\n".join(line for line in top if line is not None),
        f"Reasoning: {options['reasoning_effort']}",
        *(["# Tools", *(BUILTIN[name] for name in sorted(set(builtin)))] if builtin else ()),
        "# Valid channels: analysis, commentary, final. Channel must be included for every message."
        + ("\nCalls to these tools must go to the commentary channel: 'functions'." if tools else ""),
    ]
    w.markup("<|start|>system<|message|>")
    w.data("\n\n".join(sections), "template")
    w.markup("<|end|>")
    given = (system, *(system.more if isinstance(system, Instructions) else ())) if system else ()
    texts = [t for t in given if any(not isinstance(p, Text) or p.text for _, p in t.parts)]
    if texts or tools:
        w.markup("<|start|>developer<|message|>")
        for i, t in enumerate(texts):
            w.markup("\n\n" if i else "# Instructions\n\n")
            w.content(t, layout, context)
        if tools:
            w.markup("\n\n# Tools\n\n" if texts else "# Tools\n\n")
            w.data(namespace("functions", tools), "tools")
        w.markup("<|end|>")


@dataclass(frozen=True, slots=True)
class ToolMessages:
    """Each tool result as a message of its own, from the function to the assistant."""

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None:
        for placed in run:
            for index, part in placed.parts:
                w.markup("<|start|>")
                w.data(FUNCTIONS + (getattr(part, "name", None) or ""), "template")
                w.markup(" to=assistant<|channel|>commentary<|message|>")
                w.content(placed.having((index, part)), layout, context)
                w.markup("<|end|>")


def name_at(text: str) -> tuple[int, int]:
    """Where a header has the name of the function that it calls."""
    *_, last = TO.finditer(text)
    return last.start(1) + len(FUNCTIONS), last.end(1)
