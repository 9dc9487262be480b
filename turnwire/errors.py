"""Errors: what a caller got wrong. What a model got wrong is never here; it is a `Fault` event.

TurnwireError                    base; `value`, `path`, `expected`, `near` say what, where and what would do
├── FormatError                  a format description that cannot be built, or is ambiguous
├── UnknownFormat                no format of that name or model id
│   └── UnsureFormat             a model folder that no format, or more than one, may fit; `candidates`
├── OptionError                  an option the format does not have, or a value it does not take
├── MessageError                 something in `messages`
│   ├── RoleError                a role the format does not know
│   ├── ContentError             content of a wrong type, or an unknown kind of part
│   ├── ArgumentsError           arguments that are not JSON, or not an object
│   ├── ResultError              a tool result that answers no call
│   ├── HistoryError             messages that cannot follow what was sampled, or a rewritten history
│   └── RefusedTurn              a turn the format cannot write so that it reads back; `refusal` says why
├── ToolError                    something in `tools`
│   ├── DuplicateTool            two tools of one name
│   └── SchemaError              parameters that are not a usable JSON Schema
├── SurrogateError               a lone surrogate in a string
├── TemplateError                a chat template that cannot be read, or that refuses; `line` of the template
│   ├── TemplateBudgetError      it uses more time, steps or memory than it may
│   ├── UnmappedError            nothing says which of its text is the caller's; `trust_content=True` renders it
│   └── TemplateFileError        a file or folder that holds no chat template, or none that can be read
│       └── TemplateNameError    several named templates and none asked for, or none of that name; `names`
├── InferenceError               a chat template that no format can be inferred from; `evidence` of what was tried
├── EngineError                  a server that does not answer, or not as expected; `url`, `status`, `body`
├── ForgeryError                 content that spells a text marker, under forgery="raise"
├── TokenizerError               a tokenizer that does not fit
│   ├── MissingControlToken      it lacks a control token of the format
│   └── LeakyControlToken        it encodes a control token's spelling to that token
├── InputError                   a parser or a result used wrongly
│   ├── MixedInput               ids and text fed to one parser
│   ├── ClosedParser             fed after close
│   ├── BadId                    a negative or non-integer id
│   ├── NoTokenizer              ids asked for, or given, without a tokenizer
│   └── MaskError                a mask of what the model wrote that is empty, or cannot be told
└── StrictFault                  strict=True and the model's output has a fault; `fault` is the event

Every class is also a `ValueError`; `UnknownFormat` is a `KeyError` too.
"""

from __future__ import annotations

import functools
import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

Error = TypeVar("Error", bound="TurnwireError")
_NUMBERED = re.compile(r"\bmessages\[(\d+)\]")


class TurnwireError(ValueError):
    """Base of every error that turnwire raises on purpose.

    `value` is the offending value, `path` where it is (`messages[3].tool_calls[0]`, "" if it is the
    call itself), `expected` what would do, `near` the closest accepted spelling or None.
    """

    def __init__(self, problem: str, *, value: Any = None, path: str = "", expected: str = "", near: str | None = None):
        self.problem, self.value, self.path, self.expected, self.near = problem, value, path, expected, near
        super().__init__(self._said(path))

    def _said(self, where: str) -> str:
        text = f"{_line(where)}: {_line(self.problem)}" if where else _line(self.problem)
        if self.expected:
            text += f"; expected {_line(self.expected, 2_000)}"
        if self.near is not None:
            text += f"; did you mean {self.near!r}?"
        return text

    def on(self: Error, side: str) -> Error:
        """The same error, said of one of two sides."""
        if not self.path.startswith(side):
            own = "" if self.path in ("", "template") else f": {self.path}"
            self.path = side + own
            self.args = (self._said(self.path),)
        return self

    def moved(self: Error, by: int) -> Error:
        """The same error, its path counted from another message."""
        self.path = _NUMBERED.sub(lambda m: f"messages[{max(0, int(m.group(1)) + by)}]", self.path, count=1)
        self.args = (self._said(self.path),)
        return self

    def __reduce__(self) -> Any:
        import pickle

        state = dict(self.__dict__)
        try:
            pickle.dumps(state["value"])
        except Exception:  # a caller's object of whatever kind: an error must cross processes all the same
            state["value"] = _line(repr(state["value"]))
        return _rebuild, (type(self), self.args, state)


def told(value: object) -> str:
    """A value as Python shows it, if it can be shown."""
    try:
        return repr(value)
    except (RecursionError, ValueError):  # nested too deep, or a number of too many digits
        return f"this {type(value).__name__}"


