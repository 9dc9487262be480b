"""What stands between the parts of a turn: which parts a template shows together, in which order, and the texts
between them.

`observe` renders every combination of reasoning (R), text (C) and one call (K), finds the parts by their sentinels, and
gives `Seen`: the header that every turn begins with, what ends the user's turn before it, and the joints, the text
between two neighbours ("^" is the beginning, "$" the end).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .pieces import is_end, is_marker, pieces, prefix
from .probe import ONE, SAID, THOUGHT, Called, Odd, Probe, Said

Joint = tuple[str, str]


@dataclass(slots=True)
class Seen:
    """See the head of this file. `base` is `closing` + `header`; `prompts` are the generation prompts behind it, the
    default one first; `floating`: what stands before the header varies, so that `base` is the header alone; `bare`:
    some turns lack the header that prompts and others have; `turns` the texts behind it, by kinds; `alone`: what
    stands before and behind text alone, where that is not what stands around text beside a call; `notes` what a
    template cannot show."""

    base: str
    closing: str
    header: str
    floating: bool
    prompts: tuple[str, ...]
    turns: dict[str, str]
    joints: dict[Joint, tuple[str, ...]] = field(default_factory=dict[Joint, "tuple[str, ...]"])
    aliased: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list[str])
    ids: str = "given"
    bare: bool = False
    alone: tuple[str, str] | None = None

    def id(self, given: str | None, index: int) -> str | None:
        """The id that a call is shown with: the one given, a number, or one that the notation makes."""
        return given if self.ids == "given" else str(index) if self.ids == "ordinal" else None

    def behind(self, text: str | None) -> str | None:
        """What stands behind the header of a turn."""
        if self.bare and text is not None and not text.startswith(self.base) and text.startswith(self.closing):
            return text[len(self.closing) :]
        if text is None or (not text.startswith(self.base) if not self.floating else self.header not in text):
            return None
        return text[text.index(self.header) + len(self.header) if self.floating else len(self.base) :]

    def joint(self, a: str, b: str) -> str | None:
        """The text between two parts; where there are several, the shortest."""
        return min(self.joints[a, b], key=lambda t: (len(t), t)) if (a, b) in self.joints else None


def observe(probe: Probe, calls: bool, single: bool = False) -> Seen:
    """The header, and the texts of all combinations; `Seen.joints` is for `join` to fill. `single`: what the template
    writes as several turns is not shown as one."""
    mode = probe.mode
    turns: dict[str, str] = {}
    for r, c, k in itertools.product((False, True), repeat=3):
        if not (r or c or k) or (r and not mode.reasoning) or (k and not calls):
            continue
        said = Said(THOUGHT if r else None, SAID if c else None, (ONE,) if k else ())
        text = probe.turn(said)
        if text is None or (r and THOUGHT not in text) or (c and SAID not in text) or (k and ONE.name not in text):
            continue
        turns[said.kinds] = text
    if not turns:
        why = probe.refusal(Said(None, SAID))
        raise Odd("no assistant turn is shown" + f": {why}" * bool(why))
    if calls and not ({"K", "CK"} & set(turns)):
        raise Odd("a call is shown in no turn without reasoning")
    notes: list[str] = []
    aliased = tuple(_aliases(turns, notes))
    default = probe.prompt()
    others = (probe.prompt(enable_thinking=False, thinking=False), probe.prompt(enable_thinking=True, thinking=True))
    prompts = [p for p in (default, *others) if p is not None]
    if not prompts:
        raise Odd("it writes no generation prompt")
    leads = [*(_before_parts(t) for t in turns.values()), *prompts]
    base, closing = prefix(leads), probe.closing() or ""
    common = "" if is_end(base) else _longest(leads)
    floating = len(common) > len(base)
    if floating:
        ends = [i for i in range(len(common) + 1) if closing.endswith(common[:i])]
        base, closing = common[max(ends, default=0) :], ""
    elif not base.startswith(closing):
        closing = ""
    bare = _bare(turns, prefix(prompts), closing) if closing and base == closing else []
    if bare:
        base = prefix(prompts)
        notes += (f"{' and '.join(NAMED[k] for k in kinds)}: written without the header of a prompt" for kinds in bare)
    seen = Seen(base, closing, base[len(closing) :], floating, (), {}, aliased=aliased, notes=notes, bare=bool(bare))
    base = base[: len(base) - len(_forced(seen.header, [t for t in map(seen.behind, turns.values()) if t is not None]))]
    seen.base, seen.header = base, base[len(closing) :]
    seen.prompts = tuple(dict.fromkeys(p for p in map(seen.behind, prompts) if p is not None))
    seen.turns = {kinds: t for kinds, text in turns.items() if (t := seen.behind(text)) is not None}
    if single:
        _drop_several(seen)
    return seen


def _drop_several(seen: Seen) -> None:
    """Leave out turns that the template writes as several, each with its header, and ended as any turn is."""
    header = seen.header.strip()
    several = {kinds: t.partition(header)[0] for kinds, t in seen.turns.items() if header and header in t}
    ends = {_last_marker(t) for kinds, t in seen.turns.items() if kinds not in several}
    if not several or not {_last_marker(t) for t in several.values()} <= ends:
        raise Odd("no turn is written as several")
    for kinds in several:
        del seen.turns[kinds]
        seen.notes.append(f"{' and '.join(NAMED[k] for k in kinds)} are written as turns of their own")


def _last_marker(text: str) -> str:
    return next((p for p in reversed(pieces(text)) if not p.isspace()), "")


def _bare(turns: Mapping[str, str], prompted: str, closing: str) -> list[str]:
    """The turns that lack the header which prompts and other turns have."""
    bare = [kinds for kinds, text in turns.items() if not text.startswith(prompted)]
    return bare if is_end(prompted[len(closing) :]) and len(bare) < len(turns) else []


NAMED = {"R": "reasoning", "C": "text", "K": "calls"}


def _longest(texts: list[str]) -> str:
    """The longest run of pieces that all texts have."""
    shortest = pieces(min(texts, key=len))[:200]
    best = ""
    for i in range(len(shortest)):
        for j in range(len(shortest), i, -1):
            run = "".join(shortest[i:j])
            if len(run) <= len(best):
                break
            if all(run in t for t in texts):
                best = run
    return best


def _before_parts(text: str) -> str:
    ends = [text.index(s) for s in (THOUGHT, SAID, ONE.name) if s in text]
    return text[: min(ends)]


def _aliases(turns: dict[str, str], notes: list[str]) -> list[str]:
    """Turns that are written as another one with its text as reasoning: they cannot be read back as they were."""
    out: list[str] = []
    for kinds, text in list(turns.items()):
        other = turns.get(kinds.replace("C", "R"))
        if "C" in kinds and "R" not in kinds and other is not None and text.replace(SAID, THOUGHT) == other:
            del turns[kinds]
            out.append(kinds)
            notes.append(("text beside a call" if "K" in kinds else "text") + " is written as reasoning")
    return out


def _forced(header: str, turns: list[str]) -> str:
    """What of the header belongs to the reply: an opener of reasoning that every turn and every prompt has."""
    found = pieces(header)
    at = next((i for i in range(len(found) - 1, -1, -1) if not found[i].isspace()), 0)
    if not at or not is_marker(found[at]) or "/" in found[at]:
        return ""
    closer = found[at][0] + "/" + found[at][1:]
    opens = any(THOUGHT in t and not t[: t.index(THOUGHT)].strip() for t in turns)
    return "".join(found[at:]) if opens or any(t.lstrip().startswith(closer) for t in turns) else ""


def join(seen: Seen, called: str | None, apart: bool = False) -> None:
    """Fill `seen.joints`; `called` is the body of the one call, as it is written. `apart`: text alone is written
    otherwise than beside a call (`Seen.alone`)."""
    joints: dict[Joint, list[str]] = {}
    for kinds, text in seen.turns.items():
        between = _between(kinds, text, called)
        if apart and kinds == "C":
            seen.alone = between["^", "C"], between["C", "$"]
            continue
        for joint, piece in between.items():
            joints.setdefault(joint, []).append(piece)
    if apart:
        if seen.alone is None or set(seen.turns) != {"C", "K", "CK"} or ("C", "K") not in joints:
            raise Odd("text is written in one way")
        if joints["^", "K"] == [joints["^", "C"][0] + joints["C", "K"][0]]:
            del joints["^", "K"]  # a call alone stands behind an empty text
    seen.joints = {k: tuple(dict.fromkeys(v)) for k, v in joints.items()}
    shown = set(seen.turns) | set(seen.aliased)
    if "K" in shown and "C" in shown and "CK" not in shown:
        seen.notes.append("text beside a call is not shown")
    if any("R" in k for k in shown):
        seen.notes += [
            f"{WORDS[k]} not shown"
            for k in ("R", "RC", "RK", "RCK")
            if k not in shown and k.replace("R", "") in (*shown, "") and k != "RCK"
        ]


def _between(kinds: str, text: str, called: str | None) -> dict[Joint, str]:
    """The joints of one turn."""
    parts = [(text.index(s), len(s), kind) for s, kind in ((THOUGHT, "R"), (SAID, "C")) if kind in kinds]
    if "K" in kinds:
        assert called is not None
        if called not in text:
            raise Odd("a call is written otherwise beside other parts")
        parts.append((text.index(called), len(called), "K"))
    out: dict[Joint, str] = {}
    at, last = 0, "^"
    for start, size, kind in sorted(parts):
        if start < at:
            raise Odd("parts overlap")
        out[last, kind] = text[at:start]
        at, last = start + size, kind
    return out | {(last, "$"): text[at:]}


WORDS = {"R": "reasoning alone is", "RC": "reasoning before text is", "RK": "reasoning before a call is"}


def asker(probe: Probe, seen: Seen) -> Callable[[str, Mapping[str, Any], str | None], str | None]:
    """The question that `infer_call` asks: the text of a turn that holds one call, behind the header."""
    beside = None if "K" in seen.turns else SAID

    def ask(name: str, arguments: Mapping[str, Any], id: str | None) -> str | None:
        text = probe.turn(Said(None, beside, (Called(name, arguments, id),)))
        return seen.behind(text)

    return ask
