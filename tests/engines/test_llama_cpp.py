"""Engine against llama.cpp's own server (package xllamacpp), with real vocabularies and templates and no real weights.

What the server says is compared with what turnwire renders from the same template, in ids and in text.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import turnwire
from tests import real
from tests.engines.conversations import CALLED, CASES, TOOLS, Case
from tests.engines.gguf_models import byte_level, llama_server, model_file, sentencepiece
from tests.families import official
from turnwire import ChatTemplate, Tokenizer
from turnwire.errors import EngineError, OptionError
from turnwire.explain.engines import Engine

ASK = {"role": "user", "content": "Hi there, Malmö"}


class Live(NamedTuple):
    """A server, and what it serves."""

    url: str
    template: ChatTemplate
    tokenizer: Tokenizer
    file: Path


@pytest.fixture(scope="module")
def qwen3() -> Iterator[Live]:
    template = ChatTemplate(official.template("qwen3"))
    vocabulary = byte_level("qwen3", "qwen2", bos=None, eos="<|im_end|>", add_bos=False)
    file = model_file("qwen3", vocabulary, template.source)
    with llama_server(file) as url:
        yield Live(url, template, real.load("qwen3"), file)


@pytest.fixture(scope="module")
def llama3() -> Iterator[Live]:
    bos = "<|begin_of_text|>"
    template = ChatTemplate(official.template("llama-3.1"), bos_token=bos)
    vocabulary = byte_level("llama-3.1", "llama-bpe", bos=bos, eos="<|eot_id|>", add_bos=True)
    file = model_file("llama3", vocabulary, template.source)
    with llama_server(file) as url:
        yield Live(url, template, real.load("llama-3.1"), file)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_prompt_is_what_the_template_gives(qwen3: Live, case: Case) -> None:
    told = Engine(qwen3.url).prompt(case.messages, case.tools, qwen3.tokenizer, case.options)
    ours = qwen3.template.render(case.messages, case.tools, qwen3.tokenizer, trust_content=True, **case.options)
    assert told.text == ours.text
    assert told.ids == ours.ids


def test_what_it_is_and_what_it_is_made_of(qwen3: Live) -> None:
    engine = Engine(qwen3.url)
    assert engine.found.kind == "llama.cpp" and engine.found.models == (str(qwen3.file),)
    assert engine.found.why == "/v1/models: owned by llamacpp"
    told = engine.prompt([ASK])
    assert told.assets["template"] == qwen3.template.sha256
    assert told.source == qwen3.template.source
    assert told.ids and "llama.cpp" in told.name


def test_bos_is_there_once_and_in_the_text(llama3: Live) -> None:
    """The server cuts the template's BOS off and its tokenizer adds one."""
    told = Engine(llama3.url).prompt([ASK], None, llama3.tokenizer, {"add_generation_prompt": True, "date_string": "x"})
    ours = llama3.template.render(
        [ASK], None, llama3.tokenizer, trust_content=True, add_generation_prompt=True, date_string="x"
    )
    assert told.text == ours.text and told.text.count("<|begin_of_text|>") == 1
    assert told.ids == ours.ids


def test_a_rendered_text_with_bos_gets_a_second_one(llama3: Live) -> None:
    """What clients of /v1/completions do who render themselves."""
    told = Engine(llama3.url, renderer=llama3.template).prompt([ASK], None, llama3.tokenizer, {"date_string": "x"})
    ours = llama3.template.render([ASK], None, llama3.tokenizer, trust_content=True, date_string="x")
    assert told.text == "<|begin_of_text|>" + ours.text
    assert told.ids == [ours.ids[0], *ours.ids]
    assert "template" not in told.assets


def test_sentencepiece() -> None:
    """BOS, and no blank before the text that its tokenizer writes there by itself."""
    from tests.real_mistral import mistral_file

    template = ChatTemplate("{{ bos_token }}[INST] {{ messages[0].content }}[/INST]", bos_token="<s>")
    vocabulary = sentencepiece(mistral_file("v3"))
    with llama_server(model_file("mistral-v3", vocabulary, template.source)) as url:
        told = Engine(url).prompt([ASK], None, None, {})
        assert told.text == template.render([ASK]).text
        assert told.text.startswith("<s>[INST]")
        assert told.ids is not None and told.ids[:2] == [1, 3]


