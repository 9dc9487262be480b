"""Tokenizers: text to ordinary tokens, ids to text, and control tokens only ever by name.

`Tokenizer.encode` never yields a control token, whatever the text spells: it runs the tokenizer's own pipeline with
the control tokens taken out of it, and raises for one that the vocabulary reaches all the same. `bind` joins a
tokenizer to the control tokens of a format, checks them, and gives the table from id to text that parsers read.
`Detokenizer` decodes by that table as ids arrive, exactly as UTF-8 with replacement would decode all their bytes at
once. Nothing changes after load.
"""

from __future__ import annotations

import codecs
import functools
import threading
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, cast

from .bytecache import ByteCache
from .bytecache import CacheInfo as CacheInfo
from .cuts import FLIP
from .errors import BadId, FormatError, MissingControlToken, OptionError, TokenizerError, nearest
from .forks import shared
from .tokenbackend import NONE, HfTokenizer, Piece, leak

Entry: TypeAlias = "str | bytes | tuple[str] | None"
"""A piece, or the private symbol of a control token in a tuple."""


class Tokenizer(Protocol):
    """What turnwire needs of a tokenizer. Hashable, and safe to use from several threads."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        ...

    @property
    def size(self) -> int:
        """The highest id + 1."""
        ...

    @property
    def specials(self) -> Mapping[str, int]:
        """The added tokens marked special, by spelling."""
        ...

    @property
    def added(self) -> Mapping[str, int]:
        """All added tokens, by spelling."""
        ...

    def special(self, text: str) -> int | None:
        """The id of the added token spelled exactly so."""
        ...

    def piece(self, id: int) -> bytes | None:
        """The bytes that an id stands for; an added token's are its spelling. None for an id without a piece."""
        ...

    def encode(self, text: str, control: frozenset[str] = NONE) -> list[int]:
        """Ordinary tokens: never one marked special, never one spelled as in `control`. Other added tokens stay."""
        ...

    def encode_batch(self, texts: Sequence[str], control: frozenset[str] = NONE) -> list[list[int]]:
        """`encode` of each text."""
        ...

    def normalize(self, text: str, control: frozenset[str] = NONE) -> str:
        """The text that `encode` keeps: what decoding its ids gives back."""
        ...


def load_tokenizer(
    source: object,
    *,
    name: str | None = None,
    pattern: str | None = None,
    specials: Mapping[str, int] | None = None,
    encoder: str | None = None,
) -> Tokenizer:
    """The tokenizer of a tokenizer.json, tekken.json, SentencePiece model, rank file or model folder, or of a
    tokenizers, transformers or tiktoken object.

    Ranks that are not known by their sha256 need `pattern` (the split regex) and usually `specials` (spelling to id).
    `encoder`: "tokenizers" (the default) or "fastokens", which is compared with it on a sample first;
    `Rendered.encoder` names the one that was used.
    """
    if isinstance(source, HfTokenizer):
        made = source
    else:
        from .tokenfiles import read

        found, backend = read(source, pattern=pattern, specials=specials)
        made = HfTokenizer(backend, name or found)
    if encoder is None:
        return made
    from .fastencoder import with_encoder

    return with_encoder(made, encoder)


class _Once:
    """Held while a vocabulary is read, so that threads which start together do not each read it."""

    def __init__(self) -> None:
        self.forked()
        shared(self)

    def forked(self) -> None:
        self.lock = threading.RLock()


_ONCE = _Once()


