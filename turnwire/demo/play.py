"""Plays the demo: runs the agent and shows, per step, the turn, its structure and its raw tokens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import turnwire
from turnwire import events as ev
from turnwire import jsonform

from .agent import Answer, Reply, run
from .recordings import ids_of, player, recording
from .tools import get_weather, web_search

FUNCTIONS: list[Callable[..., Any]] = [get_weather, web_search]
SYSTEM = "You are a travel assistant. Look things up with your tools, then answer briefly."
QUESTION = "Plan a weekend trip in Copenhagen."
DATE = "2026-06-05"  # for formats whose prompt says what day it is


@dataclass
class Stage:
    """What a performance is made with."""

    fmt: turnwire.Format
    tokenizer: turnwire.Tokenizer
    speed: float | None = None  # tokens per second
    full: bool = False  # all tokens
    messages: list[Any] = field(
        default_factory=lambda: [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
    )

    def wait(self) -> None:
        """The time between two tokens."""
        if self.speed:
            time.sleep(1 / self.speed)

    def act(self) -> Any:
        """The agent's run, on the recorded replies."""
        model = player(self.fmt, self.tokenizer, self.wait)
        options: dict[str, Any] = {"now": DATE} if "now" in self.fmt.options else {}
        return run(self.fmt, self.tokenizer, model, FUNCTIONS, self.messages, **options)

    def malformed(self) -> tuple[dict[str, Any], list[int], list[ev.Event], turnwire.Turn]:
        """The damaged reply: how it was recorded, its ids, its events, its turn."""
        damaged = recording(self.fmt)["malformed"]
        ids = ids_of(damaged, self.fmt, self.tokenizer)
        parser = self.fmt.parser(self.tokenizer, [turnwire.tool(f) for f in FUNCTIONS])
        events = parser.feed(ids) + parser.close(damaged["finish_reason"])
        return damaged, ids, events, parser.turn


def play_json(stage: Stage) -> dict[str, Any]:
    """The whole demo as data."""
    steps: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for item in stage.act():
        if isinstance(item, turnwire.Rendered):
            steps.append({"step": "prompt", "ids": item.ids, "text": item.text})
        elif isinstance(item, Reply):
            steps.append({"step": "reply", "ids": item.ids, "turn": item.turn.to_dict(), "events": events})
            events = []
        elif isinstance(item, Answer):
            steps.append({"step": "tool", "call": jsonform.call_form(item.call), "content": item.content})
        else:
            events.append(jsonform.event_form(item))
    damaged, ids, found, turn = stage.malformed()
    faults = [e for e in found if isinstance(e, ev.Fault)]
    form = jsonform.parsed_form(stage.fmt, turn, faults, damaged["finish_reason"])
    return {
        "format": stage.fmt.name,
        "tokenizer": stage.tokenizer.name,
        "steps": steps,
        "malformed": {"defects": damaged["defects"], "ids": ids, **form},
    }


def play(stage: Stage, color: bool = True) -> None:
    """The whole demo, on the terminal."""
    from turnwire import show

    to = show.console(color)
    _Player(stage, to).play()


