"""ChatTemplate: a model's Jinja chat template, rendered exactly as transformers 5 renders it, with a source map.

The map says of each character whether the template or the caller wrote it. So content can never become a control
token, the tokens that a model would have written are known without `{% generation %}`, and a prompt that is not what
was expected can be traced to a line and a field. Templates compare by value, pickle, and are shared between threads.
"""

from __future__ import annotations

import functools
import hashlib
import marshal
import math
import time
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .errors import MessageError, OptionError, TemplateError, UnmappedError, check_text, nearest
from .layout import as_date
from .messages import REASONING
from .origins import OriginMap
from .spans import Rendered
from .templatefiles import read_templates
from .templating.budget import Limits
from .templating.inputs import Inputs, given_documents, plain
from .templating.likeness import Message
from .templating.mapped import Found, Prompt
from .templating.sampled import find
from .templating.sourcemap import MARKUP, Traced, trace
from .templating.trials import Shown, Trials
from .tokens import Tokenizer, bind, check_tokenizer
from .wire import Symbols

if TYPE_CHECKING:
    from .format import Format

T = TypeVar("T")
_ends: ContextVar[float | None] = ContextVar("ends", default=None)
"""When the time of a render is over, its trials included."""
OWN = ("messages", "tools", "documents", "add_generation_prompt", "continue_final_message")


