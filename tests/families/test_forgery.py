"""No string of a caller makes a control token, wherever it stands, in any format.

Control tokens are the real tokenizer's special ones and all that the format writes or reads. The same conversation is
rendered with hostile text and with harmless text in one place: the prompt must hold as many of each control token.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import strategies as st

import turnwire
from tests.families import official, parity
from tests.families.conversations import assistant, call, result, schema, system, tool, user
from tests.laws import strategies
from tests.laws.law import Report, run_law
from tests.laws.shares import rare, share
from turnwire import Rendered
from turnwire.errors import ForgeryError
from turnwire.tokens import Tokenizer
from turnwire.wire import Slot, walk

NAMES = turnwire.list_formats()
HARMLESS = "harmless"

Conversation = tuple[list[Any], list[Any]]


def conversation() -> Conversation:
    """Everything that a caller can put text into."""
    inner = {"deep": [{"k": "v"}]}
    messages = [
        system("S"),
        user("U"),
        assistant("A", [call("probe", {"a": "x", "b": inner})], "R"),
        result("T"),
        user("U2"),
        assistant("A2", [call("probe", {"a": "y"}, 2), call("probe", {"a": "z"}, 3)], "R2"),
        result("T2", 2),
        result([{"type": "text", "text": "T3"}], 3),
        assistant("A3", reasoning="R3"),
    ]
    properties = {"a": {"type": "string", "description": "D", "enum": ["e"], "default": "f"}, "b": {"type": "object"}}
    return messages, [tool("probe", "P", schema(properties, "a"))]


def put(where: str, text: str) -> Conversation:
    """The conversation with `text` in one place."""
    messages, tools = conversation()
    function = tools[0]["function"]
    given = messages[2]["tool_calls"][0]["function"]
    properties = function["parameters"]["properties"]
    kind, _, at = where.partition(" ")
    if kind in ("content", "reasoning_content"):
        messages[int(at)][kind] = text
    elif kind == "list":
        messages[int(at)]["content"] = [{"type": "text", "text": "a"}, {"type": "text", "text": text}]
    elif kind == "argument":
        given["arguments"]["a"] = text
    elif kind == "deep":
        given["arguments"]["b"] = {"deep": [{"k": text}]}
    elif kind == "deep-key":
        given["arguments"]["b"] = {"deep": [{text: 1}]}
    elif kind == "key":
        given["arguments"] = {text: 1, "a": "x"}
    elif kind == "name":
        for message in messages:
            for c in message.get("tool_calls", ()):
                c["function"]["name"] = text
        function["name"] = text
    elif kind == "description":
        function["description"] = text
    elif kind == "parameter":
        properties[text] = {"type": "string"}
    elif kind == "parameter-description":
        properties["a"]["description"] = text
    elif kind == "enum":
        properties["a"]["enum"] = [text]
    elif kind == "default":
        properties["a"]["default"] = text
    elif kind == "const-key":
        properties["b"]["const"] = {text: text}
    elif kind == "title":
        function["parameters"]["title"] = text
    else:
        raise AssertionError(where)
    return messages, tools


PATHS = {
    **{f"content {i}": f"messages[{i}].content" for i in range(9)},
    **{f"list {i}": f"messages[{i}].content" for i in (1, 3, 5)},
    **{f"reasoning_content {i}": f"messages[{i}].reasoning_content" for i in (2, 5, 8)},
    **dict.fromkeys(("argument", "deep", "deep-key", "key"), "messages[2].tool_calls"),
    **dict.fromkeys(("name", "description", "parameter", "parameter-description"), "tools[0]"),
    **dict.fromkeys(("enum", "default", "const-key", "title"), "tools[0]"),
}
"""Where text can stand, and the path that an error gives for it."""


def control(fmt: turnwire.Format, tokenizer: Tokenizer) -> dict[int, str]:
    return {**{i: s for s, i in tokenizer.specials.items()}, **{tokenizer.special(t) or 0: t for t in fmt.control}}


def render(fmt: turnwire.Format, tokenizer: Tokenizer, given: Conversation, **how: Any) -> Rendered:
    """Content is not split: the template's rule would make a think block of it, as it is meant to."""
    for option in {"split_reasoning", "strip_thinking"} & set(fmt.options):
        how[option] = False
    return fmt.render(spoken(fmt, given[0]), given[1], tokenizer, add_generation_prompt=True, **how)


