"""Markers that the template writes: closed where opened, known to the tokenizer, and something behind every turn.

Only what the template itself wrote counts, by the source map: a marker that a message spells is its author's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ...origins import Span
from ...templating.trials import MARKER, shared
from .bench import BOS, EOS, Bench, Shown
from .cases import ASK, MORE, TOLD, Shape
from .findings import Fault, Severity, Talk, window
from .history import THINK

HEAD = 80  # characters before a message's text that may be its header
HIDDEN = "\x00"  # stands for the caller's text
OPENED = (("start", "end"), ("begin", "end"), ("bos", "eos"), ("open", "close"))
CONTROL = re.compile(
    r"<\|[^|<>\s]{1,64}\|?>|<[^|<>\s]{1,64}\|>|<｜[^｜<>]{1,64}｜>|<(?:start|end)_of_turn>|\[/?INST\]|</?s>"
)
"""What looks like a control token whatever the vocabulary; tags such as <think> may well be text."""


def own(text: str, spans: Sequence[Span]) -> str:
    """A text in which all that is not the template's is hidden."""
    out: list[str] = []
    for s in spans:
        out.append(text[s.start : s.stop] if s.kind == "template" else HIDDEN * (s.stop - s.start))
    return "".join(out)


@lru_cache(64)
def pairs(source: str) -> tuple[tuple[str, str], ...]:
    """Openers and closers that a template writes both of."""
    tokens = set(MARKER.findall(source)) - {BOS, EOS}  # of a text, not of a turn
    return tuple((t, close) for t in sorted(tokens) for close in _closers(t) if close in tokens and close != t)


def _closers(token: str) -> Iterator[str]:
    for a, b in OPENED:
        if a in token:
            yield token.replace(a, b)
    if token.startswith("<|") and not token.endswith("|>"):
        yield f"<{token[2:-1]}|>"
    elif token.startswith("<") and not token.startswith(("</", "<|", "<｜")):
        yield f"</{token[1:]}"
    elif token.startswith("[") and not token.startswith(("[/", "[|")):
        yield f"[/{token[1:]}"


class Count(NamedTuple):
    """Openers that nothing closes but the next opener, closers that nothing opened, and whether the last is open."""

    unclosed: int
    unopened: int
    open: bool


def _count(text: str, pair: tuple[str, str]) -> Count:
    opener, closer = pair
    if not opener.startswith(("<|", "<｜")):  # a tag: it may nest, and have attributes
        tag = opener.startswith("<")
        opened = len(re.findall(rf"{re.escape(opener[:-1])}(?:[=\s][^<>]*)?>", text)) if tag else text.count(opener)
        over = opened - text.count(closer)
        return Count(max(0, over), max(0, -over), False)
    unclosed = unopened = last = 0
    inside = False
    for m in re.finditer(f"{re.escape(opener)}|{re.escape(closer)}", text):
        if m.group() == closer:
            unopened += not inside
            inside = False
        else:
            unclosed += inside and not _ended(text[last : m.start()])
            inside = True
        last = m.end()
    return Count(unclosed, unopened, inside and not _ended(text[last:]))


def _ended(text: str) -> bool:
    """Whether a text ends in a marker of its own, that is of no pair: some turns end in one of several."""
    marks = list(MARKER.finditer(text.rstrip()))
    if not marks or marks[-1].end() != len(text.rstrip()) or not CONTROL.fullmatch(marks[-1].group()):
        return False
    return not any(w in marks[-1].group().lower() for w in ("start", "begin", "end", "open", "close")) and (
        marks[-1].group().endswith("|>") and marks[-1].group().startswith("<|")
    )


def balance(bench: Bench, talk: Talk) -> Iterator[Fault]:
    """Pairs of which a conversation, without a generation prompt, has openers without closers, or closers without.

    Of pairs that no turn begins with, what is unequal up to the user's first message, or for tags around it, is prose
    about them."""
    last = talk.messages[-1]
    if last.get("role") == "tool" or last.get("tool_calls"):
        return  # some write results inside the turn that called
    shown, base = bench.show(talk, False), bench.show(Talk(_first(talk), talk.tools, talk.variables), False)
    found = pairs(bench.source)
    if not found or not isinstance(shown, Shown) or not isinstance(base, Shown):
        return
    if not any(s.kind == "template" for s in shown.spans):
        return
    text, less = own(shown.text, shown.spans), own(base.text, base.spans)
    heads = less[: next((s.start for s in reversed(base.spans) if s.kind == "data"), 0)]
    for pair in found:
        now = _count(text, pair)
        begins = pair[0].startswith(("<|", "<｜")) and pair[0] in heads[-HEAD:]
        told = less if not heads or CONTROL.fullmatch(pair[0]) is None else heads
        prose = Count(0, 0, False) if begins else _count(told, pair)
        if now.unclosed > prose.unclosed:
            yield _unbalanced(shown, text, pair, "unclosed", now.unclosed - prose.unclosed)
        elif now.unopened > prose.unopened:
            yield _unbalanced(shown, text, pair, "unopened", now.unopened - prose.unopened)
        elif now.open and begins and last.get("role") != "assistant":
            yield _unbalanced(shown, text, pair, "left open by the last turn", 1)
        elif now.open and not begins and not prose.open and not bench.prompts:
            yield _unbalanced(shown, text, pair, "left open at the end", 1)


