"""What is in a conversation and not, or not in order, in its prompt: content, calls, results, reasoning, tools."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

from .bench import Bench, Shown
from .findings import Fault, Severity, Talk, window
from .seen import Field, Seen, fields


def losses(bench: Bench, talk: Talk, shown: Shown) -> Iterator[Fault]:
    """All of them, for one conversation."""
    seen = Seen(shown)
    there = [(f, seen.start(f)) for f in fields(talk)]
    lost = [f for f, at in there if at is None]
    yield from _dropped(bench, talk, shown, lost)
    yield from _tools(bench, talk, shown)
    yield from _repeated(talk, shown, seen)
    yield from _changed(talk, shown)
    found = [(f, at) for f, at in there if at is not None]
    yield from _order(talk, shown, seen, found)
    yield from _merged(talk, shown)


def _dropped(bench: Bench, talk: Talk, shown: Shown, lost: list[Field]) -> Iterator[Fault]:
    asked = max((n for n, m in enumerate(talk.messages) if m.get("role") == "user"), default=-1)
    gone: set[object] = set()
    for field in lost:
        message = talk.messages[field.message]
        role = str(message.get("role"))
        text = window(shown.text)
        if field.part == "result":
            said = f"the result {field.text!r} is not in the prompt"
            yield Fault("drops-result", "result", said, _line(bench, '"tool"', "'tool'"), text)
        elif field.part == "reasoning":
            if field.message > asked and bench.mode.reasoning:  # else it is for `history` to say
                line = _line(bench, "reasoning", "think")
                if message.get("tool_calls"):
                    said = "reasoning before a call, of a turn that still goes on, is not in the prompt"
                    yield Fault("drops-reasoning", "now", said, line, text)
                else:
                    said = "reasoning of the last turn is not in the prompt: nothing can be trained on it"
                    yield Fault("drops-reasoning", "last", said, line, text, "note")
            elif not bench.mode.reasoning:
                said = "reasoning_content is not in the prompt"
                yield Fault("drops-reasoning", "ever", said, None, text, "note")
        elif field.part == "call":
            what = "call" if field.path[-1] == "name" else "arguments"
            if field.path[:4] in gone:
                continue
            gone.add(field.path[:4])
            line = _line(bench, "tool_calls")
            if not bench.calls:
                yield Fault("drops-call", "all", "calls are not in the prompt", line, text, "warning")
                continue
            yield Fault("drops-call", what, f"{what} {field.text!r} is not in the prompt", line, text)
        elif "</think>" in field.text:
            said = f"content of the {role} that holds markup of reasoning, {field.text!r}, is not in the prompt"
            yield Fault("changes-content", "reasoning", said, None, text, "note")
        else:
            beside = " beside calls" if message.get("tool_calls") else ""
            said = f"content of the {role}{beside}, {field.text!r}, is not in the prompt"
            yield Fault("drops-content", role + beside, said, _line(bench, f'"{role}"', f"'{role}'"), text)


def _line(bench: Bench, *needles: str) -> int | None:
    """The first line that names what was lost: where to look."""
    return next((n for needle in needles if (n := bench.line_of(needle)) is not None), None)


def _tools(bench: Bench, talk: Talk, shown: Shown) -> Iterator[Fault]:
    paths = {s.path for s in shown.spans if s.path[:1] == ("tools",)}
    unknown = any(s.kind == "unknown" for s in shown.spans)
    folded = shown.text.casefold()
    for n, tool in enumerate(talk.tools or ()):
        name = tool["function"]["name"]
        mine = {p for p in paths if p[:2] == ("tools", n) or (p[:1] == ("tools",) and len(p) == 1)}
        if not mine and not (unknown and name in shown.text):
            severity: Severity | None = None if bench.calls else "note"
            said = f"the tool {name!r} is not in the prompt"
            yield Fault("ignores-tools", "tool", said, bench.line_of("tools"), window(shown.text), severity)
            return
        missing = [p for p, text in _schema(tool["function"], "") if text.casefold() not in folded]
        if missing:
            said = f"of the tool {name!r} is not in the prompt: {', '.join(missing[:6])}"
            yield Fault("drops-schema", "schema", said, bench.line_of("tools"), window(shown.text))


def _schema(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Paths in a definition, and the text that shows each."""
    if isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if (path, key) == ("parameters", "type"):
                continue
            where = f"{path}.{key}" if path else key
            if not isinstance(inner, (dict, list)):
                yield where, _spelled(inner, key)
            elif path.endswith("properties"):
                yield where, key
            yield from _schema(inner, where)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            if isinstance(inner, str):
                yield path, inner
            else:
                yield from _schema(inner, path)


