"""Mistral: mistral-common by ids (see `tests/families/mistral.py`), the templates of v15 in text."""

from typing import Any

from tests.families.mistral import encoder, prepare
from tests.families.reference import Goldens, Reference

EMPTY = "the encoder refuses a reply of nothing; a model may end at once, and what it wrote is rendered"
NOTHING = {"assistant-empty*": EMPTY, "assistant-none": EMPTY}
BELOW_V13 = {**NOTHING, "think-no-content": EMPTY, "think-none-content": EMPTY}
V15 = {
    "mistral-medium-3.5": "68827dcf5d4e50e91db5e7b8b8bc4f0d477a5a2cf5cbcb6eca8b22b0751a8686",
    "mistral-small-4": "de56319deee1deb2b88cf576cf20bdc57a8789723f7ff75f9c54acd740d15ecb",
    "leanstral": "7a5a4bc329e302425fb7067edc861fc9a5fe941fced171983ed789af2c10b357",
}


def common(name: str, tokenizer: str, version: str, goldens: int = 0, **more: Any) -> Reference:
    """`goldens`: how many rows there are; `more` is theirs."""
    ignore = ("add_generation_prompt",)
    return Reference(
        name,
        tokenizer=tokenizer,
        oracle=encoder(version, reasons=version == "v13"),
        prepare=prepare(name),
        lists=True,
        differs=NOTHING if version == "v13" else BELOW_V13,
        avoid=("empty reply",),
        goldens=(Goldens(name, rows=goldens, ignore=ignore, **more),) if goldens else (),
    )


REFERENCES = (
    common("mistral-v3", "mistral-v3", "v3", 23, text=False),
    common("mistral-tekken-v3", "mistral-tekken-v3", "tekken-v3", 23),
    common("mistral-v7", "mistral-v7", "v7", 26, text=False),
    common("mistral-tekken-v7", "mistral-tekken-v3", "tekken-v7"),
    common("mistral-v11", "mistral-small-3.2", "v11", 26),
    common("magistral-2506", "mistral-small-3.2", "v11"),
    common("mistral-v13", "ministral-3", "v13", 26),
    *(
        Reference(
            name,
            template=sha256,
            variables={"bos_token": "<s>", "eos_token": "</s>"},
            lists=True,
            prepare=prepare(name),
            options=({}, {"reasoning_effort": "high"}),
            differs=NOTHING,
            # behind an assistant turn, "" is an empty text to the template and None is none; to us both are none
            avoid=("empty reply", "no content behind assistant"),
        )
        for name, sha256 in V15.items()
    ),
)
