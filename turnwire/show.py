"""Show: turns, tokens and events for people to read, with rich (the extra `cli`).

What a part is, is said by a label and, on a terminal, by a colour too. Text of models and tools is data: control
characters in it are spelled out, and rich's markup does not apply.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import IO, Any

from rich.console import Console
from rich.text import Text

from . import events as ev
from .families.proof import proof
from .format import Format
from .jsonform import format_form
from .spans import Rendered
from .tokens import Tokenizer
from .turns import Call, Reasoning, Turn
from .turns import Text as TextPart

STYLES = {
    "system": "bright_black", "developer": "bright_black", "tools": "bright_black", "user": "green", "text": "cyan",
    "reasoning": "yellow", "call": "magenta", "tool": "blue", "result": "blue", "media": "blue",
    "markup": "bright_black", "fault": "red", "ok": "green",
}  # fmt: skip
LABEL = 12  # columns of a label
WIDEST = 100


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # the command line knows what to do; rich would exit


def console(color: bool = True, file: IO[str] | None = None) -> Console:
    """A console that colours only on a terminal, and not under NO_COLOR or `color=False`."""
    out = sys.stdout if file is None else file
    color = color and out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    # Elsewhere no escape code of any kind, whatever FORCE_COLOR and its like say.
    return _Console(
        file=out, color_system="auto" if color else None, force_terminal=None if color else False,
        highlight=False, markup=False, emoji=False,
    )  # fmt: skip


def width(to: Console) -> int:
    """The columns that are used."""
    return min(to.width, WIDEST)


_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def safe(text: str) -> str:
    """`text` in which control characters, which can move a terminal's cursor or more, are spelled out."""
    return _CONTROL.sub(lambda m: m.group().encode("unicode_escape", "surrogatepass").decode(), text)


def label(name: str, style: str | None = None) -> Text:
    """A label in its column."""
    return Text(f"  {name:<{LABEL - 2}}", style=style or STYLES.get(name, ""))


def block(to: Console, name: str, text: str | Text, style: str | None = None) -> None:
    """A label and, beside it, text in lines that fit."""
    body = Text(safe(text), style=style or STYLES.get(name, "")) if isinstance(text, str) else text
    first = True
    for line in body.wrap(to, max(20, width(to) - LABEL)):
        line.rstrip()
        head = label(name, style) if first else Text(" " * LABEL)
        to.print(Text.assemble(head, line), soft_wrap=True)
        first = False


class Flow:
    """Text that is shown while it arrives, word by word, beside a label."""

    def __init__(self, to: Console, name: str):
        self.to, self.style = to, STYLES.get(name, "")
        self.room = max(20, width(to) - LABEL)
        self.column, self.word = 0, ""
        to.print(label(name), end="", soft_wrap=True)

    def write(self, text: str) -> None:
        """More text; its last word waits for its end."""
        *lines, last = (self.word + safe(text)).split("\n")
        for line in lines:
            self._words(line, True)
            self.to.print("\n" + " " * LABEL, end="", soft_wrap=True)
            self.column = 0
        self.word = self._words(last, False)

    def close(self) -> None:
        """The end of the text."""
        self._words(self.word, True)
        self.to.print()

    def _words(self, text: str, whole: bool) -> str:
        words = re.findall(r"\s*\S+|\s+$", text)
        rest = "" if whole or not words else words.pop()
        for word in words:
            if self.column and self.column + len(word) > self.room:
                self.to.print("\n" + " " * LABEL, end="", soft_wrap=True)
                self.column, word = 0, word.lstrip()
            self.to.print(Text(word, style=self.style), end="", soft_wrap=True)
            self.column += len(word)
        return rest


# tokens


def tokens(
    to: Console,
    ids: Sequence[int],
    tokenizer: Tokenizer,
    control: frozenset[int],
    kinds: Sequence[str],
    most: int | None = None,
) -> None:
    """Tokens one by one, a dot between them, line ends as ↵, each in the colour of its kind; `most` of them."""
    cut = len(ids) if most is None or len(ids) <= most * 3 // 2 else most // 2  # a few more are shown, not counted
    shown = [*range(cut), *range(max(cut, len(ids) - (most or 0) + cut), len(ids))] if cut < len(ids) else range(cut)
    room = max(20, width(to) - LABEL)
    lines, used = [Text()], 0
    for n, i in enumerate(shown):
        word, kind = spelled(tokenizer.piece(ids[i]), ids[i]), kinds[i]
        style = f"bold {STYLES['markup']}" if ids[i] in control else STYLES.get(kind, "")
        before = "" if not n else "·" if n != cut else f" … {len(ids) - len(shown)} more … "
        if used and used + len(before) + len(word) > room:
            lines.append(Text())
            used = 0
        lines[-1].append(before, style=STYLES["markup"]).append(word, style=style)
        used += len(before) + len(word)
    for n, line in enumerate(lines):
        to.print(Text.assemble(label("tokens" if not n else ""), line), soft_wrap=True)


def spelled(piece: bytes | None, number: int) -> str:
    """A token for people: its text with line ends visible, its bytes where they are no text, its id without a piece."""
    if piece is None:
        return f"[{number}]"
    try:
        return safe(piece.decode()).replace("\n", "↵")
    except UnicodeDecodeError:
        return "".join(f"\\x{byte:02x}" for byte in piece)