def _spelled(value: Any, key: str) -> str:
    return value if isinstance(value, str) else key


def _repeated(talk: Talk, shown: Shown, seen: Seen) -> Iterator[Fault]:
    for field in fields(talk):
        at = [s for s in shown.spans if s.path == field.path and s.offset == 0 and s.kind == "data"]
        if len(at) > 1 and field.part in ("content", "result") and seen.sizes.get(field.path, 0) > len(field.text):
            role = str(talk.messages[field.message].get("role"))
            said = f"content of the {role}, {field.text!r}, is in the prompt {len(at)} times"
            yield Fault("repeats-content", role, said, at[1].line, window(shown.text, at[1].start))


def _changed(talk: Talk, shown: Shown) -> Iterator[Fault]:
    """Content of which characters are missing. Where the map knows no offsets, the text has to be there."""
    for field in fields(talk):
        mine = [s for s in shown.spans if s.path == field.path and s.kind == "data"]
        if field.part not in ("content", "result") or not mine or field.text in shown.text:
            continue
        role = str(talk.messages[field.message].get("role"))
        text = "".join(shown.text[s.start : s.stop] for s in mine)
        if text.strip() == field.text.strip():
            said = f"blanks around content of the {role} are taken away"
            yield Fault("trims-content", "ends", said, mine[0].line, window(shown.text, mine[0].start))
        elif "</think>" in field.text:
            said = f"content of the {role} that holds markup of reasoning, {field.text!r}, comes out as {text!r}"
            yield Fault("changes-content", "reasoning", said, mine[0].line, window(shown.text, mine[0].start), "note")
        elif all(s.offset is not None for s in mine):
            said = f"content of the {role}, {field.text!r}, comes out as {text!r}"
            yield Fault("changes-content", role, said, mine[0].line, window(shown.text, mine[0].start))


def _order(talk: Talk, shown: Shown, seen: Seen, found: list[tuple[Field, int]]) -> Iterator[Fault]:
    """Fields of a message before those of the next; of one message, content parts in order, and calls."""
    last: tuple[Field, int] | None = None
    for field, at in found:
        if last is not None and at < last[1] and _ranked(last[0], field):
            a, b = _name(talk, last[0]), _name(talk, field)
            said = f"{b} {field.text!r} stands before {a} {last[0].text!r}"
            where = window(shown.text, at)
            line = seen.line(last[0]) or seen.line(field)
            moved: Severity | None = "warning" if talk.messages[last[0].message].get("role") == "system" else None
            yield Fault("reorders-content", a, said, line, where, moved)
        if last is None or at > last[1]:
            last = field, at


def _ranked(a: Field, b: Field) -> bool:
    """Whether a is to stand before b: in one message, a part of a kind before the next of that kind."""
    same = a.path[2:4] if a.part == "call" else a.path[2:3]
    return a.message < b.message or (a.part == b.part == "content" and same == b.path[2:3])


def _name(talk: Talk, field: Field) -> str:
    role = str(talk.messages[field.message].get("role"))
    what = {"call": "a call", "result": "a result", "reasoning": "reasoning"}.get(field.part)
    return what or f"content of the {role}"


def _merged(talk: Talk, shown: Shown) -> Iterator[Fault]:
    """Neighbours whose texts stand together with nothing between but blanks."""
    data = [s for s in shown.spans if s.kind == "data" and s.path[:1] == ("messages",) and len(s.path) > 2]
    for a, b in pairwise(data):
        one, other = cast("int", a.path[1]), cast("int", b.path[1])
        if other != one + 1 or shown.text[a.stop : b.start].strip():
            continue
        roles = [str(talk.messages[n].get("role")) for n in (one, other)]
        between = shown.text[a.stop : b.start]
        if roles == ["tool", "tool"]:
            yield Fault("merges-results", "results", f"nothing but {between!r} is between two results", b.line,
                        window(shown.text, b.start))  # fmt: skip
        else:
            said = f"nothing but {between!r} is between the {roles[0]}'s message and the {roles[1]}'s"
            yield Fault("merges-messages", " ".join(roles), said, b.line, window(shown.text, b.start))
