"""Whether a prompt only grows: for each kind of turn that is appended, whether the next prompt starts with what was
sent and sampled, or the smallest conversation that shows that it does not, and the template's line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .chat_template import ChatTemplate
from .errors import TurnwireError
from .turns import Call, Part, Reasoning, Text, Turn

if TYPE_CHECKING:
    from .format import Format
    from .spans import Rendered

ASKED: dict[str, Any] = {"role": "user", "content": "q"}
ANSWER: dict[str, Any] = {"role": "tool", "name": "f", "content": "r"}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {
    "type": "object", "properties": {"a": {"type": "string"}}, "required": []}}}  # fmt: skip
TEXT, THOUGHT, CALL = Text("t"), Reasoning("why"), Call("f", {"a": "b"})
KINDS: tuple[tuple[str, tuple[tuple[Part, ...], ...], tuple[str, ...]], ...] = (
    ("a question behind text", ((TEXT,),), ("user",)),
    ("a question behind reasoning and text", ((THOUGHT, TEXT),), ("user",)),
    ("results behind calls", ((CALL,),), ("tool",)),
    ("results behind text and calls", ((TEXT, CALL),), ("tool",)),
    ("results behind reasoning and calls", ((THOUGHT, CALL),), ("tool",)),
    ("results behind two calls", ((CALL, Call("f", {"a": "c"})),), ("tool", "tool")),
    ("results and a question behind calls", ((CALL,),), ("tool", "user")),
    ("a question behind a call, its results and text", ((CALL,), (TEXT,)), ("user",)),
    ("a question behind reasoning, a call, its results and text", ((THOUGHT, CALL), (TEXT,)), ("user",)),
)
"""A kind, the replies sampled so far, what is appended behind the last."""


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
    fmt = source.infer_format() if isinstance(source, ChatTemplate) else source
    return [found for kind in KINDS if (found := _of(fmt, *kind, options)) is not None]


def _of(
    fmt: Format, kind: str, replies: Sequence[tuple[Part, ...]], roles: Sequence[str], options: Mapping[str, Any]
) -> Stability | None:
    tools = [TOOL] if any(isinstance(p, Call) for r in replies for p in r) else None
    messages: list[Any] = [ASKED]
    sent = ""
    try:
        for parts in replies:
            if messages[-1] is not ASKED:
                messages.append(ANSWER)
            prompt = fmt.render(messages, tools, add_generation_prompt=True, **options)
            turn = Turn("assistant", parts)
            if fmt.admits(turn, tools, prompt=prompt) is not None:
                return None
            reply = fmt.render_reply(turn, tools=tools, prompt=prompt)
            sent = prompt.text + reply.text
            messages.append(fmt.parse(reply.text, tools, prompt, finish_reason="stop").turn)
        messages += [ANSWER if role == "tool" else {**ASKED, "content": "next"} for role in roles]
        out = fmt.render(messages, tools, add_generation_prompt=True, **options)
    except TurnwireError as e:
        return Stability(kind, False, messages=tuple(messages), refused=str(e))
    open_end = min((sent.removesuffix(stop) for stop in fmt.stop_tokens), key=len)
    if out.text.startswith(open_end):  # what ends a reply may be another token in a history
        return Stability(kind, True, messages=tuple(messages))
    return _differs(kind, sent, out, tuple(messages))


def _differs(kind: str, sent: str, out: Rendered, messages: tuple[Any, ...]) -> Stability:
    text = out.text
    at = next((n for n, (a, b) in enumerate(zip(sent, text)) if a != b), min(len(sent), len(text)))
    origin = out.origin(min(at, len(text) - 1)) if text else None
    run = next((r for r in out.runs if r.start <= at < r.stop), None)
    return Stability(kind, False, at, sent[at : at + 60], text[at : at + 60], origin.line if origin else None,
                     run.turn if run else None, messages)  # fmt: skip
