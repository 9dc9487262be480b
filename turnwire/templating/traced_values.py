"""The variables of a render, with each string, number, mapping and list knowing its path.

Booleans and None have no subclasses: inside a mapping or a list of the variables their path is known all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from ..origins import Key
from .traced_text import Source, placed

Path = tuple[object, ...]


class Mapped(dict[Any, Any]):
    """A mapping of the variables."""

    __slots__ = ("_path",)
    _path: Path


class Listed(list[Any]):
    """A list of the variables."""

    __slots__ = ("_path",)
    _path: Path


class Whole(int):
    """An integer of the variables."""

    _path: Path

    def __str__(self) -> str:
        return placed(int.__repr__(self), Source("data", 0, self._path), -1)


class Real(float):
    """A number of the variables."""

    _path: Path

    def __str__(self) -> str:
        return placed(float.__repr__(self), Source("data", 0, self._path), -1)


def path_of(value: Any) -> Path | None:
    """Where in the variables a value is, if it knows."""
    return value._path if isinstance(value, (Mapped, Listed, Whole, Real)) else None  # pyright: ignore[reportPrivateUsage]


def wrapped(variables: Mapping[str, Any], markup: Collection[str], roles: Collection[str]) -> dict[str, Any]:
    """A copy of the variables. Texts of `markup`, and the roles of `messages` that are among `roles`, count as the
    template's. Values of other types than JSON's stay what they are, and nothing is known of what they print."""
    out = {name: _wrapped(value, (name,), roles if name == "messages" else ()) for name, value in variables.items()}
    for name in markup:
        if type(text := variables.get(name)) is str:
            out[name] = placed(text, Source("template", 0, (name,)))
    return out


def _wrapped(value: Any, path: Path, roles: Collection[str]) -> Any:
    kind = cast("type[Any]", type(value))
    if kind is str:
        role = roles and len(path) == 3 and path[2] == "role" and value in roles
        return placed(value, Source("template" if role else "data", 0, path))
    if kind is dict:
        out = Mapped()
        for key, item in cast("dict[Any, Any]", value).items():
            named = placed(key, Source("data", 0, (*path, Key(key)))) if type(key) is str else key
            out[named] = _wrapped(item, (*path, key), roles)
    elif kind is list:
        out = Listed([_wrapped(item, (*path, i), roles) for i, item in enumerate(cast("list[Any]", value))])
    elif kind is tuple:
        return tuple([_wrapped(item, (*path, i), roles) for i, item in enumerate(cast("tuple[Any, ...]", value))])
    elif kind is int:
        out = Whole(value)
    elif kind is float:
        out = Real(value)
    else:
        return value
    out._path = path  # pyright: ignore[reportPrivateUsage]
    return out
