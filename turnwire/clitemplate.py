"""What the command line does with chat templates: loads one, shows a prompt of it, and infers its format.

A template stands where a format does: both render, and a template's inferred format parses.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from .cliinput import Usage, existing

if TYPE_CHECKING:
    from .chat_template import ChatTemplate
    from .errors import TurnwireError
    from .format import Format
    from .inference import Evidence
    from .spans import Rendered

WIDTH = 118
KINDS = {"R": "reasoning", "C": "text", "K": "calls"}


def chat_template(args: argparse.Namespace, tools: Any = None) -> ChatTemplate:
    """The template that `--template` and `--template-name` say."""
    from .chat_template import ChatTemplate

    return ChatTemplate.load(existing(args.template), args.template_name, tools=bool(tools))


def given(template: ChatTemplate, options: list[str]) -> ChatTemplate:
    """The template, with special tokens that its file did not come with."""
    tokens: dict[str, str] = {}
    for text in options:
        name, equals, tokens[name] = text.partition("=")
        if not equals or not name:
            raise Usage(f"--option {text!r}: expected NAME=TEXT")
    own: dict[str, Any] = {name: tokens.pop(name) for name in ("bos_token", "eos_token") if name in tokens}
    return replace(template, **own, variables={**template.variables, **tokens})


def tokens_missing(error: TurnwireError) -> str:
    """What to add for a template that was read without its model's special tokens."""
    names = [name for name in getattr(error, "missing", ()) if name.endswith("_token")]
    return "; with the special tokens of its model: " + " ".join(f"-o {name}=TEXT" for name in names) if names else ""


def template_format(args: argparse.Namespace, tools: Any, tokenizer: Any) -> Format:
    """The format that is inferred from that template."""
    return chat_template(args, tools).infer_format(tokenizer=tokenizer)


def template_form(template: ChatTemplate, out: Rendered, ids: bool, origins: bool) -> dict[str, Any]:
    """What `--json` writes of a prompt: as of a format's (`jsonform.rendered_form`), with the template in its place,
    why there is no mask of what the model wrote, if there is none, and the source map if it is asked for."""
    from .jsonform import prompt_form
    from .origins import spell

    said = {"path": template.origin, "name": template.name, "sha256": template.sha256}
    form = {"template": said, **prompt_form(out, ids), "unmasked": out.unmasked or None}
    if origins:
        form["origins"] = [{**s._asdict(), "path": spell(s.path)} for s in (out.origins.spans if out.origins else ())]
    return form


# infer


def inferred(template: ChatTemplate, tokenizer: Any, name: str | None) -> tuple[dict[str, Any], str]:
    """What `turnwire infer` says of a template: a JSON form, with the reason if there is no format, and the format as
    Python source, "" if there is none."""
    from .errors import InferenceError
    from .inference.emit import emit

    form: dict[str, Any] = {
        "template": {"path": template.origin, "name": template.name, "sha256": template.sha256},
        "format": None,
        "reason": None,
        "known": _known(template.origin),
        "notes": [],
        "evidence": None,
    }
    try:
        fmt = replace(template, origin="").infer_format(tokenizer=tokenizer, name=name)
    except InferenceError as e:
        form |= {"reason": e.problem, "evidence": e.evidence and asdict(e.evidence)}
        return form, ""
    evidence: Any = fmt.evidence
    form |= {"format": fmt.name, "notes": list(fmt.notes), "evidence": asdict(evidence)}
    source = emit(fmt, template=template.source)
    return form, "".join(f"# {_plain(line)}".rstrip() + "\n" for line in _comment(form, evidence)) + source


def _plain(line: str) -> str:
    """A line that a comment may hold: what is from outside must not end it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _known(path: str) -> dict[str, Any]:
    """The format that turnwire has for the same prompts, or the nearest ones."""
    from .detect import detect_format
    from .errors import TurnwireError, UnsureFormat

    try:
        found = detect_format(path)
    except UnsureFormat as e:
        return {"format": None, "by": None, "nearest": list(e.candidates)}
    except TurnwireError:
        return {"format": None, "by": None, "nearest": []}
    return {"format": found.format.name, "by": found.by, "nearest": []}


def refusal(form: dict[str, Any]) -> str:
    """Why there is no format, and which one is there or near, if the reason does not say that."""
    from .inference import NEAREST

    reason, known = form["reason"], form["known"]
    return reason if NEAREST in reason and not known["format"] else f"{reason}; {_known_line(known)}"


def _known_line(known: dict[str, Any]) -> str:
    from .inference import NEAREST

    if known["format"]:
        return f"turnwire has a format for these prompts: {known['format']} (by {known['by']})"
    return f"{NEAREST}{', '.join(known['nearest']) or 'none that is likely'}"


def _comment(form: dict[str, Any], evidence: Evidence) -> Iterator[str]:
    said = form["template"]
    yield f"turnwire infer {said['path']}: template {said['name']}, sha256 {said['sha256']}"
    yield _known_line(form["known"])
    yield f"It shows {', '.join(_parts(kinds) for kinds in evidence.kinds) or 'nothing'}; {evidence.probes} renders."
    mode = [f"{key}={value!r}" for key, value in asdict(evidence.mode).items() if value not in (False, "", (), None)]
    yield f"Input that it wants: {', '.join(mode) or 'any'}."
    yield f"Evidence: {evidence}, {evidence.refused} refused by the template."
    for title, failures in (("not read back", evidence.failures), ("written otherwise", evidence.unequal)):
        for failure in failures[:3]:
            text = re.sub(r"\s+", " ", f"{title}: {failure.text[:200]!r} -> {failure.got[:200]!r}")
            yield from textwrap.wrap(text, WIDTH - 2, subsequent_indent="  ")


def _parts(kinds: str) -> str:
    return "+".join(KINDS[kind] for kind in kinds)
