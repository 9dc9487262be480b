"""`turnwire.diff`: laws of its regions, what it says of each side, what it takes, and the command line."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

import turnwire
from tests.families.qwen_conversations import ALL
from tests.laws.law import reports
from tests.unit.test_cli import here
from tests.unit.test_diff_causes import MESSAGES, OPTIONS, SOURCE, TEMPLATE, TOOL
from turnwire import ChatTemplate, Logged, diff, get_format, list_formats, small_tokenizer
from turnwire.errors import (
    InputError,
    OptionError,
    TemplateError,
    TemplateFileError,
    TokenizerError,
    TurnwireError,
    UnknownFormat,
)
from turnwire.explain import values
from turnwire.explain.again import MOST
from turnwire.explain.regions import applied, readings
from turnwire.explain.sides import Prompt, Side, TemplateSide, side

FORMAT = get_format("qwen3")
TOKENIZER = small_tokenizer(FORMAT)
PROMPT = TEMPLATE.render(MESSAGES, [TOOL], **OPTIONS).text
USER = [{"role": "user", "content": "Hi"}]


# laws


@pytest.mark.parametrize("name", list_formats())
def test_a_side_does_not_differ_from_itself(name: str) -> None:
    fmt = get_format(name)
    options = {"now": "2026-01-15"} if "now" in fmt.options else {}
    for tokenizer in (None, small_tokenizer(fmt)):
        assert diff(fmt, fmt, USER, tokenizer=tokenizer, add_generation_prompt=True, **options) is None


pieces = st.sampled_from(["<|im_end|>", "\n", "  ", "word ", '{"a": 1}', "<think>", "</think>", "é", "日本", "[1", "'"])
texts = st.lists(pieces, max_size=25).map("".join)


def check(a: Logged, b: Logged, tokenizer: Any = None) -> None:
    found, back = diff(a, b, tokenizer=tokenizer), diff(b, a, tokenizer=tokenizer)
    mine, theirs = (s.prompt(None, None, tokenizer) for s in (a, b))
    pair = readings(mine, theirs)
    if pair is None:
        assert found is back is None
        return
    assert found is not None and back is not None
    ours, other = pair
    assert list(ours.units) != list(other.units)
    assert applied(ours, other, found.regions) == list(other.units)
    assert applied(other, ours, back.regions) == list(ours.units)
    assert [r.kind for r in back.regions] == [r.kind for r in found.regions] and back.kind == found.kind
    assert [(r.a, r.b) for r in back.regions] == [(r.b, r.a) for r in found.regions]
    for r in found.regions:
        assert r.causes and len({c.name for c in r.causes}) == len(r.causes)
        assert r.a.text == ours.text[r.a.start : r.a.stop] and r.b.text == other.text[r.b.start : r.b.stop]
        assert (r.kind == "text") == (r.a.text != r.b.text) or tokenizer is not None
    assert json.loads(json.dumps(found.to_dict()))["regions"]


@settings(deadline=None, max_examples=300)
@over(texts, texts)
def test_regions_turn_one_text_into_the_other(a: str, b: str) -> None:
    check(Logged(text=a), Logged(text=b))


@settings(deadline=None, max_examples=300)
@over(texts, texts, st.booleans())
def test_regions_turn_one_list_of_ids_into_the_other(a: str, b: str, cut: bool) -> None:
    x, y = TOKENIZER.encode(a), TOKENIZER.encode(b)
    if cut:  # the same text in other tokens
        y = [i for c in a for i in TOKENIZER.encode(c)]
    check(Logged(ids=x), Logged(ids=y), TOKENIZER)
    check(Logged(ids=x), Logged(ids=y))


def test_tokens_that_cut_characters() -> None:
    """Excerpts of half a character: both halves show."""
    a, b = TOKENIZER.encode("x日本y"), TOKENIZER.encode("x日木y")
    found = diff(Logged(ids=a), Logged(ids=b), tokenizer=TOKENIZER)
    assert found is not None and found.kind == "text"
    assert found.first.a.text == "本" and found.first.b.text == "木"
    assert all("\\x" in p for p in found.first.a.pieces)


def test_what_people_read_needs_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    found = diff(Logged(text="a"), Logged(text="b"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert found is not None
    with pytest.raises(InputError, match=r"turnwire\[cli\]"):
        found.show()


# what is said of a side


def test_the_owner_and_the_line() -> None:
    changed = [MESSAGES[0], {**MESSAGES[1], "content": "Is it cold there? "}, *MESSAGES[2:]]
    found = diff(TEMPLATE, Logged(text=TEMPLATE.render(changed, [TOOL], **OPTIONS).text), MESSAGES, [TOOL], **OPTIONS)
    assert found is not None and len(found.regions) == 1
    a, b = found.first.a, found.first.b
    assert (a.text, b.text, a.path, a.message, a.part, a.kind) == ("warm", "cold", "messages[1].content", 1, 0, "text")
    assert a.line == 10 and "m.content" in a.source and a.before.endswith("Is it ") and a.after.startswith(" there?")
    assert (b.path, b.line, b.message, b.source) == ("", None, None, "")


def test_the_owner_of_what_the_template_wrote() -> None:
    found = diff(TEMPLATE, TEMPLATE, MESSAGES, [TOOL], options_b={"no_reasoning": True}, **OPTIONS)
    assert found is not None
    a = found.first.a
    assert a.text == "<think>\nThe user asks.\n</think>\n\n" and a.line == 6 and a.near == "behind messages[1].content"
    assert found.first.b.near.startswith("behind messages[1]")


def test_a_format_names_its_fields() -> None:
    found = diff(FORMAT, Logged(text=FORMAT.render(USER).text.replace("Hi", "Ho")), USER)
    assert found is not None
    assert (found.first.a.path, found.first.a.line) == ("messages[0].content", None)


def test_ids_and_assets() -> None:
    logged = FORMAT.render([{"role": "user", "content": "Ho"}], tokenizer=TOKENIZER).ids
    found = diff(TEMPLATE, FORMAT, USER, tokenizer=TOKENIZER)
    assert found is not None and found.a.assets["template"] == hashlib.sha256(SOURCE.encode()).hexdigest()
    assert found.a.assets["tokenizer"] == found.b.assets["tokenizer"] and "format" in found.b.assets
    found = diff(FORMAT, Logged(ids=logged), USER, tokenizer=TOKENIZER)
    assert found is not None
    a = found.first.a
    assert a.tokens is not None and a.ids == tuple(found.a.ids[slice(*a.tokens)])  # type: ignore[index]
    assert "".join(a.pieces) == a.text and len(a.ids_before) + len(a.ids_after) > 0


def test_different_tokenizers() -> None:
    """Two vocabularies: the ids are other ones, the text is the same."""
    other = small_tokenizer(get_format("harmony"))
    mine, theirs = (TEMPLATE.render(USER, tokenizer=t, trust_content=True) for t in (TOKENIZER, other))
    a, b = (Prompt(r.text, r.ids, r, "x", {"tokenizer": n}, tokenizer=t)
            for r, n, t in ((mine, "1", TOKENIZER), (theirs, "2", other)))  # fmt: skip

    class Fixed:
        fixed = True

        def __init__(self, prompt: Prompt):
            self.name, self.made = "fixed", prompt

        def prompt(self, *_: Any) -> Prompt:
            return self.made

    assert isinstance(Fixed(a), Side)
    found = diff(Fixed(a), Fixed(b))
    assert found is not None and found.kind == "ids" and set(found.causes) == {"tokenizer"}


def test_a_tokenizer_that_changes_text() -> None:
    """Where ids do not spell the text, regions are still where they belong."""
    backend = tokenizers.Tokenizer.from_str(TOKENIZER.backend.to_str())  # type: ignore[attr-defined]
    backend.normalizer = tokenizers.normalizers.NFC()
    nfc = turnwire.load_tokenizer(backend)
    said = [{"role": "user", "content": "cafe\u0301 or tea"}]
    logged = FORMAT.render([{"role": "user", "content": "caf\u00e9 or milk"}], tokenizer=nfc).ids
    found = diff(FORMAT, Logged(ids=logged), said, tokenizer=nfc)
    assert found is not None and found.first.a.text.strip() == "tea" and found.first.b.text.strip() == "milk"


# what a side may be


def test_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.jinja").write_text(SOURCE, "utf-8")
    folder = Path("model")
    folder.mkdir()
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": SOURCE, "bos_token": "<s>"}))
    Path("prompt.txt").write_text(PROMPT, "utf-8")
    Path("ids.json").write_text("[1, 2, 3]")
    Path("log.json").write_text('{"prompt_token_ids": [1, 2, 3]}')
    Path("odd.txt").write_text("a {{ b }}")
    Path("qwen3").write_text(PROMPT)
    for given in (
        "a.jinja",
        "template:a.jinja",
        Path("a.jinja"),
        "model",
        Path("model"),
        "model/tokenizer_config.json",
    ):
        bos = {} if "model" in str(given) else {"bos_token": "<s>"}
        assert diff(given, TEMPLATE, MESSAGES, [TOOL], options_a=bos, **OPTIONS) is None, given
    for given in ("prompt.txt", "text:prompt.txt", "text:qwen3", Logged(text=PROMPT)):
        assert diff(given, TEMPLATE, MESSAGES, [TOOL], **OPTIONS) is None, given
    for given in ("ids.json", "ids:ids.json", "ids:log.json", Logged(ids=[1, 2, 3])):
        assert diff(given, Logged(ids=[1, 2, 3])) is None
    for given in ("format:qwen3", "Qwen/Qwen3-8B", FORMAT):
        assert diff(given, FORMAT, USER) is None
    with pytest.raises(InputError, match="'qwen3' could be 2 things; expected format:qwen3 or template:qwen3"):
        side("qwen3")
    with pytest.raises(InputError, match=r"template:odd\.txt or text:odd\.txt"):
        side("odd.txt")
    with pytest.raises(InputError, match=r"no such format, file or folder.*format:, template:"):
        side("nothing")
    with pytest.raises(InputError, match="no list of ids"):
        side("ids:prompt.txt")
    with pytest.raises(InputError, match="cannot read it"):
        side("ids:nothing.json")
    with pytest.raises(UnknownFormat):
        side("format:nothing")
    with pytest.raises(TemplateFileError):
        diff("template:nothing", FORMAT, USER)
    for wrong in (3, None, ["a"]):
        with pytest.raises(InputError, match="has no prompts"):
            side(wrong)


def test_mistakes_of_the_caller() -> None:
    with pytest.raises(InputError, match="neither ids nor text"):
        Logged()
    with pytest.raises(TurnwireError):
        Logged(ids=[-1])
    with pytest.raises(InputError, match="a prompt of nothing"):
        diff(FORMAT, FORMAT)
    with pytest.raises(TokenizerError, match="ids on one side only"):
        diff(FORMAT, Logged(ids=[1]), USER)
    with pytest.raises(OptionError):
        diff(FORMAT, FORMAT, USER, no_such_option=1)


def test_an_error_names_the_side(tmp_path: Path) -> None:
    (tmp_path / "odd.jinja").write_text("a\n{{ raise_exception('no such role') }}")
    with pytest.raises(TemplateError, match=r"odd\.jinja.*template line 2.*no such role"):
        diff(FORMAT, tmp_path / "odd.jinja", USER)
    with pytest.raises(InputError, match=r"^qwen3: a prompt of nothing"):
        diff(FORMAT, FORMAT)


def test_rendering_again_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0
    text = TemplateSide.text

    def counted(*args: Any) -> str:
        nonlocal asked
        asked += 1
        return text(*args)

    monkeypatch.setattr(TemplateSide, "text", counted)
    options = {f"option{n}": n for n in range(50)}
    other = ChatTemplate(SOURCE.replace("tool_call>", "call>"), "<s>")
    found = diff(TEMPLATE, other, MESSAGES, [TOOL], options_b={"more": 1}, **OPTIONS, **options)
    assert found is not None and 0 < asked <= MOST


@pytest.mark.parametrize(
    "unit", ['{"', "['", "{'a': ", "[", "{} ", '{"a": ', "<think>", "1 Jan 2020 ", "[{'type': 'text', "]
)
def test_hostile_text_costs_no_more(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are looked for in a bounded number of attempts: characters decoded, for each of the text's."""
    read = 0
    decode, python = values._decoded, values._python  # pyright: ignore[reportPrivateUsage]

    def decoded(decoder: Any, text: str, start: int) -> Any:
        nonlocal read
        found, cost = decode(decoder, text, start)
        read += cost
        return found, cost

    def printed(text: str, start: int) -> Any:
        nonlocal read
        found, stop = python(text, start)
        read += stop - start
        return found, stop

    monkeypatch.setattr(values, "_decoded", decoded)
    monkeypatch.setattr(values, "_python", printed)
    each: list[float] = []
    for size in (5_000, 50_000):
        text, read = unit * (size // len(unit)), 0
        assert diff(Logged(text=text), Logged(text=text[:-30] + "x")) is not None
        each.append(read / size)
    assert each[1] <= 2 * values.TRIES + 300 * 1_024 / size, each


def test_ids_that_nobody_spells() -> None:
    found = diff(Logged(ids=[1, 2, 3]), Logged(ids=[1, 4, 3]))
    assert found is not None and found.kind == "unread" and set(found.causes) == {"unknown"}
    assert (found.first.a.ids, found.first.b.ids) == ((2,), (4,))


def test_a_model_folder_has_its_tokenizer(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(TOKENIZER.backend.to_str())  # type: ignore[attr-defined]
    (tmp_path / "chat_template.jinja").write_text(SOURCE.replace("{{ bos_token }}", ""))
    found = diff(tmp_path, FORMAT, [*USER, {"role": "assistant", "content": "a"}, *USER])
    assert found is None or (found.a.ids is not None and found.b.ids is not None)
    found = diff(tmp_path, FORMAT, [{"role": "user", "content": "a"}], options_b={"trust_content": True})
    assert found is None


def test_real_conversations() -> None:
    """Two families: every region names its owner on a side that knows it."""
    counts = [0, 0, 0]
    for c in random.Random(1).sample(ALL, 30):
        try:
            found = diff(FORMAT, TEMPLATE, c["messages"], c["tools"], options_b={"now": "2026-01-15"})
        except TurnwireError:
            continue
        if found is None:
            continue
        counts[0] += 1
        for r in found.regions:
            counts[1] += 1
            counts[2] += bool(r.b.line and (r.b.path or r.b.near or r.b.kind))
    reports.append(f"diff of two families: {counts[0]} conversations, {counts[1]} regions, {counts[2]} with a line")
    assert counts[0] >= 10 and counts[2] >= 0.95 * counts[1]


# the command line


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.jinja").write_text(SOURCE.replace("{{ bos_token }}", ""), "utf-8")
    (tmp_path / "b.jinja").write_text(SOURCE.replace("{{ bos_token }}", "").replace("| tojson", "| string"), "utf-8")
    (tmp_path / "chat.json").write_text(json.dumps({"messages": MESSAGES, "tools": [TOOL], "options": OPTIONS}))
    (tmp_path / "prompt.txt").write_text(PROMPT.removeprefix("<s>"), "utf-8")
    (tmp_path / "ids.json").write_text(json.dumps(FORMAT.render(USER, tokenizer=TOKENIZER).ids))
    (tmp_path / "user.json").write_text(json.dumps(USER))
    (tmp_path / "tokenizer.json").write_text(TOKENIZER.backend.to_str())  # type: ignore[attr-defined]
    return tmp_path


def test_exit_codes(files: Path) -> None:
    assert here("diff", "a.jinja", "prompt.txt", "chat.json") == (0, "the same prompt: a.jinja and prompt.txt\n", "")
    code, text, _ = here("diff", "a.jinja", "b.jinja", "chat.json")
    assert code == 1 and "python-repr" in text and "template line" in text and "⟦" in text
    code, text, error = here("diff", "a.jinja", "nothing", "chat.json")
    assert (code, text) == (2, "") and "no such format, file or folder" in error and error.count("\n") == 1
    assert here("diff", "a.jinja")[0] == 2
    assert here("diff", "prompt.txt", "qwen3")[0] == 2
    assert here("diff", "prompt.txt", "prompt.txt")[0] == 0
    assert here("diff", "a.jinja", "b.jinja", "chat.json", "--seed", "1")[0] == 2
    assert here("diff", "a.jinja", "b.jinja", "chat.json", "--search")[0] == 2
    assert here("diff", "prompt.txt", "prompt.txt", "--search")[0] == 2
    assert here("diff", "a.jinja", "b.jinja", "chat.json", "-o", "tools=1")[0] == 2


def test_json(files: Path) -> None:
    assert json.loads(here("diff", "a.jinja", "a.jinja", "chat.json", "--json")[1])["equal"] is True
    code, text, _ = here("diff", "a.jinja", "b.jinja", "chat.json", "--json")
    form = json.loads(text)
    assert (code, form["equal"], form["kind"]) == (1, False, "text")
    assert list(form) == ["equal", "kind", "a", "b", "causes", "regions", "conversation", "options"]
    assert form["a"]["assets"]["template"] and form["conversation"]["messages"] == MESSAGES
    assert form["regions"][0]["a"]["line"] and form["regions"][0]["causes"][0]["name"] == "python-repr"


def test_ids_on_the_command_line(files: Path) -> None:
    assert here("diff", "qwen3", "ids.json", "user.json", "--tokenizer", "tokenizer.json")[0] == 0
    code, text, _ = here("diff", "qwen3", "ids.json", "user.json", "-g", "--tokenizer", "tokenizer.json", "--all")
    assert code == 1 and "option-dropped (B)" in text and "add_generation_prompt" in text and "token" in text
    assert here("diff", "ids.json", "ids.json")[0] == 0


def test_long_text_is_cut_and_counted(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    (files / "x.txt").write_text("start " + "long words " * 200 + "end", "utf-8")
    (files / "y.txt").write_text("start end", "utf-8")
    code, text, _ = here("diff", "x.txt", "y.txt")
    assert code == 1 and "more characters" in text and "·long·words·" in text and "⟦⟧end" in text
    assert max(map(len, text.splitlines())) <= 60 and len(text) < 1500


def test_an_option_for_one_side(files: Path) -> None:
    code, text, _ = here("diff", "a.jinja", "a.jinja", "chat.json", "--option-b", "enable_thinking=true")
    assert code == 1 and "option-dropped" in text and "think-block" in text


def test_what_is_hostile_stays_data(files: Path) -> None:
    """Control characters of a prompt do not reach the terminal, and no markup of rich's applies."""
    (files / "x.txt").write_text("a\x1b[31m[red]x[/red]\x07 \u202e b", "utf-8")
    (files / "y.txt").write_text("a", "utf-8")
    code, text, _ = here("diff", "x.txt", "y.txt")
    assert code == 1 and "[red]" in text and not set(text) & set("\x1b\x07\u202e")


def test_the_template_of_a_chat_with_tools(tmp_path: Path) -> None:
    named = [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "tools"}]
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": named}))
    assert diff(tmp_path, Logged(text="plain"), USER) is None
    assert diff(tmp_path, Logged(text="tools"), USER, [TOOL]) is None
    assert diff(ChatTemplate("plain"), tmp_path, USER) is None


def test_a_bare_file_is_lent_the_special_tokens_of_the_other_template(tmp_path: Path) -> None:
    """It has none of its own, so that its BOS would be missing, which it is not where the model runs."""
    source = "{{ bos_token }}{% for m in messages %}{{ m.content }}{{ eos_token }}{% endfor %}"
    (tmp_path / "bare.jinja").write_text(source, "utf-8")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "chat_template.jinja").write_text(source, "utf-8")
    (folder / "tokenizer_config.json").write_text('{"bos_token": "<s>", "eos_token": "</s>"}', "utf-8")
    assert diff(tmp_path / "bare.jinja", folder, USER) is None is diff(folder, tmp_path / "bare.jinja", USER)
    found = diff(turnwire.ChatTemplate(source), folder, USER)  # in Python it says what it has: nothing
    assert found is not None and "bos-missing" in found.causes
    other = turnwire.ChatTemplate(source, "<s>", "<|end|>")
    found = diff(folder, other, USER)  # each has its own
    assert found is not None and set(found.causes) == {"other-marker"}
