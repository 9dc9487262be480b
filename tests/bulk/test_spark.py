"""Spark's mapInArrow, as docs/bulk.md has it. TURNWIRE_BULK=1 (`make bulk`) runs it where Java and pyspark are."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.bulk import data
from tests.bulk.test_command import ROOT, wanted
from turnwire.bulk import Tokenize

pyspark = pytest.importorskip("pyspark", reason="pyspark is not installed")
pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pytestmark = [
    pytest.mark.skipif(shutil.which("java") is None, reason="no Java"),
    pytest.mark.skipif(not os.environ.get("TURNWIRE_BULK"), reason="set TURNWIRE_BULK=1: starts Spark"),
]


def test_map_in_arrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyspark.sql import SparkSession

    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    source = tmp_path / "d.jsonl"
    source.write_text("".join([*data.lines(40), "no JSON\n"]), "utf-8")
    builder = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.driver.host", "127.0.0.1").getOrCreate()
    try:
        work = Tokenize("qwen3", rows_column="value")
        schema = "input_ids array<int>, assistant_masks array<tinyint>, tokens int, sampled int, error string"
        out = spark.read.text(str(source)).mapInArrow(work.each, schema).collect()
        assert [list(r.input_ids) for r in out[:-1]] == wanted(40)
        assert out[-1].input_ids is None and "not JSON" in out[-1].error
        assert [sum(r.assistant_masks) for r in out[:-1]] == [r.sampled for r in out[:-1]]
    finally:
        spark.stop()
