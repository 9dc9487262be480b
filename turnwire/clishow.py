"""`turnwire show [WHAT]`: a conversation, a logged prompt, a reply, or a prompt and its reply, as turns, parts and
tokens; on the terminal, as data, or as one HTML file (see turnwire/explain/page.py).

Exit codes: 0 ok, 1 the reply has faults or calls that may not be run, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from .cliinput import Usage, ids_in, known, name_of, parts_of, read_json, read_text, tokenizer_of

if TYPE_CHECKING:
    from .explain.document import Document
    from .format import Format
    from .tokens import Tokenizer

OK, FAULTS = 0, 1
LEVELS = {"turns": 1, "parts": 2, "tokens": 3}


def arguments(sub: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    sub.add_argument(
        "conversation", metavar="WHAT", nargs="?",
        help="messages, or {messages, tools, options}; or a logged prompt, text or a JSON list of ids; - for stdin",
    )  # fmt: skip
    sub.add_argument("--reply", metavar="OUTPUT", help="what the model wrote to it, text or a JSON list of ids")
    sub.add_argument("--finish-reason", metavar="R", help="why the reply ended: stop, length, tool_calls or abort")
    sub.add_argument("--tools", metavar="T.json", help="a list of tools")
    sub.add_argument(
        "--input",
        choices=("auto", "conversation", "text", "ids"),
        default="auto",
        help="what WHAT is, if it is unclear",
    )
    sub.add_argument("--add-generation-prompt", "-g", action="store_true", help="open an assistant turn at the end")
    sub.add_argument(
        "--option", "-o", action="append", default=[], metavar="NAME=VALUE", help="an option, or a template's variable"
    )
    sub.add_argument("--trust-content", action="store_true", help="content may spell control tokens")
    sub.add_argument("--level", choices=tuple(LEVELS), default="parts", help="how much is shown (parts)")
    sub.add_argument("--mask", action="store_true", help="mark the tokens that the model wrote")
    sub.add_argument("--full", action="store_true", help="long parts whole, on the terminal")
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--html", metavar="OUT.html", help="write a page for a browser: one file, no network")
    form.add_argument("--json", action="store_true", help="what the page is made of, as one JSON object")


def run(args: argparse.Namespace) -> int:
    """`turnwire show`."""
    from .explain.page import Page

    if args.conversation is None and args.reply is None:
        raise Usage("nothing to show: give a conversation, a logged prompt, or --reply OUTPUT")
    if args.conversation == args.reply == "-":
        raise Usage("WHAT and --reply are both stdin; one of them has to be a file")
    document = _document(args)
    names = [name_of(p) for p in (args.conversation, args.reply) if p]
    page = Page([document], " + ".join(names) + f" · {args.format or args.template}", level=LEVELS[args.level])
    if args.html:
        Path(args.html).write_text(page.to_html(), "utf-8", newline="\n")
        if sys.stdout.isatty():
            print(f"{args.html}: {len(document.sections)} turns, {_size(document)}")
    elif args.json:
        from .codecs import dumps_encodable as dumps

        sys.stdout.write(dumps(page.to_dict()) + "\n")
    else:
        if importlib.util.find_spec("rich") is None:
            raise Usage("this needs rich: pip install 'turnwire[cli]', or ask for --html OUT.html or --json")
        from . import show
        from .explain import terminal

        to = show.console(not args.no_color)
        terminal.show(to, document, args.level, mask=args.mask, full=args.full, title=page.title)
    return OK if document.sound else FAULTS


def _size(d: Document) -> str:
    return f"{len(d.tokens.ids):,} tokens" if d.tokens else f"{len(d.text):,} characters"


class _Prompt(NamedTuple):
    """The prompt as a document, and as parsers take it; the tools that it had."""

    document: Document | None
    sent: Any
    tools: Any


def _document(args: argparse.Namespace) -> Document:
    from .families import get_format

    fmt = get_format(args.format) if args.format else None
    tokenizer = tokenizer_of(args, fmt)
    prompt = _prompt(args, fmt, tokenizer)
    if args.reply is None:
        if args.finish_reason:
            raise Usage("--finish-reason is of a reply: add --reply OUTPUT")
        return cast("Document", prompt.document)
    reply = _reply(args, fmt, tokenizer, prompt)
    return prompt.document.then(reply) if prompt.document else reply


def _prompt(args: argparse.Namespace, fmt: Format | None, tokenizer: Tokenizer | None) -> _Prompt:
    from .clitemplate import chat_template, template_format
    from .explain.document import encode, of_rendered
    from .explain.logged import of_logged

    tools = read_json(args.tools) if args.tools else None
    if args.conversation is None:
        return _Prompt(None, None, tools)
    name, given = name_of(args.conversation), _given(args)
    if isinstance(given, str) or args.input == "ids" or _is_ids(given):
        if not isinstance(given, str) and tokenizer is None:
            raise Usage(f"{name}: ids: add --tokenizer PATH or --small")
        fmt = fmt or template_format(args, tools, tokenizer)
        facts = [("format", fmt.name)]
        if isinstance(given, str) and tokenizer is not None:
            given = encode(given, fmt.control, tokenizer)
            facts.append(("prompt", "of text, encoded here"))
        return _Prompt(of_logged(given, fmt, tokenizer, name, facts), given, tools)
    messages, tools, options = parts_of(given, args)
    options["add_generation_prompt"] = (
        args.add_generation_prompt or options.get("add_generation_prompt", False) or args.reply is not None
    )
    options |= {"trust_content": True} if args.trust_content else {}
    template = None if fmt else chat_template(args, tools)
    out = (fmt or cast("Any", template)).render(messages, tools, tokenizer, **known(options))
    roles = [str(m.get("role") or "") for m in messages]
    source = template.source if template else ""
    facts = [("template", template.sha256[:12])] if template else []
    document = of_rendered(out, name, roles, source, [("format", fmt.name)] if fmt else facts)
    return _Prompt(document, out, tools)


def _given(args: argparse.Namespace) -> Any:
    """A conversation, ids, or text: JSON that is a list or an object is no text, unless `--input` says so."""
    text = read_text(args.conversation)
    if args.input == "text":
        return text
    if args.input == "auto":
        try:
            value = json.loads(text.removeprefix("\ufeff"))
        except (ValueError, RecursionError):
            return text
        return cast("Any", value) if isinstance(value, (list, dict)) else text
    try:
        value = json.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as e:
        raise Usage(f"{name_of(args.conversation)}: not JSON: {e}") from None
    if args.input == "ids" and not _is_ids(value):
        raise Usage(f"{name_of(args.conversation)}: expected a JSON list of ids")
    return value


def _is_ids(value: Any) -> bool:
    items = cast("list[Any]", value) if isinstance(value, list) else []
    return bool(items) and all(type(i) is int for i in items)


def _reply(args: argparse.Namespace, fmt: Format | None, tokenizer: Tokenizer | None, prompt: _Prompt) -> Document:
    from .clitemplate import template_format
    from .explain.document import encode, of_reply, streamed
    from .parsers.stream import FINISH_REASONS

    if args.finish_reason not in (None, *FINISH_REASONS):
        raise Usage(f"--finish-reason {args.finish_reason}: expected one of {', '.join(FINISH_REASONS)}")
    text = read_text(args.reply)
    output: Any = ids_in(text)
    name = name_of(args.reply)
    fmt = fmt or template_format(args, prompt.tools, tokenizer)
    facts: list[tuple[str, str]] = [] if prompt.document else [("format", fmt.name)]
    if output is None and tokenizer is not None:
        output = encode(text, fmt.control, tokenizer)
        facts.append(("reply", "of text, encoded here"))
    elif output is None:
        output = text
    elif tokenizer is None:
        raise Usage(f"{name}: ids: add --tokenizer PATH or --small")
    result = streamed(fmt, output, prompt.tools, prompt.sent, tokenizer, args.finish_reason)
    return of_reply(result, output, tokenizer, name, fmt.control, facts)
