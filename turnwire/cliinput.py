"""What the command line reads: JSON files, options, and a model's output as it comes.

Every mistake of the caller is a `Usage`: one line that says what to change.
"""

from __future__ import annotations

import argparse
import codecs
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

CHUNK = 1 << 16


class Usage(Exception):
    """Something to change in how the command was called: one line."""


def name_of(path: str) -> str:
    """What to call a file; `-` is stdin."""
    return "stdin" if path == "-" else path


def existing(path: str) -> str:
    """The path, if something is there."""
    if not os.path.exists(path):
        raise Usage(f"{path}: no such file or folder")
    return path


def read_text(path: str) -> str:
    """All of a file, its line ends as they are."""
    data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as e:
        raise Usage(f"{name_of(path)}: not UTF-8 at byte {e.start}") from None


def read_json(path: str) -> Any:
    """A JSON file."""
    try:
        return json.loads(read_text(path).removeprefix("\ufeff"))
    except json.JSONDecodeError as e:
        raise Usage(f"{name_of(path)}: line {e.lineno}, column {e.colno}: not JSON: {e.msg}") from None
    except (ValueError, RecursionError) as e:
        raise Usage(f"{name_of(path)}: JSON that cannot be read: {e}") from None


def conversation(args: argparse.Namespace) -> tuple[Any, Any, dict[str, Any]]:
    """The messages, tools and options of `args.conversation`; those given on the command line go first."""
    return parts_of(read_json(args.conversation), args)


def parts_of(given: Any, args: argparse.Namespace) -> tuple[Any, Any, dict[str, Any]]:
    """Those of a conversation that was read."""
    whole = cast("dict[str, Any]", given) if isinstance(given, dict) else {"messages": given}
    unknown = set(whole) - {"messages", "tools", "options"}
    if "messages" not in whole or unknown:
        odd = f"unknown key {sorted(unknown)[0]!r}" if unknown else "no messages"
        raise Usage(f"{args.conversation}: {odd}; expected messages, or an object of messages, tools and options")
    tools = read_json(args.tools) if args.tools else whole.get("tools")
    options: Any = whole.get("options") or {}
    if not isinstance(options, dict):
        raise Usage(f"{args.conversation}: options is a {type(options).__name__}; expected an object")
    return whole["messages"], tools, {**cast("dict[str, Any]", options), **dict(map(option, args.option))}


def known(options: dict[str, Any]) -> dict[str, Any]:
    """Options that are not arguments of `render` in disguise."""
    for name in ("self", "messages", "tools", "tokenizer", "inputs"):
        if name in options:
            raise Usage(f"{name!r} is not an option; see `turnwire formats --json` for those of a format")
    return options


def with_own_tokenizer(args: argparse.Namespace) -> None:
    """A model folder that stands as the template brings its tokenizer, unless one is named."""
    if args.template and not args.tokenizer and not args.small and os.path.isdir(args.template):
        args.tokenizer = args.template


def tokenizer_of(args: argparse.Namespace, fmt: Any) -> Any:
    """The tokenizer that `--tokenizer` or `--small` says, if any."""
    from .tokens import load_tokenizer, small_tokenizer

    if args.small and fmt is None:
        raise Usage("--small has the control tokens of a format; for a template: --tokenizer PATH")
    if args.small:
        return small_tokenizer(fmt)
    return load_tokenizer(existing(args.tokenizer)) if args.tokenizer else None


def option(text: str) -> tuple[str, Any]:
    """`name=value`: the value as JSON if it is JSON, True, False and None too, else as text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Usage(f"--option {text!r}: expected NAME=VALUE")
    words = {"True": True, "False": False, "None": None}
    if value in words:
        return name, words[value]
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


_IDS = re.compile(r"\s*\[[\s\d,-]*(\]\s*)?")  # what may be a list of ids


def ids_in(text: str) -> list[int] | None:
    """The ids of a JSON list, None if the text is something else."""
    if not _IDS.fullmatch(text):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("list[int]", value) if isinstance(value, list) else None


def pieces(path: str, kind: str) -> Iterator[str | list[int]]:
    """What a model wrote, as it comes: text, or lists of ids. `kind`: "text", "ids", or "auto", where a JSON list
    of ids is waited for to its end, and anything else is text from the first character that tells."""
    held, text_seen = "", False
    for text in _stream(path):
        held += text
        if kind == "ids":
            *whole, held = re.split(r"[\s,\[\]]+", held)
            yield from _numbers(whole, path)
        elif kind == "text" or (held.strip() and not _IDS.fullmatch(held)):
            kind, text_seen = "text", True
            yield held
            held = ""
    if kind == "ids":
        yield from _numbers([held], path)
    elif held and not text_seen:
        ids = ids_in(held) if kind == "auto" else None
        yield held if ids is None else ids


def _numbers(words: list[str], path: str) -> Iterator[list[int]]:
    for word in words:
        if word and not re.fullmatch(r"-?\d{1,18}", word):
            raise Usage(f"{name_of(path)}: not an id: {word[:40]!r}; expected whole numbers, as --input ids says")
    ids = [int(word) for word in words if word]
    if ids:
        yield ids


def _stream(path: str) -> Iterator[str]:
    if path == "-":
        yield from _decoded(cast("io.BufferedReader", sys.stdin.buffer), path)
    else:
        with open(path, "rb") as file:
            yield from _decoded(file, path)


def _decoded(file: io.BufferedReader, path: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    at = 0
    while data := file.read1(CHUNK):
        try:
            yield decoder.decode(data)
        except UnicodeDecodeError as e:
            raise Usage(f"{name_of(path)}: not UTF-8 near byte {at + e.start}") from None
        at += len(data)
    try:
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        raise Usage(f"{name_of(path)}: it ends inside a character; expected UTF-8") from None
