"""The variables of a render, in which each text, number, mapping and list knows its path.

A mapping or list is wrapped when a template takes it, its elements when it takes those: what a template leaves alone
costs nothing. `Mapped` and `Listed` hold the same as what they stand for, so code that reads them past their methods
finds the same text, of which nothing is known. Booleans and None have no subclasses: their path is known only inside.
"""

from __future__ import annotations

import operator
from collections.abc import Collection, ItemsView, Iterator, KeysView, Mapping, ValuesView
from contextvars import ContextVar
from functools import partial
from typing import Any, SupportsIndex

from ..origins import Key
from .traced_text import Path, Source, Text, placed, plain

_DICT: Any = dict
_set = _DICT.__setitem__
_LIST: Any = list
doubts: ContextVar[list[str]] = ContextVar("doubts")  # of a render: why its text may differ from the plain one


def doubt(why: str) -> None:
    """The text has to be compared with the plain render's."""
    doubts.get().append(why)


class Keys(dict[str, Key]):
    """Steps to keys: the same come again and again."""

    def __missing__(self, key: str) -> Key:
        self[key] = step = Key(key)
        return step


class Root:
    """Of a variable: the roles that count as the template's, and whether all of it does."""

    __slots__ = ("keys", "markup", "roles")

    def __init__(self, roles: Collection[str], markup: bool):
        self.roles, self.markup = roles, markup
        self.keys = Keys()

    def source(self, text: str, path: Path) -> Path | Source:
        """Of a text at a path."""
        if self.markup or (path[-1] == "role" and len(path) == 3 and text in self.roles):
            return Source("template", 0, path)
        return path


def wrapped(variables: Mapping[str, Any], markup: Collection[str], roles: Collection[str]) -> dict[str, Any]:
    """The variables, each knowing its path. Those named in `markup`, and the roles of `messages` that are among
    `roles`, count as the template's. Of values of other types than JSON's nothing is known."""
    return {
        name: value
        if value is None or type(value) is bool
        else wrap(value, (name,), Root(roles if name == "messages" else (), name in markup))
        for name, value in variables.items()
    }


def wrap(value: Any, path: Path, root: Root) -> Any:
    """A value that knows its path."""
    kind: Any = type(value)  # pyright: ignore[reportUnknownVariableType]
    like = _KNOWN.get(kind)
    if like is None:
        if kind is str:
            return placed(value, root.source(value, path))
        if value is None or kind is bool or kind in READY:
            return value
        if kind is tuple:
            return tuple([wrap(item, (*path, i), root) for i, item in enumerate(value)])
    if like is None or (kind is float and value != value):
        doubt(f"{path} is a {kind.__name__}")
        return value
    out = like(value)
    out._raw = value
    out._path = path
    out._root = root
    return out


class Mapped(dict[Any, Any]):
    """A mapping of the variables."""

    __slots__ = ("_path", "_raw", "_root")
    _raw: dict[Any, Any]
    _path: Path
    _root: Root

    def __getitem__(self, key: Any) -> Any:
        value = _DICT.__getitem__(self, key)
        return value if type(value) in READY else taken(self, key, value)

    def get(self, key: Any, default: Any = None) -> Any:
        return self[key] if _DICT.__contains__(self, key) else default

    def __iter__(self) -> Iterator[Any]:
        return map(partial(key_of, self), _DICT.__iter__(self))

    def __reversed__(self) -> Iterator[Any]:
        return map(partial(key_of, self), _DICT.__reversed__(self))

    def keys(self) -> Any:
        return _Keys(self)

    def values(self) -> Any:
        return _Values(self)

    def items(self) -> Any:
        return _Items(self)

    def copy(self) -> Any:
        return dict(self.items())

    @classmethod
    def fromkeys(cls, keys: Any, value: Any = None, /) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return dict.fromkeys(keys, value)


# no methods: a template would see them


def text_under(mapping: Mapped, key: str, value: str) -> Text:
    """The text under a key, which knows its path from now on."""
    root = mapping._root  # pyright: ignore[reportPrivateUsage]
    path = mapping._path + (key,)  # noqa: RUF005 (quicker)  # pyright: ignore[reportPrivateUsage]
    text = placed(value, root.source(value, path) if root.markup or key == "role" else path)
    _set(mapping, key, text)
    return text


