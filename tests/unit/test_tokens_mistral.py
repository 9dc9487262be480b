"""Tekken and SentencePiece vocabularies: Mistral's own ids for every text, exact round trips, clear refusals."""

from __future__ import annotations

import json
import pickle
import random
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import real, real_mistral
from tests.unit.test_tokens import LAW, marker_text, symbols, varied
from turnwire.errors import TokenizerError
from turnwire.tokens import Detokenizer, HfTokenizer, bind, load_tokenizer

PIECES = ["v1", "v2", "v3", "v7"]
TEKKEN = ["tekken-v3", "v11", "v13"]
CONTROL = ("[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "</s>", "<s>")


def texts() -> list[str]:
    """`varied()`, with what these vocabularies treat in ways of their own."""
    rng = random.Random(11)
    runs = ["".join(rng.choice("  \n\tab▁") * rng.randrange(1, 40) for _ in range(6)) for _ in range(60)]
    own = [" " * n for n in range(1, 70)] + [
        " x" * 30,
        "▁",
        "▁▁ ▁x",
        "[REFERENCE_DOC_7]x[REF] [/REF]",
        " [REF]",
        "𐍈" * 9,
    ]
    marked = [
        f"{a}{text}{b}" for text in CONTROL for a, b in [("", ""), ("a", "b"), (" ", " "), ("\n", "\n"), ("[", "]")]
    ]
    return varied() + runs + own + marked


def processor(name: str) -> Any:
    library = pytest.importorskip("sentencepiece", reason="needs the package sentencepiece")
    return library.SentencePieceProcessor(model_file=str(real_mistral.mistral_file(name)))


# the same ids


@pytest.mark.parametrize("name", PIECES)
def test_equal_to_sentencepiece(name: str) -> None:
    theirs, ours = processor(name), real_mistral.mistral(name)
    found = texts()
    assert len(found) >= 400
    for text in found:
        want = theirs.encode(text)
        assert (ours.encode(" " + text) if text else []) == want, text  # SentencePiece writes the first space itself
        assert ours.encode_batch([" " + text])[0] == (want or [theirs.piece_to_id("▁")])
        assert ours.encode(text) == ours.encode(text, frozenset(ours.added.keys() & CONTROL))
    assert ours.size == theirs.get_piece_size()
    assert set(ours.specials.values()) == {i for i in range(ours.size) if theirs.is_control(i) or theirs.is_unknown(i)}
    assert all(theirs.id_to_piece(number) == spelling for spelling, number in ours.added.items())
    for number in range(ours.size):
        if number not in ours.specials.values() and not theirs.is_byte(number):
            assert (ours.piece(number) or b"").decode() == theirs.id_to_piece(number).replace("▁", " ")


@pytest.mark.parametrize("name", PIECES)
def test_equal_to_sentencepiece_on_joined_pieces(name: str) -> None:
    theirs, ours = processor(name), real_mistral.mistral(name)
    pieces = [(ours.piece(number) or b"").decode("utf-8", "replace") for number in range(1000, ours.size)]
    rng = random.Random(5)
    for _ in range(1500):
        few = rng.choices(pieces, k=rng.choice([2, 3, 30]))
        text = "".join(rng.choice(few)[rng.randrange(2) :] for _ in range(rng.randrange(1, 30)))
        assert ours.encode(" " + text)[: len(text) + 1 if text else 0] == theirs.encode(text), text


@pytest.mark.parametrize("name", TEKKEN)
def test_equal_to_mistral_common(name: str) -> None:
    module = pytest.importorskip("mistral_common.tokens.tokenizers.tekken", reason="needs the package mistral-common")
    theirs, ours = module.Tekkenizer.from_file(real_mistral.mistral_file(name)), real_mistral.mistral(name)
    for text in texts():
        assert ours.encode(text) == theirs.encode(text, bos=False, eos=False), text
    assert ours.size == theirs.n_words
    assert ours.specials == ours.added == {theirs.id_to_piece(i): i for i in range(theirs.num_special_tokens)}
    for number in range(theirs.num_special_tokens, ours.size):
        assert ours.piece(number) == theirs.id_to_byte_piece(number)


@pytest.mark.parametrize("name", ["v3", "v7"])
def test_equal_to_mistral_common_over_a_conversation(name: str) -> None:
    module = pytest.importorskip("mistral_common.tokens.tokenizers.sentencepiece", reason="needs mistral-common")
    pytest.importorskip("sentencepiece", reason="needs the package sentencepiece")
    theirs = module.SentencePieceTokenizer(real_mistral.mistral_file(name))
    bound = bind(real_mistral.mistral(name), symbols(*CONTROL))
    inst, end, stop = (theirs.get_special_token(text) for text in ("[INST]", "[/INST]", "</s>"))
    said = ["Hi there", " two  spaces ", "[INST] no [/INST]"]
    want: list[int] = []
    ours: list[int] = []
    for text in said:
        encoded = theirs.encode(text, bos=False, eos=False)
        want += [inst, *encoded, end, *encoded, stop]
        ours += [inst, *bound.encode(" " + text), end, *bound.encode(" " + text), stop]
    assert ours == want
    assert bound.decode(ours) == "".join(f"[INST] {text}[/INST] {text}</s>" for text in said)


# nothing lost, nothing forged


@pytest.mark.parametrize("name", [*PIECES, *TEKKEN])
def test_round_trip_without_control_tokens(name: str) -> None:
    tokenizer = real_mistral.mistral(name)
    control = frozenset(tokenizer.added.keys() & CONTROL)
    forbidden = {*tokenizer.specials.values()}
    pieces = [" ", "  ", "▁", "[REF]", "[REFERENCE_DOC_1]", *sorted(tokenizer.added)[:40], *CONTROL]

    def check(text: str) -> None:
        ids = tokenizer.encode(text, control)
        assert forbidden.isdisjoint(ids)
        kept = text.replace("▁", " ") if name in PIECES else text
        assert Detokenizer(tokenizer).whole(ids) == tokenizer.normalize(text, control) == kept
        assert tokenizer.encode_batch([text], control) == [ids]

    @settings(LAW, max_examples=200)
    @given(marker_text(pieces))
    @example("".join(sorted(tokenizer.added)))
    @example("[INST][INST]" * 300)
    def law(text: str) -> None:
        check(text)

    law()
    for text in texts():
        check(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(), max_size=6))
