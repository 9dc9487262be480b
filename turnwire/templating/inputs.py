"""What a chat template is given: messages, tools and documents as plain data.

A template sees only dicts, lists, strings, numbers, booleans and None, as with transformers 5
(`utils.chat_template_utils`, 5.23), whose rules are the defaults of `Inputs`. Whatever else a caller passes is refused
with its path, and so is a lone surrogate; media become the name of their kind.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, TypeAlias, cast

from ..codecs import dumps, loads
from ..errors import ArgumentsError, ContentError, MessageError, OptionError, ToolError, check_text, nearest, step
from ..messages import REASONING, TEXTS
from ..tools import Tool, normalize_tools
from ..turns import Call, Media, Result, Text, Turn

MAX_DEPTH = 256
SCALARS = frozenset((int, float, bool, type(None)))
CHOICES = {
    "arguments": ("given", "object", "string"),
    "content": ("given", "string", "parts"),
    "nothing": ("given", "string", "none"),
    "tools": ("given", "openai"),
}


@dataclass(frozen=True, slots=True)
class Inputs:
    """How messages are shaped before a template sees them. The defaults are what transformers 5 does.

    `drop_none`: a key of a message whose value is None is left out, so that no template prints "None".
    `alias_reasoning`: reasoning under any of `reasoning_content`, `thinking`, `reasoning` is given as the first two.
    `arguments`: of calls, "given" as the caller has them, "object" (JSON strings are read) or "string" (objects are
    written as JSON). Templates want the one or the other, and print nonsense for the wrong one.
    `content`: "given", "string" (text parts are joined) or "parts" (a string becomes one text part).
    `nothing`: of a turn of the assistant without content, "given" (left out), "string" (an empty one), "none" (None):
    some templates ask for its length, or what it begins with, or whether it is None, and not whether it is there.
    `tools`: "given" (dicts as they are), or "openai" (MCP, Anthropic and flat definitions are rewritten).
    A `Turn` among the messages has no form of its own: its calls have objects, its content is a string if it has no
    media, each unless said otherwise.
    """

    drop_none: bool = True
    alias_reasoning: bool = True
    arguments: Literal["given", "object", "string"] = "given"
    content: Literal["given", "string", "parts"] = "given"
    nothing: Literal["given", "string", "none"] = "given"
    tools: Literal["given", "openai"] = "given"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise OptionError(
                    f"{name} does not take {value!r}", value=value, path=f"inputs.{name}",
                    expected="one of " + ", ".join(known), near=nearest(value, known),
                )  # fmt: skip

    def messages(self, messages: Any) -> list[dict[str, Any]]:
        """New messages, of plain data. Raises `MessageError` and its kind."""
        if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable):
            raise MessageError("not a list of messages", value=messages, path="messages",
                               expected="a list of dicts or Turns")  # fmt: skip
        return [self._message(m, ("messages", i)) for i, m in enumerate(cast("Iterable[Any]", messages))]

    def definitions(self, tools: Any) -> list[Any] | None:
        """The tools as a template gets them. Raises `ToolError` and its kind."""
        if tools is None:
            return None
        if self.tools == "openai":
            return [plain(t.openai, f"tools[{i}]") for i, t in enumerate(normalize_tools(tools) or ())]
        if isinstance(tools, (str, bytes, Mapping, Tool)) or not isinstance(tools, Iterable):
            raise ToolError("not a list of tools", value=tools, path="tools", expected="a list of dicts")
        out: list[Any] = []
        for i, tool in enumerate(cast("Iterable[Any]", tools)):
            if type(tool) is not dict and not isinstance(tool, (Mapping, Tool)):
                raise ToolError(f"not a tool but {type(tool).__name__}", value=tool, path=f"tools[{i}]",
                                expected="a dict or a Tool (turnwire.tool makes one of a function)")  # fmt: skip
            out.append(plain(tool.openai if isinstance(tool, Tool) else tool, ("tools", i)))
        return out

    def _message(self, message: Any, path: At) -> dict[str, Any]:
        if type(message) is not dict or "parts" in message:
            if isinstance(message, Turn):
                message = _of_turn(message)
            elif isinstance(message, Mapping) and "parts" in message and "content" not in message:
                message = _of_turn(Turn.from_dict(cast("Mapping[str, Any]", message), _spelled(path)))
        out: Any = plain(message, path)
        if not isinstance(out, dict):
            raise MessageError("not a message", value=message, path=_spelled(path),
                               expected="a dict, a Turn, a dataclass or a pydantic model")  # fmt: skip
        out = cast("dict[str, Any]", out)
        if self.drop_none and None in out.values():
            out = {k: v for k, v in out.items() if v is not None}
        if not isinstance(out.get("role"), str):
            raise MessageError("a message without a role", value=message, path=_spelled((path, "role")),
                               expected="a string")  # fmt: skip
        if self.alias_reasoning:
            for name in REASONING:
                if (said := out.get(name)) is not None:
                    out = {"thinking": said, **out, REASONING[0]: said}
                    break
        if self.nothing != "given" and out["role"] == "assistant":
            out.setdefault("content", "" if self.nothing == "string" else None)
        if self.content != "given" and "content" in out:
            out["content"] = self._content(out["content"], _spelled((path, "content")))
        calls = out.get("tool_calls")
        if self.arguments != "given" and isinstance(calls, list):
            for j, call in enumerate(cast("list[Any]", calls)):
                self._arguments(call, _spelled(((path, "tool_calls"), j)))
        return out

    def _content(self, content: Any, path: str) -> Any:
        if self.content == "parts" and isinstance(content, str):
            return [{"type": "text", "text": content}]
        if self.content == "string" and isinstance(content, list):
            parts = cast("list[Any]", content)
            for i, part in enumerate(parts):
                own = cast("dict[str, Any]", part if isinstance(part, dict) else {})
                if own.get("type") not in TEXTS or not isinstance(own.get("text", ""), str):
                    raise ContentError('inputs.content="string" takes text only', value=part, path=f"{path}[{i}]",
                                       expected='{"type": "text", "text": ...}')  # fmt: skip
            return "".join(part.get("text", "") for part in parts)
        return content

    def _arguments(self, call: Any, path: str) -> None:
        whole = cast("dict[str, Any]", call if isinstance(call, dict) else {})
        holder: dict[str, Any] = whole.get("function", whole)
        if not isinstance(holder, dict) or "arguments" not in holder:  # pyright: ignore[reportUnnecessaryIsInstance]
            return
        given: Any = holder["arguments"]
        if self.arguments == "string" and not isinstance(given, str):
            try:
                holder["arguments"] = dumps(given)
            except (TypeError, ValueError) as e:  # a key that is no text, a number of too many digits
                raise ArgumentsError(f"cannot be written as JSON ({e})", path=f"{path}.function.arguments",
                                     expected="what JSON can say") from None  # fmt: skip
        elif self.arguments == "object" and isinstance(given, str):
            try:
                holder["arguments"] = loads(given or "{}")
            except ValueError as e:
                raise ArgumentsError(f"not JSON ({e})", value=given, path=f"{path}.function.arguments",
                                     expected="a JSON object") from None  # fmt: skip


def given_documents(documents: Any) -> Any:
    """The documents as a template gets them. Raises `OptionError` for what transformers does not take."""
    given: Any = plain(documents, "documents")
    if given is None or (isinstance(given, (list, tuple)) and all(isinstance(d, dict) for d in cast("Any", given))):
        return cast("Any", given)
    raise OptionError("not a list of documents", value=documents, path="documents", expected="a list of dicts")


At: TypeAlias = "str | tuple[At, str | int | None]"
"""A path, or one and a step from there (None: to a key), which is spelled for an error only."""


def plain(value: Any, path: At, depth: int = 0) -> Any:
    """A copy in plain data: fields of dataclasses and pydantic models, numbers of numpy's. Anything else becomes its
    type's name, as in transformers, so that no template gets hold of an object. Raises `SurrogateError` and
    `MessageError` with the path."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is not dict and kind is not list:
        return _plain(value, path, depth)
    if depth > MAX_DEPTH:
        raise MessageError(f"nested deeper than {MAX_DEPTH}", path=_spelled(path), expected="a shallower value")
    below = depth + 1
    if kind is list:
        items: list[Any] = []
        for item in value:
            ready = type(item) is str and item.isascii()
            items.append(item if ready else plain(item, (path, len(items)), below))
        return items
    copy: dict[Any, Any] = {}
    for key, item in value.items():
        if type(key) is str and key.isascii():
            kind = type(item)  # pyright: ignore[reportUnknownVariableType]
            if kind is str:
                copy[key] = item if item.isascii() else _plain(item, (path, key), below)
            else:
                copy[key] = item if kind in SCALARS else plain(item, (path, key), below)
        else:
            copy[plain(key, (path, None), below)] = plain(item, (path, str(key)), below)
    return copy


