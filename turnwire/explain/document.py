"""Document: what is shown of one prompt, or of one reply, or of both in a row: its text as turns, parts and tokens.

It is the data of the page, of the fragment in notebooks and of the terminal; none of them looks at anything else. All
positions are characters of `text`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .. import events as ev
from ..errors import MaskError, check_ids, check_text
from ..origins import spell
from ..parsers.stream import ParseResult
from ..spans import Rendered, Run, char_ends
from ..tokens import Detokenizer
from .sections import CLOSER, MARKER, MARKUP, Block, Section, blocks, sections

if TYPE_CHECKING:
    from ..format import Format
    from ..tokens import Tokenizer


@dataclass(frozen=True)
class Field:
    """Characters [start, stop) and where they come from, as `turnwire.Origin` says it."""

    start: int
    stop: int
    kind: str
    line: int | None
    path: str
    offset: int | None


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text: ids, the characters that each holds some of, its bytes (None: no piece), and which ids
    are control tokens."""

    ids: Sequence[int]
    extents: Sequence[tuple[int, int]]
    pieces: Sequence[bytes | None]
    control: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Document:
    """See the head of this file.

    `runs` tile the text as those of `Rendered`. `mask`: a flag a token, None where it is not known (`unmasked` says
    why) or there are no tokens. `lines`: the template's lines that wrote something, by number. `events`: of a reply,
    which begins at character `reply`. `facts` are what else to say of it, in words.
    """

    name: str
    text: str
    sections: Sequence[Section]
    blocks: Sequence[Block]
    runs: Sequence[Run]
    tokens: Tokens | None = None
    mask: Sequence[bool] | None = None
    unmasked: str = ""
    fields: Sequence[Field] = ()
    lines: Mapping[int, str] = field(default_factory=dict[int, str])
    events: Sequence[ev.Event] = ()
    reply: int | None = None
    facts: Sequence[tuple[str, str]] = ()

    @property
    def faults(self) -> list[ev.Fault]:
        """What the reply breaks of its format."""
        return [e for e in self.events if isinstance(e, ev.Fault)]

    @property
    def problems(self) -> list[ev.Event]:
        """The faults, and the calls that are whole but may not be run."""
        return [e for e in self.events if isinstance(e, ev.Fault) or _refused(e)]

    @property
    def sound(self) -> bool:
        """Whether a reply has no faults, and every call of it may be run."""
        return not self.faults and all(e.call.status == "complete" for e in self.events if isinstance(e, ev.CallEnd))

    def then(self, reply: Document) -> Document:
        """A prompt and the reply to it, as one."""
        at, n = len(self.text), len(self.tokens.ids) if self.tokens else 0
        tokens = None
        if self.tokens and reply.tokens:
            tokens = Tokens(
                [*self.tokens.ids, *reply.tokens.ids],
                [*self.tokens.extents, *((a + at, b + at) for a, b in reply.tokens.extents)],
                [*self.tokens.pieces, *reply.tokens.pieces],
                self.tokens.control | reply.tokens.control,
            )
        known = tokens is not None and self.mask is not None
        opened = bool(self.sections) and self.sections[-1].note == "generation prompt"
        mine = [*self.sections[:-1]] if opened else [*self.sections]
        theirs = [replace(s, start=s.start + at, stop=s.stop + at) for s in reply.sections]
        if opened and theirs:  # the reply goes on where the prompt opened it
            theirs[0] = replace(theirs[0], start=self.sections[-1].start)
        moved = [
            replace(b, start=b.start + at, stop=b.stop + at, section=b.section + len(mine)) for b in reply.blocks
        ]  # fmt: skip
        if not theirs:
            mine = [*self.sections]
        return replace(
            self,
            text=self.text + reply.text,
            sections=[*mine, *theirs],
            blocks=[*self.blocks, *moved],
            runs=[*self.runs, *(replace(r, start=r.start + at, stop=r.stop + at) for r in reply.runs)],
            tokens=tokens,
            mask=[*(self.mask or ()), *(reply.mask or ())] if known else None,
            unmasked=self.unmasked if self.tokens and not known else "",
            fields=[*self.fields, *(replace(f, start=f.start + at, stop=f.stop + at) for f in reply.fields)],
            events=[_moved(e, at, n if tokens else None) for e in reply.events],
            reply=at,
            facts=[*self.facts, *reply.facts],
        )


