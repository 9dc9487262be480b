"""The header of a GGUF: what the `gguf` package reads and writes, with little of the file read and nothing believed."""

from __future__ import annotations

import ast
import importlib.util
import io
import os
import struct
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import turnwire
from tests.families import official
from tests.laws.law import reports
from turnwire import ChatTemplate, gguf
from turnwire.errors import TemplateFileError
from turnwire.gguf import NUMBERS, STRIDE, chat, read_header, special_tokens
from turnwire.templatefiles import added_tokens, read_templates

GB = 1 << 30
TYPES = {int: 5, float: 12, bool: 7, str: 8}


def number(value: int, code: str = "Q", order: str = "<") -> bytes:
    return struct.pack(order + code, value)


def text(value: str | bytes, order: str = "<") -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return number(len(data), "Q", order) + data


def item(value: Any, order: str) -> bytes:
    if isinstance(value, str):
        return text(value, order)
    if isinstance(value, list):
        kind = 9 if value and isinstance(value[0], list) else TYPES[type(value[0])] if value else 5
        return number(kind, "I", order) + number(len(value), "Q", order) + b"".join(item(v, order) for v in value)
    return struct.pack(order + NUMBERS[TYPES[type(value)]], value)


def pair(key: str, value: Any, order: str = "<") -> bytes:
    kind = 9 if isinstance(value, list) else TYPES[type(value)]
    return text(key, order) + number(kind, "I", order) + item(value, order)


def start(pairs: int, version: int = 3, order: str = "<", tensors: int = 0) -> bytes:
    return b"GGUF" + number(version, "I", order) + number(tensors, "Q", order) + number(pairs, "Q", order)


def build(values: dict[str, Any], version: int = 3, order: str = "<", tensors: int = 0) -> bytes:
    head = start(len(values), version, order, tensors)
    return head + b"".join(pair(k, v, order) for k, v in values.items())


def model(template: str = "{{ bos_token }}", tokens: int = 40) -> dict[str, Any]:
    """What a converter writes of a model, in its order: the template is last."""
    vocabulary = [f"t{i}" for i in range(tokens)]
    vocabulary[3], vocabulary[tokens - 1] = "<|end|>", "<|start|>"
    return {
        "general.architecture": "llama",
        "general.name": "Small",
        "llama.context_length": 4096,
        "llama.rope.freq_base": 1e6,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": vocabulary,
        "tokenizer.ggml.scores": [0.0] * tokens,
        "tokenizer.ggml.token_type": [3 if i in (3, tokens - 1) else 4 if i == 5 else 1 for i in range(tokens)],
        "tokenizer.ggml.merges": [f"t{i} t{i + 1}" for i in range(tokens)],
        "tokenizer.ggml.bos_token_id": tokens - 1,
        "tokenizer.ggml.eos_token_id": 3,
        "tokenizer.ggml.eot_token_id": 3,
        "tokenizer.ggml.padding_token_id": tokens,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.chat_template": template,
        "tokenizer.chat_template.tool_use": "{{ tools }}",
    }


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("version", [2, 3])
def test_what_is_written_is_read(tmp_path: Path, order: str, version: int) -> None:
    (tmp_path / "m.gguf").write_bytes(build(model(), version, order))
    header = read_header(tmp_path / "m.gguf")
    assert (header.version, header.order) == (version, order)
    said = model()
    assert header.keys == tuple(said)
    assert header.values == {k: v for k, v in said.items() if not isinstance(v, list)}
    for key, array in header.arrays.items():
        numbers = array.type != 8
        assert (list(header.numbers(key)) if numbers else list(header.texts(key).values())) == said[key]
    assert special_tokens(header) == {"<|end|>", "<|start|>", "t5"}


def test_the_chat_of_a_model(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(build(model()))
    found = read_templates(tmp_path / "m.gguf")
    assert found.templates == {"default": "{{ bos_token }}", "tool_use": "{{ tools }}"}
    assert found.variables == {"bos_token": "<|start|>", "eos_token": "<|end|>"}
    assert found.where["tool_use"] == "tokenizer.chat_template.tool_use"
    assert found.where["bos_token"] == "tokenizer.ggml.bos_token_id"
    assert found.problems == ("padding_token_id 40 is no token's",)
    assert found.notes["eot_token"] == "<|end|>" and found.notes["add_bos_token"] is True
    assert added_tokens(tmp_path / "m.gguf") == {"<|end|>", "<|start|>", "t5"}
    assert read_templates(tmp_path).templates == found.templates, "the only GGUF of a folder"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-2, 5000)), st.integers(0, 4000), st.sampled_from("<>"))
