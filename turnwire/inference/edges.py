"""The texts between parts, factored: what opens and closes each part, and what ends a turn.

In whole pieces, what every way into a part ends in opens it, what every way out of one begins with closes it; white
space that is left between two parts is a gap before the later one. What is left with markers in it has no place in a
tree, and the inference is refused. What stands where there is no reasoning is kept apart (`absent`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .calls import CallList
from .pieces import is_end, is_marker, pieces, prefix, suffix
from .probe import Odd
from .segments import Seen

KINDS = {"R": "reasoning", "C": "text", "K": "call", "^": "", "$": "the end"}
BLOCK = re.compile(r"\s*(?:(?:<([\w:]+)>\s*)?</([\w:]+)>|(?:\[([A-Z_]+)\]\s*)?\[/([A-Z_]+)\])\s*")


@dataclass(slots=True)
class Edges:
    """`lead`: white space that every turn begins with; `open` and `close` of each part; `gaps`: white space before a
    part, by what is before it; `absent`: what stands for no reasoning, by what follows; `ends`: what ends the turn
    behind each part; `guessed`: reasoning is seen only as an empty block."""

    lead: str = ""
    open: dict[str, str] = field(default_factory=dict[str, str])
    close: dict[str, str] = field(default_factory=dict[str, str])
    gaps: dict[tuple[str, str], str] = field(default_factory=dict["tuple[str, str]", str])
    absent: dict[str, str] = field(default_factory=dict[str, str])
    ends: dict[str, str] = field(default_factory=dict[str, str])
    guessed: bool = False


def factor(seen: Seen, calls: CallList | None) -> Edges:
    """See the head of this file."""
    before, behind = (calls.before, calls.behind) if calls is not None else ("", "")
    joints: dict[tuple[str, str], str] = {}
    for a, b in seen.joints:
        text = seen.joint(a, b) or ""
        text = less(text, before, "end") if b == "K" else text
        joints[a, b] = less(text, behind, "begin") if a == "K" else text
    edges = Edges()
    starts = [b for b in "RCK" if ("^", b) in joints]
    edges.lead = _blanks([joints["^", b] + (before if b == "K" else "") for b in starts])
    for b in starts:
        if len(edges.lead) > len(joints["^", b]):
            edges.lead = joints["^", b]
    for b in starts:
        joints["^", b] = joints["^", b][len(edges.lead) :]
    _empty_block(edges, joints)
    if not edges.guessed:
        _close_reasoning(edges, joints)
    _ends(edges, joints)
    for b in "RCK":
        into = [a for a in "^RCK" if (a, b) in joints]
        if into:
            _open(edges, b, {a: less(joints[a, b], edges.close.get(a, ""), "begin") for a in into})
    return edges


def less(text: str, part: str, side: str) -> str:
    """A text without what it begins or ends with."""
    if not (text.startswith(part) if side == "begin" else text.endswith(part)):
        raise Odd(f"{text!r} does not {side} with {part!r}")
    return text[len(part) :] if side == "begin" else text[: len(text) - len(part)]


def _blanks(texts: list[str]) -> str:
    """The white space that all texts begin with."""
    return prefix(t[: len(t) - len(t.lstrip())] for t in texts)


def _empty_block(edges: Edges, joints: dict[tuple[str, str], str]) -> None:
    """Reasoning that is shown only as an empty block before everything."""
    if any("R" in key for key in joints):
        return
    m = BLOCK.match(prefix(t for (a, _), t in joints.items() if a == "^"))
    if m is None or (m[1] or m[2]) != m[2] or (m[3] or m[4]) != m[4]:
        return
    block = m.group()
    opener, closer = (f"<{m[2]}>", f"</{m[2]}>") if m[2] else (f"[{m[4]}]", f"[/{m[4]}]")
    start = block.index(opener) + len(opener) if opener in block else 0
    inner = block[start : block.index(closer)]
    half = inner[: len(inner) // 2]
    edges.open["R"] = block[:start].removesuffix(opener) + opener + half
    edges.close["R"] = inner[len(half) :] + block[block.index(closer) :]
    edges.guessed = True
    if not start:
        edges.absent["C"] = block
    for key in [k for k in joints if k[0] == "^"]:
        joints[key] = joints[key][len(block) :]


def _close_reasoning(edges: Edges, joints: dict[tuple[str, str], str]) -> None:
    ways = {b: joints["R", b] for b in "CK$" if ("R", b) in joints}
    if not ways:
        return
    if len(ways) > 1:
        edges.close["R"] = prefix(ways.values())
        if edges.close["R"].strip():
            return
    b, way = next(iter(ways.items()))
    inner = suffix([way, joints["^", b]]) if ("^", b) in joints else ""
    found = pieces(way)
    marks = [i for i, p in enumerate(found) if is_marker(p)]
    if inner and way[: len(way) - len(inner)].strip():
        edges.close["R"] = way[: len(way) - len(inner)]
    elif len(marks) > 1:  # its own closer comes first, with the white space behind
        edges.close["R"] = "".join(found[: marks[1]])
    else:
        edges.close["R"] = way


def _ends(edges: Edges, joints: dict[tuple[str, str], str]) -> None:
    last = [a for a in "CK" if (a, "$") in joints]
    tail = suffix([joints[a, "$"] for a in last])
    for a in last:
        own = joints[a, "$"]
        on = [joints[a, b] for b in "CK" if (a, b) in joints]
        if on:
            close = prefix([own, *on])
            close = close if close.strip() else ""
        elif a == "C":
            close = own[: len(own) - len(tail)] if len(last) > 1 and is_end(tail) else ""
        elif len(last) > 1 and is_end(tail):
            close = own[: len(own) - len(tail)]
            close = close[: len(close.rstrip())] if close.strip() else ""
        else:
            close = own[: len(own) - len(_last_marker(own))]
        edges.close[a] = close
        edges.ends[a] = own[len(close) :]


def _last_marker(text: str) -> str:
    """A text from its last marker on: what ends the turn, where nothing tells it from what closes the part."""
    found = pieces(text)
    at = next((i for i in range(len(found) - 1, -1, -1) if is_marker(found[i])), len(found))
    return "".join(found[at:])


def _open(edges: Edges, b: str, ways: dict[str, str]) -> None:
    later = [w for a, w in ways.items() if a != "^"]
    opener = suffix(ways.values()) if later or b == "R" or "R" not in edges.close else ways["^"]
    if len(set(ways.values())) > 1:
        opener = opener.lstrip() or opener
    if b != "R" and not later and edges.close.get("R", "").strip() and edges.close["R"].strip() in opener:
        opener = ""
    edges.open[b] = opener
    for a, way in ways.items():
        rest = way[: len(way) - len(opener)]
        if a == "^" and rest.strip():
            edges.absent[b] = rest
        elif rest.strip():
            raise Odd(f"{rest!r} stands between {KINDS[a]} and {KINDS[b]}")
        elif rest:
            edges.gaps[a, b] = rest
