"""`Format.extend`: what a prompt goes on with behind a reply, without state: token ids in, token ids out.

The last turn is read from the end of the ids; what stands behind it comes from `behind`. So the cost is that of the
last turn and of the new messages, but for copying the ids, and what was sampled is never encoded again. What the family
would rewrite in turns before is not rewritten: `stability` says where that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .behind import Writing, behind_turn, joined, outlined
from .errors import HistoryError, InputError, check_ids
from .events import Event, Fault, PartEnd
from .spans import symbols_of
from .turns import Reasoning, Text, Turn

if TYPE_CHECKING:
    from .format import Format
    from .tokens import Bound, Tokenizer

MESSAGES = 64  # of one turn
WINDOW = 256  # tokens at the end that are looked at first


def extend(
    fmt: Format,
    previous_ids: Sequence[int],
    messages: Any,
    tokenizer: Tokenizer,
    tools: Sequence[Any] | None,
    add_generation_prompt: bool,
    before: Sequence[Any] | None,
    options: Mapping[str, Any],
) -> list[int]:
    """`previous_ids` (a prompt and the reply that was sampled behind it) and what `messages` add to them. Raises
    `HistoryError` if they do not end in a turn of the assistant, or if the family cannot write `messages` there."""
    ids = check_ids(previous_ids, "previous_ids")
    if isinstance(messages, (str, bytes, Mapping)):
        raise InputError("not a list of messages", value=messages, path="messages", expected="a list")
    turn, sampled, part = last_turn(fmt, ids, fmt.bind(tokenizer), tokenizer)
    how = Writing(fmt, tokenizer, tools, options, prompt=add_generation_prompt)
    history = None if before is None else lambda: outlined(before)
    return [*ids, *joined(how, sampled, behind_turn(how, turn, list(messages), history=history), part)]


def last_turn(fmt: Format, ids: Sequence[int], bound: Bound, tokenizer: Tokenizer) -> tuple[Turn, Sequence[int], str]:
    """The reply at the end of `ids`, parsed; its ids; the kind of part that it was cut in."""
    found: tuple[Turn, Sequence[int], str] | None = None
    end, faults = len(ids), 0
    several = any(fmt.openers.heads.values())  # one turn may be several messages, each with a header
    for _ in range(MESSAGES if several else 1):
        start = _begin(fmt, ids, bound, end)
        if start is None:
            break
        parser = fmt.parser(tokenizer, prompt=ids[max(0, start - WINDOW) : start])
        events = parser.feed(ids[start:])
        part = open_part(parser.turn, events)
        events += parser.close("stop")
        turn = parser.turn
        before, faults = faults, sum(isinstance(e, Fault) for e in events)
        if found is not None and (faults > before or len(turn.parts) <= len(found[0].parts)):
            break
        found = turn, ids[start:], part
        end = start - 1
    if found is None:
        raise HistoryError("no turn of the assistant is there", value=ids[-8:], path="previous_ids",
                           expected="a prompt and the reply that was sampled behind it")  # fmt: skip
    return found


def open_part(turn: Turn, events: Sequence[Event]) -> str:
    """Of a reply that is not closed yet, the kind of text that it is in: "text", "reasoning", "thought" (behind
    reasoning, before anything else), or ""."""
    last = turn.parts[-1] if turn.parts else None
    ended = any(isinstance(e, PartEnd) and e.part == len(turn.parts) - 1 for e in reversed(events))
    if ended:
        return "thought" if isinstance(last, Reasoning) else ""
    return last.kind if isinstance(last, (Text, Reasoning)) else ""


def _begin(fmt: Format, ids: Sequence[int], bound: Bound, end: int) -> int | None:
    """The token behind the last opener of a turn before `end`."""
    size = WINDOW
    while True:
        low = max(0, end - size)
        text = symbols_of(bound, ids[low:end])
        at = max((text.rfind(o) + len(o) for o in fmt.openers.words if o in text), default=-1)
        if at >= 0:
            return low + _token_at(bound, ids[low:end], at)
        if low == 0:
            return None
        size *= 2


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
