"""The metadata of a GGUF file, without its tensors, and what it says of chats.

`read_header(path, wanted)` walks the key-value pairs of a version 2 or 3 file, little or big endian, and stops where
the tensors begin. It keeps the wanted numbers and texts; of an array it keeps where it is, so that `Header.texts` and
`Header.numbers` can read of it what is asked for. Arrays of numbers are jumped over; strings have to be walked, since
each says how long it is. Every length is checked against the file before it is believed, and how much is walked is
bounded: a file that is no GGUF, or a damaged or hostile one, is a `TemplateFileError` with the byte and what is there.

`chat(header)` gives the templates (`tokenizer.chat_template`, `tokenizer.chat_template.NAME`) and the special tokens
that transformers gives to a template from such a file, spelled by the vocabulary.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias

from .errors import TemplateFileError

MAGIC = b"GGUF"
VERSIONS = (2, 3)
WINDOW = 1 << 16  # bytes that are read at once
PAIRS = 1 << 16  # key-value pairs of a file
KEY = (1 << 16) - 1  # bytes of a key, as the specification says
TEXT = 1 << 24  # bytes of a text that is kept
STRINGS = 1 << 23  # in the arrays of a file; the largest vocabularies have half a million, and as many merges
ARRAYS = 1 << 16  # in the arrays of a file
WALKED = 1 << 28  # bytes of strings in arrays
NESTED = 4  # arrays in arrays
STRIDE = 1024  # strings between two whose place is remembered
STRING, ARRAY = 8, 9
NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
EXPECTED = "a GGUF file of version 2 or 3"
TEMPLATE = "tokenizer.chat_template"
TOKENS = "tokenizer.ggml.tokens"
IDS = {"bos_token": "bos", "eos_token": "eos", "unk_token": "unknown", "pad_token": "padding"}
KINDS = (3, 4)  # of a token: control, and defined by the user
NOTES = ("general.architecture", "general.name", "tokenizer.ggml.model", "tokenizer.ggml.pre")

Scalar: TypeAlias = "int | float | bool | str"


class Array(NamedTuple):
    """Where an array is: the type and number of its items, the first one's byte, and that of each `STRIDE`th string."""

    type: int
    items: int
    at: int
    marks: tuple[int, ...] = ()


