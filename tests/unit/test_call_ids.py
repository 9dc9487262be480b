"""Ids of calls: canonical, deterministic, mapped back, never colliding; and that these tests notice bugs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import turnwire
from turnwire import Call, Result, Text, Turn
from turnwire.codecs import Alphanumeric, Counted, IdForm, Namer, Ordinal
from turnwire.errors import OptionError, ResultError
from turnwire.layout import Context, Placed
from turnwire.templating import call_ids
from turnwire.templating.render import place

COUNTED, NINE = Counted("functions."), Alphanumeric(9)
FORMS = [COUNTED, NINE, Ordinal()]
QWEN = turnwire.get_format("qwen3")


def made(form: IdForm) -> turnwire.Format:
    """A format whose prompts would show such ids."""
    layout = QWEN.layout
    return QWEN.but("toy", layout=layout.but(ids=form, options=(*layout.options, call_ids.CALL_IDS)))


FORMATS = [made(f) for f in FORMS]
NAMES = ["f", "g", "a:1", "functions.f", "é"]
IDS = st.one_of(
    st.none(),
    st.sampled_from(["call_1", "call_2", "", "functions.f:0", "functions.f:1", "functions.g:1", "functions.f:01",
                     "f:0", "01", "ABCDEFGH0", "ABCDEFGH1", "ABCDEFGH", "ABCDEFGHé"]),
    st.integers(0, 9).map(str),
    st.tuples(st.sampled_from(NAMES), st.integers(0, 4)).map(lambda x: f"functions.{x[0]}:{x[1]}"),
    st.sampled_from(["call_1", "x"]).flatmap(lambda g: st.sampled_from(list(islice(NINE.candidates("f", g, 0), 2)))),
)  # fmt: skip


@st.composite
def conversations(draw: Any) -> list[Turn]:
    """Turns with calls of all sorts of ids, and results in any order, some without ids."""
    out = [Turn("user", (Text("Go"),))]
    for _ in range(draw(st.integers(1, 4))):
        asked = st.tuples(st.sampled_from(NAMES), IDS).map(lambda c: Call(c[0], {}, c[1]))
        calls = draw(st.lists(asked, max_size=4))
        out.append(Turn("assistant", (Text("x"), *calls)))
        answers = [Result((Text(c.name),), c.id, draw(st.sampled_from([None, c.name]))) for c in calls]
        answers = draw(st.permutations(answers))
        results = [draw(st.sampled_from([r, r, r, Result(r.content, None, r.name)])) for r in answers]
        if draw(st.booleans()):
            out.append(Turn("tool", tuple(results)) if results else Turn("user", (Text("?"),)))
        else:
            out += (Turn("tool", (r,)) for r in results)
    return out


def settled(turns: list[Turn], form: IdForm, how: str = "canonical") -> list[Turn]:
    """The turns with the ids of a prompt, results one by one."""
    placed = place(turns)
    out = call_ids.settle_ids(placed, made(form).layout, {"call_ids": how})
    return [Turn(p.role, tuple(part for _, part in p.parts)) for p in out]


def ids(turns: list[Turn]) -> list[Any]:
    return [c.id for t in turns for c in t.calls]


def check_settled(turns: list[Turn], form: IdForm, settle: Callable[..., list[Turn]] = settled) -> None:
    """The law: what may be asked of canonical ids."""
    out = settle(turns, form)
    found = ids(out)
    calls = [c for t in turns for c in t.calls]
    assert len(set(found)) == len(found), "two calls have one id"
    assert all(form.fits(i, c.name or "") for i, c in zip(found, calls)), "not the family's form"
    first: set[str] = set()
    for call, id in zip(calls, found):  # what fits and is nobody else's stays
        if call.id is not None and form.fits(call.id, call.name or "") and call.id not in first:
            assert id == call.id
        first.add(id)
    assert settle(out, form) == out and ids(settle(out, form)) == found, "not idempotent"
    assert ids(settle(turns, form)) == found, "not deterministic"
    for n in range(len(turns)):  # what was rendered stays when the conversation goes on
        part = ids(settle(turns[:n], form))
        assert part == found[: len(part)]
    check_results(turns, out)


def check_results(turns: list[Turn], out: list[Turn]) -> None:
    """Each result has the id of a call of the turn before it; of the one that it had, if it had one."""
    before: list[tuple[Call, Call]] = []
    flat = place(turns)
    answered: Counter[str] = Counter()
    for was, now in zip(flat, out):
        if was.role == "assistant":
            before = list(zip((p for _, p in was.parts if isinstance(p, Call)), now.calls))
            answered.clear()
        for (_, old), new in zip(was.parts, now.parts):
            if not isinstance(old, Result):
                continue
            assert isinstance(new, Result) and new.content == old.content
            its = next(b for _, b in before if b.id == new.id)
            wanted = [b for a, b in before if a.id == old.id]
            if old.id is not None and any(a.id is not None for a, _ in before):
                assert any(its is b for b in wanted)
                if answered[str(new.id)]:  # a second answer only if all have one
                    assert all(answered[str(b.id)] for b in wanted)
            answered[str(new.id)] += 1


@pytest.mark.parametrize("form", FORMS, ids=repr)
@settings(deadline=None)
@given(turns=conversations())
def test_canonical(form: IdForm, turns: list[Turn]) -> None:
    check_settled(turns, form)


@pytest.mark.parametrize("form", FORMS, ids=repr)
@settings(deadline=None)
@given(turns=conversations())
def test_given(form: IdForm, turns: list[Turn]) -> None:
    """The caller's ids stay; calls without one get one."""
    out = settled(turns, form, "given")
    calls = [c for t in turns for c in t.calls]
    assert [i for i, c in zip(ids(out), calls) if c.id is not None] == [c.id for c in calls if c.id is not None]
    assert None not in ids(out)
    asked: list[Any] = []
    for was, now in zip(place(turns), out):
        asked = [p.id for _, p in was.parts if isinstance(p, Call)] if was.role == "assistant" else asked
        for (_, old), new in zip(was.parts, now.parts):
            if isinstance(old, Result) and isinstance(new, Result):
                assert new.id in ids(out) and (new.id == old.id or old.id not in asked or old.id is None)


