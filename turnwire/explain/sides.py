"""Sides: whatever a prompt can come from, as one value that gives it.

`side(value)` takes a `Format`, a `ChatTemplate`, the path of a model folder, template or GGUF, `Logged` ids or text,
an `Engine`, or a text that names one of them: `format:qwen3`, `template:PATH`, `ids:PATH`, `text:PATH`, `http://HOST`.
A name without a prefix is read as what it can only be; one that could be two things is an error that lists the
readings.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

from ..chat_template import ChatTemplate
from ..detect import CONVERSATIONS
from ..errors import InputError, TurnwireError, UnknownFormat, check_ids
from ..families import get_format
from ..format import Format
from ..layout import as_date
from ..spans import Rendered
from ..templating.jinja import render
from ..tokenbackend import HfTokenizer
from ..tokens import Detokenizer, Tokenizer, load_tokenizer

PREFIXES = ("format:", "template:", "ids:", "text:", "http://", "https://")
TAGS = ("{%", "{{")
MAPPED = ("now", "add_generation_prompt", "trust_content", "continue_final_message", "documents", "inputs")
TOKENIZERS = ("tokenizer.json", "tekken.json", "tokenizer.model", "tiktoken.model")


@dataclass(frozen=True)
class Prompt:
    """What a side made of a conversation. `text`: "" if only ids are known and no tokenizer; `ids`: None without a
    tokenizer, or where only the text is known. `rendered`: its runs, origins and mask, None where the prompt was made
    elsewhere. `name`: the side as its user called it. `assets`: what it was made with, by sha256."""

    text: str
    ids: list[int] | None = None
    rendered: Rendered | None = None
    name: str = ""
    assets: Mapping[str, str] = field(default_factory=dict[str, str])
    source: str = field(default="", repr=False)  # of the template that made it, "" if none did
    tokenizer: Tokenizer | None = field(default=None, repr=False, compare=False)


@runtime_checkable
class Side(Protocol):
    """What gives prompts. It may also have a `tokenizer` of its own, and `fixed`: it gives one prompt whatever it is
    asked, so that asking it again with something changed tells nothing."""

    @property
    def name(self) -> str:
        """As its user called it."""
        ...

    def prompt(self, messages: Any, tools: Any, tokenizer: Tokenizer | None, options: Mapping[str, Any]) -> Prompt:
        """The prompt of a conversation; `options` are keywords of `render`."""
        ...


@dataclass(frozen=True)
class Logged:
    """A prompt that was written down: token ids, or the text. It is itself a side."""

    ids: list[int] | None = None
    text: str | None = None
    name: str = field(default="logged", kw_only=True)
    fixed = True

    def __post_init__(self) -> None:
        if self.ids is None and self.text is None:
            raise InputError("neither ids nor text", path="Logged", expected="Logged(ids=...) or Logged(text=...)")
        if self.ids is not None:
            object.__setattr__(self, "ids", list(check_ids(self.ids, "Logged.ids")))

    def __hash__(self) -> int:
        return hash((tuple(self.ids or ()), self.text))

    def prompt(
        self, messages: Any, tools: Any, tokenizer: Tokenizer | None = None, options: Mapping[str, Any] | None = None
    ) -> Prompt:
        """What was logged, whatever the conversation is."""
        text, assets = self.text, dict[str, str]()
        if self.ids is not None:
            assets["ids"] = _sha(",".join(map(str, self.ids)))
            if text is None and tokenizer is not None:
                text = Detokenizer(tokenizer).whole(self.ids)
        if self.text is not None:
            assets["text"] = _sha(self.text)
        if self.ids is not None and tokenizer is not None:
            assets["tokenizer"] = tokenizer_sha256(tokenizer)
        return Prompt(text or "", self.ids, None, self.name, assets, tokenizer=tokenizer)


@dataclass(frozen=True)
class FormatSide:
    """A format."""

    format: Format
    name: str

    def text(self, messages: Any, tools: Any, options: Mapping[str, Any]) -> str:
        """The text of the prompt only, which is quicker to have."""
        return self.format.render(messages, tools, None, **options).text

    def prompt(self, messages: Any, tools: Any, tokenizer: Tokenizer | None, options: Mapping[str, Any]) -> Prompt:
        _asked(messages, self.name)
        out = self.format.render(messages, tools, tokenizer, **options)
        assets = {"format": _format_sha256(self.format)}
        return _prompt(out, self.name, assets, tokenizer, "")


@dataclass(frozen=True)
class TemplateSide:
    """A chat template; of several under one path, that for chats with or without tools."""

    given: ChatTemplate | None
    name: str
    path: str = ""

    @functools.cached_property
    def tokenizer(self) -> Tokenizer | None:
        """Of the model folder, if it has one."""
        place = Path(self.path)
        if not self.path or not any((place / n).is_file() for n in TOKENIZERS):
            return None
        return load_tokenizer(self.path)

    def template(self, tools: Any) -> ChatTemplate:
        """The template for these tools."""
        return self._plain if not tools else self._for_tools

    @functools.cached_property
    def _plain(self) -> ChatTemplate:
        return self.given or ChatTemplate.load(self.path)

    @functools.cached_property
    def _for_tools(self) -> ChatTemplate:
        return self.given or ChatTemplate.load(self.path, tools=True)

    def text(self, messages: Any, tools: Any, options: Mapping[str, Any]) -> str:
        """The text of the prompt only, without its source map, which is quicker to have."""
        template, more = self.template(tools), {k: v for k, v in options.items() if k not in MAPPED}
        if any(options.get(k) for k in MAPPED[3:]):
            return template.render(messages, tools, **options).text
        now = options.get("now")
        shape = template.inputs
        context = template._context(shape.definitions(tools), None, more)  # pyright: ignore[reportPrivateUsage]
        given = {**context, "messages": shape.messages(messages)}
        given["add_generation_prompt"] = bool(options.get("add_generation_prompt"))
        return render(template.source, given, template.limits, None if now is None else as_date(now))

    def prompt(self, messages: Any, tools: Any, tokenizer: Tokenizer | None, options: Mapping[str, Any]) -> Prompt:
        _asked(messages, self.name)
        template = self.template(tools)
        out = template.render(messages, tools, tokenizer, **options)
        return _prompt(out, self.name, {"template": template.sha256}, tokenizer, template.source)


def side(value: Any) -> Side:
    """The side that `value` is or names; see the head of this file. Raises `InputError` that lists the readings."""
    if isinstance(value, Format):
        return FormatSide(value, value.name)
    if isinstance(value, ChatTemplate):
        return TemplateSide(value, value.origin or repr(value))
    if isinstance(value, Path):
        return _file(str(value), str(value))
    if isinstance(value, str):
        return _named(value)
    if isinstance(value, Side):
        return value
    raise InputError(f"a {type(value).__name__} has no prompts", value=value, path="side",
                     expected="a Format, ChatTemplate, Path, Logged or Engine, or a name")  # fmt: skip


def lent(a: Side, b: Side) -> tuple[Side, Side]:
    """The sides; of two templates, one that was read from a bare file has the special tokens that the other knows."""
    if not isinstance(a, TemplateSide) or not isinstance(b, TemplateSide):
        return a, b
    try:
        ours, theirs = a.template(None), b.template(None)
    except TurnwireError:
        return a, b  # their prompts say why
    return _lent(a, ours, theirs), _lent(b, theirs, ours)


def _lent(to: TemplateSide, mine: ChatTemplate, other: ChatTemplate) -> TemplateSide:
    bare = mine.origin and not (mine.bos_token or mine.eos_token or mine.variables)
    if not bare or not (other.bos_token or other.eos_token):
        return to
    lent = replace(mine, bos_token=other.bos_token, eos_token=other.eos_token, variables=other.variables)
    return replace(to, given=lent)


def tokenizer_sha256(tokenizer: Tokenizer) -> str:
    """Of a tokenizer's definition, by which two are the same or not."""
    return _tokenizer_sha256(tokenizer)  # type: ignore[arg-type]  # hashable, as the protocol says


