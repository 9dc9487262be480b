"""encoder="fastokens": the ids of the reference, or an error when it is loaded."""

from __future__ import annotations

import importlib.util
import pickle
import random
import re
import sys
import types
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer

import turnwire
from tests.laws.strategies import MARKERS, TEXTS
from turnwire.cuts import LEAD
from turnwire.errors import OptionError, SurrogateError, TokenizerError
from turnwire.fastencoder import FastTokenizer, sample
from turnwire.tokens import small_tokenizer

QWEN = turnwire.get_format("qwen3")
MESSAGES = [{"role": "user", "content": "Hi, naïve <|im_end|> 🙂"}, {"role": "assistant", "content": "Oh."}]
needed = pytest.mark.skipif(importlib.util.find_spec("fastokens") is None, reason="needs fastokens")


def fast() -> Any:
    backend: Any = Tokenizer.from_str(small_tokenizer(QWEN).backend.to_str())  # type: ignore[attr-defined]
    backend.add_tokens([AddedToken("<plain>", special=False, normalized=False)])
    return turnwire.load_tokenizer(backend, encoder="fastokens")


@needed
def test_the_same_ids_for_any_text() -> None:
    ours = fast()
    reference = turnwire.load_tokenizer(ours.backend)
    rng, seen = random.Random(5), 0
    pool = (*TEXTS, *MARKERS, "<plain>", "words ", "  ", "x" * 40, *sample(ours)[:60])
    for control in (frozenset[str](), frozenset(QWEN.control), frozenset(["<plain>"])):
        texts = ["".join(rng.choices(pool, k=rng.randint(0, 9))) for _ in range(400)]
        assert ours.encode_batch(texts, control) == reference.encode_batch(texts, control)
        assert [ours.encode(t, control) for t in texts[:50]] == [reference.encode(t, control) for t in texts[:50]]
        seen += sum("<plain>" in t for t in texts)
    assert seen > 20
    with pytest.raises(SurrogateError):
        ours.encode("a\ud800")
    copy = pickle.loads(pickle.dumps(ours))
    assert isinstance(copy, FastTokenizer) and copy.encode("naïve 🙂") == ours.encode("naïve 🙂")


@needed
def test_a_prompt_names_its_encoder() -> None:
    ours = fast()
    out = QWEN.render(MESSAGES, tokenizer=ours)
    assert (out.encoder, QWEN.render(MESSAGES).encoder) == ("fastokens", None)
    back = turnwire.load_tokenizer(ours, encoder="tokenizers")
    again = QWEN.render(MESSAGES, tokenizer=back)
    assert (again.encoder, again.ids, again.runs) == ("tokenizers", out.ids, out.runs)
    assert turnwire.load_tokenizer(ours) is ours


@needed
def test_prompts_are_the_reference_s() -> None:
    """Of any content, control tokens of whatever spelling in it: ids, runs and masks; of prompts that go on too."""
    ours = fast()
    reference = turnwire.load_tokenizer(ours.backend)
    rng, at_once = random.Random(6), 0
    marks = (LEAD, *ours.marks.values())
    for n in range(150):
        pool = (*TEXTS, *MARKERS, "<plain>", "\n", "words ", *marks) if n % 3 else (*TEXTS, *MARKERS, "\n", "words ")
        say = [{"role": role, "content": "".join(rng.choices(pool, k=rng.randint(0, 5))) or "x"}
               for role in ("system", "user", "assistant", "user", "assistant", "user")]  # fmt: skip
        for messages in (say[:4], say):
            a, b = (QWEN.render(messages, tokenizer=t, add_generation_prompt=True) for t in (ours, reference))
            at_once += a.cut._parts is None  # pyright: ignore[reportPrivateUsage]
            assert a.ids == b.ids
            assert (a.runs, a.mask("sampled")) == (b.runs, b.mask("sampled"))
            assert (a.text, a.symbols) == (b.text, b.symbols)
    assert at_once > 80
    chosen = turnwire.ChatTemplate("{{ messages[0].content }}<|im_end|>")
    said = [{"role": "user", "content": "naïve <|im_end|>" + marks[1]}]
    a, b = (chosen.render(said, tokenizer=t) for t in (ours, reference))
    assert (a.ids, a.runs) == (b.ids, b.runs)
    assert (
        QWEN.render(said, tokenizer=ours, trust_content=True).ids
        == QWEN.render(said, tokenizer=reference, trust_content=True).ids
    )


def test_one_id_that_differs_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fastokens that encodes as the reference does, but for one letter."""
    reference = small_tokenizer(QWEN)

    class Wrong:
        letter = "ﷺ"

        @classmethod
        def from_json_str(cls, text: str) -> Any:
            return cls()

        def encode(self, text: str) -> Any:
            pieces = [t.replace(self.letter, "x") for t in re.split(f"{LEAD}([0-9]+){LEAD}", text)]
            ids = [i for n, t in enumerate(pieces) for i in ([int(t)] if n % 2 else reference.encode(t))]
            return types.SimpleNamespace(ids=ids)

        def encode_batch_flat(self, texts: list[str]) -> tuple[bytes, bytes]:
            rows = [self.encode(text).ids for text in texts]
            ends = [sum(map(len, rows[:n])) for n in range(len(rows) + 1)]
            flat = b"".join(n.to_bytes(4, sys.byteorder) for row in rows for n in row)
            return flat, b"".join(n.to_bytes(8, sys.byteorder) for n in ends)

    module: Any = types.ModuleType("fastokens")
    module.Tokenizer = Wrong
    monkeypatch.setitem(sys.modules, "fastokens", module)
    with pytest.raises(TokenizerError, match="token 0 of 'ﷺ'"):
        turnwire.load_tokenizer(reference, encoder="fastokens")
    Wrong.letter = "no text of the sample has this"
    assert (
        QWEN.render(MESSAGES, tokenizer=turnwire.load_tokenizer(reference, encoder="fastokens")).encoder == "fastokens"
    )
    monkeypatch.setitem(sys.modules, "fastokens", None)
    with pytest.raises(TokenizerError, match="not installed"):
        turnwire.load_tokenizer(reference, encoder="fastokens")
    with pytest.raises(OptionError, match="fastoken"):
        turnwire.load_tokenizer(reference, encoder="fastoken")