class _Player:
    def __init__(self, stage: Stage, to: Any):
        from turnwire import show

        self.stage, self.to, self.show = stage, to, show
        self.control = frozenset(i for t in stage.fmt.control if (i := stage.tokenizer.special(t)) is not None)
        self.events: list[ev.Event] = []
        self.flow: Any = None  # text that is arriving
        self.known: list[int] = []  # ids of the last prompt and reply
        self.step = 0

    def play(self) -> None:
        fmt, tokenizer = self.stage.fmt, self.stage.tokenizer
        self.to.print(f"turnwire demo, format {fmt.name}, tokenizer {tokenizer.name} ({tokenizer.size:,} entries)")
        self.to.print("The replies are recorded. The rest happens now: prompts, parsing, validation, the tools.")
        for item in self.stage.act():
            if isinstance(item, turnwire.Rendered):
                self.prompt(item)
            elif isinstance(item, Reply):
                self.reply(item)
            elif isinstance(item, Answer):
                self.show.block(self.to, "result", f"{item.call.name}: {item.content}")
            else:
                if not self.events:
                    self.title("assistant: the reply, as it arrives")
                self.events.append(item)
                self.event(item)
        self.damaged()

    def title(self, text: str, note: str = "") -> None:
        from rich.text import Text

        self.step += 1
        head = f"{self.step}  {text} "
        line = "─" * max(3, self.show.width(self.to) - len(head) - len(note) - 2)
        self.to.print()
        self.to.print(Text.assemble((head, "bold"), (f"{line} {note}".rstrip(), "bright_black")), soft_wrap=True)

    def prompt(self, prompt: turnwire.Rendered) -> None:
        roles = [m.role if isinstance(m, turnwire.Turn) else m["role"] for m in self.stage.messages]
        old = next((n for n, (a, b) in enumerate(zip(prompt.ids, self.known)) if a != b), len(self.known))
        old = min(old, len(prompt.ids))
        if not self.known:
            self.title("system, tools and user: the prompt")
            self.show.block(self.to, "system", SYSTEM)
            for function in FUNCTIONS:
                self.show.block(self.to, "tools", signature(function))
            self.show.block(self.to, "user", QUESTION)
        new = len(prompt.ids) - old
        self.said(
            "structure", f"a prompt of {len(prompt.ids)} tokens" + (f", the last {new} of them new" if old else "")
        )
        self.tokens(prompt.ids[old:], self.show.prompt_kinds(prompt, roles)[old:], 64)
        self.known = prompt.ids

    def tokens(self, ids: list[int], kinds: list[str], most: int) -> None:
        most_shown = None if self.stage.full else most
        self.show.tokens(self.to, ids, self.stage.tokenizer, self.control, kinds, most_shown)

    def said(self, name: str, text: str) -> None:
        self.show.block(self.to, name, text, self.show.STYLES["markup"])

    def event(self, e: ev.Event) -> None:
        """Show what arrives: text, reasoning and arguments as they grow."""
        if isinstance(e, (ev.TextDelta, ev.ReasoningDelta)):
            self.write("text" if isinstance(e, ev.TextDelta) else "reasoning", e.text)
        elif isinstance(e, ev.CallStart):
            self.write("call", e.name + " ")
        elif isinstance(e, ev.ArgumentsDelta):
            self.write("call", e.json)
        elif isinstance(e, ev.PartEnd):
            self.close()
        elif isinstance(e, ev.CallEnd):
            self.close()
            self.show.block(self.to, "", self.show.status(e.call))

    def write(self, name: str, text: str) -> None:
        if self.flow is None:
            self.flow = self.show.Flow(self.to, name)
        self.flow.write(text)

    def close(self) -> None:
        if self.flow is not None:
            self.flow.close()
            self.flow = None

    def reply(self, reply: Reply) -> None:
        self.structure(reply.ids, self.events, 96)
        self.known = self.known + reply.ids
        self.events = []
        if any(call.complete for call in reply.turn.calls):
            self.title("tool: the calls are run")

    def structure(self, ids: list[int], events: list[ev.Event], most: int) -> None:
        parts: list[str] = []
        for start in (e for e in events if isinstance(e, ev.PartStart)):
            end = next(e for e in events if isinstance(e, ev.PartEnd) and e.part == start.part)
            if start.tokens is not None and end.tokens is not None:
                channel = f" ({start.channel})" if start.channel else ""
                parts.append(f"{start.kind}{channel} {start.tokens[0]}:{end.tokens[0]}")
        count = Counter(type(e).__name__ for e in events)
        self.said("structure", f"{len(ids)} tokens: {', '.join(parts)}")
        self.said("events", ", ".join(f"{n} {name}" for name, n in count.items()))
        self.tokens(ids, self.show.reply_kinds(len(ids), events), most)

    def damaged(self) -> None:
        damaged, ids, events, turn = self.stage.malformed()
        self.title("assistant: a malformed reply")
        for defect in damaged["defects"]:
            self.show.block(self.to, "defect", defect)
        self.to.print()
        self.show.turn(self.to, turn)
        self.show.faults(self.to, [e for e in events if isinstance(e, ev.Fault)])
        self.structure(ids, events, 96)
        good = sum(call.status == "complete" for call in turn.calls)
        self.to.print()
        whole = "every character is in an event" if tiled(events) else "characters are missing from the events"
        self.to.print(f"{good} of {len(turn.calls)} calls may be run. Nothing was raised, and {whole}.", soft_wrap=True)


def tiled(events: list[ev.Event]) -> bool:
    """Whether the spans of the events cover the reply, without a gap or an overlap."""
    at = 0
    for event in events:
        if event.span[1] > event.span[0]:
            if event.span[0] != at:
                return False
            at = event.span[1]
    return at == events[-1].span[1]


def signature(function: Callable[..., Any]) -> str:
    """A tool as it was declared, from its schema."""
    declared = turnwire.tool(function)
    schema = declared.parameters or {}
    fields: list[str] = []
    for name, kind in schema["properties"].items():
        kinds = " | ".join(repr(v) for v in kind["enum"]) if "enum" in kind else kind["type"]
        fields.append(f"{name}{'' if name in schema['required'] else '?'}: {kinds}")
    return f"{declared.name}({', '.join(fields)})"
