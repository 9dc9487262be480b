"""Harmony, the format of gpt-oss: messages in channels, calls addressed to functions.

Facts: openai/harmony docs/format.md and openai-harmony 0.0.8 (src/encoding.rs, sha256 788675d6). Prompts equal what
openai-harmony makes of the same messages, but for old analysis: its code drops only what precedes the FIRST final
message; format.md says to drop "any previous CoT" once the assistant answered, and so does this (`drop_analysis`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..codecs import Json
from ..format import Format
from ..layout import Layout, Wrap
from ..templating import harmony_layout as gpt
from ..templating.harmony_layout import CONSTRAIN, FUNCTIONS
from ..turns import Part, Text
from ..wire import End, Frame, Lit, Many, Slot, Switch, Tok, Word

CHANNELS = {"analysis": "reasoning", "commentary": "preamble", "final": "text"}


@dataclass(frozen=True, slots=True)
class Header:
    """A message header behind "assistant": channel, recipient and content type, in any of the orders and
    spacings that models write (docs/format.md: the recipient is in the role or the channel section)."""

    toks = ("<|channel|>", CONSTRAIN)
    begins = ("<|channel|>", " to=")
    place = staticmethod(gpt.name_at)

    def kind(self, part: Part) -> str:
        """The frame of a part."""
        if not isinstance(part, Text):
            return part.kind
        if part.recipient is not None:
            return "addressed" if part.recipient else "other"
        return CHANNELS.get(part.channel or "final", "other")

    def read(self, text: str) -> dict[str, str]:
        """The last channel and the last recipient that a header names."""
        channels: list[str] = re.findall(r"<\|channel\|>\s*(\w*)", text)
        recipients: list[str] = gpt.TO.findall(text)
        channel = channels[-1] if channels else ""
        to = recipients[-1] if recipients else ""
        said = {"channel": channel} if channel else {}
        if to.startswith(FUNCTIONS):
            return {**said, "kind": "call", "name": to[len(FUNCTIONS) :]}
        if to and to != "assistant":
            return {**said, "kind": "addressed", "recipient": to}
        if channel not in CHANNELS:
            return {**said, "kind": "other", "recipient": "", "fault": f"unknown channel {channel!r}"}
        return {**said, "kind": CHANNELS[channel]}

    def write(self, part: Any, options: Mapping[str, Any]) -> Word:
        """As openai-harmony does: the recipient in the role section, the content type behind the channel."""
        if part.kind == "call":
            return gpt.header_of_call(options.get("tool_call_content_type", CONSTRAIN + "json"))
        if part.kind == "reasoning":
            return gpt.header_of_text("analysis", "")
        return gpt.header_of_text(part.channel or "", part.recipient or "" if part.kind == "text" else "")


STOPS = ("<|return|>", "<|call|>")
inner = End(*STOPS, also=("<|end|>",), between="<|end|>", sampled="<|end|>")
called = End("<|call|>", "<|return|>", also=("<|end|>",))
cases = (
    Frame("other", Slot("other") + inner),
    Frame("addressed", Slot("addressed") + called),
    Frame("reasoning", Slot("reasoning") + inner),
    Frame("preamble", Slot("preamble") + inner),
    Frame("text", Slot("text") + End(*STOPS, also=("<|end|>",), between="<|end|>", history="<|end|>")),
    Frame("call", Slot("arguments", Json()) + called),
)
start, end = Tok("<|start|>"), Tok("<|end|>")
header = start + Lit("assistant")
# before a message's content; the system message, and what leads, is for the preamble
heads = (("system", ""), ("developer", "# Instructions\n\n"), ("user", ""))
layout = Layout(
    roles=tuple((role, Wrap(start + Lit(role) + Tok("<|message|>") + Lit(text), end)) for role, text in heads),
    results=gpt.ToolMessages(),
    preamble=gpt.write_preamble,
    arrange=(gpt.gather_instructions, gpt.settle_channels, gpt.drop_analysis),
    leading=gpt.LEADING,
    options=gpt.OPTIONS,
)
harmony = Format(
    "harmony", Many(Switch(Header(), Tok("<|message|>"), cases), sep=header), header, layout,
    models=tuple(f"openai/gpt-oss-{size}" for size in ("20b", "120b", "safeguard-20b", "safeguard-120b")),
    canon_passes=(gpt.settled,),
    source="openai-harmony 0.0.8 src/encoding.rs sha256 788675d601fe782e",
)  # fmt: skip