def reply_kinds(count: int, events: Sequence[ev.Event]) -> list[str]:
    """The kind of each token of a reply: of the part whose text it holds, or markup."""
    kinds = ["markup"] * count
    for event in events:
        kind = _DELTAS.get(type(event))
        if kind and event.tokens is not None:
            for at in range(*event.tokens):
                kinds[at] = kind
    return kinds


_DELTAS: dict[type[Any], str] = {ev.TextDelta: "text", ev.ReasoningDelta: "reasoning", ev.ArgumentsDelta: "call"}


def prompt_kinds(out: Rendered, roles: Sequence[str]) -> list[str]:
    """The kind of each token of a prompt; `roles` are those of its messages."""
    kinds = ["markup"] * len(out.ids)
    for run in out.runs:
        if run.tokens is not None and run.kind != "template":
            own = run.kind == "text" and run.turn is not None and roles[run.turn] != "assistant"
            for at in range(*run.tokens):
                kinds[at] = roles[run.turn] if own and run.turn is not None else run.kind
    return kinds


def rendered(out: Rendered, roles: Sequence[str]) -> Text:
    """The text of a prompt, coloured by what each run is."""
    text = Text()
    for run in out.runs:
        own = run.kind == "text" and run.turn is not None and roles[run.turn] != "assistant"
        kind = roles[run.turn] if own and run.turn is not None else run.kind
        text.append(safe(out.text[run.start : run.stop]), style=STYLES.get(kind, STYLES["markup"]))
    return text


# events and turns


def event(e: ev.Event) -> Text:
    """One event on one line: where, what, its text."""
    where = f"{e.span[0]}:{e.span[1]}"
    name = type(e).__name__
    kind = _DELTAS.get(type(e), {"Fault": "fault", "CallStart": "call", "CallEnd": "call"}.get(name, "markup"))
    return Text.assemble(
        (f"{where:>11}  ", STYLES["markup"]), (f"{name:<15}", STYLES[kind]), (safe(_said(e)), STYLES[kind])
    )


def _said(e: ev.Event) -> str:
    if isinstance(e, (ev.TextDelta, ev.ReasoningDelta, ev.Markup)):
        return repr(e.text)
    if isinstance(e, ev.ArgumentsDelta):
        return repr(e.json)
    if isinstance(e, ev.PartStart):
        return e.kind + (f" channel={e.channel}" if e.channel else "") + (f" to={e.recipient}" if e.recipient else "")
    if isinstance(e, ev.CallStart):
        return f"{e.name} index={e.index}" + (f" id={e.id}" if e.id else "")
    if isinstance(e, ev.CallEnd):
        return f"{e.call.name} {e.call.status}"
    if isinstance(e, ev.Fault):
        return f"{e.code}: {e.message}"
    return f"{e.reason}" if isinstance(e, ev.TurnEnd) else ""


def status(call: Call) -> Text:
    """What a call is worth, and what is wrong with it."""
    good = call.status == "complete"
    text = Text(call.status, style=STYLES["ok" if good else "fault"])
    for error in call.errors:
        text.append(f"\n{error.path}: {safe(error.message)}" + ("" if error.checked else " (not checked)"))
    return text


def turn(to: Console, said: Turn) -> None:
    """The parts of a turn."""
    for part in said.parts:
        if isinstance(part, Call):
            block(to, "call", f"{part.name or '(no name)'} {part.arguments_json}")
            block(to, "", status(part))
        elif isinstance(part, Reasoning):
            block(to, "reasoning", part.text or "(empty)")
        elif isinstance(part, TextPart):
            to_whom = "" if part.recipient is None else f" (to {part.recipient})"
            block(to, "text", (part.text or "(empty)") + to_whom)


def faults(to: Console, found: Sequence[ev.Fault]) -> None:
    """The faults of a reply."""
    for fault in found:
        near = f" ({fault.text[:40]!r})" if fault.text else ""
        block(to, "fault", f"{fault.code} at {fault.span[0]}: {fault.message}{near}")


# formats


def formats(to: Console, known: Sequence[Format]) -> None:
    """What the formats are."""
    for n, fmt in enumerate(known):
        form = format_form(fmt)
        calls = f"{form['calls']}: {form['call_example']}" if form["calls"] else "none"
        reasoning = form["reasoning_example"] or "none"
        if form["reasoning"] == "prompt":
            reasoning += " (opened by the prompt)"
        if n:
            to.print()
        to.print(Text(fmt.name, style="bold"), soft_wrap=True)
        block(to, "calls", calls.replace("\n", "↵"), STYLES["call"])
        block(to, "reasoning", reasoning.replace("\n", "↵"))
        block(to, "stop", " ".join(form["stop_tokens"]))
        block(to, "models", _models(fmt.models) or "none")
        block(to, "source", fmt.source)
        block(to, "proof", str(proof(fmt.name)))
        for note in fmt.notes:
            block(to, "note", note)


def _models(models: Sequence[str]) -> str:
    """Model ids, their owner said once."""
    owner = models[0].partition("/")[0] + "/" if models else ""
    return owner + ", ".join(m.removeprefix(owner) for m in models)
