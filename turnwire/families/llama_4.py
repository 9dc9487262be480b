"""Llama 4: a list of calls in Python's notation, bare or between <|python_start|> and <|python_end|>.

Facts: calls as Meta's llama4/prompt_format.md shows them (its examples are canitoolcall's l4-meta-* fixtures); all
else from the chat_template.jinja that a copy of the gated repository carries (trl-internal-testing/
tiny-Llama4ForCausalLM, sha256 01a91bfb; not seen in the repository itself). That template writes calls of old turns as
JSON objects behind their text in python markers (lines 88-107), and fails where there is no text; we write what the
model does, and read both. The markers are added tokens of llama-models 0.3.0's llama4/tokenizer.py.
"""

from __future__ import annotations

from ..format import Format
from ..layout import EachResult, Layout, Placed
from ..templating import llama_prose as prose
from ..templating.arrange import Trim, drop_reasoning
from ..wire import NOTHING, Choice, End, Lit, Many, Opt, Tok, Word
from .llama_3 import json_calls, python_calls, text

start, stop = Tok("<|python_start|>"), Tok("<|python_end|>")
calls = Choice(python_calls, json_calls)
reply = (
    Opt(calls)
    + Many(Choice(text, start + Choice(python_calls, json_calls, text) + Choice(stop, NOTHING) + Opt(json_calls)))
    + End("<|eot|>", "<|eom|>", "<|end_of_text|>")
)
eot = Tok("<|eot|>")


def header(role: str) -> Word:
    return Tok("<|header_start|>") + Lit(role) + Tok("<|header_end|>") + Lit("\n\n")


def trimmed(t: Placed) -> bool:
    """Lines 21 and 61: the leading system turn, and the user turn that holds the tools."""
    return t.role == prose.TOOLS_USER or (t.role == "system" and t.turn == 0)


layout = Layout(
    roles=prose.roles(header, eot),
    results=EachResult(header("ipython"), eot, prose.quoted),
    preamble=prose.system_if_given,
    arrange=(drop_reasoning, prose.tools_to_user, Trim(trimmed)),
    options=(prose.in_user,),
    media=(("image", Tok("<|image|>")),),
    begin=Tok("<|begin_of_text|>"),
)
llama_4 = Format(
    "llama-4", reply, header("assistant"), layout,
    models=tuple(f"meta-llama/Llama-4-{m}-Instruct*" for m in ("Scout-17B-16E", "Maverick-17B-128E")),
    source="Meta's llama4/prompt_format.md; trl-internal-testing/tiny-Llama4ForCausalLM sha256 01a91bfb2e84c805",
)  # fmt: skip
