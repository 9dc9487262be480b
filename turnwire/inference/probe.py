"""Asks a template: what an assistant turn looks like, in the shape of input that the template wants.

`Probe` renders chosen turns behind one user turn and gives their text; a render that fails, or that lost the user's
text, is None. `find_mode` searches the shape of input under which calls and reasoning are shown: arguments as an object
or as JSON text, "" or None for no content, content as a list, a system text, a result behind the call, ids of a form.
"""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from ..errors import TemplateBudgetError, TemplateError
from ..templating.budget import Limits
from ..templating.jinja import render, shown
from .samples import schema

QUESTION = "uzquestion"
RESULT = "zqtoolresult"
THOUGHT, SAID = "rsnzqthought", "cntzqcontent"
NAMES = ("zqfnaaa", "zqfnbbb", "zqfnccc")
KEY, VALUE = "zqkeya", "zqvalaa"
IDS = ("zq0id1aa1", "zq0id2bb2", "zq0id3cc3")
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking", "thought")
CLOSERS = re.compile(r"</[\w:]{0,40}think[\w:]{0,40}>|\[/THINK\]", re.I)
TODAY = date(2026, 1, 15)
LIMITS = Limits(text=100_000, made=10_000_000, steps=100_000, seconds=1.0)
PATIENCE = 10.0  # seconds for all renders of a template


class Odd(Exception):
    """A template whose turns have no shape that is known here; says why."""


class Called(NamedTuple):
    """A call to show."""

    name: str
    arguments: Mapping[str, Any]
    id: str | None = None


class Said(NamedTuple):
    """An assistant turn to show."""

    reasoning: str | None = None
    text: str | None = None
    calls: tuple[Called, ...] = ()

    @property
    def kinds(self) -> str:
        """Which parts it has: some of R, C and K."""
        return "R" * (self.reasoning is not None) + "C" * (self.text is not None) + "K" * bool(self.calls)


@dataclass(frozen=True, slots=True)
class Mode:
    """What a template wants for input.

    `strings`: arguments as JSON text. `nothing`: what stands for no content. `listed`: content as a list of parts.
    `system`: a system text first. `answered`: calls are shown only where a result follows. `followed`: the last turn is
    one to go on with, so a user's stands behind it. `tools`: definitions are given. `counted`: ids that hold the name
    and a number. `reasoning`: the fields that reasoning is given in; `blocks`: as a block of content.
    `variables`: what else is set for it to be shown.
    """

    strings: bool = False
    nothing: str | None = ""
    listed: bool = False
    system: bool = False
    answered: bool = False
    followed: bool = False
    tools: bool = True
    counted: bool = False
    reasoning: tuple[str, ...] = ()
    blocks: bool = False
    variables: tuple[tuple[str, Any], ...] = ()

    def id(self, call: Called, index: int) -> str:
        """The id of a call."""
        if self.counted:
            return f"functions.{call.name}:{index}"
        return call.id if call.id is not None else IDS[index % 3] if index < 3 else f"zq0id{index:04d}"

    def message(self, said: Said) -> dict[str, Any]:
        """The turn as a message."""
        content: Any = self.nothing if said.text is None else said.text
        if self.listed and content:
            content = [{"type": "text", "text": content}]
        out: dict[str, Any] = {"role": "assistant", "content": content}
        if said.reasoning is not None and self.blocks:
            text = [{"type": "text", "text": said.text}] if said.text is not None else []
            out["content"] = [{"type": "thinking", "thinking": said.reasoning}, *text]
        elif said.reasoning is not None:
            out.update(dict.fromkeys(self.reasoning, said.reasoning))
        if said.calls:
            out["tool_calls"] = [
                {
                    "id": self.id(c, i),
                    "type": "function",
                    "function": {
                        "name": c.name,
                        "arguments": json.dumps(c.arguments, ensure_ascii=False) if self.strings else c.arguments,
                    },
                }
                for i, c in enumerate(said.calls)
            ]
        return out

    def before(self) -> list[dict[str, Any]]:
        """What stands before the turn."""
        user = self.asked(QUESTION)
        return [{"role": "system", "content": "sysz"}, user] if self.system else [user]

    def behind(self, said: Said) -> dict[str, Any]:
        """What may follow the turn: a result of its call, or another turn of the user's."""
        if not said.calls:
            return self.asked(RESULT)
        call = said.calls[0]
        return {"role": "tool", "name": call.name, "tool_call_id": self.id(call, 0), "content": RESULT}

    def asked(self, text: str) -> dict[str, Any]:
        """A turn of the user's."""
        return {"role": "user", "content": [{"type": "text", "text": text}] if self.listed else text}


