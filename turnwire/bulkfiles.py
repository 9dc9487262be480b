"""The files of a job in bulk: where they are, the shards that the input is cut into, and the rows of a shard.

A shard is lines of JSONL by their bytes, row groups of Parquet, or a compressed file of lines as a whole, since nobody
can begin in its middle. Rows are read as they are asked for: at most a batch is held, of so many rows or bytes.
Paths may be URIs that pyarrow knows (s3://, gs://, hdfs://).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .bulk import Tokenize
from .errors import InputError, nearest

PART_BYTES = 32 << 20
BATCH_BYTES = 4 << 20
CHUNK = 1 << 20
PACKED = (".gz", ".bz2", ".zst", ".lz4")
LINES, TABLES = (".jsonl", ".ndjson"), (".parquet",)
LINES_IN = (*LINES, *(kind + packed for kind in LINES for packed in PACKED))


class Shard(NamedTuple):
    """Rows of a file: its bytes, or row groups, from `start` to `stop`. `first`: the line, or row, of the first, from
    1. `sha256`: of the bytes of the lines, or of the whole Parquet file."""

    number: int
    path: str
    start: int
    stop: int
    first: int
    rows: int
    sha256: str


class Place:
    """A path and the file system that it is in."""

    def __init__(self, path: str):
        pa, fs = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.fs")
        self.fs: Any
        self.path: str
        try:
            self.fs, self.path = fs.FileSystem.from_uri(path) if "://" in path else (fs.LocalFileSystem(), path)
        except pa.ArrowInvalid as e:
            raise InputError(
                f"no place: {e}", path=path, expected="a path, or s3://, gs://, hdfs:// or file://"
            ) from None

    def of(self, *names: str) -> str:
        """A path below."""
        return "/".join((self.path.rstrip("/"), *names))

    def exists(self, *names: str) -> bool:
        """Whether something is there."""
        return self.fs.get_file_info(self.of(*names) if names else self.path).type.name != "NotFound"

    def names(self, *folder: str) -> list[str]:
        """What is in a folder, sorted."""
        fs = importlib.import_module("pyarrow.fs")
        chosen = fs.FileSelector(self.of(*folder), allow_not_found=True)
        return sorted(info.base_name for info in self.fs.get_file_info(chosen))

    def read(self, *names: str) -> Any:
        """A JSON file, None if there is none."""
        try:
            with self.fs.open_input_file(self.of(*names)) as file:
                return json.loads(file.read())
        except (FileNotFoundError, ValueError):
            return None

    def write(self, value: Any, *names: str) -> None:
        """A JSON file, whole or not at all."""
        made = f"{self.of(*names)}.{uuid.uuid4().hex}.tmp"
        with self.fs.open_output_stream(made) as file:
            file.write(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))
        self.fs.move(made, self.of(*names))

    def remove(self, *names: str) -> None:
        """A file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.delete_file(self.of(*names))

    def sha256(self, *names: str) -> str:
        """Of a file."""
        sha = hashlib.sha256()
        with self.fs.open_input_stream(self.of(*names) if names else self.path) as file:
            while data := file.read(CHUNK):
                sha.update(data)
        return sha.hexdigest()


# shards


def plan(paths: Sequence[str], work: Tokenize, part_rows: int, part_bytes: int = PART_BYTES) -> list[Shard]:
    """The shards of the files. Reads them once, at the speed of the disk; empty lines are no rows. Raises `InputError`
    for a file that is not what its name says, or has not the columns."""
    out: list[Shard] = []
    for path in paths:
        if path.endswith(TABLES):
            found = _shards_of_tables(path, work, part_rows, part_bytes)
        else:
            found = _shards_of_lines(path, part_rows, part_bytes)
        out += (Shard(n, path, *values) for n, values in enumerate(found, len(out)))
    return out


def _shards_of_lines(path: str, part_rows: int, part_bytes: int) -> Iterator[tuple[int, int, int, int, str]]:
    whole = path.endswith(PACKED)
    at = start = rows = 0
    first, sha = 1, hashlib.sha256()
    with _open_lines(path) as file:
        for line, text in enumerate(_lines(file), 1):
            at += len(text)
            sha.update(text)
            rows += not text.isspace()
            if not whole and (rows >= part_rows or at - start >= part_bytes):
                yield start, at, first, rows, sha.hexdigest()
                start, rows, first, sha = at, 0, line + 1, hashlib.sha256()
    if rows:
        yield start, at, first, rows, sha.hexdigest()


