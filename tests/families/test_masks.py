"""Masks and token ranges: exact, by construction, and checked here against what others say.

What the model would have sampled is computed from the official template's text alone; token ranges from the
tokenizer's own offset mapping; and the mask is compared with the one transformers makes from official templates
that carry generation tags, as trl's training templates do.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import turnwire
from tests.families import conversations, official, parity
from tests.families.official import plain
from tests.families.qwen_conversations import CONVERSATIONS, examples, features
from tests.families.test_qwen_parity import given, options
from tests.laws import strategies
from tests.laws.law import Report, reports, run_law
from tests.laws.shares import full, some
from turnwire import Rendered, cuts, spans
from turnwire.errors import InputError, TurnwireError
from turnwire.messages import read_messages
from turnwire.spans import KINDS
from turnwire.templating.begun import Memory
from turnwire.templating.render import place
from turnwire.templating.writer import Writer
from turnwire.tokens import HfTokenizer
from turnwire.wire import End, walk

NAMES = official.QWEN
EMPTY = "<think>\n\n</think>\n\n"
OPENED = "<think>\n"


def sampled(name: str, text: str, opts: dict[str, Any]) -> list[str]:
    """What the model wrote of each assistant turn in the official prompt: all behind the header, stop token
    included, but for an empty think block, which nobody wrote, and the <think> that the prompt had opened."""
    opens = name == "qwen3-thinking-2507" or (name == "qwen3.5" and opts.get("enable_thinking") is not False)
    out: list[str] = []
    for body in re.findall(r"<\|im_start\|>assistant\n(.*?<\|im_end\|>)", text, re.DOTALL):
        thinks = name not in ("qwen3-instruct-2507", "qwen3-coder")
        prefix = EMPTY if thinks and body.startswith(EMPTY) else OPENED if opens and body.startswith(OPENED) else ""
        out.append(body[len(prefix) :])
    return out


def groups(ids: list[int], mask: list[bool]) -> list[list[int]]:
    """The ids of each stretch of the mask."""
    out: list[list[int]] = []
    for i, (number, on) in enumerate(zip(ids, mask)):
        if on:
            if not i or not mask[i - 1]:
                out.append([])
            out[-1].append(number)
    return out


def check_sampled(name: str, out: Rendered, text: str, opts: dict[str, Any]) -> int:
    wanted = sampled(name, text, opts)
    found = groups(out.ids, out.mask("sampled"))
    assert found == [official.encode(name, piece) for piece in wanted]
    kept = [official.tokenizer(name).backend.decode(ids, skip_special_tokens=False) for ids in found]
    assert [unicodedata.normalize("NFC", piece) for piece in wanted] == kept
    return len(wanted)


def check_runs(out: Rendered) -> None:
    """Runs tile the text and are maximal; token ranges are in order, and a token is sampled as its runs are."""
    assert out.runs or not out.text
    at = 0
    for run in out.runs:
        assert run.start == at < run.stop
        assert run.kind in KINDS
        at = run.stop
    assert at == len(out.text)
    for a, b in zip(out.runs, out.runs[1:]):
        assert (a.turn, a.part, a.kind, a.sampled) != (b.turn, b.part, b.kind, b.sampled)
        assert a.tokens is not None and b.tokens is not None
        assert a.tokens[0] <= b.tokens[0] <= a.tokens[1] <= b.tokens[1]
        assert a.sampled == b.sampled or a.tokens[1] == b.tokens[0]
    mask = out.mask("sampled")
    for run in out.runs:
        assert run.tokens is not None
        assert mask[slice(*run.tokens)] == [run.sampled] * (run.tokens[1] - run.tokens[0])


def offsets(tokenizer: HfTokenizer, out: Rendered) -> list[tuple[int, int]] | None:
    """The characters of each token, by the tokenizer itself, or by the bytes of its pieces where it splits the text
    another way (data that spells control tokens, blanks that SentencePiece adds); None where it changes the text."""
    found: list[tuple[int, int]] = []
    ids: list[int] = []
    at = 0
    for side in parity.sides(out):
        encoded = tokenizer.backend.encode(side, add_special_tokens=False)
        ids += encoded.ids
        found += [(at + a, at + b) for a, b in encoded.offsets]
        at += len(side)
    if not unicodedata.is_normalized("NFC", out.text):
        return None
    return found if ids == out.ids else by_bytes(tokenizer, out)


def by_bytes(tokenizer: HfTokenizer, out: Rendered) -> list[tuple[int, int]] | None:
    """The characters that each token has a byte of; None if its pieces are not the text."""
    pieces = [tokenizer.piece(i) or b"" for i in out.ids]
    if b"".join(pieces) != out.text.encode():
        return None
    char = [n for n, c in enumerate(out.text) for _ in c.encode()]
    ends = list(itertools.accumulate(map(len, pieces), initial=0))
    return [(char[a], char[b - 1] + 1) for a, b in itertools.pairwise(ends)]


def check_ranges(tokenizer: HfTokenizer, out: Rendered) -> bool:
    """Every run's tokens, and every kind's mask, by the tokenizer's offsets."""
    known = offsets(tokenizer, out)
    if known is None:
        return False
    for run in out.runs:
        cover = [i for i, (a, b) in enumerate(known) if a < run.stop and b > run.start]
        assert run.tokens == (cover[0], cover[-1] + 1), (run, out.text[run.start : run.stop])
    for kind in KINDS:
        places = [(run.start, run.stop) for run in out.runs if run.kind == kind]
        held = [any(a < stop and b > start for start, stop in places) for a, b in known]
        assert out.mask(kind) == held, kind
    return True


