"""`turnwire tokenize`: files of conversations to token ids and masks, with an engine that runs the parts.

The work is `bulkjobs.Job`; `datasets` runs it in processes of this machine, Ray Data on a cluster. What is done is seen
in the output's own records, so the bar, the resumption and the summary are the same for both.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import importlib
import importlib.util
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .cliinput import Usage, option, read_json, tokenizer_of, with_own_tokenizer
from .errors import TurnwireError

if TYPE_CHECKING:
    from .bulk import Tokenize
    from .bulkfiles import Shard
    from .bulkjobs import Job

OTHER = (".json", ".csv", ".txt", ".arrow")
EXTRA = {"local": ("datasets", "bulk"), "ray": ("ray", "ray")}
OK, FAULTS = 0, 1
SHOWN = 20  # failed rows that people see


def arguments(sub: argparse.ArgumentParser) -> None:
    """The arguments of the command, besides the format and the tokenizer."""
    sub.add_argument("data", nargs="+", metavar="DATA", help="JSONL (.gz too) or Parquet files, a conversation a row")
    sub.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="a file.parquet, a file.jsonl, or a folder for parts"
    )
    sub.add_argument("--tools", metavar="T.json", help="a list of tools, for rows without their own")
    sub.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="an option, or a template's variable"
    )
    sub.add_argument("--add-generation-prompt", "-g", action="store_true", help="prompts: open an assistant turn")
    sub.add_argument("--messages-column", default="messages", metavar="C", help="where the messages are (messages)")
    sub.add_argument("--tools-column", metavar="C", help="where a row's tools are (tools, if it is there)")
    sub.add_argument("--labels", action="store_true", help="labels too: the ids, -100 where nothing was sampled")
    sub.add_argument("--batch-size", type=_count, default=1000, metavar="N", help="rows held at a time (1000, or 4 MB)")
    sub.add_argument("--part-rows", type=_count, default=10_000, metavar="N", help="rows of a part (10000, or 32 MB)")
    sub.add_argument("--workers", type=_count, metavar="N", help="processes (1); with ray, tasks at a time (all CPUs)")
    sub.add_argument("--engine", choices=tuple(EXTRA), default="local", help="datasets on this machine, or Ray Data")
    sub.add_argument("--address", metavar="A", help="of a Ray cluster (else one is started here)")
    sub.add_argument("--resume", action="store_true", help="go on with what an earlier run left")
    sub.add_argument("--on-error", choices=("keep", "fail"), default="keep", help="rows that fail: keep them, or stop")
    sub.add_argument("--json", action="store_true", help="the summary as one JSON object")


def _count(text: str) -> int:
    value = int(text) if text.isascii() and text.isdecimal() else 0
    if value < 1:
        raise Usage(f"{text!r}: expected a whole number from 1")
    return value


def run(args: argparse.Namespace) -> int:
    """`turnwire tokenize`."""
    said, failed = _run(args)
    sys.stdout.write(said)
    return FAULTS if failed else OK


def _run(args: argparse.Namespace) -> tuple[str, int]:
    """What to print, and how many rows failed."""
    needs, extra = EXTRA[args.engine]
    for name in ("pyarrow", needs):
        if importlib.util.find_spec(name) is None:
            raise Usage(f"this needs {name}: pip install 'turnwire[{extra}]'")
    from . import bulkfiles, bulkjobs
    from .families import get_format

    if args.address and args.engine != "ray":
        raise Usage("--address is that of a Ray cluster: add --engine ray")
    for path in args.data:
        if not path.endswith((*bulkfiles.LINES_IN, *bulkfiles.TABLES)):
            raise Usage(f"{path}: expected a file of JSON lines (.jsonl, .ndjson, or .jsonl.gz) or .parquet")
        if not bulkfiles.Place(path).exists():
            raise Usage(f"{path}: no such file")
    if len({path.endswith(bulkfiles.TABLES) for path in args.data}) > 1:
        raise Usage("DATA: expected JSON lines or Parquet, not both in one run")
    form = "jsonl" if args.output.endswith(bulkfiles.LINES) else "parquet"
    whole = args.output.endswith((*bulkfiles.LINES, *bulkfiles.TABLES))
    if args.output.endswith((*bulkfiles.PACKED, *OTHER)):
        raise Usage(f"{args.output}: expected a file.parquet, a file.jsonl, or a folder")
    folder = f"{args.output}.parts" if whole else args.output.rstrip("/") or args.output
    with_own_tokenizer(args)
    if not args.tokenizer and not args.small:
        raise Usage("ids need a tokenizer: add --tokenizer PATH, or --small for the one that turnwire ships")
    work = _work(args)
    work.check()
    spec = _spec(work, tokenizer_of(args, None if args.template else get_format(args.format)), form)
    job = bulkjobs.Job(work, _absolute(folder), form, args.batch_size, _sha(spec), args.on_error == "fail")
    _check(job, spec, args.output if whole else None, args.resume)
    if args.address:
        _reach(args.address)
    shards = bulkfiles.plan([_absolute(p) for p in args.data], work, args.part_rows)
    _begin(job, spec)
    todo = [s for s in shards if job.record(s, check=True) is None]
    with _progress(job, shards, len(shards) - len(todo), args):
        run = _local if args.engine == "local" else _ray
        try:
            if todo:
                run(job, todo, args)
        except (OSError, TurnwireError, Usage) as e:  # a full disk, a file that changed, a worker that was killed
            raise Usage(f"{_line(e)}; what was done is kept: --resume goes on") from e
    stopped = bulkfiles.Place(job.out).read(bulkjobs.STATE, "stopped.json")
    if stopped is not None:
        where = f"{_shown(stopped['path'])}:{stopped['line']}"
        if args.json:
            return json.dumps({"stopped": stopped}, ensure_ascii=False) + "\n", 1
        return f"stopped at {where}: {stopped['reason']}\nwhat was done is kept: --resume goes on\n", 1
    summary = bulkjobs.settle(job, shards)
    for row in summary["failures"]:
        row["file"] = _shown(row["file"])
    if whole:
        bulkjobs.join(job, shards, _absolute(args.output))
    if args.json:
        return json.dumps({**summary, "resumed": len(shards) - len(todo)}, ensure_ascii=False) + "\n", summary["failed"]
    return "".join(_lines(summary, len(shards) - len(todo))), summary["failed"]


def _work(args: argparse.Namespace) -> Tokenize:
    from .bulk import Tokenize
    from .bulkfiles import LINES_IN
    from .clitemplate import chat_template

    tools = read_json(args.tools) if args.tools else None
    options = dict(map(option, args.option))
    if args.add_generation_prompt:
        options["add_generation_prompt"] = True
    return Tokenize(
        chat_template(args, True) if args.template else args.format,
        _absolute(args.tokenizer) if args.tokenizer else None,
        tools=tools,
        options=options,
        messages_column=args.messages_column,
        tools_column=args.tools_column,
        rows_column="row" if args.data[0].endswith(LINES_IN) else None,
        keep=("file", "line") if len(args.data) > 1 else ("line",),
        labels=args.labels,
    )


def _absolute(path: str) -> str:
    return path if "://" in path else os.path.abspath(path)


def _shown(path: str) -> str:
    """From here, if it is below."""
    short = path if "://" in path else os.path.relpath(path)
    return path if short.startswith("..") else short


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=repr).encode()).hexdigest()


def _spec(work: Tokenize, tokenizer: Any, form: str) -> dict[str, Any]:
    """What the parts depend on besides the rows."""
    from . import __version__

    backend = getattr(tokenizer, "backend", None)
    source: Any = work.source
    given = (
        [source.sha256, source.bos_token, source.eos_token, dict(source.variables)] if _is_template(source) else source
    )
    return {
        "turnwire": __version__,
        "source": given,
        "tokenizer": _sha(backend.to_str() if backend is not None else [tokenizer.name, tokenizer.size]),
        "tools": _sha(work.tools),
        "options": dict(work.options),
        "columns": [work.messages_column, work.tools_column, work.rows_column, *work.keep],
        "labels": work.labels,
        "output": form,
    }


def _is_template(source: Any) -> bool:
    return hasattr(source, "sha256")


def _check(job: Job, spec: dict[str, Any], whole: str | None, resume: bool) -> None:
    """That the output is not there, or is one to go on with."""
    from .bulkfiles import Place
    from .bulkjobs import STATE

    place = Place(job.out)
    if whole is not None and Place(_absolute(whole)).exists() and not (resume and place.exists()):
        raise Usage(f"{whole}: is there already; expected a new file")
    if place.exists():
        if not resume:
            raise Usage(f"{_shown(job.out)}: is there already; --resume goes on with it")
        known = place.read(STATE, "job.json")
        if known is None and place.names():
            raise Usage(f"{_shown(job.out)}: not made by turnwire tokenize; expected a new folder")
        wanted = json.loads(json.dumps(spec, default=repr))
        for key, value in wanted.items():
            if known is not None and known.get(key) != value:
                raise Usage(
                    f"{_shown(job.out)}: was made with another {key}; expected the same command, or a new folder"
                )


def _begin(job: Job, spec: dict[str, Any]) -> None:
    from .bulkfiles import Place
    from .bulkjobs import STATE

    place = Place(job.out)
    place.fs.create_dir(place.of(STATE))
    place.remove(STATE, "stopped.json")
    place.write(spec, STATE, "job.json")


def _lines(summary: dict[str, Any], resumed: int) -> Iterator[str]:
    yield f"{summary['rows']:,} rows, {summary['tokens']:,} tokens, {summary['sampled']:,} of them sampled"
    yield f"; {summary['parts']:,} parts" + (f", {resumed:,} of them from before\n" if resumed else "\n")
    if summary["failed"]:
        yield f"{summary['failed']:,} rows failed:\n"
    for row in summary["failures"][:SHOWN]:
        yield f"  {row['file']}:{row['line']}: {row['reason']}\n"
    if summary["failed"] > SHOWN:
        yield f"  and {summary['failed'] - SHOWN:,} more: where the column error is not null\n"


# engines


def _local(job: Job, todo: Sequence[Shard], args: argparse.Namespace) -> None:
    workers = min(args.workers or 1, len(todo))
    if workers > 1:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the processes are what is parallel
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_end_with_parent)
    datasets = importlib.import_module("datasets")
    datasets.disable_progress_bars()
    # each process gets a stretch of the rows: so they go forward together, and share what is long
    spread = [shard for n in range(workers) for shard in todo[n::workers]]
    rows = datasets.Dataset.from_list([s._asdict() for s in spread])
    try:
        rows.map(
            _Row(job, workers > 1),
            num_proc=workers if workers > 1 else None,
            remove_columns=rows.column_names,
            load_from_cache_file=False,
            new_fingerprint=job.spec[:16],  # of a result that nobody keeps
        )
    except Exception as e:
        if _while(e, KeyboardInterrupt):  # what the pool raises then is that it is not done
            raise KeyboardInterrupt from None
        if isinstance(e, RuntimeError) and "abruptly died" in str(e):
            need = "if memory ran out, fewer --workers or a smaller --batch-size need less"
            raise Usage(f"a worker was killed; {need}") from None
        raise


def _while(e: BaseException | None, kind: type[BaseException]) -> bool:
    return e is not None and (isinstance(e, kind) or _while(e.__context__, kind))


@functools.cache
def _end_with_parent() -> None:
    """This process ends when the one that started it has: a pool's would work on, and then wait, for ever."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _reach(address: str) -> None:
    """Ray itself tries for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), 10).close()
        except OSError as e:
            raise Usage(f"--address {address}: nothing answers there ({e.strerror or e})") from None


def _ray(job: Job, todo: Sequence[Shard], args: argparse.Namespace) -> None:
    os.environ.setdefault("RAY_DATA_LOG_LEVEL", "ERROR")
    ray = importlib.import_module("ray")
    data = importlib.import_module("ray.data")
    began = not ray.is_initialized()
    with contextlib.redirect_stdout(sys.stderr):  # Ray prints what happens to its nodes
        if began:
            dashboard = None if args.address else False
            ray.init(address=args.address, include_dashboard=dashboard, log_to_driver=False, logging_level="warning")
        try:
            data.DataContext.get_current().enable_progress_bars = False
            items = data.from_items([s._asdict() for s in todo], override_num_blocks=min(len(todo), 10_000))
            strategy = {"compute": data.TaskPoolStrategy(size=args.workers)} if args.workers else {}
            for row in items.map(_Row(job, answers=True), **strategy).iter_rows():
                if row["error"]:
                    raise Usage(row["error"])
        finally:
            if began:
                ray.shutdown()


class _Row:
    """A job as engines call it: a shard in a dict, and only what is small back. `pool`: in processes of our own.
    `answers`: errors too, since Ray wraps those that are raised in its own."""

    def __init__(self, job: Job, pool: bool = False, answers: bool = False):
        self.job, self.pool, self.answers = job, pool, answers

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        from .bulkfiles import Shard

        if self.pool:
            _end_with_parent()
        done, error = None, ""
        try:
            done = self.job(Shard(**{name: row[name] for name in Shard._fields}))
        except (OSError, TurnwireError) as e:
            if not self.answers:
                raise
            error = _line(e)
        return {"number": int(row["number"]), "rows": 0 if done is None else done["rows"], "error": error}


def _line(e: Exception) -> str:
    return f"{e.filename}: {e.strerror}" if isinstance(e, OSError) and e.filename else str(e).partition("\n")[0]


@contextlib.contextmanager
def _progress(job: Job, shards: Sequence[Shard], before: int, args: argparse.Namespace) -> Generator[None]:
    """A bar on a terminal, of the records that are there."""
    if not sys.stderr.isatty() or importlib.util.find_spec("rich") is None:
        yield
        return
    console: Any = importlib.import_module("rich.console")
    bars: Any = importlib.import_module("rich.progress")
    columns = (
        "{task.description}",
        bars.BarColumn(),
        "{task.completed:,} of {task.total:,} rows",
        bars.TimeRemainingColumn(),
    )
    over = threading.Event()
    left = {f"{s.number:05d}.json": s for s in shards}
    with bars.Progress(*columns, console=console.Console(stderr=True, no_color=args.no_color or None)) as bar:
        task = bar.add_task("tokenize", total=sum(s.rows for s in shards))

        def look() -> None:
            from .bulkfiles import Place
            from .bulkjobs import STATE

            place = Place(job.out)
            for name in place.names(STATE):
                shard = left.get(name)
                if shard is not None and job.record(shard) is not None:
                    bar.advance(task, left.pop(name).rows)

        def watch() -> None:
            while not over.wait(0.5):
                look()

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            look()
