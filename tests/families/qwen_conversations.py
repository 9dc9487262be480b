"""Conversations that Qwen's templates treat specially, and a search strategy for more.

`CONVERSATIONS` are dicts like those in `conversations.py`, with `options`. No content spells a control token that
survives into the prompt. `examples(name)` draws such conversations for one format.
"""

from __future__ import annotations

import itertools
import json
import unicodedata
from typing import Any

from hypothesis import strategies as st

from tests.families import conversations, official
from tests.families.conversations import (
    BERGEN,
    CLOCK,
    FORECAST,
    OSLO,
    STOCK,
    TOOLS,
    Message,
    assistant,
    call,
    result,
    schema,
    system,
    tool,
    user,
)
from turnwire.templating.arrange import queried

CONVERSATIONS: list[dict[str, Any]] = []
PROMPT = {"add_generation_prompt": True}
CONTINUE = {"continue_final_message": True}
THINK = "<think>\nseven times thirteen\n</think>\n\n"
SKY = [FORECAST]


def add(name: str, *messages: Message, tools: Any = None, **options: Any) -> None:
    CONVERSATIONS.append({"name": name, "messages": list(messages), "tools": tools, "options": options})


# reasoning before and behind the last query
add("think-behind", user("91?"), assistant("No.", reasoning="7*13"))
add("think-before", user("91?"), assistant("No.", reasoning="7*13"), user("97?"), **PROMPT)
add("think-newlines", user("91?"), assistant("No.", reasoning="\n\n7*13\n\n"))
add("think-only-newlines", user("91?"), assistant("No.", reasoning="\n"), assistant("Sure."))
add("think-only-newlines-last", user("91?"), assistant("No.", reasoning="\n\n"))
add("think-only-blanks", user("91?"), assistant("No.", reasoning=" \t "), assistant("Sure."))
add("think-blanks", user("91?"), assistant("No.", reasoning="  \t7*13 \n "))
add("think-blank-line-first", user("91?"), assistant("No.", reasoning=" \n 7*13"))
add("think-unicode-blanks", user("91?"), assistant("No.", reasoning="\u2028\u00a07*13\u3000"))
add("think-empty-middle", user("91?"), assistant("Let me see.", reasoning=""), assistant("No."))
add("think-no-content", user("91?"), assistant("", reasoning="7*13"))
add("think-none-content", user("91?"), assistant(None, reasoning="7*13"))
add("think-two-turns", user("91?"), assistant("Hm.", reasoning="a"), assistant("No.", reasoning="b"), **PROMPT)
add("think-some-turns", user("91?"), assistant("Hm."), assistant("No.", reasoning="b"), assistant("So."), **PROMPT)
add("think-other-key", user("91?"), {"role": "assistant", "content": "No.", "reasoning": "7*13"})
add(
    "think-two-keys",
    user("91?"),
    {"role": "assistant", "content": "No.", "reasoning": "7*13", "reasoning_content": "13*7"},
)
add("think-third-key", user("91?"), {"role": "assistant", "content": "No.", "thinking": "7*13"})
add(
    "think-three-keys",
    user("91?"),
    {"role": "assistant", "content": "No.", "reasoning": "a", "thinking": "b", "reasoning_content": None},
)
add("think-null-key", user("91?"), {"role": "assistant", "content": "No.", "reasoning_content": None})
add("think-other-key-empty", user("91?"), {"role": "assistant", "content": "No.", "reasoning": ""}, user("?"))
add("content-newlines-behind-think", user("91?"), assistant("\n\nNo.\n\n", reasoning="7*13"))
add("content-only-newlines-think", user("91?"), assistant("\n", reasoning="7*13"))
add("content-only-newlines-call", user("91?"), assistant("\n", [BERGEN], reasoning="7*13"), tools=SKY)
add("content-only-newlines-call-old", user("91?"), assistant("\n", [BERGEN]), result("r"), user("?"), tools=SKY)
add("content-only-blanks-call", user("91?"), assistant("  ", [BERGEN]), result("r"), user("?"), tools=SKY)
add("content-blanks-call", user("91?"), assistant("  I look.  ", [BERGEN]), result("r"), user("?"), tools=SKY)

