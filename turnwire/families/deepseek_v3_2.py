"""DeepSeek V3.2: calls in DSML, an XML of which one token is the mark; results go on in the assistant's turn.

Facts: encoding_dsv32.py of deepseek-ai/DeepSeek-V3.2 (sha256 5e068c2b); ｜DSML｜ is an added token in tokenizer.json.
"""

from __future__ import annotations

from ..codecs import StringAttribute, Value
from ..format import Format
from ..layout import Layout, Results, Wrap
from ..templating import deepseek_dsml as ds
from ..templating.deepseek_prose import V3_2
from ..wire import NOTHING, Choice, Frame, Lit, Many, Opt, Pad, Slot, Tok, Word
from .deepseek_v3 import BOS, USER, end, header, text

# what the prompt held, or what the model thought
think = Frame("reasoning", Choice(ds.CLOSE, ds.OPEN + Slot("reasoning") + ds.CLOSE))


def tag(name: str, *others: str, mark: str = "<") -> Word:
    """A mark of DSML; `others` are read, not written."""
    forms = [Lit(mark) + Tok("｜DSML｜") + Lit(form) for form in (name, *others)]
    return Choice(*forms) if others else forms[0]


def dsml(blocks: tuple[str, ...], space: str = "") -> Word:
    """Text and blocks of calls. What models write besides: a block by the name that another version has
    (sgl-project/sglang issue 40236), a call without arguments that closes itself (SGLang's tests)."""
    spaces = (space, "") if space else ("",)

    def mark(what: str, open: str = "<") -> Word:
        return tag(*(s + what for s in spaces), mark=open)

    argument = Frame(
        "arg",
        mark('parameter name="') + Slot("attrs", StringAttribute()) + Lit('">') + Slot("value", Value())
        + mark("parameter>", "</"),
    )  # fmt: skip
    body = Lit('">') + Pad("\n") + Many(argument, sep=Pad("\n")) + Pad("\n") + mark("invoke>", "</")
    call = Frame("call", mark('invoke name="') + Slot("name") + Choice(body, Lit('"/>')))
    names = tuple(f"{name}>" for name in blocks)
    opened, closed = Pad("\n\n") + tag(*names) + Pad("\n"), Pad("\n") + tag(*names, mark="</")
    return Many(Choice(text, Many(call, sep=Pad("\n"), open=opened, close=closed)))


opened = header + ds.CLOSE
V3_2_ROLES = (
    ("system", Wrap(NOTHING, NOTHING)),
    ("user", Wrap(Tok(USER), NOTHING)),
    ("developer", Wrap(Tok(USER) + Lit("\n\n# The user's message is: "), NOTHING)),
    ("user, unanswered", Wrap(Tok(USER), opened)),
    ("developer, unanswered", Wrap(Tok(USER) + Lit("\n\n# The user's message is: "), opened)),
    ("results, unanswered", Wrap(ds.CLOSE, NOTHING)),
)
layout = Layout(
    begin=Tok(BOS),
    roles=V3_2_ROLES,
    results=Results(
        Lit("\n\n<function_results>"), Lit("\n<result>"), Lit("</result>"), Lit("\n</function_results>\n\n")
    ),
    preamble=ds.Prose(V3_2),
    arrange=(ds.ThinkSinceUser(("user", "developer"), drops=False), ds.unanswered),
    prefill=ds.begin_thinking,
    options=(ds.THINKING_MODE, ds.DROP_THINKING, ds.RESPONSE_FORMAT),
    headless=("tool",),
)

deepseek_v3_2 = Format(
    "deepseek-v3.2", Opt(think) + dsml(("function_calls", "tool_calls")) + end, header, layout,
    models=("deepseek-ai/DeepSeek-V3.2", "deepseek-ai/DeepSeek-V3.2-Speciale"),
    source="deepseek-ai/DeepSeek-V3.2 encoding/encoding_dsv32.py sha256 5e068c2ba2a6e5eb",
)  # fmt: skip
