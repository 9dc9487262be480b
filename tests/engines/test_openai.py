"""Engine against servers with OpenAI's API and nothing else, which have a real template and tokenizer behind."""

from __future__ import annotations

import pytest

from tests import real
from tests.engines.conversations import CASES
from tests.engines.servers import Reply, openai_like, serve
from tests.families import official
from turnwire import ChatTemplate, get_format
from turnwire.errors import EngineError
from turnwire.explain.engines import Engine

ASK = CASES[1]


@pytest.fixture(scope="module")
def template() -> ChatTemplate:
    return ChatTemplate(official.template("qwen3"))


@pytest.mark.parametrize("place", ["answer", "choice"])
@pytest.mark.parametrize("case", [c for c in CASES if c.options.get("add_generation_prompt")], ids=lambda c: c.name)
def test_ids_of_a_chat(template: ChatTemplate, place: str, case: tuple[object, ...]) -> None:
    _, messages, tools, options = case
    tokenizer = real.load("qwen3")
    with serve(openai_like(template, tokenizer, ids=place)) as made:
        engine = Engine(f"{made.url}/v1")
        told = engine.prompt(messages, tools, tokenizer, options)  # type: ignore[arg-type]
        assert engine.found.kind == "openai" and engine.found.why.startswith("/v1/models, and none")
        assert made.asked[-1].body["model"] == "m" and made.asked[-1].body["max_tokens"] == 1
    ours = template.render(messages, tools, tokenizer, trust_content=True, **options)  # type: ignore[arg-type]
    assert (told.ids, told.text) == (ours.ids, ours.text)


@pytest.mark.parametrize(("ids", "echo"), [("answer", False), ("choice", False), ("", True)])
def test_ids_of_a_text(template: ChatTemplate, ids: str, echo: bool) -> None:
    """A text that a client rendered, to which the server adds a token of its own."""
    tokenizer = real.load("qwen3")
    with serve(openai_like(template, tokenizer, ids=ids, echo=echo, bos="<|endoftext|>")) as made:
        engine = Engine(made.url, renderer=get_format("qwen3"))
        told = engine.prompt([{"role": "user", "content": "Hi"}], None, tokenizer)
    assert told.text == "<|endoftext|><|im_start|>user\nHi<|im_end|>\n"
    assert told.ids == [151643, 151644, 872, 198, 13048, 151645, 198]


def test_spelled_tokens_that_stand_for_nothing(template: ChatTemplate) -> None:
    """Halves of a character are spelled alike: the text is known, the ids are not."""
    tokenizer = real.load("qwen3")
    with serve(openai_like(template, tokenizer, echo=True)) as made:
        told = Engine(made.url, renderer=template).prompt([{"role": "user", "content": "\U0001fae8"}], None, tokenizer)
        assert told.ids is None and told.text.startswith("<|im_start|>user\n")
        with pytest.raises(EngineError, match="cannot be told apart"):
            Engine(made.url).tokens("\U0001fae8", tokenizer)
        with pytest.raises(EngineError, match="cannot be told apart"):
            Engine(made.url).tokens("Hi")
        assert Engine(made.url).tokens("Hi", tokenizer) == [13048]


def test_ids_that_are_written_as_tokens() -> None:
    tokens = ["token_id:5", "token_id:77", "token_id:3"]
    completion = {"choices": [{"text": "xy", "logprobs": {"tokens": tokens}}], "usage": {"prompt_tokens": 2}}
    with serve(lambda r: Reply(200, completion if r.method == "POST" else {"data": [{"id": "m"}]})) as made:
        assert Engine(made.url, kind="openai").tokens("x") == [5, 77]


def test_it_tells_nothing(template: ChatTemplate) -> None:
    with serve(openai_like(template, real.load("qwen3"))) as made:
        with pytest.raises(EngineError, match=r"does not tell the prompt, only that it has \d+ tokens") as e:
            Engine(made.url).prompt(ASK.messages, None, None, ASK.options)
        assert "renderer=" in str(e.value)
        with pytest.raises(EngineError, match="another shape"):
            Engine(made.url).tokens("Hi")


def test_the_model_that_is_asked_for(template: ChatTemplate) -> None:
    """One of several has to be named; what is named is sent."""
    cards = {"data": [{"id": "a"}, {"id": "b"}]}
    answer = {"choices": [{"prompt_token_ids": [1]}]}
    with serve(lambda r: Reply(200, cards if r.method == "GET" else answer)) as made:
        Engine(made.url, kind="openai", model="b").tokens("x")
        assert made.asked[-1].body["model"] == "b"
        with pytest.raises(EngineError, match="several models") as e:
            Engine(made.url, kind="openai").tokens("x")
        assert "a, b" in str(e.value)
