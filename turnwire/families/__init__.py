"""The families: one file each, one value each; this is their index. Loaded when first asked for."""

from __future__ import annotations

import fnmatch
import functools
import importlib

from ..errors import UnknownFormat, nearest
from ..format import Format

FILES = {
    "qwen3": ("qwen3", "qwen3_instruct_2507", "qwen3_thinking_2507"),
    "qwen3_coder": ("qwen3_coder",),
    "qwen3_5": ("qwen3_5",),
    "harmony": ("harmony",),
}
ALIASES = {"gpt-oss": "harmony"}
SUFFIXES = ("-FP8", "-AWQ", "-GPTQ-Int4", "-GPTQ-Int8", "-MLX-4bit", "-MLX-8bit", "-GGUF", "-BF16")


@functools.cache
def formats() -> dict[str, Format]:
    """All formats by name."""
    found: dict[str, Format] = {}
    for file, values in FILES.items():
        module = importlib.import_module(f".{file}", __name__)
        for value in values:
            fmt: Format = getattr(module, value)
            found[fmt.name] = fmt
    return found


def list_formats() -> list[str]:
    """The names of all formats."""
    return list(formats())


def get_format(name: str) -> Format:
    """The format of a family name ("qwen3") or a model id ("Qwen/Qwen3-8B", its FP8 and GGUF repositories too).

    Raises `UnknownFormat`, with the nearest names, for anything else: a wrong guess is worse than none.
    """
    known = formats()
    if isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        key = name.strip()
        key = ALIASES.get(key, key)
        if key in known:
            return known[key]
        bare = next((key[: -len(s)] for s in SUFFIXES if key.endswith(s)), key).casefold()
        for fmt in known.values():
            if any(fnmatch.fnmatchcase(bare, pattern.casefold()) for pattern in fmt.models):
                return fmt
    models = [m for f in known.values() for m in f.models]
    raise UnknownFormat(
        f"no format {name!r}",
        value=name,
        path="format",
        expected="one of " + ", ".join(known) + ", or a model id",
        near=nearest(name, [*known, *ALIASES, *models]),
    )
