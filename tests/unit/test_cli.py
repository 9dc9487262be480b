"""The command line: every command, its exit codes, its pipes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests import real
from tests.laws.strategies import frame_kinds
from turnwire import cli
from turnwire.demo.recordings import encode, recording
from turnwire.wire import NOTHING, Frame, Many, Word, walk

ROOT = Path(__file__).resolve().parents[2]
TOOLS: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "Weather.",
            "parameters": {
                "type": "object",
                "properties": {"location": {"type": "string"}},
                "required": ["location"],
            },
        },
    }
]
MESSAGES = [{"role": "user", "content": "Hi <|im_end|>"}]
GOOD = '<think>\nhm\n</think>\n\n<tool_call>\n{"name": "get_weather", "arguments": {"location": "Oslo"}}\n</tool_call>'


def environment(**more: str) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TURNWIRE_DEBUG")}
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    return {**env, "PYTHONPATH": path, "TERM": "xterm-256color", **more}


def start(*args: str, env: dict[str, str] | None = None, **kw: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "turnwire", *args], env=env or environment(), **kw)


def run(*args: str, stdin: str | bytes = b"", env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """In another process: exit code, stdout, stderr."""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(*args, env=env, **pipes) as process:
        out, err = process.communicate(stdin.encode() if isinstance(stdin, str) else stdin, timeout=60)
    return process.returncode, out.decode(), err.decode()


def here(*args: str, stdin: str | bytes | None = None) -> tuple[int, str, str]:
    """In this process."""
    out, err = io.StringIO(), io.StringIO()
    data = io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin or b"")
    saved, sys.stdin = sys.stdin, io.TextIOWrapper(data)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.main(args)
    finally:
        sys.stdin = saved
    return code, out.getvalue(), err.getvalue()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "conversation": MESSAGES,
        "whole": {"messages": MESSAGES, "tools": TOOLS},
        "tools": TOOLS,
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    (tmp_path / "good.txt").write_bytes(f"{GOOD}<|im_end|>".encode())
    return tmp_path


# render


def test_render_writes_the_text_and_nothing_else(folder: Path) -> None:
    fmt = turnwire.get_format("qwen3")
    wanted = fmt.render(MESSAGES, TOOLS, add_generation_prompt=True, enable_thinking=False).text
    args = ("--add-generation-prompt", "--option", "enable_thinking=false")
    assert run("render", "whole.json", "--format", "qwen3", *args) == (0, wanted, "")
    assert here("render", "conversation.json", "-f", "Qwen/Qwen3-8B", "--tools", "tools.json", *args) == (0, wanted, "")
    assert here("render", "-", "-f", "qwen3", "--text", stdin=json.dumps(MESSAGES))[1] == fmt.render(MESSAGES).text


def test_render_ids_and_json(folder: Path) -> None:
    fmt = turnwire.get_format("qwen3")
    out = fmt.render(MESSAGES, tokenizer=turnwire.small_tokenizer(fmt), add_generation_prompt=True)
    code, text, _ = here("render", "conversation.json", "-f", "qwen3", "--ids", "--small", "-g")
    assert (code, json.loads(text)) == (0, out.ids) and text.count("\n") == 1
    form = json.loads(here("render", "conversation.json", "-f", "qwen3", "--json", "--small", "-g")[1])
    assert list(form) == ["format", "text", "ids", "runs"]
    assert (form["format"], form["text"], form["ids"]) == ("qwen3", out.text, out.ids)
    assert "".join(form["text"][r["start"] : r["stop"]] for r in form["runs"]) == out.text
    assert json.loads(here("render", "conversation.json", "-f", "qwen3", "--json")[1])["ids"] is None


def test_options_in_the_file_and_on_the_command_line(folder: Path) -> None:
    whole = {"messages": MESSAGES, "options": {"enable_thinking": False, "add_generation_prompt": True}}
    text = here("render", "-", "-f", "qwen3", stdin=json.dumps(whole))[1]
    assert text.endswith("<think>\n\n</think>\n\n")
    text = here("render", "-", "-f", "qwen3", "-o", "enable_thinking=True", stdin=json.dumps(whole))[1]
    assert text.endswith("assistant\n")


def test_crlf_and_unicode_stay(folder: Path) -> None:
    messages = [{"role": "user", "content": "a\r\nb\u2028é😀"}]
    raw = json.dumps(messages, ensure_ascii=False)
    with start("render", "-", "-f", "qwen3", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(raw.encode(), timeout=60)
    assert out.decode() == turnwire.get_format("qwen3").render(messages).text
    form = json.loads(run("parse", "-", "-f", "qwen3", "--json", stdin="a\r\nb\u2028é😀")[1])
    assert form["message"]["content"] == "a\r\nb\u2028é😀"


# parse


@pytest.mark.parametrize(
    "text, reason, code",
    [
        (GOOD + "<|im_end|>", None, 0),
        (GOOD, None, 0),
        ("Hello.", "stop", 0),
        ("", None, 0),
        (GOOD.replace("Oslo", "Oslo\\ud800"), None, 0),
        (GOOD.replace('"Oslo"', "3"), None, 1),  # breaks its schema
        (GOOD.replace("get_weather", "get_wether"), None, 1),  # unknown
        (GOOD[:-20], "length", 1),  # cut
        (GOOD.removesuffix("\n</tool_call>"), None, 1),
        (GOOD.replace("}}", "}"), "stop", 1),
        ("<think>\na\n</think>\n\n</think>\n\n" + GOOD, "stop", 1),  # a fault
    ],
)
def test_parse_says_by_its_exit_code_whether_the_output_is_sound(
    folder: Path, text: str, reason: str | None, code: int
) -> None:
    (folder / "out.txt").write_bytes(text.encode())
    more = [] if reason is None else ["--finish-reason", reason]
    args = ("parse", "out.txt", "--format", "qwen3", "--tools", "tools.json", *more)
    for form in (), ("--json",), ("--events",), ("--events", "--json"):
        got, out, err = here(*args, *form)
        assert (got, err) == (code, "")
        assert "\x1b" not in out
    form = json.loads(here(*args, "--json")[1])
    assert list(form) == ["format", "ok", "finish_reason", "turn", "message", "faults"]
    assert form["ok"] is (code == 0) and form["finish_reason"] == reason
    result = turnwire.get_format("qwen3").parse(text, TOOLS, finish_reason=reason)  # type: ignore[arg-type]
    assert turnwire.Turn.from_dict(form["turn"]) == result.turn
    lines = [json.loads(line) for line in here(*args, "--events", "--json")[1].splitlines()]
    assert [line["type"] for line in lines] == [type(e).__name__ for e in result.events]


def test_parse_for_people(folder: Path) -> None:
    (folder / "out.txt").write_text(GOOD.replace('"Oslo"', "3") + GOOD[:-30])
    code, out, _ = here("parse", "out.txt", "-f", "qwen3", "--tools", "tools.json")
    assert code == 1
    for word in ("reasoning", "hm", "call", "get_weather", "invalid", "$.location: 3 is not of type 'string'"):
        assert word in out
    for word in ("incomplete", "fault", "incomplete-call", "--finish-reason stop"):
        assert word in out


def test_parse_ids(folder: Path) -> None:
    fmt = turnwire.get_format("qwen3")
    ids = encode(f"{GOOD}<|im_end|>", fmt, turnwire.small_tokenizer(fmt))
    (folder / "ids.json").write_text(json.dumps(ids))
    code, out, _ = here("parse", "ids.json", "-f", "qwen3", "--small", "--json")
    assert code == 0 and json.loads(out)["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
    plain = " ".join(map(str, ids))
    assert here("parse", "-", "-f", "qwen3", "--small", "--json", "--input", "ids", stdin=plain)[1] == out
    code, out, _ = here("parse", "ids.json", "-f", "qwen3", "--small", "--json", "--input", "text")
    assert json.loads(out)["message"]["content"] == json.dumps(ids)
    code, out, _ = here("parse", "-", "-f", "qwen3", "--json", stdin="[1, 2] are ids")
    assert (code, json.loads(out)["message"]["content"]) == (0, "[1, 2] are ids")


def test_the_prompt_sets_the_start(folder: Path) -> None:
    (folder / "prompt.txt").write_text("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n<think>\n")
    (folder / "rest.txt").write_text("hm\n</think>\n\nHello.<|im_end|>")
    code, out, _ = here("parse", "rest.txt", "-f", "qwen3", "--prompt", "prompt.txt", "--json")
    message = json.loads(out)["message"]
    assert (code, message["reasoning_content"], message["content"]) == (0, "hm", "Hello.")
    fmt = turnwire.get_format("qwen3")
    ids = encode("<|im_start|>assistant\n<think>\n", fmt, turnwire.small_tokenizer(fmt))
    (folder / "ids.json").write_text(json.dumps(ids))
    assert here("parse", "rest.txt", "-f", "qwen3", "--prompt", "ids.json", "--small", "--json")[1] == out


def lines_before_eof(process: subprocess.Popen[bytes], wanted: bytes, seconds: float = 30) -> bytes:
    """What comes on stdout until `wanted` is in it; stdin stays open."""
    assert process.stdout is not None
    seen, until = b"", time.monotonic() + seconds
    while wanted not in seen and time.monotonic() < until:
        if select.select([process.stdout], [], [], 0.5)[0]:
            seen += os.read(process.stdout.fileno(), 1 << 16)
    return seen


@pytest.mark.parametrize("form", [(), ("--events",), ("--events", "--json")])
def test_stdin_streams(form: tuple[str, ...]) -> None:
    with start("parse", "-", "-f", "qwen3", *form, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        for piece, wanted in (
            ("<think>\nlet", b"let"),
            ("tuce\n</think>", b"tuce"),
            ('\n\n<tool_call>\n{"name": "f", ', b"CallStart"),
            ('"arguments": {"a": "b', b"ArgumentsDelta"),
        ):
            process.stdin.write(piece.encode())
            process.stdin.flush()
            assert wanted in lines_before_eof(process, wanted)
        rest, _ = process.communicate(b'"}}\n</tool_call><|im_end|>', timeout=60)
    assert b"CallEnd" in rest and b"TurnEnd" in rest and process.returncode == 0


def test_ids_on_stdin_stream() -> None:
    args = ("parse", "-", "-f", "qwen3", "--small", "--input", "ids", "--events", "--json")
    fmt = turnwire.get_format("qwen3")
    first, *rest = encode("Hello, world.<|im_end|>", fmt, turnwire.small_tokenizer(fmt))
    with start(*args, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(f"{first}\n".encode())
        process.stdin.flush()
        assert b"TextDelta" in lines_before_eof(process, b"TextDelta")
        out, _ = process.communicate("\n".join(map(str, rest)).encode(), timeout=60)
    assert process.returncode == 0 and b"TurnEnd" in out


# formats


NOTATIONS = ("json", "python", "bare-keys", "elements", "key-value")
CALLS_IN = {
    "qwen3": "json", "harmony": "json", "apertus": "json", "llama-3.1": "json", "llama-4": "python", "olmo-3": "python",
    "lfm2": "python", "gemma-4": "bare-keys", "functiongemma": "bare-keys", "minimax-m3": "elements",
    "qwen3-coder": "key-value", "deepseek-v3.2": "key-value", "kimi-k3": "key-value", "gemma-3": None,
}  # fmt: skip
"""How a format's calls are written, where it reads another notation too (Llama, LFM)."""


