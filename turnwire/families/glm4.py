"""GLM-4.5, 4.6 and 4.7: calls of keys and values, each between vocabulary entries.

Facts: chat_template.jinja of zai-org/GLM-4.5 (sha256 44f81586; GLM-4.5-Air and GLM-4.6 have the same file) and of
zai-org/GLM-4.7 (d63ad536; GLM-4.7-Flash too, whose vocabulary is GLM-5's). A turn has no closing token: what the
model samples behind it (generation_config.json: <|endoftext|>, <|user|>, <|observation|>) is the header of whoever
speaks next. A prompt therefore writes nothing there, and its mask ends with the turn's text: the header that follows
belongs to the next turn. `render_reply` writes it, since it is sampled.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..codecs import Name, Value
from ..format import Format
from ..layout import Context, Layout, Option, Placed, Results, Wrap
from ..templating.glm import Preamble, Thinking
from ..templating.writer import Writer
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .qwen3 import splitting, thinking

ENDS = "a turn ends in the next one's header: sampled behind a reply, in a prompt no part of the turn or of its mask"
OFF = "/nothink"  # an entry of the vocabulary
end = End("<|user|>", "<|observation|>", "<|endoftext|>", history="", called="<|observation|>")
OPENER, CLOSER, NL = Tok("<think>"), Tok("</think>"), Pad("\n")
EMPTY, block = Lit("\n") + OPENER + CLOSER, OPENER + Slot("reasoning") + CLOSER


def call(gap: Word, name_gap: Word) -> Frame:
    """A name, then keys and values; `gap` between them."""
    key = Tok("<arg_key>") + Slot("key") + Tok("</arg_key>") + gap
    value = Tok("<arg_value>") + Slot("value", Value()) + Tok("</arg_value>") + gap
    name = Slot("name", Name(without="<> ")) + name_gap
    return Frame("call", Tok("<tool_call>") + name + Many(Frame("arg", key + value)) + Tok("</tool_call>"))


# reply of GLM-4.5, lines 63-86. A blank before a call: vLLM's tests/tool_parsers/test_glm4_moe_tool_parser.py has it;
# behind a name: ikawrakow/ik_llama.cpp, discussion 753
GAP = Choice(NL, Pad(" "))
spaced = Many(Choice(Frame("text", NL + Slot("text")), Many(call(NL, GAP), open=GAP, sep=NL)))
# reply of GLM-4.7, lines 52-68. Line ends where GLM-4.5 has them: vLLM's test_glm47_moe_tool_parser.py
ANY = Choice(NOTHING, NL)
calls = Many(Choice(Frame("text", Slot("text")), Many(call(ANY, Choice(NOTHING, GAP)), sep=ANY)))
think = Frame("reasoning", block)


@dataclass(frozen=True, slots=True)
class User(Wrap):
    """A user turn that says, to a model that shall not think, that it shall not. GLM-4.5, lines 45-47."""

    def write(self, w: Writer, placed: Placed, layout: Layout, context: Context) -> None:
        w.word(self.open)
        w.content(placed, layout, context)
        if not context.options["enable_thinking"] and not placed.text.endswith(OFF):
            w.word(self.close)


def no_thinking(context: Context) -> Word:
    """GLM-4.5, line 102."""
    return NOTHING if context.options["enable_thinking"] else EMPTY


def begin_thinking(context: Context) -> Word:
    """GLM-4.7, line 85."""
    return OPENER if context.options["enable_thinking"] else CLOSER


def results(gap: str) -> Results:
    """One header, then each result between its tokens."""
    nl: Word = Lit(gap) if gap else NOTHING
    return Results(Tok("<|observation|>"), nl + Tok("<tool_response>") + nl, nl + Tok("</tool_response>"))


clearing = Option("clear_thinking", True, "a bool: False keeps the reasoning of all turns", (True, False))
begin = Tok("[gMASK]") + Tok("<sop>")
spaced_layout = Layout(
    roles=(
        ("system", Wrap(Tok("<|system|>") + Lit("\n"), NOTHING)),
        ("user", User(Tok("<|user|>") + Lit("\n"), Tok(OFF))),
    ),
    results=results("\n"), begin=begin, preamble=Preamble("\n"), arrange=(Thinking(made=True),), prefill=no_thinking,
    options=(thinking, splitting),
)  # fmt: skip
layout = spaced_layout.but(
    roles=tuple((role, Wrap(Tok(f"<|{role}|>"), NOTHING)) for role in ("system", "user")),
    results=results(""), preamble=Preamble(), arrange=(Thinking(),), prefill=begin_thinking,
    options=(thinking, clearing, splitting),
)  # fmt: skip

glm_4_5 = Format(
    "glm-4.5", Opt(Frame("reasoning", NL + block)) + spaced + end, Tok("<|assistant|>"), spaced_layout,
    models=("zai-org/GLM-4.5", "zai-org/GLM-4.5-Air", "zai-org/GLM-4.6"),
    source="zai-org/GLM-4.5 chat_template.jinja sha256 44f815868bf02fa4", notes=(ENDS,),
)  # fmt: skip
glm_4_7 = Format(
    "glm-4.7", Choice(think, CLOSER, NOTHING) + calls + end, Tok("<|assistant|>"), layout,
    models=("zai-org/GLM-4.7", "zai-org/GLM-4.7-Flash"),
    source="zai-org/GLM-4.7 chat_template.jinja sha256 d63ad536c3c81880", notes=(ENDS,),
)  # fmt: skip
