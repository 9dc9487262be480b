"""Mistral's tekken.json: tiktoken ranks as JSON, with the split pattern and the control tokens before them.

The ids of ordinary tokens are their ranks plus the number of control tokens, and only as many ranks count as the
vocabulary has room for. A file without a list of control tokens (v3, v7) has the twenty that mistral-common gives it,
`DEFAULT`; what the list does not name is `<SPECIAL_n>`. All of them are control tokens, whatever `is_control` says:
mistral-common never makes one from text.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, NamedTuple

from .errors import TokenizerError

EXPECTED = "a tekken.json as mistral-common reads it"
DEFAULT = (
    "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] "
    "[IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] [TOOL_CONTENT]"
).split()


class Tekken(NamedTuple):
    """Ranks that are ids, the split pattern, and the control tokens in order of their ids from 0."""

    ranks: dict[bytes, int]
    pattern: str
    control: list[str]


def is_tekken(value: dict[str, Any]) -> bool:
    """Whether a JSON object is a tekken.json."""
    return isinstance(value.get("vocab"), list) and isinstance(value.get("config"), dict)


def read_tekken(value: dict[str, Any], path: str) -> Tekken:
    """Raises `TokenizerError` where the file does not say what a tekken.json says."""
    try:
        config, listed = value["config"], value.get("special_tokens")
        first, size, version = config["default_num_special_tokens"], config["default_vocab_size"], config["version"]
        named = dict(enumerate(DEFAULT)) if listed is None else {e["rank"]: e["token_str"] for e in listed}
        control = [named.pop(number, f"<SPECIAL_{number}>") for number in range(first)]
        ranks = {
            base64.b64decode(e["token_bytes"], validate=True): first + e["rank"] for e in value["vocab"][: size - first]
        }
        pattern = config["pattern"]
    except (KeyError, TypeError, ValueError, binascii.Error) as e:
        raise TokenizerError(f"{type(e).__name__}: {e}", path=path, expected=EXPECTED) from None
    if listed is None and version not in ("v1", "v2", "v3", "v7"):
        problem = f"special_tokens is missing, in a file of version {version!r}"
        raise TokenizerError(problem, path=path, expected=EXPECTED)
    if not isinstance(pattern, str):
        raise TokenizerError("the split pattern is no text", value=pattern, path=path, expected=EXPECTED)
    if named or len({*control}) != first or sorted(ranks.values()) != [*range(first, size)]:
        raise TokenizerError("ids are missing or given twice", path=path, expected=EXPECTED)
    return Tekken(ranks, pattern, control)
