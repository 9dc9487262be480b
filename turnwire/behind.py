"""What stands behind a turn that was sampled, found by rendering it behind a stand-in, in a short conversation.

A stand-in has the turn's kinds of parts and its calls' names and ids, and says nothing else. What follows it may stand
behind the turn itself only where it depends on nothing that the stand-in leaves out. So, once for each kind of turn and
of messages, it is rendered behind other stand-ins too: one with other texts, with more turns before it, with a system
message. What differs then is refused, or the short conversation gets as many turns as the real one has. Nothing of this
is declared by a family; it is read off what its layout, or its template, writes.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from .errors import HistoryError, InputError, RefusedTurn, TurnwireError, as_mapping
from .spans import Rendered, symbols_of
from .turns import Call, Part, Reasoning, Result, Text, Turn

if TYPE_CHECKING:
    from .format import Format
    from .tokens import Tokenizer

TAIL = 32  # tokens of a reply that may hold the beginning of what closes its reasoning
ASKED = Turn("user", (Text("x"),))
ASKED_ELSE = Turn("user", (Text("Another question?"),))
TOLD = Turn("system", (Text("y"),))
SAID = Turn("assistant", (Text("z"),))


@dataclass(frozen=True, slots=True)
class Behind:
    """Token ids that follow a turn: `end`, where the turn lacks its stop token, then `ids`."""

    end: tuple[int, ...]
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to write behind turns of one kind. `tools`: whether it takes the tools. `counted`: it takes all turns before,
    because it depends on how many, or of which kinds, they are."""

    tools: bool
    counted: bool


@dataclass(frozen=True, slots=True)
class Writing:
    """How messages are written behind turns: what `Format.render` is given. `open`: the last message stays open, to be
    gone on with; `prompt`: a generation prompt comes behind it."""

    fmt: Format
    tokenizer: Tokenizer
    tools: Sequence[Any] | None
    options: Mapping[str, Any]
    prompt: bool = True
    open: bool = False

    def text(self, messages: Sequence[Any], tools: bool) -> Rendered:
        """The messages, without ids."""
        return self._render(messages, tools, None)

    def ids(self, messages: Sequence[Any], tools: bool) -> Rendered:
        """The messages, with ids."""
        return self._render(messages, tools, self.tokenizer)

    def _render(self, messages: Sequence[Any], tools: bool, tokenizer: Tokenizer | None) -> Rendered:
        return self.fmt.render(
            messages,
            self.tools if tools else None,
            tokenizer,
            add_generation_prompt=self.prompt,
            continue_final_message=self.open,
            **self.options,
        )


def behind_turn(
    how: Writing,
    turn: Turn,
    messages: Sequence[Any],
    *,
    context: Sequence[Any] = (ASKED,),
    history: Callable[[], Sequence[Any]] | None = None,
    shown: int = 0,
) -> Behind:
    """What stands behind `turn` where `messages` follow it. `context`: what the short conversation begins with;
    `history` gives stand-ins of all turns before. `shown`: how many messages there were, for the paths of errors.
    Raises `HistoryError` where that cannot be told, and what `render` does."""
    messages = _as_written(turn, messages)
    kind = _kind(how, turn, messages)
    plan = how.fmt.plans.get(kind)
    before: Sequence[Any] = context
    try:
        if plan is None:
            plan = how.fmt.plans[kind] = _plan(how, turn, messages)
        if plan.counted:
            if history is None:
                raise HistoryError("what follows depends on the turns before", value=how.fmt.name, path="messages",
                                   expected="those: extend(before=...), or a Conversation")  # fmt: skip
            before = history()
        out = how.ids([*before, stand_in(turn), *messages], plan.tools)
    except TurnwireError as e:
        raise e.moved(shown - len(before) - 1) from None
    at = _end(how.fmt, out, len(before))
    if at is None:
        raise HistoryError("nothing of the turn is shown where these messages follow it", value=how.fmt.name,
                           path="messages", expected="a format that shows turns of the assistant")  # fmt: skip
    cut = out.tokens(at - 1, at)[1]
    ends = {how.tokenizer.special(t) for t in how.fmt.end_tokens}
    return Behind(tuple(i for i in out.ids[cut - 1 : cut] if i in ends), tuple(out.ids[cut:]))


def joined(how: Writing, sampled: Sequence[int], behind: Behind, part: str) -> list[int]:
    """What goes behind `sampled`: its stop token if it has none (before it, what closes the
    `part` that it was cut in), and no second one if the next turn begins with it."""
    stops = how.fmt.stop_token_ids(how.tokenizer)
    last = sampled[-1] if sampled else None
    if last not in stops:
        closed = closing(how, sampled, part) if part else []
        there = [*sampled[-1:], *closed][-1:] == [*behind.end]
        return [*closed, *(() if there else behind.end), *behind.ids]
    if behind.end or behind.ids[:1] != (last,):
        if not behind.end and behind.ids and behind.ids[0] in stops:
            raise HistoryError(
                f"the reply ends in {_shown(how.tokenizer, last)}, and what follows begins with "
                f"{_shown(how.tokenizer, behind.ids[0])}",
                value=last, path="previous_ids", expected="messages that may follow that token",
            )  # fmt: skip
        return [*behind.ids]
    return [*behind.ids[1:]]


