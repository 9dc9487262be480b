"""Makes what README.md and docs/ show by running it, and writes it into the pages. `--check` only compares;
`--measure` first runs the laws, parity, recovery and conformance, and keeps their summary in docs/measured.txt;
`--measured FILE` keeps that of a run of all tests (TURNWIRE_MEASURE=1 make test > FILE).

In a block marked `console`, lines after `$ ` are commands, run in docs/examples. The `python` blocks of a page are
one program, run from top to bottom; a `text` block right behind one is what it prints. What stands between
`<!-- made: NAME -->` and `<!-- end -->` is made by the function of that name in doc_sections.py.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import doc_measured
import doc_sections

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "README.md",
    "docs/add-a-family.md",
    "docs/bulk.md",
    "docs/cli.md",
    "docs/conformance.md",
    "docs/conversations.md",
    "docs/debugging.md",
    "docs/differences.md",
    "docs/engines.md",
    "docs/formats.md",
    "docs/laws.md",
    "docs/lint.md",
    "docs/openai.md",
    "docs/parsing.md",
    "docs/rendering.md",
    "docs/testing.md",
    "docs/show.md",
    "docs/templates.md",
)
SECTION = re.compile(r"(<!-- made: ([\w-]+) -->\n).*?(<!-- end -->\n)", re.S)
BLOCK = re.compile(r"^```(console|python|text)\n(.*?)^```\n", re.M | re.S)
EITHER = re.compile(f"{SECTION.pattern}|{BLOCK.pattern}", re.M | re.S)
MARK = "=== the next block ==="  # between what the blocks of a page print


class Failed(Exception):
    """A program of a page did not run."""


@functools.cache  # some commands stand in two pages
def output(command: str) -> str:
    """What a line of a shell prints in docs/examples."""
    return ran(["sh", "-c", 'turnwire() { "$PY" -m turnwire "$@"; }\n' + command])


def ran(command: list[str], *, fails: bool = True) -> str:
    """What a command prints, errors too; lines end without blanks."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    env = {**os.environ, "PYTHONPATH": path, "COLUMNS": "100", "PY": sys.executable, "PYTHONIOENCODING": "utf-8"}
    where = ROOT / "docs" / "examples"
    done = subprocess.run(
        command, cwd=where, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    )
    if (done.returncode and not fails) or "please report it" in done.stdout or "Traceback (most" in done.stdout:
        raise Failed(done.stdout)
    return "".join(line.rstrip() + "\n" for line in done.stdout.removesuffix("\n").split("\n"))


def printed(page: str, text: str) -> list[str]:
    """What each python block of a page prints."""
    programs = [m["body"] for m in _parts(text) if m["kind"] == "python"]
    if not programs:
        return []
    try:
        said = ran([sys.executable, "-c", f"print({MARK!r})\n".join(programs)], fails=False)
    except Failed as e:
        raise Failed(f"{page}: {e}") from None
    return said.split(f"{MARK}\n")


def _parts(text: str) -> list[dict[str, str]]:
    return [{"section": m[2], "kind": m[4], "body": m[5]} for m in EITHER.finditer(text)]


def refreshed(page: str, text: str) -> str:
    """The page with every output made again."""
    outputs = iter(printed(page, text))
    program: str | None = None

    def part(m: re.Match[str]) -> str:
        nonlocal program
        if m[2]:
            program = None
            return m[1] + doc_sections.make(m[2]).rstrip("\n") + "\n" + m[3]
        kind, body = m[4], m[5]
        said, program = program, None
        if kind == "python":
            program = next(outputs)
        elif kind == "text" and said is not None:
            body = said
        elif kind == "console":
            commands = [line for line in body.splitlines() if line.startswith("$ ")]
            body = "\n".join(f"{c}\n{output(c[2:])}" for c in commands)
        return f"```{kind}\n{body}```\n"

    return EITHER.sub(part, text)


def main() -> int:
    if "--measure" in sys.argv:
        doc_measured.measure()
    if "--measured" in sys.argv:
        doc_measured.keep(Path(sys.argv[sys.argv.index("--measured") + 1]).read_text("utf-8"), "make test")
    pages = {name: (ROOT / name).read_text("utf-8") for name in PAGES}
    fresh = {name: refreshed(name, page) for name, page in pages.items()}  # all of them, before any is written
    stale = [name for name in PAGES if fresh[name] != pages[name]]
    if "--check" not in sys.argv:
        for name in stale:
            (ROOT / name).write_text(fresh[name], "utf-8")
    print(", ".join(stale) + ": stale" if stale else "up to date")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
