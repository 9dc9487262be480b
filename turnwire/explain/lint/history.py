"""What happens to the text of a conversation when a turn is appended: all that a model was shown should stay.

At each turn of the assistant the prompt that asked for it is compared with the prompt for the next. The first must
begin the second, or what was cached is lost, and the model reads a past that it never saw. What differs inside the
generation prompt alone is another defect than what differs before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...messages import REASONING
from ...templating.trials import MARKER, PART, shared
from .bench import Bench, Shown, asks, owner
from .findings import Fault, Talk, window

THINK = re.compile("think|thought|reason|channel|analysis", re.IGNORECASE)


def history(bench: Bench, talk: Talk) -> Iterator[Fault]:
    """All faults of one conversation that has turns of the assistant."""
    turns = [n for n, m in enumerate(talk.messages) if m.get("role") == "assistant"]
    for n in turns:
        if n:
            yield from _asked(bench, talk, n)
        if n + 1 < len(talk.messages):
            yield from _said(bench, talk, n)


def _asked(bench: Bench, talk: Talk, n: int) -> Iterator[Fault]:
    """The prompt for turn `n`, and the one for the next turn, or the whole conversation."""
    stop = next((m for m in range(n + 1, len(talk.messages)) if _turn(talk, m)), len(talk.messages))
    upto = Talk(talk.messages[:stop], talk.tools, talk.variables)
    before, after = bench.show(talk, True, upto=n), bench.show(upto, asks(upto))
    if not isinstance(before, Shown) or not isinstance(after, Shown) or after.text.startswith(before.text):
        return
    at = parted(before.text, after.text)
    bare = bench.show(talk, False, upto=n)
    opened = isinstance(bare, Shown) and before.text.startswith(bare.text) and not bench.prompts
    inside = opened and isinstance(bare, Shown) and at >= len(bare.text)
    if inside or (not opened and at >= _end(before, n)):
        yield from _prompt(bench, upto, n, before, after, at)
    else:
        yield from _rewritten(upto, n, before, after, at)


def parted(a: str, b: str) -> int:
    """Where two texts part, not inside a marker."""
    at = shared(a, b)
    part = PART.search(a, max(0, at - 80), at)
    return part.start() if part else at


def _turn(talk: Talk, n: int) -> bool:
    return talk.messages[n].get("role") == "assistant"


def _end(shown: Shown, count: int) -> int:
    """Where the data of the first `count` messages ends, with what closes its last one not counted."""
    return max((s.stop for s in shown.spans if s.path[:1] == ("messages",) and s.kind == "data"), default=0)


def _prompt(bench: Bench, talk: Talk, n: int, before: Shown, after: Shown, at: int) -> Iterator[Fault]:
    lost, instead = before.text[at:], after.text[at : at + max(40, len(before.text) - at)]
    message = talk.messages[n]
    reasons = any(message.get(k) for k in REASONING)
    if not reasons and thinking(lost):
        said = f"the prompt ends in {lost!r}; a turn that is given without reasoning begins {instead[:40]!r}"
        yield Fault("prompt-not-kept", "without reasoning", said, _line(before, at), _pair(before, after, at), "note",
                    talk)  # fmt: skip
        return
    if reasons and len(talk.messages) > n + 1 and THINK.search(lost) and not _shows_thought(after, n):
        said = f"reasoning of messages[{n}] is gone, and with it {lost!r} of the prompt"
        line = _line(after, at)
        yield Fault("forgets-reasoning", "past", said, line, _pair(before, after, at), "note", talk)
        return
    said = f"the prompt ends in {lost!r}, where the turn begins {instead[:40]!r}"
    yield Fault("prompt-not-kept", "plain", said, _line(before, at), _pair(before, after, at), None, talk)


def thinking(prompt: str) -> bool:
    """Whether the end of a prompt leaves reasoning open."""
    marks = [m.group() for m in MARKER.finditer(prompt) if THINK.search(m.group())]
    return len(marks) % 2 == 1 and not marks[-1].startswith(("</", "[/"))


def _shows_thought(shown: Shown, n: int) -> bool:
    return any(s.path[:2] == ("messages", n) and s.path[2:3] and s.path[2] in REASONING for s in shown.spans)


def _rewritten(talk: Talk, n: int, before: Shown, after: Shown, at: int) -> Iterator[Fault]:
    """What was shown before turn `n` is not what is shown when it has been appended."""
    last = _fields(before, n)
    lost = last - _fields(after, n)
    whose = owner(next((s for s in before.spans if s.stop > at and s.path[:1] == ("messages",)), None))
    line = _line(after, at)
    where = f" (template line {_line(before, at)} wrote it)" if _line(before, at) else ""
    if lost and all(field in REASONING for _, field in lost):
        turn = min(m for m, _ in lost)
        said = f"when messages[{n}] and what follows is appended, the reasoning of messages[{turn}] is taken out{where}"
        yield Fault("forgets-reasoning", "loop", said, line, _pair(before, after, at), None, talk)
        return
    one, other = _squeezed(before, at), _squeezed(after, at)
    if not lost and one[0] == other[0] and one[1] != other[1]:
        said = f"when messages[{n}] and what follows is appended, markup of empty reasoning changes{where}"
        yield Fault("rewrites-history", "thought", said, line, _pair(before, after, at), "warning", talk)
        return
    said = f"when messages[{n}] and what follows is appended, the text at {whose or 'the end'} changes{where}"
    yield Fault("rewrites-history", "data" if lost else "markup", said, line, _pair(before, after, at), None, talk)


def _squeezed(shown: Shown, at: int) -> tuple[str, list[str]]:
    """What stands from there to the next data, without markers of reasoning and blanks; and these markers."""
    stop = next((s.start for s in shown.spans if s.start >= at and s.kind == "data"), len(shown.text))
    behind = shown.text[at:stop]
    text = MARKER.sub(lambda m: "" if THINK.search(m.group()) else m.group(), behind)
    return "".join(text.split()), [m for m in MARKER.findall(behind) if THINK.search(m)]


def _fields(shown: Shown, upto: int) -> set[tuple[int, str]]:
    """Messages before `upto`, and their fields, that are there."""
    out: set[tuple[int, str]] = set()
    for s in shown.spans:
        if s.path[:1] == ("messages",) and len(s.path) > 2 and s.path[2] != "role":
            n, field = s.path[1], s.path[2]
            if isinstance(n, int) and n < upto and isinstance(field, str):
                out.add((n, field))
    return out


def _said(bench: Bench, talk: Talk, n: int) -> Iterator[Fault]:
    """Turn `n` as the last one, and with another behind it."""
    alone = bench.show(talk, False, upto=n + 1)
    followed = bench.show(talk, False, upto=n + 2)
    if not isinstance(alone, Shown) or not isinstance(followed, Shown):
        return
    at = parted(alone.text, followed.text)
    end = _end(alone, n + 1)
    if at >= end or not any(s.path[:2] == ("messages", n) for s in alone.spans):
        return
    lost = _fields(alone, n + 1) - _fields(followed, n + 1)
    short = Talk(talk.messages[: n + 2], talk.tools, talk.variables)
    pair = _pair(alone, followed, at)
    if lost and all(field in REASONING for _, field in lost):
        said = f"reasoning of messages[{n}] is taken out when messages[{n + 1}] is appended"
        yield Fault("forgets-reasoning", "past", said, _line(followed, at), pair, "note", short)
        return
    first = min((s.start for s in alone.spans if s.path[:2] == ("messages", n) and s.kind == "data"), default=0)
    if at < first and not any(s.start >= at and s.path[:1] == ("messages",) and s.path[1:2] != (n,)
                              for s in alone.spans if s.kind == "data"):  # fmt: skip
        said = f"before messages[{n}] stands {alone.text[at:first]!r} while it is the last, else another text"
        empty = not alone.text[at:first].strip() or THINK.search(alone.text[at:first])
        yield Fault("last-turn-differs", "before", said, _line(alone, at), pair, "note" if empty else None, short)
        return
    said = f"messages[{n}] is written otherwise when messages[{n + 1}] is appended"
    yield Fault("last-turn-differs", "inside", said, _line(alone, at), pair, None, short)


def _line(shown: Shown, at: int) -> int | None:
    span = shown.at(min(at, len(shown.text) - 1)) if shown.text else None
    return None if span is None else span.line


def _pair(before: Shown, after: Shown, at: int) -> str:
    return f"before: {_near(before.text, at)}\nafter:  {_near(after.text, at)}"


def _near(text: str, at: int) -> str:
    return repr(window(text[max(0, at - 60) : at + 60], None, 100))
