"""A cache with a bound in bytes: what was used last stays. Safe to share between threads, and with forked children."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import Any, Generic, NamedTuple, TypeVar

from .forks import shared

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class CacheInfo(NamedTuple):
    """How often something was known, and the bytes that the cache may hold and holds."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


_NOTHING: tuple[Any, int] = (None, 0)


class ByteCache(Generic[K, V]):
    """Values that are never changed, each with its cost in bytes, as whoever puts it there reckons it."""

    __slots__ = ("__weakref__", "_held", "_hits", "_items", "_lock", "_misses", "limit")

    def __init__(self, limit: int):
        self.limit = limit
        self._items: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._held = self._hits = self._misses = 0
        self._lock = threading.Lock()
        shared(self)

    def forked(self) -> None:
        """In a forked child. A thread of the parent's may have been amid putting something here."""
        self._lock = threading.Lock()
        self._held = sum(cost for _, cost in self._items.values())

    def get(self, *keys: K) -> V | None:
        """The value of the first of `keys` that is known; one hit, or one miss."""
        with self._lock:
            for key in keys:
                found = self._items.get(key)
                if found is not None:
                    self._items.move_to_end(key)
                    self._hits += 1
                    return found[0]
            self._misses += 1
        return None

    def get_each(self, keys: Iterable[K]) -> list[V | None]:
        """The value of each key, None where it is not known."""
        out: list[V | None] = []
        items = self._items
        with self._lock:
            for key in keys:
                found = items.get(key)
                if found is None:
                    out.append(None)
                else:
                    items.move_to_end(key)
                    out.append(found[0])
            known = len(out) - out.count(None)
            self._hits += known
            self._misses += len(out) - known
        return out

    def put_each(self, found: Iterable[tuple[K, V, int]]) -> None:
        """Keep keys with their values and costs, as far as the bound allows."""
        with self._lock:
            for key, value, cost in found:
                if cost <= self.limit:
                    self._held += cost - self._items.pop(key, _NOTHING)[1]
                    self._items[key] = value, cost
            while self._held > self.limit:
                self._held -= self._items.popitem(last=False)[1][1]

    def info(self) -> CacheInfo:
        """What it did so far."""
        return CacheInfo(self._hits, self._misses, self.limit, self._held)
