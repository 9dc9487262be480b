"""What the templates of GLM-4.5 to GLM-5.3 do around a reply: their preambles, which think blocks stay, how results
are ordered. The lines cited are those of chat_template.jinja of zai-org/GLM-4.5 (sha256 44f81586), GLM-4.7 (d63ad536),
GLM-5 (45a1d563), GLM-5.1 (03b1bbff) and GLM-5.2 (172dc74a); of GLM-5.3 see `families/glm5.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..codecs import dumps
from ..turns import Call, Part, Reasoning, Result, Text
from ..wire import Lit, Tok
from .arrange import SplitReasoning, split_reasoning
from .preambles import as_json

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from ..tools import Tool
    from .writer import Writer

TOOLS = (
    "\n# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>\n",
    "</tools>\n\nFor each function call, output the function name and arguments within the following XML format:\n",
)
PAIRS = tuple(f"<arg_key>{{arg-key-{n}}}</arg_key>@<arg_value>{{arg-value-{n}}}</arg_value>@" for n in (1, 2))
EXAMPLE = "<tool_call>{function-name}@" + "".join(PAIRS) + "...@</tool_call>"


def no_effort(context: Context) -> str:
    """Nothing is said of the effort."""
    return ""


@dataclass(frozen=True, slots=True)
class Preamble:
    """The effort, a system turn of the tools, then the caller's. GLM-4.5, lines 2-21; GLM-4.7, lines 2-16; GLM-5.2,
    lines 2-33. `gap`: what stands between the words of a call."""

    gap: str = ""
    show: Callable[[Tool], str | None] = as_json
    effort: Callable[[Context], str] = no_effort

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        opener = Tok("<|system|>")
        if effort := self.effort(context):
            w.word(opener + Lit("Reasoning Effort: " + effort))
        if context.tools:
            w.word(opener)
            w.markup(TOOLS[0])
            for w.tool, tool in enumerate(context.tools):
                if (shown := tool.made(self.show)) is not None:
                    w.data(shown, "tools")
                    w.markup("\n")
            w.markup(TOOLS[1] + EXAMPLE.replace("@", self.gap))
        if system is not None:
            layout.role(system.role).write(w, system, layout, context)


def bare_tool(tool: Tool) -> str | None:
    """The function alone, less two keys; None for one that is loaded later. GLM-5.1, lines 3-14 and 23-28."""
    if tool.function.get("defer_loading"):
        return None
    return dumps({k: v for k, v in tool.function.items() if k not in ("defer_loading", "strict")})


def effort_unless_off(context: Context) -> str:
    """GLM-5.2, lines 2-3."""
    if not context.options["enable_thinking"]:
        return ""
    return "High" if context.options["reasoning_effort"] == "high" else "Max"


def effort_always(context: Context) -> str:
    """GLM-5.3: low, high, or the highest."""
    return str(context.options["reasoning_effort"]).capitalize()


@dataclass(frozen=True, slots=True)
class Thinking:
    """Reasoning stays behind the last user turn, and everywhere with `clear_thinking=False`. `made`: other turns get
    an empty block (GLM-4.5, lines 63-67; GLM-5.2, lines 76-80). `whole`: reasoning stays as it is, even if it is
    empty (GLM-5.1, line 75); else it is trimmed, and counts if it is not empty (GLM-4.7, lines 52-56). `round`:
    a turn without reasoning gets an empty block if thinking goes on there (GLM-5.1, lines 70-74)."""

    made: bool = False
    whole: bool = False
    round: bool = False

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        clear = context.options.get("clear_thinking", True)
        last = max((at for at, t in enumerate(turns) if t.role == "user"), default=-1)
        begins = [-1, *(at for at, t in enumerate(turns) if t.role == "user"), len(turns)]
        thought = {
            at
            for a, b in itertools.pairwise(begins)
            for at in range(a + 1, b)
            if a >= 0 and any(_reasons(t) for t in turns[a + 1 : b])
        }
        split = SplitReasoning(trim=None) if self.whole else split_reasoning
        out: list[Placed] = []
        for at, t in enumerate(split(turns, context)):
            if t.role == "assistant":
                made = self.made or (
                    self.round and (bool(context.options["enable_thinking"]) if at > last else at in thought)
                )
                t = self._turn(t, at > last or not clear, made)
            out.append(t)
        return out

    def _turn(self, t: Placed, stays: bool, made: bool) -> Placed:
        rest = [(i, p) for i, p in t.parts if not isinstance(p, Reasoning)]
        found = next(((i, p) for i, p in t.parts if isinstance(p, Reasoning)), None)
        said = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning))
        block: list[tuple[int | None, Part]] = []
        if stays and found is not None and (said or self.whole):
            text = said if self.whole else said.strip()
            block = [(found[0], Reasoning(text, prefilled=found[1].prefilled and not text))]
        elif self.made or (made and stays):
            block = [(None, Reasoning("", prefilled=True))]
        return t.having(*block, *_stripped(rest))


def _reasons(t: Placed) -> bool:
    return t.role == "assistant" and any(isinstance(p, Reasoning) for _, p in t.parts)


def _stripped(parts: Iterable[tuple[int | None, Part]]) -> list[tuple[int | None, Part]]:
    """Neighbouring texts as one, without blanks at its ends. GLM-4.5, lines 53 and 68-70."""
    out: list[tuple[int | None, Part]] = []
    for index, part in parts:
        last = out[-1][1] if out else None
        if isinstance(part, Text) and isinstance(last, Text):
            out[-1] = (out[-1][0], replace(last, text=last.text + part.text))
        else:
            out.append((index, part))
    stripped = [(i, replace(p, text=p.text.strip()) if isinstance(p, Text) else p) for i, p in out]
    return [(i, p) for i, p in stripped if not isinstance(p, Text) or p.text]


def sort_results(turns: list[Placed], context: Context) -> list[Placed]:
    """Results in the order of the calls that they answer, where the ids say so without doubt. GLM-5.3."""
    out: list[Placed] = []
    for at, t in enumerate(turns):
        if t.role == "tool" and (not at or turns[at - 1].role != "tool"):
            end = next((i for i in range(at, len(turns)) if turns[i].role != "tool"), len(turns))
            out += _sorted(turns[at:end], turns[at - 1] if at else None)
        elif t.role != "tool":
            out.append(t)
    return out


def _sorted(run: list[Placed], before: Placed | None) -> list[Placed]:
    calls: list[Any] = [p.id for _, p in before.parts if isinstance(p, Call)] if before is not None else []
    ids: list[Any] = [p.id for t in run for _, p in t.parts if isinstance(p, Result)]
    for known in (calls, ids):
        if not all(known) or len(set(known)) != len(known):
            return run
    if len(ids) != len(run) or not set(ids) <= set(calls):
        return run
    return [t for _, t in sorted(zip(map(calls.index, ids), run), key=lambda pair: pair[0])]
