"""The commands `render --template`, `infer` and `parse --template` on a template of any model, through `cli.main`.

- render: what it prints is transformers' text, or both refuse, and its error names the template's line.
- infer: what it prints is Python whose format is the inferred one, or it says why there is none and what is nearest.
- parse: a reply that the template wrote into a history gives back the turn that it shows, read behind what stands
  before it there; or it refuses, with the reason.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import random
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from tests.families.qwen_conversations import ALL
from turnwire import ChatTemplate, cli
from turnwire.errors import InferenceError, TemplateError
from turnwire.format import Format
from turnwire.inference.probe import Called, Mode, Said, definitions
from turnwire.wire import Many, Tok, control_tokens, walk

NOW = "2026-01-15"
SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
GIVEN = ("add_generation_prompt", "now")
CALLS = (Called("get_weather", {"city": "Oslo", "days": 3, "exact": True}), Called("search", {"query": "two words"}))
TURNS = (
    Said(None, "It rains."),
    Said(None, None, CALLS[:1]),
    Said(None, "I look.", CALLS),
    Said("First of all.", "Then this."),
    Said("First of all.", None, CALLS[:1]),
)


def plain(value: Any) -> bool:
    """Whether JSON can say it."""
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


CONVERSATIONS: list[Any] = list(ALL)
POOL = [c for c in CONVERSATIONS if "continue_final_message" not in c["options"] and plain(c["messages"])]


class Shown(NamedTuple):
    """What there is of a turn."""

    text: str
    reasoning: str
    calls: list[tuple[str, dict[str, Any]]]


class Clock:
    """Stands still."""

    @staticmethod
    def now() -> datetime:
        return datetime.fromisoformat(NOW)


def command(*args: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(args)
    return code, out.getvalue(), err.getvalue()


class Commands:
    """One template in a folder of its own; `found` counts what came out, `odd` has what should not have."""

    def __init__(self, name: str, source: str, folder: Path, renders: int = 4, turns: Sequence[Said] = TURNS):
        self.name, self.source, self.folder, self.renders, self.turns = name, source, folder, renders, turns
        self.path = str(folder / "template.jinja")
        Path(self.path).write_bytes(source.encode())
        self.found: Counter[str] = Counter()
        self.odd: list[str] = []

    def count(self, what: str, why: str = "", right: bool = True) -> None:
        self.found[what] += 1
        if not right:
            self.odd.append(f"{self.name}: {what}: {why[:300]}")

    def file(self, name: str, value: Any) -> str:
        path = self.folder / name
        path.write_bytes((value if isinstance(value, str) else json.dumps(value)).encode())
        return str(path)

    def run(self) -> Commands:
        self.render()
        self.parse(self.infer())
        return self

    # render

    def render(self) -> None:
        rng = random.Random(hashlib.sha256(self.source.encode()).hexdigest())
        for c in json.loads(json.dumps(rng.sample(POOL, self.renders))):  # a tuple is a list in a file
            options = {k: v for k, v in c["options"].items() if k not in GIVEN}
            generation = rng.random() < 0.5
            wanted = self.reference(c, {**options, "add_generation_prompt": generation})
            whole = {"messages": c["messages"], "tools": c["tools"], "options": {**options, **SPECIAL, "now": NOW}}
            flags = ["-g"] * generation
            code, text, said = command("render", self.file("chat.json", whole), "--template", self.path, *flags)
            if code == 0:
                right = text == wanted
                self.count("render: equal" if right else "render: differs", c["name"], right)
            elif wanted is not None or code != 2 or said.count("\n") != 1:
                self.count("render: only we refuse", said, False)
            else:
                told = re.search(r"template line \d+", said) is not None
                self.count(f"render: both refuse, {'with the line' if told else 'no line'}", said, told)

    def reference(self, c: Any, given: dict[str, Any]) -> str | None:
        from transformers.utils import chat_template_utils

        theirs: Any = chat_template_utils

        messages = [{k: v for k, v in m.items() if v is not None} for m in c["messages"]]
        given |= {"tools": c["tools"], **SPECIAL}
        try:
            with mock.patch.object(theirs, "datetime", Clock):
                (text,), _ = theirs.render_jinja_template([messages], chat_template=self.source, **given)
        except Exception:
            return None
        return text

    # infer

    def infer(self) -> Format | None:
        """The format, if one is inferred."""
        code, source, said = command("infer", self.path)
        try:
            wanted = ChatTemplate(self.source).infer_format()
        except (InferenceError, TemplateError) as e:
            why = " ".join(getattr(e, "problem", str(e)).split())  # what a template says may have lines
            told = code in (1, 2) and said.count("\n") == 1 and why in said
            near = "nearest of turnwire's formats: " in said or "turnwire has a format" in said
            self.count("infer: refused, with the reason and what is nearest", said, told and near)
            return None
        if code:
            self.count("infer: only the command refuses", said, False)
            return None
        space: dict[str, Any] = {"__name__": "made"}
        exec(compile(source, "made.py", "exec"), space)
        made = [v for v in space.values() if isinstance(v, Format) and v.name == wanted.name]
        right = made == [wanted]
        self.count("infer: the same format" if right else "infer: another format", source, right)
        told = all(" ".join(note.split()) in " ".join(source.split()) for note in wanted.notes)
        if not told or str(wanted.evidence) not in " ".join(source.split()):
            self.count("infer: evidence not told", source, False)
        return wanted

    # parse

    def parse(self, fmt: Format | None) -> None:
        if fmt is None:
            code, _, said = command("parse", self.file("reply.txt", "Hello"), "--template", self.path, "--json")
            self.count("parse: refused, with the reason", said, code == 2 and said.count("\n") == 1 and len(said) > 20)
            return
        mode: Mode = fmt.evidence.mode
        for said in self.turns:
            if said.reasoning is None or mode.reasoning:
                self.parse_one(fmt, mode, said)

    def parse_one(self, fmt: Format, mode: Mode, said: Said) -> None:
        messages = [*mode.before(), mode.message(said)]
        turn = len(messages) - 1
        if mode.followed or (mode.answered and said.calls):
            messages.append(mode.behind(said if mode.answered else Said()))
        chat = {"tools": definitions(CALLS) if mode.tools else None, "options": {**SPECIAL, **dict(mode.variables)}}
        shown = self.shown({**chat, "messages": messages}, "--json", "--origins")
        if not shown:
            self.count("parse: the template refuses the turn")
            return
        form = json.loads(shown)
        found = self.reply(form, self.shown({**chat, "messages": messages[:turn]}, "-g"), turn, fmt)
        if found is None:
            self.count("parse: nothing tells where the template begins or ends the turn")
            return
        prompt, reply = found
        wanted = Shown(
            said.text if said.text and said.text in reply else "",
            said.reasoning if said.reasoning and said.reasoning in reply else "",
            [(c.name, dict(c.arguments)) for c in said.calls if c.name in reply],
        )
        if wanted == Shown("", "", []):
            self.count("parse: the template does not show the turn")
            return
        files = (self.file("reply.txt", reply), "--tools", self.file("tools.json", definitions(CALLS)))
        given = ("--template", self.path, "--finish-reason", "stop", "--json")
        code, text, error = command("parse", *files, *given, "--prompt", self.file("prompt.txt", prompt))
        what = "the same turn"
        if code == 2 and "open assistant turn" in error:
            what = "the same turn, behind the prompt that it expects and not the one that stands there"
            code, text, error = command("parse", *files, *given)
        if code not in (0, 1):
            self.count("parse: an error", f"{error} {reply!r}", False)
            return
        parsed = json.loads(text)
        parts: list[Any] = parsed["turn"]["parts"]
        text, thought = (
            "".join(p["text"] for p in parts if p["kind"] == kind).strip() for kind in ("text", "reasoning")
        )
        got = Shown(text, thought, [(p["name"], p["arguments"]) for p in parts if p["kind"] == "call"])
        if got == wanted and code == 0:
            self.count(f"parse: {what}")
        elif code == 0 and got == Shown("", (wanted.reasoning + wanted.text).strip(), wanted.calls) and _aliased(fmt):
            self.count("parse: the same turn, its text as reasoning: the template writes it so")
        else:
            self.count("parse: another turn", f"{said.kinds} {reply!r} {got} {parsed['faults']}", False)

    def shown(self, chat: Any, *flags: str) -> str:
        """What `render` prints, "" if it refuses."""
        return command("render", self.file("chat.json", chat), "--template", self.path, *flags)[1]

    def reply(self, form: Any, prompt: str, turn: int, fmt: Format) -> tuple[str, str] | None:
        """What stands before a reply, and the reply: behind the prompt or (where a history has another) behind the
        header that the format has; up to the first stop token, of a reply of several messages that of the last."""
        text: str = form["text"]
        data = [s for s in form["origins"] if s["kind"] == "data" and s["path"].startswith(f"messages[{turn}]")]
        first = data[0]["start"] if data else len(text)
        headers = map(fmt.program.symbols.show, fmt.openers.words)
        start = max((at + len(header) for header in headers if (at := text.rfind(header, 0, first)) >= 0), default=-1)
        if prompt and text.startswith(prompt):
            start = len(prompt)
        inner = {t for w in walk(fmt.reply) if isinstance(w, (Many, Tok)) for t in control_tokens(w)}
        least = data[-1]["stop"] if data and not inner.isdisjoint(fmt.stop_tokens) else max(start, 0)
        stops = [at + len(stop) for stop in fmt.stop_tokens if (at := text.find(stop, least)) >= 0]
        later = [s["start"] for s in form["origins"] if s["path"].startswith(f"messages[{turn + 1}].content")]
        if start < 0 or (later and min(stops, default=len(text)) > later[0]):
            return None
        return text[:start], text[start : min(stops)] if stops else text[start:].rstrip()


def _aliased(fmt: Format) -> bool:
    return any("is written as reasoning" in note for note in fmt.notes)
