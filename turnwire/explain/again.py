"""What-if: one side rendered again with one thing changed. Where that gives the other side's text, the change is why.

Only sides that render here are asked again, a bounded number of times. A change explains the regions that are gone when
the new text is compared with the other side's.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from ..errors import TurnwireError
from ..messages import REASONING
from .align import align
from .regions import Cause, Reading, Region
from .sides import FormatSide, Prompt, Side, TemplateSide

MOST = 16  # renders
LONG = 400_000  # characters of a prompt, beyond which fewer are made
FEW = 4
NEAR = 64  # characters, by which two alignments may put the same difference in two places
EDGE = 16  # characters that must be alike between what a change explains and what it does not
COARSE = re.compile(r"[^\n<\[]+|[\n<\[]")  # what is compared: lines, cut at markers
SWITCHES: Mapping[str, tuple[Any, ...]] = {
    "enable_thinking": (False, True),
    "thinking": (True, False),
    "reasoning_effort": ("low", "medium", "high"),
    "preserve_thinking": (True,),
    "clear_thinking": (False, True),
}
"""Variables that templates read, and what they are set to."""

Stretch: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Asked:
    """A side, and what it was asked."""

    side: Side
    prompt: Prompt
    messages: Any
    tools: Any
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """One thing changed, and what it would mean that the result is the other side's."""

    cause: str
    detail: str
    messages: Any
    tools: Any
    options: Mapping[str, Any]
    own: bool = False  # the odd thing is on the side that was asked again


def explained(a: Asked, b: Asked, readings: tuple[Reading, Reading], regions: Sequence[Region]) -> list[Region]:
    """The regions, with the causes that rendering again proves, in front of those that they have. Where each has one,
    messages are not rewritten."""
    out = list(regions)
    if not any(r.kind == "text" for r in regions):
        return out
    deep = not all(r.causes for r in regions)
    room = FEW if max(len(a.prompt.text), len(b.prompt.text)) > LONG else MOST
    for name, ours, theirs in (("a", a, b), ("b", b, a)):
        if not isinstance(ours.side, (FormatSide, TemplateSide)):
            continue
        other = readings[1] if name == "a" else readings[0]
        was = stretches(ours.prompt.text, other.text)
        for change in changes(ours, theirs, deep):
            if not room:
                return out
            room -= 1
            try:
                text = ours.side.text(change.messages, change.tools, change.options)
            except TurnwireError:
                continue
            if text == ours.prompt.text:
                continue
            odd: Literal["a", "b"] = "a" if (name == "a") == change.own else "b"
            cause = Cause(change.cause, change.detail, odd)
            for i in gone(text, other.text, was, out, name == "b"):
                if change.cause not in {c.name for c in out[i].causes}:
                    out[i] = out[i].because((cause, *out[i].causes))
    return out


def gone(text: str, other: str, was: Sequence[Stretch], regions: Sequence[Region], swapped: bool) -> list[int]:
    """The regions in whose place `text` is as `other`, if it differs from it nowhere else than `was`."""
    starts = [start for start, _ in was]
    kept: set[int] = set()  # of `was`
    for start, stop in stretches(text, other):
        i = bisect_right(starts, start) - 1
        if i < 0 or was[i][1] < stop:
            return []
        kept.add(i)
    out: list[int] = []
    for n, r in enumerate(regions):
        start, stop = (r.a.start, r.a.stop) if swapped else (r.b.start, r.b.stop)
        i = bisect_right(starts, stop)
        near = [(max(was[k][0] - stop, start - was[k][1], 0), k) for k in (i - 1, i) if 0 <= k < len(was)]
        far, k = min(near, default=(NEAR + 1, 0))
        alone = all(max(was[j][0] - was[k][1], was[k][0] - was[j][1]) > EDGE for j in (k - 1, k + 1) if j in kept)
        if r.kind == "text" and far <= NEAR and k not in kept and alone:
            out.append(n)
    return out


def stretches(text: str, other: str) -> list[Stretch]:
    """Where `other` is not as `text`: its characters."""
    if text == other:
        return []
    x, y = COARSE.findall(text), COARSE.findall(other)
    ends, at = [0], 0
    for unit in y:
        at += len(unit)
        ends.append(at)
    return [(ends[g.b_start], ends[g.b_stop]) for g in align(x, y)]


