"""The encoder that Kimi K3 is compared with gives the official goldens, to the segment where they tell."""

from __future__ import annotations

import json

from tests.families import official
from tests.families.kimi_k3_encoder import segments
from tests.families.references.kimi import encode_k3
from tests.families.test_goldens import folder


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
    given = {
        "plain_user_thinking": ([user], {}),
        "system_user_thinking": ([{"role": "system", "content": "You are helpful"}, user], {}),
        "plain_user_no_thinking": ([user], {"thinking": False}),
        "assistant_prior_turn": (
            [user, {"role": "assistant", "content": "Hello!"}, {"role": "user", "content": "Bye"}],
            {},
        ),
    }
    for name, (messages, options) in given.items():
        found = [*segments(messages, None, {"thinking_effort": None, "add_generation_prompt": True, **options})]
        assert found == [(s["text"], s["allow_special"]) for s in cases[name]["segments"]], name
