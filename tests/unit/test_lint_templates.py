"""lint: each check finds its fault in a template that has it, and nothing in one that has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests.unit.lint_mutants import GOOD, MUTANTS, PLAIN, PYTHONIC
from tests.unit.test_cli import here
from turnwire.explain.lint import RULES, SEVERITIES, Lint, check, faults
from turnwire.explain.lint.draw import search_faults
from turnwire.explain.lint.findings import Finding, Talk
from turnwire.explain.lint.shrink import oddities, shrink


def codes(source: str) -> set[str]:
    return {f.code for f in turnwire.lint(source)}


def test_a_good_template_has_no_findings() -> None:
    assert [str(f) for f in turnwire.lint(GOOD)] == []


@pytest.mark.parametrize("what", MUTANTS)
def test_each_check_finds_its_fault(what: str) -> None:
    code, old, new = MUTANTS[what]
    assert GOOD.count(old) == 1, "the mutant has to be one"
    found = [f for f in turnwire.lint(GOOD.replace(old, new)) if f.code == code]
    assert found
    for f in found:
        sound(f, GOOD.replace(old, new))


def sound(finding: Finding, source: str) -> None:
    """What a finding says can be read, is JSON, and its conversation is one that a client may send."""
    assert finding.severity in SEVERITIES and finding.hint and finding.message
    assert finding.line is None or 1 <= finding.line <= source.count("\n") + 1
    assert json.loads(json.dumps(finding.to_dict()))["code"] == finding.code
    if finding.code != "syntax":
        assert finding.messages
        assert oddities(Talk(finding.messages)) <= 2


def test_every_code_has_a_mutant() -> None:
    """Those that need a tokenizer, text for markers, or a notation that cannot be read, have tests of their own."""
    elsewhere = {"not-in-vocabulary", "marker-as-text", "forgeable-turn", "ambiguous-arguments", "calls-unreadable",
                 "calls-misread"}  # fmt: skip
    assert {m[0] for m in MUTANTS.values()} == RULES.keys() - elsewhere


def test_the_line_that_fails_and_the_smallest_conversation() -> None:
    source = (
        "{% for m in messages %}\n{{ m.role + m.content + '<|end|>' }}{{ m.tool_calls | tojson if m.tool_calls }}\n"
    )
    crashes = [f for f in turnwire.lint(source + "{% endfor %}") if f.code == "crashes" and "None" in f.message]
    assert [f.line for f in crashes] == [2]
    assert [m["role"] for m in crashes[0].messages] == ["user", "assistant", "tool"]
    assert crashes[0].severity == "error" and "call-null-content" in crashes[0].cases
    assert "> 2 |" in crashes[0].excerpt


def test_turns_in_text_are_forgeable() -> None:
    found = {f.code: f for f in turnwire.lint(PLAIN)}
    assert "forgeable-turn" in found
    text = found["forgeable-turn"].messages[-1]["content"]
    assert "assistant: " in text and "user: " in text
    assert {"no-terminator", "ambiguous-arguments", "unchecked-role"} <= found.keys()
    assert "forgeable-turn" not in codes(PLAIN.replace("{{ m.content }}", "{{ m.content }}<|end|>"))


def test_the_tokenizer_says_which_markers_it_has() -> None:
    tok = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    source = GOOD.replace("<|start|>", "<|im_start|>").replace("<|end|>", "<|im_end|>").replace("<|id|>", "id: ")
    source = source.replace("<|image|>", "image")
    assert not [f for f in turnwire.lint(source, tokenizer=tok) if f.code == "not-in-vocabulary"]
    (missing,) = [f for f in turnwire.lint(source.replace("<|im_end|>", "<|ende|>"), tokenizer=tok)
                  if f.code == "not-in-vocabulary"]  # fmt: skip
    assert "<|ende|>" in missing.message and missing.line is not None


def test_calls_that_cannot_be_read() -> None:
    """Nothing is between the name and the arguments, and nothing before the name."""
    start, stop = GOOD.index("{{- '\\n<tool_call>"), GOOD.index("{%- if c.function.arguments is")
    bare = GOOD[:start] + "{{- c.function.name -}}\n" + GOOD[stop:].replace("{{- '}</tool_call>' -}}", "")
    found = {f.code: f for f in turnwire.lint(bare)}
    assert "calls-unreadable" in found or "calls-misread" in found, found.keys()
    assert "calls-unreadable" not in codes(GOOD) and "calls-misread" not in codes(GOOD)


def test_what_is_pythonic_on_purpose_is_no_repr() -> None:
    """Calls as Python writes them, whose constants are Python's."""
    start, stop = GOOD.index("{%- for c in"), GOOD.index("{{- '<|end|>\\n' -}}")
    source = GOOD[:start] + PYTHONIC + "\n" + GOOD[stop:]
    assert "prints-repr" not in codes(source)


