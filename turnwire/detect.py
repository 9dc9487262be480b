"""Which format a model folder needs: by its template's hash, else by the markers in the template, else by the
tokenizer's special tokens. Where two formats fit, or none, it refuses and names them: a wrong guess is worse than none.

`data/templates.json` lists the templates, by sha256, whose prompts were compared with ours and are the same
(`scripts/match_templates.py`). Of another template, the words that it writes name candidates, and it must render the
conversations below as the format does, in the sandbox and the budget of `templating.jinja`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .errors import InputError, TemplateError, TurnwireError, UnsureFormat
from .families import formats, get_format
from .format import Format
from .templatefiles import added_tokens, read_templates
from .templating.budget import Limits
from .templating.jinja import render
from .wire import control_tokens

LIKELY = 0.35  # the least likeness of a template's words to a format's, for it to be tried
TRIED = 16  # formats that are tried at most
LEAST = 4  # conversations that must be rendered the same
FORMS = ("object", "string")  # of arguments
LIMITS = Limits(text=1_000_000, made=10_000_000, steps=100_000, seconds=1.0)
MOST = 1 << 20  # characters of a template that are looked at
WORD = re.compile(r"[<\[{(]{0,8}[^\s<>\[\](){}|｜.,:;!?\"'`*]+[|｜>\]]*|[|｜]+")
COMPARING = frozenset(("[", "in", "==", "!=", ".", "is"))  # a string behind these is not written
ASKING = frozenset(("raise_exception", "startswith", "endswith", "split", "replace", "strip", "lstrip", "rstrip"))
OURS = frozenset(("split_reasoning", "call_ids", "now"))  # options that no template has
CALL = {"id": "functions.f:0", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
TOOLS = [{"type": "function", "function": {"name": "f", "description": "D", "parameters": SCHEMA}}]
SYSTEM, USER, SAID = ({"role": r, "content": r[0].upper()} for r in ("system", "user", "assistant"))
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
THOUGHT = {"role": "assistant", "content": "A", "reasoning_content": "R", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "functions.f:0", "name": "f", "content": "T"}
MESSAGES: list[dict[str, Any]] = [SYSTEM, USER, THOUGHT, RESULT]
CONVERSATIONS: tuple[tuple[list[dict[str, Any]], Any], ...] = (
    ([USER], None),
    ([SYSTEM, USER], None),
    ([USER], TOOLS),
    ([SYSTEM, USER], TOOLS),
    ([USER, SAID, USER], None),
    ([USER, {**SAID, "reasoning_content": "R"}, USER], None),
    ([USER, CALLED, RESULT], TOOLS),
    ([USER, THOUGHT, RESULT], TOOLS),
    ([USER, THOUGHT, RESULT, SAID, USER], TOOLS),
)


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found, `by` "hash" (a template whose prompts were compared before), "markers" (one whose prompts were
    compared now, a few) or "tokens" (no template: only this format needs these); `reason` in words, `template` its
    sha256."""

    format: Format
    by: Literal["hash", "markers", "tokens"]
    reason: str
    template: str | None = None


def detect_format(source: str | Path) -> Detection:
    """The format of a model folder, a template file or a GGUF. Raises `UnsureFormat`, with `candidates`, where it is
    not certain, and `InputError` where there is nothing to look at."""
    path = Path(source)
    if not path.exists():
        raise InputError(
            "no such file or folder", value=str(path), path=str(path), expected="a model folder, a template or a GGUF"
        )
    found = read_templates(path, lenient=True)
    templates = {name: text[:MOST] for name, text in found.templates.items()}
    tokens, variables = added_tokens(path), found.variables
    if not templates and not tokens:
        raise InputError(
            "nothing to tell a format by", value=str(path), path=str(path), expected="a chat template, or a tokenizer"
        )
    for text in templates.values():
        digest = hashlib.sha256(text.encode()).hexdigest()
        name = _known().get(digest[:16])
        if name is not None:
            return Detection(
                get_format(name), "hash", f"the template is {digest[:16]}: its prompts are {name}'s", digest
            )
    fits = [f for f in formats().values() if not tokens or lacking(f, tokens) == []]
    if templates:
        return _by_markers(templates, fits, variables)
    return _by_tokens(fits, tokens)


def lacking(fmt: Format, tokens: Iterable[str]) -> list[str]:
    """The control tokens of a reply that a vocabulary does not have (one stop token is enough)."""
    have, stops = set(tokens), set(fmt.stop_tokens)
    missing = sorted(control_tokens(fmt.reply) - stops - have)
    return missing if stops & have else [*missing, *sorted(stops)]


def words_of_template(text: str) -> frozenset[str]:
    """The words and markers that a template writes, and the names of the options that it reads. Only its tokens are
    looked at: text, and strings that are printed or kept for printing."""
    from jinja2 import TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    written: list[str] = []
    names: set[str] = set()
    before = block = said = ""
    try:
        for _, kind, value in ImmutableSandboxedEnvironment().lex(text[:MOST]):
            if kind.endswith("_begin"):
                block = kind
            elif kind == "data":
                written.append(value)
            elif kind == "string" and before not in COMPARING and said not in ASKING:
                if block == "variable_begin" or not value[1:-1].isidentifier():
                    written.append(_unquoted(value))
            elif kind == "name":
                names.add(value)
            if kind != "whitespace":
                said, before = before if value == "(" else "", value
    except TemplateSyntaxError:
        return frozenset()
    return _words(written) | (names & _option_names())


