"""Servers that are slow, wrong, or elsewhere: what Engine says of them, and what it never does with a key."""

from __future__ import annotations

import pickle
import socket
import threading
import time
from typing import Any

import pytest

from tests.engines.servers import Reply, Request, recorded, serve
from turnwire.errors import EngineError, OptionError, TurnwireError
from turnwire.explain.enginekinds import _added  # pyright: ignore[reportPrivateUsage]
from turnwire.explain.engines import Engine
from turnwire.explain.jsonhttp import Client

KEY = 'k-0123"456\\789-secret'
ASK = [{"role": "user", "content": "Hi"}]


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TURNWIRE_TEST_KEY", KEY)
    return "TURNWIRE_TEST_KEY"


def refused(reply: Reply, **options: Any) -> EngineError:
    """What a client says that always gets this reply."""
    with serve(lambda request: reply) as made, pytest.raises(EngineError) as e:
        Client(made.url, **options).post("/tokenize", {})
    assert len(made.asked) == 1, "nothing is tried twice"
    assert e.value.url == made.url + "/tokenize"
    assert str(e.value).startswith(e.value.url + ": ")
    return e.value


def test_slow_from_the_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as quiet:
        start = time.monotonic()
        with pytest.raises(EngineError, match=r"no whole answer in 0\.2 s; expected an answer, or a longer timeout="):
            Engine(f"http://127.0.0.1:{quiet.getsockname()[1]}", timeout=0.2).prompt(ASK)
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("length", [True, False])
def test_slow_byte_by_byte(length: bool) -> None:
    """The timeout is for the whole answer, not for each byte of it."""
    start = time.monotonic()
    error = refused(Reply(200, {"tokens": [1] * 1000}, slowly=0.05, length=length), timeout=0.3)
    assert "no whole answer in 0.3 s" in str(error)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("reply, said", [
    (Reply(200, b"<html>hello</html>"), "status 200, but no JSON (JSONDecodeError): <html>hello</html>"),
    (Reply(200, b""), "status 200, but no JSON (JSONDecodeError): no text"),
    (Reply(200, b"[" * 100_000), "status 200, but no JSON (RecursionError): [[["),
    (Reply(200, b"\xff\xfe"), "status 200, but no JSON"),
    (Reply(404, {"detail": "Not Found"}), 'POST: status 404: {"detail": "Not Found"}; expected this path to be there'),
    (Reply(500, b"oh\nno"), "POST: status 500: oh\\nno; expected a request that the server takes"),
    (Reply(401, {"error": "Unauthorized"}), "expected a key that it takes, in a variable that key_variable names"),
    (Reply(200, {"tokens": [1, 2, 3]}, cut=5), "the answer broke off after 16 bytes, 5 before its end"),
    (Reply(500, b"x" * 5000), "x" * 200 + ";"),
])  # fmt: skip
def test_wrong(reply: Reply, said: str) -> None:
    error = refused(reply)
    assert said in str(error)
    assert error.status in (reply.status, None)
    assert len(error.body) <= 200


@pytest.mark.parametrize("length", [True, False])
def test_too_much(length: bool) -> None:
    error = refused(Reply(200, b"1" * 200_000, length=length), largest=100_000)
    assert "100,000" in str(error) and error.status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, key: str) -> None:
    """Neither to another host, nor on the same one; the other host is never asked."""
    with serve(lambda request: Reply(200, {})) as other:
        to = other.url.replace("http://", "http://me:" + "pass" + "word@") + "/tokenize?token=abc"
        error = refused(Reply(status, b"", more=(("Location", to),)), key_variable=key)
        assert not other.asked
    assert f"status {status}: it redirects to {other.url}/tokenize" in str(error)
    assert not any(secret in str(error) for secret in ("password", "abc", KEY))


def test_no_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        url = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(EngineError, match=r"cannot connect: .*refused; expected a server that runs there") as e:
        Engine(url).prompt(ASK)
    assert e.value.status is None


def test_no_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def talk() -> None:
            connection, _ = odd.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-x\r\n")

        threading.Thread(target=talk, daemon=True).start()
        with pytest.raises(EngineError, match="does not speak HTTP"):
            Client(f"http://127.0.0.1:{odd.getsockname()[1]}", timeout=5).get("/x")


