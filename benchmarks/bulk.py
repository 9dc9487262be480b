"""Data sets in bulk, Qwen3's tokenizer and template: `python -m benchmarks.bulk [--rows 300] [--workers] [--memory]`.

`Tokenize` in `datasets.map` against what people write there today, a call of transformers' `apply_chat_template` for
each row, and against the encoder alone over the finished texts. All run in one process, in turns, over conversations
that nobody has seen (but for what the rows of a data set share: agents have one system prompt and the same tools, which
turnwire encodes once); time is the process's own, of all its threads. Ids are compared, row for row.

`--workers`: the command with one process and with two, in turns: wall time, CPU time, and how busy the machine was.
`--memory`: the command over 10,000 and over 200,000 rows: the most that a process of it held.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import turnwire
from tests import real
from tests.families import official
from turnwire.bulk import Tokenize

from .measure import machine, table, versions
from .render import timed
from .workload import TOOLS, conversation, prose

OURS = "turnwire Tokenize"
TEMPLATE = "turnwire Tokenize, of the template"
PEER = "transformers apply_chat_template, no masks"
FLOOR = "tokenizers encode of the same texts"


def chats(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Two questions and answers."""
    r = random.Random(seed)
    for _ in range(count):
        roles = ("user", 300), ("assistant", 900), ("user", 300), ("assistant", 900)
        yield {"messages": json.dumps([{"role": role, "content": prose(r, size)} for role, size in roles])}