# content that holds a think block
add("block", user("91?"), assistant(THINK + "No."))
add("block-old", user("91?"), assistant(THINK + "No."), user("97?"), **PROMPT)
add("block-empty", user("91?"), assistant("<think>\n\n</think>\n\nNo."))
add("block-empty-middle", user("91?"), assistant("<think>\n\n</think>\n\nNo."), assistant("No!"))
add("block-tight", user("91?"), assistant("<think>7*13</think>No."))
add("block-only", user("91?"), assistant(THINK))
add("block-only-blanks", user("91?"), assistant(THINK + "  \n"))
add("block-blank-first", user("91?"), assistant("<think>7*13</think>\n  No."))
add("block-no-opener", user("91?"), assistant("7*13\n</think>\n\nNo."))
add("block-text-before", user("91?"), assistant("Well <think>7*13</think> No."))
add("block-two-closers", user("91?"), assistant("<think>a</think>b</think>\n\nNo."))
add("block-two-openers", user("91?"), assistant("<think>a<think>b</think>\n\nNo."))
add("block-two", user("91?"), assistant("<think>a</think>b<think>c</think>d"))
add("block-call", user("91?"), assistant(THINK + "I look.", [BERGEN]), result("r"), tools=SKY)
add("block-call-no-text", user("91?"), assistant(THINK, [BERGEN]), result("r"), tools=SKY)
add("block-blanks-around", user("91?"), assistant("\n " + THINK + "No. \n"))

# wrapped tool responses
WRAPPED = "<tool_response>\nrain\n</tool_response>"
add("wrapped-plain", user("Rain?"), assistant("I look.", reasoning="r"), user("tool_response"), assistant("Yes."))
add("tools-later", user("Rain?"), assistant("Look.", [BERGEN], "r"), result("x"), user("So?"), tools=SKY, **PROMPT)

# calls
ARGUMENTS: Message = {
    "text": "a \"b\" 'c' \\ /\n\té",
    "html": "<b>&amp;</b>",
    "zero": 0,
    "negative": -1.5,
    "tiny": 1e-07,
    "huge": 1e22,
    "long": 10**30,
    "yes": True,
    "no": False,
    "nothing": None,
    "list": [1, "two", [], {}, None, True],
    "object": {"k": {"ё": ["漢"]}},
    "": "empty key",
    "odd key é": "",
}
add("arguments", user("Go"), assistant("", [call("probe", ARGUMENTS)]), result("ok"), tools=[STOCK], **PROMPT)
add("arguments-string", user("Go"), assistant("", [call("probe", json.dumps(ARGUMENTS))]), result("ok"))
add("arguments-empty", user("Go"), assistant("Now", [call("now", {}), call("now", {}, 2)]), result("1"), result("2", 2))
add("arguments-tuple", user("Go"), assistant("", [call("probe", {"pair": (1, (2, "x"))})]), result("ok"))
add("arguments-newlines", user("Go"), assistant("", [call("probe", {"a": "\n", "b": "x\n\n", "c": "\n\ny"})]))
add("arguments-xml", user("Go"), assistant("", [call("probe", {"a": "</parameter>\n<parameter=b>\n"})]))
add(
    "call-flat",
    user("Go"),
    {"role": "assistant", "content": "", "tool_calls": [{"name": "probe", "arguments": {"a": 1}}]},
    result("ok"),
)
add("call-flat-name", user("Go"), assistant("x", [call("mcp__srv-1.get/thing é", {"a": 1})]), result("ok"))
add("calls-none", user("Go"), {"role": "assistant", "content": "x", "tool_calls": None}, user("?"))
add("calls-empty-list", user("Go"), {"role": "assistant", "content": "x", "tool_calls": []}, user("?"))
add("calls-three", user("Go"), assistant("x", [BERGEN, OSLO, call("now", {}, 3)], "r"), **PROMPT)
add(
    "calls-two-rounds",
    user("Go"),
    assistant("x", [BERGEN, OSLO], "r"),
    result("1"),
    result("2", 2),
    assistant("y", [call("now", {}, 3)]),
    result("3", 3),
    assistant("z"),
    tools=TOOLS,
)
add("result-blanks", user("Go"), assistant("", [BERGEN]), result("  \n rain \n "), user("?"), tools=SKY)
add("result-none", user("Go"), assistant("", [BERGEN]), result(None), tools=SKY, **PROMPT)
add("results-end", user("Go"), assistant("", [BERGEN, OSLO]), result("1"), result("2", 2), tools=SKY, **PROMPT)
add("result-then-user", user("Go"), assistant("", [BERGEN]), result("1"), user("Stop"), assistant("ok"), tools=SKY)

