"""A logged prompt, text or ids, as a document: its turns are found by the openers that a format writes.

The openers are learned from prompts of the format, so nothing needs to be known of it. What the assistant wrote is
parsed; what others wrote is their content up to the markers that close it. By ids only control tokens open turns, not
text that spells them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import TurnwireError, check_text
from ..spans import Run
from .document import Document, Tokens, of_ids, runs_of
from .sections import CLOSER, MARKER, ROLES, Section, blocks, said, sections

if TYPE_CHECKING:
    from ..format import Format
    from ..tokens import Tokenizer

_CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
_TOOL = {"type": "function", "function": {"name": "f", "description": "x", "parameters": {"type": "object"}}}
_PLAIN: list[dict[str, Any]] = [
    {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}
]  # fmt: skip
_WITH: list[dict[str, Any]] = [
    {"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": [_CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "d"}, {"role": "assistant", "content": "b"},
]  # fmt: skip
CONVERSATIONS: Sequence[tuple[list[dict[str, Any]], list[Any] | None]] = [
    *(([{"role": role, "content": "s"}, *_PLAIN], None) for role in ("system", "developer")),
    (_PLAIN, None), (_WITH, [_TOOL]), (_WITH, None),
]  # fmt: skip
_NAMED = re.compile(
    rf"(?:<[^<>\s\w]{{1,3}})(?:{'|'.join(ROLES)})\b[^<>\w\s]{{0,3}}>\n?|(?:{MARKER.pattern})(?:{'|'.join(ROLES)})\b\n?",
    re.IGNORECASE,
)
_HEAD = re.compile(rf"(?:{MARKER.pattern})+[\w.]{{0,30}}(?:{MARKER.pattern})*\s*(?:(?:{MARKER.pattern})\s*)*")


def of_logged(
    value: Sequence[int] | str,
    fmt: Format | None = None,
    tokenizer: Tokenizer | None = None,
    name: str = "logged",
    facts: Sequence[tuple[str, str]] = (),
    known: Mapping[str, str] | None = None,
) -> Document:
    """What was logged: ids (with a tokenizer) or text. Without a format its turns are those that `known` opens
    (openers and their roles), or that look like it; what the assistant wrote is then one part."""
    if isinstance(value, str):
        check_text(value, "text")
        text, tokens = value, None
    else:
        text, tokens = of_ids(value, tokenizer, fmt.control if fmt else ())
    genuine = _genuine(tokens)
    found = _find(text, openers(fmt) if fmt else known or _guessed(text), genuine)
    if found and not MARKER.sub("", text[: found[0][0]]).strip():
        found[0] = (0, *found[0][1:])  # only a token that begins every prompt stands before it
    found = found if found and found[0][0] == 0 else [(0, 0, said(text)), *found]
    shown: list[Section] = []
    runs: list[Run] = []
    for n, ((start, inner, role), stop) in enumerate(zip(found, [*(f[0] for f in found[1:]), len(text)])):
        if stop == start:
            continue
        shown.append(Section(start, stop, n, role))
        if inner > start:
            runs.append(Run(start, inner, None, None, "template", False))
        if role == "assistant" and fmt is not None:
            runs += _reply(text, tokens, fmt, tokenizer, (start, inner, stop)) or _content(
                text, role, n, inner, stop, genuine
            )
        else:
            runs += _content(text, role, n, inner, stop, genuine)
    return Document(name, text, shown, blocks(runs, shown), runs, tokens, facts=facts)


def openers(fmt: Format) -> Mapping[str, str]:
    """What turns of a format begin with, and their roles."""
    symbols = fmt.program.symbols
    out: dict[str, str] = {}
    for messages, tools in CONVERSATIONS:
        try:
            made = fmt.render(messages, tools)
        except TurnwireError:
            continue
        roles = [m["role"] for m in messages]
        for s in sections(made.text, made.stretched, roles):
            content = next((r.start for r in made.stretched if r.start >= s.start and r.kind != "template"), s.stop)
            head = _HEAD.match(made.text, s.start, min(content, s.stop))
            if s.role not in ("", "assistant") and not s.note and head:
                out.setdefault(head.group(), s.role)
                first = MARKER.match(head.group())  # a token that begins every prompt
                if first and MARKER.match(head.group(), first.end()):
                    out.setdefault(head.group()[first.end() :], s.role)
    for word in fmt.openers.words:
        out[symbols.show(word)] = "assistant"
    return {opener: role for opener, role in out.items() if opener.strip()}


def heads(d: Document) -> dict[str, str]:
    """What the turns of a document begin with, and their roles."""
    out: dict[str, str] = {}
    for s in d.sections:
        content = next((r.start for r in d.runs if r.start >= s.start and r.kind != "template"), s.stop)
        head = _HEAD.match(d.text, s.start, min(content, s.stop))
        if s.role and head:
            out.setdefault(head.group(), s.role)
    return out


def _guessed(text: str) -> dict[str, str]:
    """Openers, where nobody says what they are: a marker that names a role, or that a role's name follows."""
    out: dict[str, str] = {}
    for m in _NAMED.finditer(text):
        if not CLOSER.match(m.group()):
            out[m.group()] = said(m.group())
    return out


