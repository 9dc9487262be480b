"""Masks of templates by token id, with real tokenizers: ours against the hand-written formats', and against what
transformers' `return_assistant_tokens_mask` gives for templates with generation tags, TRL's training templates among
them.

How a token at the border of what was sampled is decided: with `trust_content=True` the ids are those of the whole text,
and a token is sampled if all its characters are (transformers: if it reaches into the range from its first character
on). Without, the text is cut at the border before it is encoded, as sampling does, so no token holds both.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests import real
from tests.families.qwen_conversations import ALL
from tests.families.test_template_masks import (
    CLASSES,
    NAMES,
    TAG,
    corpus,
    flags,
    hash_of,
    kinds,
    same_text,
    template,
    training,
)
from tests.laws.law import reports
from turnwire import ChatTemplate
from turnwire.tokens import HfTokenizer

TOKENIZERS = {  # of a template that writes this: whose vocabulary has it
    "<|im_start|>": ("qwen3", "", "<|im_end|>"),
    "<|start_header_id|>": ("llama-3.1", "<|begin_of_text|>", "<|eot_id|>"),
    "<｜User｜>": ("deepseek-v3.1", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
    "<|channel|>": ("gpt-oss", "<|startoftext|>", "<|return|>"),
    "[gMASK]": ("glm-4.5", "", "<|endoftext|>"),
    "[INST]": ("nemotron-3", "<s>", "</s>"),
    "<SPECIAL_10>": ("nemotron-3", "<s>", "</s>"),
}
FORMATS = ("qwen3", "llama-3.1", "deepseek-v3.1", "glm-4.5", "kimi-k2", "olmo-3", "qwen2.5")
"""Not lfm2, whose template gets its calls as content, which makes no control tokens."""


@functools.lru_cache(2)
def loaded(name: str) -> HfTokenizer:
    made = real.load(name)
    assert isinstance(made, HfTokenizer)
    return made


@functools.lru_cache(2)
def theirs(name: str, bos: str, eos: str) -> Any:
    given = {k: v for k, v in (("bos_token", bos), ("eos_token", eos)) if v}
    return real.transformers_tokenizer(loaded(name), **given)


def tagged() -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Templates with generation tags, and the tokenizer that has their markers."""
    for source in (*corpus(), *training()):
        found = next((TOKENIZERS[mark] for mark in TOKENIZERS if mark in source), None)
        if TAG.search(source) and found:
            yield source, found


def test_as_the_formats_have_it_by_id() -> None:
    """Where a template and a format write the same text, they give the same ids and the same masks."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for name in FORMATS:
        if name not in NAMES:
            continue
        try:
            tpl, tok = template(name), loaded(name)
        except pytest.skip.Exception:
            continue
        for which, ours, shown in same_text(name, tpl, tok):
            if shown.unmasked:
                counts["not told"] += 1
                continue
            by_id = (ours.ids, ours.mask("sampled")) == (shown.ids, shown.mask("sampled"))
            counts["equal" if by_id else "known to differ"] += 1
            counts["tokens"] += len(ours.ids)
            if by_id != (flags(ours) == flags(shown)):  # test_template_masks has what is known by character
                wrong.append(f"{name} {which}: {by_id} by id")
    reports.append(f"masks of templates by id, against formats: {dict(counts)}")
    if not counts:
        pytest.skip("no tokenizers are here")
    assert not wrong, "\n".join(wrong[:10])
    assert counts["equal"] >= 400 and counts["equal"] > 0.88 * (counts["equal"] + counts["known to differ"])


def test_as_transformers_has_it_by_id() -> None:
    """The same ids as `apply_chat_template`; the flag of each token as its `assistant_masks`, or of a known class."""
    pytest.importorskip("transformers", reason="needs the package transformers")
    counts: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    used: set[str] = set()
    for source, (name, bos, eos) in sorted(tagged(), key=lambda pair: pair[1]):
        try:
            tok, peer = loaded(name), theirs(name, bos, eos)
        except pytest.skip.Exception:
            continue
        used.add(name)
        counts["templates"] += 1
        tpl = ChatTemplate(source, bos, eos)
        for c in ALL[hash_of(source) % 12 :: 12]:
            if c["name"].startswith(("image", "video")):
                continue
            try:
                made = peer.apply_chat_template(
                    c["messages"], c["tools"], chat_template=source, tokenize=True, return_dict=True,
                    return_assistant_tokens_mask=True,
                )  # fmt: skip
                out = tpl.render(c["messages"], c["tools"], tokenizer=tok, trust_content=True)
            except Exception:
                counts["refused"] += 1
                continue
            if out.unmasked or not any(made["assistant_masks"]):
                counts["not told" if out.unmasked else "no tags"] += 1
                continue
            assert out.ids == made["input_ids"], (name, c["name"])
            said, wanted = out.mask("sampled"), [bool(f) for f in made["assistant_masks"]]
            cut = tpl.render(c["messages"], c["tools"], tokenizer=tok)
            counts["as the untrusted ids too"] += cut.ids == out.ids and cut.mask("sampled") == said
            counts["conversations"] += 1
            counts["tokens"] += len(said)
            counts["tokens that differ"] += sum(a != b for a, b in zip(said, wanted))
            if said == wanted:
                counts["equal"] += 1
            else:
                at = out.extents()
                classes.update(kinds_of(said, wanted, at, out.text))
    told = ", ".join(f"{n} {what}" for what, n in classes.most_common())
    reports.append(f"masks by id, against transformers ({', '.join(sorted(used))}): {dict(counts)}; {told}")
    if not counts:
        pytest.skip("no tokenizers are here")
    assert classes.keys() <= CLASSES.keys() | {"a token holds both"} and not classes["other"]
    assert counts["templates"] >= 30 and counts["conversations"] >= 300 and counts["equal"] >= 60
    assert counts["tokens that differ"] < 0.03 * counts["tokens"]


def kinds_of(ours: list[bool], wanted: list[bool], at: list[tuple[int, int]], text: str) -> set[str]:
    """The classes of all tokens that differ."""
    chars = [[False] * len(text), [False] * len(text)]
    found: set[str] = set()
    for mine, other, (start, stop) in zip(ours, wanted, at):
        piece = text[start:stop]
        if other and not mine and piece.strip() and piece[0] != piece[-1] and re.search(r"\s", piece):
            found.add("a token holds both")
            mine = other
        for flag, row in zip((other, mine), chars):
            row[start:stop] = [flag] * (stop - start)
    return found | kinds(*chars, text)
