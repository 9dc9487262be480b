"""`turnwire tokenize`: files of conversations to token ids and masks, with an engine that runs the parts.

The work is `bulkjobs.Job`; `datasets` runs it in processes of this machine, Ray Data on a cluster. What is done is seen
in the output's own records, so the bar, the resumption and the summary are the same for both.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .cliinput import Usage, option, read_json, tokenizer_of

if TYPE_CHECKING:
    from .bulk import Tokenize
    from .bulkjobs import Job, Shard

EXTRA = {"local": ("datasets", "bulk"), "ray": ("ray", "ray")}
OK, FAULTS = 0, 1
SHOWN = 20  # failed rows that people see


def arguments(sub: argparse.ArgumentParser) -> None:
    """The arguments of the command, besides the format and the tokenizer."""
    sub.add_argument("data", nargs="+", metavar="DATA", help="JSONL or Parquet files, a conversation a row")
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
    sub.add_argument("--batch-size", type=_count, default=1000, metavar="N", help="rows held at a time (1000)")
    sub.add_argument("--part-rows", type=_count, default=10_000, metavar="N", help="rows of a part (10000)")
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
    from . import bulkjobs
    from .families import get_format

    if args.address and args.engine != "ray":
        raise Usage("--address is that of a Ray cluster: add --engine ray")
    for path in args.data:
        if not path.endswith((*bulkjobs.LINES, *bulkjobs.TABLES)):
            raise Usage(f"{path}: expected a file of JSON lines (.jsonl, .ndjson) or .parquet")
        if not bulkjobs.Place(path).exists():
            raise Usage(f"{path}: no such file")
    if len({path.endswith(bulkjobs.TABLES) for path in args.data}) > 1:
        raise Usage("DATA: expected JSON lines or Parquet, not both in one run")
    form = "jsonl" if args.output.endswith(bulkjobs.LINES) else "parquet"
    whole = args.output.endswith((*bulkjobs.LINES, *bulkjobs.TABLES))
    folder = f"{args.output}.parts" if whole else args.output.rstrip("/") or args.output
    if not args.tokenizer and not args.small:
        raise Usage("ids need a tokenizer: add --tokenizer PATH, or --small for the one that turnwire ships")
    work = _work(args)
    work.check()
    spec = _spec(work, tokenizer_of(args, None if args.template else get_format(args.format)), form)
    job = bulkjobs.Job(work, _absolute(folder), form, args.batch_size, _sha(spec), args.on_error == "fail")
    _begin(job, spec, args.output if whole else None, args.resume)
    shards = bulkjobs.plan([_absolute(p) for p in args.data], args.part_rows)
    todo = [s for s in shards if job.record(s, check=True) is None]
    with _progress(job, shards, len(shards) - len(todo), args):
        run = _local if args.engine == "local" else _ray
        if todo:
            run(job, todo, args)
    stopped = bulkjobs.Place(job.out).read(bulkjobs.STATE, "stopped.json")
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
    from .bulkjobs import LINES
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
        rows_column="row" if args.data[0].endswith(LINES) else None,
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


def _begin(job: Job, spec: dict[str, Any], whole: str | None, resume: bool) -> None:
    """Makes the folder, or goes on with the one that is there."""
    from .bulkjobs import STATE, Place

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
    datasets = importlib.import_module("datasets")
    datasets.disable_progress_bars()
    rows = datasets.Dataset.from_list([s._asdict() for s in todo])
    rows.map(
        _Row(job),
        num_proc=workers if workers > 1 else None,
        remove_columns=rows.column_names,
        load_from_cache_file=False,
        new_fingerprint=job.spec[:16],  # of a result that nobody keeps
    )


def _ray(job: Job, todo: Sequence[Shard], args: argparse.Namespace) -> None:
    ray = importlib.import_module("ray")
    data = importlib.import_module("ray.data")
    began = not ray.is_initialized()
    with contextlib.redirect_stdout(sys.stderr):  # Ray prints what happens to its nodes
        if began:
            ray.init(address=args.address, include_dashboard=None if args.address else False, log_to_driver=False)
        try:
            data.DataContext.get_current().enable_progress_bars = False
            items = data.from_items([s._asdict() for s in todo], override_num_blocks=min(len(todo), 10_000))
            strategy = {"compute": data.TaskPoolStrategy(size=args.workers)} if args.workers else {}
            for _ in items.map(_Row(job), **strategy).iter_rows():
                pass
        finally:
            if began:
                ray.shutdown()


class _Row:
    """A job as engines call it: a shard in a dict, and only what is small back."""

    def __init__(self, job: Job):
        self.job = job

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        from .bulkjobs import Shard

        done = self.job(Shard(**{name: row[name] for name in Shard._fields}))
        return {"number": int(row["number"]), "rows": 0 if done is None else done["rows"]}


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
            from .bulkjobs import STATE, Place

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
