"""Tiny models for llama.cpp: a real vocabulary and chat template, and weights that mean nothing.

One layer of 32 numbers, so that llama.cpp's server starts in about a second and its templates and tokenizer are the
real ones.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import real
from tests.real import cache_dir

WIDTH = 32
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


class Vocabulary(NamedTuple):
    """As GGUF has it: `model` "gpt2" (byte-level BPE) or "llama" (SentencePiece)."""

    model: str
    pre: str
    tokens: list[str]
    types: list[int]
    merges: list[str]
    scores: list[float]
    bos: int | None
    eos: int
    add_bos: bool


def byte_level(name: str, pre: str, *, bos: str | None, eos: str, add_bos: bool) -> Vocabulary:
    """Of a real tokenizer.json of byte-level BPE."""
    made = json.loads(real.load(name).backend.to_str())  # type: ignore[attr-defined]
    added = {t["content"]: t for t in made["added_tokens"]}
    vocab = made["model"]["vocab"]
    size = 1 + max(*vocab.values(), *(t["id"] for t in added.values()))
    tokens, types = [f"[unused {i}]" for i in range(size)], [UNUSED] * size
    for text, i in vocab.items():
        tokens[i], types[i] = text, NORMAL
    for text, t in added.items():
        tokens[t["id"]], types[t["id"]] = text, CONTROL if t["special"] else USER
    merges = [m if isinstance(m, str) else " ".join(m) for m in made["model"]["merges"]]
    number = {text: t["id"] for text, t in added.items()}
    return Vocabulary("gpt2", pre, tokens, types, merges, [], number[bos] if bos else None, number[eos], add_bos)


def sentencepiece(file: Path) -> Vocabulary:
    """Of a SentencePiece model, which has BOS before every text."""
    package = pytest.importorskip("sentencepiece", reason="needs the package sentencepiece")
    model: Any = package.SentencePieceProcessor(model_file=str(file))
    size: int = model.vocab_size()
    types = [
        UNKNOWN if model.is_unknown(i) else CONTROL if model.is_control(i) else BYTE if model.is_byte(i)
        else UNUSED if model.is_unused(i) else NORMAL
        for i in range(size)
    ]  # fmt: skip
    tokens = [model.id_to_piece(i) for i in range(size)]
    types = [CONTROL if t == NORMAL and w.startswith("[") and w.endswith("]") and w.isupper() else t
             for t, w in zip(types, tokens)]  # fmt: skip
    scores = [float(model.get_score(i)) for i in range(size)]
    return Vocabulary("llama", "default", tokens, types, [], scores, model.bos_id(), model.eos_id(), True)


def model_file(name: str, vocabulary: Vocabulary, template: str) -> Path:
    """The model of that name; kept between runs, by a hash of what it is made of and of this recipe."""
    gguf = pytest.importorskip("gguf", reason="needs the package gguf")
    numpy = pytest.importorskip("numpy", reason="needs the package numpy")
    hashed = hashlib.sha256(json.dumps([vocabulary, template]).encode() + Path(__file__).read_bytes()).hexdigest()
    path = cache_dir() / f"tiny-{name}-{hashed[:16]}.gguf"
    if path.exists():
        return path
    making = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    w = gguf.GGUFWriter(str(making), "llama")
    w.add_context_length(4096)
    w.add_embedding_length(WIDTH)
    w.add_block_count(1)
    w.add_feed_forward_length(WIDTH)
    w.add_head_count(2)
    w.add_head_count_kv(2)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_vocab_size(len(vocabulary.tokens))
    w.add_rope_dimension_count(WIDTH // 2)
    w.add_tokenizer_model(vocabulary.model)
    w.add_tokenizer_pre(vocabulary.pre)
    w.add_token_list(vocabulary.tokens)
    w.add_token_types(vocabulary.types)
    if vocabulary.merges:
        w.add_token_merges(vocabulary.merges)
    if vocabulary.scores:
        w.add_token_scores(vocabulary.scores)
    if vocabulary.bos is not None:
        w.add_bos_token_id(vocabulary.bos)
    w.add_eos_token_id(vocabulary.eos)
    w.add_add_bos_token(vocabulary.add_bos)
    w.add_chat_template(template)
    random = numpy.random.default_rng(0)
    shapes = {"token_embd": (len(vocabulary.tokens), WIDTH), "output_norm": (WIDTH,)}
    shapes |= {f"blk.0.{k}": (WIDTH, WIDTH) for k in ("attn_q", "attn_k", "attn_v", "attn_output")}
    shapes |= {f"blk.0.{k}": (WIDTH, WIDTH) for k in ("ffn_gate", "ffn_up", "ffn_down")}
    shapes |= {f"blk.0.{k}": (WIDTH,) for k in ("attn_norm", "ffn_norm")}
    for key, shape in shapes.items():
        kind = numpy.float16 if len(shape) > 1 else numpy.float32
        w.add_tensor(f"{key}.weight", (random.standard_normal(shape) * 0.02).astype(kind))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    making.replace(path)
    return path


@contextlib.contextmanager
def llama_server(path: Path, *, key: str = "") -> Iterator[str]:
    """llama.cpp's own server with a model, on a loopback port: its URL."""
    package = pytest.importorskip("xllamacpp", reason="needs the package xllamacpp: llama.cpp's server in a wheel")
    params: Any = package.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.warmup, params.use_jinja, params.port = 1024, 1, False, True, 0
    params.verbosity = 0
    if key:
        params.api_keys = [key]
    server: Any = package.Server(params)
    try:
        yield server.listening_address
    finally:
        del server
