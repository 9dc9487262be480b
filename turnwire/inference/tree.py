"""From factored texts to a reply tree of the vocabulary, and what ends it.

What stands where there is no reasoning reads back as an empty part: the frame's own markers, or an alternative of them
inside it. Calls that begin with ordinary text are looked for where a reply begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..codecs import CallId, JsonCall
from ..wire import NOTHING, Choice, End, Frame, If, Look, Many, Opt, Pad, Seq, Slot, Tok, Word, walk
from .calls import ID, CallList
from .edges import KINDS, Edges, less
from .pieces import Spelling, is_marker, joined, pieces, suffix
from .probe import Odd

MARK = re.compile(r"([<\[][A-Za-z_][\w:]*[>\]])(?:\s*[<\[]/[\w:]+[>\]])?")
"""What opens reasoning, or an empty block of it."""


@dataclass(slots=True)
class Tree:
    """`body` is the reply without its end, `end` what ends it (None: it stands in the parts); `tails`: what the
    template writes behind `body`, by the last part."""

    body: Word
    end: End | None
    tails: dict[str, str]
    notes: list[str]

    @property
    def reply(self) -> Word:
        return self.body if self.end is None else joined(self.body, self.end)


def build(
    calls: CallList | None,
    edges: Edges,
    spell: Spelling,
    end: End,
    firm: bool = False,
    strict: bool = False,
    alone: tuple[str, str] | None = None,
) -> Tree:
    """The reply tree of factored joints. `firm`: what opens a section of calls is one marker, with its white space;
    `strict`: no text stands behind calls; `alone`: see `Seen`."""
    notes: list[str] = []
    think = _think(edges, spell, notes)
    opener = spell.word(edges.open.get("C", ""))
    said = joined(_gap(edges, "C"), opener, Slot("text"), spell.word(edges.close.get("C", "")))
    if alone is not None:
        edges.ends["C"] = edges.ends["K"]
        lead, close = alone[0], less(alone[1], edges.ends["K"], "end")
        said = Choice(If(Last("call"), said), joined(spell.word(lead), Slot("text"), spell.word(close)))
    text = Frame("text", said)
    head: list[Word] = [Pad(edges.lead)] if edges.lead else []
    head += [Opt(think)] if think is not None else []
    tails, last = _before_end(edges)
    if calls is None:
        return Tree(joined(*head, Many(text), *last), end, tails, notes)
    group = call_list(
        calls, edges.open.get("K", ""), edges.close.get("K", ""), spell, _gap(edges, "K"), firm, edges.ends.get("C", "")
    )
    if calls.most == 1:
        notes.append("it shows one call at most")
    if any(isinstance(w, Look) for w in walk(group)):
        notes.append("calls begin with ordinary text: they are looked for where a reply begins, not behind text")
        return Tree(joined(*head, Opt(group), Many(text), *last), end, tails, notes)
    if strict:
        notes.append("text behind a call is not shown, and has no place")
        return Tree(joined(*head, Many(text), Opt(group), *last), end, tails, notes)
    return Tree(joined(*head, Many(Choice(text, group)), *last), end, tails, notes)


def call_list(calls: CallList, section: str, close: str, spell: Spelling, gap: Word, firm: bool, ends: str) -> Many:
    """Calls between what opens and closes all of them."""
    word = spell.plain if firm else spell.word
    first = next((w for w in walk(calls.body) if isinstance(w, Slot)), None)
    named = first is not None and first.kind in ("name", "attrs")
    core = calls.before.rstrip() if named else calls.before  # white space next to a name is no more than a marker
    lead = [spell.plain(t) if firm else spell.word(t, firm=not section and not named) for t in core.split(ID)]
    ids = [Slot("attrs", CallId(without='<>"'))] * (len(lead) - 1)
    before = joined(*(w for pair in zip(lead, [*ids, spell.plain(calls.before[len(core) :])]) for w in pair))
    one = joined(before, spell.respelled(calls.body), spell.word(calls.behind))
    look = _look(section + calls.before, calls.body)
    call = Frame("call", one if look is None else joined(look, one))
    seps = [spell.word(s, firm=not (calls.before + calls.behind).strip()) for s in calls.seps]
    sep = Seq() if not seps else seps[0] if len(seps) == 1 else Choice(*seps)
    closer = spell.word(close)
    if calls.close and not close:
        end = suffix([calls.close, ends]) if ends else ""
        closer = Opt(spell.plain(calls.close[: len(calls.close) - len(end)]))
    return Many(call, sep=sep, open=joined(gap, word(section)), close=closer)


def _before_end(edges: Edges) -> tuple[dict[str, str], list[Word]]:
    """What stands behind a turn, without the white space before its first marker; and that white space."""
    blanks = {a: t[: len(t) - len(t.lstrip())] for a, t in edges.ends.items() if t.strip()}
    tails = {a: t[len(blanks.get(a, "")) :] for a, t in edges.ends.items()}
    if len(set(blanks.values())) == 1:
        only = next(iter(blanks.values()))
        return tails, [Pad(only)] if only else []
    ways = [If(Last(KINDS[a]), Pad(t)) for a, t in blanks.items() if t]
    return tails, [Choice(*ways, NOTHING)] if ways else []


@dataclass(frozen=True, slots=True)
class Last:
    """Whether the part that comes next is of a kind; where none does, the last one."""

    kind: str

    def __call__(self, options: Mapping[str, Any], part: Any) -> bool:
        return getattr(part, "kind", "") == self.kind


def _gap(edges: Edges, b: str) -> Word:
    """White space before a part, behind each that has it."""
    gaps = {a: text for (a, to), text in edges.gaps.items() if to == b and a != "^"}
    empty = edges.absent.get(b, "")  # an empty block need not have the gap behind it
    return joined(*(Pad(t, KINDS[a], a == "R" and bool(empty) and not empty.endswith(t)) for a, t in gaps.items()))


def _look(opener: str, body: Word) -> Look | None:
    """A recogniser for calls that nothing else tells from text."""
    if opener.strip():
        return None
    slot = next((w for w in walk(body) if isinstance(w, Slot)), None)
    if slot is not None and slot.kind == "envelope":
        return Look(JsonCall(getattr(slot.codec, "arguments", ("arguments", "parameters"))))
    raise Odd("a call begins with nothing that tells it from text")


def _think(edges: Edges, spell: Spelling, notes: list[str]) -> Frame | None:
    if "R" not in edges.close:
        return None
    if edges.guessed:
        notes.append("reasoning is seen as an empty block only")
    opener, close = edges.open.get("R", ""), edges.close["R"]
    if not close.strip():
        raise Odd("nothing ends reasoning")
    absents = [t for t in dict.fromkeys(edges.absent.values()) if t.strip()]
    lead, behind = spell.word(opener), spell.word(close)
    empty = opener + close
    inside: list[Word] = []
    for absent in absents:
        if absent == empty:
            continue
        if _bare(absent) == _bare(empty):
            filled = _filled(opener, close, absent, spell)
            if filled is not None:
                lead, behind = filled
                continue
        if _bare(absent) in (_bare(close), _bare(empty)):
            inside.append(spell.word(absent))
        else:
            notes.append(f"where there is no reasoning it writes {absent!r}")
    if len(absents) > 1:
        notes.append("what stands for no reasoning depends on the part behind it")
    body = joined(lead, Slot("reasoning"), behind)
    closer_only = spell.word(close.lstrip())
    if inside:
        return Frame("reasoning", Choice(*inside, body))
    if _bare(opener) and any(isinstance(w, Tok) for w in walk(closer_only)):
        return Frame("reasoning", Choice(body, closer_only))  # a prompt with the opener may have it closed at once
    return Frame("reasoning", body)


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _filled(opener: str, close: str, absent: str, spell: Spelling) -> tuple[Word, Word] | None:
    """The markers of reasoning, with white space inside that is only written where there is reasoning."""
    core, end = opener.strip(), close.strip()
    at = absent.find(core)
    to = absent.find(end, at + len(core))
    if at or to < 0:
        return None
    inner = absent[len(core) : to]
    lead, tail = opener[len(core) :], close[: len(close) - len(close.lstrip())]
    if opener != core + lead or inner != lead:
        return None
    first: list[Word] = [Pad(lead)] if lead else []
    second: list[Word] = [Pad(tail, filled=True)] if tail else []
    return joined(spell.word(core), *first), joined(*second, spell.word(close.lstrip()))


def end_of(
    ends: dict[str, str], following: dict[str, str], eos: str, known: bool, spell: Spelling, notes: list[str]
) -> End:
    """The stop tokens: what the template writes behind the last part; where it writes nothing, the first marker of
    the turn behind it, which a model samples there; and the end of the text, if it is `known`."""
    own: dict[str, str] = {}
    for a, text in ends.items():
        found = pieces(text)
        own[a] = next((p for p in found if is_marker(p) or p == eos), "")
        if own[a] and text[: text.index(own[a])].strip():
            raise Odd(f"{text[: text.index(own[a])]!r} stands between a reply and its end, {own[a]!r}")
        if not own[a] and text.strip():
            own[a] = text.strip()
            notes.append(f"a turn ends in ordinary text, {own[a]!r}")
    if any(own.values()):
        sampled = own.get("C") or own.get("K") or next(iter(own.values()))
        toks, called, history = [own.get("K", "")], own.get("K", ""), None
    else:
        nexts = {a: next((p for p in pieces(t) if not p.isspace()), "") for a, t in following.items()}
        toks = [t for t in dict.fromkeys(nexts.values()) if is_marker(t) and spell.may_end(t)]
        sampled = nexts["C"] if nexts.get("C") in toks else eos
        called, history = nexts.get("K", ""), ""
        called = called if called in toks else ""
        said = " or ".join(map(repr, dict.fromkeys((sampled, *toks))))
        notes.append(f"it writes nothing behind a turn: what ends a reply is {said}")
    stops = dict.fromkeys((sampled, *toks, *([eos] if known and spell.may_end(eos) else [])))
    return End(*filter(None, stops), sampled=sampled, history=history, called=called or None)


def with_think(body: Word, openers: Iterable[str], closer: str, spell: Spelling) -> tuple[Word, str] | None:
    """A tree with reasoning that a generation prompt opens (the closer mirrors the opener, or the reverse), or that is
    cut out of content by its `closer`; and its markers."""
    if closer:
        opener = closer.replace("/", "", 1) + "\n"
    else:
        named = ((MARK.fullmatch(o.strip()), o) for o in sorted(openers, key=len))
        found, text = next(((m, o) for m, o in named if m is not None), (None, ""))
        if found is None:
            return None
        mark = found[1]
        opener, closer = text if text.strip() == mark else mark + "\n", mark[0] + "/" + mark[1:]
    behind = joined(Pad("\n"), spell.plain(closer), Pad("\n\n"))
    closed = joined(spell.plain(closer), Pad("\n\n"))
    think = Frame("reasoning", Choice(joined(spell.word(opener), Slot("reasoning"), behind), closed))
    return joined(Opt(think), body), f"{opener.strip()} and {closer}"
