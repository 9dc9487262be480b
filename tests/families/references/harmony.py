"""gpt-oss: openai-harmony is the reference, see `test_harmony_parity.py`."""

from tests.families.reference import Goldens, Reference

REFERENCES = (Reference("harmony", tokenizer="gpt-oss", goldens=(Goldens("gpt-oss"),)),)
