"""Turns: the data model of a conversation. A turn is a role and an ordered tuple of parts.

Strings here are plain text: control tokens never appear in them, only spellings. Values are frozen and
compare by what they say; provenance (`raw`, `prefilled`, `status`, ...) does not take part in equality.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

from .errors import ContentError, as_mapping, nearest

CallStatus = Literal["complete", "incomplete", "unreadable", "unknown-tool", "invalid"]


@dataclass(frozen=True, slots=True)
class Text:
    """Visible text. `channel` is the format's name for it (Harmony: "final", "commentary"), None where there
    is one kind only; `recipient` is set when the text is not for the user ("": for nobody that is known)."""

    text: str
    channel: str | None = None
    recipient: str | None = None
    prefilled: bool = field(default=False, compare=False)
    kind: Literal["text"] = field(default="text", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reasoning:
    """Reasoning text. `prefilled`: it began in the prompt, not in the reply."""

    text: str
    prefilled: bool = field(default=False, compare=False)
    kind: Literal["reasoning"] = field(default="reasoning", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach of a tool's schema: `path` is a JSON path (`$.city`), `checked` False where a keyword could
    not be checked safely and was left out."""

    path: str
    message: str
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call.

    `arguments` is the decoded object, None if it could not be read. `raw` is what the model wrote: the JSON
    text of the arguments, or for key-value syntaxes a mapping of key to raw value text; a call that has it
    renders it byte for byte. `status`: "complete"; "invalid" (complete, but breaks its schema; `errors`
    says how); "unknown-tool" (complete, no such tool); "unreadable" (ended, but a value cannot be read);
    "incomplete" (cut). `written`: the id that the model wrote behind the arguments, when the call had been told under
    another (Mistral v3 and v7 write it last); what is written behind the turn goes by this one.
    """

    name: str | None
    arguments: Mapping[str, Any] | None
    id: str | None = field(default=None, compare=False)
    raw: str | Mapping[str, str] | None = field(default=None, compare=False)
    json: str | None = field(default=None, compare=False)
    status: CallStatus = field(default="complete", compare=False)
    errors: tuple[Violation, ...] = field(default=(), compare=False)
    in_reasoning: bool = field(default=False, compare=False)
    written: str | None = field(default=None, compare=False)
    kind: Literal["call"] = field(default="call", init=False, repr=False)

    @property
    def complete(self) -> bool:
        """Whether the call was written to its end and its arguments can be read."""
        return self.status not in ("incomplete", "unreadable")

    @property
    def arguments_json(self) -> str:
        """The arguments as JSON text: what the deltas of a stream concatenate to."""
        if self.json is not None:
            return self.json
        return json.dumps(self.arguments if self.arguments is not None else {}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Media:
    """An image, video or audio part. `source` is the caller's own data, passed through untouched."""

    media: Literal["image", "video", "audio"]
    source: Any = field(default=None, compare=False)
    kind: Literal["media"] = field(default="media", init=False, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool returned. `id` is the id of the call it answers, `name` the tool's name (`named` False: nobody gave
    it, it is the call's)."""

    content: tuple[Text | Media, ...]
    id: str | None = None
    name: str | None = None
    named: bool = field(default=True, compare=False)
    kind: Literal["result"] = field(default="result", init=False, repr=False)

    @property
    def text(self) -> str:
        """The text of the content, parts joined."""
        return "".join(p.text for p in self.content if isinstance(p, Text))


Part: TypeAlias = "Text | Reasoning | Call | Result | Media"
PARTS: dict[str, type[Any]] = {"text": Text, "reasoning": Reasoning, "call": Call, "result": Result, "media": Media}


@dataclass(frozen=True, slots=True)
class Turn:
    """A role and its parts, in the order they were written."""

    role: str
    parts: tuple[Part, ...] = ()

    @property
    def calls(self) -> tuple[Call, ...]:
        """The calls of the turn, in order, complete or not."""
        return tuple([p for p in self.parts if isinstance(p, Call)])

    @property
    def text(self) -> str:
        """Text addressed to the user, parts joined."""
        return "".join(p.text for p in self.parts if isinstance(p, Text) and p.recipient is None)

    @property
    def reasoning(self) -> str:
        """Reasoning, parts joined."""
        return "".join(p.text for p in self.parts if isinstance(p, Reasoning))

    def to_openai(self, *, incomplete: bool = False, lost: list[str] | None = None) -> dict[str, Any]:
        """The turn as an OpenAI chat message.

        Parts of one kind are joined, "" becomes None. Calls that are not complete are left out unless
        `incomplete`. What the flat shape cannot hold is appended to `lost` in words, if a list is given.
        """
        note = lost.append if lost is not None else _ignore
        content = [p for p in self.parts if isinstance(p, Text) and p.recipient is None]
        calls = [c for c in self.calls if c.name is not None and (incomplete or c.complete)]
        order = [p.kind for p in self.parts]
        if order != sorted(order, key=("reasoning", "text", "call", "result", "media").index):
            note("the order of the parts")
        if len({p.channel for p in content}) > 1:
            note("the channels of the text parts")
        for p in self.parts:
            if isinstance(p, Text) and p.recipient is not None:
                note(f"text addressed to {p.recipient!r}")
            elif isinstance(p, Call) and not any(p is c for c in calls):
                note(f"a call that is {p.status}: {p.name!r}")
            elif isinstance(p, (Result, Media)):
                note(f"a {p.kind} part")
        return {
            "role": self.role,
            "content": "".join(p.text for p in content) or None,
            "reasoning_content": self.reasoning or None,
            "tool_calls": [
                {
                    "id": c.id if c.id is not None else f"call_{i}",
                    "type": "function",
                    "function": {"name": c.name, "arguments": c.arguments_json},
                }
                for i, c in enumerate(calls)
            ],
        }

    def to_dict(self) -> dict[str, Any]:
        """A lossless form made of dicts, lists and scalars (media sources stay as they are)."""
        return {"role": self.role, "parts": [_dump(p) for p in self.parts]}

    @classmethod
    def from_dict(cls, d: Mapping[str, Any], path: str = "turn") -> Turn:
        """The inverse of `to_dict`; raises `ContentError` with the path of what it cannot read."""
        parts = d.get("parts")
        if not isinstance(d.get("role"), str) or not isinstance(parts, (list, tuple)):
            raise ContentError("not a turn", value=d, path=path, expected="a role and a list of parts")
        return cls(d["role"], tuple(_load(p, f"{path}.parts[{i}]") for i, p in enumerate(parts)))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a turn cannot be written in a format: `path` in the turn, and the reason."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def _ignore(what: str) -> None:
    pass


def _dump(part: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"kind": part.kind}
    for f in fields(part):
        value = getattr(part, f.name)
        if f.name == "kind" or value is f.default or (f.name != "source" and value == f.default):
            continue
        if f.name == "content":
            value = [_dump(p) for p in value]
        elif f.name == "errors":
            value = [{"path": e.path, "message": e.message, "checked": e.checked} for e in value]
        out[f.name] = dict(value) if isinstance(value, Mapping) else value  # pyright: ignore[reportUnknownArgumentType]
    return out


def _load(d: Any, path: str) -> Any:
    given = as_mapping(d) or {}
    kind: Any = given.get("kind")
    if not isinstance(kind, str) or kind not in PARTS:
        raise ContentError(
            f"unknown kind of part {kind!r}",
            value=d,
            path=path,
            expected="one of " + ", ".join(PARTS),
            near=nearest(kind, PARTS),
        )
    values: dict[str, Any] = {k: v for k, v in given.items() if k != "kind"}
    if kind == "result":
        pieces = values.get("content", ())
        if not isinstance(pieces, (list, tuple)):
            raise ContentError("not a list of parts", value=pieces, path=f"{path}.content", expected="a list")
        values["content"] = tuple(_load(p, f"{path}.content[{i}]") for i, p in enumerate(pieces))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    try:
        if "errors" in values:
            values["errors"] = tuple(Violation(**e) for e in values["errors"])
        return PARTS[kind](**values)
    except TypeError as e:
        names = ", ".join(f.name for f in fields(PARTS[kind]) if f.name != "kind")
        raise ContentError(f"not a {kind} part ({e})", value=d, path=path, expected=f"the fields {names}") from None