@pytest.mark.parametrize("name", NAMES)
def test_sampled(name: str) -> None:
    """Over all conversations: what is masked is what the model would have sampled."""
    fmt, tokenizer = official.format_of(name), official.tokenizer(name)
    seen = turns = exact = 0
    for conversation in given(name):
        messages, tools, opts = conversation["messages"], conversation["tools"], options(name, conversation)
        try:
            text = official.text(name, plain(messages, name), tools, **opts)
            out = fmt.render(messages, tools, tokenizer, **opts)
        except (official.Raised, TurnwireError):
            continue
        seen += 1
        turns += check_sampled(name, out, text, opts)
        check_runs(out)
        exact += check_ranges(tokenizer, out)
        if opts.get("add_generation_prompt") or opts.get("continue_final_message"):
            assert not out.mask("sampled")[-1]
            assert not out.runs[-1].sampled
    reports.append(f"masks {name}: {seen} conversations, {turns} turns of the model, {exact} with ranges by offsets")
    assert seen >= 200 and turns >= 150 and exact >= 200


@pytest.mark.parametrize("name", NAMES)
def test_search(name: str) -> None:
    fmt, tokenizer = official.format_of(name), official.tokenizer(name)

    def check(example: Any, report: Report) -> None:
        messages, tools, opts = example
        try:
            text = official.text(name, plain(messages, name), tools, **opts)
        except official.Raised:
            return
        out = fmt.render(messages, tools, tokenizer, **opts)
        check_runs(out)
        report.see("ranges by offsets" if check_ranges(tokenizer, out) else "ranges not checked")
        # the official text does not tell a turn's end from content that spells one
        if report.admit(not parity.spells(name, messages, tools)):
            turns = check_sampled(name, out, text, opts)
            report.see(*features(messages, tools, opts), "sampled" if turns else "nothing sampled")

    need = {
        "sampled": 20,
        "nothing sampled": 2,
        "ranges by offsets": 20,
        "tools": 10,
        "parallel calls": 5,
        "unicode": 20,
    }
    run_law("masks search", name, examples(name), check, need=need, admitted=0.25)


HEADER = "{{- '<|im_start|>' + message.role + '\\n' }}{% generation %}"
STOP = """{{- '<|im_end|>' }}{% endgeneration %}{{- '\\n' }}
    {%- elif message.role == "tool" %}"""
ENDED = """{{- '<|im_end|>\\n' }}
    {%- elif message.role == "tool" %}"""
