"""Whether a notation is the template's: it writes each probe, and the text has to be the same to the character."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import TurnwireError
from ..format import Format
from ..layout import Layout, NoResults
from ..turns import Call
from ..wire import NOTHING, End, Frame, Lit, Many, Word, control_tokens
from .hand import Hand
from .samples import NAME, OTHER, TWO, Samples, everything, schema
from .words import spelled

LAYOUT = Layout(roles=(), results=NoResults())
GIVEN = ""
BEGIN, CLOSE, STOP = "<zq>", "</zq>", "<zqend>"  # around a call that is read alone
BEHIND = 32  # characters behind its body that are read with it


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a call might be: `body` from `start` to `end` of the text of the first sample. `id`: the id that it shows,
    if that is not the one that was given; None: it is made. `notes`: what is known to be approximate."""

    start: int
    end: int
    body: Word
    id: str | None = GIVEN
    notes: tuple[str, ...] = ()


def trial(body: Word, tail: str) -> Format | None:
    """A format that has this call alone; None if it cannot be read."""
    around = Lit(BEGIN), Lit(tail[:BEHIND] + CLOSE)
    call = Frame("call", spelled(around[0] + body + around[1], control_tokens(body)))
    try:
        return Format("trial", Many(call) + End(STOP), NOTHING, LAYOUT)
    except TurnwireError:
        return None


class Judge:
    """Tries candidates on the samples."""

    def __init__(self, samples: Samples):
        self.samples = samples
        self._hands: dict[int, tuple[Word, Hand]] = {}

    def head(self, c: Candidate) -> str:
        """The text before the body."""
        return self.samples.base[: c.start]

    def tail(self, c: Candidate) -> str:
        """The text behind it."""
        return self.samples.base[c.end :]

    def fits(self, c: Candidate, arguments: Mapping[str, Any], name: str = NAME) -> bool | None:
        """Whether a call is written to the character; None if the template refuses it."""
        text = self.samples.text(arguments, name)
        if text is None:
            return None
        shown = self.samples.id(name) if c.id == GIVEN else c.id
        if id(c.body) not in self._hands:
            self._hands[id(c.body)] = c.body, Hand(Frame("call", c.body))
        hand = self._hands[id(c.body)][1]
        return text == self.head(c) + hand.writes([Call(name, dict(arguments), shown)]) + self.tail(c)

    def whole(self, c: Candidate) -> bool:
        """Whether it is right in all: two arguments, none, another name, and a value of each kind."""
        return all(
            self.fits(c, arguments, name)
            for arguments, name in ((TWO, NAME), ({}, NAME), (TWO, OTHER), (everything(), NAME))
        )

    def misses(self, c: Candidate) -> tuple[list[str], list[str]]:
        """What is written otherwise, and what the template refuses: kinds of calls, and of values."""
        wrong: dict[str, None] = {}
        refused: dict[str, None] = {}
        for label, arguments, name in self.samples.trials():
            right = self.fits(c, arguments, name)
            if right is not True:
                (refused if right is None else wrong)[label] = None
        return list(wrong), list(refused)

    def reads(self, c: Candidate) -> bool:
        """Whether two arguments, and a value of each kind, read back."""
        fmt = trial(c.body, self.tail(c))
        return fmt is not None and all(self._reads(fmt, c, arguments, NAME) for arguments in (TWO, everything()))

    def misread(self, c: Candidate) -> list[str] | None:
        """What does not read back from the template's text; None if the body cannot be read."""
        fmt = trial(c.body, self.tail(c))
        if fmt is None:
            return None
        wrong = (t[0] for t in self.samples.trials() if not self._reads(fmt, c, *t[1:]))
        return list(dict.fromkeys(wrong))

    def _reads(self, fmt: Format, c: Candidate, arguments: Mapping[str, Any], name: str) -> bool:
        text, head, tail = self.samples.text(arguments, name), self.head(c), self.tail(c)
        if text is None or not (text.startswith(head) and text.endswith(tail)):
            return text is None
        said = text[len(head) : len(text) - len(tail)] + tail[:BEHIND]
        got = fmt.parse(BEGIN + said + CLOSE, tools=[tool(name, arguments)], finish_reason="stop").turn.calls
        return len(got) == 1 and (got[0].name, got[0].arguments, got[0].status) == (name, dict(arguments), "complete")


def tool(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A definition that these arguments satisfy."""
    properties = {key: schema(value) for key, value in arguments.items()}
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}