@functools.lru_cache(8)
def _tokenizer_sha256(tokenizer: Tokenizer) -> str:
    if isinstance(tokenizer, HfTokenizer):
        return _sha(tokenizer.backend.to_str())
    pieces = (tokenizer.piece(i) for i in range(tokenizer.size))
    return hashlib.sha256(b"\0".join(p or b"" for p in pieces)).hexdigest()


@functools.lru_cache(64)
def _format_sha256(fmt: Format) -> str:
    """By what it does: its reply and the prompts of a few conversations. Formats are code, which has no hash."""
    said = list(fmt.control)
    for messages, tools in CONVERSATIONS:
        try:
            said.append(fmt.render(messages, tools, add_generation_prompt=True, **_dated(fmt)).text)
        except TurnwireError as e:
            said.append(type(e).__name__)
    return _sha("\0".join(said))


def _dated(fmt: Format) -> dict[str, Any]:
    return {"now": "2026-01-15"} if "now" in fmt.options else {}


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _asked(messages: Any, name: str) -> None:
    if messages is None:
        raise InputError("a prompt of nothing", value=None, path=name, expected="messages")


def _prompt(out: Rendered, name: str, assets: dict[str, str], tokenizer: Tokenizer | None, source: str) -> Prompt:
    if tokenizer is not None:
        assets["tokenizer"] = tokenizer_sha256(tokenizer)
    return Prompt(out.text, out.ids if tokenizer is not None else None, out, name, assets, source, tokenizer)


