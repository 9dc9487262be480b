"""Well-formed OpenAI-style conversations that every parity test renders: plain data, no family in mind.

`CONVERSATIONS`: dicts with `name`, `messages`, `tools` (None or a list) and `tags`, which name what a template may
treat specially: "list-content", "none-content", "no-user", "ends-assistant", "reasoning", "calls", "dict-arguments",
"schema", "no-description", "empty-result". A system message only comes first. No content spells a control token.
"""

from __future__ import annotations

import json
from typing import Any

Message = dict[str, Any]

CONVERSATIONS: list[dict[str, Any]] = []


def system(text: Any) -> Message:
    return {"role": "system", "content": text}


def user(text: Any) -> Message:
    return {"role": "user", "content": text}


def assistant(content: Any = "", calls: list[Message] | None = None, reasoning: str | None = None) -> Message:
    out: Message = {"role": "assistant", "content": content}
    if reasoning is not None:
        out["reasoning_content"] = reasoning
    if calls:
        out["tool_calls"] = calls
    return out


def call(name: str, arguments: Any, number: int = 1) -> Message:
    """`arguments` as a JSON string stay as they are; an object stays an object."""
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def result(content: Any, number: int = 1, **more: Any) -> Message:
    return {"role": "tool", "tool_call_id": f"call_{number}", "content": content, **more}


def tool(name: str, description: str | None = None, parameters: Any = None) -> Message:
    function: Message = {"name": name}
    if description is not None:
        function["description"] = description
    if parameters is not None:
        function["parameters"] = parameters
    return {"type": "function", "function": function}


def schema(properties: Message, *required: str, **more: Any) -> Message:
    return {"type": "object", "properties": properties, "required": list(required), **more}


def add(name: str, *messages: Message, tools: list[Message] | None = None, tags: tuple[str, ...] = ()) -> None:
    found = set(tags)
    for m in messages:
        if isinstance(m["content"], list):
            found.add("list-content")
        if m["content"] is None:
            found.add("none-content")
        if m["role"] == "tool" and not m["content"]:
            found.add("empty-result")
        if "reasoning_content" in m:
            found.add("reasoning")
        if "tool_calls" in m:
            found.add("calls")
            if any(not isinstance(c["function"]["arguments"], str) for c in m["tool_calls"]):
                found.add("dict-arguments")
    if messages[-1]["role"] == "assistant":
        found.add("ends-assistant")
    if all(m["role"] != "user" for m in messages):
        found.add("no-user")
    if any("description" not in t["function"] for t in tools or ()):
        found.add("no-description")
    CONVERSATIONS.append({"name": name, "messages": list(messages), "tools": tools, "tags": tuple(sorted(found))})


STRING, INTEGER, NUMBER, BOOLEAN = ({"type": t} for t in ("string", "integer", "number", "boolean"))
FORECAST = tool(
    "get_forecast",
    "Forecast for a town.",
    schema(
        {
            "town": {"type": "string", "description": "Town name, e.g. Bergen"},
            "days": {"type": "integer", "description": "How many days ahead", "default": 3},
            "units": {"type": "string", "enum": ["metric", "imperial"]},
        },
        "town",
    ),
)
CLOCK = tool("get_time", "The time of day, UTC.")
STOCK = tool(
    "update_stock",
    "Change the stock record of one article.",
    schema(
        {
            "sku": STRING,
            "delta": INTEGER,
            "attributes": {
                "type": "object",
                "description": "Free-form attributes",
                "properties": {"colour": STRING, "weight_kg": NUMBER},
            },
            "labels": {"type": "array", "items": STRING},
        },
        "sku",
        "delta",
    ),
)
RUN = tool("run_code", "Run a program.", schema({"source": STRING, "language": STRING}, "source"))
TOOLS = [FORECAST, CLOCK, STOCK, RUN]
BERGEN = call("get_forecast", '{"town": "Bergen"}')
OSLO = call("get_forecast", '{"town": "Oslo", "days": 2}', 2)

