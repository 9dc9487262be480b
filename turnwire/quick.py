"""Values of frozen dataclasses, made in less than half the time: reading a prompt makes several of each message."""

from __future__ import annotations

import sys
from dataclasses import field, fields, make_dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


def maker(kind: type[T]) -> type[T]:
    """What makes values of a frozen dataclass with slots, called with positions as its class is. That one calls
    `object.__setattr__` for each field; here a value is filled while it is of an open class, and then gets its own."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return kind  # to change a class stops all threads there
    given = [(f.name, Any, field(default=f.default, init=f.init)) for f in fields(cast("Any", kind))]
    open_kind = make_dataclass(kind.__name__, given, slots=True)

    def make(*values: Any) -> Any:
        made = open_kind(*values)
        made.__class__ = kind
        return made

    return cast("type[T]", make)
