"""What a `Look` asks: recognisers for calls that begin with ordinary text.

A guard is a frozen value. `begin()` gives a function that is told each further piece of the text that comes, and
answers True (recognised), False (not) or None (more is needed). It answers after at most `limit` characters, in time
linear in them, whatever the pieces; that much of a text may be held back, and then comes out whole. `calls`: what it
recognises are calls, and nobody looks for them while calls are switched off.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .reading import BLANKS

LOOK = 256  # characters that a guard may ask for
MAX_NAME = 128
NAME = re.compile("[^\\s()\\[\\]{}<>\"'`,;:=\ud800-\udfff]")  # a character of a function's name
KEY = re.compile(r"[\w.$-]")  # and of a keyword


class Guard(Protocol):
    """See the head of this file."""

    @property
    def limit(self) -> int: ...

    @property
    def calls(self) -> bool: ...

    def begin(self) -> Callable[[str], bool | None]: ...


@dataclass(frozen=True, slots=True)
class JsonCall:
    """A JSON object that is a call: a name that is a string, and an object of arguments, in any order. False at the
    first key that no call has, so that another JSON answer is hardly held."""

    arguments: tuple[str, ...] = ("parameters", "arguments")
    others: tuple[str, ...] = ("type", "id")

    limit = LOOK
    calls = True

    def begin(self) -> Callable[[str], bool | None]:
        return _JsonLook(self).more


class _JsonLook:
    """One look: the members of the object, one by one."""

    __slots__ = (
        "arguments",
        "colon",
        "depth",
        "escaped",
        "guard",
        "in_string",
        "key",
        "left",
        "named",
        "string",
        "value",
    )

    def __init__(self, guard: JsonCall):
        self.guard, self.left = guard, guard.limit
        self.depth = 0
        self.in_string = self.escaped = False
        self.string: list[str] = []  # the open or the last string of the object itself
        self.key: str | None = None  # of the member whose value is read
        self.colon = self.value = False  # the colon, (the beginning of) that value were seen
        self.named = self.arguments = False

    def more(self, text: str) -> bool | None:
        text = text[: self.left]
        self.left -= len(text)
        for c in text:
            verdict = self._take(c)
            if verdict is not None:
                return verdict
        return None if self.left else False

    def _take(self, c: str) -> bool | None:
        if self.in_string:
            if self.escaped or c == "\\":
                self.escaped = not self.escaped
            elif c == '"':
                self.in_string = False
                return self._string_ended() if self.depth == 1 else None
            if self.depth == 1:
                self.string.append(c)
        elif c in BLANKS:
            pass
        elif self.depth == 0:
            self.depth = 1
            return None if c == "{" else False
        elif self.depth > 1:
            self.in_string = c == '"'
            self.depth += (c in "{[") - (c in "}]")
        elif c == ":":
            known, self.colon = self.key is not None and not self.colon, True
            return None if known else False
        elif c == ",":
            ended, self.key, self.colon, self.value = self.value, None, False, False
            return None if ended else False
        elif self.key is None or not self.colon or self.value:
            self.in_string, self.string = c == '"', []
            return None if self.in_string and self.key is None else False
        else:
            return self._value_begins(c)
        return None

    def _string_ended(self) -> bool | None:
        text = "".join(self.string)
        if self.key is None:
            self.key = text
            return None if text == "name" or text in (*self.guard.arguments, *self.guard.others) else False
        if self.key == "name":
            self.named = bool(text)
            return self._decided() if text else False
        return None

    def _value_begins(self, c: str) -> bool | None:
        self.value = True
        if self.key in self.guard.arguments:
            self.arguments, self.depth = c == "{", 2
            return self._decided() if self.arguments else False
        self.in_string, self.string = c == '"', []
        return None if self.in_string else False

    def _decided(self) -> bool | None:
        return True if self.named and self.arguments else None


@dataclass(frozen=True, slots=True)
class PythonCall:
    """A call in Python's notation: `before`, a name, `open`, and a keyword, a literal, or the end of it."""

    before: str = "["
    open: str = "("

    limit = LOOK
    calls = True

    def begin(self) -> Callable[[str], bool | None]:
        return _PythonLook(self).more


class _PythonLook:
    """One look: what stands before the name, the name, the beginning of the first argument."""

    __slots__ = ("before", "left", "name", "open", "stage")

    def __init__(self, guard: PythonCall):
        self.left = guard.limit
        self.before, self.open = guard.before, guard.open[:-1]
        self.name: list[str] = []
        self.stage = self._before

    def more(self, text: str) -> bool | None:
        text = text[: self.left]
        self.left -= len(text)
        for c in text:
            verdict = self.stage(c)
            if verdict is not None:
                return verdict
        return None if self.left else False

    def _before(self, c: str) -> bool | None:
        if not self.before:
            self.stage = self._name
            return self._name(c)
        if c == self.before[0]:
            self.before = self.before[1:]
        elif c not in BLANKS:
            return False
        return None

    def _name(self, c: str) -> bool | None:
        if c == "(":
            name = "".join(self.name)
            self.stage = self._argument
            return None if name.endswith(self.open) and len(name) > len(self.open) else False
        if c in BLANKS and not self.name:
            return None
        self.name.append(c)
        return None if NAME.match(c) and len(self.name) <= MAX_NAME else False

    def _argument(self, c: str) -> bool | None:
        if c in BLANKS:
            return None
        if c in ")\"'[{-" or c.isdigit():
            return True
        self.stage = self._key
        return None if KEY.match(c) else False

    def _key(self, c: str) -> bool | None:
        if c in BLANKS or c == "=":
            self.stage = self._equals if c == "=" else self._behind
            return None
        return None if KEY.match(c) else False

    def _behind(self, c: str) -> bool | None:
        if c == "=":
            self.stage = self._equals
        return None if c in BLANKS or c == "=" else False

    def _equals(self, c: str) -> bool | None:
        return c != "="
