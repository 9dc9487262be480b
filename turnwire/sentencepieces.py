"""SentencePiece models (tokenizer.model, *.model.v3): the protobuf file, as a byte-pair pipeline of `tokenizers`.

Exact, or refused. SentencePiece merges the pair whose joined piece has the best score, the leftmost among equals. What
happens inside a piece until it is whole is the same wherever it stands: a merge across its border would have ended it.
So each piece has one last merge, the one that it gets when it stands alone, and these merges in order of score are a
list of ranks with the same results. Equal scores have no such order; models have one group of them, runs of spaces,
which grow from the left: long runs first does the same, and that is tried out. Other ties, unused pieces, Unigram
models and models that rewrite text are refused.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from .errors import TokenizerError

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

EXPECTED = "a SentencePiece BPE model with byte fallback and text kept as it is (as Llama 2's and Mistral's)"
SPACE = "▁"
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)


class Entry(NamedTuple):
    """A piece, its score, and its type."""

    text: str
    score: float
    type: int


class Model(NamedTuple):
    """What a model file says, as far as encoding needs it. `prefix`: it writes a space before every text."""

    pieces: list[Entry]
    prefix: bool


def is_model(head: bytes) -> bool:
    """Whether a file begins as SentencePiece models do: with a piece."""
    return len(head) > 4 and head[0] == 0x0A and head[2] == 0x0A and head[1] >= head[3] + 2


def read_model(data: bytes, path: str) -> Model:
    """Parse a model file; raises `TokenizerError` for what `build` could not encode exactly."""
    try:
        fields = list(_fields(data))
        pieces = [_entry(value) for number, value in fields if number == 1 and isinstance(value, bytes)]
        trainer, normalizer = (
            dict(
                pair
                for number, value in fields
                if number == field and isinstance(value, bytes)
                for pair in _fields(value)
            )
            for field in (2, 3)
        )
    except (ValueError, IndexError, struct.error):
        raise TokenizerError("damaged: this is no SentencePiece model", path=path, expected=EXPECTED) from None
    problems = {
        f"its model type is {trainer.get(3, 1)!r}, and 2 (BPE) is supported": trainer.get(3, 1) != 2,
        "it has no pieces for bytes": sum(piece.type == BYTE for piece in pieces) != 256,
        "it rewrites text (precompiled_charsmap)": bool(normalizer.get(2)),
        "it drops spaces (remove_extra_whitespaces)": bool(normalizer.get(4, 1)),
        "it does not write spaces as U+2581": not normalizer.get(5, 1) or bool(trainer.get(24, 0)),
        "it has unused pieces": any(piece.type == UNUSED for piece in pieces),
    }
    for problem, found in problems.items():
        if found:
            raise TokenizerError(problem, path=path, expected=EXPECTED)
    return Model(pieces, bool(normalizer.get(3, 1)))


def build(model: Model, path: str) -> Backend:
    """The pipeline: SentencePiece's own ids for every text. Control pieces are added tokens marked special."""
    from tokenizers import AddedToken, decoders, models, normalizers
    from tokenizers import Tokenizer as Backend

    vocab = {piece.text: number for number, piece in enumerate(model.pieces)}
    if len(vocab) != len(model.pieces):
        raise TokenizerError("a piece stands in it twice", path=path, expected=EXPECTED)
    whole = [piece for piece in model.pieces if piece.type in (UNKNOWN, CONTROL, USER_DEFINED)]
    for piece in whole:
        if SPACE in piece.text and piece.type == USER_DEFINED:  # it would be found in text as " " and as itself
            raise TokenizerError(f"the user-defined piece {piece.text!r} has a space", path=path, expected=EXPECTED)
    unknown = next((piece.text for piece in model.pieces if piece.type == UNKNOWN), None)
    bpe = models.BPE(
        vocab=vocab, merges=merges(model.pieces, path), unk_token=unknown, fuse_unk=True, byte_fallback=True
    )
    backend = Backend(bpe)
    spaces = normalizers.Replace(" ", SPACE)
    backend.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), spaces] if model.prefix else [spaces])
    steps = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence([*steps, decoders.Strip(" ", 1, 0)] if model.prefix else steps)
    added = [AddedToken(piece.text, special=piece.type != USER_DEFINED, normalized=False) for piece in whole]
    backend.add_tokens(added)  # pyright: ignore[reportUnknownMemberType]
    return backend


def merges(pieces: list[Entry], path: str) -> list[tuple[str, str]]:
    """The last merge of each piece that merging reaches, best first."""
    scores = {piece.text: piece.score for piece in pieces if piece.type == NORMAL}
    last: dict[str, tuple[str, str]] = {}
    for text in scores:
        if len(text) > 1:
            parts = _merge(list(text), lambda a, b: scores.get(a + b), 2)
            if len(parts) == 2:
                last[text] = parts[0], parts[1]
    if strange := {letter for text in last for letter in text} - scores.keys():
        raise TokenizerError(f"no piece is the character {min(strange)!r} alone", path=path, expected=EXPECTED)
    ordered: list[tuple[str, str]] = []
    reached = sorted(last, key=lambda text: (-scores[text], -len(text)))
    for _, group in groupby(reached, scores.__getitem__):
        tied = list(group)
        if len(tied) > 1 and not _is_run(tied, last):
            problem = f"the pieces {tied[0]!r} and {tied[1]!r} have the same score"
            raise TokenizerError(problem, value=tied[:9], path=path, expected=EXPECTED)
        ordered += [last[text] for text in tied]
    return ordered


def _is_run(tied: list[str], last: dict[str, tuple[str, str]]) -> bool:
    """Whether these are runs of one character which longest first joins as leftmost first does."""
    letter, longest = tied[0][0], len(tied[0])
    if any(text != letter * len(text) for text in tied) or any(letter * 2 in t for t in last.keys() - set(tied)):
        return False
    ranks = {last[text]: -rank for rank, text in enumerate(tied)}
    runs = [[letter] * length for length in range(2, 3 * longest)]  # the longest one joins nothing: all begins anew
    same = dict.fromkeys(tied, 0)
    return all(_merge(run, lambda a, b: same.get(a + b)) == _merge(run, lambda a, b: ranks.get((a, b))) for run in runs)


def _merge(parts: list[str], value: Callable[[str, str], float | None], stop: int = 1) -> list[str]:
    """Join the neighbours of the highest value, the leftmost of equals, until none has one or `stop` parts are left."""
    parts = parts[:]
    while len(parts) > stop:
        best, at = None, -1
        for i in range(len(parts) - 1):
            found = value(parts[i], parts[i + 1])
            if found is not None and (best is None or found > best):
                best, at = found, i
        if best is None:
            break
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def _entry(data: bytes) -> Entry:
    fields = dict(_fields(data))
    text, score, kind = fields.get(1, b""), fields.get(2, b"\0\0\0\0"), fields.get(3, NORMAL)
    if not (isinstance(text, bytes) and isinstance(score, bytes) and isinstance(kind, int)):
        raise ValueError
    return Entry(text.decode(), struct.unpack("<f", score)[0], kind)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: numbers as int, what has a length or a fixed size as bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind not in (1, 2, 5):
            raise ValueError
        length, at = _varint(data, at) if kind == 2 else ({1: 8, 5: 4}[kind], at)
        if at + length > len(data):
            raise ValueError
        yield key >> 3, data[at : at + length]
        at += length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while data[at] & 0x80:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if shift > 63:
            raise ValueError
    return value | data[at] << shift, at + 1