def test_decoding_does_not_depend_on_where_a_text_stands(parts: list[str]) -> None:
    tokenizer = real_mistral.mistral_v3()
    ids = [number for part in parts for number in tokenizer.encode(part)]
    one = Detokenizer(tokenizer)
    assert "".join(one.feed([number]) for number in ids) + one.close() == "".join(parts).replace("▁", " ")


@pytest.mark.parametrize("name", ["v3", "v13"])
def test_pickle_and_bind(name: str) -> None:
    tokenizer = real_mistral.mistral(name)
    again: HfTokenizer = pickle.loads(pickle.dumps(tokenizer))
    assert again.encode(" Hi [INST]") == tokenizer.encode(" Hi [INST]") and again.specials == tokenizer.specials
    bound = bind(tokenizer, symbols(*CONTROL))
    assert bind(tokenizer, symbols(*CONTROL)) is bound
    assert bound.decode([*bound.ids.values(), *bound.encode(" [/INST]")]) == "".join(CONTROL) + " [/INST]"
    assert len({hash(tokenizer), hash(tokenizer)}) == 1


# recordings


VARIANTS = {
    "mistralai/Mistral-7B-Instruct-v0.3": "v3",
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506": "v11",
    "mistralai/Devstral-Small-2507": "v11",
    "mistralai/Magistral-Small-2506": "v11",
    "mistralai/Magistral-Small-2509": "v13",
    "mistralai/Ministral-3-14B-Instruct-2512": "v13",
    "mistralai/Ministral-3-14B-Reasoning-2512": "v13",
}


def test_recorded_ids_say_the_recorded_text() -> None:
    folder = real.package_file("canitoolcall", "_data/fixtures/mistral/rendered.jsonl", "canitoolcall").parent
    seen: dict[str, int] = {}
    spaced: set[str] = set()
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            fixture = json.loads(line)
            tokenizer = real_mistral.mistral(VARIANTS[fixture["tokenizer"]["repo"]])
            ids, raw = fixture["output_token_ids"], fixture["raw_output"]
            text = Detokenizer(tokenizer).whole(ids)
            if text != raw:  # a reply begins with SentencePiece's space, which its decoder drops from the first text
                assert text == " " + raw and tokenizer.name == "mistral-v3", fixture["id"]
                spaced.add(fixture["id"])
            seen[fixture["tokenizer"]["repo"]] = seen.get(fixture["tokenizer"]["repo"], 0) + 1
    assert seen.keys() == VARIANTS.keys() and sum(seen.values()) == 47
    assert spaced == {"mistral/vllm-v3-content-before-call", "mistral/v3-no-call"}


# files


