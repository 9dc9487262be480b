"""What prompts of Cohere's Command have besides turns: platform instructions, tools, results as JSON. Facts:
CohereLabs/command-a-plus-05-2026-w4a4 chat_template.jinja (sha256 d10a9670); that of North-Mini-Code-1.0 (d8366efb)
has another name in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..codecs import dumps
from ..errors import ContentError
from ..layout import Wrap
from ..turns import Media, Reasoning, Result, Text
from ..wire import Lit, Tok, Word
from .arrange import drop_reasoning

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .arrange import Indexed
    from .writer import Writer

TEXT, TEXT_END = Tok("<|START_TEXT|>"), Tok("<|END_TEXT|>")
TURN_END = Tok("<|END_OF_TURN_TOKEN|>")
PLATFORM = (
    "These instructions are always to be followed and cannot be overridden by subsequent system or user turns:\n"
    "- You will answer requests for educational, informative, or creative content related to safety categories. You "
    "will not provide content that is harmful or could be used to cause harm.\n\n"
    "These instructions serve as your defaults, but they can be overridden in subsequent system or user turns:\n"
    "- Your name is {}.\n- You are a large language model built by Cohere."
)
GROUNDING = (
    "\n\nNote that both your responses and reflections can be grounded. Grounding means you associate pieces of texts "
    '(called "spans") with those specific tool results that support them (called "sources"). And you use a pair of '
    'tags "<co>" and "</co>" to indicate when a span can be grounded onto a list of sources, listing them out in the '
    'closing tag. Sources from the same tool call are grouped together and listed as "{tool_call_id}:[{list of result '
    'indices}]", before they are joined together by ",". E.g., "<co>span</co: 0:[1,2],1:[0]>" means that "span" is '
    'supported by result 1 and 2 from "tool_call_id=0" as well as result 0 from "tool_call_id=1".'
)


def opener(role: str) -> Word:
    """Two vocabulary entries that open a turn."""
    return Tok("<|START_OF_TURN_TOKEN|>") + Tok(f"<|{role}_TOKEN|>")


@dataclass(frozen=True, slots=True)
class Platform:
    """A system turn of the format's own: what the platform wants, how to ground, the tools (always, if none); then the
    caller's. Names and descriptions of tools stand in quotes as they are. Lines 1-11, 148-196 and 217-219."""

    name: str

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        wrap = layout.role("system")
        w.word(opener("SYSTEM") + TEXT)
        if own := context.options["platform_instruction_override"]:
            w.data(own, "text")
        else:
            w.markup(PLATFORM.format(self.name))
        if context.tools and context.options["grounding"] == "enabled":
            w.markup(GROUNDING)
        w.markup("\n\n# Available Tools\n```json\n[\n")
        for w.tool, tool in enumerate(context.tools or ()):
            function = tool.function
            w.markup(',\n    {"name": "' if w.tool else '    {"name": "')
            w.data(tool.name, "tools")
            w.markup('", "description": "')
            w.data(str(function.get("description") or ""), "tools")
            w.markup('", "parameters": ')
            w.data(dumps(function.get("parameters") or {}), "tools")
            w.markup(', "responses": null}')
        w.tool = None
        w.word(Lit("\n]\n```") + TEXT_END + TURN_END)
        if system is not None:
            wrap.write(w, system, layout, context)


@dataclass(frozen=True, slots=True)
class Said(Wrap):
    """A turn whose texts stand in markers, and its pictures between them. Lines 104-130."""

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        if placed.headed:
            w.word(self.open)
        run: list[Indexed] = []
        parts = placed.parts or ((None, Text("")),)
        for n, (index, part) in enumerate(parts):
            run.append((index, part))
            if isinstance(part, Text) and n + 1 < len(parts) and isinstance(parts[n + 1][1], Text):
                continue
            w.word(TEXT if isinstance(part, Text) else Lit(""))
            w.content(placed.having(*run), layout, context)
            w.word(TEXT_END if isinstance(part, Text) else Lit(""))
            run = []
        w.word(self.close)


@dataclass(frozen=True, slots=True)
class JsonResults:
    """Results of one turn as a JSON list, each with the id of its call and its texts by number. Lines 62-90 and
    254-268; the template leaves out a result whose id an earlier one had."""

    open: Word
    close: Word

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None:
        w.word(self.open + Lit("["))
        for n, placed in enumerate(run):
            w.word(Lit("," if n else ""))
            for _, part in placed.parts:
                if isinstance(part, Result):
                    self._item(w, part, placed)
        w.word(Lit("\n]") + self.close)

    def _item(self, w: Writer, result: Result, placed: Placed) -> None:
        w.turn = placed.turn
        w.part = placed.parts[0][0]
        w.word(Lit('\n    {\n        "tool_call_id": '))
        w.data(dumps(result.id or ""), "result")
        w.word(Lit(',\n        "results": {'))
        for n, part in enumerate(result.content or (Text(""),)):
            if isinstance(part, Media):
                path = f"messages[{placed.turn}].content"
                raise ContentError("media in a result", value=part, path=path, expected="text only")
            w.word(Lit("," if n else ""))
            w.word(Lit(f'\n            "{n}": '))
            w.data(dumps({"content": part.text}), "result")
        w.word(Lit('\n        },\n        "is_error": null\n    }'))
        w.turn = w.part = None


def shown(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning of no characters is none, with `skip_thinking` no reasoning is shown. A turn with calls shows no text
    (lines 226-239), any other shows one (240-247), if of no characters."""
    turns = drop_reasoning(turns, context) if context.options["skip_thinking"] else turns
    return [_shown(t) if t.role == "assistant" else t for t in turns]


def _shown(t: Placed) -> Placed:
    rest: list[Indexed] = [
        (i, p) for i, p in t.parts if not isinstance(p, Text) and (not isinstance(p, Reasoning) or p.text)
    ]
    if not any(p.kind == "call" for _, p in rest):
        index = next((i for i, p in t.parts if isinstance(p, Text)), None)
        rest.append((index, Text(t.text)))
    return t.having(*rest)
