"""Ling 2.0, Ling 2.5 and 2.6, and Ring-1T: Hermes JSON calls between <role> markers.

Facts: chat_template.jinja of inclusionAI/Ling-flash-2.0 (sha256 a503d55b; Ling-1T and Ling-mini-2.0 have the same
file), Ling-2.6-flash (0e5b40c1; Ling-2.5-1T and Ling-2.6-1T too) and Ring-1T (f89c7885). Ring-2.6 calls in another
syntax.
"""

from __future__ import annotations

from collections.abc import Callable

from ..layout import Context, Layout, Placed, Results, Wrap
from ..templating.arrange import ThinkSinceQuery, split_reasoning
from ..templating.ling_prose import ling_system, ling_system_switched, ring_system
from ..turns import Reasoning
from ..wire import NOTHING, End, Frame, Lit, Opt, Pad, Slot, Tok, Word
from .notes import UNSEEN
from .qwen3 import NL, calls, qwen3, splitting

# reply
think = Frame(
    "reasoning", Pad("\n") + Tok("<think>") + Pad("\n") + Slot("reasoning") + Pad("\n") + Tok("</think>") + Pad("\n\n")
)
# Ring-1T, line 53: no line end before </think>
ring_think = Frame("reasoning", Tok("<think>") + Pad("\n") + Slot("reasoning") + Tok("</think>") + Pad("\n\n"))
end = Tok("<|role_end|>")


def role(name: str, close: Word = end) -> Wrap:
    """<role>NAME</role>, the content, the end if there is one."""
    return Wrap(Tok("<role>") + Lit(name) + Tok("</role>"), close)


def last_only(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning stays in the last turn of the conversation only. Ring-1T chat_template.jinja, line 52."""
    return [
        t if at == len(turns) - 1 else t.having(*(p for p in t.parts if not isinstance(p[1], Reasoning)))
        for at, t in enumerate(turns)
    ]


def made(close: Word, preamble: Callable[..., None]) -> Layout:
    """The layout with this end of a turn, and this preamble."""
    return Layout(
        roles=(("system", role("SYSTEM", close)), ("user", role("HUMAN", close))),
        results=Results(
            role("OBSERVATION").open, NL + Tok("<tool_response>") + NL, NL + Tok("</tool_response>"), close
        ),
        preamble=preamble,
        arrange=(split_reasoning, ThinkSinceQuery(last=False)),
        options=(splitting,),
    )


ling = qwen3.but(
    "ling", reply=Opt(think) + calls + End("<|role_end|>", "<|endoftext|>"), header=role("ASSISTANT").open,
    layout=made(end, ling_system), notes=(UNSEEN,),
    models=tuple(f"inclusionAI/Ling-{size}" for size in ("1T", "flash-2.0", "mini-2.0")),
    source="inclusionAI/Ling-flash-2.0 chat_template.jinja sha256 a503d55b21",
)  # fmt: skip
ling_2_6 = ling.but(
    "ling-2.6", layout=made(end, ling_system_switched),
    models=("inclusionAI/Ling-2.5-1T", "inclusionAI/Ling-2.6-1T", "inclusionAI/Ling-2.6-flash"),
    source="inclusionAI/Ling-2.6-flash chat_template.jinja sha256 0e5b40c170",
)  # fmt: skip
ring = made(NOTHING, ring_system)
ring_1t = ling.but(
    "ring-1t", reply=Opt(ring_think) + calls + End("<|endoftext|>", "<|role_end|>", history=""),
    layout=ring.but(arrange=(*ring.arrange, last_only)),
    models=("inclusionAI/Ring-1T",),
    source="inclusionAI/Ring-1T chat_template.jinja sha256 f89c788540",
)  # fmt: skip
