"""What lint finds: `Finding`s for people and programs, made of the `Fault`s that checks yield.

A fault says what went wrong in one render; its `key` says when two faults are the same defect. `RULES` has, for every
code, what it means and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


class Rule(NamedTuple):
    """`severity`: at most; a case that is only a convention lowers it."""

    severity: Severity
    means: str
    hint: str


RULES: Mapping[str, Rule] = {
    "syntax": Rule("error", "the source is no Jinja template", "correct the syntax"),
    "crashes": Rule(
        "error", "fails on messages that the OpenAI schema allows",
        "test a value before you use it, not only whether its key is there",
    ),
    "refuses": Rule(
        "warning", "raises on messages that the OpenAI schema allows, and says why",
        "if the model can read such a conversation, render it; else say in the model card what is refused",
    ),
    "over-budget": Rule("error", "uses more time or memory than any prompt needs", "loop over the messages once"),
    "not-deterministic": Rule(
        "error", "the same conversation gives another text each time", "print no object that has an address; no random",
    ),
    "drops-content": Rule("error", "text of a message is not in the prompt", "print content for this role too"),
    "drops-call": Rule("error", "a call, or some of it, is not in the prompt", "print tool_calls beside content"),
    "drops-result": Rule("error", "a tool's result is not in the prompt", "print messages of the role tool"),
    "drops-reasoning": Rule(
        "warning", "reasoning of the turn that still goes on is not in the prompt",
        "print reasoning_content of turns behind the user's last message",
    ),
    "ignores-tools": Rule("warning", "the tools are not in the prompt", "print tools, or raise if there are any"),
    "drops-schema": Rule("note", "parts of a tool's schema are not in the prompt", "print the schema as JSON"),
    "repeats-content": Rule("warning", "the text of a message is in the prompt twice", "print it once"),
    "changes-content": Rule("warning", "the text of a message is changed", "print it as it is"),
    "trims-content": Rule("note", "blanks at the ends of a message are taken away", "print it as it is"),
    "reorders-content": Rule("error", "messages stand in another order than they were said", "print in order"),
    "merges-results": Rule("warning", "nothing stands between two results", "open and close each result"),
    "merges-messages": Rule(
        "note", "nothing but blanks stands between two messages", "give each message its own header, or refuse",
    ),
    "prints-repr": Rule(
        "error", "a value is printed as Python prints it", "use `| tojson`, or loop over the parts of a list",
    ),
    "rewrites-history": Rule(
        "error", "what the model was shown is changed when a turn is appended",
        "let what a turn prints depend on what stands before it only",
    ),
    "forgets-reasoning": Rule(
        "warning", "reasoning that the model wrote is taken out of the history when a turn is appended",
        "keep reasoning of all turns, or serve with a cache that expects this",
    ),
    "last-turn-differs": Rule(
        "warning", "a turn of the assistant is written otherwise as the last one than in a history",
        "write a turn the same wherever it stands: trained and served prompts differ",
    ),
    "prompt-not-kept": Rule(
        "warning", "the generation prompt does not begin the turn that it asks for",
        "begin turns of the assistant with the very text of the generation prompt",
    ),
    "no-generation-prompt": Rule(
        "warning", "add_generation_prompt changes nothing", "open an assistant turn when it is set",
    ),
    "no-terminator": Rule(
        "warning", "nothing ends a turn of the assistant: a model trained on it does not learn to stop",
        "write the end token behind every assistant turn",
    ),
    "terminator-missing-last": Rule(
        "note", "a turn of the assistant is ended in a history, not as the last one",
        "write the end token behind the last turn too, or train on conversations that go on",
    ),
    "unbalanced-markers": Rule(
        "error", "turn markers are opened and not closed, or closed and not open", "close what is open on every path",
    ),
    "not-in-vocabulary": Rule(
        "error", "the template writes a marker that the tokenizer has no token for",
        "use the tokenizer's own markers, or add the token",
    ),
    "marker-as-text": Rule(
        "note", "a marker of the template is several ordinary tokens", "check that the model was trained so",
    ),
    "forgeable-turn": Rule(
        "warning", "a message can spell the end of its turn and the next turn in ordinary text",
        "put a control token between turns",
    ),
    "unchecked-role": Rule("note", "any role is printed into the header", "raise for roles that the model lacks"),
    "loses-part-order": Rule(
        "warning", "content parts in another order give the same prompt", "print parts in their order",
    ),
    "loses-call-ids": Rule(
        "note", "results in another order, with their ids, give the same prompt",
        "print ids, or put results in the order of the calls before rendering",
    ),
    "ambiguous-arguments": Rule(
        "note", "two different calls give the same prompt", "write arguments as JSON, or escape what ends a value",
    ),
    "arguments-form": Rule(
        "warning", "arguments as JSON text (or as an object) come out wrong",
        "`{% if arguments is string %}{{ arguments }}{% else %}{{ arguments | tojson }}{% endif %}`",
    ),
    "calls-unreadable": Rule(
        "warning", "no format of the calls can be told from what is written",
        "write calls so that name and arguments can be told from what is around them",
    ),
    "calls-misread": Rule(
        "note", "some turns, as written, do not read back as they were",
        "have values escaped, so that no text of theirs looks like markup",
    ),
    "date-in-prompt": Rule(
        "warning", "the prompt depends on the day", "let the caller give the date, in a message or a variable",
    ),
    "engine-feature": Rule("note", "another engine does not know this construct", "avoid it if that engine matters"),
}  # fmt: skip


class Talk(NamedTuple):
    """A conversation that a template is given. `variables`: what else is set."""

    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None = None
    variables: Mapping[str, Any] = {}


class Fault(NamedTuple):
    """What a check saw. `what`: which of several defects of that code it is; with the code it is the `key`. `line`: of
    the template, if one can be named. `shown`: what was rendered, or the error. `talk`: if the check chose its own."""

    code: str
    what: str
    message: str
    line: int | None = None
    shown: str = ""
    severity: Severity | None = None
    talk: Talk | None = None

    @property
    def key(self) -> tuple[str, str]:
        """See the head of this file."""
        return self.code, self.what


@dataclass(frozen=True)
class Finding:
    """A defect of a template.

    `code` is stable (`turnwire.explain.lint.findings.RULES` has them all), `severity` is "error", "warning" or "note".
    `line`: of the template, None where no line is to blame; `excerpt` shows it. `cases`: the kinds of conversation that
    have it, by name. `messages`, `tools` and `variables` are the smallest conversation that shows it, `shown` what came
    out, or the error. `hint` says what to do."""

    code: str
    severity: Severity
    message: str
    line: int | None
    cases: tuple[str, ...]
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None
    variables: Mapping[str, Any]
    shown: str
    hint: str
    excerpt: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        conversation: dict[str, Any] = {"messages": self.messages}
        conversation |= {"tools": self.tools} if self.tools is not None else {}
        conversation |= {"options": dict(self.variables)} if self.variables else {}
        return {
            "code": self.code, "severity": self.severity, "line": self.line, "message": self.message,
            "cases": list(self.cases), "conversation": conversation, "shown": self.shown, "hint": self.hint,
            "excerpt": self.excerpt,
        }  # fmt: skip

    def __str__(self) -> str:
        where = f" (line {self.line})" if self.line else ""
        return f"{self.severity}: {self.code}{where}: {self.message}"


def lower(a: Severity, b: Severity) -> Severity:
    """The milder of two."""
    return SEVERITIES[max(SEVERITIES.index(a), SEVERITIES.index(b))]


def window(text: str, at: int | None = None, around: int = 100) -> str:
    """`text`, or what is around a position of it."""
    if len(text) <= 4 * around:
        return text
    at = len(text) if at is None else at
    start, stop = max(0, at - around), min(len(text), at + around)
    return "…" * (start > 0) + text[start:stop] + "…" * (stop < len(text))
