"""The prompt of Apertus around what the model writes. Facts: swiss-ai/Apertus-8B-Instruct-2509 chat_template.jinja
(sha256 56f72c27): lines 1-131 print tools as TypeScript, 133-180 the system and developer turns, 181-330 the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..codecs import dumps
from ..layout import as_date
from ..turns import Call
from ..wire import Lit, Tok

if TYPE_CHECKING:
    from ..layout import Context, Layout, Placed
    from .writer import Writer

WHO = (
    "You are Apertus, a helpful assistant created by the SwissAI initiative.\nKnowledge cutoff: 2024-04\nCurrent date: "
)
SCALARS = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean"}


def write_preamble(w: Writer, system: Placed | None, layout: Layout, context: Context) -> None:
    """The caller's system turn or the default one, then a developer turn: deliberation and tools."""
    wrap = layout.role("system")
    w.word(wrap.open)
    if system is not None:
        w.content(system, layout, context)
    else:
        w.markup(WHO + as_date(context.options["now"]).strftime("%Y-%m-%d"))
    w.word(wrap.close)
    w.word(Tok("<|developer_start|>"))
    w.markup(f"Deliberation: {'enabled' if context.options['enable_thinking'] else 'disabled'}\nTool Capabilities:")
    w.markup("\n" if context.tools else " disabled")
    for w.tool, tool in enumerate(context.tools or ()):
        w.data(("\n" if w.tool else "") + _tool(tool.function), "tools")
    w.word(Tok("<|developer_end|>"))


def one_turn(turns: list[Placed], context: Context) -> list[Placed]:
    """Calls, results and answers are one turn of the model, from its header to the next user; it does not end while
    it waits for results (lines 236-330)."""
    out: list[Placed] = []
    waiting = False
    for at, t in enumerate(turns):
        before = turns[at - 1].role if at else ""
        behind = turns[at + 1].role if at + 1 < len(turns) else ""
        if t.role == "assistant":
            waiting = waiting or any(isinstance(p, Call) for _, p in t.parts)
            goes_on = behind in ("assistant", "tool") or (not behind and waiting)
            t = replace(t, headed=before not in ("assistant", "tool"), open=goes_on)
        elif t.role == "tool":
            waiting = False
            rest = (r.role for r in turns[at:] if r.role != "tool")  # what is behind the run of results
            t = replace(t, open=next(rest, "") == "assistant")
        out.append(t)
    return out


@dataclass(frozen=True, slots=True)
class Outputs:
    """Results as a list, inside the model's turn; it ends behind them if the model does not go on."""

    def write(self, w: Writer, run: list[Placed], layout: Layout, context: Context) -> None:
        w.word(Lit("["))
        for n, placed in enumerate(run):
            w.markup(", " if n else "")
            w.content(placed, layout, context)
        w.word(Lit("]"))
        if not run[-1].open:
            w.word(Tok("<|assistant_end|>"))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]


def _tool(function: Mapping[str, Any]) -> str:
    """Lines 93-131."""
    out = f"// {function.get('description') or ''}\ntype {function['name']} = "
    parameters = _map(function.get("parameters"))
    properties = _map(parameters.get("properties"))
    if not properties:
        return out + "() => any;"
    lines: list[str] = []
    for name, given in properties.items():
        spec = _map(given)
        line = f"// {spec['description']}\n" if spec.get("description") else ""
        line += f"{name}{'' if name in (parameters.get('required') or ()) else '?'}: {typed(spec)}"
        if "default" in spec:
            value = spec["default"]
            bare = bool(spec.get("enum") or spec.get("oneOf"))
            shown = value if bare and isinstance(value, str) else dumps(value)
            line += f"{'' if spec.get('oneOf') and not spec.get('enum') else ', '}// default: {shown}"
        lines.append(line)
    return out + "(_: {\n" + ",\n".join(lines) + "\n}) => any;"


def typed(spec: Mapping[str, Any]) -> str:
    """A schema as the template prints it (lines 1-91), its line ends and blanks among alternatives too."""
    kind = spec.get("type")
    null = " | null" if spec.get("nullable") else ""
    if kind == "array":
        if not spec.get("items"):
            return "any[]" + null
        items = _map(spec["items"])
        inner = items.get("type")
        if isinstance(inner, str) and inner in SCALARS:
            return SCALARS[inner] + "[]" + null
        text = typed(items)
        return ("any" if text == "object | object" or len(text) > 50 else text) + "[]" + null
    if isinstance(kind, (list, tuple)) and kind:
        return " | ".join(map(str, kind))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if variants := spec.get("oneOf"):
        return _union([_map(v) for v in variants])
    if kind == "string":
        return '"' + '" | "'.join(map(str, spec["enum"])) + '"' if spec.get("enum") else "string" + null
    if kind == "object":
        required = spec.get("required") or ()
        members = [
            f"{name}{'' if name in required else '?'}: \n                {typed(_map(given))}"
            for name, given in _map(spec.get("properties")).items()
        ]
        return "{\n" + ", ".join(members) + "}" if members else "object"
    return SCALARS.get(kind, "any") if isinstance(kind, str) else "any"


def _union(variants: list[Mapping[str, Any]]) -> str:
    out: list[str] = []
    for v in variants:
        text = typed(v)
        if v.get("description"):
            text += f"// {v['description']}"
        if "default" in v:
            text += " " * 20 + "// default: " + dumps(v["default"])
        out.append(text)
    return " | \n".join(out)
