"""The command line: `turnwire render | parse | show | tokenize | infer | diff | lint | formats | detect | demo`.
See docs/cli.md.

Exit codes: 0 ok; 1 the model's output has faults, or calls that may not be run, no format is inferred, prompts differ,
rows failed, or lint finds errors; 2 wrong usage, with one line on stderr that says what to change; 3 an error in
turnwire itself; 130 interrupted; 141 the reader of a pipe went away. What people read needs rich (the extra `cli`);
`--json`, `--text`, `--ids`, `tokenize` and the source that `infer` prints do not. Text is UTF-8, in and out.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, cast

from . import clibulk, clidiff, clilint, clishow
from .cliinput import (
    Usage,
    conversation,
    existing,
    ids_in,
    known,
    pieces,
    read_json,
    read_text,
    tokenizer_of,
    with_own_tokenizer,
)
from .errors import TurnwireError, check_text

OK, FAULTS, USAGE, INTERNAL, INTERRUPTED, PIPE = 0, 1, 2, 3, 130, 141
EITHER = ("format", "template")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    _utf8()
    try:
        args = _arguments().parse_args(argv)
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        _hang_up()
        return PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Usage as e:
        return _complain(str(e), USAGE)
    except TurnwireError as e:
        from .clitemplate import tokens_missing

        said = str(e).partition("\n")[0]  # an excerpt of a template may follow
        return _complain(said + tokens_missing(e), USAGE)
    except OSError as e:
        return _complain(f"{e.filename}: {e.strerror}" if e.filename else str(e), USAGE)
    except Exception as e:
        if os.environ.get("TURNWIRE_DEBUG"):
            raise
        return _complain(
            f"an error in turnwire, please report it: {type(e).__name__}: {e} (TURNWIRE_DEBUG=1 shows where)", INTERNAL
        )


def _complain(problem: str, code: int) -> int:
    line = " ".join(problem.split()).encode("utf-8", "backslashreplace").decode()
    print(f"turnwire: {line}", file=sys.stderr)
    return code


def _hang_up() -> None:
    """Nobody reads stdout any more: what is left in it must not raise at exit."""
    with contextlib.suppress(OSError, ValueError):  # not a real stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _utf8() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and stream in (sys.__stdout__, sys.__stderr__) and hasattr(stream, "reconfigure"):
            cast("Any", stream).reconfigure(encoding="utf-8", newline="\n")


# arguments


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message}; see `{self.prog} --help`")


def _arguments() -> argparse.ArgumentParser:
    from . import __version__

    parser = _Parser(prog="turnwire", description="Chat turns to the tokens a model expects, and back.")
    parser.add_argument("--version", action="version", version=f"turnwire {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, run: Any, doc: str, needs: Sequence[str] = ()) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=doc[0].lower() + doc[1:-1], description=doc, allow_abbrev=False)
        sub.set_defaults(run=run)
        one = sub.add_mutually_exclusive_group(required=True) if len(needs) > 1 else sub
        if "format" in needs:
            one.add_argument("--format", "-f", help="a format's name, or a model id")
        if "template" in needs:
            one.add_argument("--template", metavar="PATH", help="a model folder, chat template or GGUF, of any model")
            sub.add_argument("--template-name", metavar="NAME", help="which of several templates")
        sub.add_argument("--no-color", action="store_true", help="no colours (nor with NO_COLOR set)")
        return sub

    def tokenizer(sub: argparse.ArgumentParser) -> None:
        group = sub.add_mutually_exclusive_group()
        group.add_argument("--tokenizer", metavar="PATH", help="a tokenizer.json, model folder or tiktoken rank file")
        group.add_argument("--small", action="store_true", help="the small tokenizer that turnwire ships, for trials")

    sub = command("render", render, "Render a conversation to the prompt that a model expects.", EITHER)
    sub.add_argument(
        "conversation", metavar="CONVERSATION.json", help="messages, or {messages, tools, options}; - for stdin"
    )
    sub.add_argument("--tools", metavar="T.json", help="a list of tools")
    tokenizer(sub)
    form = sub.add_mutually_exclusive_group()
    form.add_argument("--text", action="store_true", help="the text, and nothing else (the default)")
    form.add_argument("--ids", action="store_true", help="the token ids, as a JSON list; needs a tokenizer")
    form.add_argument("--json", action="store_true", help="text, ids and runs, as one JSON object")
    sub.add_argument("--add-generation-prompt", "-g", action="store_true", help="open an assistant turn at the end")
    sub.add_argument("--continue-final-message", action="store_true", help="leave the last assistant turn open")
    sub.add_argument(
        "--option", "-o", action="append", default=[], metavar="NAME=VALUE", help="an option, or a template's variable"
    )
    sub.add_argument("--trust-content", action="store_true", help="content may spell control tokens")
    sub.add_argument("--origins", action="store_true", help="with --json and --template: where each character is from")

    sub = command("parse", parse, "Parse what a model wrote.", EITHER)
    sub.add_argument(
        "output", metavar="OUTPUT", help="a file of text or of a JSON list of ids; - for stdin, read as it comes"
    )
    sub.add_argument("--tools", metavar="T.json", help="a list of tools, to check calls against")
    sub.add_argument("--prompt", metavar="P", help="a file: the prompt that was sent, text or a JSON list of ids")
    tokenizer(sub)
    sub.add_argument("--finish-reason", metavar="R", help="why the reply ended: stop, length, tool_calls or abort")
    sub.add_argument("--input", choices=("auto", "text", "ids"), default="auto", help="what OUTPUT holds")
    sub.add_argument("--events", action="store_true", help="one line per event, as it comes")
    sub.add_argument("--json", action="store_true", help="one JSON object; with --events, one per event")

    sub = command("show", clishow.run, "Show a prompt, a reply or both as turns, parts and tokens.", EITHER)
    clishow.arguments(sub)
    tokenizer(sub)

    sub = command("tokenize", clibulk.run, "Turn files of conversations into token ids and masks.", EITHER)
    clibulk.arguments(sub)
    tokenizer(sub)

    sub = command("infer", infer, "Infer a format from a chat template, and print it as Python.")
    sub.add_argument("template", metavar="PATH", help="a model folder, a chat template, or a GGUF")
    sub.add_argument("--template-name", metavar="NAME", help="which of several templates")
    sub.add_argument(
        "--option", "-o", action="append", default=[], metavar="NAME=TEXT", help="a special token that it is given"
    )
    tokenizer(sub)
    sub.add_argument("--name", metavar="NAME", help="what to call the format")
    sub.add_argument("--json", action="store_true", help="the evidence, as one JSON object")

    clidiff.arguments(command("diff", clidiff.run, "Compare the prompts of two sides, and say why they differ."))
    clilint.arguments(command("lint", lint, "Check what a chat template does to conversations."))

    sub = command("formats", formats, "List the formats.")
    sub.add_argument("names", nargs="*", metavar="NAME", help="these only: names, or model ids")
    sub.add_argument("--json", action="store_true", help="a JSON list")

    sub = command("detect", detect, "Tell the format of a model folder, or of a chat template.")
    sub.add_argument("source", metavar="PATH", help="a model folder, a template file, or a GGUF")
    sub.add_argument("--json", action="store_true", help="one JSON object")

    sub = command("demo", demo, "Play an agent that plans a weekend, on recorded replies.", ["format"])
    sub.add_argument("--model-dir", metavar="DIR", help="a model folder, for its tokenizer")
    sub.add_argument("--speed", type=float, metavar="N", help="tokens per second (as fast as can be)")
    sub.add_argument("--full", action="store_true", help="show all tokens")
    sub.add_argument("--json", action="store_true", help="everything as one JSON object")
    return parser


# input and output


def _print(value: Any) -> None:
    from .codecs import dumps_encodable as dumps

    sys.stdout.write(dumps(value) + "\n")


def _show() -> Any:
    if importlib.util.find_spec("rich") is None:
        raise Usage("this needs rich: pip install 'turnwire[cli]', or ask for --json")
    from . import show

    return show


# commands


def render(args: argparse.Namespace) -> int:
    """`turnwire render`."""
    from .clitemplate import chat_template, template_form
    from .families import get_format
    from .jsonform import rendered_form

    fmt = None if args.template else get_format(args.format)
    if args.origins and not (args.template and args.json):
        raise Usage("--origins shows where a template's text is from: add --template PATH and --json")
    messages, tools, options = conversation(args)
    for flag in ("add_generation_prompt", "continue_final_message"):
        options[flag] = getattr(args, flag) or options.get(flag, False)
    options |= {"trust_content": True} if args.trust_content else {}
    source: Any = chat_template(args, tools) if fmt is None else fmt
    if args.ids:
        with_own_tokenizer(args)
    tokenizer = tokenizer_of(args, fmt)
    if args.ids and tokenizer is None:
        small = ", or --small for the one that turnwire ships" if fmt else ""
        raise Usage(f"--ids needs a tokenizer: add --tokenizer PATH{small}")
    out = source.render(messages, tools, tokenizer, **known(options))
    if not args.json and not args.ids:
        check_text(out.text, "template")  # which may write what cannot be printed
    if args.json and fmt is None:
        _print(template_form(source, out, tokenizer is not None, args.origins))
    elif args.json:
        _print(rendered_form(source, out, tokenizer is not None))
    elif args.ids:
        _print(out.ids)
    elif sys.stdout.isatty() and not args.text and importlib.util.find_spec("rich") is not None:
        show = _show()
        roles = [m.get("role") or "" for m in messages]
        show.console(not args.no_color).print(show.rendered(out, roles), soft_wrap=True)
    else:
        sys.stdout.write(out.text)
    return OK


def parse(args: argparse.Namespace) -> int:
    """`turnwire parse`."""
    from .clitemplate import template_format
    from .events import Event, Fault
    from .families import get_format
    from .jsonform import event_form, parsed_form, sound
    from .parsers.stream import FINISH_REASONS

    fmt = None if args.template else get_format(args.format)
    if args.finish_reason not in (None, *FINISH_REASONS):
        raise Usage(f"--finish-reason {args.finish_reason}: expected one of {', '.join(FINISH_REASONS)}")
    tokenizer = tokenizer_of(args, fmt)
    tools = read_json(args.tools) if args.tools else None
    if fmt is None:
        fmt = template_format(args, tools, tokenizer)
    prompt: Any = None
    if args.prompt:
        prompt = read_text(args.prompt)
        ids = ids_in(prompt)
        prompt = prompt if ids is None else ids
    parser = fmt.parser(tokenizer, tools, prompt)
    show = None if args.json else _show()
    to: Any = None if show is None else show.console(not args.no_color)
    live = args.events or (args.output == "-" and not args.json)
    faults: list[Fault] = []

    def tell(events: list[Event]) -> None:
        faults.extend(e for e in events if isinstance(e, Fault))
        for e in events if live else ():
            if show is None:
                _print(event_form(e))
            else:
                to.print(show.event(e), soft_wrap=True)
        if live:
            sys.stdout.flush()

    for piece in pieces(args.output, args.input):
        if isinstance(piece, str):
            tell(parser.feed_text(piece))
        elif tokenizer is None:
            raise Usage("OUTPUT is a list of ids: add --tokenizer PATH or --small (or --input text, if it is text)")
        else:
            tell(parser.feed(piece))
    tell(parser.close(args.finish_reason))
    good = sound(parser.turn, faults)
    if show is None and not live:
        _print(parsed_form(fmt, parser.turn, faults, args.finish_reason))
    elif show is not None and not args.events:
        if live:
            to.print()
        show.turn(to, parser.turn)
        show.faults(to, faults)
        if args.finish_reason is None and any(c.status == "incomplete" for c in parser.turn.calls):
            show.block(to, "note", "if the model ended the reply by itself, say so: --finish-reason stop")
    return OK if good else FAULTS


def infer(args: argparse.Namespace) -> int:
    """`turnwire infer`."""
    from .clitemplate import chat_template, given, inferred, refusal

    template = given(chat_template(args, True), args.option)
    form, source = inferred(template, tokenizer_of(args, None), args.name)
    if args.json:
        _print(form)
    elif source:
        sys.stdout.write(source)
    else:
        return _complain(f"{args.template}: no format: {refusal(form)}", FAULTS)
    return OK if source else FAULTS


def lint(args: argparse.Namespace) -> int:
    """`turnwire lint`."""
    return OK if clilint.lint(args, _print, _show) else FAULTS


def formats(args: argparse.Namespace) -> int:
    """`turnwire formats`."""
    from .families import get_format, list_formats
    from .jsonform import format_form

    known = [get_format(name) for name in args.names or list_formats()]
    if args.json:
        _print([format_form(fmt) for fmt in known])
    else:
        show = _show()
        show.formats(show.console(not args.no_color), known)
    return OK


def detect(args: argparse.Namespace) -> int:
    """`turnwire detect`."""
    from .detect import detect_format

    found = detect_format(existing(args.source))
    if args.json:
        _print({"format": found.format.name, "by": found.by, "reason": found.reason, "template": found.template})
    else:
        print(f"{found.format.name} (by {found.by}: {found.reason})")
    return OK


def demo(args: argparse.Namespace) -> int:
    """`turnwire demo`."""
    from .demo.play import Stage, play, play_json
    from .families import get_format
    from .tokens import load_tokenizer, small_tokenizer
    from .wire import Frame, walk

    fmt: Any = get_format(args.format or "qwen3")
    if not any(isinstance(w, Frame) and w.kind == "call" for w in walk(fmt.reply)):
        raise Usage(f"--format {args.format}: expected a format with calls")
    if args.speed is not None and not args.speed > 0:
        raise Usage(f"--speed {args.speed}: expected more than 0 tokens per second")
    tokenizer = load_tokenizer(existing(args.model_dir)) if args.model_dir else small_tokenizer(fmt)
    stage = Stage(fmt, tokenizer, args.speed, args.full)
    if args.json:
        _print(play_json(stage))
    else:
        _show()
        play(stage, not args.no_color)
    return OK
