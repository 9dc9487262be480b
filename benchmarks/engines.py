"""vLLM's own streaming parsers against ours, by ids, one token a call, in one process: `make bench-vllm`, or
`python -m benchmarks.engines [--size 20k]` where vllm can be imported.

They are called as its server calls them: the text of each token is decoded beforehand (which ours does itself), the
tokenizer is vLLM's cached one, and what the parser returns is looked at. Each result is checked like ours.
"""

from __future__ import annotations

import argparse
import codecs
import json
from typing import Any

from tests.real import transformers_tokenizer

from .measure import Work, interleave, machine, table, versions
from .stream import FLOOR, ONE, Case
from .workload import TOOLS

PARSERS: dict[str, tuple[str, str | None]] = {
    "qwen3": ("hermes", "qwen3"),
    "qwen3-coder": ("qwen3_coder", None),
    "harmony": ("openai", "openai_gptoss"),
}
"""The tool parser and the reasoning parser that vLLM's recipes name for the models of a format."""
THEIRS = "vLLM, one token a call"


class Vllm:
    """vLLM's parser of a case."""

    def __init__(self, case: Case):
        from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
        from vllm.parser.parser_manager import ParserManager
        from vllm.tokenizers.hf import get_cached_tokenizer

        tool, reasoning = PARSERS[case.name]
        self.case = case
        self.tokenizer: Any = get_cached_tokenizer(transformers_tokenizer(case.tokenizer))
        self.request: Any = ChatCompletionRequest(
            model="m", messages=[{"role": "user", "content": "x"}], tools=TOOLS, tool_choice="auto"
        )
        self.make: Any = ParserManager.get_parser(
            tool_parser_name=tool,
            reasoning_parser_name=reasoning,
            enable_auto_tools=True,
            model_name="m",
            is_harmony=case.name == "harmony",
        )
        decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.texts = [decode(case.bytes[i]) for i in case.ids]

    def run(self) -> tuple[str, str, list[tuple[str, str]]]:
        """Reasoning, content, and the calls with their arguments as text."""
        parser, last = self.make(self.tokenizer, self.request.tools), len(self.case.ids) - 1
        reasoning: list[str] = []
        content: list[str] = []
        calls: dict[int, tuple[list[str], list[str]]] = {}
        for n, (text, i) in enumerate(zip(self.texts, self.case.ids)):
            delta = parser.parse_delta(
                text, [i], self.request, prompt_token_ids=[] if n == 0 else None, finished=n == last
            )
            if delta is None:
                continue
            reasoning.append(delta.reasoning or "")
            content.append(delta.content or "")
            for call in delta.tool_calls or ():
                names, arguments = calls.setdefault(call.index, ([], []))
                if call.function is not None:
                    names.append(call.function.name or "")
                    arguments.append(call.function.arguments or "")
        found = [("".join(names), "".join(arguments)) for _, (names, arguments) in sorted(calls.items())]
        return "".join(reasoning), "".join(content), found

    def result(self) -> str:
        """ "ok", or what is wrong: reasoning and content less blanks at their ends, calls with their arguments."""
        wanted = self.case.wanted
        reasoning, content, calls = self.run()
        try:
            found = [(name, json.loads(arguments)) for name, arguments in calls]
        except ValueError:
            return f"WRONG arguments ({len(calls)} calls)"
        if found != list(wanted.calls):
            return f"WRONG calls ({len(calls)})"
        whole = (
            [wanted.reasoning, wanted.content]
            if PARSERS[self.case.name][1]
            else ["", wanted.reasoning + wanted.content]
        )
        same = [
            "".join(a.split()) == "".join(b.removesuffix("<|im_end|>").split())
            for a, b in zip(whole, (reasoning, content))
        ]
        return "ok" if all(same) else "WRONG text"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--formats", default=",".join(PARSERS))
    parser.add_argument("--size", default="20k")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    print(f"{machine()}; {versions('vllm', 'tokenizers', 'transformers')}; medians of {args.rounds} rounds.\n")
    lines: list[list[str]] = []
    for name in args.formats.split(","):
        case = Case(name, args.size)
        theirs = Vllm(case)
        rows: dict[str, Work] = {FLOOR: case.floor, ONE: case.one, THEIRS: theirs.run}
        times = interleave(rows, args.rounds)
        us = [f"{times.median(row) / len(case.ids) * 1e6:.2f}" for row in (ONE, THEIRS)]
        ratios = [f"{times.ratio(THEIRS, ONE):.1f}", f"{times.ratio(THEIRS, FLOOR):.0f}"]
        lines.append([name, f"{len(case.ids):,}", *us, *ratios, case.check(ONE, case.one), theirs.result()])
    head = [f"us per token, {args.size}", "tokens", "turnwire", "vLLM", "vLLM / turnwire", "vLLM / floor", "result"]
    print(table([*head, "their result"], lines, args.markdown))


if __name__ == "__main__":
    main()
