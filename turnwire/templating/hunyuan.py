"""What the templates of Hy3 do around a reply. The lines are those of chat_template.jinja of tencent/Hy3 (sha256
7fc351fe) and Hy3-preview (54909415), whose control tokens have no suffix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..turns import Reasoning
from ..wire import Tok
from .preambles import as_json

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

EFFORTS = ("no_think", "low", "high")


@dataclass(frozen=True, slots=True)
class Preamble:
    """The texts of all system turns, tools, the effort. Hy3, lines 79-128. `suffix`: of the control tokens."""

    suffix: str

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        mode = Tok(f"<｜reasoning_mode{self.suffix}｜>")
        if system is not None:
            w.content(system, layout, context)
        if context.tools:
            w.markup("\n\n" if system is not None and system.text else "")
            w.markup(
                "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
                "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n"
            )
            for w.tool, tool in enumerate(context.tools):
                w.markup("\n" if w.tool else "")
                w.data(tool.made(as_json), "tools")
            w.markup(USE.replace("#>", f"{self.suffix}>"))
        w.word(mode)
        w.markup(f"reasoning_effort:{context.options['reasoning_effort']}")


USE = (
    "\n</tools>\n\nFor function call returns, you should first print <tool_calls#>\nFor each function call, you should "
    "return object like:\n<tool_call#>{function-name}<tool_sep#>\n<arg_key#>{arg-key-1}</arg_key#>\n"
    "<arg_value#>{arg-value-1}</arg_value#>\n<arg_key#>{arg-key-2}</arg_key#>\n<arg_value#>{arg-value-2}</arg_value#>\n"
    "...\n</tool_call#>\nAt the end of function call returns, you should print </tool_calls#>"
)


def gather(turns: list[Placed], context: Context) -> list[Placed]:
    """The texts of all system turns as the first one's. Hy3, lines 74-78."""
    given = [t for t in turns if t.role == "system"]
    rest = [t for t in turns if t.role != "system"]
    if not given:
        return rest
    parts = tuple(p for t in given for p in t.parts)
    return [replace(given[0], turn=0, parts=parts), *rest]


def think(turns: list[Placed], context: Context) -> list[Placed]:
    """Every turn has a think block, as it was written behind the last user turn, and everywhere with
    `preserved_thinking` (by default: with tools) or `is_training`; else it is empty. Hy3, lines 138-163."""
    keep = context.options["preserved_thinking"]
    keep = (bool(context.tools) if keep is None else keep) or context.options["is_training"]
    return _think(turns, context, keep)


def think_if_interleaved(turns: list[Placed], context: Context) -> list[Placed]:
    """The same, but reasoning stays with `interleaved_thinking` and tools, behind the last user turn, or with
    `is_training`. Hy3-preview, lines 113-133."""
    on = context.options["interleaved_thinking"] and bool(context.tools)
    last = len(turns) if not on else None
    return _think(turns, context, context.options["is_training"], last)


def _think(turns: list[Placed], context: Context, keep: bool, last: int | None = None) -> list[Placed]:
    if last is None:
        last = max((at for at, t in enumerate(turns) if t.role == "user"), default=-1)
    out: list[Placed] = []
    for at, t in enumerate(turns):
        if t.role == "assistant":
            rest = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning)]
            found = [(i, p) for i, p in t.parts if isinstance(p, Reasoning)] if keep or at > last else []
            t = t.having(*(found or [(None, Reasoning("", prefilled=True))]), *rest)
        out.append(t)
    return out


def leave_open(turns: list[Placed], context: Context) -> list[Placed]:
    """The last turn, if it is the model's, is not ended (but behind calls) unless `is_training`. Hy3, lines
    183-194."""
    if turns and turns[-1].role == "assistant" and not context.options["is_training"]:
        return [*turns[:-1], replace(turns[-1], open=True)]
    return turns