def stand_in(turn: Turn, text: str = "x", arguments: Mapping[str, Any] | None = None) -> Turn:
    """A turn with the same kinds of parts, of which the text says nothing: complete calls keep name and ids."""
    parts: list[Part] = []
    for part in turn.parts:
        if isinstance(part, Reasoning):
            parts.append(Reasoning(text))
        elif isinstance(part, Text):
            parts.append(replace(part, text=text))
        elif isinstance(part, Call) and part.complete:
            parts.append(Call(part.name, dict(arguments or {}), part.id, written=part.written))
    if not any(isinstance(p, (Text, Call)) for p in parts):
        parts.append(Text(text))
    return Turn("assistant", tuple(parts))


def outlined(messages: Iterable[Any]) -> list[Any]:
    """Stand-ins of messages, one for each."""
    return [_outline(m) for m in messages]


def _outline(message: Any) -> Any:
    if isinstance(message, Turn):
        return stand_in(message) if message.role == "assistant" else message
    given = as_mapping(message)
    return {**given, "content": "x"} if given is not None and "content" in given else message


def closing(how: Writing, sampled: Sequence[int], part: str) -> list[int]:
    """Behind a reply that was cut in a `part` ("reasoning", "text", or "thought", behind reasoning): what closes that,
    as far as it is not there yet; without the stop token."""
    fmt, kind = how.fmt, "text" if part == "text" else "reasoning"
    key = kind, repr(sorted(how.options.items()))
    known = fmt.plans.get(key)
    if known is None:
        known = _closer(fmt, kind)
        known = fmt.plans[key] = (_closed_in_prompt(how, known) if kind == "reasoning" else None) or known
    said = symbols_of(fmt.bind(how.tokenizer), sampled[-TAIL:])
    there = next((n for n in range(len(known), 0, -1) if said.endswith(known[:n])), 0)
    return fmt.encode(known[there:], how.tokenizer) if there or part != "thought" else []


def _closer(fmt: Format, part: str) -> str:
    """In symbols, what closes a part."""
    thought, text = Reasoning("x"), Text("y")
    for parts in ((thought,), (thought, text)) if part == "reasoning" else ((text,), (thought, text)):
        try:
            out = fmt.render_reply(Turn("assistant", parts))
        except (RefusedTurn, InputError):
            continue
        said = next((r for r in reversed(out.stretched) if r.kind == part), None)
        if said is not None:
            behind = [r for r in out.stretched if r.start >= said.stop and (r.part == said.part or part == "text")]
            symbols = fmt.program.symbolise("".join(out.text[r.start : r.stop] for r in behind))
            return symbols[: next((i for i, c in enumerate(symbols) if c in fmt.program.stops), len(symbols))]
    return ""


def _closed_in_prompt(how: Writing, closer: str) -> str | None:
    """In symbols, what a prompt has behind the reasoning of a turn that says nothing else: `closer`, and what comes
    before the stop token (Command's empty text). None if the prompt shows no such turn."""
    try:
        out = how.text([ASKED, Turn("assistant", (Reasoning("x"),)), ASKED], False)
    except TurnwireError:
        return None
    said = next((r for r in out.stretched if r.turn == 1 and r.kind == "reasoning"), None)
    end = _end(how.fmt, out, 1)
    if said is None or end is None:
        return None
    symbols = how.fmt.program.symbolise(out.text[said.stop : end])
    cut = next((i for i, c in enumerate(symbols) if c in how.fmt.program.stops), len(symbols))
    return symbols[:cut] if symbols.startswith(closer) else None


def mentioned(how: Writing, messages: Sequence[Any]) -> tuple[Any, ...]:
    """What a short conversation has to begin with, so that it goes on as one that begins with `messages`: a question
    that says nothing, or else these (a switch in a system message, or in a question, counts in turns behind it)."""
    bare = (ASKED,)
    asked = [m for m in messages if role_of(m) == "user"][-1:]
    given = (*(m for m in messages if role_of(m) in ("system", "developer")), *asked)
    if not given:
        return bare
    named = {"name": "f", "id": "abcdefgh1"}
    called = Turn("assistant", (Call(named["name"], {}, named["id"]),))
    result = {"role": "tool", "content": "r", "name": named["name"], "tool_call_id": named["id"]}
    for turn, behind in ((SAID, ASKED), (called, result)):
        one, other = (_after(how, [*before, turn, behind], len(before), False) for before in (bare, given))
        if one != other and other is not None:
            return given if asked else (*given, ASKED)
    return bare


