"""The Hugging Face pipeline as a `Tokenizer`: the official one for what it knows, a second one for encoding text.

The second pipeline shares the official one's model, normaliser and pre-tokeniser, and its added tokens are only those
that are not control tokens. So text cannot spell a control token, and on other text the ids are the official ones.
There is one such pipeline per set of control tokens, made on first use. Where an entry of the vocabulary is also a
control token (Gemma, Nemotron), the result is searched for it: text that reaches one is cut behind the first character
of that spelling, and its parts are encoded on their own. Only a spelling of one character raises `LeakyControlToken`.

Nor does it write what the text does not say: where the official pipeline puts a space before text (SentencePiece's
dummy prefix, ByteLevel's add_prefix_space), the second one does not, and pieces keep their spaces. So encoding and
decoding are exact for every text, wherever it stands, and a format whose models saw that space writes it itself.
"""

from __future__ import annotations

import codecs
import json
import threading
from array import array
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .errors import LeakyControlToken, TokenizerError, check_text
from .forks import shared
from .tokenfiles import byte_alphabet

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

Piece: TypeAlias = "str | bytes | None"
"""What an id stands for: text where its bytes are whole UTF-8, bytes where not, None where there is nothing."""

NONE: frozenset[str] = frozenset()


class _Plain(NamedTuple):
    """The pipeline without some control tokens."""

    backend: Backend
    official: dict[int, int]  # its id of a kept added token -> the official one, where they differ
    forbidden: dict[int, str]  # control tokens that are also entries of the vocabulary


