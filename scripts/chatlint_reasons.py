"""Why an error of chatlint's need not be one: rules over what a template renders, none of which knows a template.

A rule looks at one claim of theirs (one pair of markers, one leak, one failure) and at the prompts that they looked at.
It holds only if what it says can be seen there: the argument is `REASONS[name].says`, the evidence is its function. A
template that really has the fault makes the rule say no; tests/unit/test_lint_corpus.py breaks templates to see that.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from turnwire.errors import TemplateError
from turnwire.templating.jinja import render

CLAIM = re.compile(r"^\s*(\S+) \.\. (\S+): (complete transcript|generation prompt)", re.M)
CONTROL = re.compile(r"(?:<\|[^<>\s]+>|<[^<>\s]+\|>|<｜[^<>]+｜>|</s>)$")
CLOSES = re.compile(r"</\w*think\w*>\s*$|\[/THINK\]\s*$")
ASSIGNED = re.compile(r"^(?:def \w+\(.*\w|\s+\w+: \w[\w\[\], ]* )= ?(?:Field\()?(?:None|True|False)$")
HEADER = 80  # characters before a message's text that may be its header
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}


class Claim(NamedTuple):
    """What they say is wrong, in one conversation: `prop` theirs; of markers the pair, and whether with a generation
    prompt; of dropped content the role."""

    prop: str
    pair: tuple[str, str] = ("", "")
    opened: bool = False
    role: str = ""


@dataclass
class Case:
    """A template and one of their conversations, as they render it."""

    source: str
    shape: Any

    def render(self, prompt: bool, none: bool = False) -> str | TemplateError:
        """The text of the last conversation, or why the template fails. `none`: no tools are None, which with them are
        not defined at all."""
        shown = {"tools": self.shape.tools} if none or self.shape.tools is not None else {}
        given = {**SPECIAL, "messages": self.shape.snapshots[-1], "add_generation_prompt": prompt, **shown}
        try:
            return render(self.source, given)
        except TemplateError as e:
            return e

    @functools.cached_property
    def closed(self) -> str:
        """The last conversation, complete."""
        return _text(self.render(False))

    @functools.cached_property
    def opened(self) -> str:
        """The same, to be answered."""
        return _text(self.render(True))

    @functools.cached_property
    def texts(self) -> list[str]:
        """What the messages say."""
        return _words(self.shape.snapshots[-1])

    def head(self, text: str) -> str:
        """What stands before anybody's first words, but for those of the system."""
        for message in self.shape.snapshots[-1]:
            words = _words([message])
            if message.get("role") not in ("system", "developer") and words and words[0].strip() in text:
                return text[: text.find(words[0].strip())]
        return ""


def _text(shown: str | TemplateError) -> str:
    return shown if isinstance(shown, str) else ""


def _words(messages: list[dict[str, Any]]) -> list[str]:
    out: list[str] = []
    for message in messages:
        content = message.get("content")
        out += [content] if isinstance(content, str) else [p.get("text", "") for p in content or []]
    return [text for text in out if text.strip()]


def claims(prop: str, detail: str, metrics: Mapping[str, Any]) -> list[Claim]:
    """What an error of theirs says: of markers, each pair."""
    if prop != "marker_balance":
        return [Claim(prop, role=str(metrics["role"]) if metrics.get("kind") == "dropped" else "")]
    found = CLAIM.findall(detail)
    return list(dict.fromkeys(Claim(prop, (a, b), what == "generation prompt") for a, b, what in found))


def _counts(text: str, pair: tuple[str, str]) -> int:
    """Openers more than closers, as they count."""
    opener = re.escape(pair[0])
    if not pair[0].startswith("<|") and pair[0].startswith("<"):
        opener = rf"{re.escape(pair[0][:-1])}(?:[=\s][^<>]*)?>"
    return len(re.findall(opener, text)) - text.count(pair[1])


def _prose(case: Case, claim: Claim) -> bool:
    text = case.opened if claim.opened else case.closed
    head = case.head(text)
    over = _counts(text, claim.pair) - _counts(head, claim.pair)
    return bool(head) and claim.pair[0] not in head[-HEADER:] and (over == 0 or (claim.opened and over == 1))


