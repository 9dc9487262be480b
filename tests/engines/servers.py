"""HTTP servers for tests, on the loopback address only: recorded answers, an OpenAI-like server, and faulty ones."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from turnwire import ChatTemplate, Tokenizer

HERE = Path(__file__).parent


class Request(NamedTuple):
    """What a server was asked."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]


class Reply(NamedTuple):
    """`data`: JSON, or bytes as they are. `cut`: bytes that are not sent of what Content-Length says; `more`: headers;
    `slowly`: seconds between the bytes."""

    status: int = 200
    data: Any = None
    cut: int = 0
    more: tuple[tuple[str, str], ...] = ()
    slowly: float = 0.0
    length: bool = True


class Server(NamedTuple):
    """A server that runs: its URL, and what it was asked so far."""

    url: str
    asked: list[Request]

    @property
    def paths(self) -> list[str]:
        return [r.path for r in self.asked]


@contextlib.contextmanager
def serve(answer: Callable[[Request], Reply]) -> Iterator[Server]:
    """A server on 127.0.0.1 that answers so."""
    asked: list[Request] = []
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version: ClassVar[str] = "HTTP/1.1"

        def _do(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            request = Request(self.command, self.path, json.loads(body) if body else None, dict(self.headers))
            asked.append(request)
            reply = answer(request)
            data = reply.data if isinstance(reply.data, bytes) else json.dumps(reply.data).encode()
            self.send_response(reply.status)
            if reply.length:
                self.send_header("Content-Length", str(len(data)))
            for name, value in reply.more:
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            data = data[: len(data) - reply.cut]
            self.close_connection = True
            if not reply.slowly:
                self.wfile.write(data)
                return
            for i in range(len(data)):
                if stop.wait(reply.slowly):
                    return
                self.wfile.write(data[i : i + 1])

        do_GET = do_POST = _do

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Server(f"http://127.0.0.1:{server.server_address[1]}", asked)
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def recorded(name: str) -> tuple[str, Callable[[Request], Reply]]:
    """What a real server answered (scripts/record_engine.py): how it was run, and it again. What it was not asked then
    is a 404 that says so."""
    record = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    known = {_key(e["method"], e["path"], e["body"]): e for e in record["exchanges"]}
    off = record["off"]

    def answer(request: Request) -> Reply:
        if off and request.path == off[0]:
            return Reply(int(off[1]), off[2].encode())
        found = known.get(_key(request.method, request.path, request.body))
        if found is None:
            return Reply(404, {"error": {"message": f"never asked: {request.body}"}})
        answered = found["answer"]
        return Reply(found["status"], answered.encode() if found["status"] != 200 else answered)

    return record["made"], answer


def _key(method: str, path: str, body: Any) -> str:
    return json.dumps([method, path, body], sort_keys=True)


def openai_like(
    template: ChatTemplate, tokenizer: Tokenizer, *, ids: str = "", echo: bool = False, bos: str = ""
) -> Callable[[Request], Reply]:
    """A server with OpenAI's API and a real template and tokenizer. `ids`: where it says `prompt_token_ids`: "answer"
    (as vLLM), "choice" (as SGLang), "" nowhere. `echo`: its completions spell the prompt. `bos`: what it puts before a
    text by itself."""

    def encode(text: str) -> list[int]:
        return list(tokenizer.backend.encode(text, add_special_tokens=False).ids)  # type: ignore[attr-defined]

    def answer(request: Request) -> Reply:
        body = request.body
        if request.path == "/v1/models":
            return Reply(200, {"object": "list", "data": [{"id": "m", "object": "model", "owned_by": "me"}]})
        if request.path == "/v1/chat/completions":
            text = template.render(
                body["messages"], body.get("tools"), add_generation_prompt=body.get("add_generation_prompt", True),
                continue_final_message=body.get("continue_final_message", False),
                **body.get("chat_template_kwargs", {}),
            ).text  # fmt: skip
        elif request.path == "/v1/completions":
            text = bos + body["prompt"]
        else:
            return Reply(404, {"detail": "Not Found"})
        told = encode(text)
        choice: dict[str, Any] = {"index": 0, "finish_reason": "length"}
        made: dict[str, Any] = {"choices": [choice], "usage": {"prompt_tokens": len(told), "completion_tokens": 1}}
        if ids and body.get("return_token_ids"):
            (made if ids == "answer" else choice)["prompt_token_ids"] = told
        if request.path == "/v1/completions":
            spelled = [(tokenizer.piece(i) or b"").decode("utf-8", "replace") for i in told]
            choice["text"] = text + "!" if echo and body.get("echo") else "!"
            tokens = [*spelled, "!"] if echo and body.get("echo") else ["!"]
            choice["logprobs"] = {"tokens": tokens, "token_logprobs": [None] * len(tokens)}
        return Reply(200, made)

    return answer
