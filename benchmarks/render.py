"""Cost of rendering a prompt to ids: `python -m benchmarks.render [--formats qwen3,harmony] [--turns 1,10,50,200]`.

The measure is the encoder's own time: Hugging Face tokenizers over the text of the very prompt. transformers and
openai-harmony render the same conversations in the same rounds. Every round has a conversation of its own, which
nobody has seen, so that no cache helps; what turnwire's cache of runs is worth shows in the loop (an agent of 100
turns that renders its whole history before each). Ids are compared on each conversation.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import itertools
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import turnwire
from tests.families import official, parity
from tests.families.test_harmony_parity import drop_documented, harmony_messages
from tests.families.test_harmony_parity import encode as harmony_encode
from tests.real import o200k_harmony, qwen3
from turnwire.tokens import Tokenizer

from .measure import Times, machine, table, versions
from .workload import TOOLS, TURNS, conversation

NOW = "2026-01-15"
OURS = "turnwire render"
TEXT = "turnwire render, text only"
ENCODER = "tokenizers encode of the same text"
BATCH = "tokenizers encode_batch_fast of the same text"
TRANSFORMERS = "transformers apply_chat_template"
HARMONY = "openai-harmony render"
FAST = "fastokens encode of the same text"
OURS_FAST = "turnwire render, encoder=fastokens"
KNOWN = ", its words known"  # the encoder has encoded this very text before
Messages = list[dict[str, Any]]


class Subject:
    """A format with its tokenizer and its reference."""

    def __init__(self, name: str):
        self.name, self.fmt = name, turnwire.get_format(name)
        self.options: dict[str, Any] = {"now": NOW} if name == "harmony" else {}
        self.tokenizer: Any = o200k_harmony() if name == "harmony" else qwen3()

        self.fast: Any = None
        self.alone: Any = None
        if importlib.util.find_spec("fastokens"):
            # one for each row, so that none finds its words in another's cache; the other knows nothing of turnwire
            self.fast = turnwire.load_tokenizer(self.tokenizer, encoder="fastokens")
            fastokens: Any = importlib.import_module("fastokens")
            self.alone = fastokens.Tokenizer.from_json_str(self.tokenizer.backend.to_str())

    def ours(self, messages: Messages, tokenizer: Tokenizer | None) -> turnwire.Rendered:
        return self.fmt.render(messages, TOOLS, tokenizer, add_generation_prompt=True, **self.options)

    def reference(self, messages: Messages) -> list[int]:
        if self.name == "harmony":
            return harmony_encode(drop_documented(harmony_messages(messages, TOOLS, **self.options)[0]), True)
        return official.ids(self.name, messages, TOOLS, add_generation_prompt=True)

    def agreement(self, messages: Messages) -> str:
        """How our ids and the reference's agree."""
        if self.name != "harmony":
            return parity.compare(self.name, messages, TOOLS, {"add_generation_prompt": True})
        ids, theirs = self.ours(messages, self.tokenizer).ids, self.reference(messages)
        return "equal" if ids == theirs else "DIFFERENT"

    def rows(self) -> dict[str, Callable[[Messages, str], object]]:
        backend = self.tokenizer.backend
        rows: dict[str, Callable[[Messages, str], object]] = {
            ENCODER: lambda messages, text: backend.encode(text, add_special_tokens=False).ids,
            BATCH: lambda messages, text: backend.encode_batch_fast([text], add_special_tokens=False)[0].ids,
            OURS: lambda messages, text: self.ours(messages, self.tokenizer).ids,
            TEXT: lambda messages, text: self.ours(messages, None).text,
            HARMONY if self.name == "harmony" else TRANSFORMERS: lambda messages, text: self.reference(messages),
        }
        if self.fast is not None:
            rows |= self.fast_rows()
        return rows

    def fast_rows(self) -> dict[str, Callable[[Messages, str], object]]:
        encode = self.alone.encode
        return {
            FAST: lambda messages, text: encode(text).ids,
            OURS_FAST: lambda messages, text: self.ours(messages, self.fast).ids,
        }

    def forget(self, messages: Messages, text: str) -> None:
        """Free the prompts that turnwire keeps, which it would do in the time of the next one."""
        for tokenizer in (self.tokenizer, self.fast):
            if tokenizer is not None:
                prompts = self.fmt.bind(tokenizer).prompts
                limit, prompts.limit = prompts.limit, 0
                prompts.put_each(())
                prompts.limit = limit

    def know(self, messages: Messages, text: str) -> None:
        """Have both fast encoders encode a text, and nothing of turnwire's see it."""
        self.forget(messages, text)
        for encoder in (self.fast.fastokens, self.alone):
            encoder.encode(text)


def timed(
    rows: dict[str, Callable[[Messages, str], object]],
    inputs: Sequence[tuple[Messages, str]],
    before: Callable[[Messages, str], None] | None = None,
) -> Times:
    """As `measure.interleave`, each round with an input of its own; `before` each row something may be done that is not
    timed. The rows of Hugging Face's encoder share the words of a round, so whoever comes first warms its cache of
    words for the others: the order turns. Each row has a copy of the text, which nobody has encoded, as a prompt is
    when it was just rendered: Python keeps a string's UTF-8 once it was asked for. What a row gives is freed behind its
    time."""
    times: dict[str, list[float]] = {name: [] for name in rows}
    order = list(rows.items())
    for n, (messages, text) in enumerate(inputs):
        order = [*order[1:], order[0]]
        for name, work in order:
            if before is not None:
                before(messages, text)
            copy = (text + " ")[:-1]
            gc.collect()
            start = time.process_time()
            kept = work(messages, copy)
            spent = time.process_time() - start
            del kept
            if n:
                times[name].append(spent)
    return Times(times)


