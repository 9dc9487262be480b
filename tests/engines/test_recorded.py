"""Engine against what vLLM and SGLang answered (scripts/record_engine.py), over HTTP.

A request that was not asked then is a 404, so these tests hold the requests too. What comes of the answers is what
turnwire renders from the same template, but for `DIFFERENT`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import real
from tests.engines.conversations import CASES, Case
from tests.engines.servers import Reply, Request, Server, recorded, serve
from tests.families import official
from turnwire import ChatTemplate
from turnwire.explain.engines import Engine

KINDS = {"vllm-render": "vllm 0.33.0 (tiny)", "vllm-tokenize": "vllm 0.33.0 (tiny)", "sglang": "sglang 0.5.23 (tiny)"}
DIFFERENT = {
    ("sglang", "tools"): ', "defer_loading": null',
    ("sglang", "tools, a call and its result"): ', "defer_loading": null',
}
"""What a server writes that the template would not: sgl-project/sglang#29061, keys that nobody gave."""


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, Server]]:
    _, answer = recorded(request.param)
    with serve(answer) as made:
        yield request.param, made


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_the_prompt(server: tuple[str, Server], case: Case) -> None:
    name, made = server
    tokenizer = real.load("qwen3")
    template = ChatTemplate(official.template("qwen3"))
    told = Engine(made.url).prompt(case.messages, case.tools, tokenizer, case.options)
    ours = template.render(case.messages, case.tools, tokenizer, trust_content=True, **case.options)
    extra = DIFFERENT.get((name, case.name), "")
    assert (told.text == ours.text) == (told.ids == ours.ids) == (not extra)
    assert told.text.replace(extra, "", 1) == ours.text
    assert (extra in told.text) and (told.text != ours.text or not extra)


def test_what_it_is(server: tuple[str, Server]) -> None:
    name, made = server
    found = Engine(made.url).found
    assert str(found) == KINDS[name]
    assert found.why == f"/v1/models: owned by {found.kind}"
    assert all(r.method == "GET" and r.body is None for r in made.asked), "only asked what changes nothing"


def test_a_text(server: tuple[str, Server]) -> None:
    _, made = server
    ids = Engine(made.url).tokens("<|im_start|>user\nHi<|im_end|>\n")
    assert ids == [151644, 872, 198, 13048, 151645, 198]


def test_the_text_is_the_servers_without_a_tokenizer(server: tuple[str, Server]) -> None:
    _, made = server
    case = CASES[1]
    told = Engine(made.url).prompt(case.messages, None, None, case.options)
    assert told.text == ChatTemplate(official.template("qwen3")).render(case.messages, **case.options).text
    assert "/detokenize" in made.paths


def test_vllm_without_scale_out_is_asked_otherwise() -> None:
    _, answer = recorded("vllm-tokenize")
    with serve(answer) as made:
        Engine(made.url).prompt(CASES[0].messages)
        assert made.paths[-3:] == ["/v1/chat/completions/render", "/tokenize", "/detokenize"]


@pytest.mark.parametrize("name, path, where", [
    ("vllm-render", "/v1/chat/completions/render", "request"),
    ("vllm-tokenize", "/tokenize", "chat_template_kwargs"),
    ("sglang", "/tokenize", "request"),
])  # fmt: skip
def test_where_options_go(name: str, path: str, where: str) -> None:
    """vLLM's /tokenize leaves out what it does not know, and says nothing."""
    _, recording = recorded(name)

    def answer(request: Request) -> Reply:
        known = recording(request)
        if request.path != path or known.status == 403:
            return known if request.path != "/detokenize" else Reply(200, {"prompt": "x", "text": "x"})
        return Reply(200, {"tokens": [1], "token_ids": [1]})

    options = {"reasoning_effort": "low", "tool_choice": "none", "enable_thinking": False}
    with serve(answer) as made:
        Engine(made.url).prompt(CASES[0].messages, None, None, options)
        body = next(r.body for r in made.asked if r.path == path)
    assert body["tool_choice"] == "none" and body["chat_template_kwargs"]["enable_thinking"] is False
    assert (body if where == "request" else body[where])["reasoning_effort"] == "low"
    assert body["add_generation_prompt"] is False and body["model"] == "tiny"