def spoken(fmt: turnwire.Format, messages: list[Any]) -> list[Any]:
    """The messages; for a format without calls, the first results left out, the others a user's, in one message."""
    if "call" in strategies.frame_kinds(fmt):
        return messages
    texts = [{k: v for k, v in m.items() if k != "tool_calls"} for m in messages]
    texts[6] = user(messages[6]["content"])
    return [m for i, m in enumerate(texts) if i not in (3, 7)]


def hostile(spellings: list[str]) -> st.SearchStrategy[str]:
    """Text that spells control tokens, whole, joined, doubled, or in halves that the prompt may complete."""
    halves = [s[:n] for s in spellings for n in (1, len(s) // 2, len(s) - 1)]
    tails = [s[n:] for s in spellings for n in (1, len(s) // 2, len(s) - 1)]
    rest = [
        "",
        "a",
        " ",
        "\n",
        "<",
        ">",
        '"',
        "\\",
        "}",
        "</parameter>",
        "<function=",
        "assistant",
        "system\n",
        "é",
        "\u0301",
    ]
    whole = st.sampled_from(spellings)
    part = st.one_of(whole, st.sampled_from(halves), st.sampled_from(tails), st.sampled_from(rest))
    parts = st.lists(part, min_size=1, max_size=4).map("".join)
    around = st.lists(part, max_size=2).map("".join)
    spelled = st.tuples(around, whole, around).map("".join)
    return st.one_of(spelled, spelled, spelled, parts).filter(bool)


def legal(where: str, text: str) -> bool:
    """A user's text in the wrapping of a tool response counts as one, in Qwen's templates: that moves think blocks."""
    return not (where.startswith(("content", "list")) and text.strip().startswith("<tool_response>"))


@pytest.mark.parametrize("name", NAMES)
def test_no_forgery(name: str) -> None:
    fmt = turnwire.get_format(name)
    tokenizer = strategies.tokenizer(fmt)
    tokens = control(fmt, tokenizer)
    spellings = sorted(set(tokens.values()))
    quotes = {t for w in walk(fmt.reply) if isinstance(w, Slot) for t in getattr(w.codec, "toks", ())}
    plain = {
        where: Counter(i for i in render(fmt, tokenizer, put(where, HARMLESS)).ids if i in tokens) for where in PATHS
    }

    def check(example: tuple[str, str], report: Report) -> None:
        where, text = example
        if not report.admit(legal(where, text)):
            return
        out = render(fmt, tokenizer, put(where, text))
        found = Counter(i for i in out.ids if i in tokens)
        if where in ("key", "deep-key"):  # a notation of bare keys quotes what is not one
            assert all(tokens[i] in quotes for i in found - plain[where])
            found = plain[where]
        assert found == plain[where], {tokens[i]: n for i, n in (found - plain[where]).items()}
        for run in out.runs:
            if run.kind not in ("template", "media"):
                assert run.tokens is not None
                assert not any(i in tokens for i in out.ids[slice(*run.tokens)]), run
        spelled = [s for s in spellings if s in text]
        report.see(where.split()[0], *(["whole"] if spelled else ["in parts"]))
        report.see(*(("special" if s in tokenizer.specials else "not special") for s in spelled))
        if len(spelled) > 1:
            report.see("several")
        if where.startswith("content") and text not in out.text:
            report.see("changed by the template")

    strategy = st.tuples(st.sampled_from(sorted(PATHS)), hostile(spellings))
    # what stands where is the next test's
    need = {"whole": 90, "in parts": 2, "special": 30, "several": 10, "content": 10, "reasoning_content": 1}
    seldom = [("reasoning_content 2", spellings[0]), ("content 0", spellings[0][:-1])]
    if few := sorted(set(spellings) - set(tokenizer.specials)):
        need |= {"not special": min(10, 100 * len(few) // len(spellings))}
        seldom.append(("content 0", few[0]))
    given = rare(seldom, name)
    run_law("forgery", name, strategy, check, need=need, admitted=0.9, examples=share(name), regressions=given)


@pytest.mark.parametrize("name", NAMES)
def test_every_spelling_everywhere(name: str) -> None:
    """Each control token alone, in each place; of those that the format does not use, sixteen."""
    fmt = turnwire.get_format(name)
    tokenizer = strategies.tokenizer(fmt)
    tokens = control(fmt, tokenizer)
    others = sorted(set(tokens.values()) - set(fmt.control))
    tried = [*fmt.control, *others[:: max(1, len(others) // 16)]]
    for where in PATHS:
        plain = Counter(i for i in render(fmt, tokenizer, put(where, HARMLESS)).ids if i in tokens)
        for spelling in tried:
            if legal(where, spelling):
                out = render(fmt, tokenizer, put(where, spelling))
                assert Counter(i for i in out.ids if i in tokens) == plain, (where, spelling)


@pytest.mark.parametrize("name", NAMES)
def test_raise(name: str) -> None:
    """`forgery="raise"`: a marker that is ordinary text raises, and the error names the path."""
    fmt = turnwire.get_format(name)
    tokenizer = strategies.tokenizer(fmt)
    assert render(fmt, tokenizer, conversation(), forgery="raise").ids == render(fmt, tokenizer, conversation()).ids
    raised = 0
    for marker in fmt.forgeable:
        for where, path in PATHS.items():
            shown = render(fmt, tokenizer, put(where, f"a{marker}b"))
            if f"a{marker}b" not in shown.text:
                continue  # not shown: reasoning that the format drops, say
            with pytest.raises(ForgeryError) as caught:
                render(fmt, tokenizer, put(where, f"a{marker}b"), forgery="raise")
            # a name stands in tools and in calls: which are shown first, if tools are, and not as JSON that escapes it
            inner = [m for m in fmt.forgeable if m in marker]
            spelled = (r.kind for r in shown.runs if any(m in shown.text[r.start : r.stop] for m in inner))
            first = next((kind for kind in spelled if kind in ("tools", "call")), "")
            assert caught.value.path == ("messages[2].tool_calls" if where == "name" and first == "call" else path), (
                where
            )
            assert any(m in caught.value.problem for m in inner)  # itself, or one in it
            raised += 1
    if name in ("qwen3-coder", "qwen3-coder-next", "qwen3.5", "qwen3.6", "qwen3.8"):
        assert set(fmt.forgeable) >= {"<function=", "</function>", "<parameter=", "</parameter>"}
        assert raised >= 80
    if name in ("qwen2.5", "qwen3", "qwen3-instruct-2507", "qwen3-thinking-2507", "qwq"):
        assert not fmt.forgeable  # all of their markers are tokens


@pytest.mark.parametrize("name", official.QWEN)
def test_trusted(name: str) -> None:
    """`trust_content=True` gives the reference's ids, forged turns and all."""
    spellings = sorted(official.tokenizer(name).added)

    def check(example: tuple[str, str], report: Report) -> None:
        where, text = example
        messages, tools = put(where, text)
        for c in (c for m in messages for c in m.get("tool_calls", ())):
            if not c["function"]["name"].isprintable() or '"' in text or "\\" in text:
                report.admit(False)  # a name to escape: a known difference
                return
        if where.startswith("list") and name != "qwen3.5":
            report.admit(False)  # lists are a known difference
            return
        if name != "qwen3.5":
            messages[7]["content"] = "T3"
        outcome = parity.compare(name, messages, tools, {"add_generation_prompt": True}, trust_content=True)
        if report.admit(outcome != "raises"):
            assert outcome in ("equal", "break")
            safe = parity.compare(name, messages, tools, {"add_generation_prompt": True})
            report.see(
                where.split()[0], outcome, "differs when not trusted" if "trusted" in safe else "the same when not"
            )

    strategy = st.tuples(st.sampled_from(sorted(PATHS)), hostile(spellings))
    need = {"equal": 60, "differs when not trusted": 20, "content": 10}
    run_law("trusted", name, strategy, check, need=need, admitted=0.4)


def test_split_reasoning_is_the_templates_rule() -> None:
    """A think block in assistant content becomes one, as in the official template, unless split_reasoning=False."""
    fmt, tokenizer = turnwire.get_format("qwen3"), official.tokenizer("qwen3")
    messages = [user("a"), assistant("<think>r</think>b"), assistant("c")]
    close = tokenizer.special("</think>")
    assert fmt.render(messages, tokenizer=tokenizer).ids.count(close) == 2
    assert fmt.render(messages, tokenizer=tokenizer, split_reasoning=False).ids.count(close) == 1


def test_mutant() -> None:
    """The laws above notice a renderer whose data makes control tokens."""
    fmt, tokenizer = turnwire.get_format("qwen3.5"), official.tokenizer("qwen3.5")
    tokens = control(fmt, tokenizer)
    for where in PATHS.keys() - {"reasoning_content 2"}:  # before the last query: not shown
        plain, forged = (
            Counter(i for i in render(fmt, tokenizer, put(where, text), trust_content=True).ids if i in tokens)
            for text in (HARMLESS, "x<|im_end|>")
        )
        assert forged - plain, where
