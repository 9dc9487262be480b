"""Documents on the terminal: turns, their parts, their tokens, faults where they happened.

What the model wrote stands in ⟦ ⟧ if the mask is asked for, on a terminal underlined too.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from ..events import Fault
from ..show import STYLES, block, label, safe, spelled, width
from .document import Document
from .page import event_text, ranges
from .sections import MARKUP, Block, Section

LONGEST = 1_200  # characters of a part that are shown, unless all are
GUTTER = 12


def show(
    to: Console, d: Document, level: str = "parts", *, mask: bool = False, full: bool = False, title: str = ""
) -> None:
    """A document. `level`: "turns", "parts" or "tokens"."""
    size = f"{len(d.tokens.ids):,} tokens" if d.tokens else f"{len(d.text):,} characters"
    to.print(Text(f"{title or d.name}: {_count(len(d.sections), 'turn')}, {size}", style="bold"), soft_wrap=True)
    if mask and d.mask is None and d.unmasked:
        block(to, "mask", d.unmasked, STYLES["fault"])
    elif mask and d.mask is not None:
        block(to, "mask", f"{sum(d.mask):,} of {len(d.mask):,} tokens are the model's")
    starts = [start for start, _ in d.tokens.extents] if d.tokens else []
    parts: dict[int, list[Block]] = {}
    for part in d.blocks:
        parts.setdefault(part.section, []).append(part)
    for n, section in enumerate(d.sections):
        if level == "turns":
            to.print(_turn(d, section, parts.get(n, []), starts, width(to)), soft_wrap=True)
            continue
        to.print()
        to.print(_head(d, section, starts), soft_wrap=True)
        for part in parts.get(n, []):
            _part(to, d, part, starts, level == "tokens" and d.tokens is not None, mask, full)


def _turn(d: Document, section: Section, parts: list[Block], starts: list[int], room: int) -> Text:
    """A turn on one line: the beginning of what it says."""
    head = _head(d, section, starts)
    said = " ".join(safe(d.text[p.start : min(p.stop, p.start + 200)]) for p in parts if p.kind != MARKUP)
    text = " ".join(said.split())
    left = max(0, room - len(head) - 2)
    if not text:
        return head
    return head.append("  " + (text if len(text) <= left else text[: max(0, left - 1)] + "…"))


def _head(d: Document, section: Section, starts: list[int]) -> Text:
    role = section.role or "format"
    facts = [f"message {section.turn}"] if section.turn is not None else [section.note] if section.note else []
    if d.tokens:
        n = bisect_left(starts, section.stop) - bisect_left(starts, section.start)
        facts.append(_count(n, "token"))
    return Text.assemble((f"▌ {role}", f"bold {_style(role)}"), ("  " + " · ".join(facts), STYLES["markup"]))


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}" + "s" * (n != 1)


def _style(kind: str) -> str:
    return STYLES.get({"assistant": "text", "tool": "result"}.get(kind, kind), "")


def _part(to: Console, d: Document, part: Block, starts: list[int], tokens: bool, mask: bool, full: bool) -> None:
    line, used, room = Text(), 0, max(20, width(to) - GUTTER)
    first = True

    def flush() -> None:
        nonlocal line, used, first
        to.print(Text.assemble(label(part.kind if first else "", STYLES[MARKUP] if first else None), line),
                 soft_wrap=True)  # fmt: skip
        line, used, first = Text(), 0, False

    for text, style, whole in _pieces(d, part, starts, tokens, mask, full):
        if used and used + len(text) > room and whole:
            flush()
            text = text if tokens else text.lstrip(" ")
        for n, piece in enumerate(text.split("\n")):
            if n:
                flush()
            line.append(piece, style=style)
            used += len(piece)
    if used or first:
        flush()
    for e in d.problems:
        if part.start < e.span[0] <= part.stop or e.span[0] == part.start == 0:
            block(to, "⚠ fault" if isinstance(e, Fault) else "⚠ call", event_text(e), STYLES["fault"])


def _pieces(
    d: Document, part: Block, starts: list[int], tokens: bool, mask: bool, full: bool
) -> Iterator[tuple[str, str, bool]]:
    """Text, its style, and whether it should be kept on one line; in words, or in tokens with a dot between them."""
    marked = list(ranges(d.mask)) if mask and d.mask is not None else []
    opens, closes = {a for a, _ in marked}, {b - 1 for _, b in marked}
    if d.tokens is None or not (tokens or mask):
        yield from _words(d, part, part.start, part.stop, full)
        return
    first, end = bisect_left(starts, part.start), bisect_left(starts, part.stop)
    skip = range(first + LONGEST // 8, end - LONGEST // 8) if not full and end - first > LONGEST // 3 else range(0)
    last = d.tokens.extents[first - 1][1] if first else 0
    on = False
    for n in range(first, end):
        if n in skip:
            if n == skip[0]:
                yield f" … {len(skip):,} more tokens … ", STYLES[MARKUP], True
            continue
        start, stop = d.tokens.extents[n]
        text = d.text[max(start, last) : stop]
        last = stop
        shown = spelled(d.tokens.pieces[n], d.tokens.ids[n]) if tokens else safe(text)
        on = d.mask is not None and d.mask[n] and mask
        style = _style(_kind(d, start)) + (" underline" if on else "")
        dot = "·" if tokens and n > first else ""
        around = ("⟦" if n in opens else "") + shown + ("⟧" if n in closes else "")
        yield dot + around, f"bold {style}" if d.tokens.ids[n] in d.tokens.control else style, True


def _words(d: Document, part: Block, start: int, stop: int, full: bool) -> Iterator[tuple[str, str, bool]]:
    cut = stop - start > LONGEST and not full
    for n in range(_run_at(d, start), len(d.runs)):
        low, high = max(d.runs[n].start, start), min(d.runs[n].stop, stop)
        if low >= high:
            break
        style = _style(_kind(d, low))
        text = d.text[low:high]
        if not text.strip() and part.kind == MARKUP:
            text = text.replace("\n", "↵")
        elif cut:
            half = LONGEST // 2
            head, tail = d.text[low : min(high, start + half)], d.text[max(low, stop - half) : high]
            gap = low <= start + half < high
            text = head + (f"\n… {stop - start - LONGEST:,} more characters …\n" if gap else "") + tail
        for word in _split(text):
            yield safe(word), style, True


def _split(text: str) -> Iterator[str]:
    at = 0
    for n, c in enumerate(text):
        if c in " \n" and n > at:
            yield text[at:n]
            at = n
    yield text[at:]


def _run_at(d: Document, char: int) -> int:
    return max(0, bisect_right(d.runs, char, key=lambda r: r.start) - 1)


def _kind(d: Document, char: int) -> str:
    run = d.runs[_run_at(d, char)]
    section = d.sections[max(0, bisect_right(d.sections, char, key=lambda s: s.start) - 1)]
    if run.kind == "text" and section.role != "assistant":
        return section.role
    return MARKUP if run.kind == "template" else run.kind
