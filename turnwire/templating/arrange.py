"""Arrange passes: what official templates do to a list of turns before they write it. Named, shared, and each
citing the template line it copies. A pass maps a list of `Placed` to a list of `Placed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ..codecs import dumps
from ..errors import ContentError, MessageError, RoleError
from ..layout import Context, Placed
from ..turns import Call, Media, Part, Reasoning, Result, Text

Indexed = tuple["int | None", Part]


@dataclass(frozen=True, slots=True)
class SplitReasoning:
    """Content that holds a reasoning block, in a turn without reasoning, becomes reasoning and content: what is
    before the first closer (behind an opener), and what is behind the last, both without `trim` at the edges of
    the block (None: nothing is trimmed), `ends`: at the end of the content too. Qwen3-8B chat_template.jinja, lines
    38-41; MiniMax-M2, lines 88-93, with `ends`. Option `split_reasoning`."""

    open: str = "<think>"
    close: str = "</think>"
    trim: str | None = "\n"
    ends: bool = False

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        return [self._split(t) for t in turns] if context.options.get("split_reasoning", True) else turns

    def _split(self, t: Placed) -> Placed:
        if t.role != "assistant" or "reasoning" in [p.kind for _, p in t.parts] or self.close not in t.text:
            return t
        trim = self.trim or ""
        text = t.text
        index = next(i for i, p in t.parts if isinstance(p, Text))
        reasoning = text.split(self.close)[0].rstrip(trim).split(self.open)[-1].lstrip(trim)
        content = text.split(self.close)[-1].lstrip(trim).rstrip(trim if self.ends else "")
        rest: list[Indexed] = [(i, p) for i, p in t.parts if not isinstance(p, Text)]
        return t.having((index, Reasoning(reasoning)), *([(index, Text(content))] if content else []), *rest)


split_reasoning = SplitReasoning()


def drop_reasoning(turns: list[Placed], context: Context) -> list[Placed]:
    """No reasoning in any turn: templates of models that do not reason ignore `reasoning_content`."""
    return [
        t.having(*((i, p) for i, p in without_empty(t) if not isinstance(p, Reasoning))) if t.role == "assistant" else t
        for t in turns
    ]


def results_as_json(turns: list[Placed], context: Context) -> list[Placed]:
    """The text of each result as a JSON string; media stay, for the writer to judge."""
    return [t.having(*((i, _as_json(p) if isinstance(p, Result) else p) for i, p in t.parts)) for t in turns]


def _as_json(result: Result) -> Result:
    media = tuple(p for p in result.content if isinstance(p, Media))
    return replace(result, content=(Text(dumps(result.text)), *media))


def drop_calls(turns: list[Placed], context: Context) -> list[Placed]:
    """No calls and no results: templates of models that do not call leave them out."""
    return [t.having(*((i, p) for i, p in t.parts if not isinstance(p, Call))) for t in turns if t.role != "tool"]


def last_query(turns: list[Placed], blanks: str | None = "") -> int | None:
    """Where the last user turn is that is not a wrapped tool response. `blanks`: characters to trim before
    looking (None: all blanks)."""
    for at in range(len(turns) - 1, -1, -1):
        if turns[at].role == "user":
            content = (p for _, p in turns[at].parts if isinstance(p, (Text, Media)))
            text = "".join("\0" if isinstance(p, Media) else p.text for p in content).strip(blanks)
            if not (text.startswith("<tool_response>") and text.endswith("</tool_response>")):
                return at
    return None


def queried(turns: list[Placed], context: Context) -> list[Placed]:
    """Refuses what the template refuses: no user turn to answer, a system turn that is not the first or holds
    media. Qwen3.5-4B chat_template.jinja, lines 9-11, 20-22, 42-44, 78-80 and 83-86."""
    for at, t in enumerate(turns):
        if t.role == "system":
            path = f"messages[{t.turn}]"
            if at:
                raise RoleError("a system message that is not the first", value="system", path=path, expected="user")
            if media := next((p for _, p in t.parts if isinstance(p, Media)), None):
                raise ContentError("media in a system message", value=media, path=path + ".content", expected="text")
    if last_query(turns, None) is None:
        expected = "a user message that is not a <tool_response>"
        raise MessageError("no user message to answer", path="messages", expected=expected)
    return turns


def one_system(turns: list[Placed], context: Context) -> list[Placed]:
    """Refuses what the template would leave out without a word: a system turn that is not the first, media in one.
    Qwen3-VL-8B-Instruct chat_template.jinja, lines 3-12 and 38-61."""
    for t in turns:
        if media := next((p for _, p in t.parts if t.role == "system" and isinstance(p, Media)), None):
            path = f"messages[{t.turn}].content"
            raise ContentError("media in a system message", value=media, path=path, expected="text")
    if late := next((t for t in turns[1:] if t.role == "system"), None):
        path = f"messages[{late.turn}]"
        raise RoleError("a system message that is not the first", value="system", path=path, expected="user")
    return turns


@dataclass(frozen=True, slots=True)
class ThinkSinceQuery:
    """Reasoning stays behind the last query only. There, a think block stands in the last turn, in turns that
    have reasoning, and, if `always`, in every turn; one that the layout made up is marked prefilled. `trim`:
    characters trimmed off reasoning (None: all blanks). `last=False`: in the last turn only if it has reasoning.
    Qwen3-8B chat_template.jinja, lines 17-24 and 43-51; Qwen3.5-4B, lines 67-77 and 99-104, with `always` and
    `trim=None`; Ling-flash-2.0, lines 16-22 and 46-54, with `last=False`. Option
    `preserve_thinking`: everywhere as behind the last query (Qwen3.6-35B-A3B, line 100)."""

    always: bool = False
    trim: str | None = "\n"
    last: bool = True

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        last = len(turns) - 1
        query = last_query(turns, None if self.trim is None else "")
        query = last if query is None else query
        if context.options.get("preserve_thinking"):
            query = -1
        return [self._turn(t, at > query, at == last) if t.role == "assistant" else t for at, t in enumerate(turns)]

    def _turn(self, t: Placed, thinks: bool, last: bool) -> Placed:
        rest: list[Indexed] = [ip for ip in without_empty(t) if not isinstance(ip[1], Reasoning)]
        if not thinks:
            return t.having(*rest)
        given = [(i, p) for i, p in t.parts if isinstance(p, Reasoning)]
        index = given[0][0] if given else None
        said = "".join([p.text for _, p in given])
        if self.always or said or (last and self.last):
            text = said.strip(self.trim)
            if self.trim is not None:  # line 54 asks for the content before this trim: a text stays, if empty
                rest = _strip(rest, str.lstrip, self.trim)
            block = given[0][1] if given else None
            if block is None or (block.text, block.prefilled) != (text, not text):
                block = Reasoning(text, prefilled=not text)
            rest = [(index, block), *rest]
        return t.having(*rest)


@dataclass(frozen=True, slots=True)
class SplitBlock:
    """A think block that a turn's content begins with, in exactly the form that the model writes, becomes reasoning:
    the template leaves it where it is (QwQ-32B chat_template.jinja, lines 22-26), but data can make no tokens. `last`:
    in the last turn only. Option `split_reasoning`."""

    head: str
    tail: str
    last: bool = False

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        if not context.options.get("split_reasoning", True):
            return turns
        since = len(turns) - 1 if self.last else 0
        return [self._turn(t) if at >= since else t for at, t in enumerate(turns)]

    def _turn(self, t: Placed) -> Placed:
        text = t.text
        at = text.find(self.tail, len(self.head.rstrip("\n")))
        given = any(isinstance(p, Reasoning) for _, p in t.parts)
        if t.role != "assistant" or at < 0 or given or not text.startswith(self.head):
            return t
        index = next(i for i, p in t.parts if isinstance(p, Text))
        block = (index, Reasoning(text[len(self.head) : at])), (index, Text(text[at + len(self.tail) :]))
        return t.having(*block, *((i, p) for i, p in t.parts if not isinstance(p, Text)))


def last_reasoning_only(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning in the last turn only, and of other turns' content what is behind the last </think> and line ends.
    QwQ-32B chat_template.jinja, lines 22-26 and 28-32; a content that this empties still counts as one (line 34)."""
    out: list[Placed] = []
    for at, t in enumerate(turns):
        parts = [
            (i, p)
            for i, p in without_empty(t)
            if not (isinstance(p, Reasoning) and (at < len(turns) - 1 or not p.text))
        ]
        if t.role == "assistant" and at < len(turns) - 1 and t.text:
            index = next(i for i, p in parts if isinstance(p, Text))
            text = t.text.split("</think>")[-1].lstrip("\n")
            parts = [(index, Text(text)), *((i, p) for i, p in parts if not isinstance(p, Text))]
        out.append(t.having(*parts) if t.role == "assistant" else t)
    return out


