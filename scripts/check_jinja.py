"""Runs the tests of templates on every released jinja2 3.1.x from 3.1.6 on that pip offers: `make jinja`.

Each release is put into a folder of its own, in front of what is installed; the tests say which one they ran with.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = (
    "tests/unit/test_sourcemap.py",
    "tests/unit/test_sourcemap_operations.py",
    "tests/unit/test_jinja.py",
    "tests/unit/test_template_errors.py",
    "tests/unit/test_chat_template.py",
)
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def released() -> list[str]:
    """The releases that count, the oldest first."""
    told = subprocess.run([*PIP, "index", "versions", "jinja2"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Available versions: (.*)", told)
    versions = (found.group(1) if found else "").split(", ")
    fine = [v for v in versions if re.fullmatch(r"3\.1\.\d+", v) and int(v.split(".")[2]) >= 6]
    return sorted(fine, key=lambda v: int(v.split(".")[2]))


def tested(version: str) -> bool:
    """Whether the tests pass with this release."""
    with tempfile.TemporaryDirectory() as folder:
        install = [*PIP, "install", "--quiet", "--no-deps", "--target", folder, f"jinja2=={version}"]
        subprocess.run(install, check=True)
        env = os.environ | {"PYTHONPATH": folder, "TURNWIRE_JINJA": version}
        run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS]
        return subprocess.run(run, cwd=ROOT, env=env).returncode == 0


def main() -> None:
    versions = released()
    print(f"released: {', '.join(versions)}")
    failed = [v for v in versions if not tested(v)]
    print(f"jinja2 {', '.join(versions)}: " + (f"fails with {', '.join(failed)}" if failed else "all tests pass"))
    sys.exit(bool(failed) or not versions)


if __name__ == "__main__":
    main()
