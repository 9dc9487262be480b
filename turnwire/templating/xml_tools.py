"""Preambles that declare tools as XML-ish fields: Qwen3-Coder's, and those of the families that follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ..codecs import dumps
from .preambles import XML_USE

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer


@dataclass(frozen=True, slots=True)
class XmlTools:
    """One system turn: the caller's text, or `default` if there are tools (or `always`), then the tools.
    Qwen3-Coder-30B-A3B chat_template.jinja, lines 14-79.

    `intro` and `use` stand around the tools; `intro` loses its leading line ends where nothing precedes it. Further
    fields that are not containers are printed as Jinja's `string` filter prints them or, `json`, as JSON unless they
    are strings (Qwen3-Coder-Next, line 4). `ordered`: `enum` comes first of a parameter's further fields and `required`
    last of all (Nemotron-3-Nano, lines 72-84). `nulls=False`: a type or description that is null is left out, as one
    that is not there (Trinity-Large-Thinking, lines 62-75).
    """

    default: str = ""
    always: bool = False
    intro: str = "\n\n# Tools\n\nYou have access to the following functions:\n\n<tools>"
    use: str = XML_USE
    json: bool = False
    ordered: bool = False
    nulls: bool = True

    def __call__(self, w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
        wrap = layout.role("system")
        if system is None and not context.tools and not self.always:
            return
        w.word(wrap.open)
        if system is not None:
            w.content(system, layout, context)
        else:
            w.markup(self.default)
        if context.tools:
            said = system.text if system is not None else self.default
            w.markup(self.intro if said or not self.ordered else self.intro.lstrip("\n"))
            for w.tool, tool in enumerate(context.tools):
                self._tool(w, tool.function)
            w.markup("\n</tools>" + self.use)
        w.word(wrap.close)

    def _tool(self, w: Writer, tool: Mapping[str, Any]) -> None:
        w.markup("\n<function>\n<name>")
        w.data(tool["name"], "tools")
        w.markup("</name>")
        if self._has(tool, "description"):
            _field(w, "description", _text(tool["description"]).strip())
        w.markup("\n<parameters>")
        parameters = _mapping(tool.get("parameters"))
        for name, given in _mapping(parameters.get("properties")).items():
            w.markup("\n<parameter>\n<name>")
            w.data(name, "tools")
            w.markup("</name>")
            fields = _mapping(given)
            if self._has(fields, "type"):
                _field(w, "type", _text(fields["type"]))
            if self._has(fields, "description"):
                _field(w, "description", _text(fields["description"]).strip())
            if self.ordered and "enum" in fields:
                _field(w, "enum", dumps(fields["enum"]))
            self._rest(w, fields, ("name", "type", "description", *(("enum",) if self.ordered else ())))
            w.markup("\n</parameter>")
        self._rest(w, parameters, ("type", "properties", *(("required",) if self.ordered else ())))
        if self.ordered and "required" in parameters:
            _field(w, "required", dumps(parameters["required"]))
        w.markup("\n</parameters>")
        self._rest(w, tool, ("type", "name", "description", "parameters"))
        w.markup("\n</function>")

    def _has(self, fields: Mapping[str, Any], key: str) -> bool:
        return key in fields and (self.nulls or fields[key] is not None)

    def _rest(self, w: Writer, fields: Mapping[str, Any], handled: tuple[str, ...]) -> None:
        for key, value in fields.items():
            if key not in handled:
                as_json = not isinstance(value, str) if self.json else isinstance(value, (Mapping, list, tuple))
                _field(w, key, dumps(value) if as_json else _text(value))


def _mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _field(w: Writer, key: str, text: str) -> None:
    w.data(f"\n<{key}>{text}</{key}>", "tools")


def _text(value: Any) -> str:
    """As Jinja's `string` filter."""
    return value if isinstance(value, str) else str(value)