class Bound:
    """A tokenizer and the control tokens of a format. Made by `bind`."""

    __slots__ = (
        "__weakref__",
        "_table",
        "control",
        "ends",
        "ids",
        "marked",
        "marks",
        "prompts",
        "runs",
        "symbols",
        "tokenizer",
    )

    def __init__(self, tokenizer: Tokenizer, symbols: Mapping[str, str], ids: dict[str, int], limit: int = 32 << 20):
        self.tokenizer = tokenizer
        self.symbols = symbols
        """Symbol by spelling."""
        self.ids = ids
        """Id by symbol."""
        self.ends: Mapping[int, str] = getattr(tokenizer, "marks", {})
        """What `encode_marked` takes for some ids; nothing if the tokenizer has no such thing."""
        self.marks = {symbol: self.ends[number] for symbol, number in ids.items() if number in self.ends}
        """The same for each symbol."""
        self.marked: dict[str, str] = {}
        """Markup with these marks in it, as far as it was met; see `cuts`."""
        self.control = frozenset(symbols)
        self.runs: ByteCache[str, array[int]] = ByteCache(limit)
        """The ids of texts that were encoded, but by an encoder that is quicker than this."""
        self.prompts: ByteCache[Any, Any] = ByteCache(limit)
        """Whole prompts, so that one which goes on from another is not written anew; see `templating.begun`."""
        self._table: list[Entry] | None = None

    def __repr__(self) -> str:
        return f"<Bound {self.tokenizer.name}, {len(self.ids)} control tokens>"

    def __reduce__(self) -> Any:
        return bind, (self.tokenizer, dict(self.symbols))

    @property
    def table(self) -> list[Entry]:
        """By id: text, bytes that are not whole UTF-8, (symbol,), or None. Made when it is first read: a prompt does
        without it."""
        if self._table is None:
            with _ONCE.lock:
                if self._table is None:
                    table: list[Entry] = [*pieces_of(self.tokenizer)]
                    for symbol, number in self.ids.items():
                        table[number] = (symbol,)
                    self._table = table
        return self._table

    def encode(self, text: str) -> list[int]:
        """The ids of `text`, none of them a control token. Texts seen lately are not encoded again."""
        return self.encode_each([text])[0].tolist()

    def encode_each(self, texts: Sequence[str]) -> list[array[int]]:
        """`encode` of each text; those that are not known are encoded at once."""
        if isinstance(self.tokenizer, HfTokenizer) and self.tokenizer.quick:
            return self.tokenizer.encode_arrays(texts, self.control)
        found = self.runs.get_each(texts)
        new = list(dict.fromkeys(text for text, known in zip(texts, found) if known is None))
        if not new:
            return cast("list[array[int]]", found)
        if isinstance(self.tokenizer, HfTokenizer):
            made = dict(zip(new, self.tokenizer.encode_arrays(new, self.control)))
        else:
            encoded = self.tokenizer.encode_batch(new, self.control)
            made = {text: array("I", ids) for text, ids in zip(new, encoded)}
        self.runs.put_each((text, ids, _cost(text, len(ids))) for text, ids in made.items())
        return [made[text] if known is None else known for text, known in zip(texts, found)]

    def encode_marked(self, texts: Sequence[str]) -> list[list[int]] | None:
        """The ids of each text, with `marks` for control tokens; None if that cannot be."""
        encode: Any = getattr(self.tokenizer, "encode_marked", None)
        return None if encode is None else encode(texts, self.control)

    def cache_info(self) -> CacheInfo:
        """Of the runs; `prompts.info()` tells of prompts."""
        return self.runs.info()

    def decode(self, ids: Iterable[int]) -> str:
        """All the text of `ids`, control tokens by their spelling."""
        return Detokenizer(self).whole(ids)


def _cost(text: str, count: int) -> int:
    return text.__sizeof__() + 4 * count + 250


def pieces_of(tokenizer: Tokenizer) -> Sequence[Piece]:
    """By id: text, bytes that are not whole UTF-8, or None."""
    if isinstance(tokenizer, HfTokenizer):
        return tokenizer.table
    with _ONCE.lock:
        return _foreign_table(tokenizer)  # type: ignore[arg-type]  # hashable, as the protocol says


@functools.lru_cache(maxsize=4)
def _foreign_table(tokenizer: Tokenizer) -> list[Piece]:
    table: list[Piece] = []
    for number in range(tokenizer.size):
        piece = tokenizer.piece(number)
        try:
            table.append(None if piece is None else piece.decode())
        except UnicodeDecodeError:
            table.append(piece)
    return table


def check_tokenizer(tokenizer: Any) -> None:
    """Raise `TokenizerError` for what is none, such as a path, or a tokenizer of another library."""
    if not all(hasattr(tokenizer, name) for name in ("special", "piece", "encode", "size")):
        raise TokenizerError(
            f"a {type(tokenizer).__name__} is not a turnwire tokenizer",
            value=tokenizer,
            path="tokenizer",
            expected="what turnwire.load_tokenizer(...) returns",
        )


def bind(tokenizer: Tokenizer, symbols: Mapping[str, str] | frozenset[tuple[str, str]]) -> Bound:
    """Join a tokenizer and a format's control tokens (spelling -> its one-character private symbol, or such pairs).

    Raises `MissingControlToken` where the tokenizer has no such token, `LeakyControlToken` where text can spell one.
    """
    if not isinstance(tokenizer, HfTokenizer):
        check_tokenizer(tokenizer)
        with _ONCE.lock:
            return _bind_foreign(tokenizer, tuple(sorted(dict(symbols).items())))  # type: ignore[arg-type]
    key = symbols if isinstance(symbols, frozenset) else frozenset(symbols.items())
    found = tokenizer._bounds.get(key)  # pyright: ignore[reportPrivateUsage]
    if found is None:
        with tokenizer._lock:  # pyright: ignore[reportPrivateUsage]
            found = tokenizer._bounds.get(key)  # pyright: ignore[reportPrivateUsage]
            if found is None:
                found = tokenizer._bounds[key] = _bind(tokenizer, dict(symbols))  # pyright: ignore[reportPrivateUsage]
    return found


