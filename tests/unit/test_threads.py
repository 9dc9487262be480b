"""Formats and tokenizers are shared between threads, parsers are not: 16 threads at once, each answer the one that a
thread alone gives. On CPython with a lock and without one."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import random
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import turnwire
from tests import tiktokens
from tests.families.official import template
from tests.laws.strategies import frame_kinds
from turnwire import Call, Reasoning, Text, Turn, tokens
from turnwire.tokenbackend import HfTokenizer
from turnwire.tokens import Tokenizer, small_tokenizer

THREADS = 16
LOCKED: bool = getattr(sys, "_is_gil_enabled", lambda: True)()
ROUNDS = 1 if LOCKED else 3  # without a lock, races are rarer than switches forced
TOOLS = [
    {"type": "function", "function": {"name": "f", "description": "d", "parameters": {
        "type": "object", "properties": {"a": {"type": "string", "pattern": "^x+y?"}, "n": {"type": "integer"}},
        "required": ["a"]}}}]  # fmt: skip


def fresh(fmt: turnwire.Format) -> HfTokenizer:
    """One that has bound, encoded and remembered nothing, so that the threads race for the first time."""
    pytest.importorskip("tokenizers", reason="needs the package tokenizers", exc_type=ImportError)
    return HfTokenizer(small_tokenizer(fmt).backend)  # type: ignore[attr-defined]


def tiktoken(fmt: turnwire.Format) -> Tokenizer:
    return tiktokens.qwen3()


SHARED: list[tuple[str, Callable[[turnwire.Format], Tokenizer]]] = [
    *((name, fresh) for name in ("qwen3", "qwen3-coder", "harmony", "lfm2")),
    *((name, tiktoken) for name in ("qwen3", "qwen3-coder")),
]


def job(fmt: turnwire.Format, tokenizer: Any, seed: int) -> Any:
    """An agent's conversation of a few steps: render, parse token by token, validate, extend; all that it found."""
    rng = random.Random(seed)
    messages: list[Any] = [{"role": "user", "content": f"Go {seed} é"}]
    found: list[Any] = []
    for step in range(3):
        prompt = fmt.render(messages, TOOLS, tokenizer, add_generation_prompt=True)
        call = Call("f", {"a": "x" * rng.randint(1, 4), "n": rng.choice((step, "no"))})
        parts = (Reasoning("hm"), call) if "reasoning" in frame_kinds(fmt) else (call,)
        reply = fmt.render_reply(Turn("assistant", parts), tokenizer, TOOLS, prompt=prompt)
        parser = fmt.parser(tokenizer, TOOLS, prompt=prompt)
        events = [e for i in reply.ids for e in parser.feed([i])] + parser.close("stop")
        messages += [parser.turn, {"role": "tool", "content": f"r{step}"}]
        statuses = [(c.status, c.errors) for c in parser.turn.calls]
        found.append((prompt.ids, prompt.mask("sampled"), prompt.runs, reply.ids, events, parser.turn, statuses))
    return found