# plain
add("one-user", user("Which is longer, a nautical mile or a statute mile?"))
add(
    "system-user",
    system("You are a patient librarian. Answer in at most two sentences."),
    user("How do I renew a book?"),
)
add("system-multiline", system("Rules:\n\n- be brief\n- be kind\n"), user("Hello"))
add("system-empty", system(""), user("Hello"))
add("user-empty", user(""))
add("user-blank", user("   "))
add("user-newlines", user("\n\nfirst\n\n\nlast\n\n"))
add("user-spaces", user("  Keep the spaces around this line.  \n\n\tand this tab too\n"))
add("user-crlf", user("line one\r\nline two\r\n"))
add("two-users", user("First thought."), user("Second thought."))
add("three-users-system", system("Listen."), user("a"), user("b"), user("c"))
add("user-code", user("```python\ndef f(x):\n    return {'a': [x, x ** 2]}\n```\nWhat does it do?"))
add("user-markup", user('<b>bold</b> & <i>it</i> <div class="x">&amp;</div> </end>'))
add("user-long", user("The quick brown fox jumps over the lazy dog. " * 40))
add("user-digits", user("1234567890 0.1 1e9 12,345.67 2026-01-15T10:00:00Z"))
add("user-unicode", user("Zażółć gęślą jaźń — 你好,世界 — こんにちは — مرحبا — שלום — नमस्ते"))
add("user-emoji", user("👩‍👩‍👧‍👦 🇳🇴 👍🏽 ☃️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿"))
add("user-rare-characters", user("a\u200bb\u00a0c\u2028d\ufeffe\u0000f\x7f"))
add("user-json", user('{"role": "user", "content": "hi", "n": [1, 2.5, null, true]}'))
add("user-contractions", user("I'll can't WON'T y'all'd've it's the '90s"))
add("user-list", user([{"type": "text", "text": "One part only."}]))
add("user-list-two", user([{"type": "text", "text": "First part.\n"}, {"type": "text", "text": "Second part."}]))
add("system-list", system([{"type": "text", "text": "Be exact."}]), user([{"type": "text", "text": "Pi?"}]))
add("user-list-empty", user([]), user("Hello?"))

# turns
add("multi-turn", user("Hi"), assistant("Hello! How can I help?"), user("Tell me a joke."))
add("multi-turn-system", system("Be funny."), user("Hi"), assistant("Hello!"), user("A joke, please."))
add(
    "multi-turn-long",
    *(m for i in range(6) for m in (user(f"Question {i}?"), assistant(f"Answer {i}."))),
    user("Last?"),
)
add("ends-in-assistant", user("2 + 2?"), assistant("4"))
add("ends-in-assistant-system", system("Count."), user("2 + 2?"), assistant("4"), user("3 + 3?"), assistant("6"))
add("assistant-first", assistant("Welcome!"), user("Thanks."))
add("assistant-twice", user("Go on"), assistant("One."), assistant("Two."), user("Three?"))
add("assistant-spaces", user("Indent it"), assistant("    indented\n\ttabbed  \n"), user("Thanks"))
add("assistant-newline-first", user("Hi"), assistant("\nHello"), user("Again"))
add(
    "assistant-list",
    user("Hi"),
    assistant([{"type": "text", "text": "Hello"}, {"type": "text", "text": " there"}]),
    user("?"),
)
add("assistant-unicode", user("Oslo?"), assistant("Blåbærsyltetøy 🫐 — ½ kg"), user("Takk"))
add("assistant-code", user("A loop"), assistant('```c\nfor (int i = 0; i < n; i++) { a[i] = "\\n"; }\n```'), user("ok"))

# reasoning
add("reasoning-last", user("Is 91 prime?"), assistant("No: 7 × 13.", reasoning="7*13 = 91."))
add("reasoning-old", user("Is 91 prime?"), assistant("No.", reasoning="7*13 = 91."), user("And 97?"))
add(
    "reasoning-every-turn",
    system("Think first."),
    user("Is 91 prime?"),
    assistant("No.", reasoning="7*13 = 91."),
    user("97?"),
    assistant("Yes.", reasoning="Not divisible by 2, 3, 5, 7."),
    user("List them."),
)
add(
    "reasoning-some-turns",
    user("a"),
    assistant("A"),
    user("b"),
    assistant("B", reasoning="b is next"),
    user("c"),
    assistant("C"),
    user("d"),
)
add(
    "reasoning-multiline",
    user("Plan"),
    assistant("Done.", reasoning="Step 1.\n\nStep 2:\n  - a\n  - b\n"),
    user("More"),
)
add("reasoning-empty", user("Hi"), assistant("Hello", reasoning=""), user("Bye"))
add("reasoning-empty-last", user("Hi"), assistant("Hello", reasoning=""))
add("reasoning-spaces", user("Hi"), assistant("Hello", reasoning="  padded  "))
add("reasoning-unicode", user("Hi"), assistant("Hei", reasoning="思考中… 🤔"))
add(
    "reasoning-every-turn-last",
    user("a"),
    assistant("A", reasoning="first"),
    user("b"),
    assistant("B", reasoning="second"),
)

