"""The conversations that every template is tried on: small, and each legal in the OpenAI schema.

Each differs in one thing from what the template is happiest with (`Bench.mode`), so that what goes wrong in it is due
to that. `crash` is how bad it is if the template fails on it: "error" where it is the plain form of what the template
does anyway; "warning" where servers commonly change it before they render, or where models document that they lack it.
`most` is the same for anything else that goes wrong in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from ...inference.probe import REASONING_KEYS, Called, Mode, Said
from .findings import Severity, Talk

CITY = {"type": "string", "description": "the town"}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Looks out of the window.",
        "parameters": {"type": "object", "properties": {"city": CITY}, "required": ["city"]},
    },
}
RICH: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "plan_trip",
        "description": "Plans a trip.",
        "parameters": {
            "type": "object",
            "properties": {
                "mode": {"type": "string", "enum": ["train", "boat"], "description": "by what", "default": "train"},
                "days": {"type": ["integer", "null"], "minimum": 1, "default": None},
                "stops": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"town": {"type": "string"}, "night": {"type": "boolean", "default": True}},
                        "required": ["town"],
                        "additionalProperties": False,
                    },
                },
                "budget": {"anyOf": [{"type": "number"}, {"type": "null"}], "description": "in crowns"},
            },
            "required": ["mode"],
            "additionalProperties": False,
        },
    },
}
UNTYPED: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "note_down",
        "description": "Keeps a note.",
        "parameters": {"type": "object", "properties": {"any": {"description": "what"}, "more": {}}},
    },
}
LOOSE: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "fill_in",
        "description": "Fills a form.",
        "parameters": {"type": "object", "properties": {"form": {"type": "object"}, "rows": {"type": "array"}}},
    },
}
BARE: dict[str, Any] = {"type": "function", "function": {"name": "ring_bell", "description": "Rings."}}
CURT: dict[str, Any] = {
    "type": "function",
    "function": {"name": "stop_all", "parameters": {"type": "object", "properties": {}}},
}
ONE = Called("get_weather", {"city": "Oslo"}, "abcdefgh1")
TWO = Called("get_weather", {"city": "Bergen"}, "abcdefgh2")
VALUES = Called("plan_trip", {"days": None, "night": True, "cost": 2.5, "towns": ["Voss", False], "by": {"x": None}})
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
ASK, MORE, LAST = "Rain today?", "And tomorrow?", "Thank you."
TOLD, ALSO = "It will rain.", "It stays dry."
LOOK = "I have a look."
FOUND, OTHER = "12 degrees", "9 degrees"
THOUGHT, AGAIN = "They want the forecast.", "The window shows it."
LINES = "One:\n\n    two  \n\tthree.\n"
RULE, RULES = "Be brief.", "Be kind."


class Case(NamedTuple):
    """See the head of this file."""

    name: str
    talk: Talk
    crash: Severity = "error"
    most: Severity = "error"


class Shape:
    """Messages in a template's mode."""

    def __init__(self, mode: Mode):
        self.mode = mode
        self.opening = [self.system(RULE)] if mode.system else []
        self.tools = [TOOL] if mode.tools else None

    def text(self, text: str) -> Any:
        """Content."""
        return [{"type": "text", "text": text}] if self.mode.listed else text

    def user(self, text: str = ASK) -> dict[str, Any]:
        """A user's message."""
        return {"role": "user", "content": self.text(text)}

    def system(self, text: str = RULE) -> dict[str, Any]:
        """Instructions."""
        return {"role": "system", "content": self.text(text)}

    def said(self, text: str | None = None, *calls: Called, thought: str | None = None) -> dict[str, Any]:
        """A turn of the assistant."""
        keys = self.mode.reasoning or REASONING_KEYS[:1]
        return replace(self.mode, reasoning=keys).message(Said(thought, text, calls))

    def result(self, call: Called = ONE, text: str = FOUND, index: int = 0) -> dict[str, Any]:
        """A tool's answer."""
        id = self.mode.id(call, index)
        return {"role": "tool", "name": call.name, "tool_call_id": id, "content": self.text(text)}

    def talk(self, *messages: dict[str, Any], tools: Any = None, thinks: bool = False) -> Talk:
        """A conversation, behind the system message that some templates demand."""
        opened = messages and messages[0]["role"] in ("system", "developer")
        variables: Mapping[str, Any] = dict(self.mode.variables) if thinks else {}
        return Talk([*([] if opened else self.opening), *messages], tools, variables)

    def working(self, *messages: dict[str, Any], thinks: bool = False) -> Talk:
        """A conversation with tools."""
        return self.talk(*messages, tools=self.tools, thinks=thinks)

    def called(self) -> list[dict[str, Any]]:
        """A call and its result."""
        return [self.user(), self.said(None, ONE), self.result()]


