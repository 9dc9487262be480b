"""Loops of agents that are simulated: what a model might write, and what must hold of each step.

A model here writes other tokens than the tokenizer would, odd spacing, hostile text, damaged calls, and stops half-way.
`play` plays a loop and raises `Drift` where a next prompt does not start with what was sent and sampled, where a turn
reads otherwise when it is parsed again, or where what was appended is not what the whole prompt has although that only
grew. `Counter` keys that begin with "refused" are errors that say why.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import turnwire
from tests.laws.strategies import frame_kinds
from turnwire import Call, Conversation, Format, Reasoning, Text, Turn
from turnwire.errors import HistoryError, MessageError, RefusedTurn, TemplateError, TurnwireError
from turnwire.stability import Kind, stability_of

TOOLS: list[dict[str, Any]] = [
    {"type": "function", "function": {"name": name, "description": "d", "parameters": {
        "type": "object", "properties": {"a": {"type": "string"}, "n": {"type": "integer"}}}}}
    for name in ("look", "find")
]  # fmt: skip
WORDS = ("Oslo", "7 × 13", "\n", "{", "</", "<|", "é", "<tool_call>", "it is", "  ", "</think>", "<|im_end|>", '"}',
         "[", "🙂", "/no_think", "<|user|>", "[INST]")  # fmt: skip
SYSTEMS = ("Be brief.", "You help. /no_think", "detailed thinking off", "/think\nBe kind.")


class Drift(AssertionError):
    """What must never happen."""


@dataclass(frozen=True)
class Manner:
    """How a model writes: the shares of replies in other tokens, cut, damaged, without their stop token."""

    odd: float = 0.5
    cut: float = 0.1
    damaged: float = 0.1
    unstopped: float = 0.1


CANONICAL = Manner(0, 0, 0, 0)
MANNERS = (Manner(), CANONICAL, Manner(odd=1.0, cut=0.3, damaged=0.3, unstopped=0.3), CANONICAL)
"""By turns: a few loops meet all that may happen."""


@dataclass(frozen=True)
class Step:
    """What was sent, what the model wrote and why it stopped, what comes behind."""

    prompt: list[int]
    ids: list[int]
    finish: Any
    more: list[dict[str, Any]]


def said(rng: random.Random, most: int = 5) -> str:
    """Some text."""
    return "".join(rng.choice(WORDS) for _ in range(rng.randint(1, most)))


def turns(rng: random.Random, kinds: set[str]) -> Turn:
    """A reply."""
    parts: list[Any] = []
    if "reasoning" in kinds and rng.random() < 0.5:
        parts.append(Reasoning("r " + said(rng) + "."))
    if rng.random() < 0.5 or "call" not in kinds:
        parts.append(Text("t " + said(rng) + "."))
    if "call" in kinds and rng.random() < 0.6:
        for _ in range(rng.choice((1, 1, 2))):
            parts.append(Call(rng.choice(("look", "find")), {"a": said(rng), "n": rng.randint(0, 9)}))
    return Turn("assistant", tuple(parts) or (Text("t"),))


def replies(fmt: Format, rng: random.Random) -> Iterator[Turn]:
    """Replies, at last such that every format has one of them."""
    kinds = frame_kinds(fmt)
    yield from (turns(rng, kinds) for _ in range(3))
    yield Turn("assistant", (Text("t"),))
    yield Turn("assistant", (Reasoning("r"), Text("t")))
    yield Turn("assistant", (Call("look", {"a": "b"}),))
    yield Turn("assistant", (Reasoning("r"), Call("look", {"a": "b"})))


def reply(fmt: Format, tokenizer: Any, rng: random.Random, prompt: list[int]) -> list[int] | None:
    """The ids of a reply behind a prompt, as the format itself has it; None if it has none of those tried."""
    for turn in replies(fmt, rng):
        try:
            return fmt.render_reply(turn, tokenizer, TOOLS, prompt=prompt).ids
        except RefusedTurn:
            continue
    return None


def split(ids: list[int], tokenizer: Any, control: frozenset[int], rng: random.Random) -> list[int]:
    """The same text in other tokens, as models sample it: pieces of ordinary tokens, encoded by themselves."""
    out: list[int] = []
    for i in ids:
        piece = tokenizer.piece(i)
        if i in control or rng.random() < 0.7 or piece is None or not piece.isascii() or len(piece) < 2:
            out.append(i)
            continue
        text = piece.decode()
        at = rng.randint(1, len(text) - 1)
        pieces = tokenizer.encode(text[:at]) + tokenizer.encode(text[at:])
        same = b"".join(tokenizer.piece(p) or b"" for p in pieces) == piece
        out += pieces if same else [i]
    return out


def written(
    ids: list[int], tokenizer: Any, control: frozenset[int], rng: random.Random, manner: Manner
) -> tuple[list[int], Any]:
    """What the model writes of a reply, and why it stopped."""
    if rng.random() < manner.odd:
        ids = split(ids, tokenizer, control, rng)
    if rng.random() < manner.odd / 4:  # odd spacing
        at = rng.randrange(len(ids))
        ids = [*ids[:at], *tokenizer.encode(rng.choice((" ", "\n", "  ", "\n\n"))), *ids[at:]]
    if rng.random() < manner.cut:
        return ids[: rng.randint(1, len(ids))], "length"
    if rng.random() < manner.damaged:
        at = rng.randrange(len(ids))
        return ids[:at] + ids[at + 1 :] or ids, "stop"
    if rng.random() < manner.unstopped:
        return ids[:-1] or ids, "stop"
    return ids, "stop"


def answers(turn: Turn, rng: random.Random) -> list[dict[str, Any]]:
    """What comes behind a turn: results, sometimes out of order, or a question."""
    calls = [c for c in turn.calls if c.complete]
    if not calls:
        return [{"role": "user", "content": said(rng)}]
    most = 5 if rng.random() < 0.7 else 200
    found = [{"role": "tool", "tool_call_id": c.id, "name": c.name, "content": said(rng, most)} for c in calls]
    if all(c.id is not None for c in calls) and len({c.id for c in calls}) == len(calls):
        rng.shuffle(found)
    return [{k: v for k, v in r.items() if v is not None} for r in found]


def opening(rng: random.Random) -> list[dict[str, Any]]:
    """What a conversation begins with."""
    system = [{"role": "system", "content": rng.choice(SYSTEMS)}] if rng.random() < 0.3 else []
    return [*system, {"role": "user", "content": "q " + said(rng)}]


def play(
    fmt: Format,
    tokenizer: Any,
    rng: random.Random,
    counts: Counter[str],
    *,
    manner: Manner = Manner(),
    steps: int = 6,
    whole: bool = True,
    observe: Callable[[Step], None] | None = None,
    **options: Any,
) -> Conversation | None:
    """One loop. `whole`: what is appended is compared with the whole prompt. `observe` is told of each step."""
    conversation = Conversation(fmt, tokenizer, TOOLS, **options)
    conversation.add(opening(rng))
    control = frozenset(i for t in fmt.control if (i := tokenizer.special(t)) is not None)
    sent: list[int] = []
    for _ in range(steps):
        try:
            prompt = conversation.prompt()
        except (HistoryError, TemplateError, MessageError) as e:
            counts[f"refused: {type(e).__name__}"] += 1
            counts["refused"] += 1
            counts["because " + e.problem[:90]] += 1
            return None
        if prompt[: len(sent)] != sent:
            raise Drift("the prompt does not start with what was sent and sampled")
        if sent and whole:
            counts[grown(conversation, prompt, sent, options)] += 1
        ids = reply(fmt, tokenizer, rng, prompt)
        if ids is None:
            counts["no reply known"] += 1
            return None
        as_written = ids
        ids, finish = written(ids, tokenizer, control, rng, manner)
        counts["otherwise"] += ids != as_written
        turn = conversation.sampled(ids, [-rng.random() for _ in ids], finish)
        sent = [*prompt, *ids]
        if conversation.ids != sent:
            raise Drift("what was sampled is not kept")
        counts["turns"] += 1
        counts["cut"] += finish == "length"
        counts["faulty"] += any(not c.complete for c in turn.calls)
        check_parse(fmt, tokenizer, prompt, ids, finish, turn)
        more = answers(turn, rng)
        counts["results"] += more[0]["role"] == "tool"
        if observe is not None:
            observe(Step(prompt, ids, finish, more))
        conversation.add(more)
    check_sample(conversation)
    counts["loops"] += 1
    return conversation


def check_parse(fmt: Format, tokenizer: Any, prompt: list[int], ids: list[int], finish: Any, turn: Turn) -> None:
    parser = fmt.parser(tokenizer, TOOLS, prompt)
    for i in ids:
        parser.feed([i])
    parser.close(finish)
    if parser.turn != turn:
        raise Drift(f"it reads otherwise: {parser.turn} and {turn}")


def check_sample(conversation: Conversation) -> None:
    """Mask and log-probabilities are those of what was sampled, and nothing is lost."""
    last: Any = conversation._last  # pyright: ignore[reportPrivateUsage]
    pieces = [p.ids for p in last.chain() if p.turn is not None]
    mine = [i for ids in reversed(pieces) for i in ids]
    (sample,) = conversation.samples()
    if sample.ids != conversation.ids or [i for i, m in zip(sample.ids, sample.mask) if m] != mine:
        raise Drift("the mask is not what was sampled")
    if any((x is not None) != m for x, m in zip(sample.logprobs, sample.mask)):
        raise Drift("log-probabilities are not where the mask is")


def grown(conversation: Conversation, prompt: list[int], sent: list[int], options: dict[str, Any]) -> str:
    """What the whole prompt is to the one that was appended to."""
    fmt, tokenizer = conversation.format, conversation.tokenizer
    try:
        whole = fmt.render(conversation.messages, TOOLS, tokenizer, add_generation_prompt=True, **options).ids
    except TurnwireError:
        return "the template refuses the whole"
    if whole[: len(sent)] == sent:
        if whole != prompt:
            bound = fmt.bind(tokenizer)
            raise Drift(f"appended {bound.decode(prompt[len(sent):])!r}, the whole prompt has "
                        f"{bound.decode(whole[len(sent):])!r}")  # fmt: skip
        return "only grew, equal"
    bound = fmt.bind(tokenizer)
    added = bound.decode(prompt[len(sent) :])
    stop = max((s for s in fmt.stop_tokens if added.startswith(s)), key=len, default="")
    alike = bound.decode(whole).endswith(added[len(stop) :])
    return "rewritten, the rest equal" if alike else "rewritten, and the rest"


def tokenizer_for(source: str, **how: Any) -> tuple[Format, Any]:
    """The format of a template and a small tokenizer with its control tokens."""
    template = turnwire.ChatTemplate(source, bos_token="<s>", eos_token="</s>")
    tokenizer = turnwire.small_tokenizer(template.infer_format())
    return template.infer_format(tokenizer=tokenizer, **how), cast("Any", tokenizer)


def brute(fmt: Format, kind: Kind, rng: random.Random) -> bool | None:
    """Whether a prompt only grows for one conversation of a kind, with other texts and more turns; None where it cannot
    be written."""
    words = ("rain", "in Oslo", "seven", "of 12", "why not")

    def some() -> str:
        return " ".join(rng.choice(words) for _ in range(rng.randint(1, 4))).strip()

    def other(part: Any) -> Any:
        if isinstance(part, Call):
            return replace(part, arguments={"a": some()})
        return replace(part, text=some())

    replies = tuple(tuple(other(p) for p in parts) for parts in kind.replies)
    found = stability_of(fmt, replace(kind, replies=replies), {}, {"role": "user", "content": some()})
    return None if found is None or found.refused else found.stable
