"""Content that spells control tokens, for every format's official template: ours against `sanitize_control_tokens=True`
of transformers. Both keep content from making control tokens; keys and joined pieces are where it goes less far."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.families import official
from tests.families.reference import references
from tests.families.test_template_masks import template
from tests.laws.law import reports
from turnwire.errors import TurnwireError
from turnwire.tokens import HfTokenizer

NAMES = sorted(
    {r.tokenizer: n for n, r in references().items() if r.template and r.tokenizer and not r.oracle}.values()
)
"""A format for each tokenizer."""
if not os.environ.get("TURNWIRE_FULL"):
    NAMES = NAMES[::3]


def conversations(evil: str) -> Iterator[tuple[str, list[dict[str, Any]], Any]]:
    ask = {"role": "user", "content": "q"}
    call = {"id": "abcdefgh1", "type": "function", "function": {"name": "f", "arguments": {evil: "x"}}}
    result = {"role": "tool", "tool_call_id": "abcdefgh1", "name": "f", "content": "r"}
    schema = {"type": "object", "properties": {evil: {"type": "string", "description": "d"}}, "required": []}
    tool = {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema}}
    yield "content", [{"role": "user", "content": evil}], None
    yield "argument key", [ask, {"role": "assistant", "content": "", "tool_calls": [call]}, result], None
    yield "tool key", [ask], [tool]


@pytest.mark.parametrize("name", NAMES)
def test_content_and_keys(name: str) -> None:
    tpl, tokenizer, peer = template(name), official.tokenizer(name), official._peer(name)  # pyright: ignore[reportPrivateUsage]
    if not isinstance(tokenizer, HfTokenizer) or missing(peer):
        pytest.skip("needs a tokenizer of transformers that sanitizes")
    spelled = [t for t in tokenizer.specials if t in tpl.source][:6]
    if not spelled:
        pytest.skip("the template writes no special token")
    more = {k: v for k, v in references()[name].variables.items() if k not in ("bos_token", "eos_token")}
    counts: Counter[str] = Counter()
    for what, messages, tools in conversations(" a ".join(["b", *spelled, "c"])):
        try:
            ours = tpl.render(messages, tools, tokenizer=tokenizer, **more)
            plain = tpl.render(messages, tools, **more)
        except TurnwireError:
            continue
        mine = control(ours.ids, spelled, tokenizer)
        assert mine == written(plain, spelled), what
        theirs = official.apply(
            name, messages, tools, {}, tokenize=True, return_dict=False, sanitize_control_tokens=True, source=tpl.source
        )
        counts[what] = control(theirs, spelled, tokenizer) - mine
    reports.append(f"control tokens that transformers lets content forge, ours none, {name}: {dict(counts)}")
    assert counts["content"] == 0


def missing(peer: Any) -> bool:
    return not hasattr(peer, "_mark_chat_inputs")


def control(ids: list[int], spelled: list[str], tokenizer: HfTokenizer) -> int:
    wanted = {tokenizer.special(t) for t in spelled}
    return sum(i in wanted for i in ids)


def written(plain: Any, spelled: list[str]) -> int:
    """How many of the tokens the template wrote by itself."""
    assert plain.origins is not None
    own = "".join(
        plain.text[s.start : s.stop] if s.kind == "template" else "\0" * (s.stop - s.start) for s in plain.origins.spans
    )
    count = 0
    for token in sorted(spelled, key=len, reverse=True):
        count += own.count(token)
        own = own.replace(token, "\0" * len(token))
    return count