# roles and places
add("system-middle", user("Hi"), system("Be brief."), assistant("Yo"), user("?"), **PROMPT)
add("system-twice", system("a"), system("b"), user("Hi"), **PROMPT)
add("system-last", user("Hi"), system("Be brief."), **PROMPT)
add("system-only", system("Be brief."), **PROMPT)
add("system-blanks", system("  Be brief.\n\n"), user("Hi"), tools=SKY)
add("system-only-blanks", system(" \n "), user("Hi"), tools=SKY)
add("system-empty-tools", system(""), user("Hi"), tools=SKY)
add("no-user", system("s"), assistant("Hello", reasoning="r"))
add("no-user-calls", assistant("Hello", [BERGEN], "r"), result("1"), assistant("x", reasoning="y"), tools=SKY)
add("assistant-only", assistant("Hello"))
add("tools-empty", system("s"), user("Hi"), tools=[], **PROMPT)
add("tools-empty-no-system", user("Hi"), tools=[])

# text
add(
    "unicode",
    user("e\u0301 \u0958 ﬁ 한글 👩🏽‍🚀"),
    assistant("e\u0301", reasoning="\u212b 🙂"),
    user("\u0301x"),
    **PROMPT,
)
add("combining-first", user("a"), assistant("\u0301 accent first"), user("\u0308"), **PROMPT)
add("assistant-newline-first", user("a"), assistant("\nb"), user("c"))
add("assistant-blank-line-first", user("a"), assistant(" \n\nb"), user("c"))
add("assistant-blank-line-first-last", user("a"), assistant(" \n\nb"))
add("assistant-empty", user("a"), assistant(""), user("c"), **PROMPT)
add("assistant-empty-last", user("a"), assistant(""))
add("assistant-none", user("a"), assistant(None), user("c"))
add("assistant-ends-blank", user("a"), assistant("b \n"), user("c"))
add("user-ends-blank", user("a \n\n "), **PROMPT)
add("other-markers", user("<b> <|x|> [INST] <function=f> </s> <tools>"), assistant("<tool_use> <|a|>"), user("?"))
add("fill-in-the-middle", user("<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>"), **PROMPT)

# options
for thinking in (True, False):
    add(f"thinking-{thinking}", user("91?"), enable_thinking=thinking, **PROMPT)
    add(f"thinking-{thinking}-history", user("a"), assistant("b", reasoning="r"), enable_thinking=thinking)
    add(
        f"thinking-{thinking}-tools",
        user("a"),
        assistant("b", [BERGEN]),
        result("r"),
        tools=SKY,
        enable_thinking=thinking,
        **PROMPT,
    )
add("continue", user("a"), assistant("Once upon"), **CONTINUE)
add("continue-blank-end", user("a"), assistant("Once upon "), **CONTINUE)
add("continue-newline-end", user("a"), assistant("Once:\n"), **CONTINUE)
add("continue-newline-first", user("a"), assistant("\nOnce"), **CONTINUE)
add("continue-think", user("a"), assistant("Once", reasoning="a tale"), **CONTINUE)
add("continue-block", user("a"), assistant(THINK + "Once"), **CONTINUE)
add("continue-tools", system("s"), user("a"), assistant("Once"), tools=SKY, **CONTINUE)
add("continue-no-user", assistant("Once"), **CONTINUE)
add("continue-list", user("a"), assistant([{"type": "text", "text": "Once"}]), **CONTINUE)

