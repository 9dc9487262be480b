"""Fragments for notebooks: what `_repr_html_` of a prompt, a reply and a difference give.

A few escaped elements with a style of their own: no script, nothing fetched, and of limited size, whatever is shown.
The whole is `turnwire show --html`, or `explain.page.Page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ..spans import Rendered
from ..turns import Call, Media, Reasoning, Result, Text
from .document import of_rendered
from .page import asset
from .sections import MARKUP

if TYPE_CHECKING:
    from ..parsers.stream import ParseResult

TURNS = 40  # that are shown
LONGEST = 1_500  # characters of a part
MOST = 60_000  # characters of a fragment's text
REGIONS = 20


class _Writer:
    """Elements of limited size."""

    def __init__(self, head: str, note: str):
        self.left = MOST
        self.out = [f"<style>{asset('fragment.css')}</style><div class='turnwire-show'><div class='h'>{_text(head)}"]
        self.out.append(f" <span class='n'>{_text(note)}</span></div>")

    def turn(self, role: str, note: str) -> None:
        """A turn begins."""
        known = re.sub(r"[^a-z]", "", role)[:20]
        self.out.append(f"<div class='t {known}'><div class='h'>{_text(role or 'format')}")
        self.out.append(f" <span class='n'>{_text(note)}</span></div>")

    def part(self, name: str, text: str, names: str = "") -> None:
        """A part of it."""
        limit = max(0, min(LONGEST, self.left))
        cut = f" … {len(text) - limit:,} more characters" if len(text) > limit else ""
        self.left -= min(len(text), limit)
        shown = _text(text[:limit])
        more = f"<span class='n'>{cut}</span>" if cut else ""
        self.out.append(f"<div class='p {names}'><span>{_text(name)}</span><div>{shown}{more}</div></div>")

    def close(self) -> None:
        """The end of a turn."""
        self.out.append("</div>")

    def done(self) -> str:
        """The fragment."""
        return "".join(self.out) + "</div>"


def _text(text: str) -> str:
    """Escaped; what does not show, or moves other text, spelled out."""
    return escape(_UNSEEN.sub(lambda m: f"‹{ord(m.group()):04X}›", text)).encode("utf-8", "replace").decode()


_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def rendered(out: Rendered) -> str:
    """A prompt: its turns and their parts."""
    d = of_rendered(out)
    size = f"{len(d.tokens.ids):,} tokens" if d.tokens else f"{len(d.text):,} characters"
    w = _Writer("Rendered", f"{_count(len(d.sections), 'turn')}, {size}")
    shown = set(_ends(len(d.sections), TURNS))
    parts: dict[int, list[Any]] = {}
    for b in d.blocks:
        parts.setdefault(b.section, []).append(b)
    for n, section in enumerate(d.sections):
        if n not in shown:
            if n - 1 in shown:
                w.part("", f"… {_count(len(d.sections) - len(shown), 'turn')} more …")
            continue
        w.turn(section.role, f"messages[{section.turn}]" if section.turn is not None else section.note)
        for b in parts.get(n, ()):
            text = d.text[b.start : b.stop]
            if b.kind == MARKUP:
                w.part(b.kind, text.strip("\n") or "↵" * len(text), "m")
            else:
                w.part(b.kind, text, b.kind)
        w.close()
    return w.done()


def parsed(result: ParseResult) -> str:
    """A reply: its parts, what its calls are worth, its faults."""
    w = _Writer("ParseResult", f"{_count(len(result.events), 'event')}, {_count(len(result.faults), 'fault')}")
    w.turn(result.turn.role, "")
    for part in result.turn.parts[:TURNS]:
        if isinstance(part, Call):
            w.part("call", f"{part.name or '(no name)'} {part.arguments_json}")
            if part.status != "complete":
                broken = "".join(f"\n{e.path}: {e.message}" for e in part.errors)
                w.part("", part.status + broken, "bad")
        elif isinstance(part, (Text, Reasoning, Result)):
            w.part(part.kind, part.text, part.kind)
        elif isinstance(part, Media):  # pyright: ignore[reportUnnecessaryIsInstance]
            w.part("media", part.media)
    if len(result.turn.parts) > TURNS:
        w.part("", f"… {_count(len(result.turn.parts) - TURNS, 'part')} more …")
    for fault in result.faults[:TURNS]:
        w.part("fault", f"{fault.code} at {fault.span[0]}: {fault.message}", "bad")
    w.close()
    return w.done()


def diverged(found: Any) -> str:
    """A difference (`explain.diff.Divergence`): its regions, both sides, the causes."""
    w = _Writer("Divergence", f"{found.a.name} / {found.b.name}: {_count(len(found.regions), 'region')}")
    for n, region in enumerate(found.regions[:REGIONS]):
        w.turn(f"{n + 1}", region.kind)
        for cause in region.causes:
            w.part("cause", f"{cause.name}: {cause.detail}")
        for sign, e in (("−", region.a), ("+", region.b)):
            where = e.path or e.near
            line = f", line {e.line}" if e.line is not None else ""
            w.part(sign, f"{e.text!r}" + (f"   ({where}{line})" if where or line else ""))
        w.close()
    if len(found.regions) > REGIONS:
        w.part("", f"… {_count(len(found.regions) - REGIONS, 'region')} more …")
    return w.done()


def _ends(count: int, most: int) -> Sequence[int]:
    """The first and the last of many."""
    both: Iterable[int] = range(count)
    return [*both] if count <= most else [*range(most // 2), *range(count - most // 2, count)]


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + "s" * (n != 1)
