"""Mistral of the tokenizer version v7: calls as one JSON array behind a marker, system messages in their own markers.

Facts: mistral-common 1.13.1, tokens/tokenizers/instruct.py (sha256 3279fa55, `InstructTokenizerV7`). Large 2411 has a
SentencePiece vocabulary, whose encoder begins each text with a blank (sentencepiece.py): it is written here, a `Pad` in
the reply. Small 3 and 3.1 have a tekken, with no blanks. A call's id stands behind its arguments: where a model writes
one, it comes after the call was told, and is not used.
"""

from __future__ import annotations

from dataclasses import replace

from ..codecs import Alphanumeric, Envelope
from ..format import Format
from ..layout import Layout, Results
from ..templating import mistral
from ..templating.arrange import drop_reasoning
from ..templating.call_ids import CALL_IDS
from ..wire import NOTHING, Choice, Frame, Lit, Many, Pad, Slot, Tok, Word
from .mistral_v11 import NO_THOUGHTS
from .mistral_v11 import layout as v11
from .mistral_v13 import end, system, user


def array(gap: Word) -> Word:
    """Calls between brackets; `gap` is what the encoder puts before a text."""
    call = Frame("call", Slot("envelope", Envelope(id="id")))
    calls = Many(call, open=Tok("[TOOL_CALLS]") + gap + Lit("["), sep=Lit(",") + Pad(" "), close=Lit("]"))
    return Many(Choice(Frame("text", gap + Slot("text")), calls)) + end


def spaced(layout: Layout, gap: str = " ") -> Layout:
    """The layout with a blank before each text."""
    return layout.but(
        roles=tuple((role, replace(w, gap=gap) if isinstance(w, mistral.Said) else w) for role, w in layout.roles)
    )


def results(gap: str) -> Results:
    """The call's id, then the content."""
    return Results(item_open=Tok("[TOOL_RESULTS]"), item_close=Tok("[/TOOL_RESULTS]"), head=mistral.IdHead(gap))


arrange = (mistral.in_order, drop_reasoning, mistral.Join(), mistral.Ask(), mistral.right_trimmed)
layout = Layout(
    roles=(("system", system), ("user", user)),
    results=results(""),
    arrange=arrange,
    leading=(),
    begin=Tok("<s>"),
    headless=("system", "user", "tool"),
    options=(CALL_IDS,),
    ids=Alphanumeric(9),
)
mistral_v7 = Format(
    "mistral-v7", array(Pad(" ")), NOTHING, spaced(layout).but(results=results(" ")),
    control_extra=mistral.CONTROL,
    models=("mistralai/Mistral-Large-Instruct-2411",),
    source="mistral-common 1.13.1, InstructTokenizerV7",
    notes=(NO_THOUGHTS,),
)  # fmt: skip
mistral_tekken_v7 = mistral_v7.but(
    "mistral-tekken-v7", reply=array(NOTHING), layout=layout.but(media=v11.media),
    models=("mistralai/Mistral-Small-24B-Instruct-2501", "mistralai/Mistral-Small-3.1-24B-Instruct-2503"),
)  # fmt: skip