# pictures and videos
IMAGE, VIDEO = {"type": "image"}, {"type": "video"}
TEXT = {"type": "text", "text": "What is it?"}
URL = {"type": "image_url", "image_url": {"url": "data:,"}}
for numbered in (True, False):
    tail = f"-{numbered}"
    add("image" + tail, user([IMAGE, TEXT]), add_vision_id=numbered, **PROMPT)
    add("video" + tail, user([TEXT, {"type": "video", "video": "v.mp4"}]), add_vision_id=numbered, **PROMPT)
    add("image-only" + tail, user([URL]), add_vision_id=numbered)
    add(
        "image-many" + tail,
        user([URL, IMAGE, {"type": "image", "image": b"png"}, VIDEO, TEXT, VIDEO]),
        assistant("A cat.", reasoning="r"),
        user([TEXT, IMAGE]),
        add_vision_id=numbered,
        **PROMPT,
    )
    add(
        "image-result" + tail,
        user([IMAGE, TEXT]),
        assistant("", [BERGEN]),
        result([TEXT, IMAGE, {"type": "text", "text": "  end "}]),
        tools=SKY,
        add_vision_id=numbered,
    )
    add(
        "image-blanks" + tail,
        user([{"type": "text", "text": " \n"}, IMAGE, {"type": "text", "text": "a "}, {"type": "text", "text": " \n"}]),
        add_vision_id=numbered,
    )
add("image-then-wrapped", user([IMAGE, {"type": "text", "text": "x"}]), assistant("a", reasoning="r"), user([VIDEO]))
add("image-system", system([IMAGE]), user("a"))

# tools
add("tools-strict", user("a"), tools=[{"type": "function", "function": {**FORECAST["function"], "strict": True}}])
add("tools-return", user("a"), tools=[{"type": "function", "function": {"name": "f", "return": {"type": "string"}}}])
add("tools-outer-keys", user("a"), tools=[{**CLOCK, "cache_control": {"type": "ephemeral"}, "n": 1.0}])
add("tools-description-null", user("a"), tools=[{"type": "function", "function": {"name": "f", "description": None}}])
add("tools-blanks", user("a"), tools=[tool("f", " d \n", schema({"p": {"type": "string", "description": "\t x "}}))])
add(
    "tools-odd-values",
    user("a"),
    tools=[
        tool(
            "f",
            "d",
            {
                **schema(
                    {"p": {"default": None, "const": 1.0, "minimum": 1e22, "x-flag": True, "name": "n"}, "q": True}
                ),
                "x-extra": [1, None, {"k": "é"}],
                "x-string": " s ",
                "additionalProperties": False,
            },
        )
    ],
)


# The search. Text is put together from what merges, splits, trims and normalises.

PIECES = (
    *("a", "Hello", " world", ".", "No: ", "42", "assistant", "user\n", "think", "function", "<tool", "[1, 2]", "null"),
    *(" ", "  ", "\t", "\n", "\n\n", " \n", "\r\n", "\u00a0", "\u2028", "\u3000", "\u200b", "\x00"),
    *("é", "e\u0301", "\u0301", "\u0958", "漢字", "🙂", "👩\u200d💻"),
    *("\\", '"', "'", "{", "}", "<", ">", "</", "<|", "|>", "&amp;", "<b>", "```", "<function=f>"),
)
BLOCKS = ("<think>\n", "<think>", "</think>", "\n</think>\n\n", "</think>\n")
SPELLED = (
    *("<think>", "</think>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"),
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>"),
)
NAMES = ("get_forecast", "now", "a.b", "mcp__x-y", "été", "f")
KEYS = ("town", "n", "a b", "été", "0", "x.y", "long_name")


def clean(text: str) -> bool:
    return not any(s in text for s in SPELLED)