@functools.cache
def words_of_format(name: str) -> frozenset[str]:
    """The words and markers that a format writes, with any value of its options, and the names of those."""
    fmt = get_format(name)
    values = [{o.name: v} for o in fmt.layout.options for v in o.values if v is not o.default]
    given = [
        (MESSAGES, TOOLS),
        (MESSAGES[1:], TOOLS),
        (MESSAGES[:2], None),
        (MESSAGES[1:2], None),
        (MESSAGES[1:2], TOOLS),
    ]
    written: list[str] = [fmt.program.symbols.show(fmt.symbols_of_word(word)) for _, word in fmt.layout.media]
    for messages, tools in given:
        for options in ({}, *values):
            try:
                out = fmt.render(messages, tools, add_generation_prompt=True, **options)
            except ValueError:  # no such role, no tools
                continue
            written += [out.text[run.start : run.stop] for run in out.runs if run.kind == "template"]
    return _words(written) | (frozenset(fmt.options) & _option_names())


def _words(written: Iterable[str]) -> frozenset[str]:
    return frozenset(w for text in written for w in WORD.findall(text))


def likeness(template: frozenset[str], fmt: Format) -> float:
    """How much of what either has both have."""
    ours = words_of_format(fmt.name)
    return len(template & ours) / max(1, len(template | ours))


def _by_markers(templates: Mapping[str, str], fits: list[Format], variables: Mapping[str, str]) -> Detection:
    text = templates.get("tool_use") or templates.get("default") or next(iter(templates.values()))
    found = words_of_template(text)
    ranked = sorted(((likeness(found, f), f.name) for f in fits), reverse=True)
    tried = [name for score, name in ranked if score >= LIKELY][:TRIED]
    same = {name: n for name in tried if (n := agreement(text, get_format(name), variables)) >= LEAST}
    if len(same) != 1:
        raise UnsureFormat(
            "several formats' prompts are like this template's" if same else "no format's prompts are this template's",
            value=sorted(found)[:20],
            path="chat_template",
            expected="a template that is known, or that renders like one format only",
            candidates=tuple(same or tried)[:5],
        )
    ((name, count),) = same.items()
    reason = f"it renders {count} of {count} conversations as {name} does, and no other format does"
    return Detection(get_format(name), "markers", reason, hashlib.sha256(text.encode()).hexdigest())


def agreement(text: str, fmt: Format, variables: Mapping[str, str]) -> int:
    """How many conversations a template renders as a format does; 0 if it renders one differently, or none with what
    the format has: a system text, tools, calls and their results, reasoning, a generation prompt."""
    show = fmt.program.symbols.show
    given = {"bos_token": show(fmt.symbols_of_word(fmt.layout.begin)), "eos_token": fmt.stop_tokens[0], **variables}
    equal = 0
    for messages, tools in CONVERSATIONS:
        forms = FORMS if any("tool_calls" in m for m in messages) else FORMS[:1]
        for prompt in (True, False):
            try:
                ours = fmt.render(messages, tools, add_generation_prompt=prompt).text
            except TurnwireError:
                continue
            theirs = {_rendered(text, messages, tools, {**given, "add_generation_prompt": prompt}, f) for f in forms}
            if ours not in theirs:
                if theirs == {None}:
                    continue
                return 0
            equal += 1
    return equal


def _rendered(text: str, messages: Any, tools: Any, given: Mapping[str, Any], form: str) -> str | None:
    if form == "string":
        called = [{**CALL, "function": {"name": "f", "arguments": '{"a": 1}'}}]
        messages = [{**m, "tool_calls": called} if "tool_calls" in m else m for m in messages]
    try:
        return render(text, {**given, "messages": messages, "tools": tools}, LIMITS)
    except TemplateError:
        return None


def _by_tokens(fits: list[Format], tokens: Iterable[str]) -> Detection:
    have = set(tokens)
    own = [f for f in fits if set(f.control) <= have]
    if len(own) != 1:
        raise UnsureFormat(
            "special tokens alone do not tell the format",
            value=sorted(have)[:20],
            path="tokenizer",
            expected="a chat template, or tokens that only one format has",
            candidates=tuple(f.name for f in own),
        )
    shown = ", ".join(own[0].control[:6])
    return Detection(own[0], "tokens", f"no template; only this format needs the special tokens {shown}")


def _unquoted(text: str) -> str:
    """A string of a template's source; Jinja's are Python's."""
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t", "r": "\r"}.get(m[1], m[1]), text[1:-1])


@functools.cache
def _option_names() -> frozenset[str]:
    return frozenset(o for f in formats().values() for o in f.options) - OURS


@functools.cache
def _known() -> dict[str, str]:
    """Format by the beginning of a template's sha256."""
    text = (Path(__file__).parent / "data" / "templates.json").read_text("utf-8")
    return {digest: name for name, digests in json.loads(text).items() for digest in digests}
