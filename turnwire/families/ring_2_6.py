"""Ring-2.6: Ling's turns with GLM's calls, of keys and values.

Facts: chat_template.jinja of inclusionAI/Ring-2.6-1T (sha256 b772fbb4), lines 48-97. Without tools and without a
system message its system turn has no end (line 9); the generation prompt has no line end behind the header (line 110),
history has one.
"""

from __future__ import annotations

from ..codecs import Name, Value
from ..layout import Option, Wrap
from ..templating.ling_prose import ring_2_6_system
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok
from .ling import end, ling, made, role
from .notes import UNSEEN
from .qwen3 import splitting, text, think

NL = Pad("\n")
argument = Frame(
    "arg",
    Tok("<arg_key>") + Slot("key") + Tok("</arg_key>") + NL
    + Tok("<arg_value>") + Slot("value", Value()) + Tok("</arg_value>"),
)  # fmt: skip
call = Frame(
    "call",
    Tok("<tool_call>") + Slot("name", Name(without="<> ")) + NL + Many(argument, sep=Choice(NOTHING, NL))
    + NL + Tok("</tool_call>"),
)  # fmt: skip
calls = Many(Choice(text, Many(call, open=Pad("\n", after="text"), sep=NL)))

closing = end + Lit("\n\n")


def turn(name: str) -> Wrap:
    """A role, a line end, the content, the end and a blank line."""
    return Wrap(role(name).open + Lit("\n"), closing)


layout = made(closing, ring_2_6_system).but(
    roles=(("system", turn("SYSTEM")), ("user", turn("HUMAN"))),
    after=Lit("\n\n"),
    options=(Option("reasoning_effort", "high", "how much to think, said in the system turn", type=str), splitting),
)
ring_2_6 = ling.but(
    "ring-2.6", reply=NL + Opt(think) + calls + End("<|role_end|>", "<|endoftext|>"),
    layout=layout,
    models=("inclusionAI/Ring-2.6-1T",), notes=(UNSEEN,),
    source="inclusionAI/Ring-2.6-1T chat_template.jinja sha256 b772fbb4cee2672e",
)  # fmt: skip
