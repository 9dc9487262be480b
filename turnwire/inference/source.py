"""Python source in lines that a formatter leaves as they are (ruff format, black): expressions, and how they break.

An expression is a string (a name, a literal: it never breaks), or one of `Made`, `Sum`, `Several`. It stands in one
line if it fits; else its outermost brackets open: the arguments of a call in one line of their own if they fit there,
else one to a line; the items of a tuple one to a line; the operands of a sum one to a line.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Union

Expr = Union[str, "Made", "Sum", "Several"]
INDENT = 4


@dataclass(frozen=True, slots=True)
class Made:
    """A call: positional arguments have no name."""

    name: str
    arguments: tuple[tuple[str, Expr], ...] = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """Operands with a plus between."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Several:
    """Items in brackets, each behind its key in a dict; `brackets` are two characters."""

    brackets: str
    items: tuple[tuple[str, Expr], ...] = ()


def flat(e: Expr) -> str:
    """An expression in one line."""
    if isinstance(e, str):
        return e
    if isinstance(e, Sum):
        return " + ".join(map(flat, e.operands))
    if isinstance(e, Made):
        return f"{e.name}({', '.join(_flat_argument(a) for a in e.arguments)})"
    inner = ", ".join(key + flat(value) for key, value in e.items)
    lone = len(e.items) == 1 and e.brackets == "()"
    return e.brackets[0] + inner + ("," if lone else "") + e.brackets[1]


def _flat_argument(argument: tuple[str, Expr]) -> str:
    name, value = argument
    return f"{name}={flat(value)}" if name else flat(value)


def columns(text: str) -> int:
    """How wide a text is, as formatters measure it."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def lines(e: Expr, width: int, indent: int = 0, before: str = "", behind: str = "") -> list[str]:
    """An expression in lines, with text before its first and behind its last. It stands in brackets already."""
    whole = " " * indent + before + flat(e) + behind
    if columns(whole) <= width or isinstance(e, str):
        return [whole]
    inner = indent + INDENT
    if isinstance(e, Sum):
        first, *rest = e.operands
        out = lines(first, width, indent, before, "" if rest else behind)
        for n, operand in enumerate(rest, 1):
            out += lines(operand, width, indent, "+ ", behind if n == len(rest) else "")
        return out
    if isinstance(e, Several):
        out = [" " * indent + before + e.brackets[0]]
        for key, value in e.items:
            out += lines(value, width, inner, key, ",")
        return [*out, " " * indent + e.brackets[1] + behind]
    out = [" " * indent + before + e.name + "("]
    joined = " " * inner + ", ".join(map(_flat_argument, e.arguments))
    if len(e.arguments) == 1 and not e.arguments[0][0]:
        out += lines(e.arguments[0][1], width, inner)
    elif columns(joined) <= width:
        out.append(joined)
    else:
        for name, value in e.arguments:
            out += lines(value, width, inner, f"{name}=" if name else "", ",")
    return [*out, " " * indent + ")" + behind]


def statement(name: str, e: Expr, width: int) -> list[str]:
    """`name = ...`."""
    before = f"{name} = "
    if not isinstance(e, Sum) or columns(before + flat(e)) <= width:
        return lines(e, width, 0, before)
    if len(e.operands) == 2:
        a, b = e.operands
        if isinstance(b, Made) and b.arguments and columns(f"{before}{flat(a)} + {b.name}(") <= width:
            return lines(b, width, 0, f"{before}{flat(a)} + ")
        last = ") + " + flat(b)
        if isinstance(a, Made) and a.arguments and columns(last) <= width:
            return lines(a, width, 0, before, " + " + flat(b))
    return [f"{before}(", *lines(e, width, INDENT), ")"]


def string(text: str) -> str:
    """A string literal, in the quotes that need fewer escapes."""
    said = repr(text + "'")[1:-2] if '"' not in text else None
    if said is not None:  # repr used double quotes
        return f'"{said}"'
    body = "".join(c if c in "'\"" else repr(c)[1:-1] for c in text)
    if text.count('"') > text.count("'"):
        return "'" + body.replace("'", "\\'") + "'"
    return '"' + body.replace('"', '\\"') + '"'


def imports(names: dict[str, dict[str, str]], width: int) -> list[str]:
    """`from module import name`, sorted; `names`: modules, their names, and what each is called here."""
    out: list[str] = []
    for module in sorted(names, key=_module_order):
        found = sorted(names[module].items(), key=lambda item: _order(item[0]))
        said = [name if name == here else f"{name} as {here}" for name, here in found]
        plain = [s for s in said if " as " not in s]
        for line in ([plain] if plain else []) + [[s] for s in said if " as " in s]:
            whole = f"from {module} import {', '.join(line)}"
            if len(whole) <= width:
                out.append(whole)
            else:
                out += [f"from {module} import (", *(f"    {name}," for name in line), ")"]
    return out


def _module_order(module: str) -> tuple[int, str]:
    dots = len(module) - len(module.lstrip("."))
    return -dots, module


def _order(name: str) -> tuple[int, str]:
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name
