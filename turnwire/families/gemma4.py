"""Gemma 4: calls as objects with bare keys, strings between vocabulary entries; results inside the model's turn.

Facts: chat_template.jinja of google/gemma-4-26B-A4B-it (sha256 ae53464b; 31B and 12B have the same file) and of
google/gemma-4-E4B-it (0a2c8073; E2B too), which differ in lines 384-386: the large models are told by an empty
thought not to think. generation_config.json: <eos>, <turn|> and, behind calls, <|tool_response> stop.

Text that comes before calls stays there. The template moves it behind the results (lines 258-348, made for messages
that hold call, response and answer at once), and then closes the turn that the model was to go on with: see
vllm-project/vllm pull request 42776.
"""

from __future__ import annotations

from ..codecs import BareKeys, Name
from ..format import Format
from ..layout import Context, Layout, Option, Wrap
from ..templating.gemma import Declarations, ModelTurns, Responses, SystemWithTools, TrimEach, keep_thoughts
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word

QUOTE = '<|"|>'
arguments = BareKeys(QUOTE)

# reply
name = Slot("name", Name(without="<>{}"))
think = Frame(
    "reasoning",
    Tok("<|channel>") + Lit("thought") + Pad("\n") + Slot("reasoning") + Pad("\n", filled=True) + Tok("<channel|>"),
)
call = Frame(
    "call",
    Tok("<|tool_call>") + Lit("call:") + name + Lit("{") + Slot("arguments", arguments) + Lit("}")
    + Tok("<tool_call|>"),
)  # fmt: skip
calls = Many(Choice(Frame("text", Slot("text")), Many(call)))
end = End("<turn|>", "<|tool_response>", "<eos>", called="<|tool_response>")

# layout
THOUGHT = Tok("<|channel>") + Lit("thought\n")
EMPTY = THOUGHT + Tok("<channel|>")


def turn(role: str) -> Wrap:
    """<|turn>role, a line end, the content, <turn|>, a line end."""
    return Wrap(Tok("<|turn>") + Lit(role + "\n"), Tok("<turn|>") + Lit("\n"))


def begin_thought(context: Context) -> Word:
    """Lines 388-390 (E4B: 385-387): behind results the thought is begun, if the model may think."""
    return THOUGHT if context.options["enable_thinking"] and context.behind == "tool" else NOTHING


def empty_thought(context: Context) -> Word:
    """Lines 384-386."""
    no_thought = not context.options["enable_thinking"] and not context.behind
    return EMPTY if no_thought else begin_thought(context)


e4b_layout = Layout(
    roles=tuple((role, turn(role)) for role in ("system", "developer", "user")),
    results=Responses(Tok("<|tool_response>"), Tok("<tool_response|>"), turn("").close, arguments),
    preamble=SystemWithTools(
        Declarations(Tok("<|tool>"), Tok("<tool|>"), QUOTE, "null"), "system", thinking=Tok("<|think|>") + Lit("\n")
    ),
    arrange=(TrimEach(("<|channel>", "<channel|>")), keep_thoughts, ModelTurns(joined=True)),
    prefill=begin_thought,
    after=Lit("\n"),
    options=(
        Option("enable_thinking", False, "a bool: the model may think", (True, False)),
        Option("preserve_thinking", False, "a bool: keep old reasoning where there are calls", (True, False)),
        Option("strip_thinking", True, "a bool: cut thoughts out of content", (True, False)),
    ),
    media=tuple((kind, Tok(f"<|{kind}|>")) for kind in ("image", "audio", "video")),
    leading=("system", "developer"),
    begin=Tok("<bos>"),
    headless=("tool",),
)
gemma_4_e4b = Format(
    "gemma-4-e4b", Opt(think) + calls + end, turn("model").open, e4b_layout,
    control_extra=("<|tool>", "<tool|>", "<|think|>"),
    models=tuple(f"google/gemma-4-{size}-it{kind}" for size in ("E2B", "E4B") for kind in ("", "-qat-*")),
    source="google/gemma-4-E4B-it chat_template.jinja sha256 0a2c8073c878ab1d",
)  # fmt: skip
gemma_4 = gemma_4_e4b.but(
    "gemma-4", layout=e4b_layout.but(prefill=empty_thought),
    models=tuple(f"google/gemma-4-{size}-it{kind}" for size in ("12B", "26B-A4B", "31B") for kind in ("", "-qat-*")),
    source="google/gemma-4-26B-A4B-it chat_template.jinja sha256 ae53464bf3be2580",
)  # fmt: skip