class HfTokenizer:
    """A `Tokenizer` over a `tokenizers.Tokenizer` (`backend`, the official pipeline; not to be changed)."""

    __slots__ = (
        *("__weakref__", "_bounds", "_level", "_lock", "_normalizer", "_plains", "_replaced", "_table"),
        *("added", "backend", "name", "specials"),
    )

    def __init__(self, backend: Backend, name: str = "tokenizer"):
        tokens = sorted(backend.get_added_tokens_decoder().items())
        self.name = name
        self.backend = backend
        self.added: Mapping[str, int] = MappingProxyType({token.content: number for number, token in tokens})
        self.specials: Mapping[str, int] = MappingProxyType({t.content: number for number, t in tokens if t.special})
        self._plains: dict[frozenset[str], _Plain] = {}
        self._bounds: dict[Any, Any] = {}  # what `bind` made
        self._table: list[Piece] | None = None
        self.forked()
        shared(self)
        self._level, self._replaced = _decoding(backend, name)
        self._normalizer: Any = _without_prefix(backend.normalizer)
        first = self.encode("a")
        if first and (backend.model.id_to_token(first[0]) or "").startswith(("Ġ", "▁")):
            raise TokenizerError(
                f"tokenizer {name} writes a space before every text in a way that is not known",
                path="tokenizer",
                expected="Prepend, Metaspace or ByteLevel",
            )

    def forked(self) -> None:
        """In a forked child, and at first."""
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __reduce__(self) -> Any:
        return _unpickle, (type(self), self.backend.to_str(), self.name)

    def __copy__(self) -> HfTokenizer:
        return self

    def __deepcopy__(self, memo: object) -> HfTokenizer:
        return self

    @property
    def size(self) -> int:
        return len(self.table)

    @property
    def table(self) -> list[Piece]:
        """The piece of each id; built on first use, not to be changed."""
        if self._table is None:
            with self._lock:
                if self._table is None:
                    self._table = self._pieces()
        return self._table

    @property
    def encoder(self) -> str:
        """What encodes texts."""
        return "tokenizers"

    @property
    def quick(self) -> bool:
        """Whether a text is encoded in less time than it takes to keep its ids and to find them again."""
        return False

    def special(self, text: str) -> int | None:
        return self.added.get(text)

    def piece(self, id: int) -> bytes | None:
        found = self.table[id] if 0 <= id < len(self.table) else None
        return found.encode() if isinstance(found, str) else found

    def encode(self, text: str, control: frozenset[str] = NONE) -> list[int]:
        plain = self._plains.get(control) or self._without(control)
        try:
            if len(text) < 64:
                ids = plain.backend.encode(text, add_special_tokens=False).ids
            else:  # keeps no offsets
                ids = plain.backend.encode_batch_fast([text], add_special_tokens=False)[0].ids
        except (TypeError, UnicodeEncodeError):
            check_text(text, "")
            raise
        return self._official(text, ids, plain) if plain.official or plain.forbidden else ids

    def encode_batch(self, texts: Sequence[str], control: frozenset[str] = NONE) -> list[list[int]]:
        plain = self._plains.get(control) or self._without(control)
        try:
            found = plain.backend.encode_batch_fast(list(texts), add_special_tokens=False)
        except (TypeError, UnicodeEncodeError):
            for i, text in enumerate(texts):
                check_text(text, f"texts[{i}]")
            raise
        return [self._official(text, encoding.ids, plain) for text, encoding in zip(texts, found)]

    def encode_arrays(self, texts: Sequence[str], control: frozenset[str] = NONE) -> list[array[int]]:
        """`encode` of each text, in less room."""
        if len(texts) == 1:
            return [array("I", self.encode(texts[0], control))]
        return [array("I", ids) for ids in self.encode_batch(texts, control)]

    def pipeline(self, control: frozenset[str]) -> Backend:
        """What encodes texts by reference."""
        return (self._plains.get(control) or self._without(control)).backend

    def forbidden(self, control: frozenset[str]) -> frozenset[int]:
        """The control tokens that are entries of the vocabulary too, so that text may reach them."""
        return frozenset((self._plains.get(control) or self._without(control)).forbidden)

    def normalize(self, text: str, control: frozenset[str] = NONE) -> str:
        check_text(text, "")
        if self._normalizer is None and not self._replaced:
            return text
        plain: str = text if self._normalizer is None else self._normalizer.normalize_str(text)
        for old, new in self._replaced:
            plain = plain.replace(old, new)
        if plain == text or not any(
            spelling in text for spelling in self.added.keys() - self.specials.keys() - control
        ):
            return plain
        pieces = [self.piece(number) or b"" for number in self.encode(text, control)]
        return b"".join(pieces).decode("utf-8", "replace")  # what lies between added tokens is normalised by itself

    def _pieces(self) -> list[Piece]:
        model, count = self.backend.model, self.backend.get_vocab_size(with_added_tokens=False)
        spelled: list[str | None] = []
        missing = count
        while missing > 0 and len(spelled) < 1 << 22:  # ids may have holes: go on until every entry was seen
            spelled += map(model.id_to_token, range(len(spelled), len(spelled) + missing))
            missing = count - len(spelled) + spelled.count(None)
        table: list[Piece] = [None] * max([len(spelled), *(number + 1 for number in self.added.values())])
        alphabet, encode = codecs.charmap_build(byte_alphabet()), codecs.charmap_encode
        for number, text in enumerate(spelled):
            if text is None:
                continue
            if not self._level:
                table[number] = self._sentencepiece(text)
                continue
            plain = text.replace("Ġ", " ")
            if plain.isascii():
                table[number] = plain
                continue
            try:
                data = encode(text, "strict", alphabet)[0]
            except UnicodeEncodeError:  # outside the byte alphabet: spelled as it is
                table[number] = text
                continue
            try:
                table[number] = data.decode()
            except UnicodeDecodeError:
                table[number] = data
        for text, number in self.added.items():
            table[number] = text if self._level or text in self.specials else self._sentencepiece(text)
        return table

    def _sentencepiece(self, text: str) -> str | bytes:
        if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
            byte = bytes([int(text[3:5], 16)])
            return byte.decode() if byte.isascii() else byte
        for old, new in self._replaced:
            text = text.replace(old, new)
        return text

    def _without(self, control: frozenset[str]) -> _Plain:
        """The pipeline with the same model and rules, whose only added tokens are neither special nor in `control`."""
        from tokenizers import Tokenizer as Backend

        official = self.backend
        plain = Backend(official.model)  # shares the model
        if self._normalizer is not None:
            plain.normalizer = self._normalizer
        if (splitting := _without_prefix(official.pre_tokenizer)) is not None:
            plain.pre_tokenizer = splitting
        tokens = official.get_added_tokens_decoder()
        kept = {number: t for number, t in sorted(tokens.items()) if not t.special and t.content not in control}
        plain.add_tokens(list(kept.values()))  # pyright: ignore[reportUnknownMemberType]
        moved: dict[int, int] = {}
        for number, token in kept.items():
            given = plain.token_to_id(token.content)
            if given is not None and given != number:
                if official.model.id_to_token(given) is not None:
                    raise TokenizerError(
                        f"the vocabulary of {self.name} has holes: no place for the added token {token.content!r}",
                        value=token.content,
                        path="tokenizer",
                        expected="a vocabulary without holes",
                    )
                moved[given] = number
        reachable = {
            n: t.content for n, t in tokens.items() if n not in kept and official.model.id_to_token(n) is not None
        }
        made = _Plain(plain, moved, reachable)
        with self._lock:
            if len(self._plains) > 64:
                self._plains = {}
            return self._plains.setdefault(control, made)

    def _official(self, text: str, ids: list[int], plain: _Plain) -> list[int]:
        if not plain.forbidden.keys().isdisjoint(ids):
            ids = self._cut(text, plain)
        if plain.official.keys().isdisjoint(ids):
            return ids
        return [plain.official.get(number, number) for number in ids]

    def _cut(self, text: str, plain: _Plain) -> list[int]:
        """The ids of a text that reaches control tokens, cut inside each such spelling until none is reached."""
        ids: list[int] = []
        todo = [text]
        while todo:
            part = todo.pop()
            encoding = plain.backend.encode(part, add_special_tokens=False)
            found = encoding.ids
            leaks = [i for i, number in enumerate(found) if number in plain.forbidden]
            if not leaks:
                ids += found
                continue
            cuts, offsets = [0], encoding.offsets  # a list made anew each time that it is asked for
            for i in leaks:
                start, stop = offsets[i]
                if stop - start < 2:
                    raise leak(plain.forbidden[found[i]], found[i], self.name)
                cuts.append(start + 1)
            todo += reversed([part[start:stop] for start, stop in zip(cuts, [*cuts[1:], len(part)])])
        return ids