class Chat(NamedTuple):
    """Of a header: templates by name, "default" the plain one; the variables of a template; for each of both the key
    that it is from; what else is said of tokens; and ids of special tokens that the vocabulary does not have."""

    templates: dict[str, str]
    variables: dict[str, str]
    where: dict[str, str]
    notes: dict[str, Scalar]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself: `values` are what was wanted, `arrays` all arrays; `read` bytes were read for it."""

    path: str
    version: int
    order: str
    values: dict[str, Scalar]
    arrays: dict[str, Array]
    keys: tuple[str, ...]
    read: int

    def texts(self, key: str, indexes: Iterable[int] | None = None) -> dict[int, str]:
        """The items of an array of strings by their index, all if none are named; an index beyond it is left out."""
        array = self.arrays.get(key)
        if array is None or array.type != STRING:
            return {}
        found: dict[int, str] = {}
        with open(self.path, "rb") as file:
            walk = _Walk(file, self.path, self.order)
            last = -1
            for index in sorted(set(range(array.items) if indexes is None else indexes)):
                if not 0 <= index < array.items:
                    continue
                if last < 0 or index // STRIDE != last // STRIDE:
                    last = index - index % STRIDE
                    walk.at = array.marks[index // STRIDE]
                for _ in range(index - last):
                    walk.skip(walk.number("Q", "the length of a string"))
                found[index] = walk.take(walk.length("a string", TEXT), "a string").decode("utf-8", "replace")
                last = index + 1
        return found

    def numbers(self, key: str) -> tuple[int | float | bool, ...]:
        """The items of an array of numbers, of at most `STRINGS`."""
        array = self.arrays.get(key)
        if array is None or array.type not in NUMBERS or array.items > STRINGS:
            return ()
        code = NUMBERS[array.type]
        with open(self.path, "rb") as file:
            walk = _Walk(file, self.path, self.order)
            walk.at = array.at
            data = walk.take(array.items * struct.calcsize("=" + code), "an array")
        return struct.unpack(f"{self.order}{array.items}{code}", data)


def read_header(path: str | Path, wanted: Callable[[str], bool] = lambda key: True) -> Header:
    """The metadata of a file. Raises `TemplateFileError` for what is no GGUF, or is damaged, `OSError` if it cannot be
    opened."""
    with open(path, "rb") as file:
        walk = _Walk(file, str(path), "<")
        magic = walk.take(min(4, walk.size), "the magic number")
        if magic != MAGIC:
            raise walk.bad(f"it begins with {magic!r}, not with {MAGIC!r}", 0)
        version = walk.number("I", "the version")
        if version and version & 0xFFFF == 0:
            walk.order, version = ">", int.from_bytes(version.to_bytes(4, "little"), "big")
        if version not in VERSIONS:
            raise walk.bad(f"it is of version {version}", 4)
        walk.number("Q", "the number of tensors")
        at = walk.at
        pairs = walk.number("Q", "the number of keys")
        if pairs > min(PAIRS, walk.left // 13):
            raise walk.bad(f"{pairs:,} keys, and {walk.left:,} bytes are left for them", at)
        values: dict[str, Scalar] = {}
        arrays: dict[str, Array] = {}
        keys: dict[str, None] = {}
        for _ in range(pairs):
            at = walk.at
            key = walk.text("a key", KEY)
            if key in keys:
                raise walk.bad(f"the key {key!r} a second time", at)
            keys[key] = None
            kind = walk.number("I", f"the type of {key!r}")
            if kind == ARRAY:
                arrays[key] = walk.array(key, 1)
            elif kind == STRING and not wanted(key):
                walk.skip(walk.number("Q", "the length of a text"))
            elif kind == STRING:
                values[key] = walk.text(f"the text of {key!r}", TEXT)
            elif kind in NUMBERS:
                value = walk.number(NUMBERS[kind], f"the value of {key!r}")
                if wanted(key):
                    values[key] = value
            else:
                raise walk.bad(f"the type {kind} of {key!r}", walk.at - 4)
        return Header(str(path), version, walk.order, values, arrays, tuple(keys), walk.read)


def for_chats(key: str) -> bool:
    """What `chat` wants of a header."""
    return key.startswith(("tokenizer.", "general.", "split."))


def chat(header: Header) -> Chat:
    """See the head of this file."""
    values = header.values
    texts = {k[len(TEMPLATE) + 1 :] or "default": k for k in values if k == TEMPLATE or k.startswith(TEMPLATE + ".")}
    where = {name: key for name, key in texts.items() if isinstance(values[key], str)}
    templates = {name: str(values[key]) for name, key in where.items()}
    ids: dict[str, int] = {}
    for key, value in values.items():
        if key.startswith("tokenizer.ggml.") and key.endswith("_token_id") and isinstance(value, int):
            ids[key.removeprefix("tokenizer.ggml.").removesuffix("_token_id")] = value
    spelled = header.texts(TOKENS, ids.values())
    variables = {name: spelled[ids[key]] for name, key in IDS.items() if ids.get(key) in spelled}
    where |= {name: f"tokenizer.ggml.{IDS[name]}_token_id" for name in variables}
    notes: dict[str, Scalar] = {f"{key}_token": spelled[i] for key, i in ids.items() if i in spelled}
    notes |= {key: values[key] for key in NOTES if key in values}
    notes |= {k.rpartition(".")[2]: v for k, v in values.items() if k.startswith("tokenizer.ggml.add_")}
    problems = tuple(f"{key}_token_id {i} is no token's" for key, i in ids.items() if i not in spelled)
    return Chat(templates, variables, where, notes, problems)


def special_tokens(header: Header) -> set[str]:
    """The tokens of the vocabulary that are not counted as text."""
    kinds = header.numbers("tokenizer.ggml.token_type")
    return set(header.texts(TOKENS, [i for i, kind in enumerate(kinds) if kind in KINDS]).values())


class _Walk:
    """A place in a file. Each step checks that the file is long enough for it."""

    def __init__(self, file: IO[bytes], path: str, order: str):
        status = os.fstat(file.fileno())
        self.file, self.path, self.order = file, path, order
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        self.at = self.read = self.walked = 0
        self.free = {STRING: STRINGS, ARRAY: ARRAYS}
        self.window, self.start = b"", 0

    @property
    def left(self) -> int:
        return self.size - self.at

    def bad(self, found: str, at: int | None = None) -> TemplateFileError:
        at = self.at if at is None else at
        return TemplateFileError(f"at byte {at:,}: {found}", value=at, path=self.path, expected=EXPECTED)

    def need(self, size: int, what: str) -> int:
        """Where in the window the next `size` bytes are, which are read unless they are there."""
        place = self.at - self.start
        if place >= 0 and place + size <= len(self.window):
            return place
        if size > self.left:
            raise self.bad(f"{what} needs {size:,} bytes, and the file ends after {max(0, self.left):,}")
        self.file.seek(self.at)
        self.window, self.start = self.file.read(max(size, WINDOW)), self.at
        self.read += len(self.window)
        if len(self.window) < size:
            raise self.bad(f"{what}: the file became shorter while it was read")
        return 0

    def number(self, code: str, what: str) -> int:
        layout = struct.Struct(self.order + code)
        place = self.need(layout.size, what)
        (value,) = layout.unpack_from(self.window, place)
        self.at += layout.size
        return value

    def take(self, size: int, what: str) -> bytes:
        place = self.need(size, what)
        self.at += size
        return self.window[place : place + size]

    def skip(self, size: int, what: str = "a text") -> None:
        if size > self.left:
            raise self.bad(f"{what} of {size:,} bytes, and {self.left:,} bytes are left")
        self.at += size

    def length(self, what: str, most: int) -> int:
        at = self.at
        size = self.number("Q", f"the length of {what}")
        if size > min(most, self.left):
            limit = f"{self.left:,} bytes are left" if size > self.left else f"more than {most:,} are not read"
            raise self.bad(f"{what} of {size:,} bytes, and {limit}", at)
        return size

    def text(self, what: str, most: int) -> str:
        size = self.length(what, most)
        at = self.at
        try:
            return self.take(size, what).decode()
        except UnicodeDecodeError as e:
            raise self.bad(f"{what} is not UTF-8", at + e.start) from None

    def array(self, key: str, depth: int) -> Array:
        at = self.at
        kind, count = self.number("I", f"the type of {key!r}"), self.number("Q", f"the length of {key!r}")
        first = self.at
        if kind in NUMBERS:
            self.skip(count * struct.calcsize("=" + NUMBERS[kind]), f"{count:,} numbers of {key!r}")
            return Array(kind, count, first)
        if kind not in (STRING, ARRAY):
            raise self.bad(f"the type {kind} of the items of {key!r}", at)
        self.free[kind] -= count
        if self.free[kind] < 0 or count * (8 if kind == STRING else 12) > self.left:
            raise self.bad(f"{count:,} items of {key!r}, and {self.left:,} bytes are left", at + 4)
        if kind == STRING:
            return Array(kind, count, first, self.strings(key, count))
        if depth == NESTED:
            raise self.bad(f"arrays nested deeper than {NESTED} in {key!r}", at)
        for _ in range(count):
            self.array(key, depth + 1)
        return Array(kind, count, first)

    def strings(self, key: str, count: int) -> tuple[int, ...]:
        """Walks over strings; returns the places of some. The one loop that is long in a sound file."""
        unpack = struct.Struct(self.order + "Q").unpack_from
        marks: list[int] = []
        begin = self.at
        place = self.need(8, key) if count else 0
        start, last = self.start, len(self.window) - 8
        for n in range(count):
            if not n % STRIDE:
                marks.append(start + place)
            if place > last:
                self.at = start + place
                if self.at > self.size:
                    raise self.bad(f"string {n - 1:,} of {key!r} ends here, and the file has {self.size:,} bytes")
                self.bounded(key, begin)
                place = self.need(8, f"the length of string {n:,} of {key!r}")
                start, last = self.start, len(self.window) - 8
            place += 8 + unpack(self.window, place)[0]
        self.at = start + place if count else self.at
        if self.left < 0:
            raise self.bad(f"the last string of {key!r} ends here, and the file has {self.size:,} bytes")
        self.bounded(key, begin)
        self.walked += self.at - begin
        return tuple(marks)

    def bounded(self, key: str, begin: int) -> None:
        if self.at > begin + WALKED - self.walked:
            raise self.bad(f"the strings to {key!r} are longer than {WALKED:,} bytes together", begin)
