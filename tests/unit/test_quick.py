"""What `maker` makes is what the class makes."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest

from turnwire import quick
from turnwire.turns import Call, Reasoning, Result, Text, Turn

VALUES: list[tuple[type[Any], tuple[Any, ...]]] = [
    (Text, ("a",)),
    (Text, ("a", "final", None, True)),
    (Reasoning, ("a",)),
    (Call, ("f", {"x": 1}, "id")),
    (Result, ((Text("a"),), "id", "f", False)),
    (Turn, ("user", (Text("a"),))),
]


def names(kind: type[Any]) -> list[str]:
    return [f.name for f in fields(kind)]


def same(a: Any, b: Any) -> bool:
    """In all fields, also those that equality leaves out."""
    return type(a) is type(b) and all(getattr(a, name) == getattr(b, name) for name in names(b.__class__))


@pytest.mark.parametrize("kind, values", VALUES)
def test_made_and_called_are_the_same(kind: type[Any], values: tuple[Any, ...]) -> None:
    made, called = quick.maker(kind)(*values), kind(*values)
    assert made == called and same(made, called) and repr(made) == repr(called)
    assert same(pickle.loads(pickle.dumps(made)), called)
    with pytest.raises(FrozenInstanceError):
        setattr(made, names(kind)[0], "")
    with pytest.raises(TypeError):
        quick.maker(kind)()


def test_without_the_lock_the_class_itself_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys._is_gil_enabled", lambda: False, raising=False)
    assert quick.maker(Text) is Text
