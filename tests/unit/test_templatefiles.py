"""Where a template and its special tokens are read from: as transformers reads a folder, which is asked here too."""

from __future__ import annotations

import copy
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

import turnwire
from tests import real
from tests.laws.law import reports
from tests.unit.test_template_errors import corpus
from turnwire import templatefiles
from turnwire.errors import TemplateFileError, TemplateNameError
from turnwire.templatefiles import Found, added_tokens, read_templates

ADDED = {"__type": "AddedToken", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
NAMES = ("bos_token", "eos_token", "unk_token", "pad_token", "mask_token", "image_token")


def folder(path: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        file.write_bytes(text.encode())
    return path


def tokenizer_json(padding: str | None = None) -> dict[str, Any]:
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"a": 0, "<u>": 1}, unk_token="<u>"))
    made.add_special_tokens(["<s>", "</s>"])
    if padding:
        made.enable_padding(pad_token=padding)
    return json.loads(made.to_str())


# what transformers reads

texts = st.sampled_from(["A", "B\r\nb", "C\rc{{ bos_token }}", "é 你"])
tokens = st.sampled_from(["<s>", "</s>", "<x>", "é"])
spelled = tokens | tokens.map(lambda t: {**ADDED, "content": t})
named = st.dictionaries(st.sampled_from(["default", "tool_use", "rag"]), texts, min_size=1)
listed = named.map(lambda d: [{"name": k, "template": v} for k, v in d.items()])
special = st.dictionaries(st.sampled_from(NAMES), spelled | st.none())
mapped = st.dictionaries(st.sampled_from(NAMES), tokens | tokens.map(lambda t: {"content": t, "lstrip": True}))
plain = st.dictionaries(st.sampled_from(NAMES), tokens)


@st.composite
def folders(draw: st.DrawFn) -> dict[str, Any]:
    """Every file there or not, and every form of what is in it."""
    config: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", **draw(special)}
    config["add_bos_token"] = draw(st.booleans())
    files: dict[str, Any] = {"config.json": {}, "tokenizer_config.json": config}
    files["tokenizer.json"] = tokenizer_json(draw(st.none() | tokens))
    maybe = st.booleans()
    if draw(maybe):
        config["chat_template"] = draw(texts | listed | named | st.none())
    if draw(maybe):
        config["added_tokens_decoder"] = {"2": {"content": "<s>", "special": True}}
    if draw(maybe):
        config["extra_special_tokens"] = draw(plain | st.lists(tokens))
    if draw(maybe):
        files["special_tokens_map.json"] = draw(mapped)
        if draw(maybe):
            files["special_tokens_map.json"]["extra_special_tokens"] = draw(plain | st.lists(tokens))
    if draw(maybe):
        files["chat_template.jinja"] = draw(texts)
    if draw(maybe):
        files |= {f"additional_chat_templates/{name}.jinja": text for name, text in draw(named).items()}
    return files


counted = {"examples": 0, "several templates": 0}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(folders())
def _as_transformers(tmp: Any, files: dict[str, Any]) -> None:
    transformers = pytest.importorskip("transformers")
    path = folder(tmp.mktemp("m"), files)
    theirs = transformers.AutoTokenizer.from_pretrained(str(path))
    ours = read_templates(path, lenient=True)
    chosen = theirs.chat_template
    expected = {} if chosen is None else {"default": chosen} if isinstance(chosen, str) else dict(chosen)
    assert ours.templates == expected
    assert ours.variables == theirs.special_tokens_map
    assert set(ours.where) == {*ours.templates, *ours.variables}
    counted["examples"] += 1
    counted["several templates"] += len(expected) > 1
    event(f"{len(expected)} templates")
    for name in (None, "default", "rag", "x"):
        for tools in (None, [{}]):
            try:
                text = theirs.get_chat_template(name, tools) if name is None else expected[name]
            except (ValueError, KeyError):
                text = None
            try:
                picked = ours.templates[ours.choose(name, tools is not None)]
            except TemplateNameError as e:
                assert e.names == tuple(sorted(expected))
                picked = None
            if not (name is None and text is None and len(expected) == 1):  # the only one: we take it
                assert picked == text


