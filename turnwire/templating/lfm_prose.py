"""How LFM2's templates declare tools, and what LFM2.5's keep of old reasoning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..layout import Context, Layout, Option, Placed
from ..turns import Reasoning, Text
from ..wire import NOTHING, Word
from .arrange import Indexed, strip_ends, without_empty
from .preambles import as_json

if TYPE_CHECKING:
    from .writer import Writer

keep_past = Option("keep_past_thinking", False, "a bool: reasoning of all turns, not of the last only", (True, False))
preserve = Option(
    "preserve_thinking", False, "a bool: reasoning of all turns, not since the last user's", (True, False)
)


@dataclass(frozen=True, slots=True)
class ListOfTools:
    """A system turn, if there is anything to say: text, and the tools as a JSON list between `open` and `close`.
    LFM2-1.2B chat_template.jinja, lines 8-23; LFM2.5-1.2B-Instruct, lines 8-23, without markers."""

    open: Word = NOTHING
    close: Word = NOTHING

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        text = system is not None and bool(system.parts) and bool(system.text)
        if not text and not context.tools:
            return
        wrap: Any = layout.role("system")
        w.word(wrap.open)
        if system is not None:
            w.content(system, layout, context)
        if context.tools:
            w.markup(("\n" if text else "") + "List of tools: ")
            w.word(self.open)
            w.markup("[")
            for w.tool, tool in enumerate(context.tools):
                w.markup(", " if w.tool else "")
                w.data(tool.made(as_json), "tools")
            w.tool = None
            w.markup("]")
            w.word(self.close)
        w.word(wrap.close)


@dataclass(frozen=True, slots=True)
class DropOldThinking:
    """Without reasoning: turns before the last of the assistant, or, with `query`, before the last user turn; of
    content, what is behind the last </think>, trimmed. `option` keeps all of it. LFM2.5-1.2B-Instruct
    chat_template.jinja, lines 24-40; LFM2.5-8B-A1B, lines 71-75, 82-92, with `query`."""

    option: str
    query: bool = False

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        if context.options[self.option]:
            return turns
        last = max((at for at, t in enumerate(turns) if t.role == ("user" if self.query else "assistant")), default=-1)
        return [self._settled(t) if t.role == "assistant" and at < last else t for at, t in enumerate(turns)]

    def _settled(self, t: Placed) -> Placed:
        rest: list[Indexed] = [(i, p) for i, p in without_empty(t) if not isinstance(p, Reasoning)]
        if "</think>" in t.text:
            first = next(i for i, p in rest if isinstance(p, Text))
            rest = [(first, Text(t.text.split("</think>")[-1])), *((i, p) for i, p in rest if not isinstance(p, Text))]
        elif self.query or len(rest) == len(without_empty(t)):  # without `query`, reasoning stood in the content
            return t.having(*rest)
        ends = strip_ends(rest)
        if not self.query:  # calls stand in the content too: a text next to one does not end it
            ends = rest
            for at, strip in ((0, str.lstrip), (-1, str.rstrip)):
                index, part = ends[at] if ends else (None, None)
                if isinstance(part, Text):
                    ends[at] = (index, replace(part, text=strip(part.text)))
        return t.having(*without_empty(replace(t, parts=tuple(ends))))


def drop_empty_reasoning(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning that says nothing is none."""
    return [t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning) or p.text)) for t in turns]
