"""What prompts of Kimi's families have besides turns: declarations of tools, headings of results, history rules."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..layout import Context, Layout, Placed
from ..turns import Reasoning, Result, Text
from ..wire import Lit, Tok
from .declarations import Undeclared, declarations

if TYPE_CHECKING:
    from .arrange import Indexed
    from .writer import Writer

OPEN, MIDDLE, CLOSE = Tok("<|im_system|>"), Tok("<|im_middle|>"), Tok("<|im_end|>")


def sorted_keys(value: Any) -> Any:
    """JSON with the keys of all objects sorted. The tokenizer class of K2 and its successors does it to tools
    (tokenization_kimi.py, deep_sort_dict), before the template sees them; so does K3's encoder."""
    if isinstance(value, dict):
        return {k: sorted_keys(v) for k, v in sorted(value.items())}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return [sorted_keys(v) for v in value] if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType]


def compact(value: Any) -> str:
    """JSON without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def write_tools(w: Writer, context: Context) -> None:
    """The tools as a JSON list without blanks, keys sorted."""
    for w.tool, tool in enumerate(context.tools or ()):
        w.markup("," if w.tool else "[")
        w.data(compact(sorted_keys(tool.openai)), "tools")
    w.markup("]")
    w.tool = None


@dataclass(frozen=True, slots=True)
class Declare:
    """The tools in a turn of their own, then the system turn, or the `default` of a conversation without one (of no
    message at all too, if `empty`). Kimi-K2-Instruct chat_template.jinja, lines 16-22. `typescript`: tools as
    TypeScript, as JSON only where that cannot be had (Kimi-K2.5 tokenization_kimi.py, apply_chat_template)."""

    default: str = ""
    empty: bool = True
    typescript: bool = False

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        if context.tools:
            w.word(OPEN + Lit("tool_declare") + MIDDLE)
            try:
                text = declarations(map(_sorted, context.tools)) if self.typescript else ""
            except Undeclared:
                text = ""
            if text:
                w.data(text, "tools")
            else:
                write_tools(w, context)
            w.word(CLOSE)
        if system is not None:
            layout.role("system").write(w, system, layout, context)
        elif self.default and (context.count or self.empty):
            w.markup(self.default)


def _sorted(tool: Any) -> Any:
    return type(tool)(tool.name, tool.description, tool.parameters, sorted_keys(tool.openai))


def heading(w: Writer, placed: Placed, context: Context) -> None:
    """Whose result it is: a role that is the tool's name, if the caller gave it, and the call's id.
    Kimi-K2-Instruct chat_template.jinja, lines 25-32 and 42-44."""
    w.turn = placed.turn
    for w.part, part in placed.parts:
        if isinstance(part, Result):
            w.data(part.name if part.named and part.name else "tool", "result")
            w.word(MIDDLE + Lit("## Return of "))
            w.data(part.id or "", "result")
            w.word(Lit("\n"))
    w.turn = w.part = None


@dataclass(frozen=True, slots=True)
class ThinkSinceAnswer:
    """Every assistant turn begins with a think block; reasoning stays in it behind the last turn that called no tool
    (everywhere, if `always` or with the option `preserve_thinking`), and not with the option `thinking` off. A block
    that the layout made up or emptied is nobody's. Kimi-K2-Thinking chat_template.jinja, lines 38-50 and 60-80;
    Kimi-K2.6, lines 38-49 and 82-89; Kimi-K2.7-Code, line 47, with `always`."""

    always: bool = False

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        preserved = self.always or bool(context.options.get("preserve_thinking"))
        off = not preserved and not context.options.get("thinking", True)
        answers = (at for at, t in enumerate(turns) if t.role == "assistant" and not _calls(t))
        last = max(answers, default=-1) if not preserved else -1
        return [_thinking(t, at > last and not off) if t.role == "assistant" else t for at, t in enumerate(turns)]


def _calls(t: Placed) -> bool:
    return any(p.kind == "call" for _, p in t.parts)


def _thinking(t: Placed, kept: bool) -> Placed:
    index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None)
    said = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning)) if kept else ""
    rest: list[Indexed] = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning) and p != Text("")]
    return t.having((index, Reasoning(said, prefilled=not said)), *rest)