def _plain(value: Any, path: At, depth: int) -> Any:
    """Of what is not as plain."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            check_text(value, _spelled(path))
        return str.__str__(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, Mapping):
        return plain(dict(cast("Mapping[Any, Any]", value)), path, depth)
    if isinstance(value, (list, tuple)):
        items = plain(list(cast("list[Any]", value)), path, depth)
        return tuple(items) if isinstance(value, tuple) else items
    inner = _inside(value)
    return f"<{type(value).__name__}>" if inner is value else plain(inner, path, depth + 1)


def _spelled(path: At) -> str:
    if isinstance(path, str):
        return path
    before, to = path
    return f"{_spelled(before)} (a key)" if to is None else step(_spelled(before), to)


def _inside(value: Any) -> Any:
    """What an object holds, itself if nobody knows."""
    dump = getattr(value, "model_dump", None)
    numpy: Any = sys.modules.get("numpy")  # who has one of its numbers has loaded it
    if isinstance(value, Tool):
        return value.openai
    if isinstance(value, Call):
        function = {"name": value.name, "arguments": value.arguments}
        return {"id": value.id, "type": "function", "function": function}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: getattr(cast("Any", value), f.name) for f in fields(value)}
    if callable(dump):
        return dump()
    return cast("Any", value).item() if numpy is not None and isinstance(value, numpy.generic) else value


def _of_turn(turn: Turn) -> dict[str, Any]:
    """A `Turn` as a message, its calls with objects."""
    if turn.role == "tool":
        results = [p for p in turn.parts if isinstance(p, Result)]
        if len(results) != 1 or len(turn.parts) != 1:
            raise MessageError("a tool turn without exactly one result", value=turn, path="messages",
                               expected="a turn for each result")  # fmt: skip
        (result,) = results
        answer = {
            "role": "tool",
            "content": _content_of(result.content),
            "tool_call_id": result.id,
            "name": result.name,
        }
        return {k: v for k, v in answer.items() if v is not None}
    out = turn.to_openai()
    for call in out["tool_calls"]:
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    if any(isinstance(p, Media) for p in turn.parts):
        out["content"] = _content_of(tuple(p for p in turn.parts if isinstance(p, (Text, Media))))
    elif out["content"] is None and any(isinstance(p, Text) for p in turn.parts):
        out["content"] = ""
    return {k: v for k, v in out.items() if v is not None and v != []}


def _content_of(parts: tuple[Text | Media, ...]) -> Any:
    if not any(isinstance(p, Media) for p in parts):
        return "".join(p.text for p in parts if isinstance(p, Text))
    return [{"type": "text", "text": p.text} if isinstance(p, Text) else {"type": p.media} for p in parts]
