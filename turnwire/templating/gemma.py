"""What Gemma's templates share: declarations of tools, results inside the model's turn, and their passes.

Facts, if not said otherwise: chat_template.jinja of google/gemma-4-26B-A4B-it (sha256 ae53464b).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from ..codecs import BareKeys
from ..errors import MessageError, RoleError
from ..turns import Call, Media, Reasoning, Result, Text
from ..wire import NOTHING, Word

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

STANDARD = ("description", "type", "properties", "required", "nullable")  # what a schema may say; not properties


@dataclass(frozen=True, slots=True)
class Declarations:
    """Tools as objects with bare keys, upper-case types and `quote` around strings. `terse` leaves out what a property
    does not have (Gemma 4, lines 1-133); else, as FunctionGemma's template, lines 1-95 (sha256 0dbaf708)."""

    open: Word
    close: Word
    quote: str
    null: str
    terse: bool = True

    def write(self, w: Writer, context: Context) -> None:
        for w.tool, tool in enumerate(context.tools or ()):
            w.word(self.open)
            for text, ours in self._tool(tool.function):
                w.markup(text) if ours else w.data(text, "tools")
            w.word(self.close)

    # (text, is it the template's own)

    def _string(self, value: Any) -> Iterator[tuple[str, bool]]:
        yield from ((self.quote, True), (_shown(value), False), (self.quote, True))

    def _tool(self, tool: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        yield from (("declaration:", True), (tool["name"], False), ("{description:", True))
        yield from self._string(_get(tool, "description"))
        if parameters := _get(tool, "parameters"):
            yield ",parameters:{", True
            if properties := _get(parameters, "properties"):
                yield "properties:{", True
                yield from self._properties(properties, not self.terse)
                yield "},", True
            if required := _get(parameters, "required"):
                yield from self._list("required:[", map(self._string, required), "],")
            if kind := _get(parameters, "type"):  # the brace too, line 114: parameters without a type stay open
                yield "type:", True
                yield from self._string(_shown(kind).upper())
                yield "}", True
        if self.terse and "response" in tool:
            response = tool["response"]
            yield ",response:{", True
            if description := _get(response, "description"):
                yield "description:", True
                yield from self._string(description)
                yield ",", True
            if _type(response) == "OBJECT":
                yield "type:", True
                yield from self._string("OBJECT")
                yield "}", True
        yield "}", True

    def _properties(self, properties: Any, filtered: bool) -> Iterator[tuple[str, bool]]:
        members = [(k, v) for k, v in _sorted(properties) if not filtered or k not in STANDARD]
        return self._list("", (self._property(k, v) for k, v in members), "")

    def _property(self, key: str, value: Any) -> Iterator[tuple[str, bool]]:
        yield from ((key, False), (":", True))
        yield from self._list("{", self._facts(value), "}")

    def _facts(self, value: Any) -> Iterator[Iterable[tuple[str, bool]]]:
        """What is said of a property, one by one."""
        kind = _type(value)
        if not self.terse or _get(value, "description"):
            yield self._named("description", self._string(_get(value, "description")))
        if kind == "STRING" and _get(value, "enum"):
            yield self._named("enum", self._value(value["enum"]))
        items = _get(value, "items")
        if kind == "ARRAY" and isinstance(items, Mapping) and items:
            yield self._items(cast("Mapping[str, Any]", items))
        if self.terse and _get(value, "nullable"):
            yield (("nullable:true", True),)
        if kind == "OBJECT":
            inner = _get(value, "properties")
            known = isinstance(inner, Mapping)
            members = self._properties(inner if known else value, not known or not self.terse)
            yield (("properties:{", True), *members, ("}", True))
            if required := _get(value, "required"):
                yield self._list("required:[", map(self._string, required), "]")
        yield self._named("type", self._string(kind))

    def _items(self, items: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        def each() -> Iterator[Iterable[tuple[str, bool]]]:
            for key, value in _sorted(items):
                if value is None:
                    continue
                if key == "properties":
                    inner = self._properties(value, not self.terse) if isinstance(value, Mapping) else ()
                    yield (("properties:{", True), *inner, ("}", True))
                elif key == "required":
                    yield self._list("required:[", map(self._string, value), "]")
                elif key == "type":
                    upper = value.upper() if isinstance(value, str) else [_shown(v).upper() for v in value]
                    yield self._named("type", self._value(upper))
                else:
                    yield ((key, False), (":", True), *self._value(value))

        return self._list("items:{", each(), "}")

    def _named(self, name: str, value: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
        yield name + ":", True
        yield from value

    def _list(self, open: str, items: Iterable[Iterable[tuple[str, bool]]], close: str) -> Iterator[tuple[str, bool]]:
        yield open, True
        for n, item in enumerate(items):
            if n:
                yield ",", True
            yield from item
        yield close, True

    def _value(self, value: Any) -> Iterator[tuple[str, bool]]:
        """Any value, keys quoted. Lines 134-163."""
        if isinstance(value, str):
            yield from self._string(value)
        elif isinstance(value, Mapping):
            members = _sorted(cast("Mapping[str, Any]", value))
            yield from self._list("{", ((*self._string(k), (":", True), *self._value(v)) for k, v in members), "}")
        elif isinstance(value, (list, tuple)):
            yield from self._list("[", map(self._value, cast("list[Any]", value)), "]")
        else:
            yield self.null if value is None else str(value).lower() if isinstance(value, bool) else str(value), False


class _Undefined:
    """What Jinja gives for what is not there."""

    def __bool__(self) -> bool:
        return False


UNDEFINED = _Undefined()


def _get(value: Any, key: str) -> Any:
    return cast("Mapping[str, Any]", value).get(key, UNDEFINED) if isinstance(value, Mapping) else UNDEFINED


def _shown(value: Any) -> str:
    return "" if value is UNDEFINED else str(value)


def _type(value: Any) -> str:
    return _shown(_get(value, "type")).upper()


def _sorted(value: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Jinja's `dictsort`."""
    return sorted(value.items(), key=lambda item: item[0].lower())


@dataclass(frozen=True, slots=True)
class Responses:
    """Results inside the model's turn, which goes on behind them, or else is closed by `over`. Lines 168-182, 280-320:
    a text is the member `value`, media stand behind the result."""

    item_open: Word
    item_close: Word
    over: Word
    notation: BareKeys

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None:
        for placed in run:
            if placed.headed:
                w.word(self.item_open)
            for w.part, result in placed.parts:
                if isinstance(result, Result):
                    w.turn = placed.turn
                    w.markup("response:")
                    w.data(result.name or "unknown", "result")
                    w.markup("{")
                    w.value(self.notation.members({"value": result.text}), "result")
                    w.markup("}")
                    w.word(self.item_close)
                    for piece in result.content:
                        if isinstance(piece, Media):
                            w.media(piece, layout, context)
            w.turn = w.part = None
        if not run[-1].open:
            w.word(self.over)


# passes


@dataclass(frozen=True, slots=True)
class TrimEach:
    """Blanks at both ends of each text are trimmed, of roles but those in `but`; in the model's turns, `thoughts` that
    a text spells are cut out first. Gemma 4, lines 154-166 and 322-341."""

    thoughts: tuple[str, str] | None = None
    but: tuple[str, ...] = ("tool",)

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        return [t if t.role in self.but else t.having(*self._parts(t, context)) for t in turns]

    def _parts(self, t: Placed, context: Context) -> Iterator[tuple[int | None, Any]]:
        for index, part in t.parts:
            if isinstance(part, Text):
                text = part.text
                if self.thoughts and t.role == "assistant" and context.options["strip_thinking"]:
                    opener, closer = self.thoughts
                    text = "".join(piece.split(opener)[0] for piece in text.split(closer))
                part = replace(part, text=text.strip())
            yield index, part


def keep_thoughts(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning stays behind the last user turn only, or, with `preserve_thinking`, where there are calls; an empty one
    is not written. Lines 252-257."""
    last = max((at for at, t in enumerate(turns) if t.role == "user"), default=-1)

    def kept(at: int, t: Placed) -> bool:
        return at > last or (context.options["preserve_thinking"] and any(isinstance(p, Call) for _, p in t.parts))

    return [
        t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning) or (p.text and kept(at, t))))
        for at, t in enumerate(turns)
    ]


@dataclass(frozen=True, slots=True)
class ModelTurns:
    """A turn of the model that calls goes on over the results, whose first opener is what the calls end in, and over
    the assistant's next turn; with `joined`, it goes on wherever an assistant's turn follows. Lines 240-247, 352-372.
    """

    joined: bool = False

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        return [self._turn(turns, at) for at in range(len(turns))]

    def _turn(self, turns: list[Placed], at: int) -> Placed:
        t = turns[at]
        before = turns[at - 1] if at else None
        behind = turns[at + 1].role if at + 1 < len(turns) else ""
        if t.role == "tool":
            return replace(t, headed=not (before and _calls(before)), open=behind in ("", "assistant"))
        if t.role == "assistant":
            goes_on = _calls(t) or behind == "tool" or (self.joined and behind == "assistant")
            return replace(t, headed=not (self.joined and before and before.role == "assistant"), open=goes_on)
        return t


def _calls(t: Placed) -> bool:
    """Whether a turn ends in a call."""
    return bool(t.parts) and isinstance(t.parts[-1][1], Call)


def alternate(turns: list[Placed], context: Context) -> list[Placed]:
    """User and assistant take turns, and a system message leads the first of the user's. Gemma 3's template
    (sha256 7de1c58e), lines 1-19."""
    for at, t in enumerate(turns):
        wanted = "user" if (at - (turns[0].role == "system")) % 2 == 0 else "assistant"
        if t.role != wanted and not (at == 0 and t.role == "system"):
            path = f"messages[{t.turn}].role"
            raise RoleError("user and assistant do not take turns", value=t.role, path=path, expected=wanted)
    if turns and turns[0].role == "system":
        if len(turns) == 1:
            raise MessageError("no user message that the system message could lead", path="messages", expected="one")
        turns = [turns[0], replace(turns[1], headed=False), *turns[2:]]
    return turns


def lead_user(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The system message begins the first user turn. Gemma 3, lines 2-10 and 25."""
    if system is not None:
        w.word(layout.role("user").open)
        w.content(system, layout, context)
        w.markup("\n\n")


@dataclass(frozen=True, slots=True)
class SystemWithTools:
    """A preamble: a turn of `role` with the caller's text, or the `default` one, and the tools; `thinking` says in it
    that the model may think. Gemma 4, lines 189-216; FunctionGemma, lines 98-125."""

    declarations: Declarations
    role: str
    default: str = ""
    thinking: Word = NOTHING

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        thinks = bool(context.options.get("enable_thinking"))
        if not (thinks or context.tools or system is not None):
            return
        wrap = layout.role(self.role)
        w.word(wrap.open)
        if thinks:
            w.word(self.thinking)
        if system is not None:
            w.content(system, layout, context)
        else:
            w.markup(self.default)
        self.declarations.write(w, context)
        w.word(wrap.close)
