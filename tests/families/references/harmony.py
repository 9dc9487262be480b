"""gpt-oss: openai-harmony is the reference, see `test_harmony_parity.py`."""

from tests.families.reference import Reference

REFERENCES = (Reference("harmony", tokenizer="gpt-oss"),)
