"""Harmony, the format of gpt-oss: messages in channels, calls addressed to functions.

Facts: openai/harmony docs/format.md and openai-harmony 0.0.8 (src/encoding.rs, sha256 788675d6).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..codecs import Json
from ..format import Format
from ..layout import Layout
from ..turns import Part, Text
from ..wire import End, Frame, Lit, Many, Seq, Slot, Switch, Tok, Word

FUNCTIONS = "functions."
CHANNELS = {"analysis": "reasoning", "commentary": "preamble", "final": "text"}


@dataclass(frozen=True, slots=True)
class Header:
    """A message header behind "assistant": channel, recipient and content type, in any of the orders and
    spacings that models write (docs/format.md: the recipient is in the role or the channel section)."""

    toks = ("<|channel|>", "<|constrain|>")

    def kind(self, part: Part) -> str:
        """The frame of a part."""
        if not isinstance(part, Text):
            return part.kind
        return "other" if part.recipient is not None else CHANNELS.get(part.channel or "final", "other")

    def read(self, text: str) -> dict[str, str]:
        """The last channel and the last recipient that a header names."""
        channels: list[str] = re.findall(r"<\|channel\|>\s*(\w*)", text)
        recipients: list[str] = re.findall(r"\bto=([^\s<]+)", text)
        channel = channels[-1] if channels else ""
        to = recipients[-1] if recipients else ""
        said = {"channel": channel} if channel else {}
        if to.startswith(FUNCTIONS):
            return {**said, "kind": "call", "name": to[len(FUNCTIONS) :]}
        if to and to != "assistant":
            return {**said, "kind": "other", "recipient": to}
        if channel not in CHANNELS:
            return {**said, "kind": "other", "recipient": ""}
        return {**said, "kind": CHANNELS[channel]}

    def write(self, part: Any, options: Mapping[str, Any]) -> Word:
        """As models write it: the recipient in the channel section."""
        if part.kind == "call":
            constrained: Word = Tok("<|constrain|>") + Lit("json")
            kind = options.get("tool_call_content_type", "<|constrain|>json")
            content = Lit(" ") + (constrained if kind == "<|constrain|>json" else Lit(kind)) if kind else Seq()
            return Tok("<|channel|>") + Lit(f"commentary to={FUNCTIONS}{part.name}") + content
        if part.kind == "reasoning":
            return Tok("<|channel|>") + Lit("analysis")
        to = f" to={part.recipient}" if part.recipient else ""
        return Tok("<|channel|>") + Lit((part.channel or "final") + to)


def message(kind: str, value: Word, end: End) -> Frame:
    """A message of one kind."""
    return Frame(kind, value + end)


STOPS = ("<|return|>", "<|call|>")
inner = End(*STOPS, also=("<|end|>",), between="<|end|>", sampled="<|end|>")
reply = Many(
    Switch(
        Header(),
        Tok("<|message|>"),
        (
            message("other", Slot("other"), inner),
            message("reasoning", Slot("reasoning"), inner),
            message("preamble", Slot("preamble"), inner),
            message("text", Slot("text"), End(*STOPS, also=("<|end|>",), between="<|end|>", history="<|end|>")),
            message("call", Slot("arguments", Json()), End("<|call|>", "<|return|>", also=("<|end|>",))),
        ),
    ),
    sep=Tok("<|start|>") + Lit("assistant"),
)
