"""Types: pyright finds nothing in the package (strict), neither it nor mypy in the public API as users write it."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
API = "tests/typing/api.py"


def run(*args: str) -> subprocess.CompletedProcess[str]:
    # PYRIGHT_PYTHON_IGNORE_WARNINGS: no look at PyPI for a newer version, so that no network is needed
    env = {**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *args], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)


@functools.cache
def pyright_missing() -> str:
    """Why pyright cannot run here: it needs node, which nodeenv may have to download."""
    try:
        done = run("-m", "pyright", "--version")
    except subprocess.TimeoutExpired:
        return "pyright does not start"
    return "" if done.returncode == 0 and "pyright" in done.stdout else (done.stdout + done.stderr).strip()[-200:]


def test_pyright_finds_nothing() -> None:
    if missing := pyright_missing():
        pytest.skip(f"pyright cannot run here, mypy --strict checks the package in its place: {missing}")
    done = run("-m", "pyright", "--pythonpath", sys.executable)
    assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout, done.stdout + done.stderr


def mypy(*args: str) -> subprocess.CompletedProcess[str]:
    cache = Path(tempfile.gettempdir()) / f"turnwire-mypy-{os.getuid() if hasattr(os, 'getuid') else 0}"
    return run("-m", "mypy", "--strict", "--python-version", "3.10", "--cache-dir", str(cache), *args)


def test_mypy_finds_nothing_in_the_public_api() -> None:
    """As where turnwire is installed: `--follow-imports=silent` shows no errors of the package itself."""
    pytest.importorskip("mypy")
    done = mypy("--follow-imports=silent", API)
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_finds_nothing_in_the_package() -> None:
    """What pyright's strict mode asks for and mypy's calls superfluous (casts, ignores) is let pass."""
    pytest.importorskip("mypy")
    loose = (
        "--no-warn-redundant-casts",
        "--no-warn-unused-ignores",
        "--no-warn-return-any",
        "--ignore-missing-imports",
    )
    done = mypy(*loose, "turnwire")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_checkers_do_check() -> None:
    """A wrong use of the API is found: else nothing found would say nothing."""
    wrong = {
        "turnwire.get_format(3)": "arg",
        "turnwire.get_format('qwen3').parse('x', finish_reason='stopped')": "arg",
        "turnwire.get_format('qwen3').parser(calls_in_reasoning='maybe')": "arg",
        "turnwire.get_format('qwen3').parser().feed('x')": "arg",
        "x: str = turnwire.Text('x').kind + 1": "operator",
        "turnwire.Turn('user', ('x',))": "arg",
        "turnwire.nothing()": "attr",
        "turnwire.get_format('qwen3').render([]).ids.append('x')": "arg",
    }
    pytest.importorskip("mypy")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "wrong.py"
        file.write_text("import turnwire\n\n" + "\n".join(wrong) + "\n")
        done = mypy("--follow-imports=silent", str(file))
    found = {int(m[1]) for m in re.finditer(r"wrong\.py:(\d+): error", done.stdout)}
    assert found == set(range(3, 3 + len(wrong))), done.stdout


def test_the_api_file_runs() -> None:
    done = run(API)
    assert done.returncode == 0, done.stderr


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "turnwire" / "py.typed").exists()