def changes(ours: Asked, theirs: Asked, deep: bool = True) -> Iterator[Change]:
    """What may be changed, the likeliest first; the messages and options that nobody gave only if `deep`."""
    same = ours.messages, ours.tools
    options = dict(ours.options)
    prompt = bool(options.get("add_generation_prompt"))
    for name, value in options.items():
        if (value is not None and value is not False) or name != "add_generation_prompt":
            less = {k: v for k, v in options.items() if k != name}
            yield Change("option-dropped", f"as without {name}={value!r}", *same, less)
    for name, value in theirs.options.items():
        if name not in options and value is not None:
            yield Change("option-dropped", f"as without {name}={value!r}", *same, {**options, name: value}, own=True)
    if not prompt and not options.get("continue_final_message"):
        more = {**options, "add_generation_prompt": True}
        yield Change("option-dropped", "as with add_generation_prompt=True", *same, more)
    if ours.tools:
        yield Change("tools-dropped", f"as without the {len(ours.tools)} tools", ours.messages, None, options)
    for what, detail, messages in rewritten(ours.messages) if deep else ():
        yield Change(what, detail, messages, ours.tools, options, own=what == "think-block")
    for name, values in SWITCHES.items():
        if deep and name not in options and reads(ours, name):
            for value in values:
                yield Change("option-dropped", f"as with {name}={value!r}", *same, {**options, name: value})


def reads(asked: Asked, name: str) -> bool:
    """Whether the side knows a variable of that name."""
    if isinstance(asked.side, FormatSide):
        return name in asked.side.format.options
    return re.search(rf"\b{name}\b", asked.prompt.source) is not None


def rewritten(messages: Any) -> Iterator[tuple[str, str, Any]]:
    """The messages with one thing about them changed."""
    if not isinstance(messages, (list, tuple)) or not all(isinstance(m, dict) for m in cast("list[Any]", messages)):
        return
    given = cast("list[dict[str, Any]]", list(messages))  # pyright: ignore[reportUnknownArgumentType]
    yield from _if(given, "think-block", "as without the reasoning of the messages", _silent)
    yield from _if(given, "arguments-form", "as with arguments as a string of JSON", _as_string)
    yield from _if(given, "arguments-form", "as with arguments as an object", _as_object)
    yield from _if(given, "content-list-printed", "as with content as one string", _joined)
    yield from _if(given, "whitespace", "as with trimmed content", _trimmed)


def _if(given: list[dict[str, Any]], name: str, detail: str, change: Any) -> Iterator[tuple[str, str, Any]]:
    made = [change(m) for m in given]
    if made != given:
        yield name, detail, made


def _silent(m: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in m.items() if k not in REASONING}


def _calls(m: dict[str, Any], change: Any) -> dict[str, Any]:
    calls: Any = m.get("tool_calls")
    if not isinstance(calls, list):
        return m
    out: list[Any] = []
    for call in cast("list[Any]", calls):
        if isinstance(call, dict) and isinstance(call.get("function"), dict) and "arguments" in call["function"]:  # pyright: ignore[reportUnknownMemberType]
            function = cast("dict[str, Any]", call["function"])
            call = {
                **cast("dict[str, Any]", call),
                "function": {**function, "arguments": change(function["arguments"])},
            }
        out.append(call)
    return {**m, "tool_calls": out}


def _as_string(m: dict[str, Any]) -> dict[str, Any]:
    def written(value: Any) -> str:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return _calls(m, written)


def _as_object(m: dict[str, Any]) -> dict[str, Any]:
    def read(value: Any) -> Any:
        try:
            return json.loads(value) if isinstance(value, str) else value
        except ValueError:
            return value

    return _calls(m, read)


def _joined(m: dict[str, Any]) -> dict[str, Any]:
    content: Any = m.get("content")
    if not isinstance(content, list):
        return m
    parts = cast("list[Any]", content)
    if not all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in parts):  # pyright: ignore[reportUnknownMemberType]
        return m
    return {**m, "content": "".join(p["text"] for p in parts)}


def _trimmed(m: dict[str, Any]) -> dict[str, Any]:
    content: Any = m.get("content")
    return {**m, "content": content.strip()} if isinstance(content, str) else m
