"""What the model would have written, of small templates that each have one habit of the corpus's."""

from __future__ import annotations

from typing import Any

import pytest

import turnwire
from tests.counting import calls
from turnwire import ChatTemplate
from turnwire.errors import MaskError
from turnwire.templating.told import told

TALK = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "Hello"},
    {"role": "user", "content": "Ok"},
    {"role": "assistant", "content": "Bye"},
]
CALL = {"type": "function", "id": "call_1", "function": {"name": "f", "arguments": {"a": "Oslo"}}}
CALLED: list[dict[str, Any]] = [
    {"role": "user", "content": "Hi"},
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL]},
    {"role": "tool", "content": "SECRET", "tool_call_id": "call_1", "name": "f"},
    {"role": "assistant", "content": "Rain."},
]
TURN = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
ASK = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"


def said(source: str, messages: list[dict[str, Any]] = TALK, **options: Any) -> list[str]:
    out = ChatTemplate(source, "<s>", "</s>").render(messages, **options)
    assert not out.unmasked, out.unmasked
    found: list[list[int]] = []
    for r in out.runs:
        if r.sampled and found and found[-1][1] == r.start:
            found[-1][1] = r.stop
        elif r.sampled:
            found.append([r.start, r.stop])
    return [out.text[start:stop] for start, stop in found if stop > start]


def why(source: str, messages: list[dict[str, Any]] = TALK) -> str:
    out = ChatTemplate(source, "<s>", "</s>").render(messages)
    return out.unmasked


LAST = (
    "{% for m in messages %}{% if m.role == 'user' %}<|start|>user<|message|>{{ m.content }}<|end|>{% else %}"
    "{% if m.thinking and loop.last and not add_generation_prompt %}"
    "<|start|>assistant<|channel|>analysis<|message|>{{ m.thinking }}<|end|>{% endif %}"
    "<|start|>assistant<|channel|>final<|message|>{{ m.content }}"
    "{{ '<|return|>' if loop.last and not add_generation_prompt else '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)


def test_the_last_turn_may_end_otherwise() -> None:
    final = "<|channel|>final<|message|>"
    assert said(LAST) == [f"{final}Hello<|end|>", f"{final}Bye<|return|>"]
    assert said(LAST, add_generation_prompt=True) == [f"{final}Hello<|end|>", f"{final}Bye<|end|>"]


def test_what_ends_the_reasoning_does_not_end_the_turn() -> None:
    thought = [*TALK[:3], {"role": "assistant", "content": "Bye", "thinking": "Hm."}]
    both = "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Bye<|return|>"
    assert said(LAST, thought)[-1] == both
    empty = [TALK[0], {"role": "assistant", "content": "", "thinking": "Hm."}]
    assert said(LAST, empty) == [both.replace("Bye", "")]
    opened = ChatTemplate(LAST).render(thought, continue_final_message=True)
    assert "".join(opened.text[r.start : r.stop] for r in opened.runs if r.sampled).endswith("<|message|>Bye")


@pytest.mark.parametrize(
    ("turn", "end"),
    [
        ("{{ m.content }}<|im_end|>\n", "<|im_end|>"),
        ("{{ m.content }}{{ '<|user_end|>' if m.role == 'user' else '<|assistant_end|>' }}", "<|assistant_end|>"),
        ("{{ m.content }}{{ '</s>' if m.role == 'assistant' }}\n", "</s>"),
    ],
)
def test_a_prompt_that_is_there_in_any_case_is_not_sampled(turn: str, end: str) -> None:
    source = "{% for m in messages %}<|im_start|>{{ m.role }}\n" + turn + "{% endfor %}<|im_start|>assistant\n{{ '' }}"
    assert said(source) == said(source, add_generation_prompt=True) == [f"Hello{end}", f"Bye{end}"]


def test_an_end_that_stands_in_front_of_the_next_turn() -> None:
    source = "{% for m in messages %}{% if not loop.first %}<|im_end|>\n{% endif %}<|im_start|>{{ m.role }}\n"
    source += "{{ m.content }}{% endfor %}{% if add_generation_prompt %}<|im_end|>\n<|im_start|>assistant\n{% endif %}"
    assert said(source) == ["Hello<|im_end|>", "Bye"]
    nothing = TURN + "{% endfor %}" + ASK
    assert said(nothing) == ["Hello", "Bye"]  # what begins the next turn ends none


def test_an_end_that_stands_only_at_the_end_of_all() -> None:
    source = "{% for m in messages %}{{ m.role }}: {{ m.content }}"
    source += "{{ '</s>' if loop.last and m.role == 'assistant' else '\n' }}{% endfor %}"
    assert said(source)[-1].endswith("Bye</s>") and said(source)[0].endswith("Hello")


def test_an_end_that_only_a_user_brings() -> None:
    """Behind reasoning stands what ends the last turn; one that a user follows ends otherwise."""
    source = "{% for m in messages %}{% if m.role == 'user' %}<|u|>{{ m.content }}{% else %}<|a|>"
    source += "{% if m.thinking %}{{ m.thinking }}<|end|>{% endif %}{{ m.content }}"
    source += "{% if not loop.last %}<|done|>{% else %}<|end|>{% endif %}{% endif %}{% endfor %}"
    source += "{% if add_generation_prompt %}<|a|>{% endif %}"
    thought = [TALK[0], {**TALK[1], "thinking": "Hm."}, *TALK[2:]]
    assert said(source, thought) == ["Hm.<|end|>Hello<|done|>", "Bye<|end|>"]


def test_a_first_turn_ends_as_others_do() -> None:
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}{% if not loop.first %}<|end|>{% endif %}<|u|>{{ m.content }}"
    )
    source += "{% else %}<|a|>{{ m.content }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|a|>{% endif %}"
    assert said(source, TALK[1:]) == ["Hello<|end|>", "Bye"]