@pytest.mark.parametrize("fmt", FORMATS, ids=repr)
@settings(deadline=None)
@given(turns=conversations())
def test_mapped_back(fmt: turnwire.Format, turns: list[Turn]) -> None:
    """`Format.call_ids` says whose each id is."""
    assert fmt.layout.ids is not None
    back = fmt.call_ids(turns)
    calls = [c for t in turns for c in t.calls]
    assert list(back) == ids(settled(turns, fmt.layout.ids))
    assert list(back.values()) == [c.id for c in calls]


@pytest.mark.parametrize("form", FORMS, ids=repr)
@settings(deadline=None)
@given(name=st.text(max_size=5), id=IDS, number=st.integers(0, 100))
def test_candidates(form: IdForm, name: str, id: str | None, number: int) -> None:
    found = list(islice(form.candidates(name, id, number), 20))
    assert len(set(found)) == 20 and all(form.fits(c, name) for c in found)
    assert found == list(islice(form.candidates(name, id, number), 20))


def _broken_namer(**changes: Any) -> type[Namer]:
    return type("Broken", (Namer,), changes)


def _never_taken(self: Any, name: str, given: str | None) -> str:
    self._taken.clear()
    return Namer.__call__(self, name, given)


def _by_luck(self: Any, name: str, given: str | None) -> str:
    import random

    return Namer.__call__(self, name, given if given and random.random() < 0.5 else None)


def _always_new(self: Any, name: str, given: str | None) -> str:
    return Namer.__call__(self, name, None)


class _LastWins(call_ids.Answers):
    """Of calls that share an id, the last: as a dict by id would have it."""

    def find(self, id: str | None, name: str | None) -> int | None:
        same = [i for i, c in enumerate(self.calls) if c.id is not None and c.id == id]
        return same[-1] if same else super().find(id, name)


class _InOrder(call_ids.Answers):
    """Results answer calls one after the other, whatever their ids."""

    def find(self, id: str | None, name: str | None) -> int | None:
        return self.open.pop(0) if self.open else 0


def _from_behind(turns: list[Placed], layout: Any, options: Any, prompt: Any = None) -> list[Placed]:
    """Names later calls first."""
    backwards = [t for t in turns[::-1] if t.role == "assistant"]
    named = iter([p for t in SETTLE(backwards, layout, options) for _, p in t.parts if isinstance(p, Call)][::-1])
    out = SETTLE(turns, layout, options)
    return [t.having(*((i, next(named) if isinstance(p, Call) else p) for i, p in t.parts)) for t in out]


def _not_the_results(turns: list[Placed], layout: Any, options: Any, prompt: Any = None) -> list[Placed]:
    out = SETTLE(turns, layout, options)
    return [was if was.role == "tool" else now for was, now in zip(turns, out)]


SETTLE = call_ids.settle_ids
MUTANTS: dict[str, tuple[str, Any]] = {
    "ids are not remembered": ("Namer", _broken_namer(__call__=_never_taken)),
    "ids are random": ("Namer", _broken_namer(__call__=_by_luck)),
    "what fits is renamed": ("Namer", _broken_namer(__call__=_always_new)),
    "the last of a shared id answers": ("Answers", _LastWins),
    "results in order": ("Answers", _InOrder),
    "later calls are named first": ("settle_ids", _from_behind),
    "results keep their ids": ("settle_ids", _not_the_results),
}


