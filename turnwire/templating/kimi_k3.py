"""Prompts of Kimi K3 (encoding_k3.py of moonshotai/Kimi-K3, see families/kimi_k3.py): system messages that its encoder
makes of tools and options, results that are numbered, thinking of all turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..codecs import CallAttributes
from ..errors import OptionError, check_text
from ..layout import Context, Layout, Placed, Wrap
from ..messages import Answers
from ..turns import Call, Reasoning, Result, Text
from ..wire import Lit, Tok, Word
from .kimi import compact, sorted_keys, write_tools

if TYPE_CHECKING:
    from .arrange import Indexed
    from .writer import Writer

SEP = Tok("<|sep|>")
EFFORT = (
    "`thinking_effort` guides on how much to think in your thinking channel (not including the response channel), "
    "supported values include `low`, `medium`, `high`, and `max`.\nNow the system is invoked with `thinking_effort={}`."
)
RAW = (
    "The system is invoked with `response_format={}`.\nYour response must be raw JSON data without markdown code "
    "blocks (```json) or any additional formatting."
)
ATTRIBUTES = CallAttributes("tool", "index")


class System(Wrap):
    """A system message; of the kind that a text's channel names, if the encoder made it."""

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        made = next((p for i, p in placed.parts if i is None and isinstance(p, Text) and p.channel), None)
        if made is None:
            w.word(self.open + Lit('message role="system"') + SEP)
            w.content(placed, layout, context)
        else:
            w.word(self.open + Lit(f'message role="system" type="{made.channel}"') + SEP)
            w.data(made.text, "template")
        w.word(self.close)


@dataclass(frozen=True, slots=True)
class Numbered:
    """Results, each in a message of its own that names tool and number (see `number`)."""

    item_open: Word
    item_close: Word

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None:
        for placed in run:
            w.word(self.item_open + Lit('message role="tool" '))
            for _, part in placed.parts:
                if isinstance(part, Result):
                    w.turn = placed.turn
                    w.data(ATTRIBUTES.write(Call(part.name, {}), int(part.id or 0)), "result")
                    w.turn = None
            w.word(SEP)
            w.content(placed, layout, context)
            w.word(self.item_close)


def number(turns: list[Placed], context: Context) -> list[Placed]:
    """An arrange pass: results count from 0 behind each assistant turn, and are of the tool that was called. The number
    stands in the place of the id, which this family does not show."""
    answers, n = Answers(), 0
    out: list[Placed] = []
    for t in turns:
        if t.role == "assistant":
            answers.ask(tuple(p for _, p in t.parts if isinstance(p, Call)))
            n = 0
        for index, part in t.parts:
            if isinstance(part, Result):
                at = answers.find(part.id, part.name)
                name = part.name if at is None else answers.calls[at].name
                t, n = t.having((index, replace(part, id=str(n), name=name))), n + 1
        out.append(t)
    return out


def think(turns: list[Placed], context: Context) -> list[Placed]:
    """An arrange pass: with the option `thinking` every assistant turn begins with its reasoning, or with none; without
    it none has reasoning. The texts of a turn are one response."""
    return [_thinking(t, context) if t.role == "assistant" else t for t in turns]


def _thinking(t: Placed, context: Context) -> Placed:
    index = next((i for i, p in t.parts if isinstance(p, Reasoning)), None)
    said = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning))
    rest: list[Indexed] = []
    for i, p in t.parts:
        if isinstance(p, Text) and rest and isinstance(last := rest[-1][1], Text):
            rest[-1] = (rest[-1][0], replace(last, text=last.text + p.text))
        elif not isinstance(p, Reasoning) and p != Text(""):
            rest.append((i, p))
    said = said if said.strip() else ""
    think = [(index, Reasoning(said, prefilled=not said))] if context.options["thinking"] else []
    return t.having(*think, *rest)


def head(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The preamble: tools, how much to think, the system message."""
    wrap = layout.role("system")
    if context.tools:
        w.word(wrap.open + Lit('message role="system" type="tool-declare"') + SEP)
        w.markup("# Tools\nHere are the available tools, described in JSONSchema.\n\n```json\n")
        write_tools(w, context)
        w.markup("\n```")
        w.word(wrap.close)
    effort = context.options["thinking_effort"]
    if effort and context.options["thinking"]:
        wrap.write(w, _made("thinking-effort", EFFORT.format(effort)), layout, context)
    if system is not None:
        wrap.write(w, system, layout, context)


def demand(turns: list[Placed], context: Context) -> list[Placed]:
    """An arrange pass: what the next message must be, behind all messages. Not behind one that is left open."""
    choice = context.options["tool_choice"]
    made: list[Placed] = []
    if choice in ("required", "none"):
        must = "call tools" if choice == "required" else "NOT call any tools"
        said = f"The system is invoked with `tool_choice={choice}`.\nYou MUST {must} in the next message."
        made.append(_made("tool-choice", said))
    if text := _response_format(context.options["response_format"]):
        made.append(_made("response-format", text))
    return turns if context.open else [*turns, *made]


def _response_format(given: Any) -> str:
    kind: Any = given.get("type") if isinstance(given, Mapping) else given  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if kind in (None, "text"):
        return ""
    if kind == "json_object":
        return RAW.format(kind)
    schema: Any = given.get("json_schema") if kind == "json_schema" and isinstance(given, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(schema, Mapping):
        raise OptionError(
            f"response_format does not take {given!r}",
            value=given,
            path="response_format",
            expected='"json_object", or {"type": "json_schema", "json_schema": {"schema": ...}}',
        )
    inner: Any = schema.get("schema", schema)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    shown = compact(sorted_keys(inner))
    return f"{RAW.format('json_schema')}\nThe JSON data must match the following schema:\n```json\n{shown}\n```"


def _made(kind: str, text: str) -> Placed:
    check_text(text, kind.replace("-", "_"))
    return Placed("system", -1, ((None, Text(text, kind)),))
