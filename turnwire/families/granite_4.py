"""Granite 4.0 and 4.1: Hermes JSON calls between Granite's own role markers, no reasoning.

Facts: chat_template.jinja of ibm-granite/granite-4.0-h-small (sha256 9524df67, the same file for all sizes) and
granite-4.1-8b (fed2756d). The role markers and <|end_of_text|> are vocabulary entries (public GGUF readers have their
ids); of <tool_call> that was not found.
"""

from __future__ import annotations

from ..layout import Layout, Option, Results, Wrap
from ..templating.arrange import drop_reasoning, join_lines
from ..templating.granite_prose import HELPFUL, ToolsAndDocuments
from ..wire import End, Lit, Tok
from .notes import UNSEEN
from .qwen3 import NL, calls, qwen3


def role(name: str) -> Wrap:
    """<|start_of_role|>name<|end_of_role|>, the content, <|end_of_text|>, a line end."""
    return Wrap(Tok("<|start_of_role|>") + Lit(name) + Tok("<|end_of_role|>"), Tok("<|end_of_text|>") + NL)


documents = Option("documents", None, "a list of objects, each written as JSON", type=(list, tuple, type(None)))
layout = Layout(
    roles=(("system", role("system")), ("user", role("user"))),
    results=Results(
        role("user").open, NL + Tok("<tool_response>") + NL, NL + Tok("</tool_response>"), role("user").close
    ),
    preamble=ToolsAndDocuments(HELPFUL),
    arrange=(join_lines, drop_reasoning),
    after=NL,
    options=(documents,),
)
granite_4 = qwen3.but(
    "granite-4", reply=calls + End("<|end_of_text|>"), header=role("assistant").open, layout=layout,
    models=("ibm-granite/granite-4.0-*",), notes=(UNSEEN,),
    source="ibm-granite/granite-4.0-h-small chat_template.jinja sha256 9524df67b7",
)  # fmt: skip
granite_4_1 = granite_4.but(
    "granite-4.1", layout=layout.but(preamble=ToolsAndDocuments()),
    models=("ibm-granite/granite-4.1-*",),
    source="ibm-granite/granite-4.1-8b chat_template.jinja sha256 fed2756d2d",
)  # fmt: skip
