"""What a prompt goes on with behind a turn that was sampled: token ids, without rendering the prompt again.

The new messages are rendered behind a stand-in of the turn (its kinds of parts, the ids of its calls) in a short
conversation, and cut where the stand-in's last sampled token ends. So the cost is that of the new messages, and what
was sampled is never encoded again. What the family would rewrite in turns before is not rewritten: `stability` says
where that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .errors import HistoryError, check_ids
from .spans import Rendered, symbols_of
from .turns import Call, Part, Reasoning, Text, Turn

if TYPE_CHECKING:
    from .format import Format
    from .tokens import Bound, Tokenizer

MESSAGES = 64  # of one turn
ASKED = Turn("user", (Text("x"),))


@dataclass(frozen=True, slots=True)
class Behind:
    """Token ids that follow a turn: `end`, the stop token where the turn lacks it, then `ids`."""

    end: tuple[int, ...]
    ids: tuple[int, ...]


def extend(
    fmt: Format,
    previous_ids: Sequence[int],
    messages: Any,
    tokenizer: Tokenizer,
    tools: Sequence[Any] | None,
    add_generation_prompt: bool,
    options: Mapping[str, Any],
) -> list[int]:
    """`previous_ids` (a prompt and the reply that was sampled behind it) and what `messages` add to them. Raises
    `HistoryError` if they do not end in a turn of the assistant, or if the family cannot write `messages` there."""
    ids = check_ids(previous_ids, "previous_ids")
    bound = fmt.bind(tokenizer)
    turn, sampled = last_turn(fmt, ids, bound, tokenizer)
    behind = behind_turn(fmt, turn, messages, tokenizer, tools, options, prompt=add_generation_prompt)
    return [*ids, *joined(fmt, sampled, behind, tokenizer)]


def joined(fmt: Format, sampled: Sequence[int], behind: Behind, tokenizer: Tokenizer) -> list[int]:
    """What goes behind `sampled`: its stop token if it has none, and no second one if the next turn begins with it."""
    stops = fmt.stop_token_ids(tokenizer)
    last = sampled[-1] if sampled else None
    if last not in stops:
        return [*behind.end, *behind.ids]
    if behind.end or behind.ids[:1] != (last,):
        if not behind.end and behind.ids and behind.ids[0] in stops:
            raise HistoryError(
                f"the reply ends in {_shown(tokenizer, last)}, and what follows begins with "
                f"{_shown(tokenizer, behind.ids[0])}",
                value=last, path="previous_ids", expected="messages that may follow that token",
            )  # fmt: skip
        return [*behind.ids]
    return [*behind.ids[1:]]


def behind_turn(
    fmt: Format,
    turn: Turn,
    messages: Any,
    tokenizer: Tokenizer,
    tools: Sequence[Any] | None,
    options: Mapping[str, Any],
    *,
    prompt: bool = True,
) -> Behind:
    """What stands behind `turn` where `messages` follow it, and a generation prompt."""
    before = [ASKED, stand_in(turn), *messages]
    out = fmt.render(before, tools, tokenizer, add_generation_prompt=prompt, **options)
    end, cut = _cut(fmt, out, tokenizer)
    shown = {r.kind for r in out.runs if r.tokens is not None and r.tokens[0] >= cut}
    if tools and "tools" in shown:  # a family that shows tools with the last question: they were shown already
        out = fmt.render(before, None, tokenizer, add_generation_prompt=prompt, **options)
        end, cut = _cut(fmt, out, tokenizer)
    return Behind(end, tuple(out.ids[cut:]))


def _cut(fmt: Format, out: Rendered, tokenizer: Tokenizer) -> tuple[tuple[int, ...], int]:
    """The stop token of the stand-in, and where its tokens end."""
    mask = out.mask("sampled")
    cut = len(mask) - 1 - mask[::-1].index(True) + 1 if True in mask else 0
    if not cut:
        raise HistoryError("nothing of a reply is shown in a prompt", value=fmt.name, path="previous_ids",
                           expected="a format that shows turns of the assistant")  # fmt: skip
    last = out.ids[cut - 1]
    return ((last,) if last in fmt.stop_token_ids(tokenizer) else ()), cut


def stand_in(turn: Turn) -> Turn:
    """A turn with the same kinds of parts, of which the text says nothing: complete calls keep name and id."""
    parts: list[Part] = []
    for part in turn.parts:
        if isinstance(part, Reasoning):
            parts.append(Reasoning("x"))
        elif isinstance(part, Text):
            parts.append(replace(part, text="x"))
        elif isinstance(part, Call) and part.complete:
            parts.append(Call(part.name, {}, part.id))
    if not any(isinstance(p, (Text, Call)) for p in parts):
        parts.append(Text("x"))
    return Turn("assistant", tuple(parts))


def last_turn(fmt: Format, ids: Sequence[int], bound: Bound, tokenizer: Tokenizer) -> tuple[Turn, Sequence[int]]:
    """The reply at the end of `ids`, parsed, and its ids."""
    openers = [o for o in (fmt.symbols_of_word(fmt.header), *map(fmt.symbols_of_word, fmt.layout.ends())) if o]
    found: tuple[Turn, Sequence[int]] | None = None
    end = len(ids)
    for _ in range(MESSAGES):  # one turn may be several messages, each with a header
        text = symbols_of(bound, ids[:end])
        at = max((text.rfind(o) + len(o) for o in openers if o in text), default=-1)
        if at < 0:
            break
        start = _token_at(bound, ids[:end], at)
        result = fmt.parse(ids[start:], tokenizer=tokenizer, prompt=ids[:start], finish_reason="stop")
        if found is not None and (result.faults or len(result.turn.parts) <= len(found[0].parts)):
            break
        found = result.turn, ids[start:]
        end = start - 1
    if found is None:
        raise HistoryError("no turn of the assistant is there", value=ids[-8:], path="previous_ids",
                           expected="a prompt and the reply that was sampled behind it")  # fmt: skip
    return found


def _token_at(bound: Bound, ids: Sequence[int], char: int) -> int:
    """The first token that begins at character `char` of the text in symbols, or behind it."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        if len(symbols_of(bound, ids[:middle])) < char:
            low = middle + 1
        else:
            high = middle
    return low


def _shown(tokenizer: Tokenizer, number: int | None) -> str:
    piece = None if number is None else tokenizer.piece(number)
    return repr(piece.decode("utf-8", "replace")) if piece is not None else str(number)