def _refused(e: ev.Event) -> bool:
    return isinstance(e, ev.CallEnd) and e.call.status in ("invalid", "unknown-tool")


def of_rendered(
    out: Rendered,
    name: str = "prompt",
    roles: Sequence[str] | None = None,
    source: str = "",
    facts: Sequence[tuple[str, str]] = (),
) -> Document:
    """A rendered prompt. `roles`: those of its messages; `source`: of the template that wrote it."""
    bound: Any = out._bound  # pyright: ignore[reportPrivateUsage]
    runs = out.stretched
    shown = sections(out.text, runs, roles)
    tokens, mask, unmasked = None, None, out.unmasked
    if bound is not None:
        ids = out.ids
        control = frozenset(bound.ids.values()) | frozenset(bound.tokenizer.specials.values())
        tokens = Tokens(ids, out.extents(), [bound.tokenizer.piece(i) for i in ids], control)
        try:
            mask = out.mask("sampled")
        except MaskError as e:
            unmasked = str(e)
    fields = _fields(out)
    wanted = {f.line for f in fields if f.line is not None}
    lines = {n: line for n, line in enumerate(source.split("\n"), 1) if n in wanted}
    parts = blocks(_with_schemas(out), shown)
    return Document(name, out.text, shown, parts, runs, tokens, mask, unmasked, fields, lines, facts=facts)


def of_reply(
    result: ParseResult,
    output: Sequence[int] | str,
    tokenizer: Tokenizer | None = None,
    name: str = "reply",
    control: Sequence[str] = (),
    facts: Sequence[tuple[str, str]] = (),
) -> Document:
    """What a model wrote, parsed: `output` is what was parsed, text or ids."""
    tokens = None
    if isinstance(output, str):
        check_text(output, "output")
        text = output
    else:
        text, tokens = of_ids(output, tokenizer, control)
    runs = runs_of(result.events, len(text))
    shown = [Section(0, len(text), None, result.turn.role, "reply")] if text else []
    mask = [True] * len(tokens.ids) if tokens else None
    parts = _parts(result.events, runs, shown)
    return Document(name, text, shown, parts, runs, tokens, mask, events=result.events, reply=0, facts=facts)


def streamed(
    fmt: Format,
    output: Sequence[int] | str,
    tools: Any = None,
    prompt: Any = None,
    tokenizer: Tokenizer | None = None,
    finish_reason: ev.FinishReason | None = None,
) -> ParseResult:
    """A reply, parsed token by token (text word by word), so that its events are those of a stream."""
    parser = fmt.parser(tokenizer, tools, prompt)
    events: list[ev.Event] = []
    if isinstance(output, str):
        for word in re.findall(r"\s+|\S{1,16}", output):
            events += parser.feed_text(word)
    else:
        for token in check_ids(output, "output"):
            events += parser.feed([token])
    events += parser.close(finish_reason)
    return ParseResult(parser.turn, [e for e in events if isinstance(e, ev.Fault)], events)


def of_ids(ids: Sequence[int], tokenizer: Tokenizer | None, control: Sequence[str] = ()) -> tuple[str, Tokens]:
    """Logged ids: their text and their tokens. `control`: the spellings of control tokens that are not special."""
    from ..errors import NoTokenizer

    ids = check_ids(ids, "ids")
    if tokenizer is None:
        raise NoTokenizer("ids without a tokenizer", value=ids[:8], path="ids", expected="tokenizer=...")
    pieces = [tokenizer.piece(i) for i in ids]
    table: list[str | bytes | None] = []
    for piece in pieces:
        try:
            table.append(None if piece is None else piece.decode())
        except UnicodeDecodeError:
            table.append(piece)
    text = Detokenizer(tokenizer).whole(ids)
    known = frozenset(n for s in control if (n := tokenizer.special(s)) is not None)
    extents: list[tuple[int, int]] = []
    begin = 0.0
    for until in char_ends(table, range(len(ids))):
        extents.append((min(int(begin), len(text)), min(int(until + 0.5), len(text))))
        begin = until
    return text, Tokens(ids, extents, pieces, known | frozenset(tokenizer.specials.values()))


