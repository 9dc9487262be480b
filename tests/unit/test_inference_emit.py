"""Formats as source: what runs gives the format again, in lines that the formatter leaves as they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.laws.law import reports
from tests.unit.test_inference_arguments import corpus
from turnwire.chat_template import ChatTemplate
from turnwire.errors import FormatError
from turnwire.families import formats, list_formats
from turnwire.format import Format
from turnwire.inference import infer_format
from turnwire.inference.emit import emit
from turnwire.inference.layout import Whole
from turnwire.inference.source import Made, Several, Sum, imports, lines, statement, string
from turnwire.layout import Layout, NoResults, Option
from turnwire.wire import NOTHING, Choice, End, Frame, If, Lit, Many, Opt, Pad, Seq, Slot, Tok

CLOSED = {"hunyuan", "hunyuan-preview"}
"""Their layouts hold functions that no module has."""
INFERRED = (
    "arcee-ai-Trinity-Large-Thinking", "ApolloRaines-Llama-3.3-8B-Instruct-128K-Jbliterated", "LFM2.5-8B-A1B",
    "deepseek-ai-DeepSeek-V3.2", "google-gemma-4-31B-it", "moonshotai-Kimi-K2-Instruct", "openbmb-MiniCPM5-1B",
    "upstage-Solar-Open2-250B",
)  # fmt: skip


def variable(name: str) -> str:
    return re.sub(r"\W", "_", name)


def run(source: str, name: str, **given: Any) -> Format:
    space: dict[str, Any] = {"__name__": "emitted", **given}
    exec(compile(source, "emitted.py", "exec"), space)
    return space[variable(name)]


@pytest.mark.parametrize("name", list_formats())
def test_source_gives_the_format_again(name: str) -> None:
    fmt = formats()[name]
    got = run(emit(fmt, like=name if name in CLOSED else ""), name)
    assert got.reply == fmt.reply and got.header == fmt.header
    assert got == fmt
    assert got.notes == fmt.notes


def test_source_is_formatted(tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if ruff is None:
        pytest.skip("needs ruff")
    written: Counter[int] = Counter()
    for width in (79, 100, 120):
        folder = tmp_path / str(width)
        folder.mkdir()
        for name, fmt in formats().items():
            source = emit(fmt, like=name if name in CLOSED else "", width=width)
            (folder / f"{variable(name)}.py").write_text(source, "utf-8")
            written[width] += len(source.splitlines())
        args = [ruff, "format", "--isolated", "--no-cache", "--diff", "--line-length", str(width), str(folder)]
        done = subprocess.run(args, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[:2000]
        lint = [ruff, "check", "--isolated", "--no-cache", "--select", "F,I,UP", "--line-length", str(width)]
        done = subprocess.run([*lint, str(folder)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[:2000]
    reports.append(f"formats as source: {len(formats())}, lines by width {dict(written)}")


def test_a_source_reads_like_a_family() -> None:
    fmt = formats()["glm-4.7"]
    text = emit(fmt, relative=True)
    assert text.startswith(f'"""glm-4.7: {fmt.source}.\n\n- a turn ends in ')
    assert 'think = Frame("reasoning", Tok("<think>") + Slot("reasoning") + Tok("</think>"))' in text
    assert "from ..codecs import Name, Value\n" in text and "turnwire" not in text
    assert run(text, "glm-4.7", __package__="turnwire.families") == fmt


def test_a_template_is_not_repeated(tmp_path: Path) -> None:
    template = '{# "it\'s" #}\n{{ messages }}\n'
    layout = Layout((), NoResults(), options=(Option("template", template, "a text"),))
    fmt = Format("my format", Many(Frame("text", Slot("text"))) + End("<e>"), Tok("<a>"), layout)
    inside = emit(fmt, template=template)
    assert run(inside, "my format").layout.options == layout.options and inside.count("{{ messages }}") == 1
    beside = emit(fmt, template=template, file="chat_template.jinja")
    assert "messages" not in beside
    (tmp_path / "chat_template.jinja").write_text(template, "utf-8")
    assert run(beside, "my format", __file__=str(tmp_path / "my.py")).layout.options == layout.options


@pytest.mark.parametrize("name", INFERRED)
def test_inferred_formats(name: str, tmp_path: Path) -> None:
    """The template is beside the source, or in it; what is known of the format is in the docstring."""
    template = corpus(name)
    fmt = infer_format(template, name=name)
    (tmp_path / "t.jinja").write_bytes(template.encode())
    beside = emit(fmt, template=template, file="t.jinja")
    assert len(beside) < 6000 and run(beside, name, __file__=str(tmp_path / "f.py")) == fmt
    assert run(emit(fmt, template=template), name) == fmt
    words = " ".join(beside.split('"""')[1].split())
    assert fmt.source in words and str(fmt.evidence) in words
    for note in fmt.notes:
        assert " ".join(note.split()) in words


TEXTS = ["", "\n", "a", "\n\n\n\na\n\n\n\n", 'a"', "a\\", "\\n \\u0041 {{ '\\n' }}", '"' * 3 + "x", "a\r\nb", "\x00"]
TEXTS += ["a\u2028b", "é\t ", "\x85"]