# calls
add("tools-no-call", system("Help."), user("Rain?"), tools=TOOLS)
add("tools-no-system", user("Rain?"), tools=[FORECAST])
add("call-last", user("Rain in Bergen?"), assistant("", [BERGEN]), tools=[FORECAST])
add("call-none-content", user("Rain in Bergen?"), assistant(None, [BERGEN]), result("rain"), tools=[FORECAST])
add("call-result", user("Rain in Bergen?"), assistant("", [BERGEN]), result('{"rain_mm": 12}'), tools=[FORECAST])
add("call-result-text", user("Rain?"), assistant("", [BERGEN]), result("Rain,\n12 mm\n"), tools=[FORECAST])
add("call-result-name", user("Rain?"), assistant("", [BERGEN]), result("rain", name="get_forecast"), tools=[FORECAST])
add("call-result-empty", user("Rain?"), assistant("", [BERGEN]), result(""), tools=[FORECAST])
add(
    "call-result-list",
    user("Rain?"),
    assistant("", [BERGEN]),
    result([{"type": "text", "text": "rain"}]),
    tools=[FORECAST],
)
add("call-content", user("Rain?"), assistant("Let me look.", [BERGEN]), result("rain"), tools=[FORECAST])
add("call-content-newline", user("Rain?"), assistant("Let me look.\n", [BERGEN]), result("rain"), tools=[FORECAST])
add("call-reasoning", user("Rain?"), assistant("", [BERGEN], "Use the tool."), result("rain"), tools=[FORECAST])
add(
    "call-reasoning-content",
    user("Rain?"),
    assistant("Looking.", [BERGEN], "Use it."),
    result("rain"),
    tools=[FORECAST],
)
add("call-reasoning-last", user("Rain?"), assistant("", [BERGEN], "Use the tool."), tools=[FORECAST])
add(
    "call-answer",
    user("Rain?"),
    assistant("", [BERGEN]),
    result("rain"),
    assistant("Yes."),
    user("Oh"),
    tools=[FORECAST],
)
add("call-answer-last", user("Rain?"), assistant("", [BERGEN]), result("rain"), assistant("Yes."), tools=[FORECAST])
add(
    "call-answer-reasoning-last",
    user("Rain?"),
    assistant("", [BERGEN], "Look it up."),
    result("rain"),
    assistant("Yes.", reasoning="It says rain."),
    tools=[FORECAST],
)
add(
    "call-answer-reasoning-user",
    user("Rain?"),
    assistant("Looking.", [BERGEN], "Look it up."),
    result("rain"),
    assistant("Yes.", reasoning="It says rain."),
    user("And Oslo?"),
    tools=[FORECAST],
)
add("parallel", user("Both?"), assistant("", [BERGEN, OSLO]), result("rain"), result("sun", 2), tools=[FORECAST])
add(
    "parallel-reversed",
    user("Both?"),
    assistant("", [BERGEN, OSLO]),
    result("sun", 2),
    result("rain"),
    tools=[FORECAST],
)
add("parallel-last", user("Both?"), assistant("", [BERGEN, OSLO]), tools=[FORECAST])
add(
    "parallel-content-reasoning",
    user("All?"),
    assistant("Checking all.", [BERGEN, OSLO, call("get_time", "{}", 3)], "Three calls."),
    result("rain"),
    result("sun", 2),
    result("12:00", 3),
    tools=TOOLS,
)
add(
    "parallel-answer",
    user("Both?"),
    assistant("", [BERGEN, OSLO], "Two."),
    result("rain"),
    result("sun", 2),
    assistant("Rain and sun.", reasoning="Sum up."),
    user("Thanks"),
    tools=[FORECAST],
)
add(
    "multi-step",
    user("Rain, then the time"),
    assistant("", [BERGEN], "First the rain."),
    result("rain"),
    assistant("", [call("get_time", "{}", 2)], "Now the time."),
    result("12:00", 2),
    tools=TOOLS,
)
add(
    "multi-step-answer",
    user("Rain, then the time"),
    assistant("", [BERGEN], "First the rain."),
    result("rain"),
    assistant("", [call("get_time", "{}", 2)], "Now the time."),
    result("12:00", 2),
    assistant("Rain at noon.", reasoning="Both known."),
    tools=TOOLS,
)
add(
    "old-calls",
    system("Be brief."),
    user("Bergen?"),
    assistant("", [BERGEN], "Use the tool."),
    result("rain"),
    assistant("Rain.", reasoning="Just report."),
    user("And Oslo?"),
    assistant("", [OSLO], "Same tool again."),
    result("-3 °C, snow", 2),
    tools=[FORECAST],
)
add(
    "old-calls-twice",
    user("Bergen?"),
    assistant("", [BERGEN], "One."),
    result("rain"),
    assistant("Rain.", reasoning="Two."),
    user("Oslo?"),
    assistant("", [OSLO], "Three."),
    result("sun", 2),
    assistant("Sun.", reasoning="Four."),
    user("Compare."),
    tools=[FORECAST],
)
add(
    "user-after-result",
    user("Rain?"),
    assistant("", [BERGEN], "Look."),
    result("rain"),
    user("Hurry!"),
    tools=[FORECAST],
)
add(
    "calls-without-tools",
    user("Rain?"),
    assistant("", [BERGEN]),
    result("rain"),
    assistant("Yes."),
    user("Sure?"),
    tools=None,
)
add("call-no-arguments", user("Time?"), assistant("", [call("get_time", "{}")]), result("12:00"), tools=[CLOCK])
add(
    "call-dict",
    user("Stock"),
    assistant("", [call("update_stock", {"sku": "A", "delta": -1})]),
    result("ok"),
    tools=[STOCK],
)
DEEP = {
    "sku": "MUG-R",
    "delta": 2,
    "attributes": {"colour": "rød", "weight_kg": 0.35, "handle": None, "ok": True, "n": []},
    "labels": ["return", "b-ware", ""],
    "deep": {"a": {"b": [{"c": [[1, [2, [3]]]]}]}},
    "empty": {},
}
add(
    "call-deep-json", user("Book"), assistant("", [call("update_stock", json.dumps(DEEP))]), result("ok"), tools=[STOCK]
)
add("call-deep-dict", user("Book"), assistant("", [call("update_stock", DEEP)]), result("ok"), tools=[STOCK])
SOURCE = 'import sys\n\nprint("a\\tb", \'c\')  # "quotes" \\ back\nfor i in range(3):\n\tprint(i)\n'
add(
    "call-code", user("Run it"), assistant("", [call("run_code", {"source": SOURCE})]), result("0\n1\n2\n"), tools=[RUN]
)
add(
    "call-code-string",
    user("Run"),
    assistant("Running.", [call("run_code", json.dumps({"source": SOURCE, "language": "py"}))]),
    result("0\n"),
    tools=[RUN],
)
add(
    "call-unicode",
    user("天気"),
    assistant("", [call("get_forecast", '{"town": "東京 🗼 Ærø"}')]),
    result("晴れ ☀️"),
    tools=[FORECAST],
)
add(
    "call-numbers",
    user("Set"),
    assistant("", [call("update_stock", {"sku": "1", "delta": 0, "x": 1.5, "y": -7, "z": 10**12})]),
    result("1"),
    tools=[STOCK],
)
add("result-json", user("R"), assistant("", [BERGEN]), result(json.dumps(DEEP, ensure_ascii=False)), tools=[FORECAST])
add("result-long", user("R"), assistant("", [BERGEN]), result("row 1\trow 2\n" * 60), tools=[FORECAST])
add(
    "result-code",
    user("R"),
    assistant("", [call("run_code", {"source": "x"})]),
    result('Traceback:\n  File "a.py"\n'),
    tools=[RUN],
)


