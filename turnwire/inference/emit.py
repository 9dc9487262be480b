"""A format as Python source, as a family file has it: imports, the frames of its reply, the reply, the layout, one
value. What it was found by stands in the docstring. Running the source gives an equal format.

Functions and classes are named by where they are; a template is named, or read from a file, and not repeated.
"""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import FunctionType
from typing import Any, cast

from .. import codecs, wire
from ..errors import FormatError
from ..format import Format
from ..wire import NOTHING, Choice, End, Frame, Many, Seq, Slot, Word, children
from .source import Expr, Made, Several, Sum, flat, imports, statement, string

KINDS = {"reasoning": "think", "arg": "argument"}
"""What frames are called here, if not as their kind."""
SHORT = 60  # characters of a frame that is not worth a name
WIDTH = 120
NOT_RAW = re.compile(r'[^\S \t\n]|[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]|"""')
"""What text in a raw string cannot hold."""


def emit(
    fmt: Format,
    *,
    template: str | None = None,
    file: str | None = None,
    like: str = "",
    relative: bool = False,
    width: int = WIDTH,
) -> str:
    """The source of a format.

    `template`: the text that its layout renders; it is read from `file`, beside the source, or stands in it. `like`:
    the name of a format whose layout it has, for one that cannot be written (its functions are no module's). `relative`
    imports from where families are. Raises `FormatError` for a value that has no source.
    """
    writer = _Source(fmt, width, "..") if relative else _Source(fmt, width, "turnwire.")
    return writer.text(template, file, like)


