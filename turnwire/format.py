"""Format: one model family, as a frozen value. Its reply tree gives the renderer of assistant turns, the
streaming parser and the answer to "can this turn be written?"; its layout gives the rest of the prompt.

Formats compare by value, pickle, and are shared between threads. Variants are made with `but`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from .errors import FormatError, OptionError, RefusedTurn, nearest
from .events import FinishReason
from .layout import Context, Layout
from .messages import read_messages
from .spans import Rendered
from .templating.call_ids import reply_names, settle_ids
from .templating.render import place, render_prompt
from .templating.reply import PLACES, Indexed, NoPlace, Plan, write_reply
from .templating.tail import Openers, openers, prompt_tail
from .templating.writer import Writer
from .tools import known_tools
from .turns import Call, Part, Reasoning, Refusal, Text, Turn
from .wire import Lit, Switch, Word, control_tokens, end_tokens, stop_tokens, walk

if TYPE_CHECKING:
    from .parsers.compile import Program
    from .parsers.machine import Policy
    from .parsers.stream import Parser, ParseResult
    from .tokens import Bound, Tokenizer


@dataclass(frozen=True)
class Format:
    """See the head of this file.

    `reply`: the tree. `header`: the role line of an assistant turn. `control`: further control tokens that the
    layout writes. `models`: model ids (a `*` stands for anything). `canon`: how a turn reads back, beyond the
    merging that every format does.
    """

    name: str
    reply: Word
    header: Word
    layout: Layout
    control_extra: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    source: str = ""
    canon_passes: tuple[Callable[[Turn], Turn], ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    evidence: Any = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not stop_tokens(self.reply):
            raise FormatError(
                "no stop token: the reply has no End", value=self.reply, path=self.name, expected="reply + End(...)"
            )
        _ = self.program  # a description that cannot work fails here

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), {k: v for k, v in self.__dict__.items() if k in self.__dataclass_fields__})

    def __repr__(self) -> str:
        return f"<Format {self.name}>"

    def but(self, name: str, **changes: Any) -> Format:
        """A variant with another name and some fields replaced."""
        return replace(self, name=name, **changes)

    # facts

    @functools.cached_property
    def program(self) -> Program:
        """The compiled reply."""
        from .parsers.compile import Program

        return Program(self.name, self.reply, self.control)

    @functools.cached_property
    def plan(self) -> Plan:
        """The reply, ready to be written."""
        return Plan(self.reply, self.program.symbols, self.program.symbolise)

    @property
    def control(self) -> tuple[str, ...]:
        """The spellings of all control tokens that the format writes or reads, sorted."""
        return self._control

    @functools.cached_property
    def _control(self) -> tuple[str, ...]:
        words = self.reply, self.header, *_plain_words(self.layout)
        return tuple(sorted({*self.control_extra, *[token for word in words for token in control_tokens(word)]}))

    @functools.cached_property
    def stop_tokens(self) -> tuple[str, ...]:
        """The spellings of the tokens that end generation."""
        return stop_tokens(self.reply)

    @functools.cached_property
    def end_tokens(self) -> tuple[str, ...]:
        """The same, and those that a message ends in in a prompt."""
        return end_tokens(self.reply)

    def stop_token_ids(self, tokenizer: Tokenizer) -> list[int]:
        """The ids of the tokens that end generation; those that a tokenizer lacks are left out, but one."""
        ids = [i for t in self.stop_tokens if (i := tokenizer.special(t)) is not None]
        if not ids:
            self.bind(tokenizer)  # raises
        return ids

    @functools.cached_property
    def forgeable(self) -> tuple[str, ...]:
        """Markers that are ordinary text, so that ids cannot protect them: content that spells one can be
        mistaken for markup. See `render(forgery=...)`."""
        out = {w.text.strip() for w in walk(self.reply) if isinstance(w, Lit)}
        return tuple(sorted(t for t in out if len(t) > 1 and not t.isalnum()))

    @functools.cached_property
    def openers(self) -> Openers:
        """What an assistant turn may begin behind."""
        return openers(self)

    @functools.cached_property
    def plans(self) -> dict[Any, Any]:
        """What was found out of turns that follow others; see `turnwire.behind`."""
        return {}

    @functools.cached_property
    def options(self) -> Mapping[str, Any]:
        """The options of `render` and their defaults."""
        return MappingProxyType({o.name: o.default for o in self.layout.options})

    def bind(self, tokenizer: Tokenizer) -> Bound:
        """The tokenizer with this format's control tokens checked; cached."""
        return _tokens().bind(tokenizer, self.program.symbols.pairs)

    # rendering

    def render(
        self,
        messages: Iterable[Any],
        tools: Sequence[Any] | None = None,
        tokenizer: Tokenizer | None = None,
        add_generation_prompt: bool = False,
        continue_final_message: bool = False,
        trust_content: bool = False,
        forgery: Literal["allow", "raise"] = "allow",
        **options: Any,
    ) -> Rendered:
        """The prompt of a conversation.

        `add_generation_prompt` opens an assistant turn at the end; `continue_final_message` leaves the last
        one open instead. `trust_content` lets content make control tokens, as the reference implementations
        do. `forgery="raise"` raises when content spells a marker that ids cannot protect. `options` are the
        layout's. Raises `MessageError`, `ToolError`, `OptionError`, `SurrogateError` before anything is rendered.
        """
        prompt = (add_generation_prompt, continue_final_message)
        return render_prompt(self, messages, tools, tokenizer, prompt, trust_content, forgery, options)

    def context(self, tools: Any, options: Mapping[str, Any]) -> Context:
        """Options resolved and tools read, for the layout."""
        return Context(self.layout.resolve(options) if options else {**self.options}, known_tools(tools))

    def writer(self, trust: bool = False, forgeable: tuple[str, ...] = ()) -> Writer:
        """A writer in this format's symbols."""
        return Writer(self.program.symbols, self.plan.markup, self.program.symbolise if trust else None, forgeable)

    def symbols_of_word(self, word: Word) -> str:
        """Plain markup in symbols."""
        return self.program.symbols.of_word(word)

    def encode(self, symbols: str, tokenizer: Tokenizer) -> list[int]:
        """The ids of text in which control tokens are private symbols; not for callers' text."""
        return Rendered([(symbols, None, None, "template", False)], self.program.symbols.show, self.bind(tokenizer)).ids

    def call_ids(self, messages: Iterable[Any], **options: Any) -> dict[str, str | None]:
        """The ids that the calls of `messages` have in a prompt, in order, each with the one that the caller gave
        (None: none)."""
        turns = read_messages(messages, self.layout.spoken)
        before = place(turns)
        after = settle_ids(before, self.layout, self.layout.resolve(options))
        pairs = ((b, a) for x, y in zip(before, after) for (_, b), (_, a) in zip(x.parts, y.parts))
        return {a.id: b.id for b, a in pairs if isinstance(a, Call) and isinstance(b, Call) and a.id is not None}

    def render_reply(
        self,
        turn: Turn | Mapping[str, Any],
        tokenizer: Tokenizer | None = None,
        tools: Sequence[Any] | None = None,
        prompt: Any = None,
        **options: Any,
    ) -> Rendered:
        """What the model would have written for an assistant turn, behind the generation prompt (`prompt`, or
        the format's default one), stop token included. Parts that the prompt prefilled are not written again.

        Raises `RefusedTurn` for a turn without a place in the format; see `admits` for one that would not read
        back.
        """
        (read,) = read_messages([turn], ("assistant",))
        context = self.context(tools, options)
        bound = self.bind(tokenizer) if tokenizer is not None else None
        (named,) = settle_ids(place([self.canon(read)]), self.layout, context.options, prompt, bound)
        parts = named.parts
        tail = self.prompt_tail(prompt, bound)
        w = self._reply(parts, context)
        if not w.said(0).startswith(tail) and not any(p.text for _, p in parts if isinstance(p, Reasoning)):
            rest = tuple((i, p) for i, p in parts if not isinstance(p, Reasoning))
            for prefilled in (False, True):  # the prompt opened it: closed at once, by the model or by the prompt
                w = self._reply(((None, Reasoning("", prefilled)), *rest), context)
                if w.said(0).startswith(tail):
                    break
        if not w.said(0).startswith(tail):
            problem = f"the prompt begins the reply with {self.program.symbols.show(tail)!r}, this turn does not"
            raise RefusedTurn(
                problem,
                refusal=Refusal("turn", problem),
                value=turn,
                path="turn",
                expected="one that goes on from there",
            )
        w.unsample(0, tail)
        return Rendered([s for s in w.stretches if s[4]], self.program.symbols.show, bound)

    def _reply(self, parts: Indexed, context: Context) -> Writer:
        w = self.writer()
        w.turn, w.sampled = 0, True
        try:
            write_reply(w, self.plan, parts, context.options, history=False)
        except NoPlace as e:
            raise RefusedTurn(str(e), refusal=e.refusal("turn"), value=e.part, path="turn", expected=PLACES) from None
        return w

    def canon(self, turn: Turn) -> Turn:
        """How a turn reads back: empty text parts are gone, neighbouring ones of one channel are one, and what
        `canon_passes` say. Idempotent."""
        for step in self.canon_passes:
            turn = step(turn)
        parts: list[Part] = []
        separate = any(isinstance(w, Switch) for w in walk(self.reply))
        for part in turn.parts:
            last = parts[-1] if parts else None
            if isinstance(part, Text) and not separate:
                if not part.text:
                    continue
                if isinstance(last, Text):
                    parts[-1] = replace(last, text=last.text + part.text)
                    continue
            parts.append(part)
        return Turn(turn.role, tuple(parts))

    def admits(
        self,
        turn: Turn | Mapping[str, Any],
        tools: Sequence[Any] | None = None,
        by: Literal["ids", "text"] = "ids",
        prompt: Any = None,
    ) -> Refusal | None:
        """None if the turn, written, reads back as it was; else why not. `by` what it travels: ids keep control
        tokens apart from text that spells them, text does not."""
        try:
            written = self.render_reply(turn, tools=tools, prompt=prompt)
        except RefusedTurn as e:
            return e.refusal
        (read,) = read_messages([turn], ("assistant",))
        wanted = self.canon(read)
        from .parsers.stream import parse_symbols

        parser = self.parser(tools=tools, prompt=prompt)
        result = parse_symbols(parser, written.symbols if by == "ids" else written.text, by)
        got = self._without_prefill(result.turn, wanted)
        if got != wanted:
            for i, (a, b) in enumerate(zip(got.parts, wanted.parts)):
                if a != b:
                    return Refusal(f"turn.parts[{i}]", f"it would read back as {a!r}"[:300])
            return Refusal("turn.parts", f"it would read back as {len(got.parts)} parts instead of {len(wanted.parts)}")
        return None

    def _without_prefill(self, got: Turn, wanted: Turn) -> Turn:
        extra = len(got.parts) - len(wanted.parts)
        if extra > 0 and all(getattr(p, "prefilled", False) for p in got.parts[:extra]):
            return Turn(got.role, got.parts[extra:])
        return got

    def extend(
        self,
        previous_ids: Sequence[int],
        messages: Iterable[Any],
        *,
        tokenizer: Tokenizer,
        tools: Sequence[Any] | None = None,
        add_generation_prompt: bool = True,
        before: Sequence[Any] | None = None,
        **options: Any,
    ) -> list[int]:
        """`previous_ids`, a prompt and the reply that was sampled behind it, and what `messages` add to them; see
        `turnwire.extend`. `before`: the messages before that reply, for a family that counts them (LongCat's rounds).
        Raises `HistoryError` for messages that the family cannot write there."""
        from .extend import extend

        return extend(self, previous_ids, messages, tokenizer, tools, add_generation_prompt, before, options)

    # parsing

    def parser(
        self,
        tokenizer: Tokenizer | None = None,
        tools: Sequence[Any] | None = None,
        prompt: Any = None,
        strict: bool = False,
        calls_in_reasoning: Policy = "recover_if_unclosed",
        keep_turn: bool = True,
        new_id: Callable[[int], str] | None = None,
        calls: bool = True,
    ) -> Parser:
        """A streaming parser for one reply.

        `prompt` sets the start state: a `Rendered`, or the ids or text that were sent (what follows the last
        assistant header counts); None is the default generation prompt. `tools`: None parses calls unchecked,
        [] makes every name unknown. `calls=False` (tool_choice "none") makes call markers text. `keep_turn=False`
        keeps no turn, so that memory does not grow with the reply. `new_id(index)` names calls without an id; without
        it they get one that looks as the family expects and is not in the prompt, where the family has ids.
        """
        from .parsers.stream import Parser
        from .parsers.validate import Toolbox

        policies = ("recover_if_unclosed", "recover", "ignore")
        if calls_in_reasoning not in policies:
            raise OptionError(
                f"calls_in_reasoning does not take {calls_in_reasoning!r}",
                value=calls_in_reasoning,
                path="calls_in_reasoning",
                expected="'recover_if_unclosed', 'recover' or 'ignore'",
                near=nearest(calls_in_reasoning, policies),
            )
        bound = self.bind(tokenizer) if tokenizer is not None else None
        return Parser(
            self.program,
            bound,
            Toolbox(known_tools(tools)),
            prompt=self.prompt_tail(prompt, bound),
            strict=strict,
            calls_in_reasoning=calls_in_reasoning,
            keep_turn=keep_turn,
            name_call=reply_names(self.layout, new_id, prompt, bound),
            calls=calls,
        )

    def parse(
        self,
        output: Sequence[int] | str,
        tools: Sequence[Any] | None = None,
        prompt: Any = None,
        tokenizer: Tokenizer | None = None,
        finish_reason: FinishReason | None = None,
        **kwargs: Any,
    ) -> ParseResult:
        """A whole reply at once: a parser fed with everything, then closed."""
        from .events import Fault
        from .parsers.stream import ParseResult

        p = self.parser(tokenizer, tools, prompt, **kwargs)
        events = p.feed_text(output) if isinstance(output, str) else p.feed(output)
        events = events + p.close(finish_reason)
        return ParseResult(p.turn, [e for e in events if isinstance(e, Fault)], events)

    def prompt_tail(self, prompt: Any, bound: Bound | None = None) -> str:
        """In symbols, what the prompt says of the reply; None is the default generation prompt."""
        if prompt is None:
            return self.symbols_of_word(self.layout.prefill(self.context(None, {})))
        return prompt_tail(self, prompt, bound)


def _rebuild(cls: type[Format], fields: dict[str, Any]) -> Format:
    return cls(**fields)


@functools.cache
def _tokens() -> Any:
    from . import tokens  # to look it up takes longer than `bind` does

    return tokens


def _plain_words(layout: Layout) -> Iterable[Word]:
    """The words that stand in a layout's data (those in its functions are listed in `control_extra`)."""
    for _, wrap in layout.roles:
        yield from (wrap.open, wrap.close)
    results: Any = layout.results
    for name in ("open", "item_open", "item_close", "close", "sep"):
        if isinstance(getattr(results, name, None), Word):
            yield getattr(results, name)
    yield from (layout.after, layout.begin, layout.finish)
    for _, word in layout.media:
        yield word