def test_texts_are_found_by_their_index(tmp_path_factory: Any, indexes: list[int], count: int, order: str) -> None:
    words = [f"é{i}" * (i % 5) for i in range(count)]
    file = tmp_path_factory.mktemp("g") / "m.gguf"
    file.write_bytes(build({"a": 1, "w": words or [""], "z": 2}, order=order))
    header = read_header(file)
    assert header.values == {"a": 1, "z": 2}
    words = words or [""]
    assert header.texts("w", indexes) == {i: words[i] for i in indexes if 0 <= i < len(words)}


def test_parts(tmp_path: Path) -> None:
    """Only the first of several files has the tokenizer."""
    first, second = tmp_path / "m-00001-of-00002.gguf", tmp_path / "m-00002-of-00002.gguf"
    first.write_bytes(build({**model(), "split.no": 0, "split.count": 2}))
    second.write_bytes(build({"split.no": 1, "split.count": 2}))
    assert read_templates(second) == read_templates(first) == read_templates(tmp_path)
    first.unlink()
    with pytest.raises(TemplateFileError, match=r"number 1 from 0 on; .*, which m-00001-of-00002.gguf may have"):
        read_templates(second)


def test_a_file_without_a_template(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(build({"general.architecture": "clip", "general.name": "x"}))
    with pytest.raises(TemplateFileError, match=r"no chat template; the keys are general.architecture, general.name"):
        read_templates(tmp_path / "m.gguf")


def test_detect(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(build(model(official.template("qwen3"))))
    assert turnwire.detect_format(tmp_path / "m.gguf").format.name == "qwen3"
    assert turnwire.detect_format(tmp_path / "m.gguf").by == "hash"
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(TemplateFileError, match="at byte 4: the version needs 4 bytes"):
        turnwire.detect_format(tmp_path / "m.gguf")


# against others


@pytest.mark.parametrize("order", "<>")
def test_the_gguf_package_reads_and_writes_the_same(tmp_path: Path, order: str) -> None:
    package = pytest.importorskip("gguf")
    endian = package.GGUFEndian.LITTLE if order == "<" else package.GGUFEndian.BIG
    file = tmp_path / "m.gguf"
    writer = package.GGUFWriter(file, "llama", endianess=endian)
    for kind in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"):
        getattr(writer, f"add_{kind}")(f"general.{kind}", 7)
    writer.add_name("Näme")
    writer.add_token_list(["<s>", "</s>", *(f"t{i}" for i in range(3000))])
    writer.add_token_types([3, 3, *[1] * 3000])
    writer.add_token_scores([0.5] * 3002)
    writer.add_array("general.tags", ["a", "é", ""])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(2)
    writer.add_pad_token_id(3)
    writer.add_add_bos_token(True)
    named = [{"name": "default", "template": "D\r\n"}, {"name": "tool use", "template": "U"}]
    writer.add_chat_template(named)
    numpy = pytest.importorskip("numpy")
    writer.add_tensor("t", numpy.zeros((64, 64), dtype=numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    reader, header = package.GGUFReader(file), read_header(file)
    theirs = {k: f.contents() for k, f in reader.fields.items() if not k.startswith("GGUF.")}
    assert header.keys == tuple(theirs)
    ours: dict[str, Any] = {**header.values}
    for key in header.arrays:
        ours[key] = [*header.numbers(key), *header.texts(key).values()]
    assert ours == theirs
    found = read_templates(file)
    assert found.templates == {"default": "D\r\n", "tool_use": "U"}
    assert found.variables == {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "t0", "pad_token": "t1"}
    assert special_tokens(header) == {"<s>", "</s>"}


def test_the_variables_are_those_that_transformers_takes() -> None:
    """Its reader needs torch; its table is a constant in the source."""
    spec = importlib.util.find_spec("transformers")
    if spec is None or spec.origin is None:
        pytest.skip("no transformers")
    file = Path(spec.origin).parent / "integrations/gguf/gguf_tokenizer_mapping.py"
    if not file.exists():
        pytest.skip("a transformers without integrations/gguf/gguf_tokenizer_mapping.py")
    tables = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict)
        if node.targets[0].id == "_SPECIAL_TOKENS"
    }
    assert tables["_SPECIAL_TOKENS"] == {name: f"{key}_token_id" for name, key in gguf.IDS.items()}


# how much is read


class Counting(io.FileIO):
    """A file that counts what is read of it."""

    total = 0

    def read(self, size: int = -1, /) -> bytes:  # type: ignore[override]
        data = super().read(size) or b""
        Counting.total += len(data)
        return data


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Counting]]:
    Counting.total = 0
    monkeypatch.setattr(gguf, "open", lambda path, mode: Counting(path, "r"), raising=False)
    yield Counting