BODY = "{{- '<|im_start|>' + message.role + '\\n' + content }}"
SINCE = "{%- if loop.index0 > ns.last_query_index %}"
CALLS = "{%- if message.tool_calls %}\n            {%- for"
BEFORE_CALLS = "{{- '<|im_start|>' + message.role }}\n        {%- if message.content is defined"
ANY = "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
TAGGED = {
    "qwen3": (
        (SINCE, HEADER + SINCE),
        ("{{- '<|im_start|>' + message.role + '\\n<think>", "{{- '<think>"),
        (BODY, "{{- content }}"),
        (ENDED, STOP),
    ),
    "qwen3-instruct-2507": ((BODY, HEADER + "{{- content }}"), (ENDED, STOP)),
    "qwen3-coder": (
        (BEFORE_CALLS, BEFORE_CALLS.replace("role }}", "role + '\\n' }}{% generation %}")),
        ("{{- '\\n' + message.content | trim + '\\n' }}", "{{- message.content | trim + '\\n\\n' }}"),
        ("{{- '\\n<tool_call>\\n", "{{- ('' if loop.first else '\\n') + '<tool_call>\\n"),
        (
            "{{- '<|im_end|>\\n' }}\n    {%- elif message.role == \"user\"",
            "{{- '<|im_end|>' }}{% endgeneration %}{{- '\\n' }}\n    {%- elif message.role == \"user\"",
        ),
        (
            ANY,
            "{{- '<|im_start|>' + message.role + '\\n' }}{%- if message.role == 'assistant' %}{% generation %}"
            "{{- message.content + '<|im_end|>' }}{% endgeneration %}{%- else %}"
            "{{- message.content + '<|im_end|>' }}{%- endif %}{{- '\\n' }}",
        ),
    ),
}
TAGGED["qwen3-thinking-2507"] = TAGGED["qwen3.5"] = TAGGED["qwen3"]


def tagged(name: str) -> str:
    """The official template with generation tags around what the model writes."""
    source = official.template(name)
    for old, new in TAGGED[name]:
        assert old in source, old
        source = source.replace(old, new)
    return source


@pytest.mark.parametrize("name", NAMES)
def test_generation_tags(name: str) -> None:
    """Ours is the mask of transformers, less the think blocks that the prompt had opened or made up."""
    fmt, tokenizer = official.format_of(name), official.tokenizer(name)
    source = tagged(name)
    same = less = 0
    for conversation in given(name):
        messages, tools, opts = conversation["messages"], conversation["tools"], options(name, conversation)
        shown = plain(messages, name)
        if opts.get("continue_final_message"):
            continue  # transformers has no mask for it
        try:
            theirs, mask = official.mask(name, source, shown, tools, **opts)
            out = fmt.render(messages, tools, tokenizer, **opts)
        except (official.Raised, TurnwireError):
            continue
        if out.ids != theirs:
            continue  # a merge across the edge: no mask of theirs can be right
        ours = out.mask("sampled")
        extra = [a and not b for a, b in zip(mask, ours)]
        assert not any(b and not a for a, b in zip(mask, ours)), conversation["name"]
        for ids in groups(out.ids, extra):
            assert tokenizer.backend.decode(ids, skip_special_tokens=False) in (EMPTY, OPENED), conversation["name"]
        same += ours == mask
        less += ours != mask
    reports.append(f"masks {name}: {same} as transformers' generation tags, {less} less a think block of the prompt")
    assert same >= 120
    assert less == 0 if name in ("qwen3-instruct-2507", "qwen3-coder") else less >= 10


def left_open(fmt: turnwire.Format, messages: Any, tools: Any) -> bool:
    """Whether the layout leaves the last turn open of its own accord."""
    turns = read_messages(messages, fmt.layout.spoken)
    placed = place(turns)
    context = replace(fmt.context(tools, {}), count=len(turns))
    context = replace(context, options={**context.options, **fmt.layout.settle(placed, context)})
    for arrange in fmt.layout.arrange:
        placed = arrange(placed, context)
    return bool(placed) and placed[-1].open


