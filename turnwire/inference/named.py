"""What no random turn holds, and a template may write otherwise: many calls in one turn, tools and arguments with names
that its source has, a turn further on in a conversation. What does not read back there, or is not the same, is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .probe import KEY, NAMES, ONE, SAID, THOUGHT, Called, Probe, Said
from .segments import Seen

SEVERAL = 6  # calls, two of each tool
MOST = 40  # words of a source
WORD = re.compile(r"""(["'])([A-Za-z_]\w{0,63})\1""")
COMPARED = re.compile(r"""name(?:["']\s*\])?\s*(?:[=!]=|in\b|not\s+in\b)(?:\s*[\[(])?[\s,]*((?:(["'])\w+\2[\s,]*)+)""")
"""What a name is compared with. However many blanks there are, it is looked for in linear time."""
Reads = Callable[[Said], "bool | None"]
"""Whether a turn reads back; None if the template refuses it."""


def told(probe: Probe, seen: Seen, reads: Reads, most: int | None) -> Iterator[str]:
    """Says what does not read back. `most`: how many calls the template shows at most."""
    yield from _moved(probe, seen)
    if not any("K" in kinds for kinds in seen.turns):
        return
    beside = None if "K" in seen.turns else SAID
    words = _words(probe.source)
    values = [f"zqvalue{i}" for i in range(SEVERAL)]
    several = tuple(Called(NAMES[i % len(NAMES)], {KEY: value}) for i, value in enumerate(values))
    keys = Called(NAMES[0], {word: f"zq{i}" for i, word in enumerate(words)})
    special = _words(" ".join(m[1] for m in COMPARED.finditer(probe.source)))
    names = tuple(Called(word, {KEY: "zqvalue"}) for word in special)
    if most is None and reads(Said(None, beside, (*several, keys, *names))):
        return
    if most is None and not (right := reads(Said(None, beside, several))):
        text = probe.turn(Said(None, beside, several)) or ""
        shown = sum(value in text for value in values)
        what = f"{SEVERAL} calls, two of each tool"
        if right is None:
            yield f"{what}, are refused by the template"
        else:
            yield f"of {what}, it shows {shown}" if shown < SEVERAL else f"{what}, do not read back"
    odd = [call.name for call in names if reads(Said(None, beside, (call,))) is False]
    if odd:
        yield f"calls that do not read back, by name: {', '.join(odd)}"
    if reads(Said(None, beside, (keys,))) is False:
        alone = (Said(None, beside, (Called(NAMES[0], {word: "zqvalue"}),)) for word in words)
        odd = [word for word, said in zip(words, alone) if reads(said) is False]
        yield f"arguments that do not read back, by name: {', '.join(odd) or 'all of these at once'}"


def _words(source: str) -> list[str]:
    return list(dict.fromkeys(m[2] for m in WORD.finditer(source)))[:MOST]


def _moved(probe: Probe, seen: Seen) -> Iterator[str]:
    """Says so if the fullest turn is written otherwise further on in a conversation."""
    kinds = max(seen.turns, key=len)
    said = Said(THOUGHT if "R" in kinds else None, SAID if "C" in kinds else None, (ONE,) if "K" in kinds else ())
    later = probe.later(said)
    if later is not None and later != probe.turn(said):
        yield "further on in a conversation, a turn is written otherwise"