def test_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment would be another host."""
    with serve(lambda r: Reply(200, {"who": "proxy"})) as proxy, serve(lambda r: Reply(200, {"who": "it"})) as made:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert Client(made.url).get("/x") == {"who": "it"}
        assert not proxy.asked


def test_the_key_is_sent_and_nowhere_said(key: str) -> None:
    """Not even where the server says it back."""

    def answer(request: Request) -> Reply:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        return Reply(401, {"error": f"no such key: {KEY}", "sent": dict(request.headers)})

    with serve(answer) as made:
        engine = Engine(made.url, key_variable=key)
        with pytest.raises(EngineError, match="status 401") as e:
            engine.prompt(ASK)
    said = [str(e.value), repr(e.value), e.value.body, repr(vars(e.value)), repr(engine), repr(vars(engine))]
    said += [repr(pickle.loads(pickle.dumps(x))) for x in (e.value, engine)]
    said += [str(pickle.dumps(engine)), str(pickle.dumps(e.value))]
    assert not any(secret in s for s in said for secret in (KEY, "0123", "secret"))
    assert "no such key: ***" in e.value.body and "in TURNWIRE_TEST_KEY" in str(e.value)


def test_the_key_is_not_said_of_odd_answers(key: str) -> None:
    _, recording = recorded("sglang")

    def answer(request: Request) -> Reply:
        return recording(request) if request.method == "GET" else Reply(200, {"tokens": [KEY], "more": KEY})

    with serve(answer) as made, pytest.raises(EngineError, match="token ids as 'tokens'") as e:
        Engine(made.url, key_variable=key).prompt(ASK)
    assert "secret" not in str(e.value) and "0123" not in str(e.value)


def test_the_key_is_not_said_of_names(key: str) -> None:
    """That a server gives its models."""
    cards = {"data": [{"id": KEY}, {"id": f"{KEY}-2"}]}
    answer = {"choices": [{"prompt_token_ids": [1]}]}
    with serve(lambda r: Reply(200, cards if r.method == "GET" else answer)) as made:
        engine = Engine(made.url, key_variable=key, kind="openai")
        with pytest.raises(EngineError, match=r"several models: \*\*\*, \*\*\*-2"):
            engine.prompt(ASK)
        named = Engine(made.url, key_variable=key, kind="openai", model="x")
        assert named.prompt(ASK, None, None, {"add_generation_prompt": True}).name.endswith("openai (***, ***-2)")


@pytest.mark.parametrize("held", [None, "", " k ", "k\r\nHost: x", "kö"])
def test_no_key_in_the_variable(held: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TURNWIRE_TEST_KEY", raising=False)
    if held is not None:
        monkeypatch.setenv("TURNWIRE_TEST_KEY", held)
    with serve(lambda r: Reply(200, {})) as made:
        with pytest.raises(OptionError, match="TURNWIRE_TEST_KEY holds no key"):
            Engine(made.url, key_variable="TURNWIRE_TEST_KEY").prompt(ASK)
        assert not made.asked


@pytest.mark.parametrize("url", [
    "", "localhost:8000", "ftp://host", "http://", "http://host:x", "http://host:99999", "file:///etc/passwd",
    "http://a b", "http://host\r\nX: y", "http://hôte", "http://[::1",
])  # fmt: skip
def test_no_url(url: str) -> None:
    with pytest.raises(OptionError, match=r"no URL.*http://HOST:PORT"):
        Engine(url)


@pytest.mark.parametrize("url", ["http://me:hunter2@host", "http://host/?key=hunter2", "https://host/#hunter2"])
def test_a_url_with_secrets(url: str) -> None:
    with pytest.raises(OptionError, match="credentials, a query or a fragment") as e:
        Engine(url)
    assert "hunter2" not in str(e.value) + repr(vars(e.value))


def test_wrong_options() -> None:
    with pytest.raises(OptionError, match=r"no kind of engine 'vlm'.*did you mean 'vllm'"):
        Engine("http://host", kind="vlm")  # type: ignore[arg-type]
    for timeout in (0, -1, True, "3", float("nan")):
        with pytest.raises(OptionError, match="timeout"):
            Engine("http://host", timeout=timeout)  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="a prompt of nothing"):
        Engine("http://host").prompt(None)


def test_nothing_tells_what_it_is() -> None:
    with serve(lambda r: Reply(404, b"")) as made:
        with pytest.raises(EngineError, match="nothing there tells what it is"):
            Engine(made.url).prompt(ASK)
        assert made.paths == ["/v1/models", "/props", "/version", "/server_info", "/get_server_info"]


@pytest.mark.parametrize("path, answer, kind", [
    ("/props", {"default_generation_settings": {}, "build_info": "b1"}, "llama.cpp b1"),
    ("/version", {"version": "0.9"}, "vllm 0.9"),
    ("/server_info", {"version": "0.5", "served_model_name": "m"}, "sglang 0.5"),
    ("/get_server_info", {"version": "0.4", "served_model_name": "m"}, "sglang 0.4"),
])  # fmt: skip
def test_what_it_is_without_a_list_of_models(path: str, answer: Any, kind: str) -> None:
    with serve(lambda r: Reply(200, answer) if r.path == path else Reply(404, {})) as made:
        assert str(Engine(made.url).found) == kind


def test_probes_that_are_refused() -> None:
    """By a server that is not known: it does not have them. By one that is: the error is said."""
    cards = {"data": [{"id": "m"}]}
    with serve(lambda r: Reply(200, cards) if r.path == "/v1/models" else Reply(403, {})) as made:
        assert Engine(made.url).found.kind == "openai"
        with pytest.raises(EngineError, match="/props: GET: status 403"):
            _ = Engine(made.url, kind="llama.cpp").found
        assert Engine(made.url, kind="openai").found.why == "kind='openai'"
    with serve(lambda r: Reply(401, {})) as made, pytest.raises(EngineError, match="/v1/models: GET: status 401"):
        _ = Engine(made.url).found


def test_the_template_for_tools() -> None:
    """llama.cpp shows both that it may have; the sha256 is of the one that is used."""
    props = {"default_generation_settings": {}, "chat_template": "a", "chat_template_tool_use": "b"}
    answers: dict[str, Any] = {"/props": props, "/apply-template": {"prompt": ""}, "/tokenize": {"tokens": []}}
    with serve(lambda r: Reply(200, answers[r.path]) if r.path in answers else Reply(404, {})) as made:
        engine = Engine(made.url)
        tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
        assert [engine.prompt(ASK, t).source for t in (None, [], [tool])] == ["a", "a", "b"]


@pytest.mark.parametrize("tokens", [None, "ids", [1, -1], [1, "2"], [1.5], [True, {}], {"0": 1}])
def test_ids_that_are_none(tokens: Any) -> None:
    _, recording = recorded("sglang")
    with serve(lambda r: recording(r) if r.method == "GET" else Reply(200, {"tokens": tokens})) as made:
        with pytest.raises(EngineError, match=r"another shape: .*; expected token ids as 'tokens'") as e:
            Engine(made.url).prompt(ASK)
        assert e.value.url == made.url + "/tokenize"


@pytest.mark.parametrize("text", [None, 3, "\ud800"])
def test_a_text_that_is_none(text: Any) -> None:
    _, recording = recorded("sglang")
    answers = {"/tokenize": {"tokens": [1]}, "/detokenize": {"text": text}}
    server = serve(lambda r: recording(r) if r.method == "GET" else Reply(200, answers[r.path]))
    with server as made, pytest.raises(TurnwireError, match=r"text as 'text'|lone surrogate"):
        Engine(made.url).prompt(ASK)


@pytest.mark.parametrize("piece", [None, 3, [300], ["x"], {"a": 1}])
def test_pieces_that_are_none(piece: Any) -> None:
    answers: dict[str, Any] = {"/apply-template": {"prompt": "x"}, "/tokenize": {"tokens": [{"id": 1, "piece": piece}]}}
    server = serve(lambda r: Reply(200, answers.get(r.path, {})))
    with server as made, pytest.raises(EngineError, match="tokens with a piece"):
        Engine(made.url, kind="llama.cpp").prompt(ASK)


@pytest.mark.parametrize("pieces, text, whole", [
    ([b"Hi"], "Hi", "Hi"),
    ([b"<s>", b"Hi"], "Hi", "<s>Hi"),
    ([b"<s>", b"<s>", b"Hi"], "<s>Hi", "<s><s>Hi"),
    ([b"<s>", b" Hi"], "Hi", "<s>Hi"),
    ([b" Hi"], "Hi", "Hi"),
    ([b"<s>", b" [INST]", b" Hi"], "[INST]Hi", "<s>[INST]Hi"),
    ([b"<s>", b"<s>", b" a", b"</s>", b" b"], "<s>a</s>b", "<s><s>a</s>b"),
    ([b"Hi", b"</s>"], "Hi", "Hi</s>"),
    ([b"\xc3", b"\xa9"], "\u00e9", "\u00e9"),
    ([], "", ""),
])  # fmt: skip
def test_what_a_tokenizer_put_around_a_text(pieces: list[bytes], text: str, whole: str) -> None:
    assert _added(pieces, text) == whole
