"""Kimi K3's encoder once more, in the manner of the official one: a flat list of segments, of which only some may be
control tokens, each encoded by itself. Written for these tests from what encoding_k3.py does (see
turnwire/families/kimi_k3.py); `test_kimi_k3_encoder.py` holds it against the official goldens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Segment = tuple[str, bool]  # text, whether it is a control token
EFFORT = (
    "`thinking_effort` guides on how much to think in your thinking channel (not including the response channel), "
    "supported values include `low`, `medium`, `high`, and `max`.\nNow the system is invoked with `thinking_effort={}`."
)
RAW = (
    "The system is invoked with `response_format={}`.\nYour response must be raw JSON data without markdown code "
    "blocks (```json) or any additional formatting."
)
NAMES = {bool: "boolean", type(None): "null", int: "number", float: "number", str: "string", dict: "object"}


def tag(name: str, **attributes: Any) -> Iterator[Segment]:
    yield "<|open|>", True
    yield name, False
    for key, value in attributes.items():
        yield f" {key}", False
        yield '="', False
        yield str(value).replace("&", "&amp;").replace('"', "&quot;"), False
        yield '"', False
    yield "<|sep|>", True


def closed(name: str) -> Iterator[Segment]:
    yield from (("<|close|>", True), (name, False), ("<|sep|>", True))


def said(role: str, body: Any, **attributes: Any) -> Iterator[Segment]:
    """A whole message."""
    yield from tag("message", role=role, **attributes)
    yield from body
    yield from closed("message")
    yield "<|end_of_msg|>", True


def block(name: str, body: Any, **attributes: Any) -> Iterator[Segment]:
    yield from tag(name, **attributes)
    yield from body
    yield from closed(name)


def plain(text: str) -> list[Segment]:
    return [(text, False)] if text else []


def content(given: Any) -> list[Segment]:
    if given is None or isinstance(given, str):
        return plain(given or "")
    parts = ("<|kimi_image_placeholder|>" if p["type"] != "text" else p["text"] for p in given)
    return [(p, False) for p in parts if p]


def sort(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: sort(v) for k, v in sorted(value.items())}
    return [sort(v) for v in value] if isinstance(value, list) else value


def compact(value: Any) -> str:
    return json.dumps(sort(value), ensure_ascii=False, separators=(",", ":"))


def in_order(messages: list[Any]) -> list[Any]:
    """Results in the order of the calls that they answer, if all of a run say which, with the names of their tools."""
    out: list[Any] = []
    run: list[tuple[int, Any]] = []
    places: dict[str, tuple[int, str]] = {}
    for m in [*messages, None]:
        if m is not None and m["role"] == "tool":
            at, name = places.get(m.get("tool_call_id"), (0, None))
            run.append((at, m if name is None else {**m, "name": name}))
            continue
        out += (r for _, r in (sorted(run, key=lambda x: x[0]) if all(at for at, _ in run) else run))
        run = []
        if m is not None:
            out.append(m)
            if m["role"] == "assistant":
                calls = enumerate(m.get("tool_calls") or (), 1)
                places = {}
                for n, c in calls:
                    places.setdefault(c.get("id"), (n, c.get("function", c)["name"]))
                places.pop(None, None)  # type: ignore[call-overload]
    return out


def answer(m: Any, thinking: bool) -> Iterator[Segment]:
    """The body of an assistant message."""
    if thinking:
        reasoning = m.get("reasoning_content") or ""
        yield from block("think", plain(reasoning if reasoning.strip() else ""))
    yield from block("response", content(m.get("content")))
    calls = [c.get("function", c) for c in m.get("tool_calls") or ()]
    if not calls:
        return
    yield from tag("tools")
    for n, call in enumerate(calls, 1):
        yield from tag("call", tool=call["name"], index=n)
        given = call["arguments"]
        arguments = json.loads(given or "{}") if isinstance(given, str) else given
        for key, value in arguments.items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield from block("argument", plain(text), key=key, type=NAMES.get(type(value), "array"))
        yield from closed("call")
    yield from closed("tools")


def segments(messages: list[Any], tools: Any, options: Mapping[str, Any]) -> Iterator[Segment]:
    """The prompt."""
    thinking, effort = options.get("thinking", True), options.get("thinking_effort", "max")
    if tools:
        lead = "# Tools\nHere are the available tools, described in JSONSchema.\n\n"
        yield from said("system", plain(f"{lead}```json\n{compact(tools)}\n```"), type="tool-declare")
    if thinking and effort:
        yield from said("system", plain(EFFORT.format(effort)), type="thinking-effort")
    number, names = 0, []
    for m in in_order(messages):
        role = m["role"]
        if role == "assistant":
            number, names = 0, [c.get("function", c)["name"] for c in m.get("tool_calls") or ()]
            yield from said(role, answer(m, thinking))
        elif role == "tool":
            number += 1
            yield from said(role, content(m.get("content")), tool=m.get("name") or names[number - 1], index=number)
        else:
            yield from said(role, content(m.get("content")))
    choice, response = options.get("tool_choice"), options.get("response_format")
    if choice in ("required", "none"):
        must = "call tools" if choice == "required" else "NOT call any tools"
        text = f"The system is invoked with `tool_choice={choice}`.\nYou MUST {must} in the next message."
        yield from said("system", plain(text), type="tool-choice")
    kind = response.get("type") if isinstance(response, dict) else response
    if kind is not None:
        text = RAW.format(kind)
        if kind == "json_schema" and isinstance(response, dict):
            schema = compact(response["json_schema"]["schema"])
            text += f"\nThe JSON data must match the following schema:\n```json\n{schema}\n```"
        yield from said("system", plain(text), type="response-format")
    if options.get("add_generation_prompt"):
        yield from tag("message", role="assistant")
        yield from tag("think" if thinking else "response")
