"""Ray Data on a real cluster of two nodes that the test starts, one of which is killed half-way.

TURNWIRE_BULK=1 (`make bulk`) runs it: a cluster takes ten seconds to start.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests.bulk import data
from tests.bulk.test_command import ROOT, USUAL, parts, run, start, wanted
from tests.bulk.test_trouble import PROC, children, until, writing
from turnwire.bulk import Tokenize
from turnwire.bulkjobs import STATE

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
ray = pytest.importorskip("ray", reason="ray is not installed: pip install 'turnwire[ray]'")
pytest.importorskip("ray.data", reason="ray has no data: pip install 'turnwire[ray]'")
pytestmark = pytest.mark.skipif(not os.environ.get("TURNWIRE_BULK"), reason="set TURNWIRE_BULK=1: starts a cluster")

SMALL: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 100 << 20}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Of two nodes, on two loopback addresses: 127.0.0.1 Ray takes for that of the machine."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    head = {**SMALL, "node_ip_address": "127.0.0.2", "include_dashboard": False}
    head["_system_config"] = {"health_check_failure_threshold": 2, "health_check_period_ms": 1000}
    made = Cluster(initialize_head=True, head_node_args=head)
    try:
        made.second = made.add_node(node_ip_address="127.0.0.3", **SMALL)
        made.wait_for_nodes()
        yield made
    finally:
        made.shutdown()


@PROC
def test_a_node_is_killed_half_way(cluster: Any, tmp_path: Path) -> None:
    """With a task in the middle of a part: the node's processes are stopped, seen to be so, and then all killed."""
    source = tmp_path / "d.jsonl"
    lines = list(data.lines(4000))
    source.write_text("".join([*lines[:3210], "no JSON\n", *lines[3210:]]), "utf-8")
    args = (source, *USUAL, "--part-rows", 250)
    assert run(*args, "-o", tmp_path / "whole")[0] == 1
    process = start(*args, "-o", tmp_path / "out", "--engine", "ray", "--address", cluster.address, "--json")
    state = tmp_path / "out" / STATE
    (raylet,) = (p.process.pid for p in cluster.second.all_processes["raylet"])
    lost: dict[str, int] = {}

    def stopped_in_a_part() -> bool:
        nonlocal lost
        if len(list(state.glob("0*.json"))) < 3 or not writing(state, children(raylet)):
            return False
        for pid in (raylet, *children(raylet)):
            os.kill(pid, signal.SIGSTOP)
        lost = writing(state, children(raylet))
        if not lost:  # it had just ended
            for pid in (*children(raylet), raylet):
                os.kill(pid, signal.SIGCONT)
        return bool(lost)

    until(stopped_in_a_part, process)
    done = len(list(state.glob("0*.json")))
    for pid in (raylet, *children(raylet)):
        os.kill(pid, signal.SIGKILL)
    cluster.remove_node(cluster.second, allow_graceful=False)
    assert 3 <= done < 15, "half-way"
    ((name,),) = [{n.split(".")[0] for n in lost}]
    assert all((state / n).exists() for n in lost) and not (state / f"{name[5:]}.json").exists(), "a part was lost"
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert (state / f"{name[5:]}.json").exists(), "and made again on the other node"
    summary = json.loads(out)
    assert (summary["rows"], summary["failed"], summary["parts"]) == (4001, 1, 17)
    assert summary["failures"][0]["line"] == 3211
    assert parts(tmp_path / "out") == parts(tmp_path / "whole"), "nothing lost, nothing twice, byte for byte"
    numbers = [n for p in sorted((tmp_path / "out").glob("part-*")) for n in pq.read_table(p)["line"].to_pylist()]
    assert numbers == list(range(1, 4002))
    assert not list(state.glob("*.tmp"))


def test_map_batches_and_a_run_on_this_machine(cluster: Any, tmp_path: Path) -> None:
    """`Tokenize` in a pipeline of the user's own, as docs/bulk.md has it."""
    source = data.write(tmp_path / "d.jsonl", 50)
    ray.init(address=cluster.address, log_to_driver=False)
    try:
        rows = ray.data.read_text(str(source))
        out = rows.map_batches(Tokenize("qwen3", rows_column="text"), batch_format="pyarrow", batch_size=20)
        assert sorted(r["input_ids"] for r in out.take_all()) == sorted(wanted(50)), "Ray Data keeps no order"
        fmt = turnwire.get_format("qwen3")
        given = ray.data.from_items([{"messages": json.dumps(r["messages"])} for r in data.rows(10)])
        ids = [r["input_ids"] for r in given.map_batches(Tokenize("qwen3"), batch_format="pyarrow").take_all()]
        tok = turnwire.small_tokenizer(fmt)
        assert sorted(ids) == sorted(fmt.render(r["messages"], None, tok).ids for r in data.rows(10))
        code, said, _ = run(
            source, "-o", tmp_path / "out", *USUAL, "--engine", "ray", "--part-rows", 20, "--workers", 1
        )
        assert code == 0 and said.startswith("50 rows")
    finally:
        ray.shutdown()


def test_the_command_is_killed_and_another_engine_goes_on(cluster: Any, tmp_path: Path) -> None:
    """The records are those of no engine. A task that outlives its command does what it does again, to the same end."""
    source = data.write(tmp_path / "d.jsonl", 2000)
    args = (source, *USUAL, "--part-rows", 100)
    assert run(*args, "-o", tmp_path / "whole")[0] == 0
    process = start(*args, "-o", tmp_path / "out", "--engine", "ray", "--address", cluster.address)
    state = tmp_path / "out" / STATE
    until(lambda: len(list(state.glob("0*.json"))) >= 3, process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = len(list(state.glob("0*.json")))
    assert 3 <= done < 20, "half-way"
    code, out, _ = run(*args, "-o", tmp_path / "out", "--resume")
    assert code == 0 and " of them from before" in out
    assert parts(tmp_path / "out") == parts(tmp_path / "whole") and len(parts(tmp_path / "out")) == 20