def _line(text: str, most: int = 500) -> str:
    """`text` as one short line that can be encoded."""
    text = text if len(text) <= most else text[: most - 3] + "..."
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text


def _rebuild(cls: type[TurnwireError], args: tuple[Any, ...], state: dict[str, Any]) -> TurnwireError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error


class FormatError(TurnwireError):
    """A format description that cannot be built."""


class UnknownFormat(TurnwireError, KeyError):
    """No format of that name or model id."""

    __str__ = TurnwireError.__str__


class UnsureFormat(UnknownFormat):
    """A model folder that no format, or more than one, may fit: `candidates` are their names, the likeliest first."""

    def __init__(self, problem: str, *, candidates: tuple[str, ...] = (), **kw: Any):
        expected = kw.pop("expected", "")
        if candidates:
            expected += f"; candidates: {', '.join(candidates)}"
        super().__init__(problem, expected=expected, **kw)
        self.candidates = candidates


class TemplateError(TurnwireError):
    """A chat template that cannot be read, or that refuses what it is given.

    `line` is the template's, if known, `excerpt` that line and its neighbours, `path` the message that was rendered.
    `kind`: "syntax" (no template), "refused" (`raise_exception`), "undefined" (`missing`: the variables that it reads
    and was not given), "failed" (anything else that it does wrong), "" if it did not come to run. `str` of it is one
    line, and the excerpt below."""

    needs: Callable[[], tuple[str, ...]] | None = None

    def __init__(self, problem: str, *, line: int | None = None, excerpt: str = "", kind: str = "", **kw: Any):
        super().__init__(problem, **kw)
        self.line, self.excerpt, self.kind = line, excerpt, kind

    @functools.cached_property
    def missing(self) -> tuple[str, ...]:
        """Looked for when asked: it takes as long as to read the template."""
        return self.needs() if self.needs else ()

    def __str__(self) -> str:
        path = "" if self.line and self.path == "template" else self.path
        where = ", ".join([path] * bool(path) + [f"template line {self.line}"] * bool(self.line))
        also = [name for name in self.missing if f"{name!r}" not in self.expected][:8]
        said = self._said(where) + f"; the template also reads {', '.join(also)}, not given" * bool(also)
        return said + f"\n{self.excerpt}" * bool(self.excerpt)

    def __reduce__(self) -> Any:
        _ = self.missing  # while it can be told
        self.needs = None
        return super().__reduce__()


class TemplateBudgetError(TemplateError):
    """A chat template that uses more time, steps or memory than it may."""


class UnmappedError(TemplateError):
    """A template whose text could not be told from the caller's, so that content could forge control tokens."""


class TemplateFileError(TemplateError):
    """A file or folder that holds no chat template, or none that can be read."""


class TemplateNameError(TemplateFileError):
    """Several named templates and none asked for, or none of the name asked for; `names` are there."""

    def __init__(self, problem: str, *, names: tuple[str, ...] = (), **kw: Any):
        super().__init__(problem, **kw)
        self.names = names


class InferenceError(TurnwireError):
    """A chat template from which no format can be inferred; the message says why. `evidence`: what was tried, if it
    came to that."""

    def __init__(self, problem: str, *, evidence: Any = None, **kw: Any):
        super().__init__(problem, **kw)
        self.evidence = evidence


class OptionError(TurnwireError):
    """An unknown option, or a value it does not take."""


class MessageError(TurnwireError):
    """Something in `messages`."""


class RoleError(MessageError):
    """A role the format does not know."""


class ContentError(MessageError):
    """Content of a wrong type, or an unknown kind of content part."""


class ArgumentsError(MessageError):
    """Call arguments that are not JSON, or not an object."""


class ResultError(MessageError):
    """A tool result that answers no call."""


class RefusedTurn(MessageError):
    """A turn that the format cannot write so that it reads back; `refusal` says why."""

    def __init__(self, problem: str, *, refusal: Any = None, **kw: Any):
        super().__init__(problem, **kw)
        self.refusal = refusal


class ToolError(TurnwireError):
    """Something in `tools`."""


class DuplicateTool(ToolError):
    """Two tools of one name."""


class SchemaError(ToolError):
    """Parameters that are not a usable JSON Schema."""


class HistoryError(MessageError):
    """Messages that cannot follow what was sampled, or a history that the family rewrites."""


class SurrogateError(TurnwireError):
    """A lone surrogate in a string."""


