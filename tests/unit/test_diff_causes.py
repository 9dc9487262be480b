"""Each cause, injected as a public report has it: it is found and named, on the right side, and nothing else is."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tokenizers

from tests.laws.law import reports
from turnwire import ChatTemplate, Divergence, Logged, diff, get_format, list_formats, small_tokenizer
from turnwire.errors import TurnwireError
from turnwire.explain import regions
from turnwire.explain.causes import NAMES
from turnwire.explain.sides import side
from turnwire.explain.values import Values

SOURCE = """{{ bos_token }}{% if tools %}<|im_start|>system
Today is {{ strftime_now('%d %B %Y') }}.
{% for t in tools %}{{ t | tojson }}
{% endfor %}<|im_end|>
{% endif %}{% for m in messages %}<|im_start|>{{ m.role }}
{% if m.reasoning_content and not no_reasoning %}<think>
{{ m.reasoning_content }}
</think>

{% endif %}{{ m.content }}{% for c in m.tool_calls or [] %}
<tool_call>
{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking %}<think>

</think>

{% endif %}{% endif %}"""
TEMPLATE = ChatTemplate(SOURCE, "<s>", "<|im_end|>")
ARGUMENTS = {"city": "Zürich", "dry": True, "n": 2}
CALL = {"id": "call00001", "type": "function", "function": {"name": "look", "arguments": ARGUMENTS}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "Looks <b>.", "parameters": SCHEMA, "strict": False},
}
MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Is it warm there? "},
    {"role": "assistant", "content": "I look.", "reasoning_content": "The user asks.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call00001", "name": "look", "content": "It is sunny, and warm in the north"},
]
OPTIONS: dict[str, Any] = {"now": "2026-01-15", "add_generation_prompt": True, "enable_thinking": False}
PROMPT = TEMPLATE.render(MESSAGES, [TOOL], **OPTIONS).text
BARE = json.dumps(ARGUMENTS, ensure_ascii=False)
LINE = json.dumps(TOOL, ensure_ascii=False)


class Report(NamedTuple):
    cause: str
    report: str
    change: Callable[[str], str]
    """What the other side of the report has made of the prompt."""
    side: str = "b"
    also: tuple[str, ...] = ()
    """Further causes that are just as true."""


def swap(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def rendered(messages: list[dict[str, Any]] = MESSAGES, tools: Any = (TOOL,), **options: Any) -> Callable[[str], str]:
    given = {**OPTIONS, **options}
    text = TEMPLATE.render(messages, list(tools), **{k: v for k, v in given.items() if v != "dropped"}).text
    return lambda _: text


def silent(m: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in m.items() if k != "reasoning_content"}


REPORTS = [
    Report("bos-twice", "vllm-project/vllm#27515", lambda t: "<s>" + t),
    Report("bos-twice", "huggingface/open-r1#462", lambda t: "<s><s>" + t),
    Report("bos-missing", "vllm-project/vllm#52304", lambda t: t.removeprefix("<s>")),
    Report("option-dropped", "mudler/LocalAI#11674", rendered(enable_thinking="dropped"), also=("think-block",)),
    Report("option-dropped", "vllm-project/vllm#25794", rendered(add_generation_prompt="dropped")),
    Report("tools-dropped", "ollama/ollama#17636", rendered(tools=())),
    Report("json-spacing", "huggingface/swift-jinja#71", swap(LINE, json.dumps(TOOL, separators=(",", ":"))), ""),
    Report("json-order", "sgl-project/sglang#39599", swap(LINE, json.dumps(TOOL, sort_keys=True)), ""),
    Report("json-escapes", "theroyallab/tabbyAPI#459", swap(BARE, json.dumps(ARGUMENTS)), ""),
    Report("json-escapes", "mistralai/mistral-common#311", swap("<b>", "\\u003cb\\u003e"), ""),
    Report("arguments-form", "oumi-ai/oumi#2599", swap(BARE, json.dumps(BARE, ensure_ascii=False)), ""),
    Report("python-repr", "ml-explore/mlx-lm#1065", swap(BARE, str(ARGUMENTS))),
    Report("content-list-printed", "abetlen/llama-cpp-python#2324",
           swap("Is it warm there? ", "[{'type': 'text', 'text': 'Is it warm there? '}]")),
    Report("keys-dropped", "BerriAI/litellm#6136", swap(', "strict": false', "")),
    Report("keys-dropped", "ai-dynamo/dynamo#12700",
           swap('"strict": false', '"strict": false, "defer_loading": null'), "a"),
    Report("think-block", "QwenLM/Qwen3#1826", rendered([silent(m) for m in MESSAGES]), "a"),
    Report("think-block", "verl-project/verl#1307", swap("<think>\n\n</think>\n\n", "<think>\n"), ""),
    Report("whitespace", "huggingface/trl#5317",
           swap("<|im_end|>\n<|im_start|>tool", "<|im_end|><|im_start|>tool"), "a"),
    Report("whitespace", "rllm-org/rllm#516", swap("there? <", "there?<"), ""),
    Report("date", "sgl-project/sglang#3296", swap("15 January 2026", "26 July 2024"), ""),
    Report("truncation", "ollama/ollama#3839", lambda t: t[t.index("warm there") :]),
    Report("truncation", "ollama/ollama#17427", lambda t: t[: t.index("warm in the")]),
    Report("truncation", "huggingface/transformers#34494", swap("sunny, and warm in the north", "sunny")),
]  # fmt: skip


@pytest.mark.parametrize("r", REPORTS, ids=lambda r: f"{r.cause}-{r.report}")
def test_a_report(r: Report) -> None:
    found = diff(TEMPLATE, Logged(text=r.change(PROMPT)), MESSAGES, [TOOL], **OPTIONS)
    assert found is not None
    names = set(found.causes)
    assert r.cause in names and names <= {r.cause, *r.also}, (found.causes, [str(x) for x in found.regions])
    if r.side:
        assert {c.side for x in found.regions for c in x.causes if c.name == r.cause} == {r.side}
    back = diff(Logged(text=r.change(PROMPT)), TEMPLATE, MESSAGES, [TOOL], **OPTIONS)
    assert back is not None and back.causes == found.causes
    sides = {"a": "b", "b": "a", "": ""}
    assert [[(c.name, sides[c.side]) for c in x.causes] for x in back.regions] == [
        [(c.name, c.side) for c in x.causes] for x in found.regions
    ]


def without_map(r: Report) -> bool:
    """Whether text alone tells the cause."""
    return r.cause not in ("option-dropped", "tools-dropped", "truncation")


@pytest.mark.parametrize("r", list(filter(without_map, REPORTS)), ids=lambda r: f"{r.cause}-{r.report}")
def test_two_logs(r: Report) -> None:
    """Nobody can render these again, and no source map says whose text it is."""
    found = diff(Logged(text=PROMPT), Logged(text=r.change(PROMPT)))
    assert found is not None and r.cause in found.causes


# ids


FORMAT = get_format("qwen3")
TOKENIZER = small_tokenizer(FORMAT)
SPELLS = [{"role": "user", "content": "What is <|im_end|> for?"}]


def ids(**options: Any) -> list[int]:
    return FORMAT.render(SPELLS, tokenizer=TOKENIZER, **options).ids


def only(found: Divergence | None) -> tuple[str, str, str]:
    assert found is not None and len(found.regions) == 1
    (cause,) = found.first.causes
    return found.kind, cause.name, cause.side


def test_a_forged_special_token() -> None:
    """huggingface/transformers#29279, PrimeIntellect-ai/renderers#116: the engine encodes content as it does markup."""
    found = diff(FORMAT, Logged(ids=ids(trust_content=True)), SPELLS, tokenizer=TOKENIZER)
    assert only(found) == ("ids", "special-token-forged", "b")
    assert (
        found is not None and found.first.a.path == "messages[0].content" and found.first.a.text.strip() == "<|im_end|>"
    )