def _genuine(tokens: Tokens | None) -> Callable[[re.Match[str]], bool]:
    """Whether a marker is a control token, or none that the tokenizer has, rather than text that spells one."""
    if tokens is None:
        return lambda m: True
    control = [(e, p) for e, i, p in zip(tokens.extents, tokens.ids, tokens.pieces) if p and i in tokens.control]
    places = {start for (start, _), _ in control}
    spelled = {piece.decode("utf-8", "replace") for _, piece in control}
    return lambda m: m.group() not in spelled or m.start() in places


def _find(text: str, known: Mapping[str, str], genuine: Callable[[re.Match[str]], bool]) -> list[tuple[int, int, str]]:
    """Where turns begin, where their content begins, and their roles."""
    if not known:
        return []
    longest = re.compile("|".join(re.escape(o) for o in sorted(known, key=len, reverse=True)))
    out: list[tuple[int, int, str]] = []
    for m in longest.finditer(text):
        marker = MARKER.match(text, m.start())
        if marker and not genuine(marker):
            continue
        if out and out[-1][1] == m.start() and CLOSER.match(text, out[-1][0]):
            out.pop()  # what closes one turn opens the next unless another opener follows
        out.append((m.start(), m.end(), known[m.group()]))
    return out


def _content(
    text: str, role: str, turn: int, start: int, stop: int, genuine: Callable[[re.Match[str]], bool]
) -> list[Run]:
    """What somebody wrote, and the markers that close it."""
    end = stop
    for m in reversed(list(MARKER.finditer(text, start, stop))):
        if not CLOSER.match(m.group()) or text[m.end() : end].strip() or not genuine(m):
            break
        end = m.start()
    kind = "result" if role == "tool" else "text"
    runs = [Run(start, end, turn, 0, kind, False)] if end > start else []
    return [*runs, Run(end, stop, None, None, "template", False)] if stop > end else runs


def _reply(
    text: str, tokens: Tokens | None, fmt: Format, tokenizer: Tokenizer | None, place: tuple[int, int, int]
) -> list[Run]:
    """What the assistant wrote, parsed; nothing if that cannot be."""
    start, inner, stop = place
    try:
        parser = fmt.parser(tokenizer if tokens else None, prompt=text[start:inner])
        if tokens is None:
            events = parser.feed_text(text[inner:stop])
        else:
            events = parser.feed([i for (a, _), i in zip(tokens.extents, tokens.ids) if inner <= a < stop])
        events = events + parser.close("stop")
    except TurnwireError:
        return []
    return [replace(r, start=r.start + inner, stop=r.stop + inner) for r in runs_of(events, stop - inner)]