def _unbalanced(shown: Shown, text: str, pair: tuple[str, str], how: str, times: int) -> Fault:
    at = max(0, text.rfind(pair[1] if how == "unopened" else pair[0]))
    if how == "unclosed":  # the opener before the last is it
        at = max(0, text.rfind(pair[0], 0, at) if text.count(pair[0]) > 1 else at)
    span = shown.at(at)
    what = {"unclosed": "opened and not closed", "unopened": "closed and not open"}.get(how, how)
    severity: Severity | None = (
        "note" if how.startswith("left open by") else "warning" if THINK.search(pair[0]) else None
    )
    said = f"{pair[0]} … {pair[1]}: {what}" + (f", {times} times" if times > 1 else "")
    return Fault("unbalanced-markers", f"{pair[0]} {how}", said, span.line if span else None,
                 window(shown.text, at), severity)  # fmt: skip


def _first(talk: Talk) -> list[dict[str, Any]]:
    """The conversation up to the user's first message."""
    n = next((n for n, m in enumerate(talk.messages) if m.get("role") == "user"), 0)
    return talk.messages[: n + 1]


def terminator(bench: Bench) -> Iterator[Fault]:
    """Whether something ends a turn of the assistant: behind its text when it is the last, and before the next."""
    s = Shape(bench.mode)
    last = s.talk(s.user(), s.said(TOLD))
    talk = s.talk(s.user(), s.said(TOLD), s.user(MORE))
    alone, followed = bench.show(last, False), bench.show(talk, False)
    if not isinstance(alone, Shown) or not isinstance(followed, Shown):
        return
    a, b = alone.text.rfind(TOLD), followed.text.rfind(TOLD)
    next_, first = followed.text.rfind(MORE), followed.text.find(ASK)
    if min(a, b, next_, first) < 0 or next_ < b:
        return
    between = followed.text[b + len(TOLD) : next_]
    head = followed.text[:first]
    header = shared(head[::-1], between[::-1])  # what opens a user's message
    close = between[: len(between) - header]
    behind = alone.text[a + len(TOLD) :]
    line = next((x.line for x in followed.spans if x.start >= b + len(TOLD)), None)
    if not close.strip() and not behind.strip():
        said = f"between {TOLD!r} and the user's next message stands {between!r}: only what opens that message"
        marked = CONTROL.match(between.lstrip())  # a model may be trained to stop with it
        yield Fault("no-terminator", "", said, line, window(followed.text, b), "note" if marked else None, talk)
    elif not behind.strip():
        said = f"{close.strip()!r} ends a turn in a history; as the last one it has no end"
        yield Fault("terminator-missing-last", "", said, line, window(alone.text), None, last)


def vocabulary(bench: Bench, shown: Shown, talk: Talk) -> Iterator[Fault]:
    """Markers of the template that the tokenizer has no token for."""
    tokenizer = bench.tokenizer
    if tokenizer is None:
        return
    text = own(shown.text, shown.spans)
    for marker in dict.fromkeys(m.group() for m in MARKER.finditer(text)):
        if HIDDEN in marker or tokenizer.special(marker) is not None:
            continue
        stand_in = marker in (bench.special["bos_token"], bench.special["eos_token"]) and not bench.template.bos_token
        if stand_in:
            continue
        code = "not-in-vocabulary" if CONTROL.fullmatch(marker) else "marker-as-text"
        if code == "marker-as-text" and (talk.tools or not bench.calls):
            continue  # prose about tools is full of tags
        at = shown.at(text.index(marker))
        said = f"{marker} is {len(tokenizer.encode(marker))} ordinary tokens of {tokenizer.name}"
        yield Fault(code, marker, said, at.line if at else None, window(shown.text, text.index(marker)), None, talk)
