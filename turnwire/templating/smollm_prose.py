"""What SmolLM3's template says before the first turn, and what its system message switches. Facts:
HuggingFaceTB/SmolLM3-3B chat_template.jinja (sha256 3e0e275a), lines 1-66.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import RoleError
from ..layout import as_date
from ..turns import Text

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

SWITCHES = ("/no_think", "/think")
OVERRIDE = "/system_override"
SMOL = "You are a helpful AI assistant named SmolLM, trained by Hugging Face."
THINK = (
    " Your role as an assistant involves thoroughly exploring questions through a systematic thinking process before "
    "providing the final precise and accurate solutions. This requires engaging in a comprehensive cycle of analysis, "
    "summarizing, exploration, reassessment, reflection, backtracking, and iteration to develop well-considered "
    "thinking process. Please structure your response into two main sections: Thought and Solution using the specified "
    "format: <think> Thought section </think> Solution section. In the Thought section, detail your reasoning process "
    "in steps. Each step should include detailed considerations such as analysing questions, summarizing relevant "
    "findings, brainstorming new ideas, verifying the accuracy of the current steps, refining any errors, and "
    "revisiting previous steps. In the Solution section, based on various attempts, explorations, and reflections from "
    "the Thought section, systematically present the final solution that you deem correct. The Solution section should "
    "be logical, accurate, and concise and detail necessary steps needed to reach the conclusion."
)
XML = (
    "You may call one or more functions to assist with the user query.\nYou are provided with function signatures "
    "within <tools></tools> XML tags:\n\n<tools>\n",
    "</tools>\n\nFor each function call, return a json object with function name and arguments within "
    '<tool_call></tool_call> XML tags:\n<tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n'
    "</tool_call>",
)
PYTHON = (
    "When you send a message containing Python code between '<code>' and '</code>' tags, it will be executed in a "
    "stateful Jupyter notebook environment, and you will then be given the output to continued reasoning in an agentic "
    "loop.\n\nYou can use the following tools in your python code like regular functions:\n<tools>\n",
    "</tools>\n\nThe state persists between code executions: so variables that you define in one step are still "
    "available thereafter.",
)


def leading(turns: list[Placed]) -> str:
    """The text of a system message that comes first."""
    return turns[0].text if turns and turns[0].role == "system" else ""


def switched(turns: list[Placed], context: Context) -> Mapping[str, Any]:
    """A switch in the system message counts for more than `enable_thinking` (lines 19-23)."""
    found = next((s for s in SWITCHES if s in leading(turns)), None)
    return {} if found is None else {"enable_thinking": found == "/think"}


def one_system(turns: list[Placed], context: Context) -> list[Placed]:
    """Refuses a system message that is not the first: the template would leave it out (lines 71-86)."""
    for t in turns[1:]:
        if t.role == "system":
            path = f"messages[{t.turn}]"
            raise RoleError("a system message that is not the first", value="system", path=path, expected="user")
    return turns


def write_preamble(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Date, mode, the caller's instructions or a default, tools; with "/system_override" the caller's text alone.
    Without tools the turn does not end: the template has its <|im_end|> among them (line 65), and the model was
    trained so."""
    wrap = layout.role("system")
    options = context.options
    own = system.text if system is not None else ""
    w.word(wrap.open)
    if OVERRIDE in own:
        _caller(w, system, layout, context, (*SWITCHES, OVERRIDE))
        w.word(wrap.close)
        return
    today = as_date(options["now"]).strftime("%d %B %Y")
    w.markup(f"## Metadata\n\nKnowledge Cutoff Date: June 2025\nToday Date: {today}\nReasoning Mode: ")
    w.markup("/think" if options["enable_thinking"] else "/no_think")
    w.markup("\n\n## Custom Instructions\n\n")
    if not _caller(w, system, layout, context, SWITCHES):
        w.markup(SMOL + THINK if options["enable_thinking"] else SMOL)
    w.markup("\n\n")
    tools = [tool.openai for tool in context.tools or ()] or options["xml_tools"]
    python = options["python_tools"]
    if tools or python:
        w.markup("### Tools\n\n")
        _tools(w, XML, tools)
        _tools(w, PYTHON, python)
        w.markup("\n\n")
        w.word(wrap.close)


def _caller(w: Writer, system: Placed | None, layout: Layout, context: Context, without: Iterable[str]) -> bool:
    """The caller's text, without the switches and what is blank at its end."""
    if system is None:
        return False
    text = system.text
    for switch in without:
        text = text.replace(switch, "")
        if switch != SWITCHES[0]:
            text = text.rstrip()
    w.content(system.having((system.parts[0][0], Text(text))) if text else system.having(), layout, context)
    return bool(text)


def _tools(w: Writer, around: tuple[str, str], tools: Any) -> None:
    """As Jinja's `string` filter prints them: Python's notation, not JSON."""
    if tools:
        w.markup(around[0])
        for w.tool, tool in enumerate(tools):
            w.data(str(tool), "tools")
            w.markup("\n")
        w.markup(around[1])