@pytest.mark.parametrize("what", MUTANTS)
@pytest.mark.parametrize("form", FORMS, ids=repr)
def test_mutants_are_killed(form: IdForm, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, mutant = MUTANTS[what]
    monkeypatch.setattr(call_ids, name, mutant)

    @settings(max_examples=500, report_multiple_bugs=False, database=None, deadline=None, phases=[Phase.generate])
    @given(turns=conversations())
    def law(turns: list[Turn]) -> None:
        check_settled(turns, form)

    with pytest.raises((AssertionError, StopIteration)):
        law()


GO: list[Any] = [{"role": "user", "content": "Go"}]


def asked(*calls: tuple[str, str | None]) -> dict[str, Any]:
    return {
        "role": "assistant",
        "tool_calls": [{**({"id": i} if i else {}), "function": {"name": n, "arguments": {}}} for n, i in calls],
    }


def answer(id: str | None, text: str = "ok", **more: Any) -> dict[str, Any]:
    return {"role": "tool", "content": text, **({"tool_call_id": id} if id else {}), **more}


def test_what_the_results_get() -> None:
    fmt = FORMATS[0]
    two = asked(("f", "same"), ("g", "same"))
    turns = turnwire.format.read_messages([*GO, two, answer("same"), answer("same")], fmt.layout.spoken)
    out = settled(turns, COUNTED)
    assert ids(out) == ["functions.f:0", "functions.g:1"]
    assert [p.id for t in out for p in t.parts if isinstance(p, Result)] == ids(out)
    assert fmt.call_ids([*GO, two, asked(("f", None))]) == {
        "functions.f:0": "same",
        "functions.g:1": "same",
        "functions.f:2": None,
    }


def test_a_result_of_no_call_is_an_error_with_its_path() -> None:
    with pytest.raises(ResultError, match="no call has the id 'b'") as e:
        FORMATS[0].render([*GO, asked(("f", "a")), answer("b")])
    assert e.value.path == "messages[2].tool_call_id"
    with pytest.raises(ResultError, match="without a call") as e:
        FORMATS[0].render([*GO, asked(("f", None)), answer(None), answer(None)])
    assert e.value.path == "messages[3]"
    with pytest.raises(ResultError):  # only the last turn's calls can be answered
        FORMATS[0].call_ids([*GO, asked(("f", "a")), answer("a"), asked(("f", "b")), answer("a")])
    with pytest.raises(OptionError):
        FORMATS[0].render(GO, call_ids="as they are")
    with pytest.raises(OptionError):
        QWEN.render(GO, call_ids="given")


def test_results_are_sorted() -> None:
    calls = (Call("f", {}, "a"), Call("g", {}, "b"), Call("f", {}, "c"))
    turns = [Turn("assistant", calls), *(Turn("tool", (Result((Text(i),), i),)) for i in "cab"), Turn("user")]
    placed = place(turns)
    out = call_ids.in_call_order(placed, Context({}, None))
    assert [p.turn for p in out] == [0, 2, 3, 1, 4]


def written(fmt: turnwire.Format, *names: str) -> str:
    return fmt.render_reply(Turn("assistant", tuple(Call(n, {}) for n in names))).text


@pytest.mark.parametrize("fmt", FORMATS, ids=repr)
def test_calls_of_a_reply_get_ids(fmt: turnwire.Format) -> None:
    """Not those that the prompt has: and what is rendered next agrees."""
    form = fmt.layout.ids
    assert form is not None
    messages = list(GO)
    seen: list[str] = []
    tok = turnwire.small_tokenizer(fmt)
    for by in ("rendered", "text", "ids", "none"):
        prompt: Any = fmt.render(messages, tokenizer=tok, add_generation_prompt=True)
        shown = {"rendered": prompt, "text": prompt.text, "ids": prompt.ids, "none": None}[by]
        turn = fmt.parse(written(fmt, "f", "g", "f"), prompt=shown, tokenizer=tok if by == "ids" else None).turn
        named = [c.id for c in turn.calls if c.id is not None]
        assert all(form.fits(str(c.id), str(c.name)) for c in turn.calls) and len(set(named)) == 3
        seen += named
        messages += [turn, *(Turn("tool", (Result((Text("x"),), i),)) for i in named)]
        assert list(fmt.call_ids(messages))[:3] == seen[:3]
    assert [c.id for c in fmt.parse(written(fmt, "f"), new_id="mine-{}".format).turn.calls] == ["mine-0"]
    assert [c.id for c in QWEN.parse(written(QWEN, "f")).turn.calls] == [None]


def test_each_result_of_a_turn_stands_by_itself() -> None:
    calls = Turn("assistant", (Call("f", {}, "a"), Call("g", {}, "b")))
    results = (Result((Text("1"),), "a"), Result((Text("2"),), "b"))
    together = QWEN.render([*GO, calls, Turn("tool", results)]).text
    assert together == QWEN.render([*GO, calls, *(Turn("tool", (r,)) for r in results)]).text


def test_ids_of_a_prompt_given_as_tokens_are_not_given_again() -> None:
    fmt = turnwire.get_format("command-a")
    tokenizer = turnwire.small_tokenizer(fmt)
    turns = [
        Turn("user", (Text("q"),)),
        Turn("assistant", (Call("f", {}),)),
        Turn("tool", (Result((Text("a"),), name="f"),)),
    ]
    prompt = fmt.render(turns, tokenizer=tokenizer, add_generation_prompt=True)
    reply = Turn("assistant", (Call("f", {}),))
    new = fmt.render_reply(reply, tokenizer=tokenizer, prompt=prompt)
    assert fmt.render_reply(reply, tokenizer=tokenizer, prompt=list(prompt.ids)).ids == new.ids
    assert fmt.render_reply(reply, tokenizer=tokenizer).ids != new.ids
