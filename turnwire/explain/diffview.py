"""How a divergence is shown to people, with rich (the extra `cli`).

What differs stands between ⟦ and ⟧ and is coloured too; blanks inside are · and →, line ends ↵. Text of the prompts is
data: control characters are spelled out. Regions of the same causes are shown once or twice, and counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from ..show import safe, width
from .again import SWITCHES
from .causes import NAMES
from .diff import Divergence
from .regions import Excerpt, Region
from .search import SPECIAL, Searched

EACH = 2  # regions that are shown of those with the same causes
LONGEST = 240  # characters of what differs
TOKENS = 10  # ids of what differs
DIM, NAME, PLACE = "bright_black", "bold yellow", "cyan"
SIDES = {"a": "red", "b": "green"}
KINDS = {"text": "different text", "ids": "same text, different ids", "unread": "different ids"}


def show(to: Console, found: Divergence, every: bool = False) -> None:
    """A divergence: the sides, the causes, the regions (`every` one)."""
    for name, prompt in (("a", found.a), ("b", found.b)):
        size = f"{len(prompt.text):,} characters" + (f", {len(prompt.ids):,} tokens" if prompt.ids is not None else "")
        assets = "  ".join(f"{what} {digest[:12]}" for what, digest in prompt.assets.items())
        _line(to, Text(f"{name.upper()} ", style=f"bold {SIDES[name]}"), Text(safe(prompt.name), style="bold"),
              Text(f"  {size}", style=DIM), Text(f"  {assets}", style=DIM))  # fmt: skip
    first, count = found.first, len(found.regions)
    at = f"character {first.a.start:,}"
    if first.a.tokens is not None:
        at = f"token {first.a.tokens[0]:,}, {at}" if found.a.text else f"token {first.a.tokens[0]:,}"
    _line(to, Text(f"{count:,} {'region differs' if count == 1 else 'regions differ'}", style="bold"),
          Text(f", the first at {at} of A: {KINDS[found.kind]}"))  # fmt: skip
    shown: dict[tuple[str, ...], int] = {}
    for number, region in enumerate(found.regions, 1):
        key = tuple(c.name for c in region.causes)
        shown[key] = shown.get(key, 0) + 1
        if every or shown[key] <= EACH:
            to.print()
            _region(to, number, region)
    more = {key: n - EACH for key, n in shown.items() if n > EACH}
    if more and not every:
        to.print()
        for key, n in more.items():
            _line(to, Text(f"{n:,} more of "), Text(", ".join(key), style=NAME))


def _region(to: Console, number: int, region: Region) -> None:
    for n, cause in enumerate(region.causes):
        head = Text(f"{number:>2}  " if not n else "    ", style="bold")
        side = f" ({cause.side.upper()})" if cause.side else ""
        said = safe(visible(cause.detail)) if cause.detail and cause.name != "unknown" else NAMES[cause.name]
        _line(to, head, Text(cause.name, style=NAME), Text(f"{side}  {said}"))
    ours, theirs = region.a, region.b
    for name, e in (("a", ours), ("b", theirs)):
        _beside(to, Text(f"    {name.upper()} ", style=f"bold {SIDES[name]}"), excerpt(e, SIDES[name], to))
        if e.ids is not None:
            _beside(to, Text("      "), ids(e, SIDES[name]))
        for line in places(e):
            _beside(to, Text("      "), Text(safe(line), style=PLACE))


def excerpt(e: Excerpt, style: str, to: Console) -> Text:
    """What a side has, with what stands around it."""
    room = max(20, width(to) - 12)
    text = visible(safe(e.text), True)
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} … {len(e.text) - LONGEST:,} more characters … {text[-LONGEST // 2 :]}"
    around = max(8, (room - min(len(text), room)) // 2)
    before, after = visible(safe(e.before)), visible(safe(e.after))
    before = before if len(before) <= around else "…" + before[-around:]
    after = after if len(after) <= around else after[:around] + "…"
    return Text.assemble((before, DIM), ("⟦", "bold"), (text, f"bold {style}"), ("⟧", "bold"), (after, DIM))


def ids(e: Excerpt, style: str) -> Text:
    """The ids of what a side has, and of what stands around it."""
    own = e.ids or ()
    shown = [*own[: TOKENS // 2], *own[-TOKENS // 2 :]] if len(own) > TOKENS else list(own)
    words: list[str] = [str(i) for i in shown]
    if len(own) > TOKENS:
        words.insert(TOKENS // 2, f"… {len(own) - TOKENS:,} more …")
    out = Text.assemble((" ".join(map(str, e.ids_before)) + " " * bool(e.ids_before), DIM), ("⟦", "bold"))
    out.append(" ".join(words), style=style).append("⟧", style="bold")
    return out.append(" " * bool(e.ids_after) + " ".join(map(str, e.ids_after)), style=DIM)


def places(e: Excerpt) -> Iterable[str]:
    """Who owns what a side has."""
    if e.path:
        inside = f", part {e.part} ({e.kind})" if e.part is not None else ""
        yield f"from {e.path}{inside}"
    elif e.near:
        yield f"{'the template' if e.line else 'the format'}'s own text, {e.near}"
    if e.line:
        source = e.source if len(e.source) <= 76 else e.source[:75] + "…"
        yield f"template line {e.line}: {source}"


def visible(text: str, blanks: bool = False) -> str:
    """Text on one line; its blanks too, if asked."""
    text = text.replace("\n", "↵")
    return text.replace(" ", "·").replace("\t", "→") if blanks else text.replace("\t", " ")


def _beside(to: Console, label: Text, text: Text) -> None:
    """Text beside a label, cut where a line is full: in what is shown, every blank counts."""
    room = max(20, width(to) - label.cell_len)
    for n, line in enumerate(text.divide(range(room, len(text), room))):
        to.print(Text.assemble(label if not n else " " * label.cell_len, line), soft_wrap=True)


def _line(to: Console, *parts: Any) -> None:
    text = Text.assemble(*parts)
    for line in text.wrap(to, width(to)) if len(text) > width(to) else [text]:
        line.rstrip()
        to.print(line, soft_wrap=True)


def equal(to: Console, names: Sequence[str]) -> None:
    """What is said of prompts that are the same."""
    _line(to, Text("the same prompt: ", style="green"), Text(safe(" and ".join(names))))


def searched(to: Console, done: Searched, every: bool = False) -> None:
    """What a search found: the conversation, and the divergence."""
    names = {"a": "A alone", "b": "B alone", "ab": "both sides"}
    unwilling = [f"{n:,} by {names[which]}" for which, n in done.refused.items() if n]
    left = f"; refused: {', '.join(unwilling)}" if unwilling else ""
    if done.found is None:
        _line(
            to, Text("no difference", style="green"), Text(f" in {done.tried:,} conversations (seed {done.seed}){left}")
        )
        for name, reason in done.reasons.items():
            _line(to, Text(f"  {name.upper()} ", style=f"bold {SIDES[name]}"), Text(safe(reason), style=DIM))
        return
    _line(
        to,
        Text("a difference", style="bold"),
        Text(f" in conversation {done.tried:,} (seed {done.seed}){left}; the smallest found:"),
    )
    found = done.found
    for n, message in enumerate(found.messages):
        _line(to, Text(f"  messages[{n}] ", style=PLACE), Text(safe(json.dumps(message, ensure_ascii=False))))
    for n, tool in enumerate(found.tools or ()):
        _line(to, Text(f"  tools[{n}] ", style=PLACE), Text(safe(json.dumps(tool, ensure_ascii=False))))
    given = {k: v for k, v in found.options_a.items() if k != "now" and k not in SPECIAL and (v or k in SWITCHES)}
    if given:
        _line(to, Text("  options ", style=PLACE), Text(safe(", ".join(f"{k}={v!r}" for k, v in given.items()))))
    to.print()
    show(to, found, every)
