"""Samples of messages that are there already, for supervised fine-tuning: the prompt of the whole conversation, what of
it the model would have written under the mask, and each of its tokens with turn, part and weight, as of a loop.

`history` decides what a turn is trained behind. "template": the conversation is rendered once, as the family's template
has it; old reasoning that it drops is not there. "exact" and "segment" play the messages through a `Conversation`, so
that each turn stands behind the prompt that it would have been sampled behind; "segment" begins a new sample where the
template rewrites what came before.

A family that ends its turns by what opens the next one (GLM) has no stop token behind the last, and that of the others
stands in the next message. It is what the model would have sampled: it is under the mask, and behind the last turn it
is added.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from .chat_template import ChatTemplate, format_of
from .conversation import HISTORIES, Conversation, History
from .errors import InputError, MaskError, NoTokenizer, OptionError, RefusedTurn, nearest
from .format import Format
from .messages import read_messages
from .places import fields
from .samples import Sample, parts_of_tokens, placed
from .spans import Rendered
from .tokens import Tokenizer
from .turns import Call, Text, Turn

TrainOn = Literal["all_assistant_messages", "last_assistant_message", "last_assistant_turn"]
TRAIN_ON: tuple[TrainOn, ...] = ("all_assistant_messages", "last_assistant_message", "last_assistant_turn")
KINDS = ("reasoning", "text", "call", "markup")
Kind = Callable[[int, int], str]


def samples_from_messages(
    source: Format | ChatTemplate,
    messages: Sequence[Any],
    tools: Sequence[Any] | None = None,
    tokenizer: Tokenizer | None = None,
    *,
    history: History = "template",
    train_on: TrainOn = "all_assistant_messages",
    weights: Sequence[float | None] | None = None,
    part_weights: Mapping[str, float] | None = None,
    **options: Any,
) -> list[Sample]:
    """The samples of a conversation: one, or with history="segment" one or more. `options` are the source's own.

    What a token of a message counts is the message's weight (`weights`, one for each message, else its own key
    "weight", else 1) times that of what it is of (`part_weights`: "reasoning", "text", "call", and "markup" for marks
    and the stop token). `train_on`: other messages count 0; the last turn is all that the model wrote behind the last
    message of the user. Raises `MaskError` if nothing counts, or if it cannot be told what the model would have
    written; `InputError` for weights that are none, and what `render` raises.
    """
    for name, value, known in (("history", history, HISTORIES), ("train_on", train_on, TRAIN_ON)):
        if value not in known:
            raise OptionError(f"{name} does not take {value!r}", value=value, path=name,
                              expected="one of " + ", ".join(known), near=nearest(str(value), known))  # fmt: skip
    if tokenizer is None:
        raise NoTokenizer("samples are of ids", path="tokenizer", expected="samples_from_messages(..., tokenizer=...)")
    by_message = _message_weights(messages, weights, train_on)
    by_kind = _kind_weights(part_weights)
    if history == "template":
        out = (source if isinstance(source, ChatTemplate) else format_of(source)).render(
            messages, tools, tokenizer, **options
        )
        found = [_rendered(source, out, tools, tokenizer, options)]
    else:
        found = _played(source, messages, tools, tokenizer, history, options)
    samples = [_weighed(sample, kind, by_message, by_kind) for sample, kind in found]
    kept = [s for s in samples if any(s.weights)]
    if not kept:
        some = any(True in s.mask for s in samples)
        raise MaskError("no token counts in the loss" if some else "nothing was sampled", value=len(messages),
                        path="messages", expected="a turn of the assistant, with a weight")  # fmt: skip
    return [replace(s, weights=[]) if s.weights == [float(m) for m in s.mask] else s for s in kept]


def _weighed(sample: Sample, kind: Kind, by_message: Sequence[float], by_kind: Mapping[str, float]) -> Sample:
    weights = [
        by_message[t] * by_kind["markup" if p is None else kind(t, p)] if m and t is not None else 0.0
        for m, t, p in zip(sample.mask, sample.turns, sample.parts)
    ]
    return replace(sample, weights=weights)


# the whole conversation, rendered


def _rendered(
    source: Format | ChatTemplate,
    out: Rendered,
    tools: Sequence[Any] | None,
    tokenizer: Tokenizer,
    options: Mapping[str, Any],
) -> tuple[Sample, Kind]:
    ids, mask = out.ids, out.mask("sampled")
    n = len(ids)
    sample = Sample(ids, mask, [None] * n, [None] * n, [None] * n)
    kinds: dict[tuple[int, int], str] = {}
    for run in out.runs:
        if not run.sampled or run.tokens is None or run.turn is None:
            continue
        for at in range(*run.tokens):
            if mask[at] and sample.turns[at] is None:
                sample.turns[at] = run.turn
                if run.part is not None and run.kind != "template":
                    sample.parts[at] = run.part
                    kinds[run.turn, run.part] = run.kind
    if isinstance(source, Format):
        _end(source, sample, tokenizer, options, {t for (t, _), kind in kinds.items() if kind == "call"})
        _read(source, sample, tools, tokenizer, kinds)
    return sample, lambda turn, part: kinds[turn, part]


def _end(
    fmt: Format, sample: Sample, tokenizer: Tokenizer, options: Mapping[str, Any], calling: Container[int]
) -> None:
    """Put the tokens that end turns under the mask."""
    stops = fmt.stop_token_ids(tokenizer)
    for turn, _, stop in list(_replies(sample)):
        if sample.ids[stop - 1] in stops:
            continue
        if stop == len(sample):
            last = _ending(fmt, tokenizer, options, turn in calling)
            if last is None:
                continue
            sample.ids.append(last)
            for column in (sample.turns, sample.parts, sample.logprobs):
                column.append(None)
            sample.mask.append(False)
        if sample.ids[stop] in stops:
            sample.mask[stop], sample.turns[stop] = True, turn


def _ending(fmt: Format, tokenizer: Tokenizer, options: Mapping[str, Any], calls: bool) -> int | None:
    """The stop token of a reply with calls, or without."""
    prompt = fmt.render([{"role": "user", "content": "x"}], None, tokenizer, add_generation_prompt=True, **options)
    turn = Turn("assistant", (Call("f", {}) if calls else Text("x"),))
    last = fmt.render_reply(turn, tokenizer, prompt=prompt).ids[-1]
    return last if last in fmt.stop_token_ids(tokenizer) else None


def _read(
    fmt: Format, sample: Sample, tools: Sequence[Any] | None, tokenizer: Tokenizer, kinds: dict[tuple[int, int], str]
) -> None:
    """Parts and places as the parser has them, as in a loop."""
    bound = fmt.bind(tokenizer)
    sent = 0
    kinds.clear()
    for turn, start, stop in _replies(sample):
        reply = sample.ids[start:stop]
        prompt = sample.ids[0 if fmt.layout.ids is not None else sent : start]
        parser = fmt.parser(tokenizer, tools, prompt)
        events = [*parser.feed(reply), *parser.close("stop")]
        first = 1 + max((part for t, part in kinds if t == turn), default=-1)
        parts = parts_of_tokens(events, len(reply))
        sample.parts[start:stop] = [None if p is None else p + first for p in parts]
        kinds |= {(turn, n + first): p.kind for n, p in enumerate(parser.turn.parts)}
        sample.places += placed(fields(events, reply, bound), turn, start)
        sent = stop


def _replies(sample: Sample) -> Iterator[tuple[int, int, int]]:
    """The message, the first token and the end of what was sampled at once."""
    start = 0
    for n in range(1, len(sample) + 1):
        if n == len(sample) or sample.turns[n] != sample.turns[start]:
            turn = sample.turns[start]
            if turn is not None:
                yield turn, start, n
            start = n


# turn by turn


def _played(
    source: Format | ChatTemplate,
    messages: Sequence[Any],
    tools: Sequence[Any] | None,
    tokenizer: Tokenizer,
    history: History,
    options: Mapping[str, Any],
) -> list[tuple[Sample, Kind]]:
    loop = Conversation(source, tokenizer, tools, history=history, **options)
    turns = read_messages(messages, loop.format.layout.spoken)
    new: list[Any] = []
    for i, (message, turn) in enumerate(zip(messages, turns)):
        if turn.role != "assistant":
            new.append(message)
            continue
        loop.add(new)
        new = []
        prompt = loop.prompt()
        try:
            reply = loop.format.render_reply(turn, tokenizer, tools, prompt=prompt)
        except RefusedTurn as e:
            raise RefusedTurn(e.problem, refusal=e.refusal, value=message, path=f"messages[{i}]",
                              expected=e.expected) from None  # fmt: skip
        loop.sampled(reply.ids, finish_reason="stop")
    said = loop.messages
    return [(sample, lambda turn, part: cast("Turn", said[turn]).parts[part].kind) for sample in loop.samples()]


# weights


def _message_weights(messages: Sequence[Any], given: Sequence[float | None] | None, train_on: TrainOn) -> list[float]:
    if given is not None and len(given) != len(messages):
        raise InputError(f"{len(given)} weights of {len(messages)} messages", value=len(given), path="weights",
                         expected="one for each message, or None")  # fmt: skip
    roles = [_role(m) for m in messages]
    ours = [n for n, role in enumerate(roles) if role == "assistant"]
    asked = max((n for n, role in enumerate(roles) if role == "user"), default=-1)
    first = {"all_assistant_messages": 0, "last_assistant_message": ours[-1] if ours else 0,
             "last_assistant_turn": asked + 1}[train_on]  # fmt: skip
    out: list[float] = []
    for n, message in enumerate(messages):
        own = cast("Mapping[str, Any]", message).get("weight") if isinstance(message, Mapping) else None
        weight, path = (own, f"messages[{n}].weight") if given is None else (given[n], f"weights[{n}]")
        if weight is not None and n not in ours:
            raise InputError(f"a weight of a {roles[n]} message", value=weight, path=path,
                             expected="weights of the assistant's messages")  # fmt: skip
        out.append(_weight(1 if weight is None else weight, path) if n >= first else 0.0)
    return out


def _kind_weights(given: Mapping[str, float] | None) -> dict[str, float]:
    out: dict[str, float] = dict.fromkeys(KINDS, 1.0)
    for kind, weight in (given or {}).items():
        if kind not in out:
            raise InputError(f"no kind of part {kind!r}", value=kind, path="part_weights",
                             expected="one of " + ", ".join(KINDS), near=nearest(str(kind), KINDS))  # fmt: skip
        out[kind] = _weight(weight, f"part_weights[{kind!r}]")
    return out


def _weight(value: Any, path: str) -> float:
    if not isinstance(value, (int, float)) or value - value != 0:
        raise InputError(f"not a weight: {value!r}", value=value, path=path, expected="a finite number")
    return float(value)


def _role(message: Any) -> Any:
    if isinstance(message, Turn):
        return message.role
    return cast("Mapping[str, Any]", message).get("role") if isinstance(message, Mapping) else None