@pytest.mark.parametrize("name", turnwire.list_formats())
def test_every_format(name: str) -> None:
    fmt = turnwire.get_format(name)
    tokenizer = strategies.tokenizer(fmt)
    stops = {tokenizer.special(t) for t in fmt.control}
    closed = all(word.history for word in walk(fmt.reply) if isinstance(word, End))
    seen = exact = turns = 0
    for conversation in some(conversations.CONVERSATIONS, name):
        messages, tools = conversation["messages"], conversation["tools"]
        ends = messages[-1]["role"] == "assistant"
        for opts in ({"continue_final_message": True} if ends else {"add_generation_prompt": True}, {}):
            try:
                out = fmt.render(messages, tools, tokenizer, **opts)
            except TurnwireError:
                continue
            seen += 1
            check_runs(out)
            exact += check_ranges(tokenizer, out)
            found = groups(out.ids, out.mask("sampled"))
            turns += len(found)
            assert len(found) <= sum(m["role"] == "assistant" for m in messages)
            # what the model wrote ends with the end of its message, unless a prompt has none
            whole = found[:-1] if ends and left_open(fmt, messages, tools) else found
            assert all(ids[-1] in stops for ids in whole) or not closed
            assert {r.turn for r in out.runs if r.sampled} <= {
                i for i, m in enumerate(messages) if m["role"] == "assistant"
            }
            if opts:
                assert not out.mask("sampled")[-1]
    reports.append(f"masks of any format, {name}: {seen} prompts, {turns} turns of the model, {exact} by offsets")
    calls = "call" in strategies.frame_kinds(fmt)  # or half the conversations are refused
    enough = (180, 80, 150) if calls else (150, 50, 120)
    part = 1 if full(name) else 3
    assert all(n >= least // part for n, least in zip((seen, turns, exact), enough)), (seen, turns, exact)


PARTS = cuts._parts  # pyright: ignore[reportPrivateUsage]
MUTANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "prefilled text counts": lambda m: m.setattr(Writer, "unsample", lambda self, since, prefix: None),
    "no cut at the edge": lambda m: m.setattr(
        cuts, "_parts", lambda new, trust: PARTS([(*whose, False) for *whose, _ in new], trust)
    ),
    "ranges by first token": lambda m: m.setattr(spans, "bisect_left", lambda ends, at: bisect_right(ends, at - 1)),
    "ranges by last token": lambda m: m.setattr(spans, "bisect_right", bisect_left),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversations notice each of these."""
    monkeypatch.setattr(Memory, "keep", lambda *args: None)  # other tests are not to go on from what mutants write
    MUTANTS[mutant](monkeypatch)
    with pytest.raises(AssertionError):
        test_sampled("qwen3.5")


def test_parts_of_a_prompt() -> None:
    fmt, tokenizer = official.format_of("qwen3.5"), official.tokenizer("qwen3.5")
    conversation = next(c for c in CONVERSATIONS if c["name"] == "image-result-True")
    out = fmt.render(conversation["messages"], conversation["tools"], tokenizer, add_generation_prompt=True)
    shown = [(r.kind, r.turn, r.part, r.sampled, out.text[r.start : r.stop]) for r in out.runs if r.kind != "template"]
    picture = "<|vision_start|><|image_pad|><|vision_end|>"
    assert shown[1:] == [
        ("media", 0, 0, False, picture),
        ("text", 0, 1, False, "What is it?"),
        ("call", 1, 0, True, "get_forecast"),
        ("call", 1, 0, True, "town"),
        ("call", 1, 0, True, "Bergen"),
        ("result", 2, 0, False, "What is it?"),
        ("media", 2, 0, False, picture),
        ("result", 2, 0, False, "  end"),
    ]
    assert shown[0][0] == "tools"
    mask = out.mask("media")
    assert [len(g) for g in groups(out.ids, mask)] == [3, 3]
    with pytest.raises(InputError, match="no mask 'sample'"):
        out.mask("sample")


def test_character_of_several_tokens() -> None:
    """A run that ends in a character of several tokens covers them all."""
    fmt, tokenizer = official.format_of("qwen3"), official.tokenizer("qwen3")
    text = "\U0001fae8"
    assert len(tokenizer.encode(text)) > 1
    out = fmt.render([{"role": "user", "content": text}], tokenizer=tokenizer)
    run = next(r for r in out.runs if r.kind == "text")
    assert run.tokens is not None
    assert tokenizer.backend.decode(out.ids[slice(*run.tokens)]) == text


@pytest.mark.parametrize("name", ("qwen3-thinking-2507", "qwen3.5"))
def test_reasoning_that_began_in_the_prompt(name: str) -> None:
    """A parsed turn whose <think> the prompt held: what was sampled is written again, and masked, and no more."""
    fmt, tokenizer = official.format_of(name), official.tokenizer(name)
    reply = "abc\n</think>\n\nhi<|im_end|>"
    turn = fmt.parse(reply).turn
    assert fmt.render_reply(turn, tokenizer).text == reply
    out = fmt.render([{"role": "user", "content": "u"}, turn], tokenizer=tokenizer)
    assert groups(out.ids, out.mask("sampled")) == [official.encode(name, reply)]