def test_calls_as_objects_without_ids(qwen3: Live) -> None:
    """They are sent as the API has them, and the prompt is the same."""
    loose = [m if "tool_calls" not in m else {**m, "tool_calls": [
        {"function": {"name": "weather", "arguments": {"place": "Malmö", "days": 2}}}]} for m in CALLED]  # fmt: skip
    loose[-1] = {k: v for k, v in loose[-1].items() if k != "tool_call_id"}
    engine = Engine(qwen3.url)
    assert engine.prompt(loose, TOOLS).ids == engine.prompt(CALLED, TOOLS).ids
    assert "tool_call_id" not in loose[-1]


def test_turns(qwen3: Live) -> None:
    turns = [turnwire.Turn("user", (turnwire.Text("Hi there, Malmö"),))]
    engine = Engine(qwen3.url)
    assert engine.prompt(turns).ids == engine.prompt([ASK]).ids


def test_what_it_refuses(qwen3: Live) -> None:
    with pytest.raises(EngineError) as e:
        Engine(qwen3.url).prompt([{"role": "user"}])
    assert e.value.status == 400 and "must contain 'content'" in e.value.body
    assert str(e.value).startswith(qwen3.url + "/apply-template: ")
    with pytest.raises(OptionError, match="cannot be told 'now'"):
        Engine(qwen3.url).prompt([ASK], None, None, {"now": "2026-01-01"})
    with pytest.raises(OptionError, match="trusts content"):
        Engine(qwen3.url).prompt([ASK], None, None, {"trust_content": False})


ANSWERED = [c for c in CASES if c.options.get("add_generation_prompt")]


@pytest.mark.parametrize("case", ANSWERED, ids=lambda c: c.name)
def test_as_openai_it_tells_the_text(qwen3: Live, case: Case) -> None:
    """Its own chat completions, of which it says the prompt that it ran: the text, and how many tokens, but no ids."""
    told = Engine(qwen3.url, kind="openai").prompt(case.messages, case.tools, qwen3.tokenizer, case.options)
    ours = qwen3.template.render(case.messages, case.tools, qwen3.tokenizer, trust_content=True, **case.options)
    assert told.ids is None and told.text == ours.text
    assert told.text == Engine(qwen3.url).prompt(case.messages, case.tools, qwen3.tokenizer, case.options).text


def test_as_openai_it_tells_what_it_makes_of_a_text(llama3: Live) -> None:
    """A completion of a text that a client rendered: the second BOS is in what it ran."""
    options = {"date_string": "x"}
    told = Engine(llama3.url, kind="openai", renderer=llama3.template).prompt([ASK], None, llama3.tokenizer, options)
    ours = llama3.template.render([ASK], None, llama3.tokenizer, trust_content=True, **options)
    assert told.text == "<|begin_of_text|>" + ours.text and told.ids is None
    found = turnwire.diff(
        llama3.template, Engine(llama3.url, kind="openai", renderer=llama3.template), [ASK], **options
    )
    assert found is not None and set(found.causes) == {"bos-twice"}


def test_as_openai_what_it_does_not_tell(qwen3: Live) -> None:
    engine = Engine(qwen3.url, kind="openai")
    with pytest.raises(OptionError, match="always opens"):
        engine.prompt([ASK])
    with pytest.raises(EngineError, match="the text of a prompt, not its ids"):
        engine.tokens("Hi")


def test_a_key(qwen3: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "k-0123456789-secret"
    monkeypatch.setenv("TURNWIRE_TEST_KEY", key)
    with llama_server(qwen3.file, key=key) as url:
        engine = Engine(url, key_variable="TURNWIRE_TEST_KEY")
        assert engine.found.kind == "llama.cpp"
        assert engine.tokens("Hi") == Engine(qwen3.url).tokens("Hi")
        with pytest.raises(EngineError, match="status 401") as e:
            Engine(url).tokens("Hi")
        assert e.value.status == 401 and key not in str(e.value)
