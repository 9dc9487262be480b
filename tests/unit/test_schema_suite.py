"""The official JSON-Schema test suite, as the source archive of jsonschema holds it (`make test` fetches that): the
verdicts of `hardened`, and of `quick` wherever it says that an instance is valid."""

from __future__ import annotations

import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real import cache_dir
from turnwire.parsers import hardened, quick
from turnwire.parsers.validate import Refused, _Compiled, bounded
from turnwire.schemas import find_flaw
from turnwire.tools import normalize_tools

DRAFTS = {
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
    "draft2019-09": "https://json-schema.org/draft/2019-09/schema",
    "draft7": "http://json-schema.org/draft-07/schema#",
    "draft6": "http://json-schema.org/draft-06/schema#",
    "draft4": "http://json-schema.org/draft-04/schema#",
}
ELSEWHERE = "refRemote vocabulary dynamicRef defs definitions id anchor unknownKeyword recursiveRef".split()
"""Files about references to what is elsewhere, or to the metaschema: no reference is fetched here."""


def cases(draft: str) -> Iterator[tuple[str, Any, Any, bool]]:
    found = sorted(cache_dir().glob("jsonschema-*.tar.gz"))
    if not found:
        pytest.skip("needs the source archive of jsonschema: make test fetches it")
    with tarfile.open(found[-1]) as archive:
        for member in archive:
            folder, _, file = member.name.partition(f"/json/tests/{draft}/")
            if not file.endswith(".json") or "/" in file or file[:-5] in ELSEWHERE:
                continue
            stream = archive.extractfile(member)
            assert stream is not None and folder
            for group in json.loads(stream.read()):
                for test in group["tests"]:
                    name = f"{file[:-5]}: {group['description']}: {test['description']}"
                    yield name, group["schema"], test["data"], test["valid"]


def verdict(schema: Any, data: Any) -> bool | None:
    """What `hardened` says; None where something was not checked."""
    try:
        instance = bounded(data)
        hardened.start_work()
        errors = list(hardened.compile(bounded(schema)).iter_errors(instance))
    except (Refused, hardened.Exhausted):
        return None
    if any(map(hardened.is_checked, errors)):
        return False
    return None if errors else True


@pytest.mark.parametrize("draft", DRAFTS)
def test_verdicts(draft: str, monkeypatch: pytest.MonkeyPatch) -> None:
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for name, schema, data, valid in cases(draft):
        if isinstance(schema, dict):
            schema = {"$schema": DRAFTS[draft], **schema}
            if find_flaw(json.dumps({**schema, "type": "object"})) is not None:
                counts["refused: a flaw, or a reference elsewhere"] += 1
                continue
        else:
            schema = {"$schema": DRAFTS[draft], "allOf": [schema]}
        said = verdict(schema, data)
        counts["not checked" if said is None else "checked"] += 1
        if said is not None and said != valid:
            wrong.append(f"{name}: {said}")
        check = quick.compile(schema)
        if check is not None:
            counts["quick looked"] += 1
            if check(data):
                counts["quick says valid"] += 1
                assert valid and said is True, name
    print(draft, dict(counts), wrong)
    assert not wrong
    assert counts["checked"] > 8 * (counts["not checked"] + counts["refused: a flaw, or a reference elsewhere"])
    if quick._module() is not None and draft != "draft4":
        assert counts["quick says valid"] > 100


def test_calls_read_the_same_with_and_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each case as the argument of a call: status, paths and messages, whoever looked."""
    if quick._module() is None:
        pytest.skip("needs jsonschema-rs")
    seen = 0
    for _, schema, data, _ in cases("draft2020-12"):
        if "$ref" in json.dumps(schema) or "$id" in json.dumps(schema):
            continue
        whole = {"type": "object", "properties": {"v": schema}, "required": ["v"]}
        try:
            normalize_tools([{"type": "function", "function": {"name": "f", "parameters": whole}}])
        except Exception:
            continue
        answers: list[Any] = []
        for module in (quick._module, lambda: None):
            monkeypatch.setattr(quick, "_module", module)
            compiled = _Compiled(whole)
            answers.append((compiled.check({"v": data}), compiled.check({})))
            monkeypatch.undo()
        assert answers[0] == answers[1]
        seen += 1
    assert seen > 500


def test_quick_leaves_what_may_cost_or_differ() -> None:
    """Patterns, references, sizes, depths and numbers beyond a float are for `hardened`."""
    if quick._module() is None:
        pytest.skip("needs jsonschema-rs")
    for schema in (
        {"properties": {"a": {"pattern": "^(a+)+$"}}},
        {"patternProperties": {"^(a+)+$": {}}},
        {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
        {"properties": {"a": {"uniqueItems": True}}},
        {"properties": {"a": {"multipleOf": 0.1}}},
        {"unevaluatedProperties": False},
        {"properties": {"a": {"const": 2**60}}},
        {"properties": {"a": {"format": "date"}}},
        {"$schema": "http://json-schema.org/draft-04/schema#"},
    ):
        assert quick.compile({"type": "object", **schema}) is None, schema
    check = quick.compile({"type": "object", "properties": {"a": {"type": ["array", "number"]}}})
    assert check is not None and check({"a": 1}) and check({"a": [1, [2]]})
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    for value in (2**53, float("nan"), float("inf"), deep, [0] * quick.MAX_STEPS, (1,), {1: 2}, ["\ud800"], "no", b""):
        assert not check({"a": value}), value
