"""`turnwire tokenize`: exact, resumable after a kill, with no row lost or twice and few rows held."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests.bulk import data
from turnwire import bulkfiles, bulkjobs, cli
from turnwire.bulk import Tokenize

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
pytest.importorskip("datasets", reason="datasets is not installed")

ROOT = Path(__file__).resolve().parents[2]
USUAL = ("--format", "qwen3", "--small")


def run(*args: object) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(["tokenize", *map(str, args)])
    return code, out.getvalue(), err.getvalue()


def start(*args: object) -> subprocess.Popen[str]:
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    command = [sys.executable, "-m", "turnwire", "tokenize", *map(str, args)]
    env = {**os.environ, "PYTHONPATH": path, "HF_DATASETS_OFFLINE": "1"}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def parts(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("part-*"))}


def wanted(count: int, seed: int = 0) -> list[list[int]]:
    fmt = turnwire.get_format("qwen3")
    tok = turnwire.small_tokenizer(fmt)
    return [fmt.render(r["messages"], r.get("tools"), tok).ids for r in data.rows(count, seed)]


def test_lines_to_parts_with_bad_rows(tmp_path: Path) -> None:
    good = list(data.lines(25))
    text = [*good[:10], "\n", *(b + "\n" for b in data.BAD), "  \n", *good[10:]]
    (tmp_path / "d.jsonl").write_text("".join(text).rstrip("\n"), "utf-8")
    code, out, err = run(tmp_path / "d.jsonl", "-o", tmp_path / "out", *USUAL, "--part-rows", 8, "--batch-size", 3)
    assert (code, err) == (1, "") and f"{len(data.BAD)} rows failed:" in out
    table = pa.concat_tables([pq.read_table(p) for p in sorted((tmp_path / "out").glob("*.parquet"))])
    assert table.num_rows == len(good) + len(data.BAD)
    assert [x for x in table["input_ids"].to_pylist() if x is not None] == wanted(25)
    failed = [(n, e) for n, e in zip(table["line"].to_pylist(), table["error"].to_pylist()) if e is not None]
    assert [n for n, _ in failed] == list(range(12, 12 + len(data.BAD)))
    for (n, reason), said in zip(failed, data.REASONS):
        assert said in reason and f"d.jsonl:{n}: {reason[:200]}" in out
    summary = json.loads(
        run(tmp_path / "d.jsonl", "-o", tmp_path / "out", *USUAL, "--part-rows", 8, "--resume", "--json")[1]
    )
    assert summary["rows"] == table.num_rows and summary["failed"] == len(data.BAD)
    assert summary["tokens"] == sum(map(len, wanted(25))) and summary["resumed"] == summary["parts"] == 5
    assert [(f["line"], f["reason"]) for f in summary["failures"]] == failed
    import datasets

    loaded = datasets.load_dataset("parquet", data_dir=str(tmp_path / "out"), split="train", streaming=True)
    assert sum(1 for _ in loaded) == table.num_rows, "the records are passed over"


def test_parquet_in_and_one_file_out(tmp_path: Path) -> None:
    rows = data.rows(50)
    table = pa.table(
        {"id": list(range(50)), "messages": [r["messages"] for r in rows], "tools": [r.get("tools") for r in rows]}
    )
    pq.write_table(table, tmp_path / "d.parquet", row_group_size=7)
    for name in ("out.parquet", "out.jsonl"):
        args = (tmp_path / "d.parquet", "-o", tmp_path / name, *USUAL, "--part-rows", 10, "--labels", "--workers", 2)
        assert run(*args)[0] == 0
        assert "is there already" in run(*args)[2] and "is there already" in run(*args, "--resume")[2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.parquet", "out.jsonl", "out.parquet"]
    out = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert out == [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [r["input_ids"] for r in out] == wanted(50) and [r["line"] for r in out] == list(range(1, 51))
    assert list(out[0]) == ["line", "input_ids", "assistant_masks", "labels", "tokens", "sampled", "error"]


def test_several_files_a_template_and_a_uri(tmp_path: Path) -> None:
    for n in range(2):
        rows = ({"messages": [m for m in r["messages"] if m.get("content")]} for r in data.rows(6, n))
        (tmp_path / f"{n}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    fmt = turnwire.get_format("qwen3")
    (tmp_path / "tok.json").write_text(turnwire.small_tokenizer(fmt).backend.to_str())
    (tmp_path / "t.jinja").write_text(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    )
    args = ("-o", f"file://{tmp_path}/out", "--template", tmp_path / "t.jinja", "--tokenizer", tmp_path / "tok.json")
    code, out, err = run(f"file://{tmp_path}/0.jsonl", f"file://{tmp_path}/1.jsonl", *args)
    assert (code, err) == (0, ""), out
    table = pa.concat_tables([pq.read_table(p) for p in sorted((tmp_path / "out").glob("*.parquet"))])
    assert [Path(f).name for f in table["file"].to_pylist()] == ["0.jsonl"] * 6 + ["1.jsonl"] * 6
    source, tok = turnwire.ChatTemplate.load(tmp_path / "t.jinja"), turnwire.load_tokenizer(tmp_path / "tok.json")
    messages = [[m for m in r["messages"] if m.get("content")] for n in range(2) for r in data.rows(6, n)]
    assert table["input_ids"].to_pylist() == [source.render(m, None, tok).ids for m in messages]


def test_a_kill_half_way_and_resume(tmp_path: Path) -> None:
    """The process is killed while it works. What was finished stays, untouched; the rest is done; nothing is twice."""
    source = data.write(tmp_path / "d.jsonl", 600)
    args = (source, *USUAL, "--part-rows", 10, "--batch-size", 4)
    assert run(*args, "-o", tmp_path / "whole")[0] == 0
    process = start(*args, "-o", tmp_path / "out")
    state = tmp_path / "out" / ".turnwire"
    end = time.monotonic() + 60
    while len(list(state.glob("0*.json"))) < 5:
        assert process.poll() is None and time.monotonic() < end, "it was to be killed half-way"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = {
        p.name: p.stat().st_mtime_ns
        for p in (tmp_path / "out").glob("part-*")
        if (state / f"{p.name[5:10]}.json").exists()
    }
    assert 5 <= len(done) < 60
    (state / "part-00059.parquet.0.tmp").write_bytes(b"what a killed process leaves")
    code, _, err = run(*args, "-o", tmp_path / "out")
    assert code == 2 and "--resume" in err
    code, out, _ = run(*args, "-o", tmp_path / "out", "--resume")
    assert code == 0 and f"{len(done)} of them from before" in out
    assert parts(tmp_path / "out") == parts(tmp_path / "whole") and len(parts(tmp_path / "out")) == 60
    assert all((tmp_path / "out" / n).stat().st_mtime_ns == t for n, t in done.items())
    assert not list(state.glob("*.tmp"))


def test_resume_does_again_what_changed(tmp_path: Path) -> None:
    source = data.write(tmp_path / "d.jsonl", 40)
    args = (source, "-o", tmp_path / "out", *USUAL, "--part-rows", 10, "--resume", "--json")
    assert json.loads(run(*args)[1])["resumed"] == 0
    before = parts(tmp_path / "out")
    part = tmp_path / "out" / "part-00001.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"x")
    assert json.loads(run(*args)[1])["resumed"] == 3 and parts(tmp_path / "out") == before
    lines = source.read_text("utf-8").splitlines(keepends=True)
    source.write_text("".join([*lines[:30], *data.lines(5, 9)]), "utf-8")
    summary = json.loads(run(*args)[1])
    assert (summary["resumed"], summary["rows"], summary["parts"]) == (3, 35, 4)
    source.write_text("".join(lines[:10]), "utf-8")
    assert json.loads(run(*args)[1])["rows"] == 10 and len(parts(tmp_path / "out")) == 1, "parts of no rows are gone"
    for more, said in ((("--labels",), "labels"), (("--option", "enable_thinking=false"), "options")):
        code, _, err = run(*args, *more)
        assert code == 2 and f"another {said}" in err


def test_stop_at_the_first_row_that_fails(tmp_path: Path) -> None:
    lines = list(data.lines(30))
    lines[14] = "no JSON\n"
    (tmp_path / "d.jsonl").write_text("".join(lines), "utf-8")
    args = (tmp_path / "d.jsonl", "-o", tmp_path / "out", *USUAL, "--part-rows", 10)
    code, out, _ = run(*args, "--on-error", "fail")
    assert (
        code == 1
        and "d.jsonl:15: InputError: row: not JSON" in out
        and list(parts(tmp_path / "out")) == ["part-00000.parquet"]
    )
    code, out, _ = run(*args, "--resume")
    assert code == 1 and "1 of them from before" in out and "1 rows failed" in out


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_few_rows_are_held(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading and writing there is one batch, whatever the data has."""
    source = data.write(tmp_path / "d.jsonl", 300)
    if kind == "parquet":
        rows = data.rows(300)
        source = tmp_path / "d.parquet"
        pq.write_table(pa.table({"messages": [json.dumps(r["messages"]) for r in rows]}), source)
    held = most = read = 0

    class Counting(Tokenize):
        def __call__(self, batch: Any) -> Any:
            nonlocal held, most, read
            held, read = held + batch.num_rows, read + batch.num_rows
            most = max(most, held)
            return super().__call__(batch)

    write = bulkjobs._Writer.write  # pyright: ignore[reportPrivateUsage]

    def written(self: Any, table: Any) -> None:
        nonlocal held
        write(self, table)
        held -= table.num_rows

    monkeypatch.setattr(bulkjobs._Writer, "write", written)  # pyright: ignore[reportPrivateUsage]
    work = Counting("qwen3", rows_column="row" if kind == "jsonl" else None, keep=("line",))
    (tmp_path / "out" / ".turnwire").mkdir(parents=True)
    job = bulkjobs.Job(work, str(tmp_path / "out"), "parquet", 20, "spec")
    shards = bulkfiles.plan([str(source)], work, 1000)
    assert len(shards) == 1
    for shard in shards:
        job(shard)
    assert (read, held) == (300, 0) and most <= 20