def measure(name: str, turns: list[int], rounds: int, markdown: bool) -> None:
    subject = Subject(name)
    seeds = itertools.count(1000)
    lines: dict[str, list[str]] = {row: [row] for row in subject.rows()}
    fast: list[list[str]] = []
    head, agreed, tokens = ["ms"], set[str](), list[int]()
    theirs = HARMONY if name == "harmony" else TRANSFORMERS
    for count in turns:
        conversations = [conversation(count, seed=next(seeds)) for _ in range(rounds + 1)]
        inputs = [(messages, subject.ours(messages, None).text) for messages in conversations]
        times = timed(subject.rows(), inputs, subject.forget)
        agreed |= {subject.agreement(messages) for messages in conversations[:2]}
        tokens.append(len(subject.ours(conversations[0], subject.tokenizer).ids))
        head += [f"{count} turns", "x encode"]
        if subject.fast is not None:
            agreed |= {
                "equal" if subject.ours(m, t).ids == subject.ours(m, subject.tokenizer).ids else "DIFFERENT"
                for m in conversations[:2]
                for t in [subject.fast]
            }
            more = [conversation(count, seed=next(seeds)) for _ in range(rounds + 1)]
            known = timed(subject.fast_rows(), [(m, subject.ours(m, None).text) for m in more], subject.know)
            slow = times.median(theirs)
            for what, found in (("", times), (KNOWN, known)):
                fast.append(
                    [f"{count} turns{what}", f"{found.median(FAST) * 1e3:.2f}", f"{found.median(OURS_FAST) * 1e3:.2f}",
                     f"{found.ratio(OURS_FAST, FAST):.1f}", f"1/{slow / found.median(OURS_FAST):.0f}"]
                )  # fmt: skip
        for row, cells in lines.items():
            ratio = times.ratio(row, ENCODER)
            cells += [f"{times.median(row) * 1e3:.2f}", f"{ratio:.3f}" if row == TEXT else f"{ratio:.2f}"]
    sizes = ", ".join(f"{count} turns = {n:,} tokens" for count, n in zip(turns, tokens))
    print(f"\n### {name}: {sizes}; ids against the reference: {', '.join(sorted(agreed))}\n")
    print(table(head, list(lines.values()), markdown))
    if fast:
        head = ["encoder=fastokens, ms", FAST, OURS, "x its encode", f"of {theirs.split()[0]}"]
        print("\n" + table(head, fast, markdown))


def loop(name: str, steps: int, markdown: bool) -> None:
    """An agent of one user message: the whole prompt before each of its turns."""
    subject = Subject(name)
    messages = conversation(steps, user_every=0, seed=5)
    # both begin with an empty cache of words, and each has its own
    state = subject.tokenizer.backend.to_str()
    copies: list[Any] = [type(subject.tokenizer.backend).from_str(state) for _ in range(2)]
    tokenizer, encode = turnwire.load_tokenizer(copies[0]), copies[1].encode
    bound = subject.fmt.bind(tokenizer)
    seen, known = bound.cache_info(), bound.prompts.info()
    prompts = [messages[: 4 + 2 * step] for step in range(steps)]
    texts = ["", *(subject.ours(prompt, None).text for prompt in prompts)]
    assert all(text.startswith(before) for before, text in itertools.pairwise(texts))
    fresh = [text[len(before) :] for before, text in itertools.pairwise(texts)]
    rows: dict[str, Callable[[int], list[int]]] = {
        OURS: lambda step: subject.ours(prompts[step], tokenizer).ids,
        "tokenizers encode of the new text only": lambda step: encode(fresh[step], add_special_tokens=False).ids,
    }
    spent: dict[str, list[float]] = {row: [] for row in rows}
    count = 0
    for step in range(steps):
        for row in sorted(rows, reverse=step % 2 == 0):
            gc.collect()
            start = time.process_time()
            ids = rows[row](step)
            spent[row].append(time.process_time() - start)
            count = max(count, len(ids))
    tenth = max(1, steps // 10)
    lines: list[list[str]] = []
    for row, t in spent.items():
        shown = (sum(t), statistics.median(t[:tenth]), statistics.median(t[-tenth:]))
        lines.append([row, *(f"{seconds * 1e3:.2f}" for seconds in shown)])
    ratios = (f"{float(a) / float(b):.2f}" for a, b in zip(lines[0][1:], lines[1][1:]))
    lines.append(["x encode of the new text", *ratios])
    print(f"\n### {name}: {steps} turns, the prompt rendered before each; {count:,} tokens at the end\n")
    print(table(["ms", "all", "a turn, at first", "a turn, at the end"], lines, markdown))
    for what, before, after in (("texts", seen, bound.cache_info()), ("prompts", known, bound.prompts.info())):
        hits, misses = after.hits - before.hits, after.misses - before.misses
        print(
            f"\nCache of {what}: {hits:,} hits, {misses:,} misses ({hits / max(1, hits + misses):.0%}), "
            f"{after.currsize / 2**20:.1f} MiB of {after.maxsize / 2**20:.0f} MiB."
        )


def main() -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formats", default="qwen3,harmony")
    parser.add_argument("--turns", default=",".join(map(str, TURNS)))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    packages = ("tokenizers", "transformers", "openai-harmony", "fastokens")
    print(f"{machine()}; {versions(*packages)}; medians of {args.rounds} rounds.")
    for name in args.formats.split(","):
        measure(name, [int(t) for t in args.turns.split(",")], args.rounds, args.markdown)
        loop(name, args.steps, args.markdown)


if __name__ == "__main__":
    main()
