"""Renders a prompt: messages -> turns -> arrange passes -> preamble, turns, generation prompt -> `Rendered`.

Everything that a caller can get wrong is raised before the first character is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..cuts import NEW
from ..errors import ForgeryError, OptionError, RefusedTurn
from ..layout import Context, Placed, no_cue
from ..messages import read_messages
from ..spans import Rendered, Stretch
from ..turns import Turn
from ..wire import NOTHING
from .begun import NO_MEDIA, Memory, Units
from .call_ids import settle_ids
from .reply import PLACES, NoPlace, write_reply
from .script import Script
from .writer import Writer

if TYPE_CHECKING:
    from ..format import Format
    from ..tokens import Tokenizer


def render_prompt(
    fmt: Format,
    messages: Iterable[Any],
    tools: Sequence[Any] | None,
    tokenizer: Tokenizer | None,
    prompt: tuple[bool, bool],
    trust_content: bool,
    forgery: str,
    options: Mapping[str, Any],
) -> Rendered:
    """See `Format.render`; `prompt` is add_generation_prompt and continue_final_message."""
    layout = fmt.layout
    add_generation_prompt, continue_final_message = prompt
    if add_generation_prompt and continue_final_message:
        raise OptionError(
            "add_generation_prompt and continue_final_message exclude each other",
            value=True,
            path="options",
            expected="one of them",
        )
    if forgery not in ("allow", "raise"):
        raise OptionError(
            f"forgery does not take {forgery!r}", value=forgery, path="forgery", expected="'allow' or 'raise'"
        )
    if layout.whole is not None:
        done = layout.whole.render(messages, tools, tokenizer, prompt, trust_content, layout.resolve(options))
        if forgery == "raise":
            _check_forgery(fmt, done)
        return done
    context = fmt.context(tools, options)
    bound = fmt.bind(tokenizer) if tokenizer is not None else None
    if not isinstance(messages, (list, str, bytes, Mapping)) and isinstance(messages, Iterable):  # pyright: ignore[reportUnnecessaryIsInstance]
        messages = list(messages)
    plain = not trust_content and forgery == "allow" and not continue_final_message
    memory = Memory(bound, fmt, messages, context) if plain and bound and isinstance(messages, list) else None
    turns = read_messages(messages, layout.spoken, memory.turns if memory is not None else ())
    if continue_final_message and (not turns or turns[-1].role != "assistant"):
        raise OptionError(
            "continue_final_message without an open turn",
            value=True,
            path="messages",
            expected="an assistant message last",
        )
    context = Context(context.options, context.tools, len(turns), continue_final_message)
    first = len(memory.turns) if memory is not None else 0
    given = [*(memory.placed if memory is not None else ()), *place(turns[first:], first)]
    placed = settle_ids(given, layout, context.options)
    if settled := layout.settle(placed, context):
        context = replace(context, options={**context.options, **settled})
    for arrange in layout.arrange:
        placed = arrange(placed, context)
    units = Units.of(placed, layout.leading)
    known = memory.shared(units, context) if memory is not None else 0
    begun, start, media = memory.begun(known) if memory is not None else (NEW, 0, NO_MEDIA)
    context.media.update(media)
    w = fmt.writer(trust_content, fmt.forgeable if forgery == "raise" else ())
    _write(fmt, w, units, start, context)
    if add_generation_prompt:
        last = units.before(len(units.ends))
        goes_on = last is not None and (last.open or last.role in layout.headless)
        before = last.role if last is not None else ""
        behind = before if goes_on else ""
        if not behind:
            w.word(layout.cue(context, before, ""), fmt.header)
        w.word(layout.prefill(context.going_on(behind)))
    elif not continue_final_message:
        w.word(layout.finish)
    out = Rendered(w.stretches, fmt.program.symbols.show, bound, trust=trust_content, begun=begun)
    if memory is not None:
        memory.keep(turns, given, units, out.cut)
    return out


def _write(fmt: Format, w: Writer, units: Units, start: int, context: Context) -> None:
    """Write the units that are not written yet; `start`: how many stretches stand before them."""
    layout = fmt.layout
    cued = layout.cue is not no_cue
    placed, ends, starts, media = units
    heads: dict[str, _Head] = {}
    since = len(starts)
    prior = units.before(since)
    before = prior.role if prior is not None else ""
    for n in range(since, len(ends)):
        starts.append(start + len(w.stretches))
        media.append(dict(context.media) if context.media else NO_MEDIA)
        first, end = ends[n - 1] if n else 0, ends[n]
        if n == 0:
            w.word(layout.begin)
            layout.preamble(w, placed[0] if end else None, layout, context)
            continue
        turn = placed[first]
        last, before = before, turn.role
        if before == "tool":
            layout.results.write(w, placed[first:end], layout, context)
            continue
        if cued and (cue := layout.cue(context, last, before)) is not NOTHING:
            w.word(cue)
        if before == "assistant":
            behind = last if last in layout.headless else ""
            if behind not in heads:
                heads[behind] = _Head.of(fmt, context.going_on(behind))
            _assistant(fmt, w, turn, heads[behind], context.open and n == len(ends) - 1)
        else:
            layout.role(before).write(w, turn, layout, context)
    starts.append(start + len(w.stretches))
    media.append(dict(context.media))


def _check_forgery(fmt: Format, done: Rendered) -> None:
    for run in done.runs:
        text = done.text[run.start : run.stop] if run.kind != "template" else ""
        for marker in fmt.forgeable:
            if marker in text:
                raise ForgeryError(
                    f"{run.kind} spells the marker {marker!r}",
                    value=text,
                    path="tools" if run.turn is None else f"messages[{run.turn}]",
                    expected='text without markers, or forgery="allow"',
                )


def place(turns: Iterable[Turn], first: int = 0) -> list[Placed]:
    """Turns at their places in the conversation; results that came in one turn are wrapped one by one."""
    out: list[Placed] = []
    for at, turn in enumerate(turns, first):
        parts = tuple(enumerate(turn.parts))
        if turn.role == "tool" and len(parts) > 1:
            out += [Placed("tool", at, (part,)) for part in parts]
        else:
            out.append(Placed(turn.role, at, parts))
    return out


class _Head(NamedTuple):
    """How assistant turns begin behind a role: with which header, what a generation prompt adds to it, and what the
    header keeps of the white space behind it, in symbols; and the scripts of turns behind it."""

    header: str
    begun: str
    edge: str
    options: Mapping[str, Any]
    scripts: dict[Any, Script]

    @classmethod
    def of(cls, fmt: Format, context: Context) -> _Head:
        words = NOTHING if context.behind else fmt.header, fmt.layout.prefill(context), fmt.layout.edge
        header, begun, edge = map(fmt.symbols_of_word, words)
        return cls(header, begun, edge, context.options, {})


def _assistant(fmt: Format, w: Writer, turn: Placed, head: _Head, unfinished: bool) -> None:
    if turn.headed:
        w.symbols_of_markup(head.header)
    since = len(w.stretches)
    w.turn, w.sampled = turn.turn, True
    try:
        write_reply(
            w, fmt.plan, turn.parts, head.options,
            history=True, goes_on=turn.open, begun=bool(head.begun), scripts=head.scripts,
        )  # fmt: skip
    except NoPlace as e:
        path = f"messages[{turn.turn}]"
        raise RefusedTurn(str(e), refusal=e.refusal(path), value=e.part, path=path, expected=PLACES) from None
    finally:
        w.turn, w.sampled = None, False
    for given in (head.begun, head.edge):
        if given:
            w.unsample(since, given)
    if not unfinished:
        if not turn.open:
            w.word(fmt.layout.after)
        return
    written, w.stretches[since:] = w.stretches[since:], []
    call = bool(turn.parts) and turn.parts[-1][1].kind == "call"
    while written and _closes(fmt, written[-1], call):
        written.pop()
    w.stretches += [(symbols, at, part, kind, False) for symbols, at, part, kind, _ in written]


def _closes(fmt: Format, s: Stretch, call: bool) -> bool:
    """Whether the end of a message goes when it is left open: its stop token, what closes a text or reasoning,
    but not a call's own end or what the layout made up."""
    symbols, _, part, kind, sampled = s
    inside_call = call and part is not None
    return symbols in fmt.program.stops or (kind == "template" and sampled and not inside_call)
