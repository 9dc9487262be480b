"""Codecs of "attrs" slots: what a call's markers say of it besides its arguments. See the head of this package."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..turns import Call

TYPES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"), (type(None), "null"), ((int, float), "number"), (str, "string"), (Mapping, "object"),
)  # fmt: skip
ATTRIBUTE = re.compile(r"([A-Za-z_]+)\s*=\s*\"([^\"]*)\"")


@dataclass(frozen=True, slots=True)
class CountedId:
    """A call's id that has its name in it: `prefix`, name, colon, number (see `codecs.Counted`), blanks around it.
    Read without the prefix, without the number (then it is a name and no id), and with `_` in the place of both
    separators, as a model writes it that has seen ids which a client had cleaned."""

    prefix: str = ""

    @property
    def word(self) -> re.Pattern[str]:
        """Matches as much of an id as there is."""
        return re.compile(r"[ \t\r\n]{0,8}[^\r\n<>{}\"\ud800-\udfff]{1,200}[ \t\r\n]{0,8}")

    def read(self, text: str) -> dict[str, str]:
        said = text.strip()
        bare = said.removeprefix(self.prefix)
        if m := re.fullmatch(r"(.+):[0-9]+", bare, re.DOTALL):
            return {"id": said, "name": m[1]}
        cleaned = re.sub("[^A-Za-z0-9_]", "_", self.prefix)
        if (m := re.fullmatch("(.+)_[0-9]+", said.removeprefix(cleaned))) and cleaned and said.startswith(cleaned):
            return {"id": said, "name": m[1]}
        return {"name": bare}

    def place(self, text: str) -> tuple[int, int] | None:
        """Where the name is."""
        name, said = self.read(text)["name"], text.rstrip()
        stop = len(said) if said.endswith(name) else max(said.rfind(":"), said.rfind("_"))
        return (stop - len(name), stop)

    def write(self, call: Call, index: int) -> str:
        return call.id if call.id is not None else f"{self.prefix}{call.name}:{index}"


class _Attributes:
    """Attributes as in XML: name="value", & and quotes escaped."""

    __slots__ = ()

    @property
    def word(self) -> re.Pattern[str]:
        """Matches as much of some attributes as there is."""
        return re.compile(r"[^<>\ud800-\udfff]{1,1024}")

    def attributes(self, text: str) -> dict[str, str]:
        """The attributes that a text names; the first of two."""
        out: dict[str, str] = {}
        for name, value in ATTRIBUTE.findall(text):
            out.setdefault(name, value.replace("&quot;", '"').replace("&amp;", "&"))
        return out

    def attribute(self, name: str, value: Any) -> str:
        """One attribute, written."""
        text = str(value).replace("&", "&amp;").replace('"', "&quot;")
        return f'{name}="{text}"'


@dataclass(frozen=True, slots=True)
class CallAttributes(_Attributes):
    """A call's name in an attribute, and its number among the calls of the turn, from 1, in another, which is not
    read: what order calls came in is known."""

    name: str
    index: str

    def read(self, text: str) -> dict[str, str]:
        said = self.attributes(text)
        return {"name": said[self.name]} if self.name in said else {"fault": f"no {self.name}"}

    def place(self, text: str) -> tuple[int, int] | None:
        """Where the name is."""
        return next((m.span(2) for m in ATTRIBUTE.finditer(text) if m[1] == self.name), None)

    def write(self, call: Call, index: int) -> str:
        return f"{self.attribute(self.name, call.name or '')} {self.attribute(self.index, index + 1)}"


@dataclass(frozen=True, slots=True)
class ArgumentAttributes(_Attributes):
    """An argument's key and its JSON type. A string's value is text, any other is JSON; without a type, its schema
    says."""

    key: str
    type: str

    def read(self, text: str) -> dict[str, str]:
        said = self.attributes(text)
        form = {"": "", "string": "string"}.get(said.get(self.type, ""), "json")
        return {"key": said[self.key], "form": form} if self.key in said else {"fault": f"no {self.key}"}

    def write(self, key: str, value: Any) -> str:
        kind = next((name for types, name in TYPES if isinstance(value, types)), "array")
        return f"{self.attribute(self.key, key)} {self.attribute(self.type, kind)}"
