"""Tokenize: from batches of conversations to batches of token ids, masks and errors. One value that pickles, so that
any engine can run it: `datasets`, Ray Data, Spark's mapInArrow, a loop.

A batch is a pyarrow RecordBatch or Table, or a dict of columns; what comes back is of the same kind, row for row, with

    input_ids        list<int32>  the prompt, as `render` gives it; null where the row failed
    assistant_masks  list<int8>   1 where the model would have written the token, else 0; null where the row failed
    labels           list<int32>  if asked for: the ids, -100 where the mask is 0
    tokens, sampled  int32        how many ids, and how many of them under the mask
    error            string       why the row failed; null where it did not

and the columns to keep before them. No row is ever left out. Format, template and tokenizer are loaded where the work
is done, once per process; nothing is held from batch to batch. pyarrow is needed for Arrow batches only.
"""

from __future__ import annotations

import functools
import importlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from os import PathLike, fspath
from typing import Any, NamedTuple, cast

from .chat_template import ChatTemplate
from .codecs import loads
from .errors import InputError, MaskError, MessageError, OptionError, TurnwireError, nearest
from .families import get_format
from .format import Format
from .layout import SWITCHES
from .samples import IGNORED
from .tokens import Tokenizer, load_tokenizer, small_tokenizer
from .tools import normalize_tools

OWN = ("self", "messages", "tools", "tokenizer", "inputs")


class _Row(NamedTuple):
    ids: list[int] | None
    mask: list[bool]
    error: str | None


