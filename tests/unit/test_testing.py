"""turnwire.testing, as projects use it: what its failures say, golden files, and the plugin in a pytest of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests.unit.test_layers import HEAVY, loaded_after
from turnwire import ChatTemplate, Logged, get_format, small_tokenizer
from turnwire.errors import InputError
from turnwire.testing import UPDATE, assert_same_prompt, golden_prompt

HI = [{"role": "user", "content": "Hi there\n"}]
PLAIN = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
TRIMMED = PLAIN.replace("m.content", "m.content | trim")


@pytest.fixture(autouse=True)
def _no_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(UPDATE, raising=False)


def failure(call: Any, *args: Any, **kw: Any) -> str:
    """What an assertion says."""
    with pytest.raises(AssertionError) as e:
        call(*args, **kw)
    return str(e.value)


# assert_same_prompt


def test_the_same() -> None:
    assert_same_prompt("format:qwen3", ChatTemplate(PLAIN), HI)
    assert_same_prompt("qwen3", Logged(text="<|im_start|>user\nHi there\n<|im_end|>\n"), HI)


def test_another_text() -> None:
    said = failure(assert_same_prompt, ChatTemplate(PLAIN), ChatTemplate(TRIMMED), HI)
    assert said.startswith("prompts differ in 1 place, A <ChatTemplate default ")
    assert "1. text: whitespace" in said
    assert "user\\nHi there >>\\n<< <|im_end|>\\n" in said
    assert "from messages[0].content" in said and "template line 2" in said


def test_other_options() -> None:
    said = failure(assert_same_prompt, "qwen3", "qwen3", HI, options_b={"add_generation_prompt": True})
    assert ">><|im_start|>assistant\\n<<" in said
    assert_same_prompt("qwen3", "qwen3", HI, add_generation_prompt=True)


def test_other_ids() -> None:
    fmt = get_format("qwen3")
    tokenizer = small_tokenizer(fmt)
    ids = fmt.render(HI, tokenizer=tokenizer).ids
    assert_same_prompt(fmt, Logged(ids=ids), HI, None, tokenizer)
    said = failure(assert_same_prompt, fmt, Logged(ids=[ids[0], *ids]), HI, None, tokenizer)
    assert ("prompts differ" in said and f"token 0: {ids[0]}" in said) or "token 1" in said


def test_many_places() -> None:
    said = failure(assert_same_prompt, ChatTemplate(PLAIN), ChatTemplate(TRIMMED), HI * 9)
    assert "prompts differ in 9 places" in said and said.endswith("and 6 more")
    assert len(said) < 5000


# golden files


def golden(path: Path, given: Any = "format:qwen3", messages: Any = HI, **kw: Any) -> Any:
    """Written anew."""
    os.environ[UPDATE] = "1"
    try:
        return golden_prompt(path, given, messages, **kw)
    finally:
        del os.environ[UPDATE]


def test_a_golden_file(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "hi.json"
    assert "there is no golden file" in failure(golden_prompt, path, "format:qwen3", HI)
    assert not path.exists(), "never written unless it is asked for"
    made = golden(path)
    assert golden_prompt(path, "format:qwen3", HI).text == made.text
    held = json.loads(path.read_text("utf-8"))
    assert held["text"] == ["<|im_start|>user\n", "Hi there\n", "<|im_end|>\n"]
    assert held["turnwire"] == turnwire.__version__ and held["side"] == "format:qwen3" and held["ids"] is None
    assert set(held["assets"]) == {"format"} and held["conversation"]["messages"] == HI


def test_ids_and_assets_are_held(tmp_path: Path) -> None:
    tokenizer = small_tokenizer(get_format("qwen3"))
    path = tmp_path / "hi.json"
    messages = [{"role": "user", "content": "é\u2028 " * 50}]
    template = ChatTemplate(PLAIN)
    made = golden(path, template, messages, tokenizer=tokenizer)
    held = json.loads(path.read_text("utf-8"))
    assert held["ids"] == made.ids and "".join(held["text"]) == made.text
    assert held["assets"]["template"] == template.sha256 and len(held["assets"]["tokenizer"]) == 64
    assert max(map(len, path.read_text("utf-8").splitlines())) < 1000
    golden_prompt(path, template, messages, tokenizer=tokenizer)


def test_a_template_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "hi.json"
    golden(path, ChatTemplate(PLAIN))
    before = path.read_bytes()
    said = failure(golden_prompt, path, ChatTemplate(TRIMMED), HI)
    was, now = (ChatTemplate(source).sha256[:16] for source in (PLAIN, TRIMMED))
    assert f"changed:\n  template: {was} -> {now}" in said
    assert "whitespace" in said and ">>\\n<<" in said and f"{UPDATE}=1 writes it anew" in said
    assert path.read_bytes() == before


def test_a_template_that_changed_to_no_effect(tmp_path: Path) -> None:
    path = tmp_path / "hi.json"
    golden(path, ChatTemplate(PLAIN))
    golden_prompt(path, ChatTemplate(PLAIN + "{# a note #}"), HI)


def test_a_tokenizer_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "hi.json"
    golden(path, ChatTemplate(PLAIN), tokenizer=small_tokenizer(get_format("qwen3")))
    other = small_tokenizer(get_format("harmony"))
    said = failure(golden_prompt, path, ChatTemplate(PLAIN), HI, None, other)
    assert "changed:\n  tokenizer: " in said and "template:" not in said
    assert "ids differ" in said or "1. ids" in said or "1. text" in said


def test_a_tokenizer_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "hi.json"
    golden(path, ChatTemplate(PLAIN), tokenizer=small_tokenizer(get_format("qwen3")))
    assert "ids: some -> none" in failure(golden_prompt, path, ChatTemplate(PLAIN), HI)


def test_another_conversation(tmp_path: Path) -> None:
    path = tmp_path / "hi.json"
    golden(path)
    said = failure(golden_prompt, path, "format:qwen3", [{"role": "user", "content": "Ho"}])
    assert (
        "is of another conversation" in said
        and '-   "content": "Hi there\\n"' in said
        and '+   "content": "Ho"' in said
    )


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"golden": 2}', '{"golden": 1, "text": 3}', "[" * 10_000])
def test_no_golden_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "hi.json"
    path.write_text(text)
    assert "is no golden file of this version" in failure(golden_prompt, path, "format:qwen3", HI)


def test_turns_and_tools_in_a_golden_file(tmp_path: Path) -> None:
    turns = [turnwire.Turn("user", (turnwire.Text("Hi"),))]
    tools = [turnwire.Tool("f", "does it", {"type": "object", "properties": {}})]
    golden(tmp_path / "a.json", messages=turns, tools=tools)
    golden_prompt(tmp_path / "a.json", "format:qwen3", turns, tools)
    with pytest.raises(InputError, match="JSON cannot hold"):
        golden_prompt(tmp_path / "a.json", ChatTemplate(PLAIN), [{"role": "user", "content": "x", "o": object()}])


# the plugin


TEST = """
def test_it(prompt_golden):
    prompt_golden("format:qwen3", [{"role": "user", "content": "Hi"}])

