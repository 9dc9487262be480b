"""Linear: search text for a regular expression that nobody vouches for, without backtracking.

`compile` reads the regular part of ECMA-262 syntax (what JSON Schema's `pattern` means) and gives None for the rest:
backreferences, lookaround, inline flags, dialects. `Pattern.search` runs the Thompson construction, its states
found lazily and cached, so it takes at most (length of the text) * (size of the program) steps, whatever both say.
Each step is reported to `spend`, which may raise. `\\d`, `\\w`, `\\b` are ASCII, `$` is the very end.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple, NoReturn, TypeAlias

MAX_PATTERN = 2_000
MAX_PROGRAM = 2_000
MAX_GROUPS = 40
MAX_CACHED = 20_000

Test = Callable[[str], bool]
# A node is a test of one character, an assertion ("^", "$", "b" or "B"), or one of these.
Node: TypeAlias = "Test | str | Cat | Alt | Repeat"


class Cat(NamedTuple):
    nodes: list[Node]


class Alt(NamedTuple):
    nodes: list[Node]


class Repeat(NamedTuple):
    node: Node
    least: int
    most: int | None


class _Unsupported(Exception):
    """Not in the subset."""


@functools.lru_cache(maxsize=128)
def compile(pattern: str) -> Pattern | None:
    """The pattern ready to search, None if it is not in the subset or beyond the bounds."""
    if len(pattern) > MAX_PATTERN:
        return None
    try:
        return Pattern(_Program(_Reader(pattern).whole()))
    except _Unsupported:
        return None


class _State:
    """A set of places in the program, the kind of character before it, and the moves found so far."""

    __slots__ = ("before", "moves", "places")

    def __init__(self, places: frozenset[int], before: str):
        self.places, self.before = places, before
        self.moves: dict[str, _State] = {}


_FOUND = _State(frozenset(), "found")


class Pattern:
    """A compiled pattern. Safe to share between threads: a lost update only costs a move found twice."""

    def __init__(self, program: _Program):
        self._program = program
        self._forget()

    def _forget(self) -> None:
        self._states: dict[tuple[frozenset[int], str], _State] = {}
        self._cached = 0
        self._start = self._state(frozenset({0}), "start")

    def _state(self, places: frozenset[int], before: str) -> _State:
        return self._states.setdefault((places, before), _State(places, before))

    def search(self, text: str, spend: Callable[[int], None]) -> bool:
        """Whether the pattern matches anywhere in `text`."""
        spend(1 + len(text) // 16)
        state = self._start
        for character in text:
            state = state.moves.get(character) or self._move(state, character, spend)
            if state is _FOUND:
                return True
        return (state.moves.get("") or self._move(state, "", spend)) is _FOUND

    def _move(self, state: _State, character: str, spend: Callable[[int], None]) -> _State:
        """Where `character` ("" is the end of the text) leads from `state`."""
        word = _is_word(character)
        places = self._program.reach(state.places, state.before, word, character == "")
        spend(1 + len(places))
        self._cached += 1 + len(places)
        if self._cached > MAX_CACHED:
            self._forget()
        if self._program.end in places:
            to = _FOUND
        else:
            tests = self._program.tests
            onward = {p + 1 for p in places if character and (test := tests.get(p)) and test(character)}
            to = self._state(frozenset(onward | {0}), "word" if word else "other")
        state.moves[character] = to
        return to


class _Program:
    """Places are numbers: `tests[p]` goes on to p + 1, `jumps[p]` to any of its targets, `asserts[p]` to p + 1."""

    def __init__(self, node: Node):
        self.tests: dict[int, Test] = {}
        self.jumps: dict[int, list[int]] = {}
        self.asserts: dict[int, str] = {}
        self.end = 0
        self._work = 0
        self._emit(node)

    def _next(self) -> int:
        self.end += 1
        return self.end - 1

    def _emit(self, node: Node) -> None:
        self._work += 1
        if self._work > MAX_PROGRAM or self.end > MAX_PROGRAM:
            raise _Unsupported
        if isinstance(node, str):
            self.asserts[self._next()] = node
        elif isinstance(node, Repeat):
            self._emit_repeat(*node)
        elif isinstance(node, Cat):
            for inner in node.nodes:
                self._emit(inner)
        elif isinstance(node, Alt):
            fork = self._next()
            targets: list[int] = []
            exits: list[int] = []
            for inner in node.nodes:
                targets.append(self.end)
                self._emit(inner)
                exits.append(self._next())
            self.jumps[fork] = targets
            self.jumps |= {p: [self.end] for p in exits}
        else:
            self.tests[self._next()] = node

    def _emit_repeat(self, node: Node, least: int, most: int | None) -> None:
        for _ in range(least):
            self._emit(node)
        if most is None:
            fork = self._next()
            self._emit(node)
            self.jumps[self._next()] = [fork]
            self.jumps[fork] = [fork + 1, self.end]
            return
        forks: list[int] = []
        for _ in range(most - least):
            forks.append(self._next())
            self._emit(node)
        self.jumps |= {p: [p + 1, self.end] for p in forks}

    def reach(self, places: Iterable[int], before: str, word: bool, at_end: bool) -> set[int]:
        """The places reached from `places` without reading, between the character before and the next one."""
        seen = set(places)
        todo = list(seen)
        holds = {"^": before == "start", "$": at_end, "b": (before == "word") != word, "B": (before == "word") == word}
        while todo:
            place = todo.pop()
            targets = self.jumps.get(place)
            if targets is None:
                targets = [place + 1] if holds.get(self.asserts.get(place, "")) else []
            for target in targets:
                if target not in seen:
                    seen.add(target)
                    todo.append(target)
        return seen


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


_BLANKS = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000\ufeff"
)
_SETS: dict[str, Test] = {
    "d": lambda c: "0" <= c <= "9",
    "w": _is_word,
    "s": lambda c: c in _BLANKS,
}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_CATEGORY = re.compile(r"\{(L[ulmto]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfson]?)\}")
_CODE = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|u\{([0-9a-fA-F]{1,6})\}")
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_NAME = re.compile(r"\?(?::|<[A-Za-z_$][A-Za-z0-9_$]*>)")


def _negate(test: Test) -> Test:
    return lambda c: not test(c)


def _between(low: str, high: str) -> Test:
    return lambda c: low <= c <= high


def _any_of(tests: list[Test]) -> Test:
    return lambda c: any(test(c) for test in tests)


def _is_category(name: str) -> Test:
    return lambda c: unicodedata.category(c).startswith(name)


def _dot(c: str) -> bool:
    return c not in "\n\r\u2028\u2029"


class _Reader:
    """Recursive descent over the pattern: alternatives of sequences of repeated atoms."""

    def __init__(self, pattern: str):
        self._text, self._at, self._depth = pattern, 0, 0

    def whole(self) -> Node:
        node = self._alternatives()
        if self._at < len(self._text):
            self._fail()
        return node

    def _fail(self) -> NoReturn:
        raise _Unsupported

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str = "") -> str:
        """The next character if it is one of `expected` (any if that is empty), else ""."""
        c = self._peek()
        if expected and c not in expected:
            return ""
        self._at += len(c)
        return c

    def _scan(self, regex: re.Pattern[str]) -> re.Match[str] | None:
        m = regex.match(self._text, self._at)
        if m is not None:
            self._at = m.end()
        return m

    def _alternatives(self) -> Node:
        self._depth += 1
        if self._depth > MAX_GROUPS:
            self._fail()
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        self._depth -= 1
        return branches[0] if len(branches) == 1 else Alt(branches)

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._peek() not in ("", "|", ")"):
            items.append(self._repeated())
        return Cat(items)

    def _repeated(self) -> Node:
        atom = self._atom()
        count = self._count()
        if count is None:
            return atom
        self._take("?")
        if isinstance(atom, str) or self._peek() in ("*", "+", "?") or self._count():
            self._fail()
        return Repeat(atom, *count)

    def _count(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self._peek())
        if simple:
            self._at += 1
            return simple
        m = self._scan(_COUNT) if self._peek() == "{" else None
        if m is None:
            return None
        least = int(m[1])
        most = least if m[2] is None else None if m[3] is None else int(m[3])
        if most is not None and most < least:
            self._fail()
        return least, most

    def _atom(self) -> Node:
        c = self._take()
        if c in ("^", "$"):
            return c
        if c == ".":
            return _dot
        if c == "(":
            if self._peek() == "?" and not self._scan(_NAME):
                self._fail()
            node = self._alternatives()
            if not self._take(")"):
                self._fail()
            return node
        if c == "[":
            return self._class()
        if c == "\\":
            if self._peek() in ("b", "B"):
                return self._take()
            escaped = self._escape()
            return escaped if not isinstance(escaped, str) else _between(escaped, escaped)
        if c in ("*", "+", "?"):
            self._fail()
        return _between(c, c)

    def _class(self) -> Test:
        negated = bool(self._take("^"))
        if self._peek() == "]":
            self._fail()
        tests: list[Test] = []
        while not self._take("]"):
            low = self._member()
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._take()
                high = self._member()
                if not isinstance(low, str) or not isinstance(high, str) or high < low:
                    self._fail()
                tests.append(_between(low, high))
            else:
                tests.append(_between(low, low) if isinstance(low, str) else low)
        return _negate(_any_of(tests)) if negated else _any_of(tests)

    def _member(self) -> str | Test:
        c = self._take()
        if c == "\\":
            return "\b" if self._take("b") else self._escape()
        if not c:
            self._fail()
        return c

    def _escape(self) -> str | Test:
        """The character, or the set of characters, that an escape stands for."""
        if (m := self._scan(_CODE)) is not None:
            code = int(m[1] or m[2] or m[3], 16)
            if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
                self._fail()
            return chr(code)
        c = self._take()
        if c.lower() in _SETS:
            return _SETS[c] if c in _SETS else _negate(_SETS[c.lower()])
        if c in ("p", "P"):
            m = self._scan(_CATEGORY)
            if m is None:
                self._fail()
            return _is_category(m[1]) if c == "p" else _negate(_is_category(m[1]))
        if c == "0" and self._peek().isdigit():
            self._fail()
        if c in _CONTROL:
            return _CONTROL[c]
        if not c or c.isalnum():
            self._fail()
        return c