def test_load_folders_and_names(tmp_path: Path) -> None:
    data = real_mistral.mistral_file("v1").read_bytes()
    folder = tmp_path / "llama"
    folder.mkdir()
    (folder / "tokenizer.model").write_bytes(data)
    config = {"added_tokens_decoder": {"32000": {"content": "<|im_start|>", "special": True}}}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    tokenizer = load_tokenizer(folder)
    (folder / "tokenizer_config.json").unlink()
    assert tokenizer.name == "llama" and tokenizer.special("<|im_start|>") == 32000 and tokenizer.size == 32001
    assert load_tokenizer(folder / "tokenizer.model").name == "llama"
    (folder / "tokenizer.model.v2").write_bytes(real_mistral.mistral_file("v2").read_bytes())
    assert load_tokenizer(folder).special("[INST]") == 3  # the one that names its version
    (folder / "tokenizer.model.v3").write_bytes(real_mistral.mistral_file("v3").read_bytes())
    with pytest.raises(TokenizerError, match=r"several tokenizer files .*tokenizer\.model\.v2, tokenizer\.model\.v3"):
        load_tokenizer(folder)
    (folder / "tekken.json").write_bytes(real_mistral.mistral_file("v13").read_bytes())
    (folder / "tokenizer.json").write_text("{}")
    assert load_tokenizer(folder).special("[THINK]") == 34
    assert load_tokenizer(real_mistral.mistral_file("v3")).name == "mistral_instruct_tokenizer_240323.model.v3"


def message(*fields: tuple[int, Any]) -> bytes:
    """A protobuf message."""
    out = b""
    for number, value in fields:
        if isinstance(value, bytes):
            assert len(value) < 128
            out += bytes([number << 3 | 2, len(value)]) + value
        elif isinstance(value, float):
            out += bytes([number << 3 | 5]) + struct.pack("<f", value)
        else:
            key = number << 3
            out += (bytes([key]) if key < 128 else bytes([key & 127 | 128, key >> 7])) + bytes([value])
    return out


def spm(path: Path, *pieces: tuple[str, float, int], kind: int = 2, **rules: Any) -> Path:
    """A model file: <unk>, a control piece, the bytes, letters, and `pieces`."""
    entries = [("<unk>", 0.0, 2), ("[C]", 0.0, 3), *((f"<0x{byte:02X}>", 0.0, 6) for byte in range(256))]
    entries += [(letter, -100.0 - i, 1) for i, letter in enumerate("▁abc[]C")] + list(pieces)
    made = [(1, message((1, text.encode()), (2, score), (3, type))) for text, score, type in entries]
    normalizer = {"prefix": (3, 0), "strip": (4, 0), "escape": (5, 1), "map": (2, b"")}
    normalizer |= {name: (normalizer[name][0], value) for name, value in rules.items()}
    path.write_bytes(message(*made, (2, message((3, kind), (35, 1))), (3, message(*normalizer.values()))))
    return path


def test_sentencepiece_models_that_are_made(tmp_path: Path) -> None:
    # "ab" is better than "bc"; "[C]" can be merged from its letters, but is a control piece
    pieces = [("ab", -1.0, 1), ("bc", -2.0, 1), ("abc", -3.0, 1), ("[C", -4.0, 1), ("c[", -5.0, 1), ("b[b", 0.0, 4)]
    tokenizer = load_tokenizer(spm(tmp_path / "x.model", *pieces))
    at = {(tokenizer.piece(number) or b"").decode("utf-8", "replace"): number for number in range(tokenizer.size)}
    assert tokenizer.name == "x.model"
    assert tokenizer.encode("abcbc") == [at["abc"], at["bc"]]
    assert tokenizer.encode("[C]") == [at["[C"], at["]"]] and tokenizer.encode("c[C]") == [at["c"], at["[C"], at["]"]]
    assert tokenizer.encode("ab[bcé") == [at["a"], at["b[b"], at["c"], 2 + 0xC3, 2 + 0xA9]
    assert dict(tokenizer.specials) == {"<unk>": 0, "[C]": 1} and tokenizer.added.keys() == {"<unk>", "[C]", "b[b"}
    library = pytest.importorskip("sentencepiece", reason="needs the package sentencepiece")
    theirs = library.SentencePieceProcessor(model_file=str(tmp_path / "x.model"))
    for text in ("abcbc", "[C]", "c[C]", "ab[bcé", "  b[b  ", "ababcabb[bc[C]"):
        assert tokenizer.encode(text) == theirs.encode(text), text


