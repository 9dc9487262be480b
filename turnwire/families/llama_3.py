"""Llama 3.1, 3.2 and 3.3: a call is a bare JSON object, and so begins with ordinary text.

Facts: chat_template.jinja of meta-llama/Llama-3.1-8B-Instruct (sha256 e10ca381; 3.3 has the same file) and
Llama-3.2-3B-Instruct (5816fce1); <|python_tag|> and the eom/eot tokens are added tokens of tokenizer.json (79e3e522).
"""

from __future__ import annotations

from ..codecs import Envelope, JsonCall, Name, PythonArguments, PythonCall
from ..format import Format
from ..layout import EachResult, Layout, Placed
from ..templating import llama_prose as prose
from ..templating.arrange import Trim, drop_reasoning
from ..wire import Choice, End, Frame, If, Lit, Look, Many, Opt, Pad, Slot, Tok, Word

# Replies. Several objects are separated by "; " (vLLM's llama3_json parser) or blanks, each behind <|python_tag|> or
# not (Meta's prompt format for 3.1); "arguments" for "parameters" is in SGLang's llama3 tests. The small 3.2 models
# also write Python calls (Meta's prompt format for 3.2; SGLang's pythonic parser names 3.2 and 3.3). Their list is one
# expression: Meta's own parser (llama-models, models/llama3/api/tool_utils.py, is_valid_python_list) reads a whole one
# or none, and its tests (tests/api/test_tool_utils.py, test_invalid_syntax) name the one that is not closed.
name = Slot("name", Name(without="<>(){}[]'\"="))
arguments = Slot("arguments", PythonArguments())
text = Frame("text", Slot("text"))
json_call = Frame("call", Look(JsonCall()) + Slot("envelope", Envelope(arguments=("parameters", "arguments"))))
json_calls = Many(json_call, sep=Opt(Lit(";") + Pad(" ")))
python_call = Frame("call", name + Lit("(") + arguments + Lit(")"))
opener, comma, closer = Look(PythonCall()) + Lit("["), Lit(",") + Pad(" "), Lit("]")
python_calls = Many(python_call, open=opener, sep=comma, close=closer, together=True)
# <|python_tag|>brave_search.call(query="...") (line 76); anything else behind the tag is code, and read as text
tool_call = Frame("call", Look(PythonCall("", ".call(")) + name + Lit(".call(") + arguments + Lit(")"))
tag = Tok("<|python_tag|>")
stops = ("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>")
end: Word = Choice(If(prose.in_ipython, End("<|eom_id|>", *stops)), End(*stops))
reply = (
    Opt(Choice(If(prose.built_in, tag + tool_call), json_calls, python_calls))
    + Many(Choice(text, If(prose.built_in, tag + tool_call), tag + Choice(json_calls, python_calls, text)))
    + end
)  # fmt: skip

# layout
eot = Tok("<|eot_id|>")


def header(role: str) -> Word:
    return Tok("<|start_header_id|>") + Lit(role) + Tok("<|end_header_id|>") + Lit("\n\n")


def not_result(t: Placed) -> bool:
    """Line 70 trims; results are not (lines 94-101)."""
    return t.role != "tool"


layout = Layout(
    roles=prose.roles(header, eot),
    results=EachResult(header("ipython"), eot, prose.quoted),
    preamble=prose.system_with_date,
    arrange=(drop_reasoning, Trim(not_result), prose.calls_alone, prose.tools_to_user),
    options=(prose.in_user, prose.date_3_1, prose.builtin),
    begin=Tok("<|begin_of_text|>"),
)

llama_3_1 = Format(
    "llama-3.1", reply, header("assistant"), layout,
    models=tuple(f"meta-llama/{m}Llama-3.1-{s}-Instruct*" for m in ("", "Meta-") for s in ("8B", "70B", "405B")),
    source="meta-llama/Llama-3.1-8B-Instruct chat_template.jinja sha256 e10ca381b1ccc5cf",
)  # fmt: skip
llama_3_2 = llama_3_1.but(
    "llama-3.2", layout=layout.but(options=(prose.in_user, prose.date_3_2)),
    models=tuple(f"meta-llama/Llama-3.2-{s}-Instruct*" for s in ("1B", "3B")),
    source="meta-llama/Llama-3.2-3B-Instruct chat_template.jinja sha256 5816fce10444e03c",
)  # fmt: skip
llama_3_3 = llama_3_1.but("llama-3.3", models=("meta-llama/Llama-3.3-70B-Instruct",))
