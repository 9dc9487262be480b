"""Where Gemma 4's template puts text that comes before calls, old reasoning that is kept, and its media."""

from __future__ import annotations

import pytest

import turnwire
from tests.families import official, parity
from tests.families.conversations import BERGEN, assistant, result, system, user
from tests.families.qwen_conversations import ALL
from tests.families.references.gemma import DIFFERS
from turnwire.errors import TurnwireError

NAMES = ("gemma-4", "gemma-4-e4b")
CALL = '<|tool_call>call:get_forecast{town:<|"|>Bergen<|"|>}<tool_call|>'
RESULT = '<|tool_response>response:get_forecast{value:<|"|>rain<|"|>}<tool_response|>'
TALK = [user("Rain?"), assistant("Let me look.", [BERGEN]), result("rain")]


@pytest.mark.parametrize("name", NAMES)
def test_text_before_calls(name: str) -> None:
    """The template moves it behind the results and closes the turn, and then opens none; ours goes on."""
    theirs = official.text(name, official.plain(TALK, name), add_generation_prompt=True)
    ours = turnwire.get_format(name).render(TALK, add_generation_prompt=True)
    assert theirs is not None
    assert theirs.endswith(CALL + RESULT + "Let me look.<turn|>\n")
    assert ours.text.endswith("<|turn>model\nLet me look." + CALL + RESULT)
    answered = turnwire.get_format(name).render([*TALK, assistant("Yes.")])
    assert answered.text == ours.text + "Yes.<turn|>\n"


@pytest.mark.parametrize("name", NAMES)
def test_kept_thoughts(name: str) -> None:
    """`preserve_thinking`, but for turns that the comparison takes apart (see `references/gemma.py`)."""
    compared = 0
    for c in ALL:
        apart = any(m.get("tool_calls") and m.get("content") for m in c["messages"])
        if apart or c["name"] in DIFFERS or c["name"].startswith(("image", "video")):
            continue
        theirs, tools = official.shown(c["messages"], c["tools"], name)
        options = {"preserve_thinking": True, "enable_thinking": True}
        outcome = parity.compare(name, c["messages"], c["tools"], options, theirs, tools)
        compared += outcome in ("equal", "equal text", "break")
    assert compared >= 100


def test_audio() -> None:
    """All three kinds of media, in a user's turn and behind a result."""
    media = [{"type": kind} for kind in ("image", "audio", "video")]
    given = [user([{"type": "text", "text": " a "}, *media]), assistant(None, [BERGEN])]
    given.append({**result(""), "content": [{"type": "text", "text": "r"}, *media]})
    assert parity.compare("gemma-4", given, None, {}, official.plain(given, "gemma-4")) in ("equal", "equal text")
    out = turnwire.get_format("gemma-4").render(given)
    written = [out.text[r.start : r.stop] for r in out.runs if r.kind == "media"]
    assert written == ["<|image|>", "<|audio|>", "<|video|>", "<|image|><|audio|><|video|>"]  # one part, one run


def test_spelled_thoughts_are_cut() -> None:
    """As the template's `strip_thinking`, lines 154-166, does; unless switched off."""
    given = [user("a"), assistant("x <|channel>thought\nhm<channel|> y"), user("b")]
    fmt = turnwire.get_format("gemma-4")
    assert fmt.render(given).text == official.text("gemma-4", given)
    kept = fmt.render(given, strip_thinking=False)
    assert "x <|channel>thought\nhm<channel|> y" in kept.text


def test_reply_behind_results() -> None:
    """It goes on in the turn that called: without a header, and in a thought if the model may think."""
    fmt = turnwire.get_format("gemma-4")
    for thinking in (False, True):
        prompt = fmt.render(TALK, add_generation_prompt=True, enable_thinking=thinking)
        assert prompt.text.endswith(RESULT + ("<|channel>thought\n" if thinking else ""))
        reply = "It rains.\n<channel|>Yes.<turn|>" if thinking else "Yes.<turn|>"
        turn = fmt.parse(reply, prompt=prompt, finish_reason="stop").turn
        assert turn.text == "Yes." and turn.reasoning == ("It rains." if thinking else "")
        assert fmt.render_reply(turn, prompt=prompt).text == reply


def test_results_belong_to_nobody() -> None:
    """What the model samples behind its calls is the opener of the first result; the rest is the tools'."""
    out = turnwire.get_format("gemma-4").render([*TALK, user("Thanks.")])
    sampled = "".join(out.text[r.start : r.stop] for r in out.runs if r.sampled)
    assert sampled == "Let me look." + CALL + "<|tool_response>"
    assert "<tool_response|><turn|>\n<|turn>user\nThanks.<turn|>\n" in out.text


def test_gemma_3_refuses_what_it_cannot_say() -> None:
    fmt = turnwire.get_format("gemma-3")
    for messages in (TALK[:2], TALK, [user("a"), user("b")], [system("s")], [user("a"), system("s")]):
        with pytest.raises(TurnwireError):
            fmt.render(messages)
    assert fmt.render([system("s"), user("a")]).text == "<bos><start_of_turn>user\ns\n\na<end_of_turn>\n"