INSIDE = (
    "{% for m in messages %}{% if m.role == 'user' %}<|turn>user\n{{ m.content }}<turn|>\n"
    "{% elif m.role == 'assistant' %}"
    "{% if loop.index0 == 0 or loop.previtem.role != 'tool' %}<|turn>model\n{% endif %}"
    "{% for c in m.tool_calls or [] %}<|tool_call>{{ c.function.name }}{{ c.function.arguments | tojson }}<tool_call|>"
    "{% endfor %}{% if m.tool_calls %}<|tool_response>"
    "{% if not loop.last and loop.nextitem.role == 'tool' %}{{ m.tool_calls[0].function.name }}:"
    "{{ loop.nextitem.content }}<tool_response|>{% endif %}{% endif %}"
    "{{ m.content }}{% if not m.tool_calls %}<turn|>\n{% endif %}{% endif %}"
    "{% endfor %}{% if add_generation_prompt and messages[-1].role != 'tool' %}<|turn>model\n{% endif %}"
)


def test_results_inside_a_turn_are_the_tools() -> None:
    call = '<|tool_call>f{"a": "Oslo"}<tool_call|><|tool_response>'
    assert said(INSIDE, CALLED) == [call, "I look.Rain.<turn|>"]
    bare = {**CALL, "function": {"name": "f", "arguments": {}}}
    none = [CALLED[0], {**CALLED[1], "tool_calls": [bare]}, *CALLED[2:]]
    assert said(INSIDE, none) == [call.replace('"a": "Oslo"', ""), "I look.Rain.<turn|>"]


def test_a_conversation_as_it_is_told() -> None:
    out = ChatTemplate(INSIDE).render(CALLED)
    assert out.origins is not None
    found = told(out.origins.spans, CALLED)
    assert [m["role"] for m in found.messages] == ["user", "assistant", "tool", "assistant", "assistant"]
    assert [m["content"] for m in found.messages] == ["Hi", "", "SECRET", "I look.", "Rain."]
    assert found.of == [0, 1, 2, 1, 3] and "tool_calls" not in found.messages[3]
    assert all(e is not None for e in found.extents)
    plain = ChatTemplate(TURN + "<|im_end|>\n{% endfor %}" + ASK).render(TALK)
    assert plain.origins is not None and told(plain.origins.spans, TALK).messages is TALK


def test_a_text_that_begins_as_the_prompt_does() -> None:
    source = (
        TURN + "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\nHere I think:\n{% endif %}"
    )
    assert said(source) == ["Hello<|im_end|>", "Bye<|im_end|>"]


def test_what_the_model_is_not_asked_for() -> None:
    """A judge's template asks for a verdict on a conversation."""
    talk = "{% for m in messages %}\n\n{{ m.role }}: {{ m.content }}{% endfor %}"
    tok = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    for source in (f"[INST]{talk}\n\nIs it safe? [/INST]", f"<|im_start|>user\n{talk}\nRate it.<|im_end|>\n{ASK}"):
        assert why(source) == "messages[1]: the template does not ask the model for it"
        with pytest.raises(MaskError, match="does not ask"):
            ChatTemplate(source).render(TALK, tokenizer=tok).mask("sampled")


def test_what_others_wrote_is_never_sampled() -> None:
    """A guard's template looks at the last question and the last answer, whatever their order."""
    source = "{% for m in messages if m.role == 'user' %}{% set q.t = m.content %}{% endfor %}"
    source += "{% for m in messages if m.role == 'assistant' %}{% set a.t = m.content %}{% endfor %}"
    source = "{% set q = namespace(t='') %}{% set a = namespace(t='') %}" + source + "<q>{{ q.t }}</q><a>{{ a.t }}</a>"
    assert why(source, TALK[:3]) == "messages[1]: what others wrote stands inside it"


BARE = "{% for m in messages %}{{ m.content }}\n{% endfor %}"
RESULTS = (
    "{% for m in messages %}{% if m.role == 'tool' %}<|im_start|>user\n{{ m.content }}<|im_end|>\n{% else %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}{% for c in m.tool_calls or [] %}{{ c.function | tojson }}{% endfor %}"
    "<|im_end|>\n{% endif %}{% endfor %}" + ASK
)


