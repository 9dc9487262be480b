"""Runs what docs/cli.md and docs/openai.md show, and writes what it says into them. `--check` only compares.

In a block marked `console`, lines after `$ ` are commands, run in docs/examples; a `text` block right behind a
`python` block is what that program prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("docs/cli.md", "docs/openai.md")
BLOCK = re.compile(r"^```(console|python|text)\n(.*?)^```\n", re.M | re.S)


def output(command: list[str] | str) -> str:
    """What a command prints, errors too; lines end without blanks."""
    path = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
    env = {**os.environ, "PYTHONPATH": path, "COLUMNS": "100", "PY": sys.executable}
    if isinstance(command, str):
        command = ["sh", "-c", 'turnwire() { "$PY" -m turnwire "$@"; }\n' + command]
    where = ROOT / "docs" / "examples"
    done = subprocess.run(command, cwd=where, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return "".join(line.rstrip() + "\n" for line in done.stdout.splitlines())


def refreshed(page: str) -> str:
    """The page with every output made again."""
    program = ""

    def block(m: re.Match[str]) -> str:
        nonlocal program
        kind, body = m.groups()
        said, program = program, ""
        if kind == "python":
            program = output([sys.executable, "-c", body])
        elif kind == "text" and said:
            body = said
        elif kind == "console":
            commands = [line for line in body.splitlines() if line.startswith("$ ")]
            body = "\n".join(f"{c}\n{output(c[2:])}" for c in commands)
        return f"```{kind}\n{body}```\n"

    return BLOCK.sub(block, page)


def main() -> int:
    stale: list[str] = []
    for name in PAGES:
        page = (ROOT / name).read_text("utf-8")
        fresh = refreshed(page)
        if fresh != page:
            stale.append(name)
            if "--check" not in sys.argv:
                (ROOT / name).write_text(fresh, "utf-8")
    print(", ".join(stale) + ": stale" if stale else "up to date")
    return 1 if stale and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