def definitions(calls: Sequence[Called]) -> list[dict[str, Any]]:
    """Definitions of the tools that are called, with the types of the values that they are given, and of what is
    in those: some notations are typed by nothing else."""
    merged: dict[str, dict[str, Any]] = {}
    for call in calls:
        properties = merged.setdefault(call.name, {})
        for key, value in call.arguments.items():
            properties[key] = {**schema(value), "description": "p"}
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": "d",
                "parameters": {"type": "object", "properties": properties, "required": []},
            },
        }
        for name, properties in merged.items()
    ]


ONE = Called(NAMES[0], {KEY: VALUE})
DEFINED = definitions([Called(name, {KEY: VALUE}) for name in NAMES])


class Probe:
    """See the head of this file; `count` says how many renders were made."""

    def __init__(self, source: str, variables: Mapping[str, Any], mode: Mode = Mode()):
        self.source, self.variables, self.mode = source, variables, mode
        self.count = 0
        self._spent = 0.0
        self._known: dict[tuple[Mode, str], str | None] = {}

    def render(
        self, messages: Sequence[Any], tools: Any = None, generation: bool = False, **variables: Any
    ) -> str | None:
        """The text of a conversation, None if the template refuses."""
        self.count += 1
        start = time.monotonic()
        if self._spent > PATIENCE:
            raise Odd("its renders take too long")
        given = self.variables_of(messages, tools, generation, **variables)
        try:
            return shown(self.source, given, LIMITS, TODAY)
        except TemplateBudgetError:
            raise Odd(f"it makes too much of a short conversation: {self._why(given)}") from None
        finally:
            self._spent += time.monotonic() - start

    def refusal(self, said: Said) -> str:
        """Why a turn is not rendered, with the line; "" if it is."""
        return self._why(self.variables_of(*self.conversation(said)))

    def _why(self, given: dict[str, Any]) -> str:
        try:
            render(self.source, given, LIMITS, TODAY)
        except TemplateError as e:
            return f"template line {e.line}: {e.problem}" if e.line else e.problem
        return ""

    def variables_of(self, messages: Any, tools: Any, generation: bool = False, **variables: Any) -> dict[str, Any]:
        """What the template is given."""
        more = {**dict(self.mode.variables), **variables}
        return {**self.variables, **more, "messages": messages, "tools": tools, "add_generation_prompt": generation}

    def conversation(self, said: Said) -> tuple[list[dict[str, Any]], Any]:
        """The messages and tools that show a turn."""
        mode = self.mode
        messages = [*mode.before(), mode.message(said)]
        if self._closed(said):
            messages.append(mode.behind(said if mode.answered else Said()))
        return messages, (definitions(said.calls) if said.calls else DEFINED) if mode.tools else None

    def _closed(self, said: Said) -> bool:
        return self.mode.followed or (self.mode.answered and bool(said.calls))

    def turn(self, said: Said) -> str | None:
        """The text behind the user's, up to the end (or up to the text of what follows)."""
        key = (self.mode, repr(said))
        if key not in self._known:
            text = self.render(*self.conversation(said))
            self._known[key] = self._behind(text, RESULT if self._closed(said) else "")
        return self._known[key]

    def later(self, said: Said) -> str | None:
        """As `turn`, behind another exchange."""
        messages, tools = self.conversation(said)
        *first, asked = self.mode.before()
        exchange = [self.mode.asked("uzhello"), self.mode.message(Said(None, "Fine."))]
        text = self.render([*first, *exchange, asked, *messages[len(first) + 1 :]], tools)
        return self._behind(text, RESULT if self._closed(said) else "")

    def prompt(self, **variables: Any) -> str | None:
        """The text behind the user's in a prompt for a reply."""
        tools = DEFINED if self.mode.tools else None
        return self._behind(self.render(self.mode.before(), tools, True, **variables), "")

    def closing(self) -> str | None:
        """What ends the user's turn where nothing is asked for."""
        return self._behind(self.render(self.mode.before(), DEFINED if self.mode.tools else None), "")

    def behind_result(self) -> str | None:
        """What stands behind a result of a call in a prompt for a reply."""
        mode, said = self.mode, Said(None, None, (ONE,))
        messages = [*mode.before(), mode.message(said), mode.behind(said)]
        text = self.render(messages, DEFINED if mode.tools else None, True)
        return text[text.rindex(RESULT) + len(RESULT) :] if text is not None and RESULT in text else None

    def following(self, said: Said) -> str | None:
        """The turn, and what opens the next turn behind it (a result's behind a call, else a user's), up to its
        text."""
        mode = self.mode
        tools = DEFINED if mode.tools else None
        return self._behind(self.render([*mode.before(), mode.message(said), mode.behind(said)], tools), RESULT)

    @staticmethod
    def _behind(text: str | None, until: str) -> str | None:
        if text is None or QUESTION not in text:
            return None
        text = text[text.rindex(QUESTION) + len(QUESTION) :]
        if until and until not in text:
            return None
        return text[: text.index(until)] if until else text


