"""Tools as TypeScript: `declarations.json` holds what the official file (see templating/declarations.py) made of these
functions, None where it raises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from turnwire.codecs import ArgumentAttributes, CallAttributes, CountedId
from turnwire.templating.declarations import Undeclared, declarations
from turnwire.tools import normalize_tools
from turnwire.turns import Call

ROWS = json.loads(Path(__file__).with_name("declarations.json").read_text("utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["function"]["name"])
def test_declared(row: dict[str, Any]) -> None:
    tools = normalize_tools([{"type": "function", "function": row["function"]}]) or ()
    if row["declared"] is None:
        with pytest.raises(Undeclared):
            declarations(tools)
    else:
        assert declarations(tools) == row["declared"]


def test_only_functions() -> None:
    assert declarations(normalize_tools([{"function": {"name": "f"}}]) or ()) == ""


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("functions.f:0", {"id": "functions.f:0", "name": "f"}),
        (" functions.a.b:12 \n", {"id": "functions.a.b:12", "name": "a.b"}),
        ("f:3", {"id": "f:3", "name": "f"}),
        ("functions.f", {"name": "f"}),
        ("f", {"name": "f"}),
        ("functions_get_x_1", {"id": "functions_get_x_1", "name": "get_x"}),
        ("functions.functions_a_1:0", {"id": "functions.functions_a_1:0", "name": "functions_a_1"}),
    ],
)
def test_ids_with_names(said: str, read: dict[str, str]) -> None:
    codec = CountedId("functions.")
    assert codec.read(said) == read
    assert codec.write(Call("f", {}, "x"), 4) == "x" and codec.write(Call("f", {}), 4) == "functions.f:4"


def test_attributes() -> None:
    call, argument = CallAttributes("tool", "index"), ArgumentAttributes("key", "type")
    odd = 'a & "b" &quot; c'
    assert call.read(call.write(Call(odd, {}), 0)) == {"name": odd}
    assert call.write(Call("f", {}), 1) == 'tool="f" index="2"'
    assert "fault" in call.read('index="1"') and "fault" in argument.read("")
    for value, kind, form in (("x", "string", "string"), (1, "number", "json"), (True, "boolean", "json"),
                              (None, "null", "json"), ([], "array", "json"), ({}, "object", "json")):  # fmt: skip
        written = argument.write(odd, value)
        assert written.endswith(f'type="{kind}"') and argument.read(written) == {"key": odd, "form": form}
    assert argument.read('key="k"') == {"key": "k", "form": ""}
