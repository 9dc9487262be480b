"""Jinja's lexer, which takes what stands inside a tag in long runs.

Jinja tries up to seven patterns for each word, blank and operator. Here one pattern takes all that is unmistakable at
once (names, strings of one line, plain numbers, blanks, operators, one level of brackets), and another splits it.
All else (the end of a tag, deeper brackets, other numbers and strings) is left to jinja's own rules, which also say
what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

import jinja2
from jinja2.lexer import (
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_INTEGER,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_VARIABLE_BEGIN,
    TOKEN_VARIABLE_END,
    Lexer,
    Token,
    TokenStream,
    _Rule,  # pyright: ignore[reportPrivateUsage]
    operators,
)

from .budget import over

RUN = "run"
_NAME = r"[A-Za-z_][A-Za-z0-9_]*(?!\w)"
_NUMBER = r"(?:0|[1-9][0-9]*)(?![\w.])"
_STRING = r"""'[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'|"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*\""""
_SIGN = r"==|!=|<=|>=|//|\*\*|=(?!=)|<(?!=)|>(?!=)|/(?!/)|\*(?!\*)|[.,:|~;]|[-+](?![%}])|%(?!\})"
_PART = rf"(?:\s+(?!\s)|{_NAME}|{_STRING}|{_SIGN}|{_NUMBER})"  # no text is two parts in two ways: nothing backtracks
WHOLE = re.compile(rf"(?:{_PART}|\((?:{_PART})*\)|\[(?:{_PART})*\])+")
SPLIT = re.compile(rf"(\s+)|({_NAME})|({_STRING})|({_NUMBER})|{_SIGN}|[()\[\]]")
BLANK, NAME, STRING, NUMBER = 1, 2, 3, 4
TOKENS = 50_000  # of a template, which take seconds to compile; the largest of the corpus has 5,160
LINES = 50_000  # of a template: each has an origin of its own; the longest of the corpus has 705
LONG, ENDLESS = "long", re.compile(r"[0-9]\w{10000}")  # jinja's patterns of numbers take much memory
AS_THEY_ARE = frozenset((TOKEN_BLOCK_BEGIN, TOKEN_BLOCK_END, TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END))


class RunLexer(Lexer):
    """See the head of this file: the same tokens as jinja's, on the same lines."""

    def __init__(self, environment: jinja2.Environment):
        super().__init__(environment)
        run = _Rule(WHOLE, RUN, None)
        long = _Rule(ENDLESS, LONG, None)
        self.rules |= {tag: [run, long, *self.rules[tag]] for tag in (TOKEN_BLOCK_BEGIN, TOKEN_VARIABLE_BEGIN)}

    def tokenize(
        self, source: str, name: str | None = None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        """The tokens of a source. Raises `TemplateBudgetError` for too many lines."""
        lines = source.count("\n") + source.count("\r")
        if lines > LINES:
            error = over("lines", lines, LINES)
            error.line = LINES
            raise error
        return super().tokenize(source, name, filename, state)

    def wrap(
        self, stream: Iterable[tuple[int, str, str]], name: str | None = None, filename: str | None = None
    ) -> Iterator[Token]:
        """The tokens of what the rules take. Raises `TemplateBudgetError` for too many."""
        for count, token in enumerate(self._tokens(stream, name, filename)):
            if count >= TOKENS:
                error = over("tokens", count + 1, TOKENS)
                error.line = token.lineno
                raise error
            yield token

    def _tokens(
        self, stream: Iterable[tuple[int, str, str]], name: str | None, filename: str | None
    ) -> Iterator[Token]:
        for said in stream:
            line, kind, text = said
            if kind == RUN:
                for m in SPLIT.finditer(text):
                    part, value = m.lastindex, m.group()
                    if part == BLANK:
                        line += value.count("\n")
                    elif part == NAME:
                        yield _new(Token, (line, TOKEN_NAME, value))
                    elif part is None:
                        yield _new(Token, (line, operators[value], value))
                    elif part == NUMBER:
                        yield _new(Token, (line, TOKEN_INTEGER, _number(value, line)))
                    elif "\\" not in value:
                        yield _new(Token, (line, TOKEN_STRING, value[1:-1]))
                    else:
                        yield from super().wrap(((line, TOKEN_STRING, value),), name, filename)
            elif kind == LONG:
                raise _too_long(line)
            elif kind in AS_THEY_ARE:
                yield _new(Token, said)
            elif kind == TOKEN_INTEGER:
                yield _new(Token, (line, kind, _number(text, line)))
            else:
                yield from super().wrap((said,), name, filename)


def _number(text: str, line: int) -> int:
    try:
        return int(text.replace("_", ""), 0)
    except ValueError:  # Python reads no longer ones
        raise _too_long(line) from None


def _too_long(line: int) -> jinja2.TemplateSyntaxError:
    return jinja2.TemplateSyntaxError("a number of too many digits", line)


_new = cast("Any", tuple).__new__