@dataclass(frozen=True)
class Tokenize:
    """See the head of this file.

    `source`: a format's name or a model id, a `Format`, a `ChatTemplate`, or the `Path` of a model folder or template.
    `tokenizer`: a path, a `Tokenizer`, or None for that of the model folder that `source` is, else for the small one
    that turnwire ships. Paths must be there on every machine. `tools`: for rows without their own.
    `options`: of `render` (`add_generation_prompt`, `enable_thinking`, a template's variables).

    `messages_column` and `tools_column` hold JSON text, or lists of structs: there keys with null are left out, as
    Arrow gives every struct the keys of all. `tools_column` None is "tools" where that is there. `rows_column`: a
    column of whole rows as JSON text (lines of JSONL) in place of these; messages and tools are then keys of the rows.
    `keep`: columns that come through as they are. A row of which nothing was sampled fails, unless the options add a
    generation prompt.
    """

    source: str | PathLike[str] | Format | ChatTemplate
    tokenizer: str | PathLike[str] | Tokenizer | None = None
    _: KW_ONLY
    tools: Sequence[Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    messages_column: str = "messages"
    tools_column: str | None = None
    rows_column: str | None = None
    keep: tuple[str, ...] = ()
    labels: bool = False

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self)}  # what is loaded stays here

    def check(self) -> Tokenize:
        """Itself, once everything is loaded and fits together. Raises what is wrong with the job as a whole: a name, an
        option, a tokenizer, the tools."""
        _ = self._ready
        return self

    def __call__(self, batch: Any) -> Any:
        """The batch of what the rows of `batch` give. Raises only what `check` raises, and for missing columns."""
        if isinstance(batch, Mapping):
            given = cast("Mapping[str, Sequence[Any]]", batch)
            out = self._columns(self._rows(given))
            return {**{name: given[name] for name in self.keep}, **out}
        pa = importlib.import_module("pyarrow")
        if not isinstance(batch, (pa.RecordBatch, pa.Table)):
            raise InputError(f"not a batch but {type(batch).__name__}", value=batch, path="batch",
                             expected="a pyarrow RecordBatch or Table, or a dict of columns")  # fmt: skip
        table: Any = batch
        names: list[str] = table.schema.names
        out = self._columns(self._rows(_Arrow(table)))
        schema = self.schema(table.schema)
        kept = [table.column(names.index(name)) for name in self.keep]
        made = [pa.array(out[f.name], type=f.type) for f in list(schema)[len(kept) :]]
        return cast("Any", type(batch)).from_arrays([*kept, *made], schema=schema)

    def each(self, batches: Iterable[Any]) -> Iterator[Any]:
        """`self` of each batch, one after the other: what `mapInArrow` takes."""
        for batch in batches:
            yield self(batch)

    def schema(self, given: Any = None) -> Any:
        """The Arrow schema of what comes back; `given` is that of the batches, for the columns to keep."""
        pa = importlib.import_module("pyarrow")
        lists = {
            "input_ids": pa.int32(),
            "assistant_masks": pa.int8(),
            **({"labels": pa.int32()} if self.labels else {}),
        }
        kept = [given.field(_there(given.names, name, "keep")) for name in self.keep]
        made = [pa.field(name, pa.list_(kind)) for name, kind in lists.items()]
        numbers = [pa.field(name, pa.int32()) for name in ("tokens", "sampled")]
        return pa.schema([*kept, *made, *numbers, pa.field("error", pa.string())])

    # one row

    @functools.cached_property
    def _ready(self) -> tuple[Format | ChatTemplate, Tokenizer]:
        source, given = self.source, self.tokenizer
        if isinstance(source, str):
            source = get_format(source)
        elif isinstance(source, PathLike):
            given = source if given is None and os.path.isdir(source) else given
            source = ChatTemplate.load(fspath(source), tools=True)
        for name in self.options:
            if name in OWN:
                raise OptionError(f"{name} is not an option", value=name, path="options", expected="another name")
        if given is not None:
            tokenizer = _tokenizer(fspath(given)) if isinstance(given, (str, PathLike)) else given
        elif isinstance(source, ChatTemplate):
            raise InputError("the small tokenizer has the control tokens of a format", path="tokenizer",
                             expected="a tokenizer of this template's models")  # fmt: skip
        else:
            tokenizer = small_tokenizer(source)
        if isinstance(source, ChatTemplate):
            source.inputs.definitions(self.tools)
        else:
            normalize_tools(self.tools)
            source.layout.resolve({k: v for k, v in self.options.items() if k not in SWITCHES})
            source.bind(tokenizer)
        return source, tokenizer

    def _rows(self, columns: Mapping[str, Any]) -> list[_Row]:
        source, tokenizer = self._ready
        for name in self.keep:
            _there(columns, name, "keep")
        if self.rows_column is not None:
            texts = self._cells(columns, self.rows_column, "rows_column")
            return [self._row(source, tokenizer, lambda text=text: self._of_json(text)) for text in texts]
        messages = self._cells(columns, self.messages_column, "messages_column")
        tools: Any = None
        if self.tools_column is not None or "tools" in columns:
            tools = self._cells(columns, self.tools_column or "tools", "tools_column")
        given = tools if tools is not None else [None] * len(messages)
        return [
            self._row(source, tokenizer, lambda i=i: (_value(messages[i]), _value(given[i])))
            for i in range(len(messages))
        ]

    def _cells(self, columns: Mapping[str, Any], name: str, what: str) -> Sequence[Any]:
        """A column. Text may stand in numpy's arrays, but what is nested has suffered there."""
        cells: Sequence[Any] = columns[_there(columns, name, what)]
        if any(type(c).__module__ == "numpy" and not isinstance(c, str) for c in cells):
            raise InputError("nested numpy arrays, where whole numbers beside nulls are floats", value=name, path=what,
                             expected='Arrow (batch_format="pyarrow"), or JSON text')  # fmt: skip
        return cells

    def _row(self, source: Format | ChatTemplate, tokenizer: Tokenizer, read: Any) -> _Row:
        try:
            messages, tools = read()
            if messages is None:
                raise MessageError("no messages", path=self.messages_column, expected="a list")
            tools = self.tools if tools is None else tools
            out = source.render(messages, tools, tokenizer, **self.options)
            mask = out.mask("sampled") if not self.options.get("add_generation_prompt") else _mask(out)
            if True not in mask and not self.options.get("add_generation_prompt"):
                raise MaskError("nothing was sampled", path="messages", expected="a turn of the assistant")
            return _Row(out.ids, mask, None)
        except TurnwireError as e:
            return _Row(None, [], f"{type(e).__name__}: {str(e).partition(chr(10))[0]}")
        except Exception as e:  # one row must not end the work of a week
            said = f"an error in turnwire, please report it: {type(e).__name__}: {e}"
            return _Row(None, [], said.encode("utf-8", "backslashreplace").decode())

    def _of_json(self, text: Any) -> tuple[Any, Any]:
        row = _json(text, "row")
        if isinstance(row, list):
            return cast("list[Any]", row), None
        if not isinstance(row, dict):
            raise MessageError(f"not a row but {type(row).__name__}", path="row", expected="an object, or messages")
        d = cast("dict[str, Any]", row)
        messages, tools = d.get(self.messages_column), d.get(self.tools_column or "tools")
        if messages is None:
            near = nearest(self.messages_column, d)
            raise MessageError(f"no {self.messages_column!r}", path="row", expected="messages", near=near)
        return _text_read(messages), _text_read(tools)

    def _columns(self, rows: list[_Row]) -> dict[str, list[Any]]:
        out: dict[str, list[Any]] = {
            "input_ids": [r.ids for r in rows],
            "assistant_masks": [None if r.ids is None else [int(m) for m in r.mask] for r in rows],
        }
        if self.labels:
            out["labels"] = [r.ids and [i if m else IGNORED for i, m in zip(r.ids, r.mask)] for r in rows]
        out["tokens"] = [len(r.ids or ()) for r in rows]
        out["sampled"] = [sum(r.mask) for r in rows]
        out["error"] = [r.error for r in rows]
        return out


