"""Mistral's tokenizers, from the data of the package mistral-common: no download, no model hub.

`mistral_v3()` and `mistral_v7()` are SentencePiece models (Mistral 7B v0.3, Large 2411), `mistral_tekken_v3()` is
Nemo's tekken. mistral-common carries no newer file, but its vocabulary is that of the newer models: `mistral_v11()`
(Small 3.2, Devstral 2507) and `mistral_v13()` (Magistral 2509, Ministral 3) are it with their control tokens, whose ids
canitoolcall's recordings show (`tests/unit/test_tokens_mistral.py`). `mistral_file(name)` is the file of each, which
mistral-common reads too.
"""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from tests.real import cache_dir, package_file, write_atomic
from turnwire.tekken import DEFAULT
from turnwire.tokens import HfTokenizer, load_tokenizer

FILES = {
    "v1": "tokenizer.model.v1",
    "v2": "mistral_instruct_tokenizer_240216.model.v2",
    "v3": "mistral_instruct_tokenizer_240323.model.v3",
    "v7": "mistral_instruct_tokenizer_241114.model.v7",
    "tekken-v3": "tekken_240718.json",
}
MADE: dict[str, dict[int, str]] = {
    "tekken-v7": {},
    "v11": {32: "[ARGS]", 33: "[CALL_ID]"},
    "v13": {32: "[ARGS]", 33: "[CALL_ID]", 34: "[THINK]", 35: "[/THINK]"},
}
"""Control tokens by id, beyond those that every tekken.json has."""


def mistral_v3() -> HfTokenizer:
    """The SentencePiece model of v3; of Mistral 7B v0.3, but for the names of reserved control tokens."""
    return mistral("v3")


def mistral_v7() -> HfTokenizer:
    """The SentencePiece model of v7, of Mistral Large 2411."""
    return mistral("v7")


def mistral_tekken_v3() -> HfTokenizer:
    """Nemo's tekken.json."""
    return mistral("tekken-v3")


def mistral_v11() -> HfTokenizer:
    """A tekken.json as of Mistral Small 3.2."""
    return mistral("v11")


def mistral_v13() -> HfTokenizer:
    """A tekken.json as of Ministral 3."""
    return mistral("v13")


@functools.cache
def mistral(name: str) -> HfTokenizer:
    """The tokenizer of `mistral_file(name)`."""
    tokenizer = load_tokenizer(mistral_file(name), name=f"mistral-{name}")
    assert isinstance(tokenizer, HfTokenizer)
    return tokenizer


def mistral_file(name: str) -> Path:
    """The tokenizer file: "v1", "v2", "v3", "v7" (SentencePiece), "tekken-v3", "v11", "v13" (tekken)."""
    if name in FILES:
        return package_file("mistral_common", f"data/{FILES[name]}", "mistral-common")
    return _made(package_file("mistral_common", f"data/{FILES['tekken-v3']}", "mistral-common"), name)


@functools.cache
def _made(source: Path, version: str) -> Path:
    data = source.read_bytes()
    key = hashlib.sha256(data + repr(MADE[version]).encode()).hexdigest()[:16]
    path = cache_dir() / f"tekken-{version}-{key}.json"  # mistral-common knows it by "tekken" and ".json"
    if not path.exists():
        value: dict[str, Any] = json.loads(data)
        config = value["config"]
        first = config["default_num_special_tokens"]
        value["vocab"] = value["vocab"][: config["default_vocab_size"] - first]
        config |= {"version": version.removeprefix("tekken-"), "num_vocab_tokens": len(value["vocab"])}
        names = {number: f"<SPECIAL_{number}>" for number in range(first)} | dict(enumerate(DEFAULT)) | MADE[version]
        value["special_tokens"] = [
            {"rank": number, "token_str": text, "is_control": True} for number, text in names.items()
        ]
        write_atomic(path, json.dumps(value).encode())
    return path
