"""The notation of one call: what a template writes of it, from its first own slot to the end of its arguments.

`infer_call` makes candidates from the vocabulary (`objects`, `keyvalue`) where the name, the keys, the values and the
id of a first sample stand, and has each write many other calls (`fits`). The first that writes all of them as the
template does is taken; else the one that is wrong about the fewest kinds of values, if it reads them back.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice

from ..codecs import Alphanumeric, Counted, CountedId, IdForm, Ordinal
from ..wire import Slot, Word, walk
from .fits import GIVEN, Candidate, Judge
from .keyvalue import key_values
from .objects import objects
from .samples import IDS, KEY, NAME, VALUE, Ask, NoNotation, Samples

PATIENCE = 40  # candidates that are tried


@dataclass(frozen=True, slots=True)
class CallShape:
    """A call: `head`, the text before it in the turn; `body`, in words; `tail`, the text behind it. `notes`: what could
    not be seen, or is approximate. `ids`: the form of ids, where the template takes no other, or makes them itself and
    writes those instead of the ones that it is given (its body writes the id of the call). `lost`: kinds of values that
    do not read back from what the template writes (`samples.kinds_of`)."""

    head: str
    body: Word
    tail: str
    notes: tuple[str, ...] = ()
    ids: IdForm | None = None
    lost: tuple[str, ...] = ()


def infer_call(ask: Ask) -> CallShape:
    """The notation of a call. Raises `NoNotation` if none fits."""
    samples = Samples(ask)
    judge = Judge(samples)
    tried: list[Candidate] = []
    for candidate in islice(chain(objects(samples), key_values(samples)), PATIENCE):
        if judge.whole(candidate) and judge.reads(candidate):
            return _shape(judge, candidate, candidate.notes)
        tried.append(candidate)
    if not tried:
        raise NoNotation(*(_seen(samples) or ["its arguments are in no notation that is known"]))
    return _nearest(judge, tried)


def _seen(samples: Samples) -> list[str]:
    """What can be told of a call that is not understood."""
    base = samples.base
    found = {
        "arguments are printed as Python prints an object": f"{{'{KEY}': '{VALUE}'" in base,
        "an argument's key stands in two places": base.count(KEY) > 1,
        "the name stands in two places": base.count(NAME) > 1,
    }
    return [reason for reason, seen in found.items() if seen]


def _nearest(judge: Judge, tried: list[Candidate]) -> CallShape:
    """The candidate with the fewest misses, if it reads what it cannot write."""
    verdicts = [(candidate, *judge.misses(candidate)) for candidate in tried]
    reasons: list[str] = []
    for candidate, wrong, refused in sorted(verdicts, key=lambda v: len(v[1])):
        misread = judge.misread(candidate)
        if misread is None:
            reasons.append("a notation that cannot be read")
        elif set(misread) & ESSENTIAL:
            reasons.append(f"not read: {', '.join(misread)}")
        else:
            right = [label for label in wrong if label not in misread]
            said = (
                ("refused by the template", refused),
                ("written otherwise than by the template, but read", right),
                ("not read as the template writes it", misread),
            )
            notes = tuple(f"{what}: {', '.join(labels)}" for what, labels in said if labels)
            return _shape(judge, candidate, candidate.notes + notes, tuple(misread))
    raise NoNotation(*_seen(judge.samples), *dict.fromkeys(reasons))


ESSENTIAL = {"string", "integer", "two arguments", "many arguments", "another name"}
"""What a notation has to read to be one."""


def _shape(judge: Judge, c: Candidate, notes: tuple[str, ...], lost: tuple[str, ...] = ()) -> CallShape:
    return CallShape(judge.head(c), c.body, judge.tail(c), notes, _ids(judge.samples, c), lost)


def _ids(samples: Samples, c: Candidate) -> IdForm | None:
    counted = next((w.codec for w in walk(c.body) if isinstance(w, Slot) and isinstance(w.codec, CountedId)), None)
    if counted is not None:
        return Counted(counted.prefix)
    if c.id == "0":
        return Ordinal()
    shown = c.id == GIVEN and (samples.id() or "\0") in samples.base
    return Alphanumeric(len(IDS[0])) if shown and samples.id() == IDS[0] and samples.refuses(IDS[-1]) else None
