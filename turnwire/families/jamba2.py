"""Jamba2: Hermes JSON calls in ChatML behind a BOS, no reasoning.

Facts: chat_template.jinja of ai21labs/AI21-Jamba2-3B (sha256 d027ed34; Jamba2-Mini has the same file); the BOS is
that of ai21labs/Jamba-v0.1 special_tokens_map.json.
"""

from __future__ import annotations

from ..wire import Tok
from .notes import UNSEEN
from .qwen3 import qwen3_instruct_2507 as base

jamba2 = base.but(
    "jamba2", layout=base.layout.but(begin=Tok("<|startoftext|>")),
    models=("ai21labs/AI21-Jamba2-3B", "ai21labs/AI21-Jamba2-Mini"),
    source="ai21labs/AI21-Jamba2-3B chat_template.jinja sha256 d027ed3478", notes=(UNSEEN,),
)  # fmt: skip