@pytest.mark.parametrize("source", [TURN + "<|im_end|>\n{% endfor %}" + ASK, RESULTS, LAST, BARE])
def test_the_work_is_linear(source: str) -> None:
    """Counted, in calls of functions: an agent's loop of one question, twice as long, takes twice as many."""

    def work(turns: int) -> int:
        out = ChatTemplate(source).render([CALLED[0], *CALLED[1:3] * turns, CALLED[3]])
        return calls(lambda: out.unmasked)

    work(20)  # trials are remembered
    few, many = work(100), work(200)
    assert few > 1000 and many < 2.1 * few, (few, many)


@pytest.mark.parametrize("texts", [("", "b"), ("a", ""), ("", ""), ("", "", ""), ("", "", "b"), ("a", "", "b", "")])
def test_turns_in_a_row_that_say_nothing(texts: tuple[str, ...]) -> None:
    """Each has its end, and no header of the next one is sampled."""
    for thinks in ("", "<think>\n"):
        source = TURN + "<|im_end|>\n{% endfor %}" + ASK.replace("assistant\n", "assistant\n" + thinks)
        talk = [TALK[0], *({"role": "assistant", "content": text} for text in texts)]
        assert said(source, talk) == [text + "<|im_end|>" for text in texts]
        assert said(source, [*talk, *TALK]) == [f"{text}<|im_end|>" for text in (*texts, "Hello", "Bye")]


def test_no_header_is_sampled_that_trials_do_not_tell() -> None:
    """Calls that no result follows, but another turn: the trial of a prompt there ends otherwise."""
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}{% else %}"
        "{% if not loop.first and messages[loop.index0 - 1].role != 'tool' %}<|assistant|>{% endif %}"
        "{% for c in m.tool_calls or [] %}<|call|>{{ c.function.name }}<|/call|>{% endfor %}{{ m.content }}"
        "{{ '<|eos|>' if not loop.last }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt and messages[-1].role == 'user' %}<|assistant|>{% endif %}"
    )
    assert said(source, [*CALLED[:2], CALLED[3]]) == ["<|call|>f<|/call|>I look.<|eos|>", "Rain."]


def test_what_the_prompt_adds_to_the_users_turn_is_no_header() -> None:
    """As LongCat-2 has it: a switch behind the question, which stands before a prompt and not between turns."""
    source = (
        "{% for m in messages %}{% if m.role == 'user' %}<|user|>{{ m.content }}"
        "{% if not loop.last %} /think {% endif %}{% else %}"
        "<|assistant|><think>\n{{ m.reasoning_content or '' }}\n</think>\n{{ m.content }}<|end|>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %} /think <|assistant|><think>{% endif %}"
    )
    twice = [TALK[0], TALK[1], {"role": "assistant", "content": "Bye"}]
    assert said(source, twice) == ["Hello<|end|>", "Bye<|end|>"]


def test_what_stands_behind_the_conversation_in_any_case_is_not_sampled() -> None:
    """As Command R+ has it for tools: instructions behind the last turn, whoever spoke."""
    source = (
        "{% for m in messages %}<|start|><|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
        "<|start|><|system|>Write.<|end|>{% if add_generation_prompt %}<|start|><|assistant|>{% endif %}"
    )
    assert said(source) == ["Hello<|end|>", "Bye<|end|>"]
    unended = source.replace("<|end|>{% endfor %}", "{{ '<|end|>' if m.role == 'user' }}{% endfor %}")
    assert why(unended) == "messages[1]: nothing tells where the template begins or ends it"


def test_a_turn_that_says_nothing_behind_one_that_says_something() -> None:
    """As OLMo has it: the last turn of all ends otherwise, so no trial tells how the one before it ends."""
    source = TURN + "{{ '</s>' if m.role == 'assistant' and loop.last else '<|im_end|>\n' }}{% endfor %}" + ASK
    assert said(source, [*TALK[:2], {"role": "assistant", "content": ""}]) == ["Hello<|im_end|>", "</s>"]
    silent = ChatTemplate(source.replace(ASK, "")).render([TALK[0], {"role": "assistant", "content": ""}])
    assert "begins or ends" in silent.unmasked


@pytest.mark.parametrize("before", [[], [{"role": "user", "content": ""}], [{"role": "system", "content": "Be"}]])
def test_calls_end_where_nobody_asked(before: list[dict[str, Any]]) -> None:
    source = (
        TURN + "{% for c in m.tool_calls or [] %}<call>{{ c.function.name }}()</call>{% endfor %}"
        "{{ '</s>' if m.role == 'assistant' and loop.last else '<|im_end|>\n' }}{% endfor %}" + ASK
    )
    talk = [*before, {"role": "assistant", "content": "", "tool_calls": [CALL]}, *TALK[:2]]
    assert said(source, talk) == ["<call>f()</call><|im_end|>", "Hello</s>"]
