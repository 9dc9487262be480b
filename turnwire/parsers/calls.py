"""A call while it is being read, and what its arguments are worth when it ends. Plain state and one function:
the assembler decides what happens to them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from ..codecs import loads_counting
from ..events import Event, Fault
from .literal import LiteralStream


@dataclass(slots=True)
class OpenArgument:
    """An argument of a key-value call that is being read."""

    key: list[str] = field(default_factory=list[str])
    name: str | None = None
    schema: Any = None
    streamed: bool = False  # the value is a string and goes out as it comes
    container: bool = False  # the value may be an object or an array, and is no string
    literal: LiteralStream | None = None  # it is one, and goes out as it comes
    sent: list[str] = field(default_factory=list[str])  # its JSON text so far
    ignored: bool = False  # a second value for a key
    opened: bool = False  # the streamed value's opening was sent
    raw: list[str] = field(default_factory=list[str])
    since: int = 0  # where the held value begins

    @property
    def held(self) -> bool:
        """Whether the value waits for its end, because only the whole of it tells its type."""
        return bool(self.raw) and not self.streamed and self.literal is None


@dataclass(slots=True)
class OpenCall:
    """A call that is being read."""

    index: int
    id: str | None = None
    name: str | None = None
    spelled: list[str] = field(default_factory=list[str])  # a name read from a slot
    started: bool = False
    json: list[str] = field(default_factory=list[str])  # arguments text, as sent or held
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    raws: dict[str, str] = field(default_factory=dict[str, str])
    value_seen: bool = False
    readable: bool = True
    in_reasoning: bool = False
    faults: list[Fault] = field(default_factory=list[Fault])
    held: list[Event] = field(default_factory=list[Event])  # events since arguments came before the name


def read_json(call: OpenCall, text: str) -> tuple[dict[str, Any] | None, tuple[str, str] | None]:
    """The arguments object that `text` holds, None if it holds none; and the fault found (code, message)."""
    if not call.value_seen or not text:
        return None, None
    try:
        value, duplicates = loads_counting(text)
    except ValueError as e:
        readable, call.readable = call.readable, False
        return None, ("invalid-json", f"arguments are not JSON: {e}"[:200]) if readable else None
    if not isinstance(value, dict):
        call.readable = False
        return None, ("not-an-object", "arguments are not a JSON object")
    fault = ("duplicate-key", f"a second {duplicates[0]!r} in the arguments: the first counts") if duplicates else None
    return cast("dict[str, Any]", value), fault