def test_a_marker_that_became_text() -> None:
    """openai/harmony#47: a prompt that is rendered as text and encoded without its special tokens."""
    end = TOKENIZER.special("<|im_start|>")
    assert end is not None
    logged = [
        n for i in ids() for n in (TOKENIZER.encode("<|im_start|>", frozenset({"<|im_start|>"})) if i == end else [i])
    ]
    assert only(diff(FORMAT, Logged(ids=logged), SPELLS, tokenizer=TOKENIZER)) == ("ids", "marker-as-text", "b")


def test_a_bpe_boundary() -> None:
    """radixark/miles#1319: text that was encoded in two pieces."""
    given = [{"role": "user", "content": "understanding"}]
    whole = FORMAT.render(given, tokenizer=TOKENIZER).ids
    middle = TOKENIZER.encode("understanding")
    at = next(i for i in range(len(whole)) if whole[i : i + len(middle)] == middle)
    pieces = TOKENIZER.encode("underst") + TOKENIZER.encode("anding")
    assert pieces != middle
    logged = Logged(ids=whole[:at] + pieces + whole[at + len(middle) :])
    assert only(diff(FORMAT, logged, given, tokenizer=TOKENIZER)) == ("ids", "bpe-boundary", "")


def test_two_tokenizers_of_one_model(tmp_path: Path) -> None:
    """huggingface/transformers#35973: the slow and the fast tokenizer of a model encode the same prompt otherwise. Here
    they have one vocabulary, and one of them does not split text into words first."""
    whole = tokenizers.Tokenizer.from_str(TOKENIZER.backend.to_str())  # type: ignore[attr-defined]
    whole.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    folders = tmp_path / "fast", tmp_path / "slow"
    for folder, backend in zip(folders, (TOKENIZER.backend, whole)):  # type: ignore[attr-defined]
        folder.mkdir()
        (folder / "chat_template.jinja").write_text("{{ messages[0].content }}", "utf-8")
        (folder / "tokenizer.json").write_text(backend.to_str(), "utf-8")
        (folder / "tokenizer_config.json").write_text("{}", "utf-8")
    found = diff(*folders, [{"role": "user", "content": "one two  three, and then four\n\n  more"}])
    assert found is not None and found.kind == "ids" and set(found.causes) == {"tokenizer"}
    assert found.a.assets["tokenizer"] != found.b.assets["tokenizer"] and found.a.text == found.b.text