def with_(message: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A message with other fields; one that is `...` is left out."""
    return {k: v for k, v in {**message, **changes}.items() if v is not ...}


def cases(mode: Mode, calls: bool, source: str) -> Iterator[Case]:
    """All of them, the simplest first. `calls`: the template shows calls."""
    shape = Shape(mode)
    yield from _plain(shape, source)
    yield from _odd(shape)
    yield from _tools(shape, calls)
    worked = [*_calls(shape, calls), *_thinking(shape, calls)]
    yield from worked
    if not shape.mode.system:  # some templates count messages, and lose count where there is a system message
        for case in worked:
            messages = [shape.system(), *case.talk.messages]
            yield case._replace(name=f"system+{case.name}", talk=case.talk._replace(messages=messages))


def _plain(s: Shape, source: str) -> Iterator[Case]:
    yield Case("user", s.talk(s.user()))
    yield Case("chat", s.talk(s.user(), s.said(TOLD), s.user(MORE)))
    yield Case("answered", s.talk(s.user(), s.said(TOLD)))
    yield Case("long-chat", s.talk(s.user(), s.said(TOLD), s.user(MORE), s.said(ALSO), s.user(LAST)))
    yield Case("system", s.talk(s.system(), s.user()))
    yield Case("system-chat", s.talk(s.system(), s.user(), s.said(TOLD), s.user(MORE)))
    yield Case("no-system", Talk([s.user()]))
    yield Case("empty-content", s.talk(s.user(""), s.said(TOLD), s.user(MORE)))
    yield Case("blank-content", s.talk(s.user(" \n"), s.said(TOLD), s.user(MORE)))
    yield Case("empty-answer", s.talk(s.user(), s.said(""), s.user(MORE)))
    parts = [{"type": "text", "text": ASK}]
    two = [*parts, {"type": "text", "text": "In Oslo."}]
    if s.mode.listed:
        yield Case("text-content", s.talk({"role": "user", "content": ASK}))
        yield Case("system-text", s.talk({"role": "system", "content": RULE}, s.user()))
        told: dict[str, object] = {"role": "assistant", "content": TOLD}
        yield Case("assistant-text", s.talk(s.user(), told, s.user(MORE)))
    else:
        yield Case("text-parts", s.talk({"role": "user", "content": parts}), "warning", "warning")
        system = {"role": "system", "content": [{"type": "text", "text": RULE}]}
        yield Case("system-parts", s.talk(system, s.user()), "warning", "warning")
        told = {"role": "assistant", "content": [{"type": "text", "text": TOLD}]}
        yield Case("assistant-parts", s.talk(s.user(), told, s.user(MORE)), "warning", "warning")
    yield Case("two-text-parts", s.talk({"role": "user", "content": two}), "warning", "warning")
    yield Case("system-two-parts", s.talk(s.system(), {"role": "user", "content": two}), "warning", "warning")
    able: Severity = "warning" if "image" in source else "note"
    yield Case("image", s.talk({"role": "user", "content": [*parts, IMAGE]}), able, able)
    yield Case("layout", s.talk(s.user(LINES), s.said(LINES), s.user(MORE)), "error", "warning")


def _odd(s: Shape) -> Iterator[Case]:
    """What many models do not have: only ever a warning."""

    def odd(name: str, talk: Talk) -> Case:
        return Case(name, talk, "warning", "warning")

    yield odd("developer", s.talk({"role": "developer", "content": s.text(RULE)}, s.user()))
    yield odd("two-systems", s.talk(s.system(), s.system(RULES), s.user()))
    yield odd("later-system", s.talk(s.system(), s.user(), s.said(TOLD), s.system(RULES), s.user(MORE)))
    yield odd("user-twice", s.talk(s.user(), s.user(MORE)))
    yield odd("assistant-twice", s.talk(s.user(), s.said(TOLD), s.said(ALSO), s.user(MORE)))
    yield odd("assistant-first", s.talk(s.said(TOLD), s.user(MORE)))
    refusal = {"role": "assistant", "content": None, "refusal": "I may not."}
    yield Case("refusal", s.talk(s.user(), refusal, s.user(MORE)), "warning", "note")


def _tools(s: Shape, calls: bool) -> Iterator[Case]:
    crash: Severity = "error" if calls else "warning"
    most: Severity = "error" if calls else "note"
    every: tuple[tuple[str, dict[str, Any]], ...] = (
        ("tools", TOOL), ("rich-tool", RICH),
        ("tool-with-untyped-parameters", UNTYPED), ("tool-with-loose-types", LOOSE),
        ("tool-without-parameters", BARE), ("tool-without-description", CURT),
    )  # fmt: skip
    for name, tool in every:
        yield Case(name, s.talk(s.user(), tools=[tool]), crash, most)
    yield Case("two-tools", s.talk(s.user(), tools=[TOOL, CURT]), crash, most)
    yield Case("tools-and-system", s.talk(s.system(), s.user(), tools=[TOOL]), crash, most)
    yield Case("tools-unused", s.talk(s.user(), s.said(TOLD), s.user(MORE), tools=[TOOL]), crash, most)


def _calls(s: Shape, calls: bool) -> Iterator[Case]:
    crash: Severity = "error" if calls else "warning"
    user, said, result = s.user(), s.said(None, ONE), s.result()
    found = [user, said, result]

    def case(name: str, *messages: dict[str, Any], but: Severity | None = None, **more: Any) -> Case:
        talk = s.talk(*messages, tools=s.tools if calls else [TOOL])
        severity = but or crash
        return Case(name, talk._replace(**more), severity, severity)

    yield case("call", *found)
    yield case("call-and-answer", *found, s.said(TOLD), s.user(MORE))
    if s.mode.system:
        yield case("call-without-system", *found, messages=found)
    yield case("call-null-content", user, with_(said, content=None), result)
    yield case("call-no-content", user, with_(said, content=...), result)
    yield case("call-empty-content", user, with_(said, content=""), result)
    yield case("call-and-text", user, s.said(LOOK, ONE), result, s.said(TOLD), s.user(MORE))
    yield case("calls-without-tools", *found, tools=None)
    yield case("user-behind-result", *found, s.user(MORE))
    yield case("result-without-name", user, said, with_(result, name=...))
    yield case("empty-result", user, said, with_(result, content=s.text("")))
    yield case("result-json", user, said, s.result(ONE, '{"degrees": 12, "rain": true}'))
    if s.mode.listed:
        yield case("result-text", user, said, with_(result, content=FOUND))
    else:
        parts = [{"type": "text", "text": FOUND}]
        yield case("result-parts", user, said, with_(result, content=parts), but="warning")
    if not calls:
        return
    yield case("two-rounds", *found, s.said(None, TWO), s.result(TWO, OTHER, 1), s.said(TOLD), s.user(MORE))
    parallel = s.said(None, ONE, TWO)
    results = [s.result(), s.result(TWO, OTHER, 1)]
    yield case("parallel-calls", user, parallel, *results)
    yield case("user-behind-results", user, parallel, *results, s.user(MORE))
    nothing, values = Called("get_weather", {}, "abcdefgh1"), VALUES._replace(id="abcdefgh1")
    yield case("no-arguments", user, s.said(None, nothing), result)
    yield case("values", user, s.said(None, values), s.result(values))
    yield case("call-and-rich-tool", *found, tools=[TOOL, RICH])
    other = replace(s.mode, strings=not s.mode.strings).message(Said(None, None, (ONE,)))
    form: Severity = "error" if s.mode.strings else "warning"  # transformers documents objects
    name = "arguments-as-object" if s.mode.strings else "arguments-as-text"
    yield case(name, user, other, result, but=form)
    yield case(f"{name}-null-content", user, with_(other, content=None), result, but=form)
    for name, id in (("openai-ids", "call_9k2Lm4XpQ7wR3vBs0TzU1hYc"), ("short-ids", "7")):
        named = json.loads(json.dumps(said))
        named["tool_calls"][0]["id"] = id
        yield case(name, user, named, with_(result, tool_call_id=id))


def _thinking(s: Shape, calls: bool) -> Iterator[Case]:
    severity: Severity = "error" if s.mode.reasoning else "warning"
    told = s.said(TOLD, thought=THOUGHT)

    def case(name: str, *messages: dict[str, Any], but: Severity | None = None, **more: Any) -> Case:
        talk = s.working(*messages, thinks=True) if more else s.talk(*messages, thinks=True)
        return Case(name, talk, but or severity, but or severity)

    yield case("reasoning", s.user(), told)
    yield case("reasoning-chat", s.user(), told, s.user(MORE))
    yield case("reasoning-only", s.user(), with_(told, content=None), s.user(MORE), but="warning")
    if not calls:
        return
    thinking = s.said(None, ONE, thought=THOUGHT)
    yield case("reasoning-and-call", s.user(), thinking, s.result(), tools=True)
    yield case("reasoning-null-content", s.user(), with_(thinking, content=None), s.result(), tools=True)
    after = s.said(ALSO, thought=AGAIN)
    yield case("reasoning-tool-loop", s.user(), thinking, s.result(), after, s.user(MORE), tools=True)
    whole = s.said(LOOK, ONE, thought=THOUGHT)
    yield case("reasoning-text-and-call", s.user(), whole, s.result(), tools=True)