@dataclass(frozen=True)
class ChatTemplate:
    """See the head of this file.

    `source`: the Jinja text. `bos_token`, `eos_token` and what else `variables` hold (other special tokens) are what
    the template gets as variables of these names. `inputs`: how messages are shaped before the template sees them.
    `limits`: what a render may use. `name`: which of a model's templates it is; `origin`: the file it was read from.
    """

    source: str
    bos_token: str = ""
    eos_token: str = ""
    name: str = field(default="default", kw_only=True)
    variables: Mapping[str, str] = field(default_factory=dict[str, str], kw_only=True)
    inputs: Inputs = field(default_factory=Inputs, kw_only=True)
    limits: Limits = field(default_factory=Limits, kw_only=True)
    origin: str = field(default="", kw_only=True, compare=False)

    def __post_init__(self) -> None:
        for name in ("source", "bos_token", "eos_token", "name"):
            object.__setattr__(self, name, _text(getattr(self, name), name))
        given: Any = self.variables
        if not isinstance(given, Mapping):
            raise OptionError("not a mapping", value=given, path="variables", expected="names and texts")
        own = {_text(k, "variables"): _text(v, f"variables[{k!r}]") for k, v in cast("Any", given).items()}
        object.__setattr__(self, "variables", own)
        for name, kind in (("inputs", Inputs), ("limits", Limits)):
            _of(getattr(self, name), kind, name)

    def __hash__(self) -> int:
        return hash((self.source, self.bos_token, self.eos_token, self.name))

    def __repr__(self) -> str:
        return f"<ChatTemplate {self.name} {self.sha256[:8]}>"

    @classmethod
    def load(cls, path: str | PathLike[str], name: str | None = None, *, tools: bool = False) -> ChatTemplate:
        """The template of a model folder, a template file, a tokenizer_config.json or a GGUF, with the special tokens
        that go with it (`templatefiles` says which files). `name` chooses among several; without one it is the one for
        chats with `tools`, if there is one, else the plain one. Raises `TemplateFileError` that says what was found."""
        if not isinstance(path, (str, PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise OptionError("path is not a path", value=path, path="path", expected="a file or a folder")
        if name is not None:
            _of(name, str, "name")
        found = read_templates(fspath(path))
        chosen = found.choose(name, tools)
        return cls(found.templates[chosen], name=chosen, origin=found.path, **found.arguments)

    @functools.cached_property
    def sha256(self) -> str:
        """Of the source in UTF-8, in hex: by it, templates are the same or not."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def render(
        self,
        messages: Any,
        tools: Any = None,
        tokenizer: Tokenizer | None = None,
        add_generation_prompt: bool = False,
        continue_final_message: bool | str = False,
        trust_content: bool = False,
        *,
        documents: Any = None,
        now: date | str | None = None,
        inputs: Inputs | None = None,
        **variables: Any,
    ) -> Rendered:
        """The prompt of a conversation: `.text`, where each character comes from (`.origin(i)`), and with a tokenizer
        `.ids` and masks.

        Text of the caller's never becomes a control token, unless `trust_content`: then the ids are what the
        tokenizer gives for the whole text, as the reference implementation has it. `continue_final_message` ends the
        prompt where the last message's content does, or another field of it that is named (`"reasoning_content"`).
        `now` fixes the date that a template asks for. `variables` are the template's own (`enable_thinking=False`).
        Raises `TemplateError` with the line, `MessageError` and its kind, and `UnmappedError` where ids are asked for
        and no map could be made.
        """
        if tokenizer is not None:
            check_tokenizer(tokenizer)
        shape = self.inputs if inputs is None else _of(inputs, Inputs, "inputs")
        given = shape.messages(messages)
        last = "content" if continue_final_message is True else continue_final_message
        last = last and _of(last, str, "continue_final_message")
        if last:
            _can_continue(given, last, add_generation_prompt)
        context = self._context(shape.definitions(tools), documents, variables)
        day = None if now is None else as_date(now)
        ends = time.monotonic() + self.limits.seconds
        text, origins, why = self._trace(given, context, add_generation_prompt, day)
        if origins is None and tokenizer is not None and not trust_content:
            raise UnmappedError(f"no source map: {why}", path="template", expected="trust_content=True")
        if last:
            text, origins = _open(text, origins, (len(given) - 1, last), why)
        left = ends - time.monotonic()
        find = partial(self._sampled, text, origins, given, context, day, add_generation_prompt, left)
        prompt = Prompt(text, origins, given, why, find)
        if tokenizer is not None:
            check_text(text, "template")  # which may have made what no caller gave
            prompt.symbols = Symbols(() if trust_content else prompt.control_of(tokenizer, self.source))
        return Rendered(
            prompt.stretches,
            prompt.symbols.show,
            None if tokenizer is None else bind(tokenizer, prompt.symbols.pairs),
            text=text,
            trust=trust_content,
            whole=trust_content,
            origins=prompt.origins,
            unmasked=prompt.unmasked,
        )

    def infer_format(self, **given: Any) -> Format:
        """The format of the replies that this template shows, checked; see `inference.infer_format`."""
        from .inference import infer_format

        return infer_format(self, **given)

    def _context(self, tools: Any, documents: Any, variables: Mapping[str, Any]) -> dict[str, Any]:
        for name in OWN:
            if name in variables:
                raise OptionError(f"{name} is not a variable of the template's own", value=name, path=name,
                                  expected="another name")  # fmt: skip
        special = {"bos_token": self.bos_token, "eos_token": self.eos_token, **self.variables}
        own = {k: plain(v, k) for k, v in variables.items()}
        return {
            **{k: v for k, v in special.items() if v},
            "tools": tools,
            "documents": given_documents(documents),
            **own,
        }

    def _trace(self, messages: list[Message], context: Mapping[str, Any], prompt: bool, now: date | None) -> Traced:
        given = {**context, "messages": messages, "add_generation_prompt": prompt}
        markup = (MARKUP | self.variables.keys()).difference(OWN)
        return trace(self.source, given, self.limits, now, markup=markup, deadline=_ends.get())

    def _trials(self, context: Mapping[str, Any], now: date | None) -> Trials:
        """Trials with these variables. A template that cannot render one says nothing by it."""

        def render(messages: list[Message], prompt: bool, more: Mapping[str, Any]) -> Shown | None:
            try:
                text, origins, _ = self._trace(messages, {**context, **more}, prompt, now)
            except TemplateError:
                if time.monotonic() > (_ends.get() or math.inf):  # of the render that asks: nothing is said by that
                    raise
                return None
            return None if origins is None else (text, origins.spans)

        return Trials(render)

    def _sampled(
        self,
        text: str,
        origins: OriginMap | None,
        messages: list[Message],
        context: dict[str, Any],
        now: date | None,
        prompt: bool,
        left: float,
    ) -> Found:
        """What the model would have written, found in the seconds that the render has left."""
        if origins is None:
            return Found((), {})
        token = _ends.set(time.monotonic() + left)
        try:
            tools: Any = context["tools"]
            own = {k: v for k, v in context.items() if k not in ("tools", "documents")}
            usual = _usual(self, marshal.dumps(own, 2), bool(tools), tools is None)
            exact = self._trials({**context, "tools": tools and tools[:1]}, now)
            return find(text, origins.spans, messages, usual, exact, prompt)
        finally:
            _ends.reset(token)


def format_of(source: Format | ChatTemplate, tokenizer: Tokenizer | None = None) -> Format:
    """The format of a source: itself, or the one that is inferred from a template."""
    if isinstance(source, ChatTemplate):
        return source.infer_format(tokenizer=tokenizer)
    if not hasattr(source, "reply"):  # the class itself is not loaded here: who only renders templates needs none
        raise OptionError(f"not a format but {type(source).__name__}", value=source, path="source",
                          expected="a Format, as turnwire.get_format(NAME) gives, or a ChatTemplate")  # fmt: skip
    return source


_SCHEMA = {"type": "object", "properties": {"x": {"type": "string", "description": "xyzzy"}}, "required": ["x"]}
TOOL = {"type": "function", "function": {"name": "f", "description": "xyzzy", "parameters": _SCHEMA}}
"""The tool of trials."""


@functools.lru_cache(128)
def _usual(template: ChatTemplate, own: bytes, some: bool, none: bool) -> Trials:
    """Trials that are remembered from render to render, for some variables (as `marshal` writes plain data)."""
    tools = [TOOL] if some else None if none else []
    context = {**marshal.loads(own), "tools": tools, "documents": None}
    return template._trials(context, date(2026, 1, 15))  # pyright: ignore[reportPrivateUsage]


def _text(value: Any, path: str) -> str:
    """A text that a template is made of, plain."""
    check_text(_of(value, str, path), path)
    return str.__str__(value)


def _of(value: Any, kind: type[T], path: str) -> T:
    if not isinstance(value, kind):
        expected = "a string" if kind is str else f"{kind.__name__}(...)"
        raise OptionError(f"not {expected}", value=value, path=path, expected=expected)
    return value


def _can_continue(messages: list[Message], field: str, add_generation_prompt: bool) -> None:
    if add_generation_prompt:
        raise OptionError("add_generation_prompt and continue_final_message exclude each other", value=True,
                          path="options", expected="one of them")  # fmt: skip
    if not messages or not messages[-1].get(field):
        raise MessageError(f"continue_final_message without {field} to go on from", value=messages[-1:],
                           path=f"messages[{len(messages) - 1}]", expected=f"a message with {field}, last",
                           near=nearest(field, messages[-1]) if messages else None)  # fmt: skip


def _open(text: str, origins: OriginMap | None, last: tuple[int, str], why: str) -> tuple[str, OriginMap]:
    """The prompt up to the last character of a field of the last message."""
    if origins is None:
        raise UnmappedError(f"no source map: {why}", path="continue_final_message", expected="False")
    at, name = last
    copies = REASONING if name in REASONING else (name,)
    fields = [("messages", at, copy) for copy in copies]
    spans = origins.spans
    stop = next((s.stop for s in reversed(spans) if s.kind == "data" and s.path[:3] in fields), None)
    if stop is None:
        raise MessageError(f"the template does not show the {name} of the last message",
                           path=f"messages[{at}].{name}", expected="a message that the template shows")  # fmt: skip
    return text[:stop], OriginMap([s._replace(stop=min(s.stop, stop)) for s in spans if s.start < stop])
