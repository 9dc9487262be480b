"""The families: one file each, one value each; this is their index. Loaded when first asked for."""

from __future__ import annotations

import fnmatch
import functools
import importlib

from ..errors import UnknownFormat, nearest
from ..format import Format

FILES: dict[str, tuple[str, ...]] = {
    "apertus": ("apertus",),
    "command_a": ("command-a", "north-mini-code"),
    "deepseek_r1": ("deepseek-r1", "deepseek-r1-0528"),
    "deepseek_v3": ("deepseek-v3",),
    "deepseek_v3_1": ("deepseek-v3.1",),
    "deepseek_v3_2": ("deepseek-v3.2",),
    "deepseek_v4": ("deepseek-v4", "deepseek-v4.1"),
    "functiongemma": ("functiongemma",),
    "gemma3": ("gemma-3",),
    "gemma4": ("gemma-4", "gemma-4-e4b"),
    "glm4": ("glm-4.5", "glm-4.7"),
    "glm5": ("glm-5", "glm-5.1", "glm-5.2", "glm-5.3"),
    "ernie_4_5": ("ernie-4.5", "ernie-4.5-vl"),
    "exaone_4": ("exaone-4", "exaone-4.5", "k-exaone"),
    "granite_3_3": ("granite-3.3",),
    "granite_4": ("granite-4", "granite-4.1"),
    "harmony": ("harmony",),
    "hermes_3": ("hermes-3",),
    "hermes_4": ("hermes-4", "hermes-4-llama"),
    "hunyuan": ("hunyuan", "hunyuan-preview"),
    "jamba2": ("jamba2",),
    "kimi_k2": ("kimi-k2", "kimi-k2-thinking", "kimi-k2.5", "kimi-k2.6", "kimi-k2.7-code"),
    "kimi_k3": ("kimi-k3",),
    "lfm2": ("lfm2", "lfm2.5", "lfm2.5-moe"),
    "ling": ("ling", "ling-2.6", "ring-1t"),
    "llama_3": ("llama-3.1", "llama-3.2", "llama-3.3"),
    "llama_4": ("llama-4",),
    "longcat": ("longcat", "longcat-2"),
    "mimo_v2": ("mimo-v2", "mimo-v2.5", "mimo-v2.5-pro"),
    "minimax_m2": ("minimax-m2", "minimax-m2.1", "minimax-m2.5", "minimax-m2.7"),
    "minimax_m3": ("minimax-m3",),
    "mistral_v11": ("magistral-2506", "mistral-v11"),
    "mistral_v13": ("mistral-v13",),
    "mistral_v15": ("leanstral", "mistral-medium-3.5", "mistral-small-4"),
    "mistral_v3": ("mistral-tekken-v3", "mistral-v3"),
    "mistral_v7": ("mistral-tekken-v7", "mistral-v7"),
    "nemotron_3": ("nemotron-3", "nemotron-3-super", "nemotron-3-ultra"),
    "olmo_3": ("olmo-3", "olmo-3.1"),
    "olmo_3_think": ("olmo-3-7b-think", "olmo-3-think", "olmo-3.1-think"),
    "qwen2_5": ("qwen2.5", "qwen2.5-1m", "qwen2.5-math", "qwq"),
    "nemotron_nano_v2": ("nemotron-nano-v2", "nemotron-super-1.5"),
    "phi_4": ("phi-4", "phi-4-reasoning"),
    "phi_4_mini": ("phi-4-mini", "phi-4-mini-reasoning"),
    "qwen3": ("qwen3", "qwen3-instruct-2507", "qwen3-thinking-2507"),
    "qwen3_5": ("qwen3.5", "qwen3.5-small", "qwen3.6", "qwen3.8"),
    "qwen3_coder": ("qwen3-coder", "qwen3-coder-next"),
    "qwen3_vl": ("qwen3-vl-instruct", "qwen3-vl-thinking"),
    "ring_2_6": ("ring-2.6",),
    "seed_oss": ("seed-oss",),
    "smollm3": ("smollm3",),
    "step_3_5": ("step-3.5", "step-3.7"),
    "trinity": ("trinity",),
}
"""Files and the formats in them; a format's variable is its name with _ for - and . in it."""
ALIASES = {"gpt-oss": "harmony"}
SUFFIXES = ("-FP8", "-AWQ", "-GPTQ-Int4", "-GPTQ-Int8", "-MLX-4bit", "-MLX-8bit", "-GGUF", "-BF16", "-NVFP4")


_NAMES = {name: file for file, names in FILES.items() for name in names}


def list_formats() -> list[str]:
    """The names of all formats."""
    return sorted(_NAMES)


@functools.cache
def _load(name: str) -> Format:
    module = importlib.import_module(f".{_NAMES[name]}", __name__)
    fmt: Format = getattr(module, name.replace("-", "_").replace(".", "_"))
    return fmt


def formats() -> dict[str, Format]:
    """All formats by name."""
    return {name: _load(name) for name in list_formats()}


def _akin_first(model: str) -> list[str]:
    """The names of all formats, those first of which a model id has the longest beginning: to load a format takes
    time, and an id is of one format."""

    def shared(name: str) -> int:
        return max(n for n in range(len(name) + 1) if name[:n] in model)

    spoken = {of: alias for alias, of in ALIASES.items()}
    return sorted(list_formats(), key=lambda name: -max(shared(name), shared(spoken.get(name, ""))))


def get_format(name: str) -> Format:
    """The format of a family name ("qwen3") or a model id ("Qwen/Qwen3-8B", its FP8 and GGUF repositories too).

    Raises `UnknownFormat`, with the nearest names, for anything else: a wrong guess is worse than none.
    """
    if isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        key = name.strip()
        key = ALIASES.get(key, key)
        if key in _NAMES:
            return _load(key)
        bare = next((key[: -len(s)] for s in SUFFIXES if key.endswith(s)), key).casefold()
        for fmt in map(_load, _akin_first(bare)):
            if any(fnmatch.fnmatchcase(bare, pattern.casefold()) for pattern in fmt.models):
                return fmt
    raise UnknownFormat(
        f"no format {name!r}",
        value=name,
        path="format",
        expected=f"one of the {len(_NAMES)} names of `turnwire.list_formats()`, or a model id",
        near=_nearest(name),
    )


def _nearest(name: object) -> str | None:
    """The nearest model id or name. Who copies or converts a model keeps its own name, and adds to it."""
    models = [m for f in formats().values() for m in f.models]
    if isinstance(name, str):
        own = {model: model.rpartition("/")[2].casefold() for model in models}
        said = name.rpartition("/")[2].casefold()
        kept = [model for model in models if own[model] in said]
        if kept:
            return max(kept, key=lambda model: len(own[model]))
    return nearest(name, [*_NAMES, *ALIASES, *models])
