"""Conversation: a multi-turn loop in token ids. What was sent and what was sampled stays, token by token.

`prompt()` gives the ids to send, `sampled(ids)` takes what the model wrote and parses it, `add(messages)` takes
results and questions. With history="exact" the next prompt starts with what was sent and sampled, always; new messages
are encoded behind it and nothing is encoded twice. history="template" gives what the family's template would give for
the messages, and `rewritten` says where it departs from what was sampled; "segment" does the same and begins a new
training segment there. What was said is shared between forks and never changed: `fork()` and `rewind()` cost nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .chat_template import ChatTemplate
from .errors import HistoryError, InputError, MaskError, OptionError, check_ids, nearest
from .events import FinishReason
from .extend import behind_turn, joined
from .samples import Sample, parts_of_tokens
from .turns import Turn

if TYPE_CHECKING:
    from .format import Format
    from .tokens import Tokenizer

History = Literal["exact", "template", "segment"]
HISTORIES = ("exact", "template", "segment")


class Rewritten(NamedTuple):
    """Where the template departs from what was sent and sampled: the index of the first token that differs, the message
    that owns it (None: the layout), what was there and what the template writes, a few tokens of each as text."""

    token: int
    message: int | None
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """Ids that came at once, behind those before. `turn`: the message that was sampled, None for what was sent."""

    before: _Piece | None
    ids: tuple[int, ...]
    turn: int | None = None
    parts: tuple[int | None, ...] = ()
    logprobs: tuple[float | None, ...] = ()
    count: int = 0  # ids up to the end of it

    def chain(self) -> Iterator[_Piece]:
        """All pieces, the last first."""
        piece: _Piece | None = self
        while piece is not None:
            yield piece
            piece = piece.before


class Conversation:
    """See the head of this file. `source`: a `Format`, or a `ChatTemplate`, whose format is inferred. `options` are the
    format's, as `render` takes them. Not for use from several threads at once; forks may be."""

    def __init__(
        self,
        source: Format | ChatTemplate,
        tokenizer: Tokenizer,
        tools: Sequence[Any] | None = None,
        *,
        history: History = "exact",
        **options: Any,
    ):
        if history not in HISTORIES:
            raise OptionError(f"history does not take {history!r}", value=history, path="history",
                              expected="one of " + ", ".join(HISTORIES), near=nearest(history, HISTORIES))  # fmt: skip
        self.format: Format = source.infer_format(tokenizer=tokenizer) if isinstance(source, ChatTemplate) else source
        self.tokenizer, self.tools, self.history, self.options = tokenizer, tools, history, options
        self.format.bind(tokenizer)
        self._messages: tuple[Any, ...] = ()  # the turns that were sampled among them
        self._shown = 0  # how many of them are in the ids
        self._last: _Piece | None = None
        self._segments: tuple[_Piece, ...] = ()  # closed ones
        self._cut = False  # the last turn was truncated: it may go on
        self._before: Conversation | None = None  # as it was before the last turn was sampled
        self.rewritten: tuple[Rewritten, ...] = ()

    @property
    def messages(self) -> tuple[Any, ...]:
        """What was added and, as `Turn`s, what was sampled."""
        return self._messages

    @property
    def ids(self) -> list[int]:
        """All that was sent and sampled, in the segment that is open."""
        return [] if self._last is None else _joined(self._last)

    def add(self, messages: Any) -> None:
        """Messages that come next: questions, tool results, in their order. Nothing is rendered yet."""
        if isinstance(messages, (str, bytes, dict, Turn)):
            raise InputError("not a list of messages", value=messages, path="messages", expected="a list")
        self._messages = (*self._messages, *messages)

    def prompt(self) -> list[int]:
        """The ids to send. The same again until something is sampled or added; behind a turn that was cut, what goes on
        with it. Raises `HistoryError` where the family cannot write the messages behind what was sampled, and what
        `render` raises."""
        if self._shown == len(self._messages) and self._last is not None:
            if self._last.turn is not None and not self._cut:
                raise HistoryError("nothing was added since the last turn", value=self._shown, path="messages",
                                   expected="add(messages)")  # fmt: skip
            return self.ids
        if self._last is None:
            self._put(tuple(self._render().ids))
        elif self.history == "exact":
            self._put(tuple(self._behind()))
        else:
            self._rerender()
        self._shown, self._cut = len(self._messages), False
        return self.ids

    def sampled(
        self,
        ids: Sequence[int],
        logprobs: Sequence[float | None] | None = None,
        finish_reason: FinishReason | None = None,
    ) -> Turn:
        """What the model wrote behind `prompt()`, kept as it is; the turn that it reads as. Behind a turn that was cut,
        what goes on with it. `finish_reason` as the engine gave it: "length" says that the turn may go on."""
        given = check_ids(ids, "ids")
        if self._last is None or self._shown < len(self._messages):
            raise HistoryError("no prompt was asked for", value=len(given), path="ids", expected="prompt() first")
        if logprobs is not None and len(logprobs) != len(given):
            raise InputError(f"{len(logprobs)} logprobs of {len(given)} ids", value=len(logprobs), path="logprobs",
                             expected="one for each id")  # fmt: skip
        goes_on = self._last.turn is not None
        if goes_on and not self._cut:
            raise HistoryError("a turn was sampled there already", value=len(given), path="ids", expected="prompt()")
        before = self if not goes_on else self._before
        self._before = copy.copy(before) if before is not None else None
        old = list(self._last.ids) if goes_on else []
        sent = self._last.before if goes_on else self._last
        chances = tuple(logprobs) if logprobs is not None else (None,) * len(given)
        if goes_on:
            chances = (*self._last.logprobs, *chances)
            self._messages, self._last = self._messages[:-1], self._last.before
        whole = [*old, *given]
        parser = self.format.parser(self.tokenizer, self.tools, self._seen(sent))
        events = [*parser.feed(whole), *parser.close(finish_reason)]
        turn = parser.turn
        self._put(tuple(whole), len(self._messages), parts_of_tokens(events, len(whole)), chances)
        self._messages = (*self._messages, turn)
        self._shown = len(self._messages)
        self._cut = finish_reason == "length"
        return turn

    def fork(self) -> Conversation:
        """A conversation that goes its own way from here. What was said so far is shared."""
        return copy.copy(self)

    def rewind(self, turns: int = 1) -> Conversation:
        """As it was when the prompt of the last (of the last `turns`) turns was sent: to sample again, or, from a fork
        further back, to say something else."""
        at: Conversation | None = self
        for _ in range(turns):
            at = at._before if at is not None else None
        if at is None:
            raise HistoryError(f"fewer than {turns} turns were sampled", value=turns, path="turns", expected="fewer")
        return at.fork()

    def samples(self) -> list[Sample]:
        """The segments, each with what was sampled in it. Raises `MaskError` if nothing was."""
        last = (self._last,) if self._last is not None else ()
        found = [_sample(p) for p in (*self._segments, *last) if any(x.turn is not None for x in p.chain())]
        if not found:
            raise MaskError("nothing was sampled", value=len(self._messages), path="samples", expected="sampled(ids)")
        return found

    def _seen(self, sent: _Piece | None) -> list[int]:
        """The prompt, as far as a parser asks: where ids of calls must differ, all of it, else what was sent last."""
        assert sent is not None
        return _joined(sent) if self.format.layout.ids is not None else list(sent.ids)

    def _put(
        self,
        ids: tuple[int, ...],
        turn: int | None = None,
        parts: tuple[int | None, ...] = (),
        logprobs: tuple[float | None, ...] = (),
    ) -> None:
        count = (self._last.count if self._last is not None else 0) + len(ids)
        self._last = _Piece(self._last, ids, turn, parts, logprobs, count)

    def _render(self) -> Any:
        return self.format.render(
            self._messages, self.tools, self.tokenizer, add_generation_prompt=True, **self.options
        )

    def _behind(self) -> list[int]:
        assert self._last is not None
        new = self._messages[self._shown :]
        said = self._messages[self._shown - 1]
        if not isinstance(said, Turn):  # nothing was sampled since the last prompt
            raise HistoryError("messages were added behind a prompt that was not answered", value=len(new),
                               path=f"messages[{self._shown}]", expected="sampled(ids) first, or rewind()")  # fmt: skip
        behind = behind_turn(self.format, said, new, self.tokenizer, self.tools, self.options)
        return joined(self.format, self._last.ids, behind, self.tokenizer)

    def _rerender(self) -> None:
        """The prompt as the template has it. Where that goes on from what was sampled, nothing changes."""
        assert self._last is not None
        had, out = self.ids, self._render()
        now: list[int] = out.ids
        at = next((n for n, (a, b) in enumerate(zip(had, now)) if a != b), min(len(had), len(now)))
        if at == len(had):
            self._put(tuple(now[at:]))
            return
        owner = next((r.turn for r in out.runs if r.tokens is not None and r.tokens[0] <= at < r.tokens[1]), None)
        bound = self.format.bind(self.tokenizer)
        what = Rewritten(at, owner, bound.decode(had[at : at + 8]), bound.decode(now[at : at + 8]))
        self.rewritten = (*self.rewritten, what)
        if self.history == "segment":
            self._segments = (*self._segments, self._last)
        self._last = None
        self._put(tuple(now))


def _joined(last: _Piece) -> list[int]:
    out: list[int] = []
    for piece in reversed(list(last.chain())):
        out += piece.ids
    return out


def _sample(last: _Piece) -> Sample:
    out = Sample()
    for piece in reversed(list(last.chain())):
        n = len(piece.ids)
        said = piece.turn is not None
        out.ids.extend(piece.ids)
        out.mask.extend([said] * n)
        out.turns.extend([piece.turn] * n)
        out.parts.extend(piece.parts if said else [None] * n)
        out.logprobs.extend(piece.logprobs if said else [None] * n)
    return out