# names


def _named(text: str) -> Side:
    prefix = next((p for p in PREFIXES if text.startswith(p)), "")
    rest = text.removeprefix(prefix)
    if prefix == "format:":
        return FormatSide(get_format(rest), text)
    if prefix == "template:":
        return TemplateSide(None, text, rest)
    if prefix in ("ids:", "text:"):
        return _logged(prefix, rest, text)
    if prefix:
        from .engines import Engine

        return Engine(text)
    try:
        fmt = get_format(text)
    except UnknownFormat:
        return _file(text, text)
    if Path(text).exists():
        raise _either(text, ("format:", "template:"))
    return FormatSide(fmt, text)


def _file(path: str, name: str) -> Side:
    """The side of a file or folder that is named without a prefix."""
    place = Path(path)
    if not place.exists():
        raise InputError("no such format, file or folder", value=path, path=name,
                         expected="a format's name, a path, or one of " + ", ".join(PREFIXES))  # fmt: skip
    if place.is_dir() or place.suffix in (".jinja", ".j2", ".gguf"):
        return TemplateSide(None, name, path)
    try:
        text = _text(place)
    except InputError:
        return TemplateSide(None, name, path)  # it says what is wrong with it
    value = _json(text)
    if isinstance(value, list):
        return _logged("ids:", path, name)
    if isinstance(value, dict) and "chat_template" in value:
        return TemplateSide(None, name, path)
    if any(tag in text for tag in TAGS):
        raise _either(name, ("template:", "text:"))
    return _logged("text:", path, name)


def _either(name: str, prefixes: Sequence[str]) -> InputError:
    readings = " or ".join(prefix + name for prefix in prefixes)
    return InputError(f"{name!r} could be {len(prefixes)} things", value=name, path="side", expected=readings)


def _logged(kind: str, path: str, name: str) -> Logged:
    text = _text(Path(path))
    if kind == "text:":
        return Logged(text=text, name=name)
    value = _json(text)
    if isinstance(value, dict):
        held = cast("dict[str, Any]", value)
        value = next((held[k] for k in ("prompt_token_ids", "token_ids", "tokens", "ids") if k in held), None)
    if not isinstance(value, list):
        raise InputError("no list of ids", value=text[:80], path=path, expected="a JSON list of token ids")
    try:
        return Logged(ids=cast("list[int]", value), name=name)
    except TurnwireError as e:
        raise InputError(f"no list of ids: {e.problem}", value=e.value, path=path, expected=e.expected) from None


def _text(place: Path) -> str:
    try:
        return place.read_bytes().decode()
    except OSError as e:
        problem = f"cannot read it: {e.strerror or e}"
        raise InputError(problem, value=str(place), path=str(place), expected="a file") from None
    except UnicodeDecodeError as e:
        problem = f"not UTF-8 at byte {e.start:,}"
        raise InputError(problem, value=None, path=str(place), expected="UTF-8 text") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
