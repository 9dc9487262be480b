"""Pictures in Mistral's prompts: where the official template of Medium 3.5 puts its placeholder, and as runs of kind
"media". mistral-common writes a row of placeholders for the size of a picture, which the caller's processor does here.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.families import official
from tests.families.conversations import Message, assistant, system, user

PICTURE = {"type": "image", "image": "x"}
NEXT = {"type": "image_url", "image_url": {"url": "https://example.org/x.png"}}
SYSTEM = system("Be brief.")


def said(*texts: str) -> list[Any]:
    return [{"type": "text", "text": t} for t in texts]


CONVERSATIONS: list[list[Message]] = [
    [SYSTEM, user([PICTURE, *said("What is it?")])],
    [SYSTEM, user([*said("What is it?"), NEXT])],
    [SYSTEM, user([PICTURE, NEXT])],
    [SYSTEM, user([*said("a"), PICTURE, *said("b")])],
    [SYSTEM, user([*said("a"), PICTURE, NEXT])],
    [SYSTEM, user([PICTURE]), user("What is it?"), assistant("A boat."), user([*said("And [IMG] this?"), NEXT])],
    [SYSTEM, user("What is it?"), user([PICTURE])],
    [SYSTEM, user(said("a", "b"))],
]


@pytest.mark.parametrize("messages", CONVERSATIONS)
def test_pictures(messages: list[Message]) -> None:
    name = "mistral-medium-3.5"
    out = official.format_of(name).render(messages)
    assert out.text == official.text(name, messages)
    pictures = str(messages).count("'type': 'image")
    assert [out.text[r.start : r.stop] for r in out.runs if r.kind == "media"] == ["[IMG]"] * pictures


def test_a_spelled_picture_is_text() -> None:
    tok = official.tokenizer("mistral-v13")
    out = official.format_of("mistral-v13").render([user(["[IMG]", PICTURE])], tokenizer=tok)
    assert out.text == "<s>[INST][IMG][IMG][/INST]" and out.ids.count(tok.special("[IMG]")) == 1
