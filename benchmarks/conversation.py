"""An agent's loop in token ids, Qwen3: `python -m benchmarks.conversation [--turns 100] [--rounds 5]`.

Each turn the model writes a call and gets a result; the rows make the next prompt. What is sampled is in other tokens
than the tokenizer's own in one turn of four, as models do. A break is a prompt that does not start with what was sent
and sampled. All rows run in one process, in turns.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import turnwire
from tests import real
from turnwire import Call, Conversation, Turn

from .measure import interleave, machine, table, versions
from .workload import TOOLS, result

OURS, AGAIN = "turnwire Conversation", "turnwire render, all again"
BRIDGE, THEIRS = "renderers bridge_to_next_turn", "renderers render_ids, all again"
FLOOR = "tokenizers encode of the new text alone"
Messages = list[dict[str, Any]]


def steps(count: int, seed: int, fmt: turnwire.Format, tok: Any) -> list[tuple[list[int], Turn, dict[str, Any]]]:
    """What is sampled in each turn, its reading, and the result that follows."""
    rng = random.Random(seed)
    out: list[tuple[list[int], Turn, dict[str, Any]]] = []
    for n in range(count):
        arguments = {"path": f"src/{n}.py", "content": result(rng, 600)}
        ids = fmt.render_reply(Turn("assistant", (Call("write_file", arguments),)), tok, TOOLS).ids
        if n % 4 == 0:
            at = rng.randrange(10, len(ids) - 10)
            piece = tok.piece(ids[at]).decode("utf-8", "ignore")
            if len(piece) > 1 and piece.isascii():
                ids = [*ids[:at], *tok.encode(piece[:1]), *tok.encode(piece[1:]), *ids[at + 1 :]]
        turn = fmt.parse(ids, TOOLS, tokenizer=tok, finish_reason="stop").turn
        out.append((ids, turn, {"role": "tool", "content": result(rng, 1500)}))
    return out


def grow(turns: int, size: int, markdown: bool) -> None:
    """The time of a step as the history grows, with `delta()` and with `prompt()`; texts that nobody has seen."""
    fmt, tok = turnwire.get_format("qwen3"), real.qwen3()
    made, fresh = turnwire.load_tokenizer(tok.backend), turnwire.load_tokenizer(tok.backend)
    rng = random.Random(0)
    loop = Conversation(fmt, fresh, TOOLS)
    loop.add([{"role": "system", "content": "Be careful."}, {"role": "user", "content": "Mend the tests."}])
    loop.delta()
    spent: list[tuple[int, float, float]] = []
    for n in range(turns):
        call = Call("write_file", {"path": f"src/{n}.py", "content": result(rng, size)})
        ids = fmt.render_reply(Turn("assistant", (call,)), made, TOOLS).ids
        answer = {"role": "tool", "content": result(rng, 1500)}
        gc.collect()
        start = time.process_time()
        loop.sampled(ids, finish_reason="stop")
        loop.add([answer])
        loop.delta()
        middle = time.process_time()
        loop.prompt()
        spent.append((len(loop), middle - start, time.process_time() - middle))
    body: list[list[str]] = []
    for part in range(0, turns, max(1, turns // 8)):
        some = spent[part : part + max(1, turns // 8)]
        step, copied = (statistics.median(s[k] for s in some) * 1e3 for k in (1, 2))
        body.append([f"{some[-1][0]:,}", f"{step:.2f} ms", f"{copied:.2f} ms"])
    print(f"{turns} turns; {machine()}; {versions('tokenizers')}\n")
    print(table(("tokens of history", "sampled, add, delta", "prompt() behind it"), body, markdown))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--grow", type=int, default=0, help="the time of a step as the history grows, so many turns")
    parser.add_argument("--size", type=int, default=14_000, help="characters that are written in each of those")
    given = parser.parse_args()
    if given.grow:
        return grow(given.grow, given.size, given.markdown)
    fmt, tok = turnwire.get_format("qwen3"), real.qwen3()
    made, whole, small = (turnwire.load_tokenizer(tok.backend) for _ in range(3))  # each with a cache of its own
    peer: Any = None
    if importlib.util.find_spec("renderers") and importlib.util.find_spec("httpx"):  # pip install renderers httpx
        peer = importlib.import_module("renderers.qwen3").Qwen3Renderer(real.transformers_tokenizer(tok))
    serial = iter(range(10**6))
    base: Messages = [{"role": "system", "content": "Be careful."}, {"role": "user", "content": "Mend the tests."}]
    breaks: dict[str, int] = {}
    size = 0

    def loop(name: str, go_on: Callable[[list[int], list[int], Turn, dict[str, Any], Messages], list[int]]) -> Any:
        def run() -> list[int]:
            messages = list(base)
            ids = fmt.render(messages, TOOLS, whole, add_generation_prompt=True).ids
            broken = 0
            for sampled, turn, answer in todo[name].pop():
                had = [*ids, *sampled]
                ids = go_on(ids, sampled, turn, answer, messages)
                broken += ids[: len(had)] != had
            breaks[name] = broken
            return ids

        return run

    def ours() -> list[int]:
        nonlocal size
        c = Conversation(fmt, small, TOOLS)
        c.add(base)
        broken = 0
        ids = c.prompt()
        for sampled, _, answer in todo[OURS].pop():
            had = [*ids, *sampled]
            c.sampled(sampled, finish_reason="stop")
            c.add([answer])
            ids = c.prompt()
            broken += ids[: len(had)] != had
        breaks[OURS], size = broken, len(ids)
        return ids

    def message(turn: Turn) -> dict[str, Any]:
        return turn.to_openai() | {"content": turn.text}

    def again(ids: list[int], sampled: list[int], turn: Turn, answer: Any, messages: Messages) -> list[int]:
        messages += [message(turn), answer]
        return fmt.render(messages, TOOLS, whole, add_generation_prompt=True).ids

    def theirs(ids: list[int], sampled: list[int], turn: Turn, answer: Any, messages: Messages) -> list[int]:
        messages += [message(turn), answer]
        return peer.render_ids(messages, tools=TOOLS, add_generation_prompt=True)

    def bridge(ids: list[int], sampled: list[int], turn: Turn, answer: Any, messages: Messages) -> list[int]:
        fmt.parse(sampled, TOOLS, tokenizer=tok, finish_reason="stop")  # as ours does
        return peer.bridge_to_next_turn(ids, sampled, [answer], tools=TOOLS).token_ids

    def floor(ids: list[int], sampled: list[int], turn: Turn, answer: Any, messages: Messages) -> list[int]:
        return [*ids, *sampled, *tok.backend.encode(answer["content"], add_special_tokens=False).ids]

    rows = {
        OURS: ours, BRIDGE: loop(BRIDGE, bridge), FLOOR: loop(FLOOR, floor),
        AGAIN: loop(AGAIN, again), THEIRS: loop(THEIRS, theirs),
    }  # fmt: skip
    rows = {name: row for name, row in rows.items() if peer is not None or name not in (BRIDGE, THEIRS)}
    # nobody has seen a text before: each row of each round has its own
    todo = {n: [steps(given.turns, next(serial), fmt, made) for _ in range(given.rounds + 1)] for n in rows}
    times = interleave(rows, given.rounds)
    body = [
        [name, f"{times.median(name) * 1e3:,.0f} ms", f"{times.ratio(name, OURS):.2f}", f"{breaks[name]}"]
        for name in rows
    ]
    packages = ("tokenizers", "renderers") if peer else ("tokenizers",)
    print(f"{given.turns} turns, {size:,} tokens at the end; {machine()}; {versions(*packages)}\n")
    print(table(("row", "whole loop", "x Conversation", "breaks"), body, given.markdown))


if __name__ == "__main__":
    main()
