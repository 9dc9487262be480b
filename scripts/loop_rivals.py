"""What a loop's next prompt is made with, for sweep_loops.py: ours, and the package `renderers` by its documented API.

Each row is told what was sent, what was sampled and what comes next, and gives the ids to send. The rows of `renderers`
do as its README says: `parse_response` of the sampled ids, then `bridge_to_next_turn`, and where that gives None
`render_ids` of all messages, the sampled turn among them as it was parsed.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

from tests import real
from tests.agent_loops import TOOLS
from tests.families import official
from turnwire import Conversation, Format, Turn

PEERS: dict[str, tuple[str, dict[str, Any]]] = {
    "qwen3": ("qwen3", {}), "qwen3.5": ("qwen3.5", {}), "qwen3.6": ("qwen3.6", {}), "qwen3.8": ("qwen3.8", {}),
    "glm-4.5": ("glm-4.5", {}), "glm-5": ("glm-5", {}), "glm-5.1": ("glm-5.1", {}), "glm-5.3": ("glm-5.3", {}),
    "harmony": ("gpt-oss", {}), "kimi-k2": ("kimi-k2", {}), "kimi-k2.5": ("kimi-k2.5", {}),
    "deepseek-v3": ("deepseek-v3", {}), "deepseek-r1": ("deepseek-r1", {}),
    "deepseek-v4": ("deepseek-v4", {"enable_thinking": True}), "minimax-m2": ("minimax-m2", {}),
    "nemotron-3": ("nemotron-3", {}), "llama-3.1": ("llama-3", {}), "gemma-4-e4b": ("gemma4", {}),
}  # fmt: skip
"""Ours: the name of theirs, and the options with which its first prompt is ours."""
FLAT = [tool["function"] for tool in TOOLS]


class Row(Protocol):
    """A way to make prompts."""

    def begin(self, messages: list[dict[str, Any]]) -> list[int]: ...

    def step(self, prompt: list[int], ids: list[int], finish: Any, more: list[dict[str, Any]]) -> list[int]: ...


class Ours:
    """`Conversation`."""

    def __init__(self, fmt: Format, tokenizer: Any):
        self._made = lambda: Conversation(fmt, tokenizer, TOOLS)

    def begin(self, messages: list[dict[str, Any]]) -> list[int]:
        self._loop = self._made()
        self._loop.add(messages)
        return self._loop.prompt()

    def step(self, prompt: list[int], ids: list[int], finish: Any, more: list[dict[str, Any]]) -> list[int]:
        self._loop.sampled(ids, None, finish)
        self._loop.add(more)
        return self._loop.prompt()


class Again:
    """`Format.render` of all messages, as most loops do."""

    def __init__(self, fmt: Format, tokenizer: Any):
        self._fmt, self._tokenizer = fmt, tokenizer

    def begin(self, messages: list[dict[str, Any]]) -> list[int]:
        self._messages: list[Any] = [*messages]
        return self._rendered()

    def step(self, prompt: list[int], ids: list[int], finish: Any, more: list[dict[str, Any]]) -> list[int]:
        self._messages += [self._turn(prompt, ids, finish), *more]
        return self._rendered()

    def _rendered(self) -> list[int]:
        return self._fmt.render(self._messages, TOOLS, self._tokenizer, add_generation_prompt=True).ids

    def _turn(self, prompt: list[int], ids: list[int], finish: Any) -> Turn:
        return self._fmt.parse(ids, TOOLS, prompt, self._tokenizer, finish).turn


class Extended(Again):
    """`Format.extend`, without state but the messages, which LongCat's rounds need."""

    def step(self, prompt: list[int], ids: list[int], finish: Any, more: list[dict[str, Any]]) -> list[int]:
        turn = self._turn(prompt, ids, finish)
        before, self._messages = self._messages, [*self._messages, turn, *more]
        return self._fmt.extend([*prompt, *ids], more, tokenizer=self._tokenizer, tools=TOOLS, before=before)


class Renderers:
    """The package `renderers`; `bridge` False renders all messages each time."""

    def __init__(self, renderer: Any, tools: list[dict[str, Any]], bridge: bool):
        self._renderer, self._tools, self._bridge = renderer, tools, bridge
        self.bridged = self.rendered = 0

    def begin(self, messages: list[dict[str, Any]]) -> list[int]:
        self._messages: list[Any] = [*messages]
        return [*self._renderer.render_ids(messages, tools=self._tools, add_generation_prompt=True)]

    def step(self, prompt: list[int], ids: list[int], finish: Any, more: list[dict[str, Any]]) -> list[int]:
        parsed = self._renderer.parse_response(ids, tools=self._tools, prompt_ids=prompt)
        self._messages += [_message(parsed), *more]
        if self._bridge:
            next_prompt = self._renderer.bridge_to_next_turn(prompt, ids, more, tools=self._tools)
            if next_prompt is not None:
                self.bridged += 1
                return [*next_prompt.token_ids]
        self.rendered += 1
        return [*self._renderer.render_ids(self._messages, tools=self._tools, add_generation_prompt=True)]


def _message(parsed: Any) -> dict[str, Any]:
    calls = [c for c in parsed.tool_calls if c.status.value == "ok"]
    out: dict[str, Any] = {"role": "assistant", "content": parsed.content or ""}
    if parsed.reasoning_content:
        out["reasoning_content"] = parsed.reasoning_content
    if calls:
        out["tool_calls"] = [
            {"id": c.id or f"call_{n}", "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for n, c in enumerate(calls)
        ]
    return out


def rivals(fmt: Format, tokenizer: Any) -> tuple[dict[str, Row], str]:
    """The rows of `renderers` for a format, and what is to be said of them."""
    if fmt.name not in PEERS:
        return {}, "renderers has no such family"
    name, options = PEERS[fmt.name]
    try:
        renderers = importlib.import_module("renderers")
        configs = importlib.import_module("renderers.configs")
    except ImportError as e:
        return {}, f"no rivals: {e}"
    if name == "gpt-oss":
        real.harmony_encoding()
    kinds: list[Any] = [
        c for c in vars(configs).values() if isinstance(c, type) and "name" in getattr(c, "model_fields", {})
    ]
    config = next(c for c in kinds if c.model_fields["name"].default == name)
    peer = real.transformers_tokenizer(tokenizer)
    made = renderers.create_renderer(peer, config(**options))
    every = config(**options, thinking_retention="all")
    asked = [{"role": "user", "content": "Hi"}]
    mine = fmt.render(asked, TOOLS, tokenizer, add_generation_prompt=True).ids
    forms = [FLAT, TOOLS]
    same = [t for t in forms if [*made.render_ids(asked, tools=t, add_generation_prompt=True)] == mine]
    tools = (same or forms)[0]
    rows: dict[str, Row] = {
        "renderers, bridge": Renderers(made, tools, True),
        'renderers, bridge, thinking_retention="all"': Renderers(renderers.create_renderer(peer, every), tools, True),
        "renderers, all again": Renderers(made, tools, False),
    }
    return rows, "" if same else "its first prompt is another"


def tokenizer_of(fmt: Format) -> tuple[Any, bool]:
    """The real tokenizer of a format, if it can be had, else the small one."""
    import turnwire

    known = official.references().get(fmt.name)
    if known is None or known.tokenizer is None or official.missing_tokenizer(fmt.name) is not None:
        return turnwire.small_tokenizer(fmt), False
    return official.tokenizer(fmt.name), True