def test_files_that_are_refused(tmp_path: Path) -> None:
    def fails(path: Path, match: str) -> None:
        with pytest.raises(TokenizerError, match=match) as caught:
            load_tokenizer(path)
        assert str(tmp_path) in str(caught.value)

    whole = spm(tmp_path / "whole.model").read_bytes()
    load_tokenizer(tmp_path / "whole.model")
    cut = tmp_path / "cut.model"
    for size in (5, 6, 20, len(whole) - 1):
        cut.write_bytes(whole[:size])
        fails(cut, "damaged|no pieces for bytes|model type is 1")
    fails(spm(tmp_path / "a.model", kind=1), r"model type is 1, and 2 \(BPE\) is supported")
    fails(spm(tmp_path / "b.model", strip=1), "drops spaces")
    fails(spm(tmp_path / "c.model", escape=0), r"does not write spaces as U\+2581")
    fails(spm(tmp_path / "d.model", map=b"x"), "rewrites text")
    fails(spm(tmp_path / "e.model", ("ab", 0.0, 5)), "unused pieces")
    fails(spm(tmp_path / "f.model", ("a", 0.0, 1)), "a piece stands in it twice")
    fails(spm(tmp_path / "g.model", ("ab", -1.0, 1), ("bc", -1.0, 1)), "'ab' and 'bc' have the same score")
    fails(spm(tmp_path / "h.model", ("aa", -1.0, 1), ("aaa", -1.0, 1), ("aab", -2.0, 1)), "the same score")
    fails(spm(tmp_path / "j.model", ("a▁b", -1.0, 4)), "the user-defined piece 'a▁b' has a space")
    fails(spm(tmp_path / "i.model", ("az", -1.0, 1)), "no piece is the character 'z' alone")
    (tmp_path / "m.gguf").write_bytes(b"GGUF\x03\0\0\0")
    fails(
        tmp_path / "m.gguf", "this is a GGUF file, which is not supported yet; expected a tokenizer.json, tekken.json"
    )


def test_tekken_files_that_are_refused(tmp_path: Path) -> None:
    entries = [{"rank": i, "token_bytes": "AA==", "token_str": None} for i in range(3)]
    config = {"default_num_special_tokens": 21, "default_vocab_size": 24, "version": "v3", "pattern": "."}

    def fails(match: str, value: dict[str, Any]) -> None:
        (tmp_path / "tekken.json").write_text(json.dumps(value))
        with pytest.raises(TokenizerError, match=match) as caught:
            load_tokenizer(tmp_path)
        assert "tekken.json" in str(caught.value)

    fails("ids are missing or given twice", {"config": config, "vocab": entries})
    fails("KeyError: 'default_num_special_tokens'", {"config": {}, "vocab": []})
    fails("special_tokens is missing, in a file of version 'v11'", {"config": config | {"version": "v11"}, "vocab": []})
    fails("the split pattern is no text", {"config": config | {"pattern": 1}, "vocab": entries})
    named = [{"rank": 30, "token_str": "[X]", "is_control": True}]
    fails("ids are missing or given twice", {"config": config, "vocab": entries, "special_tokens": named})
    letters = [{"rank": i, "token_bytes": "YQ==" if i else "Yg==", "token_str": None} for i in range(2)]
    fails("no token for the byte 0x00", {"config": config | {"default_vocab_size": 23}, "vocab": letters})


# pipelines of the library that write a space before text


def test_prefix_spaces_are_not_written() -> None:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

    from turnwire.tokenfiles import byte_alphabet

    official = real_mistral.mistral_v3()
    want = official.encode(" Hi there")
    legacy = Tokenizer.from_str(official.backend.to_str())  # Prepend and Replace
    assert legacy.encode("Hi there", add_special_tokens=False).ids == want
    modern = Tokenizer.from_str(official.backend.to_str())
    modern.normalizer = normalizers.Sequence([])
    modern.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    assert modern.encode("Hi there", add_special_tokens=False).ids == want
    alone = Tokenizer.from_str(official.backend.to_str())
    alone.normalizer = normalizers.Prepend("▁")
    alone.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    for backend in (legacy, modern, alone):
        tokenizer = load_tokenizer(backend)
        assert tokenizer.encode(" Hi there") == want and tokenizer.encode("Hi there") != want
        for text in texts():
            assert tokenizer.encode(text) == official.encode(text)
            assert Detokenizer(tokenizer).whole(tokenizer.encode(text)) == tokenizer.normalize(text)
    level = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(byte_alphabet())}, merges=[]))
    level.decoder = decoders.ByteLevel()
    level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer = load_tokenizer(level)
    assert (
        tokenizer.encode("a b") == [97, 32, 98] == load_tokenizer(pickle.loads(pickle.dumps(tokenizer))).encode("a b")
    )