# Strategies are made once, not with each draw: making them takes longer than drawing.
some = tuple(st.lists(st.sampled_from(PIECES), min_size=n, max_size=n) for n in range(8))
texts = st.integers(0, 7).flatmap(some.__getitem__).map("".join)
text = st.one_of(texts, texts, st.text(st.characters(exclude_categories=["Cs"]), max_size=6)).filter(clean)
scalars = st.one_of(
    text, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none(), st.just("")
)
values = st.recursive(
    scalars,
    lambda v: st.one_of(st.lists(v, max_size=3), st.dictionaries(st.sampled_from(KEYS), v, max_size=3)),
    max_leaves=6,
)
arguments = st.dictionaries(st.sampled_from(KEYS), values, max_size=3)
properties = st.dictionaries(
    st.sampled_from(KEYS),
    st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", "integer", ["string", "null"]]),
            "description": text,
            "enum": st.lists(text, min_size=1, max_size=3, unique=True),
            "default": values,
            "minimum": st.integers(),
        },
    ),
    max_size=3,
)
_tools = st.lists(
    st.builds(
        lambda name, description, props, more: {
            "type": "function",
            "function": {
                "name": name,
                **({"description": description} if description is not None else {}),
                **({"parameters": {"type": "object", "properties": props}} if props is not None else {}),
                **more,
            },
        },
        st.sampled_from(NAMES),
        st.one_of(st.none(), text),
        st.one_of(st.none(), properties),
        st.sampled_from([{}, {}, {"strict": True}, {"x-list": [1, "é"]}]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda t: t["function"]["name"],
)
tools_given = st.sampled_from("nelll").flatmap({"n": st.none(), "e": st.just([]), "l": _tools}.__getitem__)
yes = st.booleans()
below = tuple(st.integers(0, n - 1) for n in range(1, 11))  # of n numbers: below[n - 1]
one_to_four = st.integers(1, 4)
between_blocks = st.sampled_from(["", "", "x</think>", "<think>y</think>"])
openers, closers = st.sampled_from((*BLOCKS[:2], "")), st.sampled_from(BLOCKS[2:])
reasoning_keys = st.sampled_from(["reasoning_content", "reasoning_content", "reasoning"])
reasonings = st.one_of(text, st.sampled_from(["", "\n", " "]))
call_counts = st.sampled_from([0, 0, 1, 1, 2, 3])
names = st.sampled_from(NAMES)
pictures_and_text = st.lists(st.sampled_from([IMAGE, URL, VIDEO, TEXT]))


@st.composite
def said(draw: Any, name: str) -> Any:
    """The content of an assistant turn."""
    how = draw(below[7])
    if how == 0:
        return None
    if how == 1 and name not in ("qwen3-instruct-2507", "qwen3-coder"):
        head, middle, tail = draw(text), draw(text), draw(text)
        between = draw(between_blocks)
        blocks = (draw(openers), draw(closers))
        return head + blocks[0] + middle + blocks[1] + between + tail
    return draw(text)


@st.composite
def examples(draw: Any, name: str) -> tuple[list[Message], Any, Message]:
    """Messages, tools and options for one format."""

    def rare() -> bool:
        return draw(below[9]) == 0

    content_said = said(name)
    media = {kind for kind, _ in official.format_of(name).layout.media}
    pictured = official.reference(name).lists and {"image", "video"} <= media
    asks = queried in official.format_of(name).layout.arrange  # refuses what has no query, or a second system turn
    messages: list[Message] = []
    if draw(yes):
        messages.append(system(draw(text)))
    pictures = 0
    number = 0
    for at in range(draw(one_to_four)):
        if at or not rare() or (asks and not rare()):
            content: Any = draw(text)
            how = draw(below[9])
            if how < 2:
                content = WRAPPED[:15] + content + WRAPPED[-16:] if how else "tool_response" + content
            if pictured and draw(below[3]) == 0:
                content = [
                    {"type": "text", "text": content},
                    *draw(pictures_and_text),
                ]
                content = draw(st.permutations(content))
                pictures += 1
            messages.append(user(content))
        if rare() and (not asks or rare()):
            messages.append(system(draw(text)))
        for _ in range(draw(below[2])):
            reply: Message = {"role": "assistant", "content": draw(content_said)}
            if draw(yes):
                reply[draw(reasoning_keys)] = draw(reasonings)
            made: list[Message] = []
            for _ in range(draw(call_counts)):
                number += 1
                given = draw(arguments)
                made.append(call(draw(names), json.dumps(given) if draw(yes) else given, number))
            if made:
                reply["tool_calls"] = made
            if reply["content"] is None and not made and name == "qwen3-coder":
                reply["content"] = ""  # it raises there
            messages.append(reply)
            if made and not rare():
                first = number - len(made) + 1
                for n in draw(st.permutations(range(first, number + 1))):
                    messages.append(result(draw(text), n))
    if not messages:
        messages.append(user(draw(text)))
    options: Message = {}
    known = official.format_of(name).options
    last = messages[-1]
    said_last = last["content"] if last["role"] == "assistant" and not last.get("tool_calls") else None
    if said_last and said_last.strip() and clean(said_last) and draw(yes):
        options["continue_final_message"] = True
    if not options and draw(yes):
        options["add_generation_prompt"] = True
    if "enable_thinking" in known and draw(below[2]):
        options["enable_thinking"] = draw(yes)
    if pictures and "add_vision_id" in known and draw(yes):
        options["add_vision_id"] = draw(yes)
    return messages, draw(tools_given), options


def _texts(made: Message) -> list[str]:
    """The arguments of a call that are text."""
    given = made["function"]["arguments"]
    return [v for v in (json.loads(given) if isinstance(given, str) else given).values() if isinstance(v, str)]


def features(messages: list[Message], tools: Any, options: Message) -> list[str]:
    """What a conversation has of the hard things."""
    out = [o for o in options if options[o] is not False]
    if tools:
        out.append("tools")
    elif tools == []:
        out.append("empty tools")
    if any("properties" not in t["function"].get("parameters", {}) for t in tools or ()):
        out.append("no properties")
    if any(m["role"] == "assistant" and not m.get("tool_calls") and not (m["content"] or "").strip() for m in messages):
        out.append("nothing said")
    roles = [m["role"] for m in messages]
    if any(a == b == "assistant" and m["content"] is None for a, b, m in zip(roles, roles[1:], messages[1:])):
        out.append("no content behind assistant")
    if roles[0] == "system":
        out.append("system")
    if "system" in roles[1:]:
        out.append("system in the middle")
    if "user" not in roles:
        out.append("no user")
    behind = roles[1:] if roles[0] == "system" else roles
    if tools is not None and behind[:1] != ["user"]:
        out.append("tools, no user first")
    if any(a == b == "tool" for a, b in itertools.pairwise(roles)):
        out.append("several results")
    said = ["nothing", *(r for r in roles if r != "system")]
    if options.get("add_generation_prompt") and said[-1] not in ("user", "tool"):
        out.append("prompt behind " + said[-1])
    if options.get("add_generation_prompt") and roles[-1] == "system":
        out.append("prompt behind system")
    for before, role in itertools.pairwise(["nothing", *roles]):
        if role == "assistant" and before not in ("user", "tool"):
            out.append("assistant behind " + before)
    if any((a, b) == ("tool", "user") for a, b in itertools.pairwise(said)):
        out.append("result, then user")
    if sum(bool(m.get("tool_calls")) for m in messages) > 1:
        out.append("several turns with calls")
    if roles[-1] == "assistant":
        out.append("ends in assistant")
    last = max((i for i, r in enumerate(roles) if r == "user"), default=-1)
    for at, m in enumerate(messages):
        content = m["content"]
        if content is None:
            out.append("no content")
        if m["role"] == "assistant" and content and m.get("tool_calls"):
            out.append("text before a call")
        if isinstance(content, list):
            out.append("media")
            content = "".join(part.get("text", "") for part in content)
        if m.get("reasoning_content", m.get("reasoning")) is not None:
            out.append("reasoning behind the query" if at > last else "reasoning before the query")
        if m["role"] == "assistant" and not content and not m.get("tool_calls"):
            out.append("empty reply")
        if m.get("tool_calls"):
            if content:
                out.append("text before calls")
            out.append("parallel calls" if len(m["tool_calls"]) > 1 else "call")
            if any(isinstance(c["function"]["arguments"], str) for c in m["tool_calls"]):
                out.append("string arguments")
            if any("'" in v or "\\" in v for c in m["tool_calls"] for v in _texts(c)):
                out.append("quotes in arguments")
        if isinstance(content, str):
            if "</think>" in content:
                out.append("block in content")
            if content.strip() != content:
                out.append("blank ends")
            if not content.isascii():
                out.append("unicode")
            if unicodedata.normalize("NFC", content) != content:
                out.append("decomposed")
            if "<tool_response>" in content:
                out.append("wrapped")
    return out


ALL = [{**c, "options": {}} for c in conversations.CONVERSATIONS] + CONVERSATIONS