def _unpickle(kind: type[HfTokenizer], data: str, name: str) -> HfTokenizer:
    from tokenizers import Tokenizer as Backend

    return kind(Backend.from_str(data), name)


def leak(spelling: str, number: int, name: str) -> LeakyControlToken:
    return LeakyControlToken(
        f"tokenizer {name} encodes the text {spelling!r} to the control token {number}",
        value=spelling,
        expected="a vocabulary that spells control tokens with other tokens",
    )


def _decoding(backend: Backend, name: str) -> tuple[bool, list[tuple[str, str]]]:
    """Whether pieces are byte-level, else what replaces what in them."""
    state: dict[str, Any] = {} if backend.decoder is None else json.loads(backend.decoder.__getstate__())
    steps: list[dict[str, Any]] = state["decoders"] if state.get("type") == "Sequence" else [state]
    kinds = [step.get("type") for step in steps]
    if "ByteLevel" in kinds:
        return True, []
    steps = [step for step in steps if step not in _STRIPS]
    if "ByteFallback" in kinds and {step["type"] for step in steps} <= {"Replace", "ByteFallback", "Fuse"}:
        replaced = [step for step in steps if step["type"] == "Replace"]
        if all("String" in step["pattern"] for step in replaced):
            return False, [(step["pattern"]["String"], step["content"]) for step in replaced]
    raise TokenizerError(
        f"tokenizer {name} decodes by {', '.join(map(str, kinds))}, which is not supported yet",
        expected="byte-level pieces, or byte fallback",
    )


_STRIPS = [{"type": "Strip", "content": " ", "start": start, "stop": 0} for start in (0, 1)]
"""Take the prefix space off again: pieces keep it here."""


def _without_prefix(component: Any) -> Any:
    """A normaliser or pre-tokeniser that does the same but writes no space before the text."""
    if component is None:
        return None
    state = json.loads(component.__getstate__())
    bare = _bare(state)
    if bare == state:
        return component
    if bare is None:
        return None
    from tokenizers import normalizers, pre_tokenizers

    made: Any = normalizers.Sequence([]) if isinstance(component, normalizers.Normalizer) else None
    made = pre_tokenizers.Sequence([]) if made is None else made
    made.__setstate__(json.dumps(bare).encode())
    return made


def _bare(state: dict[str, Any]) -> dict[str, Any] | None:
    kind = state["type"]
    if kind == "Sequence":
        name = "normalizers" if "normalizers" in state else "pretokenizers"
        return {**state, name: [step for step in map(_bare, state[name]) if step is not None]}
    if kind == "Prepend" and state["prepend"] in (" ", "▁"):
        return None
    off: dict[str, Any] = {"prepend_scheme": "never", "add_prefix_space": False}
    return {key: off.get(key, value) for key, value in state.items()}
