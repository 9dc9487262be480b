"""Train turnwire/data/small.json, the byte-level BPE behind `turnwire.small_tokenizer`, on the project's own text.

    python scripts/train_small_tokenizer.py [more text files ...] [--size 6000] [--out turnwire/data/small.json]

The text is scripts/small_corpus.txt, snippets of tool calls made here, and the repository's own sources, documents
and fixtures (--no-repository leaves those out). The same text gives the same file. All 256 bytes are in the
vocabulary; no normalisation.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from turnwire.tokenfiles import QWEN3, byte_alphabet

ROOT = Path(__file__).resolve().parent.parent

TOOLS = {
    "get_weather": {"city": ["Paris", "Oslo", "Tokyo", "San Francisco, CA"], "unit": ["celsius", "fahrenheit"]},
    "search": {
        "query": ["latest news about the election", "python json parser", "best pizza near me"],
        "limit": [3, 10],
    },
    "read_file": {"path": ["/home/user/notes.txt", "src/main.py", "README.md"], "encoding": ["utf-8", None]},
    "write_file": {"path": ["out/report.md", "data.json"], "content": ["line one\nline two\n", 'print("hello")\n', ""]},
    "run_command": {"command": ["ls -la", "git status", "pytest -q"], "timeout": [30, 120]},
    "send_email": {
        "to": [["anna@example.com"], ["a@example.org", "b@example.org"]],
        "subject": ["Hello", "Your order"],
    },
    "calculate": {"expression": ["2 + 2", "sqrt(16) * 3.5", "(1 - 0.2) / 4"], "precision": [2, 6]},
    "book_flight": {
        "from": ["CPH", "JFK"],
        "to": ["LIS", "LAX"],
        "date": ["2025-05-14", "2024-12-01"],
        "adults": [1, 2],
    },
    "create_event": {
        "title": ["Team meeting", "Dentist"],
        "start": ["2025-03-03T09:00:00Z"],
        "reminder": [True, False],
    },
    "update_record": {"id": ["user_1024", "0042"], "fields": [{"name": "Li", "age": 31, "tags": ["new", "vip"]}, {}]},
}
KINDS = {str: "string", int: "integer", bool: "boolean", list: "array", dict: "object", type(None): "null"}


def snippets() -> Iterator[str]:
    """Declarations, calls and results in the notations that models use."""
    for number, (name, parameters) in enumerate(TOOLS.items()):
        properties = {
            key: {"type": KINDS[type(values[0])], "description": f"The {key} to use."}
            for key, values in parameters.items()
        }
        schema = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        description = f"Call {name.replace('_', ' ')} and return the result."
        tool = {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}
        yield json.dumps(tool)
        yield json.dumps(tool, indent=2)
        for values in itertools.islice(itertools.product(*parameters.values()), 4):
            yield from calls(name, dict(zip(parameters, values, strict=True)), number)


def calls(name: str, arguments: dict[str, Any], number: int) -> Iterator[str]:
    """One call in each notation, and its result."""
    tight = json.dumps(arguments, separators=(",", ":"))
    yield "<tool_call>\n" + json.dumps({"name": name, "arguments": arguments}) + "\n</tool_call>"
    yield f"functions.{name}:{number}{tight} to=functions.{name} json {json.dumps(arguments)}"
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in arguments.items()}
    inner = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in values.items())
    yield f"<tool_call>\n<function={name}>\n{inner}</function>\n</tool_call>"
    yield f'<invoke name="{name}">\n' + "".join(
        f'<parameter name="{key}" string="true">{value}</parameter>\n' for key, value in values.items()
    )
    yield "".join(f"<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>\n" for key, value in values.items())
    yield f"[{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})]"
    yield json.dumps({"role": "tool", "tool_call_id": f"call_{number:08d}", "name": name, "content": {"result": "ok"}})
    yield json.dumps({"status": "success", "error": None, "data": [arguments], "count": 1}, indent=2)


def corpus(extra: Iterable[Path], repository: bool) -> Iterator[str]:
    """The texts, in a fixed order."""
    yield (ROOT / "scripts" / "small_corpus.txt").read_text("utf-8")
    yield from snippets()
    if repository:
        found = [
            ROOT / "README.md",
            *ROOT.glob("turnwire/**/*.py"),
            *ROOT.glob("docs/*.md"),
            *ROOT.glob("fixtures/**/*"),
        ]
        for path in sorted(path for path in found if path.is_file()):
            yield path.read_text("utf-8", "replace")[:100_000]
    for path in extra:
        yield path.read_text("utf-8", "replace")


def train(texts: Iterable[str], size: int) -> str:
    """The tokenizer.json, on one line."""
    tokenizer = Tokenizer(models.BPE())
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = pre_tokenizers.Split(Regex(QWEN3), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        initial_alphabet=list(byte_alphabet()),
        max_token_length=20,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    made: dict[str, Any] = json.loads(tokenizer.to_str())
    made["model"]["merges"] = [pair if isinstance(pair, str) else " ".join(pair) for pair in made["model"]["merges"]]
    made["model"]["vocab"] = dict(sorted(made["model"]["vocab"].items(), key=lambda item: item[1]))
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the small tokenizer.")
    parser.add_argument("extra", nargs="*", type=Path, help="more text files")
    parser.add_argument("--size", type=int, default=6000)
    parser.add_argument("--out", type=Path, default=ROOT / "turnwire" / "data" / "small.json")
    parser.add_argument("--no-repository", action="store_true", help="leave the repository's own files out")
    args = parser.parse_args()
    data = train(corpus(args.extra, not args.no_repository), args.size)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(data, "utf-8")
    print(f"{args.out}: {len(data.encode())} bytes, {len(json.loads(data)['model']['vocab'])} entries")


if __name__ == "__main__":
    main()
