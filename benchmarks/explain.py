"""`turnwire diff` on prompts of 100,000 tokens, beyond what rendering them takes; and its search, per 1,000
conversations.

    python -m benchmarks.explain [--tokens 100000] [--rounds 5] [--markdown]

Words are drawn anew in every round, from the system's entropy: nothing has been seen before. Each round times rendering
and encoding of both sides, then the comparison of the two, causes included. Printed are medians of processor time, and
the comparison's as a share of the rendering's. The search is for pairs of which one differs nowhere, so that the whole
budget runs.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import turnwire
from turnwire.explain.again import Asked
from turnwire.explain.diff import compare
from turnwire.explain.search import search
from turnwire.explain.sides import Side, side

TEMPLATE = """{% for t in tools or [] %}{{ t | tojson }}
{% endfor %}{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}{% for c in m.tool_calls or [] %}
<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}"""
COMPACT = TEMPLATE.replace("arguments | tojson", "arguments | tojson(separators=(',', ':'))")
TRIMMED = TEMPLATE.replace("{{ m.content }}", "{{ m.content | trim }}")


def talk(tokens: int) -> list[dict[str, Any]]:
    """A conversation of about so many tokens, of words that nobody has seen."""
    drawn = random.SystemRandom()
    letters = "abcdefghijklmnopqrstuvwxyzéü日本"
    words = ["".join(drawn.choices(letters, k=drawn.randint(2, 9))) for _ in range(2_000)]

    def said(count: int) -> str:
        return " ".join(drawn.choices(words, k=count)) + drawn.choice(["", " ", "\n"])

    out: list[dict[str, Any]] = []
    made, tokenizer = 0, turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    while made < tokens:
        out.append({"role": "user", "content": said(120)})
        arguments = {"city": said(3), "days": drawn.randint(1, 9), "also": {"x": [1, drawn.random()]}}
        call = {"id": "call00001", "type": "function", "function": {"name": "look", "arguments": arguments}}
        out.append({"role": "assistant", "content": said(20), "tool_calls": [call]})
        out.append({"role": "tool", "tool_call_id": "call00001", "name": "look", "content": said(200)})
        out.append({"role": "assistant", "content": said(150)})
        made += sum(len(tokenizer.encode(m["content"])) for m in out[-4:])
    return out


def sides(which: str) -> tuple[Side, Side]:
    """Two sides that differ."""
    base = turnwire.ChatTemplate(TEMPLATE)
    others: dict[str, Callable[[], Any]] = {
        "blanks of every call": lambda: turnwire.ChatTemplate(COMPACT),
        "blanks of every message": lambda: turnwire.ChatTemplate(TRIMMED),
        "one line": lambda: turnwire.ChatTemplate("You are kind.\n" + TEMPLATE),
        "another family": lambda: turnwire.get_format("qwen3-coder"),
    }
    return side(base), side(others[which]())


def one(which: str, tokens: int) -> tuple[float, float, int, int]:
    """Seconds of rendering and of comparing, tokens, regions."""
    messages = talk(tokens)
    tokenizer = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    start = time.process_time()
    asked = [Asked(s, s.prompt(messages, None, tokenizer, {}), messages, None, {}) for s in sides(which)]
    middle = time.process_time()
    found = compare(*asked)
    end = time.process_time()
    return middle - start, end - middle, len(asked[0].prompt.ids or ()), len(found.regions) if found else 0


def searched(a: Any, b: Any, seed: int) -> tuple[float, int]:
    """Seconds for 1,000 conversations, and how many both sides rendered."""
    start = time.process_time()
    done = search(a, b, budget=1_000, seed=seed)
    return time.process_time() - start, done.tried


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    lines = ["| what differs | tokens | regions | rendering both | comparing | share |", "|---|---|---|---|---|---|"]
    for which in ("one line", "blanks of every call", "blanks of every message", "another family"):
        rows = [one(which, args.tokens) for _ in range(args.rounds)]
        render, diff = (statistics.median(r[i] for r in rows) for i in (0, 1))
        tokens, regions = (int(statistics.median(r[i] for r in rows)) for i in (2, 3))
        lines.append(f"| {which} | {tokens:,} | {regions:,} | {render:.2f} s | {diff:.2f} s | {diff / render:.2f} |")
    lines += ["", "| search of | 1,000 conversations | rendered by both |", "|---|---|---|"]
    pairs = {
        "a template and itself": (turnwire.ChatTemplate(TEMPLATE), turnwire.ChatTemplate(TEMPLATE + "{# #}")),
        "two formats": (turnwire.get_format("qwen3"), turnwire.get_format("qwen3")),
    }
    for name, (a, b) in pairs.items():
        found = [searched(a, b, random.SystemRandom().randrange(1 << 30)) for _ in range(args.rounds)]
        lines.append(f"| {name} | {statistics.median(s for s, _ in found):.1f} s | {found[0][1]:,} |")
    print("\n".join(lines if args.markdown else [line.replace("|", " ") for line in lines]))


if __name__ == "__main__":
    main()
