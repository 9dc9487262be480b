"""What speaks for an inferred format: turns that read back, turns that are written as the template does.

`check` renders random turns with the template, reads them with the format, and writes them with it. A turn is right if
it reads back without a fault, part by part; it is equal if what the format writes is the template's text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from ..events import Fault
from ..format import Format
from ..turns import Call, Part, Reasoning, Text, Turn
from ..wire import Slot, walk
from .hand import Hand
from .named import told
from .pieces import literals
from .probe import ONE, Mode, Probe, Said, definitions
from .samples import kinds_of
from .segments import Seen
from .tree import Tree
from .trials import turns

TEXTS = {
    "line ends": "\n", "blank lines": "\n\n", "blanks in a row": "  ", "other blanks": "\xa0",
    "angle brackets": "<", "tags": "<b>", "ampersands": "&", "quotes": '"', "apostrophes": "'", "tabs": "\t",
    "digits": "7", "capitals": "Q", "signs": "?!**#---_~`.,:;$%@^=+/|\\()[]{}", "long texts": " zq" * 700,
}  # fmt: skip
"""What a template may not keep of a text, as it stands in one."""
FAULTS_OF_SCHEMAS = frozenset(("invalid-arguments", "unknown-tool"))


@dataclass(frozen=True, slots=True)
class Failure:
    """A random turn that went wrong: what was rendered, and what was read or raised."""

    said: Said
    text: str
    got: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """`tried` random turns, of which `right` read back as they were and `equal` are written as by the template;
    `refused` by the template itself; `lost`: left out, because they hold a value that it does not keep. `kinds`: the
    combinations of reasoning (R), text (C) and calls (K) that it shows. `mode`: the input that it wants. `notes`: what
    it cannot show, what was guessed. `sha256`: the template's. `probes`: renders that were made. `agreed`: the share
    of a turn's characters of which the source map says what the sentinels say (None: there is no map)."""

    sha256: str
    tried: int
    right: int
    equal: int
    refused: int
    lost: int
    kinds: tuple[str, ...]
    mode: Mode
    notes: tuple[str, ...]
    probes: int
    agreed: float | None = None
    failures: tuple[Failure, ...] = ()
    unequal: tuple[Failure, ...] = ()

    def __str__(self) -> str:
        return f"{self.right} of {self.tried} random turns read back, {self.equal} written as by the template"


@dataclass(slots=True)
class Count:
    """A check's result."""

    tried: int = 0
    right: int = 0
    equal: int = 0
    refused: int = 0
    lost: int = 0
    plain: int = 0  # turns that went wrong, of those with ordinary content
    altered: tuple[str, ...] = ()  # what the template does not keep of a text
    told: tuple[str, ...] = ()  # what does not read back beside the random turns
    failures: tuple[Failure, ...] = ()
    unequal: tuple[Failure, ...] = ()


