"""A format from a chat template alone.

`infer_format` asks the template what turns look like (`probe`), finds the texts between the parts (`segments`,
`calls`) and the notation of a call's arguments (`arguments`), factors them into a reply tree (`tree`), and checks the
format with random turns (`evidence`). What is not certain is refused: `InferenceError` says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..chat_template import ChatTemplate
from ..errors import FormatError, InferenceError
from ..format import Format
from ..templating.jinja import compiled
from .arguments import infer_call
from .calls import CallList, observe_calls
from .edges import Edges, factor
from .evidence import Evidence, check
from .layout import layout_of
from .messages import build_list, is_list
from .pieces import Spelling, literals
from .probe import DEFINED, NAMES, ONE, SAID, Probe, Said, find_mode
from .samples import NoNotation
from .segments import Odd, Seen, asker, join, observe
from .tree import Tree, build, end_of, with_think

if TYPE_CHECKING:
    from ..tokens import Tokenizer

CHECKS = 8
LEAST = 0.9  # of the random turns must read back
EOS = "</s>"


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
    special = {"bos_token": template.bos_token or "<s>", "eos_token": template.eos_token or EOS}
    probe = Probe(template.source, {**template.variables, **special})
    compiled(template.source)
    try:
        return _infer(template, probe, tokenizer, name or f"template-{template.sha256[:8]}", checks, seed)
    except (Odd, NoNotation, FormatError) as e:
        raise InferenceError(
            str(e), value=template.source[:80], path="template", expected="replies that can be told"
        ) from e


def _infer(
    template: ChatTemplate, probe: Probe, tokenizer: Tokenizer | None, name: str, checks: int, seed: int
) -> Format:
    shows = find_mode(probe)
    if not shows:
        _refuse_unseen_calls(probe)
    seen = observe(probe, shows)
    calls = observe_calls(probe, seen, infer_call(asker(probe, seen))) if shows else None
    if calls is None:
        join(seen, None)
    behind = _behind_result(probe) if shows and not seen.header else None
    try:
        fmt, tree = _format(probe, seen, calls, tokenizer, name, template, behind, False)
    except FormatError:
        fmt, tree = _format(probe, seen, calls, tokenizer, name, template, behind, True)
    done = check(probe, seen, tree, fmt, calls.most if calls is not None else None, seed, checks)
    notes = tuple(dict.fromkeys((*seen.notes, *(calls.notes if calls is not None else ()), *tree.notes)))
    evidence = Evidence(
        template.sha256, done.tried, done.right, done.equal, done.refused, tuple(seen.turns), probe.mode, notes,
        probe.count, done.failures, done.unequal,
    )  # fmt: skip
    if done.right < LEAST * done.tried or not done.tried:
        first = done.failures[0] if done.failures else None
        what = f": {first.text[:300]!r} reads as {first.got[:300]}" if first else ""
        raise InferenceError(
            f"{evidence}{what}", value=name, path="template", expected="turns that read back", evidence=evidence
        )
    return fmt.but(name, evidence=evidence, notes=notes)


def _spelling(tokenizer: Tokenizer | None, tree: Tree | None, seen: Seen) -> Spelling:
    texts = [t for ts in seen.joints.values() for t in ts] + list(seen.turns.values())
    return Spelling.of(tokenizer, [*texts, *(literals(tree.body) if tree is not None else ())])


def _format(
    probe: Probe, seen: Seen, calls: CallList | None, tokenizer: Tokenizer | None, name: str, template: ChatTemplate,
    behind_result: str | None, firm: bool,
) -> tuple[Format, Tree]:  # fmt: skip
    tree = _tree(probe, seen, calls, tokenizer, firm)
    spell = _spelling(tokenizer, tree, seen)
    fmt = Format(
        name,
        tree.reply,
        spell.plain(seen.header),
        layout_of(template, probe, seen, spell, behind_result),
        source=f"inferred from a chat template, sha256 {template.sha256[:16]}",
    )
    return fmt, tree


def _tree(probe: Probe, seen: Seen, calls: CallList | None, tokenizer: Tokenizer | None, firm: bool) -> Tree:
    spell = _spelling(tokenizer, None, seen)
    listed = is_list(seen, calls)
    edges = Edges() if listed else factor(seen, calls)
    ends = {a: seen.joint(a, "$") or "" for a in "CK" if (a, "$") in seen.joints} if listed else edges.ends
    notes: list[str] = []
    following = {
        k: text[len(seen.turns[k]) :]
        for k in ("C", "K")
        if k in seen.turns and not ends.get(k, "").strip()
        and (text := seen.behind(probe.following(Said(None, SAID) if k == "C" else Said(None, None, (ONE,)))))
        and text.startswith(seen.turns[k])
    }  # fmt: skip
    end = end_of(ends, following, str(probe.variables["eos_token"]), notes)
    tree = build_list(seen, calls, spell, end) if listed else build(calls, edges, spell, end, firm)
    tree.notes += notes
    opened = next((p for p in seen.prompts if p.strip()), "")
    if not listed and "R" not in edges.close and opened:
        thinking = with_think(tree.body, opened, spell)
        if thinking is not None:
            tree.body = thinking
            tree.notes.append(f"reasoning is seen in the prompt only, which ends in {opened!r}: its closer is guessed")
    return tree


def _behind_result(probe: Probe) -> str | None:
    """What a reply begins behind, where it follows a result."""
    return None


def _refuse_unseen_calls(probe: Probe) -> None:
    """A template that shows tools and no call of them says nothing of how calls are written."""
    text = probe.render(probe.mode.before(), DEFINED)
    if text is not None and NAMES[0] in text:
        raise InferenceError(
            "it shows tools, but never a call", value=probe.source[:80], path="template",
            expected="a template that writes tool_calls",
        )  # fmt: skip


__all__ = ["Evidence", "infer_format"]
