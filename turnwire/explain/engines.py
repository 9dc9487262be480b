"""Engine: a running server as a side of a comparison. It is asked what it makes of a conversation; nothing is assumed.

`Engine(url)` is asked harmless questions first, to find out what it is (`found` says what, and by which answer), then
`enginekinds` has the requests of each kind: what its documentation and source say, with the revision that was read.
What is compared is what the server itself would run: its template, its options' defaults, its tokenizer, its BOS.

Conversations are sent as OpenAI's API has them: `arguments` of calls as JSON text, calls with ids (`call_0` on, where
there are none, and results answer them in order). Options are keywords of `render`: `add_generation_prompt` (False
unless given, as everywhere in turnwire) and `continue_final_message`, those of `REQUEST` as fields of the request, the
rest as `chat_template_kwargs`.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from ..chat_template import ChatTemplate
from ..errors import EngineError, OptionError, as_mapping, check_text, nearest
from ..format import Format
from ..templating.inputs import Inputs
from ..tokens import Detokenizer, Tokenizer
from .enginekinds import KINDS, Answer, Asked, Kind
from .jsonhttp import Client
from .sides import Prompt, tokenizer_sha256

Name = Literal["auto", "vllm", "llama.cpp", "sglang", "openai"]

REQUEST = ("tool_choice", "parallel_tool_calls", "reasoning_effort", "add_special_tokens")
OURS = ("now", "inputs", "split_reasoning", "forgery", "calls")  # of `render`, and no server can be told
OWNERS = {"vllm": "vllm", "sglang": "sglang", "llamacpp": "llama.cpp"}  # `owned_by` of /v1/models


@dataclass(frozen=True)
class Found:
    """What a server is: `kind`, its `version` ("" if it does not say), the models it serves, and the answer by which
    it is known (`why`). `template`: its chat template, if it shows one."""

    kind: str
    version: str = ""
    models: tuple[str, ...] = ()
    why: str = ""
    template: str = field(default="", repr=False)
    tool_template: str = field(default="", repr=False)

    def __str__(self) -> str:
        return " ".join(w for w in (self.kind, self.version, f"({', '.join(self.models)})" * bool(self.models)) if w)


@dataclass(frozen=True)
class Engine:
    """See the head of this file.

    `url`: of the server, with or without `/v1`, without credentials. `model`: which of its models, for servers that
    have several. `kind`: what it is, "auto" to find out. `key_variable`: the environment variable with the key, which
    is sent as `Authorization: Bearer` to this host only. `timeout`: seconds for each request, whole. `renderer`: a
    Format or ChatTemplate that writes the prompt on this side, which the server is then only given as text, as clients
    of `/v1/completions` do; what is compared is what its tokenizer makes of that.
    """

    url: str
    model: str | None = field(default=None, kw_only=True)
    kind: Name = field(default="auto", kw_only=True)
    key_variable: str = field(default="", kw_only=True)
    timeout: float = field(default=10.0, kw_only=True)
    renderer: Format | ChatTemplate | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        known = get_args(Name)
        if self.kind not in known:
            raise OptionError(f"no kind of engine {self.kind!r}", value=self.kind, path="kind",
                              expected="one of " + ", ".join(known), near=nearest(self.kind, known))  # fmt: skip
        _ = self._client

    @property
    def name(self) -> str:
        """The URL."""
        return self.url

    @functools.cached_property
    def found(self) -> Found:
        """What the server is; asked once. Raises `EngineError`."""
        return detect(self._client, self.kind)

    def prompt(
        self,
        messages: Any,
        tools: Any = None,
        tokenizer: Tokenizer | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Prompt:
        """What the server would run for a conversation. Raises `EngineError`, and what `render` raises for messages."""
        options = dict(options or {})
        if messages is None:
            raise EngineError("a prompt of nothing", url=self.url, expected="messages")
        assets: dict[str, str] = {}
        source = ""
        if self.renderer is not None:
            text = self.renderer.render(messages, tools, **options).text
            answer = self._kind.text(text, tokenizer)
        else:
            answer = self._kind.chat(self._asked(messages, tools, options), tokenizer)
            source = (self.found.tool_template if tools else "") or self.found.template
            if source:
                assets["template"] = hashlib.sha256(source.encode()).hexdigest()
        if tokenizer is not None:
            assets["tokenizer"] = tokenizer_sha256(tokenizer)
        text = self._text(answer, tokenizer)
        check_text(text, f"{self.url}: the prompt")
        name = self._client.shown(f"{self.url} {self.found}")
        return Prompt(text, answer.ids, None, name, assets, source, tokenizer)

    def tokens(self, text: str, tokenizer: Tokenizer | None = None) -> list[int]:
        """The ids that the server makes of a text that it is sent as a completion's prompt, BOS and all. `tokenizer`:
        for servers that only spell tokens. Raises `EngineError`."""
        check_text(text, "text")
        answer = self._kind.text(text, tokenizer)
        ids = answer.ids
        if ids is None and not answer.spelled:
            raise EngineError("it tells the text of a prompt, not its ids", url=self.url,
                              expected="a server that gives ids, or prompt() for the text")  # fmt: skip
        if ids is None:
            raise EngineError("it spells tokens, and they cannot be told apart", url=self.url,
                              expected="a tokenizer, or a server that gives ids")  # fmt: skip
        return ids

    @functools.cached_property
    def _client(self) -> Client:
        return Client(self.url, self.key_variable, self.timeout)

    @functools.cached_property
    def _kind(self) -> Kind:
        served = self.found.models
        model = self.model
        if model is None and len(served) == 1:
            model = served[0]
        if model is None and served and self.found.kind == "openai":
            listed = self._client.shown(", ".join(served))
            raise EngineError(f"it has several models: {listed}", url=self.url, expected="model=")
        return KINDS[self.found.kind](self._client, model)

    def _asked(self, messages: Any, tools: Any, options: dict[str, Any]) -> Asked:
        for name in OURS:
            if name in options:
                raise OptionError(f"a server cannot be told {name!r}", value=options[name], path=name,
                                  expected="options of its chat template")  # fmt: skip
        if not options.pop("trust_content", True):
            raise OptionError("a server trusts content", value=False, path="trust_content", expected="True, or nothing")
        generation = bool(options.pop("add_generation_prompt", False))
        final = bool(options.pop("continue_final_message", False))
        request = {k: options.pop(k) for k in REQUEST if k in options}
        shape = Inputs(alias_reasoning=False, arguments="string", tools="openai")
        sent = _with_ids(shape.messages(messages))
        return Asked(sent, shape.definitions(tools), generation, final, request, options)

    @staticmethod
    def _text(answer: Answer, tokenizer: Tokenizer | None) -> str:
        """As the server spells it. Where its own decoding loses blanks, as that of SentencePiece models does, the
        tokenizer's spelling of the same ids."""
        if answer.ids is None or tokenizer is None or max(answer.ids, default=0) >= tokenizer.size:
            return answer.text or ""
        ours = Detokenizer(tokenizer).whole(answer.ids)
        if answer.text is None or (answer.decoded and "".join(ours.split()) == "".join(answer.text.split())):
            return ours
        return answer.text


