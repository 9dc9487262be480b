"""Ids of calls: how they look in a family (`IdForm`), and how new ones are made that are nobody else's (`Namer`).

An id that already has its family's form says something to the model and stays. Any other (a client's `call_abc`, one
that another call has, none at all) is replaced by the first candidate that is free. All of it is deterministic.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

ALPHANUMERICS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class IdForm(Protocol):
    """How the ids of a family look."""

    def fits(self, id: str, name: str) -> bool:
        """Whether an id is one that the family could have given to a call of `name`."""
        ...

    def candidates(self, name: str, given: str | None, number: int) -> Iterator[str]:
        """Ids that fit, without end and all different: for call `number` of the conversation, of `name`, with the
        caller's id. The same for the same call."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """`prefix`, the function's name, a colon and a number; candidates count the calls of the conversation."""

    prefix: str = ""

    def fits(self, id: str, name: str) -> bool:
        head, _, number = id.rpartition(":")
        return head == self.prefix + name and re.fullmatch("0|[1-9][0-9]{0,8}", number) is not None

    def candidates(self, name: str, given: str | None, number: int) -> Iterator[str]:
        return (f"{self.prefix}{name}:{n}" for n in itertools.count(number))


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A number, from 0; candidates count the calls of the conversation."""

    def fits(self, id: str, name: str) -> bool:
        return re.fullmatch("0|[1-9][0-9]{0,8}", id) is not None

    def candidates(self, name: str, given: str | None, number: int) -> Iterator[str]:
        return map(str, itertools.count(number))

    def shown(self, id: str) -> str:
        """As a prompt shows it: bare, almost any prompt has it."""
        return f'"{id}"'


@dataclass(frozen=True, slots=True)
class Alphanumeric:
    """`length` letters and digits; candidates are drawn from a hash of the caller's id, or of the call's name and
    number where there is none."""

    length: int

    def fits(self, id: str, name: str) -> bool:
        return len(id) == self.length and id.isascii() and id.isalnum()

    def candidates(self, name: str, given: str | None, number: int) -> Iterator[str]:
        seed = f"{number}:{name}" if given is None else f"id:{given}"
        return (self._hash(f"{n}:{seed}") for n in itertools.count())

    def _hash(self, text: str) -> str:
        import hashlib  # loads OpenSSL, which most prompts do without

        value = int.from_bytes(hashlib.sha512(text.encode("utf-8", "surrogatepass")).digest(), "big")
        digits: list[str] = []
        for _ in range(self.length):
            value, digit = divmod(value, len(ALPHANUMERICS))
            digits.append(ALPHANUMERICS[digit])
        return "".join(digits)


class Namer:
    """Gives the calls of a conversation their ids, in order. The id that a call has stays if it is "free" (no call
    before it has it), or if it is free and "fitting", or "always". A new one is neither another call's nor `known`.
    `number`: how many calls came before."""

    __slots__ = ("_form", "_keep", "_known", "_number", "_taken")

    def __init__(
        self, form: IdForm, keep: Literal["fitting", "free", "always"], known: Callable[[str], bool], number: int = 0
    ):
        self._form, self._keep, self._known, self._number = form, keep, known, number
        self._taken: set[str] = set()

    def __call__(self, name: str, given: str | None) -> str:
        """The id of the next call."""
        id = given
        if id is not None and self._keep != "always":
            fits = self._keep == "free" or self._form.fits(id, name)
            id = id if fits and id not in self._taken else None
        if id is None:
            made = self._form.candidates(name, given, self._number)
            id = next(c for c in made if c not in self._taken and not self._known(c))
        self._taken.add(id)
        self._number += 1
        return id