def hammered(work: Callable[[int], Any], seeds: list[int]) -> list[Any]:
    """What 16 threads find that all start at once, switching as often as Python can."""
    barrier, interval = threading.Barrier(THREADS), sys.getswitchinterval()

    def one(n: int) -> list[Any]:
        barrier.wait()
        return [work(seed) for seed in seeds[n:] + seeds[:n]]

    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            found = list(pool.map(one, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)
    return [rows[-n:] + rows[:-n] if n else rows for n, rows in enumerate(found)]


@pytest.mark.parametrize(("name", "make"), SHARED, ids=lambda value: getattr(value, "__name__", value))
def test_sixteen_threads_share_formats_and_tokenizers(name: str, make: Callable[[turnwire.Format], Tokenizer]) -> None:
    base = turnwire.get_format(name)
    alone = [job(base, make(base), seed) for seed in (0, 1)]
    for _ in range(ROUNDS):
        shared = base.but(name)  # equal, and nothing of it compiled
        tokenizer = make(base)
        for rows in hammered(lambda seed, f=shared, t=tokenizer: job(f, t, seed), [0, 1] * 3):
            assert rows == alone * 3
    print(f"{name}: {THREADS} threads; with a lock: {LOCKED}")


@pytest.mark.parametrize("make", [fresh, tiktoken])
def test_a_cache_keeps_its_bound_under_threads(make: Callable[[turnwire.Format], Tokenizer]) -> None:
    fmt = turnwire.get_format("qwen3")
    bound = fmt.bind(make(fmt))
    bound.runs.limit = bound.prompts.limit = 20_000
    hammered(lambda seed: bound.encode(f"text {seed} " * 20), list(range(THREADS)) * 8)
    hammered(lambda seed: job(fmt, bound.tokenizer, seed), [0, 1])
    for info in (bound.runs.info(), bound.prompts.info()):
        assert 0 < info.currsize <= info.maxsize and info.hits + info.misses >= THREADS
    held = sum(cost for _, cost in bound.runs._items.values())
    assert held == bound.runs.info().currsize


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("make", [fresh, tiktoken])
def test_a_forked_child_does_not_wait_for_threads_that_it_has_not(
    make: Callable[[turnwire.Format], Tokenizer],
) -> None:
    """Every lock is held by a thread of the parent's, in the worst moment, when the process forks."""
    fmt = turnwire.get_format("qwen3")
    tokenizer = make(fmt)
    expected = job(fmt, tokenizer, 0)
    bound = fmt.bind(tokenizer)
    bound.runs._held += 1_000_000  # amid `put_each`
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with contextlib.ExitStack() as locks:
            for lock in (tokens._ONCE.lock, bound.runs._lock, bound.prompts._lock, getattr(tokenizer, "_lock", None)):
                if lock is not None:
                    locks.enter_context(lock)
            held.set()
            done.wait()

    def child() -> None:
        assert bound.runs.info().currsize == sum(cost for _, cost in bound.runs._items.values())
        bound._table = None
        new = fmt.but("new", models=("never-seen",))
        assert job(fmt, tokenizer, 0) == expected
        assert job(new, tokenizer, 1)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    done.set()
    thread.join()
    if process.exitcode is None:
        process.kill()
    assert process.exitcode == 0


def test_a_vocabulary_is_read_once_by_all_threads() -> None:
    fmt, tokenizer = turnwire.get_format("qwen3"), tiktokens.qwen3()
    hammered(lambda seed: fmt.parser(tokenizer).feed(tokenizer.encode(f"Go {seed}")), [0, 1])
    assert len(tokenizer.reads) == tokenizer.size


def test_sixteen_threads_share_a_template() -> None:
    """Compiled, traced, masked and inferred from by all threads at once, the first time too."""
    source = template("qwen3")

    def work(shared: turnwire.ChatTemplate, tokenizer: Tokenizer, seed: int) -> Any:
        messages = [
            {"role": "user", "content": f"Go {seed} é"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"type": "function", "function": {"name": "f", "arguments": {"a": "x" * seed}}}]},
            {"role": "tool", "content": f"r{seed}"},
            {"role": "assistant", "content": "Done."},
        ]  # fmt: skip
        prompt = shared.render(messages, TOOLS, tokenizer)
        found = [prompt.ids, prompt.mask("sampled"), [prompt.origin(i) for i in range(0, len(prompt.text), 50)]]
        return [*found, shared.infer_format() if seed == 1 else None]

    for _ in range(ROUNDS):
        tokenizer = tiktokens.qwen3()
        alone = [work(turnwire.ChatTemplate(source), tokenizer, seed) for seed in (0, 1)]
        fresh = turnwire.ChatTemplate(f"{source}{{# {_} #}}")  # nothing of it compiled
        for rows in hammered(lambda seed, c=fresh, t=tokenizer: work(c, t, seed), [0, 1]):
            assert [row[:3] for row in rows] == [row[:3] for row in alone]
            assert rows[1][3].reply == alone[1][3].reply


def test_formats_are_immutable() -> None:
    fmt = turnwire.get_format("qwen3")
    for thing, field in ((fmt, "name"), (fmt.layout, "roles"), (Text("a"), "text")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field, "x")
