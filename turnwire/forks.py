"""Forks: what threads share has locks, and a forked child, which has none of the other threads, would wait for those
that were held for ever. So whatever has a lock is `shared`, and gets a new one in the child."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Protocol


class Shared(Protocol):
    """What has a lock."""

    def forked(self) -> None:
        """Called in a child, before anything else runs there."""
        ...


_ALL: weakref.WeakSet[Shared] = weakref.WeakSet()


def shared(thing: Shared) -> None:
    """Have `thing.forked` called in forked children, as long as somebody holds the thing."""
    _ALL.add(thing)


def _forked() -> None:
    for thing in [*_ALL]:
        thing.forked()


_at_fork: Callable[..., None] | None = getattr(os, "register_at_fork", None)  # not on Windows, where nothing forks
if _at_fork is not None:
    _at_fork(after_in_child=_forked)