def test_of_40_gb_the_header_is_read(tmp_path: Path, counted: type[Counting]) -> None:
    file = tmp_path / "m.gguf"
    said = build(model(tokens=150_000), tensors=291)
    file.write_bytes(said)
    os.truncate(file, 40 * GB)
    tracemalloc.start()
    found = read_templates(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.variables == {"bos_token": "<|start|>", "eos_token": "<|end|>"}
    reports.append(f"a GGUF of 40 GB with a header of {len(said):,} bytes: {counted.total:,} read, peak {peak:,} bytes")
    numbers = 150_000 * 12  # scores and types are jumped over
    assert counted.total < len(said) - numbers + 10 * gguf.WINDOW
    assert peak < 2_000_000


def test_of_40_gb_the_header_is_read_in_milliseconds(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(build(model(tokens=150_000), tensors=291))
    os.truncate(file, 40 * GB)
    spent: list[float] = []
    for _ in range(5):
        start = time.process_time()
        template = ChatTemplate.load(file)
        spent.append((time.process_time() - start) * 1e3)
        assert template.eos_token == "<|end|>"
    reports.append(f"a GGUF of 40 GB, 150,000 tokens in its header: {min(spent):.0f} ms")
    assert min(spent) < 250, spent


# what is not believed


def bad(tmp_path: Path, data: bytes, size: int | None = None) -> str:
    file = tmp_path / "m.gguf"
    file.write_bytes(data)
    if size is not None:
        os.truncate(file, size)
    with pytest.raises(TemplateFileError) as caught:
        read_templates(file)
    assert caught.value.path == str(file) and caught.value.expected
    return str(caught.value)


HUGE = 1 << 62
HOSTILE: dict[str, tuple[bytes, int | None, str]] = {
    "empty": (b"", None, "at byte 0: it begins with b''"),
    "another magic": (b"GGML" + bytes(20), None, "at byte 0: it begins with b'GGML'"),
    "version 1": (b"GGUF" + number(1, "I") + bytes(8), None, "at byte 4: it is of version 1;"),
    "version 4": (start(0, 4), None, "at byte 4: it is of version 4;"),
    "version 1, big": (start(0, 1, ">"), None, "at byte 4: it is of version 1;"),
    "zeros": (b"GGUF", 40 * GB, "at byte 4: it is of version 0"),
    "keys": (start(HUGE), None, f"at byte 16: {HUGE:,} keys, and 0 bytes are left"),
    "keys of a large file": (start(HUGE), 40 * GB, f"at byte 16: {HUGE:,} keys"),
    "empty keys": (start(60_000), 40 * GB, "at byte 37: the key '' a second time"),
    "a key": (start(1) + number(HUGE) + bytes(9), None, f"at byte 24: a key of {HUGE:,} bytes, and 9 bytes are left"),
    "a long key": (start(1) + number(1 << 20), GB, "at byte 24: a key of 1,048,576 bytes, and more than 65,535"),
    "a key that is no text": (start(1) + text(b"a\xff") + bytes(9), None, "at byte 33: a key is not UTF-8"),
    "a type": (start(1) + text("k") + number(99, "I") + bytes(8), None, "at byte 33: the type 99 of 'k'"),
    "a text": (
        start(1) + text("tokenizer.chat_template") + number(8, "I") + number(HUGE),
        40 * GB,
        f"the text of 'tokenizer.chat_template' of {HUGE:,} bytes, and 42,949,672,893 bytes are left",
    ),
    "a text of a gigabyte": (
        start(1) + text("tokenizer.chat_template") + number(8, "I") + number(GB),
        40 * GB,
        "of 1,073,741,824 bytes, and more than 16,777,216 are not read",
    ),
    "another text": (start(1) + text("k") + number(8, "I") + number(HUGE), 40 * GB, f"a text of {HUGE:,} bytes"),
    "numbers": (
        start(1) + text("k") + number(9, "I") + number(10, "I") + number(HUGE),
        40 * GB,
        f"{HUGE:,} numbers of 'k' of {HUGE * 8:,} bytes",
    ),
    "strings": (
        start(1) + text("k") + number(9, "I") + number(8, "I") + number(HUGE),
        40 * GB,
        f"at byte 41: {HUGE:,} items of 'k'",
    ),
    "empty strings": (
        start(1) + text("k") + number(9, "I") + number(8, "I") + number(4 * GB),
        40 * GB,
        "4,294,967,296 items of 'k'",
    ),
    "long strings": (
        start(1) + text("k") + number(9, "I") + number(8, "I") + number(1000) + text(b"") + number(39 * GB),
        40 * GB,
        "the strings to 'k' are longer than 268,435,456 bytes together",
    ),
    "a string beyond the end": (
        start(1) + text("k") + number(9, "I") + number(8, "I") + number(2) + number(50) + bytes(20),
        None,
        "at byte 107: string 0 of 'k' ends here, and the file has 77 bytes",
    ),
    "the last string beyond the end": (
        start(1) + text("k") + number(9, "I") + number(8, "I") + number(1) + number(50),
        None,
        "at byte 107: the last string of 'k' ends here, and the file has 57 bytes",
    ),
    "nested": (
        start(1) + text("k") + number(9, "I") + (number(9, "I") + number(1)) * 1000,
        None,
        "arrays nested deeper than 4 in 'k'",
    ),
    "wide": (start(1) + text("k") + number(9, "I") + number(9, "I") + number(GB), 40 * GB, "1,073,741,824 items of"),
    "items of no type": (
        start(1) + text("k") + number(9, "I") + number(77, "I") + number(0),
        None,
        "at byte 37: the type 77 of the items of 'k'",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files(tmp_path: Path, counted: type[Counting], name: str) -> None:
    data, size, problem = HOSTILE[name]
    tracemalloc.start()
    said = bad(tmp_path, data, size)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert problem in said
    assert counted.total < 300_000 and peak < 1_000_000


def test_limits_hold_for_a_file_as_a_whole(tmp_path: Path, counted: type[Counting]) -> None:
    """Arrays of arrays, as many as are walked, and one more; strings in several arrays."""
    file = tmp_path / "m.gguf"
    most = [[0]] * gguf.ARRAYS
    file.write_bytes(build({"a": most}))
    assert read_header(file).arrays["a"].items == gguf.ARRAYS
    file.write_bytes(build({"a": most, "b": [[0]]}))
    with pytest.raises(TemplateFileError, match="1 items of 'b'"):
        read_header(file)
    long = pair("k", ["", "", ""])[:-8]
    with file.open("wb") as out:
        out.write(start(8))
        for n in range(8):
            out.write(long.replace(b"k", str(n).encode()) + number(GB // 10))
            out.seek(GB // 10, 1)
        out.truncate(2 * GB)
    counted.total = 0
    with pytest.raises(TemplateFileError, match="the strings to '2' are longer than 268,435,456 bytes together"):
        read_header(file)
    assert counted.total < 1_000_000


def test_every_beginning_of_a_file_is_refused(tmp_path: Path) -> None:
    data = build(model(tokens=STRIDE + 7))
    for length in [*range(300), *range(300, len(data), 1997), *range(len(data) - 200, len(data))]:
        bad(tmp_path, data[:length])


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_damage_is_refused_or_read(tmp_path_factory: Any, data: st.DataObject) -> None:
    """Never another error, whatever is changed."""
    whole = bytearray(build(model(tokens=12)))
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=4)):
        whole[at] = data.draw(st.integers(0, 255) | st.sampled_from((0, 255, 8, 9)))
    file = tmp_path_factory.mktemp("g") / "m.gguf"
    file.write_bytes(whole)
    try:
        header = read_header(file)
        chat(header)
        special_tokens(header)
        read_templates(file)
    except TemplateFileError:
        pass
