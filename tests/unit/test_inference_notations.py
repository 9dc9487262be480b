"""Notations that nobody has: calls in random markup are inferred right, or with a note, or not at all."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from tests.laws.law import reports
from tests.unit.test_inference_arguments import calls
from turnwire.codecs import Value, dumps, python_value
from turnwire.inference.arguments import infer_call
from turnwire.inference.fits import BEGIN, BEHIND, CLOSE, tool, trial
from turnwire.inference.hand import Hand
from turnwire.inference.samples import Ask, NoNotation
from turnwire.turns import Call
from turnwire.wire import Frame

Write = Callable[[Mapping[str, Any]], str]
ID = "zqid00aa1"
MARKUP = [
    ("<p=", ">", "</p>"), ('<p name="', '">', "</p>"), ("<k>", "</k><v>", "</v>"), ("<k>", "</k>\n<v>", "</v>"),
    ("<|k|>", "<|v|>", "<|e|>"), ("[K]", "[V]", "[/V]"), ('<|open|>arg key="', '"<|sep|>', "<|close|>"),
]  # fmt: skip


def around(rng: random.Random) -> tuple[str, str]:
    begin = rng.choice(["<|call|>", "<tool_call>\n", "[TOOL]", "\n\n<c>", "Action: ", "```\n"])
    return begin, rng.choice(["<|/call|>", "\n</tool_call>", "</c>\n", "", "<|end|>\n", "\n```"])


def objects(rng: random.Random) -> Write:
    separators = rng.choice([(", ", ": "), (",", ":"), (", ", ":"), (" , ", " : ")])
    ascii, sort, indent = rng.random() < 0.2, rng.random() < 0.2, rng.choice([None, None, None, 2, 4])
    said = {"separators": separators} if indent is None else {"indent": indent}
    return lambda a: json.dumps(a, ensure_ascii=ascii, sort_keys=sort, **said)  # type: ignore[arg-type]


def envelope(rng: random.Random) -> Ask:
    (begin, close), write = around(rng), objects(rng)
    comma, colon = rng.choice([(", ", ": "), (",", ":"), (",\n  ", ": "), (", ", ":")])
    pad = rng.choice(["", "", "", " ", "\n"])
    name, arguments = rng.choice(["name", "tool", "fn"]), rng.choice(["arguments", "parameters", "args"])
    others = {"id": rng.choice(["id", "call_id"])} if rng.random() < 0.4 else {}
    others |= {"type": "type"} if rng.random() < 0.4 else {}
    order = ["name", "arguments", *others]
    rng.shuffle(order)

    def ask(n: str, a: Mapping[str, Any], id: str | None) -> str:
        members = {"name": (name, f'"{n}"'), "arguments": (arguments, write(a)), "type": ("type", '"function"')}
        members["id"] = (others.get("id", ""), f'"{id}"')
        said = comma.join(f'"{members[key][0]}"{colon}{members[key][1]}' for key in order)
        return f"{begin}{{{pad}{said}{pad}}}{close}"

    return ask


def named(rng: random.Random) -> Ask:
    (begin, close), write = around(rng), objects(rng)
    middle = rng.choice(["\n", "<|args|>", "\n```json\n", "[ARGS]", "(", " : ", '">', "="])
    head = rng.choice(["{n}", "{n}", "{id}<|n|>{n}", "{n}<|i|>{id}", "functions.{n}:0"])
    return lambda n, a, id: begin + head.replace("{n}", n).replace("{id}", str(id)) + middle + write(a) + close


def keyed(rng: random.Random) -> Ask:
    (begin, close), write = around(rng), objects(rng)
    return lambda n, a, id: f'{begin}{{"{n}": {write(a)}}}{close}'


def python(rng: random.Random) -> Ask:
    (begin, close), write = around(rng), rng.choice([repr, python_value, dumps])
    sep = rng.choice([", ", ",", ",\n  "])
    return lambda n, a, id: f"{begin}[{n}({sep.join(f'{k}={write(v)}' for k, v in a.items())})]{close}"


def key_values(rng: random.Random) -> Ask:
    begin, close = around(rng)
    value = rng.choice([Value(), Value(python=True), Value(python=True, containers=True)])
    before, behind = rng.choice(["", "\n", "\n  "]), rng.choice(["", "\n", " "])
    open, colon, end = rng.choice(MARKUP)
    pad, middle = rng.choice(["", "", "\n"]), rng.choice(["<|n|>", ">", '">', "\n", "", "[A]"])
    tail, always = rng.choice(["", "</f>", "\n</f>"]), rng.random() < 0.8

    def ask(n: str, a: Mapping[str, Any], id: str | None) -> str:
        said = "".join(f"{before}{open}{k}{colon}{pad}{value.write(v)}{pad}{end}" for k, v in a.items())
        return f"{begin}F={n}{middle}{said}{behind if a or always else ''}{tail}{close}"

    return ask


KINDS = (envelope, envelope, named, keyed, python, key_values, key_values, key_values)


def test_random_markup() -> None:
    """What is inferred without a note writes other calls as they are written, and reads them."""
    found: Counter[str] = Counter()
    for seed in range(120):
        rng = random.Random(seed)
        kind = rng.choice(KINDS)
        ask = kind(rng)
        try:
            shape = infer_call(ask)
        except NoNotation:
            found["none"] += 1
            continue
        found["with a note" if shape.notes else "exact"] += 1
        if shape.notes:
            continue
        back = trial(shape.body, shape.tail)
        assert back is not None
        for name, arguments in calls(seed, 6):
            text = ask(name, arguments, ID) or ""
            call = Call(name, dict(arguments), ID if ID in text else None)
            assert text == shape.head + Hand(Frame("call", shape.body)).writes([call]) + shape.tail
            said = text[len(shape.head) : len(text) - len(shape.tail)] + shape.tail[:BEHIND]
            turn = back.parse(BEGIN + said + CLOSE, tools=[tool(name, arguments)], finish_reason="stop").turn
            assert [(c.name, c.arguments) for c in turn.calls] == [(name, arguments)]
    reports.append(f"calls in random markup: {dict(found)}")
    assert found["exact"] >= 105


BITS = [
    *"{}\"':,<>()=[]\\0\n", "</", " ", "<a>", "</a>", "<|x|>", '="', '">', "$name", "$arguments", "\ud800",
    "N", "K", "V", "A", "J", "I", "N", "K", "V", "J",
]  # fmt: skip


def test_nonsense_is_refused() -> None:
    """Texts with names, keys and values in any place raise one error, or are inferred; what is inferred reads."""
    found: Counter[str] = Counter()
    for seed in range(600):
        rng = random.Random(seed)
        shape = [rng.choice(BITS) for _ in range(rng.randint(3, 14))] + ["N", "K", ":", "V"]
        if rng.random() < 0.6:
            rng.shuffle(shape)

        def ask(n: str, a: Mapping[str, Any], id: str | None, rng: Any = rng, shape: Any = shape) -> str | None:
            each = {
                "N": n, "I": str(id), "K": "".join(a), "V": "".join(map(str, a.values())), "J": json.dumps(a),
                "A": "".join(f"<{k}>{v}</{k}>" for k, v in a.items()),
            }  # fmt: skip
            return None if rng.random() < 0.02 else "".join(each.get(bit, bit) for bit in shape)

        try:
            inferred = infer_call(ask)
        except NoNotation as e:
            assert e.reasons
            found["refused"] += 1
        else:
            assert trial(inferred.body, inferred.tail) is not None
            found["inferred"] += 1
    reports.append(f"nonsense for calls: {dict(found)}")
    assert found["refused"] > 500
