"""Bench: renders conversations for checks, with their source maps, and remembers them.

The template gets messages as they are: a key that is None stays, as engines other than transformers 5 pass it on, and
an OpenAI server returns it. `mode` is the shape of input that the template is happiest with (`inference.probe`): checks
begin there, and change one thing at a time. A template that was loaded without its special tokens is given stand-ins.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from ...chat_template import ChatTemplate
from ...errors import InferenceError, TemplateError, TurnwireError
from ...inference import infer_format
from ...inference.probe import Mode, Probe, find_mode
from ...origins import Span, spell
from ...templating.budget import Limits
from ...templating.jinja import render
from ...templating.sourcemap import MARKUP, trace
from .findings import Talk

if TYPE_CHECKING:
    from ...format import Format
    from ...tokens import Tokenizer

BOS, EOS = "<s>", "</s>"
TODAY, LATER = date(2026, 1, 15), date(2026, 7, 4)
LIMITS = Limits(text=1_000_000, made=20_000_000, steps=100_000, seconds=20.0)  # by steps: a machine may be busy
MOST = 4_000  # renders that are remembered


class Shown(NamedTuple):
    """What came out. Without a source map `spans` is one of unknown origin."""

    text: str
    spans: Sequence[Span]

    def at(self, index: int) -> Span | None:
        """The span of a character."""
        return next((s for s in self.spans if s.start <= index < s.stop), None)


class Bench:
    """See the head of this file."""

    def __init__(self, template: ChatTemplate, tokenizer: Tokenizer | None = None):
        self.template, self.source, self.tokenizer = template, template.source, tokenizer
        self.lines = template.source.split("\n")
        self.special = {
            **template.variables,
            "bos_token": template.bos_token or BOS,
            "eos_token": template.eos_token or EOS,
        }
        self.probe = Probe(template.source, self.special)
        self.calls = find_mode(self.probe)
        self.mode: Mode = self.probe.mode
        self.count = 0
        self._known: dict[str, Shown | TemplateError] = {}

    def show(
        self, talk: Talk, prompt: bool = False, now: date = TODAY, upto: int | None = None
    ) -> Shown | TemplateError:
        """The text of a conversation, or of its first messages, or the template's error."""
        messages = talk.messages if upto is None else talk.messages[:upto]
        key = json.dumps([messages, talk.tools, talk.variables, prompt, now.isoformat()])
        if key not in self._known:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = self._show(messages, talk.tools, prompt, now, talk.variables)
        return self._known[key]

    def text(self, talk: Talk, prompt: bool = False) -> str | None:
        """The text alone; None for an error."""
        shown = self.show(talk, prompt)
        return shown.text if isinstance(shown, Shown) else None

    def anew(self, talk: Talk, prompt: bool = False) -> Shown | TemplateError:
        """As `show`, rendered again."""
        return self._show(talk.messages, talk.tools, prompt, TODAY, talk.variables)

    def plain(self, talk: Talk, limits: Limits, tools: bool = True) -> str:
        """The text without a map, within limits. `tools`: they are defined. Raises `TemplateError`."""
        self.count += 1
        variables = {**self.special, **talk.variables, "messages": talk.messages}
        variables |= {"tools": talk.tools, "add_generation_prompt": False} if tools else {"add_generation_prompt": True}
        return render(self.source, variables, limits, TODAY)

    def _show(
        self, messages: list[dict[str, Any]], tools: Any, prompt: bool, now: date, variables: Mapping[str, Any]
    ) -> Shown | TemplateError:
        self.count += 1
        given = {**self.special, **variables, "messages": messages, "tools": tools, "add_generation_prompt": prompt}
        try:
            traced = trace(self.source, given, LIMITS, now, markup=MARKUP | self.special.keys())
        except TemplateError as e:
            return e
        whole = [Span(0, len(traced.text), "unknown", None)] if traced.text else []
        return Shown(traced.text, traced.map.spans if traced.map is not None else whole)

    @functools.cached_property
    def inferred(self) -> Format | InferenceError | None:
        """The format of the replies, or why there is none; None if the template shows no calls."""
        if not self.calls:
            return None
        try:
            return infer_format(self.template, tokenizer=self.tokenizer)
        except InferenceError as e:
            return e
        except TurnwireError as e:  # a format that cannot be built says the same
            return InferenceError(e.problem, value=e.value, path=e.path, expected=e.expected)

    @functools.cached_property
    def prompts(self) -> bool:
        """Whether the template ends in a generation prompt, if it has one, even where none is asked for."""
        talk = Talk([{"role": "user", "content": "Hi."}])
        listed = Talk([{"role": "user", "content": [{"type": "text", "text": "Hi."}]}])
        texts = [(self.text(t, True), self.text(t)) for t in (talk, listed)]
        return next((a == b for a, b in texts if a is not None), False)

    def line_of(self, needle: str) -> int | None:
        """The first line of the source that says `needle`."""
        return next((n for n, line in enumerate(self.lines, 1) if needle in line), None)


def owner(span: Span | None) -> str:
    """The field that a span is of, as people write it; "" if it is the template's own."""
    return spell(span.path) if span is not None and span.path else ""


def asks(talk: Talk) -> bool:
    """Whether the model is to speak next."""
    return not talk.messages or talk.messages[-1].get("role") != "assistant"