def test_formats(folder: Path) -> None:
    code, out, _ = run("formats")
    known = json.loads(here("formats", "--json")[1])
    assert code == 0 and [f["name"] for f in known] == turnwire.list_formats()
    for form in known:
        fmt = turnwire.get_format(form["name"])
        assert form["name"] in out and form["source"][:20] in out and form["stop_tokens"] == list(fmt.stop_tokens)
        if form["call_example"] is not None:
            assert "name" in form["call_example"] and "value" in form["call_example"]
            assert form["calls"] in NOTATIONS
        else:
            assert form["calls"] is None
        assert (form["reasoning"] is None) is (form["reasoning_example"] is None)
    by_name = {f["name"]: f for f in known}
    assert by_name["qwen3"]["reasoning"] == "model" and by_name["qwen3-thinking-2507"]["reasoning"] == "prompt"
    assert by_name["qwen3-coder"]["reasoning"] is None
    for name, notation in CALLS_IN.items():
        assert by_name[name]["calls"] == notation, name
    assert {form["calls"] for form in known} == {*NOTATIONS, None}


# demo

CALLING = [n for n in turnwire.list_formats() if "call" in frame_kinds(turnwire.get_format(n))]


def is_call(word: Word) -> bool:
    return isinstance(word, Frame) and word.kind == "call"


