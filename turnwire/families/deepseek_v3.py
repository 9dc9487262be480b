"""DeepSeek V3: calls between tokens, arguments as JSON in a code fence. The official templates do not write tools.

Facts: chat_template of deepseek-ai/DeepSeek-V3-0324 (sha256 22e97ba0); the markers are added tokens in tokenizer.json.
The template of the first DeepSeek-V3 (3b8267e5) writes the same of turns that alternate, but loses calls beside content
and what ends a single call.
"""

from __future__ import annotations

from ..codecs import Json
from ..format import Format
from ..layout import Layout, Results, Wrap
from ..templating.arrange import drop_reasoning
from ..templating.deepseek import behind_users, gather_system
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Pad, Slot, Tok, Word

BOS, EOS, USER = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>"
header = Tok("<｜Assistant｜>")
NL = Lit("\n")

# reply
text = Frame("text", Slot("text"))
end = End(EOS)


def calls(body: Word, sep: Word = NOTHING) -> Word:
    """Text, and sections of calls."""
    call = Frame("call", Tok("<｜tool▁call▁begin｜>") + body + Tok("<｜tool▁call▁end｜>"))
    section = Many(call, sep=sep, open=Tok("<｜tool▁calls▁begin｜>"), close=Tok("<｜tool▁calls▁end｜>"))
    return Many(Choice(text, section))


# a line end behind the fence is read too: deepseek-r1.jinja of llama.cpp writes it
head = Lit("function") + Tok("<｜tool▁sep｜>") + Slot("name") + Pad("\n") + Lit("```json") + Pad("\n")
fenced = calls(head + Slot("arguments", Json()) + Pad("\n") + Lit("```") + Choice(NOTHING, Pad("\n")), Pad("\n"))


# layout
def results(sep: Word = NL) -> Results:
    """`<｜tool▁outputs▁begin｜>`, each result, `<｜tool▁outputs▁end｜>`."""
    item = (Tok("<｜tool▁output▁begin｜>"), Tok("<｜tool▁output▁end｜>"))
    return Results(Tok("<｜tool▁outputs▁begin｜>"), *item, Tok("<｜tool▁outputs▁end｜>"), sep=sep)


system = ("system", Wrap(NOTHING, NOTHING))
first_layout = Layout(  # <｜Assistant｜> is the turn's own
    begin=Tok(BOS),
    roles=(system, ("user", Wrap(Tok(USER), NOTHING))),
    results=results(),
    headless=("tool",),
)
layout = first_layout.but(  # a user's turn ends in it
    roles=(system, ("user", Wrap(Tok(USER), header))),
    headless=("user", "tool"),
    arrange=(gather_system, drop_reasoning, behind_users),
)

deepseek_v3 = Format(
    "deepseek-v3", fenced + end, header, layout,
    models=("deepseek-ai/DeepSeek-V3", "deepseek-ai/DeepSeek-V3-0324"),
    source="deepseek-ai/DeepSeek-V3-0324 chat_template sha256 22e97ba043dacf9d",
)  # fmt: skip
