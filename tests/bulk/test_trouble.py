"""`turnwire tokenize` where something is wrong: the input, the disk, a worker, the whole process. Nothing is lost.

TURNWIRE_BULK=1 (`make bulk`) runs all of it; without, what is quick."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests.bulk import data
from tests.bulk.test_command import ROOT, USUAL, parts, run, start, wanted
from turnwire import bulkfiles, bulkjobs
from turnwire.bulk import Tokenize
from turnwire.errors import InputError

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
pytest.importorskip("datasets", reason="datasets is not installed")

BULK = pytest.mark.skipif(not os.environ.get("TURNWIRE_BULK"), reason="set TURNWIRE_BULK=1: starts many processes")
PROC = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def table(folder: Path) -> Any:
    return pa.concat_tables([pq.read_table(p) for p in sorted(folder.glob("part-*"))])


# input


@pytest.mark.parametrize("kind", ["gz", "bz2", "zst", "lz4"])
def test_compressed_lines(kind: str, tmp_path: Path) -> None:
    lines = [*data.lines(30), "no JSON\n"]
    path = tmp_path / f"d.jsonl.{kind}"
    with path.open("wb") as whole:
        for some in (lines[:9], lines[9:]):  # as `cat a.gz b.gz` makes it
            packed = pa.BufferOutputStream()
            with pa.CompressedOutputStream(packed, {"gz": "gzip", "zst": "zstd"}.get(kind, kind)) as file:
                file.write("".join(some).encode())
            whole.write(packed.getvalue())
    code, out, err = run(path, "-o", tmp_path / "out", *USUAL, "--part-rows", 10, "--batch-size", 7)
    assert (code, err) == (1, "") and f"{path}:31: InputError: row: not JSON" in out, "a file is one part"
    got = table(tmp_path / "out")
    assert got["input_ids"].to_pylist() == [*wanted(30), None] and got["line"].to_pylist() == list(range(1, 32))


def test_a_compressed_file_that_ends_too_soon(tmp_path: Path) -> None:
    whole = gzip.compress("".join(data.lines(300)).encode())
    for name, text in (("short", whole[: len(whole) // 2]), ("other", b"plain text\n")):
        (tmp_path / f"{name}.jsonl.gz").write_bytes(text)
        code, out, err = run(tmp_path / f"{name}.jsonl.gz", "-o", tmp_path / "out", *USUAL)
        assert (code, out) == (2, "") and f"{name}.jsonl.gz: cannot be unpacked" in err and err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_file_that_begins_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text("".join(data.lines(3)), "utf-8-sig")
    assert run(tmp_path / "d.jsonl", "-o", tmp_path / "out", *USUAL)[0] == 0
    assert table(tmp_path / "out")["input_ids"].to_pylist() == wanted(3)


@pytest.mark.parametrize("out", ["out", "out.parquet", "out.jsonl"])
def test_no_rows(out: str, tmp_path: Path) -> None:
    for name in ("d.jsonl", "e.jsonl"):
        (tmp_path / name).write_text("\n \n" if name == "e.jsonl" else "")
    code, said, err = run(tmp_path / "d.jsonl", tmp_path / "e.jsonl", "-o", tmp_path / out, *USUAL)
    assert (code, err) == (0, "") and said.startswith("0 rows")
    if out == "out.parquet":
        assert pq.read_table(tmp_path / out).column_names[:3] == ["file", "line", "input_ids"]
    if out == "out.jsonl":
        assert (tmp_path / out).read_text() == ""


def test_files_with_other_columns(tmp_path: Path) -> None:
    """Each file has its own types: structs with tools, JSON text without; and lines of many shapes."""
    rows = data.rows(20)
    a = {"n": range(10), "messages": [r["messages"] for r in rows[:10]], "tools": [r.get("tools") for r in rows[:10]]}
    pq.write_table(pa.table(a), tmp_path / "a.parquet")
    plain = [{"messages": r["messages"]} for r in rows[10:]]
    pq.write_table(pa.table({"messages": [json.dumps(r["messages"]) for r in plain]}), tmp_path / "b.parquet")
    assert run(tmp_path / "a.parquet", tmp_path / "b.parquet", "-o", tmp_path / "tables", *USUAL)[0] == 0
    shapes = [
        *rows[:10],
        *(r["messages"] if n % 2 else {"id": n, "messages": json.dumps(r["messages"])} for n, r in enumerate(plain)),
    ]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(r) + "\n" for r in shapes))
    assert run(tmp_path / "c.jsonl", "-o", tmp_path / "lines", *USUAL)[0] == 0
    fmt = turnwire.get_format("qwen3")
    tok = turnwire.small_tokenizer(fmt)
    ids = [fmt.render(r["messages"], r.get("tools"), tok).ids for r in [*rows[:10], *plain]]
    assert (
        table(tmp_path / "tables")["input_ids"].to_pylist() == ids == table(tmp_path / "lines")["input_ids"].to_pylist()
    )


def test_files_that_cannot_be_read_are_said_before_the_work(tmp_path: Path) -> None:
    pq.write_table(pa.table({"messages": ["[]"]}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"mesages": ["[]"]}), tmp_path / "b.parquet")
    (tmp_path / "c.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-9])
    (tmp_path / "d.parquet").write_bytes(b"")
    for name, said in (
        ("b", "b.parquet: no column 'messages'; expected one of mesages; did you mean 'mesages'?"),
        ("c", "c.parquet: not Parquet"),
        ("d", "d.parquet: not Parquet"),
    ):
        code, out, err = run(tmp_path / "a.parquet", tmp_path / f"{name}.parquet", "-o", tmp_path / "out", *USUAL)
        assert (code, out) == (2, "") and said in err and err.count("\n") == 1, err
    code, _, err = run(tmp_path / "a.parquet", "-o", tmp_path / "out", *USUAL, "--tools-column", "tool")
    assert code == 2 and "no column 'tool'" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_row_of_ten_megabytes(kind: str, tmp_path: Path) -> None:
    """It is a batch of its own, or with a few: how many rows are held falls with their length."""
    text = "rain in oslo " * 900_000
    messages = [[{"role": "user", "content": t}, {"role": "assistant", "content": "Yes."}] for t in ("a", text, *"bcd")]
    path = tmp_path / f"d.{kind}"
    if kind == "jsonl":
        path.write_text("".join(json.dumps(m) + "\n" for m in messages))
        assert path.stat().st_size > 10 << 20
    else:
        pq.write_table(pa.table({"messages": [json.dumps(m) for m in messages]}), path)
    work = Tokenize("qwen3", rows_column="row" if kind == "jsonl" else None, keep=("line",))
    (shard,) = bulkfiles.plan([str(path)], work, 1000)
    sizes = [b.num_rows for b in bulkfiles.batches(shard, work, 1000)]
    assert sum(sizes) == 5 and len(sizes) >= 3
    if not os.environ.get("TURNWIRE_BULK"):
        return
    assert run(path, "-o", tmp_path / "out", *USUAL)[0] == 0
    fmt = turnwire.get_format("qwen3")
    got = table(tmp_path / "out")
    out = fmt.render(messages[1], None, turnwire.small_tokenizer(fmt))
    assert got["input_ids"][1].as_py() == out.ids and len(out.ids) > 3_000_000
    assert got["line"].to_pylist() == [1, 2, 3, 4, 5] and got["sampled"].to_pylist() == [sum(out.mask("sampled"))] * 5


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    source = data.write(tmp_path / "d.jsonl", 20)
    work = Tokenize("qwen3", rows_column="row", keep=("line",))
    (shard,) = bulkfiles.plan([str(source)], work, 1000)
    (tmp_path / "out" / bulkjobs.STATE).mkdir(parents=True)
    job = bulkjobs.Job(work, str(tmp_path / "out"), "parquet", 1000, "spec")
    source.write_bytes(source.read_bytes().replace(b"rain", b"snow"))
    with pytest.raises(InputError, match="changed while it was read"):
        job(shard)
    assert not list((tmp_path / "out").glob("part-*")) and not list((tmp_path / "out" / bulkjobs.STATE).iterdir())


def test_output_that_is_no_output(tmp_path: Path) -> None:
    source = data.write(tmp_path / "d.jsonl", 2)
    for name in ("out.csv", "out.json", "out.jsonl.gz"):
        code, _, err = run(source, "-o", tmp_path / name, *USUAL)
        assert code == 2 and "expected a file.parquet, a file.jsonl, or a folder" in err
    (tmp_path / "file").write_text("x")
    assert run(source, "-o", tmp_path / "file", *USUAL)[0] == 2
    assert run(source, "-o", tmp_path / "file" / "out", *USUAL)[0] == 2
    assert (tmp_path / "file").read_text() == "x"


def test_nobody_answers_for_the_cluster(tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 'turnwire[ray]'")
    source = data.write(tmp_path / "d.jsonl", 2)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    began = time.monotonic()
    args = (source, "-o", tmp_path / "out", *USUAL, "--engine", "ray", "--address", f"127.0.0.1:{port}")
    code, _, err = run(*args)
    assert code == 2 and f"127.0.0.1:{port}: nothing answers there" in err and time.monotonic() - began < 20
    assert not (tmp_path / "out").exists()


# disk and processes


@BULK
@pytest.mark.parametrize("workers", [1, 2])
def test_the_disk_is_full_half_way(workers: int, tmp_path: Path) -> None:
    """A limit on the size of files stands for it: writes fail in the same way."""
    pytest.importorskip("resource", reason="no limits here")
    rows = data.rows(40)
    long = {"role": "assistant", "content": " ".join(f"{n}" for n in range(20_000))}
    values = [{**r, "messages": [*r["messages"], *([long] if n in (25, 27) else [])]} for n, r in enumerate(rows)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(v) + "\n" for v in values))
    args = [tmp_path / "d.jsonl", *USUAL, "--part-rows", 5, "--workers", workers]
    assert run(*args, "-o", tmp_path / "whole")[0] == 0
    code = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (40000, 40000)); from turnwire import cli; "
    command = [sys.executable, "-c", code + "sys.exit(cli.main(sys.argv[1:]))", "tokenize"]
    sizes = [p.stat().st_size for p in (tmp_path / "whole").glob("part-*")]
    assert max(sizes) > 40_000 > sorted(sizes)[-2], "one part is too long"
    out = [*map(str, args), "-o", str(tmp_path / "out")]
    done = subprocess.run([*command, *out], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 2 and "what was done is kept: --resume goes on" in done.stderr, done.stderr
    assert done.stderr.count("\n") == 1 and "File too large" in done.stderr
    kept = parts(tmp_path / "out")
    assert 0 < len(kept) < 8 and kept.items() <= parts(tmp_path / "whole").items(), "whole, or not at all"
    code, said, _ = run(*args, "-o", tmp_path / "out", "--resume")
    assert code == 0 and f"{len(kept)} of them from before" in said
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


def children(pid: int) -> list[int]:
    """Living processes whose parent is `pid`."""
    out: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == pid and state != "Z":
            out.append(int(stat.parent.name))
    return out


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(true: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    end = time.monotonic() + 90
    while not true():
        assert time.monotonic() < end and (process is None or process.poll() is None), "it did not come"
        time.sleep(0.01)


def writing(state: Path, pids: list[int]) -> dict[str, int]:
    """The unfinished files in `state` that these processes hold open, and which does."""
    out: dict[str, int] = {}
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").glob("*"):
            with contextlib.suppress(OSError):
                path = Path(os.readlink(file))
                if path.parent == state and path.suffix == ".tmp":
                    out[path.name] = pid
    return out


@BULK
@PROC
@pytest.mark.parametrize("who", ["the command", "a worker", "interrupted"])
def test_a_kill_with_two_workers(who: str, tmp_path: Path) -> None:
    """Whoever is killed: all processes end, what was finished stays, and the rest is done by the next run."""
    source = data.write(tmp_path / "d.jsonl", 1200)
    args = (source, *USUAL, "--part-rows", 20, "--batch-size", 4)
    assert run(*args, "-o", tmp_path / "whole")[0] == 0
    process = start(*args, "-o", tmp_path / "out", "--workers", 2)
    state = tmp_path / "out" / bulkjobs.STATE
    until(lambda: len(list(state.glob("0*.json"))) >= 5, process)
    ours = children(process.pid)
    assert len(ours) >= 2
    if who == "a worker":
        busy: dict[str, int] = {}
        until(lambda: busy.update(writing(state, ours)) or busy, process)
        os.kill(next(iter(busy.values())), signal.SIGKILL)
    else:
        process.send_signal(signal.SIGKILL if who == "the command" else signal.SIGINT)
    _, err = process.communicate(timeout=60)
    until(lambda: not any(map(alive, ours)))
    if who == "a worker":
        assert process.returncode == 2 and "a worker was killed" in err and "--resume" in err and err.count("\n") == 1
    elif who == "interrupted":
        assert process.returncode == 130 and "Traceback" not in err, err
    done = sum((state / f"{n[5:10]}.json").exists() for n in parts(tmp_path / "out"))
    assert 5 <= done < 60, "half-way"
    code, out, _ = run(*args, "-o", tmp_path / "out", "--resume", "--workers", 2)
    assert code == 0 and f"{done} of them from before" in out
    assert parts(tmp_path / "out") == parts(tmp_path / "whole") and len(parts(tmp_path / "out")) == 60
    assert not list(state.glob("*.tmp"))


def test_a_bar_on_a_terminal(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="no terminals here")
    pytest.importorskip("rich", reason="rich is not installed")
    source = data.write(tmp_path / "d.jsonl", 400)
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "turnwire", "tokenize", str(source), "-o", str(tmp_path / "out"), *USUAL]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen(
        [*command, "--part-rows", "100"], stdout=subprocess.PIPE, stderr=theirs, env=env, cwd=ROOT
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # the terminal is gone with its last writer
        pass
    finally:
        os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and out.startswith(b"400 rows"), "the summary is not in the bar's way"
    assert b"0 of 400 rows" in seen and b"400 of 400 rows" in seen
