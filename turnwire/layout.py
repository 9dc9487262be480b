"""Layout: everything of a prompt that the model does not write. Only ever rendered.

Data where it repeats (`Wrap`, `Results`, `Media`), plain functions where it does not (a preamble, an arrange
pass). Functions get a `Writer` with two verbs that never mix: `markup`, text of the format's authors, in
which control tokens count, and `data`, text of the caller's, in which nothing counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from operator import is_
from typing import TYPE_CHECKING, Any, Protocol

from .errors import OptionError, RoleError, check_text, nearest, told
from .tools import Tool
from .turns import Part, Result, Text
from .wire import NOTHING, Word

if TYPE_CHECKING:
    from .codecs import IdForm
    from .spans import Rendered
    from .templating.writer import Writer
    from .tokens import Tokenizer


SWITCHES = ("add_generation_prompt", "continue_final_message", "trust_content", "forgery")
"""Arguments of `render` that stand beside a format's options."""


@dataclass(slots=True)
class Placed:
    """A turn on its way into the prompt: its place in `messages` and its parts, each with its index in the
    turn (None for a part that the layout made up). Nobody changes one; it is not frozen because every prompt makes one
    or two of each turn, and a frozen one takes four times as long.

    `headed` False: what opens it was written already. `open`: what comes behind it goes on in the same turn of
    the model, so nothing ends it but what a call ends in.
    """

    role: str
    turn: int
    parts: tuple[tuple[int | None, Part], ...]
    headed: bool = True
    open: bool = False

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "".join([p.text for _, p in self.parts if isinstance(p, Text)])

    def having(self, *parts: tuple[int | None, Part]) -> Placed:
        """The same turn with other parts; itself, if they are no others."""
        if len(parts) == len(self.parts) and (
            all(map(is_, parts, self.parts)) or all(a[1] is b[1] for a, b in zip(parts, self.parts))
        ):
            return self
        if type(self) is not Placed:
            return replace(self, parts=parts)
        return Placed(self.role, self.turn, parts, self.headed, self.open)


@dataclass(frozen=True, slots=True)
class Context:
    """What a layout may ask for: resolved options, tools (None: none given)."""

    options: Mapping[str, Any]
    tools: tuple[Tool, ...] | None
    count: int = 0  # messages in the conversation
    open: bool = False  # the last turn is left open
    behind: str = ""  # for a prefill: the role that the assistant's turn goes on behind, without a header
    media: dict[str, int] = field(default_factory=dict[str, int])  # how many of each kind were written

    def going_on(self, behind: str) -> Context:
        """The same for a turn that goes on behind a role."""
        return self if behind == self.behind else replace(self, behind=behind)


@dataclass(frozen=True, slots=True)
class Wrap:
    """What stands around a turn of a role."""

    open: Word
    close: Word

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        if placed.headed:
            w.word(self.open)
        w.content(placed, layout, context)
        w.word(self.close)


def no_head(w: Writer, placed: Placed, context: Context) -> None:
    """Nothing between a result's opener and its content."""


@dataclass(frozen=True, slots=True)
class Results:
    """How a run of tool results is wrapped: around all of them, and around each, with `sep` between them; `head`
    writes what names the result (its id, its tool) behind `item_open`."""

    open: Word = NOTHING
    item_open: Word = NOTHING
    item_close: Word = NOTHING
    close: Word = NOTHING
    head: Callable[[Writer, Placed, Context], None] = no_head
    sep: Word = NOTHING

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None:
        before: tuple[Word, ...] = (self.open,)
        for placed in run:
            w.word(*before, self.item_open if placed.headed else NOTHING)
            self.head(w, placed, context)
            w.content(placed, layout, context)
            before = self.item_close, self.sep
        w.word(self.item_close, self.close)


@dataclass(frozen=True, slots=True)
class EachResult:
    """Results that stand alone, each as `result` writes it."""

    item_open: Word
    item_close: Word
    result: Callable[[Writer, Result], None]

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None:
        for placed in run:
            w.word(self.item_open)
            w.turn = placed.turn
            for w.part, part in placed.parts:
                if isinstance(part, Result):
                    self.result(w, part)
            w.turn = w.part = None
            w.word(self.item_close)


@dataclass(frozen=True, slots=True)
class NoResults:
    """For a format without calls."""

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None:
        roles = ", ".join([*dict(layout.roles), "assistant"])
        path = f"messages[{run[0].turn}].role"
        raise RoleError("the format has no tool results", value="tool", path=path, expected="one of " + roles)


class Whole(Protocol):
    """What writes a prompt as a whole; `prompt` is add_generation_prompt and continue_final_message."""

    def render(
        self,
        messages: Any,
        tools: Any,
        tokenizer: Tokenizer | None,
        prompt: tuple[bool, bool],
        trust_content: bool,
        options: Mapping[str, Any],
    ) -> Rendered: ...


class ResultsLike(Protocol):
    """What writes a run of tool results."""

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None: ...


