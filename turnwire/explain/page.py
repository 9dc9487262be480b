"""Page: one prompt, a reply, both, or two prompts side by side, as ONE self-contained HTML file.

No network, nothing to install: style and script are inside, and a Content-Security-Policy lets nothing else run. What
was said in a conversation goes in as JSON in which no character means anything to HTML; the script puts it into the
page by `textContent` only. So content is inert, whatever it spells.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from .. import events as ev
from .document import Document, Tokens

SCRIPTS = ("data.js", "layout.js", "pane.js", "inspector.js", "lists.js", "main.js", "keys.js")
VERSION = 1


@dataclass(frozen=True)
class Region:
    """Where two prompts differ: characters [start, stop) of each, in words why, and whether only the ids differ."""

    a: tuple[int, int]
    b: tuple[int, int]
    title: str
    detail: str = ""
    same_text: bool = False


@dataclass(frozen=True)
class Page:
    """See the head of this file. `documents`: one, or two that `regions` compare; `level`: how much is shown at
    first: 1 turns, 2 parts, 3 tokens."""

    documents: Sequence[Document]
    title: str = "turnwire"
    regions: Sequence[Region] = ()
    level: int = 2

    def to_dict(self) -> dict[str, Any]:
        """What the page is given, documented by what reads it: assets/data.js."""
        return {
            "version": VERSION,
            "title": self.title,
            "level": self.level,
            "documents": [document_form(d) for d in self.documents],
            "regions": [
                {"a": r.a, "b": r.b, "title": r.title, "detail": r.detail, "same": r.same_text} for r in self.regions
            ],
        }

    def to_html(self) -> str:
        """The whole page."""
        style, script = asset("page.css"), _script()
        policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        parts = {
            "policy": policy + "base-uri 'none'; form-action 'none'",
            "title": html.escape(_printable(self.title)),
            "style": style,
            "script": script,
            "data": data_block(self.to_dict()),
        }
        return re.sub(r"\{\{(\w+)\}\}", lambda m: parts[m.group(1)], asset("page.html"))


def data_block(value: Any) -> str:
    """JSON that may stand in a script element: no character of it means anything to HTML or to JavaScript."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _LOADED.sub(lambda m: f"\\u{ord(m.group()):04x}", text)


_LOADED = re.compile(
    "[<>&\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff]"
)


def document_form(d: Document) -> dict[str, Any]:
    """A document as the page reads it: lists of numbers where there are many."""
    paths: dict[str, int] = {}
    fields = [
        [f.start, f.stop, _KINDS.get(f.kind, 2), f.line or 0, paths.setdefault(f.path, len(paths)), _number(f.offset)]
        for f in d.fields
    ]
    wrong = {id(e) for e in d.problems}
    return {
        "name": d.name,
        "text": d.text,
        "facts": [list(f) for f in d.facts],
        "sections": [[s.start, s.stop, _number(s.turn), s.role, s.note] for s in d.sections],
        "blocks": [[b.start, b.stop, b.section, _number(b.part), b.kind] for b in d.blocks],
        "runs": [[r.start, r.stop, r.kind, int(r.sampled)] for r in d.runs],
        "tokens": None if d.tokens is None else tokens_form(d.text, d.tokens),
        "mask": None if d.mask is None else list(ranges(d.mask)),
        "unmasked": d.unmasked,
        "fields": fields,
        "paths": list(paths),
        "lines": {str(n): line[:500] for n, line in d.lines.items()},
        "reply": _number(d.reply),
        "events": [_event_form(e) for e in d.events],
        "problems": [n for n, e in enumerate(d.events) if id(e) in wrong],
    }


def tokens_form(text: str, tokens: Tokens) -> dict[str, Any]:
    """`lengths` in characters; `gaps` where a token does not begin where the one before it ended; `bytes` in hex where
    they are not those of its characters (null: it has no piece)."""
    lengths: list[int] = []
    gaps: dict[int, int] = {}
    odd: dict[int, str | None] = {}
    end = 0
    for n, ((start, stop), piece) in enumerate(zip(tokens.extents, tokens.pieces)):
        lengths.append(stop - start)
        if start != end:
            gaps[n] = start - end
        end = stop
        if piece is None or piece != text[start:stop].encode("utf-8", "surrogatepass"):
            odd[n] = None if piece is None else piece.hex()
    control = sorted(tokens.control & set(tokens.ids))
    return {"ids": list(tokens.ids), "lengths": lengths, "gaps": gaps, "bytes": odd, "control": control}


def ranges(flags: Iterable[bool]) -> Iterable[tuple[int, int]]:
    """The stretches of true flags, half-open."""
    at = 0
    for flag, group in groupby(flags):
        n = sum(1 for _ in group)
        if flag:
            yield at, at + n
        at += n


def event_text(e: ev.Event) -> str:
    """What an event says beyond its kind and its characters."""
    if isinstance(e, ev.ArgumentsDelta):
        return e.json
    if isinstance(e, ev.PartStart):
        where = f" in {e.channel}" if e.channel else ""
        return e.kind + where + (f" to {e.recipient}" if e.recipient else "")
    if isinstance(e, ev.CallStart):
        return e.name + (f" {e.id}" if e.id else "")
    if isinstance(e, ev.CallEnd):
        broken = "".join(f"\n{v.path}: {v.message}" for v in e.call.errors)
        return f"{e.call.name or '(no name)'}: {e.call.status}{broken}"
    if isinstance(e, ev.Fault):
        return f"{e.code}: {e.message}"
    return e.reason or "" if isinstance(e, ev.TurnEnd) else ""


_KINDS = {"template": 0, "data": 1}


def _event_form(e: ev.Event) -> list[Any]:
    first, end = e.tokens or (-1, -1)
    return [type(e).__name__, *e.span, first, end, getattr(e, "part", -1), event_text(e)]


def _number(n: int | None) -> int:
    return -1 if n is None else n


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


@functools.cache
def asset(name: str) -> str:
    """A file of this package's assets."""
    return (Path(__file__).parent / "assets" / name).read_text("utf-8")


@functools.cache
def _script() -> str:
    return '"use strict";\n(() => {\n' + "\n".join(map(asset, SCRIPTS)) + "\n})();\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
