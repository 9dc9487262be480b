"""Replies that are several messages: each part has its own end, and a header before the next.

The header that opens a turn is found again between its parts, as in Harmony: `<|end|><|start|>assistant` and what tells
the next part's kind. A reply is then a list of framed messages, with the header between them.
"""

from __future__ import annotations

from ..wire import Choice, End, Frame, Many, Pad, Slot, Word
from .calls import CallList
from .edges import KINDS
from .pieces import Spelling, is_marker, joined, pieces
from .probe import Odd
from .segments import Seen
from .tree import Tree


def is_list(seen: Seen, calls: CallList | None) -> bool:
    """Whether the header stands between parts."""
    return bool(_head(seen, calls))


def _head(seen: Seen, calls: CallList | None) -> str:
    """What of the header stands between all parts: the longest end of it."""
    inner = [t for (a, b), ts in seen.joints.items() if a != "^" and b != "$" for t in ts]
    inner += calls.seps if calls is not None else ()
    found = pieces(seen.header.strip())
    for i in range(len(found)):
        head = "".join(found[i:])
        first = any(head in t for (a, _), ts in seen.joints.items() if a == "^" for t in ts)
        if inner and not head[0].isspace() and not first and all(head in t for t in inner):
            return head
    return ""


def build_list(seen: Seen, calls: CallList | None, spell: Spelling, end: End) -> Tree:
    """The reply tree of such a template."""
    head = _head(seen, calls)
    inner: dict[str, str] = {}  # what ends a part before the next header
    opens = {b: t for b in "RCK" if (t := seen.joint("^", b)) is not None}
    for (a, b), texts in seen.joints.items():
        if a == "^" or b == "$":
            continue
        for text in texts:
            before, found, opener = text.partition(head)
            if not found:
                raise Odd(f"{text!r} stands between {KINDS[a]} and {KINDS[b]}, another header elsewhere")
            if opens.setdefault(b, opener).strip() != opener.strip():
                raise Odd(f"a part of {KINDS[b]} begins with {opens[b]!r} or {opener!r}")
            inner[a] = before
    notes: list[str] = []
    if not any(t.strip() for t in inner.values()):  # nothing ends a part: one end for all of them
        return _bare(calls, opens, spell, spell.word(head), end, {a: seen.joint(a, "$") or "" for a in "RCK"})
    ends = {a: seen.joint(a, "$") or "" for a in "RCK"}
    frames: list[Word] = []
    for b in sorted(opens, key="RCK".index):
        between = (inner.get(b) or next(iter(inner.values()), "")).strip()
        stop = next((p for p in pieces(ends.get(b, "")) if is_marker(p)), "")
        lead = spell.plain(opens[b])
        if b == "K":
            assert calls is not None
            stop = (
                end.called if calls.behind.strip() == end.called or end.called in calls.behind else stop or end.called
            )
            close = calls.behind.replace(stop, "") if stop else calls.behind
            body = joined(lead, spell.respelled(calls.body), spell.word(close.strip()))
            between = stop
        else:
            body = joined(lead, Slot(KINDS[b]))
            pad = (inner.get(b, "") or ends.get(b, ""))[: -len((inner.get(b, "") or ends.get(b, "")).lstrip()) or None]
            body = joined(body, Pad(pad)) if pad.isspace() else body
        stop = stop or between
        also = (between,) if between and between not in end.toks else ()
        marks = [p for p in pieces(between) if is_marker(p)]
        if marks != [between] and between:
            raise Odd(f"a part ends in {between!r}")
        frames.append(
            Frame(KINDS[b], joined(body, End(*end.toks, also=also, between=between or None, sampled=stop or None)))
        )
    gap = next((t.partition(head)[0] for (a, b), ts in seen.joints.items() if a != "^" and b != "$" for t in ts), "")
    trailing = gap[len(gap.rstrip()) :]
    tree = Many(Choice(*frames), sep=joined(Pad(trailing), spell.word(seen.header[seen.header.rindex(head) :])))
    if calls is not None and calls.most == 1:
        notes.append("it shows one call at most")
    return Tree(tree, None, {}, notes)


def _bare(
    calls: CallList | None, opens: dict[str, str], spell: Spelling, sep: Word, end: End, tails: dict[str, str]
) -> Tree:
    frames: list[Word] = []
    for b in sorted(opens, key="RCK".index):
        slot = spell.respelled(calls.body) if b == "K" and calls is not None else Slot(KINDS[b])
        frames.append(
            Frame(KINDS[b], joined(spell.plain(opens[b]), slot, spell.word(calls.behind if b == "K" and calls else "")))
        )
    return Tree(Many(Choice(*frames), sep=sep), end, tails, [])
