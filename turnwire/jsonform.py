"""JSON forms of what turnwire makes, for `--json`: plain dicts and lists, stable, documented in docs/cli.md."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from .errors import RefusedTurn
from .events import Event, Fault
from .families.proof import proof
from .format import Format
from .spans import Rendered
from .turns import Call, Reasoning, Turn
from .wire import Slot, Tok, walk

CALL = Call("name", {"key": "value"})
ARGUMENTS = ("envelope", "arguments", "value")  # slots that hold them


def event_form(event: Event) -> dict[str, Any]:
    """An event: its fields, and its class as `type`."""
    out: dict[str, Any] = {"type": type(event).__name__}
    for f in fields(event):
        value: Any = getattr(event, f.name)
        if isinstance(value, Call):
            value = call_form(value)
        elif f.name == "faults":
            value = [event_form(fault) for fault in value]
        out[f.name] = value
    return out


def call_form(call: Call) -> dict[str, Any]:
    """A call as `Turn.to_dict` has it."""
    return Turn("assistant", (call,)).to_dict()["parts"][0]


def rendered_form(fmt: Format, out: Rendered, ids: bool) -> dict[str, Any]:
    """A rendered prompt; `ids`: it was rendered with a tokenizer."""
    return {"format": fmt.name, **prompt_form(out, ids)}


def prompt_form(out: Rendered, ids: bool) -> dict[str, Any]:
    """What is the same for every prompt."""
    runs = [{f.name: getattr(run, f.name) for f in fields(run)} for run in out.runs]
    return {"text": out.text, "ids": out.ids if ids else None, "runs": runs}


def parsed_form(fmt: Format, turn: Turn, faults: list[Fault], finish_reason: str | None) -> dict[str, Any]:
    """A parsed reply."""
    return {
        "format": fmt.name,
        "ok": sound(turn, faults),
        "finish_reason": finish_reason,
        "turn": turn.to_dict(),
        "message": turn.to_openai(),
        "faults": [event_form(fault) for fault in faults],
    }


def sound(turn: Turn, faults: list[Fault]) -> bool:
    """Whether a reply has no faults, and every call of it may be run."""
    return not faults and all(call.status == "complete" for call in turn.calls)


def format_form(fmt: Format) -> dict[str, Any]:
    """What a format is; what the reply tree tells is read off it."""
    reasoning = _example(fmt, Reasoning("..."))
    call = _example(fmt, CALL)
    opened = any(isinstance(p, Reasoning) for p in fmt.parser().turn.parts)  # by the generation prompt
    return {
        "name": fmt.name,
        "models": list(fmt.models),
        "calls": None if call is None else _notation(fmt, call),
        "call_example": call,
        "reasoning": None if reasoning is None else "prompt" if opened else "model",
        "reasoning_example": reasoning,
        "stop_tokens": list(fmt.stop_tokens),
        "options": dict(fmt.options),
        "forgeable": list(fmt.forgeable),
        "source": fmt.source,
        "notes": list(fmt.notes),
        "proof": asdict(proof(fmt.name)),
    }


def _notation(fmt: Format, example: str) -> str:
    """What the codec calls its notation that wrote a call: the first whose text of the argument stands there."""
    for w in walk(fmt.reply):
        if isinstance(w, Slot) and w.kind in ARGUMENTS:
            pieces: str | list[str | Tok] = w.codec.write("value" if w.kind == "value" else CALL)
            text = "".join(p.text if isinstance(p, Tok) else p for p in pieces)
            if text[max(0, text.rfind("key")) : text.rfind("value") + len("value")] in example:
                return getattr(w.codec, "notation", "other")
    return "other"


def _example(fmt: Format, part: Call | Reasoning) -> str | None:
    """How one part is written, without what stands around it; None if the format has no place for it."""
    try:
        out = fmt.render_reply(Turn("assistant", (part,)))
    except RefusedTurn:
        return None
    own = [run for run in out.runs if run.part == 0]
    return out.text[own[0].start : own[-1].stop].strip() if own else None