def check(
    probe: Probe,
    seen: Seen,
    tree: Tree,
    fmt: Format,
    most: int | None,
    seed: int,
    count: int,
    lost: tuple[str, ...] = (),
) -> Count:
    """See the head of this file. Turns with values of kinds that are `lost`, or with texts that are (`unkept`), are not
    tried: the notes say so."""
    out = Count(altered=unkept(probe, seen))
    altered = [TEXTS[kind] for kind in out.altered]
    markers = sorted({t.strip() for t in literals(tree.reply)} - {""})
    beginnings = [m[: max(1, len(m) // 2)] for m in markers]
    hand = Hand(tree.body)
    slots = (w for w in walk(tree.body) if isinstance(w, Slot))
    untyped = any(w.kind == "value" or getattr(w.codec, "untyped", False) for w in slots)
    for n, said in enumerate(turns(seed, count, list(seen.turns), most, beginnings)):
        text = probe.turn(said)
        reply = seen.behind(text)
        if reply is None:
            out.refused += 1
            continue
        texts = (said.reasoning or "", said.text or "")
        values = (v for c in said.calls for v in c.arguments.values())
        if any(a in t for a in altered for t in texts) or any(not kinds_of(v).isdisjoint(lost) for v in values):
            out.lost += 1
            continue
        out.tried += 1
        problem = _read(probe, seen, tree, fmt, untyped, said, reply)
        if problem is None:
            out.right += 1
        else:
            out.failures += (Failure(said, reply, problem),)
            out.plain += n % 2 == 0
        wanted = _ended(tree, said, reply, ("K", "C") in seen.joints)
        ours = ""
        for ours in _written(probe, seen, hand, said):
            if ours == wanted:
                out.equal += 1
                break
        else:
            out.unequal += (Failure(said, wanted, ours),)

    def reads(said: Said) -> bool | None:
        reply = seen.behind(probe.turn(said))
        return None if reply is None else _read(probe, seen, tree, fmt, untyped, said, reply) is None

    out.told = tuple(told(probe, seen, reads, most))
    return out


def unkept(probe: Probe, seen: Seen) -> tuple[str, ...]:
    """What the template alters in the texts of a turn, of `TEXTS`: no reply can be told by it."""

    def alters(kinds: str, *pieces: str) -> bool:
        text = "zqa" + "zq".join(pieces) + "zqb"
        said = Said(text if "R" in kinds else None, text, (ONE,) if "K" in kinds else ())
        reply = seen.behind(probe.turn(said))
        return reply is not None and reply.count(text) < len(kinds.replace("K", ""))

    shown = sorted((kinds for kinds in seen.turns if "C" in kinds), key=len)
    odd = [kinds for kinds in dict.fromkeys((*shown[:1], *shown[-1:])) if alters(kinds, *TEXTS.values())]
    return tuple(kind for kind, piece in TEXTS.items() if any(alters(kinds, piece) for kinds in odd))


def _last(tree: Tree, said: Said, calls_first: bool = False) -> str:
    """The part that a turn of the template ends with."""
    order = "RKC" if calls_first else "RCK"
    return next((k for k in reversed(order) if k in said.kinds and k in tree.tails), "C")


def _ended(tree: Tree, said: Said, reply: str, calls_first: bool) -> str:
    """A turn without what stands behind it."""
    tails = sorted(tree.tails.values(), key=len, reverse=True)
    own = tree.tails.get(_last(tree, said, calls_first), "")
    tail = next((t for t in (*([own] if own else []), *tails) if reply.endswith(t)), "")
    return reply[: len(reply) - len(tail)]


def _parts(
    probe: Probe, seen: Seen, said: Said, thought: Reasoning | None = None, text: Text | None = None
) -> tuple[Part, ...]:
    """The parts of a turn, in the template's order; `thought` and `text` where it has none."""
    first: list[Part | None] = [Reasoning(said.reasoning) if said.reasoning is not None else thought]
    texts: list[Part | None] = [Text(said.text) if said.text is not None else text]
    calls = [Call(c.name, c.arguments, id=seen.id(probe.mode.id(c, i), i)) for i, c in enumerate(said.calls)]
    ordered = [*first, *calls, *texts] if ("K", "C") in seen.joints else [*first, *texts, *calls]
    return tuple(p for p in ordered if p is not None)


def _written(probe: Probe, seen: Seen, hand: Hand, said: Said) -> Iterator[str]:
    """How a format writes the turn; where it has no reasoning or text, also with an empty part of it, for many
    templates write that."""
    thoughts = (None, Reasoning(""), Reasoning("", prefilled=True)) if said.reasoning is None else (None,)
    for empty in (None, Text("")) if said.text is None else (None,):
        for thought in thoughts:
            text = hand.tries(_parts(probe, seen, said, thought, empty))
            if text is not None:
                yield text


def _read(probe: Probe, seen: Seen, tree: Tree, fmt: Format, untyped: bool, said: Said, reply: str) -> str | None:
    """None if a turn reads back, else what was read. `untyped`: only tools say what types values have."""
    calls_first = ("K", "C") in seen.joints
    body = _ended(tree, said, reply, calls_first)
    end = ""
    if tree.end is not None:
        end = (tree.end.called if _last(tree, said, calls_first) == "K" else tree.end.sampled) or tree.end.toks[0]
    tools = definitions(said.calls) if said.calls and untyped else None
    given = next((p for p in seen.prompts if p and body.startswith(p)), "")
    prompt: Any = seen.base + given if seen.base else None
    parser = fmt.parser(prompt=prompt, tools=tools)
    events = parser.feed_text(body[len(given) :] + end)
    events += parser.close("stop")
    faults = [e for e in events if isinstance(e, Fault) and e.code not in FAULTS_OF_SCHEMAS]
    if faults:
        return f"{faults[0].code}: {faults[0].message}"
    got = _said(parser.turn)
    wanted = _said(Turn("assistant", _parts(probe, seen, said)))
    return None if same(got, wanted) else repr(got)


def _said(turn: Turn) -> tuple[str, str, list[Any]]:
    calls = [(c.name, dict(c.arguments) if c.arguments is not None else None) for c in turn.calls]
    return turn.reasoning.strip(), turn.text.strip(), calls


def same(a: Any, b: Any) -> bool:
    """Equal, keys in any order, with 1 not taken for True or 1.0."""
    if isinstance(a, dict) and isinstance(b, dict):
        one, other = cast("dict[str, Any]", a), cast("dict[str, Any]", b)
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        items, others = cast("list[Any]", a), cast("list[Any]", b)
        return len(items) == len(others) and all(map(same, items, others))
    return cast("bool", type(cast("Any", a)) is type(b) and a == b)