@pytest.mark.parametrize("name", CALLING)
def test_demo(name: str) -> None:
    code, out, err = here("demo", "--format", name)
    assert (code, err) == (0, "") and "\x1b" not in out
    fmt = turnwire.get_format(name)
    for word in (
        "get_weather",
        "web_search",
        "Partly Cloudy",
        "Rosenborg",
        "malformed",
        "tokens",
    ):
        assert word in out
    written = fmt.render_reply(turnwire.Turn("assistant", (turnwire.Text("x"),))).text.rstrip()
    assert any(written.endswith(stop) and stop in out for stop in fmt.stop_tokens)
    code, out, err = here("demo", "--format", name, "--json")
    data = json.loads(out)
    assert (code, err, data["format"]) == (0, "", name)
    replies = [s for s in data["steps"] if s["step"] == "reply"]
    assert len(replies) == len(recording(fmt)["replies"])
    answer = turnwire.Turn.from_dict(replies[-1]["turn"])
    assert not answer.calls and "20°C and partly cloudy" in answer.text
    ran = [s for s in data["steps"] if s["step"] == "tool"]
    assert [s["call"]["name"] for s in ran] == ["get_weather", "web_search", "web_search"]
    assert all(
        s["call"].get("status", "complete") == "complete" and "error" not in json.loads(s["content"]) for s in ran
    )
    assert len({s["call"]["id"] for s in ran}) == 3
    statuses = {c.get("status", "complete") for c in data["malformed"]["turn"]["parts"] if c["kind"] == "call"}
    lists = (w for w in walk(fmt.reply) if isinstance(w, Many) and any(is_call(inner) for inner in walk(w)))
    if next(lists, Many(NOTHING)).together:  # a list that is cut holds no whole call
        assert statuses == {"incomplete"}
    else:
        assert {"incomplete", "invalid", "unknown-tool"} <= statuses
    assert data["malformed"]["faults"] and not data["malformed"]["ok"]