def join_lines(turns: list[Placed], context: Context) -> list[Placed]:
    """The text parts of a content list, one to a line: a line end before each but those that nothing stands before.
    Granite-4.0 chat_template.jinja, lines 63-78."""
    return [t.having(*_lines(t.parts)) for t in turns]


def _lines(parts: Iterable[Indexed]) -> Iterable[Indexed]:
    said = ""
    for i, p in parts:
        if isinstance(p, Result):
            inner = tuple(q for _, q in _lines((None, q) for q in p.content) if isinstance(q, (Text, Media)))
            yield i, replace(p, content=inner)
            continue
        if isinstance(p, Text):
            p = replace(p, text="\n" + p.text) if said else p
            said += p.text
        elif not isinstance(p, Media):
            said = ""
        yield i, p


@dataclass(frozen=True, slots=True)
class Trim:
    """Blanks at both ends of a turn's content are trimmed (Jinja's `trim`); of all turns, or of those `only`."""

    only: Callable[[Placed], bool] | None = None

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        return [replace(t, parts=_trimmed(t.parts)) if self.only is None or self.only(t) else t for t in turns]


@dataclass(frozen=True, slots=True)
class StripFirst:
    """These characters are taken off the beginning of an assistant turn's content."""

    chars: str

    def __call__(self, turns: list[Placed], context: Context) -> list[Placed]:
        return [
            t.having(*without_empty(t.having(*_strip(t.parts, str.lstrip, self.chars)))) if t.role == "assistant" else t
            for t in turns
        ]


