"""EXAONE 4.0, EXAONE 4.5 and K-EXAONE: Hermes JSON calls on one line, reasoning that the prompt opens or closes.

Facts: chat_template.jinja of LGAI-EXAONE/EXAONE-4.0-32B (sha256 de64119e; 1.2B and 4.0.1 have the same file),
EXAONE-4.5-33B (e4ece7ac) and K-EXAONE-236B-A23B (fdb4ee5f).
"""

from __future__ import annotations

from ..codecs import Envelope
from ..layout import Context, Layout, Option, Results, Wrap
from ..templating import exaone_prose as exaone
from ..templating.arrange import Trim, results_as_json
from ..wire import NOTHING, Choice, End, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .notes import UNSEEN
from .qwen3 import NL, begin_thinking, gap, no_thinking, qwen3, text, think

inside = Choice(NOTHING, Pad("\n"))  # as other Hermes calls have it
call = Frame("call", Tok("<tool_call>") + inside + Slot("envelope", Envelope()) + inside + Tok("</tool_call>"))
calls = Many(Choice(text, Many(call, open=gap, sep=Pad("\n"))))
SWITCH = (True, False)


def role(name: str, left: str = "[|", right: str = "|]") -> Wrap:
    """[|role|], a line end, the content, [|endofturn|], a line end; in 4.5 with < and > for [ and ]."""
    return Wrap(Tok(left + name + right) + NL, Tok(f"{left}endofturn{right}") + NL)


def result_list(outer: Wrap, open: Word = NOTHING, close: Word = NOTHING) -> Results:
    """Each in <tool_result>, a line end between."""
    return Results(outer.open, Tok("<tool_result>") + open, close + Tok("</tool_result>"), outer.close, sep=NL)


def thinks(context: Context) -> Word:
    """A think block is opened, or written empty: 4.0, lines 140-146; 4.5, lines 155-161."""
    return begin_thinking(context) if context.options["enable_thinking"] else no_thinking(context)


layout = Layout(
    roles=(("system", role("system")), ("user", role("user"))),
    results=result_list(role("tool"), Lit('{"result": '), Lit("}")),
    preamble=exaone.system_and_tools,
    arrange=(exaone.last_reasoning, results_as_json),
    prefill=thinks,
    after=NL,
    options=(
        Option("enable_thinking", False, "a bool: open a think block instead of an empty one", SWITCH),
        Option("skip_think", True, "a bool: False shows the reasoning of the last turn", SWITCH),
    ),
)
exaone_4 = qwen3.but(
    "exaone-4", reply=Opt(think) + calls + End("[|endofturn|]"), header=role("assistant").open, layout=layout,
    models=tuple(f"LGAI-EXAONE/EXAONE-{size}" for size in ("4.0-1.2B", "4.0-32B", "4.0.1-32B")), notes=(UNSEEN,),
    source="LGAI-EXAONE/EXAONE-4.0-32B chat_template.jinja sha256 de64119ec8",
)  # fmt: skip


def angled(name: str) -> Wrap:
    return role(name, "<|", "|>")


def vision(pad: str) -> Word:
    return Tok("<vision>") + Tok(pad) + Tok("</vision>") + NL


thinking = Option("enable_thinking", True, "a bool: False writes an empty think block", SWITCH)
skipping = Option("skip_think", False, "a bool: True shows no reasoning at all", SWITCH)
k_layout = layout.but(
    roles=(("system", angled("system")), ("user", angled("user"))),
    results=result_list(angled("tool")),
    preamble=exaone.declared,
    arrange=(exaone.since_query, Trim(exaone.is_assistant)),
    options=(thinking, skipping),
)
k_exaone = exaone_4.but(
    "k-exaone", reply=Opt(think) + calls + End("<|endofturn|>"), header=angled("assistant").open, layout=k_layout,
    control_extra=("<|tool_declare|>",), models=("LGAI-EXAONE/K-EXAONE-236B-A23B",),
    source="LGAI-EXAONE/K-EXAONE-236B-A23B chat_template.jinja sha256 fdb4ee5f14",
)  # fmt: skip
exaone_4_5 = k_exaone.but(
    "exaone-4.5",
    layout=k_layout.but(
        options=(thinking, skipping, Option("add_vision_id", False, "a bool: number the pictures", SWITCH)),
        media=(("image", vision("<|image_pad|>")), ("video", vision("<|video_pad|>"))),
        media_label=exaone.picture,
    ),
    models=("LGAI-EXAONE/EXAONE-4.5-33B",),
    source="LGAI-EXAONE/EXAONE-4.5-33B chat_template.jinja sha256 e4ece7acc7",
)  # fmt: skip