@pytest.mark.parametrize("template", TEXTS)
def test_any_text_of_a_template(template: str, tmp_path: Path) -> None:
    layout = Layout((), NoResults(), options=(Option("template", template, "a text"),))
    fmt = Format("f", Many(Frame("text", Slot("text"))) + End("<e>"), Tok("<a>"), layout)
    assert run(emit(fmt, template=template), "f") == fmt
    (tmp_path / "t.jinja").write_bytes(template.encode())
    assert run(emit(fmt, template=template, file="t.jinja"), "f", __file__=str(tmp_path / "f.py")) == fmt


def test_names_do_not_collide() -> None:
    """Frames of one kind, a frame called as a word or a keyword, a format called as a function."""
    reply = Choice(
        Frame("text", Lit("<1>") + Slot("text") + Lit("</1>")),
        Frame("text", Lit("<2>") + Slot("text") + Lit("</2>")),
        Frame("class", Lit("<3>") + Slot("class") + Lit("</3>")),
    )
    fmt = Format("1 Tok", reply + End("<e>", "<f>", called="", history="<f>"), Tok("<a>"), Layout((), NoResults()))
    source = emit(fmt)
    assert "text_2 = " in source and "class_ = " in source
    assert run(source, "format_1_Tok").reply == fmt.reply


def test_imports_give_way_to_names() -> None:
    reply = Many(Frame("Slot", Lit("<1>") + Slot("text") + Lit("</1>"))) + End("<e>")
    fmt = Format("Lit", reply, Tok("<a>"), Layout((), NoResults()))
    source = emit(fmt)
    assert "Lit as Lit_2" in source and "Slot as Slot_2" in source and "\nSlot = " in source
    assert run(source, "Lit") == fmt


def test_words_that_plus_does_not_make() -> None:
    words = (
        Seq((Lit("x"),)),
        Seq((Seq((Lit("x"), Lit("y"))), Lit("z"))),
        Opt(Lit("x"), Lit("y")),
        Choice(Lit("x")),
        Many(Lit("x"), sep=NOTHING, open=Seq((Pad("\n", after="text", full=True),))),
        If(_never, Lit("x")),
    )
    for word in words:
        fmt = Format("f", Frame("text", word + Slot("text")) + End("<e>"), NOTHING, Layout((), NoResults()))
        assert run(emit(fmt), "f", _never=_never).reply == fmt.reply


def _never(options: Any, part: Any) -> bool:
    return False


def test_fields_that_are_named() -> None:
    """Those behind a default, those that have to be; what does not compare, such as a path, is left out."""
    template = ChatTemplate("{{ x }}", name="tools", origin="/somewhere/template.jinja")
    layout = Layout((), NoResults(), whole=Whole(template))
    source = emit(Format("f", Many(Frame("text", Slot("text"))) + End("<e>"), NOTHING, layout))
    assert 'whole=Whole(ChatTemplate("{{ x }}", name="tools"))' in source
    assert run(source, "f").layout == layout


def test_what_has_no_source() -> None:
    fmt = Format("f", Choice(If(lambda o, p: True, Lit("x")), Lit("y")) + End("<e>"), NOTHING, Layout((), NoResults()))
    with pytest.raises(FormatError, match=r"<lambda> .* has no source; expected values of modules"):
        emit(fmt)
    with pytest.raises(FormatError, match="has no source"):
        emit(formats()["hunyuan"])


@pytest.mark.parametrize(
    "text", ["", "a", 'a"b', "it's", '\'""', "''\"", "\n\\\t", "é ｜ \u200b \ud800", "\x00", '"' * 3, "{}"]
)
def test_strings(text: str) -> None:
    assert eval(string(text)) == text


def test_lines() -> None:
    """Brackets open from outside to inside, and only where a line is too long."""
    word = Made("Tok", (("", '"<x>"'),))
    assert lines(Sum((word, word)), 30) == ['Tok("<x>") + Tok("<x>")']
    assert lines(Sum((word, word)), 22) == ['Tok("<x>")', '+ Tok("<x>")']
    call = Made("Frame", (("", '"call"'), ("", Sum((word, word)))))
    assert lines(call, 36) == ["Frame(", '    "call", Tok("<x>") + Tok("<x>")', ")"]
    assert lines(call, 30) == ["Frame(", '    "call",', '    Tok("<x>") + Tok("<x>"),', ")"]
    assert lines(Several("()", (("", "1"),)), 3) == ["(", "    1,", ")"]
    assert statement("a", Sum((word, call)), 30) == [
        'a = Tok("<x>") + Frame(', '    "call",', '    Tok("<x>") + Tok("<x>"),', ")"
    ]  # fmt: skip
    assert statement("a", Sum((call, word)), 30) == [
        "a = Frame(", '    "call",', '    Tok("<x>") + Tok("<x>"),', ') + Tok("<x>")'
    ]  # fmt: skip
    assert statement("a", Sum(("x" * 9, "y" * 9)), 20) == ["a = (", "    xxxxxxxxx", "    + yyyyyyyyy", ")"]
    assert statement("abc", Sum((word, word, word)), 20) == [
        "abc = (", '    Tok("<x>")', '    + Tok("<x>")', '    + Tok("<x>")', ")"
    ]  # fmt: skip
    names = {"b.c": {"b": "b", "A": "A", "X": "Y"}, "..a": {"x": "x"}, ".z": {"LONGER": "LONGER", "f": "f"}}
    assert imports(names, 22) == [
        "from ..a import x", "from .z import (", "    LONGER,", "    f,", ")", "from b.c import A, b",
        "from b.c import X as Y",
    ]  # fmt: skip
