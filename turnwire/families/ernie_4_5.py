"""ERNIE 4.5, text and vision: "User: " and "Assistant: " lines. No calls: the templates leave out tools, calls and
results, and so do prompts here.

Facts: chat_template.jinja of baidu/ERNIE-4.5-21B-A3B-Base-PT (sha256 471fb571; ERNIE-4.5-21B-A3B-Paddle and
300B-A47B-Paddle have the same file, and are the same models as the -PT ones) and ERNIE-4.5-VL-28B-A3B-PT (7194ad21).
"""

from __future__ import annotations

from ..format import Format
from ..layout import Context, Layout, NoResults, Option, Placed, Wrap
from ..templating.arrange import StripFirst, drop_calls, drop_reasoning, split_reasoning
from ..turns import Reasoning
from ..wire import NOTHING, End, Lit, Many, Opt, Tok, Word
from .notes import UNSEEN
from .phi_4 import SILENT, text, think
from .qwen3 import splitting

NL = Lit("\n")
end = End("<|end_of_sentence|>", "</s>")
layout = Layout(
    roles=(("system", Wrap(NOTHING, NL)), ("user", Wrap(Lit("User: "), NL))),
    results=NoResults(),
    arrange=(drop_calls, drop_reasoning),
    begin=Tok("<|begin_of_sentence|>"),
)
SIZES = ("21B-A3B-Base", "21B-A3B", "300B-A47B-Base", "300B-A47B")
ernie_4_5 = Format(
    "ernie-4.5", Many(text) + end, Lit("Assistant: "), layout,
    models=tuple(f"baidu/ERNIE-4.5-{size}-{kind}" for size in SIZES for kind in ("PT", "Paddle")),
    notes=(UNSEEN, SILENT),
    source="baidu/ERNIE-4.5-21B-A3B-Base-PT chat_template.jinja sha256 471fb57197",
)  # fmt: skip


def content_decides(turns: list[Placed], context: Context) -> list[Placed]:
    """A block in the content counts for more than reasoning given apart (VL, lines 46-55)."""
    if not context.options["split_reasoning"]:
        return turns
    return split_reasoning([_bare(t) if "</think>" in t.text else t for t in turns], context)


def _bare(t: Placed) -> Placed:
    return t.having(*((i, p) for i, p in t.parts if not isinstance(p, Reasoning)))


def trimmed(turns: list[Placed], context: Context) -> list[Placed]:
    """Reasoning without line ends around it, if there is any; the text behind it begins with none (VL, lines 56-67)."""
    return [_trimmed(t) if any(isinstance(p, Reasoning) for _, p in t.parts) else t for t in turns]


def _trimmed(t: Placed) -> Placed:
    said = "".join(p.text for _, p in t.parts if isinstance(p, Reasoning))
    if not said:
        return _bare(t)
    index = next(i for i, p in t.parts if isinstance(p, Reasoning))
    (rest,) = StripFirst("\n")([_bare(t)], Context({}, None))
    return t.having((index, Reasoning(said.strip("\n"))), *rest.parts)


def vision(kind: str) -> Word:
    return Tok(f"<|{kind}_START|>") + Tok(f"<|{kind.lower()}@placeholder|>") + Tok(f"<|{kind}_END|>")


def label(kind: str, number: int, context: Context) -> str:
    """VL, lines 16-21: pictures and videos are numbered."""
    return f"{ {'image': 'Picture', 'video': 'Video'}[kind] } {number}:"


OPENED = Tok("<think>")
EMPTY = OPENED + Lit("\n\n") + Tok("</think>") + Lit("\n\n")


def prefill(context: Context) -> Word:
    """VL, lines 75-84."""
    return OPENED if context.options["enable_thinking"] else EMPTY


ernie_4_5_vl = ernie_4_5.but(
    "ernie-4.5-vl", reply=Opt(think) + Many(text) + end, header=Lit("\nAssistant: "),
    layout=layout.but(
        roles=(("system", Wrap(NOTHING, NL)), ("user", Wrap(Lit("User: "), NOTHING))),
        arrange=(drop_calls, content_decides, trimmed),
        prefill=prefill,
        options=(Option("enable_thinking", True, "a bool: False: an empty think block", (True, False)), splitting),
        media=(("image", vision("IMAGE")), ("video", vision("VIDEO"))),
        media_label=label,
    ),
    models=("baidu/ERNIE-4.5-VL-28B-A3B-PT", "baidu/ERNIE-4.5-VL-424B-A47B-Base-PT"),
    source="baidu/ERNIE-4.5-VL-28B-A3B-PT chat_template.jinja sha256 7194ad2109",
)  # fmt: skip