def has_calls(t: Placed) -> bool:
    """An assistant turn with calls."""
    return t.role == "assistant" and any(p.kind == "call" for _, p in t.parts)


def without_empty(t: Placed) -> list[Indexed]:
    """The parts without empty texts."""
    return [ip for ip in t.parts if not isinstance(ip[1], Text) or ip[1].text]


def _trimmed(parts: Iterable[Indexed]) -> tuple[Indexed, ...]:
    inner = [(i, _trimmed_result(p) if isinstance(p, Result) else p) for i, p in parts]
    return tuple((i, p) for i, p in strip_ends(inner) if not isinstance(p, Text) or p.text)


def strip_ends(parts: Sequence[Indexed], start: bool = True) -> list[Indexed]:
    """The texts at the end, and at the `start`, without blanks there."""
    return _strip((_strip(parts, str.lstrip) if start else parts)[::-1], str.rstrip)[::-1]


def _trimmed_result(result: Result) -> Result:
    parts = _trimmed((None, p) for p in result.content)
    return replace(result, content=tuple(p for _, p in parts if isinstance(p, (Text, Media))))


def _strip(parts: Sequence[Indexed], strip: Callable[..., str], chars: str | None = None) -> list[Indexed]:
    """The first texts stripped, up to one that is not all blank, or to media."""
    out = list(parts)
    for at, (i, p) in enumerate(out):
        if isinstance(p, Text):
            text = strip(p.text, chars)
            if text != p.text:
                out[at] = (i, replace(p, text=text))
            if text:
                break
        elif isinstance(p, Media):
            break
    return out
