"""The preambles of Phi-4. Each cites its template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .preambles import function_as_json

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

REASONING = (
    "You are Phi, a language model trained by Microsoft to help users. Your role as an assistant involves "
    "thoroughly exploring questions through a systematic thinking process before providing the final precise and "
    "accurate solutions. This requires engaging in a comprehensive cycle of analysis, summarizing, exploration, "
    "reassessment, reflection, backtracing, and iteration to develop well-considered thinking process. Please "
    "structure your response into two main sections: Thought and Solution using the specified format: <think> "
    "{Thought section} </think> {Solution section}. In the Thought section, detail your reasoning process in "
    "steps. Each step should include detailed considerations such as analysing questions, summarizing relevant "
    "findings, brainstorming new ideas, verifying the accuracy of the current steps, refining any errors, and "
    "revisiting previous steps. In the Solution section, based on various attempts, explorations, and reflections "
    "from the Thought section, systematically present the final solution that you deem correct. The Solution "
    "section should be logical, accurate, and concise and detail necessary steps needed to reach the conclusion. "
    "Now, try to solve the following question through the above guidelines:"
)


def fixed_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """One fixed system turn; the caller's is left out, as the template does. Phi-4-reasoning chat_template.jinja."""
    wrap = layout.role("system")
    w.word(wrap.open)
    w.markup(REASONING)
    w.word(wrap.close)


def no_system(turns: list[Placed], context: Context) -> list[Placed]:
    """The template writes no system message of the caller's."""
    return [t for t in turns if t.role != "system"]


def tools_in_system(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The functions as a JSON list, behind the caller's text in the system turn. Phi-4-mini-instruct
    chat_template.jinja has them as a text in the message's key `tools`; its model card shows the JSON list."""
    if system is None and not context.tools:
        return
    wrap = layout.role("system")
    w.word(wrap.open)
    if system is not None:
        w.content(system, layout, context)
    _tools(w, context)
    w.word(wrap.close)


def math_expert(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Who the model is, a blank, the caller's text, the tools. Phi-4-mini-reasoning chat_template.jinja."""
    wrap = layout.role("system")
    w.word(wrap.open)
    w.markup("Your name is Phi, an AI math expert developed by Microsoft.")
    if system is not None or context.tools:
        w.markup(" ")
    if system is not None:
        w.content(system, layout, context)
    _tools(w, context)
    w.word(wrap.close)


def _tools(w: Writer, context: Context) -> None:
    if context.tools:
        w.markup("<|tool|>")
        for w.tool, tool in enumerate(context.tools):
            w.markup(", " if w.tool else "[")
            w.data(tool.made(function_as_json), "tools")
        w.markup("]<|/tool|>")
