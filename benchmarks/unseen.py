"""Cost of parsing replies that nobody has seen: `python -m benchmarks.unseen [--formats qwen3,...] [--replies 24]`.

Parsers remember what their machine does with a piece at a place (turnwire/parsers/memo.py), so a benchmark that feeds
one reply again and again would time what is remembered. Here each reply is fed once: sources of Python's own standard
library, a different one for each, as reasoning and as the argument of a call, about 20k tokens. The floor of
`benchmarks.stream` reads the same ids. A format's first reply is shown by itself, and how much of it making its parser
took (which compiles the format, and in a process's first row imports the parser); then the median of the last half.
What a tokenizer's table from id to text takes, once in a process, is a column of its own.
"""

from __future__ import annotations

import argparse
import codecs
import gc
import statistics
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import turnwire
from tests.families.reference import references
from tests.laws.shares import SYNTAXES
from tests.real import load
from turnwire import Call, Reasoning, Text, Turn
from turnwire.errors import RefusedTurn
from turnwire.wire import Frame, walk

from .measure import machine, table, versions
from .workload import TOOLS

SIZE = 40_000  # characters of the reasoning, and of the argument


def sources() -> Iterator[str]:
    """Parts of the standard library's files, no two alike."""
    for path in sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py")):
        if "site-packages" in path.parts:
            continue
        text = path.read_bytes().decode(errors="replace")
        for at in range(0, len(text) - SIZE, SIZE):
            yield text[at : at + SIZE]


def replies(fmt: turnwire.Format, tokenizer: Any, count: int) -> Iterator[list[int]]:
    """Ids of replies that a format admits, with reasoning where a reply may begin with it."""
    kinds = {w.kind for w in walk(fmt.reply) if isinstance(w, Frame)}
    texts = sources()
    while count:
        said, written = next(texts), next(texts)
        call = Call("write_file", {"path": "a.py", "content": written}, "call00001")
        for first in (*([Reasoning(said)] if "reasoning" in kinds else []), Text(said)):
            try:
                ids = fmt.render_reply(Turn("assistant", (first, call)), tokenizer, TOOLS).ids
            except RefusedTurn:
                continue
            count -= 1
            yield ids
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--formats", default=",".join(SYNTAXES))
    parser.add_argument("--replies", type=int, default=24)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    rows: list[list[str]] = []
    for name in given.formats.split(","):
        fmt = turnwire.get_format(name)
        tokenizer = load(str(references()[name].tokenizer))
        start = time.process_time()
        assert fmt.bind(tokenizer).table
        made = (time.process_time() - start) * 1e3
        pieces = [tokenizer.piece(i) or b"" for i in range(tokenizer.size)]
        ratios: list[float] = []
        ours: list[float] = []
        making = 0.0
        tokens = 0
        for ids in replies(fmt, tokenizer, given.replies):
            gc.collect()
            start = time.process_time()
            decode = codecs.getincrementaldecoder("utf-8")("replace").decode
            for i in ids:
                decode(pieces[i])
            floor = time.process_time() - start
            start = time.process_time()
            p = fmt.parser(tokenizer, TOOLS)
            making = making or (time.process_time() - start) / floor
            feed = p.feed
            for i in ids:
                feed([i])
            p.close("stop")
            spent = time.process_time() - start
            assert p.turn.calls[0].complete, name
            ratios.append(spent / floor)
            ours.append(spent / len(ids) * 1e6)
            tokens += len(ids)
        late = ratios[len(ratios) // 2 :]
        rows.append(
            [name, f"{tokens // len(ratios):,}", f"{statistics.median(ours[len(ours) // 2 :]):.2f}"]
            + [f"{r:.2f}" for r in (ratios[0], making, ratios[1], statistics.median(late))]
            + [f"{made:.0f}"]
        )
    print(f"{machine()}; {versions('tokenizers')}; {given.replies} replies a format.\n")
    head = ("format", "tokens", "us a token", "first reply, x floor", "its parser", "second", "median of the last half")
    head += ("table, ms",)
    print(table(head, rows, given.markdown))


if __name__ == "__main__":
    main()
