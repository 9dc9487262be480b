"""The preambles of Granite: tools and documents in the system turn. Each cites its template."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..codecs import dumps
from ..layout import as_date
from ..wire import Lit, Tok

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

HELPFUL = "You are a helpful assistant. Please ensure responses are professional, accurate, and safe."
TOOLS = (
    "You are a helpful assistant with access to the following tools. You may call one or more tools to assist with the "
    "user query.\n\nYou are provided with function signatures within <tools></tools> XML tags:\n<tools>",
    "\n</tools>\n\nFor each tool call, return a json object with function name and arguments within "
    '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n'
    "</tool_call>. If a tool does not exist in the provided list of tools, notify the user that you do not have the "
    "ability to fulfill the request.",
)
DOCUMENTS = (
    "You are a helpful assistant with access to the following documents. You may use one or more documents to assist "
    "with the user query.\n\nYou are given a list of documents within <documents></documents> XML tags:\n<documents>",
    "\n</documents>\n\nWrite the response to the user's input by strictly aligning with the facts in the provided "
    "documents. If the information needed to answer the question is not available in the documents, inform the user "
    "that the question cannot be answered based on the available data.",
)


@dataclass(frozen=True, slots=True)
class ToolsAndDocuments:
    """One system turn: the caller's text, tools and documents as JSON lines, a blank line between them; `default`
    where there is none of them. Granite-4.0 chat_template.jinja, lines 1-61; 4.1 has no default."""

    default: str = ""

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        blocks = [
            (TOOLS, [tool.openai for tool in context.tools or ()], "tools"),
            (DOCUMENTS, context.options["documents"] or (), "documents"),
        ]
        wrap = layout.role("system")
        used = [block for block in blocks if block[1]]
        if system is not None and (system.text or used):
            w.word(wrap.open)
            w.content(system, layout, context)
            w.markup("\n\n" if used else "")
        elif used:
            w.word(wrap.open)
        elif self.default:
            w.word(wrap.open)
            w.markup(self.default)
        else:
            return
        for at, ((before, after), items, _) in enumerate(used):
            w.markup("\n\n" + before if at else before)
            for w.tool, item in enumerate(items):
                w.markup("\n")
                w.data(dumps(item), "tools")
            w.markup(after)
        w.word(wrap.close)


GRANITE = "Knowledge Cutoff Date: April 2024.\nToday's Date: {}.\nYou are Granite, developed by IBM."
WITH_TOOLS = (
    " You are a helpful assistant with access to the following tools. When a tool is required to answer the "
    "user's query, respond only with <|tool_call|> followed by a JSON list of tools used. If a tool does not "
    "exist in the provided list of tools, notify the user that you do not have the ability to fulfill the "
    "request."
)
WITH_DOCUMENTS = (
    "Write the response to the user's input by strictly aligning with the facts in the provided documents. If the "
    "information needed to answer the question is not available in the documents, inform the user that the question "
    "cannot be answered based on the available data."
)
PLAIN = " You are a helpful AI assistant."
THINKING = (
    "\nRespond to every user query in a comprehensive and detailed way. You can write down your thoughts and "
    "reasoning process before responding. In the thought process, engage in a comprehensive cycle of analysis, "
    "summarization, exploration, reassessment, reflection, backtracing, and iteration to develop well-considered "
    "thinking process. In the response section, based on various attempts, explorations, and reflections from "
    "the thoughts section, systematically present the final solution that you deem correct. The response should "
    "summarize the thought process. Write your thoughts between <think></think> and write your response between "
    "<response></response> for each user query."
)


def granite_3_3(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The caller's system turn, or a default that says what there is; then tools and documents in turns of their own.
    Granite-3.3-8b-instruct chat_template.jinja, lines 1-52."""
    wrap = layout.role("system")
    documents = context.options["documents"] or ()
    w.word(wrap.open)
    if system is not None:
        w.content(system, layout, context)
    else:
        w.markup(GRANITE.format(as_date(context.options["now"]).strftime("%B %d, %Y")))
        if context.tools:
            w.markup(WITH_TOOLS + ("\n" + WITH_DOCUMENTS if documents else ""))
        elif documents:
            w.markup(" " + WITH_DOCUMENTS)
        else:
            w.markup(PLAIN + (THINKING if context.options["thinking"] else ""))
    w.word(wrap.close)
    if context.tools:
        w.word(Tok("<|start_of_role|>") + Lit("available_tools") + Tok("<|end_of_role|>"))
        for w.tool, tool in enumerate(context.tools):
            w.markup(",\n    " if w.tool else "[\n    ")
            w.data(json.dumps(tool.openai, ensure_ascii=False, indent=4).replace("\n", "\n    "), "tools")
        w.markup("\n]")
        w.word(wrap.close)
    for document in documents:
        w.word(Tok("<|start_of_role|>"))
        w.data(f'document {{"document_id": "{document["doc_id"]}"}}', "tools")
        w.word(Tok("<|end_of_role|>"))
        w.data("\n" + document["text"], "tools")
        w.word(wrap.close)