@pytest.mark.parametrize(
    "text", ["", "\n\n", "a", "a\n", "a\n\nb", "\n a \nb\n", "a\r\nb\r\n\r\n", "é\u2028\x85\x0c\n", "x" * 99]
)
@pytest.mark.parametrize("chunk", [1, 3, 1 << 20])
def test_shards_tile_the_lines(text: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulkfiles, "CHUNK", chunk)
    source = tmp_path / "d.jsonl"
    source.write_bytes(text.encode())
    wanted = [(n, t) for n, t in enumerate(text.encode().split(b"\n"), 1) if t.strip()]
    for rows in (1, 2, 100):
        work = Tokenize("qwen3", rows_column="row", keep=("line",))
        found: list[tuple[int, bytes]] = []
        for shard in bulkfiles.plan([str(source)], work, rows):
            got = list(bulkfiles.batches(shard, work, 2))
            assert sum(b.num_rows for b in got) == shard.rows <= rows
            found += [(r["line"], r["row"].rstrip(b"\n")) for b in got for r in b.to_pylist()]
        assert found == wanted


@pytest.mark.parametrize(
    "args, said",
    [
        (("x.csv", "-o", "out", *USUAL), "x.csv: expected a file of JSON lines"),
        (("x.jsonl", "-o", "out", *USUAL), "no such file"),
        (("http://x/x.jsonl", "-o", "out", *USUAL), "http://x/x.jsonl: no place"),
        (("d.jsonl", "-o", "out", "--format", "qwen3"), "need a tokenizer"),
        (("d.jsonl", "-o", "out", *USUAL, "--address", "x"), "--engine ray"),
        (("d.jsonl", "-o", "out", *USUAL, "--workers", "0"), "'0': expected a whole number"),
        (("d.jsonl", "-o", "out", *USUAL, "--option", "enable_thinkin=1"), "did you mean 'enable_thinking'?"),
        (("d.jsonl", "-o", ".", *USUAL), "is there already"),
        (("d.jsonl", "-o", ".", *USUAL, "--resume"), "not made by turnwire"),
        (("d.parquet", "-o", "out", "--messages-column", "message", *USUAL), "no column 'message'"),
        (("d.parquet", "d.jsonl", "-o", "out", *USUAL), "not both"),
    ],
)
def test_wrong_usage(args: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data.write(tmp_path / "d.jsonl", 3)
    pq.write_table(pa.table({"messages": ["[]"]}), tmp_path / "d.parquet")
    code, out, err = run(*args)
    assert (code, out) == (2, "") and said in err and err.count("\n") == 1, err


def test_a_model_folder_brings_its_tokenizer(tmp_path: Path) -> None:
    tok = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    model = tmp_path / "model"
    model.mkdir()
    (model / "tokenizer.json").write_text(tok.backend.to_str())
    template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    (model / "chat_template.jinja").write_text(template)
    rows = [[m for m in r["messages"] if m.get("content")] for r in data.rows(6)]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    assert run(tmp_path / "d.jsonl", "-o", tmp_path / "out.parquet", "--template", model)[0] == 0
    source = turnwire.ChatTemplate(template)
    ids = pq.read_table(tmp_path / "out.parquet")["input_ids"].to_pylist()
    assert ids == [source.render(m, None, tok).ids for m in rows]
    code, _, err = run(tmp_path / "d.jsonl", "-o", tmp_path / "o", "--template", model / "chat_template.jinja")
    assert code == 2 and "need a tokenizer" in err