@functools.lru_cache(maxsize=8)
def _bind_foreign(tokenizer: Tokenizer, symbols: tuple[tuple[str, str], ...]) -> Bound:
    return _bind(tokenizer, dict(symbols))


def _bind(tokenizer: Tokenizer, symbols: dict[str, str]) -> Bound:
    ids: dict[str, int] = {}
    for spelling, symbol in symbols.items():
        if len(symbol) != 1 or not "\ud800" <= symbol < FLIP or symbol in ids:
            raise FormatError(
                f"the symbol of {spelling!r} is {symbol!r}", value=symbol, expected="a lone surrogate of its own"
            )
        number = tokenizer.special(spelling)
        if number is None:
            raise MissingControlToken(
                f"tokenizer {tokenizer.name} has no added token {spelling!r}, which the format writes",
                value=spelling,
                path="tokenizer",
                expected="a tokenizer of this format's models",
                near=nearest(spelling, tokenizer.added),
            )
        ids[symbol] = number
    check_leaks(tokenizer, frozenset(symbols))
    return Bound(tokenizer, MappingProxyType(symbols), ids)


def check_leaks(tokenizer: Tokenizer, control: frozenset[str]) -> None:
    """Raise `LeakyControlToken` when the spelling of a control token, alone or inside text, encodes to its id."""
    spellings = sorted(control | tokenizer.specials.keys())
    texts = [form for s in spellings for form in (s, f"a{s}b", f" {s}\n", s + s)]
    for i, ids in enumerate(tokenizer.encode_batch(texts, control)):
        spelling = spellings[i // 4]
        number = tokenizer.special(spelling)
        if number in ids:
            raise leak(spelling, number, tokenizer.name)


class Detokenizer:
    """Text from ids as they arrive. An id without a piece gives no text; bytes that are not UTF-8 give U+FFFD."""

    __slots__ = ("_held", "_table")

    def __init__(self, tokenizer: Tokenizer | Bound):
        self._table = pieces_of(tokenizer.tokenizer if isinstance(tokenizer, Bound) else tokenizer)
        self._held = b""  # the beginning of a character

    def feed(self, ids: Iterable[int]) -> str:
        """The text that is certain so far."""
        ids = ids if isinstance(ids, list) else list(ids)
        table = self._table
        if not self._held:
            try:
                if not ids or min(ids) >= 0:
                    return "".join(map(cast("Callable[[int], str]", table.__getitem__), ids))
            except (TypeError, IndexError):
                pass  # not only whole text
        out: list[str] = []
        held = self._held
        for number in ids:
            entry = _entry(table, number)
            if not entry:
                continue
            if isinstance(entry, bytes):
                text, used = codecs.utf_8_decode(held + entry, "replace", False)
                held = (held + entry)[used:]
                out.append(text)
            elif held:
                out.append(held.decode("utf-8", "replace") + entry)  # nothing can go on with what is held
                held = b""
            else:
                out.append(entry)
        self._held = held
        return "".join(out)

    def close(self) -> str:
        """What an unfinished character leaves: U+FFFD or nothing."""
        held, self._held = self._held, b""
        return held.decode("utf-8", "replace")

    def whole(self, ids: Iterable[int]) -> str:
        """`feed` and `close`."""
        return self.feed(ids) + self.close()


def _entry(table: Sequence[Piece], number: int) -> Piece:
    try:
        if number >= 0:
            return table[number]
    except IndexError:
        return None
    except TypeError:
        pass
    raise BadId(f"the id {number!r}", value=number, expected="an integer that is not negative")


class HasControl(Protocol):
    """A format, as far as `small_tokenizer` cares."""

    @property
    def control(self) -> Iterable[str]:
        """The spellings of its control tokens."""
        ...


def small_tokenizer(fmt: HasControl) -> Tokenizer:
    """The shipped small vocabulary with the control tokens of `fmt` added: for tests and trials, not for a model."""
    if not hasattr(fmt, "control"):
        raise OptionError(f"not a format but {type(fmt).__name__}", value=fmt, path="fmt",
                          expected="a Format, as turnwire.get_format(NAME) gives")  # fmt: skip
    return _small(tuple(sorted(set(fmt.control))))


@functools.lru_cache(maxsize=64)
def _small(control: tuple[str, ...]) -> Tokenizer:
    from tokenizers import AddedToken
    from tokenizers import Tokenizer as Backend

    backend = Backend.from_str((Path(__file__).parent / "data" / "small.json").read_text("utf-8"))
    tokens = [AddedToken(text, special=True, normalized=False) for text in control]
    backend.add_tokens(tokens)  # pyright: ignore[reportUnknownMemberType]
    return HfTokenizer(backend, "small")
