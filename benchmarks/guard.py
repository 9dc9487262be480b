"""Work counted, not timed: `python -m benchmarks.guard [--update]`, or `make guard`.

Of each workload the lines of turnwire that run (`sys.settrace`) and the functions that turnwire calls, Python's and C's
(`sys.setprofile`). The numbers are the same in every run, so a change that makes a hot path longer shows on a busy
machine too. `benchmarks/guard.json` has the counts of each Python version; more than `TOLERANCE` of them fails, and so
does less: what was won could be lost again without a word. `--update` writes what is counted now: for when the change
is meant, with the reason in the commit.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import turnwire
from turnwire import ChatTemplate, Conversation
from turnwire.parsers import quick
from turnwire.parsers.validate import Toolbox, _Compiled  # pyright: ignore[reportPrivateUsage]
from turnwire.tokenbackend import HfTokenizer
from turnwire.tokens import small_tokenizer
from turnwire.tools import normalize_tools

from .case import rendered
from .measure import table
from .workload import TOOLS, arguments, completion, conversation, result

Work = Callable[[], object]

BASELINE = Path(__file__).with_name("guard.json")
TOLERANCE = 1.03
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
PACKAGE = str(Path(turnwire.__file__).parent)
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content or '' }}"
    "{% for c in m.tool_calls or [] %}<tool_call>\n{{ c | tojson }}\n</tool_call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def fresh(fmt: turnwire.Format) -> Any:
    """A tokenizer whose caches are empty."""
    return HfTokenizer(small_tokenizer(fmt).backend)  # type: ignore[attr-defined]


def parse(name: str, text: bool = False, shape: Callable[[int], Iterable[int]] = lambda i: [i]) -> Work:
    """A reply of eight kilobytes, a token or four characters at a time, by a tokenizer that has parsed before."""
    fmt = turnwire.get_format(name)
    tokenizer = fresh(fmt)
    ids, _ = rendered(fmt, tokenizer, completion("2k"))
    whole = fmt.bind(tokenizer).decode(ids)

    def work() -> object:
        parser = fmt.parser(tokenizer, TOOLS)
        if text:
            for at in range(0, len(whole), 4):
                parser.feed_text(whole[at : at + 4])
        else:
            for i in ids:
                parser.feed(shape(i))
        return parser.close("stop")

    work()
    return work


def render() -> Work:
    """Prompts that nobody has seen."""
    fmt = turnwire.get_format("qwen3")
    prompts = [conversation(5, seed=n) for n in range(3)]
    return lambda: [fmt.render(p, TOOLS, t, add_generation_prompt=True).ids for t in [fresh(fmt)] for p in prompts]


def render_again(turns: int = 30) -> Work:
    """An agent's history that is rendered before each of its turns."""
    fmt = turnwire.get_format("harmony")
    messages = conversation(turns, user_every=0)
    options = {"now": "2026-01-15"}
    return lambda: [
        fmt.render(messages[: 4 + 2 * n], TOOLS, t, add_generation_prompt=True, **options).ids
        for t in [fresh(fmt)]
        for n in range(turns)
    ]


def extend() -> Work:
    """The same in token ids."""
    fmt = turnwire.get_format("qwen3")
    tokenizer = fresh(fmt)
    rng = random.Random(1)
    answers = [result(rng, 400) for _ in range(10)]
    calls = [turnwire.Turn("assistant", (turnwire.Call("read_file", {"path": f"{n}"}),)) for n in range(10)]
    replies = [fmt.render_reply(turn, tokenizer, TOOLS).ids for turn in calls]

    def work() -> object:
        c = Conversation(fmt, tokenizer, TOOLS)
        c.add([{"role": "user", "content": "Go."}])
        for ids, answer in zip(replies, answers):
            c.prompt()
            c.sampled(ids, finish_reason="stop")
            c.add([{"role": "tool", "content": answer}])
        return c.prompt()

    return work


def template() -> Work:
    """A chat template with its source map."""
    made = ChatTemplate(TEMPLATE)
    messages = conversation(6)
    return lambda: made.render(messages, add_generation_prompt=True).origin(-1)


def template_masks() -> Work:
    """The same, and what the model would have written."""
    made = ChatTemplate(TEMPLATE)
    messages = conversation(6)
    return lambda: made.render(messages, add_generation_prompt=True).runs


def infer() -> Work:
    """A format from a template."""
    return lambda: ChatTemplate(TEMPLATE).infer_format()


