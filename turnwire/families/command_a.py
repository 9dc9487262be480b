"""Command A+ and North Mini Code: calls as a JSON list with ids, text and reasoning in markers of their own.

Facts: chat_template.jinja of CohereLabs/command-a-plus-05-2026-w4a4 (sha256 d10a9670) and North-Mini-Code-1.0
(d8366efb); the BOS is that of prompts on CohereLabs/c4ai-command-r-v01's model card. Command A of 2025 has another
preamble, and its template cannot be had: its ids are not claimed.
"""

from __future__ import annotations

from ..codecs import Envelope, Ordinal
from ..format import Format
from ..layout import Context, Layout, Option
from ..templating import cohere
from ..templating.call_ids import CALL_IDS
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .notes import UNSEEN

# reply; answers of Command R7B stand in <|START_RESPONSE|> (command-r7b-12-2024's tool_use template, cc60b553);
# one call without brackets: smg-project/smg, issue 305
START, DONE = Tok("<|START_THINKING|>"), Tok("<|END_THINKING|>")
EMPTY = START + DONE
think = Frame("reasoning", START + Slot("reasoning") + DONE)
text = Frame(
    "text",
    Choice(cohere.TEXT, Tok("<|START_RESPONSE|>")) + Slot("text") + Choice(cohere.TEXT_END, Tok("<|END_RESPONSE|>")),
)
envelope = Envelope(name="tool_name", arguments=("parameters",), id="tool_call_id", id_first=True)
calls = Many(
    Frame("call", Slot("envelope", envelope)),
    open=Tok("<|START_ACTION|>") + Choice(Lit("[") + Pad("\n    "), Pad("\n")), sep=Lit(",") + Pad("\n    "),
    close=Pad("\n") + Choice(Lit("]"), NOTHING) + Tok("<|END_ACTION|>"),
)  # fmt: skip
reply = Opt(think) + Many(Choice(text, calls)) + End("<|END_OF_TURN_TOKEN|>")

# layout
SWITCH = (True, False)


def thinks(context: Context) -> Word:
    """A think block is opened, or written empty (line 271)."""
    return START if context.options["reasoning"] else EMPTY


layout = Layout(
    roles=tuple((role, cohere.Said(cohere.opener(role.upper()), cohere.TURN_END)) for role in ("system", "user")),
    results=cohere.JsonResults(
        cohere.opener("SYSTEM") + Tok("<|START_TOOL_RESULT|>"), Tok("<|END_TOOL_RESULT|>") + cohere.TURN_END
    ),
    preamble=cohere.Platform("Command"),
    arrange=(cohere.shown,),
    prefill=thinks,
    begin=Tok("<BOS_TOKEN>"),
    ids=Ordinal(),
    media=(("image", Tok("<|IMG_PATCH|>")),),
    options=(
        Option("reasoning", True, "a bool: False writes an empty think block", SWITCH),
        Option("skip_thinking", False, "a bool: True shows no reasoning of turns", SWITCH),
        Option("grounding", "disabled", "'enabled' asks for citations of results", ("enabled", "disabled")),
        Option("platform_instruction_override", "", "a text: platform instructions", type=str),
        CALL_IDS,
    ),
)
command_a = Format(
    "command-a", reply, cohere.opener("CHATBOT"), layout,
    models=("CohereLabs/command-a-plus-05-2026*",),
    notes=(
        UNSEEN, "text beside calls is left out of prompts, as by the official template",
        "the template's documents, response_format and developer_instruction are not supported",
    ),
    source="CohereLabs/command-a-plus-05-2026-w4a4 chat_template.jinja sha256 d10a9670a4",
)  # fmt: skip
north_mini_code = command_a.but(
    "north-mini-code", layout=layout.but(preamble=cohere.Platform("North Mini Code")),
    models=("CohereLabs/North-Mini-Code-1.0",),
    source="CohereLabs/North-Mini-Code-1.0 chat_template.jinja sha256 d8366efb9f",
)  # fmt: skip
