"""An argument's name and what its value is, as DeepSeek's DSML says it: `name="city" string="true"`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SAID = '" string="'
FORMS = {"true": "string", "false": "json"}


@dataclass(frozen=True, slots=True)
class StringAttribute:
    """An "attrs" slot between `name="` and `">`: `city" string="true` (the value is text) or "false" (it is JSON).
    Without the attribute, or with another value of it, the argument's schema types the value."""

    def read(self, text: str) -> dict[str, str]:
        key, said, form = text.rpartition(SAID)
        if said and form in FORMS:
            return {"key": key, "form": FORMS[form]}
        return {"key": key if said else text, "fault": 'an argument without string="true" or string="false"'}

    def write(self, key: str, value: Any) -> str:
        return key + SAID + ("true" if isinstance(value, str) else "false")