def test_the_demo_has_no_faults_but_the_planted_ones() -> None:
    for name in CALLING:
        data = json.loads(here("demo", "--format", name, "--json")[1])
        events = [e for s in data["steps"] if s["step"] == "reply" for e in s["events"]]
        assert [e for e in events if e["type"] == "Fault"] == []


def test_the_demo_with_a_real_tokenizer(tmp_path: Path) -> None:
    tokenizer = real.qwen3()
    tokenizer.backend.save(str(tmp_path / "tokenizer.json"))
    code, out, _ = here("demo", "--model-dir", str(tmp_path), "--json")
    reply = next(s for s in json.loads(out)["steps"] if s["step"] == "reply")
    assert code == 0 and reply["ids"][-1] == tokenizer.special("<|im_end|>")
    assert reply["ids"][0] == tokenizer.special("<think>")


def test_the_recordings_are_the_fixtures() -> None:
    for fixture in ROOT.glob("fixtures/*/demo.json"):
        shipped = ROOT / "turnwire" / "data" / "demo" / f"{fixture.parent.name}.json"
        assert json.loads(shipped.read_text("utf-8")) == json.loads(fixture.read_text("utf-8"))


# usage


@pytest.mark.parametrize(
    "args, says",
    [
        ((), "COMMAND"),
        (("frob",), "choose from"),
        (("render",), "CONVERSATION.json"),
        (("demo", "-f", "gemma-3"), "a format with calls"),
        (("render", "conversation.json"), "--format"),
        (("render", "conversation.json", "-f", "qwen"), "expected one of "),
        (("render", "conversation.json", "-f", "qwen-3"), "did you mean 'qwen3'?"),
        (("render", "nope.json", "-f", "qwen3"), "nope.json: No such file"),
        (("render", ".", "-f", "qwen3"), "directory"),
        (("render", "broken.json", "-f", "qwen3"), "broken.json: line 2, column 9: not JSON"),
        (("render", "latin.json", "-f", "qwen3"), "latin.json: not UTF-8 at byte 1"),
        (("render", "odd.json", "-f", "qwen3"), "unknown key 'mesages'"),
        (("render", "role.json", "-f", "qwen3"), "messages[0].role: unknown role 'usr'"),
        (("render", "surrogate.json", "-f", "qwen3"), "lone surrogate"),
        (("render", "conversation.json", "-f", "qwen3", "--ids"), "--small"),
        (("render", "conversation.json", "-f", "qwen3", "--ids", "--json"), "not allowed with"),
        (("render", "conversation.json", "-f", "qwen3", "-o", "enable_thinkin=1"), "did you mean 'enable_thinking'?"),
        (("render", "conversation.json", "-f", "qwen3", "-o", "enable_thinking"), "NAME=VALUE"),
        (("render", "conversation.json", "-f", "qwen3", "-o", "tokenizer=1"), "not an option"),
        (("render", "conversation.json", "-f", "qwen3", "--tools", "conversation.json"), "tools[0]"),
        (("render", "conversation.json", "-f", "qwen3", "-g", "--continue-final-message"), "exclude each other"),
        (("render", "conversation.json", "-f", "qwen3", "--tokenizer", "nope"), "nope: no such file"),
        (("render", "conversation.json", "-f", "qwen3", "--tokenizer", "tools.json"), "tools.json: a JSON list"),
        (("parse", "nope.txt", "-f", "qwen3"), "nope.txt: No such file"),
        (("parse", "ids.json", "-f", "qwen3"), "--tokenizer PATH or --small"),
        (("parse", "negative.json", "-f", "qwen3", "--small"), "not an id: -2"),
        (("parse", "latin.json", "-f", "qwen3"), "not UTF-8"),
        (("parse", "good.txt", "-f", "qwen3", "--input", "ids", "--small"), "not an id"),
        (("parse", "good.txt", "--template", "broken.json", "--small"), "for a template: --tokenizer PATH"),
        (("parse", "good.txt", "-f", "qwen3", "--finish-reason", "stopp"), "expected one of stop, length"),
        (("parse", "good.txt", "-f", "qwen3", "--prompt", "good.txt"), "open assistant turn"),
        (("demo", "--format", "nope"), "no format 'nope'"),
        (("demo", "--speed", "0"), "more than 0"),
        (("demo", "--model-dir", "nope"), "nope: no such file or folder"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(folder: Path, args: tuple[str, ...], says: str) -> None:
    (folder / "broken.json").write_text('[{"role":\n "user" "x"}]')
    (folder / "latin.json").write_bytes(b"a\xe9b")
    (folder / "odd.json").write_text('{"mesages": []}')
    (folder / "role.json").write_text('[{"role": "usr", "content": "x"}]')
    (folder / "surrogate.json").write_text('[{"role": "user", "content": "\\ud800"}]')
    (folder / "ids.json").write_text("[1, 2]")
    (folder / "negative.json").write_text("[1, -2]")
    code, out, err = here(*args)
    assert (code, out) == (2, "")
    assert err.startswith("turnwire: ") and err.count("\n") == 1 and says in err


def test_deep_json_is_wrong_usage(folder: Path) -> None:
    (folder / "deep.json").write_text("[" * 200_000)
    code, _, err = run("render", "deep.json", "-f", "qwen3")
    assert code == 2 and err.count("\n") == 1 and "Traceback" not in err


def test_a_bug_is_not_taken_for_faults(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnwire.families.get_format", lambda name: 1 / 0)
    code, _, err = here("parse", "good.txt", "-f", "qwen3")
    assert code == 3 and err.count("\n") == 1 and "report" in err
    monkeypatch.setenv("TURNWIRE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        here("parse", "good.txt", "-f", "qwen3")


def test_without_rich(folder: Path) -> None:
    code = (
        "import sys; from importlib import util; find = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'rich' else find(name, *a)\n"
        "sys.modules['rich'] = None; from turnwire.cli import main; sys.exit(main(sys.argv[1:]))"
    )

    def bare(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *args], env=environment(), capture_output=True, text=True, timeout=60
        )

    refused = bare("parse", "good.txt", "-f", "qwen3")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1 and "turnwire[cli]" in refused.stderr
    for args in (("parse", "good.txt", "-f", "qwen3", "--json"), ("render", "conversation.json", "-f", "qwen3")):
        assert bare(*args).returncode == 0
    assert bare("formats", "--json").returncode == 0 and bare("demo", "--json").returncode == 0


def test_help_and_version() -> None:
    for args in (("--help",), ("parse", "--help"), ("--version",)):
        code, out, err = run(*args)
        assert (code, err) == (0, "") and "turnwire" in out


# pipes and terminals


def test_a_reader_that_goes_away() -> None:
    for args in (("demo",), ("demo", "--json"), ("formats",)):
        with start(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None and process.stderr is not None
            process.stdout.close()
            assert process.wait(60) == 141
            assert process.stderr.read() == b""


def test_ctrl_c() -> None:
    args: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    args["preexec_fn"] = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell's background ignores it
    with start("parse", "-", "-f", "qwen3", **args) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(b"hello there")
        process.stdin.flush()
        assert b"hello" in lines_before_eof(process, b"hello")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert b"Traceback" not in process.stderr.read()


def in_terminal(*args: str, **env: str) -> str:
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    with start(*args, stdout=theirs, stdin=subprocess.DEVNULL, env=environment(**env)) as process:
        os.close(theirs)
        out = b"".join(_until_closed(ours))
        process.wait(60)
    os.close(ours)
    return out.decode()


def _until_closed(fd: int) -> Iterator[bytes]:
    with contextlib.suppress(OSError):
        while data := os.read(fd, 1 << 16):
            yield data


@pytest.mark.skipif(sys.platform != "linux", reason="needs a pseudo-terminal")
def test_colours_only_on_a_terminal(folder: Path) -> None:
    assert "\x1b[" in in_terminal("demo")
    assert "\x1b[" in in_terminal("render", "conversation.json", "-f", "qwen3")
    assert "\x1b" not in in_terminal("demo", NO_COLOR="1")
    assert "\x1b" not in in_terminal("demo", "--no-color")
    assert "\x1b" not in in_terminal("formats", TERM="dumb")
    assert "\x1b" not in run("demo", env=environment(FORCE_COLOR="1"))[1]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a pseudo-terminal")
def test_a_models_output_cannot_drive_the_terminal(folder: Path) -> None:
    (folder / "evil.txt").write_bytes("\x1b[2J\x1b]0;owned\x07hello\u202e\r".encode())
    out = in_terminal("parse", "evil.txt", "-f", "qwen3", NO_COLOR="1")
    assert "hello" in out and "\x1b" not in out and "\x07" not in out and "\u202e" not in out
    assert "\\x1b[2J" in out


def test_the_pages_show_what_the_commands_say() -> None:
    """`python scripts/refresh_docs.py` makes it so."""
    args = [sys.executable, str(ROOT / "scripts" / "refresh_docs.py"), "--check"]
    done = subprocess.run(args, env=environment(), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "up to date")
