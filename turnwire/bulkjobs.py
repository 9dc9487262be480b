"""A job of `turnwire tokenize`: files of conversations to files of token ids, in parts that can be done again.

The input is cut into shards: lines of JSONL by their bytes, row groups of Parquet. A shard becomes one part, written
under another name and then renamed, and after it a record of what it holds: the hash of the bytes it was made from and
the hash of what was written. So a part is there whole or not at all, doing a shard twice gives the same part again,
and what has a record that is still true need not be done. Engines only run `Job` on shards, on as many machines as
they like; of a shard one batch of rows is held at a time. Paths may be URIs that pyarrow knows (s3://, gs://, hdfs://).
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import itertools
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .bulk import Tokenize
from .errors import InputError

PART_BYTES = 32 << 20
CHUNK = 1 << 20
LINES, TABLES = (".jsonl", ".ndjson"), (".parquet",)
STATE = ".turnwire"  # a folder that readers of the output pass over


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
        fs = importlib.import_module("pyarrow.fs")
        self.fs: Any
        self.path: str
        self.fs, self.path = fs.FileSystem.from_uri(path) if "://" in path else (fs.LocalFileSystem(), path)

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


def plan(paths: Sequence[str], part_rows: int, part_bytes: int = PART_BYTES) -> list[Shard]:
    """The shards of the files. Reads them once, at the speed of the disk; empty lines are no rows."""
    out: list[Shard] = []
    for path in paths:
        find = _shards_of_tables if path.endswith(TABLES) else _shards_of_lines
        for values in find(path, part_rows, part_bytes):
            out.append(Shard(len(out), path, *values))
    return out


def _shards_of_lines(path: str, part_rows: int, part_bytes: int) -> Iterator[tuple[int, int, int, int, str]]:
    place = Place(path)
    at = start = rows = 0
    first, sha = 1, hashlib.sha256()
    with place.fs.open_input_stream(place.path) as file:
        for line, text in enumerate(_lines(file), 1):
            at += len(text)
            sha.update(text)
            rows += not text.isspace()
            if rows >= part_rows or at - start >= part_bytes:
                yield start, at, first, rows, sha.hexdigest()
                start, rows, first, sha = at, 0, line + 1, hashlib.sha256()
    if rows:
        yield start, at, first, rows, sha.hexdigest()


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


def _shards_of_tables(path: str, part_rows: int, part_bytes: int) -> Iterator[tuple[int, int, int, int, str]]:
    place = Place(path)
    sha = place.sha256()
    with _table_file(place) as file:
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    start = rows = size = 0
    first = 1
    for n, group in enumerate(groups, 1):
        rows += group.num_rows
        size += group.total_byte_size
        if rows >= part_rows or size >= part_bytes or n == len(groups):
            yield start, n, first, rows, sha
            start, first, rows, size = n, first + rows, 0, 0


def _table_file(place: Place) -> Any:
    return importlib.import_module("pyarrow.parquet").ParquetFile(place.fs.open_input_file(place.path))


# the work on one


@dataclass(frozen=True)
class Job:
    """Does shards: `Job(...)(shard)` writes the part and its record into the folder `out`, and gives the record.

    `form`: "parquet" or "jsonl". `spec`: what the parts depend on besides their rows, as a hash. `stop`: a row that
    fails ends the job: its shard leaves no part, and those that come after it are not done (None is given)."""

    tokenize: Tokenize
    out: str
    form: str
    batch_size: int
    spec: str
    stop: bool = False

    def part(self, number: int) -> str:
        """The name of a part."""
        return f"part-{number:05d}.{self.form}"

    def __call__(self, shard: Shard) -> dict[str, Any] | None:
        place = Place(self.out)
        if self.stop and place.exists(STATE, "stopped.json"):
            return None
        done = self.record(shard, check=True)
        if done is not None:  # an engine may ask again when it has lost the answer
            return done
        name = self.part(shard.number)
        made = f"{STATE}/{name}.{uuid.uuid4().hex}.tmp"
        sums = {"rows": 0, "tokens": 0, "sampled": 0}
        failed: list[tuple[int, str]] = []
        try:
            with _Writer(place, made, self.form, self.tokenize) as writer:
                for batch in _batches(shard, self.tokenize, self.batch_size):
                    out = self.tokenize(batch)
                    _count(out, sums, failed)
                    if failed and self.stop:
                        line, reason = failed[0]
                        place.write({"path": shard.path, "line": line, "reason": reason}, STATE, "stopped.json")
                        return None
                    writer.write(out)
            if sums["rows"] != shard.rows:
                raise InputError(f"{sums['rows']} rows where there were {shard.rows}", path=shard.path,
                                 expected="a file that does not change while it is read")  # fmt: skip
            sha = place.sha256(made)
            place.fs.move(place.of(made), place.of(name))
        finally:
            place.remove(made)
        record = {**shard._asdict(), "spec": self.spec, "part": name, "part_sha256": sha, **sums, "failed": failed}
        place.write(record, STATE, f"{shard.number:05d}.json")
        return record

    def record(self, shard: Shard, check: bool = False) -> dict[str, Any] | None:
        """The record of a shard that is done; with `check`, only if its part still has that hash."""
        place = Place(self.out)
        found: dict[str, Any] | None = place.read(STATE, f"{shard.number:05d}.json")
        wanted = {**shard._asdict(), "spec": self.spec, "part": self.part(shard.number)}
        if found is None or any(found.get(k) != v for k, v in wanted.items()):
            return None
        name = wanted["part"]
        if not place.exists(name) or (check and place.sha256(name) != found["part_sha256"]):
            return None
        return found


def _count(out: Any, sums: dict[str, int], failed: list[tuple[int, str]]) -> None:
    compute = importlib.import_module("pyarrow.compute")
    sums["rows"] += out.num_rows
    for name in ("tokens", "sampled"):
        sums[name] += compute.sum(out[name]).as_py() or 0
    if out["error"].null_count < out.num_rows:
        pairs = zip(out["line"].to_pylist(), out["error"].to_pylist())
        failed += [(line, reason) for line, reason in pairs if reason is not None]


def _batches(shard: Shard, tokenize: Tokenize, size: int) -> Iterator[Any]:
    """Tables of at most `size` rows, with their file and line."""
    pa = importlib.import_module("pyarrow")
    place = Place(shard.path)

    def table(lines: list[int], columns: Mapping[str, Any]) -> Any:
        file = {"file": pa.array([shard.path] * len(lines), pa.string())} if "file" in tokenize.keep else {}
        return pa.table({**file, "line": pa.array(lines, pa.int64()), **columns})

    if tokenize.rows_column is None:
        with _table_file(place) as file:
            groups, names = list(range(shard.start, shard.stop)), file.schema_arrow.names
            wanted = [n for n in names if n in (tokenize.messages_column, tokenize.tools_column or "tools")]
            at = shard.first
            for batch in file.iter_batches(size, row_groups=groups, columns=wanted):
                lines = list(range(at, at + batch.num_rows))
                yield table(lines, dict(zip(wanted, batch.columns)))
                at += batch.num_rows
        return
    with place.fs.open_input_file(place.path) as file:
        file.seek(shard.start)
        numbered = enumerate(_lines(_Upto(file, shard.stop - shard.start)), shard.first)
        rows = ((n, text) for n, text in numbered if not text.isspace())
        while some := list(itertools.islice(rows, size)):
            texts = pa.array([text for _, text in some], pa.binary())
            yield table([n for n, _ in some], {tokenize.rows_column: texts})


class _Upto:
    """The next bytes of a file, as a file."""

    def __init__(self, file: Any, count: int):
        self.file, self.left = file, count

    def read(self, count: int) -> bytes:
        data = self.file.read(min(count, self.left))
        self.left -= len(data)
        return data


class _Writer:
    """Tables to a file, one after the other."""

    def __init__(self, place: Place, name: str, form: str, tokenize: Tokenize):
        self.stream: Any = place.fs.open_output_stream(place.of(name))
        self.file: Any = None
        if form == "parquet":
            pa, pq = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
            given = pa.schema([("file", pa.string()), ("line", pa.int64())])
            self.file = pq.ParquetWriter(self.stream, tokenize.schema(given), compression="zstd")

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.file.close()
        self.stream.close()

    def write(self, table: Any) -> None:
        if self.file is not None:
            self.file.write_table(table)
        else:
            for row in table.to_pylist():
                self.stream.write((json.dumps(row, ensure_ascii=False) + "\n").encode())


# the whole


def settle(job: Job, shards: Sequence[Shard]) -> dict[str, Any]:
    """The sums over all records, written as the manifest of `out`; parts that are of no shard are gone after it.
    Raises `InputError` if a shard is not done."""
    place = Place(job.out)
    sums = {"rows": 0, "tokens": 0, "sampled": 0, "failed": 0}
    failures: list[dict[str, Any]] = []
    for shard in shards:
        record = job.record(shard)
        if record is None:
            raise InputError("not done", value=shard.number, path=job.part(shard.number), expected="--resume")
        for key in ("rows", "tokens", "sampled"):
            sums[key] += record[key]
        sums["failed"] += len(record["failed"])
        room = MOST - len(failures)
        failures += [{"file": shard.path, "line": n, "reason": why} for n, why in record["failed"][:room]]
    ours = {job.part(s.number) for s in shards}
    for name in place.names():
        if name.startswith("part-") and name not in ours:
            place.remove(name)
    kept = {f"{s.number:05d}.json" for s in shards} | {"job.json"}
    for name in place.names(STATE):
        if name not in kept:
            place.remove(STATE, name)
    summary = {**sums, "parts": len(shards), "failures": failures}
    place.write({**summary, "spec": job.spec}, STATE, "manifest.json")
    return summary


MOST = 1000
"""Failed rows that a summary names; the records, and the column `error`, have all of them."""


def join(job: Job, shards: Sequence[Shard], out: str) -> None:
    """All parts as one file, part by part."""
    place, whole = Place(job.out), Place(out)
    made = f"{whole.path}.{uuid.uuid4().hex}.tmp"
    try:
        if job.form == "parquet":
            pa, pq = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
            given = pa.schema([("file", pa.string()), ("line", pa.int64())])
            schema = job.tokenize.schema(given)
            with (
                whole.fs.open_output_stream(made) as stream,
                pq.ParquetWriter(stream, schema, compression="zstd") as writer,
            ):
                for shard in shards:
                    with _table_file(Place(f"{job.out}/{job.part(shard.number)}")) as file:
                        for batch in file.iter_batches(job.batch_size):
                            writer.write_batch(batch)
        else:
            with whole.fs.open_output_stream(made) as stream:
                for shard in shards:
                    with place.fs.open_input_stream(place.of(job.part(shard.number))) as file:
                        while data := file.read(CHUNK):
                            stream.write(data)
        whole.fs.move(made, whole.path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            whole.fs.delete_file(made)
    place.fs.delete_dir(place.path)
