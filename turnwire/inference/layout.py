"""The layout of an inferred format: prompts are what the template writes.

`Whole` renders them with `ChatTemplate`, so that a prompt is the template's text, source map included; what the machine
needs of a layout is said in words: what a generation prompt adds to the header, what a turn begins behind.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..chat_template import OWN, ChatTemplate
from ..codecs import IdForm
from ..errors import InferenceError
from ..layout import Context, Layout, Option, Results, Wrap
from ..spans import Rendered
from ..templating.jinja import undeclared
from ..tokens import Tokenizer
from ..wire import NOTHING, Word, control_tokens
from .pieces import Spelling
from .probe import ONE, QUESTION, Mode, Probe, Said
from .segments import Seen

SANDBOX = frozenset(("raise_exception", "strftime_now", "range", "namespace", "dict", "cycler", "joiner", "lipsum"))


@dataclass(frozen=True, slots=True)
class Prefill:
    """What a template's generation prompt adds to the header, with the options given."""

    source: str
    variables: tuple[tuple[str, Any], ...]
    mode: Mode
    base: str
    floating: bool
    spell: Spelling

    def __call__(self, context: Context) -> Word:
        options = {k: v for k, v in context.options.items() if v is not None}
        text = Probe(self.source, dict(self.variables), replace(self.mode, variables=())).prompt(**options)
        behind = Seen(self.base, "", self.base, self.floating, (), {}).behind(text)
        return NOTHING if behind is None else self.spell.plain(behind)


@dataclass(frozen=True, slots=True)
class Whole:
    """A prompt as the template writes it; options that are None stay undefined."""

    template: ChatTemplate

    def render(
        self,
        messages: Any,
        tools: Any,
        tokenizer: Tokenizer | None,
        prompt: tuple[bool, bool],
        trust_content: bool,
        options: Mapping[str, Any],
    ) -> Rendered:
        given = {k: v for k, v in options.items() if v is not None}
        return self.template.render(messages, tools, tokenizer, *prompt, trust_content, **given)


@functools.lru_cache(256)
def options_of(source: str) -> tuple[Option, ...]:
    """The variables that a template asks for, as options; None leaves one undefined."""
    names = undeclared(source) - SANDBOX - {*OWN}
    free = sorted(n for n in names if not n.endswith("_token"))
    return tuple(Option(n, None, "any value; None leaves it undefined") for n in free)


def layout_of(
    template: ChatTemplate, probe: Probe, seen: Seen, spell: Spelling, behind_result: str, ids: IdForm | None
) -> Layout:
    """See the head of this file."""
    if not seen.base:
        raise InferenceError(
            "nothing stands between a user's text and the reply",
            value=probe.source[:80],
            path="template",
            expected="an assistant header",
        )
    variables = tuple(sorted(probe.variables.items()))
    headless = (*(() if seen.header else ("user",)), *(("tool",) if behind_result else ()))
    return Layout(
        roles=(("system", Wrap(NOTHING, NOTHING)), ("user", Wrap(NOTHING, spell.plain(seen.closing)))),
        results=Results(close=spell.plain(behind_result)),
        prefill=Prefill(probe.source, variables, probe.mode, seen.base, seen.floating, _heard(spell, seen)),
        options=options_of(probe.source),
        headless=headless,
        ids=ids,
        whole=Whole(replace(template, inputs=_inputs(template, probe))),
    )


def _heard(spell: Spelling, seen: Seen) -> Spelling:
    """Of a generation prompt only the control tokens that the format has are any to its parser; the rest is text."""
    words = (spell.plain(seen.header), spell.plain(seen.closing))
    return replace(spell, known=frozenset({*spell.also, *(t for w in words for t in control_tokens(w))}), also=())


def _inputs(template: ChatTemplate, probe: Probe) -> Any:
    """How messages are shaped for the template: as it wants them, where only one form of arguments will do."""
    inputs, mode = template.inputs, probe.mode
    if mode.listed and inputs.content == "given":
        inputs = replace(inputs, content="parts")
    said = Said(None, None, (ONE,))
    text = probe.turn(said)
    if text is not None:
        messages, tools = probe.conversation(said)
        without = probe.render([{k: v for k, v in m.items() if v != mode.nothing} for m in messages], tools) or ""
        if ONE.name not in without.rpartition(QUESTION)[2]:
            inputs = replace(inputs, nothing="none" if mode.nothing is None else "string")
    if inputs.arguments == "given":
        other = Probe(probe.source, probe.variables, replace(mode, strings=not mode.strings)).turn(said)
        if text is not None and text != other:
            inputs = replace(inputs, arguments="string" if mode.strings else "object")
    return inputs
