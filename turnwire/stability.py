"""Whether a prompt only grows: for each kind of turn that is appended, whether the next prompt starts with what was
sent and sampled, or the smallest conversation that shows that it does not, and the template's line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .chat_template import ChatTemplate, format_of
from .errors import HistoryError, TurnwireError
from .turns import Call, Part, Reasoning, Text, Turn

if TYPE_CHECKING:
    from .format import Format
    from .spans import Rendered

ASKED: dict[str, Any] = {"role": "user", "content": "q"}
SAID: dict[str, dict[str, Any]] = {
    "user": {"role": "user", "content": "next"}, "system": {"role": "system", "content": "a rule"},
    "developer": {"role": "developer", "content": "a rule"},
    "assistant": {"role": "assistant", "content": "an answer"},
}  # fmt: skip
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {
    "type": "object", "properties": {"a": {"type": "string"}}, "required": []}}}  # fmt: skip
TEXT, THOUGHT = Text("t"), Reasoning("why")
CALL, OTHER = Call("f", {"a": "b"}, "abcdefgh1"), Call("f", {"a": "c"}, "abcdefgh2")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of what is appended. `replies`: what was sampled so far, in turns with results between them; `roles`: what
    is appended behind the last. `sampled` False: the last of `roles` is appended to a prompt with the others, as it
    stood without a generation prompt."""

    name: str
    replies: tuple[tuple[Part, ...], ...]
    roles: tuple[str, ...]
    sampled: bool = True


KINDS = (
    Kind("a question behind text", ((TEXT,),), ("user",)),
    Kind("a question behind reasoning and text", ((THOUGHT, TEXT),), ("user",)),
    Kind("results behind calls", ((CALL,),), ("tool",)),
    Kind("results behind text and calls", ((TEXT, CALL),), ("tool",)),
    Kind("results behind reasoning and calls", ((THOUGHT, CALL),), ("tool",)),
    Kind("results behind two calls", ((CALL, OTHER),), ("tool", "tool")),
    Kind("the second of two results behind the first", ((CALL, OTHER),), ("tool", "tool"), False),
    Kind("results behind calls behind results", ((CALL,), (OTHER,)), ("tool",)),
    Kind("results behind reasoning and calls, twice", ((THOUGHT, CALL), (THOUGHT, OTHER)), ("tool",)),
    Kind("results and a question behind calls", ((CALL,),), ("tool", "user")),
    Kind("a question behind a call, its results and text", ((CALL,), (TEXT,)), ("user",)),
    Kind("a question behind reasoning, a call, its results and text", ((THOUGHT, CALL), (TEXT,)), ("user",)),
    Kind("a question behind a question", ((TEXT,),), ("user", "user"), False),
    Kind("an assistant's turn that the caller wrote, and a question", ((TEXT,),), ("user", "assistant", "user")),
    Kind("a system message behind text", ((TEXT,),), ("system", "user")),
    Kind("a developer message behind text", ((TEXT,),), ("developer", "user")),
)


@dataclass(frozen=True, slots=True)
class Stability:
    """Of one kind of appended turn. `stable`: the next prompt starts with what was there. Else, from character `at` of
    what was there on: `was` and `now` (some characters of each), the template's `line` that wrote it (None for a
    format), the message `turn` that it is in, and the `messages` that show it. `refused`: the prompt cannot be written,
    and why."""

    kind: str
    stable: bool
    at: int | None = None
    was: str = ""
    now: str = ""
    line: int | None = None
    turn: int | None = None
    messages: tuple[Any, ...] = ()
    refused: str = ""


def prefix_stability(source: Format | ChatTemplate, **options: Any) -> list[Stability]:
    """Each kind that the format has. `options` are its own. Texts are compared, control tokens apart from what spells
    them; so the answer is that for ids, but for where an encoder joins what was sampled with what is not."""
    fmt = format_of(source)
    return [found for kind in KINDS if (found := stability_of(fmt, kind, options)) is not None]


def stability_of(fmt: Format, kind: Kind, options: Mapping[str, Any], asked: Any = ASKED) -> Stability | None:
    """Of one kind, behind the question `asked`; None if the format has no such reply."""
    tools = [TOOL] if any(isinstance(p, Call) for r in kind.replies for p in r) else None
    messages: list[Any] = [asked]
    sent = ""
    try:
        for parts in kind.replies:
            messages += _answers(messages)
            prompt = fmt.render(messages, tools, add_generation_prompt=True, **options)
            turn = Turn("assistant", parts)
            if fmt.admits(turn, tools, prompt=prompt) is not None:
                return None
            reply = fmt.render_reply(turn, tools=tools, prompt=prompt)
            sent = prompt.text + reply.text
            messages.append(fmt.parse(reply.text, tools, prompt, finish_reason="stop").turn)
        new = _appended(messages, kind.roles)
        if not kind.sampled:
            sent = fmt.render([*messages, *new[:-1]], tools, **options).text
        messages += new
        out = fmt.render(messages, tools, add_generation_prompt=True, **options)
        dropped = next((m["role"] for m in new if m["content"] not in out.text), None)
        if dropped is not None:
            raise HistoryError(f"a message of the role {dropped!r} is not shown", value=new, path="messages",
                               expected="a role that is shown")  # fmt: skip
    except TurnwireError as e:
        return Stability(kind.name, False, messages=tuple(messages), refused=str(e))
    open_end = min((sent.removesuffix(stop) for stop in fmt.stop_tokens), key=len) if kind.sampled else sent
    if out.text.startswith(open_end):  # what ends a reply may be another token in a history
        return Stability(kind.name, True, messages=tuple(messages))
    return _differs(kind.name, sent, out, tuple(messages))


def _appended(messages: Sequence[Any], roles: Sequence[str]) -> list[Any]:
    results = iter(_answers(messages))
    return [next(results) if role == "tool" else SAID[role] for role in roles]


def _answers(messages: Sequence[Any]) -> list[Any]:
    """Results of the calls of the last message."""
    last = messages[-1]
    calls = last.calls if isinstance(last, Turn) else ()
    named = [{"role": "tool", "name": c.name, "content": "r", "tool_call_id": c.id} for c in calls]
    return [{k: v for k, v in m.items() if v is not None} for m in named]


def _differs(kind: str, sent: str, out: Rendered, messages: tuple[Any, ...]) -> Stability:
    text = out.text
    at = next((n for n, (a, b) in enumerate(zip(sent, text)) if a != b), min(len(sent), len(text)))
    origin = out.origin(min(at, len(text) - 1)) if text else None
    run = next((r for r in out.runs if r.start <= at < r.stop), None)
    return Stability(kind, False, at, sent[at : at + 60], text[at : at + 60], origin.line if origin else None,
                     run.turn if run else None, messages)  # fmt: skip
