"""A model trained on our labels stops by itself; the same model without the end of turns in them runs on."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.laws.law import reports

EXAMPLE = Path(__file__).parents[2] / "examples" / "learn_to_stop.py"


@pytest.fixture(scope="module")
def example() -> Any:
    pytest.importorskip("torch", reason="no torch: a build for the CPU, 190 MB, will do")
    spec = importlib.util.spec_from_file_location("learn_to_stop", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["qwen3", "glm-4.5"])  # one ends its turns itself, one by what opens the next
def test_the_end_of_a_turn_is_learnt(example: Any, name: str) -> None:
    """axolotl-ai-cloud/axolotl issue 3754: the losses are alike, the models are not."""
    found = example.run(name, steps=50)
    ours, without = found["ours"], found["without the end"]
    reports.append(f"learn to stop, {name}: {found}")
    assert ours["ended"] == ours["asked"] == 8 and without["ended"] == 0
    assert ours["right"] >= 4 and without["right"] == 0
    assert abs(ours["loss"] - without["loss"]) < 0.5


def test_with_trl(example: Any) -> None:
    for name in ("trl", "accelerate", "datasets", "transformers"):
        pytest.importorskip(name)
    found = example.run("qwen3", "trl", steps=40)
    reports.append(f"learn to stop, TRL: {found}")
    assert found["ours"]["ended"] == found["ours"]["asked"] and found["without the end"]["ended"] == 0
