"""Laws of what a prompt says was sampled, which need no other implementation.

`broken(out, messages)` names what does not hold: no text of another message (`others`), all of the assistant's text,
reasoning and arguments that the template shows (`lost`), the end token behind the turn (`no end`), and nothing of the
next turn's header behind that (`header`). The tokens are those that models have; a mask is found without knowing them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from turnwire.messages import REASONING

ENDS = re.compile(
    r"<\|(?:im_end|eot_id|eom_id|end|return|call|end_of_text|endoftext|END_OF_TURN_TOKEN|endofturn|role_end|eot|eos|im:end"
    r"|assistant_end|message_sep|end_of_sentence|calls)\|>|</s>|<end_of_turn>|<turn\|>|<｜end▁of▁sentence｜>|\[e~\[|</assistant>"
)
OPENS = re.compile(
    r"<\|(?:im_start|start_header_id|START_OF_TURN_TOKEN|start_of_role|startofturn|role_start|user_start|assistant_start)\|>"
    r"|<start_of_turn>|<\|turn>|<｜User｜>|<｜Assistant｜>|\[INST\]|<extra_id_1>|<SPECIAL_1[01]>"
)


def sampled(out: Any) -> list[tuple[int, int]]:
    """The ranges of characters, as long as can be."""
    flags = (r.sampled for r in out.runs for _ in range(r.stop - r.start))
    found: list[tuple[int, int]] = []
    for said, group in groupby(enumerate(flags), key=lambda pair: pair[1]):
        places = [i for i, _ in group]
        if said:
            found.append((places[0], places[-1] + 1))
    return found


def broken(out: Any, messages: Sequence[Any]) -> list[str]:
    """What does not hold, each with the text that shows it; nothing is asked of a prompt that says it has no mask."""
    return [] if out.unmasked else [*_data(out, messages), *_edges(out)]


def _data(out: Any, messages: Sequence[Any]) -> Iterator[str]:
    flags = [r.sampled for r in out.runs for _ in range(r.stop - r.start)]
    seen: set[object] = set()
    for s in out.origins.spans:
        if s.kind != "data" or s.path[:1] != ("messages",) or len(s.path) < 3:
            continue
        text, inside = out.text[s.start : s.stop], flags[s.start : s.stop]
        if messages[s.path[1]]["role"] != "assistant":
            if any(inside):
                yield f"others: {text[:60]!r}"
        elif s.path[2] in ("content", *REASONING) or "arguments" in s.path:
            begun = text.startswith("<think>") and any(inside)  # a text that begins as the prompt ends
            if text.strip() and not all(inside) and not begun and (s.path, s.offset) not in seen:
                yield f"lost: {text[:60]!r}"
            seen.add((s.path, s.offset))  # what is told again later is the template's to do


def _edges(out: Any) -> Iterator[str]:
    ends = sorted(s.stop for s in out.origins.spans if s.kind == "data")
    for start, stop in sampled(out):
        tail = out.text[max((e for e in ends if start < e <= stop), default=start) : stop]
        behind = ENDS.match(out.text, stop + len(out.text[stop:]) - len(out.text[stop:].lstrip()))
        if behind and not ENDS.search(tail):
            yield f"no end: {tail[-40:]!r} {behind.group()}"
        if found := OPENS.search(tail):
            yield f"header: {tail[-80:]!r} {found.group()}"