def agents(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Two calls with their results, and an answer; five tools."""
    for n in range(count):
        messages = conversation(2, seed=seed * 100_003 + n)
        yield {
            "messages": json.dumps([*messages, {"role": "assistant", "content": "Done."}]),
            "tools": json.dumps(TOOLS),
        }


def throughput(rows: int, rounds: int, markdown: bool) -> None:
    """The table of rates."""
    datasets = importlib.import_module("datasets")
    datasets.disable_progress_bars()
    datasets.disable_caching()
    fmt, tok, source = turnwire.get_format("qwen3"), real.qwen3(), official.template("qwen3")
    of_format = Tokenize("qwen3", tok).check()
    of_template = Tokenize(turnwire.ChatTemplate(source), tok).check()
    theirs = real.transformers_tokenizer(tok)
    theirs.chat_template = source

    def parts(row: dict[str, Any]) -> tuple[Any, Any]:
        return json.loads(row["messages"]), json.loads(row["tools"]) if "tools" in row else None

    def plain(row: dict[str, Any]) -> dict[str, Any]:
        messages, tools = parts(row)
        return {"input_ids": theirs.apply_chat_template(messages, tools, return_dict=False)}

    def mapped(function: Any, form: str | None, batched: bool) -> Any:
        # with a fingerprint given nobody pickles a tokenizer to make one: 0.2 s, however few the rows
        how = {"batched": batched, "new_fingerprint": "none", "load_from_cache_file": False}
        return lambda data, texts: data.with_format(form).map(function, remove_columns=data.column_names, **how)

    work = {
        FLOOR: lambda data, texts: [tok.backend.encode(t, add_special_tokens=False).ids for t in texts],
        OURS: mapped(of_format, "arrow", True),
        TEMPLATE: mapped(of_template, "arrow", True),
        PEER: mapped(plain, None, False),
    }
    head, lines = ["row"], {name: [name] for name in work}
    for kind, make in (("chats", chats), ("agents", agents)):
        inputs = [
            (data, [fmt.render(*parts(row)).text for row in data])
            for data in (datasets.Dataset.from_list(list(make(rows, seed))) for seed in range(rounds + 1))
        ]
        times = timed(work, inputs)
        tokens = 0
        for data, texts in inputs:  # afterwards: what has been seen is quicker
            every = [
                out["input_ids"][:]
                for name in (OURS, TEMPLATE, PEER)
                for out in [work[name](data, texts).with_format(None)]
            ]
            assert every[0] == every[1] == every[2], "the same ids, row for row"
            tokens += sum(map(len, every[0]))
        tokens //= len(inputs)
        head += [f"{kind}, {tokens // rows:,} tokens a row", "x Tokenize"]
        for name in work:
            lines[name] += [f"{tokens / times.median(name) / 1e3:,.0f}k/s", f"{times.ratio(name, OURS):.2f}"]
    print(f"{rows} rows a round; {machine()}; {versions('tokenizers', 'datasets', 'transformers')}\n")
    print(table(head, list(lines.values()), markdown))


# the command


class Run(NamedTuple):
    """What a run of the command took: seconds on the wall and on the CPUs, megabytes of its largest process."""

    wall: float
    cpu: float
    held: float


def command(*args: object) -> Run:
    """`turnwire tokenize` in a process of its own."""
    env = {**os.environ, "HF_DATASETS_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        every = [sys.executable, "-m", "turnwire", "tokenize", "-f", "qwen3", "-o", f"{folder}/out", *map(str, args)]
        began = time.perf_counter()
        process = subprocess.Popen(every, env=env, stdout=subprocess.DEVNULL, cwd=real.ROOT)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    assert status == 0, status
    return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def data_file(folder: str, rows: int) -> str:
    """Small rows, all different."""
    path = Path(folder) / f"{rows}.jsonl"
    r = random.Random(rows)
    with path.open("w") as file:
        for n in range(rows):
            pair = [
                {"role": "user", "content": f"{n}: {prose(r, 150)}"},
                {"role": "assistant", "content": prose(r, 150)},
            ]
            file.write(json.dumps({"messages": pair}) + "\n")
    return str(path)


def workers(rows: int, rounds: int, markdown: bool) -> None:
    """One process and two."""
    with tempfile.TemporaryDirectory() as folder:
        path, tokenizer = Path(folder) / "d.jsonl", _tokenizer_file(folder)
        path.write_text("".join(json.dumps(row) + "\n" for row in agents(rows, 1)))
        runs: dict[int, list[Run]] = {1: [], 2: []}
        for n in range(rounds):
            for count in (1, 2) if n % 2 else (2, 1):
                runs[count].append(command(path, "--tokenizer", tokenizer, "--workers", count, "--part-rows", 100))
    speed = statistics.median(a.wall / b.wall for a, b in zip(runs[1], runs[2]))
    cells = [
        [str(n), *(f"{statistics.median(getattr(r, key) for r in some):.1f}" for key in ("wall", "cpu"))]
        for n, some in runs.items()
    ]
    print(f"{rows} rows; {os.cpu_count()} CPUs, load of {os.getloadavg()[0]:.1f} at the end; {machine()}\n")
    print(table(("workers", "wall, s", "CPU, s"), cells, markdown))
    print(f"\nTwo are {speed:.2f} times as fast as one (median of {rounds} pairs).")


def memory(markdown: bool) -> None:
    """Few rows and many."""
    cells: list[list[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        tokenizer = _tokenizer_file(folder)
        for rows in (1, 10_000, 200_000):
            path = data_file(folder, rows)
            run = command(path, "--tokenizer", tokenizer)
            cells.append([f"{rows:,}", f"{os.path.getsize(path) / 1e6:,.1f}", f"{run.held:,.0f}", f"{run.cpu:,.1f}"])
    print(table(("rows", "input, MB", "most held, MB", "CPU, s"), cells, markdown))


def _tokenizer_file(folder: str) -> str:
    path = Path(folder) / "tokenizer.json"
    path.write_text(real.qwen3().backend.to_str(), "utf-8")
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--workers", action="store_true", help="the command with one process and with two")
    parser.add_argument("--memory", action="store_true", help="the command over few rows and over many")
    given = parser.parse_args()
    if given.workers:
        workers(given.rows * 10, given.rounds, given.markdown)
    elif given.memory:
        memory(given.markdown)
    else:
        throughput(given.rows, given.rounds, given.markdown)


if __name__ == "__main__":
    main()
