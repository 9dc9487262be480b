"""For tests of projects that depend on a prompt: that two sides give the same, and that one gives what it gave.

    from turnwire.testing import assert_same_prompt, golden_prompt

    def test_serving_renders_as_training() -> None:
        assert_same_prompt("./model", turnwire.Engine("http://localhost:8000"), MESSAGES, TOOLS)

    def test_the_template_has_not_moved() -> None:
        golden_prompt("tests/goldens/tools.json", "./model", MESSAGES, TOOLS)

Failures are `AssertionError`s that say where, who wrote what stands there, and why. A golden file is JSON to be read
in a review: what was rendered, the text line by line, the ids, and hashes of what it was made with, so that a failure
says which of them changed. It is written when TURNWIRE_UPDATE_GOLDENS is 1 (or pytest runs with
`--update-prompt-goldens`, for the fixture `prompt_golden`), and never otherwise.

pytest loads this module wherever turnwire is installed, as a plugin; so what it needs is loaded when it is used.
"""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import __version__
from .errors import InputError

if TYPE_CHECKING:
    from .explain.diff import Divergence
    from .explain.regions import Excerpt
    from .explain.sides import Prompt
    from .tokens import Tokenizer

UPDATE = "TURNWIRE_UPDATE_GOLDENS"
VERSION = 1
SHOWN = 3  # regions that a failure shows
LONGEST = 300  # characters of what differs


def assert_same_prompt(
    a: Any,
    b: Any,
    messages: Any = None,
    tools: Any = None,
    tokenizer: Tokenizer | None = None,
    options_a: Mapping[str, Any] | None = None,
    options_b: Mapping[str, Any] | None = None,
    **options: Any,
) -> None:
    """That `a` and `b` give one prompt for a conversation; arguments as of `turnwire.diff`. Raises `AssertionError`
    that says where they differ and why."""
    __tracebackhide__ = True
    from .explain.diff import diff

    found = diff(a, b, messages, tools, tokenizer, options_a, options_b, **options)
    if found is not None:
        raise AssertionError(described(found))


def golden_prompt(
    path: str | PathLike[str],
    given: Any,
    messages: Any,
    tools: Any = None,
    tokenizer: Tokenizer | None = None,
    **options: Any,
) -> Prompt:
    """The prompt that a side gives for a conversation, which has to be what the golden file at `path` holds.

    Raises `AssertionError` where it is not: with what differs, and which of the assets (template, tokenizer, turnwire
    itself) changed. Without the file, or if the conversation is another, it says how to write it. A prompt that is the
    same although an asset changed passes; its hashes are renewed at the next update.
    """
    __tracebackhide__ = True
    from .explain.sides import side

    found = side(given)
    tokenizer = tokenizer or getattr(found, "tokenizer", None)
    made = found.prompt(messages, tools, tokenizer, options)
    place = Path(fspath(path))
    record = _record(made, messages, tools, options)
    if os.environ.get(UPDATE) == "1":
        _write(place, record)
        return made
    held = _read(place)
    if held["conversation"] != record["conversation"]:
        raise AssertionError(f"{place} is of another conversation\n{_lines(held, record, 'conversation')}\n{_how()}")
    if (held["text"], held["ids"]) == (record["text"], record["ids"]):
        return made
    raise AssertionError(f"{given if isinstance(given, str) else made.name} is not what {place} holds\n"
                         f"{_changed(held, record)}\n{_difference(held, made, place)}\n{_how()}")  # fmt: skip


def described(found: Divergence) -> str:
    """A divergence in plain lines: where, who wrote what stands there, why; three regions at most."""
    count = len(found.regions)
    lines = [f"prompts differ in {count} {'place' if count == 1 else 'places'}, A {found.a.name}, B {found.b.name}"]
    for number, region in enumerate(found.regions[:SHOWN], 1):
        causes = "; ".join(f"{c.name} ({c.side.upper()}) {c.detail}" if c.side else f"{c.name} {c.detail}"
                           for c in region.causes)  # fmt: skip
        lines.append(f"{number}. {region.kind}: {causes}")
        lines += [f"   {name} {line}" for name, e in (("A", region.a), ("B", region.b)) for line in _excerpt(e)]
    if count > SHOWN:
        lines.append(f"and {count - SHOWN:,} more")
    return "\n".join(lines)


def _excerpt(e: Excerpt) -> Iterator[str]:
    yield f"{_shown(e.before)} >>{_shown(e.text)}<< {_shown(e.after)}"
    where = [f"character {e.start:,}"]
    if e.tokens is not None and e.ids is not None:
        shown = " ".join(map(str, e.ids[:12])) + " ..." * (len(e.ids) > 12)
        where.append(f"token {e.tokens[0]:,}" + f": {shown}" * bool(shown))
    if e.path:
        where.append(f"from {e.path}")
    if e.line is not None:
        where.append(f"template line {e.line}: {_shown(e.source.strip())}")
    yield "  " + ", ".join(where)