def encode(text: str, control: Sequence[str], tokenizer: Tokenizer) -> list[int]:
    """A reply's text as ids, in which what spells a control token is that token, as it was for the model."""
    names = frozenset(control)
    pattern = "|".join(re.escape(c) for c in sorted(names, key=len, reverse=True))
    ids: list[int] = []
    for piece in re.split(f"({pattern})", text) if names else [text]:
        special = tokenizer.special(piece) if piece in names else None
        ids += tokenizer.encode(piece, names) if special is None else [special]
    return ids


def _with_schemas(out: Rendered) -> Sequence[Run]:
    """The runs, with what a template writes between the words of tools (quotes, braces) counted as of the tools."""
    if out.origins is None:
        return out.stretched
    schemas = [s for s in out.origins.spans if s.path[:1] == ("tools",) and s.kind == "template"]
    spans = iter(schemas)
    span = next(spans, None)
    runs: list[Run] = []
    for run in out.stretched:
        at = run.start
        while span is not None and span.start < run.stop:
            start, stop = max(at, span.start), min(run.stop, span.stop)
            if run.kind == "template" and start < stop:
                runs += [replace(run, start=at, stop=start)] if start > at else []
                runs.append(replace(run, start=start, stop=stop, kind="tools"))
                at = stop
            if span.stop > run.stop:
                break
            span = next(spans, None)
        runs += [replace(run, start=at)] if at < run.stop else []
    return runs


def _fields(out: Rendered) -> list[Field]:
    """Where the text comes from: by the source map, or for a format's prompt by its runs."""
    if out.origins is not None:
        return [Field(s.start, s.stop, s.kind, s.line, spell(s.path), s.offset) for s in out.origins.spans]
    found = [(run, out.origin(run.start)) for run in out.stretched]
    return [Field(run.start, run.stop, o.kind, o.line, o.path, o.offset) for run, o in found]


_DELTAS: dict[type[Any], str] = {ev.TextDelta: "text", ev.ReasoningDelta: "reasoning", ev.ArgumentsDelta: "call"}


def runs_of(events: Sequence[ev.Event], size: int) -> list[Run]:
    """The runs of a reply. Markup is of the part that it opens or closes; between parts it is of none."""
    out: list[Run] = []

    def put(start: int, stop: int, part: int | None, kind: str) -> None:
        last = out[-1] if out else None
        if last and (last.kind, last.part) == (kind, part):
            out[-1] = Run(last.start, stop, None, part, kind, True)
        elif stop > start:
            out.append(Run(start, stop, None, part, kind, True))

    following = _following(events)
    now: int | None = None
    at = 0
    for n, e in enumerate(events):
        start, stop = e.span
        if isinstance(e, ev.PartStart):
            now = e.part
        if isinstance(e, ev.Markup) and stop > start:
            opener = next((m.start() for m in MARKER.finditer(e.text) if not CLOSER.match(m.group())), len(e.text))
            closes = now if following[n] is None or e.text[:opener].strip() else None
            put(start, min(stop, start + opener), closes, "template")
            put(min(stop, start + opener), stop, now if following[n] is None else following[n], "template")
        elif stop > start:
            put(start, stop, getattr(e, "part", now), _DELTAS.get(type(e), "template"))
        at = max(at, stop)
        if isinstance(e, ev.PartEnd):
            now = None
    put(at, size, None, "template")
    return out


def _following(events: Sequence[ev.Event]) -> list[int | None]:
    """Of each event the part that begins directly behind it."""
    out: list[int | None] = [None] * len(events)
    part: int | None = None
    for n in range(len(events) - 1, -1, -1):
        out[n] = part
        e = events[n]
        part = e.part if isinstance(e, ev.PartStart) else part if e.span[1] == e.span[0] else None
    return out


def _parts(events: Sequence[ev.Event], runs: Sequence[Run], shown: Sequence[Section]) -> list[Block]:
    """The blocks of a reply, each of the kind that its part says it is."""
    kinds: dict[int | None, str] = {e.part: e.kind for e in events if isinstance(e, ev.PartStart)}
    return [replace(b, kind=kinds.get(b.part, MARKUP)) for b in blocks(runs, shown)]


def _moved(e: ev.Event, at: int, n: int | None) -> ev.Event:
    tokens = None if e.tokens is None or n is None else (e.tokens[0] + n, e.tokens[1] + n)
    return replace(e, span=(e.span[0] + at, e.span[1] + at), tokens=tokens)
