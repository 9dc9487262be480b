"""Formats made from what a chat template renders: its output is probed, described in the words of `wire`, and tried.

`infer_format` asks the template what turns look like (`probe`), finds the texts between the parts (`segments`, `calls`)
and the notation of a call (`arguments`), factors them into a reply tree (`edges`, `tree`, `messages`), and checks the
format with random turns (`evidence`). What is not certain is refused: `InferenceError` says why.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..chat_template import ChatTemplate
from ..detect import LIKELY, likeness, words_of_template
from ..errors import FormatError, InferenceError, TurnwireError
from ..families import formats
from ..format import Format
from ..templating.jinja import compiled
from ..wire import control_tokens
from .arguments import infer_call
from .calls import CallList, observe_calls
from .edges import Edges, factor
from .evidence import Evidence, check
from .layout import layout_of
from .messages import build_list, is_list
from .pieces import Spelling, literals
from .probe import DEFINED, KEY, NAMES, ONE, SAID, VALUE, Odd, Probe, Said, cut_closer, find_mode
from .provenance import agreement
from .samples import NoNotation
from .segments import Seen, asker, join, observe
from .tree import Tree, build, end_of, with_think

if TYPE_CHECKING:
    from ..tokens import Tokenizer

CHECKS = 8
LEAST = 0.9  # of the random turns must read back, and all with ordinary content
BOS, EOS = "<s>", "</s>"
NEAREST = "nearest of turnwire's formats: "


def infer_format(
    template: ChatTemplate | str,
    *,
    tokenizer: Tokenizer | None = None,
    name: str | None = None,
    checks: int = CHECKS,
    seed: int = 0,
) -> Format:
    """The format of a template, with `evidence` from `checks` random turns. `tokenizer` says which markers are control
    tokens; without it that is guessed from their look. Raises `InferenceError` for a template whose replies cannot be
    told, `TemplateError` for one that is none."""
    if isinstance(template, str):
        template = ChatTemplate(template)
    compiled(template.source)
    special = {"bos_token": template.bos_token or BOS, "eos_token": template.eos_token or EOS}
    probe = Probe(template.source, {**template.variables, **special})
    try:
        shows = find_mode(probe)
    except Odd as e:
        raise InferenceError(str(e), value=template.source[:80], path="template", expected="a quicker one") from None
    if not shows:
        _refuse_unseen_calls(probe)
        _refuse_half_of_a_call(probe)
    job = _Job(template, probe, tokenizer, name or f"template-{template.sha256[:8]}", shows)
    try:
        return job.run(checks, seed)
    except InferenceError as e:
        first = e
    mode = probe.mode
    for way in ("followed", "apart", "single"):
        probe.mode = replace(mode, followed=way == "followed")  # some leave the last turn open, to be gone on with
        try:
            return replace(job, apart=way == "apart", single=way == "single").run(checks, seed)
        except InferenceError:
            continue
    raise first


@dataclass(frozen=True, slots=True)
class _Job:
    """One inference; `calls`: the template shows calls; `apart`: see `join`; `single`: see `observe`."""

    template: ChatTemplate
    probe: Probe
    tokenizer: Tokenizer | None
    name: str
    calls: bool
    apart: bool = False
    single: bool = False

    def run(self, checks: int, seed: int) -> Format:
        """The format, checked."""
        try:
            return self._run(checks, seed)
        except InferenceError:
            raise
        except (Odd, NoNotation, TurnwireError) as e:
            where, wanted = self.template.source[:80], "replies that can be told from what is written"
            raise InferenceError(str(e), value=where, path="template", expected=wanted) from e

    def _run(self, checks: int, seed: int) -> Format:
        probe = self.probe
        seen = observe(probe, self.calls, self.single)
        calls = observe_calls(probe, seen, infer_call(asker(probe, seen)), self.apart) if self.calls else None
        if calls is None:
            join(seen, None, self.apart)
        fmt, tree = self._first_format(seen, calls)
        most, lost = (calls.most, calls.lost) if calls is not None else (None, ())
        done = check(probe, seen, tree, fmt, most, seed, checks, lost)
        notes = [*seen.notes, *(calls.notes if calls is not None else ()), *tree.notes]
        notes += (*done.told, *(f"texts are altered: {kind}" for kind in done.altered))
        if self.tokenizer is None:
            notes.append("which markers are control tokens is guessed from their look")
        if not self.template.eos_token and EOS in fmt.stop_tokens:
            notes.append(f"the end of a text is not known: {EOS!r} stands for it")
        if probe.mode.reasoning and not any("R" in kinds for kinds in seen.turns):
            notes.append("reasoning is shown only where nothing follows, and is not read")
        inside = control_tokens(tree.body)
        notes += (f"{t!r} ends a reply, and stands inside one too" for t in fmt.stop_tokens if t in inside)
        agreed, foreign = agreement(probe, seen)
        notes += foreign
        unique = tuple(dict.fromkeys(notes))
        evidence = Evidence(
            self.template.sha256, done.tried, done.right, done.equal, done.refused, done.lost, tuple(seen.turns),
            probe.mode, unique, probe.count, agreed, done.failures, done.unequal,
        )  # fmt: skip
        if done.plain or done.right < LEAST * done.tried or not done.tried:
            first = done.failures[0] if done.failures else None
            what = f": {first.text[:300]!r} reads as {first.got[:300]}" if first else ""
            raise InferenceError(
                f"{evidence}{what}",
                value=self.name,
                path="template",
                expected="turns that read back",
                evidence=evidence,
            )
        object.__setattr__(fmt, "evidence", evidence)  # it was made here: its program need not be made again
        object.__setattr__(fmt, "notes", unique)
        return fmt

    def _first_format(self, seen: Seen, calls: CallList | None) -> tuple[Format, Tree]:
        try:
            return self._format(seen, calls)
        except FormatError as e:
            first = e
        with contextlib.suppress(FormatError):  # markers that begin alike: with their white space they may differ
            return self._format(seen, calls, firm=True)
        if ("K", "C") in seen.joints:
            raise first
        return self._format(seen, calls, strict=True)

    def _format(
        self, seen: Seen, calls: CallList | None, firm: bool = False, strict: bool = False
    ) -> tuple[Format, Tree]:
        tree = self._tree(seen, calls, firm, strict)
        spell = self._spelling(seen, tree)
        spell = replace(spell, also=tuple(sorted({*spell.also, *control_tokens(tree.reply)})))
        tree.body = spell.respelled(tree.body)
        behind = self._behind_result(seen) if self.calls else ""
        fmt = Format(
            self.name,
            tree.reply,
            spell.plain(seen.header),
            layout_of(self.template, self.probe, seen, spell, behind, calls.ids if calls is not None else None),
            source=f"inferred from a chat template, sha256 {self.template.sha256[:16]}",
        )
        return fmt, tree

    def _spelling(self, seen: Seen, tree: Tree | None) -> Spelling:
        texts = [t for ts in seen.joints.values() for t in ts] + [*seen.turns.values(), seen.base]
        return Spelling.of(self.tokenizer, [*texts, *(literals(tree.body) if tree is not None else ())])

    def _tree(self, seen: Seen, calls: CallList | None, firm: bool, strict: bool) -> Tree:
        spell = self._spelling(seen, None)
        listed = is_list(seen, calls)
        edges = Edges() if listed else factor(seen, calls)
        ends = {a: seen.joint(a, "$") or "" for a in "CK" if (a, "$") in seen.joints} if listed else edges.ends
        notes: list[str] = []
        eos = str(self.probe.variables["eos_token"])
        end = end_of(ends, self._following(seen, ends), eos, bool(self.template.eos_token), spell, notes)
        if listed:
            tree = build_list(seen, calls, spell, end)
        else:
            tree = build(calls, edges, spell, end, firm, strict, seen.alone and self._unprompted(seen, *seen.alone))
        tree.notes += notes
        if not listed and "R" not in edges.close:
            cut = cut_closer(self.probe)
            thinking = with_think(tree.body, seen.prompts, cut, spell)
            if thinking is not None:
                tree.body, marks = thinking
                where = "cut out of content" if cut else "begun in the prompt"
                tree.notes.append(f"reasoning is never shown, only {where}: it is taken to stand between {marks}")
        return tree

    @staticmethod
    def _unprompted(seen: Seen, lead: str, tail: str) -> tuple[str, str]:
        """What stands around text alone, without what a prompt holds of it."""
        given = max((p for p in seen.prompts if lead.startswith(p)), key=len, default="")
        return lead[len(given) :], tail

    def _following(self, seen: Seen, ends: dict[str, str]) -> dict[str, str]:
        """What opens the next turn, behind parts that the template ends with nothing."""
        out: dict[str, str] = {}
        for kind, said in (("C", Said(None, SAID)), ("K", Said(None, None, (ONE,)))):
            if kind in seen.turns and not ends.get(kind, "").strip():
                text = seen.behind(self.probe.following(said))
                if text is not None and text.startswith(seen.turns[kind]):
                    out[kind] = text[len(seen.turns[kind]) :]
        return out

    def _behind_result(self, seen: Seen) -> str:
        """What a reply begins behind where it follows a result, if that is no header."""
        text = self.probe.behind_result()
        if text is None or (seen.header and seen.header in text):
            return ""
        given = next((p for p in seen.prompts if p and text.endswith(p)), "")
        return text[: len(text) - len(given)]


def _refuse_unseen_calls(probe: Probe) -> None:
    """A template that shows tools and no call of them says nothing of how calls are written."""
    text = probe.render(probe.mode.before(), DEFINED)
    if text is None or NAMES[0] not in text:
        return
    found = words_of_template(probe.source)
    score, near = max((likeness(found, f), f.name) for f in formats().values())
    raise InferenceError(
        f"it shows tools, but never a call of one (the {NEAREST}{near}, {score:.0%} alike)",
        value=probe.source[:80],
        path="template",
        expected="a template that writes tool_calls",
        near=near if score >= LIKELY else None,
    )


def _refuse_half_of_a_call(probe: Probe) -> None:
    """A template that writes something of a call, but not all: by the half of it none can be read."""
    text = (probe.turn(Said(None, SAID, (ONE,))) or "").lower()
    sought = {"a call's name": ONE.name, "an argument's key": KEY, "an argument's value": VALUE}
    if found := [what for what, word in sought.items() if word in text]:
        lacking = [what for what in sought if what not in found]
        but = f"not {' and '.join(lacking)}" if lacking else "in other letters"
        raise InferenceError(
            f"it writes {' and '.join(found)}, but {but}",
            value=probe.source[:80],
            path="template",
            expected="a template that writes the name and arguments of calls as they are",
        )


__all__ = ["Evidence", "infer_format"]