def test_named(prompt_golden):
    prompt_golden("format:qwen3", [{"role": "user", "content": "Ho"}], name="other name")
"""


def test_the_plugin(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(TEST)
    root = Path(turnwire.__file__).parent.parent
    known = any(e.name == "turnwire" for e in entry_points(group="pytest11"))  # where turnwire is installed
    plugin = () if known else ("-p", "turnwire.testing")

    def run(*args: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *args],
            cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    code, said = run()
    assert code == 1 and "there is no golden file" in said and not (tmp_path / "goldens").exists()
    assert "turnwire/testing.py" not in said, "frames of its own are hidden"
    code, said = run("--update-prompt-goldens")
    assert code == 0, said
    assert {p.name for p in (tmp_path / "goldens").iterdir()} == {"test_it.json", "other-name.json"}
    code, said = run()
    assert code == 0, said


def test_the_plugin_is_light() -> None:
    """It is loaded by every run of pytest where turnwire is installed."""
    before = loaded_after("import pytest, difflib, json, pathlib")
    loaded = loaded_after("import pytest, difflib, json, pathlib; import turnwire.testing") - before
    assert {m for m in loaded if m.startswith("turnwire")} == {"turnwire", "turnwire.errors", "turnwire.testing"}
    assert not {m.split(".")[0] for m in loaded} & set(HEAVY)
    assert "turnwire.testing" not in loaded_after("import turnwire")