def compare() -> Work:
    """Where two prompts of one conversation differ."""
    fmt = turnwire.get_format("qwen3")
    messages = conversation(4)
    return lambda: turnwire.diff(fmt, ChatTemplate(TEMPLATE), messages)


def validate(quickly: bool) -> Work:
    """Calls against their schemas; `quickly`: where jsonschema-rs may say that they are valid."""
    tools, rng = normalize_tools(TOOLS) or (), random.Random(2)
    names = ("read_file", "search_code", "write_file", "run_command")
    calls = [(names[n % 4], arguments(rng, names[n % 4], 200)) for n in range(40)]
    calls += [(name, {**given, "path": 3, "extra": [1]}) for name, given in calls[:8]]
    if quickly:
        return lambda: [box.check(name, given) for box in [Toolbox(tools)] for name, given in calls]
    alone = {tool.name: _Compiled(dict(tool.parameters or {})) for tool in tools}
    for compiled in alone.values():
        compiled._quick = None  # pyright: ignore[reportPrivateUsage]
    return lambda: [alone[name].check(given) for name, given in calls]


QUICK = "validate, jsonschema-rs"
WORKLOADS: dict[str, Callable[[], Work]] = {
    "parse, JSON": lambda: parse("qwen3"),
    "parse, XML": lambda: parse("qwen3-coder"),
    "parse, channels": lambda: parse("harmony"),
    "parse, Python calls": lambda: parse("lfm2"),
    "parse, text": lambda: parse("qwen3", text=True),
    "render": render,
    "render again": render_again,
    "extend": extend,
    "template": template,
    "template, masks": template_masks,
    "infer": infer,
    "diff": compare,
    "validate": lambda: validate(False),
    QUICK: lambda: validate(True),
}


def count(make: Callable[[], Work]) -> dict[str, int]:
    """Lines that run and functions that are called, Python's and C's, the second time."""
    make()()
    lines = calls = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        lines += event == "line"
        return trace

    def profile(frame: Any, event: str, arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call") and frame.f_code.co_filename.startswith(PACKAGE)

    first, second = make(), make()
    gc.collect()
    gc.disable()
    try:
        sys.settrace(trace)
        first()
        sys.settrace(None)
        sys.setprofile(profile)
        second()
    finally:
        sys.settrace(None)
        sys.setprofile(None)
        gc.enable()
    return {"lines": lines, "calls": calls}


def judged(name: str, found: dict[str, int], allowed: dict[str, int]) -> list[str]:
    """What is to be said against the counts of a workload."""
    said: list[str] = []
    for what, n in found.items():
        ratio = n / allowed[what] if what in allowed else 1.0
        if ratio > TOLERANCE:
            said.append(f"{name}: {ratio:.3f} times the {what} that are allowed")
        elif ratio < 1 / TOLERANCE:
            said.append(f"{name}: only {ratio:.3f} of the {what} that are allowed: --update, so that it stays so")
    return said


def main() -> None:
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets decides how often some loops turn
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.guard", *sys.argv[1:]],
                  {**os.environ, "PYTHONHASHSEED": "0", "TOKENIZERS_PARALLELISM": "false"})  # fmt: skip
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--update", action="store_true", help="write what is counted as what is allowed")
    parser.add_argument("--only", default="", help="workloads whose name has this")
    given = parser.parse_args()
    known: dict[str, dict[str, dict[str, int]]] = json.loads(BASELINE.read_text("utf-8")) if BASELINE.exists() else {}
    allowed = known.setdefault(VERSION, {})
    rows, wrong = list[list[str]](), list[str]()
    for name, make in WORKLOADS.items():
        if given.only not in name or (name == QUICK and quick._module() is None):  # pyright: ignore[reportPrivateUsage]
            continue
        found = count(make)
        before = allowed.get(name, {})
        for what, n in found.items():
            ratio = f"{n / before[what]:.3f}" if what in before else "new"
            rows.append([f"{name}: {what}", f"{n:,}", f"{before.get(what, 0):,}", ratio])
        wrong += judged(name, found, before)
        if given.update:
            allowed[name] = found
    print(table(["workload", "now", "allowed", "ratio"], rows, markdown=False))
    if given.update:
        BASELINE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    elif not any(allowed.values()):
        print(f"\nNothing is known for Python {VERSION}: python -m benchmarks.guard --update")
    elif wrong:
        sys.exit("\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