def test_a_folder_is_read_as_transformers_reads_it(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    _as_transformers(tmp_path_factory)
    reports.append(f"template folders against AutoTokenizer: {counted}")
    assert counted["examples"] >= 300 and counted["several templates"] >= 50


@pytest.mark.parametrize(
    "files",
    [
        {"chat_template.json": {"chat_template": "J"}},
        {"processor_config.json": {"chat_template": "P"}},
        {"processor_config.json": {"chat_template": "P"}, "chat_template.json": {"chat_template": "J"}},
        {"processor_config.json": {"chat_template": None}, "chat_template.json": {"chat_template": "J"}},
        {"chat_template.jinja": "T"},
        {"chat_template.jinja": "T", "additional_chat_templates/rag.jinja": "R"},
        {"additional_chat_templates/rag.jinja": "R"},
    ],
    ids=lambda files: " ".join(files),
)
def test_without_a_template_of_the_tokenizer_a_processor_s_is_read(tmp_path: Path, files: dict[str, Any]) -> None:
    processing = pytest.importorskip("transformers.processing_utils")
    theirs = processing.ProcessorMixin.get_processor_dict(str(folder(tmp_path, files)))[0]["chat_template"]
    ours = read_templates(tmp_path)
    assert ours.templates == ({"default": theirs} if isinstance(theirs, str) else theirs)


def test_a_tokenizer_s_template_goes_before_a_processor_s(tmp_path: Path) -> None:
    """As for chats of text: AutoTokenizer. What AutoProcessor would take is named, and can be asked for."""
    files = {"chat_template.json": {"chat_template": "J"}, "tokenizer_config.json": {"chat_template": "T"}}
    found = read_templates(folder(tmp_path, files))
    assert found.templates == {"default": "T"}
    assert found.shadowed == ("chat_template.json (default)",)
    assert read_templates(tmp_path / "chat_template.json").templates == {"default": "J"}


KNOWN_DIFFERENCES = {"LlamaTokenizer": {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}}


@pytest.mark.parametrize("kind", KNOWN_DIFFERENCES)
def test_what_only_the_code_of_a_class_says_is_not_seen(tmp_path: Path, kind: str) -> None:
    """Special tokens that no file names: transformers has them as defaults of the tokenizer's class. Not stale."""
    transformers = pytest.importorskip("transformers")
    files = {"tokenizer_config.json": {"tokenizer_class": kind, "chat_template": "T"}, "config.json": {}}
    path = folder(tmp_path, {**files, "tokenizer.json": tokenizer_json()})
    theirs = transformers.AutoTokenizer.from_pretrained(str(path)).special_tokens_map
    assert (theirs, dict(read_templates(path).variables)) == (KNOWN_DIFFERENCES[kind], {})


# files

CONFIG = {"bos_token": "<s>", "chat_template": [{"name": "default", "template": "D"}, {"name": "rag", "template": "R"}]}
FILES = {
    "tokenizer_config.json": CONFIG,
    "chat_template.json": {"chat_template": "J"},
    "chat_template.jinja": "\ufeffT\r\n",
    "additional_chat_templates/tool_use.jinja": "U",
    "other.jinja": "O",
    "chat_templates/more.jinja": "M",
}


@pytest.mark.parametrize(
    ("name", "templates", "variables"),
    [
        (".", {"default": "\ufeffT\n", "tool_use": "U"}, {"bos_token": "<s>"}),
        ("tokenizer_config.json", {"default": "D", "rag": "R"}, {"bos_token": "<s>"}),
        ("chat_template.json", {"default": "J"}, {"bos_token": "<s>"}),
        ("chat_template.jinja", {"default": "\ufeffT\n"}, {"bos_token": "<s>"}),
        ("additional_chat_templates/tool_use.jinja", {"default": "U"}, {"bos_token": "<s>"}),
        ("other.jinja", {"default": "O"}, {}),
    ],
)
def test_what_a_path_means(tmp_path: Path, name: str, templates: dict[str, str], variables: dict[str, str]) -> None:
    found = read_templates(folder(tmp_path, FILES) / name)
    assert (found.templates, found.variables) == (templates, variables)
    assert read_templates(str(tmp_path / name)) == found


def test_chat_templates_is_read_where_nothing_else_is(tmp_path: Path) -> None:
    found = read_templates(folder(tmp_path, {"chat_templates/more.jinja": "M"}))
    assert (
        found.templates == {"more": "M"}
        and found.choose() == "more"
        and found.where == {"more": "chat_templates/more.jinja"}
    )


def test_special_tokens_of_a_folder(tmp_path: Path) -> None:
    config = {"added_tokens_decoder": {"2": {"content": "<x>"}, "3": "odd"}}
    tekken = {"special_tokens": [{"token_str": "<t>"}, {}]}
    files = {"tokenizer_config.json": config, "tokenizer.json": tokenizer_json(), "tekken.json": tekken}
    assert added_tokens(folder(tmp_path, files)) == {"<s>", "</s>", "<x>", "<t>"}


# choosing


def test_names() -> None:
    found = Found("p", {"default": "D", "tool_use": "U"}, {}, {})
    assert found.choose() == "default" and found.choose(tools=True) == "tool_use"
    assert found.choose("tool_use") == "tool_use"
    with pytest.raises(TemplateNameError, match=r"no template is called 'tool-use'.*did you mean 'tool_use'\?"):
        found.choose("tool-use")
    with pytest.raises(TemplateNameError) as caught:
        Found("p", {"tool_use": "U", "rag": "R"}, {}, {}).choose()
    assert caught.value.names == ("rag", "tool_use")
    assert "rag, tool_use, and none is called default" in str(caught.value) and "name='rag'" in str(caught.value)
    assert Found("p", {"rag": "R"}, {}, {}).choose() == "rag"
    found = Found("p", {"default": "D"}, {"bos_token": "<s>", "image_token": "<i>"}, {})
    assert found.arguments == {"bos_token": "<s>", "variables": {"image_token": "<i>"}}


# what cannot be read


@pytest.mark.parametrize(
    ("files", "name", "problem"),
    [
        ({}, "missing", "no such file or folder"),
        ({}, "a\0b", "no such file or folder"),
        ({}, "x" * 5000, "cannot read it"),
        ({}, "{{ messages[0].content }}", "this is the text of a template"),
        ({}, ".", "no chat template in this folder, which has nothing in it"),
        ({"a.txt": "", "sub/b": ""}, ".", "which has a.txt, sub/"),
        ({"tokenizer_config.json": "{"}, ".", "tokenizer_config.json: not JSON"),
        ({"tokenizer_config.json": "[" * 100_000}, ".", "not JSON"),
        ({"tokenizer_config.json": "[1]"}, ".", "a JSON list"),
        ({"tokenizer_config.json": {"model_max_length": 1}}, "tokenizer_config.json", "but model_max_length"),
        ({"x.json": {}}, "x.json", "no chat_template in it, but nothing"),
        ({"a.gguf": "GGU", "b.gguf": ""}, ".", "in 2 GGUF files, a.gguf, b.gguf"),
        ({"a.gguf": "GGU"}, ".", "at byte 0: it begins with b'GGU'"),
    ],
)
def test_what_was_found_instead(tmp_path: Path, files: dict[str, Any], name: str, problem: str) -> None:
    with pytest.raises(TemplateFileError) as caught:
        read_templates(folder(tmp_path, files) if name == "." else os.path.join(folder(tmp_path, files), name))
    assert problem in str(caught.value)
    assert caught.value.expected and "\n" not in str(caught.value)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_bytes(b"abc\xff")
    with pytest.raises(TemplateFileError, match="not UTF-8 at byte 3"):
        read_templates(tmp_path)
    assert read_templates(tmp_path, lenient=True).problems


def test_the_head_of_a_file_of_blanks_is_read_in_linear_time() -> None:
    """Two hundred thousand took minutes."""
    assert templatefiles._member(b"{" + b" " * 200_000 + b"x", "padding") is None  # pyright: ignore[reportPrivateUsage]
    assert templatefiles._member(b'{ "a" : 1 , "padding":2}', "padding") == 2  # pyright: ignore[reportPrivateUsage]


def test_a_device_is_no_template() -> None:
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero")
    with pytest.raises(TemplateFileError, match="neither a file nor a folder"):
        read_templates("/dev/zero")


def test_the_errors_are_turnwire_s() -> None:
    assert issubclass(TemplateNameError, turnwire.TurnwireError)


def test_a_chat_template_is_loaded_with_its_special_tokens(tmp_path: Path) -> None:
    config = {"bos_token": "<s>", "image_token": {**ADDED, "content": "<i>"}}
    source = "{{ bos_token }}{{ image_token }}{{ messages[0].content }}"
    files = {"tokenizer_config.json": {**config, "chat_template": source}}
    template = turnwire.ChatTemplate.load(folder(tmp_path, files))
    assert (template.bos_token, template.eos_token, template.variables) == ("<s>", "", {"image_token": "<i>"})
    assert (template.source, template.name, template.origin) == (source, "default", str(tmp_path))
    assert template.render([{"role": "user", "content": "Hi"}]).text == "<s><i>Hi"
    folder(tmp_path, {"additional_chat_templates/tool_use.jinja": "U", "chat_template.jinja": "D"})
    load = turnwire.ChatTemplate.load
    assert (load(tmp_path).source, load(tmp_path, tools=True).source, load(tmp_path, "default").source) == (
        "D",
        "U",
        "D",
    )
    with pytest.raises(TemplateNameError, match="did you mean 'tool_use'"):
        load(tmp_path, "tool-use")


CHATS: list[list[dict[str, Any]]] = [
    [{"role": "user", "content": "Hi"}],
    [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}, {"role": "assistant", "content": None}],
    [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": " Ho \n"}, {"role": "user", "content": "?"}],
    [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    [{"role": "assistant", "content": "Hi"}, {"role": "assistant", "content": "Hi"}],
]


def test_a_loaded_template_renders_as_the_loaded_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real templates in folders with all kinds of special tokens, rendered by both: equal text, or both refuse."""
    transformers = real.transformers()
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    rng = random.Random(12)
    found: Counter[str] = Counter()
    for n, (name, source) in enumerate(rng.sample(corpus(), 60)):
        spelled: list[Any] = ["<s>", "é", None, {**ADDED, "content": "</s>"}]
        config: dict[str, Any] = {key: rng.choice(spelled) for key in NAMES if rng.random() < 0.7}
        files: dict[str, Any] = {"config.json": {}, "tokenizer.json": tokenizer_json()}
        where = rng.choice(["chat_template.jinja", "additional_chat_templates/tool_use.jinja", ""])
        if where:
            files[where] = source
        if not where or "tool_use" in where:
            config["chat_template"] = source
        files["tokenizer_config.json"] = {"tokenizer_class": "PreTrainedTokenizerFast", **config}
        path = folder(tmp_path / str(n), files)
        tools = [{"type": "function", "function": {"name": "f"}}] if "tool_use" in where or rng.random() < 0.3 else None
        theirs = transformers.AutoTokenizer.from_pretrained(str(path))
        ours = turnwire.ChatTemplate.load(path, tools=tools is not None)
        for chat in CHATS:
            given = {"add_generation_prompt": rng.random() < 0.5}
            day = {"now": "2026-01-15"} if "strftime_now" in source else {}
            try:
                wanted = theirs.apply_chat_template(copy.deepcopy(chat), tools, tokenize=False, **given)
            except Exception:  # of many kinds: each is a refusal
                wanted = None
            try:
                text = ours.render(copy.deepcopy(chat), tools, **given, **day).text
            except turnwire.TurnwireError:
                text = None
            assert day or text == wanted, name
            found["equal" if text is not None and not day else "a date" if day else "both refuse"] += 1
    reports.append(f"loaded templates against loaded tokenizers: {dict(found)}")
    assert found["equal"] >= 100
