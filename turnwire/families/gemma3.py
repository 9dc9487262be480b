"""Gemma 3: turns without calls or reasoning; the system message begins the first user turn.

Facts: the chat template of google/gemma-3-*-it, as trl and unsloth/gemma-3-1b-it have it (sha256 7de1c58e). The
template ignores tools, so they are not shown; calls and results are refused. <end_of_turn> and <eos> stop.
"""

from __future__ import annotations

from ..format import Format
from ..layout import Layout, NoResults, Wrap
from ..templating.arrange import drop_reasoning
from ..templating.gemma import TrimEach, alternate, lead_user
from ..wire import End, Frame, Lit, Many, Slot, Tok


def turn(role: str) -> Wrap:
    """<start_of_turn>role, a line end, the content, <end_of_turn>, a line end."""
    return Wrap(Tok("<start_of_turn>") + Lit(role + "\n"), Tok("<end_of_turn>") + Lit("\n"))


layout = Layout(
    roles=(("system", turn("user")), ("user", turn("user"))),
    results=NoResults(),
    preamble=lead_user,
    arrange=(TrimEach(but=("system",)), drop_reasoning, alternate),
    after=Lit("\n"),
    media=(("image", Tok("<start_of_image>")),),
    begin=Tok("<bos>"),
)
gemma_3 = Format(
    "gemma-3", Many(Frame("text", Slot("text"))) + End("<end_of_turn>", "<eos>"), turn("model").open, layout,
    models=tuple(
        f"google/gemma-3-{size}-it{kind}" for size in ("270m", "1b", "4b", "12b", "27b") for kind in ("", "-qat-*")
    ),
    source="google/gemma-3-1b-it chat_template sha256 7de1c58e208eda46",
)  # fmt: skip