def detect(client: Client, kind: str = "auto") -> Found:
    """What answers at a URL. The questions change nothing there: the list of models, /props, /version, /server_info."""

    def look(path: str) -> Mapping[str, Any]:
        """A JSON object, {} where there is none. What a server that is not known refuses, it does not have."""
        try:
            return as_mapping(client.find(path)) or {}
        except EngineError as e:
            if guess or e.status is None:
                raise
            return {}

    guess = "" if kind == "auto" else kind
    listed: Any = (as_mapping(client.find("/v1/models")) or {}).get("data")
    cards = [as_mapping(c) or {} for c in cast("list[Any]", listed if isinstance(listed, list) else [])]
    served = tuple(str(c["id"]) for c in cards if c.get("id"))
    owners = {str(c.get("owned_by")) for c in cards}
    why = f"kind={kind!r}" if guess else ""
    if not guess and (guess := next((OWNERS[o] for o in sorted(owners) if o in OWNERS), "")):
        why = f"/v1/models: owned by {', '.join(sorted(owners))}"
    if guess in ("", "llama.cpp"):
        props = look("/props")
        if guess or "default_generation_settings" in props:
            version, *templates = (
                _said(props.get(k)) for k in ("build_info", "chat_template", "chat_template_tool_use")
            )
            return Found("llama.cpp", version, served, why or "/props: default_generation_settings", *templates)
    if guess in ("", "vllm"):
        told = look("/version")
        if guess or "version" in told:
            template = _said(look("/tokenizer_info").get("chat_template"))
            return Found("vllm", _said(told.get("version")), served, why or "/version", template)
    if guess in ("", "sglang"):
        info = look("/server_info") or look("/get_server_info")
        if guess or "served_model_name" in info or "launch_command" in info:
            return Found("sglang", _said(info.get("version")), served, why or "/server_info")
    if guess == "openai" or (not guess and served):
        return Found("openai", "", served, why or "/v1/models, and none of the other kinds' paths")
    raise EngineError("nothing there tells what it is", url=client.base,
                      expected="one of /v1/models, /props, /version, /server_info, or kind=")  # fmt: skip


def _said(value: Any) -> str:
    return value if isinstance(value, str) and len(value) < 1 << 20 else ""


def _with_ids(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls have an id and a type, and results say which call they answer, as OpenAI's API asks."""
    count, open_calls = 0, list[str]()
    for message in messages:
        calls: Any = message.get("tool_calls")
        for call in cast("list[Any]", calls if isinstance(calls, list) else []):
            if isinstance(call, dict):
                held = cast("dict[str, Any]", call)
                held.setdefault("type", "function")
                held.setdefault("id", f"call_{count}")
                open_calls.append(str(held["id"]))
            count += 1
        if message["role"] == "tool":
            if "tool_call_id" in message:
                open_calls = [c for c in open_calls if c != message["tool_call_id"]]
            elif open_calls:
                message["tool_call_id"] = open_calls.pop(0)
    return messages
