"""What a prompt says of the reply: everything behind the place where its open assistant turn begins.

That place is the assistant header or, behind a turn of a role that the layout calls headless, the end of that turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import InputError, NoTokenizer, check_ids, check_text
from ..origins import OriginMap, authored
from ..spans import Rendered, symbols_of
from ..wire import is_symbol

if TYPE_CHECKING:
    from ..format import Format
    from ..tokens import Bound


@dataclass(frozen=True, slots=True)
class Openers:
    """In symbols, what an assistant turn of a format may begin behind; and, by each control token that one of these
    begins with, the markers of a reply that begin with it too."""

    words: tuple[str, ...]
    heads: Mapping[str, tuple[str, ...]]


def openers(fmt: Format) -> Openers:
    """Read off a format; see `Format.openers`."""
    words = tuple(o for o in map(fmt.symbols_of_word, (fmt.header, *fmt.layout.ends())) if o)
    points = fmt.program._points.values()  # pyright: ignore[reportPrivateUsage]
    markers = dict.fromkeys(m for p in points for m in p.own.by)
    heads = {o[0] for o in words if is_symbol(o[0])}
    return Openers(words, {h: tuple(m for m in markers if m[0] == h) for h in heads})


def prompt_tail(fmt: Format, prompt: Any, bound: Bound | None) -> str:
    """In symbols, what stands behind the last opener of a prompt (`Rendered`, ids or text). Raises `InputError` if
    no assistant turn is open there."""
    symbols = fmt.program.symbols
    if isinstance(prompt, Rendered):
        text = prompt.symbols if prompt.origins is None else _symbols_of_map(fmt, prompt.text, prompt.origins)
    elif isinstance(prompt, str):
        check_text(prompt, "prompt")
        text = fmt.program.symbolise(prompt)
    else:
        text = _symbols_of_ids(fmt, prompt, bound)
    at, opener = max(((text.rfind(o) + len(o), o) for o in fmt.openers.words if o in text), default=(0, ""))
    tail = text[at:]
    if isinstance(prompt, Rendered) and not prompt.text.endswith(symbols.show(opener + tail)):
        opener = ""  # another format's
    if not opener or any(c in fmt.program.stops for c in tail) or _another_turn(fmt, tail):
        expected = " or ".join(repr(symbols.show(o)) for o in fmt.openers.words)
        raise InputError(
            "the prompt does not end in an open assistant turn",
            value=symbols.show(text[-80:]),
            path="prompt",
            expected=f"{expected} at its end, as add_generation_prompt=True writes it",
        )
    return tail


def _symbols_of_map(fmt: Format, text: str, origins: OriginMap) -> str:
    """A template's prompt: only what the template itself wrote can be a control token."""
    return "".join(
        fmt.program.symbolise(text[start:stop]) if own else text[start:stop]
        for start, stop, own in authored(origins.spans)
    )


def _another_turn(fmt: Format, tail: str) -> bool:
    """Whether a header's first token stands in the tail where it begins no marker of a reply."""
    heads = fmt.openers.heads
    return any(c in heads and not tail.startswith(heads[c], i) for i, c in enumerate(tail))


def _symbols_of_ids(fmt: Format, ids: Any, bound: Bound | None) -> str:
    """The end of a prompt given as ids, from its last opener on (of one that begins with text: from its first
    control token on)."""
    ids = check_ids(ids, "prompt")
    if bound is None:
        raise NoTokenizer("a prompt of ids without a tokenizer", value=ids, path="prompt", expected="tokenizer=...")
    found: dict[int, list[tuple[str, str]]] = {}  # id -> openers that have it first: whole, and from it on
    for opener in fmt.openers.words:
        first = next((i for i, c in enumerate(opener) if is_symbol(c)), None)
        if first is None:
            return symbols_of(bound, ids)
        found.setdefault(bound.ids[opener[first]], []).append((opener, opener[first:]))
    for at in range(len(ids) - 1, -1, -1):
        for opener, rest in found.get(ids[at], ()):
            text = symbols_of(bound, ids[at:])
            if text.startswith(rest):
                return opener + text[len(rest) :]
    return ""
