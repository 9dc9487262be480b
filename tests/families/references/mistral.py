"""Mistral: mistral-common is the reference, by ids."""

from tests.families.mistral import encoder, prepare
from tests.families.reference import Goldens, Reference

EMPTY = "the encoder refuses a reply of nothing; a model may end at once, and what it wrote is rendered"

V15 = {
    "mistral-medium-3.5": "68827dcf5d4e50e91db5e7b8b8bc4f0d477a5a2cf5cbcb6eca8b22b0751a8686",
    "mistral-small-4": "de56319deee1deb2b88cf576cf20bdc57a8789723f7ff75f9c54acd740d15ecb",
    "leanstral": "7a5a4bc329e302425fb7067edc861fc9a5fe941fced171983ed789af2c10b357",
}

REFERENCES = (
    Reference(
        "mistral-v13",
        tokenizer="ministral-3",
        oracle=encoder("v13", reasons=True),
        prepare=prepare("mistral-v13"),
        lists=True,
        differs={"assistant-empty*": EMPTY, "assistant-none": EMPTY},
        avoid=("empty reply",),
        goldens=(Goldens("mistral-v13", rows=26, ignore=("add_generation_prompt",)),),
    ),
    *(
        Reference(
            name,
            template=sha256,
            variables={"bos_token": "<s>", "eos_token": "</s>"},
            lists=True,
            prepare=prepare(name),
            options=({}, {"reasoning_effort": "high"}),
            differs={"assistant-empty*": EMPTY, "assistant-none": EMPTY},
            avoid=("empty reply",),
        )
        for name, sha256 in V15.items()
    ),
)
