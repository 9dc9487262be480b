"""Tokenize: what it gives is what `render` gives, row by row, whatever the rows come in; and no row is lost."""

from __future__ import annotations

import concurrent.futures
import json
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import pytest

import turnwire
from tests.bulk import data
from turnwire.bulk import Tokenize
from turnwire.errors import InputError, OptionError, ToolError, UnknownFormat

np = pytest.importorskip("numpy", reason="numpy is not installed")
pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

TEMPLATE = turnwire.ChatTemplate(
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def expected(source: Any, rows: list[dict[str, Any]], tok: Any, **options: Any) -> list[tuple[list[int], list[int]]]:
    out = []
    for row in rows:
        rendered = source.render(row["messages"], row.get("tools"), tok, **options)
        out.append((rendered.ids, [int(m) for m in rendered.mask("sampled")]))
    return out


def got(batch: Any) -> list[tuple[list[int], list[int]]]:
    values = batch if isinstance(batch, dict) else batch.to_pydict()
    assert not any(values["error"]), values["error"]
    for ids, mask, tokens, sampled in zip(*(values[k] for k in ("input_ids", "assistant_masks", "tokens", "sampled"))):
        assert (len(ids), sum(mask)) == (tokens, sampled) and sampled
    return list(zip(values["input_ids"], values["assistant_masks"]))


def encodings(rows: list[dict[str, Any]]) -> dict[str, tuple[dict[str, Any], Any]]:
    """The same rows in each way that they come."""
    text = [json.dumps(r["messages"]) for r in rows]
    tools = [json.dumps(r["tools"]) if "tools" in r else None for r in rows]
    asked = {"messages": [r["messages"] for r in rows], "tools": [r.get("tools") for r in rows]}
    items = [[json.dumps(m) for m in r["messages"]] for r in rows]
    structs = pa.table(asked)
    assert pa.types.is_struct(structs["messages"].type.value_type)
    whole = [json.dumps(r) for r in rows]
    return {
        "structs": ({}, structs),
        "a record batch": ({}, structs.to_batches()[0]),
        "JSON text": ({}, pa.table({"messages": text, "tools": tools})),
        "items of JSON text": ({}, pa.table({**asked, "messages": items})),
        "lines": ({"rows_column": "text"}, pa.table({"text": whole})),
        "lines in bytes": ({"rows_column": "text"}, pa.table({"text": [t.encode() for t in whole]})),
        "columns": ({}, asked),
        "structs as columns": ({}, structs.to_pydict()),
        "JSON text in numpy": ({}, {"messages": np.array(text), "tools": np.array(tools, object)}),
    }


WAYS = sorted(encodings(data.rows(5)))


@pytest.mark.parametrize("way", WAYS)
def test_rows_are_what_render_gives(way: str) -> None:
    fmt = turnwire.get_format("qwen3")
    rows = data.rows(60)
    more, batch = encodings(rows)[way]
    out = Tokenize("qwen3", labels=True, **more)(batch)
    assert got(out) == expected(fmt, rows, turnwire.small_tokenizer(fmt))
    values = out if isinstance(out, dict) else out.to_pydict()
    for ids, mask, labels in zip(values["input_ids"], values["assistant_masks"], values["labels"]):
        assert labels == [i if m else -100 for i, m in zip(ids, mask)]
    assert isinstance(out, dict) == isinstance(batch, dict) and (isinstance(out, dict) or type(out) is type(batch))


@pytest.mark.parametrize("source", ["harmony", "llama-3.1", "glm-4.5", "deepseek-v3.1"])
def test_other_formats(source: str) -> None:
    fmt = turnwire.get_format(source)
    rows = [{"messages": [m for m in r["messages"] if m["role"] != "tool" and m["content"]]} for r in data.rows(20)]
    out = Tokenize(source)({"messages": [r["messages"] for r in rows]})
    assert got(out) == expected(fmt, rows, turnwire.small_tokenizer(fmt))


def test_templates_options_and_tools_for_all() -> None:
    tok = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    rows = [{"messages": [m for m in r["messages"] if m.get("content")]} for r in data.rows(20)]
    batch = {"messages": [r["messages"] for r in rows]}
    assert got(Tokenize(TEMPLATE, tok)(batch)) == expected(TEMPLATE, rows, tok)
    prompts = Tokenize(TEMPLATE, tok, options={"add_generation_prompt": True})
    asked = {"messages": [[{"role": "user", "content": "x"}]]}
    out = prompts(asked)
    assert out["error"] == [None] and out["sampled"] == [0]
    assert out["input_ids"][0] == TEMPLATE.render(asked["messages"][0], None, tok, add_generation_prompt=True).ids
    fmt = turnwire.get_format("qwen3")
    rows = [{"messages": r["messages"], "tools": r.get("tools", [data.OTHER])} for r in data.rows(20)]
    given = {"messages": [r["messages"] for r in rows], "tools": [r.get("tools") for r in data.rows(20)]}
    out = Tokenize(fmt, tok, tools=[data.OTHER], options={"enable_thinking": False})(given)
    assert got(out) == expected(fmt, rows, tok, enable_thinking=False)


def test_a_model_folder(tmp_path: Path) -> None:
    """By its path: the template and the tokenizer are read where the work is done."""
    tok = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    (tmp_path / "chat_template.jinja").write_text(TEMPLATE.source)
    (tmp_path / "tokenizer.json").write_text(tok.backend.to_str())
    rows = [{"messages": [m for m in r["messages"] if m.get("content")]} for r in data.rows(10)]
    batch = {"messages": [r["messages"] for r in rows]}
    for work in (Tokenize(tmp_path), Tokenize(tmp_path / "chat_template.jinja", tmp_path / "tokenizer.json")):
        assert len(pickle.dumps(work)) < 1000
        assert got(pickle.loads(pickle.dumps(work))(batch)) == expected(TEMPLATE, rows, tok)
    with pytest.raises(InputError, match="small tokenizer"):
        Tokenize(tmp_path / "chat_template.jinja").check()


def test_null_in_structs_is_no_key_and_in_json_text_is_null() -> None:
    """Arrow gives each struct the keys of all: `city` and `zip` here."""
    calls = [{"city": "Oslo"}, {"zip": 150}]
    rows = [
        [
            {"role": "user", "content": "?"},
            {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": a}}]},
        ]
        for a in calls
    ]
    fmt = turnwire.get_format("qwen3")
    tok = turnwire.small_tokenizer(fmt)
    table = pa.table({"messages": rows})
    assert table["messages"].to_pylist()[0][1]["tool_calls"][0]["function"]["arguments"] == {
        "city": "Oslo",
        "zip": None,
    }
    ids = Tokenize("qwen3")(table)["input_ids"].to_pylist()
    assert ids == [fmt.render(r, None, tok).ids for r in rows]
    rows[0][1]["tool_calls"][0]["function"]["arguments"] = {"city": None}
    (ids,) = Tokenize("qwen3")({"messages": [json.dumps(rows[0])]})["input_ids"]
    assert '{"city": null}' in fmt.bind(tok).decode(ids)


def test_rows_that_fail_stay_where_they_are_with_a_reason() -> None:
    good = list(data.lines(len(data.BAD)))
    texts = [t for pair in zip(good, data.BAD) for t in pair] + [None, b"\xff"]
    arrow = pa.table({"text": pa.array([t.encode() if isinstance(t, str) else t for t in texts], pa.binary())})
    for batch in ({"text": texts}, arrow):
        out = Tokenize("qwen3", rows_column="text", keep=("text",))(batch)
        values = out if isinstance(out, dict) else out.to_pydict()
        assert len(values["error"]) == len(texts)
        assert values["error"][: 2 * len(data.BAD) : 2] == [None] * len(data.BAD)
        for reason, text in zip(values["error"][1::2], data.REASONS):
            assert text in reason, reason
        assert "not text" in values["error"][-2] and "not UTF-8" in values["error"][-1]
        assert [x is None for x in values["input_ids"]] == [e is not None for e in values["error"]]
        assert [x is None for x in values["assistant_masks"]] == [e is not None for e in values["error"]]
        assert list(values["text"]) == list(batch["text"] if isinstance(batch, dict) else arrow.to_pydict()["text"])


def test_an_error_of_ours_is_reported_in_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any, messages: Any, *args: Any, **kw: Any) -> Any:
        raise KeyError(f"lone \ud800 {len(messages)}")

    work = Tokenize("qwen3").check()
    monkeypatch.setattr(turnwire.Format, "render", broken)
    out = work(pa.table({"messages": [[{"role": "user", "content": "x"}]]}))
    assert "please report it: KeyError" in out["error"].to_pylist()[0]


def test_mistakes_of_the_job_are_raised_at_once() -> None:
    for work, kind in (
        (Tokenize("qwen33"), UnknownFormat),
        (Tokenize("qwen3", options={"enable_thinkin": 1}), OptionError),
        (Tokenize("qwen3", options={"messages": 1}), OptionError),
        (Tokenize("qwen3", tools=[{"nam": "x"}]), ToolError),
        (Tokenize(TEMPLATE), InputError),
    ):
        with pytest.raises(kind):
            work.check()
        with pytest.raises(kind):
            work({"messages": []})
    for batch, more in (
        ({"message": []}, {}),
        ({"messages": []}, {"tools_column": "tool"}),
        ({"messages": []}, {"keep": ("id",)}),
        (pa.table({"messages": [[]]}), {"keep": ("id",)}),
        ({"messages": pa.table({"m": [[{"role": "user"}]]})["m"].to_numpy()}, {}),
        ([], {}),
    ):
        with pytest.raises(InputError, match="expected"):
            Tokenize("qwen3", **more)(batch)


def _elsewhere(pickled: bytes, batch: Any) -> Any:
    return pickle.loads(pickled)(batch)


def test_it_pickles_and_gives_the_same_in_another_process() -> None:
    tok = turnwire.small_tokenizer(turnwire.get_format("qwen3"))
    batch = pa.table({"messages": [[m for m in r["messages"] if m.get("content")] for r in data.rows(10)]})
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        for work in (
            Tokenize("qwen3"),
            Tokenize(turnwire.get_format("qwen3"), tok, labels=True),
            Tokenize(TEMPLATE, tok),
        ):
            here = work(batch)
            size = len(pickle.dumps(work))
            assert pool.submit(_elsewhere, pickle.dumps(work), batch).result(60).equals(here)
            assert size < 1000 or work.tokenizer is not None, "what was loaded is not sent"


def test_each_holds_one_batch() -> None:
    asked: list[int] = []

    def batches() -> Any:
        for n in range(5):
            asked.append(n)
            yield pa.record_batch(
                {"messages": [[{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]]}
            )

    for n, out in enumerate(Tokenize("qwen3").each(batches())):
        assert out.num_rows == 1 and asked == list(range(n + 1))


def test_datasets_map() -> None:
    datasets = pytest.importorskip("datasets", reason="datasets is not installed")
    fmt = turnwire.get_format("qwen3")
    rows = data.rows(30)
    wanted = expected(fmt, rows, turnwire.small_tokenizer(fmt))
    given = datasets.Dataset.from_dict(
        {k: [json.dumps(r[k]) if k in r else None for r in rows] for k in ("messages", "tools")}
    )
    work = Tokenize("qwen3")
    plain = given.map(work, batched=True, batch_size=7, remove_columns=given.column_names, new_fingerprint="a")
    arrow = given.with_format("arrow").map(
        work, batched=True, batch_size=7, remove_columns=given.column_names, new_fingerprint="b"
    )
    assert got(plain.to_dict()) == got(arrow.with_format(None).to_dict()) == wanted
    streamed = given.to_iterable_dataset().map(work, batched=True, batch_size=7, remove_columns=given.column_names)
    assert [r["input_ids"] for r in streamed] == [ids for ids, _ in wanted]
