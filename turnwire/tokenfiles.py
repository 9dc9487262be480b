"""Tokenizer files and objects, turned into one `tokenizers.Tokenizer`.

`read(source)` takes a tokenizer.json, a tekken.json, a SentencePiece model, a tiktoken rank file, a model folder, or a
loaded tokenizers, transformers or tiktoken object, and returns (name, tokenizer). It never changes its argument, never
downloads, and adds no token that the source does not list. What it cannot read raises `TokenizerError` with the path,
what was found and what was expected.

A tiktoken vocabulary becomes byte-level BPE: each token contributes every split into two tokens as a merge, tokens in
order of rank, splits in order of the ranks of their halves; that gives tiktoken's own result.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import TokenizerError
from .sentencepieces import build, is_model, read_model
from .tekken import is_tekken, read_tekken

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

SUPPORTED = (
    "a tokenizer.json, tekken.json, SentencePiece model (tokenizer.model), tiktoken ranks (*.tiktoken, "
    "tiktoken.model), a model folder, or a tokenizers.Tokenizer, transformers fast tokenizer or tiktoken.Encoding"
)


class Added(NamedTuple):
    """An added token: its spelling, its id, whether the tokenizer marks it special."""

    text: str
    id: int
    special: bool = True


class Recipe(NamedTuple):
    """What a rank file does not say. `reserve`: how many ids after the ranks have a name even where none is listed."""

    name: str
    pattern: str
    added: tuple[Added, ...] = ()
    nfc: bool = False
    ignore_merges: bool = True
    reserve: int = 0


_TAIL = r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
CL100K = rf"{_SUFFIX}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|{_TAIL}"
QWEN3 = CL100K.replace(r"\p{N}{1,3}", r"\p{N}")
QWEN35 = QWEN3.replace(r"?\p{L}+", r"?[\p{L}\p{M}]+").replace(r"[^\s\p{L}\p{N}]", r"[^\s\p{L}\p{M}\p{N}]")
_UPPER, _LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_WORDS = rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+{_SUFFIX}?|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*{_SUFFIX}?|"
O200K = _WORDS + _TAIL.replace(r"[\r\n]*", r"[\r\n/]*", 1)
KIMI = r"[\p{Han}]+|" + _WORDS.replace(r"\p{M}]", r"\p{M}&&[^\p{Han}]]") + _TAIL


def _harmony() -> tuple[Added, ...]:
    """The added tokens of gpt-oss's own tokenizer.json (tiktoken's o200k_harmony reserves a thousand more)."""
    named = {0: "startoftext", 1: "endoftext", 4: "return", 5: "constrain", 7: "channel", 8: "start", 9: "end"}
    named |= {10: "message", 14: "call", 20: "endofprompt"}
    return tuple(Added(f"<|{named.get(i, f'reserved_{199998 + i}')}|>", 199998 + i) for i in range(21))


def _qwen(first: int) -> tuple[Added, ...]:
    """The added tokens of Qwen3 and Qwen3.5; the list is the same, the first id is not."""
    special = "endoftext im_start im_end object_ref_start object_ref_end box_start box_end quad_start quad_end"
    special += " vision_start vision_end vision_pad image_pad video_pad"
    plain = (
        "<tool_call> </tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|>"
    )
    plain += " <tool_response> </tool_response> <think> </think>"
    names = [f"<|{name}|>" for name in special.split()]
    spelled = [(name, True) for name in names] + [(name, False) for name in plain.split()]
    return tuple(Added(name, first + i, flag) for i, (name, flag) in enumerate(spelled))


def _cl100k() -> tuple[Added, ...]:
    names = ["endoftext", "fim_prefix", "fim_middle", "fim_suffix"]
    return (*(Added(f"<|{name}|>", 100257 + i) for i, name in enumerate(names)), Added("<|endofprompt|>", 100276))


# sha256 of a rank file -> what it goes with
KNOWN: dict[str, Recipe] = {
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": Recipe("o200k_harmony", O200K, _harmony()),
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": Recipe("cl100k_base", CL100K, _cl100k()),
    "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186": Recipe(
        "qwen3", QWEN3, _qwen(151643), True, False
    ),
    "8dde380a6405e935f5de16a99eb61c824f3f814dd1ed298784c72babb7a03cdd": Recipe(
        "qwen3.5", QWEN35, _qwen(248044), True, False
    ),
    "b6c497a7469b33ced9c38afb1ad6e47f03f5e5dc05f15930799210ec050c5103": Recipe("kimi-k2", KIMI, reserve=256),
}


def read(
    source: object, *, pattern: str | None = None, specials: Mapping[str, int] | None = None
) -> tuple[str, Backend]:
    """The name and the `tokenizers.Tokenizer` of a path or an object. `pattern` and `specials` are for rank files."""
    if isinstance(source, (str, Path)):
        path = Path(source)
        try:
            return _read_path(path, pattern, specials)
        except OSError as e:
            raise TokenizerError(
                f"cannot read it: {e.strerror or e}", value=str(source), path=str(path), expected=SUPPORTED
            ) from None
    from tokenizers import Tokenizer as Backend

    inner = getattr(source, "backend_tokenizer", source)  # a transformers fast tokenizer
    if isinstance(inner, Backend):
        return str(getattr(source, "name_or_path", "") or "tokenizers.Tokenizer"), inner
    if hasattr(source, "_mergeable_ranks") and hasattr(source, "_pat_str"):
        return _from_tiktoken(source)
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    raise TokenizerError(f"cannot use a {kind} as a tokenizer", value=source, expected=SUPPORTED)


def _read_path(path: Path, pattern: str | None, specials: Mapping[str, int] | None) -> tuple[str, Backend]:
    if path.is_dir():
        return _read_folder(path, pattern, specials)
    if not path.exists():
        raise TokenizerError("no file or folder of this name", value=str(path), path=str(path), expected=SUPPORTED)
    with path.open("rb") as file:
        head = file.read(512)
    if is_model(head):
        model = read_model(path.read_bytes(), str(path))
        return (path.parent.resolve().name if path.stem == "tokenizer" else path.name), build(model, str(path))
    if head.lstrip()[:1] in (b"{", b"[") or path.suffix == ".json":
        return (
            path.parent.resolve().name if path.name in ("tokenizer.json", "tekken.json") else path.stem
        ), _read_json(path)
    if re.match(rb"[A-Za-z0-9+/]+=* [0-9]+\r?\n", head):
        return _read_ranks(path, pattern, specials, None)
    found = "a GGUF file" if head.startswith(b"GGUF") else "a file of another kind"
    raise TokenizerError(f"this is {found}, which is not supported yet", path=str(path), expected=SUPPORTED)


def _read_folder(path: Path, pattern: str | None, specials: Mapping[str, int] | None) -> tuple[str, Backend]:
    name = path.resolve().name
    config = path / "tokenizer_config.json"
    listed: list[dict[str, Any]] = []
    if config.exists():
        decoder: dict[str, dict[str, Any]] = _load_json(config).get("added_tokens_decoder") or {}
        listed = [{"id": int(key), **entry} for key, entry in sorted(decoder.items(), key=lambda item: int(item[0]))]
    tekken = [p for p in [path / "tekken.json"] if p.exists()] or sorted(path.glob("tekken*.json"))
    if len(tekken) == 1:  # before tokenizer.json, which in such folders is made from it
        return name, _read_json(tekken[0])
    if (path / "tokenizer.json").exists():
        backend = _read_json(path / "tokenizer.json")
        _add_missing(backend, listed, str(config))
        return name, backend
    ranks = sorted(path.glob("*.tiktoken")) or [p for p in [path / "tiktoken.model"] if p.exists()]
    if len(ranks) == 1:
        added = [Added(e["content"], e["id"], bool(e.get("special", False))) for e in listed]
        return name, _read_ranks(ranks[0], pattern, specials, added or None)[1]
    models = sorted(path.glob("tokenizer.model.v*")) or [p for p in [path / "tokenizer.model"] if p.exists()]
    if len(models) == 1 and not ranks:
        backend = _read_path(models[0], pattern, specials)[1]
        _add_missing(backend, listed, str(config))
        return name, backend
    ranks = ranks or models or tekken
    found = ", ".join(p.name for p in ranks or sorted(path.iterdir())[:8]) or "nothing"
    problem = "several tokenizer files" if ranks else "no tokenizer that can be read"
    raise TokenizerError(f"{problem} in this folder (it holds {found})", path=str(path), expected=SUPPORTED)


def _add_missing(backend: Backend, listed: Iterable[dict[str, Any]], path: str) -> None:
    """Add what only tokenizer_config.json lists, as transformers does when it loads the folder."""
    from tokenizers import AddedToken

    have = {token.content for token in backend.get_added_tokens_decoder().values()}
    for entry in listed:
        text = entry["content"]
        if text not in have and backend.token_to_id(text) in (None, entry["id"]):
            flags = {
                key: bool(entry.get(key, False)) for key in ("special", "normalized", "lstrip", "rstrip", "single_word")
            }
            backend.add_tokens([AddedToken(text, **flags)])  # pyright: ignore[reportUnknownMemberType]
            if backend.token_to_id(text) != entry["id"]:
                raise TokenizerError(
                    f"tokenizer_config.json gives {text!r} the id {entry['id']}, "
                    f"but tokenizer.json leaves it the id {backend.token_to_id(text)}",
                    value=text,
                    path=path,
                    expected="added_tokens_decoder and tokenizer.json of the same model",
                )


def _load_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as e:
        raise TokenizerError(f"not JSON: {e}", path=str(path), expected="a JSON object") from None
    if not isinstance(value, dict):
        raise TokenizerError(f"a JSON {type(value).__name__}", path=str(path), expected="a JSON object")
    return value  # pyright: ignore[reportUnknownVariableType]


def _read_json(path: Path) -> Backend:
    from tokenizers import Tokenizer as Backend

    try:
        return Backend.from_file(str(path))
    except OSError:
        raise
    except Exception as e:  # the library raises plain Exception: say what the file is instead
        value = _load_json(path)
        if "model" in value and isinstance(value["model"], dict):
            raise TokenizerError(
                f"tokenizers cannot load it: {e}", path=str(path), expected="a tokenizer.json"
            ) from None
        if is_tekken(value):
            ranks, split, control = read_tekken(value, str(path))
            added = tuple(Added(text, number) for number, text in enumerate(control))
            return from_ranks(ranks, Recipe(path.stem, split, added), str(path))
        found = f"a JSON object with the keys {', '.join(sorted(value)[:8]) or '(none)'}"
        raise TokenizerError(found, path=str(path), expected=SUPPORTED) from None


def read_ranks(data: bytes, path: str) -> dict[bytes, int]:
    """The ranks of a tiktoken file: a base64 token and its rank on each line."""
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            token, rank = line.split()
            ranks[base64.b64decode(token, validate=True)] = int(rank)
        except (ValueError, binascii.Error):
            raise TokenizerError(
                f"line {number} is {line[:60]!r}", path=path, expected="a base64 token and its rank on each line"
            ) from None
    return ranks


def _read_ranks(
    path: Path, pattern: str | None, specials: Mapping[str, int] | None, listed: list[Added] | None
) -> tuple[str, Backend]:
    data = path.read_bytes()
    known = KNOWN.get(hashlib.sha256(data).hexdigest())
    ranks = read_ranks(data, str(path))
    if known is None and pattern is None:
        raise TokenizerError(
            "these ranks are not known by their sha256, and a rank file has no split pattern",
            path=str(path),
            expected='load_tokenizer(path, pattern="...", specials={"<|...|>": id})',
        )
    recipe = known or Recipe(path.stem, "")
    if pattern is not None:
        recipe = recipe._replace(pattern=pattern)
    added = {token.id: token for token in (listed if listed is not None else recipe.added)}
    if specials is not None:
        added = {number: Added(text, number) for text, number in specials.items()}
    for number in range(len(ranks), len(ranks) + recipe.reserve):
        added.setdefault(number, Added(f"<|reserved_token_{number}|>", number))
    return recipe.name, from_ranks(ranks, recipe._replace(added=tuple(added[i] for i in sorted(added))), str(path))


def byte_alphabet() -> str:
    """The character by which byte-level BPE writes each byte, in order of the bytes."""
    shown = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = iter(range(256, 512))
    return "".join(chr(byte if byte in shown else next(hidden)) for byte in range(256))


def from_ranks(ranks: Mapping[bytes, int], recipe: Recipe, path: str = "") -> Backend:
    """Build the tokenizer of a tiktoken vocabulary; equal to tiktoken on every text."""
    from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers
    from tokenizers import Tokenizer as Backend

    if missing := [byte for byte in range(256) if bytes([byte]) not in ranks]:
        raise TokenizerError(f"no token for the byte {missing[0]:#04x}", path=path, expected="ranks for all 256 bytes")
    letters = dict(enumerate(byte_alphabet()))
    spelled = {token: token.decode("latin-1").translate(letters) for token in ranks}
    merges: list[tuple[str, str]] = []
    for token in sorted(ranks, key=ranks.__getitem__):
        whole, halves = spelled[token], list[tuple[int, int, int]]()
        for cut in range(1, len(token)):
            left = ranks.get(token[:cut])
            if left is not None and (right := ranks.get(token[cut:])) is not None:
                halves.append((left, right, cut))
        halves.sort()
        merges += [(whole[:cut], whole[cut:]) for _, _, cut in halves]
    vocab = {spelled[token]: rank for token, rank in ranks.items()}
    taken = set(vocab.values())
    for added in recipe.added:
        have = ranks.get(added.text.encode())
        if have != added.id and (have is not None or added.id in taken):
            problem = (
                f"the added token {added.text!r} cannot have the id {added.id}: the ranks have that spelling or id"
            )
            raise TokenizerError(problem, value=added.text, path=path, expected=f"an id from {len(vocab)} on")
    new = [token.id for token in recipe.added if token.id not in taken]
    if new != list(range(len(vocab), len(vocab) + len(new))):
        vocab |= {
            token.text: token.id for token in recipe.added
        }  # the ids have holes: only the vocabulary can say them
    backend = Backend(models.BPE(vocab=vocab, merges=merges, ignore_merges=recipe.ignore_merges))
    if recipe.nfc:
        backend.normalizer = normalizers.NFC()
    # the library's regex engine reads `{1,3}+` as a repeated group, tiktoken's as possessive
    split = re.sub(r"(\{\d+(?:,\d*)?\})\+", r"\1", recipe.pattern)
    try:
        regex = Regex(split)
    except Exception as e:
        raise TokenizerError(
            f"the split pattern does not compile: {e}", value=recipe.pattern, path=path, expected="a regular expression"
        ) from None
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(regex, "isolated"), level])
    backend.decoder = decoders.ByteLevel()
    tokens = [AddedToken(token.text, special=token.special, normalized=False) for token in recipe.added]
    backend.add_tokens(tokens)  # pyright: ignore[reportUnknownMemberType]
    return backend


_PROBES = (
    "Hello, world! I'm here, they'LL say 12345678 times.\n\n  def f(x):\r\n\treturn x ** 2  \n",
    "naïve café déjà vu 北京天气 こんにちは 안녕 Привет مرحبا 👩‍👩‍👧 e\u0301 ½ ²³",
    '{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>//**\n   \n x',
)


def _from_tiktoken(source: Any) -> tuple[str, Backend]:
    ranks: dict[bytes, int] = source._mergeable_ranks
    by_id: dict[int, Added] = {}
    for text, number in source._special_tokens.items():
        by_id.setdefault(number, Added(text, number))  # o200k_harmony spells 200018 twice
    added = tuple(by_id[number] for number in sorted(by_id))
    name = str(source.name)
    backend = from_ranks(ranks, Recipe(name, source._pat_str, added))
    for probe in _PROBES:
        if backend.encode(probe, add_special_tokens=False).ids != source.encode_ordinary(probe):
            raise TokenizerError(
                f"the tiktoken encoding {name!r} cannot be rebuilt exactly: its split pattern reads differently here",
                value=source._pat_str,
                expected="a pattern that means the same to both regular expression engines",
            )
    return name, backend
