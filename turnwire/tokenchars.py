"""Characters and tokens: where the characters of each token end, and which characters a tokenizer keeps."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence


def kept_at(text: str, normalize: Callable[[str], str]) -> Sequence[int]:
    """Of each character of what a tokenizer keeps of a text, and of its end, where that is in the text."""
    kept = text if text.isascii() else normalize(text)
    if kept == text:
        return range(len(text) + 1)
    out: list[int] = []
    for m in _CLUSTER.finditer(text):  # ASCII never joins what is before it
        size = m.end() - m.start()
        count = size if m.group().isascii() else len(normalize(m.group()))
        out += [m.start() + min(i, size - 1) for i in range(count)]
    if len(out) != len(kept):  # it looks further than that: in proportion
        out = [i * len(text) // len(kept) for i in range(len(kept))]
    return [*out, len(text)]


_CLUSTER = re.compile(r"[\x00-\x7f]?[^\x00-\x7f]+|[\x00-\x7f]")


def char_ends(table: Sequence[object], ids: Sequence[int]) -> list[float]:
    """Where the characters of each token end, plus a half where bytes of a split character are left over."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    ends: list[float] = []
    at, partial = 0, False
    for i in ids:
        piece = table[i]
        if isinstance(piece, str) and not partial:
            at += len(piece)
        elif isinstance(piece, (str, bytes)):
            at += len(decoder.decode(piece.encode() if isinstance(piece, str) else piece))
            partial = bool(decoder.getstate()[0])
        ends.append(at + 0.5 if partial else at)
    return ends
