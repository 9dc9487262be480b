"""The measured numbers in the pages: runs the tests that count what they reach, keeps their summary in
docs/measured.txt with date and versions, and makes tables of it."""

from __future__ import annotations

import ast
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SAVED = ROOT / "docs" / "measured.txt"
PROOF = ROOT / "turnwire" / "data" / "proof.json"
TESTS = ("tests/laws", "tests/families")
HEAD = "laws: examples, share admitted, features reached"


def measure() -> None:
    """Run the tests and keep the summary; a failure is an error, and nothing is kept."""
    command = [sys.executable, "-m", "pytest", "-n", "auto", "-p", "no:cacheprovider", *TESTS]
    env = {**os.environ, "TURNWIRE_MEASURE": "1"}  # what is measured is not compared with what was
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)
    if done.returncode:
        raise SystemExit(done.stdout)
    keep(done.stdout, " ".join(TESTS))


def keep(output: str, which: str) -> None:
    """Keep the summary of a run of tests that is done: what it printed. Not of one that failed."""
    lines = output.splitlines()
    at = next((i for i, line in enumerate(lines) if HEAD in line), None)
    end = next((i for i, line in enumerate(lines) if re.search(r"\d passed.* in ", line)), None)
    if at is None or end is None or re.search(r"\d (failed|error)", lines[end]):
        raise SystemExit(output)
    summary = lines[end].strip("= ")
    head = [
        f"date: {datetime.datetime.now(datetime.timezone.utc).date()}",
        f"python: {platform.python_version()}",
        f"run: {which}: {re.sub(' in .*', '', summary)}",
    ]
    found = [line for line in lines[at + 1 : end] if line and not line.startswith(("=", "SKIPPED "))]
    SAVED.write_text("\n".join([*head, "", *found]) + "\n", "utf-8")
    proofs = ",\n".join(f"  {json.dumps(name)}: {json.dumps(proof)}" for name, proof in sorted(proven().items()))
    PROOF.write_text("{\n" + proofs + "\n}\n", "utf-8")


def proven() -> dict[str, dict[str, Any]]:
    """What `turnwire.families.proof` reads, of each format."""
    found: dict[str, dict[str, Any]] = {}
    for start in ("parity ", "goldens "):
        for name, line in rows(start).items():
            if " conversations" in line and " " not in name:
                outcomes = counts(line)
                by = "ids" if outcomes.get("equal") else "text"
                known = found.setdefault(name, {"prompts": by, "conversations": 0})
                known["conversations"] += int(line.split()[0])
    for name, line in rows("conformance of ").items():
        outcomes = counts(line)
        name = name.split(" by ")[0]
        passed, total = outcomes.get("pass", 0), sum(outcomes.values())
        known = found.setdefault(name, {})
        known["passed"], known["fixtures"] = min(passed, known.get("passed", passed)), total
    return found


def lines() -> list[str]:
    """The saved summary."""
    return SAVED.read_text("utf-8").splitlines() if SAVED.is_file() else []


def said(key: str) -> str:
    """A line of the head."""
    return next((line.split(": ", 1)[1] for line in lines() if line.startswith(key + ": ")), "never")


def rows(start: str) -> dict[str, str]:
    """The lines that begin so: the rest up to the colon, and what is behind it."""
    found = (line.removeprefix(start).split(": ", 1) for line in lines() if line.startswith(start))
    return {name.strip(): rest for name, rest in found}


def examples(text: str) -> int:
    """How many examples a law ran."""
    m = re.match(r"(\d+) examples", text)
    return int(m[1]) if m else 0


def admitted(text: str) -> float:
    """The share admitted, in per cent."""
    m = re.search(r"([\d.]+)% admitted", text)
    return float(m[1]) if m else 100.0


def counts(text: str) -> dict[str, int]:
    """A printed dict of counts."""
    return ast.literal_eval(text[text.index("{") :])