# tools: one conversation per shape of schema
def shape(name: str, parameters: Any, description: str | None = "A tool.") -> None:
    add(f"schema-{name}", user("Go"), tools=[tool("probe", description, parameters)], tags=("schema",))


shape("none", None)
shape("empty-object", schema({}))
shape("only-type", {"type": "object"})
shape("scalars", schema({"s": STRING, "i": INTEGER, "n": NUMBER, "b": BOOLEAN, "z": {"type": "null"}}, "s", "n"))
shape("untyped", schema({"anything": {}, "described": {"description": "Whatever you like"}}, "anything"))
shape(
    "descriptions",
    schema({"a": {"type": "string", "description": "First"}, "b": {"type": "integer", "description": "Second"}}),
)
shape(
    "description-lines",
    schema({"a": {"type": "string", "description": "Line one\nline two\n\nline four"}}),
    "One\nTwo\n\nFour\n",
)
shape("no-description", schema({"a": STRING}), None)
shape("empty-description", schema({"a": {"type": "string", "description": ""}}), "")
shape("description-crlf", schema({"a": STRING}), "One\r\nTwo\r\n")
shape("enum", schema({"unit": {"type": "string", "enum": ["c", "f"], "description": "Unit"}}, "unit"))
shape("enum-default", schema({"unit": {"type": "string", "enum": ["c", "f"], "default": "c"}}))
shape("enum-numbers", schema({"level": {"type": "integer", "enum": [1, 2, 3]}, "one": {"enum": ["a", "b"]}}))
shape("const", schema({"kind": {"const": "fixed"}, "typed": {"type": "string", "const": "x"}}))
shape(
    "defaults",
    schema(
        {
            "s": {"type": "string", "default": "x y"},
            "i": {"type": "integer", "default": 0},
            "f": {"type": "number", "default": 0.5},
            "b": {"type": "boolean", "default": False},
            "n": {"type": "string", "default": None},
            "a": {"type": "array", "items": STRING, "default": ["p", "q"]},
            "o": {"type": "object", "default": {"k": 1, "l": [True, None]}},
            "e": {"type": "string", "default": ""},
        }
    ),
)
shape(
    "arrays",
    schema({"a": {"type": "array", "items": STRING}, "b": {"type": "array", "items": INTEGER}, "c": {"type": "array"}}),
)
shape("array-of-arrays", schema({"grid": {"type": "array", "items": {"type": "array", "items": NUMBER}}}, "grid"))
shape("array-of-enums", schema({"tags": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}}}))
shape(
    "array-of-objects",
    schema(
        {"rows": {"type": "array", "description": "Rows", "items": schema({"id": INTEGER, "name": STRING}, "id")}},
        "rows",
    ),
)
shape(
    "nested-object",
    schema({"where": schema({"lat": NUMBER, "lon": NUMBER}, "lat", "lon", description="A place")}, "where"),
)
shape("nested-deep", schema({"a": schema({"b": schema({"c": schema({"d": STRING}, "d")}, "c")}, "b")}, "a"))
shape(
    "nested-descriptions", schema({"a": schema({"b": {"type": "string", "description": "Inner"}}, description="Outer")})
)
shape("object-free", schema({"meta": {"type": "object"}, "more": {"type": "object", "additionalProperties": STRING}}))
shape(
    "top-description",
    schema({"a": STRING}, "a", description="All arguments", title="Arguments", additionalProperties=False),
)
shape(
    "nullable",
    schema({"a": {"type": "string", "nullable": True}, "b": {"type": "array", "items": STRING, "nullable": True}}),
)
shape(
    "type-list",
    schema({"a": {"type": ["string", "null"]}, "b": {"type": ["integer", "string"], "description": "Either"}}, "a"),
)
shape("any-of", schema({"a": {"anyOf": [STRING, {"type": "null"}], "default": None, "title": "A"}}))
shape(
    "one-of",
    schema({"a": {"oneOf": [STRING, INTEGER]}, "b": {"oneOf": [{"type": "string", "description": "A name"}, NUMBER]}}),
)
shape(
    "one-of-rich",
    schema(
        {
            "target": {
                "description": "Where to send it",
                "oneOf": [
                    schema({"mail": STRING}, "mail", description="By mail"),
                    {"type": "string", "enum": ["a", "b"], "default": "a", "description": "By code"},
                    {"type": "number", "nullable": True, "default": 1.5},
                ],
                "default": "a",
            }
        },
        "target",
    ),
)
shape("all-of", schema({"a": {"allOf": [STRING, {"minLength": 2}]}}))
shape(
    "titles",
    schema({"a": {"type": "string", "title": "The A", "description": "About A", "examples": ["x", "y"]}}, title="Args"),
)
shape("refs", {**schema({"p": {"$ref": "#/$defs/P"}}, "p"), "$defs": {"P": schema({"x": NUMBER}, "x")}})
shape(
    "bounds",
    schema({"a": {"type": "integer", "minimum": 1, "maximum": 9}, "b": {"type": "string", "pattern": "^[a-z]+$"}}),
)
shape("odd-keys", schema({"a-b": STRING, "c d": STRING, "été": STRING, "$ref_": STRING, "0": STRING}, "a-b"))
shape("unicode", schema({"città": {"type": "string", "description": "日本語の説明 — “quoted” ‘text’"}}), "Gjør noe 🛠️")
shape(
    "markup-text", schema({"a": {"type": "string", "description": "Use <b> & 'quotes' \"x\" \\n"}}), 'Say "hi" & <go>'
)
shape("many", schema({f"p{i}": {"type": "string", "description": f"Parameter {i}"} for i in range(20)}, "p0", "p19"))
add("schema-several", system("Use them."), user("Go"), tools=[*TOOLS, tool("noop", "")], tags=("schema",))
