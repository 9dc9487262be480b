"""The command line with any chat template: `render --template`, `parse --template`, `infer`."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests import commands_proof, real
from tests.commands_proof import TURNS, Commands
from tests.families import official
from tests.laws.law import reports
from tests.unit.test_cli import TOOLS, here, run
from tests.unit.test_gguf import build, model
from tests.unit.test_template_errors import corpus

MESSAGES = [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi <|im_end|>"}]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    source = official.template("qwen3")
    config = {"bos_token": "<s>", "eos_token": "<|im_end|>", "chat_template": source}
    files: dict[str, Any] = {
        "chat.json": MESSAGES,
        "whole.json": {"messages": MESSAGES, "tools": TOOLS, "options": {"enable_thinking": False}},
        "tools.json": TOOLS,
        "template.jinja": source,
        "model/tokenizer_config.json": config,
        "several/tokenizer_config.json": {"chat_template": [{"name": n, "template": n} for n in ("rag", "tool_use")]},
        "variables.jinja": "{{ bos_token }}{{ greeting }}{{ messages[0].content }}{{ missing.name }}",
        "alternate.jinja": "{% for m in messages %}\n{{ raise_exception('Roles!') if m.role == 'user' }}\n{% endfor %}",
    }
    for name, value in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    said = model(source)
    del said["tokenizer.chat_template.tool_use"]
    (tmp_path / "model.gguf").write_bytes(build(said))
    return tmp_path


def test_a_text_that_cannot_be_printed(folder: Path) -> None:
    (folder / "bare.jinja").write_text("{{ 'a\\ud800' }}", "utf-8")
    code, text, said = here("render", "--template", "bare.jinja", "chat.json")
    assert (code, text) == (2, "") and "lone surrogate '\\ud800' at character 1" in said
    code, text, _ = here("render", "--template", "bare.jinja", "--json", "chat.json")
    assert code == 0 and json.loads(text)["text"] == "a\ud800"


def test_special_tokens_that_a_bare_template_needs(folder: Path) -> None:
    source = "{{ bos_token + '' }}{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content + eos_token }}\n"
    source += "{% endfor %}"
    (folder / "bare.jinja").write_text(source, "utf-8")
    code, _, said = here("render", "--template", "bare.jinja", "chat.json")
    assert code == 2 and said.endswith("of its model: -o bos_token=TEXT -o eos_token=TEXT\n")
    tokens = ("-o", "bos_token=<s>", "-o", "eos_token=<|im_end|>")
    code, text, _ = here("render", "--template", "bare.jinja", *tokens, "chat.json")
    assert code == 0 and text.startswith("<s><|im_start|>system\nS<|im_end|>\n")
    code, text, _ = here("infer", "bare.jinja", *tokens)
    assert code == 0 and 'Tok("<|im_end|>")' in text and "TEMPLATE" in text
    assert "option 'eos_token': expected NAME=TEXT" in here("infer", "bare.jinja", "-o", "eos_token")[2]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "a\n{{ raise_exception('never') }}",
            "no assistant turn is shown: template line 2: the template refuses: never",
        ),
        (
            "{% for a in range(9999) %}\n{% for b in range(9999) %}{% endfor %}{% endfor %}",
            "too much of a short conversation: template line 2: the template uses",
        ),
    ],
)
def test_why_no_turn_is_shown(folder: Path, source: str, reason: str) -> None:
    (folder / "never.jinja").write_text(source, "utf-8")
    code, _, said = here("infer", "never.jinja")
    assert code == 1 and reason in said


# render


@pytest.mark.parametrize("path", ["template.jinja", "model", "model/tokenizer_config.json", "model.gguf"])
def test_a_template_renders_as_its_format(folder: Path, path: str) -> None:
    fmt = turnwire.get_format("qwen3")
    wanted = fmt.render(MESSAGES, TOOLS, add_generation_prompt=True, enable_thinking=False).text
    assert here("render", "whole.json", "--template", path, "-g") == (0, wanted, "")
    args = ("--tools", "tools.json", "-g", "-o", "enable_thinking=false")
    assert here("render", "chat.json", "--template", path, *args) == (0, wanted, "")


def test_in_another_process(folder: Path) -> None:
    wanted = turnwire.get_format("qwen3").render(MESSAGES).text
    assert run("render", "-", "--template", "model", stdin=json.dumps(MESSAGES)) == (0, wanted, "")


def test_variables(folder: Path) -> None:
    args = (
        "render",
        "chat.json",
        "--template",
        "variables.jinja",
        "-o",
        'missing={"name": "n"}',
        "-o",
        "greeting=hello ",
    )
    assert here(*args) == (0, "hello Sn", "")


def test_json_and_origins(folder: Path) -> None:
    code, text, _ = here("render", "chat.json", "--template", "model", "--json", "--origins")
    form = json.loads(text)
    assert (code, list(form)) == (0, ["template", "text", "ids", "runs", "unmasked", "origins"])
    assert form["template"]["path"] == "model" and form["template"]["name"] == "default"
    assert "".join(form["text"][r["start"] : r["stop"]] for r in form["runs"]) == form["text"]
    assert "".join(form["text"][s["start"] : s["stop"]] for s in form["origins"]) == form["text"]
    data = {s["path"]: form["text"][s["start"] : s["stop"]] for s in form["origins"] if s["kind"] == "data"}
    assert data == {"messages[0].content": "S", "messages[1].content": "Hi <|im_end|>"}
    assert "origins" not in json.loads(here("render", "chat.json", "--template", "model", "--json")[1])


def test_ids_and_trust(folder: Path) -> None:
    """Content is text for the tokenizer of the model, unless it is trusted."""
    fmt = turnwire.get_format("qwen3")
    small = turnwire.small_tokenizer(fmt)
    (folder / "tokenizer.json").write_text(small.backend.to_str(), "utf-8")
    args = ("render", "chat.json", "--template", "model", "--tokenizer", "tokenizer.json", "--ids")
    end = small.special("<|im_end|>")
    ids = json.loads(here(*args)[1])
    trusted = json.loads(here(*args, "--trust-content")[1])
    assert (ids.count(end), trusted.count(end)) == (2, 3)
    assert ids == fmt.render(MESSAGES, tokenizer=turnwire.load_tokenizer(folder / "tokenizer.json")).ids


def test_ids_of_a_model_folder_need_no_other_tokenizer(folder: Path) -> None:
    code, _, said = here("render", "chat.json", "--template", "model", "--ids")
    assert code == 2 and "model: no tokenizer that can be read" in said
    tokenizer = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    (folder / "model" / "tokenizer.json").write_text(tokenizer.backend.to_str(), "utf-8")
    named = here("render", "chat.json", "--template", "model", "--tokenizer", "model", "--ids")
    assert here("render", "chat.json", "--template", "model", "--ids") == named
    code, _, said = here("render", "chat.json", "--template", "template.jinja", "--ids")
    assert code == 2 and said.endswith("--ids needs a tokenizer: add --tokenizer PATH\n")


def test_named_templates(folder: Path) -> None:
    args = ("render", "chat.json", "--template", "several")
    assert here(*args, "--template-name", "rag") == (0, "rag", "")
    assert here(*args, "--tools", "tools.json") == (0, "tool_use", "")
    code, _, problem = here(*args)
    assert code == 2 and "several templates, rag, tool_use, and none is called default" in problem
    code, _, problem = here(*args, "--template-name", "tool-use")
    assert code == 2 and problem.endswith("did you mean 'tool_use'?\n")


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("chat.json",), "one of the arguments --format/-f --template is required"),
        (("chat.json", "--template", "model", "-f", "qwen3"), "not allowed with argument"),
        (("chat.json", "--template", "nowhere"), "nowhere: no such file or folder"),
        (("chat.json", "--template", "tools.json"), "a JSON list; expected a JSON object"),
        (("chat.json", "--template", "model", "--small"), "--small has the control tokens of a format"),
        (("chat.json", "--template", "template.jinja", "--ids"), "--ids needs a tokenizer: add --tokenizer PATH"),
        (("chat.json", "--template", "model", "--origins"), "add --template PATH and --json"),
        (("chat.json", "-f", "qwen3", "--origins", "--json"), "add --template PATH and --json"),
        (("chat.json", "--template", "model", "-o", "messages=[]"), "'messages' is not an option"),
        (("chat.json", "--template", "model", "-o", "self=1"), "'self' is not an option"),
        (
            ("chat.json", "--template", "variables.jinja"),
            "template line 1: 'missing' is undefined; expected a value for 'missing'; "
            "the template also reads bos_token, greeting, not given; "
            "with the special tokens of its model: -o bos_token=TEXT\n",
        ),
        (
            ("chat.json", "--template", "alternate.jinja"),
            "messages[1], template line 2: the template refuses: Roles!\n",
        ),
    ],
)
def test_mistakes_are_one_line(folder: Path, args: tuple[str, ...], problem: str) -> None:
    code, out, said = here("render", *args)
    assert (code, out) == (2, "")
    assert problem in said and said.count("\n") == 1 and said.startswith("turnwire: ")


def test_a_broken_gguf(folder: Path) -> None:
    (folder / "broken.gguf").write_bytes((folder / "model.gguf").read_bytes()[:5000])
    code, _, said = here("render", "chat.json", "--template", "broken.gguf")
    assert code == 2 and "broken.gguf: at byte" in said and said.count("\n") == 1


def test_detect_takes_a_gguf(folder: Path) -> None:
    assert here("detect", "model.gguf")[1].startswith("qwen3 (by hash")


# parse

CALL = '{"name": "get_weather", "arguments": {"location": "Oslo"}}'
REPLY = f"<think>\nhm\n</think>\n\n<tool_call>\n{CALL}\n</tool_call><|im_end|>"


@pytest.mark.parametrize("path", ["template.jinja", "model", "model.gguf"])
def test_a_reply_is_parsed_by_the_inferred_format(folder: Path, path: str) -> None:
    (folder / "reply.txt").write_bytes(REPLY.encode())
    args = ("parse", "reply.txt", "--tools", "tools.json", "--json")
    wanted = json.loads(here(*args, "-f", "qwen3")[1])
    code, text, said = here(*args, "--template", path)
    form = json.loads(text)
    assert (code, said, form["ok"]) == (0, "", True)
    assert form["format"].startswith("template-") and form["turn"] == wanted["turn"]


def test_a_reply_by_ids(folder: Path) -> None:
    """The tokenizer says which markers are control tokens."""
    small = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    (folder / "tokenizer.json").write_text(small.backend.to_str(), "utf-8")
    ids = small.backend.encode(REPLY, add_special_tokens=False).ids
    args = ("parse", "-", "--template", "model", "--tokenizer", "tokenizer.json", "--json")
    code, text, said = here(*args, stdin=json.dumps(ids))
    assert (code, said) == (0, "")
    assert [p["kind"] for p in json.loads(text)["turn"]["parts"]] == ["reasoning", "call"]


def test_events_as_they_come(folder: Path) -> None:
    code, text, _ = here("parse", "-", "--template", "model", "--events", "--json", stdin=REPLY)
    events = [json.loads(line)["type"] for line in text.splitlines()]
    assert code == 0 and events[-1] == "TurnEnd" and "CallStart" in events


# infer


def test_infer_prints_a_format(folder: Path) -> None:
    """What is printed is a program whose format parses."""
    code, source, said = here("infer", "template.jinja", "--name", "my model")
    assert (code, said) == (0, "")
    assert "# turnwire has a format for these prompts: qwen3 (by hash)\n" in source
    assert "# Evidence: 8 of 8 random turns read back" in source and str(folder) not in source
    space: dict[str, Any] = {"__name__": "made"}
    exec(compile(source, "made.py", "exec"), space)
    fmt = space["my_model"]
    assert fmt.name == "my model" and fmt.parse(REPLY).turn == turnwire.get_format("qwen3").parse(REPLY).turn


def test_infer_json(folder: Path) -> None:
    code, text, _ = run("infer", "model.gguf", "--json")
    form = json.loads(text)
    assert (code, list(form)) == (0, ["template", "format", "reason", "known", "notes", "evidence"])
    assert form["known"] == {"format": "qwen3", "by": "hash", "nearest": []} and form["reason"] is None
    assert form["evidence"]["right"] == form["evidence"]["tried"] == 8 and "RCK" in form["evidence"]["kinds"]


def test_infer_refuses(folder: Path) -> None:
    (folder / "none.jinja").write_text("{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}{{ tools }}")
    code, out, said = here("infer", "none.jinja")
    assert (code, out) == (1, "") and said.count("\n") == 1
    assert said.startswith("turnwire: none.jinja: no format: ") and "never a call of one" in said
    assert said.count("nearest of turnwire's formats: ") == 1
    (folder / "first.jinja").write_text("{{ messages[0].content }}")
    code, _, other = here("infer", "first.jinja")
    assert code == 1 and "; nearest of turnwire's formats: " in other
    code, out, _ = here("infer", "none.jinja", "--json")
    assert code == 1 and json.loads(out)["format"] is None and json.loads(out)["reason"] in said
    assert here("parse", "-", "--template", "none.jinja", "--json", stdin="x")[0] == 2


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (("nowhere",), "nowhere: no such file or folder"),
        (("several", "--template-name", "x"), "no template is called 'x'; expected one of rag, tool_use"),
        (("template.jinja", "--small"), "--small has the control tokens of a format"),
        (("syntax.jinja",), "template line 2: not a Jinja template: "),
    ],
)
def test_infer_is_used_wrongly(folder: Path, args: tuple[str, ...], problem: str) -> None:
    (folder / "syntax.jinja").write_text("\n{% if %}")
    code, out, said = here("infer", *args)
    assert (code, out) == (2, "") and problem in said and said.count("\n") == 1


def test_a_path_cannot_end_a_comment(folder: Path) -> None:
    (folder / "a\nimport os\n.jinja").write_text((folder / "template.jinja").read_text("utf-8"), "utf-8")
    source = here("infer", "a\nimport os\n.jinja")[1]
    assert "\nimport os" not in source and source.startswith("# turnwire infer a\\nimport os\\n.jinja: ")


# real templates


@pytest.mark.parametrize(("name", "source"), random.Random(11).sample(corpus(), 12))
def test_commands_on_real_templates(name: str, source: str, tmp_path: Path) -> None:
    """`make corpus` does the same with all of them."""
    real.transformers()
    done = Commands(name, source, tmp_path).run()
    reports.append(f"commands on {name}: {dict(done.found)}")
    assert not done.odd and sum(n for what, n in done.found.items() if what.startswith("render")) == done.renders


def test_commands_of_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands_proof, "command", run)
    source = next(s for n, s in corpus() if n == "zai-org-GLM-5.1")
    done = Commands("GLM", source, tmp_path, renders=1, turns=TURNS[2:3]).run()
    assert not done.odd and done.found["parse: the same turn"] == 1


@pytest.mark.parametrize(
    ("said", "wrong", "found"),
    [
        ("<|im_end|>", "<|im_end|> ", "render: differs"),
        ("Tok(", "Lit(", "infer: another format"),
        ("random turns", "turns", "infer: evidence not told"),
        ('"kind": "call", "name": "s', '"kind": "call", "name": "r', "parse: another turn"),
        ('"faults": []', '"faults": [], "ok": false', ""),
    ],
)
def test_what_is_wrong_is_found(
    said: str, wrong: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proof is of the commands' own output."""
    right = commands_proof.command

    def command(*args: str) -> tuple[int, str, str]:
        code, out, told = right(*args)
        return code, out.replace(said, wrong), told

    monkeypatch.setattr(commands_proof, "command", command)
    source = next(s for n, s in corpus() if n == "Qwen-Qwen3-0.6B")
    odd = Commands("qwen3", source, tmp_path).run().odd
    assert any(one.startswith(f"qwen3: {found}") for one in odd) if found else not odd


COMMANDS = {
    "parse": ("-", "--json", "--template"),
    "render": ("chat.json", "--json", "--origins", "--template"),
    "infer": ("--json",),
}


def test_real_templates_never_meet_an_error_of_ours(folder: Path) -> None:
    found: Counter[str] = Counter()
    for name, source in random.Random(7).sample(corpus(), 40):
        (folder / "real.jinja").write_bytes(source.encode())
        for command, args in COMMANDS.items():
            code, out, said = here(command, *args, "real.jinja", stdin="Hello")
            assert code in (0, 1, 2) and said.count("\n") <= 1, (name, said)
            assert out or code, name
            found[f"{command} {code}"] += 1
    reports.append(f"commands with real templates, by exit code: {dict(found)}")
    assert found["render 0"] >= 20 and found["infer 0"] >= 20