class _Source:
    def __init__(self, fmt: Format, width: int, package: str):
        self.fmt, self.width, self.package = fmt, width, package
        self.imported: dict[str, dict[str, str]] = {}
        self.taken: dict[str, Any] = {}  # names of this source, and what they stand for
        self.named: dict[Any, str] = {}  # frames
        self.body: list[str] = []
        self.template: str | None = None

    def text(self, template: str | None, file: str | None, like: str) -> str:
        fmt = self.fmt
        own = self._own(re.sub(r"\W", "_", fmt.name), fmt)
        head = self._template(template, file)
        for frame in self._frames(fmt.reply):
            name = self._own(KINDS.get(frame.kind, re.sub(r"\W", "_", frame.kind)), frame)
            self.body += statement(name, self.word(frame), self.width)
            self.named[frame] = name
        reply = self.word(fmt.reply)
        if len(flat(reply)) > SHORT:
            self.body += statement(self._own("reply", reply), reply, self.width)
            reply = "reply"
        header = self.word(fmt.header)
        self.body.append("")
        layout = self._layout(like)
        given: list[tuple[str, Expr]] = [("", string(fmt.name)), ("", reply), ("", header), ("", layout)]
        for f in fields(fmt):
            value = getattr(fmt, f.name)
            if f.name not in ("name", "reply", "header", "layout", "evidence") and value != f.default:
                given.append((f.name, self.value(value)))
        made = statement(own, Made(self.refer("turnwire.format", "Format"), tuple(given)), self.width)
        top = ["from __future__ import annotations", ""]
        if head and file:
            top += ["from pathlib import Path", ""]
        found = imports(self.imported, self.width)
        parts = [self._docstring(), "", *top, *found, "", *head, *self.body, *made]
        kept = [line for line, before in zip(parts, ["x", *parts]) if line or before]  # one blank line at most
        return "\n".join(kept).rstrip("\n") + "\n"

    # the parts

    def _docstring(self) -> str:
        fmt = self.fmt
        evidence = getattr(fmt, "evidence", None)
        said = [f"{fmt.name}: {fmt.source or 'a format'}.", *([f"{evidence}."] if evidence is not None else [])]
        room = self.width - 4
        rows = [textwrap.fill(re.sub(r"\s+", " ", row), room) for row in said]
        notes = [textwrap.fill(re.sub(r"\s+", " ", f"- {note}"), room, subsequent_indent="  ") for note in fmt.notes]
        rows += ["\n".join(notes)] if notes else []
        text = "\n\n".join(rows).replace("\\", "\\\\").replace('"' * 3, '\\"' * 3)
        return f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'

    def _template(self, template: str | None, file: str | None) -> list[str]:
        if template is None:
            return []
        self.template = template
        name = self._own("TEMPLATE", template)
        if file:
            self.taken["Path"] = None
            return [f"{name} = (Path(__file__).parent / {string(file)}).read_bytes().decode()", ""]
        if NOT_RAW.search(template) is None and template[-1:] not in '"\\\\':
            return [f'{name} = r"""{template}"""', ""]
        rows = re.findall(r"[^\n]*\n|[^\n]+", template) or [""]
        return [f"{name} = (", *(f"    {string(row)}" for row in rows), ")  # fmt: skip", ""]

    def _layout(self, like: str) -> Expr:
        if like:
            return f"{self.refer('turnwire.families', 'get_format')}({string(like)}).layout"
        layout = self.value(self.fmt.layout)
        self.body += statement(self._own("layout", layout), layout, self.width)
        return "layout"

    def _frames(self, reply: Word) -> list[Frame]:
        """The frames that get a name, inner ones first, each once."""
        found: dict[Frame, None] = {}

        def look(word: Word) -> None:
            for inner in children(word):
                look(inner)
            if isinstance(word, Frame):
                found.setdefault(word)

        look(reply)
        return list(found)

    # names

    def _own(self, name: str, value: Any) -> str:
        """A name of this source that nothing else has."""
        name = f"{name}_" if keyword.iskeyword(name) or hasattr(builtins, name) else name
        name = f"format_{name}" if not name.isidentifier() else name
        free, n = name, 1
        while free in self.taken:
            n += 1
            free = f"{name}_{n}"
        self.taken[free] = value
        return free

    def refer(self, module: str, name: str) -> str:
        """An imported name."""
        inside = module.startswith("turnwire.")
        module = self.package + module.removeprefix("turnwire.") if inside else module
        known = self.imported.setdefault(module, {})
        if name not in known:
            known[name] = self._own(name, (module, name))
        return known[name]

    def _public(self, cls: Any) -> str:
        """A class or function, imported from the package that shows it."""
        name, module = cls.__qualname__, cls.__module__
        if cls is type(None):
            return "type(None)"
        if module == "builtins":
            return name
        for shown in (codecs, wire):
            if getattr(shown, name, None) is cls:
                return self.refer(shown.__name__, name)
        top, _, inner = name.partition(".")
        found: Any = sys.modules.get(module)
        for step in name.split("."):
            found = getattr(found, step, None)
        if found is not cls:
            raise self._no_source(cls)
        return self.refer(module, top) + (f".{inner}" if inner else "")

    def _no_source(self, value: Any) -> FormatError:
        return FormatError(
            f"{value!r} has no source", value=value, path=self.fmt.name,
            expected="values of modules, or like= a format that has the layout",
        )  # fmt: skip

    # values

    def word(self, word: Word) -> Expr:
        """A word of the vocabulary."""
        if word in self.named:
            return self.named[word]
        if word == NOTHING:
            return self.refer("turnwire.wire", "NOTHING")
        if isinstance(word, Seq):
            if len(word.parts) > 1 and not any(isinstance(p, Seq) for p in word.parts):
                return Sum(tuple(map(self.word, word.parts)))
            return Made(self._public(Seq), (("", Several("()", tuple(("", self.word(p)) for p in word.parts))),))
        if isinstance(word, Choice):
            if len(word.items) == 2 and word.items[1] == NOTHING:
                return Made(self._public(wire.Opt), (("", self.word(word.items[0])),))
            return Made(self._public(Choice), tuple(("", self.word(item)) for item in word.items))
        if isinstance(word, End):
            given: list[tuple[str, Expr]] = [("", string(tok)) for tok in word.toks]
            given += [("also", self.value(word.also))] if word.also else []
            usual = {"between": word.toks[0], "sampled": word.toks[0], "history": word.sampled, "called": word.sampled}
            given += [(k, string(getattr(word, k))) for k, v in usual.items() if getattr(word, k) != v]
            return Made(self._public(End), tuple(given))
        if isinstance(word, Slot):
            codec = [("", self.value(word.codec))] if word.codec is not None else []
            return Made(self._public(Slot), (("", string(word.kind)), *codec))
        if isinstance(word, Many):
            parts = ((k, getattr(word, k)) for k in ("open", "sep", "close"))
            rest = tuple((k, self.word(w)) for k, w in parts if w != NOTHING)
            together = (("together", self.value(True)),) if word.together else ()
            return Made(self._public(Many), (("", self.word(word.item)), *rest, *together))
        return self._dataclass(word)

    def value(self, value: Any) -> Expr:
        """Anything that a format holds."""
        if isinstance(value, Word):
            return self.word(value)
        if isinstance(value, str):
            return "TEMPLATE" if value == self.template else string(value)
        if value is None or isinstance(value, (bool, int, float)):
            return repr(value)
        if isinstance(value, (tuple, list)):
            items = cast("list[Any]", value)
            return Several("()" if isinstance(value, tuple) else "[]", tuple(("", self.value(v)) for v in items))
        if isinstance(value, Mapping):
            members = cast("Mapping[Any, Any]", value)
            return Several("{}", tuple((flat(self.value(k)) + ": ", self.value(v)) for k, v in members.items()))
        if isinstance(value, frozenset):
            items = sorted(cast("frozenset[Any]", value), key=repr)
            inner = Several("{}", tuple(("", self.value(v)) for v in items))
            return Made("frozenset", (("", inner),) if items else ())
        if isinstance(value, (type, FunctionType)) or inspect.isbuiltin(value):
            return self._public(value)
        if is_dataclass(value):
            return self._dataclass(value)
        if type(value).__init__ is object.__init__:  # it holds nothing
            return Made(self._public(type(value)))
        raise self._no_source(value)

    def _dataclass(self, value: Any) -> Expr:
        given: list[tuple[str, Expr]] = []
        skipped = False
        for f in fields(value):
            held = getattr(value, f.name)
            default = f.default_factory() if f.default_factory is not MISSING else f.default
            if not f.compare or (default is not MISSING and type(held) is type(default) and held == default):
                skipped = True  # what does not compare is about one place: a path
            elif f.init:
                usual = default is MISSING or not (given or isinstance(held, bool))
                positional = usual and not skipped and not f.kw_only
                given.append(("" if positional else f.name, self.value(held)))
        return Made(self._public(type(value)), tuple(given))
