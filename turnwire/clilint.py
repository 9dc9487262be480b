"""`turnwire lint`: the findings of a chat template, for people or as JSON. See docs/lint.md.

Each finding is shown with its line of the template, the smallest conversation that has it, what came out, and a hint.
Exit code 1 if there is an error among them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .cliinput import Usage, existing

if TYPE_CHECKING:
    from .chat_template import ChatTemplate
    from .explain.lint import Finding, Lint

STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}
BUDGET = 1_000
DIM = "bright_black"


def arguments(sub: argparse.ArgumentParser) -> None:
    """What the command takes."""
    sub.add_argument("template", metavar="PATH", help="a model folder, a chat template, or a GGUF")
    sub.add_argument("--template-name", metavar="NAME", help="which of several templates")
    sub.add_argument("--tokenizer", metavar="PATH", help="markers are looked up in its vocabulary")
    sub.add_argument("--search", action="store_true", help="try random conversations too (needs turnwire[search])")
    sub.add_argument("--budget", type=int, metavar="N", help=f"how many of them ({BUDGET:,})")
    sub.add_argument("--seed", type=int, default=0, metavar="N", help="which of them (0)")
    sub.add_argument("--severity", choices=tuple(STYLES), default="note", help="show these and worse only")
    sub.add_argument("--json", action="store_true", help="one JSON object")


def lint(args: argparse.Namespace, write: Callable[[Any], None], show: Callable[[], Any]) -> bool:
    """Whether there are no errors. `write` prints JSON, `show` gives the module that shows things."""
    from .chat_template import ChatTemplate
    from .explain.lint import SEVERITIES, check
    from .tokens import load_tokenizer

    if args.budget is not None and (args.budget < 1 or not args.search):
        raise Usage(f"--budget {args.budget}: expected --search, and at least 1")
    template = ChatTemplate.load(existing(args.template), args.template_name)
    tokenizer = load_tokenizer(existing(args.tokenizer)) if args.tokenizer else None
    run = check(template, tokenizer, (args.budget or BUDGET) if args.search else 0, args.seed)
    kept = [f for f in run.findings if SEVERITIES.index(f.severity) <= SEVERITIES.index(args.severity)]
    if args.json:
        write(form(template, run, kept, args))
    else:
        people(show(), template, run, kept, args)
    return not any(f.severity == "error" for f in run.findings)


def form(template: ChatTemplate, run: Lint, kept: list[Finding], args: argparse.Namespace) -> dict[str, Any]:
    """What `--json` writes."""
    said = {"path": template.origin, "name": template.name, "sha256": template.sha256}
    searched = {"conversations": run.drawn, "seed": args.seed} if args.search else None
    return {
        "template": said, "counts": counts(run.findings), "conversations": run.tried, "search": searched,
        "findings": [f.to_dict() for f in kept],
    }  # fmt: skip


def counts(findings: list[Finding]) -> dict[str, int]:
    """How many of each severity."""
    return {s: sum(f.severity == s for f in findings) for s in STYLES}


def people(show: Any, template: ChatTemplate, run: Lint, kept: list[Finding], args: argparse.Namespace) -> None:
    """All of it, on a terminal."""
    from rich.text import Text

    to = show.console(not args.no_color)
    for finding in kept:
        one(show, to, finding)
        to.print()
    number = counts(run.findings)
    parts = [f"{count} {s}{'s' if count != 1 else ''}" for s, count in number.items()]
    to.print(Text(f"{template.origin}: {', '.join(parts)}; {run.tried} conversations", style="bold"), soft_wrap=True)
    if args.search:
        new = sum(any(c.startswith("search:") for c in f.cases) for f in run.findings)
        to.print(Text(f"search: {new or 'no'} further finding{'s' if new > 1 else ''} in {run.drawn} random "
                      f"conversations (seed {args.seed})"), soft_wrap=True)  # fmt: skip


def one(show: Any, to: Any, finding: Finding) -> None:
    """One finding."""
    from rich.text import Text

    style = STYLES[finding.severity]
    where = f"  line {finding.line}" if finding.line else ""
    to.print(Text.assemble((f"{finding.severity} ", style), (finding.code, "bold"), (where, DIM)), soft_wrap=True)
    show.block(to, "", finding.message)
    if finding.excerpt and finding.line:
        marked = [line for line in finding.excerpt.split("\n") if line.startswith(">")]
        show.block(to, "template", "\n".join(marked), DIM)
    for n, message in enumerate(finding.messages):
        show.block(to, "given" if not n else "", spelled(message), show.STYLES.get(message.get("role"), ""))
    if finding.tools:
        names = ", ".join(t["function"]["name"] for t in finding.tools)
        show.block(to, "", f"tools: {names}", show.STYLES["tools"])
    if finding.variables:
        show.block(to, "", ", ".join(f"{k}={json.dumps(v)}" for k, v in finding.variables.items()), DIM)
    if finding.shown:
        show.block(to, "came out", finding.shown.replace("\n", "↵\n") if "\nafter:" not in finding.shown
                   else finding.shown, "")  # fmt: skip
    cases = [c for c in finding.cases if c.removeprefix("system+") == c or c[7:] not in finding.cases]
    if len(cases) > 1:
        show.block(to, "also in", ", ".join(cases[:8]) + (", …" if len(cases) > 8 else ""), DIM)
    show.block(to, "hint", finding.hint, "green")


def spelled(message: dict[str, Any]) -> str:
    """A message on a line, as JSON, the role first."""
    rest = {k: v for k, v in message.items() if k != "role"}
    return f"{message.get('role')}: " + json.dumps(rest, ensure_ascii=False)
