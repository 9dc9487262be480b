"""`turnwire diff` with an engine, as a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engines.conversations import CASES
from tests.engines.servers import Reply, Request, recorded, serve
from turnwire.cli import main

KEY = "k-0123456789-secret"
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


def test_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is sent, and in nothing that is printed."""
    monkeypatch.setenv("TURNWIRE_TEST_KEY", KEY)
    _, recording = recorded("vllm-render")

    def answer(request: Request) -> Reply:
        sent = request.headers.get("Authorization")
        return recording(request) if sent == f"Bearer {KEY}" else Reply(401, {"error": sent})

    asked = tmp_path / "asked.json"
    asked.write_text(json.dumps(CASES[0].messages), "utf-8")
    (tmp_path / "t.jinja").write_text(TEMPLATE, "utf-8")
    with serve(answer) as made:
        sides = [str(tmp_path / "t.jinja"), made.url, str(asked)]
        assert main(["diff", "--json", *sides, "--key-variable", "TURNWIRE_TEST_KEY"]) == 0
        assert json.loads(capsys.readouterr().out)["equal"] is True
        assert main(["diff", "--json", *sides]) == 2
    assert "status 401" in capsys.readouterr().err
    with serve(lambda request: Reply(401, {"error": f"no {KEY}"})) as made:
        sides[1] = made.url
        assert main(["diff", *sides, "--key-variable", "TURNWIRE_TEST_KEY"]) == 2
    said = capsys.readouterr()
    assert KEY not in said.out + said.err and "no ***" in said.err
