"""JSON as text: how values are printed and strictly read. One place, so that all codecs agree."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from json import encoder as json_encoder
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import Any

from ..schemas import MAX_DIGITS


def dumps(value: Any) -> str:
    """JSON as the official templates print it: `tojson` of transformers, which is `ensure_ascii=False`."""
    return encode_basestring(value) if type(value) is str else _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False).encode


@functools.lru_cache(64)
def encoder(separators: tuple[str, str], indent: int | None, ascii: bool, sort: bool) -> Callable[[Any], str]:
    """What writes values so, as `json.dumps` does, which makes another one for each value. A value that holds itself is
    a RecursionError."""
    between = separators[0].rstrip() if indent is not None else separators[0]
    styled = json.JSONEncoder(ensure_ascii=ascii, indent=indent, separators=(between, separators[1]), sort_keys=sort)
    make: Any = getattr(json_encoder, "c_make_encoder", None)  # which `encode` makes for each value too
    if make is None or indent is not None:
        return styled.encode
    string = encode_basestring_ascii if ascii else encode_basestring
    parts = make(None, styled.default, string, None, separators[1], between, sort, False, True)
    return lambda value: "".join(parts(value, 0))


def dumps_encodable(value: Any) -> str:
    """As `dumps`, but all ASCII where a lone surrogate, which a model can escape, would not survive UTF-8."""
    text = dumps(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value)
    return text


def escaped(text: str) -> str:
    """`text` as it stands inside a JSON string."""
    return encode_basestring(text)[1:-1]


def loads(text: str) -> Any:
    """Strict JSON, bounded: ValueError for NaN, numbers out of range, over-long integers, too deep nesting."""
    return loads_counting(text)[0]


def loads_counting(text: str) -> tuple[Any, list[str]]:
    """As `loads`; of a key that comes twice in an object the first value counts, and the key is reported."""
    try:
        try:
            return _DECODER.decode(text), []
        except _Twice:
            return _first_counts(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _first_counts(text: str) -> tuple[Any, list[str]]:
    duplicates: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for key, value in pairs:
            if key in out:
                duplicates.append(key)
            else:
                out[key] = value
        return out

    return _decoder(members).decode(text), duplicates


class _Twice(Exception):
    """A key comes twice in an object."""


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise _Twice
    return out


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _bounded(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is out of range")
    return value


def _decoder(members: Callable[[list[tuple[str, Any]]], Any]) -> json.JSONDecoder:
    return json.JSONDecoder(
        parse_constant=_no_constant, parse_float=_finite, parse_int=_bounded, object_pairs_hook=members
    )


_DECODER = _decoder(_members)
"""For nearly all texts: to make one takes longer than to decode a call's arguments."""
