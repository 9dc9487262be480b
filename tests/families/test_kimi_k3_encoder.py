"""The encoder that Kimi K3 is compared with gives the official goldens, to the segment where they tell."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

from tests.families import kimi_k3_encoder, official
from tests.families.kimi_k3_encoder import segments
from tests.families.references.kimi import encode_k3
from tests.families.test_goldens import folder

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CALL = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": {"city": "Paris"}}}


def test_it_owes_nothing_to_the_code_under_test() -> None:
    """It imports the standard library alone. Two texts it has in common with turnwire that no golden shows: the note of
    the format says so."""
    source = Path(kimi_k3_encoder.__file__).read_text("utf-8")
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or ".")
    assert found == {"__future__", "collections.abc", "json", "typing"}
    goldens = (folder() / "kimi-k3.jsonl").read_text("utf-8")
    goldens += (folder().parent / "kimi-k3" / "k3_render_fixtures.json").read_text("utf-8")
    seen = [w for w in ("tool-declare", "thinking-effort", "tool-choice", "response-format") if w in goldens]
    assert seen == ["tool-declare", "thinking-effort"], "the note of kimi-k3 is out of date"


def test_goldens() -> None:
    rows = [json.loads(line) for line in (folder() / "kimi-k3.jsonl").read_text("utf-8").splitlines()]
    for row in rows:
        text, ids = encode_k3(row["messages"], row["tools"], row["options"])
        assert (text, ids) == (row["expected_text"], row["expected_ids"]), row["id"]


def test_segments() -> None:
    """The segments of the official goldens; their conversations are known from their texts."""
    official.tokenizer("kimi-k3")
    cases = json.loads((folder().parent / "kimi-k3" / "k3_render_fixtures.json").read_text("utf-8"))
    user = {"role": "user", "content": "Hi"}
    given: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "plain_user_thinking": ([user], {}),
        "system_user_thinking": ([{"role": "system", "content": "You are helpful"}, user], {}),
        "plain_user_no_thinking": ([user], {"thinking": False}),
        "assistant_prior_turn": (
            [user, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye"}],
            {},
        ),
        "with_tools": ([{"role": "user", "content": "weather in Paris?"}], {"tools": [WEATHER]}),
        "assistant_tool_call_then_result": (
            [
                {"role": "user", "content": "weather?"},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c", "content": "sunny"},
            ],
            {"tools": [WEATHER]},
        ),
        "thinking_effort_low": ([user], {"thinking_effort": "low"}),
    }
    assert given.keys() == cases.keys()
    for name, (messages, options) in given.items():
        tools = options.pop("tools", None)
        found = [*segments(messages, tools, {"thinking_effort": None, "add_generation_prompt": True, **options})]
        assert found == [(s["text"], s["allow_special"]) for s in cases[name]["segments"]], name
