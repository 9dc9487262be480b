"""Writes a prompt as stretches of symbols. Two verbs that never mix: `markup` is the format's, `data` the
caller's. Only markup can make a control token; with `trust` (trust_content=True) data can too, as it does in
the reference implementations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from ..errors import ContentError, ForgeryError, check_text
from ..spans import FIELDS, Stretch
from ..turns import Media, Result, Text
from ..wire import Symbols, Tok, Word

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed

READ = frozenset(("text", "reasoning", "result"))
"""Kinds of data that `messages` has checked."""


class Writer:
    """Collects stretches; `turn`, `part` and `sampled` say whose they are."""

    def __init__(
        self,
        symbols: Symbols,
        markup: Callable[[str], str],
        trusted: Callable[[str], str] | None = None,
        forgeable: tuple[str, ...] = (),
    ):
        """`markup` and `trusted` give text in symbols: the format's, and the caller's where it is trusted."""
        self.symbols, self._markup, self._trusted, self._forgeable = symbols, markup, trusted, forgeable
        self.stretches: list[Stretch] = []
        self.turn: int | None = None
        self.part: int | None = None
        self.sampled = False
        self.tool: int | None = None  # whose definition is being written

    def _add(self, symbols: str, kind: str) -> None:
        if symbols:
            self.stretches.append((symbols, self.turn, self.part, kind, self.sampled))

    def markup(self, text: str) -> None:
        """The format's own text: control tokens that it spells are control tokens."""
        self._add(self._markup(text), "template")

    # The bodies of the next three are `_add`, and that of `symbols_of_markup`: most of a prompt goes through here.

    def word(self, *words: Word) -> None:
        """Plain markup given as words."""
        of = self.symbols.of_word
        if symbols := of(words[0]) if len(words) == 1 else "".join(map(of, words)):
            self.stretches.append((symbols, self.turn, self.part, "template", self.sampled))

    def symbols_of_markup(self, symbols: str) -> None:
        """Plain markup given in symbols."""
        if symbols:
            self.stretches.append((symbols, self.turn, self.part, "template", self.sampled))

    def data(self, text: str, kind: str) -> None:
        """The caller's text; whatever it spells, it stays text: it is not cut (`cuts`), and a lone surrogate in it is
        refused. Texts of messages were searched for one as they were read, but a call's decoded arguments may hold one
        that its raw text escapes."""
        if kind not in READ and not text.isascii():
            check_text(text, self._path(kind))
        for marker in self._forgeable:
            if marker in text:
                raise ForgeryError(
                    f"{kind} spells the marker {marker!r} at character {text.index(marker)}",
                    value=text,
                    path=self._path(kind),
                    expected='text without markers, or forgery="allow"',
                )
        if text:
            symbols = text if self._trusted is None else self._trusted(text)
            self.stretches.append((symbols, self.turn, self.part, kind, self.sampled))

    def slot(self, fill: Callable[[Writer, Any], None], part: Any) -> None:
        """What a slot says of a part."""
        fill(self, part)

    def value(self, pieces: str | Iterable[str | Tok], kind: str) -> None:
        """A value that a codec wrote: the caller's text, and control tokens of its notation."""
        for piece in (pieces,) if isinstance(pieces, str) else pieces:
            if isinstance(piece, Tok):
                self.word(piece)
            else:
                self.data(piece, kind)

    def _path(self, kind: str) -> str:
        if self.turn is None:
            return "options" if self.tool is None else f"tools[{self.tool}]"
        return f"messages[{self.turn}].{FIELDS.get(kind, 'content')}"

    def content(self, placed: Placed, layout: Layout, context: Context) -> None:
        """The text and media of a turn, or of a tool result, in order."""
        self.turn = placed.turn
        for self.part, part in placed.parts:
            kind, pieces = ("result", part.content) if isinstance(part, Result) else ("text", (part,))
            for piece in pieces:
                if isinstance(piece, Text):
                    self.data(piece.text, kind)
                elif isinstance(piece, Media):
                    self.media(piece, layout, context)
        self.turn = self.part = None

    def media(self, media: Media, layout: Layout, context: Context) -> None:
        """The placeholder of an image, a video or a sound, as a run of kind "media"."""
        placeholder = dict(layout.media).get(media.media)
        if placeholder is None:
            known = ", ".join(k for k, _ in layout.media) or "text only"
            raise ContentError(
                f"the format has no {media.media}", value=media, path=f"messages[{self.turn}].content", expected=known
            )
        n = context.media[media.media] = context.media.get(media.media, 0) + 1
        if layout.media_label is not None:
            self._add(layout.media_label(media.media, n, context), "template")
        before = len(self.stretches)
        self.word(placeholder)
        self.stretches[before:] = [(s, turn, part, "media", False) for s, turn, part, *_ in self.stretches[before:]]

    def said(self, since: int) -> str:
        """What was written from a stretch on, in symbols."""
        return "".join([symbols for symbols, *_ in self.stretches[since:]])

    def unsample(self, since: int, prefix: str) -> None:
        """If the stretches from `since` on begin with `prefix`, the model did not write that: it was prefilled."""
        if not prefix or not self.said(since).startswith(prefix):
            return
        out: list[Stretch] = []
        left = len(prefix)
        for symbols, turn, part, kind, sampled in self.stretches[since:]:
            n = min(left, len(symbols))
            left -= n
            if n:
                out.append((symbols[:n], turn, part, kind, False))
            if symbols[n:]:
                out.append((symbols[n:], turn, part, kind, sampled))
        self.stretches[since:] = out