def _enders(case: Case, claim: Claim) -> bool:
    text = case.opened if claim.opened else case.closed
    turns = text.split(claim.pair[0])[1:]
    if claim.opened:
        turns = turns[:-1]
    said = sum(any(words.strip() in t for words in case.texts) for t in turns)
    ended = sum(t.rstrip().endswith(claim.pair[1]) for t in turns)
    return said > 1 and ended > 0 and all(t.count(claim.pair[1]) <= 1 and CONTROL.search(t.rstrip()) for t in turns)


def _always(case: Case, claim: Claim) -> bool:
    if case.opened != case.closed or claim.pair[0] not in case.closed:
        return False
    before, _, behind = case.closed.rpartition(claim.pair[0])
    said = any(t.strip() in behind for t in case.texts)
    return not said and _counts(before, claim.pair) == 0 and claim.pair[1] not in behind


def _unthinking(case: Case, claim: Claim) -> bool:
    prompt = case.opened.removeprefix(case.closed)
    return (
        claim.opened and prompt != case.opened and CLOSES.search(prompt) is not None
        and claim.pair[1] in prompt and _counts(case.closed, claim.pair) == 0
    )  # fmt: skip


def _python(case: Case, claim: Claim) -> bool:
    leaks = _leaks(case.opened)
    lines = (case.opened[case.opened.rfind("\n", 0, m.start()) + 1 : m.end()] for m in leaks)
    return bool(leaks) and all(ASSIGNED.search(line) for line in lines)


def _quoted(case: Case, claim: Claim) -> bool:
    """Each stands in the template's own text, with the same words around it."""
    leaks = _leaks(case.opened)
    source = case.source.replace("\\n", "\n").replace("\\'", "'").replace('\\"', '"')
    around = (case.opened[max(0, m.start() - 12) : m.end() + 12].strip() for m in leaks)
    return bool(leaks) and all(words in source for words in around)


def _leaks(text: str) -> list[re.Match[str]]:
    from chatlint.structure import _LEAKS

    return [m for pattern, _ in _LEAKS for m in pattern.finditer(text)]


def _earlier(case: Case, claim: Claim) -> bool:
    theirs, ours = case.render(True), case.render(True, True)
    return isinstance(theirs, TemplateError) and isinstance(ours, TemplateError) and ours.line != theirs.line


def _fails(case: Case, claim: Claim) -> bool:
    return isinstance(case.render(claim.opened), TemplateError)


class Reason(NamedTuple):
    """`says`: the argument; `holds`: whether it is so here."""

    prop: str
    says: str
    holds: Callable[[Case, Claim], bool]


REASONS: Mapping[str, Reason] = {
    "enders": Reason(
        "marker_balance",
        "a turn may end in one of several control tokens, of which one is the opener's counterpart by name: "
        "every turn here ends in one",
        _enders,
    ),
    "prose": Reason(
        "marker_balance",
        "the template explains its markers in prose, before anybody speaks; behind that they are balanced",
        _prose,
    ),
    "always": Reason(
        "marker_balance",
        "the template ends in a generation prompt whether one is asked for or not; what is open is that, and nobody's "
        "words stand in it",
        _always,
    ),
    "unthinking": Reason(
        "marker_balance",
        "the generation prompt closes reasoning that it does not open, which tells the model not to think",
        _unthinking,
    ),
    "python": Reason(
        "no_repr_leak",
        "tools are declared as Python functions, in which a default is written `= None`",
        _python,
    ),
    "quoted": Reason("no_repr_leak", "the words stand so in the template: nothing was printed", _quoted),
    "fails": Reason(
        "marker_balance",
        "in the sandbox of transformers the template fails on this conversation, which ours says: there is no prompt",
        _fails,
    ),
    "earlier": Reason(
        "renders", "with `tools` None, which is what transformers gives, the template fails earlier", _earlier
    ),
}  # fmt: skip


def reason(source: str, shape: Any, claim: Claim) -> str:
    """The name of the rule that holds, "" if none does."""
    case = Case(source, shape)
    return next((name for name, r in REASONS.items() if r.prop == claim.prop and r.holds(case, claim)), "")