@dataclass(frozen=True, slots=True)
class Option:
    """A keyword of `render`, named as in the family's own template."""

    name: str
    default: Any
    doc: str
    values: tuple[Any, ...] = ()  # all that it takes, if they can be listed
    type: type | tuple[type, ...] = object

    def check(self, value: Any) -> None:
        """Raise `OptionError` for a value that the option does not take."""
        if self.values:
            if not any(value is v or (type(value) is type(v) and value == v) for v in self.values):
                raise OptionError(
                    f"{self.name} does not take {told(value)}",
                    value=value,
                    path=self.name,
                    expected="one of " + ", ".join(map(repr, self.values)),
                    near=nearest(value, [v for v in self.values if isinstance(v, str)]),
                )
        elif not isinstance(value, self.type):
            raise OptionError(
                f"{self.name} does not take {told(value)}", value=value, path=self.name, expected=self.doc
            )


def as_date(value: Any) -> date:
    """A date from a date, a datetime or an ISO string; today's for None."""
    if value is None:
        return date.today()
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value.removesuffix("Z")).date()  # Python 3.10 does not read the Z
    except (AttributeError, TypeError, ValueError):
        raise OptionError(
            f"now does not take {told(value)}",
            value=value,
            path="now",
            expected="a date or an ISO string such as 2026-01-15",
        ) from None


Arrange = Callable[[list[Placed], Context], list[Placed]]


def no_settle(turns: list[Placed], context: Context) -> Mapping[str, Any]:
    """The conversation decides no option."""
    return {}


def no_preamble(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """Nothing but the system turn, where there is one."""
    if system is not None:
        layout.role(system.role).write(w, system, layout, context)


def no_cue(context: Context, before: str, role: str) -> Word:
    """Nothing between turns."""
    return NOTHING


def no_prefill(context: Context) -> Word:
    """A generation prompt that is the header alone."""
    return NOTHING


@dataclass(frozen=True, slots=True)
class Layout:
    """See the head of this file.

    `roles` maps a role to its `Wrap`; "assistant" and "tool" need none. `preamble` writes what comes before
    the first turn, the leading system turn included. `arrange` passes rewrite the list of turns (history
    rules, trims). `prefill` is what the generation prompt adds to the header, `cue` what stands
    between turns (the role before, and the one behind; "" is a generation prompt); `after` stands behind each
    assistant turn, `finish` behind a conversation without a generation prompt. `media` gives the placeholder of each
    kind of media. `begin` is written before everything.
    `settle` gives the options that the conversation itself decides (a "/no_think" in it); they need not be declared.
    `headless`: behind turns of these roles an assistant turn has no header, it begins where they end. `ids`: how ids
    of calls look, for a family whose prompt or reply shows them (see templating/call_ids.py).
    `edge`: white space that is the header's where a turn in a prompt begins with it, because tokenizers merge the
    two and no reply begins so (what the reply began with was left out).
    `whole` writes prompts by itself; then the rest says only how replies begin.
    """

    roles: tuple[tuple[str, Wrap], ...]
    results: ResultsLike
    preamble: Callable[[Writer, Placed | None, Layout, Context], None] = no_preamble
    arrange: tuple[Arrange, ...] = ()
    settle: Callable[[list[Placed], Context], Mapping[str, Any]] = no_settle
    prefill: Callable[[Context], Word] = no_prefill
    cue: Callable[[Context, str, str], Word] = no_cue
    finish: Word = NOTHING
    after: Word = NOTHING
    options: tuple[Option, ...] = ()
    media: tuple[tuple[str, Word], ...] = ()
    media_label: Callable[[str, int, Context], str] | None = None
    leading: tuple[str, ...] = ("system",)  # roles that the preamble takes when they come first
    begin: Word = NOTHING
    headless: tuple[str, ...] = ()
    edge: Word = NOTHING
    whole: Whole | None = None
    ids: IdForm | None = None

    @property
    def spoken(self) -> tuple[str, ...]:
        """The roles of messages."""
        return (*(role for role, _ in self.roles), "assistant", "tool")

    def role(self, name: str) -> Wrap:
        """The wrap of a role (checked when messages are read)."""
        return dict(self.roles)[name]

    def ends(self) -> tuple[Word, ...]:
        """What ends the turns of the headless roles."""
        results: Any = self.results
        words = {role: wrap.close for role, wrap in self.roles}
        closers = (getattr(results, "close", NOTHING), getattr(results, "item_close", NOTHING))
        words["tool"] = next((w for w in closers if w != NOTHING), NOTHING)
        return tuple(words[role] for role in self.headless if words[role] != NOTHING)

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options with their values; `OptionError` for one the layout does not have."""
        known = {o.name: o for o in self.options}
        for name, value in given.items():
            if name not in known:
                raise OptionError(
                    f"unknown option {name!r}",
                    value=value,
                    path=name,
                    expected="one of " + (", ".join(known) or "no options"),
                    near=nearest(name, [*known, *SWITCHES]),
                )
            if isinstance(value, str):
                check_text(value, name)
            if value is not known[name].default:
                known[name].check(value)
        return {name: given.get(name, option.default) for name, option in known.items()}

    def but(self, **changes: Any) -> Layout:
        """A layout with some fields replaced."""
        return replace(self, **changes)
