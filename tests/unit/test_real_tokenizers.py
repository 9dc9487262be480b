"""The tokenizers of tests/real.py: both sources of a name agree, and the ids of the fixtures decode to their texts."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from tests import real, real_sources
from tests.conformance import fixtures_root
from tests.unit.test_tokens import varied
from turnwire.tokens import Detokenizer, HfTokenizer, check_leaks

FLAGS = ("content", "special", "normalized", "lstrip", "rstrip", "single_word")
MODELS = {
    "Qwen/Qwen3-0.6B": "qwen3",
    "Qwen/Qwen3-4B-Instruct-2507": "qwen3-instruct-2507",
    "Qwen/Qwen3-4B-Thinking-2507": "qwen3-thinking-2507",
    "Qwen/Qwen3-Coder-30B-A3B-Instruct": "qwen3-coder",
    "Qwen/Qwen3-Coder-Next": "qwen3-coder-next",
    "Qwen/Qwen3.5-9B": "qwen3.5",
    "Qwen/Qwen3.8-27B": "qwen3.8",
    "deepseek-ai/DeepSeek-V3-0324": "deepseek-v3",
    "deepseek-ai/DeepSeek-V3.1": "deepseek-v3.1",
    "deepseek-ai/DeepSeek-V3.2": "deepseek-v3.2",
    "deepseek-ai/DeepSeek-V4-Flash": "deepseek-v4",
    "deepseek-ai/DeepSeek-V4.1-Flash": "deepseek-v4.1",
    "google/gemma-4-31B-it": "gemma-4",
    "mistralai/Devstral-Small-2507": "mistral-small-3.2",
    "mistralai/Magistral-Small-2506": "mistral-small-3.2",
    "mistralai/Magistral-Small-2509": "ministral-3",
    "mistralai/Ministral-3-14B-Instruct-2512": "ministral-3",
    "mistralai/Ministral-3-14B-Reasoning-2512": "ministral-3",
    "mistralai/Mistral-7B-Instruct-v0.3": "mistral-v3",
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506": "mistral-small-3.2",
    "moonshotai/Kimi-K2-Instruct-0905": "kimi-k2",
    "moonshotai/Kimi-K2.6": "kimi-k2.6",
    "moonshotai/Kimi-K3": "kimi-k3",
    "openai/gpt-oss-20b": "gpt-oss",
    "unsloth/Llama-3.3-70B-Instruct": "llama-3.3",
    "unsloth/Llama-4-Scout-17B-16E-Instruct": "llama-4",
    "zai-org/GLM-4.5": "glm-4.5",
    "zai-org/GLM-4.7": "glm-4.7",
    "zai-org/GLM-5.3": "glm-5.3",
}
"""The tokenizer of each repository that the fixtures of canitoolcall name."""


PREFIXED = {"mistralai/Mistral-7B-Instruct-v0.3"}
"""SentencePiece's own decoder takes its space off a reply that begins with text: see docs/rendering.md."""


def fixtures() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for path in sorted(fixtures_root().glob("*/*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            fixture = json.loads(line)
            if fixture.get("output_token_ids"):
                found[fixture["tokenizer"]["repo"]].append(fixture)
    return found


FIXTURES = fixtures()


def there(source: Callable[[], real_sources.Source]) -> real_sources.Source:
    try:
        return source()
    except real_sources.Missing as e:
        pytest.skip(str(e))


def added(tokenizer: HfTokenizer) -> dict[int, list[Any]]:
    tokens = tokenizer.backend.get_added_tokens_decoder()
    return {number: [getattr(token, flag) for flag in FLAGS] for number, token in tokens.items()}


@pytest.mark.parametrize("name", real_sources.PACKAGES)
def test_both_sources_agree(name: str) -> None:
    """Ids of 300 strings and of the added tokens' spellings, all pieces, and the added tokens with their flags."""
    there(real_sources.PACKAGES[name])
    ours = real.load(name)  # that of the package, where it is there; kept for the tests below
    reference = there(lambda: real_sources.reference(name))
    other = real.build(name, reference)
    assert isinstance(ours, HfTokenizer)
    assert added(ours) == added(other)
    assert ours.table == other.table
    if reference.origin == "reference":
        official = json.loads(reference.files[0].read_bytes())
        assert list(ours.added) == [token["content"] for token in official["added_tokens"]]
        assert ours.backend.get_vocab(False) == official["model"]["vocab"]
    texts = varied() + [f"a{text} b" for text in ours.added]
    for text in texts:
        mine = ours.backend.encode(text, add_special_tokens=False).ids
        assert mine == other.backend.encode(text, add_special_tokens=False).ids, text
    assert ours.encode_batch(texts) == other.encode_batch(texts)


@pytest.mark.parametrize("name", ["o200k", "cl100k", "llama3"])
def test_ranks_of_two_packages_agree(name: str) -> None:
    pytest.importorskip("quicktok", reason="needs the package quicktok-v1")
    pytest.importorskip("splintr", reason="needs the package splintr-rs")
    other = real_sources.splintr_ranks(name if name == "llama3" else f"{name}_base")
    assert real_sources.open_ranks(name).read() == other.read()


@pytest.mark.parametrize(("repo", "name"), [(repo, MODELS[repo]) for repo in FIXTURES], ids=FIXTURES)
def test_the_ids_of_fixtures_decode(repo: str, name: str) -> None:
    tokenizer = real.load(name)
    first = " " if repo in PREFIXED else ""
    wrong: list[str] = []
    for fixture in FIXTURES[repo]:
        text = Detokenizer(tokenizer).whole(fixture["output_token_ids"])
        if fixture["raw_output"] not in (text, text.removeprefix(first)):
            wrong.append(fixture["id"])
    count = len(FIXTURES[repo])
    print(f"\n{repo}: {tokenizer.name} decodes {count - len(wrong)}/{count}")
    assert not wrong


@pytest.mark.parametrize("name", [*real_sources.PACKAGES, *real.REFERENCE_ONLY, *real.MISTRAL])
def test_text_comes_back_and_spells_no_control_token(name: str) -> None:
    tokenizer = real.load(name)
    check_leaks(tokenizer, frozenset(tokenizer.specials))
    for text in varied():
        assert Detokenizer(tokenizer).whole(tokenizer.encode(text)) == tokenizer.normalize(text)


def test_unknown_names_skip_with_a_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match="no tokenizer of nothing: "):
        real.load("nothing")