# no wrong guess


UNKNOWN: dict[str, Callable[[str], str]] = {
    "another word": swap("brief", "short"),
    "another value": swap('"n": 2', '"n": 3'),
    "a word less": swap("is sunny, and warm", "is warm"),
    "a word less at the start": swap("It is sunny", "is sunny"),
    "another role": swap("<|im_start|>tool", "<|im_start|>user"),
    "a system text more": swap("Be brief.", "Be brief. Be kind, too."),
    "another tool": swap('"name": "look", "desc', '"name": "book", "desc'),
    "a number as a text": swap('"n": 2', '"n": "2"'),
    "a number of another form": swap('"n": 2', '"n": 2.0'),
    "another end": swap("<|im_end|>\n<|im_start|>user", "</s>\n<|im_start|>user"),
    "other reasoning": swap("The user asks.", "They ask."),
    "a message in another place": lambda t: t.replace("I look.", "").replace("Be brief.", "I look."),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_has_no_known_cause_is_unknown(name: str) -> None:
    found = diff(TEMPLATE, Logged(text=UNKNOWN[name](PROMPT)), MESSAGES, [TOOL], **OPTIONS)
    assert found is not None
    assert set(found.causes) == {"unknown"}, found.causes


def respelled(write: Callable[[Any], str]) -> Callable[[str], str]:
    """All JSON of a prompt, written in another way."""

    def change(text: str) -> str:
        out, at = "", 0
        for v in Values(text).all:
            if not v.python:
                out, at = out + text[at : v.start] + write(json.loads(v.text)), v.stop
        return out + text[at:]

    return change


QUESTION = "Is it warm there?"
PARTS = [{"type": "text", "text": QUESTION}]
INJECTED: dict[str, tuple[str, Callable[[str], str]]] = {
    "compact JSON": ("json-spacing", respelled(lambda v: json.dumps(v, ensure_ascii=False, separators=(",", ":")))),
    "indented JSON": ("json-spacing", respelled(lambda v: json.dumps(v, ensure_ascii=False, indent=2))),
    "sorted JSON": ("json-order", respelled(lambda v: json.dumps(v, ensure_ascii=False, sort_keys=True))),
    "escapes": ("json-escapes", lambda t: t.replace("ü", "\\u00fc")),
    "words of Python": ("python-repr", lambda t: t.replace("true", "True")),
    "a list, as Python": ("content-list-printed", lambda t: t.replace(QUESTION, str(PARTS))),
    "a list, as JSON": ("content-list-printed", lambda t: t.replace(QUESTION, json.dumps(PARTS))),
    "trimmed": ("whitespace", lambda t: t.replace("there? ", "there?")),
    "line ends": ("whitespace", lambda t: t.replace("\n\n", "\n")),
    "cut at the end": ("truncation", lambda t: t.partition("north")[0]),
    "cut at the start": ("truncation", lambda t: t[t.find("warm there") :]),
    "another word": ("unknown", lambda t: t.replace("sunny", "cloudy")),
    "more words": ("unknown", lambda t: t.replace("Is it warm", "Was it cold and warm")),
    "a text less": ("unknown", lambda t: t.replace("Be brief.", "")),
}


@pytest.mark.parametrize("name", INJECTED)
def test_injected_into_many_formats(name: str) -> None:
    """Of 30 formats: named, and nothing that is not so. (Writing all JSON anew may change its blanks too.)"""
    cause, change = INJECTED[name]
    also = {"json-spacing"} if cause == "json-order" else set[str]()
    counts: Counter[str] = Counter()
    for fmt in map(get_format, random.Random(3).sample(list_formats(), 30)):
        options = {"add_generation_prompt": True} | ({"now": "2026-01-15"} if "now" in fmt.options else {})
        try:
            text = fmt.render(MESSAGES, [TOOL], **options).text
        except TurnwireError:
            continue
        logged = change(text)
        if logged == text:
            continue
        found = diff(fmt, Logged(text=logged), MESSAGES, [TOOL], **options)
        assert found is not None
        counts["named" if cause in found.causes else "only " + ", ".join(found.causes)] += 1
        assert set(found.causes) <= {cause} | also, (fmt.name, found.causes)
    reports.append(f"'{name}' in formats: {dict(counts)}")
    assert counts["named"] >= 12 and counts["named"] >= 0.9 * sum(counts.values())


def test_several_at_once() -> None:
    text = PROMPT.removeprefix("<s>")
    for change in (swap(LINE, json.dumps(TOOL, separators=(",", ":"))), swap("15 January 2026", "26 July 2024")):
        text = change(text)
    found = diff(TEMPLATE, Logged(text=text), MESSAGES, [TOOL], **OPTIONS)
    assert found is not None and set(found.causes) == {"bos-missing", "json-spacing", "date"}


# two sides that were both rendered here: the source maps tell whose text it is


class Edited(NamedTuple):
    cause: str
    old: str
    new: str
    detail: str
    side: str = ""


EDITED = {
    "other words, ggml-org/llama.cpp#15110": Edited("template-text", "Today is", "today is", "Today / today"),
    "a default text more": Edited("template-text", "{{ bos_token }}", "{{ bos_token }}You are helpful.\n",
                                  "only this side says You are helpful.", "b"),
    "another end, unslothai/unsloth#3437": Edited(
        "other-marker", "<|im_end|>\n{% endfor %}", "<|return|>\n{% endfor %}", "<|im_end|> / <|return|>"),
    "calls beside content, ollama/ollama#10698": Edited(
        "content-dropped", "{% for c in m.tool_calls or [] %}", "{% for c in m.tool_calls or [] if not m.content %}",
        "only one side has messages[2].tool_calls", "b"),
    "text behind calls, vllm-project/vllm#42776": Edited(
        "content-moved", "{{ m.content }}{% for c in m.tool_calls or [] %}\n<tool_call>\n"
        '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}',
        "{% for c in m.tool_calls or [] %}\n<tool_call>\n"
        '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}'
        "{{ m.content }}", "messages[2].content: in another place on the other side",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITED)
def test_what_the_templates_themselves_write(name: str) -> None:
    e = EDITED[name]
    assert SOURCE.count(e.old) == 1
    other = ChatTemplate(SOURCE.replace(e.old, e.new), "<s>", "<|im_end|>")
    found = diff(TEMPLATE, other, MESSAGES, [TOOL], **OPTIONS)
    assert found is not None and set(found.causes) == {e.cause}, [str(r) for r in found.regions if found]
    cause = found.first.causes[0]
    assert cause.detail.startswith(e.detail) and cause.side == e.side
    back = diff(other, TEMPLATE, MESSAGES, [TOOL], **OPTIONS)
    assert back is not None and set(back.causes) == {e.cause}
    assert back.first.causes[0].side == {"a": "b", "b": "a", "": ""}[e.side]
    log = diff(TEMPLATE, Logged(text=other.render(MESSAGES, [TOOL], **OPTIONS).text), MESSAGES, [TOOL], **OPTIONS)
    assert log is not None and not {e.cause} & log.causes.keys(), "nobody can know whose text a log has"


@pytest.mark.parametrize(
    ("turns", "line"),
    [
        ("messages", "{{ m.name }} {{ m.content }}\n{{ loop.index }}: next\n"),
        ("messages | reverse", "{{ m.content }} {{ m.name }}\n"),
    ],
)
def test_many_fields_that_moved_are_looked_up_once(turns: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted: how often the path of a span is read, for a region of each message and for one region of all."""
    seen = 0

    def counting(path: Any, _spell: Any = regions.spell) -> str:
        nonlocal seen
        seen += 1
        return _spell(path)

    monkeypatch.setattr(regions, "spell", counting)
    base = ChatTemplate("{% for m in messages %}{{ m.content }} {{ m.name }}\n{{ loop.index }}: next\n{% endfor %}")
    other = ChatTemplate("{% for m in " + turns + " %}" + line + "{% endfor %}")
    said = [{"role": "user", "content": f"word {n} of {n * n}", "name": f"number {n * 7 % 13}"} for n in range(200)]
    found = diff(base, other, said)
    assert found is not None and "content-moved" in found.causes
    assert seen <= 20 * 2 * len(said)


def test_other_words_of_the_caller_are_no_template_text() -> None:
    """One field on both sides, with other characters: nothing is dropped or moved."""
    other = [{**m, "content": "Was it cold then? "} if m["role"] == "user" else m for m in MESSAGES]

    class Side:
        name = "other words"

        def prompt(self, messages: Any, tools: Any, tokenizer: Any, options: Any) -> Any:
            return side(TEMPLATE).prompt(other, tools, tokenizer, options)

    found = diff(TEMPLATE, Side(), MESSAGES, [TOOL], **OPTIONS)
    assert found is not None and set(found.causes) == {"unknown"}


def test_every_cause_has_a_test() -> None:
    own = {e.cause for e in EDITED.values()}
    tested = own | {r.cause for r in REPORTS} | {"special-token-forged", "marker-as-text", "bpe-boundary", "unknown"}
    assert set(NAMES) == tested | {"tokenizer"}
