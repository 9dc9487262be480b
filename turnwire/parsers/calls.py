"""A call while it is being read, and its arguments: what of them can be sent, and what they are worth.

Plain state. `OpenArgument` is one argument of a key-value call; its methods return JSON text to send and leave
the sending, and the faults in `flaws`, to the assembler. `read_json` judges the arguments of a JSON call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..codecs import LiteralStream, dumps, escaped, loads_counting
from ..events import Event, Fault
from ..turns import CallStatus
from .coerce import as_json, coerce, kinds, streams_as_json, streams_as_string
from .compile import BLANKS
from .validate import Toolbox, inner

ODD = re.compile(r"[\s<>{}\"]")  # what no tool and no argument is called: a damaged marker, rather
OPENERS = ("{", "[", "(")


@dataclass(slots=True)
class OpenCall:
    """A call that is being read."""

    index: int
    id: str | None = None
    name: str | None = None
    spelled: list[str] = field(default_factory=list[str])  # a name read from a slot
    waits: bool = False  # it has a name, which is told behind its attributes
    started: bool = False
    json: list[str] = field(default_factory=list[str])  # arguments text, as sent or held; but see `OpenArgument`
    spelling: list[str] = field(default_factory=list[str])  # the same as the model wrote it, where that is not JSON
    values: dict[str, Any] = field(default_factory=dict[str, Any])
    raws: dict[str, str] = field(default_factory=dict[str, str])
    value_seen: bool = False
    readable: bool = True
    in_reasoning: bool = False
    written: str | None = None  # an id that came behind the name
    faults: list[Fault] = field(default_factory=list[Fault])
    held: list[Event] = field(default_factory=list[Event])  # events since arguments came before the name


@dataclass(slots=True, eq=False)
class OpenArgument:
    """An argument of a key-value call that is being read.

    Its schema decides how: a string goes out as it comes, and so does a container where the schema admits no
    string; anything else is typed by its whole text and waits for its end. The call's `json` gets what is told of it;
    of a string that is not whole only what stands before it, and all of it at once from `raw` behind its last piece.
    """

    since: int  # where the value begins, in characters
    key: list[str] = field(default_factory=list[str])
    name: str | None = None
    form: str = ""  # what the model said its value is: "string" or "json"; "": its schema says
    schema: Any = None
    string: bool = False
    container: bool = False  # it may be one: the first character that is not blank decides
    literal: LiteralStream | None = None  # it is one
    ignored: bool = False  # a second value for a key
    blanks: list[str] = field(default_factory=list[str])  # before a container, sent as nothing
    raw: list[str] = field(default_factory=list[str])
    sent: list[str] = field(default_factory=list[str])
    done: bool = False
    flaws: list[tuple[str, str, str]] = field(default_factory=list["tuple[str, str, str]"])  # code, message, text

    @property
    def held(self) -> bool:
        """Whether a value waits for its end."""
        return bool(self.raw) and not self.sent and not self.ignored

    def key_known(self, call: OpenCall, toolbox: Toolbox, at: int) -> None:
        """The key is whole; the value begins at `at` or behind it."""
        self.name, self.since = "".join(self.key), at
        if ODD.search(self.name):
            self.flaws.append(("odd-key", "an argument's name with blanks or brackets in it", self.name[:200]))
        if self.name in call.values:
            self.ignored = True
            self.flaws.append(("duplicate-key", f"a second {self.name!r} in a call: the first counts", self.name))
            return
        self.schema = toolbox.schema(call.name or "", self.name)
        self.string = self.form == "string" or (not self.form and streams_as_string(self.schema))
        self.container = not self.string and (self.form == "json" or streams_as_json(self.schema))

    def lead(self, text: str) -> int:
        """Of the first piece of what may be a container and is none: how many blanks stand before it. They are told by
        themselves, as if they had come so."""
        body = text.lstrip(BLANKS)
        return 0 if not body or body[0] in OPENERS else len(text) - len(body)

    def take(self, call: OpenCall, text: str, at: int) -> str | None:
        """JSON text for a piece of the value that begins at `at`; None if it is held."""
        if self.container and not self.raw:
            body = text.lstrip(BLANKS)
            if not body:
                self.blanks.append(text)
                return ""
            self.container = False
            self.literal = LiteralStream() if body[0] in OPENERS else None
        if not self.raw:
            self.since = at
        self.raw.append(text)
        if self.literal is not None:
            return self._sending(call, self.literal.feed(text))
        if self.string:
            return self._sending(call, escaped(text))
        return None

    def finish(self, call: OpenCall) -> str:
        """The value is whole: JSON text for what was not sent. The call has the value from now on."""
        raw = "".join(self.blanks + self.raw)
        value: Any = raw
        if self.string:
            rest = '"' if self.sent else self._opening(call) + '""'
            self.broken_off(call)
        elif self.literal is not None:
            rest = self.literal.close()
            try:
                value, twice = loads_counting("".join(self.sent) + rest)
                if twice:
                    self.flaws.append(("duplicate-key", f"a second {twice[0]!r} in a value: the first counts", ""))
            except ValueError as e:
                self.flaws.append(("invalid-json", f"a value is not JSON: {e}"[:200], raw[:80]))
                call.readable = False
        else:
            typed = as_json(raw, self.schema) if self.form == "json" else coerce(raw, self.schema)
            if typed.flag:
                self.flaws.append((typed.flag, f"the value of {self.name!r} can be of more than one type", raw[:80]))
            rest, value = self._opening(call) + typed.json, typed.value
        self.done = True
        call.json.append(rest)
        call.values[str(self.name)], call.raws[str(self.name)] = value, raw
        return rest

    def broken_off(self, call: OpenCall) -> None:
        """No more of the value comes."""
        if self.string and self.sent and not self.done:
            whole = len(self.sent) == len(self.raw)  # else some went out without `take`
            call.json.append("".join(self.sent) if whole else escaped("".join(self.raw)))

    def _opening(self, call: OpenCall) -> str:
        return ("{" if not call.values else ", ") + dumps(self.name) + ": "

    def _sending(self, call: OpenCall, json: str) -> str:
        opening = "" if self.sent else self._opening(call) + ('"' if self.string else "")
        self.sent.append(json)
        call.json.append(opening if self.string else opening + json)
        return opening + json


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


def judged(
    call: OpenCall, ended: bool, arguments: Mapping[str, Any] | None
) -> tuple[CallStatus, tuple[str, str, str] | None]:
    """What a call that is over is worth, "complete" as far as its tool does not object; and its fault."""
    if not ended:
        return "incomplete", ("incomplete-call", "the call was cut", call.name or "")
    if call.name is None:
        return "unreadable", ("no-name", "a call without a name", "")
    if arguments is None or not call.readable:
        return "unreadable", ("no-arguments", "a call without arguments", call.name) if call.readable else None
    return "complete", None


@dataclass(frozen=True, slots=True)
class ArgumentTypes:
    """The types of a call's arguments, for a codec (`codecs.Types`)."""

    toolbox: Toolbox
    name: str

    def schema(self, key: str) -> Any:
        return self.toolbox.schema(self.name, key)

    def inner(self, schema: Any, step: str | None) -> Any:
        return inner(schema, step)

    def kinds(self, schema: Any) -> frozenset[str]:
        return kinds(schema)

    def json(self, text: str, schema: Any) -> str:
        return coerce(text, schema).json