class EngineError(TurnwireError):
    """A server that cannot be reached, refuses, or answers otherwise than expected. `url` is without credentials,
    `status` that of the answer or None if none came, `body` how its text begins, without the key."""

    def __init__(self, problem: str, *, url: str = "", status: int | None = None, body: str = "", **kw: Any):
        super().__init__(problem, value=body or None, path=url, **kw)
        self.url, self.status, self.body = url, status, body


class ForgeryError(TurnwireError):
    """Content that spells a marker which is ordinary text, under forgery="raise"."""


class TokenizerError(TurnwireError):
    """A tokenizer that does not fit."""


class MissingControlToken(TokenizerError):
    """The tokenizer lacks a control token of the format."""


class LeakyControlToken(TokenizerError):
    """The tokenizer encodes a control token's spelling to that token, and no cut inside the spelling prevents it."""


class InputError(TurnwireError):
    """A parser or a result used wrongly."""


class MixedInput(InputError):
    """Ids and text fed to one parser."""


class ClosedParser(InputError):
    """Fed after close."""


class BadId(InputError):
    """A negative or non-integer id."""


class NoTokenizer(InputError):
    """Ids asked for, or given, without a tokenizer."""


class MaskError(InputError):
    """A mask of what the model wrote that nothing would be in, or that cannot be told."""


class StrictFault(TurnwireError):
    """strict=True and the model's output has a fault; `fault` is the event."""

    def __init__(self, problem: str, *, fault: Any = None, **kw: Any):
        super().__init__(problem, **kw)
        self.fault = fault


def nearest(word: object, known: Iterable[str]) -> str | None:
    """The known spelling closest to `word`, or None when none is close."""
    if not isinstance(word, str) or len(word) > 200:  # it takes a time that grows with the square
        return None
    names = list(known)
    folded = {name.casefold(): name for name in names}
    import difflib  # for mistakes only

    hit = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[hit[0]] if hit else None


def as_mapping(value: Any) -> Mapping[str, Any] | None:
    """The value if it is a mapping, else None."""
    return cast("Mapping[str, Any]", value) if type(value) is dict or isinstance(value, Mapping) else None


def check_text(text: str, path: str) -> None:
    """Raise `SurrogateError` when `text` holds a lone surrogate."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as e:
        raise SurrogateError(
            f"lone surrogate {text[e.start]!r} at character {e.start}",
            value=text,
            path=path,
            expected="text that can be encoded as UTF-8",
        ) from None


def check_strings(value: Any, path: str) -> None:
    """Raise `SurrogateError` for a lone surrogate in any string or key inside a JSON-like value."""
    todo: list[tuple[Any, str]] = [(value, path)]
    while todo:
        item, where = todo.pop()
        if isinstance(item, str):
            check_text(item, where)
        elif isinstance(item, dict):
            for key, inner in cast("dict[Any, Any]", item).items():
                if isinstance(key, str):
                    check_text(key, f"{where} (a key)")
                todo.append((inner, step(where, str(key))))
        elif isinstance(item, (list, tuple)):
            items = cast("Sequence[Any]", item)
            todo.extend((inner, f"{where}[{i}]") for i, inner in enumerate(items))


BOOL = ("bool", "bool_")
"""Python's and numpy's, which until numpy 2.3 could be an index."""


def check_ids(ids: Any, path: str) -> Sequence[int]:
    """The token ids as plain integers; raises `BadId` for what is none, or negative."""
    if not isinstance(ids, (list, tuple)):
        if isinstance(ids, (str, bytes, bytearray)) or not isinstance(ids, Iterable):
            raise BadId(f"not ids: {ids!r}", value=ids, path=path, expected="a sequence of token ids")
        ids = list(cast("Iterable[Any]", ids))
    items = cast("Sequence[Any]", ids)
    if [*map(type, items)].count(int) == len(items) and min(items, default=0) >= 0:
        return items
    out: list[int] = []
    for at, item in enumerate(items):
        try:
            value = -1 if type(item).__name__ in BOOL else operator.index(item)
        except TypeError:
            value = -1
        if value < 0:
            raise BadId(f"not an id: {item!r}", value=item, path=f"{path}[{at}]", expected="integers from 0 on")
        out.append(value)
    return out


def step(path: str, key: str | int) -> str:
    """`path` and one step more: `.name`, `["odd name"]` or `[3]`."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _PLAIN_KEY.fullmatch(key):
        return f"{path}.{key}"
    quoted = json.dumps(key if len(key) <= 60 else key[:57] + "...", ensure_ascii=False)
    return f"{path}[{quoted.encode(errors='backslashreplace').decode()}]"


_PLAIN_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]{0,59}")