@contextlib.contextmanager
def _open_lines(path: str, start: int = 0) -> Generator[Any]:
    place = Place(path)
    try:
        # what the bytes are is in the name: a compressed file is unpacked as it is read
        with place.fs.open_input_file(place.path) if start else place.fs.open_input_stream(place.path) as file:
            if start:
                file.seek(start)
            yield file
    except OSError as e:
        if path.endswith(PACKED) and e.errno is None:  # of the codec, not of the disk
            raise InputError(f"cannot be unpacked: {e}", path=path, expected="a whole file") from None
        raise


def _lines(file: Any) -> Iterator[bytes]:
    """With their line ends."""
    held: list[bytes] = []
    while data := file.read(CHUNK):
        *whole, last = data.split(b"\n")
        for text in whole:
            yield b"".join((*held, text, b"\n"))
            held = []
        held.append(last)
    if text := b"".join(held):
        yield text


def _shards_of_tables(
    path: str, work: Tokenize, part_rows: int, part_bytes: int
) -> Iterator[tuple[int, int, int, int, str]]:
    place = Place(path)
    with open_table(place) as file:
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        names: list[str] = file.schema_arrow.names
    for name in (work.messages_column, *([work.tools_column] if work.tools_column else [])):
        if name not in names:
            raise InputError(f"no column {name!r}", value=name, path=path, expected="one of " + ", ".join(names),
                             near=nearest(name, names))  # fmt: skip
    sha = place.sha256()
    start = rows = size = 0
    first = 1
    for n, group in enumerate(groups, 1):
        rows += group.num_rows
        size += group.total_byte_size
        if rows >= part_rows or size >= part_bytes or n == len(groups):
            yield start, n, first, rows, sha
            start, first, rows, size = n, first + rows, 0, 0


def open_table(place: Place) -> Any:
    """A Parquet file, whose column chunks are read piece by piece."""
    pa, pq = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    try:
        return pq.ParquetFile(place.fs.open_input_file(place.path), buffer_size=CHUNK)
    except pa.ArrowInvalid as e:
        raise InputError(f"not Parquet: {e}", path=place.path, expected="a Parquet file") from None


def batches(shard: Shard, tokenize: Tokenize, size: int) -> Iterator[Any]:
    """Tables of at most `size` rows, with their file and line; of fewer where they are long."""
    pa = importlib.import_module("pyarrow")

    def table(lines: Sequence[int], columns: Mapping[str, Any]) -> Any:
        file = {"file": pa.array([shard.path] * len(lines), pa.string())} if "file" in tokenize.keep else {}
        return pa.table({**file, "line": pa.array(lines, pa.int64()), **columns})

    if tokenize.rows_column is None:
        with open_table(Place(shard.path)) as file:
            groups, names = list(range(shard.start, shard.stop)), file.schema_arrow.names
            wanted = [n for n in names if n in (tokenize.messages_column, tokenize.tools_column or "tools")]
            at = shard.first
            for batch in file.iter_batches(size, row_groups=groups, columns=wanted):
                step = max(1, batch.num_rows * BATCH_BYTES // max(batch.nbytes, BATCH_BYTES))
                for start in range(0, batch.num_rows, step):
                    some = batch.slice(start, step)
                    yield table(range(at, at + some.num_rows), dict(zip(wanted, some.columns)))
                    at += some.num_rows
        return
    with _open_lines(shard.path, shard.start) as file:
        part = _Part(file, shard.stop - shard.start)
        texts: list[bytes] = []
        lines: list[int] = []
        held = 0
        for line, text in enumerate(_lines(part), shard.first):
            if text.isspace():
                continue
            if texts and (len(texts) == size or held + len(text) > BATCH_BYTES):
                yield table(lines, {tokenize.rows_column: pa.array(texts, pa.binary())})
                texts, lines, held = [], [], 0
            texts.append(text)
            lines.append(line)
            held += len(text)
        if texts:
            yield table(lines, {tokenize.rows_column: pa.array(texts, pa.binary())})
    if part.sha.hexdigest() != shard.sha256:
        raise InputError("changed while it was read", path=shard.path, expected="a file that does not change")


class _Part:
    """The next bytes of a file, as a file, and their hash."""

    def __init__(self, file: Any, count: int):
        self.file, self.left, self.sha = file, count, hashlib.sha256()

    def read(self, count: int) -> bytes:
        data = self.file.read(min(count, self.left))
        self.left -= len(data)
        self.sha.update(data)
        return data
