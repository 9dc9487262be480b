"""Mistral's prompts: neighbours of one role are one message, tools stand before one user message.

Facts: mistral-common 1.13.1, protocol/instruct/normalize.py and tokens/tokenizers/instruct.py (sha256 in the family
files). Its SentencePiece encoder writes a blank before each stretch of text (`gap`); its tekken encoder does not.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..codecs import dumps
from ..errors import RoleError, check_text
from ..layout import Context, Layout, Placed, Wrap
from ..tools import Tool
from ..turns import Call, Media, Part, Reasoning, Result, Text
from ..wire import Lit, Tok

if TYPE_CHECKING:
    from .writer import Writer

Indexed = tuple["int | None", Part]
TOOLS = ("[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]")
CONTROL = (*TOOLS, "[TOOL_CONTENT]")
"""What the functions here write, in v3 and from v7 on."""
BLANK_LINE = "\n\n"
AFTER = {"system": ("user", "assistant", "system"), "user": ("user", "assistant", "system")}
LATER = ("assistant", "tool", "user")


# arrange passes


def in_order(turns: list[Placed], context: Context) -> list[Placed]:
    """Refuses a system message behind an assistant's or a tool's: validator.py, `_validate_message_order`; so does
    Ministral-3's chat_template.jinja, "Validates message ordering"."""
    for before, t in itertools.pairwise(turns):
        if t.role not in AFTER.get(before.role, LATER):
            raise RoleError(
                f"a {t.role} message behind a {before.role} message",
                value=t.role,
                path=f"messages[{t.turn}].role",
                expected="one of " + ", ".join(AFTER.get(before.role, LATER)),
            )
    return turns


def begun_by_user(turns: list[Placed], context: Context) -> list[Placed]:
    """Refuses a conversation that an assistant begins: Mistral-Medium-3.5 chat_template.jinja, line 170."""
    if turns and turns[0].role not in AFTER:
        raise RoleError(
            f"a conversation that begins with a {turns[0].role} message",
            value=turns[0].role,
            path=f"messages[{turns[0].turn}].role",
            expected="one of " + ", ".join(AFTER),
        )
    return turns