def find_mode(probe: Probe) -> bool:
    """Set the probe's mode; False if no shape of input makes the template show a call."""
    shows = False
    if "tool_calls" in probe.source or "function" in probe.source:
        shows = any(_shows_call(probe, mode) for mode in _modes())
    if not shows:
        found = next((m for m in _plain_modes() if _shows_text(probe, m)), Mode())
        probe.mode = found
    else:
        _prefer_none(probe)
        if not probe.mode.strings:
            _prefer_strings(probe)
    _find_reasoning(probe, shows)
    return shows


def _modes() -> Iterator[Mode]:
    for answered, system, listed, nothing, counted, tools, strings in itertools.product(
        (False, True), (False, True), (False, True), ("", None), (False, True), (True, False), (False, True)
    ):
        yield Mode(strings, nothing, listed, system, answered, tools=tools, counted=counted)


def _plain_modes() -> Iterator[Mode]:
    for system, listed, tools in itertools.product((False, True), (False, True), (False, True)):
        yield Mode(listed=listed, system=system, tools=tools)


def _shows_call(probe: Probe, mode: Mode) -> bool:
    probe.mode = mode
    text = probe.turn(Said(None, None, (ONE,)))
    if text is None and mode.nothing is None:  # a text may be demanded
        text = probe.turn(Said(None, SAID, (ONE,)))
    return text is not None and all(s in text for s in (ONE.name, KEY, VALUE))


def _shows_text(probe: Probe, mode: Mode) -> bool:
    probe.mode = mode
    text = probe.turn(Said(None, SAID))
    return text is not None and SAID in text


def _prefer_none(probe: Probe) -> None:
    """No content where an empty one leaves something in the turn that no content does not."""
    mode = probe.mode
    if mode.nothing == "":
        text = probe.turn(Said(None, None, (ONE,))) or ""
        other = replace(mode, nothing=None)
        if not _shows_call(probe, other) or _ink(probe.turn(Said(None, None, (ONE,))) or text) >= _ink(text):
            probe.mode = mode


def _ink(text: str) -> int:
    """How many characters are no blanks."""
    return len("".join(text.split()))


def _prefer_strings(probe: Probe) -> None:
    """An object that is printed as Python does where JSON text would be printed as it is: text was meant."""
    mode = probe.mode
    text = probe.turn(Said(None, None, (ONE,))) or ""
    if f"{{'{KEY}': '{VALUE}'}}" in text:
        probe.mode = replace(mode, strings=True)
        text = probe.turn(Said(None, None, (ONE,))) or ""
        if f'{{"{KEY}": "{VALUE}"}}' not in text or ONE.name not in text:
            probe.mode = mode


def _find_reasoning(probe: Probe, calls: bool) -> None:
    mode = probe.mode
    every: Mapping[str, Any] = {
        "enable_thinking": True, "thinking": True, "preserve_thinking": True, "clear_thinking": False,
    }  # fmt: skip
    sets: tuple[Mapping[str, Any], ...] = ({}, {"enable_thinking": True}, {"thinking": True}, every)
    turns = [Said(THOUGHT, SAID), *([Said(THOUGHT, None, (ONE,))] if calls else [])]
    for keys in (*((k,) for k in REASONING_KEYS), REASONING_KEYS):
        if not any(k in probe.source for k in keys):
            continue
        for variables in sets:
            if not all(k in probe.source for k in variables) and variables is not every:
                continue
            probe.mode = replace(mode, reasoning=keys, variables=tuple(variables.items()))
            for said in turns:
                text = probe.turn(said)
                if text is not None and THOUGHT in text:
                    return
    if "'thinking'" in probe.source:
        probe.mode = replace(mode, reasoning=("thinking",), blocks=True)
        if any((text := probe.turn(said)) is not None and THOUGHT in text for said in turns):
            return
    probe.mode = mode


def cut_closer(probe: Probe) -> str:
    """What closes reasoning in a content from which the template cuts it out; "" if it does not."""
    for closer in dict.fromkeys(CLOSERS.findall(probe.source)):
        text = probe.turn(Said(None, THOUGHT + closer + SAID))
        if text is not None and SAID in text and THOUGHT not in text:
            return closer
    return ""
