"""Conversation: a multi-turn loop in token ids. What was sent and what was sampled stays, token by token.

`prompt()` gives the ids to send, `sampled(ids)` takes what the model wrote and parses it, `add(messages)` takes
results and questions. With history="exact" the next prompt starts with what was sent and sampled, always; new messages
are encoded behind it and nothing is encoded twice. history="template" gives what the family's template would give for
the messages, and `rewritten` says where it departs from what was sampled; "segment" does the same and begins a new
training segment there. What was said is a chain that forks share and that never changes: `fork()` and `rewind()` cost
nothing, and a step costs what is new in it (`delta()` gives only that; `prompt()` copies all ids into a list).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from .behind import ASKED, Writing, behind_turn, joined, mentioned, outlined, role_of
from .chat_template import format_of
from .errors import HistoryError, InputError, MaskError, OptionError, TurnwireError, check_ids, nearest
from .events import FinishReason
from .extend import open_part
from .pieces import Piece, joined_ids, rewritten_at, sample_of
from .pieces import Rewritten as Rewritten
from .places import fields
from .samples import Sample, parts_of_tokens
from .templating.call_ids import Sent
from .turns import Turn

if TYPE_CHECKING:
    from .chat_template import ChatTemplate
    from .format import Format
    from .tokens import Tokenizer

History = Literal["exact", "template", "segment"]
HISTORIES = ("exact", "template", "segment")


class Delta(NamedTuple):
    """A prompt as a change: the first `kept` ids of what was sent and sampled before, then `ids`."""

    kept: int
    ids: list[int]


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
        self.format = format_of(source, tokenizer)
        self.tokenizer, self.tools, self.history, self.options = tokenizer, tools, history, options
        self.format.bind(tokenizer)
        self._last: Piece | None = None
        self._new: tuple[Any, ...] = ()  # messages that are not in the ids yet
        self._kept = 0  # ids that the last prompt has in common with what was there before
        self._context: tuple[Any, ...] = (ASKED,)  # what decides how turns go on; see `behind.mentioned`
        self._segments: tuple[Piece, ...] = ()  # closed ones
        self._cut = False  # the last turn was truncated: it may go on
        self._part = ""  # and that in a part of this kind
        self._before: Conversation | None = None  # as it was before the last turn was sampled
        self.rewritten: tuple[Rewritten, ...] = ()

    @property
    def messages(self) -> tuple[Any, ...]:
        """What was added and, as `Turn`s, what was sampled."""
        return (*(() if self._last is None else self._last.messages), *self._new)

    @property
    def ids(self) -> list[int]:
        """All that was sent and sampled, in the segment that is open."""
        return [] if self._last is None else joined_ids(self._last)

    def __len__(self) -> int:
        """How many ids there are."""
        return 0 if self._last is None else self._last.count

    def add(self, messages: Any) -> None:
        """Messages that come next: questions, tool results, in their order. Nothing is rendered yet."""
        if isinstance(messages, (str, bytes, dict, Turn)):
            raise InputError("not a list of messages", value=messages, path="messages", expected="a list")
        self._new = (*self._new, *messages)

    def prompt(self, continue_final_message: bool = False) -> list[int]:
        """The ids to send. The same again until something is sampled or added; behind a turn that was cut, what goes on
        with it. `continue_final_message`: the last message added is the beginning of the reply, which goes on with it.
        Raises `HistoryError` where the family cannot write the messages behind what was sampled, and what `render`
        raises."""
        self._advance(continue_final_message)
        return self.ids

    def delta(self, continue_final_message: bool = False) -> Delta:
        """`prompt()` as what it adds to what was sent and sampled: for engines that hold the rest, and for loops whose
        steps shall cost what is new in them."""
        self._advance(continue_final_message)
        assert self._last is not None
        sent = self._last.turn is None
        return Delta(self._kept if sent else len(self), self._last.since(self._kept) if sent else [])

    def sampled(
        self,
        ids: Sequence[int],
        logprobs: Sequence[float | None] | None = None,
        finish_reason: FinishReason | None = None,
    ) -> Turn:
        """What the model wrote behind `prompt()`, kept as it is; the turn that it reads as. Behind a turn that was cut,
        what goes on with it (the turn is read anew). `finish_reason` as the engine gave it: "length" says that the turn
        may go on."""
        given = check_ids(ids, "ids")
        last = self._last
        if last is None or self._new:
            raise HistoryError("no prompt was asked for", value=len(given), path="ids", expected="prompt() first")
        if logprobs is not None and len(logprobs) != len(given):
            raise InputError(f"{len(logprobs)} logprobs of {len(given)} ids", value=len(logprobs), path="logprobs",
                             expected="one for each id")  # fmt: skip
        goes_on = last.turn is not None
        if goes_on and not self._cut:
            raise HistoryError("a turn was sampled there already", value=len(given), path="ids", expected="prompt()")
        chances = tuple(logprobs) if logprobs is not None else (None,) * len(given)
        sent, whole = last, tuple(given)
        if goes_on:
            assert last.before is not None
            sent, whole, chances = last.before, (*last.ids, *given), (*last.logprobs, *chances)
        parser = self.format.parser(self.tokenizer, self.tools, Sent(sent.ids, sent.calls, sent.names_call))
        events = parser.feed(list(whole))
        part = open_part(parser.turn, events)
        events += parser.close(finish_reason)
        turn = parser.turn
        before = self._before if goes_on else self
        self._before = copy.copy(before) if before is not None else None
        parts = parts_of_tokens(events, len(whole))
        found = tuple(fields(events, whole, self.format.bind(self.tokenizer)))
        self._last = Piece.behind(sent, whole, (turn,), sent.shown, parts, chances, found)
        self._cut, self._part = finish_reason == "length", part
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
        found = [sample_of(p) for p in (*self._segments, *last) if any(x.turn is not None for x in p.chain())]
        if not found:
            raise MaskError("nothing was sampled", value=len(self.messages), path="samples", expected="sampled(ids)")
        return found

    # the next prompt

    def _advance(self, goes_on: bool) -> None:
        last, new = self._last, self._new
        if not new and last is not None:
            if last.turn is not None and not self._cut:
                raise HistoryError("nothing was added since the last turn", value=last.shown, path="messages",
                                   expected="add(messages)")  # fmt: skip
            return
        if last is not None and last.turn is None:
            raise HistoryError("messages were added behind a prompt that was not answered", value=len(new),
                               path=f"messages[{last.shown}]", expected="sampled(ids) first, or rewind()")  # fmt: skip
        how = Writing(self.format, self.tokenizer, self.tools, self.options, not goes_on, goes_on)
        kept = () if last is None or self.history == "exact" else last.messages
        said = new[:-1] if goes_on else new  # the reply begins with the last one
        self._kept = len(self)
        if last is None:
            self._sent(Piece.behind(None, tuple(how.ids(new, True).ids), said))
        elif self.history == "exact":
            turn = last.said[0]
            behind = behind_turn(how, turn, new, context=self._context, history=self._outline, shown=last.shown)
            self._sent(Piece.behind(last, tuple(joined(how, last.ids, behind, self._part)), said))
        else:
            self._rerender(last, how.ids([*kept, *new], True), (*kept, *said))
        if any(role_of(m) not in ("tool", "assistant") for m in new):
            known = self._context if self._context != (ASKED,) else ()
            self._context = mentioned(how, (*known, *new))

    def _sent(self, piece: Piece) -> None:
        """`piece` is the next prompt, if a reply can be read behind it."""
        try:
            self.format.prompt_tail(list(piece.ids), self.format.bind(self.tokenizer))
        except TurnwireError as e:
            path = f"messages[{piece.shown - 1}]"
            raise HistoryError("no reply can be read behind that prompt", value=e.value, path=path,
                               expected=e.expected) from e  # fmt: skip
        self._last, self._new, self._cut = piece, (), False

    def _outline(self) -> list[Any]:
        """Stand-ins of all messages but the last turn."""
        assert self._last is not None
        return outlined(self._last.messages[:-1])

    def _rerender(self, last: Piece, out: Any, said: tuple[Any, ...]) -> None:
        """The prompt as the template has it. Where that goes on from what was sampled, nothing changes."""
        now: list[int] = out.ids
        what = rewritten_at(self.ids, now, out, self.format.bind(self.tokenizer))
        if what is None:
            self._sent(Piece.behind(last, tuple(now[last.count :]), said[last.shown :]))
            return
        self._sent(Piece.behind(None, tuple(now), said))
        self.rewritten, self._kept = (*self.rewritten, what), what.token
        if self.history == "segment":
            self._segments = (*self._segments, last)
