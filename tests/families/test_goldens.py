"""Goldens: what official encoders made of conversations, `goldens/*.jsonl` of the reference data (its README explains
the rows). Every file whose family is a format belongs to a `Reference`, and each of its rows is rendered equally, by
ids and text; what differs on purpose stands in its `Goldens`, and fails when stale. A family adds no test here.
"""

from __future__ import annotations

import fnmatch
import json
from pathlib import Path
from typing import Any

import pytest

from tests import real
from tests.families import official, parity
from tests.families.reference import Goldens, references
from turnwire import Rendered, list_formats
from turnwire.families import ALIASES

CASES = [pytest.param(r.format, g, id=f"{r.format}-{g.file}") for r in references().values() for g in r.goldens]


def folder() -> Path:
    if real.REFERENCE is None or not (real.REFERENCE / "goldens").is_dir():
        pytest.skip("needs the goldens of the reference data, beside the repository")
    return real.REFERENCE / "goldens"


def agree(out: Rendered, row: dict[str, Any], text: bool, tok: Any) -> bool:
    """As `parity.compare`: the same text, and the same ids, or those that the tokenizer at hand has for the text: they
    differ where it merges across a place where sampled tokens meet others, and where the row's lacks a token (V4.1's
    were made with V4's, without <｜System｜>)."""
    expected = row["expected_ids"]
    if text and out.text != row["expected_text"]:
        return False
    if expected is None or out.ids == expected:
        return True
    whole = getattr(tok, "backend", None)
    if not text or whole is None:
        return False
    return out.ids == [i for side in parity.sides(out) for i in whole.encode(side, add_special_tokens=False).ids]


@pytest.mark.parametrize(("name", "goldens"), CASES)
def test_goldens(name: str, goldens: Goldens) -> None:
    path = folder() / f"{goldens.file}.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert len(rows) == goldens.rows
    tok = real.load(goldens.tokenizer) if goldens.tokenizer else official.tokenizer(name)
    fmt = official.format_of(name)
    stale = set(goldens.differs)
    surprises: list[str] = []
    for row in rows:
        options = {k: v for k, v in row["options"].items() if k not in goldens.ignore}
        out = fmt.render(row["messages"], row["tools"], tok, **{**goldens.options, **options})
        if agree(out, row, goldens.text, tok):
            continue
        reasons = {p for p in goldens.differs if fnmatch.fnmatchcase(row["id"], p)}
        stale -= reasons
        if not reasons:
            surprises.append(f"{row['id']} {options}: we write {out.text!r}, they {row['expected_text']!r}")
    assert not surprises, "\n".join([f"{len(surprises)} differ", *surprises])
    assert not stale, f"known differences that are none: {sorted(stale)}"


def test_all_goldens_are_used() -> None:
    """A golden file named as a format, or as what it is called besides, belongs to a reference."""
    used = {g.file for r in references().values() for g in r.goldens}
    known = {*list_formats(), *ALIASES}
    assert not {path.stem for path in folder().glob("*.jsonl") if path.stem in known} - used
