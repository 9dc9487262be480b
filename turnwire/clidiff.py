"""`turnwire diff A B [CONVERSATION]`: its arguments, and what it prints.

Exit codes: 0 the same prompt (or no difference found), 1 they differ, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from .cliinput import Usage, existing, option, read_json

OK, DIFFERENT = 0, 1
SIDE = (
    "a format's name, a model folder, template or GGUF, logged ids or text, an engine's address; "
    "prefixes say which: format: template: ids: text: http://"
)


def arguments(sub: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    sub.add_argument("a", metavar="A", help=SIDE)
    sub.add_argument("b", metavar="B", help="the other side")
    sub.add_argument(
        "conversation", metavar="CONVERSATION.json", nargs="?", help="messages, or {messages, tools, options}; - for "
        "stdin; without one, conversations are searched for a difference",
    )  # fmt: skip
    sub.add_argument("--tools", metavar="T.json", help="a list of tools")
    sub.add_argument("--tokenizer", metavar="PATH", help="a tokenizer.json, model folder or tiktoken rank file")
    sub.add_argument("--key-variable", metavar="NAME", help="the environment variable with the key of an engine")
    sub.add_argument("--add-generation-prompt", "-g", action="store_true", help="open an assistant turn at the end")
    for flag, whose in (("--option", "both sides"), ("--option-a", "A"), ("--option-b", "B")):
        short = ("-o",) if flag == "--option" else ()
        sub.add_argument(flag, *short, action="append", default=[], metavar="NAME=VALUE", help=f"an option of {whose}")
    sub.add_argument("--search", action="store_true", help="search, as without a conversation")
    sub.add_argument("--budget", type=int, metavar="N", help="conversations that are searched (1,000)")
    sub.add_argument("--seed", type=int, metavar="N", help="of the search (0)")
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--all", action="store_true", help="every region, also of the same cause")
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--html", metavar="OUT.html", help="both prompts side by side, a page for a browser: one file")


def run(args: argparse.Namespace) -> int:
    """`turnwire diff`."""
    from .explain.diff import diff
    from .explain.sides import side
    from .tokens import load_tokenizer

    a, b = (_with_key(side(name), args.key_variable) for name in (args.a, args.b))
    tokenizer = load_tokenizer(existing(args.tokenizer)) if args.tokenizer else None
    messages, tools, options = _conversation(args)
    own = {name: dict(map(option, given)) for name, given in (("a", args.option_a), ("b", args.option_b))}
    fixed = [getattr(s, "fixed", False) for s in (a, b)]
    if messages is None and not all(fixed):
        if any(fixed):
            raise Usage(
                f"a logged prompt is of one conversation: add CONVERSATION.json, which {args.a} and {args.b} show"
            )
        return _search(args, a, b, tools, tokenizer, options, own)
    if args.search or args.budget is not None or args.seed is not None:
        odd = "two logged prompts" if messages is None else "a conversation"
        raise Usage(f"--search, --budget and --seed look for a conversation; here is {odd}")
    found = diff(a, b, messages, tools, tokenizer, own["a"], own["b"], **options)
    if args.html and found is not None:
        _page(args.html, found)
    elif args.json:
        _print({"equal": True, "a": args.a, "b": args.b} if found is None else found.to_dict())
    else:
        to, view = _view(args)
        if found is None:
            view.equal(to, (args.a, args.b))
        else:
            view.show(to, found, args.all)
    return OK if found is None else DIFFERENT


def _with_key(given: Any, variable: str | None) -> Any:
    """An engine that has the key of a variable; other sides as they are."""
    if variable is None:
        return given
    from .explain.engines import Engine

    return replace(given, key_variable=variable) if isinstance(given, Engine) else given


def _search(
    args: argparse.Namespace, a: Any, b: Any, tools: Any, tokenizer: Any, options: dict[str, Any], own: dict[str, Any]
) -> int:
    from .explain.search import search

    done = search(
        a, b, budget=1_000 if args.budget is None else args.budget, seed=args.seed or 0, tools=tools,
        tokenizer=tokenizer, options_a=own["a"], options_b=own["b"], **options,
    )  # fmt: skip
    if args.html and done.found is not None:
        _page(args.html, done.found)
    elif args.json:
        _print(done.to_dict())
    else:
        to, view = _view(args)
        view.searched(to, done, args.all)
    return OK if done.found is None else DIFFERENT


def _conversation(args: argparse.Namespace) -> tuple[Any, Any, dict[str, Any]]:
    given = read_json(args.conversation) if args.conversation else {"messages": None}
    whole = cast("dict[str, Any]", given) if isinstance(given, dict) else {"messages": given}
    unknown = set(whole) - {"messages", "tools", "options"}
    if "messages" not in whole or unknown:
        odd = f"unknown key {sorted(unknown)[0]!r}" if unknown else "no messages"
        raise Usage(f"{args.conversation}: {odd}; expected messages, or an object of messages, tools and options")
    options: Any = whole.get("options") or {}
    if not isinstance(options, dict):
        raise Usage(f"{args.conversation}: options is a {type(options).__name__}; expected an object")
    options = {**cast("dict[str, Any]", options), **dict(map(option, args.option))}
    if args.add_generation_prompt:
        options["add_generation_prompt"] = True
    for name in ("self", "a", "b", "messages", "tools", "tokenizer", "options_a", "options_b", "inputs"):
        if name in options:
            raise Usage(f"{name!r} is not an option of a prompt")
    return whole["messages"], read_json(args.tools) if args.tools else whole.get("tools"), options


def _page(path: str, found: Any) -> None:
    from .explain.comparison import page_of

    Path(path).write_text(page_of(found).to_html(), "utf-8", newline="\n")


def _view(args: argparse.Namespace) -> tuple[Any, Any]:
    if importlib.util.find_spec("rich") is None:
        raise Usage("this needs rich: pip install 'turnwire[cli]', or ask for --json")
    from . import show
    from .explain import diffview

    return show.console(not args.no_color), diffview


def _print(value: Any) -> None:
    from .codecs import dumps_encodable as dumps

    sys.stdout.write(dumps(value) + "\n")