def _shown(text: str) -> str:
    text = text if len(text) <= LONGEST else text[: LONGEST // 2] + " ... " + text[-LONGEST // 2 :]
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


# golden files


def _record(made: Prompt, messages: Any, tools: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    conversation = {"messages": messages, "tools": tools, "options": dict(options)}
    try:
        plain = json.loads(json.dumps(conversation, default=_plain))
    except (TypeError, ValueError):
        raise InputError("a conversation that JSON cannot hold", value=None, path="messages",
                         expected="dicts, lists, strings and numbers") from None  # fmt: skip
    return {
        "golden": VERSION,
        "turnwire": __version__,
        "side": Path(made.name).name if Path(made.name).is_absolute() else made.name,
        "assets": dict(sorted(made.assets.items())),
        "conversation": plain,
        "text": made.text,
        "ids": made.ids,
    }


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "openai"):
        return value.openai
    if hasattr(value, "isoformat"):
        return value.isoformat()
    raise TypeError


def _write(place: Path, record: dict[str, Any]) -> None:
    """Readable in a review: the text by lines, the ids in rows."""
    ids: list[int] | None = record["ids"]
    rows = [] if ids is None else [", ".join(map(str, ids[i : i + 16])) for i in range(0, len(ids), 16)]
    held = {**record, "text": record["text"].splitlines(keepends=True), "ids": None if ids is None else "@"}
    text = json.dumps(held, ensure_ascii=False, indent=1)
    if ids is not None:
        inner = ",\n  ".join(rows)
        text = text.removesuffix('"@"\n}') + (f"[\n  {inner}\n ]\n}}" if rows else "[]\n}")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text + "\n", "utf-8", newline="\n")


def _read(place: Path) -> dict[str, Any]:
    __tracebackhide__ = True
    if not place.exists():
        raise AssertionError(f"there is no golden file {place}\n{_how()}")
    try:
        held: Any = json.loads(place.read_text("utf-8"))
        fits = held["golden"] == VERSION and {"assets", "conversation", "text", "ids", "turnwire"} <= set(held)
        held["text"] = "".join(held["text"])
    except (ValueError, KeyError, TypeError, RecursionError):
        fits, held = False, {}
    if not fits:
        raise AssertionError(f"{place} is no golden file of this version\n{_how()}")
    return held


def _changed(held: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Which of the assets are others than they were."""
    was, now = ({**r["assets"], "turnwire": r["turnwire"]} for r in (held, record))
    lines = [f"  {name}: {was.get(name, 'none')[:16]} -> {now.get(name, 'none')[:16]}"
             for name in sorted(was.keys() | now.keys()) if was.get(name) != now.get(name)]  # fmt: skip
    return "\n".join(["changed:", *lines]) if lines else "no asset changed: what is asked of them did, or a server"


def _difference(held: Mapping[str, Any], made: Prompt, place: Path) -> str:
    from .explain.diff import diff
    from .explain.sides import Logged

    logged = Logged(ids=held["ids"], text=held["text"], name=str(place))
    fresh = _Given(made)
    found = diff(logged, fresh, (), None, made.tokenizer)
    return described(found) if found is not None else _ids(held["ids"], made.ids)


def _ids(was: list[int] | None, now: list[int] | None) -> str:
    if was is None or now is None:
        return f"ids: {'none' if was is None else 'some'} -> {'none' if now is None else 'some'}, and the same text"
    at = next((i for i, (x, y) in enumerate(zip(was, now)) if x != y), min(len(was), len(now)))
    return f"ids differ from token {at:,} on: {was[at : at + 8]} -> {now[at : at + 8]}"


class _Given:
    """A prompt that is there, as a side."""

    fixed = True

    def __init__(self, made: Prompt):
        self.made, self.name = made, made.name

    def prompt(self, messages: Any, tools: Any, tokenizer: Tokenizer | None, options: Mapping[str, Any]) -> Prompt:
        return self.made


def _lines(held: Mapping[str, Any], record: Mapping[str, Any], key: str) -> str:
    was, now = (json.dumps(r[key], ensure_ascii=False, indent=1).splitlines() for r in (held, record))
    return "\n".join([*difflib.unified_diff(was, now, "the file", "the test", lineterm="", n=1)][:40])


def _how() -> str:
    return f"{UPDATE}=1 writes it anew; read the change before it is committed"


# the plugin


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-prompt-goldens`."""
    parser.getgroup("turnwire").addoption(
        "--update-prompt-goldens", action="store_true", default=False, help="write golden prompts anew"
    )


@pytest.fixture
def prompt_golden(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Prompt]:
    """`golden_prompt` whose file is `goldens/TEST.json` beside the test's file, or `goldens/NAME.json` with `name=`."""
    if request.config.getoption("--update-prompt-goldens", default=False):
        monkeypatch.setenv(UPDATE, "1")

    def check(given: Any, messages: Any, tools: Any = None, tokenizer: Tokenizer | None = None, *, name: str = "",
              **options: Any) -> Prompt:  # fmt: skip
        __tracebackhide__ = True
        stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in name or request.node.name)
        return golden_prompt(
            request.path.parent / "goldens" / f"{stem}.json", given, messages, tools, tokenizer, **options
        )

    return check
