"""What of a conversation is in a prompt: for each field, where its text came out.

The source map says it: a field whose text has no character of its own in the prompt was dropped, whatever else spells
the same. Where the map has text of unknown origin, a field also counts as there if that text holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from ...codecs import loads
from ...messages import REASONING
from ...origins import Key, Span
from .bench import Shown
from .findings import Talk

Path = tuple[object, ...]
SHORT = 5  # characters of a text that a printed constant may spell by chance
TEXTUAL = ("text", "input_text", "output_text")


class Field(NamedTuple):
    """A text of a message. `part`: "content", "reasoning", "call" or "result"."""

    path: Path
    part: str
    text: str

    @property
    def message(self) -> int:
        """Of which message."""
        return cast("int", self.path[1])


def fields(talk: Talk) -> Iterator[Field]:
    """Those that a prompt must show, message by message; blank ones are left out."""
    for n, message in enumerate(talk.messages):
        path: Path = ("messages", n)
        said = next((k for k in REASONING if message.get(k)), None)
        if said is not None and message[said].strip():
            yield Field((*path, said), "reasoning", message[said])
        part = "result" if message.get("role") == "tool" else "content"
        content: Any = message.get("content")
        if isinstance(content, str) and content.strip():
            yield Field((*path, "content"), part, content)
        elif isinstance(content, list):
            for m, piece in enumerate(cast("list[Any]", content)):
                if piece.get("type") in TEXTUAL and piece["text"].strip():
                    yield Field((*path, "content", m, "text"), part, piece["text"])
        for m, call in enumerate(message.get("tool_calls") or ()):
            inside = (*path, "tool_calls", m, "function")
            yield Field((*inside, "name"), "call", call["function"]["name"])
            arguments: Any = call["function"]["arguments"]
            if isinstance(arguments, str):
                if loads(arguments or "{}"):
                    yield Field((*inside, "arguments"), "call", arguments)
            else:
                yield from _leaves((*inside, "arguments"), arguments)


def _leaves(path: Path, value: Any) -> Iterator[Field]:
    """Keys and texts; numbers and constants may be written in many ways."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            yield Field((*path, Key(key)), "call", key)
            yield from _leaves((*path, key), inner)
    elif isinstance(value, list):
        for n, inner in enumerate(cast("list[Any]", value)):
            yield from _leaves((*path, n), inner)
    elif isinstance(value, str) and value.strip():
        yield Field(path, "call", value)


class Seen:
    """Where the fields of a prompt are."""

    def __init__(self, shown: Shown):
        self.text = shown.text
        self.starts: dict[Path, int] = {}
        self.sizes: dict[Path, int] = {}
        self.spans: dict[Path, Span] = {}
        self.unknown: list[tuple[int, int]] = []
        for s in shown.spans:
            if s.kind == "unknown":
                self.unknown.append((s.start, s.stop))
            if not s.path or (s.kind == "template" and "role" in s.path[2:3]):
                continue
            path = typed(s.path)
            if path not in self.starts:
                self.starts[path], self.spans[path] = s.start, s
            self.sizes[path] = self.sizes.get(path, 0) + s.stop - s.start

    def start(self, field: Field) -> int | None:
        """Where a field begins in the prompt; None if it is not there."""
        path = typed(field.path)
        if path in self.starts:
            return self.starts[path]
        if field.part == "call" and len(path) > 5:  # arguments that the template takes as a whole
            for size in range(len(path) - 1, 5, -1):
                at = self.starts.get(path[:size])
                if at is not None and field.text in self.text[at : at + self.sizes[path[:size]]]:
                    return at
        pieces = [(at, at + self.sizes[p]) for p, at in self.starts.items() if p[: len(path)] == path]
        text = field.text.strip()
        unknown = self.unknown if len(text) > SHORT or not self.starts else []
        found = [at for start, stop in (*unknown, *pieces) if (at := self.text.find(text, start, stop)) >= 0]
        return min(found, default=min((start for start, _ in pieces), default=None))

    def line(self, field: Field) -> int | None:
        """The template's line that wrote it."""
        span = self.spans.get(typed(field.path))
        return None if span is None else span.line


def typed(path: Sequence[object]) -> Path:
    """A path in which the key `city` and the value under it differ also for a dict (`Key` equals its text)."""
    return tuple(("key", str(step)) if isinstance(step, Key) else step for step in path)
