"""JSON over HTTP to one host, for asking engines what they do.

A `Client` speaks to the host of its URL and to no other: it uses no proxy, follows no redirect, and sends the key only
there. The key is read from an environment variable when a request is made; it is nowhere kept, and taken out of what
is quoted of an answer. Each request has one deadline for all of it, and an answer has a greatest size. Nothing is
tried twice. Whatever goes wrong is an `EngineError` that names the URL, the status and how the answer begins.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..errors import EngineError, OptionError

LARGEST = 1 << 26  # bytes of an answer: a million ids with their texts
SHOWN = 200  # characters of an answer that an error quotes
REDIRECTS = range(300, 400)
GONE = (404, 405, 501)  # what servers say of a path that they do not have


@dataclass(frozen=True)
class Client:
    """See the head of this file. `base` is a URL without credentials, query and fragment; `key_variable` names the
    environment variable that holds the key, "" for none."""

    base: str
    key_variable: str = ""
    timeout: float = 10.0
    largest: int = LARGEST

    def __post_init__(self) -> None:
        _checked(self.base)
        seconds: Any = self.timeout
        if not isinstance(seconds, (int, float)) or isinstance(seconds, bool) or not 0 < seconds < 1e6:
            raise OptionError("timeout is no time", value=self.timeout, path="timeout", expected="seconds, above 0")

    def url(self, path: str) -> str:
        """Of a path of the server."""
        return self.base.rstrip("/").removesuffix("/v1") + path

    def get(self, path: str) -> Any:
        """What the server has at a path, read as JSON."""
        return self._json("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        """What the server answers to a JSON value, read as JSON."""
        return self._json("POST", path, json.dumps(body, ensure_ascii=False).encode())

    def quoted(self, value: Any) -> str:
        """How a value begins, for an error: without the key."""
        return self.shown(json.dumps(value, ensure_ascii=False, default=repr))

    def shown(self, text: str) -> str:
        """How a text begins that a server had a part in: without the key."""
        return _without(text, self._key())[:SHOWN]

    def find(self, path: str) -> Any:
        """As `get`, but None where the server has no such path, or no JSON there."""
        try:
            return self.get(path)
        except EngineError as e:
            if e.status in GONE or e.status == 200:
                return None
            raise

    def _json(self, method: str, path: str, body: bytes | None) -> Any:
        url, key = self.url(path), self._key()
        status, location, data = self._ask(method, url, body, key)
        text = data.decode("utf-8", "replace")
        shown = _without(text, key)[:SHOWN]
        if status in REDIRECTS:
            to = f" to {_bare(location)}" if location else ""
            raise EngineError(f"status {status}: it redirects{_without(to, key)}", url=url, status=status, body=shown,
                              expected="the URL that answers itself; redirects are not followed")  # fmt: skip
        if status != 200:
            raise EngineError(f"{method}: status {status}: {shown or 'no text'}", url=url, status=status, body=shown,
                              expected=self._remedy(status))  # fmt: skip
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as e:
            problem = f"status 200, but no JSON ({type(e).__name__}): {shown or 'no text'}"
            raise EngineError(problem, url=url, status=200, body=shown, expected="a JSON value") from None

    def _remedy(self, status: int) -> str:
        if status in (401, 403):
            return f"a key that it takes, in {self.key_variable or 'a variable that key_variable names'}"
        return "this path to be there" if status in GONE else "a request that the server takes"

    def _key(self) -> str:
        if not self.key_variable:
            return ""
        key = os.environ.get(self.key_variable, "")
        if not key or not key.isascii() or not key.isprintable() or key != key.strip():
            problem = f"the environment variable {self.key_variable} holds no key"
            raise OptionError(problem, value=self.key_variable, path="key_variable", expected="printable ASCII in it")
        return key

    def _ask(self, method: str, url: str, body: bytes | None, key: str) -> tuple[int, str, bytes]:
        headers = {"Accept": "application/json", "Connection": "close", "User-Agent": "turnwire"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if key:
            headers["Authorization"] = f"Bearer {key}"
        parts = urlsplit(url)
        connect = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = connect(parts.hostname or "", parts.port, timeout=self.timeout)
        late = threading.Event()
        try:
            with _deadline(connection, self.timeout, late):
                connection.request(method, parts.path or "/", body, headers)
                answer = connection.getresponse()
                data = self._body(answer, url)
                return answer.status, answer.headers.get("Location", ""), data
        except (OSError, http.client.HTTPException, ValueError) as e:
            if isinstance(e, EngineError):
                raise
            raise self._failed(e, url, key, late.is_set()) from None
        finally:
            connection.close()

    def _body(self, answer: http.client.HTTPResponse, url: str) -> bytes:
        whole, data = answer.length, bytearray()
        if whole is not None and whole > self.largest:
            raise EngineError(f"an answer of {whole:,} bytes", url=url, status=answer.status,
                              expected=f"{self.largest:,} at most")  # fmt: skip
        while more := answer.read1(1 << 16):
            data += more
            if len(data) > self.largest:
                raise EngineError(f"an answer of more than {self.largest:,} bytes", url=url, status=answer.status,
                                  expected="fewer")  # fmt: skip
        if whole is not None and len(data) < whole:
            raise http.client.IncompleteRead(bytes(data), whole - len(data))
        return bytes(data)

    def _failed(self, e: Exception, url: str, key: str, late: bool) -> EngineError:
        if late or isinstance(e, TimeoutError):
            problem, expected = f"no whole answer in {self.timeout:g} s", "an answer, or a longer timeout="
        elif isinstance(e, http.client.IncompleteRead):
            got, left = len(e.partial), e.expected
            problem = f"the answer broke off after {got:,} bytes" + (f", {left:,} before its end" if left else "")
            expected = "a whole answer"
        elif isinstance(e, ssl.SSLError):
            problem, expected = f"no TLS: {e.reason or type(e).__name__}", "https with a certificate that is trusted"
        elif isinstance(e, (ConnectionRefusedError, socket.gaierror)):
            problem, expected = f"cannot connect: {e.strerror or type(e).__name__}", "a server that runs there"
        else:
            problem = f"it does not speak HTTP as it should: {type(e).__name__}: {_without(str(e), key)[:SHOWN]}"
            expected = "an HTTP server"
        return EngineError(problem, url=url, expected=expected)


@contextlib.contextmanager
def _deadline(connection: http.client.HTTPConnection, seconds: float, late: threading.Event) -> Generator[None]:
    """Breaks a connection off after so long: a socket's own timeout starts anew with every byte."""
    end = time.monotonic() + seconds
    connection.connect()
    held: Any = connection.sock

    def stop() -> None:
        late.set()
        with contextlib.suppress(OSError):
            held.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, end - time.monotonic()), stop)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def _checked(url: str) -> None:
    """Raises `OptionError` for what is no URL of a server. It does not quote what may be a secret."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except (ValueError, AttributeError):
        raise OptionError("no URL", value=None, path="url", expected="http://HOST:PORT or https://HOST") from None
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise OptionError("a URL with credentials, a query or a fragment", value=_bare(url), path="url",
                          expected="none; a key goes into an environment variable that key_variable names")  # fmt: skip
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise OptionError(f"no URL of a server: {url!r}", value=url, path="url",
                          expected="http://HOST:PORT or https://HOST")  # fmt: skip


def _bare(url: str) -> str:
    """Without what may be a secret: credentials, query, fragment."""
    try:
        parts = urlsplit(url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return "no URL"


def _without(text: str, key: str) -> str:
    for spelling in {key, json.dumps(key)[1:-1]} if key else ():
        text = text.replace(spelling, "***")
    return text