def _plan(how: Writing, turn: Turn, messages: Sequence[Any]) -> Plan:
    """See the head of this file."""
    said = stand_in(turn)
    out = how.text([ASKED, said, *messages], True)
    at = _end(how.fmt, out, 1)
    if at is None:
        raise HistoryError(out.unmasked or "nothing of a reply is shown in a prompt", value=how.fmt.name,
                           path="messages", expected="a format that shows turns of the assistant")  # fmt: skip
    base: str | None = out.text[at:]
    shown = any(r.kind == "tools" and r.start >= at for r in out.stretched)
    tools = how.tools is not None and not shown
    if shown:  # with the last question, as they were shown with the one before
        base = _after(how, [ASKED, said, *messages], 1, False)
    elif tools and _after(how, [ASKED, said, *messages], 1, False) == base:
        tools = False
    other = _after(how, [ASKED_ELSE, stand_in(turn, "Something else.", {"k": "v"}), *messages], 1, tools)
    if other is not None and other != base:
        raise HistoryError("what follows depends on what the turn says", value=how.fmt.name, path="messages",
                           expected="a layout that writes a turn apart from the next")  # fmt: skip
    deeper: list[list[Any]] = [[ASKED, SAID, ASKED], [TOLD, ASKED]]
    calls = [p for p in said.parts if isinstance(p, Call)]
    if calls:
        first = [replace(c, id=id) for c, id in zip(calls, _others([c.id for c in calls]))]
        results = [Turn("tool", (Result((Text("r"),), c.id, c.name),)) for c in first]
        deeper += [[ASKED, Turn("assistant", tuple(first)), *results]]
        deeper += [[ASKED, Turn("assistant", tuple(first)), *results, SAID, ASKED]]
    found = [_after(how, [*before, said, *messages], len(before), tools) for before in deeper]
    return Plan(tools, any(f is not None and f != base for f in found))


def _after(how: Writing, messages: Sequence[Any], at: int, tools: bool) -> str | None:
    """The text behind the turn `messages[at]`; None where that cannot be rendered."""
    try:
        out = how.text(messages, tools)
    except TurnwireError:
        return None
    end = _end(how.fmt, out, at)
    return None if end is None else out.text[end:]


def _as_written(turn: Turn, messages: Sequence[Any]) -> Sequence[Any]:
    """Results that name calls by the ids that the model wrote."""
    wrote = {c.id: c.written for c in turn.calls if c.written is not None and c.id is not None}
    return [_renamed(m, wrote) for m in messages] if wrote else messages


def _renamed(message: Any, ids: Mapping[str, str]) -> Any:
    if isinstance(message, Turn):
        named = (replace(p, id=ids.get(p.id or "", p.id)) if isinstance(p, Result) else p for p in message.parts)
        return replace(message, parts=tuple(named))
    given = as_mapping(message) or {}
    id = ids.get(str(given.get("tool_call_id")))
    return message if id is None else {**given, "tool_call_id": id}


def _end(fmt: Format, out: Rendered, turn: int) -> int | None:
    """The character behind the last one of a turn that is sampled: of its stop token, if there is one."""
    if out.unmasked:
        return None
    runs = [r for r in out.stretched if r.turn == turn]
    sampled = [r.stop for r in runs if r.sampled]
    if not sampled:
        return None
    said = max((r.stop for r in runs if r.kind != "template"), default=sampled[-1])
    rest = out.text[said : sampled[-1]]
    ends = [rest.index(t) + len(t) for t in fmt.end_tokens if t in rest]
    return said + min(ends) if ends else sampled[-1]


def _kind(how: Writing, turn: Turn, messages: Iterable[Any]) -> Any:
    """What turns and messages must have in common to be written alike."""
    parts = tuple((k, len(list(some)) > 1) for k, some in groupby(_named(p) for p in stand_in(turn).parts))
    roles = tuple((k, len(list(some)) > 1) for k, some in groupby(map(role_of, messages)))
    return parts, roles, how.tools is not None, bool(how.tools), how.prompt, how.open, repr(sorted(how.options.items()))


def _named(part: Part) -> tuple[Any, ...]:
    if isinstance(part, Text):
        return ("text", part.channel, part.recipient)
    return (part.kind, isinstance(part, Call) and part.id is not None)


def role_of(message: Any) -> Any:
    """The role of a message or turn; None for what is neither."""
    return message.role if isinstance(message, Turn) else (as_mapping(message) or {}).get("role")


def _others(ids: Sequence[str | None]) -> Iterator[str | None]:
    """For each of some ids another that looks alike and is none of them."""
    used = {*ids}
    for id in ids:
        ends = string.digits if id and id[-1:].isdigit() else string.ascii_letters
        other = next((f"{id[:-1]}{c}" for c in ends if f"{id[:-1]}{c}" not in used), id) if id else id
        used.add(other)
        yield other


def _shown(tokenizer: Tokenizer, number: int | None) -> str:
    piece = None if number is None else tokenizer.piece(number)
    return repr(piece.decode("utf-8", "replace")) if piece is not None else str(number)