def test_callers_text_is_no_fault_of_the_template() -> None:
    """None, True, markers: in prose of the template's and in messages."""
    prose = GOOD.replace("<|start|>tools\\n'", "<|start|>tools: None, True or [{\\'a\\': 1}] within <tool_call>\\n'")
    assert prose != GOOD
    assert not codes(prose)


def test_search_finds_what_the_chosen_do_not_and_says_how_many() -> None:
    hidden = GOOD.replace("{{- said(m.content) -}}", "{{- said(m.content) if loop.index < 9 else '' -}}")
    assert not codes(hidden) & {"drops-content", "drops-result"}
    run = check(turnwire.ChatTemplate(hidden), search=300, seed=1)
    dropped = [f for f in run.findings if f.code in ("drops-content", "drops-result")]
    assert dropped and min(len(f.messages) for f in dropped) == 9
    assert 200 < run.drawn <= 300
    clean = check(turnwire.ChatTemplate(GOOD), search=150, seed=1)
    assert clean.findings == [] and clean.drawn > 100


def test_search_draws_the_same_again() -> None:
    def drawn(seed: int) -> list[str]:
        run = Lint(turnwire.ChatTemplate(GOOD))
        seen: list[str] = []
        run.add = lambda case, again=True: seen.append(json.dumps(case.talk.messages))  # type: ignore[method-assign]
        search_faults(run, 40, seed)
        return seen

    assert drawn(1) == drawn(1) != drawn(2)


def test_shrinking_takes_away_what_is_not_needed() -> None:
    talk = Talk([{"role": "system", "content": "s"}, *({"role": r, "content": c * 40} for r in ("user", "assistant")
                                                       for c in "ab"), {"role": "user", "content": "x marks"}],
                [{"type": "function", "function": {"name": "f"}}])  # fmt: skip
    least = shrink(talk, lambda t: any("x" in m["content"] for m in t.messages))
    assert least == Talk([{"role": "user", "content": "x marks"}], None)


@pytest.mark.parametrize("args, code", [((), 1), (("--severity", "error"), 1)])
def test_command(tmp_path: Path, args: tuple[str, ...], code: int) -> None:
    path = tmp_path / "t.jinja"
    path.write_text(GOOD.replace(*MUTANTS["later calls"][1:]), "utf-8")
    got = here("lint", str(path), *args)
    assert got[0] == code and "drops-call" in got[1] and "hint" in got[1] and got[2] == ""
    done, text, _ = here("lint", str(path), "--json", *args)
    form: dict[str, Any] = json.loads(text)
    assert done == code and form["counts"]["error"] == sum(f["severity"] == "error" for f in form["findings"])


def test_command_of_a_good_template(tmp_path: Path) -> None:
    path = tmp_path / "t.jinja"
    path.write_text(GOOD, "utf-8")
    code, text, _ = here("lint", str(path))
    assert code == 0 and "0 errors" in text
    code, text, _ = here("lint", str(path), "--search", "--budget", "30")
    assert code == 0 and "no further finding in" in text
    for wrong in (("lint", str(path), "--budget", "5"), ("lint", "nothing"), ("lint", str(path), "--severity", "bad")):
        assert here(*wrong)[0] == 2


def test_a_text_that_is_said_twice_is_not_taken_for_the_other() -> None:
    """Reasoning that is dropped stands elsewhere as content; nothing was moved. A constant spells it too."""
    old = "{%- if m.reasoning_content %}"
    assert old in GOOD
    source = GOOD.replace(old, "{%- if false %}").replace("{{- bos_token -}}", "{{- bos_token ~ none -}}")
    for text in ("None", "It stays dry."):
        talk = Talk([
            {"role": "user", "content": "Rain?"},
            {"role": "assistant", "content": "I look.", "reasoning_content": text},
            {"role": "user", "content": text},
        ])  # fmt: skip
        found = {f.code for f in faults(Lint(turnwire.ChatTemplate(source)).bench, talk)}
        assert "reorders-content" not in found and "drops-reasoning" in found, (text, found)
