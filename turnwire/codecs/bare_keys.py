"""A call's arguments as an object with bare keys, as Gemma writes them: `city:<|"|>Oslo<|"|>,days:2,o:{a:[true]}`.

The braces around it are markers of the call, not part of the value. A string stands between two control tokens
(`quote`) and has no escapes; the rest is as in JSON, without blanks. Read, besides: JSON and Python strings and
quoted keys (vllm-project/vllm issue 51284, osaurus-ai/vmlx-swift pull request 11), `=` for `:` (ollama/ollama issue
17882), Python's constants, blanks, a last comma, and text without quotes. What comes out is JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ..turns import Call
from ..wire import Symbols, Tok
from .reading import BLANKS, BROKEN, DONE, MAX_DEPTH, MAX_KEY, MORE, Context, Inside, MembersReader, Reader, Sink, Took
from .text import dumps, escaped, loads

SYMBOL = re.compile("[\ud800-\udfff]")
KEY_STOP = re.compile("[:={}\\[\\],\ud800-\udfff]")
WORD_STOP = re.compile("[,}\\]\ud800-\udfff]")
PYTHON_STOP = re.compile("['\\\\\ud800-\udfff]")
JSON_STOP = re.compile('["\\\\\ud800-\udfff]')
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
NUMERIC = re.compile(r"[-+.0-9eE \t\r\n]*")
LONGEST = 16  # characters of a constant and blanks behind it
CONSTANTS = {"true": "true", "false": "false", "null": "null", "True": "true", "False": "false", "None": "null"}
ESCAPES = '"\\/bfnrtu'


class BareReader(MembersReader):
    """Reads such a value up to the brace that closes it, which is left where it is."""

    __slots__ = (
        "blanks", "context", "delimiter", "escape", "expect", "held", "key", "open", "quote", "sep", "size", "word",
    )  # fmt: skip

    def __init__(self, context: Context, quote: str):
        super().__init__()
        self.context, self.quote = context, context.symbols.of[quote]
        self.open: list[str] = []  # brackets inside the outermost braces
        self.expect = "key"  # or "colon", "value", "comma"
        self.sep = ""  # a comma that was read, told with what follows it
        self.delimiter = ""  # what closes the open string
        self.escape = False  # behind a backslash in it
        self.key = False  # it is a key
        self.word = ""  # how the open bare value is read: "number", "constant", "text"
        self.held: list[str] = []  # a bare key or value as far as it was read and not told
        self.size = 0  # how long what is held is
        self.blanks: list[str] = []  # blanks that end a bare text, if nothing follows

    def inside(self) -> Inside | None:
        return ("arguments", self.key) if self.delimiter == self.quote and self.begun else None

    def resume(self, inside: Inside) -> None:
        self.begun, self.delimiter, self.key = True, self.quote, inside[1]

    def _take(self, s: str, i: int, out: list[str], sink: Sink) -> tuple[int, Took]:
        n = len(s)
        while i < n:
            if self.delimiter:
                i, took = self._string(s, i, out)
                if took is not DONE:
                    return i, took
                continue
            if self.word:
                m = WORD_STOP.search(s, i)
                i = self._bare(s, i, m.start() if m else n, out)
                if m is None:
                    break
                self._word_ended(out)
            elif self.held:
                m = KEY_STOP.search(s, i)
                to = min(m.start() if m else n, i + MAX_KEY + 1 - self.size)
                self.held.append(s[i:to])
                self.size += to - i
                i = to
                if self.size > MAX_KEY:
                    return i, BROKEN
                if m is None:
                    break
                out.append(dumps("".join(self.held).strip(BLANKS)))
                self._forget("colon")
            c = s[i]
            if c in BLANKS:
                i += 1
                continue
            if c == "}" and not self.open and self.expect in ("key", "comma"):
                return i, DONE
            if c in "{[" and self.expect == "value" and len(self.open) + 1 == MAX_DEPTH:
                sink.fault("too-deep", f"a value nested deeper than {MAX_DEPTH}", "")
                return i, BROKEN
            if not self.open and self.expect == "comma":
                self._cut(s, i, out, sink)
            colon = not self.open and self.expect == "colon"
            if not self._next(c, out):
                return i, BROKEN
            i += not (self.word or self.held)  # a bare word begins here
            if colon:
                self._cut(s, i, out, sink)
        return i, MORE

    def _next(self, c: str, out: list[str]) -> bool:
        """What `c`, outside strings and words, is; False if it cannot stand here."""
        if self.expect == "comma":
            if c == ",":
                self.sep = ", "
                self.expect = "value" if self.open and self.open[-1] == "[" else "key"
                return True
            return self._closed(c, out)
        if self.expect == "colon":
            self.expect = "value"
            out.append(": ")
            return c in ":="
        if (c == "}" and self.expect == "key") or (c == "]" and self.open and self.open[-1] == "["):
            self.sep = ""
            return self._closed(c, out)
        out.append(self.sep)
        self.sep = ""
        if c in (self.quote, '"', "'"):
            self.delimiter, self.key = c, self.expect == "key"
            out.append('"')
        elif self.expect == "key":
            if c in ":=":  # the empty key
                out.append('""')
                self.expect = "colon"
                return self._next(c, out)
            self.held.append("")
            return KEY_STOP.match(c) is None
        elif c in "{[":
            self.open.append(c)
            self.expect = "key" if c == "{" else "value"
            out.append(c)
        else:
            self.word = "number" if c in "-0123456789" else "constant"
            return WORD_STOP.match(c) is None
        return True

    def _closed(self, c: str, out: list[str]) -> bool:
        """A bracket that closes the innermost one."""
        if not self.open or c != {"{": "}", "[": "]"}[self.open[-1]]:
            return False
        self.open.pop()
        self.expect = "comma"
        out.append(c)
        return True

    def _string(self, s: str, i: int, out: list[str]) -> tuple[int, Took]:
        """The open string, up to its end (DONE), the end of what there is, or a marker that breaks it off."""
        if self.escape:
            self.escape = False
            c = s[i]
            if c == "'" or not SYMBOL.match(c):
                out.append(c if c == "'" else "\\" + c if c in ESCAPES else "\\\\" + escaped(c))
                i += 1
            else:
                out.append("\\\\")
        stop = SYMBOL if self.delimiter == self.quote else JSON_STOP if self.delimiter == '"' else PYTHON_STOP
        while m := stop.search(s, i):
            out.append(escaped(s[i : m.start()]))
            i, c = m.start(), m.group()
            if c == self.delimiter:
                out.append('"')
                self.delimiter = ""
                self.expect = "colon" if self.key else "comma"
                return i + 1, DONE
            if c == "\\":
                self.escape = True
                return i + 1, DONE  # goes on behind it
            ends = self.context.resync(s, i, False)
            if ends is not False:
                return i, MORE if ends is None else BROKEN
            out.append(escaped(self.context.symbols.show(c)))
            i += 1
        out.append(escaped(s[i:]))
        return len(s), MORE

    # bare values: what may still be a number or a constant waits for its end, other text is told as it comes

    def _bare(self, s: str, i: int, to: int, out: list[str]) -> int:
        text = s[i:to]
        if self.word != "text":
            self.held.append(text)
            self.size += len(text)
            if self.word == "number":
                waits = NUMERIC.fullmatch(text) is not None
            else:
                waits = self.size <= LONGEST and _begins_constant("".join(self.held).rstrip(BLANKS))
            if waits:
                return to
            self.word, text = "text", "".join(self.held)
            out.append('"')
        body = text.rstrip(BLANKS)
        if body:
            out += ("".join(self.blanks), escaped(body))
            self.blanks.clear()
        self.blanks.append(escaped(text[len(body) :]))
        return to

    def _word_ended(self, out: list[str]) -> None:
        """The bare value is whole."""
        text = "".join(self.held).strip(BLANKS)
        if self.word == "text":
            out.append('"')
        else:
            out.append(CONSTANTS.get(text) or (text if NUMBER.fullmatch(text) else dumps(text)))
        self._forget("comma")

    def _forget(self, expect: str) -> None:
        """The word is told; what comes next."""
        self.word, self.size, self.expect = "", 0, expect
        self.held.clear()
        self.blanks.clear()


def _begins_constant(text: str) -> bool:
    return any(word.startswith(text) for word in CONSTANTS)


class _Alone:
    """A context in which every control token but the quote is data."""

    eof = False

    def __init__(self, quote: str):
        self.symbols = Symbols((quote,))

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        return False


class _Gather:
    """A sink that keeps the JSON."""

    def __init__(self) -> None:
        self.json: list[str] = []

    def piece(self, kind: str, raw: str, json: str | None = None) -> None:
        self.json.append(json or "")

    def named(self, name: str) -> None: ...

    def identified(self, id: str) -> None: ...

    def fault(self, code: str, message: str, text: str) -> None: ...

    def types(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class BareKeys:
    """See the head of this file. Written as Gemma's templates do: keys sorted as by Jinja's `dictsort`, a null as
    `null` says. A key that would not read back bare is quoted, which the templates do in declarations only."""

    quote: str
    null: str = "null"

    notation = "bare-keys"

    @property
    def toks(self) -> tuple[str, ...]:
        """The control token inside values."""
        return (self.quote,)

    def reader(self, context: Context) -> Reader:
        return BareReader(context, self.quote)

    def write(self, call: Call) -> list[str | Tok]:
        """The model's own text where it says the same, else canonical."""
        if isinstance(call.raw, str) and self.read(call.raw) == call.arguments:
            return list(self._quoted(call.raw))
        return self.members(call.arguments or {})

    def members(self, value: Mapping[str, Any]) -> list[str | Tok]:
        """The members of an object as they are written: text, and control tokens."""
        out: list[str | Tok] = []
        for piece in self._members(value):
            if isinstance(piece, str) and out and isinstance(out[-1], str):
                out[-1] += piece
            elif piece:
                out.append(piece)
        return out

    def read(self, raw: str) -> Any:
        """The object that a text is, its quotes spelled out; None if it is none."""
        sink = _Gather()
        alone = _Alone(self.quote)
        text = raw.replace(self.quote, alone.symbols.of[self.quote]) + "}"
        at, took = self.reader(alone).take(text, 0, sink)
        try:
            return loads("".join(sink.json)) if took is DONE and at == len(text) - 1 else None
        except ValueError:
            return None

    def _value(self, value: Any) -> Iterator[str | Tok]:
        if isinstance(value, str):
            yield from (Tok(self.quote), value, Tok(self.quote))
        elif isinstance(value, Mapping):
            yield "{"
            yield from self._members(cast("Mapping[str, Any]", value))
            yield "}"
        elif isinstance(value, (list, tuple)):
            yield "["
            for n, item in enumerate(cast("list[Any]", value)):
                if n:
                    yield ","
                yield from self._value(item)
            yield "]"
        else:
            yield self.null if value is None else dumps(value)

    def _members(self, members: Mapping[str, Any]) -> Iterator[str | Tok]:
        for n, key in enumerate(sorted(members, key=str.lower)):
            if n:
                yield ","
            yield from self._key(key)
            yield ":"
            yield from self._value(members[key])

    def _key(self, key: str) -> Iterator[str | Tok]:
        if key.strip(BLANKS) == key and key[:1] not in ('"', "'") and not KEY_STOP.search(key) and len(key) <= MAX_KEY:
            yield key
        else:
            yield from (Tok(self.quote), key, Tok(self.quote))

    def _quoted(self, raw: str) -> Iterator[str | Tok]:
        for n, piece in enumerate(raw.split(self.quote)):
            if n:
                yield Tok(self.quote)
            if piece:
                yield piece