def taken(mapping: Mapped, key: Any, value: Any) -> Any:
    """The value under a key, which knows its path from now on."""
    if type(key) is Text:
        key = plain(key)
    if type(value) is str:
        return text_under(mapping, key, value)
    value = wrap(value, (*mapping._path, key), mapping._root)  # pyright: ignore[reportPrivateUsage]
    _set(mapping, key, value)
    return value


def key_of(mapping: Mapped, key: Any) -> Any:
    """A key that knows its path."""
    if type(key) is not str:
        return key
    root = mapping._root  # pyright: ignore[reportPrivateUsage]
    path = mapping._path + (root.keys[key],)  # noqa: RUF005  # pyright: ignore[reportPrivateUsage]
    return placed(key, root.source(key, path) if root.markup or key == "role" else path)


class _Keys(KeysView[Any]):
    _mapping: Mapped

    def __repr__(self) -> str:  # as those of a dict are shown in formats and in lists
        return repr(_DICT.keys(self._mapping))

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._mapping)


class _Values(ValuesView[Any]):
    _mapping: Mapped

    def __repr__(self) -> str:
        return repr(_DICT.values(self._mapping))

    def __iter__(self) -> Iterator[Any]:
        return map(self._mapping.__getitem__, _DICT.__iter__(self._mapping))

    def __reversed__(self) -> Iterator[Any]:
        return map(self._mapping.__getitem__, _DICT.__reversed__(self._mapping))


class _Items(ItemsView[Any, Any]):
    _mapping: Mapped

    def __repr__(self) -> str:
        return repr(_DICT.items(self._mapping))

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        mapping = self._mapping
        for key in _DICT.__iter__(mapping):
            yield key_of(mapping, key), mapping[key]

    def __reversed__(self) -> Iterator[tuple[Any, Any]]:
        mapping = self._mapping
        for key in _DICT.__reversed__(mapping):
            yield key_of(mapping, key), mapping[key]


class Listed(list[Any]):
    """A list of the variables."""

    __slots__ = ("_path", "_raw", "_root")
    _raw: list[Any]
    _path: Path
    _root: Root

    def _take(self, i: int) -> Any:
        value = _LIST.__getitem__(self, i)
        if type(value) not in READY:
            value = wrap(value, (*self._path, i), self._root)
            _LIST.__setitem__(self, i, value)
        return value

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        if isinstance(key, slice):
            return [self._take(i) for i in range(len(self))[key]]
        i = operator.index(key)
        return self._take(i + len(self) if i < 0 else i)

    def __iter__(self) -> Iterator[Any]:
        path, root = self._path, self._root
        made: Any
        for i, value in enumerate(_LIST.__iter__(self)):
            if type(value) is dict:  # as `wrap` does it
                made = Mapped(value)  # pyright: ignore[reportUnknownArgumentType]
                made._raw, made._path, made._root = value, path + (i,), root  # noqa: RUF005
                _LIST.__setitem__(self, i, made)
                yield made
            else:
                yield self._take(i)

    def __reversed__(self) -> Iterator[Any]:
        return map(self._take, reversed(range(len(self))))

    def copy(self) -> list[Any]:
        return list(self)

    def __add__(self, other: Any) -> list[Any]:
        return list(self) + (list(other) if type(other) is Listed else other)

    def __radd__(self, other: Any) -> list[Any]:
        return other + list(self)

    def __mul__(self, times: SupportsIndex) -> list[Any]:
        return list(self) * times

    __rmul__ = __mul__


class Whole(int):
    """An integer of the variables."""

    _raw: int
    _path: Path
    _root: Root

    def __str__(self) -> str:
        return placed(int.__repr__(self), self._path, -1)


class Real(float):
    """A number of the variables."""

    _raw: float
    _path: Path
    _root: Root

    def __str__(self) -> str:
        return placed(float.__repr__(self), self._path, -1)


_KNOWN: dict[Any, Any] = {dict: Mapped, list: Listed, int: Whole, float: Real}
READY: frozenset[type] = frozenset((Text, Mapped, Listed, Whole, Real, bool, type(None)))


def place_of(value: Any) -> tuple[Path, Root] | None:
    """Where in the variables a value is, if it knows."""
    if isinstance(value, (Mapped, Listed, Whole, Real)):
        return value._path, value._root  # pyright: ignore[reportPrivateUsage]
    return None


def raw(value: Any) -> Any:
    """The mapping or list that a value stands for."""
    return value._raw if type(value) in (Mapped, Listed) else value
