"""Added tokens that the packages of `tests/real_sources.py` do not carry, or carry without their flags.

Checked against the official files, where tests/unit/test_real_tokenizers.py finds them; where there is none, the
comment says what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from turnwire.tokenfiles import Added


def added_tokens(first: int, special: Iterable[str], plain: Iterable[str] = ()) -> tuple[Added, ...]:
    spelled = [(text, True) for text in special] + [(text, False) for text in plain]
    return tuple(Added(text, first + i, flag) for i, (text, flag) in enumerate(spelled))


def _named(first: int, count: int, named: Mapping[int, str], rest: Callable[[int], str]) -> tuple[Added, ...]:
    """`named` by offset from `first`; the i-th id that it leaves out is called `rest(i)`."""
    left = [at for at in range(count) if at not in named]
    names = {**named, **{at: rest(i) for i, at in enumerate(left)}}
    return tuple(Added(names[at], first + at) for at in range(count))


_GLM = added_tokens(
    151329,
    "<|endoftext|> [MASK] [gMASK] [sMASK] <sop> <eop> <|system|> <|user|> <|assistant|> <|observation|>"
    " <|begin_of_image|> <|end_of_image|> <|begin_of_video|> <|end_of_video|> <|begin_of_audio|> <|end_of_audio|>"
    " <|begin_of_transcription|> <|end_of_transcription|> <|code_prefix|> <|code_middle|> <|code_suffix|>".split(),
    "<think> </think> <tool_call> </tool_call> <tool_response> </tool_response> <arg_key> </arg_key> <arg_value>"
    " </arg_value> /nothink <|begin_of_box|> <|end_of_box|> <|image|> <|video|>".split(),
)
GLM = tuple(token._replace(special=token.special or token.text == "/nothink") for token in _GLM)

LLAMA3 = _named(
    128000,
    256,
    {0: "<|begin_of_text|>", 1: "<|end_of_text|>", 4: "<|finetune_right_pad_id|>", 6: "<|start_header_id|>"}
    | {7: "<|end_header_id|>", 8: "<|eom_id|>", 9: "<|eot_id|>", 10: "<|python_tag|>"},
    lambda i: f"<|reserved_special_token_{i}|>",
)

_CL100K = {1: "<|endoftext|>", 2: "<|fim_prefix|>", 3: "<|fim_middle|>", 4: "<|fim_suffix|>"}
_CHATML = {**_CL100K, 8: "<|im_start|>", 9: "<|im_end|>", 20: "<|endofprompt|>"}
PHI4 = _named(100256, 96, _CHATML | {10: "<|im_sep|>"}, lambda i: f"<|dummy_{i}|>")
OLMO3 = _named(
    100256,
    22,
    _CHATML
    | {0: "<|extra_id_0|>", 5: "|||PHONE_NUMBER|||", 6: "|||EMAIL_ADDRESS|||", 7: "|||IP_ADDRESS|||"}
    | {10: "<functions>", 11: "</functions>", 12: "<function_calls>", 13: "</function_calls>", 21: "<|pad|>"},
    lambda i: f"<|extra_id_{i + 5}|>",
)

_TEKKEN = (
    "<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS]"
).split()
_NEMOTRON_PLAIN = "<think> </think> <tool_call> </tool_call> <tool_response> </tool_response>".split()
NEMOTRON3 = (
    *added_tokens(0, [*_TEKKEN, "<|im_start|>", "<|im_end|>"], _NEMOTRON_PLAIN),
    *added_tokens(18, (f"<SPECIAL_{i}>" for i in range(18, 1000))),
)
_APERTUS = (
    "<|system_start|> <|system_end|> <|developer_start|> <|developer_end|> <|user_start|> <|user_end|>"
    " <|assistant_start|> <|assistant_end|> <|inner_prefix|> <|inner_suffix|> <|tools_prefix|> <|tools_suffix|>"
).split()
APERTUS = (
    *added_tokens(0, _TEKKEN),
    *added_tokens(10, (f"<SPECIAL_{i}>" for i in range(10, 61))),
    *added_tokens(61, _APERTUS),
    *added_tokens(73, (f"<SPECIAL_{i}>" for i in range(73, 1000))),
)
"""Its ids 61 to 72 are known from three public projects; the names of the others are Nemo's, or made up."""

_FUNCTIONS = [f"<{end}_function_{what}>" for what in ("declaration", "call", "response") for end in ("start", "end")]
DERIVED: dict[str, tuple[str, dict[int, str]]] = {
    "functiongemma": ("gemma-3", dict(enumerate([*_FUNCTIONS, "<escape>"], 46))),
    "deepseek-v4.1": ("deepseek-v4", {128799: "<｜System｜>"}),
    "lfm2.5": ("lfm2", {64400: "<think>", 64401: "</think>"}),
}
"""Tokenizers that are another's with ids named, or named anew; whatever else they add is not known here. The ids of
functiongemma are those that a public converter asserts of the official tokenizer, DeepSeek V4.1's is one that a public
port's tests have; an id keeps its flags."""

KIMI_PLAIN = (
    "<|tool_calls_section_begin|> <|tool_calls_section_end|> <|tool_call_begin|> <|tool_call_argument_begin|>"
    " <|tool_call_end|> <think> </think>"
)

DEEPSEEK_THINK = {128798: ("<think>", False), 128799: ("</think>", False)}
DEEPSEEK_SEARCH = {128796: ("<｜search▁begin｜>", False), 128797: ("<｜search▁end｜>", False), **DEEPSEEK_THINK}
DEEPSEEK_DSML = {128793: ("｜DSML｜", True), 128794: ("<dsml:", False), 128795: ("</dsml:", False), **DEEPSEEK_SEARCH}