def no_empty_reasoning(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning of no characters is none: Mistral-Medium-3.5 chat_template.jinja, line 93."""
    return [t.having(*(ip for ip in t.parts if not isinstance(ip[1], Reasoning) or ip[1].text)) for t in turns]


@dataclass(slots=True)
class Message(Placed):
    """Neighbouring turns of one role as one message: the first, `more`, and what stands before and in it."""

    more: tuple[Placed, ...] = ()
    tools: bool = False
    system: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """Neighbours of the roles user and assistant become one message, texts joined by a blank line; texts within a
    message are joined by `within`. Texts of no characters are none, unless `empty`. A picture behind all the text goes
    before it. normalize.py, `_aggregate_content_chunks_impl`; instruct.py, `_maybe_put_image_first`."""

    within: str = BLANK_LINE
    empty: bool = False

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        out: list[Placed] = []
        at = 0
        while at < len(turns):
            role = turns[at].role
            n = 1
            while role in ("user", "assistant") and at + n < len(turns) and turns[at + n].role == role:
                n += 1
            run = turns[at : at + n]
            if role == "user":
                run = _picture_first(self._joined(run))
                out.append(Message(role, run[0].turn, run[0].parts, more=tuple(run[1:])))
            else:
                out += map(_fused, self._joined(run) if n == 1 else [self._one_reply(run)])
            at += n
        return out

    def _one_reply(self, run: list[Placed]) -> Placed:
        """Calls come last. What is not of the first turn has no index in it."""
        said = self._joined([t.having(*(ip for ip in t.parts if not isinstance(ip[1], Call))) for t in run])
        calls = [t.having(*(ip for ip in t.parts if isinstance(ip[1], Call))) for t in run]
        return run[0].having(*((i if t.turn == run[0].turn else None, p) for t in said + calls for i, p in t.parts))

    def _joined(self, run: list[Placed]) -> list[Placed]:
        out: list[Placed] = []
        follows = False  # text was the last thing
        for t in run:
            parts: list[Indexed] = []
            new = True
            for index, part in t.parts or ([(None, Text(""))] if self.empty else []):
                if isinstance(part, Result):
                    part = replace(part, content=self._within(part.content))
                if isinstance(part, Text):
                    if not part.text and not self.empty:
                        continue
                    glue = "" if not follows else BLANK_LINE if new else self.within
                    part, follows, new = replace(part, text=glue + part.text), True, False
                else:
                    follows = False
                parts.append((index, part))
            out.append(t.having(*parts))
        return out

    def _within(self, content: tuple[Text | Media, ...]) -> tuple[Text | Media, ...]:
        (only,) = self._joined([Placed("tool", 0, tuple((None, p) for p in content))])
        return tuple(p for _, p in only.parts if isinstance(p, (Text, Media)))


def _fused(t: Placed) -> Placed:
    """Neighbouring texts as one, since the writer begins each with a gap."""
    parts: list[Indexed] = []
    for index, part in t.parts:
        last = parts[-1][1] if parts else None
        if isinstance(part, Text) and isinstance(last, Text):
            parts[-1] = (parts[-1][0], replace(last, text=last.text + part.text))
        else:
            parts.append((index, part))
    return t.having(*parts)


def _picture_first(run: list[Placed]) -> list[Placed]:
    last = run[-1]
    behind = bool(last.parts) and isinstance(last.parts[-1][1], Media)
    if not behind or sum(isinstance(p, Media) for t in run for _, p in t.parts) > 1:
        return run
    return [last.having(last.parts[-1]), *run[:-1], last.having(*last.parts[:-1])]


@dataclass(frozen=True, slots=True)
class Ask:
    """Tools stand before the first or the last user message: `_message_position_to_encode_tools_settings`. With
    `system`, the system messages' text stands in the last user message, which is made if there is none to begin
    with: v3's `_aggregate_system_prompts` and `_aggregate_messages`."""

    first: bool = False
    system: bool = False

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        said = ""
        if self.system:
            texts = [t.text for t in turns if t.role == "system" and t.parts]
            said = BLANK_LINE.join(texts) + BLANK_LINE if any(texts) else ""
            turns = [t for t in turns if t.role != "system"]
            if not turns or turns[0].role != "user":
                turns = [Message("user", 0, ()), *turns]
        asked = [i for i, t in enumerate(turns) if isinstance(t, Message)]
        if not asked:
            return turns
        at = asked[0 if self.first else -1]
        return [replace(t, tools=True, system=said) if i == at and isinstance(t, Message) else t
                for i, t in enumerate(turns)]  # fmt: skip


def right_trimmed(turns: list[Placed], context: Context) -> list[Placed]:
    """An assistant's content that is text alone loses the blanks at its end, one that is left open too: the next token
    begins with the blank. instruct.py, `_encode_normal_content_assistant_message`."""
    return [_right_trimmed(t) if t.role == "assistant" else t for t in turns]


def _right_trimmed(t: Placed) -> Placed:
    parts = [(i, p) for i, p in t.parts if not isinstance(p, Text) or p.text]
    last = max((at for at, (_, p) in enumerate(parts) if isinstance(p, Text)), default=-1)
    if last >= 0 and not any(isinstance(p, Reasoning) for _, p in parts):
        index, part = parts[last]
        assert isinstance(part, Text)
        parts[last : last + 1] = [(index, replace(part, text=text))] if (text := part.text.rstrip(" ")) else []
    return t.having(*parts)


# what is written


def full_tool(tool: Tool) -> dict[str, Any]:
    """A tool as mistral-common dumps it: three fields, made up where missing (tool_calls.py, `Function`)."""
    f: Any = tool.function
    described: dict[str, Any] = {"description": f.get("description") or "", "parameters": f.get("parameters") or {}}
    return {"type": "function", "function": {"name": f["name"], **described}}


def own_tool(tool: Tool) -> Any:
    """A tool as it was given."""
    return tool.openai


@dataclass(frozen=True, slots=True)
class Said(Wrap):
    """A message between two markers, behind tools if they stand before it. `gap`: see the head of this file."""

    gap: str = ""
    tool: Callable[[Tool], Any] = full_tool
    settings: Callable[[Writer, Context], None] | None = None

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        more = placed.more if isinstance(placed, Message) else ()
        system = placed.system if isinstance(placed, Message) else ""
        if isinstance(placed, Message) and placed.tools:
            self._before(w, context)
        w.word(self.open)
        if system or any(_filled(t.parts) for t in (placed, *more)):
            w.word(Lit(self.gap))
        if system:
            w.data(system, "text")
        for t in (placed, *more):
            w.content(t, layout, context)
        w.word(self.close)

    def _before(self, w: Writer, context: Context) -> None:
        if context.tools:
            w.word(Tok("[AVAILABLE_TOOLS]") + Lit(self.gap + "["))
            for w.tool, tool in enumerate(context.tools):
                w.markup(", " if w.tool else "")
                w.data(dumps(self.tool(tool)), "tools")
            w.tool = None
            w.word(Lit("]") + Tok("[/AVAILABLE_TOOLS]"))
        if self.settings is not None:
            self.settings(w, context)


def _filled(parts: Iterable[Indexed]) -> bool:
    return any(not isinstance(p, Text) or p.text for _, p in parts)


def as_object(w: Writer, result: Result) -> None:
    """A result as a JSON object with the call's id. The content is read as JSON where it is JSON; nothing is an
    empty object. instruct.py, v3's `_prepare_tool_result`; normalize.py, `_normalize_json_content`."""
    said = dumps(_read(result.text))
    if not said.isascii():  # JSON may escape half a pair that the text itself did not hold
        check_text(said, f"messages[{w.turn}].content")
    w.markup('{"content": ')
    w.data(said, "result")
    w.markup(', "call_id": ')
    w.data(dumps(result.id), "result")
    w.markup("}")


def _read(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return text


@dataclass(frozen=True, slots=True)
class IdHead:
    """The call's id before a result's content: instruct.py, v7's `encode_tool_message`."""

    gap: str = ""

    def __call__(self, w: Writer, placed: Placed, context: Context) -> None:
        for _, part in placed.parts:
            if isinstance(part, Result):
                w.word(Lit(self.gap))
                w.data(part.id or "", "result")
                w.word(Tok("[TOOL_CONTENT]") + Lit(self.gap if part.text else ""))