class _Arrow(Mapping[str, "list[Any]"]):
    """Columns of an Arrow table as Python values, read when they are asked for."""

    def __init__(self, table: Any):
        self.columns: dict[str, Any] = dict(zip(table.schema.names, table.columns))

    def __getitem__(self, name: str) -> list[Any]:
        return self.columns[name].to_pylist(maps_as_pydicts="lossy")

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


@functools.lru_cache(maxsize=4)
def _tokenizer(path: str) -> Tokenizer:
    return load_tokenizer(path)


def _mask(out: Any) -> list[bool]:
    """Of a prompt nothing need be sampled; where it cannot be told what was, nothing is said to be."""
    return [False] * len(out.ids) if out.unmasked else out.mask("sampled")


def _there(names: Iterable[str], name: str, what: str) -> str:
    known = list(names)
    if name not in known:
        raise InputError(f"no column {name!r}", value=name, path=what, expected="one of " + ", ".join(known),
                         near=nearest(name, known))  # fmt: skip
    return name


def _value(value: Any) -> Any:
    """A cell: JSON text is read; of anything else the keys that hold null are left out."""
    if isinstance(value, (str, bytes)):
        return _json(value, "column")
    value = _without_null(value)
    return _text_read(value)


def _text_read(value: Any) -> Any:
    """JSON text inside, for the whole or for each item (as extension types for JSON give it), is read."""
    if isinstance(value, str):
        return _json(value, "column")
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [_json(v, f"column[{i}]") if isinstance(v, str) else v for i, v in enumerate(items)]
    return value


def _json(text: Any, path: str) -> Any:
    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8-sig")  # what some editors begin a file with
        if not isinstance(text, str):
            raise InputError(f"not text but {type(text).__name__}", value=text, path=path, expected="JSON")
        return loads(text)
    except UnicodeDecodeError as e:
        raise InputError(f"not UTF-8 at byte {e.start}", path=path, expected="UTF-8") from None
    except InputError:
        raise
    except ValueError as e:
        raise InputError(f"not JSON: {e}", path=path, expected="JSON") from None


def _without_null(value: Any) -> Any:
    """A copy of plain data."""
    if isinstance(value, Mapping):
        items = cast("Mapping[Any, Any]", value).items()
        return {k: _without_null(v) for k, v in items if v is not None}
    if isinstance(value, (list, tuple)):
        return [_without_null(v) for v in cast("Sequence[Any]", value)]
    return value
