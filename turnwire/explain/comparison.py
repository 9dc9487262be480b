"""A difference as a page: both prompts side by side, and where and why they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .document import Document, of_rendered
from .logged import heads, of_logged
from .page import Page, Region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .diff import Divergence
    from .sides import Prompt


def page_of(found: Divergence, title: str = "") -> Page:
    """The page of a difference."""
    roles = [str(m.get("role") or "") for m in found.messages or () if hasattr(m, "get")]
    known: dict[str, str] = {}
    for prompt in (found.a, found.b):  # a logged prompt has the turns that the other one shows
        if prompt.rendered is not None:
            known.update(heads(_rendered(prompt, roles)))
    a, b = (_document(p, roles, known) for p in (found.a, found.b))
    regions = [
        Region(
            (r.a.start, r.a.stop),
            (r.b.start, r.b.stop),
            ", ".join(c.name for c in r.causes) or r.kind,
            "; ".join(c.detail for c in r.causes),
            r.kind == "ids",
        )
        for r in found.regions
    ]
    return Page([a, b], title or f"{found.a.name} / {found.b.name}", regions)


def _document(p: Prompt, roles: Sequence[str], known: Mapping[str, str]) -> Document:
    if p.rendered is not None:
        return _rendered(p, roles)
    if p.ids is not None and p.tokenizer is not None:
        return of_logged(p.ids, None, p.tokenizer, p.name, _facts(p), known)
    return of_logged(p.text, None, None, p.name, _facts(p), known)


def _rendered(p: Prompt, roles: Sequence[str]) -> Document:
    assert p.rendered is not None
    return of_rendered(p.rendered, p.name, roles or None, p.source, _facts(p))


def _facts(p: Prompt) -> list[tuple[str, str]]:
    return [(what, sha256[:12]) for what, sha256 in p.assets.items()]
