"""Reads `messages`: OpenAI-style dicts or `Turn`s, into turns. Everything a caller can get wrong is found
here, before anything is rendered, and named with its path.

Accepted per message: `role`; `content` (None, a string, or a list of parts); for the assistant also
`reasoning_content` (or `thinking` or `reasoning`) and `tool_calls`; for a tool `tool_call_id` and `name`.
`arguments` may be a JSON string or an object. Other keys are ignored, unless one looks like a misspelling of these, or
holds a call (`function_call`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from operator import is_
from typing import Any, cast

from .codecs import loads
from .errors import (
    ArgumentsError,
    ContentError,
    MessageError,
    ResultError,
    RoleError,
    TurnwireError,
    check_strings,
    check_text,
    nearest,
    step,
)
from .quick import maker
from .schemas import MAX_DIGITS
from .turns import Call, Media, Part, Reasoning, Result, Text, Turn

REASONING = ("reasoning_content", "thinking", "reasoning")  # the first that is there, as in transformers
KEYS = ("role", "content", *REASONING, "tool_calls", "tool_call_id", "name", "parts")
HARMLESS = ("refusal", "annotations", "audio", "function_call", "id", "type", "status", "weight", "metadata",
            "reasoning_details", "thinking_blocks")  # fmt: skip
KNOWN = frozenset((*KEYS, *HARMLESS))
MEDIA: Mapping[str, str] = {
    "image": "image", "image_url": "image", "input_image": "image",
    "video": "video", "video_url": "video",
    "audio": "audio", "audio_url": "audio", "input_audio": "audio",
}  # fmt: skip
TEXTS = ("text", "input_text", "output_text")
FIELDS = ("kind", "type", "text", "media", "source")
_turn_of, _text_of, _reasoning_of = maker(Turn), maker(Text), maker(Reasoning)
_call_of, _result_of = maker(Call), maker(Result)


def read_messages(messages: Any, roles: Iterable[str], known: Sequence[Turn] = ()) -> list[Turn]:
    """The turns of a conversation; `roles` are those the format knows. `known`: what the first messages were read to
    before."""
    if not isinstance(messages, list) and (
        isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable)
    ):
        raise MessageError(
            "not a list of messages", value=messages, path="messages", expected="a list of dicts or Turns"
        )
    spoken = tuple(roles)
    turns = list(known)
    answers = Answers()
    asked = next((i for i in range(len(turns) - 1, -1, -1) if turns[i].role == "assistant"), len(turns))
    for turn in turns[asked:]:
        answers.check(turn, "messages")
    for i, message in enumerate(islice(messages, len(turns), None), len(turns)):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        try:
            turns.append(_read(message, "messages[0]", spoken, answers))
        except TurnwireError as e:
            raise e.moved(i) from None
    return turns


def _read(message: Any, path: str, roles: tuple[str, ...], answers: Answers) -> Turn:
    if isinstance(message, Turn):
        _role(message.role, path, roles)
        if not isinstance(message.parts, tuple):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ContentError("not a tuple of parts", value=message.parts, path=f"{path}.parts", expected="a tuple")
        checked = tuple(_part(p, message.role, f"{path}.parts[{j}]") for j, p in enumerate(message.parts))
        return answers.check(Turn(message.role, checked), path)
    d: Any = message
    if type(message) is not dict and not isinstance(message, Mapping):  # asking an ABC takes much longer
        raise MessageError("not a message", value=message, path=path, expected="a dict or a Turn")
    if "parts" in d and "content" not in d:
        turn = Turn.from_dict(d, path)
        return _read(turn, path, roles, answers)
    for key in () if KNOWN.issuperset(d) else d:
        near = None if key in KNOWN else nearest(key, KEYS)
        if near is not None:
            raise MessageError(
                f"unknown key {key!r}", value=key, path=path, expected="one of " + ", ".join(KEYS), near=near
            )
    role: Any = d.get("role")
    if role not in roles:
        _role(role, path, roles)
    if role == "tool":
        content = _content(d, path)
        id, name = _string(d, "tool_call_id", path), _string(d, "name", path)
        call = answers.find(id, name)
        if call is None:
            raise answers.unasked(id, path)
        return _turn_of("tool", (_result_of(content, id, name or answers.calls[call].name, name is not None),))
    parts: list[Part] = []
    if role == "assistant":
        for key in REASONING:
            if key in d and (reasoning := _string(d, key, path)) is not None:
                parts.append(_reasoning_of(reasoning))
                break
        if d.get("function_call"):
            raise MessageError("a call as it was before tool_calls", value=d["function_call"],
                               path=f"{path}.function_call", expected="tool_calls", near="tool_calls")  # fmt: skip
    elif d.get("tool_calls"):
        raise MessageError(f"tool calls of a {role}", value=d["tool_calls"], path=f"{path}.tool_calls", expected="none")
    parts += _content(d, path)
    calls = d.get("tool_calls") or ()
    if type(calls) is not list and (not isinstance(calls, Sequence) or isinstance(calls, str)):
        raise MessageError("not a list of calls", value=calls, path=f"{path}.tool_calls", expected="a list of dicts")
    asked = [_call(c, f"{path}.tool_calls[{j}]") for j, c in enumerate(calls)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if role == "assistant":
        answers.ask(tuple(asked))
    parts += asked
    return _turn_of(role, tuple(parts))


def _role(role: Any, path: str, roles: tuple[str, ...]) -> None:
    if role not in roles:
        raise RoleError(
            f"unknown role {role!r}", value=role, path=f"{path}.role", expected="one of " + ", ".join(roles),
            near=nearest(role, roles),
        )  # fmt: skip


def _part(part: Any, role: str, path: str) -> Part:
    """A part of a `Turn`, checked as strictly as what comes in dicts."""
    if isinstance(part, Result):
        content: Any = part.content
        if not isinstance(content, tuple) or not all(isinstance(p, (Text, Media)) for p in content):  # pyright: ignore[reportUnknownVariableType]
            raise ContentError("not the content of a result", value=content, path=f"{path}.content",
                               expected="a tuple of Text and Media")  # fmt: skip
        for j, piece in enumerate(part.content):
            _content_part(piece, f"{path}.content[{j}]")
        _strings(part, ("id", "name"), path)
    elif isinstance(part, (Text, Media)):
        _content_part(part, path)
    elif role not in ("assistant", "tool") and isinstance(part, (Call, Reasoning)):
        raise MessageError(f"a {part.kind} in a {role} turn", value=part, path=path, expected="an assistant turn")
    elif isinstance(part, Call):
        return _checked_call(part, path)
    elif isinstance(part, Reasoning):
        _text(part.text, f"{path}.text")
    else:
        raise ContentError(f"a {type(part).__name__} is not a part", value=part, path=path,
                           expected="Text, Reasoning, Call, Result or Media")  # fmt: skip
    return part


def _checked_call(call: Call, path: str) -> Call:
    """A call that can be rendered. One that a parser made renders from what the model wrote (`raw`)."""
    if not call.complete:
        raise ContentError(f"a call that is {call.status}", value=call, path=path, expected="complete calls only")
    if not isinstance(call.name, str) or not call.name:
        raise MessageError("a call without a name", value=call, path=f"{path}.name", expected="a non-empty string")
    _strings(call, ("name", "id"), path)
    raw: Any = call.raw
    if raw is None:
        return replace(call, arguments=_arguments(call.arguments, f"{path}.arguments"))
    texts = cast("Mapping[Any, Any]", raw) if isinstance(raw, Mapping) else {"": raw}
    for key, text in texts.items():
        _text(key, f"{path}.raw (a key)")
        _text(text, step(f"{path}.raw", key) if key else f"{path}.raw")
    return call


def _strings(part: Any, names: tuple[str, ...], path: str) -> None:
    """Fields that are None or a string."""
    for name in names:
        if getattr(part, name) is not None:
            _text(getattr(part, name), f"{path}.{name}")


def _text(value: Any, path: str) -> None:
    if not isinstance(value, str):
        raise ContentError(f"not text but {type(value).__name__}", value=value, path=path, expected="a string")
    check_text(value, path)


def _string(d: Mapping[str, Any], key: str, path: str) -> str | None:
    value = d.get(key)
    if value is not None and not (type(value) is str and value.isascii()):
        _text(value, f"{path}.{key}")
    return value


def _content(d: Mapping[str, Any], path: str) -> tuple[Text | Media, ...]:
    content: Any = d.get("content")
    if isinstance(content, str):
        if not content.isascii():
            check_text(content, f"{path}.content")
        return (_text_of(content),) if content else ()
    if content is None:
        return ()
    path += ".content"
    if not isinstance(content, Sequence) or isinstance(content, (bytes, bytearray)):
        raise ContentError(
            f"not content but {type(content).__name__}",
            value=content,
            path=path,
            expected="None, a string or a list of parts",
        )
    return tuple(_content_part(p, f"{path}[{i}]") for i, p in enumerate(content))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _content_part(part: Any, path: str) -> Text | Media:
    if isinstance(part, (Text, Media)):
        if isinstance(part, Text):
            _text(part.text, f"{path}.text")
            _strings(part, ("channel", "recipient"), path)
        elif part.media not in MEDIA.values():
            raise ContentError(f"unknown kind of media {part.media!r}", value=part, path=f"{path}.media",
                               expected="one of " + ", ".join(dict.fromkeys(MEDIA.values())))  # fmt: skip
        return part
    if isinstance(part, str):
        check_text(part, path)
        return Text(part)
    d = cast("Mapping[str, Any]", part if isinstance(part, Mapping) else {})
    kind: Any = d.get("type")
    if kind in TEXTS:
        text = d.get("text")
        if not isinstance(text, str):
            raise ContentError(
                "a text part without a text", value=part, path=path, expected='{"type": "text", "text": ...}'
            )
        check_text(text, f"{path}.text")
        return Text(text)
    if isinstance(kind, str) and kind in MEDIA:
        return Media(cast("Any", MEDIA[kind]), d.get(kind))
    known = (*TEXTS, *MEDIA)
    raise ContentError(
        f"unknown kind of content part {kind!r}", value=part, path=path, expected="one of " + ", ".join(known),
        near=nearest(kind, known),
    )  # fmt: skip


def _call(call: Any, path: str) -> Call:
    if isinstance(call, Call):
        return _checked_call(call, path)
    d: Any = call
    if type(call) is not dict and not isinstance(call, Mapping):
        raise MessageError(
            "not a call", value=call, path=path, expected='{"function": {"name": ..., "arguments": ...}}'
        )
    inner: Any = d.get("function", d)
    function: Any = inner
    if type(inner) is not dict and not isinstance(inner, Mapping):
        function = {}
    where = f"{path}.function" if "function" in d else path
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise MessageError("a call without a name", value=call, path=f"{where}.name", expected="a non-empty string")
    if not name.isascii():
        check_text(name, f"{where}.name")
    arguments = _arguments(function.get("arguments"), f"{where}.arguments")
    return _call_of(name, arguments, _string(d, "id", path))


def _arguments(value: Any, path: str) -> dict[str, Any]:
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        check_text(value, path)
        try:
            value = loads(value)
        except ValueError as e:
            raise ArgumentsError(f"not JSON ({e})", value=value, path=path, expected="a JSON object") from None
    if type(value) is not dict and not isinstance(value, Mapping):
        raise ArgumentsError(f"a {type(value).__name__}", value=value, path=path, expected="a JSON object")
    try:
        return _quick_json(value, 0)
    except (_NotPlain, UnicodeEncodeError):  # look again for where it is
        copy = _plain_json(value, path, 0)
        check_strings(copy, path)
        return copy


class _NotPlain(Exception):
    """Something that is not JSON."""


def _quick_json(value: Any, depth: int) -> Any:
    """A copy in dicts, lists and scalars, without a word about what is wrong; scalars of a class of their own too."""
    kind = type(value)  # pyright: ignore[reportUnknownVariableType]
    if kind is str:
        if not value.isascii():
            value.encode()
        return value
    if value is None or kind is bool:
        return value
    if depth <= 128:
        if kind is dict:
            copy: dict[str, Any] = {}
            for k, v in value.items():
                if type(k) is not str:
                    raise _NotPlain
                if not k.isascii():
                    k.encode()
                copy[k] = v if type(v) is str and v.isascii() else _quick_json(v, depth + 1)
            return copy
        if kind is list:
            return [_quick_json(v, depth + 1) for v in value]
        if (kind is int and abs(value) < _TOO_LONG) or (kind is float and value - value == 0):
            return value
    raise _NotPlain


def _plain_json(value: Any, path: str, depth: int) -> Any:
    """A copy in dicts, lists and scalars."""
    if depth > 128:
        raise ArgumentsError("nested deeper than 128", path=path, expected="a shallower value")
    if isinstance(value, Mapping):
        copy: dict[str, Any] = {}
        for k, v in value.items():  # pyright: ignore[reportUnknownVariableType]
            if not isinstance(k, str):
                raise ArgumentsError(f"key {k!r} is not a string", value=k, path=path, expected="JSON")
            copy[k] = _plain_json(v, step(path, k), depth + 1)
        return copy
    if isinstance(value, (list, tuple)):
        return [_plain_json(v, f"{path}[{i}]", depth + 1) for i, v in enumerate(value)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, float) and value - value != 0:
        raise ArgumentsError(f"{value} is not JSON", value=value, path=path, expected="a finite number")
    if isinstance(value, int) and abs(value) >= _TOO_LONG:
        raise ArgumentsError("a number of too many digits", path=path, expected=f"at most {MAX_DIGITS:,} digits")
    if value is not None and not isinstance(value, (str, int, float)):
        raise ArgumentsError(f"a {type(value).__name__} is not JSON", value=value, path=path, expected="JSON values")
    return value


_TOO_LONG = 10**MAX_DIGITS


class Answers:
    """The calls of the last assistant turn, and which of them the results so far have answered."""

    def __init__(self) -> None:
        self.calls: tuple[Call, ...] = ()
        self.open: list[int] = []

    def ask(self, calls: tuple[Call, ...]) -> None:
        """An assistant turn with these calls comes."""
        self.calls, self.open = calls, list(range(len(calls)))

    def find(self, id: str | None, name: str | None) -> int | None:
        """The place of the call that a result answers: by its id (of calls that share one, the first that is open),
        else by its name, else the first that is open. None: there is no such call."""
        if self.open and id is not None and id == self.calls[self.open[0]].id:
            return self.open.pop(0)  # most come in the order of their calls
        if id is not None and any(c.id is not None for c in self.calls):
            these = [i for i, c in enumerate(self.calls) if id in (c.id, c.written)]
            at = next((i for i in these if i in self.open), these[-1] if these else None)
        else:
            first = self.open[0] if self.open else None
            at = next((i for i in self.open if self.calls[i].name == name), first)
        if at in self.open:
            self.open.remove(at)
        return at

    def check(self, turn: Turn, path: str) -> Turn:
        """A turn of a conversation, its results with the names of the tools; raises for one without a call."""
        if turn.role == "assistant":
            self.ask(turn.calls)
        if turn.role != "tool":
            return turn
        parts = [self._named(part, path) for part in turn.parts]
        return turn if all(map(is_, parts, turn.parts)) else _turn_of("tool", tuple(parts))

    def _named(self, part: Part, path: str) -> Result:
        if not isinstance(part, Result):
            raise MessageError("a tool turn holds results only", value=part, path=path, expected="a Result")
        at = self.find(part.id, part.name)
        if at is None:
            raise self.unasked(part.id, path)
        name = part.name or self.calls[at].name
        if name is part.name:
            return part
        return _result_of(part.content, part.id, name, part.named and part.name is not None)

    def unasked(self, id: str | None, path: str) -> ResultError:
        """The error for a result that no call asked for."""
        ids = list(dict.fromkeys(c.id for c in self.calls if c.id is not None))
        if id is not None and ids:
            return ResultError(
                f"no call has the id {id!r}", value=id, path=f"{path}.tool_call_id",
                expected="one of " + ", ".join(map(repr, ids)), near=nearest(id, ids),
            )  # fmt: skip
        return ResultError("a tool result without a call", value=id, path=path, expected="an assistant call before it")
