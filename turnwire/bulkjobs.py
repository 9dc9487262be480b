"""A job of `turnwire tokenize`: files of conversations to files of token ids, in parts that can be done again.

A shard of the input (`bulkfiles`) becomes one part, written under another name and then renamed, and after it a record
of what it holds: the hash of the bytes it was made from and the hash of what was written. So a part is there whole or
not at all, doing a shard twice gives the same part again, and what has a record that is still true need not be done.
Engines only run `Job` on shards, on as many machines as they like; of a shard one batch of rows is held at a time.
"""

from __future__ import annotations

import importlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .bulk import Tokenize
from .bulkfiles import CHUNK, Place, Shard, batches, open_table
from .errors import InputError

STATE = ".turnwire"  # a folder that readers of the output pass over


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
                for batch in batches(shard, self.tokenize, self.batch_size):
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
    place = Place(job.out)
    made = place.of(STATE, "whole.tmp")  # which `settle` takes away, should this end here
    try:
        if job.form == "parquet":
            pa, pq = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
            given = pa.schema([("file", pa.string()), ("line", pa.int64())])
            schema = job.tokenize.schema(given)
            with (
                place.fs.open_output_stream(made) as stream,
                pq.ParquetWriter(stream, schema, compression="zstd") as writer,
            ):
                for shard in shards:
                    with open_table(Place(f"{job.out}/{job.part(shard.number)}")) as file:
                        for batch in file.iter_batches(job.batch_size):
                            writer.write_batch(batch)
        else:
            with place.fs.open_output_stream(made) as stream:
                for shard in shards:
                    with place.fs.open_input_stream(place.of(job.part(shard.number))) as file:
                        while data := file.read(CHUNK):
                            stream.write(data)
        place.fs.move(made, Place(out).path)
    finally:
        place.remove(STATE, "whole.tmp")
    place.fs.delete_dir(place.path)
