"""A call's arguments as nested elements, as MiniMax-M3 writes them: `~<city>Oslo~</city>~<o>~<item>a~</item>~</o>`. ~
is a control token (`mark`) that stands before each tag.

An object has an element for each member, an array one called `item` for each item, any other value is the text in its
element. There are no escapes: text is typed by its schema, as in every notation of keys and text, and a null member is
not written (chat_template.jinja of MiniMaxAI/MiniMax-M3, sha256 11421244, lines 18-38). Read, besides: blanks between
elements, and the first element of a call without its opener, `~offer.docx~</filename>` (vllm-project/vllm pull
request 51075). What comes out is JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from ..turns import Call
from ..wire import Symbols, Tok
from .reading import BLANKS, BROKEN, DONE, MAX_DEPTH, MORE, Context, Inside, MembersReader, Reader, Sink, Took, Types
from .text import dumps, escaped, loads

SYMBOL = re.compile("[\ud800-\udfff]")
TAG_STOP = re.compile('[<>"\r\n\ud800-\udfff]')
VALUE = re.compile("[^<\ud800-\udfff]")
LONGEST = 256  # characters of a tag
ITEM = "item"
EMPTY = {"object": "{}", "array": "[]"}


@dataclass(slots=True)
class Element:
    """One that is open. `kind`: "" not known yet, "object", "array", "string" (told as it comes) or "text" (typed
    when it is whole)."""

    name: str
    schema: Any
    kind: str = ""
    count: int = 0
    text: list[str] = field(default_factory=list[str])  # blanks that may be none of the value; all of a "text"


class ElementReader(MembersReader):
    """Reads elements up to the marker that ends the call, which is left where it is."""

    __slots__ = ("context", "end", "headless", "mark", "open", "seen", "types")

    def __init__(self, context: Context, mark: str, end: str):
        super().__init__()
        self.context, self.mark, self.end = context, context.symbols.of[mark], end
        self.open = [Element("", None, "object")]  # the arguments themselves
        self.headless: list[str] | None = None  # text of an element whose opener is missing
        self.seen = 0  # how far behind a mark was looked for the end of its tag
        self.types: Types | None = None

    def inside(self) -> Inside | None:
        return ("arguments", None) if self.open[-1].kind == "string" else None

    def resume(self, inside: Inside) -> None:
        self.begun, self.open[-1].kind = True, "string"

    def _take(self, s: str, i: int, out: list[str], sink: Sink) -> tuple[int, Took]:
        if self.types is None:
            self.types = sink.types()
        types = self.types
        while i < len(s):
            m = SYMBOL.search(s, i)
            to = m.start() if m else len(s)
            if to > i and not self._text(text := s[i:to], out, types):
                return to - len(text.lstrip(BLANKS)), BROKEN
            i = to
            if m is None:
                break
            if m.group() != self.mark:
                ends = self.context.resync(s, i, False)
                if ends is None:
                    return i, MORE
                if ends or not self._text(self.context.symbols.show(m.group()), out, types):
                    return i, BROKEN
                i += 1
                continue
            end = self._tag_end(s, i)
            if end is None:
                return i, MORE
            tag, self.seen = s[i + 1 : end], 0
            if len(self.open) == 1 and self.headless is None and tag == self.end:
                return i, DONE
            if not tag:
                if len(self.open) == 1 and self.headless is None and VALUE.match(s, i + 1):
                    self.headless = []  # a value, and its name behind it
                elif not self._text(self.context.symbols.show(self.mark), out, types):
                    return i, BROKEN
                i += 1
                continue
            if tag[1] != "/" and len(self.open) > MAX_DEPTH:
                sink.fault("too-deep", f"a value nested deeper than {MAX_DEPTH}", "")
                return i, BROKEN
            if not (self._closes(tag[2:-1], out, types) if tag[1] == "/" else self._opens(tag[1:-1], out, types)):
                return i, BROKEN
            top = tag[1] == "/"
            if len(self.open) == 1 + (not top):
                self._cut(s, i if top else end, out, sink)
            i = end
        return i, MORE

    def _tag_end(self, s: str, i: int) -> int | None:
        """Where the tag behind the mark at `i` ends: right there if there is none, None if that is not known yet."""
        j = i + 1
        if j == len(s):
            return j if self.context.eof else None
        if s[j] != "<":
            return j
        m = TAG_STOP.search(s, max(j + 1, i + self.seen))
        to = m.start() if m else len(s)
        if to - j > LONGEST or (m is None and self.context.eof):
            return j
        if m is None:
            self.seen = to - i
            return None
        return to + 1 if m.group() == ">" and s[j + 1 : to] not in ("", "/") else j

    def _text(self, text: str, out: list[str], types: Types) -> bool:
        """Text, outside tags; False if it cannot stand here."""
        element = self.open[-1]
        if self.headless is not None:
            self.headless.append(text)
        elif element.kind == "string":
            out.append(escaped(text))
        elif element.kind in ("object", "array"):
            return not text.strip(BLANKS)
        else:
            element.text.append(text)
            if not element.kind and text.strip(BLANKS):
                element.kind = "string" if types.kinds(element.schema) <= {"string"} else "text"
                if element.kind == "string":
                    out.append('"' + escaped("".join(element.text)))
        return True

    def _opens(self, name: str, out: list[str], types: Types) -> bool:
        """An element begins; False if it cannot here."""
        parent = self.open[-1]
        if self.headless is not None or parent.kind in ("string", "text"):
            return False
        if not parent.kind:
            kinds = types.kinds(parent.schema) & {"object", "array"}
            array = name == ITEM if len(kinds) != 1 else "array" in kinds
            parent.kind = "array" if array else "object"
            out.append("[" if array else "{")
        if parent.kind == "object":
            self._member(parent, name, out)
        elif parent.count:
            out.append(", ")
        parent.count += 1
        step = name if parent.kind == "object" else None
        top = len(self.open) == 1
        self.open.append(Element(name, types.schema(name) if top else types.inner(parent.schema, step)))
        return True

    def _member(self, parent: Element, name: str, out: list[str]) -> None:
        out.append((", " if parent.count else "") + dumps(name) + ": ")

    def _closes(self, name: str, out: list[str], types: Types) -> bool:
        """An element ends; False if it is not the innermost one."""
        if self.headless is not None:
            text, self.headless = "".join(self.headless), None
            self._member(self.open[0], name, out)
            self.open[0].count += 1
            out.append(types.json(text, types.schema(name)))
            return True
        element = self.open[-1]
        if len(self.open) == 1 or element.name != name:
            return False
        self.open.pop()
        text = "".join(element.text)
        if element.kind in ("object", "array"):
            out.append("}" if element.kind == "object" else "]")
        elif element.kind == "string":
            out.append('"')
        else:
            kinds = types.kinds(element.schema)
            empty = EMPTY.get(next(iter(kinds))) if len(kinds) == 1 and not text.strip(BLANKS) else None
            out.append(empty or types.json(text, element.schema))
        return True


class _Untyped:
    """Types of which nothing is known: text is text."""

    def schema(self, key: str) -> Any: ...

    def inner(self, schema: Any, step: str | None) -> Any: ...

    def kinds(self, schema: Any) -> frozenset[str]:
        return frozenset()

    def json(self, text: str, schema: Any) -> str:
        return dumps(text)


class _Gather(_Untyped):
    """A sink that keeps the JSON, and a context in which every control token but the mark is data."""

    eof = False

    def __init__(self, mark: str):
        self.symbols = Symbols((mark,))
        self.out: list[str] = []

    def resync(self, s: str, i: int, damaged: bool) -> bool | None:
        return False

    def piece(self, kind: str, raw: str, json: str | None = None) -> None:
        self.out.append(json or "")

    def named(self, name: str) -> None: ...

    def identified(self, id: str) -> None: ...

    def fault(self, code: str, message: str, text: str) -> None: ...

    def types(self) -> Types:
        return self


@dataclass(frozen=True, slots=True)
class Elements:
    """See the head of this file. `end`: the tag that ends the call, behind a mark."""

    mark: str
    end: str

    untyped = True
    notation = "elements"

    @property
    def toks(self) -> tuple[str, ...]:
        """The control token inside values."""
        return (self.mark,)

    def reader(self, context: Context) -> Reader:
        return ElementReader(context, self.mark, self.end)

    def write(self, call: Call) -> list[str | Tok]:
        """The model's own text where it says the same, else canonical."""
        arguments = call.arguments or {}
        if isinstance(call.raw, str) and _says(self.read(call.raw), arguments):
            pieces: list[str | Tok] = []
            for n, text in enumerate(call.raw.split(self.mark)):
                pieces += [Tok(self.mark), text] if n else [text]
            return [p for p in pieces if p]
        return list(self._value(arguments))

    def read(self, raw: str) -> Any:
        """What a text says, its marks spelled out, all scalars as text; None if it says nothing."""
        gather = _Gather(self.mark)
        text = raw.replace(self.mark, gather.symbols.of[self.mark])
        end = gather.symbols.of[self.mark] + self.end
        at, took = self.reader(gather).take(text + end, 0, gather)
        try:
            return loads("".join(gather.out)) if took is DONE and at == len(text) else None
        except ValueError:
            return None

    def _value(self, value: Any) -> Iterator[str | Tok]:
        if isinstance(value, Mapping):
            for key, inner in cast("Mapping[str, Any]", value).items():
                if inner is not None:
                    yield from self._element(key, inner)
        elif isinstance(value, (list, tuple)):
            for inner in cast("list[Any]", value):
                yield from self._element(ITEM, inner)
        elif value is not None:
            yield dumps(value) if isinstance(value, bool) else str(value)

    def _element(self, name: str, value: Any) -> Iterator[str | Tok]:
        yield from (Tok(self.mark), f"<{name}>")
        yield from self._value(value)
        yield from (Tok(self.mark), f"</{name}>")


def _says(said: Any, value: Any) -> bool:
    """Whether a tree of texts says a value."""
    if isinstance(said, str):
        if value in ({}, []):
            return not said.strip(BLANKS)
        try:
            return said == value or loads(said.strip(BLANKS)) == value
        except ValueError:
            return said.strip(BLANKS) == str(value)
    if isinstance(said, list) and isinstance(value, (list, tuple)):
        a, b = cast("list[Any]", said), cast("list[Any]", value)
        return len(a) == len(b) and all(map(_says, a, b))
    if isinstance(said, dict) and isinstance(value, Mapping):
        c, d = cast("dict[str, Any]", said), cast("Mapping[str, Any]", value)
        return list(c) == list(d) and all(_says(c[k], d[k]) for k in c)
    return False
